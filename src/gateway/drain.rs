// SPDX-License-Identifier: MIT
//! Shutting down is a state with a deadline.
//!
//! ```text
//! Serving ─ signal, /close ─> Draining ─ nothing runs, deadline ─> Stopping ─ all gone ─> Stopped
//! ```

use std::time::Instant;

use super::Gateway;
use super::alarm::Alarm;
use super::exchange::Exchange;
use super::fault::{Fault, GatewayFault};
use super::io::{Level, Output, Peer};
use crate::base::Key;
use crate::wire::json::write;

/// How far the gateway is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not at all.
    Serving,
    /// No new exchanges. Ends when none is left, or at the deadline.
    Draining {
        /// When patience ends.
        deadline: Instant,
    },
    /// The backends were told to leave.
    Stopping,
    /// Nothing is left.
    Stopped,
}

impl Gateway {
    /// Whether new exchanges are refused.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.phase != Phase::Serving
    }

    pub(crate) fn drain(&mut self, deadline: Instant, why: &'static str) {
        if self.phase != Phase::Serving {
            return;
        }
        self.phase = Phase::Draining { deadline };
        self.alarms.set(Alarm::Drain, deadline);
        self.note_end(format!("Shutting down: {why}"));
        self.push(Output::StopListening);
        if self.leads_others() {
            self.push(Output::DrainOthers { deadline, why });
        }
        self.finish_listeners();
    }

    /// `POST /close`.
    pub(crate) fn close_gateway(&mut self, peer: Key<Peer>) -> Result<(), Fault> {
        if self.is_draining() {
            return Err(GatewayFault::Closed.into());
        }
        let n = self.backends.len() as u64;
        let mut body = Vec::new();
        write::object(&mut body, |out| {
            out.str("status", "closed").str("message", "Gateway shutdown initiated");
            out.u64("serversTerminated", n);
        });
        self.answer_json(peer, 200, body);
        self.note(Level::Info, "shutdown", None, "Gateway shutdown initiated".to_owned());
        self.drain(self.now.mono + self.snapshot.close_timeout, "asked to close");
        Ok(())
    }

    /// Stops at once.
    pub(crate) fn halt(&mut self) {
        if self.phase == Phase::Serving {
            self.drain(self.now.mono, "asked to stop at once");
        }
        if self.leads_others() {
            self.push(Output::HaltOthers);
        }
        self.expire_drain();
        for key in self.backends.keys() {
            self.stop_link(key, true);
        }
        for fetch in self.fetches.keys() {
            self.cancel_fetch(fetch);
        }
    }

    pub(crate) fn expire_drain(&mut self) {
        if let Phase::Draining { .. } = self.phase {
            self.stop_everything();
        }
    }

    /// Goes on as far as it can.
    pub(crate) fn advance_drain(&mut self) {
        if let Phase::Draining { .. } = self.phase {
            let runs = |exchange: &Exchange| {
                !matches!(exchange, Exchange::Listening(_) | Exchange::Attached(_))
            };
            if !self.exchanges.iter().any(|(_, exchange)| runs(exchange)) {
                self.stop_everything();
            }
        }
        if self.phase == Phase::Stopping && self.backends.is_empty() && self.fetches.is_empty() {
            self.phase = Phase::Stopped;
            self.note_end("Gateway process exiting".to_owned());
            self.push(Output::Exit);
        }
    }

    /// Whether nothing is waited for any more.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping | Phase::Stopped)
    }

    /// Whether other shards end when this one does.
    const fn leads_others(&self) -> bool {
        self.shard.is_main() && self.shard.has_others()
    }

    /// What the main shard says of the end, it says for all.
    fn note_end(&mut self, text: String) {
        if self.shard.is_main() {
            self.note(Level::Info, "shutdown", None, text);
        }
    }

    /// Ends every session and backend; streams end cleanly.
    fn stop_everything(&mut self) {
        self.phase = Phase::Stopping;
        self.refuse_unread();
        self.end_unopened(|_| true);
        let n = self.backends.len();
        self.note_end(format!("Terminating {n} backend servers"));
        for key in self.sessions.iter().map(|(key, _)| key).collect::<Vec<_>>() {
            let fault = GatewayFault::Draining.into();
            self.end_session_with(key, "the gateway is shutting down", &fault);
        }
        // Sessions are gone, and with them all who could wait for what the forge says.
        self.forget_questions(|_| true);
        for key in self.backends.keys() {
            self.stop_backend(key);
        }
    }

    /// Refuses the requests whose bodies have not come: nobody will read them.
    fn refuse_unread(&mut self) {
        for key in self.exchanges.keys() {
            self.refuse_waiting(key, &GatewayFault::Draining.into());
            let (peer, origin) = match self.exchanges.get(key) {
                Some(Exchange::AwaitBody(admitted)) => (admitted.peer, admitted.origin.clone()),
                Some(Exchange::AwaitPosted(posted)) => (posted.peer, posted.origin.clone()),
                _ => continue,
            };
            self.exchanges.remove(key);
            self.peers.clear(peer);
            self.refuse(peer, origin.as_ref(), None, &GatewayFault::Draining.into());
        }
    }
}
