// SPDX-License-Identifier: MIT
//! Where a `$ref` leads, within its own schema. What is elsewhere is never fetched.
//!
//! Spec: RFC 6901 §4, §6 (pointers in fragments); JSON Schema 2020-12, core §8.2.

use super::{Flaw, excerpt};
use crate::base::{Span, bytes};
use crate::wire::json::scan;

/// The schema that `reference` names, seen from the top of its schema, `root`.
///
/// Errors: [`Flaw::Dangling`], [`Flaw::Remote`].
pub(super) fn resolve(text: &[u8], root: Span, reference: &str) -> Result<Span, Flaw> {
    let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let start = match base {
        "" => root,
        base => search(text, root, &["$id", "id"], base)
            .ok_or_else(|| Flaw::Remote(excerpt(reference)))?,
    };
    let found = match fragment {
        "" => Some(start),
        pointer if pointer.starts_with('/') => follow(text, start, pointer),
        anchor => search(text, start, &["$anchor", "$dynamicAnchor"], anchor)
            .or_else(|| search(text, start, &["$id", "id"], &format!("#{anchor}"))),
    };
    found.ok_or_else(|| Flaw::Dangling(excerpt(reference)))
}

/// The value that a pointer leads to, which begins with `/`.
fn follow(text: &[u8], mut at: Span, pointer: &str) -> Option<Span> {
    let decoded = percent_decoded(pointer);
    for token in decoded.split('/').skip(1) {
        // In this order: `~01` is `~1` and not a slash.
        let token = token.replace("~1", "/").replace("~0", "~");
        at = match text.get(at.start as usize) {
            Some(b'[') => {
                let index = usize::try_from(bytes::parse_u64(token.as_bytes())?).ok()?;
                scan::elements(text, at).nth(index)?
            }
            _ => scan::member(text, at, &token)?,
        };
    }
    Some(at)
}

fn percent_decoded(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The first object within `root` that has one of these members with this text.
fn search(text: &[u8], root: Span, names: &[&str], wanted: &str) -> Option<Span> {
    let mut left = vec![(root, 0)];
    while let Some((at, depth)) = left.pop() {
        if depth > super::inline::DEPTH_MAX {
            continue;
        }
        let is_it = |name| {
            let said = scan::member(text, at, name).and_then(|value| scan::string(text, value));
            said.as_deref() == Some(wanted)
        };
        match text.get(at.start as usize) {
            Some(b'{') if names.iter().any(|name| is_it(name)) => return Some(at),
            Some(b'{') => left.extend(scan::members(text, at).map(|(_, value)| (value, depth + 1))),
            Some(b'[') => left.extend(scan::elements(text, at).map(|value| (value, depth + 1))),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r##"{"$id":"https://a.example/s","$defs":{"a/b":{"x":1},"c~d":{"x":2},
        "e f":{"x":3},"l":[{"x":4}],"n":{"$anchor":"here","x":5},"o":{"$id":"other.json","$defs":
        {"p":{"x":6}}},"q":{"$dynamicAnchor":"dyn","x":7}}}"##;

    #[track_caller]
    fn check(reference: &str, want: &str) {
        let root = Span::new(0, SCHEMA.len());
        let found = resolve(SCHEMA.as_bytes(), root, reference).unwrap();
        assert!(SCHEMA[found.start as usize..found.end as usize].contains(want), "{reference}");
    }

    #[test]
    fn pointers_anchors_and_ids_lead_somewhere() {
        check("#/$defs/a~1b", "\"x\":1");
        check("#/$defs/c~0d", "\"x\":2");
        check("#/$defs/e%20f", "\"x\":3");
        check("#/%24defs/l/0", "\"x\":4");
        check("#here", "\"x\":5");
        check("other.json#/$defs/p", "\"x\":6");
        check("#dyn", "\"x\":7");
        check("https://a.example/s#/$defs/n", "\"x\":5");
        check("#", "$id");
    }

    #[test]
    fn others_lead_nowhere_and_nothing_is_fetched() {
        let fails = |reference: &str| {
            resolve(SCHEMA.as_bytes(), Span::new(0, SCHEMA.len()), reference).unwrap_err()
        };
        for reference in
            ["#/$defs/x", "#/$defs/l/1", "#/$defs/l/x", "#/$defs/a/b", "#nobody", "#//"]
        {
            assert_eq!(fails(reference), Flaw::Dangling(reference.into()));
        }
        for reference in ["https://b.example/s", "file:///etc/passwd", "x.json#/a"] {
            assert_eq!(fails(reference), Flaw::Remote(reference.into()));
        }
    }
}
