// SPDX-License-Identifier: MIT
//! What is said of requests to HTTP backends, and of their answers.

use std::sync::Arc;
use std::time::Duration;

use crate::gateway::snapshot::HttpTarget;
use crate::wire::Splice;

/// One request to an HTTP backend.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// Where to.
    pub target: Arc<HttpTarget>,
    /// Another path and query on the same host, for the endpoint of the HTTP+SSE transport.
    pub path: Option<Box<str>>,
    /// What to do.
    pub method: FetchMethod,
    /// `Mcp-Session-Id`, as the backend gave it.
    pub session_id: Option<Arc<str>>,
    /// `MCP-Protocol-Version`.
    pub revision: Option<Arc<str>>,
    /// Fields that this message needs besides: names are tokens, values hold no control bytes.
    pub fields: Vec<(Box<str>, Box<str>)>,
    /// `Last-Event-ID`.
    pub last_event_id: Option<Box<str>>,
    /// The body of a POST.
    pub body: Option<Splice>,
    /// Whether it does no harm to send it twice. Otherwise it is sent again only if no byte of it
    /// had left.
    pub repeatable: bool,
    /// From the request to the head of the answer; beyond: `TimedOut`. `None`: no limit.
    pub head_after_max: Option<Duration>,
}

/// The HTTP methods that MCP uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchMethod {
    /// Opens or resumes a stream.
    Get,
    /// Sends a message.
    Post,
    /// Ends a session.
    Delete,
}

/// The head of a backend's answer.
#[derive(Clone, Debug)]
pub struct FetchHead {
    /// The HTTP status.
    pub status: u16,
    /// What the body is.
    pub content: FetchContent,
    /// `Mcp-Session-Id`.
    pub session_id: Option<Box<str>>,
    /// `Location`, if the status is a redirect.
    pub location: Option<Box<str>>,
}

/// What the body of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchContent {
    /// `application/json` or another JSON type.
    Json,
    /// `text/event-stream`.
    Events,
    /// Anything else; the body comes as one message, cut at 4 KiB.
    Other,
}

/// What an SSE event says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchEvent {
    /// `event:`, if it is not `message`.
    pub name: Option<Box<str>>,
    /// `id:` of this event.
    pub id: Option<Box<str>>,
    /// `retry:` seen with or before this event, in milliseconds.
    pub retry_ms: Option<u32>,
}

/// Why an answer will never be complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError {
    /// What happened.
    pub kind: FetchErrorKind,
    /// Whether any byte of the request may have reached the backend.
    pub sent: bool,
    /// The system's or our words, without secrets.
    pub text: String,
}

/// What can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchErrorKind {
    /// The name has no address.
    Dns,
    /// No connection.
    Connect,
    /// The certificate, or the TLS protocol.
    Tls,
    /// `connect_timeout` or `head_after_max` has passed.
    TimedOut,
    /// The connection ended too early.
    Closed,
    /// The answer is not HTTP, or not what we accept of it.
    Protocol,
    /// A message of the answer is longer than allowed.
    TooLong,
}
