// SPDX-License-Identifier: MIT
//! Errors between the eras: the codes, and what goes with them.
//!
//! Spec: MCP 2026-07-28, basic, "Error Codes"; server/resources, "Error Handling".

use super::{Asked, id_of};
use crate::base::{Message, Span};
use crate::mcp::error::{self, Code};
use crate::mcp::legacy;
use crate::mcp::meta::object_of;
use crate::mcp::method::Method;
use crate::wire::json::edit::Edits;
use crate::wire::json::{scan, write};
use crate::wire::jsonrpc::Envelope;

pub(super) fn to_modern(asked: Asked<'_>, message: &Message, error: Span) -> Message {
    let Some((code, place)) = code_at(message, error) else { return message.clone() };
    let mut edits = Edits::of(message);
    if is(code, Code::RESOURCE_NOT_FOUND) && asked.method == Method::ResourcesRead {
        set_code(&mut edits, place, Code::INVALID_PARAMS);
        if let Some(uri) = asked.uri {
            add_uri(&mut edits, error, uri);
        }
    } else if error::is_reserved(code) {
        set_code(&mut edits, place, Code::INTERNAL_ERROR);
    } else {
        return message.clone();
    }
    Message::new(edits.apply())
}

/// Makes sure that `data.uri` says which resource was not found.
fn add_uri(edits: &mut Edits<'_>, error: Span, uri: &[u8]) {
    let text = edits.text();
    if error::data_member(text, error, "uri").is_some() {
        return;
    }
    match scan::member(text, error, "data") {
        Some(data) if data.of(text).starts_with(b"{") => {
            edits.object(data, |_, _| true, &[("uri", uri)]);
        }
        Some(data) => {
            edits.replace(data, object_of(&[("uri", uri), ("cause", data.of(text))]));
        }
        None => edits.object(error, |_, _| true, &[("data", &object_of(&[("uri", uri)]))]),
    }
}

pub(super) fn to_legacy(
    asked: Asked<'_>,
    message: &Message,
    envelope: &Envelope,
    error: Span,
) -> Message {
    let Some((code, place)) = code_at(message, error) else { return message.clone() };
    let mut edits = Edits::of(message);
    if is(code, Code::MISSING_CAPABILITY) {
        return missing_capability(asked, message, envelope, error);
    } else if is(code, Code::HEADER_MISMATCH) || is(code, Code::UNSUPPORTED_VERSION) {
        // This is between the server and us; the client can do nothing about it.
        set_code(&mut edits, place, Code::INTERNAL_ERROR);
    } else if is(code, Code::INVALID_PARAMS)
        && asked.method == Method::ResourcesRead
        && error::data_member(message, error, "uri").is_some()
    {
        set_code(&mut edits, place, Code::RESOURCE_NOT_FOUND);
    } else {
        return message.clone();
    }
    Message::new(edits.apply())
}

/// The client cannot declare more than it did in its handshake, so the call has failed. A model
/// gets to see why.
fn missing_capability(
    asked: Asked<'_>,
    message: &Message,
    envelope: &Envelope,
    error: Span,
) -> Message {
    let required = error::data_member(message, error, "requiredCapabilities")
        .map_or("unknown ones".into(), |span| String::from_utf8_lossy(span.of(message)));
    let reason =
        format!("the server needs capabilities that this client does not have: {required}");
    let id = id_of(message, envelope);
    if asked.method != Method::ToolsCall {
        return error_response(id, Code::INTERNAL_ERROR, &reason);
    }
    let mut result = Vec::new();
    write::object(&mut result, |result| {
        result.array("content", |content| {
            content.object(|text| {
                text.str("type", "text").str("text", &reason);
            });
        });
        result.bool("isError", true);
    });
    legacy::response(id, &result)
}

/// The answer with an error of our own to the request whose id is spelled `id`.
pub(super) fn error_response(id: &[u8], code: Code, reason: &str) -> Message {
    let mut out = Vec::new();
    write::object(&mut out, |response| {
        response.str("jsonrpc", "2.0").raw("id", id);
        response.object("error", |error| {
            error.i64("code", code.0.into()).str("message", reason);
        });
    });
    Message::new(out)
}

fn code_at(text: &[u8], error: Span) -> Option<(i64, Span)> {
    Some((error::code_of(text, error)?, scan::member(text, error, "code")?))
}

fn is(code: i64, known: Code) -> bool {
    code == i64::from(known.0)
}

fn set_code(edits: &mut Edits<'_>, place: Span, code: Code) {
    edits.replace(place, code.0.to_string().into_bytes());
}
