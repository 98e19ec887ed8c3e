// SPDX-License-Identifier: MIT
//! Does an object name a member twice? One pass over the text, whatever its depth.
//!
//! Readers differ in which of two they take, so whoever asks one reader for an opinion on what
//! another one will do has to know. Escapes do not count: `"a"` and `"\u0061"` are one name.

use std::borrow::Cow;
use std::collections::HashSet;

use super::scan;
use crate::base::Span;

/// A name that stands twice in one object of `text`, which was validated before.
#[must_use]
pub fn repeated(text: &[u8]) -> Option<Cow<'_, str>> {
    // The names so far of each object that is open; `None` for arrays.
    let mut open: Vec<Option<HashSet<Cow<'_, str>>>> = Vec::new();
    let (mut at, mut is_name) = (0, false);
    while let Some(byte) = text.get(at) {
        match byte {
            b'{' => open.push(Some(HashSet::new())),
            b'[' => open.push(None),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let end = end_of_string(text, at);
                let place = Span::new(at, end);
                at = end;
                if let (true, Some(Some(names))) = (is_name, open.last_mut()) {
                    let name = name(text, place);
                    if !names.insert(name.clone()) {
                        return Some(name);
                    }
                }
                is_name = false;
                continue;
            }
            _ => {}
        }
        is_name = match byte {
            b'{' | b',' => true,
            b' ' | b'\t' | b'\n' | b'\r' => is_name,
            _ => false,
        };
        at += 1;
    }
    None
}

/// The string at `place`; halves of characters, which no text holds, are all alike.
fn name(text: &[u8], place: Span) -> Cow<'_, str> {
    scan::string(text, place).unwrap_or(Cow::Borrowed("\u{fffd}"))
}

/// The place after the string that begins at `at`.
fn end_of_string(text: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', text.get(end..).unwrap_or_default()) {
        end += found + 1;
        if text[end - 1] == b'"' {
            return end;
        }
        end += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::edit;
    use proptest::prelude::*;

    fn check(text: &str, want: Option<&str>) {
        scan::validate(text.as_bytes(), 64).unwrap();
        assert_eq!(repeated(text.as_bytes()).as_deref(), want, "{text}");
    }

    #[test]
    fn a_name_stands_once_in_each_object() {
        for text in [
            "7",
            "\"a\"",
            r#"["a","a"]"#,
            r#"{"a":"a","b":"a"}"#,
            r#"{"a":{"a":{"a":[]}},"b":[{"a":1},{"a":2}]}"#,
            r#"{"a":["x","a","a"],"b\"":"a","b":1}"#,
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_second_one_is_found_at_any_depth_and_in_any_spelling() {
        check(r#"{"owner":"a","owner":"b"}"#, Some("owner"));
        check(r#"{ "owner" : 1 , "x" : [ ] , "\u006fwner" : 2 }"#, Some("owner"));
        check(r#"[[{"x":{"y":[1,{"k":1,"k":1}]}}]]"#, Some("k"));
        check(r#"{"a":{"b":1},"c":{},"a":0}"#, Some("a"));
        check(r#"{"a\"b":1,"a\u0022b":1}"#, Some("a\"b"));
        check(r#"{"\\":1,"\u005c":1}"#, Some("\\"));
        check(r#"{"":1,"":1}"#, Some(""));
    }

    /// The same, object by object, pair by pair.
    fn naive(text: &[u8], place: Span) -> bool {
        let members: Vec<_> = scan::members(text, place).collect();
        let name = |at: usize| scan::string(text, members[at].0);
        let twice = (0..members.len()).any(|at| (0..at).any(|other| name(at) == name(other)));
        let inner = members.iter().map(|(_, value)| *value).chain(scan::elements(text, place));
        twice || inner.collect::<Vec<_>>().into_iter().any(|value| naive(text, value))
    }

    fn json() -> impl Strategy<Value = String> {
        let name = prop_oneof![
            Just("\"a\""), Just("\"\\u0061\""), Just("\"b\""), Just("\"\\\\\""), Just("\"{\"")
        ];
        let leaf = prop_oneof![Just("1".to_owned()), Just("\"a\"".to_owned()), Just("{}".to_owned())];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            let member = (name.clone(), inner.clone()).prop_map(|(name, value)| format!("{name} :{value}"));
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(|all| format!("[{}]", all.join(" , "))),
                proptest::collection::vec(member, 0..4).prop_map(|all| format!("{{{}}}", all.join(","))),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_finds_what_a_walk_over_all_objects_finds(text in json()) {
            let text = text.as_bytes();
            prop_assert_eq!(repeated(text).is_some(), naive(text, edit::whole(text)));
        }
    }
}
