// SPDX-License-Identifier: MIT
//! JSON as a tree of values, each with its place in the text, for what the gateway itself has to
//! understand.
//!
//! It allocates per value, so messages on their way are never parsed into it. It keeps duplicate
//! keys, in their order: whether they are a mistake is the caller's question.

use std::fmt;

use super::text;
use crate::base::Span;
use crate::base::bytes::{self, is_ascii};

/// The deepest nesting that [`parse`] follows, whatever it is asked for: it calls itself.
pub const TREE_DEPTH_MAX: usize = 512;

/// A value and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its bytes in the text, quotes and brackets included.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a JSON value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, exactly as it is spelled.
    Number(Box<str>),
    /// A string, unescaped. A lone surrogate has become U+FFFD.
    String(String),
    /// The elements of an array.
    Array(Vec<Node>),
    /// The members of an object, in their order, duplicates included.
    Object(Vec<(Name, Node)>),
}

/// The name of a member and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Its bytes in the text, quotes included.
    pub span: Span,
    /// The name, unescaped.
    pub text: String,
}

/// Why and where a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The byte at which it stops being JSON.
    pub at: usize,
    /// Why.
    pub reason: JsonReason,
}

/// Why a text is not JSON, or not JSON that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonReason {
    /// The text is not UTF-8 (RFC 8259 §8.1).
    NotUtf8,
    /// The text begins with a byte order mark (RFC 8259 §8.1).
    ByteOrderMark,
    /// The text ends inside a value, or is empty.
    UnexpectedEnd,
    /// No value begins here.
    ExpectedValue,
    /// No member name begins here.
    ExpectedKey,
    /// A member name is not followed by a colon.
    ExpectedColon,
    /// A member or an element is followed by neither a comma nor the closing bracket.
    ExpectedCommaOrEnd,
    /// A number is not spelled as JSON spells numbers (RFC 8259 §6).
    BadNumber,
    /// A backslash is not followed by an escape (RFC 8259 §7).
    BadEscape,
    /// A control character stands raw in a string (RFC 8259 §7).
    ControlInString,
    /// Something follows the value.
    TrailingBytes,
    /// Arrays and objects are nested deeper than allowed.
    TooDeep,
    /// The text is too long for our offsets (4 GiB).
    TooLong,
}

impl JsonReason {
    /// The error with this reason at byte `at`.
    #[must_use]
    pub const fn at(self, at: usize) -> JsonError {
        JsonError { at, reason: self }
    }
}

impl fmt::Display for JsonReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "not UTF-8",
            Self::ByteOrderMark => "begins with a byte order mark",
            Self::UnexpectedEnd => "ends too early",
            Self::ExpectedValue => "expected a value",
            Self::ExpectedKey => "expected a member name in quotes",
            Self::ExpectedColon => "expected a colon",
            Self::ExpectedCommaOrEnd => "expected a comma or the closing bracket",
            Self::BadNumber => "malformed number",
            Self::BadEscape => "malformed escape",
            Self::ControlInString => "control character in a string",
            Self::TrailingBytes => "something follows the value",
            Self::TooDeep => "nested too deeply",
            Self::TooLong => "too long",
        })
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.reason, self.at)
    }
}

impl std::error::Error for JsonError {}

/// Reads the one value that `text` holds (strictly RFC 8259), with arrays and objects nested at
/// most `depth_max` deep, and never deeper than [`TREE_DEPTH_MAX`].
pub fn parse(text: &[u8], depth_max: usize) -> Result<Node, JsonError> {
    let text = checked_text(text)?;
    let mut reader =
        Reader { text, bytes: text.as_bytes(), at: 0, depth_left: depth_max.min(TREE_DEPTH_MAX) };
    reader.skip_blanks();
    let node = reader.node()?;
    reader.skip_blanks();
    if reader.at < reader.bytes.len() {
        return Err(JsonReason::TrailingBytes.at(reader.at));
    }
    Ok(node)
}

/// [`checked_text`] for those who need no more than its bytes.
pub(super) fn checked_bytes(text: &[u8]) -> Result<&[u8], JsonError> {
    // Most messages are ASCII, and that is seen in far fewer steps.
    if is_ascii(text) && u32::try_from(text.len()).is_ok() {
        return Ok(text);
    }
    checked_text(text).map(str::as_bytes)
}

/// `text` if it is UTF-8, not too long for spans, and without a byte order mark.
pub(super) fn checked_text(text: &[u8]) -> Result<&str, JsonError> {
    if u32::try_from(text.len()).is_err() {
        return Err(JsonReason::TooLong.at(0));
    }
    let text = str::from_utf8(text).map_err(|error| JsonReason::NotUtf8.at(error.valid_up_to()))?;
    if text.starts_with('\u{feff}') {
        return Err(JsonReason::ByteOrderMark.at(0));
    }
    Ok(text)
}

impl Node {
    /// The member named `key`, if this is an object that has one; of duplicates the last, as for
    /// most readers.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let (_, node) = self.as_object()?.iter().rfind(|(name, _)| name.text == key)?;
        Some(node)
    }

    /// Whether this is `null`.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = &self.value { Some(text) } else { None }
    }

    /// The truth value, if this is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(value) = self.value { Some(value) } else { None }
    }

    /// The number as it is spelled, if this is a number.
    #[must_use]
    pub fn as_number(&self) -> Option<&str> {
        if let Value::Number(spelled) = &self.value { Some(spelled) } else { None }
    }

    /// The number, if this is one that is spelled with digits alone and fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        bytes::parse_u64(self.as_number()?.as_bytes())
    }

    /// The number, if this is one that is spelled with digits and perhaps a minus, and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.parse().ok()
    }

    /// The number rounded to the nearest `f64`, if this is a number and not too large for one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// The elements, if this is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Value::Array(elements) = &self.value { Some(elements) } else { None }
    }

    /// The members, if this is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&[(Name, Self)]> {
        if let Value::Object(members) = &self.value { Some(members) } else { None }
    }

    /// What kind of value this is, with its article: "a string", "an object".
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }
}

/// Reads by calling itself; [`TREE_DEPTH_MAX`] bounds the stack.
struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    depth_left: usize,
}

impl Reader<'_> {
    fn node(&mut self) -> Result<Node, JsonError> {
        let start = self.at;
        let value = match self.peek()? {
            b'{' => self.nested(Self::object)?,
            b'[' => self.nested(Self::array)?,
            b'"' => Value::String(self.string()?),
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.literal("true", Value::Bool(true))?,
            b'f' => self.literal("false", Value::Bool(false))?,
            b'n' => self.literal("null", Value::Null)?,
            _ => return Err(JsonReason::ExpectedValue.at(start)),
        };
        Ok(Node { span: Span::new(start, self.at), value })
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Value, JsonError>,
    ) -> Result<Value, JsonError> {
        self.depth_left = self.depth_left.checked_sub(1).ok_or(JsonReason::TooDeep.at(self.at))?;
        self.at += 1;
        self.skip_blanks();
        let value = read(self)?;
        self.depth_left += 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, JsonError> {
        let mut members = Vec::new();
        if self.takes(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            let start = self.at;
            if self.peek()? != b'"' {
                return Err(JsonReason::ExpectedKey.at(start));
            }
            let text = self.string()?;
            let name = Name { span: Span::new(start, self.at), text };
            self.skip_blanks();
            if self.peek()? != b':' {
                return Err(JsonReason::ExpectedColon.at(self.at));
            }
            self.at += 1;
            self.skip_blanks();
            members.push((name, self.node()?));
            if self.is_last(b'}')? {
                return Ok(Value::Object(members));
            }
        }
    }

    fn array(&mut self) -> Result<Value, JsonError> {
        let mut elements = Vec::new();
        if self.takes(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.node()?);
            if self.is_last(b']')? {
                return Ok(Value::Array(elements));
            }
        }
    }

    /// After a member or an element: takes the comma or the closing bracket.
    fn is_last(&mut self, close: u8) -> Result<bool, JsonError> {
        self.skip_blanks();
        let byte = self.peek()?;
        if byte != close && byte != b',' {
            return Err(JsonReason::ExpectedCommaOrEnd.at(self.at));
        }
        self.at += 1;
        if byte == b',' {
            self.skip_blanks();
        }
        Ok(byte == close)
    }

    fn string(&mut self) -> Result<String, JsonError> {
        let (decoded, after) = text::read(self.text, self.at)?;
        self.at = after;
        Ok(decoded.into_owned())
    }

    /// Spec: RFC 8259 §6.
    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _signed = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'0'..=b'9' | b'.' | b'+' | b'-')) {
            return Err(JsonReason::BadNumber.at(self.at));
        }
        Ok(Value::Number(self.text[start..self.at].into()))
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if self.at == start {
            self.peek()?;
            return Err(JsonReason::BadNumber.at(start));
        }
        Ok(())
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, JsonError> {
        let start = self.at;
        for &byte in word.as_bytes() {
            if self.peek()? != byte {
                return Err(JsonReason::ExpectedValue.at(start));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn peek(&self) -> Result<u8, JsonError> {
        self.bytes.get(self.at).copied().ok_or(JsonReason::UnexpectedEnd.at(self.bytes.len()))
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is_there = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &Value) {
        let node = parse(text.as_bytes(), 8).unwrap();
        assert_eq!(&node.value, want);
        assert_eq!(node.span.of(text.as_bytes()), text.trim_ascii().as_bytes());
    }

    #[track_caller]
    fn check_refused(text: &str, at: usize, reason: JsonReason) {
        assert_eq!(parse(text.as_bytes(), 8), Err(reason.at(at)), "{text:?}");
    }

    #[test]
    fn scalars_are_read() {
        check("null", &Value::Null);
        check(" true\r\n", &Value::Bool(true));
        check("false", &Value::Bool(false));
        check("\"a\\u0062c\"", &Value::String("abc".into()));
        for number in ["0", "-0", "10", "-5", "9007199254740993", "1.50", "1e5", "1E-5", "2.5e+9"] {
            check(number, &Value::Number(number.into()));
        }
    }

    #[test]
    fn values_and_names_know_their_places() {
        let text = b"{ \"a\" : [ 1 , {} ] ,\"\\u0062\":\"x\" }";
        let node = parse(text, 8).unwrap();
        let members = node.as_object().unwrap();
        assert_eq!(members[0].0.span.of(text), b"\"a\"");
        assert_eq!(members[0].1.span.of(text), b"[ 1 , {} ]");
        assert_eq!(members[0].1.as_array().unwrap()[0].span.of(text), b"1");
        assert_eq!(members[0].1.as_array().unwrap()[1].span.of(text), b"{}");
        assert_eq!(members[1].0.text, "b");
        assert_eq!(node.get("b").unwrap().as_str(), Some("x"));
        assert_eq!(node.get("c"), None);
    }

    #[test]
    fn numbers_become_integers_only_if_they_fit() {
        let node = parse(b"[7, -7, 18446744073709551615, 1.0, 1e400, \"7\"]", 8).unwrap();
        let list = node.as_array().unwrap();
        assert_eq!(
            (list[0].as_u64(), list[0].as_i64(), list[0].as_f64()),
            (Some(7), Some(7), Some(7.0))
        );
        assert_eq!((list[1].as_u64(), list[1].as_i64()), (None, Some(-7)));
        assert_eq!((list[2].as_u64(), list[2].as_i64()), (Some(u64::MAX), None));
        assert_eq!((list[3].as_u64(), list[3].as_f64()), (None, Some(1.0)));
        assert_eq!((list[4].as_f64(), list[4].as_number()), (None, Some("1e400")));
        assert_eq!((list[5].as_u64(), list[5].as_number()), (None, None));
    }

    #[test]
    fn duplicate_keys_are_kept_in_order() {
        let node = parse(b"{\"a\":1,\"a\":2}", 8).unwrap();
        assert_eq!(node.as_object().unwrap().len(), 2);
        assert_eq!(node.get("a").unwrap().as_u64(), Some(2));
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(parse(b"[[[[[[[[]]]]]]]]", 8).is_ok());
        assert!(parse(b"[[],[],[],[],[],[],[],[],[],[]]", 2).is_ok());
        check_refused("[[[[[[[[[]]]]]]]]]", 8, JsonReason::TooDeep);
        let deep = "[".repeat(100_000);
        assert_eq!(parse(deep.as_bytes(), usize::MAX), Err(JsonReason::TooDeep.at(TREE_DEPTH_MAX)));
    }

    #[test]
    fn what_is_not_json_is_refused_at_its_place() {
        check_refused("", 0, JsonReason::UnexpectedEnd);
        check_refused(" \n", 2, JsonReason::UnexpectedEnd);
        check_refused("\u{feff}1", 0, JsonReason::ByteOrderMark);
        check_refused("nul", 3, JsonReason::UnexpectedEnd);
        check_refused("nulx", 0, JsonReason::ExpectedValue);
        check_refused("nullx", 4, JsonReason::TrailingBytes);
        check_refused("1 2", 2, JsonReason::TrailingBytes);
        check_refused("01", 1, JsonReason::BadNumber);
        check_refused("-", 1, JsonReason::UnexpectedEnd);
        check_refused("1.", 2, JsonReason::UnexpectedEnd);
        check_refused("1.e5", 2, JsonReason::BadNumber);
        check_refused("+1", 0, JsonReason::ExpectedValue);
        check_refused("[1,]", 3, JsonReason::ExpectedValue);
        check_refused("[1 2]", 3, JsonReason::ExpectedCommaOrEnd);
        check_refused("[1}", 2, JsonReason::ExpectedCommaOrEnd);
        check_refused("{\"a\":1,}", 7, JsonReason::ExpectedKey);
        check_refused("{a:1}", 1, JsonReason::ExpectedKey);
        check_refused("{\"a\" 1}", 5, JsonReason::ExpectedColon);
        check_refused("{\"a\":}", 5, JsonReason::ExpectedValue);
        check_refused("{\"a\":1", 6, JsonReason::UnexpectedEnd);
        assert_eq!(parse(b"\"\xff\"", 8), Err(JsonReason::NotUtf8.at(1)));
    }
}
