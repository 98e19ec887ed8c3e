// SPDX-License-Identifier: MIT
//! What the gateway has to say to people. Nothing here is on the hot path.

use super::Gateway;
use super::io::{Event, EventKind, Level, Output};
use super::snapshot::ServerId;

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
