// SPDX-License-Identifier: MIT
//! A JSON document as a tree of what was said. Knows no key.

use super::diagnostics::Problem;
use super::raw::{Item, Member, Value};
use crate::base::Span;
use crate::wire::json::{self, Node};

/// Deeper documents are refused; a configuration needs five levels.
const DEPTH_MAX: usize = 64;

/// Reads `text`, which must be one JSON value.
///
/// Errors: the first place at which it is not JSON.
pub fn parse(text: &str) -> Result<Item, Problem> {
    // Editors on Windows write a byte order mark; it is not worth a refusal.
    let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    match json::tree::parse(&text.as_bytes()[skipped..], DEPTH_MAX) {
        Ok(node) => Ok(item(node, skipped)),
        Err(error) => {
            let at = (error.at + skipped).min(text.len());
            let to = (at + 1).min(text.len());
            Err(Problem::syntax("JSON", Span::new(at, to), error.reason.to_string()))
        }
    }
}

fn item(node: Node, shift: usize) -> Item {
    let value = match node.value {
        json::Value::Null => Value::Null,
        json::Value::Bool(flag) => Value::Flag(flag),
        json::Value::Number(spelled) => match spelled.parse() {
            Ok(whole) => Value::Whole(whole),
            Err(_) => Value::Other(spelled.into()),
        },
        json::Value::String(text) => Value::Text(text),
        json::Value::Array(nodes) => {
            Value::List(nodes.into_iter().map(|node| item(node, shift)).collect())
        }
        json::Value::Object(members) => Value::Table(
            members
                .into_iter()
                .map(|(name, node)| Member {
                    name: name.text,
                    name_span: name.span.shifted(shift),
                    item: item(node, shift),
                })
                .collect(),
        ),
    };
    Item::new(node.span.shifted(shift), value)
}

/// Any bytes as a JSON configuration: loaded, or refused with a place for every problem.
pub fn fuzz(input: &[u8]) {
    super::fuzz(input, super::Format::Json);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_places_and_their_order() {
        let text = r#"{"b": [1, 2.5], "a": "x"}"#;
        let root = parse(text).unwrap();
        let members = root.as_table().unwrap();
        assert_eq!(members[0].name, "b");
        assert_eq!(members[0].name_span.of(text.as_bytes()), b"\"b\"");
        assert_eq!(members[1].item.span.of(text.as_bytes()), b"\"x\"");
        assert_eq!(root.get("b").unwrap().kind(), "array");
    }

    #[test]
    fn a_byte_order_mark_shifts_places_and_nothing_else() {
        let text = "\u{feff}{\"a\":1}";
        let root = parse(text).unwrap();
        assert_eq!(root.get("a").unwrap().span.of(text.as_bytes()), b"1");
    }

    #[test]
    fn what_is_not_json_has_a_place() {
        let problem = parse("{\"a\":1,}").unwrap_err();
        assert_eq!(problem.span, Some(Span::new(7, 8)));
        assert!(parse("").unwrap_err().message.contains("ends too early"));
    }
}
