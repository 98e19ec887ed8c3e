// SPDX-License-Identifier: MIT
//! Where a `$ref` leads, within its own schema. What is elsewhere is never fetched.
//!
//! Spec: RFC 6901 §4, §6 (pointers in fragments); JSON Schema 2020-12, core §8.2.

use std::collections::BTreeMap;

use super::{Flaw, excerpt};
use crate::base::{Span, bytes};
use crate::wire::json::scan;

/// The places in one schema that references may lead to.
///
/// Each is looked at once, however many references there are: a schema comes from a server, and
/// everybody else waits while it is mended.
pub(super) struct Places<'t> {
    text: &'t [u8],
    root: Span,
    /// What is in the objects and arrays that pointers have led through, by where they begin.
    inner: BTreeMap<u32, Inner>,
    /// Where names are given, once somebody has asked for one.
    named: Option<BTreeMap<Box<str>, Vec<Given>>>,
}

enum Inner {
    Members(BTreeMap<Box<str>, Span>),
    Elements(Vec<Span>),
}

/// A name given to a schema.
#[derive(Clone, Copy)]
struct Given {
    to: Span,
    is_id: bool,
}

impl<'t> Places<'t> {
    /// Those of the schema at `root`, a place in `text`, JSON that was validated.
    pub(super) const fn of(text: &'t [u8], root: Span) -> Self {
        Self { text, root, inner: BTreeMap::new(), named: None }
    }

    /// The schema that `reference` names, seen from the top.
    ///
    /// Errors: [`Flaw::Dangling`], [`Flaw::Remote`].
    pub(super) fn resolve(&mut self, reference: &str) -> Result<Span, Flaw> {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let start = match base {
            "" => self.root,
            base => {
                self.given(self.root, base, true).ok_or_else(|| Flaw::Remote(excerpt(reference)))?
            }
        };
        let found = match fragment {
            "" => Some(start),
            pointer if pointer.starts_with('/') => self.follow(start, pointer),
            anchor => self
                .given(start, anchor, false)
                .or_else(|| self.given(start, &format!("#{anchor}"), true)),
        };
        found.ok_or_else(|| Flaw::Dangling(excerpt(reference)))
    }

    /// The value that a pointer leads to, which begins with `/`.
    fn follow(&mut self, mut at: Span, pointer: &str) -> Option<Span> {
        let decoded = percent_decoded(pointer);
        for token in decoded.split('/').skip(1) {
            // In this order: `~01` is `~1` and not a slash.
            let token = token.replace("~1", "/").replace("~0", "~");
            at = match self.inner(at) {
                Inner::Members(members) => *members.get(&*token)?,
                Inner::Elements(elements) => {
                    let index = usize::try_from(bytes::parse_u64(token.as_bytes())?).ok()?;
                    *elements.get(index)?
                }
            };
        }
        Some(at)
    }

    fn inner(&mut self, at: Span) -> &Inner {
        let text = self.text;
        self.inner.entry(at.start).or_insert_with(|| match at.of(text).first() {
            Some(b'[') => Inner::Elements(scan::elements(text, at).collect()),
            _ => {
                let name = |place| scan::string(text, place).unwrap_or_default().into();
                let members = scan::members(text, at).map(|(place, value)| (name(place), value));
                Inner::Members(members.collect())
            }
        })
    }

    /// The object within `start` that was given the name.
    fn given(&mut self, start: Span, name: &str, is_id: bool) -> Option<Span> {
        let named = self.named.get_or_insert_with(|| names_in(self.text, self.root));
        let is_within = |given: &&Given| {
            given.is_id == is_id && given.to.start >= start.start && given.to.end <= start.end
        };
        named.get(name)?.iter().find(is_within).map(|given| given.to)
    }
}

/// All names that are given in a schema.
fn names_in(text: &[u8], root: Span) -> BTreeMap<Box<str>, Vec<Given>> {
    let mut names: BTreeMap<Box<str>, Vec<Given>> = BTreeMap::new();
    let mut left = vec![(root, 0)];
    while let Some((at, depth)) = left.pop() {
        if depth > super::inline::DEPTH_MAX {
            continue;
        }
        for (key, value) in scan::members(text, at) {
            left.push((value, depth + 1));
            let is_id = match scan::string(text, key).as_deref() {
                Some("$id" | "id") => true,
                Some("$anchor" | "$dynamicAnchor") => false,
                _ => continue,
            };
            if let Some(name) = scan::string(text, value) {
                names.entry(name.into()).or_default().push(Given { to: at, is_id });
            }
        }
        left.extend(scan::elements(text, at).map(|value| (value, depth + 1)));
    }
    names
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

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r##"{"$id":"https://a.example/s","$defs":{"a/b":{"x":1},"c~d":{"x":2},
        "e f":{"x":3},"l":[{"x":4}],"n":{"$anchor":"here","x":5},"o":{"$id":"other.json","$defs":
        {"p":{"x":6}}},"q":{"$dynamicAnchor":"dyn","x":7}}}"##;

    #[track_caller]
    fn check(reference: &str, want: &str) {
        let root = Span::new(0, SCHEMA.len());
        let found = Places::of(SCHEMA.as_bytes(), root).resolve(reference).unwrap();
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
            let root = Span::new(0, SCHEMA.len());
            Places::of(SCHEMA.as_bytes(), root).resolve(reference).unwrap_err()
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
