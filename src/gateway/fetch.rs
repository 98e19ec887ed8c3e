// SPDX-License-Identifier: MIT
//! HTTP requests to backends that are under way, and what they are for.

use std::sync::Arc;
use std::time::Instant;

use super::backend::{Backend, Carrier};
use super::fault::BackendFaultKind;
use super::io::{FetchError, FetchErrorKind, FetchHead};
use crate::base::{Key, Message};

/// One HTTP request to a backend.
#[derive(Debug)]
pub struct Fetch {
    /// The backend it was sent to.
    pub backend: Key<Backend>,
    /// What it is for.
    pub purpose: Purpose,
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

/// What an HTTP request is for.
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
