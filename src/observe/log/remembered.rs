// SPDX-License-Identifier: MIT
//! The last name that was looked at: the next one is often the same.

use std::borrow::Cow;

use crate::observe::redact::{Form, Redactor};

/// Longer names are not remembered.
const REMEMBERED_BYTES_MAX: usize = 256;

/// The name that was redacted last and had no secret in it; the next one is often the same.
#[derive(Default)]
pub struct Remembered(Vec<u8>);

impl Remembered {
    /// The name without secrets.
    pub fn redact<'t>(&mut self, name: &'t [u8], redactor: &Redactor) -> Cow<'t, [u8]> {
        if name == self.0 {
            return Cow::Borrowed(name);
        }
        let redacted = redactor.redact(name, Form::Text);
        if matches!(redacted, Cow::Borrowed(_)) && name.len() <= REMEMBERED_BYTES_MAX {
            self.0.clear();
            self.0.extend_from_slice(name);
        }
        redacted
    }
}
