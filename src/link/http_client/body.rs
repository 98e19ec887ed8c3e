// SPDX-License-Identifier: MIT
//! The body of a response: bytes without framing, cut anywhere, to messages.

use std::collections::VecDeque;
use std::mem;

use super::large::Large;
use super::{ClientEvent, event_of};
use crate::base::Message;
use crate::wire::http1::response::{BodyKind, Framing};
use crate::wire::json_ends::JsonEnds;
use crate::wire::sse::{Decoder, EventIn, TooLong};

/// One body, by how messages are found in it.
pub(super) enum Body {
    /// All of it is one message of at most `bytes_max` bytes, and shall have `length`.
    Whole { text: Vec<u8>, length: usize, bytes_max: usize },
    /// Nothing more: it has been delivered.
    Taken,
    /// JSON texts, each of which ends with a newline, or with the body.
    Texts { ends: JsonEnds, text: Vec<u8>, bytes_max: usize },
    /// Events.
    Events(Box<Decoder>),
    /// For people: its first bytes are a message, the rest is dropped.
    Start { text: Vec<u8> },
}

/// A message that is known to become long is asked about when so much of it has come: enough to see
/// what it is.
const KNOWN_FROM_BYTES: usize = 4096;

/// A length that is only announced takes no more memory than this.
const RESERVED_BYTES_MAX: usize = 256 * 1024;

/// What is kept of a body that is neither JSON nor events, in bytes.
pub(super) const START_BYTES_MAX: usize = 4096;

impl Body {
    /// The body that a head announces.
    ///
    /// Errors: if its declared length is beyond `bytes_max` and it would be one message.
    pub(super) fn new(kind: BodyKind, framing: Framing, bytes_max: usize) -> Result<Self, TooLong> {
        match (kind, framing) {
            (BodyKind::Json, Framing::Length(length)) if length > bytes_max as u64 => Err(TooLong),
            (BodyKind::Json, Framing::Length(length)) => {
                Ok(Self::Whole { text: Vec::new(), length: length as usize, bytes_max })
            }
            (BodyKind::Json, _) => {
                Ok(Self::Texts { ends: JsonEnds::default(), text: Vec::new(), bytes_max })
            }
            (BodyKind::Events, _) => Ok(Self::Events(Box::new(Decoder::new(bytes_max)))),
            (BodyKind::Other, _) => Ok(Self::Start { text: Vec::new() }),
        }
    }

    /// Whether it may go on for ever.
    pub(super) const fn is_stream(&self) -> bool {
        matches!(self, Self::Events(_))
    }

    /// Takes the next bytes and tells `events` what they complete; a message that passes leaves
    /// with them.
    ///
    /// Errors: as soon as a message is longer than allowed.
    pub(super) fn feed(
        &mut self,
        large: &mut Large,
        mut input: &[u8],
        events: &mut VecDeque<ClientEvent>,
    ) -> Result<(), TooLong> {
        match self {
            Self::Whole { bytes_max, .. } if matches!(large, Large::Passing(_)) => {
                pass(large, input, *bytes_max, events)
            }
            Self::Whole { text, length, bytes_max } => {
                if text.is_empty() {
                    text.reserve_exact(input.len().max(RESERVED_BYTES_MAX.min(*length)));
                }
                append(text, input, *bytes_max)
            }
            Self::Texts { ends, text, bytes_max } => {
                while let Some(end) = ends.find(input) {
                    if let Large::Passing(_) = large {
                        pass(large, &input[..end], *bytes_max, events)?;
                        events.push_back(ClientEvent::End);
                    } else {
                        append_text(text, &input[..end], *bytes_max)?;
                        deliver_text(mem::take(text), &mut |event| {
                            events.push_back(event_of(event));
                        });
                    }
                    *large = Large::Short;
                    input = &input[end..];
                }
                match large {
                    Large::Passing(_) => pass(large, input, *bytes_max, events),
                    _ => append_text(text, input, *bytes_max),
                }
            }
            Self::Events(decoder) => {
                decoder.feed(input, &mut |event| events.push_back(event_of(event)))
            }
            Self::Taken => Ok(()),
            Self::Start { text } => {
                let room = START_BYTES_MAX - text.len();
                text.extend_from_slice(&input[..room.min(input.len())]);
                Ok(())
            }
        }
    }

    /// Asks what is to become of a JSON message of which more than `from` bytes have come, or will.
    pub(super) fn ask(
        &mut self,
        large: &mut Large,
        from: usize,
        events: &mut VecDeque<ClientEvent>,
    ) {
        let (text, from) = match self {
            Self::Whole { text, length, .. } if *length > from => {
                (text, from.min(KNOWN_FROM_BYTES))
            }
            Self::Whole { text, .. } | Self::Texts { text, .. } => (text, from),
            _ => return,
        };
        if text.len() > from && matches!(large, Large::Short) {
            let start = Message::new(mem::take(text));
            events.push_back(ClientEvent::Begins(start.clone()));
            *large = Large::Asked(start);
        }
    }

    /// Goes on with a message whose beginning was given out.
    pub(super) fn put_back(&mut self, start: Vec<u8>) {
        if let Self::Whole { text, .. } | Self::Texts { text, .. } = self {
            *text = start;
        }
    }

    /// Delivers `input` if it is all of the body and that is one message: then it is copied once.
    pub(super) fn take_whole(
        &mut self,
        large: &Large,
        input: &[u8],
        deliver: &mut impl FnMut(EventIn),
    ) -> bool {
        let is_whole = matches!(large, Large::Short)
            && matches!(self, Self::Whole { text, .. } if text.is_empty());
        if is_whole {
            deliver(EventIn { data: Message::copy_of(input), ..EventIn::default() });
            *self = Self::Taken;
        }
        is_whole
    }

    /// The body is complete.
    pub(super) fn finish(self, deliver: &mut impl FnMut(EventIn)) {
        match self {
            Self::Whole { text, .. } | Self::Start { text } => {
                deliver(EventIn { data: Message::new(text), ..EventIn::default() });
            }
            Self::Texts { text, .. } => deliver_text(text, deliver),
            // WHATWG HTML §9.2.6: an event without its empty line is discarded.
            Self::Events(_) | Self::Taken => {}
        }
    }
}

/// Gives a part of a message out.
fn pass(
    large: &mut Large,
    piece: &[u8],
    bytes_max: usize,
    events: &mut VecDeque<ClientEvent>,
) -> Result<(), TooLong> {
    let Large::Passing(n) = large else { return Ok(()) };
    if piece.len() > bytes_max - *n {
        return Err(TooLong);
    }
    *n += piece.len();
    if !piece.is_empty() {
        events.push_back(ClientEvent::Part(Message::copy_of(piece)));
    }
    Ok(())
}

fn append(text: &mut Vec<u8>, piece: &[u8], bytes_max: usize) -> Result<(), TooLong> {
    if piece.len() > bytes_max - text.len() {
        return Err(TooLong);
    }
    text.extend_from_slice(piece);
    Ok(())
}

/// Appends without the blanks before the text, which must neither count nor add up.
fn append_text(text: &mut Vec<u8>, piece: &[u8], bytes_max: usize) -> Result<(), TooLong> {
    let piece = if text.is_empty() { piece.trim_ascii_start() } else { piece };
    append(text, piece, bytes_max)
}

/// Gives out a text without the blanks after it, if there is one.
fn deliver_text(mut text: Vec<u8>, deliver: &mut impl FnMut(EventIn)) {
    text.truncate(text.trim_ascii_end().len());
    if !text.is_empty() {
        deliver(EventIn { data: Message::new(text), ..EventIn::default() });
    }
}
