// SPDX-License-Identifier: MIT
//! The calculator as an MCP server: one message in, at most one out.
//!
//! Knows neither stdio nor HTTP, and no session: whoever owns the connection owns one `Server`.
//!
//! Spec: MCP 2025-11-25 and its three predecessors; lifecycle, tools, ping.

use super::arguments::Problem;
use super::schema;
use super::tool::Tool;
use crate::base::{Limits, Span};
use crate::wire::json::tree::{self, Node, Value};
use crate::wire::json::write::{self, ObjectWriter};
use crate::wire::jsonrpc::{self, Envelope, Kind, Parsed, RpcError};

/// Bytes of the parameters of one call, and of an HTTP body.
pub const CALL_BYTES_MAX: usize = 16_384;

/// The revisions that we speak, the newest first.
const REVISIONS: [&str; 4] = ["2025-11-25", "2025-06-18", BATCHING, "2024-11-05"];
/// The one revision with batches.
const BATCHING: &str = "2025-03-26";
/// What a message may hold; deeper than any arguments of ours.
const LIMITS: Limits = Limits { json_depth_max: 64, ..Limits::DEFAULT };

const INSTRUCTIONS: &str = "Exact decimal arithmetic. Give numbers as strings such as \"0.1\"; \
     results are strings as well and are never shortened unless a precision is asked for, or a \
     quotient or a root does not end.";

/// One conversation with a client.
#[derive(Clone, Debug, Default)]
pub struct Server {
    /// What was agreed on; nothing before `initialize`, which nobody is forced to send.
    revision: Option<&'static str>,
}

/// A JSON-RPC error that we answer with (JSON-RPC 2.0 §5.1).
struct Refusal {
    code: i64,
    text: String,
    problems: Vec<Problem>,
}

impl Refusal {
    fn new(code: i64, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), problems: Vec::new() }
    }

    fn params(text: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, text)
    }
}

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

impl Server {
    /// Before `initialize`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// After `initialize` with `revision`, if we speak it.
    #[must_use]
    pub fn at_revision(revision: &[u8]) -> Option<Self> {
        let revision = REVISIONS.into_iter().find(|known| known.as_bytes() == revision)?;
        Some(Self { revision: Some(revision) })
    }

    /// Answers one message or one batch; notifications and responses have no answer.
    ///
    /// The answer is one line of JSON without its line end.
    pub fn handle(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        match jsonrpc::parse(line, &LIMITS) {
            Ok(Parsed::Single(envelope)) => self.message(line, &envelope),
            Ok(Parsed::Batch(messages)) => self.batch(line, &messages),
            Err(error) => Some(malformed(line, &error)),
        }
    }

    /// The answer to a message that was too long to be kept.
    #[must_use]
    pub fn refuse_too_long() -> Vec<u8> {
        refused(None, &Refusal::new(INVALID_REQUEST, "message too long"))
    }

    fn batch(&mut self, line: &[u8], messages: &[Span]) -> Option<Vec<u8>> {
        if self.revision.is_some_and(|revision| revision != BATCHING) {
            let refusal = Refusal::new(INVALID_REQUEST, "this revision of MCP has no batches");
            return Some(refused(None, &refusal));
        }
        let mut answers = Vec::new();
        for span in messages {
            let message = span.of(line);
            answers.extend(match jsonrpc::parse(message, &LIMITS) {
                Ok(Parsed::Single(envelope)) => self.message(message, &envelope),
                Ok(Parsed::Batch(_)) => {
                    Some(refused(None, &Refusal::new(INVALID_REQUEST, "a batch in a batch")))
                }
                Err(error) => Some(malformed(message, &error)),
            });
        }
        if answers.is_empty() {
            return None;
        }
        let mut out = Vec::new();
        write::array(&mut out, |array| {
            for answer in &answers {
                array.raw(answer);
            }
        });
        Some(out)
    }

    fn message(&mut self, text: &[u8], envelope: &Envelope) -> Option<Vec<u8>> {
        if envelope.kind != Kind::Request {
            return None;
        }
        let id = envelope.id.map(|id| id.of(text));
        let refusal = match self.request(text, envelope) {
            Ok(result) => {
                return Some(response(id, |message| {
                    message.raw("result", &result);
                }));
            }
            Err(refusal) => refusal,
        };
        Some(refused(id, &refusal))
    }

    /// The result of a request, as JSON.
    fn request(&mut self, text: &[u8], envelope: &Envelope) -> Result<Vec<u8>, Refusal> {
        let method = envelope.method.and_then(|span| tree::parse(span.of(text), 1).ok());
        let method = method.as_ref().and_then(Node::as_str).unwrap_or_default();
        let params = match envelope.params {
            Some(span) if span.len() > CALL_BYTES_MAX => {
                return Err(Refusal::params("request body too large"));
            }
            Some(span) => tree::parse(span.of(text), LIMITS.json_depth_max)
                .map_err(|error| Refusal::params(error.to_string()))?,
            None => Node { span: Span::default(), value: Value::Object(Vec::new()) },
        };
        match method {
            "initialize" => Ok(self.initialize(&params)),
            "ping" => Ok(b"{}".to_vec()),
            "tools/list" => list(&params),
            "tools/call" => call(&params),
            _ => Err(Refusal::new(METHOD_NOT_FOUND, format!("Method not found: {method}"))),
        }
    }

    fn initialize(&mut self, params: &Node) -> Vec<u8> {
        let wanted = params.get("protocolVersion").and_then(Node::as_str).unwrap_or_default();
        let known = REVISIONS.into_iter().find(|revision| *revision == wanted);
        let revision = known.unwrap_or(REVISIONS[0]);
        self.revision = Some(revision);
        let mut out = Vec::new();
        write::object(&mut out, |result| {
            result.str("protocolVersion", revision);
            result.object("capabilities", |capabilities| {
                capabilities.object("tools", |_| ());
            });
            result.object("serverInfo", |server| {
                server.str("name", "penstock-calculator").str("title", "Penstock calculator");
                server.str("version", env!("CARGO_PKG_VERSION"));
            });
            result.str("instructions", INSTRUCTIONS);
        });
        out
    }
}

fn list(params: &Node) -> Result<Vec<u8>, Refusal> {
    // All tools fit on the first page, so no cursor of ours is out there.
    match params.get("cursor").map(|cursor| &cursor.value) {
        None | Some(Value::Null) => (),
        Some(Value::String(cursor)) if cursor.is_empty() => (),
        Some(_) => return Err(Refusal::params("Unknown cursor")),
    }
    let mut out = Vec::new();
    write::object(&mut out, |result| {
        result.array("tools", |tools| {
            for tool in schema::TOOLS {
                tools.raw(tool.as_bytes());
            }
        });
    });
    Ok(out)
}

fn call(params: &Node) -> Result<Vec<u8>, Refusal> {
    let name = params.get("name").and_then(Node::as_str);
    let name = name.ok_or_else(|| Refusal::params("Invalid params: name is missing"))?;
    let tool = Tool::parse(name);
    let tool = tool.ok_or_else(|| Refusal::params(format!("Unknown tool: {name}")))?;
    let none = Node { span: Span::default(), value: Value::Object(Vec::new()) };
    let arguments = params.get("arguments").filter(|node| !node.is_null()).unwrap_or(&none);
    let request = tool.read(arguments).map_err(|problems| Refusal {
        code: INVALID_PARAMS,
        text: "Invalid params".to_owned(),
        problems,
    })?;
    let mut out = Vec::new();
    match request.answer() {
        Ok(answer) => {
            let json = answer.to_json();
            let text = String::from_utf8_lossy(&json).into_owned();
            write::object(&mut out, |result| {
                content(result, &text).raw("structuredContent", &json).bool("isError", false);
            });
        }
        // The model asked properly and may want to ask again: it has to see why.
        Err(error) => write::object(&mut out, |result| {
            content(result, &error.to_string()).bool("isError", true);
        }),
    }
    Ok(out)
}

fn content<'w, 'o>(result: &'w mut ObjectWriter<'o>, text: &str) -> &'w mut ObjectWriter<'o> {
    result.array("content", |content| {
        content.object(|item| {
            item.str("type", "text").str("text", text);
        });
    })
}

fn malformed(text: &[u8], error: &RpcError) -> Vec<u8> {
    let (code, id) = match error {
        RpcError::NotJson(_) | RpcError::TooDeep => (PARSE_ERROR, None),
        RpcError::NotRpc { id, .. } => (INVALID_REQUEST, *id),
    };
    refused(id.map(|id| id.of(text)), &Refusal::new(code, error.to_string()))
}

fn refused(id: Option<&[u8]>, refusal: &Refusal) -> Vec<u8> {
    response(id, |message| {
        message.object("error", |error| {
            error.i64("code", refusal.code).str("message", &refusal.text);
            if refusal.problems.is_empty() {
                return;
            }
            error.object("data", |data| {
                data.array("details", |details| {
                    refusal.problems.iter().for_each(|problem| problem.write_to(details));
                });
            });
        });
    })
}

fn response(id: Option<&[u8]>, fill: impl FnOnce(&mut ObjectWriter<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    write::object(&mut out, |message| {
        message.str("jsonrpc", "2.0").raw("id", id.unwrap_or(b"null"));
        fill(message);
    });
    out
}

/// Any line has at most one answer, which is JSON on one line.
pub fn fuzz(line: &[u8]) {
    let mut server = Server::new();
    if let Some(answer) = server.handle(line) {
        assert!(tree::parse(&answer, LIMITS.json_depth_max).is_ok());
        assert!(!answer.contains(&b'\n'));
    }
}
