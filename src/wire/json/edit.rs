// SPDX-License-Identifier: MIT
//! Members taken out of a text and put into it, while all the rest stays as it is spelled.
//!
//! Places are those of [`scan`], in a text that was validated before. What no edit
//! names leaves byte for byte: order, blanks, escapes and numbers are not ours to change.

use std::borrow::Cow;

use super::{scan, tree, write};
use crate::base::Span;

/// Replacements in one text, made all at once.
#[derive(Clone, Debug)]
pub struct Edits<'t> {
    text: &'t [u8],
    /// In any order; those at one place in the order in which they were asked for.
    list: Vec<(Span, Cow<'t, [u8]>)>,
}

impl<'t> Edits<'t> {
    /// No edits of `text` yet.
    #[must_use]
    pub const fn of(text: &'t [u8]) -> Self {
        Self { text, list: Vec::new() }
    }

    /// The text that is edited.
    #[must_use]
    pub const fn text(&self) -> &'t [u8] {
        self.text
    }

    /// Whether the text stays as it is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Puts `bytes` where the bytes at `place` are.
    ///
    /// Invariant: no two places overlap.
    pub fn replace(&mut self, place: Span, bytes: impl Into<Cow<'t, [u8]>>) {
        self.list.push((place, bytes.into()));
    }

    /// Keeps the members of `object` for which `keep` says so of name and value, and puts `added`
    /// (names, and values in JSON) before them. Does nothing if this is no object.
    pub fn object(
        &mut self,
        object: Span,
        mut keep: impl FnMut(&str, Span) -> bool,
        added: &[(&str, &[u8])],
    ) {
        if object.of(self.text).first() != Some(&b'{') {
            return;
        }
        let items: Vec<_> = scan::members(self.text, object)
            .map(|(name, value)| {
                let decoded = scan::string(self.text, name).unwrap_or_default();
                (Span { start: name.start, end: value.end }, keep(&decoded, value))
            })
            .collect();
        let mut bytes = Vec::new();
        for (name, value) in added {
            if !bytes.is_empty() {
                bytes.push(b',');
            }
            write::push_str(&mut bytes, name);
            bytes.push(b':');
            bytes.extend_from_slice(value);
        }
        if !bytes.is_empty() {
            if items.iter().any(|(_, is_kept)| *is_kept) {
                bytes.push(b',');
            }
            let front = object.start as usize + 1;
            self.replace(Span::new(front, front), bytes);
        }
        self.cut(&items);
    }

    /// Keeps the elements of `array` for which `keep` says so.
    pub fn array(&mut self, array: Span, mut keep: impl FnMut(Span) -> bool) {
        let items: Vec<_> =
            scan::elements(self.text, array).map(|element| (element, keep(element))).collect();
        self.cut(&items);
    }

    /// Puts `element`, in JSON, before the elements of `array`. Does nothing if this is no array.
    ///
    /// Invariant: no element of it is taken out.
    pub fn push_front(&mut self, array: Span, element: &[u8]) {
        if array.of(self.text).first() != Some(&b'[') {
            return;
        }
        let is_empty = scan::elements(self.text, array).next().is_none();
        let front = array.start as usize + 1;
        let comma: &[u8] = if is_empty { b"" } else { b"," };
        self.replace(Span::new(front, front), [element, comma].concat());
    }

    /// Takes out those of `items` that are not kept, each with one comma: the one behind it, or
    /// the one before it if nothing that is kept follows.
    fn cut(&mut self, items: &[(Span, bool)]) {
        let n_before_tail = items.iter().rposition(|(_, is_kept)| *is_kept).map_or(0, |at| at + 1);
        let (before_tail, tail) = items.split_at(n_before_tail);
        for ((item, is_kept), next) in before_tail.iter().zip(items.iter().skip(1)) {
            if !is_kept {
                self.replace(Span { start: item.start, end: next.0.start }, &b""[..]);
            }
        }
        if let (Some((first, _)), Some((last, _))) = (tail.first(), tail.last()) {
            let start = before_tail.last().map_or(first.start, |(item, _)| item.end);
            self.replace(Span { start, end: last.end }, &b""[..]);
        }
    }

    /// The text with all edits made.
    #[must_use]
    pub fn apply(mut self) -> Vec<u8> {
        self.list.sort_by_key(|(place, _)| place.start);
        let grown: usize = self.list.iter().map(|(_, bytes)| bytes.len()).sum();
        let mut out = Vec::with_capacity(self.text.len() + grown);
        let mut from = 0;
        for (place, bytes) in &self.list {
            debug_assert!(from <= place.start, "places overlap");
            out.extend_from_slice(Span { start: from, end: place.start }.of(self.text));
            out.extend_from_slice(bytes);
            from = place.end;
        }
        out.extend_from_slice(self.text.get(from as usize..).unwrap_or_default());
        out
    }
}

/// The place of the one value that `text` holds: all of it but the blanks around.
#[must_use]
pub fn whole(text: &[u8]) -> Span {
    let is_ink = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = text.iter().position(is_ink).unwrap_or(0);
    let end = text.iter().rposition(is_ink).map_or(start, |last| last + 1);
    Span::new(start, end)
}

/// `text` with the member `name` in `object`, whose value is `value` in JSON, instead of all
/// members of that name.
#[must_use]
pub fn insert_member(text: &[u8], object: Span, name: &str, value: &[u8]) -> Vec<u8> {
    let mut edits = Edits::of(text);
    edits.object(object, |other, _| other != name, &[(name, value)]);
    edits.apply()
}

/// `text` without the members `name` of `object`.
#[must_use]
pub fn without_member(text: &[u8], object: Span, name: &str) -> Vec<u8> {
    let mut edits = Edits::of(text);
    edits.object(object, |other, _| other != name, &[]);
    edits.apply()
}

/// Fuzz body: what is edited is what a copy by hand is, whichever members go.
///
/// The bits of the first byte say which members or elements of the outermost value go; its lowest
/// one, whether a member comes.
pub fn fuzz(input: &[u8]) {
    const DEPTH_MAX: usize = 64;
    let [choice, text @ ..] = input else { return };
    let Ok(node) = tree::parse(text, DEPTH_MAX) else { return };
    assert_eq!(whole(text), node.span);
    let goes = |index: usize| choice >> (1 + index % 7) & 1 == 1;
    let added: &[(&str, &[u8])] = if choice & 1 == 1 { &[("\"new\"", b"[1]")] } else { &[] };
    let (mut edits, mut index) = (Edits::of(text), 0);
    let mut next = || {
        index += 1;
        !goes(index - 1)
    };
    let by_hand = match &node.value {
        tree::Value::Object(members) => {
            edits.object(node.span, |_, _| next(), added);
            let kept = members.iter().enumerate().filter(|(index, _)| !goes(*index));
            let mut parts: Vec<Vec<u8>> = kept
                .map(|(_, (name, value))| [name.span.of(text), b":", value.span.of(text)].concat())
                .collect();
            if !added.is_empty() {
                parts.insert(0, br#""\"new\"":[1]"#.to_vec());
            }
            [&b"{"[..], &parts.join(&b","[..]), b"}"].concat()
        }
        tree::Value::Array(elements) => {
            edits.array(node.span, |_| next());
            let kept = elements.iter().enumerate().filter(|(index, _)| !goes(*index));
            let parts: Vec<_> = kept.map(|(_, element)| element.span.of(text)).collect();
            [&b"["[..], &parts.join(&b","[..]), b"]"].concat()
        }
        _ => {
            edits.object(node.span, |_, _| false, added);
            edits.array(node.span, |_| false);
            text.to_vec()
        }
    };
    let edited = edits.apply();
    let edited_node = tree::parse(&edited, DEPTH_MAX).expect("what is edited is still JSON");
    let by_hand_node = tree::parse(&by_hand, DEPTH_MAX).expect("what we wrote is JSON");
    assert!(is_same(&edited_node, &by_hand_node), "{}", String::from_utf8_lossy(&edited));
}

/// Whether two trees are the same but for their places.
fn is_same(one: &tree::Node, other: &tree::Node) -> bool {
    match (&one.value, &other.value) {
        (tree::Value::Array(one), tree::Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (tree::Value::Object(one), tree::Value::Object(other)) => {
            let all = |((name, one), (other_name, other)): (&(tree::Name, _), &(tree::Name, _))| {
                name.text == other_name.text && is_same(one, other)
            };
            one.len() == other.len() && one.iter().zip(other).all(all)
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, out: &[&str], added: &[(&str, &[u8])], want: &str) {
        let mut edits = Edits::of(text.as_bytes());
        edits.object(whole(text.as_bytes()), |name, _| !out.contains(&name), added);
        assert_eq!(String::from_utf8(edits.apply()).unwrap(), want);
    }

    #[test]
    fn members_go_with_their_comma_and_nothing_else_moves() {
        let text = r#" { "a" : 1.0 , "b":{"a":1e400}, "c":[ ]} "#;
        check(text, &[], &[], text);
        check(text, &["a"], &[], r#" { "b":{"a":1e400}, "c":[ ]} "#);
        check(text, &["b"], &[], r#" { "a" : 1.0 , "c":[ ]} "#);
        check(text, &["c"], &[], r#" { "a" : 1.0 , "b":{"a":1e400}} "#);
        check(text, &["a", "b"], &[], r#" { "c":[ ]} "#);
        check(text, &["b", "c"], &[], r#" { "a" : 1.0} "#);
        check(text, &["a", "c"], &[], r#" { "b":{"a":1e400}} "#);
        check(text, &["a", "b", "c"], &[], r#" { } "#);
    }

    #[test]
    fn members_come_first() {
        check("{}", &[], &[("x", b"1")], r#"{"x":1}"#);
        check("{ }", &[], &[("x", b"1"), ("y", b"2")], r#"{"x":1,"y":2 }"#);
        check(r#"{"a":1}"#, &[], &[("x", b"{}")], r#"{"x":{},"a":1}"#);
        check(r#"{"a":1}"#, &["a"], &[("x", b"{}")], r#"{"x":{}}"#);
        check(r#"{"a":1,"b":2}"#, &["a"], &[("a", b"3")], r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn a_name_is_what_it_means_and_all_of_its_members_go() {
        let text = br#"{"\u0061":1,"b":2,"a":3}"#;
        assert_eq!(without_member(text, whole(text), "a"), br#"{"b":2}"#);
        assert_eq!(insert_member(text, whole(text), "a", b"null"), br#"{"a":null,"b":2}"#);
    }

    #[test]
    fn what_is_no_object_has_no_members_to_edit() {
        for text in ["[]", "1", "\"{}\"", "", "null"] {
            check(text, &["a"], &[("x", b"1")], text);
        }
    }

    #[test]
    fn elements_go_as_members_do() {
        let check = |text: &str, out: &[&str], want: &str| {
            let mut edits = Edits::of(text.as_bytes());
            let spelled = |place: Span| str::from_utf8(place.of(text.as_bytes())).unwrap();
            edits.array(whole(text.as_bytes()), |place| !out.contains(&spelled(place)));
            assert_eq!(edits.apply(), want.as_bytes());
        };
        check("[1, 2 ,3]", &["2"], "[1, 3]");
        check("[1, 2 ,3]", &["1", "3"], "[2]");
        check("[1, 2 ,3]", &["1", "2", "3"], "[]");
        check("[]", &["1"], "[]");
    }

    #[test]
    fn an_element_comes_first() {
        for (text, want) in [("[]", "[0]"), ("[ ]", "[0 ]"), ("[1]", "[0,1]"), ("{}", "{}")] {
            let mut edits = Edits::of(text.as_bytes());
            edits.push_front(whole(text.as_bytes()), b"0");
            assert_eq!(edits.apply(), want.as_bytes());
        }
    }

    #[test]
    fn edits_at_several_depths_are_made_at_once() {
        let text = br#"{"a":{"b":1,"c":2},"d":3}"#;
        let mut edits = Edits::of(text);
        assert!(edits.is_empty());
        let inner = scan::member(text, whole(text), "a").unwrap();
        edits.object(whole(text), |name, _| name != "d", &[("e", b"5")]);
        edits.object(inner, |name, _| name != "b", &[("f", b"6")]);
        assert!(!edits.is_empty());
        assert_eq!(edits.text(), text);
        assert_eq!(edits.apply(), br#"{"e":5,"a":{"f":6,"c":2}}"#);
    }

    #[test]
    fn any_choice_of_members_is_as_by_hand() {
        for text in ["{}", r#"{"a":1,"b":[2],"a":{"c":3}}"#, " [ 1 , {} , \"x\" ] ", "7", "x"] {
            for choice in 0..=u8::MAX {
                fuzz(&[&[choice], text.as_bytes()].concat());
            }
        }
        fuzz(b"");
    }
}
