// SPDX-License-Identifier: MIT
//! Calls at servers that are watched: labelled before they are made, and their answers before they
//! are shown.
//!
//! ```text
//! request ─> label ─> monitor ─┬─ denied ──────────────────────────────────> refusal
//!             ^                └─> backend ─> answer ─> label ─> monitor ──> what is left of it
//!             └ may ask the backend itself, any number of times up to a bound
//! ```
//!
//! A judgement is held by a call: at first by one that is never sent, then by the one that is, then
//! again by one that stands for the answer. So clients cancel it, deadlines end it and exchanges
//! count it as they do with every call; when nobody holds it any more, it is over.

use std::sync::Arc;
use std::time::Instant;

use super::Gateway;
use super::call::{Call, CallFor};
use super::exchange::Exchange;
use super::fetch::FetchFor;
use super::session::Session;
use super::snapshot::{ServerId, Watch, WatchKind};
use crate::base::{Key, Message};
use crate::mcp::method::Method;
use crate::policy::auth::Principal;
use crate::policy::guard::budget::Ticket;
use crate::policy::guard::{Labelled, Mode};
use crate::wire::jsonrpc::Envelope;
use needs::{Asked, Needs};
use piece::{Asking, Piece};

pub mod answer;
pub mod ask;
pub mod begin;
pub mod budgets;
pub mod deny;
pub mod glance;
pub mod guards;
pub mod identity;
pub mod listed;
pub mod needs;
pub mod origins;
pub mod piece;
pub mod quiet;
pub mod reach;
pub mod reads;
pub mod speech;
pub mod turn;
pub mod verdict;

pub use deny::Denial;
pub use guards::Guards;

/// One call at a watched server, from its request to its answer.
#[derive(Debug)]
pub struct Judging {
    /// The call that stands for it.
    pub holder: Key<Call>,
    /// Who wants the answer.
    pub exchange: Key<Exchange>,
    /// At which backend session.
    pub session: Key<Session>,
    /// What is watched.
    pub server: ServerId,
    /// Who asks.
    pub who: Principal,
    /// What is asked, in the words of its client.
    pub request: Message,
    /// The tool, or the method if it is no tool.
    pub tool: Arc<str>,
    /// Its arguments as JSON, `null` if there are none.
    pub args: Message,
    /// What the guard says of the call.
    pub labelled: Option<Labelled>,
    /// The answer that is being labelled.
    pub held: Option<Held>,
    /// What the guard is asked when it is this one's turn.
    pub asking: Option<Asking>,
    /// What goes on when an answer is there that the guard needs.
    pub piece: Option<Box<Piece>>,
    /// What it takes of budgets.
    pub ticket: Option<Ticket>,
    /// What the guard asks.
    pub needs: Needs,
    /// When patience with the guard ends.
    pub deadline: Instant,
    /// When the time of a budget is used up.
    pub until: Option<Instant>,
}

/// An answer that nobody has seen yet.
#[derive(Debug)]
pub struct Held {
    /// The answer.
    pub message: Message,
    /// Its places.
    pub envelope: Envelope,
}

/// What watching means for a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It shows nothing that somebody else has written.
    Free,
    /// It is judged like a call of a tool.
    Judged,
    /// No guard could judge it.
    Refused,
}

/// Every method has its row: what is not known to be harmless is refused.
const fn standing(method: Method) -> Standing {
    match method {
        Method::Initialize
        | Method::Ping
        | Method::Discover
        | Method::Listen
        | Method::ToolsList
        | Method::PromptsList
        | Method::TemplatesList
        | Method::SetLevel => Standing::Free,
        Method::ToolsCall
        | Method::PromptsGet
        | Method::ResourcesList
        | Method::ResourcesRead
        | Method::Subscribe
        | Method::Unsubscribe
        | Method::Complete => Standing::Judged,
        _ => Standing::Refused,
    }
}

impl Gateway {
    /// What watches over a server; `None`: nothing, and none of its calls is looked into.
    pub(crate) fn watch_of(&self, server: ServerId) -> Option<Arc<Watch>> {
        self.snapshot.servers.get(usize::from(server.0))?.watch.clone()
    }

    /// Whether calls of this server are judged or counted.
    pub(crate) fn is_looked_into(&self, server: ServerId) -> bool {
        !self.budgets.is_idle() || self.watch_of(server).is_some()
    }

    /// Whether a guard with a judgement of its own labels what this server says.
    pub(crate) fn is_guarded(&self, server: ServerId) -> bool {
        let watch =
            self.snapshot.servers.get(usize::from(server.0)).map(|one| one.watch.as_deref());
        let kind = watch.flatten().map(|watch| &watch.kind);
        matches!(kind, Some(WatchKind::GitHub | WatchKind::Wasm { .. }))
    }

    /// What happens where labels do not fit: what the operator says, else the guard, else what
    /// holds for all.
    pub(super) fn guard_mode(&self, server: ServerId, watch: &Watch) -> Mode {
        let all = &self.snapshot.guards;
        let own = self.guards.mode_of(server);
        match watch.mode {
            Some(mode) => mode,
            None if all.mode_is_set => all.mode,
            None => own.unwrap_or(all.mode),
        }
    }

    /// The call holds a judgement from now on, and no other one does.
    pub(crate) fn hold_judgement(&mut self, holder: Key<Call>, judging: Option<Key<Judging>>) {
        let Some(judging) = judging else { return };
        if let Some(call) = self.calls.get_mut(holder) {
            call.watched = Some(judging);
        }
        if let Some(judging) = self.judgings.get_mut(judging) {
            judging.holder = holder;
        }
    }

    /// Calls are over that held a judgement: unless another one holds it now, it is over too.
    pub(crate) fn end_judgements(&mut self) {
        if !self.calls.has_let_go() {
            return;
        }
        for (call, judging) in self.calls.take_let_go() {
            let is_its = |one: &Judging| one.holder == call;
            if self.judgings.get(judging).is_some_and(is_its) {
                self.end_judgement(judging);
            }
        }
    }

    fn end_judgement(&mut self, key: Key<Judging>) {
        let Some(judging) = self.take_judging(key) else { return };
        if let Some(piece) = judging.piece {
            self.take_back(judging.server, piece.into_running());
        }
        if let Some(asked) = judging.needs.asked {
            self.stop_asking(key, asked);
        }
    }

    /// What has to hold between any two inputs.
    pub(crate) fn check_judgements(&self) {
        for (key, judging) in self.judgings.iter() {
            let holds = |call: &Call| call.watched == Some(key) && !call.cancelled;
            assert!(self.calls.get(judging.holder).is_some_and(holds), "nobody holds a judgement");
        }
        assert!(self.judgings.len() <= self.limits().guard_jobs_max);
        let asked = |key| self.judgings.get(key).and_then(|judging: &Judging| judging.needs.asked);
        for (at, call) in self.calls.iter() {
            if let CallFor::Guard(key) = call.whom
                && !call.cancelled
            {
                assert_eq!(asked(key), Some(Asked::Server(at)), "a guard asks without knowing it");
            }
        }
        for (at, fetch) in self.fetches.iter() {
            if let FetchFor::Guard(question) = &fetch.whom {
                assert_eq!(asked(question.judging), Some(Asked::Forge(at)));
            }
        }
    }
}
