// SPDX-License-Identifier: MIT
//! What is left of an answer when items are taken out of it, in the shape that clients expect.
//!
//! ```text
//!  {"data":{"repository":{"issues":{"totalCount":9,"nodes":[a, b, c]}}}}
//!      places(at) ──────────────────> {…}   lists ──> [a, b, c]   view ──> what a guard sees
//!  {"data":{"repository":{"issues":{"totalCount":2,"nodes":[a, c]}}}}        remove("…/nodes/1")
//! ```
//!
//! Places are JSON pointers (RFC 6901) in a text that was validated before. What is not taken out
//! stays as it is spelled.

mod gone;

use self::gone::Gone;
use crate::base::{Span, bytes};
use crate::wire::json::edit::{self, Edits};
use crate::wire::json::scan;

/// A value of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What has to be removed for it to be gone.
    pub pointer: String,
    /// Where the value itself lies.
    pub span: Span,
}

/// The values that `at` leads to, member by member; all elements of lists on the way, and of the
/// last one. What is `null` is none.
#[must_use]
pub fn places(text: &[u8], at: &[String]) -> Vec<Found> {
    let mut found = vec![Found { pointer: String::new(), span: edit::whole(text) }];
    for name in at {
        found = found
            .iter()
            .flat_map(|outer| {
                let value = scan::member(text, outer.span, name);
                let pointer = format!("{}/{}", outer.pointer, escaped(name));
                value.map_or(Vec::new(), |span| spread(text, Found { pointer, span }))
            })
            .collect();
    }
    found
}

/// The value itself, or what it holds if it is a list.
fn spread(text: &[u8], found: Found) -> Vec<Found> {
    match found.span.of(text).first() {
        Some(b'[') => {
            let elements = scan::elements(text, found.span).enumerate();
            let inner = elements.map(|(at, span)| {
                let pointer = format!("{}/{at}", found.pointer);
                spread(text, Found { pointer, span })
            });
            inner.flatten().collect()
        }
        Some(b'n') => Vec::new(),
        _ => vec![found],
    }
}

/// The items of a connection: its nodes, and what its edges lead to, each as a list of its own.
/// Both name the same items, but only whoever made the answer knows that they do.
#[must_use]
pub fn lists(text: &[u8], connection: &Found) -> Vec<Vec<Found>> {
    let list = |name: &str| {
        let array = scan::member(text, connection.span, name);
        let pointer = format!("{}/{name}", connection.pointer);
        array.map_or(Vec::new(), |span| spread(text, Found { pointer, span }))
    };
    let mut edges = list("edges");
    for edge in &mut edges {
        edge.span = scan::member(text, edge.span, "node").unwrap_or(edge.span);
    }
    [list("nodes"), edges].into_iter().filter(|list| !list.is_empty()).collect()
}

/// The array of `items` that a guard is shown: the shape in which it knows all of them.
#[must_use]
pub fn view(text: &[u8], items: &[Found]) -> Vec<u8> {
    let parts: Vec<&[u8]> = items.iter().map(|item| item.span.of(text)).collect();
    [&b"["[..], &parts.join(&b","[..]), b"]"].concat()
}

/// `text` without the values at `pointers`: elements leave their array, and totals beside it say
/// how many are left; members become `null`. All of the text is left empty, see [`empty`].
///
/// `None` if a pointer leads nowhere: then nobody knows what was meant, and nothing may pass.
#[must_use]
pub fn remove<'p>(text: &[u8], pointers: impl IntoIterator<Item = &'p str>) -> Option<Vec<u8>> {
    let mut gone = Gone::default();
    for pointer in pointers {
        gone.add(pointer)?;
    }
    if gone.is_all() {
        return Some(empty_list(text));
    }
    let mut edits = Edits::of(text);
    cut(&mut edits, edit::whole(text), &mut gone);
    gone.is_found().then(|| edits.apply())
}

/// What a client gets for one object that may not be seen: no object.
fn empty_list(text: &[u8]) -> Vec<u8> {
    let is_query = scan::member(text, edit::whole(text), "data").is_some();
    if is_query { empty(text).to_vec() } else { b"[]".to_vec() }
}

/// Takes out of the value at `place` what is gone; of an array, says how many elements are left if
/// any was taken out.
fn cut(edits: &mut Edits<'_>, place: Span, gone: &mut Gone) -> Option<u64> {
    let text = edits.text();
    match place.of(text).first() {
        Some(b'[') => cut_array(edits, place, gone),
        Some(b'{') => {
            cut_object(edits, place, gone);
            None
        }
        _ => None,
    }
}

fn cut_array(edits: &mut Edits<'_>, place: Span, gone: &mut Gone) -> Option<u64> {
    let elements: Vec<Span> = scan::elements(edits.text(), place).collect();
    let mut is_kept = vec![true; elements.len()];
    for (name, below) in gone.below() {
        let Some(at) = index(name).filter(|at| *at < elements.len()) else { continue };
        if below.take() {
            is_kept[at] = false;
        } else {
            cut(edits, elements[at], below);
        }
    }
    let n_left = is_kept.iter().filter(|is_kept| **is_kept).count();
    let mut next = is_kept.iter();
    edits.array(place, |_| next.next().copied().unwrap_or(true));
    (n_left < elements.len()).then_some(n_left as u64)
}

fn cut_object(edits: &mut Edits<'_>, place: Span, gone: &mut Gone) {
    let text = edits.text();
    let members: Vec<(Span, Span)> = scan::members(text, place).collect();
    let mut n_left = None;
    for (name, value) in &members {
        let name = scan::string(text, *name).unwrap_or_default();
        let Some(below) = gone.get(&name) else { continue };
        if below.take() {
            edits.replace(*value, &b"null"[..]);
        } else if let Some(left) = cut(edits, *value, below) {
            n_left = Some(n_left.map_or(left, |other: u64| other.min(left)));
        }
    }
    let Some(n_left) = n_left else { return };
    for (name, value) in members {
        match scan::string(text, name).as_deref() {
            Some(name) if is_total(name) => {
                let mut total = Vec::new();
                bytes::push_u64(&mut total, n_left);
                edits.replace(value, total);
            }
            Some("incomplete_results") => edits.replace(value, &b"false"[..]),
            _ => (),
        }
    }
}

/// Whether a member beside a list says how long it is, all pages together. What is hidden must not
/// be counted either.
fn is_total(name: &str) -> bool {
    matches!(
        name,
        "total_count"
            | "totalCount"
            | "issueCount"
            | "repositoryCount"
            | "discussionCount"
            | "userCount"
            | "codeCount"
            | "wikiCount"
    )
}

fn index(name: &str) -> Option<usize> {
    let is_plain = name == "0" || !name.starts_with('0');
    bytes::parse_u64(name.as_bytes()).filter(|_| is_plain).and_then(|at| at.try_into().ok())
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// What is left of an answer of which nothing may be seen.
#[must_use]
pub fn empty(text: &[u8]) -> &'static [u8] {
    let place = edit::whole(text);
    let is_object = place.of(text).first() == Some(&b'{');
    match is_object {
        true if scan::member(text, place, "data").is_some() => br#"{"data":null}"#,
        true => b"{}",
        false => b"[]",
    }
}

/// Fuzz body: what is left is JSON, and shorter by what was taken out.
///
/// The first line is a pointer, the rest is an answer.
pub fn fuzz(input: &[u8]) {
    const DEPTH_MAX: usize = 64;
    let Ok(input) = str::from_utf8(input) else { return };
    let Some((pointer, text)) = input.split_once('\n') else { return };
    let text = text.as_bytes();
    if scan::validate(text, DEPTH_MAX).is_err() {
        return;
    }
    let names: Vec<String> = pointer.split('/').skip(1).map(str::to_owned).collect();
    for connection in places(text, &names) {
        for list in lists(text, &connection) {
            assert!(scan::validate(&view(text, &list), DEPTH_MAX).is_ok());
            let all = list.iter().map(|item| item.pointer.as_str());
            let left = remove(text, all).expect("what was found is found again");
            assert!(scan::validate(&left, DEPTH_MAX).is_ok());
        }
    }
    if let Some(left) = remove(text, [pointer]) {
        assert!(scan::validate(&left, DEPTH_MAX).is_ok(), "{}", String::from_utf8_lossy(&left));
    }
    assert!(scan::validate(empty(text), DEPTH_MAX).is_ok());
}

#[cfg(test)]
mod tests;
