// SPDX-License-Identifier: MIT
//! One client connection, the server's side: requests in, one at a time and in order; answers out.
//!
//! It does not know what a request is for, nor who may send it: it asks before it reads a body.
//!
//! ```text
//!                     ┌──────────────────── next request ────────────────────┐
//!                     v                                                      │
//!  AwaitHead ── Head ─> AwaitAdmission ── receive ─> AwaitBody ── Body ─> AwaitAnswer
//!      ^                     │ respond                                respond │ │ open_stream
//!      └──── AwaitRest <─────┘  (the body is dropped)                         │ v
//!                                                       Streaming <── events ─┘
//!
//!  AwaitAdmission ── upgrade ─> Upgraded <── Frame, events ─┐
//!                                  └────────────────────────┘
//!  refusal, `Connection: close`, Close ─> Lingering ─> Closed
//! ```
//!
//! Bytes that come before their turn wait in `pending`; beyond a limit they are left in the socket.
//! After a refusal, and after the last answer, the connection is only half closed until the peer
//! has closed too or some time has passed: closing it with unread input would reset it, and the
//! answer might be lost on its way (RFC 9112 §9.6).
//!
//! Spec: RFC 9112 (HTTP/1.1), RFC 9110 §10.1.1 (Expect).

mod answer;
mod body;
mod fuzz;
mod input;
mod pending;
mod recent;
mod state;
mod time;
mod upgraded;
mod violation;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use self::pending::Pending;
use self::recent::Recent;
use self::state::{AwaitHead, State};
use crate::base::{Limits, Message, Now, Outbox};
use crate::wire::http1::RequestHead;
use crate::wire::http1::encode::HttpDate;

pub use self::fuzz::fuzz;
pub use self::violation::{Refusal, Violation};

/// How long the peer may take to close its side after our last answer has left.
pub const LINGER_AFTER_MAX: Duration = Duration::from_secs(2);

/// From this request on a connection keeps what makes the next one faster. Many carry no more than
/// a greeting and then a stream, or nothing for long.
const BUSY_FROM: u8 = 4;

/// A connection that was idle for so long gives up what only makes the next request faster.
pub const REST_AFTER: Duration = Duration::from_secs(5);

/// What a client has said.
#[derive(Debug)]
pub enum ServerEvent {
    /// A complete, valid head; nothing that follows it is looked at before it is answered.
    Head(Arc<RequestHead>),
    /// The complete body, after [`HttpServer::receive`]; empty if there is none.
    Body(Message),
    /// A whole text message, after [`HttpServer::upgrade`].
    Frame(Message),
    /// The client has closed its WebSocket as it should: the last event of its connection.
    Left,
    /// The client broke HTTP: the last event of its connection. What it is told, if anything, is
    /// in the outbox.
    Violation(Violation),
}

/// What is to be done with the connection once the outbox is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing.
    Open,
    /// Shut down the writing side, and go on reading until [`Status::Closed`].
    ShutdownWrite,
    /// Close it.
    Closed,
}

/// One client connection.
///
/// Answers to an exchange that is over, by a violation or a timeout for example, have no effect:
/// the gateway learns of it in its own time.
pub struct HttpServer {
    limits: Arc<Limits>,
    state: State,
    pending: Pending,
    recent: Recent,
    /// How many heads have come since it rested, up to [`BUSY_FROM`].
    n_heads: u8,
    /// A head or a body that nobody has polled yet.
    event: Option<ServerEvent>,
    /// The same for the messages of a WebSocket.
    frames: VecDeque<Message>,
    left: bool,
    violation: Option<Violation>,
    outbox: Outbox,
    /// When a byte of the outbox last left, or when it stopped being empty.
    wrote_at: std::time::Instant,
    date: HttpDate,
    input_ended: bool,
    draining: bool,
}

impl HttpServer {
    /// A connection that was accepted at `now`.
    #[must_use]
    pub fn new(limits: Arc<Limits>, now: Now) -> Self {
        let idle_until = now.mono + limits.first_byte_after_max;
        Self {
            limits,
            state: State::AwaitHead(AwaitHead::new(idle_until)),
            pending: Pending::default(),
            recent: Recent::default(),
            n_heads: 0,
            event: None,
            frames: VecDeque::new(),
            left: false,
            violation: None,
            outbox: Outbox::new(),
            wrote_at: now.mono,
            date: HttpDate::new(),
            input_ended: false,
            draining: false,
        }
    }

    /// The next event, until there is none; asked again after each answer, since the next head may
    /// have come already.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        if let Some(event) = self.event.take() {
            return Some(event);
        }
        if let Some(frame) = self.frames.pop_front() {
            return Some(ServerEvent::Frame(frame));
        }
        if std::mem::take(&mut self.left) {
            return Some(ServerEvent::Left);
        }
        self.violation.take().map(ServerEvent::Violation)
    }

    /// Whether more input is of use; if not, it is to be left in the socket.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        match self.state {
            _ if self.input_ended => false,
            State::Closed => false,
            State::AwaitHead(_)
            | State::AwaitBody { .. }
            | State::AwaitRest { .. }
            | State::Lingering { .. } => true,
            State::AwaitAdmission(_) | State::AwaitAnswer(_) | State::Streaming(_) => {
                self.pending.len() < self.limits.pipelined_bytes_max
            }
            // Whoever does not read its answers need not ask for more.
            State::Upgraded(_) => self.outbox.len() <= self.limits.outbox_bytes_high,
        }
    }

    /// Takes no further request: the next answer says `Connection: close`, and a connection on
    /// which nothing has begun closes at once.
    pub fn stop_accepting(&mut self) {
        self.draining = true;
        if let State::AwaitHead(AwaitHead { head_until: None, .. }) = self.state {
            self.state = State::Closed;
        }
    }

    /// What is owed to the client.
    #[must_use]
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// What is to be done once the outbox is empty.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self.state {
            State::Closed => Status::Closed,
            State::Lingering { .. } => Status::ShutdownWrite,
            _ => Status::Open,
        }
    }

    /// Whether the next request is to be faster, at the cost of memory until then.
    const fn is_busy(&self) -> bool {
        self.n_heads == BUSY_FROM
    }

    /// Whether a head was given out that is not answered yet.
    #[must_use]
    pub const fn is_exchanging(&self) -> bool {
        match self.state {
            State::AwaitAdmission(_)
            | State::AwaitBody { .. }
            | State::AwaitAnswer(_)
            | State::Streaming(_)
            | State::Upgraded(_) => true,
            State::AwaitHead(_)
            | State::AwaitRest { .. }
            | State::Lingering { .. }
            | State::Closed => false,
        }
    }
}
