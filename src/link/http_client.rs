// SPDX-License-Identifier: MIT
//! The link to an HTTP backend: one connection, one exchange at a time.
//!
//! Nothing here knows sockets, TLS, clocks or MCP; who waits for how long is the caller's business.
//!
//! ```text
//!          send            head               body complete
//!   Idle ────────> Head ────────────> Body ──────────────────> Idle, or Gone if not reusable
//!                  │  ^ 1xx            │
//!                  │  └─┘              │  too early an end, not HTTP, too long
//!                  └───────────────────┴──────────────────────> Gone
//! ```
//!
//! A JSON message of which more than `stream_from_bytes` have come, and not all, is not gathered
//! any further before the caller has said whether it is wanted whole ([`HttpClient::gather`]) or in
//! the blocks in which it comes ([`HttpClient::pass`]).
//!
//! Spec: RFC 9112 §6.3 (length of a body), §9.3 (persistence), §9.5 (failures).

mod body;
mod fuzz;
mod large;
mod request;

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Arc;

use crate::base::{Limits, Message, Outbox};
use crate::wire::http1::chunked::Chunked;
use crate::wire::http1::response::{self, Framing, HeadBytes, ReceivedHead, ResponseError};
use crate::wire::sse::{EventIn, TooLong};

pub use self::request::ClientRequest;
pub use crate::wire::http1::response::BodyKind;

use self::body::Body;
use self::large::Large;

/// What a backend answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// The final head; interim ones are skipped.
    Head {
        /// The HTTP status.
        status: u16,
        /// What the body is.
        kind: BodyKind,
        /// `Mcp-Session-Id`.
        session_id: Option<Box<str>>,
        /// `Location`.
        location: Option<Box<str>>,
    },
    /// A JSON body, one text of newline-separated JSON, one event, or the first 4 KiB of any other
    /// body. Empty only for events without data.
    Message {
        /// The message, or the data of the event.
        message: Message,
        /// `event:`, if it is not `message`.
        name: Option<Box<str>>,
        /// `id:` of the event.
        id: Option<Box<str>>,
        /// `retry:` of the event, in milliseconds.
        retry_ms: Option<u32>,
    },
    /// The beginning of a JSON message that is long: nothing more comes before it has been said
    /// whether it is to be gathered.
    Begins(Message),
    /// A part of a message that passes.
    Part(Message),
    /// That message is complete.
    End,
    /// The answer is complete.
    Done {
        /// Whether the connection may carry another request.
        reusable: bool,
    },
    /// The answer will never be complete; nothing more comes of this connection.
    Failed(ClientError),
}

/// Why an answer will never be complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// The connection ended too early.
    Closed,
    /// The backend does not speak HTTP, or not as much of it as we accept: why.
    Protocol(&'static str),
    /// A message is longer than `backend_message_bytes_max`.
    TooLong,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the connection ended before the answer was complete",
            Self::Protocol(why) => why,
            Self::TooLong => "a message of the answer is too long",
        })
    }
}

impl std::error::Error for ClientError {}

impl From<ResponseError> for ClientError {
    fn from(error: ResponseError) -> Self {
        Self::Protocol(error.0)
    }
}

impl From<TooLong> for ClientError {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

/// One connection to a backend, seen from the client's side.
///
/// Invariant: while it is idle it holds no bytes.
pub struct HttpClient {
    limits: Arc<Limits>,
    state: State,
    events: VecDeque<ClientEvent>,
    outbox: Outbox,
}

enum State {
    /// No exchange; the connection may carry one.
    Idle,
    /// A request was sent; the head of its answer has not come, or not all of it.
    Head { head: HeadBytes, head_only: bool },
    /// The body is coming.
    Body { body: Body, large: Large, left: Left, keep_alive: bool },
    /// The connection cannot be used any more.
    Gone,
}

/// What is left of a body.
enum Left {
    /// So many bytes, at least one.
    Bytes(u64),
    Chunks(Chunked),
    UntilClose,
}

impl HttpClient {
    /// A connection that has not carried anything.
    #[must_use]
    pub fn new(limits: Arc<Limits>) -> Self {
        Self { limits, state: State::Idle, events: VecDeque::new(), outbox: Outbox::new() }
    }

    /// Owes the backend `request`: head, length and body. The link has to be idle; if its
    /// connection is gone, the request fails.
    pub fn send(&mut self, request: &ClientRequest<'_>) {
        if !matches!(self.state, State::Idle) {
            debug_assert!(matches!(self.state, State::Gone), "two exchanges on one connection");
            return self.fail(ClientError::Closed);
        }
        self.state =
            State::Head { head: HeadBytes::default(), head_only: request.method == "HEAD" };
        request::encode(request, &mut self.outbox);
    }

    /// Takes what the backend has sent, cut anywhere.
    pub fn feed(&mut self, mut input: &[u8]) {
        debug_assert!(self.wants_input(), "nobody has said what becomes of a long message");
        self.gather();
        while !input.is_empty() {
            match self.step(input) {
                Ok(used) => input = &input[used..],
                Err(error) => return self.fail(error),
            }
        }
    }

    /// The backend has closed its side.
    pub fn end_of_input(&mut self) {
        if !self.wants_input() {
            return;
        }
        match mem::replace(&mut self.state, State::Gone) {
            State::Idle | State::Gone => {}
            State::Body { body, large, left: Left::UntilClose, .. } => {
                self.finish(body, &large, false);
            }
            State::Head { .. } | State::Body { .. } => self.fail(ClientError::Closed),
        }
    }

    /// Whether it takes more: not before it is known what becomes of a long message. The end of the
    /// input is then to be told again later.
    #[must_use]
    pub const fn wants_input(&self) -> bool {
        !matches!(self.state, State::Body { large: Large::Asked(_), .. })
    }

    /// The message that has begun is wanted whole.
    pub fn gather(&mut self) {
        let State::Body { body, large, .. } = &mut self.state else { return };
        if let Large::Asked(start) = large {
            body.put_back(mem::take(start).into_vec());
            *large = Large::Gathered;
        }
    }

    /// The message that has begun is wanted in parts, from the one on that follows its beginning.
    pub fn pass(&mut self) {
        let State::Body { large, .. } = &mut self.state else { return };
        if let Large::Asked(start) = large {
            *large = Large::Passing(start.len());
        }
    }

    /// What the backend answers, in order.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        let event = self.events.pop_front();
        if event.is_none() && matches!(&self.state, State::Body { body, .. } if body.is_stream()) {
            // It is silent most of the time.
            self.events = VecDeque::new();
            self.outbox.release();
        }
        event
    }

    /// What is owed to the backend.
    #[must_use]
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// `n` bytes of the outbox have been written.
    pub fn wrote(&mut self, n: usize) {
        self.outbox.consume(n);
    }

    /// Whether it may carry the next request.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Takes a part of `input`, which is not empty; returns how much.
    fn step(&mut self, input: &[u8]) -> Result<usize, ClientError> {
        match &mut self.state {
            // Nobody asked for these bytes: whatever they are, they are no answer to what will be
            // asked next.
            State::Idle => {
                self.state = State::Gone;
                Ok(input.len())
            }
            State::Gone => Ok(input.len()),
            State::Head { head, head_only } => {
                if head.is_empty()
                    && let Some(len) = HeadBytes::whole(input)
                {
                    let head = response::parse(&input[..len], *head_only)?;
                    self.begin(head, input.len() > len)?;
                    return Ok(len);
                }
                let (used, complete) = head.feed(input)?;
                if complete {
                    let head = response::parse(head.as_bytes(), *head_only)?;
                    self.begin(head, input.len() > used)?;
                }
                Ok(used)
            }
            State::Body { .. } => self.step_body(input),
        }
    }

    /// Acts on a complete head; `more` says that bytes follow it.
    fn begin(&mut self, head: ReceivedHead, more: bool) -> Result<(), ClientError> {
        let State::Head { head_only, .. } = self.state else { return Ok(()) };
        match head.status {
            // RFC 9110 §15.2.2: a server switches only if it was asked to.
            101 => return Err(ClientError::Protocol("the server switched to another protocol")),
            100..=199 => {
                self.state = State::Head { head: HeadBytes::default(), head_only };
                return Ok(());
            }
            _ => {}
        }
        self.events.push_back(ClientEvent::Head {
            status: head.status,
            kind: head.kind,
            session_id: head.session_id,
            location: head.location,
        });
        let left = match head.framing {
            Framing::None => {
                self.done(head.keep_alive && !more);
                return Ok(());
            }
            Framing::Length(length) => Left::Bytes(length),
            Framing::Chunked => Left::Chunks(Chunked::new(self.limits.chunk_line_bytes_max)),
            Framing::UntilClose => Left::UntilClose,
        };
        let body = Body::new(head.kind, head.framing, self.limits.backend_message_bytes_max)?;
        let (large, keep_alive) = (Large::Short, head.keep_alive);
        self.state = State::Body { body, large, left, keep_alive };
        Ok(())
    }

    fn step_body(&mut self, input: &[u8]) -> Result<usize, ClientError> {
        let State::Body { body, large, left, keep_alive } = &mut self.state else {
            return Ok(input.len());
        };
        let events = &mut self.events;
        let (used, complete) = match left {
            Left::Bytes(left) => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= used as u64;
                let whole = &mut |event| events.push_back(event_of(event));
                if *left > 0 || !body.take_whole(large, &input[..used], whole) {
                    body.feed(large, &input[..used], events)?;
                }
                (used, *left == 0)
            }
            Left::Chunks(chunked) => {
                let mut decoded = Vec::with_capacity(input.len());
                let result = chunked.feed(input, &mut decoded, usize::MAX);
                // What came before the broken framing has been said.
                body.feed(large, &decoded, events)?;
                result.map_err(|_| ClientError::Protocol("the chunked coding is broken"))?
            }
            Left::UntilClose => {
                body.feed(large, input, events)?;
                (input.len(), false)
            }
        };
        if !complete {
            body.ask(large, self.limits.stream_from_bytes, events);
            return Ok(used);
        }
        // Bytes after an answer are no answer to anything: a second one, or a longer body
        // than was declared. The connection cannot be trusted with another request.
        let reusable = *keep_alive && used == input.len();
        if let State::Body { body, large, .. } = mem::replace(&mut self.state, State::Gone) {
            self.finish(body, &large, reusable);
        }
        Ok(used)
    }

    fn finish(&mut self, body: Body, large: &Large, reusable: bool) {
        match large {
            Large::Passing(_) => self.events.push_back(ClientEvent::End),
            _ => body.finish(&mut |event| self.events.push_back(event_of(event))),
        }
        self.done(reusable);
    }

    fn done(&mut self, reusable: bool) {
        // A server that answers before it has read all of the request leaves the rest of it in the
        // way of the next one.
        let reusable = reusable && self.outbox.is_empty();
        self.state = if reusable { State::Idle } else { State::Gone };
        self.events.push_back(ClientEvent::Done { reusable });
    }

    fn fail(&mut self, error: ClientError) {
        self.state = State::Gone;
        self.outbox.clear();
        self.events.push_back(ClientEvent::Failed(error));
    }
}

fn event_of(event: EventIn) -> ClientEvent {
    ClientEvent::Message {
        message: event.data,
        name: event.name,
        id: event.id,
        retry_ms: event.retry_ms,
    }
}

/// Takes `input` for an answer, in one piece and in small ones: the events must be the same, and
/// no message longer than allowed. The first byte says how it is cut, what was asked, and whether
/// long messages are gathered.
pub fn fuzz(input: &[u8]) {
    fuzz::check(input);
}
