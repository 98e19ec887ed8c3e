// SPDX-License-Identifier: MIT
//! Lines out of a byte stream: one message per line, as MCP's stdio transport frames them.
//!
//! Nothing here knows whether a line is JSON.
//!
//! Spec: MCP transports, stdio ("messages are delimited by newlines").

use std::mem;

use crate::base::Message;
use crate::wire::bom::Bom;

/// One line that is not empty, without its end (LF or CRLF), or what is said of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// All of it.
    Whole(Message),
    /// The start of one that is longer than allowed; the rest of it is dropped.
    Start(Message),
    /// A part of one that passes; the last one may end in the CR before its LF.
    Part(Message),
    /// The end of that one.
    End,
    /// That one is longer than allowed; the rest of it is dropped.
    Cut,
}

/// A push parser for one stream.
///
/// ```text
///  Holding ── longer than `ask_from` ─> Asked ── gather ─> Gathering ─┐
///     ^                                   └───── pass ───> Passing ───┤
///     └───────────────────────── end of the line ─────────────────────┘
/// ```
///
/// Invariant: `held` has at most `bytes_max` bytes.
pub struct Lines {
    bytes_max: usize,
    start_bytes_max: usize,
    ask_from: usize,
    bom: Bom,
    /// The beginning of a line whose end has not come.
    held: Vec<u8>,
    under_way: UnderWay,
}

/// What becomes of the current line.
#[derive(Debug, Default)]
enum UnderWay {
    /// It is held until its end.
    #[default]
    Holding,
    /// This is its beginning, and nothing more of it is taken: the caller decides.
    Asked(Message),
    /// It is held whatever its length.
    Gathering,
    /// It leaves as it comes; so many bytes have left.
    Passing(usize),
    /// It was too long; what comes of it is dropped.
    Skipping,
}

impl Lines {
    /// At the start of a stream. Lines of more than `bytes_max` bytes (a CR counts) come as their
    /// first `start_bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: usize, start_bytes_max: usize) -> Self {
        debug_assert!(start_bytes_max <= bytes_max);
        Self {
            bytes_max,
            start_bytes_max,
            ask_from: usize::MAX,
            bom: Bom::default(),
            held: Vec::new(),
            under_way: UnderWay::Holding,
        }
    }

    /// Asks what is to become of a line of which more than `bytes` bytes have come, and not all.
    #[must_use]
    pub fn asking_from(self, bytes: usize) -> Self {
        Self { ask_from: bytes, ..self }
    }

    /// The beginning of the line about which was asked; nothing is taken until it is decided.
    #[must_use]
    pub const fn asked(&self) -> Option<&Message> {
        if let UnderWay::Asked(start) = &self.under_way { Some(start) } else { None }
    }

    /// The line that has begun is wanted whole.
    pub fn gather(&mut self) {
        if let UnderWay::Asked(start) = &mut self.under_way {
            self.held = mem::take(start).into_vec();
            self.under_way = UnderWay::Gathering;
        }
    }

    /// The line that has begun is wanted in parts, from the one on that follows its beginning.
    pub fn pass(&mut self) {
        if let UnderWay::Asked(start) = &self.under_way {
            self.under_way = UnderWay::Passing(start.len());
        }
    }

    /// Takes the next bytes and gives `deliver` each line that they complete.
    ///
    /// A line in one piece is copied once, into its message; one in several pieces as well, unless
    /// its memory has to grow.
    pub fn feed(&mut self, input: &[u8], deliver: &mut impl FnMut(Line)) {
        debug_assert!(self.asked().is_none(), "nobody has said what becomes of a long line");
        self.gather();
        let (before, input) = self.bom.skip(input);
        self.feed_text(before, deliver);
        self.feed_text(input, deliver);
    }

    /// The stream has ended: a last line without its end is a line.
    pub fn finish(&mut self, deliver: &mut impl FnMut(Line)) {
        self.gather();
        let before = self.bom.finish();
        self.feed_text(before, deliver);
        self.end_line(&[], deliver);
    }

    fn feed_text(&mut self, input: &[u8], deliver: &mut impl FnMut(Line)) {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', input) {
            self.end_line(&input[start..end], deliver);
            start = end + 1;
        }
        self.hold(&input[start..], deliver);
    }

    /// Keeps a piece of a line whose end has not come, or lets it pass.
    fn hold(&mut self, piece: &[u8], deliver: &mut impl FnMut(Line)) {
        match self.under_way {
            UnderWay::Skipping => return,
            UnderWay::Passing(_) => return self.pass_piece(piece, deliver),
            _ => {}
        }
        if piece.len() > self.bytes_max - self.held.len() {
            deliver(self.take_start(piece));
            self.under_way = UnderWay::Skipping;
            return;
        }
        self.held.extend_from_slice(piece);
        if self.held.len() > self.ask_from && matches!(self.under_way, UnderWay::Holding) {
            self.under_way = UnderWay::Asked(Message::new(mem::take(&mut self.held)));
        }
    }

    fn pass_piece(&mut self, piece: &[u8], deliver: &mut impl FnMut(Line)) {
        let UnderWay::Passing(n) = &mut self.under_way else { return };
        if piece.len() > self.bytes_max - *n {
            self.under_way = UnderWay::Skipping;
            return deliver(Line::Cut);
        }
        *n += piece.len();
        if !piece.is_empty() {
            deliver(Line::Part(Message::copy_of(piece)));
        }
    }

    /// Takes the last piece of a line.
    fn end_line(&mut self, piece: &[u8], deliver: &mut impl FnMut(Line)) {
        match self.under_way {
            UnderWay::Holding => {}
            UnderWay::Passing(_) => {
                self.pass_piece(piece, deliver);
                if !matches!(mem::take(&mut self.under_way), UnderWay::Skipping) {
                    deliver(Line::End);
                }
                return;
            }
            _ => {
                if matches!(mem::take(&mut self.under_way), UnderWay::Skipping) {
                    return;
                }
            }
        }
        if piece.len() > self.bytes_max - self.held.len() {
            return deliver(self.take_start(piece));
        }
        if self.held.is_empty() {
            let line = piece.strip_suffix(b"\r").unwrap_or(piece);
            if !line.is_empty() {
                deliver(Line::Whole(Message::copy_of(line)));
            }
            return;
        }
        let mut line = mem::take(&mut self.held);
        line.extend_from_slice(piece);
        line.pop_if(|last| *last == b'\r');
        if !line.is_empty() {
            deliver(Line::Whole(Message::new(line)));
        }
    }

    /// What is kept of a line that `piece` makes too long.
    fn take_start(&mut self, piece: &[u8]) -> Line {
        let held = mem::take(&mut self.held);
        let start = held.iter().chain(piece).take(self.start_bytes_max);
        Line::Start(Message::new(start.copied().collect()))
    }
}

/// Feeds `input` in one piece and in pieces of sizes taken from its own bytes: the lines must be
/// the same, and none longer than allowed; also if long ones are asked about, and then gathered or
/// passed on.
pub fn fuzz(input: &[u8]) {
    let whole = lines_of([input], None);
    let pieces = || {
        let mut rest = input;
        std::iter::from_fn(move || {
            let size = usize::from(*rest.first()? % 7) + 1;
            let (piece, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            Some(piece)
        })
    };
    for decide in [None, Some(Lines::gather as fn(&mut Lines)), Some(Lines::pass)] {
        assert_eq!(whole, lines_of(pieces(), decide));
    }
    for line in whole {
        match line {
            Line::Whole(line) => assert!(!line.is_empty() && line.len() <= FUZZ_BYTES_MAX),
            Line::Start(start) => assert_eq!(start.len(), FUZZ_START_BYTES_MAX),
            line => panic!("nobody was asked about {line:?}"),
        }
    }
}

const FUZZ_BYTES_MAX: usize = 20;
const FUZZ_START_BYTES_MAX: usize = 5;
const FUZZ_ASK_FROM: usize = 8;

/// The lines of `pieces`, those that passed put together again.
fn lines_of<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    decide: Option<fn(&mut Lines)>,
) -> Vec<Line> {
    let ask_from = if decide.is_some() { FUZZ_ASK_FROM } else { usize::MAX };
    let mut lines = Lines::new(FUZZ_BYTES_MAX, FUZZ_START_BYTES_MAX).asking_from(ask_from);
    let (mut got, mut passing) = (Vec::new(), Vec::new());
    let mut take = |line, passing: &mut Vec<u8>| match line {
        Line::Part(part) => passing.extend_from_slice(&part),
        Line::End => got.push(passed(mem::take(passing))),
        Line::Cut => {
            passing.truncate(FUZZ_START_BYTES_MAX);
            got.push(Line::Start(Message::new(mem::take(passing))));
        }
        line => got.push(line),
    };
    for piece in pieces {
        lines.feed(piece, &mut |line| take(line, &mut passing));
        if let (Some(start), Some(decide)) = (lines.asked(), decide) {
            passing = start.to_vec();
            decide(&mut lines);
        }
    }
    lines.finish(&mut |line| take(line, &mut passing));
    got
}

/// A line that passed as it would have been gathered.
fn passed(mut line: Vec<u8>) -> Line {
    line.pop_if(|last| *last == b'\r');
    Line::Whole(Message::new(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines with at most 20 bytes; of longer ones the first 5 come, here with an ellipsis.
    #[track_caller]
    fn check(input: &[u8], want: &[&str]) {
        for cut in 0..=input.len() {
            for also in [cut, (cut + input.len()) / 2] {
                let lines = lines_of([&input[..cut], &input[cut..also], &input[also..]], None);
                let got: Vec<String> = lines.iter().map(show).collect();
                assert_eq!(got, want, "cut at {cut} and {also}");
            }
        }
    }

    fn show(line: &Line) -> String {
        match line {
            Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
            Line::Start(start) => format!("{}…", String::from_utf8_lossy(start)),
            line => panic!("nobody was asked about {line:?}"),
        }
    }

    // Checklist 106.
    #[test]
    fn every_line_is_a_message() {
        check(b"{\"id\":1}\n{\"id\":2}\n", &["{\"id\":1}", "{\"id\":2}"]);
        check(b" a \n\tb\n", &[" a ", "\tb"]);
    }

    // Checklist 106.
    #[test]
    fn the_last_line_needs_no_end() {
        check(b"a\nb", &["a", "b"]);
        check(b"a\nb\r", &["a", "b"]);
        check(b"\xef\xbb", &["\u{fffd}"]);
    }

    // Checklist 106.
    #[test]
    fn a_cr_before_the_lf_belongs_to_the_line_end() {
        check(b"a\r\nb\rc\r\r\n", &["a", "b\rc\r"]);
    }

    #[test]
    fn empty_lines_vanish() {
        check(b"\n\n\r\na\n\n\n", &["a"]);
        check(b"", &[]);
        check(b"\r", &[]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        check(b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n", &["{}", "\u{feff}{}"]);
    }

    #[test]
    fn the_rest_of_a_line_that_is_too_long_is_dropped() {
        check(b"01234567890123456789\nb\n", &["01234567890123456789", "b"]);
        check(b"012345678901234567890\nb\n", &["01234…", "b"]);
        check(b"a\n0123456789012345678901234567890123456789\nb\n", &["a", "01234…", "b"]);
        check(b"0123456789012345678901234567890123456789", &["01234…"]);
    }

    // Checklist 106.
    #[test]
    fn junk_is_the_same_junk_however_it_is_cut() {
        let mut rng = crate::base::Rng::new([2; 32]);
        let alphabet = b"{}ab\r\n\n\xef\xbb\xbf";
        for _ in 0..2_000 {
            let len = rng.next_u32() as usize % 80;
            let pick = |_| alphabet[rng.next_u32() as usize % alphabet.len()];
            fuzz(&(0..len).map(pick).collect::<Vec<u8>>());
        }
    }
}
