// SPDX-License-Identifier: MIT
//! How clients break HTTP, and what they are told: one table.

use std::borrow::Cow;
use std::fmt;

use crate::wire::http1::chunked::ChunkError;
use crate::wire::http1::framing::FramingError;
use crate::wire::http1::head::HeadError;
use crate::wire::http1::{Content, Field, ResponseHead};
use crate::wire::websocket::FrameError;

/// What a client has done to its connection; it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A request head that is refused.
    Head(HeadError),
    /// A head that did not end in time.
    HeadTimedOut,
    /// A chunked body whose end cannot be found.
    Chunk(ChunkError),
    /// A body that is longer than the gateway wants it.
    BodyTooLong {
        /// What it wanted, in bytes.
        bytes_max: usize,
    },
    /// A body of which nothing more came in time.
    BodyTimedOut,
    /// The connection ended inside a body.
    BodyCut,
    /// More is owed to the client than may be.
    TooSlow,
    /// The client has not taken a byte for too long.
    WriteStalled,
    /// A WebSocket was asked for in HTTP/1.0, or with a body.
    Upgrade,
    /// A WebSocket that breaks its protocol.
    Frame(FrameError),
    /// A WebSocket whose client answers no ping.
    Silent,
}

/// What a client is told before its connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The same, for programs.
    pub code: &'static str,
    /// The same, for people; without quotes and backslashes.
    pub message: Cow<'static, str>,
}

impl Violation {
    /// What the client is told; `None` if it would not read it any more.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        let (status, code, message) = match *self {
            Self::Head(error) => {
                let (status, code, message) = head_refusal(error);
                (status, code, message.into())
            }
            Self::HeadTimedOut => timed_out("the request head did not come in time"),
            Self::Chunk(error) => (400, BAD_REQUEST, error.to_string().into()),
            Self::BodyTooLong { bytes_max } => {
                let message = format!("request body exceeds {bytes_max} bytes");
                (413, "payload_too_large", message.into())
            }
            Self::BodyTimedOut => timed_out("the request body did not come in time"),
            Self::Upgrade => (400, BAD_REQUEST, "an upgrade takes HTTP/1.1 and no body".into()),
            Self::BodyCut | Self::TooSlow | Self::WriteStalled | Self::Frame(_) | Self::Silent => {
                return None;
            }
        };
        Some(Refusal { status, code, message })
    }
}

impl Refusal {
    /// The head of the answer; its body is [`Refusal::body`].
    #[must_use]
    pub const fn head(&self) -> ResponseHead {
        ResponseHead::new(self.status, Content::Json)
    }

    /// The body of the answer, in JSON.
    #[must_use]
    pub fn body(&self) -> String {
        format!(r#"{{"error":"{}","message":"{}"}}"#, self.code, self.message)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.refusal()) {
            (_, Some(refusal)) => f.write_str(&refusal.message),
            (Self::BodyCut, None) => f.write_str("the connection ended inside a request body"),
            (Self::Frame(error), None) => error.fmt(f),
            (Self::Silent, None) => f.write_str("the client answers no ping"),
            (Self::TooSlow, None) => f.write_str("the client reads too slowly"),
            (_, None) => f.write_str("the client has stopped reading"),
        }
    }
}

const BAD_REQUEST: &str = "bad_request";

fn timed_out(message: &'static str) -> (u16, &'static str, Cow<'static, str>) {
    (408, "request_timeout", message.into())
}

const fn head_refusal(error: HeadError) -> (u16, &'static str, &'static str) {
    match error {
        HeadError::LineEnd => (400, BAD_REQUEST, "a line does not end in CRLF"),
        HeadError::RequestLine => (400, BAD_REQUEST, "malformed request line"),
        HeadError::Target => (400, BAD_REQUEST, "unsupported request target"),
        HeadError::FieldName => (400, BAD_REQUEST, "malformed header name"),
        HeadError::FieldValue => (400, BAD_REQUEST, "malformed header value"),
        HeadError::Repeated(field) => (400, BAD_REQUEST, repeated(field)),
        HeadError::RepeatedParam => (400, BAD_REQUEST, "repeated Mcp-Param header"),
        HeadError::HostMissing => (400, BAD_REQUEST, "missing Host header"),
        HeadError::Host => (400, BAD_REQUEST, "malformed Host header"),
        HeadError::Framing(error) => framing_refusal(error),
        HeadError::TargetTooLong => (414, "uri_too_long", "request target too long"),
        HeadError::Expectation => (417, "expectation_failed", "unsupported expectation"),
        HeadError::HeadTooLong => (431, TOO_LARGE, "request head too large"),
        HeadError::TooManyFields => (431, TOO_LARGE, "too many headers"),
        HeadError::Version => {
            (505, "http_version_not_supported", "only HTTP/1.0 and HTTP/1.1 are supported")
        }
    }
}

const TOO_LARGE: &str = "request_header_fields_too_large";

const fn framing_refusal(error: FramingError) -> (u16, &'static str, &'static str) {
    let message = match error {
        FramingError::LengthAndCoding => "Content-Length and Transfer-Encoding together",
        FramingError::LengthRepeated => "repeated Content-Length header",
        FramingError::LengthNotDecimal => "malformed Content-Length header",
        FramingError::CodingRepeated => "repeated Transfer-Encoding header",
        FramingError::CodingInOldVersion => "Transfer-Encoding in HTTP/1.0",
        FramingError::CodingMalformed => "malformed Transfer-Encoding header",
        FramingError::CodingUnknown => {
            return (501, "not_implemented", "unsupported transfer coding");
        }
    };
    (400, BAD_REQUEST, message)
}

const fn repeated(field: Field) -> &'static str {
    match field {
        // It is a list, and joined; named here so that the table is complete.
        Field::Accept => "repeated Accept header",
        Field::AccessControlRequestHeaders => "repeated Access-Control-Request-Headers header",
        Field::AccessControlRequestMethod => "repeated Access-Control-Request-Method header",
        Field::Authorization => "repeated Authorization header",
        Field::ContentType => "repeated Content-Type header",
        Field::Host => "repeated Host header",
        Field::LastEventId => "repeated Last-Event-ID header",
        Field::McpMethod => "repeated Mcp-Method header",
        Field::McpName => "repeated Mcp-Name header",
        Field::McpProtocolVersion => "repeated MCP-Protocol-Version header",
        Field::McpSessionId => "repeated Mcp-Session-Id header",
        Field::Origin => "repeated Origin header",
        Field::XAgentId => "repeated X-Agent-ID header",
    }
}
