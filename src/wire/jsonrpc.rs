// SPDX-License-Identifier: MIT
//! JSON-RPC 2.0 messages as spans: what routes them, and nothing else.
//!
//! Spec: JSON-RPC 2.0 §4 (request), §5 (response), §6 (batch).
//!
//! Two readers of one message must never disagree about it, for one of them judges it and another
//! one acts on it. So the members that decide may stand only once in their object, also if they
//! are spelled with escapes, and also for readers that take `ID` for `id`. We take them in their
//! exact spelling alone, and no request in which one stands in another spelling only.

pub(in crate::wire) mod names;
mod twin;

use std::fmt;

use super::json::scan::{self, Cursor, Key};
use super::json::{self, JsonError, JsonReason};
use crate::base::{Limits, Span};
use names::{IN_MESSAGE, IN_META, IN_PARAMS, IN_RESULT, MEMBERS, Member, Names, ROUTING};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Has `method` and `id`.
    Request,
    /// Has `method` and no `id`.
    Notification,
    /// Has `result` or `error`, and no `method`.
    Response,
}

/// Where the members that route one message lie. Nothing is decoded, nothing is borrowed.
///
/// All spans are relative to the message. Spans of strings include their quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What the message is.
    pub kind: Kind,
    /// `id`: a number or a string, exactly as it is spelled. `null` in an error response is `None`.
    pub id: Option<Span>,
    /// `method`, a string.
    pub method: Option<Span>,
    /// `params`, an object or an array.
    pub params: Option<Span>,
    /// `params.name`, if it is a string.
    pub name: Option<Span>,
    /// `params.uri`, if it is a string.
    pub uri: Option<Span>,
    /// `params.progressToken`: of a progress notification. A number or a string.
    pub progress_token: Option<Span>,
    /// `params._meta.progressToken`: of a request. A number or a string.
    pub meta_progress_token: Option<Span>,
    /// `params.requestId`: of a cancellation. A number or a string.
    pub request_id: Option<Span>,
    /// `params._meta`, if it is an object.
    pub meta: Option<Span>,
    /// `params._meta["io.modelcontextprotocol/protocolVersion"]`: of a modern request. Any value.
    pub meta_version: Option<Span>,
    /// `params._meta["io.modelcontextprotocol/subscriptionId"]`: of a notification on a modern
    /// stream. A number or a string.
    pub subscription_id: Option<Span>,
    /// `result`, any value.
    pub result: Option<Span>,
    /// `result.resultType`, any value.
    pub result_type: Option<Span>,
    /// `error`, an object.
    pub error: Option<Span>,
    /// Whether raw CR or LF stand between tokens: harmless over HTTP, fatal on stdio.
    pub has_newlines: bool,
}

/// What one text holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// One message.
    Single(Envelope),
    /// The places of the members of a batch: at least one, at most `batch_messages_max`. They are
    /// JSON; whether they are messages is for [`parse`] to say of each.
    Batch(Vec<Span>),
}

/// Why a text is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpcError {
    /// It is not JSON.
    NotJson(JsonError),
    /// It is nested deeper than `json_depth_max`.
    TooDeep,
    /// It is JSON, but not a JSON-RPC message.
    NotRpc {
        /// Why, as a short phrase.
        reason: &'static str,
        /// `id`, if there is one that can be echoed.
        id: Option<Span>,
    },
}

impl From<JsonError> for RpcError {
    fn from(error: JsonError) -> Self {
        if error.reason == JsonReason::TooDeep { Self::TooDeep } else { Self::NotJson(error) }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(error) => write!(f, "not JSON: {error}"),
            Self::TooDeep => f.write_str("nested too deeply"),
            Self::NotRpc { reason, .. } => write!(f, "not a JSON-RPC message: {reason}"),
        }
    }
}

impl std::error::Error for RpcError {}

/// Finds the members that route `text`, in one pass that validates all of it.
pub fn parse(text: &[u8], limits: &Limits) -> Result<Parsed, RpcError> {
    let mut cursor = Cursor::new(text, limits.json_depth_max)?;
    if cursor.begins(b'[') {
        return batch(cursor, limits.batch_messages_max);
    }
    if !cursor.begins(b'{') {
        cursor.value()?;
        cursor.end()?;
        return Err(RpcError::NotRpc { reason: "not an object", id: None });
    }
    let mut draft = Draft { text, seen: 0, duplicated: 0, found: [None; MEMBERS] };
    cursor.object(|cursor, key| draft.member(cursor, key))?;
    let has_newlines = cursor.end()?;
    draft.envelope(limits.id_bytes_max, has_newlines).map(Parsed::Single)
}

fn batch(mut cursor: Cursor<'_>, messages_max: usize) -> Result<Parsed, RpcError> {
    let mut messages = Vec::new();
    let mut is_too_long = false;
    cursor.array(|cursor| {
        let message = cursor.value()?;
        is_too_long = messages.len() >= messages_max;
        if !is_too_long {
            messages.push(message);
        }
        Ok(())
    })?;
    cursor.end()?;
    let reason = match messages.is_empty() {
        true => "an empty batch",
        false if is_too_long => "too many messages in a batch",
        false => return Ok(Parsed::Batch(messages)),
    };
    Err(RpcError::NotRpc { reason, id: None })
}

/// What has been found while the text is scanned.
struct Draft<'t> {
    text: &'t [u8],
    /// Members that stand in the text, whatever their case; one bit each.
    seen: u16,
    /// Those that stand in it twice.
    duplicated: u16,
    found: [Option<Span>; MEMBERS],
}

/// What stands as `id`.
#[derive(Clone, Copy)]
enum Id {
    Absent,
    Null,
    Is(Span),
}

impl Draft<'_> {
    fn member(&mut self, cursor: &mut Cursor<'_>, key: Key) -> Result<(), JsonError> {
        let member = self.note(key, &IN_MESSAGE);
        let value = match member {
            Some(Member::Params) if cursor.begins(b'{') => {
                cursor.object(|cursor, key| self.param(cursor, key))?
            }
            Some(Member::Result) if cursor.begins(b'{') => self.leaves(cursor, &IN_RESULT)?,
            _ => cursor.value()?,
        };
        self.keep(member, value);
        Ok(())
    }

    fn param(&mut self, cursor: &mut Cursor<'_>, key: Key) -> Result<(), JsonError> {
        let member = self.note(key, &IN_PARAMS);
        let value = match member {
            Some(Member::Meta) if cursor.begins(b'{') => self.leaves(cursor, &IN_META)?,
            _ => cursor.value()?,
        };
        self.keep(member, value);
        Ok(())
    }

    /// The object that begins here, of whose members `names` route by their values alone.
    fn leaves(&mut self, cursor: &mut Cursor<'_>, names: &Names) -> Result<Span, JsonError> {
        cursor.object(|cursor, key| {
            let member = self.note(key, names);
            let value = cursor.value()?;
            self.keep(member, value);
            Ok(())
        })
    }

    /// The member that `key` names exactly; one that it names in other letters is only noted.
    #[inline(always)] // So that each caller compares with its own names, and calls nothing.
    fn note(&mut self, key: Key, names: &Names) -> Option<Member> {
        let spelled = key.span.of(self.text);
        let plain = spelled.get(1..spelled.len() - 1).unwrap_or_default();
        let (member, is_exact) = match (names.exact)(plain) {
            Some(member) => (member, true),
            None => self.note_other(key, plain, names)?,
        };
        let bit = 1 << member as u16;
        self.duplicated |= self.seen & bit;
        self.seen |= bit;
        is_exact.then_some(member)
    }

    /// [`Self::note`] for a key that is not spelled as one of `names`: what it means, and whether
    /// it is one of them in escapes.
    fn note_other(&self, key: Key, plain: &[u8], names: &Names) -> Option<(Member, bool)> {
        if !key.has_escapes && plain.is_ascii() {
            return names.lookup(plain).map(|member| (member, false));
        }
        names.lookup_folded(&scan::string(self.text, key.span)?)
    }

    fn keep(&mut self, member: Option<Member>, value: Span) {
        if let Some(member) = member {
            self.found[member as usize] = Some(value);
        }
    }

    fn envelope(&self, id_bytes_max: usize, has_newlines: bool) -> Result<Envelope, RpcError> {
        let id = self.id(id_bytes_max);
        let echo = if let Ok(Id::Is(span)) = id { Some(span) } else { None };
        let not_rpc = |reason| RpcError::NotRpc { reason, id: echo };
        let kind = self.kind(id).map_err(not_rpc)?;
        Ok(Envelope {
            kind,
            id: echo,
            method: self.get(Member::Method),
            params: self.get(Member::Params),
            name: self.get(Member::Name).filter(|span| self.is_string(*span)),
            uri: self.get(Member::Uri).filter(|span| self.is_string(*span)),
            progress_token: self.token(Member::ProgressToken),
            meta_progress_token: self.token(Member::MetaProgressToken),
            request_id: self.token(Member::RequestId),
            meta: self.get(Member::Meta).filter(|span| self.begins(*span, b"{")),
            meta_version: self.get(Member::MetaVersion),
            subscription_id: self.token(Member::SubscriptionId),
            result: self.get(Member::Result),
            result_type: self.get(Member::ResultType),
            error: self.get(Member::Error),
            has_newlines,
        })
    }

    fn kind(&self, id: Result<Id, &'static str>) -> Result<Kind, &'static str> {
        if self.duplicated != 0 {
            return Err("a member that routes stands twice");
        }
        if self.get(Member::Jsonrpc).is_none_or(|version| version.of(self.text) != b"\"2.0\"") {
            return Err("jsonrpc is not \"2.0\"");
        }
        let id = id?;
        if self.get(Member::Params).is_some_and(|span| !self.begins(span, b"{[")) {
            return Err("params is neither an object nor an array");
        }
        match (self.get(Member::Method), self.get(Member::Result), self.get(Member::Error)) {
            (Some(_), ..) if self.is_misspelt() => Err("a member that routes is misspelt"),
            (Some(method), None, None) if self.is_string(method) => match id {
                Id::Is(_) => Ok(Kind::Request),
                Id::Absent => Ok(Kind::Notification),
                Id::Null => Err("the id of a request is null"),
            },
            (Some(_), None, None) => Err("method is not a string"),
            (Some(_), ..) => Err("both a request and a response"),
            (None, Some(_), Some(_)) => Err("both result and error"),
            (None, None, None) => Err("neither method nor result nor error"),
            (None, None, Some(error)) if !self.begins(error, b"{") => Err("error is not an object"),
            (None, result, _) => match id {
                Id::Is(_) => Ok(Kind::Response),
                Id::Null if result.is_none() => Ok(Kind::Response),
                Id::Null => Err("a result for the id null"),
                Id::Absent => Err("a response without id"),
            },
        }
    }

    /// Spec: JSON-RPC 2.0 §4; MCP, basic, requests: a string or an integer.
    fn id(&self, bytes_max: usize) -> Result<Id, &'static str> {
        if self.duplicated & 1 << Member::Id as u16 != 0 {
            return Err("two ids");
        }
        let Some(span) = self.get(Member::Id) else { return Ok(Id::Absent) };
        let spelled = span.of(self.text);
        match spelled {
            b"null" => Ok(Id::Null),
            _ if spelled.len() > bytes_max => Err("the id is too long"),
            [b'"', ..] => Ok(Id::Is(span)),
            [b'-' | b'0'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
                Ok(Id::Is(span))
            }
            _ => Err("the id is neither a string nor an integer"),
        }
    }

    /// Whether a member stands here in other letters alone that makes a message what it is: for us
    /// there is none, and for other readers there is one. `params` has names that are not ours.
    fn is_misspelt(&self) -> bool {
        let is_found = |member: Member| self.get(member).is_some();
        let is_seen = |member: Member| self.seen & 1 << member as u16 != 0;
        ROUTING.into_iter().any(|member| is_seen(member) && !is_found(member))
    }

    fn get(&self, member: Member) -> Option<Span> {
        self.found[member as usize]
    }

    fn token(&self, member: Member) -> Option<Span> {
        self.get(member).filter(|span| self.begins(*span, b"\"-0123456789"))
    }

    fn is_string(&self, span: Span) -> bool {
        self.begins(span, b"\"")
    }

    fn begins(&self, span: Span, with_one_of: &[u8]) -> bool {
        span.of(self.text).first().is_some_and(|first| with_one_of.contains(first))
    }
}

/// Fuzz body: what [`parse`] finds is what a reader finds that keeps everything.
pub fn fuzz(input: &[u8]) {
    let limits = &Limits::TEST_MIN;
    let tree = json::tree::parse(input, limits.json_depth_max);
    match parse(input, limits) {
        Err(RpcError::NotJson(error)) => assert!(tree.is_err() && error.at <= input.len()),
        Err(RpcError::TooDeep) => assert!(tree.is_err()),
        Err(RpcError::NotRpc { id, .. }) => {
            let node = tree.expect("what is no message is still JSON");
            assert!(id.is_none() || id == node.get("id").map(|id| id.span));
        }
        Ok(Parsed::Batch(messages)) => {
            let node = tree.expect("a batch is JSON");
            let wanted = node.as_array().unwrap_or_default().iter().map(|message| message.span);
            assert!(wanted.eq(messages.iter().copied()) && !messages.is_empty());
            messages.iter().for_each(|span| fuzz(span.of(input)));
        }
        Ok(Parsed::Single(envelope)) => {
            twin::assert_same(&envelope, &tree.expect("a message is JSON"));
        }
    }
}

#[cfg(test)]
mod tests;
