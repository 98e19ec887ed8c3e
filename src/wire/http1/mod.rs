// SPDX-License-Identifier: MIT
//! HTTP/1.1: heads, fields, framing. A head is kept as it came, with spans into it.
//!
//! Spec: RFC 9110 (semantics), RFC 9112 (messages).

pub mod chunked;
pub mod encode;
pub mod fields;
pub mod framing;
pub mod head;
pub mod response;
pub mod target;

use std::borrow::Cow;

use crate::base::bytes::trim_ows;
use crate::base::{Message, Span};

/// The methods we tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
    /// Any other token.
    Other,
}

/// The fields we understand in requests. A field of this list that may stand only once and stands
/// twice is refused; `Accept` is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `Accept`
    Accept,
    /// `Access-Control-Request-Headers`
    AccessControlRequestHeaders,
    /// `Access-Control-Request-Method`
    AccessControlRequestMethod,
    /// `Authorization`
    Authorization,
    /// `Content-Type`
    ContentType,
    /// `Host`
    Host,
    /// `Last-Event-ID`
    LastEventId,
    /// `Mcp-Method`
    McpMethod,
    /// `Mcp-Name`
    McpName,
    /// `MCP-Protocol-Version`
    McpProtocolVersion,
    /// `Mcp-Session-Id`
    McpSessionId,
    /// `Origin`
    Origin,
    /// `X-Agent-ID`
    XAgentId,
}

impl Field {
    /// How many there are.
    pub const COUNT: usize = 13;
}

/// A request line and its fields, checked, as spans into the bytes as they came.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The bytes of the head; joined values of a repeated `Accept` are appended.
    pub bytes: Message,
    /// The method.
    pub method: Method,
    /// The request target: origin form, or `*`; absolute form is reduced to origin form.
    pub target: Span,
    /// The values of the known fields without blanks around them, by [`Field`] as a number.
    pub known: [Option<Span>; Field::COUNT],
    /// The `Mcp-Param-*` fields in their order: what stands after that prefix in the name, and the
    /// value without blanks around it. No name is empty, and none stands twice, in whatever case.
    pub params: Vec<(Span, Span)>,
}

impl RequestHead {
    /// The value of `field`, if it stands in the head.
    #[must_use]
    pub fn field(&self, field: Field) -> Option<&[u8]> {
        self.known[field as usize].map(|span| span.of(&self.bytes))
    }

    /// The same as a message that shares the bytes of the head.
    #[must_use]
    pub fn field_message(&self, field: Field) -> Option<Message> {
        self.known[field as usize].map(|span| self.bytes.slice(span))
    }

    /// The values of every field called `name`, which is compared without case, in order.
    ///
    /// Looks through the whole head: for fields that almost no request has, and that need no place
    /// of their own.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let mut lines = self.bytes.split(|&byte| byte == b'\n').skip(1);
        std::iter::from_fn(move || lines.next().filter(|line| *line != b"\r"))
            .filter_map(|line| {
                let colon = line.iter().position(|&byte| byte == b':')?;
                Some((&line[..colon], line[colon + 1..].strip_suffix(b"\r")?))
            })
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| trim_ows(value))
    }

    /// The target behind the first `?`; empty without one.
    #[must_use]
    pub fn query(&self) -> &[u8] {
        let target = self.target.of(&self.bytes);
        target.iter().position(|&byte| byte == b'?').map_or(&[], |at| &target[at + 1..])
    }

    /// The `Mcp-Param-*` fields: what stands after the prefix in the name, and the value, as a
    /// message that shares the bytes of the head.
    pub fn param_messages(&self) -> impl Iterator<Item = (&str, Message)> {
        self.params.iter().filter_map(|(name, value)| {
            let name = std::str::from_utf8(name.of(&self.bytes)).ok()?;
            Some((name, self.bytes.slice(*value)))
        })
    }

    /// The target before the first `?`.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        let target = self.target.of(&self.bytes);
        target.split(|&byte| byte == b'?').next().unwrap_or_default()
    }
}

/// What the body of our answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// No `Content-Type`.
    None,
    /// `application/json`
    Json,
    /// `text/plain; charset=utf-8`
    Text,
    /// `text/plain; version=0.0.4; charset=utf-8`: the text format of Prometheus
    Metrics,
    /// `text/event-stream`, with `Cache-Control: no-cache, no-transform` and
    /// `X-Accel-Buffering: no`.
    Events,
}

/// The head of our answer. Framing, `Date` and `Connection` are added by the link.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// The HTTP status.
    pub status: u16,
    /// What the body is.
    pub content: Content,
    /// More fields; names as they are written, values without CR and LF.
    pub fields: Vec<(&'static str, Cow<'static, str>)>,
}

impl ResponseHead {
    /// A head without further fields.
    #[must_use]
    pub const fn new(status: u16, content: Content) -> Self {
        Self { status, content, fields: Vec::new() }
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.fields.push((name, value.into()));
        self
    }
}
