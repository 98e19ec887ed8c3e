// SPDX-License-Identifier: MIT
//! What a server wants from its client during a call: sampling, elicitation, roots.
//!
//! The legacy era asks with a request of the server's, the modern one with a result that says
//! `input_required` and a retry that brings the answers:
//!
//! ```text
//!  legacy  server ── request 7 ──> client       client ── response 7 ──> server
//!  modern  server ── result {inputRequests, requestState} ──> client
//!          client ── the same call, a new id, {inputResponses, requestState} ──> server
//! ```
//!
//! An [`InputRequest`] is what both have in common. Nothing here knows what waits for an answer;
//! [`input_round`](super::input_round) reads results and retries.
//!
//! Spec: MCP 2026-07-28, basic/patterns/mrtr; MCP 2025-11-25, client features.

use crate::base::{Limits, Message, Span};
use crate::mcp::error::{self, Code};
use crate::mcp::legacy;
use crate::mcp::meta::{self, ClientCapabilities};
use crate::wire::json::scan;
use crate::wire::json::write::{self, ObjectWriter};
use crate::wire::jsonrpc::{self, Envelope, Parsed};

/// What is asked for. Each kind is a capability of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `sampling/createMessage`
    Sampling,
    /// The same, with tools for the model.
    SamplingWithTools,
    /// `elicitation/create` with a form.
    Form,
    /// `elicitation/create` with an address to visit.
    Url,
    /// `roots/list`
    Roots,
}

impl Kind {
    /// What a request with this method and these `params`, a place in `text`, asks for; `None` if
    /// no client knows it.
    #[must_use]
    pub fn of(method: &str, text: &[u8], params: Option<Span>) -> Option<Self> {
        let member = |name| params.and_then(|params| scan::member(text, params, name));
        match method {
            "sampling/createMessage" => {
                let has_tools = member("tools").or_else(|| member("toolChoice")).is_some();
                Some(if has_tools { Self::SamplingWithTools } else { Self::Sampling })
            }
            "elicitation/create" => match member("mode").map(|mode| scan::string(text, mode)) {
                None => Some(Self::Form),
                Some(mode) if mode.as_deref() == Some("form") => Some(Self::Form),
                Some(mode) if mode.as_deref() == Some("url") => Some(Self::Url),
                Some(_) => None,
            },
            "roots/list" => Some(Self::Roots),
            _ => None,
        }
    }

    /// The method that asks for it.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Sampling | Self::SamplingWithTools => "sampling/createMessage",
            Self::Form | Self::Url => "elicitation/create",
            Self::Roots => "roots/list",
        }
    }

    /// Whether a client that has declared this may be asked for it.
    #[must_use]
    pub const fn is_offered(self, by: &ClientCapabilities) -> bool {
        match self {
            Self::Sampling => by.sampling,
            Self::SamplingWithTools => by.sampling_tools,
            Self::Form => by.elicitation_form,
            Self::Url => by.elicitation_url,
            Self::Roots => by.roots,
        }
    }

    /// A word for it: the beginning of the keys that we give out, and for sentences.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sampling | Self::SamplingWithTools => "sampling",
            Self::Form => "elicitation",
            Self::Url => "url",
            Self::Roots => "roots",
        }
    }
}

/// One thing that a server wants to have from its client, in no era.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRequest {
    /// Its name in the map `inputRequests`.
    pub key: Box<str>,
    /// What is asked for.
    pub kind: Kind,
    /// `params` on one line, as they came but for what belongs to one era.
    pub params: Option<Message>,
}

impl InputRequest {
    /// Reads a request of a legacy server; `None` if no modern client can be asked for that.
    #[must_use]
    pub fn from_legacy(message: &Message, envelope: &Envelope, key: Box<str>) -> Option<Self> {
        let method = scan::string(message, envelope.method?)?;
        let params = envelope.params.filter(|at| is_object(message, *at));
        let kind = Kind::of(&method, message, params)?;
        // Only the legacy era names an elicitation, to tell later that it has been completed.
        let dropped: &[&str] = if kind == Kind::Url { &["elicitationId"] } else { &[] };
        let params = params.map(|at| Message::new(without(message, at, dropped)));
        Some(Self { key, kind, params })
    }

    /// The request of a legacy server for it, under an id of ours. In url mode the legacy era wants
    /// a name for the elicitation, which is `elicitation_id` if there is none yet.
    ///
    /// Spec: MCP 2025-11-25, client/elicitation, "URL Mode".
    #[must_use]
    pub fn to_legacy(&self, id: u64, elicitation_id: &str) -> Message {
        let mut out = Vec::new();
        write::object(&mut out, |request| {
            request.str("jsonrpc", "2.0").u64("id", id).str("method", self.kind.method());
            let Some(params) = &self.params else { return };
            let whole = Span::new(0, params.len());
            let is_named = scan::member(params, whole, "elicitationId").is_some();
            if self.kind != Kind::Url || is_named {
                request.raw("params", params);
                return;
            }
            request.object("params", |out| {
                copy_members(out, params, whole, &[]);
                out.str("elicitationId", elicitation_id);
            });
        });
        Message::new(out)
    }

    fn write_to(&self, requests: &mut ObjectWriter<'_>) {
        requests.object(&self.key, |request| {
            request.str("method", self.kind.method());
            if let Some(params) = &self.params {
                request.raw("params", params);
            }
        });
    }
}

/// The answer to the request `id` that asks for input, and gives `state` along.
///
/// `server_info` is the identity of the server, an object.
#[must_use]
pub fn input_required(
    id: &[u8],
    asked: &[InputRequest],
    state: &str,
    server_info: Option<&[u8]>,
) -> Message {
    let mut out = Vec::new();
    write::object(&mut out, |response| {
        response.str("jsonrpc", "2.0").raw("id", id).object("result", |result| {
            result.str("resultType", "input_required");
            if !asked.is_empty() {
                result.object("inputRequests", |requests| {
                    asked.iter().for_each(|one| one.write_to(requests));
                });
            }
            result.str("requestState", state);
            if let Some(info) = server_info {
                let info = on_one_line(info);
                result.object("_meta", |out| {
                    out.raw(meta::SERVER_INFO, &info);
                });
            }
        });
    });
    Message::new(out)
}

/// A client's answer for a legacy server, as the response to its request `id`.
#[must_use]
pub fn as_response(id: &[u8], result: &[u8]) -> Message {
    legacy::response(id, &on_one_line(result))
}

/// The addresses that a legacy server wants visited before it serves a call: its error for that in
/// the words of the modern era. `None` for any other error.
///
/// Spec: MCP 2025-11-25, client/elicitation, "URL Elicitation Required Error".
#[must_use]
pub fn url_elicitations(text: &[u8], error: Span) -> Option<Vec<InputRequest>> {
    if error::code_of(text, error)? != i64::from(Code::URL_ELICITATION.0) {
        return None;
    }
    let list = error::data_member(text, error, "elicitations")?;
    let mut asked = Vec::new();
    for (at, n) in scan::elements(text, list).zip(1..) {
        let url = scan::member(text, at, "url")?;
        scan::string(text, url)?;
        let mut params = Vec::new();
        write::object(&mut params, |out| {
            out.str("mode", "url");
            copy_members(out, text, at, &["mode", "elicitationId"]);
        });
        let params = Some(Message::new(on_one_line(&params)));
        let one = InputRequest { key: format!("url-{n}").into(), kind: Kind::Url, params };
        // Members that decide nothing where they stand may decide something in a request, and stand
        // there twice: what has two readings is not asked.
        let request = one.to_legacy(1, "e");
        if !matches!(jsonrpc::parse(&request, &Limits::DEFAULT), Ok(Parsed::Single(_))) {
            return None;
        }
        asked.push(one);
    }
    (!asked.is_empty()).then_some(asked)
}

pub(super) fn is_object(text: &[u8], at: Span) -> bool {
    at.of(text).starts_with(b"{")
}

/// The members of `object` but those named, as they are spelled.
pub(super) fn copy_members(
    out: &mut ObjectWriter<'_>,
    text: &[u8],
    object: Span,
    dropped: &[&str],
) {
    for (key, value) in scan::members(text, object) {
        let name = scan::string(text, key).unwrap_or_default();
        if !dropped.contains(&&*name) {
            out.copied(key.of(text), value.of(text));
        }
    }
}

/// `object` on one line without the members named; byte for byte if there are none.
fn without(text: &[u8], object: Span, dropped: &[&str]) -> Vec<u8> {
    let is_there = |name: &&str| scan::member(text, object, name).is_some();
    if !dropped.iter().any(is_there) {
        return on_one_line(object.of(text));
    }
    let mut out = Vec::new();
    write::object(&mut out, |out| copy_members(out, text, object, dropped));
    on_one_line(&out)
}

/// JSON with spaces for the line ends between its tokens: inside strings there are none.
pub(super) fn on_one_line(json: &[u8]) -> Vec<u8> {
    let space = |&byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte };
    json.iter().map(space).collect()
}

/// Whatever peers say, what we write about it is JSON on one line, and one message.
pub fn fuzz(input: &[u8]) {
    let limits = Limits::DEFAULT;
    let Ok(Parsed::Single(envelope)) = jsonrpc::parse(input, &limits) else { return };
    let message = Message::copy_of(input);
    let mut asked: Vec<_> =
        InputRequest::from_legacy(&message, &envelope, "k".into()).into_iter().collect();
    asked.extend(envelope.error.and_then(|at| url_elicitations(input, at)).unwrap_or_default());
    asked.truncate(1);
    let mut written = vec![input_required(b"1", &asked, "state", None)];
    written.extend(asked.iter().map(|one| one.to_legacy(7, "e-1")));
    written.extend(envelope.result.map(|at| as_response(b"\"x\"", at.of(input))));
    for message in &written {
        assert!(matches!(jsonrpc::parse(message, &limits), Ok(Parsed::Single(_))), "{message:?}");
        assert!(!message.contains(&b'\n') && !message.contains(&b'\r'));
    }
    if let [_, request, ..] = written.as_slice()
        && let Ok(Parsed::Single(envelope)) = jsonrpc::parse(request, &limits)
        && let [one] = asked.as_slice()
    {
        let again = InputRequest::from_legacy(request, &envelope, one.key.clone());
        assert_eq!(again.map(|again| again.kind), Some(one.kind));
    }
}

#[cfg(test)]
mod tests;
