// SPDX-License-Identifier: MIT
//! What a modern client can do wrong. Here the HTTP status is part of the answer.
//!
//! Spec: MCP 2026-07-28, basic/transports and basic/versioning.

use super::{Fault, Shape};
use crate::gateway::fault::ClientFault;
use crate::mcp::meta::MetaError;
use crate::mcp::mirror::MirrorError;
use crate::mcp::{Code, revision};
use crate::wire::json::write::push_str;

/// What a modern client can do wrong.
#[derive(Clone, Debug)]
pub enum ModernFault {
    /// It answers, but nobody asks in this era.
    Answer,
    /// It sends an array of messages.
    Batch,
    /// A field does not say what the body says.
    Mirror(MirrorError),
    /// `_meta` lacks what a request has to say about itself.
    Meta(MetaError),
    /// It wants a revision that is not served in this era.
    Version(Box<str>),
    /// The method does not exist in this era.
    NoSuchMethod(String),
    /// The request needs a capability that its client did not declare: a JSON object of them.
    Capability(&'static str),
    /// A parameter is wrong, in these words.
    Params(String),
}

impl ModernFault {
    pub(super) fn row(&self) -> (u16, Shape) {
        let (status, code, text) = match self {
            Self::Answer => {
                let text = "Invalid Request: there is nothing to answer in this revision";
                (400, Code::INVALID_REQUEST, text.to_owned())
            }
            Self::Batch => {
                let text = "Invalid Request: a body holds one message in this revision";
                (400, Code::INVALID_REQUEST, text.to_owned())
            }
            Self::Mirror(error) => {
                (400, Code::HEADER_MISMATCH, format!("Header mismatch: {error}"))
            }
            Self::Meta(error) => (400, Code::INVALID_PARAMS, format!("Invalid params: {error}")),
            Self::Version(_) => {
                (400, Code::UNSUPPORTED_VERSION, "Unsupported protocol version".to_owned())
            }
            Self::NoSuchMethod(name) => {
                (404, Code::METHOD_NOT_FOUND, format!("Method not found: {name}"))
            }
            Self::Capability(needs) => (
                400,
                Code::MISSING_CAPABILITY,
                format!("the request needs capabilities that its client did not declare: {needs}"),
            ),
            Self::Params(text) => (200, Code::INVALID_PARAMS, text.clone()),
        };
        (status, Shape::Rpc(code, text))
    }

    /// `error.data`, appended with its name.
    pub(super) fn push_data(&self, out: &mut Vec<u8>) {
        match self {
            Self::Version(requested) => {
                out.extend_from_slice(b",\"data\":{\"supported\":[");
                push_str(out, revision::modern().date);
                out.extend_from_slice(b"],\"requested\":");
                push_str(out, requested);
                out.push(b'}');
            }
            Self::Capability(needs) => {
                out.extend_from_slice(b",\"data\":{\"requiredCapabilities\":");
                out.extend_from_slice(needs.as_bytes());
                out.push(b'}');
            }
            _ => {}
        }
    }
}

impl From<ModernFault> for Fault {
    fn from(fault: ModernFault) -> Self {
        Self::Client(ClientFault::Modern(fault))
    }
}

/// The HTTP status with which an error of a modern HTTP server is passed on: its own, if it is one
/// that means something in this era.
#[must_use]
pub const fn same_status(own: Option<u16>) -> u16 {
    match own {
        Some(status @ (400 | 404)) => status,
        _ => 200,
    }
}

/// The HTTP status of an error with this code, where a modern server answers a request itself.
/// `is_call`: it answers the call of a tool, in which something else than the method is missing.
#[must_use]
pub fn status_of(code: i64, is_call: bool) -> u16 {
    let is = |known: Code| i64::from(known.0) == code;
    if is(Code::METHOD_NOT_FOUND) && !is_call {
        return 404;
    }
    let refusals = [Code::HEADER_MISMATCH, Code::MISSING_CAPABILITY, Code::UNSUPPORTED_VERSION];
    if refusals.into_iter().any(is) { 400 } else { 200 }
}
