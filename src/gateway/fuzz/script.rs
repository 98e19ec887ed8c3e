// SPDX-License-Identifier: MIT
//! Bytes as choices.

/// What is left of the bytes that tell the story.
pub struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    /// All of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether the story is told.
    pub const fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte, or 0.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    /// One of `list`, if there is one.
    pub fn one_of<'l, T>(&mut self, list: &'l [T]) -> Option<&'l T> {
        let at = self.byte();
        (!list.is_empty()).then(|| &list[usize::from(at) % list.len()])
    }
}
