// SPDX-License-Identifier: MIT
//! One answer of a server as the other era spells it.
//!
//! ```text
//!               result                                     error
//!  to_modern    resultType, ttlMs, cacheScope, serverInfo  codes that the new era knows
//!  to_legacy    without them; structured values wrapped    codes of the old era, none of our hop
//! ```
//!
//! What is a question (`input_required`) is no answer yet: the caller deals with it before.
//!
//! Spec: MCP 2026-07-28, schema, `Result`, `CacheableResult`; server/tools, "Structured Content".

mod failure;
mod notification;
mod schema;
mod tools;

use crate::base::{Message, Span};
use crate::mcp::error::Code;
use crate::mcp::meta::{self, MetaEdit};
use crate::mcp::method::Method;
use crate::mcp::revision::Revision;
use crate::wire::json::edit::Edits;
use crate::wire::json::scan;
use crate::wire::jsonrpc::Envelope;

pub use notification::{tag, to_legacy_notification, to_modern_notification, untag};

/// What a result says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultKind {
    /// It is what was asked for.
    Complete,
    /// The server needs something before it can answer.
    InputRequired,
    /// It is a task, whose result comes later.
    Task,
    /// It is something that we do not know, and so nobody may take it for complete.
    Unknown,
    /// It does not say: a legacy result, which is complete, or an error.
    Absent,
}

/// Reads `result.resultType`.
#[must_use]
pub fn result_kind(text: &[u8], envelope: &Envelope) -> ResultKind {
    let Some(span) = envelope.result_type else { return ResultKind::Absent };
    match scan::string(text, span).as_deref() {
        Some("complete") => ResultKind::Complete,
        Some("input_required") => ResultKind::InputRequired,
        Some("task") => ResultKind::Task,
        _ => ResultKind::Unknown,
    }
}

/// What was asked, as far as the answer depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The method of the request.
    pub method: Method,
    /// Its `params.uri`, a string in JSON, if the caller still knows it: for errors of servers that
    /// do not say which resource they have not found.
    pub uri: Option<&'a [u8]>,
}

impl From<Method> for Asked<'_> {
    fn from(method: Method) -> Self {
        Self { method, uri: None }
    }
}

/// The answer of a legacy server for a modern client. `server_info` is what the server said of
/// itself in `initialize`, an object in JSON.
///
/// A URL elicitation error (-32042) becomes an internal error, as nothing else can be done with it
/// here: whoever can ask the client asks before.
#[must_use]
pub fn to_modern<'a>(
    asked: impl Into<Asked<'a>>,
    message: &Message,
    envelope: &Envelope,
    server_info: Option<&[u8]>,
) -> Message {
    let asked = asked.into();
    if let Some(error) = envelope.error {
        return failure::to_modern(asked, message, error);
    }
    let Some(result) = envelope.result else { return message.clone() };
    let mut edits = Edits::of(message);
    if asked.method == Method::ToolsList {
        tools::without_tasks(&mut edits, result);
    }
    let mut added: Vec<(&str, &[u8])> = Vec::new();
    if envelope.result_type.is_none() {
        added.push(("resultType", b"\"complete\""));
    }
    if asked.method.is_cacheable() {
        // The server does not know how long it will mean this, nor who else may hear it.
        added.extend([("ttlMs", &b"0"[..]), ("cacheScope", b"\"private\"")]);
    }
    let is_kept = |name: &str| !(asked.method.is_cacheable() && is_caching(name));
    let server = server_info.map(|server| (meta::SERVER_INFO, server));
    let of_result = match &server {
        Some(server) => {
            MetaEdit { is_kept: is_no_server_info, added: std::slice::from_ref(server) }
        }
        None => MetaEdit { is_kept: |_| true, added: &[] },
    };
    meta::edit_with_meta(&mut edits, result, &of_result, is_kept, &added);
    meta::finished(message, edits)
}

/// The answer of a modern server for a legacy client with which `agreed` was agreed on.
///
/// What is neither complete nor an error becomes an internal error: it may not be taken for the
/// result. What the server complains about that is our own doing does not reach the client as such.
#[must_use]
pub fn to_legacy<'a>(
    asked: impl Into<Asked<'a>>,
    message: &Message,
    envelope: &Envelope,
    agreed: &Revision,
) -> Message {
    let asked = asked.into();
    if let Some(error) = envelope.error {
        return failure::to_legacy(asked, message, envelope, error);
    }
    let Some(result) = envelope.result else { return message.clone() };
    let refusal = match result_kind(message, envelope) {
        ResultKind::Complete | ResultKind::Absent => None,
        ResultKind::InputRequired => Some("the server asks for input that nobody has given"),
        ResultKind::Task => Some("the server answers with a task, which nobody has asked for"),
        ResultKind::Unknown => Some("the server answers with a result of an unknown type"),
    };
    if let Some(reason) = refusal {
        return failure::error_response(id_of(message, envelope), Code::INTERNAL_ERROR, reason);
    }
    let mut edits = Edits::of(message);
    let mut added = Vec::new();
    match asked.method {
        Method::ToolsList if !agreed.structured_values => tools::wrap_schemas(&mut edits, result),
        Method::ToolsCall if !agreed.structured_values => {
            added.extend(tools::wrap_structured(&mut edits, result, agreed));
        }
        _ => {}
    }
    let added: Vec<_> = added.iter().map(|(name, value)| (*name, &**value)).collect();
    let of_result = MetaEdit { is_kept: is_no_server_info, added: &[] };
    let is_kept = |name: &str| name != "resultType" && !is_caching(name);
    meta::edit_with_meta(&mut edits, result, &of_result, is_kept, &added);
    meta::finished(message, edits)
}

fn is_caching(name: &str) -> bool {
    name == "ttlMs" || name == "cacheScope"
}

fn is_no_server_info(name: &str) -> bool {
    name != meta::SERVER_INFO
}

fn id_of<'t>(text: &'t [u8], envelope: &Envelope) -> &'t [u8] {
    envelope.id.map_or(b"null", |id: Span| id.of(text))
}

/// Fuzz body: an answer stays an answer to the same request, whichever way it goes, and says only
/// what its era can say.
pub fn fuzz(input: &[u8]) {
    use crate::base::Limits;
    use crate::mcp::revision;
    use crate::wire::jsonrpc::{self, Kind, Parsed};

    const METHODS: [Method; 4] =
        [Method::ToolsList, Method::ToolsCall, Method::ResourcesRead, Method::Other];
    let parse = |message: &Message| match jsonrpc::parse(message, &Limits::DEFAULT) {
        Ok(Parsed::Single(envelope)) => Some(envelope),
        _ => None,
    };
    let message = Message::copy_of(input);
    let Some(envelope) = parse(&message) else { return };
    if envelope.kind == Kind::Notification {
        return notification::fuzz(&message, &envelope);
    }
    let id = envelope.id.map(|id| id.of(&message));
    for method in METHODS {
        let modern = to_modern(method, &message, &envelope, Some(b"{}"));
        // Names that only other readers take for ours are kept, and refused behind us.
        if let Some(envelope) = parse(&modern) {
            assert_eq!(envelope.id.map(|id| id.of(&modern)), id);
            let is_object = envelope.result.is_some_and(|span| span.of(&modern).starts_with(b"{"));
            assert_eq!(is_object, envelope.result_type.is_some());
        }
        let legacy = to_legacy(method, &message, &envelope, revision::newest());
        let envelope = parse(&legacy).expect("an answer without members stays one");
        assert_eq!(envelope.id.map(|id| id.of(&legacy)), id);
        assert_eq!(envelope.result_type, None);
        if method != Method::ToolsList && envelope.result.is_some() {
            assert_eq!(to_legacy(method, &legacy, &envelope, revision::newest()), legacy);
        }
    }
}

#[cfg(test)]
mod tests;
