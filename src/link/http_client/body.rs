// SPDX-License-Identifier: MIT
//! The body of a response: bytes without framing, cut anywhere, to messages.

use std::mem;

use crate::base::Message;
use crate::wire::http1::response::{BodyKind, Framing};
use crate::wire::json_ends::JsonEnds;
use crate::wire::sse::{Decoder, EventIn, TooLong};

/// One body, by how messages are found in it.
pub(super) enum Body {
    /// All of it is one message of at most `bytes_max` bytes.
    Whole { text: Vec<u8>, bytes_max: usize },
    /// Nothing more: it has been delivered.
    Taken,
    /// JSON texts, each of which ends with a newline, or with the body.
    Texts { ends: JsonEnds, text: Vec<u8>, bytes_max: usize },
    /// Events.
    Events(Box<Decoder>),
    /// For people: its first bytes are a message, the rest is dropped.
    Start { text: Vec<u8> },
}

/// What is kept of a body that is neither JSON nor events, in bytes.
pub(super) const START_BYTES_MAX: usize = 4096;

impl Body {
    /// The body that a head announces.
    ///
    /// Errors: if its declared length is beyond `bytes_max` and it would be one message.
    pub(super) fn new(kind: BodyKind, framing: Framing, bytes_max: usize) -> Result<Self, TooLong> {
        match (kind, framing) {
            (BodyKind::Json, Framing::Length(length)) if length > bytes_max as u64 => Err(TooLong),
            (BodyKind::Json, Framing::Length(_)) => Ok(Self::Whole { text: Vec::new(), bytes_max }),
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

    /// Takes the next bytes and gives `deliver` the messages that they complete.
    ///
    /// Errors: as soon as a message is longer than allowed.
    pub(super) fn feed(
        &mut self,
        mut input: &[u8],
        deliver: &mut impl FnMut(EventIn),
    ) -> Result<(), TooLong> {
        match self {
            Self::Whole { text, bytes_max } => append(text, input, *bytes_max),
            Self::Texts { ends, text, bytes_max } => {
                while let Some(end) = ends.find(input) {
                    append_text(text, &input[..end], *bytes_max)?;
                    deliver_text(mem::take(text), deliver);
                    input = &input[end..];
                }
                append_text(text, input, *bytes_max)
            }
            Self::Events(decoder) => decoder.feed(input, deliver),
            Self::Taken => Ok(()),
            Self::Start { text } => {
                let room = START_BYTES_MAX - text.len();
                text.extend_from_slice(&input[..room.min(input.len())]);
                Ok(())
            }
        }
    }

    /// Delivers `input` if it is all of the body and that is one message: then it is copied once.
    pub(super) fn take_whole(&mut self, input: &[u8], deliver: &mut impl FnMut(EventIn)) -> bool {
        let is_whole = matches!(self, Self::Whole { text, .. } if text.is_empty());
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
