// SPDX-License-Identifier: MIT
//! Event streams. Out, here: one message as one event, lent and not copied. In: `decode`.
//!
//! Nothing here knows chunks or connections: an event knows its length before it is written, so
//! that a link can write a chunk head in front of it.
//!
//! Spec: WHATWG HTML §9.2.5 (the format), §9.2.6 (its meaning).

mod decode;

pub use decode::{Decoder, EventIn, TooLong};

use crate::base::bytes::push_u64;
use crate::base::{Message, Outbox};
use crate::wire::Splice;

/// A comment; it keeps a connection alive and is no event.
pub const COMMENT: &[u8] = b":\n\n";

const ID: &str = "id: ";
const RETRY: &str = "retry: ";
const NAME: &str = "event: message\n";
const DATA: &str = "data: ";
const ENDPOINT: &[u8] = b"event: endpoint\ndata: ";

/// One event that is about to be written.
pub struct EventOut<'a> {
    id: &'a str,
    retry_ms: Option<u32>,
    lines: Lines<'a>,
}

/// What stands after `data:`.
enum Lines<'a> {
    Empty,
    One(&'a Splice),
    /// Raw CR or LF in the message would end the field, so each line is a field of its own. The
    /// receiver joins them with LF, which between JSON tokens is as good as CR.
    Many(Message),
}

impl<'a> EventOut<'a> {
    /// An event with these parts; no `data`, or empty data, primes the client with an id.
    ///
    /// Costs one pass over the message. An id is ours: one with CR, LF or NUL is our own mistake,
    /// and left out.
    #[must_use]
    pub fn new(id: Option<&'a str>, retry_ms: Option<u32>, data: Option<&'a Splice>) -> Self {
        let fit = |id: &&str| !id.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
        debug_assert!(id.as_ref().is_none_or(fit), "an event id with a control character");
        let lines = match data {
            Some(data) if data.is_empty() => Lines::Empty,
            Some(data) if data.has_line_break() => Lines::Many(data.to_message()),
            Some(data) => Lines::One(data),
            None => Lines::Empty,
        };
        Self { id: id.filter(fit).unwrap_or_default(), retry_ms, lines }
    }

    /// How many bytes [`EventOut::encode`] writes.
    #[must_use]
    pub fn len(&self) -> usize {
        let id = if self.id.is_empty() { 0 } else { ID.len() + self.id.len() + 1 };
        let digits = |ms: u32| ms.checked_ilog10().unwrap_or(0) as usize + 1;
        let retry = self.retry_ms.map_or(0, |ms| RETRY.len() + digits(ms) + 1);
        let data = match &self.lines {
            Lines::Empty => DATA.len() + 1,
            Lines::One(data) => NAME.len() + DATA.len() + data.len() + 1,
            Lines::Many(data) => {
                split(data).fold(NAME.len(), |len, line| len + DATA.len() + line.len() + 1)
            }
        };
        id + retry + data + 1
    }

    /// Whether it writes nothing: never, an event has at least one field.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Owes the event to `out`; a long message is lent.
    pub fn encode(&self, out: &mut Outbox) {
        out.write_with(|out| {
            if !self.id.is_empty() {
                out.extend_from_slice(ID.as_bytes());
                out.extend_from_slice(self.id.as_bytes());
                out.push(b'\n');
            }
            if let Some(ms) = self.retry_ms {
                out.extend_from_slice(RETRY.as_bytes());
                push_u64(out, ms.into());
                out.push(b'\n');
            }
            if !matches!(self.lines, Lines::Empty) {
                out.extend_from_slice(NAME.as_bytes());
            }
            if !matches!(self.lines, Lines::Many(_)) {
                out.extend_from_slice(DATA.as_bytes());
            }
        });
        match &self.lines {
            Lines::Empty => out.push(b"\n\n"),
            Lines::One(data) => {
                data.write_to(out);
                out.push(b"\n\n");
            }
            Lines::Many(data) => out.write_with(|out| {
                for line in split(data) {
                    out.extend_from_slice(DATA.as_bytes());
                    out.extend_from_slice(line);
                    out.push(b'\n');
                }
                out.push(b'\n');
            }),
        }
    }
}

/// Owes one event to `out`: see [`EventOut`].
pub fn encode_event(
    out: &mut Outbox,
    id: Option<&str>,
    retry_ms: Option<u32>,
    data: Option<&Splice>,
) {
    EventOut::new(id, retry_ms, data).encode(out);
}

/// Everything of an event that stands before its data, which is to follow as one line and then
/// [`EVENT_END`].
#[must_use]
pub fn event_start(id: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(id) = id {
        out.extend_from_slice(ID.as_bytes());
        out.extend_from_slice(id.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(NAME.as_bytes());
    out.extend_from_slice(DATA.as_bytes());
    out
}

/// What ends an event behind its data.
pub const EVENT_END: &[u8] = b"\n\n";

/// How many bytes [`push_endpoint`] appends.
#[must_use]
pub fn endpoint_len(path: &[u8]) -> usize {
    ENDPOINT.len() + path.len() + 2
}

/// Appends the event that says where messages are sent to: the path and query of a request target,
/// which holds no line break.
///
/// Spec: MCP 2024-11-05, basic/transports, "HTTP with SSE".
pub fn push_endpoint(out: &mut Vec<u8>, path: &[u8]) {
    out.extend_from_slice(ENDPOINT);
    out.extend_from_slice(path);
    out.extend_from_slice(b"\n\n");
}

/// Owes [`COMMENT`] to `out`.
pub fn encode_comment(out: &mut Outbox) {
    out.push(COMMENT);
}

/// The lines of `text`, ended by CR, LF or CRLF, without their ends.
fn split(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = memchr::memchr2(b'\r', b'\n', text) else {
            rest = None;
            return Some(text);
        };
        let after = if text[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
        rest = Some(&text[after..]);
        Some(&text[..end])
    })
}

/// Any bytes, cut at any place, give the same events; and what we encode is read back.
pub fn fuzz(input: &[u8]) {
    decode::fuzz(input);
    let data = Splice::whole(Message::copy_of(input));
    let event = EventOut::new(Some("1"), Some(2), Some(&data));
    let mut outbox = Outbox::new();
    event.encode(&mut outbox);
    assert_eq!(outbox.len(), event.len());
    let mut events = Vec::new();
    let result = Decoder::new(input.len()).feed(&outbox.to_vec(), &mut |event| events.push(event));
    let want = EventIn {
        name: None,
        id: Some("1".into()),
        retry_ms: Some(2),
        data: Message::new(split(input).collect::<Vec<_>>().join(&b'\n')),
    };
    assert_eq!((result, events), (Ok(()), vec![want]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;
    use crate::wire::Patch;

    #[track_caller]
    fn check(id: Option<&str>, retry_ms: Option<u32>, data: Option<&Splice>, want: &str) {
        let mut outbox = Outbox::new();
        encode_event(&mut outbox, id, retry_ms, data);
        assert_eq!(String::from_utf8_lossy(&outbox.to_vec()), want);
        assert_eq!(EventOut::new(id, retry_ms, data).len(), want.len(), "declared length");
    }

    // Checklist 18.
    #[test]
    fn a_message_is_one_named_event() {
        let data = Splice::whole(Message::from("{\"id\":1}"));
        check(None, None, Some(&data), "event: message\ndata: {\"id\":1}\n\n");
        check(
            Some("s-7"),
            Some(0),
            Some(&data),
            "id: s-7\nretry: 0\nevent: message\ndata: {\"id\":1}\n\n",
        );
        let data = data.with(Span::new(6, 7), Patch::Number(4_711));
        check(None, Some(u32::MAX), Some(&data), {
            "retry: 4294967295\nevent: message\ndata: {\"id\":4711}\n\n"
        });
    }

    #[test]
    fn empty_data_primes_without_a_name() {
        check(Some("1"), Some(500), None, "id: 1\nretry: 500\ndata: \n\n");
        check(Some("1"), None, Some(&Splice::whole(Message::default())), "id: 1\ndata: \n\n");
    }

    // Checklist 18.
    #[test]
    fn a_line_break_in_a_message_cannot_end_its_event() {
        let data = Splice::whole(Message::from("{\r\n\"id\":1\r\n\n,\r}"));
        check(None, None, Some(&data), {
            "event: message\ndata: {\ndata: \"id\":1\ndata: \ndata: ,\ndata: }\n\n"
        });
        let data = Splice::whole(Message::from("{\"id\":1}\n"));
        let data = data.with(Span::new(6, 7), Patch::Bytes(Message::from("\"a\"")));
        check(None, None, Some(&data), "event: message\ndata: {\"id\":\"a\"}\ndata: \n\n");
    }

    #[test]
    fn an_endpoint_is_an_event_of_its_own_name() {
        let mut out = Vec::new();
        push_endpoint(&mut out, b"/sse/a?session=1");
        assert_eq!(out, b"event: endpoint\ndata: /sse/a?session=1\n\n");
        assert_eq!(out.len(), endpoint_len(b"/sse/a?session=1"));
    }

    // Checklist 22.
    #[test]
    fn a_comment_is_no_event() {
        let mut outbox = Outbox::new();
        encode_comment(&mut outbox);
        assert_eq!(outbox.to_vec(), b":\n\n");
    }
}
