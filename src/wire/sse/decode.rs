// SPDX-License-Identifier: MIT
//! Event streams, in: bytes cut anywhere to events, each as soon as its last byte is there.
//!
//! Nothing here knows what an event carries or which ids were seen before.
//!
//! ```text
//!             "data:"            ┌── bytes ──> data
//! Open ── first six bytes ──> Data            │ end of line: Open
//!   │                     ├─> Other ── held, a field when the line ends
//!   │                     └─> Skip  ── a comment, or a line that is too long
//!   └── end of an empty line: the event is complete
//! ```
//!
//! Spec: WHATWG HTML §9.2.5 (the format), §9.2.6 (its meaning). One deviation: an event without
//! data is given out if it has an id or a retry, since MCP primes its clients with such events.

use std::mem;

use crate::base::Message;
use crate::base::bytes::parse_u64;
use crate::wire::bom::Bom;

/// One event, as it was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventIn {
    /// `event:`, if it is not `message`.
    pub name: Option<Box<str>>,
    /// `id:` of this very event; empty if the stream resets its id.
    pub id: Option<Box<str>>,
    /// `retry:`, in milliseconds.
    pub retry_ms: Option<u32>,
    /// The lines of `data:`, joined with LF; perhaps empty.
    pub data: Message,
}

/// An event carries more than is allowed. Final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// A push parser for one stream.
///
/// Invariant: `data` holds at most `bytes_max` bytes, `held` at most [`LINE_BYTES_MAX`].
pub struct Decoder {
    bytes_max: usize,
    bom: Bom,
    /// The last byte was a CR: an LF now belongs to it.
    after_cr: bool,
    line: Line,
    held: Vec<u8>,
    /// Whether the event has a `data` field.
    has_data: bool,
    data: Vec<u8>,
    /// Name, id and retry of the event that is not complete yet.
    next: EventIn,
}

/// What the current line is.
#[derive(Clone, Copy)]
enum Line {
    /// Nobody knows; what there is of it is held.
    Open,
    /// A `data` field; its value goes where it belongs as it comes.
    Data,
    /// Another field; held until its end.
    Other,
    /// Of no interest.
    Skip,
}

/// Lines other than `data` are ignored if they are longer, in bytes.
const LINE_BYTES_MAX: usize = 4096;

/// From this prefix on, a line is known for what it is.
const DATA: &[u8] = b"data: ";

impl Decoder {
    /// At the start of a stream whose events carry at most `bytes_max` bytes each.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bom: Bom::default(),
            after_cr: false,
            line: Line::Open,
            held: Vec::new(),
            has_data: false,
            data: Vec::new(),
            next: EventIn::default(),
        }
    }

    /// Takes the next bytes of the stream and gives `deliver` each event that they complete.
    ///
    /// A value in one piece is copied once. When the stream ends, what is not complete is nothing.
    pub fn feed(&mut self, input: &[u8], deliver: &mut impl FnMut(EventIn)) -> Result<(), TooLong> {
        let (before, input) = self.bom.skip(input);
        self.feed_text(before, deliver)?;
        self.feed_text(input, deliver)
    }

    fn feed_text(
        &mut self,
        mut input: &[u8],
        deliver: &mut impl FnMut(EventIn),
    ) -> Result<(), TooLong> {
        while let Some(&first) = input.first() {
            if mem::take(&mut self.after_cr) && first == b'\n' {
                input = &input[1..];
                continue;
            }
            let Some(end) = memchr::memchr2(b'\r', b'\n', input) else {
                return self.feed_line(input);
            };
            self.feed_line(&input[..end])?;
            self.end_line(deliver)?;
            self.after_cr = input[end] == b'\r';
            input = &input[end + 1..];
        }
        Ok(())
    }

    /// Takes a piece of the current line.
    fn feed_line(&mut self, piece: &[u8]) -> Result<(), TooLong> {
        match self.line {
            Line::Open if self.held.is_empty() && piece.len() >= DATA.len() => {
                self.open_line(piece)
            }
            Line::Open => {
                let missing = (DATA.len() - self.held.len()).min(piece.len());
                let (start, rest) = piece.split_at(missing);
                self.held.extend_from_slice(start);
                if self.held.len() < DATA.len() {
                    return Ok(());
                }
                let start = mem::take(&mut self.held);
                self.open_line(&start)?;
                self.feed_line(rest)
            }
            Line::Data => self.feed_data(piece),
            Line::Other if self.held.len() + piece.len() > LINE_BYTES_MAX => {
                self.held.clear();
                self.line = Line::Skip;
                Ok(())
            }
            Line::Other => {
                self.held.extend_from_slice(piece);
                Ok(())
            }
            Line::Skip => Ok(()),
        }
    }

    /// Takes the first bytes of a line, enough of them to tell what it is.
    fn open_line(&mut self, start: &[u8]) -> Result<(), TooLong> {
        if let Some(value) = start.strip_prefix(DATA.trim_ascii_end()) {
            self.line = Line::Data;
            return self.open_data(value.strip_prefix(b" ").unwrap_or(value));
        }
        self.line = if start[0] == b':' { Line::Skip } else { Line::Other };
        self.feed_line(start)
    }

    /// Takes the first bytes of the value of a `data` field.
    fn open_data(&mut self, value: &[u8]) -> Result<(), TooLong> {
        if mem::replace(&mut self.has_data, true) {
            self.feed_data(b"\n")?;
        }
        self.feed_data(value)
    }

    fn feed_data(&mut self, piece: &[u8]) -> Result<(), TooLong> {
        if piece.len() > self.bytes_max - self.data.len() {
            return Err(TooLong);
        }
        self.data.extend_from_slice(piece);
        Ok(())
    }

    fn end_line(&mut self, deliver: &mut impl FnMut(EventIn)) -> Result<(), TooLong> {
        match mem::replace(&mut self.line, Line::Open) {
            Line::Data | Line::Skip => Ok(()),
            Line::Open if self.held.is_empty() => {
                self.end_event(deliver);
                Ok(())
            }
            Line::Open | Line::Other => {
                let line = mem::take(&mut self.held);
                let result = self.take_field(&line);
                self.held = line;
                self.held.clear();
                result
            }
        }
    }

    fn take_field(&mut self, line: &[u8]) -> Result<(), TooLong> {
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => return self.open_data(value),
            b"event" if value.is_empty() || value == b"message" => self.next.name = None,
            b"event" => self.next.name = Some(String::from_utf8_lossy(value).into()),
            b"id" if !value.contains(&0) => {
                self.next.id = Some(String::from_utf8_lossy(value).into());
            }
            b"retry" => {
                if let Some(ms) = parse_u64(value) {
                    self.next.retry_ms = Some(u32::try_from(ms).unwrap_or(u32::MAX));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end_event(&mut self, deliver: &mut impl FnMut(EventIn)) {
        let mut event = mem::take(&mut self.next);
        let has_data = mem::take(&mut self.has_data);
        if has_data || event.id.is_some() || event.retry_ms.is_some() {
            event.data = Message::new(mem::take(&mut self.data));
            deliver(event);
        }
    }
}

/// Feeds `input` in one piece and in pieces of sizes taken from its own bytes: the events must be
/// the same, and none longer than allowed.
pub(super) fn fuzz(input: &[u8]) {
    const BYTES_MAX: usize = 48;
    let whole = events_of([input], BYTES_MAX);
    let mut rest = input;
    let pieces = std::iter::from_fn(|| {
        let size = usize::from(*rest.first()? % 7) + 1;
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        Some(piece)
    });
    assert_eq!(whole, events_of(pieces, BYTES_MAX));
    assert!(whole.0.iter().all(|event| event.data.len() <= BYTES_MAX));
}

fn events_of<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    bytes_max: usize,
) -> (Vec<EventIn>, Result<(), TooLong>) {
    let mut decoder = Decoder::new(bytes_max);
    let mut events = Vec::new();
    let result = pieces
        .into_iter()
        .try_for_each(|piece| decoder.feed(piece, &mut |event| events.push(event)));
    (events, result)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events as `name|id|retry|data`.
    #[track_caller]
    fn check(input: &[u8], want: &[&str]) {
        for cut in 0..=input.len() {
            for also in [cut, (cut + input.len()) / 2] {
                let parts = [&input[..cut], &input[cut..also], &input[also..]];
                let (events, result) = events_of(parts, 1024);
                assert_eq!(result, Ok(()));
                let got: Vec<String> = events.iter().map(show).collect();
                assert_eq!(got, want, "cut at {cut} and {also}");
            }
        }
    }

    fn show(event: &EventIn) -> String {
        let text = |text: &Option<Box<str>>| text.clone().unwrap_or_default().into_string();
        let retry = event.retry_ms.map(|ms| ms.to_string()).unwrap_or_default();
        let data = String::from_utf8_lossy(&event.data).into_owned();
        format!("{}|{}|{retry}|{data}", text(&event.name), text(&event.id))
    }

    // Checklist 17.
    #[test]
    fn every_kind_of_line_end_ends_a_line() {
        check(b"data: a\n\ndata: b\n\n", &["|||a", "|||b"]);
        check(b"data: a\r\n\r\ndata: b\r\n\r\n", &["|||a", "|||b"]);
        check(b"data: a\r\rdata: b\r\r", &["|||a", "|||b"]);
        check(b"data: a\r\n\rdata: b\n\r\n", &["|||a", "|||b"]);
        check(b"data: a\n\r\n\r\n\ndata: b\r\r\n", &["|||a", "|||b"]);
    }

    // Checklist 17.
    #[test]
    fn lines_of_data_are_joined() {
        check(b"data: a\ndata: b\n\n", &["|||a\nb"]);
        check(b"data\ndata\n\n", &["|||\n"]);
        check(b"data:\ndata: x\n\n", &["|||\nx"]);
        check(b"data:{}\ndata:  []\n\n", &["|||{}\n []"]);
        check(b"data: a\nid: 7\ndata: b\n\n", &["|7||a\nb"]);
    }

    // Checklist 17.
    #[test]
    fn fields_may_come_in_any_order() {
        check(b"event: e\nid: 1\nretry: 5\ndata: x\n\n", &["e|1|5|x"]);
        check(b"data: x\nretry:5\nid:1\nevent:e\n\n", &["e|1|5|x"]);
        check(b"event: message\ndata: x\n\n", &["|||x"]);
        check(b"event: e\nevent\ndata: x\n\n", &["|||x"]);
        check(b"event: endpoint\ndata: /messages?s=1\n\n", &["endpoint|||/messages?s=1"]);
    }

    // Checklist 17.
    #[test]
    fn comments_and_unknown_fields_are_nothing() {
        check(b":\n\n: keep-alive\n\ndata: x\n:y\n\n", &["|||x"]);
        check(b"datum: 1\ndata x: 2\n data: 3\nDATA: 4\ndata: x\n\n", &["|||x"]);
        let mut long = vec![b'u'; LINE_BYTES_MAX + 1];
        long.extend_from_slice(b"\ndata: x\n\n");
        assert_eq!(events_of([&long[..]], 9).0.len(), 1);
    }

    // Checklist 17.
    #[test]
    fn an_event_without_data_counts_if_it_says_something() {
        check(b"id: 1\ndata: \n\n", &["|1||"]);
        check(b"id: 1\n\n", &["|1||"]);
        check(b"id\n\n", &["|||"]);
        check(b"retry: 10\n\n", &["||10|"]);
        check(b"data\n\n", &["|||"]);
        check(b"event: e\n\ndata: x\n\n", &["|||x"]);
    }

    #[test]
    fn what_is_not_complete_is_nothing() {
        check(b"data: x", &[]);
        check(b"data: x\n", &[]);
        check(b"data: x\nid: 1", &[]);
        check(b"\xef\xbb", &[]);
    }

    #[test]
    fn ids_with_nul_and_retries_that_are_no_digits_are_ignored() {
        check(b"id: a\0b\ndata: x\n\n", &["|||x"]);
        check(b"id: a\nid: b\0\ndata: x\n\n", &["|a||x"]);
        check(b"retry: 1s\nretry: -1\nretry: \nretry: 0x1\ndata: x\n\n", &["|||x"]);
        check(b"retry: 99999999999\ndata: x\n\n", &["||4294967295|x"]);
    }

    #[test]
    fn one_byte_order_mark_is_dropped() {
        check(b"\xef\xbb\xbfdata: x\n\n", &["|||x"]);
        check(b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\ndata: y\n\n", &["|||y"]);
    }

    #[test]
    fn events_that_carry_too_much_are_an_error() {
        assert_eq!(events_of([&b"data: 1234\n\n"[..]], 4).1, Ok(()));
        for input in
            ["data: 12345", "data: 12\ndata: 34\n\n", "data\ndata\ndata\ndata\ndata\ndata\n"]
        {
            for cut in 0..input.len() {
                let (start, end) = input.as_bytes().split_at(cut);
                assert_eq!(events_of([start, end], 4), (Vec::new(), Err(TooLong)), "{input}");
            }
        }
    }

    #[test]
    fn an_event_is_given_out_with_its_last_byte() {
        let mut decoder = Decoder::new(64);
        let mut events = 0;
        let mut feed = |input: &[u8]| {
            decoder.feed(input, &mut |_| events += 1).expect("short");
            events
        };
        assert_eq!(feed(b"data: x\r\n"), 0);
        assert_eq!(feed(b"\r"), 1);
        assert_eq!(feed(b"\ndata: y\n"), 1);
        assert_eq!(feed(b"\n"), 2);
    }

    #[test]
    fn junk_is_the_same_junk_however_it_is_cut() {
        let mut rng = crate::base::Rng::new([1; 32]);
        let alphabet = b"data: \r\n\xef\xbb\xbfidretryevent:1\0";
        for _ in 0..2_000 {
            let len = rng.next_u32() as usize % 80;
            let pick = |_| alphabet[rng.next_u32() as usize % alphabet.len()];
            fuzz(&(0..len).map(pick).collect::<Vec<u8>>());
        }
    }
}
