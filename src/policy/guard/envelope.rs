// SPDX-License-Identifier: MIT
//! Members around items that are known to hold nothing of what the items are about.
//!
//! ```text
//!  {"total_count":70, "hasMore":false, "items":[…], "pageInfo":{"endCursor":"Y3"}, "summary":"…"}
//!   └── a total ──┘  └── a flag ───┘              └──────── a page ─────────┘    └─ unknown ─┘
//! ```
//!
//! A name is not enough: under each of them only values of one kind are known.

use super::pointer;
use crate::base::Span;
use crate::wire::json::scan;

/// How many elements the array beside them has, or would have on all pages.
///
/// What they say would tell how much was hidden, so they say how much is there instead.
const TOTALS: [&str; 2] = ["totalCount", "total_count"];

/// Whether the answer is all there is, or went well: booleans.
const FLAGS: [&str; 6] =
    ["incomplete_results", "incompleteResults", "has_more", "hasMore", "has_next_page", IS_ERROR];

/// Where a page begins and ends, and whether there is another one: strings, booleans and `null`.
const CURSORS: [&str; 9] = [
    "hasNextPage",
    "hasPreviousPage",
    "startCursor",
    "endCursor",
    NEXT_CURSOR,
    "prevCursor",
    "previousCursor",
    "next_cursor",
    "cursor",
];

/// Objects of cursors.
const PAGES: [&str; 2] = ["pageInfo", "page_info"];

/// Whether a result tells of a failure.
const IS_ERROR: &str = "isError";

/// Where the next page of a result begins.
const NEXT_CURSOR: &str = "nextCursor";

/// What kind of result it is, and the kinds there are.
const KIND: &str = "resultType";
const KINDS: [&[u8]; 2] = [br#""complete""#, br#""input_required""#];

/// What is known of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it may say whatever it likes.
    Nothing,
    /// It holds no content.
    Bare,
    /// It is a number of elements.
    Total,
    /// It is an object of which some members hold no content, see [`is_cursor`].
    Page,
}

/// What is known of a member of an object in `text`.
pub fn known(text: &[u8], name: &str, value: Span) -> Known {
    let first = pointer::first_byte(text, value);
    let is_number = matches!(first, b'-' | b'0'..=b'9');
    match name {
        _ if TOTALS.contains(&name) && is_number => Known::Total,
        _ if FLAGS.contains(&name) && is_boolean(first) => Known::Bare,
        _ if is_cursor(text, name, value) => Known::Bare,
        _ if PAGES.contains(&name) && first == b'{' => Known::Page,
        KIND if KINDS.contains(&value.of(text)) => Known::Bare,
        _ => Known::Nothing,
    }
}

/// Whether a member says where a page begins or ends, and cannot say more.
pub fn is_cursor(text: &[u8], name: &str, value: Span) -> bool {
    let first = pointer::first_byte(text, value);
    CURSORS.contains(&name) && (is_boolean(first) || matches!(first, b'"' | b'n'))
}

/// Whether a member of a result says what kind of result it is or where the next one begins.
pub fn is_frame(result: &[u8], name: &str, value: Span) -> bool {
    [KIND, IS_ERROR, NEXT_CURSOR].contains(&name) && known(result, name, value) == Known::Bare
}

/// Whether a content item is a text and no more.
pub fn is_bare_text(result: &[u8], item: Span) -> bool {
    scan::members(result, item).all(|(name, value)| match scan::string(result, name).as_deref() {
        Some("type") => value.of(result) == br#""text""#,
        name => name == Some("text"),
    })
}

const fn is_boolean(first: u8) -> bool {
    matches!(first, b't' | b'f')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::edit::whole;

    #[test]
    fn a_member_is_known_by_its_name_and_the_kind_of_its_value() {
        for (name, value, want) in [
            ("total_count", "7", Known::Total),
            ("totalCount", "\"7\"", Known::Nothing),
            ("incomplete_results", "false", Known::Bare),
            ("incomplete_results", "\"false\"", Known::Nothing),
            ("is_secret", "true", Known::Nothing),
            ("nextCursor", "\"a\"", Known::Bare),
            ("endCursor", "null", Known::Bare),
            ("endCursor", "[\"a\"]", Known::Nothing),
            ("hasNextPage", "7", Known::Nothing),
            ("pageInfo", "{}", Known::Page),
            ("pageInfo", "[]", Known::Nothing),
            ("resultType", "\"complete\"", Known::Bare),
            ("resultType", "\"a secret\"", Known::Nothing),
            ("_meta", "{}", Known::Nothing),
        ] {
            let text = value.as_bytes();
            assert_eq!(known(text, name, whole(text)), want, "{name}: {value}");
        }
    }

    #[test]
    fn of_a_result_only_its_frame_is_known() {
        for (name, value, want) in [
            ("isError", "true", true),
            ("isError", "{}", false),
            ("nextCursor", "\"a\"", true),
            ("cursor", "\"a\"", false),
            ("total_count", "7", false),
        ] {
            assert_eq!(is_frame(value.as_bytes(), name, whole(value.as_bytes())), want, "{name}");
        }
    }

    #[test]
    fn a_text_with_more_than_its_text_is_not_bare() {
        for (item, want) in [
            (r#"{"type":"text","text":"a"}"#, true),
            (r#"{"te\u0078t":"a"}"#, true),
            (r#"{"type":"other","text":"a"}"#, false),
            (r#"{"type":"text","text":"a","_meta":{}}"#, false),
        ] {
            assert_eq!(is_bare_text(item.as_bytes(), whole(item.as_bytes())), want, "{item}");
        }
    }
}
