// SPDX-License-Identifier: MIT
//! What a log says of one message.

use std::time::Duration;

#[cfg(doc)]
use super::jsonl::PAYLOAD_BYTES_MAX;
use crate::gateway::io::{CallEnd, Event, EventKind};
use crate::gateway::snapshot::ServerId;
use crate::policy::guard::Labels;

/// A message to or from a backend, borrowed from its event or from a block.
#[derive(Debug)]
pub struct Rpc<'e> {
    /// When: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// The server.
    pub server: Option<ServerId>,
    /// The method, without quotes; empty for a response to a backend.
    pub method: &'e [u8],
    /// The message; left out if it is longer than [`PAYLOAD_BYTES_MAX`], was not gathered, or
    /// is not wanted.
    pub payload: &'e [u8],
    /// How long it is.
    pub payload_len: usize,
    /// For the answer of a backend.
    pub reply: Option<Reply<'e>>,
    /// What its agent carries, where that is wanted.
    pub labels: Option<&'e Labels>,
}

/// What the answer of a backend has beyond a message to it.
#[derive(Debug)]
pub struct Reply<'e> {
    /// The tool, if one was called.
    pub tool: Option<&'e [u8]>,
    /// Why there is no good answer.
    pub error: Option<&'e [u8]>,
    /// From the request to the answer.
    pub duration: Duration,
    /// What became of the request.
    pub end: CallEnd,
}

impl<'e> Rpc<'e> {
    /// Whether an event is a message to or from a backend.
    #[must_use]
    pub const fn is_of(kind: &EventKind) -> bool {
        matches!(
            kind,
            EventKind::RpcOut { .. } | EventKind::RpcIn { .. } | EventKind::OfAgent { .. }
        )
    }

    /// The message that `event` tells of, if it tells of one.
    #[must_use]
    pub fn of(event: &'e Event) -> Option<Self> {
        Self::of_kind(event.at_unix_ms, event.server, &event.kind)
    }

    /// The message that a kind of event tells of; what its agent carries is left to the caller.
    #[must_use]
    pub fn of_kind(at_unix_ms: u64, server: Option<ServerId>, kind: &'e EventKind) -> Option<Self> {
        let (method, payload, payload_len, reply) = match kind {
            EventKind::RpcOut { method, payload } => (method, payload, payload.len(), None),
            EventKind::RpcIn { method, tool, payload, bytes, duration, end, error } => {
                let (tool, error) = (tool.as_deref(), error.as_deref().map(str::as_bytes));
                let reply = Reply { tool, error, duration: *duration, end: *end };
                (method, payload, *bytes, Some(reply))
            }
            _ => return None,
        };
        Some(Self { at_unix_ms, server, method, payload, payload_len, reply, labels: None })
    }
}
