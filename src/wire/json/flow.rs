// SPDX-License-Identifier: MIT
//! One strict pass over a JSON text that comes in blocks, cut anywhere: the verdict is that of
//! [`scan::validate`] on all of it, and nothing of it is kept.
//!
//! ```text
//!   {  "id" :  7  ,  "result" : { "content" : [ … ] }  }       depth   0  1  2
//!      ^       ^^               ^ ^         ^       ^ ^ ^
//!      Name  Begins Ends   Begins Name(2) Begins  Ends Ends Ends
//! ```
//!
//! Of the outer levels it says where names and values lie, for whoever routes the text. It never
//! allocates and never calls itself: brackets are bits, and a name is kept only while it could be
//! one that matters.

mod nest;
mod number;
mod utf8;

use self::nest::Nest;
use self::number::Number;
use self::utf8::Utf8;
use super::scan::{self, plain_end};
use super::{JsonError, JsonReason};

pub use self::nest::DEPTH_MAX;

/// Names and values are told of as long as so many brackets are open around them at most.
pub const TOLD_DEPTH_MAX: usize = 2;

/// The longest name that is told as it is spelled, its quotes included. A name of ten letters may
/// be spelled with ten escapes.
pub const NAME_BYTES_MAX: usize = 64;

/// Something that was passed in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark<'a> {
    /// Where in the block.
    pub at: usize,
    /// How many brackets are open around it.
    pub depth: usize,
    /// What it is.
    pub kind: MarkKind<'a>,
}

/// What was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind<'a> {
    /// The end of a member's name: as it is spelled, with its quotes; `None`: it is longer than
    /// [`NAME_BYTES_MAX`].
    Name(Option<&'a [u8]>),
    /// The first byte of a value.
    Begins,
    /// The byte after a value.
    Ends,
    /// A raw CR or LF between tokens, at any depth.
    Break,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A value has to begin.
    Value,
    /// The same behind `[`, which may be closed at once.
    FirstValue,
    /// A name has to begin.
    Name,
    /// The same behind `{`, which may be closed at once.
    FirstName,
    Colon,
    /// A comma, a closing bracket, or the end.
    After,
    String,
    /// Behind a backslash.
    Escape,
    /// So many hexadecimal digits.
    Hex(u8),
    Number(Number),
    /// The rest of `true`, `false` or `null`.
    Literal(&'static [u8]),
}

/// A text on its way.
///
/// Invariant: after an error it is not asked again.
#[derive(Clone, Debug)]
pub struct Flow {
    state: State,
    nest: Nest,
    depth_max: usize,
    utf8: Utf8,
    /// How many bytes were in earlier blocks.
    before: usize,
    /// Whether the string under way is a name.
    in_name: bool,
    /// A name as far as it has come; longer ones are only counted.
    name: [u8; NAME_BYTES_MAX],
    name_len: usize,
}

impl Flow {
    /// Before the first byte of a text that may be nested `depth_max` deep, at most [`DEPTH_MAX`].
    #[must_use]
    pub fn new(depth_max: usize) -> Self {
        Self {
            state: State::Value,
            nest: Nest::default(),
            depth_max: depth_max.min(DEPTH_MAX),
            utf8: Utf8::default(),
            before: 0,
            in_name: false,
            name: [0; NAME_BYTES_MAX],
            name_len: 0,
        }
    }

    /// Takes the next block and tells `each` what of the outer levels is passed, in order.
    ///
    /// Errors: as soon as the text cannot become JSON any more.
    pub fn feed(&mut self, block: &[u8], each: &mut impl FnMut(Mark<'_>)) -> Result<(), JsonError> {
        if !self.utf8.takes(block) {
            return Err(JsonReason::NotUtf8.at(self.before));
        }
        let mut at = 0;
        while at < block.len() {
            at = self.step(block, at, each).map_err(|reason| reason.at(self.before + at))?;
        }
        self.before += block.len();
        Ok(())
    }

    /// The text is complete.
    ///
    /// Errors: it is not JSON without more.
    pub fn finish(&self) -> Result<(), JsonError> {
        if self.utf8.is_cut() {
            return Err(JsonReason::NotUtf8.at(self.before));
        }
        let is_whole = match self.state {
            State::After => true,
            State::Number(number) => number.may_end(),
            _ => false,
        };
        if is_whole && self.nest.depth() == 0 {
            return Ok(());
        }
        Err(JsonReason::UnexpectedEnd.at(self.before))
    }

    /// Takes a part of `block` from `at` on; returns what comes next.
    #[inline]
    fn step(
        &mut self,
        block: &[u8],
        at: usize,
        each: &mut impl FnMut(Mark<'_>),
    ) -> Result<usize, JsonReason> {
        let byte = block[at];
        match self.state {
            State::String => return self.string(block, at, each),
            State::Escape => self.escape(byte)?,
            State::Hex(left) => self.hex(left, byte)?,
            State::Number(number) => match number.and(byte)? {
                Some(number) => self.state = State::Number(number),
                // The byte is behind the number, and still to be taken.
                None => {
                    self.value_ends(at, each);
                    return Ok(at);
                }
            },
            State::Literal(rest) => self.literal(rest, byte, at, each)?,
            _ if matches!(byte, b' ' | b'\t') => {}
            _ if matches!(byte, b'\n' | b'\r') => {
                each(Mark { at, depth: self.nest.depth(), kind: MarkKind::Break });
            }
            State::After => self.after(byte, at, each)?,
            State::Colon if byte == b':' => self.state = State::Value,
            State::Colon => return Err(JsonReason::ExpectedColon),
            State::FirstName if byte == b'}' => self.close(at, each),
            State::FirstValue if byte == b']' => self.close(at, each),
            State::Name | State::FirstName if byte == b'"' => self.begin_name(),
            State::Name | State::FirstName => return Err(JsonReason::ExpectedKey),
            State::Value | State::FirstValue => self.begin_value(byte, at, each)?,
        }
        Ok(at + 1)
    }

    fn begin_value(
        &mut self,
        byte: u8,
        at: usize,
        each: &mut impl FnMut(Mark<'_>),
    ) -> Result<(), JsonReason> {
        let depth = self.nest.depth();
        if depth <= TOLD_DEPTH_MAX {
            each(Mark { at, depth, kind: MarkKind::Begins });
        }
        self.state = match byte {
            b'{' | b'[' if depth >= self.depth_max => return Err(JsonReason::TooDeep),
            b'{' => {
                self.nest.push(true);
                State::FirstName
            }
            b'[' => {
                self.nest.push(false);
                State::FirstValue
            }
            b'"' => {
                self.in_name = false;
                State::String
            }
            b'-' => State::Number(Number::Minus),
            b'0' => State::Number(Number::Zero),
            b'1'..=b'9' => State::Number(Number::Digits),
            b't' => State::Literal(b"rue"),
            b'f' => State::Literal(b"alse"),
            b'n' => State::Literal(b"ull"),
            _ => return Err(JsonReason::ExpectedValue),
        };
        Ok(())
    }

    fn value_ends(&mut self, at: usize, each: &mut impl FnMut(Mark<'_>)) {
        self.state = State::After;
        let depth = self.nest.depth();
        if depth <= TOLD_DEPTH_MAX {
            each(Mark { at, depth, kind: MarkKind::Ends });
        }
    }

    /// Behind a value.
    fn after(
        &mut self,
        byte: u8,
        at: usize,
        each: &mut impl FnMut(Mark<'_>),
    ) -> Result<(), JsonReason> {
        let Some(in_object) = self.nest.is_object() else { return Err(JsonReason::TrailingBytes) };
        match (byte, in_object) {
            (b',', true) => self.state = State::Name,
            (b',', false) => self.state = State::Value,
            (b'}', true) | (b']', false) => self.close(at, each),
            _ => return Err(JsonReason::ExpectedCommaOrEnd),
        }
        Ok(())
    }

    /// Takes the closing bracket at `at`.
    fn close(&mut self, at: usize, each: &mut impl FnMut(Mark<'_>)) {
        self.nest.pop();
        self.value_ends(at + 1, each);
    }

    fn begin_name(&mut self) {
        self.in_name = true;
        self.name_len = 0;
        self.keep_of_name(b"\"");
        self.state = State::String;
    }

    fn keep_of_name(&mut self, piece: &[u8]) {
        let end = self.name_len + piece.len();
        if let Some(room) = self.name.get_mut(self.name_len..end) {
            room.copy_from_slice(piece);
        }
        self.name_len = end;
    }

    /// Takes as much of a string as is plain, and the byte behind that.
    fn string(
        &mut self,
        block: &[u8],
        at: usize,
        each: &mut impl FnMut(Mark<'_>),
    ) -> Result<usize, JsonReason> {
        let end = plain_end(block, at);
        let next = (end + 1).min(block.len());
        let depth = self.nest.depth();
        let is_told = self.in_name && depth <= TOLD_DEPTH_MAX;
        if is_told {
            self.keep_of_name(&block[at..next]);
        }
        match block.get(end) {
            None => {}
            Some(b'\\') => self.state = State::Escape,
            Some(b'"') if self.in_name => {
                self.state = State::Colon;
                if is_told {
                    let kind = MarkKind::Name(self.name.get(..self.name_len));
                    each(Mark { at: next, depth, kind });
                }
            }
            Some(b'"') => self.value_ends(next, each),
            Some(_) => return Err(JsonReason::ControlInString),
        }
        Ok(next)
    }

    fn escape(&mut self, byte: u8) -> Result<(), JsonReason> {
        self.state = match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => State::String,
            b'u' => State::Hex(4),
            _ => return Err(JsonReason::BadEscape),
        };
        self.keep_of_name(&[byte]);
        Ok(())
    }

    fn hex(&mut self, left: u8, byte: u8) -> Result<(), JsonReason> {
        if !byte.is_ascii_hexdigit() {
            return Err(JsonReason::BadEscape);
        }
        self.keep_of_name(&[byte]);
        self.state = if left == 1 { State::String } else { State::Hex(left - 1) };
        Ok(())
    }

    fn literal(
        &mut self,
        rest: &'static [u8],
        byte: u8,
        at: usize,
        each: &mut impl FnMut(Mark<'_>),
    ) -> Result<(), JsonReason> {
        match rest.split_first() {
            Some((&wanted, rest)) if wanted == byte => match rest {
                [] => self.value_ends(at + 1, each),
                rest => self.state = State::Literal(rest),
            },
            _ => return Err(JsonReason::ExpectedValue),
        }
        Ok(())
    }
}

/// Fuzz body: `input` in one piece and in pieces of sizes taken from its own bytes gets the verdict
/// of the scanner, and the same marks.
pub fn fuzz(input: &[u8]) {
    const FUZZ_DEPTH_MAX: usize = 128;
    let verdict = scan::validate(input, FUZZ_DEPTH_MAX);
    let whole = marks_of([input], FUZZ_DEPTH_MAX);
    assert_eq!(verdict.is_ok(), whole.is_some(), "scan: {verdict:?}");
    let mut rest = input;
    let mut sizes = input.iter().rev();
    let pieces = std::iter::from_fn(|| {
        let size = usize::from(*sizes.next()? % 40);
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        Some(piece)
    });
    let mut pieces: Vec<_> = pieces.collect();
    pieces.push(rest);
    assert_eq!(marks_of(pieces, FUZZ_DEPTH_MAX), whole);
}

/// All marks with their places in the text, if it is JSON.
fn marks_of<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    depth_max: usize,
) -> Option<Vec<String>> {
    let (mut flow, mut marks, mut before) = (Flow::new(depth_max), Vec::new(), 0);
    for piece in pieces {
        let mut each =
            |mark: Mark<'_>| marks.push(format!("{:?}", Mark { at: mark.at + before, ..mark }));
        flow.feed(piece, &mut each).ok()?;
        before += piece.len();
    }
    flow.finish().ok().map(|()| marks)
}

#[cfg(test)]
mod tests;
