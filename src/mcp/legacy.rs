// SPDX-License-Identifier: MIT
//! The handshake era: reading `initialize` from clients, its answer from backends, and the few
//! messages that the gateway sends in its own name.
//!
//! Spec: MCP 2025-11-25, basic/lifecycle.

use crate::base::{Message, Span};
use crate::mcp::revision::{self, Revision};
use crate::wire::json::scan;
use crate::wire::json::write::push_str;
use crate::wire::{Patch, Splice};

/// What a client said in `initialize`.
#[derive(Clone, Copy, Debug)]
pub struct Hello {
    /// Where the value of `protocolVersion` stands, if it is there.
    pub version: Option<Span>,
    /// The revision it names, or the newest one if we do not know it.
    pub revision: &'static Revision,
    /// Whether that is what the client asked for, to the letter.
    pub known: bool,
    /// Whether the client offers anything that a server may use.
    pub has_capabilities: bool,
}

/// Reads the `params` of an `initialize` request.
#[must_use]
pub fn hello(text: &[u8], params: Option<Span>) -> Hello {
    let member = |name| params.and_then(|params| scan::member(text, params, name));
    let version = member("protocolVersion");
    let asked = version.and_then(|span| scan::string(text, span));
    let found = asked.and_then(|date| revision::find(date.as_bytes()));
    let has_capabilities = member("capabilities")
        .is_some_and(|capabilities| scan::members(text, capabilities).next().is_some());
    Hello {
        version,
        revision: found.unwrap_or_else(revision::newest),
        known: found.is_some(),
        has_capabilities,
    }
}

/// The answer of a backend to `initialize`, kept to answer clients with it.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// The bytes of `result`, as they came.
    pub result: Message,
    /// What was agreed on.
    pub revision: &'static Revision,
    /// The `protocolVersion` of the result, if we know that revision or not.
    pub version: Box<str>,
    /// Whether the backend has tools.
    pub has_tools: bool,
}

/// Reads the `result` of an answer to `initialize`; `None` if it names no version.
#[must_use]
pub fn handshake(message: &Message, result: Span) -> Option<Handshake> {
    let version = scan::string(message, scan::member(message, result, "protocolVersion")?)?;
    let has_tools = scan::member(message, result, "capabilities")
        .is_some_and(|span| scan::member(message, span, "tools").is_some());
    Some(Handshake {
        result: message.slice(result),
        revision: revision::find(version.as_bytes()).unwrap_or_else(revision::newest),
        version: version.into(),
        has_tools,
    })
}

/// Our own `initialize`, without capabilities, asking for the newest legacy revision.
#[must_use]
pub fn initialize_request(id: u64, gateway_version: &str) -> Message {
    let mut out = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"initialize\",\"params\":{{\
         \"protocolVersion\":\"{}\",\"capabilities\":{{}},\
         \"clientInfo\":{{\"name\":\"penstock\",\"version\":",
        revision::newest().date
    )
    .into_bytes();
    push_str(&mut out, gateway_version);
    out.extend_from_slice(b"}}}");
    Message::new(out)
}

/// Who we are, as `clientInfo`.
#[must_use]
pub fn own_info(gateway_version: &str) -> Message {
    let mut out = b"{\"name\":\"penstock\",\"version\":".to_vec();
    push_str(&mut out, gateway_version);
    out.push(b'}');
    Message::new(out)
}

/// `logging/setLevel`.
#[must_use]
pub fn set_level_request(id: u64, level: &str) -> Message {
    let mut out = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"logging/setLevel\",\"params\":{{\"level\":"
    )
    .into_bytes();
    push_str(&mut out, level);
    out.extend_from_slice(b"}}");
    Message::new(out)
}

/// `notifications/initialized`.
#[must_use]
pub fn initialized_notification() -> Message {
    Message::from(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
}

/// `tools/list`, for the page behind `cursor` (as it is spelled, with quotes) or the first one.
#[must_use]
pub fn tools_list_request(id: u64, cursor: Option<&[u8]>) -> Message {
    let mut out =
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/list\",\"params\":{{")
            .into_bytes();
    if let Some(cursor) = cursor {
        out.extend_from_slice(b"\"cursor\":");
        out.extend_from_slice(cursor);
    }
    out.extend_from_slice(b"}}");
    Message::new(out)
}

/// `notifications/cancelled` for our request `id`.
#[must_use]
pub fn cancelled_notification(id: u64, reason: &str) -> Message {
    let mut out = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\
         \"params\":{{\"requestId\":{id},\"reason\":"
    )
    .into_bytes();
    push_str(&mut out, reason);
    out.extend_from_slice(b"}}");
    Message::new(out)
}

/// What a backend said to us, for a client that asked for `agreed` or a newer revision.
#[must_use]
pub fn greeting(id: &[u8], handshake: &Handshake, agreed: &'static Revision) -> Message {
    let whole = Span::new(0, handshake.result.len());
    let version = scan::member(&handshake.result, whole, "protocolVersion");
    match version {
        Some(span) if agreed != handshake.revision => {
            let date = Message::new(format!("\"{}\"", agreed.date).into_bytes());
            let result = Splice::whole(handshake.result.clone()).with(span, Patch::Bytes(date));
            response(id, &result.to_message())
        }
        _ => response(id, &handshake.result),
    }
}

/// `resources/subscribe` or `resources/unsubscribe`.
#[must_use]
pub fn resource_request(id: u64, method: &str, uri: &str) -> Message {
    let mut out = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":").into_bytes();
    push_str(&mut out, method);
    out.extend_from_slice(b",\"params\":{\"uri\":");
    push_str(&mut out, uri);
    out.extend_from_slice(b"}}");
    Message::new(out)
}

/// The answer with an empty result to the request `id` (as it is spelled).
#[must_use]
pub fn empty_response(id: &[u8]) -> Message {
    response(id, b"{}")
}

/// An answer with this result, both as they are spelled.
#[must_use]
pub fn response(id: &[u8], result: &[u8]) -> Message {
    Message::new([b"{\"jsonrpc\":\"2.0\",\"id\":", id, b",\"result\":", result, b"}"].concat())
}
