// SPDX-License-Identifier: MIT
//! Do two texts say the same? One pass over both, token by token.
//!
//! Blanks and the spelling of strings do not count. The order of members and the spelling of
//! numbers do, so a "no" may be too strict and a "yes" never is: the same steps lead to the same
//! place in both.

use super::{scan, tree};
use crate::base::Span;

/// Whether the value at `place` in `text` is the one at `other_place` in `other`, both places in
/// texts that were validated before.
#[must_use]
pub fn is_same(text: &[u8], place: Span, other: &[u8], other_place: Span) -> bool {
    let (mut one, mut two) = (Tokens::new(text, place), Tokens::new(other, other_place));
    loop {
        match (one.next(), two.next()) {
            (None, None) => return true,
            (Some(one), Some(two)) if is_same_token(text, one, other, two) => {}
            _ => return false,
        }
    }
}

fn is_same_token(text: &[u8], one: Span, other: &[u8], two: Span) -> bool {
    let (spelled, spelled_there) = (one.of(text), two.of(other));
    if spelled == spelled_there {
        return true;
    }
    let is_escaped = spelled.contains(&b'\\') || spelled_there.contains(&b'\\');
    is_escaped && scan::string(text, one).is_some_and(|it| Some(it) == scan::string(other, two))
}

/// The tokens of a value: brackets, colons, commas, strings, numbers and words.
struct Tokens<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Tokens<'t> {
    fn new(text: &'t [u8], place: Span) -> Self {
        let bytes = text.get(..place.end as usize).unwrap_or_default();
        Self { bytes, at: place.start as usize }
    }

    /// The place after the closing quote of the string that begins at `start`.
    fn string_end(&self, start: usize) -> usize {
        let mut at = start + 1;
        while let Some(found) =
            self.bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
        {
            at += found;
            match self.bytes[at] {
                b'"' => return at + 1,
                _ => at += 2,
            }
        }
        self.bytes.len()
    }
}

impl Iterator for Tokens<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes.get(self.at) {
            self.at += 1;
        }
        let start = self.at;
        self.at = match self.bytes.get(start)? {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => start + 1,
            b'"' => self.string_end(start),
            _ => {
                let rest = &self.bytes[start..];
                let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                let len = rest.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len());
                // What was not validated must not keep us here for ever.
                start + len.max(1)
            }
        };
        Some(Span::new(start, self.at))
    }
}

/// Fuzz body: of two texts, the first on a line of its own, it says what a walk over both trees
/// does.
pub fn fuzz(input: &[u8]) {
    const DEPTH_MAX: usize = 64;
    let Some(at) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (one, two) = (&input[..at], &input[at + 1..]);
    let (Ok(node), Ok(other)) = (tree::parse(one, DEPTH_MAX), tree::parse(two, DEPTH_MAX)) else {
        return;
    };
    assert_eq!(is_same(one, node.span, two, other.span), is_same_tree(&node, &other));
    assert!(is_same(one, node.span, one, node.span));
}

/// Whether two trees are the same but for their places.
fn is_same_tree(one: &tree::Node, other: &tree::Node) -> bool {
    match (&one.value, &other.value) {
        (tree::Value::Array(one), tree::Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same_tree(one, other))
        }
        (tree::Value::Object(one), tree::Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|((name, one), (other_name, other))| {
                    name.text == other_name.text && is_same_tree(one, other)
                })
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::edit::whole;
    use super::*;

    #[track_caller]
    fn check(one: &str, two: &str, want: bool) {
        let (one, two) = (one.as_bytes(), two.as_bytes());
        assert_eq!(is_same(one, whole(one), two, whole(two)), want);
        assert_eq!(is_same(two, whole(two), one, whole(one)), want);
        fuzz(&[one, b"\n", two].concat());
    }

    #[test]
    fn blanks_and_escapes_do_not_count() {
        check(r#" {"a" : [1, "\u0062\"", null]} "#, r#"{"\u0061":[1,"b\u0022",null]}"#, true);
        check("7", " 7 ", true);
        check("[]", "[ ]", true);
        check(r#""a\\""#, r#""a\u005c""#, true);
    }

    #[test]
    fn everything_else_counts() {
        check("1", "1.0", false);
        check("[1]", "[1,1]", false);
        check("[1,[]]", "[1,{}]", false);
        check(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, false);
        check(r#""1""#, "1", false);
        check("true", "false", false);
        check(r#""a""#, r#""b""#, false);
        check(r#"["a","b"]"#, r#"["a,b"]"#, false);
    }

    #[test]
    fn a_place_is_compared_and_not_what_stands_around_it() {
        let (one, two) = (br#"{"a":[1,2]}"#, br#"[[1, 2],3]"#);
        let here = scan::member(one, whole(one), "a").unwrap();
        let there = scan::elements(two, whole(two)).next().unwrap();
        assert!(is_same(one, here, two, there));
        assert!(!is_same(one, here, two, whole(two)));
    }
}
