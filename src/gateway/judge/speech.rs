// SPDX-License-Identifier: MIT
//! What clients tell servers beside their calls: free words, which whoever carries a secret may not
//! say where it may not go.
//!
//! | message | what is left of it |
//! |---|---|
//! | initialized | the notice |
//! | a cancellation | the id |
//! | any other notification | nothing |
//! | an answer to the server | nothing; the server is told |
//! | a list or a subscription with parameters | nothing; the client is told |
//! | who the client is, and what it can do | the gateway's own name |

use super::deny::Denial;
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::exchange::open::Incoming;
use crate::gateway::session::{Asked, Session};
use crate::gateway::snapshot::{ServerId, WatchKind};
use crate::mcp::method::Method;
use crate::mcp::subscription::Filter;
use crate::mcp::{Era, legacy};
use crate::policy::auth::Principal;
use crate::policy::guard::monitor::Check;
use crate::policy::guard::{Label, write_sink};
use crate::wire::json::scan;

/// What a server is told whose client may not answer.
pub(crate) const SILENCED: &str = "its client carries secrets that may not go there";

impl Gateway {
    /// Whether the client of this session may tell its server what it likes.
    pub(crate) fn may_speak(&self, session: Key<Session>) -> bool {
        let Some(session) = self.sessions.get(session) else { return true };
        self.may_speak_to(session.server, session.principal)
    }

    /// Whether somebody may tell a server what they like, their own name included: nothing that
    /// they carry is more secret than the server.
    pub(crate) fn may_speak_to(&self, server: ServerId, who: Principal) -> bool {
        if !self.snapshot.guards.is_enabled {
            return true;
        }
        let Some(watch) = self.watch_of(server).filter(|watch| !watch.shadow) else {
            return true;
        };
        let accepted = match &watch.kind {
            WatchKind::WriteSink(sink) => write_sink::label("", sink).object.labels.secrecy,
            _ => Label::EMPTY,
        };
        self.labels_of(who).secrecy.flows_into(&accepted)
    }

    /// What is left of a notification of a client that may not speak freely.
    pub(crate) fn without_words(&self, one: &Incoming) -> Option<Incoming> {
        let bare = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        match one.method {
            Method::Initialized => self.read_again(Message::fixed(bare)),
            _ => None,
        }
    }

    /// Whether a client's answer to what its server has asked does not go there; that is told.
    pub(crate) fn is_silenced(
        &mut self,
        session: Key<Session>,
        to: &Asked,
        one: &Incoming,
    ) -> bool {
        let behind = to.behind.as_ref();
        let (session, id) = behind.map_or((session, &to.id), |(member, id)| (*member, id));
        let Some((backend, _)) = self.backend_of(session) else { return false };
        // What a modern server has asked is part of a call, which is judged again.
        if self.era_of(backend) == Era::Modern || self.may_speak(session) {
            return false;
        }
        let says_nothing = one.envelope.result.is_some_and(|span| span.of(&one.message) == b"{}");
        match says_nothing {
            true => self.answer_below(backend, legacy::empty_response(id)),
            false => self.refuse_asked(backend, id, SILENCED),
        }
        true
    }

    /// Why a request that no guard judges is not made: its parameters are words of the client.
    pub(super) fn speaks_freely(&self, session: Key<Session>, one: &Incoming) -> Option<Denial> {
        let names = match one.method {
            // A guarded server's own words come back to it.
            _ if self.is_guarded(self.sessions.get(session)?.server) => {
                one.method == Method::Listen
                    && !Filter::read(&one.message, one.envelope.params).uris.is_empty()
            }
            _ => one
                .envelope
                .params
                .is_some_and(|span| scan::members(&one.message, span).next().is_some()),
        };
        if !names || self.may_speak(session) {
            return None;
        }
        let reason = "The agent carries secrets that its words may not take to this server.";
        let allowed = "the same request without parameters";
        Some(Denial::new(Check::WriteSecrecy.rule(), reason, allowed))
    }
}
