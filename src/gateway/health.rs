// SPDX-License-Identifier: MIT
//! How the servers are, and the endpoints that say so.
//!
//! `/health` says that the process is alive, from the first moment; `/ready` waits for the servers
//! that are required.

use std::time::{Duration, Instant};

use super::Gateway;
use super::alarm::Alarm;
use super::backend::Backend;
use super::era::EraState;
use super::io::{Output, Peer};
use super::params::KnownParams;
use super::snapshot::{ServerId, Transport};
use super::tools::KnownTools;
use crate::base::Key;
use crate::wire::http1::{Content, ResponseHead};
use crate::wire::json::write;

/// The written gateway specification that `/health` names.
const SPEC_VERSION: &str = "1.17.0";
const OK: u16 = 200;
const NOT_YET: u16 = 503;
/// The word for a server that works.
const RUNNING: &str = "running";

/// How one server is.
#[derive(Debug, Default)]
pub struct ServerState {
    /// Its first backend, while it lives.
    pub first: Option<Key<Backend>>,
    /// When it first opened; `None` while it never has.
    pub up_since: Option<Instant>,
    /// Why it does not work, if it does not.
    pub trouble: Option<Box<str>>,
    /// Whether it never will: it is not to be started.
    pub broken: bool,
    /// When it is started again after it has failed.
    pub retry_at: Option<Instant>,
    /// How often it has failed without having been up for long.
    pub n_failed: u32,
    /// Whether it has tasks of its own, as far as it has said.
    pub has_tasks: bool,
    /// Which eras of the protocol it speaks.
    pub era: EraState,
    /// What is known of its tools.
    pub tools: KnownTools,
    /// Which of their arguments are mirrored in header fields.
    pub params: KnownParams,
}

/// From the first failure of a child to its next start; each further failure doubles it. Children
/// cost processes and containers, and what cannot start rarely can a second later.
///
/// Spec: the written gateway specification, "HTTP": health is checked every 30 s.
const CHILD_RETRY_AFTER: Duration = Duration::from_secs(30);
/// How often that is doubled: to four minutes.
const CHILD_DOUBLINGS_MAX: u32 = 3;
/// The same for servers that are reached over HTTP: asking again costs a connection.
const HTTP_RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often that is doubled: to about a minute.
const HTTP_DOUBLINGS_MAX: u32 = 6;
/// A server that was up for so long has not failed to start.
pub(super) const UP_FOR_LONG: Duration = Duration::from_secs(60);

impl ServerState {
    /// It has opened a backend.
    pub fn is_up(&mut self, now: Instant) {
        self.trouble = None;
        self.retry_at = None;
        self.up_since.get_or_insert(now);
    }

    /// It does not work.
    pub fn fail(&mut self, why: &str) {
        self.trouble = Some(why.into());
        self.up_since = None;
    }

    fn status(&self) -> &'static str {
        match (&self.trouble, self.up_since) {
            (Some(_), _) => "error",
            (None, Some(_)) => RUNNING,
            (None, None) => "stopped",
        }
    }
}

impl Gateway {
    /// A server does not work: it is started again after a while, and again, because nobody may
    /// come to ask for it while `/ready` says that it is missing.
    pub(crate) fn server_failed(&mut self, server: ServerId, why: &str) {
        let now = self.now.mono;
        let (after, doublings_max) = match self.server(server).transport {
            Transport::Stdio(_) => (CHILD_RETRY_AFTER, CHILD_DOUBLINGS_MAX),
            Transport::Http(_) => (HTTP_RETRY_AFTER, HTTP_DOUBLINGS_MAX),
        };
        let state = &mut self.servers[usize::from(server.0)];
        if state.up_since.is_some_and(|up| now.saturating_duration_since(up) >= UP_FOR_LONG) {
            state.n_failed = 0;
        }
        state.fail(why);
        let at = now + after * (1 << state.n_failed);
        state.n_failed = (state.n_failed + 1).min(doublings_max);
        state.retry_at = Some(at);
        self.alarms.set(Alarm::Restarts, at);
    }

    /// Starts the servers again whose time has come.
    pub(crate) fn restart_servers(&mut self) {
        if self.is_draining() {
            return;
        }
        let now = self.now.mono;
        for server in self.snapshot.ids() {
            let state = &mut self.servers[usize::from(server.0)];
            if state.retry_at.take_if(|at| *at <= now).is_some() && !state.broken {
                self.start_first_backend_again(server);
            }
        }
        if let Some(at) = self.servers.iter().filter_map(|state| state.retry_at).min() {
            self.alarms.set(Alarm::Restarts, at);
        }
    }

    pub(crate) fn answer_health(&mut self, peer: Key<Peer>) {
        let healthy = self.servers.iter().all(|state| state.trouble.is_none());
        let mut body = Vec::new();
        write::object(&mut body, |out| {
            out.str("status", if healthy { "healthy" } else { "unhealthy" });
            out.str("specVersion", SPEC_VERSION).str("gatewayVersion", &self.snapshot.version);
            out.object("servers", |servers| {
                for (server, state) in self.snapshot.servers.iter().zip(&self.servers) {
                    let up = state.up_since.map(|at| self.now.mono.saturating_duration_since(at));
                    servers.object(&server.name, |one| {
                        one.str("status", state.status());
                        one.u64("uptime", up.unwrap_or_default().as_secs());
                        if let Some(trouble) = &state.trouble {
                            one.str("lastError", trouble);
                        }
                    });
                }
            });
        });
        self.answer_json(peer, OK, body);
    }

    /// Answers with what was counted; all that is known here is who is up.
    pub(crate) fn answer_metrics(&mut self, peer: Key<Peer>) {
        let head = ResponseHead::new(OK, Content::Metrics);
        let up = self.servers.iter().map(|state| state.status() == RUNNING).collect();
        self.push(Output::RespondMetrics { peer, head, up });
    }

    pub(crate) fn answer_ready(&mut self, peer: Key<Peer>) {
        let waits = |(server, state): &(&super::snapshot::Server, &ServerState)| {
            server.required && state.up_since.is_none()
        };
        let pairs = self.snapshot.servers.iter().zip(&self.servers);
        let waiting: Vec<_> = pairs.filter(waits).map(|(server, _)| server.name.clone()).collect();
        let ready = waiting.is_empty() && !self.is_draining();
        let mut body = Vec::new();
        write::object(&mut body, |out| {
            out.bool("ready", ready);
            out.array("waitingFor", |names| {
                for name in &waiting {
                    names.str(name);
                }
            });
        });
        self.answer_json(peer, if ready { OK } else { NOT_YET }, body);
    }
}
