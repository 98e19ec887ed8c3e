// SPDX-License-Identifier: MIT
//! A result on its way through: blocks in, the same blocks out, under another id.
//!
//! ```text
//!  ours     {"jsonrpc":"2.0","id":4294967297,"result":{"content":[{"text":"…     …"}]}}
//!  theirs   {"jsonrpc":"2.0","id":"mine"    ,"result":{"content":[{"text":"…     …"}]}}
//!           └──── block ────┘└───── block ─────┘└──────── block ───────┘ └─ block ──┘
//! ```
//!
//! What leaves in the end is what [`jsonrpc::parse`] and a [`Splice`] would have
//! made of the whole; what they would have refused is refused as soon as it is seen, and then it is
//! for the caller to see to it that the part that has left does not look complete.
//!
//! Nothing waits here: an id may be cut by the border of two blocks, but it is known beforehand.

use std::fmt;

use super::json::flow::{Flow, Mark, MarkKind};
use super::json::{JsonError, JsonReason};
use super::jsonrpc::names::{IN_MESSAGE, IN_RESULT, Member, Names};
use super::jsonrpc::{self, Kind, Parsed, RpcError};
use crate::base::bytes::format_u64;
use crate::base::{Limits, Message};
use crate::wire::{Patch, Splice};

/// Why a text is not the result that it is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassingError {
    /// It is not JSON.
    NotJson(JsonError),
    /// It is JSON, but no result of JSON-RPC that can leave as it came: why, as a short phrase.
    NotResult(&'static str),
}

impl From<JsonError> for PassingError {
    fn from(error: JsonError) -> Self {
        Self::NotJson(error)
    }
}

impl fmt::Display for PassingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(JsonError { reason: JsonReason::TooDeep, .. }) => {
                f.write_str("nested too deeply")
            }
            Self::NotJson(error) => write!(f, "not JSON: {error}"),
            Self::NotResult(why) => write!(f, "not a result of JSON-RPC: {why}"),
        }
    }
}

impl std::error::Error for PassingError {}

/// One result on its way.
///
/// Invariant: after an error it is not fed again.
#[derive(Clone, Debug)]
pub struct Passing {
    flow: Flow,
    reader: Reader,
}

/// What is read of it on the way.
#[derive(Clone, Debug)]
struct Reader {
    /// Our id, in decimal.
    ours: [u8; 20],
    n_ours: usize,
    /// The id that takes its place.
    theirs: Message,
    in_one_line: bool,
    /// Members that have stood in it, whatever their case; one bit each.
    seen: u16,
    /// The member that was named last, if it routes and its value has not begun.
    named: Option<Member>,
    /// The member of the message whose value is under way, if it routes.
    inside: Option<Member>,
    /// The value that is compared, and how much of it was as it should be.
    compared: Option<(Member, usize)>,
    /// Members whose values were as they should be; one bit each.
    good: u16,
    wrong: Option<PassingError>,
}

/// A block, what of it has left, and where a value begins that is compared.
struct Out<'b, F: FnMut(&[u8])> {
    block: &'b [u8],
    left: usize,
    compared_from: usize,
    give: &'b mut F,
}

impl<F: FnMut(&[u8])> Out<'_, F> {
    /// Gives what comes before `at`; what lies between `at` and `next` does not leave.
    fn give_to(&mut self, at: usize, next: usize) {
        if let Some(piece) = self.block.get(self.left..at).filter(|piece| !piece.is_empty()) {
            (self.give)(piece);
        }
        self.left = next;
    }
}

const fn bit(member: Member) -> u16 {
    1 << member as u16
}

impl Passing {
    /// Before the first byte of the answer to the request `ours`, which leaves as the answer to the
    /// request `theirs`; as one line, if it goes where a line is a message.
    #[must_use]
    pub fn new(limits: &Limits, ours: u64, theirs: Message, in_one_line: bool) -> Self {
        let mut spelled = [0; 20];
        let n_ours = format_u64(ours, &mut spelled).len();
        spelled.rotate_right(n_ours); // It was written to the end.
        let reader = Reader {
            ours: spelled,
            n_ours,
            theirs,
            in_one_line,
            seen: 0,
            named: None,
            inside: None,
            compared: None,
            good: 0,
            wrong: None,
        };
        Self { flow: Flow::new(limits.json_depth_max), reader }
    }

    /// Takes the next block and gives `out` what leaves of it, in order.
    ///
    /// Errors: as soon as it cannot become the result that it is taken for; `out` may have been
    /// given a part of the block.
    pub fn feed(&mut self, block: &[u8], out: &mut impl FnMut(&[u8])) -> Result<(), PassingError> {
        let reader = &mut self.reader;
        let mut out = Out { block, left: 0, compared_from: 0, give: out };
        let fed = self.flow.feed(block, &mut |mark| reader.note(mark, &mut out));
        if let Some(error) = reader.wrong {
            return Err(error);
        }
        fed?;
        reader.end_block(&mut out);
        reader.wrong.map_or(Ok(()), Err)
    }

    /// The text is complete.
    ///
    /// Errors: it is not JSON without more, or lacks what makes it the result that it is taken for.
    pub fn finish(&self) -> Result<(), PassingError> {
        self.flow.finish()?;
        let has = |member| self.reader.good & bit(member) != 0;
        let why = match () {
            () if !has(Member::Jsonrpc) => "jsonrpc is not \"2.0\"",
            () if !has(Member::Id) => "a response without id",
            () if !self.has_result() => "neither method nor result nor error",
            () => return Ok(()),
        };
        Err(PassingError::NotResult(why))
    }

    /// Whether its id has passed.
    #[must_use]
    pub const fn has_id(&self) -> bool {
        self.reader.good & bit(Member::Id) != 0
    }

    /// Whether its result has begun.
    #[must_use]
    pub const fn has_result(&self) -> bool {
        self.reader.good & bit(Member::Result) != 0
    }

    /// Whether its result has said that it is complete, as those of modern servers do.
    #[must_use]
    pub const fn says_complete(&self) -> bool {
        self.reader.good & bit(Member::ResultType) != 0
    }
}

impl Reader {
    fn note<F: FnMut(&[u8])>(&mut self, mark: Mark<'_>, out: &mut Out<'_, F>) {
        if self.wrong.is_some() {
            return;
        }
        let Mark { at, depth, kind } = mark;
        match (kind, depth) {
            (MarkKind::Break, _) if self.in_one_line => {
                out.give_to(at, at + 1);
                (out.give)(b" ");
            }
            (MarkKind::Begins, 0) if out.block[at] != b'{' => self.refuse("not an object"),
            (MarkKind::Name(name), 1) => self.name(name, &IN_MESSAGE),
            (MarkKind::Name(name), 2) if self.inside == Some(Member::Result) => {
                self.name(name, &IN_RESULT);
            }
            (MarkKind::Begins, 1) => {
                self.inside = self.named;
                self.begin(at, out);
            }
            (MarkKind::Begins, 2) => self.begin(at, out),
            (MarkKind::Ends, 1 | 2) => {
                self.end(at, out);
                if depth == 1 {
                    self.inside = None;
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, spelled: Option<&[u8]>, names: &Names) {
        let meaning = spelled.and_then(|spelled| names.meaning(spelled));
        let Some((member, is_exact)) = meaning else { return };
        if self.seen & bit(member) != 0 {
            return self.refuse("a member that routes stands twice");
        }
        self.seen |= bit(member);
        self.named = is_exact.then_some(member);
    }

    /// The value of the member that was named last begins at `at`.
    fn begin<F: FnMut(&[u8])>(&mut self, at: usize, out: &mut Out<'_, F>) {
        let Some(member) = self.named.take() else { return };
        match member {
            Member::Id => {
                out.give_to(at, at);
                self.compare_from(member, at, out);
            }
            Member::Jsonrpc | Member::ResultType => self.compare_from(member, at, out),
            Member::Result => self.good |= bit(member),
            Member::Method => self.refuse("both a request and a response"),
            Member::Error => self.refuse("an error"),
            // Legal, and of no use to anybody; what stands in it would have to be looked at.
            _ => self.refuse("a response with params"),
        }
    }

    fn compare_from<F: FnMut(&[u8])>(&mut self, member: Member, at: usize, out: &mut Out<'_, F>) {
        self.compared = Some((member, 0));
        out.compared_from = at;
        // So that nothing is taken for a part of it that is not a scalar.
        if matches!(out.block[at], b'{' | b'[') {
            self.differs(member);
        }
    }

    /// A value ends before `at`.
    fn end<F: FnMut(&[u8])>(&mut self, at: usize, out: &mut Out<'_, F>) {
        let Some((member, _)) = self.compared else { return };
        self.compare(member, at, out);
        let is_whole = self.compared.take().is_some_and(|(_, n)| n == self.wanted(member).len());
        if !is_whole {
            return self.differs(member);
        }
        self.good |= bit(member);
        if member == Member::Id {
            out.left = at;
            (out.give)(&self.theirs);
        }
    }

    /// Compares what `out` has of a value before `at`.
    fn compare<F: FnMut(&[u8])>(&mut self, member: Member, at: usize, out: &Out<'_, F>) {
        let Some((_, matched)) = self.compared else { return };
        let piece = &out.block[out.compared_from..at];
        if self.wanted(member)[matched..].starts_with(piece) {
            self.compared = Some((member, matched + piece.len()));
        } else {
            self.differs(member);
        }
    }

    fn end_block<F: FnMut(&[u8])>(&mut self, out: &mut Out<'_, F>) {
        let end = out.block.len();
        if let Some((member, _)) = self.compared {
            self.compare(member, end, out);
            if member == Member::Id {
                return;
            }
        }
        out.give_to(end, end);
    }

    fn wanted(&self, member: Member) -> &[u8] {
        match member {
            Member::Id => &self.ours[..self.n_ours],
            Member::Jsonrpc => b"\"2.0\"",
            _ => b"\"complete\"",
        }
    }

    fn differs(&mut self, member: Member) {
        self.refuse(match member {
            Member::Id => "the id of another request",
            Member::Jsonrpc => "jsonrpc is not \"2.0\"",
            _ => "it is not complete",
        });
    }

    fn refuse(&mut self, why: &'static str) {
        self.wrong = self.wrong.or(Some(PassingError::NotResult(why)));
    }
}

/// The id of the message that begins with `start`, as it is spelled, if it stands there once and
/// before anything that is not JSON.
#[must_use]
pub fn id_of<'t>(start: &'t [u8], limits: &Limits) -> Option<&'t [u8]> {
    let mut flow = Flow::new(limits.json_depth_max);
    let (mut is_next, mut from, mut found) = (false, None, None);
    let fed = flow.feed(start, &mut |mark| match (mark.kind, mark.depth) {
        (MarkKind::Name(name), 1) => {
            let meaning = name.and_then(|name| IN_MESSAGE.meaning(name));
            is_next = matches!(meaning, Some((Member::Id, true)));
        }
        (MarkKind::Begins, 1) if std::mem::take(&mut is_next) => from = Some(mark.at),
        (MarkKind::Ends, 1) => {
            if let Some(from) = from.take() {
                found = start.get(from..mark.at);
            }
        }
        _ => {}
    });
    fed.ok().and(found)
}

/// Fuzz body: a text in pieces passes as all of it would: parsed, with its id replaced, and with
/// blanks for line breaks if it is one line. The first byte says how it is cut.
pub fn fuzz(input: &[u8]) {
    let Some((&first, text)) = input.split_first() else { return };
    let in_one_line = first & 0x80 != 0;
    let want = gathered(text, in_one_line);
    for size in [usize::from(first & 0x0f) + 1, text.len().max(1)] {
        let got = passed(text.chunks(size), in_one_line);
        assert_eq!(got.ok(), want.as_ref().ok().cloned(), "{want:?}");
    }
    // What makes it an answer to somebody else is not told from what makes it none at all.
    if let (Ok(_), Some(id)) = (&want, id_of(text, &Limits::TEST_MIN)) {
        assert_eq!(id, FUZZ_OURS.to_string().as_bytes());
    }
}

const FUZZ_OURS: u64 = 7_001;
const FUZZ_THEIRS: &str = "\"theirs\"";

fn passed<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    in_one_line: bool,
) -> Result<Vec<u8>, PassingError> {
    let theirs = Message::from(FUZZ_THEIRS);
    let mut passing = Passing::new(&Limits::TEST_MIN, FUZZ_OURS, theirs, in_one_line);
    let mut all = Vec::new();
    for piece in pieces {
        passing.feed(piece, &mut |bytes| all.extend_from_slice(bytes))?;
    }
    passing.finish().map(|()| all)
}

/// The same by way of the whole.
fn gathered(text: &[u8], in_one_line: bool) -> Result<Vec<u8>, RpcError> {
    let not_ours = RpcError::NotRpc { reason: "not our result", id: None };
    let Parsed::Single(envelope) = jsonrpc::parse(text, &Limits::TEST_MIN)? else {
        return Err(not_ours);
    };
    let is_complete = envelope.result_type.is_none_or(|kind| kind.of(text) == b"\"complete\"");
    let is_result = envelope.kind == Kind::Response && envelope.result.is_some();
    let id = envelope.id.filter(|id| id.of(text) == FUZZ_OURS.to_string().as_bytes());
    let (Some(id), true, None) = (id, is_result && is_complete, envelope.params) else {
        return Err(not_ours);
    };
    let blank = |byte: &u8| match byte {
        b'\r' | b'\n' if in_one_line => b' ',
        byte => *byte,
    };
    let text: Vec<u8> = text.iter().map(blank).collect();
    let patch = Patch::Bytes(Message::from(FUZZ_THEIRS));
    Ok(Splice::whole(Message::new(text)).with(id, patch).to_message().to_vec())
}

#[cfg(test)]
mod tests;
