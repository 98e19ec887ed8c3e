// SPDX-License-Identifier: MIT
//! Bytes that have come before their turn.

/// Bytes of later requests, and of a body that nobody has asked for yet.
///
/// Invariant: `taken <= bytes.len()`; when all is taken, nothing is allocated.
#[derive(Default)]
pub(super) struct Pending {
    bytes: Vec<u8>,
    taken: usize,
}

impl Pending {
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn keep(&mut self, input: &[u8]) {
        // Moving the rest costs no more than what was taken before it has cost.
        if self.taken > self.len() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.extend_from_slice(input);
    }

    pub(super) fn take(&mut self, n: usize) {
        self.taken += n;
        debug_assert!(self.taken <= self.bytes.len(), "more taken than there was");
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// All of it as one vector, without copying, if it begins where the vector does and is no
    /// longer than `len_max`; else nothing, and it stays.
    pub(super) fn take_whole(&mut self, len_max: usize) -> Vec<u8> {
        if self.taken > 0 || self.bytes.len() > len_max {
            return Vec::new();
        }
        std::mem::take(self).bytes
    }
}
