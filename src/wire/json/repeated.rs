// SPDX-License-Identifier: MIT
//! Whether somewhere in a text an object has two members of one name.
//!
//! Readers differ in which of the two they take, and some take `Owner` for `owner`. Whoever decides
//! by what a text says, for somebody else who acts by it, refuses such a text: it has two meanings.

use std::borrow::Cow;

use super::scan::{self, Cursor};
use super::{JsonError, fold, tree};
use crate::base::Span;

/// The first name that is found twice in one object, decoded and whatever its case; `None`: each
/// stands once.
///
/// # Errors
///
/// The text is not JSON, or nested deeper than `depth_max`.
pub fn repeated(text: &[u8], depth_max: usize) -> Result<Option<Cow<'_, str>>, JsonError> {
    let mut walk = Walk { text, names: Vec::new(), found: None };
    let mut cursor = Cursor::new(text, depth_max.min(tree::TREE_DEPTH_MAX))?;
    walk.value(&mut cursor)?;
    cursor.end()?;
    Ok(walk.found)
}

struct Walk<'t> {
    text: &'t [u8],
    /// The names of all objects that are open.
    names: Vec<Cow<'t, str>>,
    found: Option<Cow<'t, str>>,
}

impl<'t> Walk<'t> {
    /// Calls itself as deep as the text is nested, which is bounded.
    fn value(&mut self, cursor: &mut Cursor<'t>) -> Result<(), JsonError> {
        if cursor.begins(b'{') {
            let start = self.names.len();
            cursor.object(|cursor, key| {
                self.names.push(self.name(key.span));
                self.value(cursor)
            })?;
            self.close(start);
        } else if cursor.begins(b'[') {
            cursor.array(|cursor| self.value(cursor))?;
        } else {
            cursor.value()?;
        }
        Ok(())
    }

    fn name(&self, span: Span) -> Cow<'t, str> {
        scan::string(self.text, span).unwrap_or_default()
    }

    /// The object whose names begin at `start` is complete.
    fn close(&mut self, start: usize) {
        let names = &mut self.names[start..];
        if self.found.is_none() {
            names.sort_unstable_by(|a, b| fold::compare(a, b));
            let twice = names.windows(2).find(|pair| fold::is_same(&pair[0], &pair[1]));
            self.found = twice.map(|pair| pair[0].clone());
        }
        self.names.truncate(start);
    }
}

/// Fuzz body: what the walk says, the tree says.
pub fn fuzz(input: &[u8]) {
    const DEPTH_MAX: usize = 64;
    let walked = repeated(input, DEPTH_MAX);
    let tree = tree::parse(input, DEPTH_MAX);
    assert_eq!(walked.is_ok(), tree.is_ok());
    if let (Ok(walked), Ok(tree)) = (walked, tree) {
        assert_eq!(walked.is_some(), has_repeated(&tree), "{walked:?}");
    }
}

fn has_repeated(node: &tree::Node) -> bool {
    let members = node.as_object().unwrap_or_default();
    let is_twice = members.iter().enumerate().any(|(index, (name, _))| {
        members[..index].iter().any(|(other, _)| fold::is_same(&other.text, &name.text))
    });
    let elements = node.as_array().unwrap_or_default();
    is_twice || members.iter().map(|(_, value)| value).chain(elements).any(has_repeated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        assert_eq!(repeated(text.as_bytes(), 64).unwrap().as_deref(), want, "{text}");
        fuzz(text.as_bytes());
    }

    #[test]
    fn a_name_may_stand_in_many_objects_and_once_in_each() {
        check(r#"{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}"#, None);
        check(r#"{"a":1,"b":2,"A":1}"#, Some("a"));
        check(r#"{"a":1,"b":2,"a":1}"#, Some("a"));
        check(r#"[0,{"x":{"b":1,"b":{}}}]"#, Some("b"));
        check("7", None);
    }

    #[test]
    fn names_are_compared_as_they_are_meant() {
        check(r#"{"folder":"public","fold\u0065r":"acme"}"#, Some("folder"));
        check(r#"{"":1,"":2}"#, Some(""));
    }

    #[test]
    fn letters_whose_other_case_is_in_ascii_do_not_make_another_name() {
        for twice in ["argument\u{17f}", "argument\\u017f", "Argument\\u017F", "argument\\u0053"] {
            let text = format!(r#"{{"arguments":1,"{twice}":2}}"#);
            assert!(repeated(text.as_bytes(), 64).unwrap().is_some(), "{text}");
            fuzz(text.as_bytes());
        }
        check(r#"{"key":1,"\u212aey":2}"#, Some("key"));
    }

    proptest! {
        /// Each member of one object is written plainly or in escapes.
        #[test]
        fn names_are_compared_with_all_others_of_their_object(
            names in proptest::collection::vec(
                ("[kKsS\u{17f}\u{212a}]{0,3}", any::<bool>()),
                0..6,
            ),
        ) {
            let spell = |(name, is_escaped): &(String, bool)| match is_escaped {
                true => {
                    let escaped = name.chars().map(|char| format!("\\u{:04x}", u32::from(char)));
                    escaped.collect()
                }
                false => name.clone(),
            };
            let members = names.iter().map(|name| format!(r#""{}":0"#, spell(name)));
            let members: Vec<_> = members.collect();
            let text = format!("{{{}}}", members.join(","));
            let mut known: Vec<String> = Vec::new();
            let mut is_twice = false;
            for (name, _) in &names {
                is_twice |= known.iter().any(|other| fold::is_same(other, name));
                known.push(name.clone());
            }
            prop_assert_eq!(repeated(text.as_bytes(), 64).unwrap().is_some(), is_twice);
            fuzz(text.as_bytes());
        }
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        assert!(repeated(br#"{"a":1,}"#, 64).is_err());
        assert!(repeated(b"[[[]]]", 2).is_err());
        assert!(repeated(b"{} {}", 2).is_err());
    }
}
