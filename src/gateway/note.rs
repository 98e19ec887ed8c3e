// SPDX-License-Identifier: MIT
//! What the gateway has to say to people. Nothing here is on the hot path.

use super::Gateway;
use super::call::{Call, CallFor};
use super::io::{CallEnd, Event, EventKind, Level, Output};
use super::snapshot::ServerId;
use crate::base::Message;

/// The first characters of an id that must not be logged whole.
#[must_use]
pub fn short(id: &str) -> String {
    let start: String = id.chars().take(8).collect();
    if start.is_empty() { "(none)".to_owned() } else { format!("{start}...") }
}

/// How much of what a backend said stands in a line for people.
const EXCERPT_BYTES_MAX: usize = 300;

/// The beginning of what a backend said.
#[must_use]
pub fn excerpt(said: &[u8]) -> String {
    String::from_utf8_lossy(&said[..said.len().min(EXCERPT_BYTES_MAX)]).into_owned()
}

impl Gateway {
    /// Records `kind`, stamped with this input's time.
    pub(super) fn emit(&mut self, server: Option<ServerId>, kind: EventKind) {
        let at_unix_ms = self.now.unix_ms;
        self.push(Output::Emit(Event { at_unix_ms, server, kind }));
    }

    /// Records a message to or from a backend, with what its agent carries where that is wanted.
    pub(super) fn emit_rpc(&mut self, server: Option<ServerId>, whom: &CallFor, kind: EventKind) {
        let kind = match self.snapshot.guards.sinks.is_empty() {
            true => kind,
            false => self.of_agent(server, whom, kind),
        };
        self.emit(server, kind);
    }

    /// Records what a call has come to: its answer and the length of that, which may have been too
    /// long to be kept, or why there is none.
    #[inline]
    pub(super) fn record_end(
        &mut self,
        call: &Call,
        (payload, bytes): (Message, usize),
        end: CallEnd,
        error: Option<Box<str>>,
    ) {
        let server = self.backends.get(call.backend).map(|backend| backend.server);
        let kind = EventKind::RpcIn {
            method: call.name.clone(),
            tool: call.tool.clone(),
            payload,
            bytes,
            duration: self.now.mono.saturating_duration_since(call.sent_at),
            end,
            error,
        };
        self.emit_rpc(server, &call.whom, kind);
    }

    fn of_agent(&self, server: Option<ServerId>, whom: &CallFor, kind: EventKind) -> EventKind {
        let sinks = &self.snapshot.guards.sinks;
        let is_sink = |id: ServerId| sinks.iter().any(|sink| **sink == *self.snapshot.title(id));
        let session = match whom {
            CallFor::Exchange(exchange) => self.session_of(*exchange),
            _ => None,
        };
        let who = session.and_then(|key| self.sessions.get(key)).map(|session| session.principal);
        match who.filter(|_| server.is_some_and(is_sink)) {
            Some(who) => {
                let labels = Box::new(self.labels_of(who));
                EventKind::OfAgent { labels, rpc: Box::new(kind) }
            }
            None => kind,
        }
    }

    /// A line for people.
    pub(super) fn note(
        &mut self,
        level: Level,
        category: &'static str,
        server: Option<ServerId>,
        text: String,
    ) {
        self.emit(server, EventKind::Note { level, category, text });
    }

    /// A line for developers.
    pub(super) fn debug(&mut self, namespace: &'static str, text: impl FnOnce() -> String) {
        self.emit(None, EventKind::Debug { namespace, text: text() });
    }
}
