// SPDX-License-Identifier: MIT
//! `_meta`: what a modern request says of its client, and how it gets in and out of a message.
//!
//! A legacy client says these things once, in `initialize`; a modern one says them in each request.
//! So the members below are put into what goes from one era to the other, and taken out on the way
//! back. All other members of `_meta` are not ours: they pass.
//!
//! Spec: MCP 2026-07-28, basic, "_meta"; schema, `RequestMetaObject`, `ResultMetaObject`.

use std::fmt;

use crate::base::{Message, Span};
use crate::mcp::log_level::LogLevel;
use crate::mcp::revision;
use crate::wire::json::edit::{self, Edits};
use crate::wire::json::{scan, write};
use crate::wire::jsonrpc::Envelope;

/// What the names of all members begin with that the protocol itself has put into `_meta`.
pub const PREFIX: &str = "io.modelcontextprotocol/";
/// Of a request: the revision that it is made in.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// Of a request: which program makes it.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// Of a request: what its client can do.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Of a request: which log messages its client wants to see.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// Of a notification: the id of the request `subscriptions/listen` that asked for it.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// Of a result: which program gives it.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// The extension for tasks, a member of `extensions` in the capabilities.
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// What a modern request says of its client. Places in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestMeta {
    /// The revision, a string; whether we know it is for the caller to say.
    pub version: Span,
    /// What the client can do, an object.
    pub capabilities: Span,
    /// Which program it is, an object with `name` and `version`.
    pub client_info: Option<Span>,
    /// The least severe log messages that it wants; without it none may be sent.
    pub log_level: Option<LogLevel>,
}

/// Why the `_meta` of a modern request cannot be read. Its text is for the client, with -32602.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetaError {
    /// There is no such member.
    Missing(&'static str),
    /// The member stands in it twice.
    Twice(&'static str),
    /// The member has another type than this.
    WrongType(&'static str, &'static str),
    /// The log level is none of the eight.
    UnknownLogLevel,
}

impl fmt::Display for MetaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(key) => write!(f, "params._meta has no \"{key}\""),
            Self::Twice(key) => write!(f, "params._meta has \"{key}\" twice"),
            Self::WrongType(key, wanted) => write!(f, "params._meta: \"{key}\" is not {wanted}"),
            Self::UnknownLogLevel => {
                write!(f, "params._meta: \"{LOG_LEVEL}\" is not one of the eight log levels")
            }
        }
    }
}

impl std::error::Error for MetaError {}

/// Reads `meta`, the object `params._meta` of a modern request.
///
/// Errors: the first of version, capabilities, client and level that is not as it has to be.
pub fn read(text: &[u8], meta: Option<Span>) -> Result<RequestMeta, MetaError> {
    let version = required(text, meta, PROTOCOL_VERSION)?;
    let version = of_type(text, version, PROTOCOL_VERSION, b'"', "a string")?;
    let capabilities = required(text, meta, CLIENT_CAPABILITIES)?;
    let capabilities = of_type(text, capabilities, CLIENT_CAPABILITIES, b'{', "an object")?;
    let client_info = only(text, meta, CLIENT_INFO)?;
    if let Some(client) = client_info {
        check_client(text, client)?;
    }
    let log_level = match only(text, meta, LOG_LEVEL)? {
        None => None,
        Some(level) => {
            let name = scan::string(text, level).ok_or(MetaError::UnknownLogLevel)?;
            Some(LogLevel::of(&name).ok_or(MetaError::UnknownLogLevel)?)
        }
    };
    Ok(RequestMeta { version, capabilities, client_info, log_level })
}

fn required(text: &[u8], meta: Option<Span>, key: &'static str) -> Result<Span, MetaError> {
    only(text, meta, key)?.ok_or(MetaError::Missing(key))
}

/// The one member `key`. Two of them are refused: the server might believe the other one.
fn only(text: &[u8], meta: Option<Span>, key: &'static str) -> Result<Option<Span>, MetaError> {
    let Some(meta) = meta else { return Ok(None) };
    let mut found = scan::members(text, meta)
        .filter(|(name, _)| scan::string(text, *name).is_some_and(|name| name == key));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(MetaError::Twice(key)),
        (one, None) => Ok(one.map(|(_, value)| value)),
    }
}

fn of_type(
    text: &[u8],
    value: Span,
    key: &'static str,
    begins: u8,
    wanted: &'static str,
) -> Result<Span, MetaError> {
    match value.of(text).first() == Some(&begins) {
        true => Ok(value),
        false => Err(MetaError::WrongType(key, wanted)),
    }
}

fn check_client(text: &[u8], client: Span) -> Result<(), MetaError> {
    let is_string = |name| {
        let member = scan::member(text, client, name);
        member.is_some_and(|value| value.of(text).starts_with(b"\""))
    };
    match is_string("name") && is_string("version") {
        true => Ok(()),
        false => Err(MetaError::WrongType(CLIENT_INFO, "an object with a name and a version")),
    }
}

/// What a client can do for a server that asks it for something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClientCapabilities {
    /// `sampling/createMessage`
    pub sampling: bool,
    /// The same, with tools.
    pub sampling_tools: bool,
    /// `elicitation/create` with a form.
    pub elicitation_form: bool,
    /// `elicitation/create` with an address to open.
    pub elicitation_url: bool,
    /// `roots/list`
    pub roots: bool,
    /// The modern extension for tasks.
    pub tasks: bool,
}

impl ClientCapabilities {
    /// Reads the object `capabilities` of either era. What is not an object is not declared.
    ///
    /// Spec: MCP 2026-07-28, client/elicitation: an empty `elicitation` means forms alone.
    #[must_use]
    pub fn of(text: &[u8], capabilities: Span) -> Self {
        let object = |of: Option<Span>, name| {
            scan::member(text, of?, name).filter(|value| value.of(text).starts_with(b"{"))
        };
        let own = |name| object(Some(capabilities), name);
        let elicitation = own("elicitation");
        let elicitation_url = object(elicitation, "url").is_some();
        let has_form = object(elicitation, "form").is_some();
        Self {
            sampling: own("sampling").is_some(),
            sampling_tools: object(own("sampling"), "tools").is_some(),
            elicitation_form: elicitation.is_some() && (has_form || !elicitation_url),
            elicitation_url,
            roots: own("roots").is_some(),
            tasks: object(own("extensions"), TASKS_EXTENSION).is_some(),
        }
    }

    /// Whether a server may ask this client for anything.
    #[must_use]
    pub const fn any_input(&self) -> bool {
        self.sampling || self.elicitation_form || self.elicitation_url || self.roots
    }
}

/// What a legacy client has said of itself, for requests that are made modern.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Its `clientInfo`, an object in JSON.
    pub client_info: Option<&'a [u8]>,
    /// What [`capabilities_for_modern`] made of its capabilities.
    pub capabilities: &'a [u8],
    /// What it set with `logging/setLevel`.
    pub log_level: Option<LogLevel>,
}

/// The capabilities of a legacy client, a JSON object, as a modern request may declare them: a
/// modern client sends no notification about its roots and knows no tasks of the old kind, and a
/// legacy client could do nothing with tasks of the new kind.
#[must_use]
pub fn capabilities_for_modern(legacy: &[u8]) -> Vec<u8> {
    let object = edit::whole(legacy);
    if !object.of(legacy).starts_with(b"{") {
        return b"{}".to_vec();
    }
    let mut edits = Edits::of(legacy);
    edits.object(object, |name, _| name != "tasks", &[]);
    if let Some(roots) = scan::member(legacy, object, "roots") {
        edits.object(roots, |name, _| name != "listChanged", &[]);
    }
    if let Some(extensions) = scan::member(legacy, object, "extensions") {
        edits.object(extensions, |name, _| name != TASKS_EXTENSION, &[]);
    }
    edits.apply()
}

/// A modern request as a legacy one: without what [`PREFIX`] begins in `params._meta`, and without
/// `inputResponses` and `requestState` in `params`. An empty `_meta` goes as well.
#[must_use]
pub fn without_ours(message: &Message, envelope: &Envelope) -> Message {
    let Some(params) = envelope.params else { return message.clone() };
    let mut edits = Edits::of(message);
    let is_kept = |name: &str| name != "inputResponses" && name != "requestState";
    let meta = MetaEdit { is_kept: |name| !name.starts_with(PREFIX), added: &[] };
    edit_with_meta(&mut edits, params, &meta, is_kept, &[]);
    finished(message, edits)
}

/// A legacy request as a modern one: `params._meta` says the revision and `identity`, whatever it
/// said of them before. Other members of `_meta` stay; `params` are made if there are none.
///
/// Positional `params`, which MCP does not know, are left to the server to refuse.
#[must_use]
pub fn with_ours(message: &Message, envelope: &Envelope, identity: &Identity<'_>) -> Message {
    let version = format!("\"{}\"", revision::modern().date);
    let level = identity.log_level.map(|level| format!("\"{}\"", level.name()));
    let mut added =
        vec![(PROTOCOL_VERSION, version.as_bytes()), (CLIENT_CAPABILITIES, identity.capabilities)];
    added.extend(identity.client_info.map(|client| (CLIENT_INFO, client)));
    added.extend(level.as_ref().map(|level| (LOG_LEVEL, level.as_bytes())));
    let mut edits = Edits::of(message);
    match envelope.params {
        Some(params) => {
            let meta = MetaEdit { is_kept: is_no_request_member, added: &added };
            edit_with_meta(&mut edits, params, &meta, |_| true, &[]);
        }
        None => {
            let params = object_of(&[("_meta", &object_of(&added))]);
            edits.object(edit::whole(message), |_, _| true, &[("params", &params)]);
        }
    }
    finished(message, edits)
}

fn is_no_request_member(name: &str) -> bool {
    ![PROTOCOL_VERSION, CLIENT_CAPABILITIES, CLIENT_INFO, LOG_LEVEL].contains(&name)
}

/// What happens to a `_meta`.
pub(super) struct MetaEdit<'a> {
    /// Which of its members stay.
    pub is_kept: fn(&str) -> bool,
    /// What comes, in JSON.
    pub added: &'a [(&'a str, &'a [u8])],
}

/// Edits `object` and the `_meta` in it at once, which is made if something comes into it, and goes
/// if nothing is left in it. A `_meta` that is no object is replaced or left as it is.
pub(super) fn edit_with_meta(
    edits: &mut Edits<'_>,
    object: Span,
    meta: &MetaEdit<'_>,
    is_kept: impl Fn(&str) -> bool,
    added: &[(&str, &[u8])],
) {
    let text = edits.text();
    let old = scan::member(text, object, "_meta");
    let is_object = old.is_some_and(|old| old.of(text).starts_with(b"{"));
    let stays = |name: Span| scan::string(text, name).is_some_and(|name| (meta.is_kept)(&name));
    let has_others = old.is_some_and(|old| scan::members(text, old).any(|(name, _)| stays(name)));
    match old {
        Some(old) if has_others => {
            edits.object(old, |name, _| (meta.is_kept)(name), meta.added);
            edits.object(object, |name, _| is_kept(name), added);
        }
        _ if meta.added.is_empty() => {
            edits.object(object, |name, _| is_kept(name) && !(name == "_meta" && is_object), added);
        }
        _ => {
            let new = object_of(meta.added);
            let added: Vec<_> = added.iter().copied().chain([("_meta", &*new)]).collect();
            edits.object(object, |name, _| is_kept(name) && name != "_meta", &added);
        }
    }
}

/// The edited message; without edits nothing is copied.
pub(super) fn finished(message: &Message, edits: Edits<'_>) -> Message {
    if edits.is_empty() { message.clone() } else { Message::new(edits.apply()) }
}

/// An object of members whose values are in JSON.
pub(super) fn object_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    write::object(&mut out, |object| {
        for (name, value) in members {
            object.raw(name, value);
        }
    });
    out
}

/// Fuzz body: a request that is made modern and legacy again says of its client what was put in,
/// and then nothing.
pub fn fuzz(input: &[u8]) {
    use crate::base::Limits;
    use crate::wire::jsonrpc::{self, Kind, Parsed};

    let parse = |message: &Message| match jsonrpc::parse(message, &Limits::DEFAULT) {
        Ok(Parsed::Single(envelope)) if envelope.kind == Kind::Request => Some(envelope),
        _ => None,
    };
    let message = Message::copy_of(input);
    let Some(envelope) = parse(&message) else { return };
    let _ = read(&message, envelope.meta);
    if envelope.params.is_some_and(|params| params.of(&message).starts_with(b"[")) {
        return;
    }
    let client: &[u8] = br#"{"name":"n","version":"1"}"#;
    let identity = Identity { client_info: Some(client), capabilities: b"{}", log_level: None };
    let modern = with_ours(&message, &envelope, &identity);
    let Some(envelope) = parse(&modern) else {
        // Names that only other readers take for ours are kept, and refused behind us.
        return;
    };
    let meta = read(&modern, envelope.meta).expect("what we declare is complete");
    assert_eq!(meta.client_info.map(|client| client.of(&modern)), Some(client));
    let legacy = without_ours(&modern, &envelope);
    let envelope = parse(&legacy).expect("a request stays one");
    assert_eq!((envelope.meta_version, envelope.subscription_id), (None, None));
    assert_eq!(without_ours(&legacy, &envelope), legacy);
}

#[cfg(test)]
mod tests;
