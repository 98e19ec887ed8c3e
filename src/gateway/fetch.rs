// SPDX-License-Identifier: MIT
//! HTTP requests that are under way, and what they are for.

use std::sync::Arc;
use std::time::Instant;

use super::ask_forge::Question;
use super::backend::{Backend, Carrier};
use super::fault::BackendFaultKind;
use super::io::{FetchError, FetchErrorKind, FetchHead};
use crate::base::{Key, Message};

/// How long to wait before resuming a stream, if the server does not say.
const RETRY_MS_DEFAULT: u32 = 1000;

/// One HTTP request.
#[derive(Debug)]
pub struct Fetch {
    /// Who has sent it, and where to.
    pub whom: FetchFor,
    /// The session id that it carried.
    pub session_id: Option<Arc<str>>,
    /// The head of the answer, once it is there.
    pub head: Option<FetchHead>,
    /// The body of an answer that is an error.
    pub error_body: Option<Message>,
    /// The id of the last event, if the server numbers them.
    pub last_event_id: Option<Box<str>>,
    /// How long to wait before resuming, in milliseconds.
    pub retry_ms: u32,
    /// When an interrupted stream is to be resumed; it is not under way until then.
    pub resume_at: Option<Instant>,
    /// How often it was resumed without a single event.
    pub n_resumed: u32,
    /// Whether it resumes an answer that had begun: the request itself was executed.
    pub is_resumption: bool,
    /// When it is given up, if nobody else watches it.
    pub until: Option<Instant>,
}

/// Who has sent an HTTP request.
#[derive(Debug)]
pub enum FetchFor {
    /// This backend; and what it is for.
    Backend(Key<Backend>, Purpose),
    /// A guard that asks the forge.
    Guard(Box<Question>),
}

impl Fetch {
    /// A request that begins.
    #[must_use]
    pub const fn new(whom: FetchFor, session_id: Option<Arc<str>>, until: Option<Instant>) -> Self {
        Self {
            whom,
            session_id,
            head: None,
            error_body: None,
            last_event_id: None,
            retry_ms: RETRY_MS_DEFAULT,
            resume_at: None,
            n_resumed: 0,
            is_resumption: false,
            until,
        }
    }

    /// Its backend and what it is for, if it has one.
    #[must_use]
    pub const fn at_backend(&self) -> Option<(Key<Backend>, Purpose)> {
        match self.whom {
            FetchFor::Backend(backend, purpose) => Some((backend, purpose)),
            FetchFor::Guard(_) => None,
        }
    }

    /// Whether it was sent to this backend.
    #[must_use]
    pub fn is_at(&self, key: Key<Backend>) -> bool {
        self.at_backend().is_some_and(|(backend, _)| backend == key)
    }
}

/// What an HTTP request to a backend is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It carries a message; for a call the answer comes on it.
    Carry(Carrier),
    /// It carries a message of the HTTP+SSE transport; the answer comes on the stream.
    Deliver(Carrier),
    /// It listens for messages without a call.
    Listen,
    /// It is the stream of the HTTP+SSE transport.
    Events,
    /// It ends a session.
    Leave,
}

/// What kind of failure of its backend this is.
pub(crate) const fn kind_of(kind: FetchErrorKind) -> BackendFaultKind {
    match kind {
        FetchErrorKind::TimedOut => BackendFaultKind::TimedOut,
        FetchErrorKind::Protocol | FetchErrorKind::TooLong => BackendFaultKind::Misbehaved,
        _ => BackendFaultKind::Down,
    }
}

/// A fetch error for people.
pub(crate) struct Sentence<'a>(pub &'a FetchError);

impl std::fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.0.kind {
            FetchErrorKind::Dns => "its name cannot be resolved",
            FetchErrorKind::Connect => "cannot connect to HTTP backend",
            FetchErrorKind::Tls => "TLS failed",
            FetchErrorKind::TimedOut => "no connection or no answer in time",
            FetchErrorKind::Closed => "the connection ended too early",
            FetchErrorKind::Protocol => "its answer is no HTTP that we accept",
            FetchErrorKind::TooLong => "its answer is too long",
        };
        write!(f, "{what}: {}", self.0.text)
    }
}
