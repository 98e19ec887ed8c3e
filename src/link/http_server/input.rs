// SPDX-License-Identifier: MIT
//! Bytes in: heads, bodies, and what is dropped.

use super::body::Incoming;
use super::pending::Pending;
use super::state::{AwaitHead, Exchange, State};
use super::violation::Violation;
use super::{BUSY_FROM, HttpServer, ServerEvent};
use crate::base::{Message, Now};
use crate::wire::http1::chunked::Chunked;
use crate::wire::http1::encode::CONTINUE;
use crate::wire::http1::framing::Framing;
use crate::wire::http1::head::{self, Expectation};

/// What one look at the input has brought.
enum Step {
    /// So many bytes were used, and the state has changed.
    Advanced(usize),
    /// So many bytes were used, and nothing more can be said before others come.
    Incomplete(usize),
}

impl HttpServer {
    /// Takes all of `input`, which may be cut anywhere.
    pub fn feed(&mut self, input: &[u8], now: Now) {
        if matches!(self.state, State::Lingering { .. } | State::Closed) {
            return;
        }
        if self.pending.is_empty() {
            let used = self.advance(input, now);
            self.pending.keep(&input[used..]);
        } else {
            self.pending.keep(input);
            self.advance_pending(now);
        }
    }

    /// Whether the peer has said that it sends no more.
    #[must_use]
    pub const fn has_input_ended(&self) -> bool {
        self.input_ended
    }

    /// The peer sends no more. What it has asked for is still answered.
    pub fn end_of_input(&mut self, now: Now) {
        self.input_ended = true;
        match self.state {
            // Also in the middle of a head: what was never said needs no answer.
            State::AwaitHead(_) | State::AwaitRest { .. } | State::Lingering { .. } => {
                self.close();
            }
            State::AwaitBody { .. } => self.refuse(Violation::BodyCut, now),
            State::AwaitAdmission(_)
            | State::AwaitAnswer(_)
            | State::Streaming(_)
            | State::Closed => {}
            State::Upgraded(_) => self.close(),
        }
    }

    /// Admits the exchange: a body of up to `bytes_max` bytes becomes a [`ServerEvent::Body`]; a
    /// longer one is answered 413 as soon as its length is known.
    pub fn receive(&mut self, bytes_max: usize, now: Now) {
        let State::AwaitAdmission(exchange) = self.state else {
            return;
        };
        let incoming = match exchange.framing {
            Framing::None => {
                self.state = State::AwaitAnswer(exchange);
                self.event = Some(ServerEvent::Body(Message::default()));
                return;
            }
            Framing::Length(length) => match usize::try_from(length) {
                Ok(length) if length <= bytes_max => {
                    // A body that came with its head is not copied again.
                    let bytes = self.pending.take_whole(length);
                    let left = length - bytes.len();
                    Incoming::Length { bytes, left }
                }
                // RFC 9110 §15.5.14. No byte of it is read, and `100 Continue` is not sent.
                _ => return self.refuse(Violation::BodyTooLong { bytes_max }, now),
            },
            Framing::Chunked => {
                let decoder = Chunked::new(self.limits.chunk_line_bytes_max).into();
                Incoming::Chunked { bytes: Vec::new(), decoder, bytes_max }
            }
        };
        let begun = matches!(&incoming, Incoming::Length { bytes, .. } if !bytes.is_empty());
        // RFC 9110 §10.1.1: "A server MAY omit sending a 100 response if it has already received
        // some or all of the content".
        if exchange.expects == Expectation::Continue && !begun && self.pending.is_empty() {
            self.owe(now, |outbox| outbox.push(CONTINUE));
        }
        let until = now.mono + self.limits.body_stall_max;
        self.state = State::AwaitBody { exchange, incoming, until };
        self.advance_pending(now);
        // What has come is all that will ever come.
        if self.input_ended && matches!(self.state, State::AwaitBody { .. }) {
            self.refuse(Violation::BodyCut, now);
        }
    }

    /// Looks at what has come before its turn.
    pub(super) fn advance_pending(&mut self, now: Now) {
        let mut pending = std::mem::take(&mut self.pending);
        let used = self.advance(pending.rest(), now);
        pending.take(used);
        self.pending = pending;
        if matches!(self.state, State::Lingering { .. } | State::Closed) {
            self.pending = Pending::default();
        }
    }

    /// Uses `input` as far as anybody waits for it, and returns how far that is.
    fn advance(&mut self, input: &[u8], now: Now) -> usize {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            let step = match self.state {
                State::AwaitHead(_) => self.take_head(rest, now),
                State::AwaitBody { .. } => self.take_body(rest, now),
                State::AwaitRest { .. } => self.take_rest(rest, now),
                State::AwaitAdmission(_) | State::AwaitAnswer(_) | State::Streaming(_) => {
                    return used;
                }
                State::Upgraded(_) => {
                    self.take_frames(rest, now);
                    return input.len();
                }
                State::Lingering { .. } | State::Closed => return input.len(),
            };
            match step {
                Ok(Step::Advanced(n)) => used += n,
                Ok(Step::Incomplete(n)) => return used + n,
                Err(violation) => self.refuse(violation, now),
            }
        }
    }

    fn take_head(&mut self, input: &[u8], now: Now) -> Result<Step, Violation> {
        let State::AwaitHead(waiting) = &mut self.state else {
            return Ok(Step::Incomplete(0));
        };
        match input {
            [] => return Ok(Step::Incomplete(0)),
            // RFC 9112 §2.2: "a server that is expecting to receive and parse a request-line SHOULD
            // ignore at least one empty line (CRLF) received prior to the request-line". One.
            [b'\r', b'\n', ..] if !waiting.blank_line => {
                let idle_until = waiting.idle_until;
                *waiting = AwaitHead { blank_line: true, ..AwaitHead::new(idle_until) };
                return Ok(Step::Advanced(2));
            }
            _ => waiting.head_until.get_or_insert(now.mono + self.limits.head_after_max),
        };
        if input == b"\r" && !waiting.blank_line {
            return Ok(Step::Incomplete(0));
        }
        let (request, end) = match self.recent.find(input) {
            Some(found) => found,
            None => {
                let end = waiting.scan.find_end(input, self.limits.head_bytes_max);
                let Some(end) = end.map_err(Violation::Head)? else {
                    return Ok(Step::Incomplete(0));
                };
                let request = head::parse(&input[..end], self.limits.head_fields_max);
                let request = request.map_err(Violation::Head)?;
                self.n_heads = BUSY_FROM.min(self.n_heads + 1);
                if self.is_busy() {
                    self.recent.keep(&request, end);
                }
                (request, end)
            }
        };
        self.state = State::AwaitAdmission(Exchange::new(&request));
        self.event = Some(ServerEvent::Head(request.head));
        Ok(Step::Advanced(end))
    }

    fn take_body(&mut self, input: &[u8], now: Now) -> Result<Step, Violation> {
        let State::AwaitBody { exchange, incoming, until } = &mut self.state else {
            return Ok(Step::Incomplete(0));
        };
        if !input.is_empty() {
            *until = now.mono + self.limits.body_stall_max;
        }
        match incoming.feed(input)? {
            (used, None) => Ok(Step::Incomplete(used)),
            (used, Some(body)) => {
                self.state = State::AwaitAnswer(*exchange);
                self.event = Some(ServerEvent::Body(body));
                Ok(Step::Advanced(used))
            }
        }
    }

    fn take_rest(&mut self, input: &[u8], now: Now) -> Result<Step, Violation> {
        let State::AwaitRest { rest, room, .. } = &mut self.state else {
            return Ok(Step::Incomplete(0));
        };
        match rest.feed(input, room) {
            Some((used, false)) => Ok(Step::Incomplete(used)),
            Some((used, true)) => {
                self.await_head(now);
                Ok(Step::Advanced(used))
            }
            // The answer is out already; a second one would be taken for that of the next request.
            None => {
                self.linger(now);
                Ok(Step::Advanced(0))
            }
        }
    }
}
