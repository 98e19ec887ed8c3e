// SPDX-License-Identifier: MIT
//! Rounds of a call that needs input: the result that asks, and the retry that brings the answers.
//!
//! Both may come from anybody, so what has two readings is refused. A retry is the same request
//! with the answers of one round alone, and with the exact state if and only if there was one.
//!
//! Spec: MCP 2026-07-28, basic/patterns/mrtr.

use std::collections::BTreeSet;
use std::fmt;

use crate::base::{Limits, Message, Span};
use crate::mcp::input_request::{InputRequest, Kind, copy_members, is_object, on_one_line};
use crate::mcp::{Code, legacy};
use crate::wire::json::{scan, write};
use crate::wire::jsonrpc::{self, Envelope, Parsed};

/// What a client brings back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// The answers by key: objects.
    pub responses: Vec<(Box<str>, Span)>,
    /// The state, a string with its quotes.
    pub state: Option<Span>,
}

/// Why input cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputError {
    /// A member that decides stands twice.
    Twice(Box<str>),
    /// A member is not of its type.
    Type(Box<str>, &'static str),
    /// A server asks for something that no client knows.
    Unknown(Box<str>),
    /// A server neither asks for anything nor gives a state.
    Nothing,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice(name) => write!(f, "\"{name}\" stands twice"),
            Self::Type(name, want) => write!(f, "\"{name}\" is not {want}"),
            Self::Unknown(key) => write!(f, "the input request \"{key}\" is of no known kind"),
            Self::Nothing => f.write_str("neither inputRequests nor requestState is there"),
        }
    }
}

impl std::error::Error for InputError {}

/// What `params` of a request, a place in `text`, bring back; `None` if it is no retry.
///
/// Spec: MCP 2026-07-28, basic/patterns/mrtr, "Retrying".
pub fn retry_of(text: &[u8], params: Option<Span>) -> Result<Option<Retry>, InputError> {
    let Some(params) = params else { return Ok(None) };
    let responses = only(text, params, "inputResponses")?;
    let state = state_of(text, params)?;
    if responses.is_none() && state.is_none() {
        return Ok(None);
    }
    let responses = match responses {
        Some(at) => entries(text, at, "inputResponses")?,
        None => Vec::new(),
    };
    Ok(Some(Retry { responses, state }))
}

/// What a modern server wants before it goes on with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// What it asks for; empty if it only wants the state back.
    pub requests: Vec<InputRequest>,
    /// The state for the retry, a string with its quotes.
    pub state: Option<Message>,
}

/// Reads a result that says `input_required`, a place in `text`.
pub fn round(text: &[u8], result: Span) -> Result<Round, InputError> {
    let state = state_of(text, result)?.map(|span| Message::copy_of(span.of(text)));
    let asked = only(text, result, "inputRequests")?;
    if asked.is_none() && state.is_none() {
        return Err(InputError::Nothing);
    }
    let mut requests = Vec::new();
    if let Some(asked) = asked {
        for (key, at) in entries(text, asked, "inputRequests")? {
            let params = scan::member(text, at, "params");
            if params.is_some_and(|params| !is_object(text, params)) {
                return Err(InputError::Type(key, "a request with an object as params"));
            }
            let method = scan::member(text, at, "method").and_then(|at| scan::string(text, at));
            let kind = method.and_then(|method| Kind::of(&method, text, params));
            let Some(kind) = kind else { return Err(InputError::Unknown(key)) };
            let params = params.map(|at| Message::new(on_one_line(at.of(text))));
            requests.push(InputRequest { key, kind, params });
        }
    }
    if requests.is_empty() && state.is_none() {
        return Err(InputError::Nothing);
    }
    Ok(Round { requests, state })
}

/// The same request once more, with the answers of one round and the state that it came with.
///
/// Its id is the old one; whoever sends it gives it a new one. Everything else stays. It is no
/// message if the request has no `params`, but a member that only differs from that by its case.
#[must_use]
pub fn retry(
    request: &Message,
    envelope: &Envelope,
    responses: &[(&str, &[u8])],
    state: Option<&[u8]>,
) -> Message {
    let mut params = Vec::new();
    write::object(&mut params, |out| {
        if let Some(at) = envelope.params {
            copy_members(out, request, at, &["inputResponses", "requestState"]);
        }
        if !responses.is_empty() {
            out.object("inputResponses", |out| {
                for (key, result) in responses {
                    out.raw(key, &on_one_line(result));
                }
            });
        }
        if let Some(state) = state {
            out.raw("requestState", state);
        }
    });
    let text = request.as_bytes();
    match envelope.params {
        Some(Span { start, end }) => {
            let (before, after) = (&text[..start as usize], &text[end as usize..]);
            Message::new([before, &params, after].concat())
        }
        None => {
            let rest =
                text.iter().position(|&byte| byte == b'{').map_or(text, |at| &text[at + 1..]);
            Message::new([b"{\"params\":", params.as_slice(), b",", rest].concat())
        }
    }
}

/// The answer to the legacy or modern `tools/call` with this id: it failed, as the tool's words.
fn failed_call(id: &[u8], text: &str, is_modern: bool) -> Message {
    let mut result = Vec::new();
    write::object(&mut result, |result| {
        if is_modern {
            result.str("resultType", "complete");
        }
        result.array("content", |content| {
            content.object(|part| _ = part.str("type", "text").str("text", text));
        });
        result.bool("isError", true);
    });
    legacy::response(id, &result)
}

/// The answer to the request with this id that failed for lack of input: a result if it is a call
/// of a tool, so that the model reads why, and an error if not.
#[must_use]
pub fn failed(is_tool: bool, id: &[u8], text: &str, is_modern: bool) -> Message {
    if is_tool {
        return failed_call(id, text, is_modern);
    }
    let mut out = Vec::new();
    write::object(&mut out, |response| {
        response.str("jsonrpc", "2.0").raw("id", id).object("error", |error| {
            error.i64("code", i64::from(Code::INTERNAL_ERROR.0)).str("message", text);
        });
    });
    Message::new(out)
}

/// The member `name` of `object`, which may stand in it only once.
fn only(text: &[u8], object: Span, name: &str) -> Result<Option<Span>, InputError> {
    let mut found = None;
    for (key, value) in scan::members(text, object) {
        if scan::string(text, key).is_some_and(|key| key == name) && found.replace(value).is_some()
        {
            return Err(InputError::Twice(name.into()));
        }
    }
    Ok(found)
}

fn state_of(text: &[u8], object: Span) -> Result<Option<Span>, InputError> {
    let state = only(text, object, "requestState")?;
    match state {
        Some(at) if !at.of(text).starts_with(b"\"") => {
            Err(InputError::Type("requestState".into(), "a string"))
        }
        state => Ok(state),
    }
}

/// The members of `object`, all of them objects with names of their own.
fn entries(text: &[u8], object: Span, name: &str) -> Result<Vec<(Box<str>, Span)>, InputError> {
    if !is_object(text, object) {
        return Err(InputError::Type(name.into(), "an object"));
    }
    let mut entries: Vec<(Box<str>, Span)> = Vec::new();
    // There may be as many as a message has room for.
    let mut seen: BTreeSet<Box<str>> = BTreeSet::new();
    for (key, value) in scan::members(text, object) {
        let key: Box<str> = scan::string(text, key).unwrap_or_default().into();
        if !is_object(text, value) {
            return Err(InputError::Type(key, "an object"));
        }
        if !seen.insert(key.clone()) {
            return Err(InputError::Twice(key));
        }
        entries.push((key, value));
    }
    Ok(entries)
}

/// Whatever peers say, a retry is one message that brings back what was given.
pub fn fuzz(input: &[u8]) {
    let limits = Limits::DEFAULT;
    let Ok(Parsed::Single(envelope)) = jsonrpc::parse(input, &limits) else { return };
    let _ = retry_of(input, envelope.params);
    let round = envelope.result.and_then(|result| round(input, result).ok());
    let state = round.as_ref().and_then(|round| round.state.clone());
    let is_object = envelope.params.is_none_or(|at| at.of(input).starts_with(b"{"));
    if envelope.kind != jsonrpc::Kind::Request || !is_object {
        return;
    }
    let request = Message::copy_of(input);
    let state = state.as_deref().unwrap_or(b"\"s\"");
    let again = retry(&request, &envelope, &[("k", b"{}")], Some(state));
    let had_params = envelope.params.is_some();
    let Ok(Parsed::Single(envelope)) = jsonrpc::parse(&again, &limits) else {
        // Beside a member like `Params`, which meant nothing, ours would have two readings.
        assert!(!had_params, "a retry is no message: {again:?}");
        return;
    };
    let Ok(Some(found)) = retry_of(&again, envelope.params) else {
        panic!("a retry is none: {again:?}");
    };
    assert_eq!(found.state.map(|at| at.of(&again)), Some(state));
    assert_eq!(found.responses.len(), 1);
}

#[cfg(test)]
mod tests;
