// SPDX-License-Identifier: MIT
//! Whose doing was it? One table turns every refusal into HTTP and JSON-RPC.
//!
//! This file, and `exchange/finish.rs` for what goes well, are the only places where a status or a
//! code is chosen.

pub mod listing;
pub mod modern;

use crate::base::Message;
use crate::gateway::judge::deny::Refusal;
use crate::gateway::snapshot::Snapshot;
use crate::mcp::{Code, Era, revision};
use crate::policy::auth::{Foreign, Unknown};
use crate::wire::http1::{Content, ResponseHead};
use crate::wire::json::write::push_str;
use crate::wire::jsonrpc::RpcError;
use modern::ModernFault;

/// Everything that ends an exchange early.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The client's doing.
    Client(ClientFault),
    /// The backend's doing.
    Backend(BackendFault),
    /// Our doing, or our state.
    Gateway(GatewayFault),
}

/// What a client can do wrong.
#[derive(Clone, Debug)]
pub enum ClientFault {
    /// There is nothing at this path.
    NoSuchEndpoint,
    /// The path does not know this HTTP method; these are the ones it knows.
    Method(&'static str),
    /// It comes from a foreign page or under a foreign name.
    Foreign(Foreign, Box<str>),
    /// It is not known who it is.
    Unknown(Unknown),
    /// `Content-Type` is not JSON.
    ContentType,
    /// `Accept` lacks what the answer may be.
    Accept(&'static str),
    /// `MCP-Protocol-Version` names a revision that is not served.
    Revision,
    /// A WebSocket was not asked for, or not in a way that is spoken here.
    Upgrade(&'static str),
    /// The handshake of a WebSocket is wrong.
    Handshake(&'static str),
    /// The request needs `Mcp-Session-Id`.
    NoSession(&'static str),
    /// The session is unknown, has ended, or is somebody else's.
    UnknownSession,
    /// The body is empty.
    EmptyBody,
    /// The body is no message.
    Message(RpcError),
    /// The revision has no batches.
    Batch(&'static str),
    /// More messages in a batch than allowed.
    BatchTooLong(usize),
    /// `initialize` in a batch or within a session.
    MisplacedInitialize,
    /// The tool does not exist for this client.
    UnknownTool(Box<str>),
    /// The prompt does not exist for this client.
    UnknownPrompt(Box<str>),
    /// No server of a view has the resource.
    UnknownResource(Box<str>, Era),
    /// No server of a view has the task.
    UnknownTask(Box<str>),
    /// The cursor is not one of ours, or not of this list.
    UnknownCursor,
    /// A parameter that says which server is meant is missing; this is its name.
    MissingParameter(&'static str),
    /// Nobody could tell which server is meant.
    UnknownMethod(Box<str>),
    /// There is no such task, or it is over.
    Task(&'static str),
    /// What labels say is against it.
    Denied(Box<Refusal>),
    /// Too many exchanges of this session are under way.
    Busy,
    /// What only modern clients can do wrong.
    Modern(ModernFault),
}

/// What a backend can do wrong.
#[derive(Clone, Debug)]
pub struct BackendFault {
    /// The server's name.
    pub server: Box<str>,
    /// What kind of failure it is.
    pub kind: BackendFaultKind,
    /// The facts: exit code, last lines of stderr, the system's words.
    pub detail: Box<str>,
}

/// The kinds of backend failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendFaultKind {
    /// It is not there: not started, exited, connection refused.
    Down,
    /// It has not answered in time.
    TimedOut,
    /// It answered something that is no answer.
    Misbehaved,
    /// More waits for it than is kept.
    Full,
}

/// What we can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayFault {
    /// On the way out.
    Draining,
    /// Closed already.
    Closed,
    /// At one of our limits.
    Full(&'static str),
}

/// What a fault looks like on the wire.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status and fields.
    pub head: ResponseHead,
    /// The body.
    pub body: Message,
}

/// The form of a refusal.
enum Shape {
    /// Text alone.
    Text(String),
    /// `{"error": code, "message": text}`.
    Plain(&'static str, String),
    /// `{"error": text}`.
    Short(&'static str),
    /// A JSON-RPC error.
    Rpc(Code, String),
}

impl Fault {
    /// The HTTP answer, when nothing has been sent yet. `id` is the request's, as it is spelled.
    #[must_use]
    pub fn answer(&self, id: Option<&[u8]>) -> Answer {
        let (status, shape) = self.row();
        let (content, body) = match shape {
            Shape::Text(text) => (Content::Text, text.into_bytes()),
            Shape::Plain(code, text) => {
                let mut out = b"{\"error\":".to_vec();
                push_str(&mut out, code);
                out.extend_from_slice(b",\"message\":");
                push_str(&mut out, &text);
                out.push(b'}');
                (Content::Json, out)
            }
            Shape::Short(text) => {
                let mut out = b"{\"error\":".to_vec();
                push_str(&mut out, text);
                out.push(b'}');
                (Content::Json, out)
            }
            Shape::Rpc(code, text) => (Content::Json, self.rpc(id, code, &text)),
        };
        let mut head = ResponseHead::new(status, content);
        match self {
            Self::Client(ClientFault::Method(allowed)) => head = head.with("Allow", *allowed),
            Self::Client(ClientFault::Upgrade(_)) => {
                head = head.with("Upgrade", "websocket").with("Connection", "Upgrade");
                head = head.with("Sec-WebSocket-Version", "13");
            }
            Self::Client(ClientFault::Busy) | Self::Gateway(_) => {
                head = head.with("Retry-After", "1");
            }
            _ => {}
        }
        Answer { head, body: Message::new(body) }
    }

    /// The JSON-RPC error, for a request `id` within an exchange that goes well as HTTP.
    #[must_use]
    pub fn message(&self, id: Option<&[u8]>) -> Message {
        let (code, text) = match self.row().1 {
            Shape::Rpc(code, text) => (code, text),
            Shape::Text(text) | Shape::Plain(_, text) => (Code::SERVER_ERROR, text),
            Shape::Short(text) => (Code::SERVER_ERROR, text.to_owned()),
        };
        Message::new(self.rpc(id, code, &text))
    }

    /// The HTTP status, when nothing has been sent yet.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.row().0
    }

    /// The sentence for people.
    #[must_use]
    pub fn text(&self) -> String {
        match self.row().1 {
            Shape::Text(text) | Shape::Plain(_, text) | Shape::Rpc(_, text) => text,
            Shape::Short(text) => text.to_owned(),
        }
    }

    /// The table: status and shape of every fault.
    fn row(&self) -> (u16, Shape) {
        match self {
            Self::Client(fault) => fault.row(),
            Self::Backend(fault) => fault.row(),
            Self::Gateway(GatewayFault::Draining) => {
                (503, Shape::Short("Gateway is shutting down"))
            }
            Self::Gateway(GatewayFault::Closed) => {
                (410, Shape::Short("Gateway has already been closed"))
            }
            Self::Gateway(GatewayFault::Full(what)) => {
                (503, Shape::Plain("overloaded", format!("too many {what}; try again later")))
            }
        }
    }

    fn rpc(&self, id: Option<&[u8]>, code: Code, text: &str) -> Vec<u8> {
        let mut out = b"{\"jsonrpc\":\"2.0\",\"id\":".to_vec();
        out.extend_from_slice(id.unwrap_or(b"null"));
        out.extend_from_slice(format!(",\"error\":{{\"code\":{},\"message\":", code.0).as_bytes());
        push_str(&mut out, text);
        if let Self::Backend(fault) = self {
            out.extend_from_slice(b",\"data\":{\"server\":");
            push_str(&mut out, &fault.server);
            out.extend_from_slice(b",\"detail\":");
            push_str(&mut out, &fault.detail);
            out.push(b'}');
        }
        if let Self::Client(ClientFault::UnknownResource(uri, _)) = self {
            out.extend_from_slice(b",\"data\":{\"uri\":");
            push_str(&mut out, uri);
            out.push(b'}');
        }
        if let Self::Client(ClientFault::Denied(refusal)) = self {
            out.extend_from_slice(b",\"data\":");
            out.extend_from_slice(&refusal.data);
        }
        if let Self::Client(ClientFault::Modern(fault)) = self {
            fault.push_data(&mut out);
        }
        out.extend_from_slice(b"}}");
        out
    }
}

impl ClientFault {
    fn row(&self) -> (u16, Shape) {
        let rpc = |code, text: &str| Shape::Rpc(code, text.to_owned());
        match self {
            Self::NoSuchEndpoint => (404, Shape::Text("404 page not found".to_owned())),
            Self::Method(_) => {
                (405, Shape::Plain("method_not_allowed", "method not allowed".into()))
            }
            Self::Foreign(Foreign::Host, host) => {
                (403, Shape::Text(format!("Forbidden: invalid Host header \"{host}\"")))
            }
            Self::Foreign(Foreign::Origin, origin) => {
                (403, Shape::Text(format!("Forbidden: invalid Origin header \"{origin}\"")))
            }
            Self::Unknown(unknown) => unknown_row(*unknown),
            Self::ContentType => {
                (415, rpc(Code::SERVER_ERROR, "Content-Type must be 'application/json'"))
            }
            Self::Accept(text) => (406, rpc(Code::SERVER_ERROR, text)),
            Self::Revision => (400, Shape::Rpc(Code::SERVER_ERROR, unsupported_revision())),
            Self::Upgrade(text) => (426, Shape::Plain("upgrade_required", text.to_string())),
            Self::Handshake(text) => (400, Shape::Plain("bad_request", text.to_string())),
            Self::NoSession(text) => (400, rpc(Code::SERVER_ERROR, text)),
            Self::UnknownSession => (404, rpc(Code::UNAVAILABLE, "session not found")),
            Self::EmptyBody => (400, rpc(Code::PARSE_ERROR, "POST requires a non-empty body")),
            Self::Message(RpcError::NotRpc { reason, .. }) => {
                (400, Shape::Rpc(Code::INVALID_REQUEST, format!("Invalid Request: {reason}")))
            }
            Self::Message(error) => {
                (400, Shape::Rpc(Code::PARSE_ERROR, format!("Parse error: {error}")))
            }
            Self::Batch(date) => (
                400,
                Shape::Rpc(
                    Code::INVALID_REQUEST,
                    format!("JSON-RPC batching is not supported in revision {date}"),
                ),
            ),
            Self::BatchTooLong(max) => (
                400,
                Shape::Rpc(Code::INVALID_REQUEST, format!("a batch holds {max} messages at most")),
            ),
            Self::MisplacedInitialize => (
                400,
                rpc(Code::INVALID_REQUEST, "initialize must be the only message of a new session"),
            ),
            Self::UnknownTool(name) => {
                (200, Shape::Rpc(Code::INVALID_PARAMS, format!("unknown tool \"{name}\"")))
            }
            Self::UnknownPrompt(_)
            | Self::UnknownResource(..)
            | Self::UnknownTask(_)
            | Self::UnknownCursor
            | Self::MissingParameter(_)
            | Self::UnknownMethod(_) => (200, self.unrouted()),
            Self::Task(text) => (200, rpc(Code::INVALID_PARAMS, text)),
            Self::Denied(refusal) => (200, rpc(refusal.code, &refusal.text)),
            Self::Modern(fault) => fault.row(),
            Self::Busy => {
                (429, rpc(Code::SERVER_ERROR, "too many requests of this session are under way"))
            }
        }
    }

    /// What cannot be sent to one of several servers.
    fn unrouted(&self) -> Shape {
        let params = |text: String| Shape::Rpc(Code::INVALID_PARAMS, text);
        match self {
            Self::UnknownPrompt(name) => params(format!("unknown prompt \"{name}\"")),
            Self::UnknownResource(uri, era) => {
                let code = match era {
                    Era::Legacy => Code::RESOURCE_NOT_FOUND,
                    Era::Modern => Code::INVALID_PARAMS,
                };
                Shape::Rpc(code, format!("resource not found: {uri}"))
            }
            Self::UnknownTask(id) => params(format!("unknown task \"{id}\"")),
            Self::MissingParameter(name) => params(format!("missing parameter: {name}")),
            Self::UnknownMethod(name) => {
                Shape::Rpc(Code::METHOD_NOT_FOUND, format!("method not found: {name}"))
            }
            _ => params("unknown cursor".to_owned()),
        }
    }
}

fn unknown_row(unknown: Unknown) -> (u16, Shape) {
    let unauthorized = |text: &str| (401, Shape::Plain("unauthorized", text.to_owned()));
    match unknown {
        Unknown::Missing => unauthorized("missing Authorization header"),
        Unknown::Invalid => unauthorized("invalid API key"),
        Unknown::Malformed => {
            (400, Shape::Plain("bad_request", "malformed Authorization header".to_owned()))
        }
    }
}

fn unsupported_revision() -> String {
    let dates: Vec<_> = revision::LEGACY.iter().rev().map(|revision| revision.date).collect();
    format!("Bad Request: Unsupported protocol version (supported versions: {})", dates.join(","))
}

impl BackendFault {
    fn row(&self) -> (u16, Shape) {
        let server = &self.server;
        let text = |what: &str| format!("server \"{server}\" {what}: {}", self.detail);
        match self.kind {
            BackendFaultKind::Down => (502, Shape::Rpc(Code::UNAVAILABLE, text("is unavailable"))),
            BackendFaultKind::TimedOut => (504, Shape::Rpc(Code::TIMEOUT, text("timed out"))),
            BackendFaultKind::Misbehaved => {
                (502, Shape::Rpc(Code::SERVER_ERROR, text("gave no valid answer")))
            }
            BackendFaultKind::Full => (503, Shape::Rpc(Code::SERVER_ERROR, text("is busy"))),
        }
    }
}

impl From<ClientFault> for Fault {
    fn from(fault: ClientFault) -> Self {
        Self::Client(fault)
    }
}

impl From<GatewayFault> for Fault {
    fn from(fault: GatewayFault) -> Self {
        Self::Gateway(fault)
    }
}

/// A backend fault of `server` in this snapshot.
#[must_use]
pub fn backend(
    snapshot: &Snapshot,
    server: crate::gateway::snapshot::ServerId,
    kind: BackendFaultKind,
    detail: &str,
) -> Fault {
    Fault::Backend(BackendFault {
        server: snapshot.server(server).name.as_ref().into(),
        kind,
        detail: detail.into(),
    })
}
