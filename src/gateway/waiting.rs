// SPDX-License-Identifier: MIT
//! What waits for somebody: few messages and few bytes, and the oldest gives way.

use std::collections::VecDeque;

use crate::base::Limits;

/// Lets `one` wait in `queue`, which stays within `queued_messages_max` and `queued_bytes_max`.
pub(super) fn keep<T>(queue: &mut VecDeque<T>, one: T, limits: &Limits, len: impl Fn(&T) -> usize) {
    queue.push_back(one);
    let bytes = |queue: &VecDeque<T>| queue.iter().map(&len).sum::<usize>();
    while queue.len() > limits.queued_messages_max || bytes(queue) > limits.queued_bytes_max {
        queue.pop_front();
    }
}
