// SPDX-License-Identifier: MIT
//! The brackets that are open, one bit each, in a place of fixed size.

/// The deepest nesting that is followed.
pub const DEPTH_MAX: usize = WORDS * 64;

/// As many words as the deepest nesting of messages needs.
const WORDS: usize = 8;

/// The open brackets: 1 for an object.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nest {
    words: [u64; WORDS],
    depth: usize,
}

impl Nest {
    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    /// Opens one more. There are fewer than [`DEPTH_MAX`].
    pub(super) const fn push(&mut self, is_object: bool) {
        let word = &mut self.words[self.depth / 64];
        let bit = 1 << (self.depth % 64);
        *word = if is_object { *word | bit } else { *word & !bit };
        self.depth += 1;
    }

    /// Closes the innermost one. There is one.
    pub(super) const fn pop(&mut self) {
        self.depth -= 1;
    }

    /// Whether the innermost one is an object; `None`: nothing is open.
    #[inline]
    pub(super) const fn is_object(&self) -> Option<bool> {
        match self.depth.checked_sub(1) {
            Some(at) => Some(self.words[at / 64] >> (at % 64) & 1 == 1),
            None => None,
        }
    }
}
