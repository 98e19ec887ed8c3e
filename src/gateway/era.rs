// SPDX-License-Identifier: MIT
//! Which eras a server speaks, learned when somebody needs to know.
//!
//! ```text
//!             a modern client comes, or initialize is refused
//!  Unknown ──────────────────────────────────────────────────> Asking ── DiscoverResult ──> Yes
//!     ^  └── until then nobody asks                               │
//!     └──────────────── after a while ───── No <── error, silence ┘
//! ```
//!
//! A child is bound to one era by its first message. So `server/discover` goes to a child of its
//! own; if it answers, that child is the server's modern backend, and if not, it leaves.
//!
//! Spec: MCP 2026-07-28, basic/versioning.

use std::time::{Duration, Instant};

use super::Gateway;
use super::backend::{Backend, Link, Owner, State};
use super::call::CallFor;
use super::exchange::Exchange;
use super::exchange::open::Incoming;
use super::fault::{BackendFaultKind, Fault};
use super::io::Level;
use super::snapshot::{ServerId, Transport};
use crate::base::{Key, Message};
use crate::gateway::exchange::{Admitted, AwaitEra};
use crate::mcp::method::Method;
use crate::mcp::{Era, modern, revision, task};
use crate::wire::jsonrpc::Envelope;

/// How long a server may take to answer `server/discover`, beyond what it took to open.
const ANSWER_AFTER_MAX: Duration = Duration::from_secs(5);
/// How long a server that refused is believed to speak the older protocol alone.
const BELIEVED_FOR: Duration = Duration::from_secs(600);
/// The same if it was not there, or did not let us in: that says nothing about the era.
const DOUBTED_FOR: Duration = Duration::from_secs(5);
/// Requests that may wait until a server's era is known.
const WAITING_MAX: usize = 1024;

/// What is known of a server's modern side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Modern {
    /// Nobody has asked.
    #[default]
    Unknown,
    /// It was asked; the backend that was is [`EraState::backend`].
    Asking,
    /// It speaks 2026-07-28.
    Yes,
    /// It does not, as far as we know until then.
    No {
        /// When it may be asked again.
        until: Instant,
    },
}

/// What is known of the eras of one server.
#[derive(Debug, Default)]
pub struct EraState {
    /// Whether it speaks the modern one.
    pub modern: Modern,
    /// Whether it speaks nothing else.
    pub modern_only: bool,
    /// Whether it is only asked once more, and served in the older one until it answers.
    pub is_asked_again: bool,
    /// Its modern backend, which all clients share.
    pub backend: Option<Key<Backend>>,
    /// How often that has failed in a row without having been up for long.
    pub n_lost: u32,
    /// Until when it is not started again, and why.
    pub rests: Option<(Instant, Box<str>)>,
    /// Whether it has ever been there.
    pub was_modern: bool,
    /// Whether it has ever answered a handshake of the older protocol.
    pub was_legacy: bool,
    /// Why it refused `initialize`, until it is known what else it speaks.
    pub refused: Option<Box<str>>,
    /// How long its first backend took to open.
    pub opened_after: Duration,
    /// Exchanges that wait to know.
    pub waiting: Vec<Key<Exchange>>,
}

/// Where the request of a modern client goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// To the server's modern backend.
    Modern(Key<Backend>),
    /// To a legacy backend, translated.
    Legacy,
    /// Nobody knows yet.
    Wait,
}

impl Gateway {
    pub(super) fn era(&mut self, server: ServerId) -> &mut EraState {
        &mut self.servers[usize::from(server.0)].era
    }

    /// Whether the server speaks the modern protocol alone.
    pub(crate) fn is_modern_only(&self, server: ServerId) -> bool {
        self.servers.get(usize::from(server.0)).is_some_and(|state| state.era.modern_only)
    }

    /// Whether the server refused `initialize` and is being asked what else it speaks.
    pub(crate) fn is_era_in_doubt(&self, server: ServerId) -> bool {
        self.servers.get(usize::from(server.0)).is_some_and(|state| state.era.refused.is_some())
    }

    /// The way to `server` for a modern client; asks the server if nobody has.
    pub(crate) fn door(&mut self, server: ServerId) -> Result<Door, Fault> {
        let now = self.now.mono;
        let is_up = self.servers[usize::from(server.0)].up_since.is_some();
        let era = self.era(server);
        let is_asked_again = era.is_asked_again;
        match era.modern {
            Modern::Yes => self.modern_backend(server).map(Door::Modern),
            Modern::Asking if is_asked_again => Ok(Door::Legacy),
            Modern::Asking => Ok(Door::Wait),
            Modern::No { until } if until > now => Ok(Door::Legacy),
            Modern::No { .. } if is_up => {
                // Its older side works: nobody has to wait for what will most likely be the same.
                self.era(server).is_asked_again = self.ask_for_era(server).is_ok();
                Ok(Door::Legacy)
            }
            Modern::No { .. } | Modern::Unknown => {
                self.era(server).is_asked_again = false;
                self.ask_for_era(server)?;
                Ok(Door::Wait)
            }
        }
    }

    pub(super) fn ask_for_era(&mut self, server: ServerId) -> Result<(), Fault> {
        self.start_modern_backend(server)?;
        self.era(server).modern = Modern::Asking;
        Ok(())
    }

    pub(super) fn start_modern_backend(&mut self, server: ServerId) -> Result<Key<Backend>, Fault> {
        let key = self.start_backend(server)?;
        if let Some(backend) = self.backends.get_mut(key) {
            backend.era = Era::Modern;
            backend.owner = Owner::Shared;
            backend.opened_by_client = false;
            if let Link::Http(session) = &mut backend.link {
                session.revision = Some(revision::modern().date.into());
            }
        }
        self.era(server).backend = Some(key);
        let version = std::sync::Arc::clone(&self.snapshot.version);
        self.call_ourselves(key, CallFor::Discovery, Method::Discover, "server/discover", |id| {
            modern::discover_request(id, &version).into()
        });
        Ok(key)
    }

    /// How long `server` may take to answer `server/discover`.
    pub(crate) fn discovery_after_max(&self, server: ServerId) -> Duration {
        let era = &self.servers[usize::from(server.0)].era;
        let startup = self.server(server).startup_timeout;
        match era.modern {
            Modern::Yes => startup,
            // Nothing has opened yet that could tell how long that takes.
            _ if era.opened_after.is_zero() => startup.min(2 * ANSWER_AFTER_MAX),
            _ => startup.min(ANSWER_AFTER_MAX + era.opened_after),
        }
    }

    /// `server/discover` is answered.
    pub(crate) fn discovered(&mut self, key: Key<Backend>, message: &Message, found: &Envelope) {
        let discovery = found.result.and_then(|result| modern::discovery(message, result));
        let Some(discovery) = discovery else {
            let detail = "it does not know server/discover of 2026-07-28";
            let fault = self.backend_fault(key, BackendFaultKind::Misbehaved, detail);
            return self.backend_failed(key, &fault);
        };
        let Some(backend) = self.backends.get_mut(key) else { return };
        let (server, has_tools) = (backend.server, discovery.offers.tools);
        backend.state = State::Ready;
        let has_tasks = task::has_extension(&discovery.result, discovery.capabilities);
        backend.discovery = Some(discovery);
        let greetings = std::mem::take(&mut backend.greetings);
        let era = self.era(server);
        let is_news = era.modern != Modern::Yes;
        era.modern = Modern::Yes;
        era.was_modern = true;
        let was_refused = era.refused.take().is_some();
        let state = &mut self.servers[usize::from(server.0)];
        state.has_tasks |= has_tasks;
        let never_opened = state.trouble.is_some() && !state.era.was_legacy;
        state.era.modern_only |= was_refused || never_opened;
        let is_first = state.era.modern_only;
        if is_first {
            self.server_is_up(server);
        }
        for call in greetings {
            self.greet_or_wait(key, call);
        }
        self.release_held(key);
        self.refresh_all_below(key);
        if is_news {
            let text = "it speaks 2026-07-28".to_owned();
            self.note(Level::Info, "backend", Some(server), text);
        }
        if is_first && has_tools {
            self.list_tools(key, Vec::new(), None);
        }
        self.era_is_known(server);
    }

    /// A modern backend is of no use any more.
    pub(super) fn modern_backend_lost(&mut self, key: Key<Backend>, server: ServerId, why: &Fault) {
        let until = self.now.mono + self.belief(server, why);
        let was_open = self.backends.get(key).is_some_and(|backend| backend.discovery.is_some());
        if self.era(server).modern == Modern::Yes {
            self.note_lost(key, server, why);
        }
        let era = self.era(server);
        era.backend.take_if(|own| *own == key);
        if era.modern != Modern::Asking {
            let was_all = era.modern_only;
            if !was_open {
                // It has become another server than we knew: it is asked anew.
                era.modern = Modern::Unknown;
                era.modern_only = false;
            }
            self.note(Level::Error, "backend", Some(server), why.text());
            if was_all {
                self.server_failed(server, &why.text());
            }
            return;
        }
        era.modern = Modern::No { until };
        let refused = era.refused.take();
        let text = format!("it does not speak 2026-07-28: {}", why.text());
        self.note(Level::Info, "backend", Some(server), text);
        if let Some(refused) = refused {
            self.server_failed(server, &refused);
        }
        self.era_is_known(server);
    }

    /// How long a refusal is believed: what does not come from the server itself says nothing.
    fn belief(&self, server: ServerId, why: &Fault) -> Duration {
        let Fault::Backend(fault) = why else { return DOUBTED_FOR };
        if self.servers[usize::from(server.0)].era.was_modern {
            return DOUBTED_FOR;
        }
        let is_http = matches!(self.server(server).transport, Transport::Http(_));
        let is_locked = ["HTTP 401", "HTTP 403", "HTTP 5"];
        let says_nothing = match fault.kind {
            BackendFaultKind::Misbehaved => {
                is_locked.iter().any(|status| fault.detail.starts_with(status))
            }
            // A server that is up and says nothing has said enough.
            BackendFaultKind::TimedOut => {
                is_http && self.servers[usize::from(server.0)].up_since.is_none()
            }
            _ => is_http,
        };
        if says_nothing { DOUBTED_FOR } else { BELIEVED_FOR }
    }

    /// Keeps a request until the era of its server is known.
    pub(crate) fn wait_for_era(&mut self, admitted: &Admitted, incoming: Incoming) {
        self.wait_for_era_of(admitted.server, admitted, incoming);
    }

    /// The same of one of the servers that a request is for.
    pub(crate) fn wait_for_era_of(
        &mut self,
        server: ServerId,
        admitted: &Admitted,
        incoming: Incoming,
    ) {
        let peer = admitted.peer;
        let waits = AwaitEra { admitted: admitted.clone(), message: incoming.message };
        let key = self.exchanges.insert(Exchange::AwaitEra(Box::new(waits)));
        if self.attached_at(peer).is_none() {
            self.peers.set(peer, key);
        }
        let era = self.era(server);
        era.waiting.push(key);
        if era.waiting.len() > WAITING_MAX {
            let oldest = era.waiting.remove(0);
            self.refuse_waiting(oldest, &super::fault::GatewayFault::Full("requests").into());
        }
    }

    pub(super) fn era_is_known(&mut self, server: ServerId) {
        self.open_doubtful_members(server);
        self.go_on_at(server);
    }

    /// Routes again what waited.
    pub(in crate::gateway) fn go_on_at(&mut self, server: ServerId) {
        for key in std::mem::take(&mut self.era(server).waiting) {
            if !matches!(self.exchanges.get(key), Some(Exchange::AwaitEra(_))) {
                continue;
            }
            if let Some(Exchange::AwaitEra(waits)) = self.exchanges.remove(key) {
                self.peers.clear_of(waits.admitted.peer, key);
                self.open_admitted(&waits.admitted, waits.message);
            }
        }
    }

    /// Refuses an exchange that waits for an era.
    pub(super) fn refuse_waiting(&mut self, key: Key<Exchange>, fault: &Fault) {
        if !matches!(self.exchanges.get(key), Some(Exchange::AwaitEra(_))) {
            return;
        }
        if let Some(Exchange::AwaitEra(waits)) = self.exchanges.remove(key) {
            let admitted = &waits.admitted;
            self.peers.clear_of(admitted.peer, key);
            self.refuse(admitted.peer, admitted.origin.as_ref(), None, fault);
        }
    }
}
