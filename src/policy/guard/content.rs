// SPDX-License-Identifier: MIT
//! The content of an answer: the JSON that guards speak of, and where it stands in the result.
//!
//! ```text
//!  {"content":[{"type":"text","text":"{\"issues\":[…]}"}, {"type":"image",…}],
//!                                    └── the content ──┘  └──── other ────┘
//!   "structuredContent":{"issues":[…]}}
//!                       └─ its twin ─┘
//! ```
//!
//! Without such a text the content is the result itself.

use std::borrow::Cow;

use super::pointer;
use crate::base::Span;
use crate::wire::json::edit;
use crate::wire::json::same::is_same;
use crate::wire::json::scan;
use crate::wire::json::tree::TREE_DEPTH_MAX;

/// Kinds of content items whose `text`, if there is one, is not read.
const WITHOUT_TEXT: [&str; 3] = ["image", "audio", "resource"];

/// A result, taken apart.
#[derive(Clone, Debug)]
pub struct Content<'r> {
    /// The result as it came.
    pub result: &'r [u8],
    /// The value in it: all but the blanks around.
    pub whole: Span,
    /// The JSON text of the content.
    pub json: Cow<'r, [u8]>,
    /// The value in it.
    pub place: Span,
    /// Where the text stands in the result; `None`: it is the result.
    pub texts: Option<Texts>,
    /// The `structuredContent` of the result.
    pub structured: Option<Span>,
}

/// The content items whose texts make the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts {
    /// The array `content` of the result.
    pub array: Span,
    /// The first item in it that has a text.
    pub item: Span,
    /// That text, with its quotes.
    pub text: Span,
    /// How many others of them have one; their texts belong to the content.
    pub n_more: usize,
    /// How many items have none: what they hold is not in the content.
    pub n_others: usize,
}

impl<'r> Content<'r> {
    /// Finds the content of `result`.
    ///
    /// # Errors
    ///
    /// The result is no JSON, is nested too deeply, or has a member twice that decides.
    pub fn of(result: &'r [u8]) -> Result<Self, String> {
        scan::validate(result, TREE_DEPTH_MAX)
            .map_err(|error| format!("failed to parse response: {error}"))?;
        let whole = edit::whole(result);
        let [array, structured] =
            pointer::only_members(result, whole, ["content", "structuredContent"])?;
        if let Some((json, texts)) = array.map(|array| unwrap(result, array)).transpose()?.flatten()
        {
            let place = edit::whole(&json);
            return Ok(Self { result, whole, json, place, texts: Some(texts), structured });
        }
        let json = Cow::Borrowed(result);
        Ok(Self { result, whole, json, place: whole, texts: None, structured })
    }

    /// The place in the result, in or as its `structuredContent`, that says what the content says.
    ///
    /// Where tools answer with a list, some libraries put it into an object, as `result`.
    #[must_use]
    pub fn twin(&self) -> Option<Span> {
        let structured = self.structured.filter(|_| self.texts.is_some())?;
        let is_twin = |place: Span| is_same(&self.json, self.place, self.result, place);
        if is_twin(structured) {
            return Some(structured);
        }
        let mut members = scan::members(self.result, structured);
        let (name, value) = members.next()?;
        let is_wrapper = scan::string(self.result, name)? == "result" && members.next().is_none();
        (is_wrapper && is_twin(value)).then_some(value)
    }
}

/// A text, and where its parts stand.
type Unwrapped<'r> = (Cow<'r, [u8]>, Texts);

/// The texts of the items in `array`, one behind the other, if that is JSON.
fn unwrap(result: &[u8], array: Span) -> Result<Option<Unwrapped<'_>>, String> {
    let mut json: Cow<'_, str> = "".into();
    let mut found: Option<Texts> = None;
    let mut n_others = 0;
    for item in scan::elements(result, array) {
        let Some(text) = text_of(result, item)? else {
            n_others += 1;
            continue;
        };
        let decoded = scan::string(result, text).unwrap_or_default();
        match &mut found {
            None => {
                json = decoded;
                found = Some(Texts { array, item, text, n_more: 0, n_others: 0 });
            }
            Some(texts) => {
                json.to_mut().push_str(&decoded);
                texts.n_more += 1;
            }
        }
    }
    let json = match json {
        Cow::Borrowed(json) => Cow::Borrowed(json.as_bytes()),
        Cow::Owned(json) => Cow::Owned(json.into_bytes()),
    };
    let is_json = scan::validate(&json, TREE_DEPTH_MAX).is_ok();
    Ok(found.filter(|_| is_json).map(|texts| (json, Texts { n_others, ..texts })))
}

/// Whether the text of a content item belongs to the content.
pub fn has_text(result: &[u8], item: Span) -> bool {
    text_of(result, item).is_ok_and(|text| text.is_some())
}

/// The text of a content item, unless it is of a kind that has none, or it is empty.
pub fn text_of(result: &[u8], item: Span) -> Result<Option<Span>, String> {
    let [kind, text] = pointer::only_members(result, item, ["type", "text"])?;
    let kind = kind.and_then(|kind| scan::string(result, kind)).unwrap_or_default();
    let is_text = |text: &Span| text.len() > 2 && pointer::first_byte(result, *text) == b'"';
    Ok(text.filter(is_text).filter(|_| !WITHOUT_TEXT.contains(&&*kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(result: &str, want: Result<&str, &str>) {
        let content = Content::of(result.as_bytes());
        let json = content.as_ref().map(|content| str::from_utf8(&content.json).unwrap());
        assert_eq!(json.map_err(|error| error.as_str()), want);
    }

    #[test]
    fn the_content_is_what_the_texts_say_together() {
        check(r#"{"content":[{"type":"text","text":"[1]"}]}"#, Ok("[1]"));
        check(r#"{"content":[{"text":"[1,"},{"type":"image"},{"type":"x","text":"2]"}]}"#, {
            Ok("[1,2]")
        });
        check(r#"{"content":[{"text":""},7,{"text":8},{"text":" {\"a\":\"\\\"\"}"}]}"#, {
            Ok(r#" {"a":"\""}"#)
        });
        check(r#"{"content":[{"text":"1"},{"type":"resource","text":"2"}]}"#, Ok("1"));
    }

    #[test]
    fn without_a_json_text_it_is_the_result() {
        for result in [
            r#"{"content":[]}"#,
            r#"{"content":[{"type":"text","text":"plain"}]}"#,
            r#"{"content":[{"type":"text","text":"[1]"},{"type":"text","text":"and more"}]}"#,
            r#"{"content":[{"type":"image","text":"[1]"}]}"#,
            r#"{"content":"[1]"}"#,
            r#"{"contents":[{"uri":"a:b","text":"[1]"}]}"#,
            "[1]",
            " null ",
        ] {
            check(result, Ok(result));
        }
    }

    #[test]
    fn two_readers_of_one_answer_read_the_same() {
        let twice = |name: &str| Err(format!("member {name:?} occurs twice in response"));
        for (result, name) in [
            (r#"{"content":[],"content":[]}"#, "content"),
            (r#"{"structuredContent":1,"structured\u0043ontent":2}"#, "structuredContent"),
            (r#"{"content":[{"text":"1","text":"2"}]}"#, "text"),
            (r#"{"content":[{"type":"text","type":"image","text":"1"}]}"#, "type"),
        ] {
            assert_eq!(Content::of(result.as_bytes()).map(|_| ()), twice(name), "{result}");
        }
        check("{", Err("failed to parse response: ends too early at byte 1"));
    }

    #[test]
    fn structured_content_that_says_the_same_is_its_twin() {
        #[track_caller]
        fn check(structured: &str, want: Option<&str>) {
            let result = format!(
                r#"{{"content":[{{"text":"[{{\"a\": 1}}]"}}],"structuredContent":{structured}}}"#
            );
            let content = Content::of(result.as_bytes()).unwrap();
            let twin = content.twin().map(|place| place.of(content.result));
            assert_eq!(twin, want.map(str::as_bytes));
        }
        check(r#"[{"a":1}]"#, Some(r#"[{"a":1}]"#));
        check(r#"{"result":[{"a":1}]}"#, Some(r#"[{"a":1}]"#));
        check(r#"{"result":[{"a":1}],"more":2}"#, None);
        check(r#"{"items":[{"a":1}]}"#, None);
        check(r#"[{"a":1.0}]"#, None);
        check("{}", None);
        check("null", None);
    }
}
