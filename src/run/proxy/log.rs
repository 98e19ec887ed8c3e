// SPDX-License-Identifier: MIT
//! What is written down: lines for people in the log of the gateway, and records of what was kept
//! from agents.

use std::sync::{Arc, Mutex, PoisonError};

use crate::gateway::io::{Event, EventKind, Level};
use crate::gateway::snapshot::ServerId;
use crate::policy::guard::records::Filtered;
use crate::run::read_clock;
use crate::worker::LogSender;

/// What the forge is called in records.
pub const SERVER: &str = "github";

/// Everybody's way to the log.
#[derive(Clone)]
pub struct Log(Arc<Mutex<LogSender>>);

impl Log {
    /// A log that writes through `sender`.
    #[must_use]
    pub fn new(sender: LogSender) -> Self {
        Self(Arc::new(Mutex::new(sender)))
    }

    /// Writes a line.
    pub fn note(&self, level: Level, category: &'static str, text: String) {
        self.push(None, EventKind::Note { level, category, text });
    }

    /// Writes down what was kept from the agent.
    pub fn filtered(&self, tool: &str, records: Vec<Filtered>) {
        for filtered in records {
            let (tool, filtered) = (tool.into(), Box::new(filtered));
            self.push(Some(ServerId(0)), EventKind::Filtered { tool, filtered });
        }
    }

    fn push(&self, server: Option<ServerId>, kind: EventKind) {
        let event = Event { at_unix_ms: read_clock().unix_ms, server, kind };
        let mut sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sender.push(event);
        sender.end_of_turn();
    }
}
