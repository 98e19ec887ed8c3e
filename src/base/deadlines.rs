// SPDX-License-Identifier: MIT
//! Many deadlines, of which one number reaches the poll.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// A heap of moments and what they are for.
///
/// A deadline is never taken back: its owner keeps the valid moment and ignores an entry that comes
/// too early. So arming is O(log n), and cancelling is free.
#[derive(Debug)]
pub struct Deadlines<T: Ord> {
    heap: BinaryHeap<Reverse<(Instant, T)>>,
}

impl<T: Ord> Default for Deadlines<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new() }
    }
}

impl<T: Ord> Deadlines<T> {
    /// Without deadlines.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one deadline.
    pub fn arm(&mut self, at: Instant, what: T) {
        self.heap.push(Reverse((at, what)));
    }

    /// The earliest deadline; it may be stale, which costs its owner one look.
    #[must_use]
    pub fn earliest(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// The next deadline that is not after `now`, until there is none.
    pub fn expired(&mut self, now: Instant) -> Option<T> {
        if self.earliest()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, what))| what)
    }

    /// How many entries there are, stale ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is armed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Drops the entries that `alive` does not want any more.
    pub fn retain(&mut self, mut alive: impl FnMut(Instant, &T) -> bool) {
        self.heap.retain(|Reverse((at, what))| alive(*at, what));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn deadlines_come_in_the_order_of_time() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut deadlines = Deadlines::new();
        for (s, name) in [(3, "c"), (1, "a"), (2, "b")] {
            deadlines.arm(at(s), name);
        }
        assert_eq!(deadlines.earliest(), Some(at(1)));
        assert_eq!(deadlines.expired(at(2)), Some("a"));
        assert_eq!(deadlines.expired(at(2)), Some("b"));
        assert_eq!(deadlines.expired(at(2)), None);
        assert_eq!(deadlines.len(), 1);
    }
}
