// SPDX-License-Identifier: MIT
//! One strict pass over a JSON text: is it JSON, and where in it lies what?
//!
//! Nothing is decoded, nothing is allocated, nothing calls itself. What is skipped is validated as
//! strictly as what is reported (RFC 8259, all of it), for it is forwarded as it came, and the
//! reader behind us must not see another message in it than we did. Two things that the grammar
//! allows are let pass: lone surrogates in escapes, and duplicate keys. Whoever decides by a key
//! refuses its duplicates.
//!
//! A [`Cursor`] knows one place and the nesting there. Whoever wants to see members opens objects
//! with it; everything else is skipped as one value.

use std::borrow::Cow;

use super::{JsonError, JsonReason, text, tree};
use crate::base::Span;
use crate::base::lanes::{self, Lanes};

/// Whether `text` is one JSON value in UTF-8, nested at most `depth_max` deep.
pub fn validate(text: &[u8], depth_max: usize) -> Result<(), JsonError> {
    let mut cursor = Cursor::new(text, depth_max)?;
    cursor.value()?;
    cursor.end()?;
    Ok(())
}

/// The value of the member `key` of `object`, a place in `text` that was validated before.
///
/// Of duplicates it is the last, as for most readers. `None` if there is none or this is no object.
#[must_use]
pub fn member(text: &[u8], object: Span, key: &str) -> Option<Span> {
    members(text, object)
        .filter(|(name, _)| is_key(text, *name, key))
        .map(|(_, value)| value)
        .last()
}

/// The members of `object`, a place in `text` that was validated before: names with their quotes,
/// and values. Empty if this is no object.
pub fn members(text: &[u8], object: Span) -> impl Iterator<Item = (Span, Span)> {
    let mut cursor = Cursor::inside(text, object);
    let mut has_more = cursor.begins(b'{') && cursor.open(b'}').unwrap_or(false);
    std::iter::from_fn(move || {
        if !has_more {
            return None;
        }
        let key = cursor.key().ok()?;
        let value = cursor.value().ok()?;
        has_more = cursor.more(b'}').unwrap_or(false);
        Some((key.span, value))
    })
}

/// The elements of `array`, a place in `text` that was validated before. Empty if this is no array.
pub fn elements(text: &[u8], array: Span) -> impl Iterator<Item = Span> {
    let mut cursor = Cursor::inside(text, array);
    let mut has_more = cursor.begins(b'[') && cursor.open(b']').unwrap_or(false);
    std::iter::from_fn(move || {
        if !has_more {
            return None;
        }
        let value = cursor.value().ok()?;
        has_more = cursor.more(b']').unwrap_or(false);
        Some(value)
    })
}

/// The text that the string at `span` (with its quotes) means; `None` if there is no string.
///
/// Borrowed if nothing in it is escaped. A lone surrogate becomes U+FFFD.
#[must_use]
pub fn string(text: &[u8], span: Span) -> Option<Cow<'_, str>> {
    let spelled = str::from_utf8(span.of(text)).ok()?;
    if !spelled.starts_with('"') {
        return None;
    }
    let (decoded, after) = text::read(spelled, 0).ok()?;
    (after == spelled.len()).then_some(decoded)
}

fn is_key(text: &[u8], name: Span, key: &str) -> bool {
    let spelled = name.of(text);
    let inner = spelled.get(1..spelled.len() - 1).unwrap_or_default();
    inner == key.as_bytes()
        || (inner.contains(&b'\\') && string(text, name).is_some_and(|name| name == key))
}

/// A member's name as it was found.
#[derive(Clone, Copy, Debug)]
pub(in crate::wire) struct Key {
    /// Its bytes, quotes included.
    pub span: Span,
    /// Whether it is spelled with escapes.
    pub has_escapes: bool,
}

/// A place in a text, before a token: never before a blank.
#[derive(Debug)]
pub(in crate::wire) struct Cursor<'t> {
    bytes: &'t [u8],
    at: usize,
    depth: usize,
    depth_max: usize,
    has_newlines: bool,
}

impl<'t> Cursor<'t> {
    /// Before the first token of `text`, which is refused if it is not UTF-8.
    pub fn new(text: &'t [u8], depth_max: usize) -> Result<Self, JsonError> {
        let bytes = tree::checked_bytes(text)?;
        let mut cursor = Self { bytes, at: 0, depth: 0, depth_max, has_newlines: false };
        cursor.skip_blanks();
        Ok(cursor)
    }

    /// Before the value at `place`, a place in `text` that was validated before.
    fn inside(text: &'t [u8], place: Span) -> Self {
        let bytes = text.get(..place.end as usize).unwrap_or_default();
        let depth_max = usize::MAX;
        Self { bytes, at: place.start as usize, depth: 0, depth_max, has_newlines: false }
    }

    /// Whether the next byte is `byte`.
    pub fn begins(&self, byte: u8) -> bool {
        self.bytes.get(self.at) == Some(&byte)
    }

    /// Visits the object that begins here: `each` gets each name and has to take its value.
    pub fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, Key) -> Result<(), JsonError>,
    ) -> Result<Span, JsonError> {
        let start = self.at;
        let mut has_more = self.open(b'}')?;
        while has_more {
            let key = self.key()?;
            each(self, key)?;
            has_more = self.more(b'}')?;
        }
        Ok(Span::new(start, self.at))
    }

    /// Visits the array that begins here: `each` has to take an element.
    pub fn array(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<Span, JsonError> {
        let start = self.at;
        let mut has_more = self.open(b']')?;
        while has_more {
            each(self)?;
            has_more = self.more(b']')?;
        }
        Ok(Span::new(start, self.at))
    }

    /// Takes one value, whatever it is.
    pub fn value(&mut self) -> Result<Span, JsonError> {
        let start = self.at;
        if self.begins(b'{') || self.begins(b'[') {
            self.nested()?;
        } else {
            self.scalar()?;
        }
        Ok(Span::new(start, self.at))
    }

    /// Makes sure that nothing follows; says whether CR or LF stood between tokens.
    pub fn end(mut self) -> Result<bool, JsonError> {
        self.skip_blanks();
        if self.at < self.bytes.len() {
            return Err(JsonReason::TrailingBytes.at(self.at));
        }
        Ok(self.has_newlines)
    }

    /// Takes the array or object that begins here.
    fn nested(&mut self) -> Result<(), JsonError> {
        let mut nest = Nest::default();
        loop {
            let mut has_more = if self.begins(b'{') {
                nest.push(true);
                self.open(b'}')?
            } else if self.begins(b'[') {
                nest.push(false);
                self.open(b']')?
            } else {
                self.scalar()?;
                self.more(nest.close())?
            };
            while !has_more {
                nest.pop();
                if nest.depth == 0 {
                    return Ok(());
                }
                has_more = self.more(nest.close())?;
            }
            if nest.is_object() {
                self.key()?;
            }
        }
    }

    /// Takes an opening bracket. Says whether a member follows; if not, the closing one is taken.
    fn open(&mut self, close: u8) -> Result<bool, JsonError> {
        if self.depth >= self.depth_max {
            return Err(JsonReason::TooDeep.at(self.at));
        }
        self.at += 1;
        self.skip_blanks();
        let is_empty = self.begins(close);
        self.at += usize::from(is_empty);
        self.depth += usize::from(!is_empty);
        Ok(!is_empty)
    }

    /// After a member: takes the comma or the closing bracket. Says whether another one follows.
    fn more(&mut self, close: u8) -> Result<bool, JsonError> {
        self.skip_blanks();
        let byte = self.peek()?;
        if byte == b',' {
            self.at += 1;
            self.skip_blanks();
            return Ok(true);
        }
        if byte != close {
            return Err(JsonReason::ExpectedCommaOrEnd.at(self.at));
        }
        self.at += 1;
        self.depth -= 1;
        Ok(false)
    }

    /// Takes a member's name and its colon.
    fn key(&mut self) -> Result<Key, JsonError> {
        let start = self.at;
        if self.peek()? != b'"' {
            return Err(JsonReason::ExpectedKey.at(start));
        }
        let has_escapes = self.string()?;
        let span = Span::new(start, self.at);
        self.skip_blanks();
        if self.peek()? != b':' {
            return Err(JsonReason::ExpectedColon.at(self.at));
        }
        self.at += 1;
        self.skip_blanks();
        Ok(Key { span, has_escapes })
    }

    fn scalar(&mut self) -> Result<(), JsonError> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => Err(JsonReason::ExpectedValue.at(self.at)),
        }
    }

    /// Takes a string. Says whether it has escapes. Spec: RFC 8259 §7.
    fn string(&mut self) -> Result<bool, JsonError> {
        let mut has_escapes = false;
        self.at += 1;
        loop {
            self.at = plain_end(self.bytes, self.at);
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(has_escapes);
                }
                b'\\' => self.escape()?,
                _ => return Err(JsonReason::ControlInString.at(self.at)),
            }
            has_escapes = true;
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        let (len, is_good) = match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => (2, true),
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6).unwrap_or_default();
                (6, digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit))
            }
            _ => (2, false),
        };
        if !is_good {
            return Err(JsonReason::BadEscape.at(self.at));
        }
        self.at += len;
        Ok(())
    }

    /// Takes a number. Spec: RFC 8259 §6.
    fn number(&mut self) -> Result<(), JsonError> {
        self.at += usize::from(self.begins(b'-'));
        if self.begins(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.begins(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if self.begins(b'e') || self.begins(b'E') {
            self.at += 1;
            self.at += usize::from(self.begins(b'+') || self.begins(b'-'));
            self.digits()?;
        }
        // What goes on as a number is a better reason than a missing comma.
        match self.bytes.get(self.at) {
            Some(b'0'..=b'9' | b'.' | b'+' | b'-') => Err(JsonReason::BadNumber.at(self.at)),
            _ => Ok(()),
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !self.peek()?.is_ascii_digit() {
            return Err(JsonReason::BadNumber.at(self.at));
        }
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        Ok(())
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), JsonError> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        match word.starts_with(rest) {
            true => Err(JsonReason::UnexpectedEnd.at(self.bytes.len())),
            false => Err(JsonReason::ExpectedValue.at(self.at)),
        }
    }

    fn peek(&self) -> Result<u8, JsonError> {
        self.bytes.get(self.at).copied().ok_or(JsonReason::UnexpectedEnd.at(self.bytes.len()))
    }

    fn skip_blanks(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' => (),
                b'\n' | b'\r' => self.has_newlines = true,
                _ => return,
            }
            self.at += 1;
        }
    }
}

/// The brackets that are open, one bit each: 1 for an object. Allocates beyond 64 of them.
#[derive(Debug, Default)]
struct Nest {
    bits: u64,
    depth: usize,
    outer: Vec<u64>,
}

impl Nest {
    fn push(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(is_object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }

    fn is_object(&self) -> bool {
        self.bits & 1 == 1
    }

    fn close(&self) -> u8 {
        if self.is_object() { b'}' } else { b']' }
    }
}

/// The first place from `at` on that does not go on plainly with a string: a quote, a backslash, a
/// control character or the end.
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    // Most strings are short; the long ones are left to whoever takes the widest steps.
    for _ in 0..SHORT_BLOCKS {
        let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            return plain_end_by_bytes(bytes, at);
        };
        let special = Lanes::load(block).special_in_json();
        if special != 0 {
            return at + special.trailing_zeros() as usize;
        }
        at += lanes::WIDTH;
    }
    let rest = &bytes[at..];
    let len = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
    match has_control(&rest[..len]) {
        true => plain_end_by_bytes(bytes, at),
        false => at + len,
    }
}

/// A string that is not longer than so many blocks is a short one.
const SHORT_BLOCKS: usize = 2;

/// Whether a control character is among `bytes`: no branch, so the compiler takes many at once.
fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().fold(u8::MAX, |least, &byte| least.min(byte)) < 0x20
}

fn plain_end_by_bytes(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len())
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Fuzz body: the scanner and the tree agree on what is JSON, on places and on texts.
pub fn fuzz(input: &[u8]) {
    const DEPTH_MAX: usize = 128;
    let verdict = validate(input, DEPTH_MAX);
    let tree = tree::parse(input, DEPTH_MAX);
    assert_eq!(verdict.is_ok(), tree.is_ok(), "scan: {verdict:?}, tree: {tree:?}");
    match (verdict, tree) {
        (Ok(()), Ok(node)) => assert_same(input, &node),
        (Err(error), _) => assert!(error.at <= input.len()),
        _ => {}
    }
}

/// Everything that the accessors say of `node` is what the tree says. Calls itself as deep as the
/// tree is.
fn assert_same(text: &[u8], node: &tree::Node) {
    match &node.value {
        tree::Value::Object(wanted) => {
            assert_eq!(members(text, node.span).count(), wanted.len());
            for ((name, value), (key, found)) in wanted.iter().zip(members(text, node.span)) {
                assert_eq!((key, found), (name.span, value.span));
                assert_eq!(string(text, key).as_deref(), Some(&*name.text));
                assert_same(text, value);
            }
            if let Some((name, _)) = wanted.first() {
                let last = node.get(&name.text).map(|value| value.span);
                assert_eq!(member(text, node.span, &name.text), last);
            }
        }
        tree::Value::Array(wanted) => {
            let wanted_spans = wanted.iter().map(|value| value.span);
            assert!(elements(text, node.span).eq(wanted_spans));
            wanted.iter().for_each(|value| assert_same(text, value));
        }
        tree::Value::String(wanted) => {
            assert_eq!(string(text, node.span).as_deref(), Some(&**wanted));
        }
        _ => assert_eq!(string(text, node.span), None),
    }
}

#[cfg(test)]
mod tests;
