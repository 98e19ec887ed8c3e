// SPDX-License-Identifier: MIT
//! Takes secrets out of what is written: those we were told, and what looks like one.
//!
//! A text is looked through four times: at `:` and `=` for values with a telling name, with vector
//! instructions for `Bearer` and tokens, at every 17th byte for long numbers, at every n-th for
//! secrets we know. Nothing is copied unless something is found. JSON stays JSON: an edit never
//! crosses the border of a string and never cuts an escape.

mod known;
mod name;
mod word;

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use crate::base::Secret;
use crate::wire::json::tree;
use known::Known;
use word::Beginnings;

pub use known::NEEDLE_BYTES_MIN;

/// What stands where a secret stood.
pub const MARK: &[u8] = b"[REDACTED]";

/// What a text is, and what it must stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One valid JSON value.
    Json,
    /// Anything else.
    Text,
}

/// Knows our secrets, and what others look like.
#[derive(Default)]
pub struct Redactor {
    known: Known,
    beginnings: Beginnings,
}

impl Redactor {
    /// Will find each of `secrets` as it is, with JSON escapes, in base64 (both alphabets, at any
    /// alignment) and percent-encoded. Secrets shorter than [`NEEDLE_BYTES_MIN`] are ignored.
    #[must_use]
    pub fn new(secrets: &[Secret]) -> Self {
        Self { known: Known::new(secrets), beginnings: Beginnings::default() }
    }

    /// `text` without secrets. Borrowed, and cheap, if there were none.
    ///
    /// With [`Form::Json`] a valid JSON text gives a valid JSON text; with [`Form::Text`] it might
    /// not.
    #[must_use]
    pub fn redact<'t>(&self, text: &'t [u8], form: Form) -> Cow<'t, [u8]> {
        apply(text, form, self.find(text, form))
    }

    /// [`Self::redact`] for a text whose end may have been cut off: the beginning of a known secret
    /// at the end goes as well. Costs more.
    #[must_use]
    pub fn redact_cut<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let mut edits = self.find(text, Form::Text);
        self.known.find_cut(text, &mut edits);
        apply(text, Form::Text, edits)
    }

    /// `text` without the secrets that we know; what looks like one stays.
    #[must_use]
    pub fn redact_known<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let mut edits = Vec::new();
        self.known.find(text, Form::Text, &mut edits);
        apply(text, Form::Text, edits)
    }

    fn find(&self, text: &[u8], form: Form) -> Vec<Edit> {
        let mut edits = Vec::new();
        name::find(text, form, &mut edits);
        self.beginnings.find_shapes(text, form, &mut edits);
        word::find_hex(text, &mut edits);
        self.known.find(text, form, &mut edits);
        edits
    }
}

/// `text[start..end]` has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edit {
    start: usize,
    end: usize,
    /// Whether `=` stands before the mark.
    equals: bool,
    /// Whether the place is only right if it begins where an escape may begin.
    has_escapes: bool,
}

impl Edit {
    const fn mark(start: usize, end: usize) -> Self {
        Self { start, end, equals: false, has_escapes: false }
    }

    const fn equals_mark(start: usize, end: usize) -> Self {
        Self { start, end, equals: true, has_escapes: false }
    }
}

fn apply(text: &[u8], form: Form, mut edits: Vec<Edit>) -> Cow<'_, [u8]> {
    if edits.is_empty() {
        return Cow::Borrowed(text);
    }
    edits.sort_unstable_by_key(|edit| (edit.start, edit.end));
    let mut out = Vec::with_capacity(text.len() + 4 * MARK.len());
    let mut strings = Strings::new(text);
    let mut kept = 0; // What lies before has been copied or left out.
    for mut edit in edits {
        let place = if form == Form::Json { strings.place(edit.start) } else { Place::Inside };
        match place {
            Place::Escape { .. } if edit.has_escapes => continue,
            Place::Escape { end } => edit.start = end,
            Place::Inside | Place::Outside => {}
        }
        if edit.end <= kept.max(edit.start) {
            continue;
        }
        if place == Place::Outside {
            let start = edit.start.max(kept);
            out.extend_from_slice(&text[kept..start]);
            out.extend(text[start..edit.end].iter().map(|&byte| hide_digit(byte)));
        } else if edit.start >= kept {
            out.extend_from_slice(&text[kept..edit.start]);
            out.extend_from_slice(if edit.equals { b"=" } else { b"" });
            out.extend_from_slice(MARK);
        }
        kept = edit.end;
    }
    out.extend_from_slice(&text[kept..]);
    Cow::Owned(out)
}

/// A number stays a number of the same length, whatever stood in it (RFC 8259 §6).
const fn hide_digit(byte: u8) -> u8 {
    if byte.is_ascii_digit() { b'9' } else { byte }
}

/// Walks through a JSON text and tells its strings from what is between them.
struct Strings<'t> {
    text: &'t [u8],
    at: usize,
    inside: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Inside,
    Outside,
    /// After the backslash of an escape that ends at `end`.
    Escape {
        end: usize,
    },
}

impl<'t> Strings<'t> {
    const fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, inside: false }
    }

    /// Where `at` lies; it must not be less than the time before.
    fn place(&mut self, at: usize) -> Place {
        while self.at < at {
            let rest = &self.text[self.at..at];
            let next = if self.inside { memchr2(b'"', b'\\', rest) } else { memchr(b'"', rest) };
            let Some(next) = next else {
                self.at = at;
                break;
            };
            self.at += next + 1;
            if rest[next] == b'"' {
                self.inside = !self.inside;
            } else {
                self.at += if self.text.get(self.at) == Some(&b'u') { 5 } else { 1 };
            }
        }
        if self.at > at {
            Place::Escape { end: self.at }
        } else if self.inside {
            Place::Inside
        } else {
            Place::Outside
        }
    }
}

/// Whatever comes in: known secrets do not come out, and JSON comes out as JSON.
pub fn fuzz(text: &[u8]) {
    const SECRETS: [&[u8]; 4] = [b"Zsecret", b"Z\"quoted\\/&\"", b"9876543210", b"ZZZZZZZZZZ"];
    let redactor = Redactor::new(&SECRETS.map(Secret::new));
    let is_json = |text: &[u8]| tree::parse(text, 64).is_ok();
    let form = if is_json(text) { Form::Json } else { Form::Text };
    let out = redactor.redact(text, form);
    assert!(form == Form::Text || is_json(&out), "{} is no JSON", out.escape_ascii());
    for secret in SECRETS {
        // In JSON a secret with quotes is a secret only where it is escaped.
        if form == Form::Text || !secret.contains(&b'"') {
            assert!(memchr::memmem::find(&out, secret).is_none(), "{}", out.escape_ascii());
        }
    }
}

#[cfg(test)]
mod tests;
