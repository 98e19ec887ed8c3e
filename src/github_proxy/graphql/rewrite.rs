// SPDX-License-Identifier: MIT
//! Selections put into a query, while every other byte of the request stays as it is spelled.

use std::collections::{BTreeMap, BTreeSet};

use super::body::Body;
use crate::base::Span;
use crate::wire::json::edit::Edits;

/// What is put in, and where: bytes behind an opening brace of the query, decoded.
pub(super) type Insertions = BTreeMap<usize, BTreeSet<&'static str>>;

/// The body with `insertions` in its query.
///
/// The texts are names, braces and dots, so nothing in them has to be escaped in JSON.
pub(super) fn with_insertions(body: &Body<'_>, insertions: &Insertions) -> Vec<u8> {
    let mut edits = Edits::of(body.text);
    let places = spelled_places(body, insertions.keys().copied());
    for (place, texts) in places.into_iter().zip(insertions.values()) {
        let text: String = texts.iter().map(|text| format!("{text} ")).collect();
        edits.replace(Span::new(place, place), text.into_bytes());
    }
    edits.apply()
}

/// Where the bytes at `decoded` places of the query, in their order, stand in the body.
fn spelled_places(body: &Body<'_>, decoded: impl Iterator<Item = usize>) -> Vec<usize> {
    let spelled = body.place.of(body.text);
    let first = body.place.start as usize;
    let (mut at, mut n_decoded) = (1, 0);
    let mut places = Vec::new();
    for want in decoded {
        while n_decoded < want {
            let (spelled_len, decoded_len) = letter(spelled.get(at..).unwrap_or_default());
            at += spelled_len;
            n_decoded += decoded_len;
        }
        places.push(first + at);
    }
    places
}

/// How many bytes the next letter, or a part of it, has as it is spelled and decoded.
fn letter(spelled: &[u8]) -> (usize, usize) {
    match spelled {
        [b'\\', b'u', ..] => {
            let (first, second) = (code(spelled, 0), code(spelled, 6));
            let is_pair = (0xD800..0xDC00).contains(&first) && (0xDC00..0xE000).contains(&second);
            match first {
                // Both halves make one letter of four bytes; one alone becomes U+FFFD.
                _ if is_pair => (12, 4),
                0..0x80 => (6, 1),
                0x80..0x800 => (6, 2),
                _ => (6, 3),
            }
        }
        [b'\\', ..] => (2, 1),
        _ => (1, 1),
    }
}

/// The four digits of the `\uXXXX` at `at`; 0 if there is none.
fn code(spelled: &[u8], at: usize) -> u32 {
    let digits = spelled.get(at..at + 6).and_then(|escape| escape.strip_prefix(b"\\u"));
    let text = digits.and_then(|digits| str::from_utf8(digits).ok()).unwrap_or_default();
    u32::from_str_radix(text, 16).unwrap_or(0)
}
