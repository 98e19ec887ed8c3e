// SPDX-License-Identifier: MIT
//! A connection that speaks WebSocket: frames in, frames out, and a Close from each side.
//!
//! ```text
//!  frames ─> Decoder ─> text  ─> ServerEvent::Frame
//!                   ├─> ping  ─> a pong is owed
//!                   ├─> close ─> ours is owed, ServerEvent::Left, Lingering
//!                   └─> error ─> a Close with its code is owed, Violation, Lingering
//! ```
//!
//! After our Close nothing is looked at any more: the client has as long to close as any other that
//! has had its last answer.
//!
//! Spec: RFC 6455 §5.5 (control frames), §7.1 (closing).

use super::HttpServer;
use super::body::Rest;
use super::state::State;
use super::violation::Violation;
use crate::base::Now;
use crate::wire::Splice;
use crate::wire::http1::ResponseHead;
use crate::wire::http1::encode::{Connection, Ending};
use crate::wire::http1::head::Version;
use crate::wire::websocket::{
    Decoder, Frame, FrameError, push_close, push_ping, push_pong, push_text_head,
};

/// Pings without any byte of an answer; beyond: the client is taken for dead.
const UNHEARD_PINGS_MAX: u32 = 3;

/// What is known of a WebSocket.
pub(super) struct Upgraded {
    decoder: Decoder,
    /// Pings that left since the last byte came.
    n_unheard: u32,
}

impl HttpServer {
    /// Answers the exchange with `head`, whose status is 101, and speaks WebSocket from then on;
    /// messages of up to `bytes_max` bytes become [`super::ServerEvent::Frame`].
    pub fn upgrade(&mut self, head: &ResponseHead, bytes_max: usize, now: Now) {
        let Some((exchange, rest)) = self.unanswered() else {
            return;
        };
        // RFC 6455 §4.1: a GET of HTTP/1.1 or later. Behind a body nobody could tell where the
        // frames begin.
        if exchange.version == Version::Http10 || !matches!(rest, Some(Rest::Nothing)) {
            return self.refuse(Violation::Upgrade, now);
        }
        self.owe_head(head, Ending::Bodiless, Connection::Persists, now);
        if matches!(self.state, State::Closed) {
            return;
        }
        let decoder = Decoder::new(bytes_max);
        self.state = State::Upgraded(Box::new(Upgraded { decoder, n_unheard: 0 }));
        self.advance_pending(now);
        // What has come is all that will ever come.
        if self.input_ended {
            self.close();
        }
    }

    /// Takes all of `input`.
    pub(super) fn take_frames(&mut self, input: &[u8], now: Now) {
        let State::Upgraded(upgraded) = &mut self.state else { return };
        if !input.is_empty() {
            upgraded.n_unheard = 0;
        }
        let (mut owed, mut close) = (Vec::new(), None);
        let frames = &mut self.frames;
        let result = upgraded.decoder.feed(input, &mut |frame| match frame {
            Frame::Text(message) => frames.push_back(message),
            Frame::Ping(payload) => push_pong(&mut owed, &payload),
            Frame::Pong => {}
            Frame::Close(code) => close = Some(code),
        });
        if !owed.is_empty() {
            self.owe(now, |outbox| outbox.push(&owed));
        }
        match (result, close) {
            (Err(error), _) => self.break_off(error, now),
            (Ok(()), Some(code)) => {
                self.left = true;
                self.send_close(code, now);
            }
            (Ok(()), None) => {}
        }
    }

    fn break_off(&mut self, error: FrameError, now: Now) {
        self.send_close(Some(error.code()), now);
        self.violation.get_or_insert(Violation::Frame(error));
    }

    /// Says that nothing more comes, and waits for the client to close.
    pub(super) fn send_close(&mut self, code: Option<u16>, now: Now) {
        self.owe(now, |outbox| outbox.write_with(|out| push_close(out, code)));
        self.linger(now);
    }

    /// Sends one message.
    pub(super) fn send_text(&mut self, message: Option<&Splice>, now: Now) {
        let Some(message) = message else { return };
        self.owe(now, |outbox| {
            outbox.write_with(|out| push_text_head(out, message.len()));
            message.write_to(outbox);
        });
    }

    /// Asks the client for a sign of life; one that gave none so often is given up.
    pub(super) fn send_ping(&mut self, now: Now) {
        let State::Upgraded(upgraded) = &mut self.state else { return };
        upgraded.n_unheard += 1;
        if upgraded.n_unheard > UNHEARD_PINGS_MAX {
            return self.give_up(Violation::Silent);
        }
        self.owe(now, |outbox| outbox.write_with(push_ping));
    }
}
