// SPDX-License-Identifier: MIT
//! Answers out: whole ones, streams, refusals.

use super::HttpServer;
use super::body::Rest;
use super::state::{AwaitHead, Exchange, State, Stream, StreamShape};
use super::violation::Violation;
use crate::base::{Message, Now, Outbox};
use crate::wire::Splice;
use crate::wire::http1::ResponseHead;
use crate::wire::http1::chunked::{Chunked, LAST_CHUNK, push_chunk_head};
use crate::wire::http1::encode::{Connection, Ending, encode_head};
use crate::wire::http1::framing::Framing;
use crate::wire::http1::head::{Expectation, Version};
use crate::wire::sse::{COMMENT, EventOut, endpoint_len, push_endpoint};
use crate::wire::websocket::code;

impl HttpServer {
    /// Answers the exchange. The connection persists unless `close` or the client says otherwise,
    /// or an unread body is too long to drop.
    pub fn respond(&mut self, head: &ResponseHead, body: &Splice, close: bool, now: Now) {
        let Some((exchange, rest)) = self.unanswered() else {
            return;
        };
        let persists = exchange.persists
            && !close
            && !self.draining
            && rest.as_ref().is_some_and(|rest| rest.fits(self.limits.discard_bytes_max));
        let len = body.len();
        let ending = match head.status {
            // RFC 9110 §8.6: no Content-Length in a 204; §15.4.5: a 304 has no content.
            204 | 304 => Ending::Bodiless,
            // The length of what GET would bring is not known to those who made nothing for HEAD.
            _ if exchange.head_only && len == 0 => Ending::Bodiless,
            _ => Ending::Length(len),
        };
        self.owe_head(head, ending, exchange.connection(persists), now);
        // RFC 9110 §9.3.2: "the server MUST NOT send content" in the answer to HEAD.
        if ending != Ending::Bodiless && !exchange.head_only {
            self.owe(now, |outbox| body.write_to(outbox));
        }
        match rest {
            Some(rest) if persists => self.go_on(rest, now),
            _ => self.linger(now),
        }
    }

    /// Answers the exchange with the head of an event stream, or of a body that comes in parts.
    pub fn open_stream(&mut self, head: &ResponseHead, now: Now) {
        let Some((exchange, rest)) = self.unanswered() else {
            return;
        };
        let bare = exchange.version == Version::Http10;
        let shape = match bare {
            _ if exchange.head_only => StreamShape::HeadOnly,
            true => StreamShape::Bare,
            false => StreamShape::Chunked,
        };
        // Who streams before the body has come does not want it; nobody can tell how long it waits.
        let read = matches!(rest, Some(Rest::Nothing));
        let persists = exchange.persists && !self.draining && !bare && read;
        // RFC 9112 §6.1: no Transfer-Encoding to HTTP/1.0.
        let ending = if bare { Ending::Close } else { Ending::Chunked };
        self.owe_head(head, ending, exchange.connection(persists), now);
        if !matches!(self.state, State::Closed) {
            if exchange.listens {
                self.rest();
            }
            self.state = State::Streaming(Stream { persists, shape });
        }
    }

    /// Sends one event on the open stream; without `data` it only primes the client.
    pub fn send_event(
        &mut self,
        id: Option<&str>,
        retry_ms: Option<u32>,
        data: Option<&Splice>,
        now: Now,
    ) {
        if matches!(self.state, State::Upgraded(_)) {
            return self.send_text(data, now);
        }
        let event = EventOut::new(id, retry_ms, data);
        self.owe_part(event.len(), now, |outbox| event.encode(outbox));
    }

    /// Sends a part of the body that was opened, as it is.
    pub fn send_part(&mut self, part: &Message, now: Now) {
        if !part.is_empty() {
            self.owe_part(part.len(), now, |outbox| outbox.push_message(part.clone()));
        }
    }

    /// Sends the event that says where messages are to be sent to.
    pub fn send_endpoint(&mut self, path: &[u8], now: Now) {
        let len = endpoint_len(path);
        self.owe_part(len, now, |outbox| outbox.write_with(|out| push_endpoint(out, path)));
    }

    /// Sends a comment, which keeps the stream alive.
    pub fn send_comment(&mut self, now: Now) {
        if matches!(self.state, State::Upgraded(_)) {
            return self.send_ping(now);
        }
        self.owe_part(COMMENT.len(), now, |outbox| outbox.push(COMMENT));
    }

    /// Ends the open stream; the connection persists if it may.
    pub fn finish(&mut self, now: Now) {
        if matches!(self.state, State::Upgraded(_)) {
            return self.send_close(Some(code::GOING_AWAY), now);
        }
        let State::Streaming(stream) = self.state else {
            return;
        };
        if stream.shape == StreamShape::Chunked {
            self.owe(now, |outbox| outbox.push(LAST_CHUNK));
        }
        if stream.persists && !self.draining {
            self.go_on(Rest::Nothing, now);
        } else {
            self.linger(now);
        }
    }

    /// The exchange that awaits its answer, and what of its body is still to come; `None` as the
    /// rest if nobody can tell whether it comes.
    pub(super) fn unanswered(&mut self) -> Option<(Exchange, Option<Rest>)> {
        let unread = match &self.state {
            State::AwaitAnswer(exchange) => return Some((*exchange, Some(Rest::Nothing))),
            State::AwaitAdmission(exchange) => *exchange,
            State::AwaitBody { .. } => return self.interrupted(),
            _ => return None,
        };
        let rest = match unread.framing {
            Framing::None => Some(Rest::Nothing),
            // RFC 9110 §10.1.1: after a final answer the client may leave its body out, or send it
            // anyway. Its first bytes could be those of the next head.
            _ if unread.expects == Expectation::Continue && self.pending.is_empty() => None,
            Framing::Length(length) => Some(Rest::Length(length)),
            Framing::Chunked => {
                Some(Rest::Chunked(Chunked::new(self.limits.chunk_line_bytes_max).into()))
            }
        };
        Some((unread, rest))
    }

    /// The same for an exchange whose body is half read.
    fn interrupted(&mut self) -> Option<(Exchange, Option<Rest>)> {
        let State::AwaitBody { exchange, .. } = self.state else {
            return None;
        };
        match std::mem::replace(&mut self.state, State::AwaitAnswer(exchange)) {
            State::AwaitBody { incoming, .. } => Some((exchange, Some(incoming.into_rest()))),
            _ => None,
        }
    }

    /// Tells the client what it did, if it can be told, and closes.
    pub(super) fn refuse(&mut self, violation: Violation, now: Now) {
        let exchange = match &self.state {
            State::AwaitAdmission(exchange) | State::AwaitBody { exchange, .. } => Some(exchange),
            _ => None,
        };
        let head_only = exchange.is_some_and(|exchange| exchange.head_only);
        self.violation = Some(violation);
        let Some(refusal) = violation.refusal() else {
            return self.close();
        };
        let body = refusal.body();
        self.owe_head(&refusal.head(), Ending::Length(body.len()), Connection::Close, now);
        if !head_only {
            self.owe(now, |outbox| outbox.push(body.as_bytes()));
        }
        self.linger(now);
    }

    pub(super) fn owe_head(
        &mut self,
        head: &ResponseHead,
        ending: Ending,
        connection: Connection,
        now: Now,
    ) {
        let date = *self.date.at(now.unix_ms);
        self.owe(now, |outbox| {
            outbox.write_with(|out| encode_head(out, head, ending, connection, &date));
        });
    }

    /// Owes a part of the open stream, of `len` bytes.
    fn owe_part(&mut self, len: usize, now: Now, encode: impl FnOnce(&mut Outbox)) {
        let State::Streaming(stream) = self.state else {
            return;
        };
        self.owe(now, |outbox| match stream.shape {
            StreamShape::HeadOnly => {}
            StreamShape::Bare => encode(outbox),
            StreamShape::Chunked => {
                outbox.write_with(|out| push_chunk_head(out, len));
                encode(outbox);
                outbox.push(b"\r\n");
            }
        });
    }

    /// Owes what `encode` appends. A client that is owed too much already is given up; one answer
    /// alone is never too much, it has its own limit.
    pub(super) fn owe(&mut self, now: Now, encode: impl FnOnce(&mut Outbox)) {
        if matches!(self.state, State::Closed) {
            return;
        }
        let owed = self.outbox.len();
        if owed == 0 {
            self.wrote_at = now.mono;
        }
        encode(&mut self.outbox);
        if owed > 0 && self.outbox.len() > self.limits.outbox_bytes_max {
            self.give_up(Violation::TooSlow);
        }
    }

    /// Closes without the answers that are owed: the client does not take them.
    pub(super) fn give_up(&mut self, violation: Violation) {
        self.violation = Some(violation);
        self.outbox.clear();
        self.close();
    }

    /// After an answer: the next head, or first the rest of the body.
    fn go_on(&mut self, rest: Rest, now: Now) {
        if matches!(self.state, State::Closed) {
            return;
        }
        match rest {
            Rest::Nothing => self.await_head(now),
            rest => {
                let until = now.mono + self.limits.body_stall_max;
                let room = self.limits.discard_bytes_max;
                self.state = State::AwaitRest { rest, room, until };
            }
        }
        self.advance_pending(now);
        // What has come is all that will ever come.
        if self.input_ended && !self.is_exchanging() {
            self.close();
        }
    }

    pub(super) fn await_head(&mut self, now: Now) {
        if self.draining {
            return self.linger(now);
        }
        let idle_until = now.mono + self.limits.keep_alive_max;
        self.state = State::AwaitHead(AwaitHead::new(idle_until));
    }

    /// After the last answer: waits for the peer to close, so that the answer is not lost.
    pub(super) fn linger(&mut self, now: Now) {
        if self.input_ended || matches!(self.state, State::Closed) {
            return self.close();
        }
        let until = self.outbox.is_empty().then(|| now.mono + super::LINGER_AFTER_MAX);
        self.state = State::Lingering { until };
        self.pending = super::Pending::default();
    }

    pub(super) fn close(&mut self) {
        self.state = State::Closed;
        self.pending = super::Pending::default();
    }
}
