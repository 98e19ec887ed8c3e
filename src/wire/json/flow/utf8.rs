// SPDX-License-Identifier: MIT
//! Whether blocks, one after the other, are UTF-8: a character may be cut by their borders.

use crate::base::bytes::is_ascii;

/// What is known of the blocks so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Utf8 {
    /// The beginning of a character whose rest has not come.
    held: [u8; 4],
    n_held: usize,
}

impl Utf8 {
    /// Takes the next block; `false`: it cannot go on like this.
    pub(super) fn takes(&mut self, mut block: &[u8]) -> bool {
        while self.n_held > 0
            && let Some((&first, rest)) = block.split_first()
        {
            block = rest;
            // Three bytes are the longest beginning of a character.
            self.held[self.n_held] = first;
            self.n_held += 1;
            match std::str::from_utf8(&self.held[..self.n_held]) {
                Ok(_) => self.n_held = 0,
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return false,
            }
        }
        // Most blocks are ASCII, and that is seen in far fewer steps.
        if is_ascii(block) {
            return true;
        }
        match std::str::from_utf8(block) {
            Ok(_) => true,
            Err(error) if error.error_len().is_some() => false,
            Err(error) => {
                let rest = &block[error.valid_up_to()..];
                self.held[..rest.len()].copy_from_slice(rest);
                self.n_held = rest.len();
                true
            }
        }
    }

    /// Whether the last character is not complete.
    pub(super) const fn is_cut(&self) -> bool {
        self.n_held > 0
    }
}
