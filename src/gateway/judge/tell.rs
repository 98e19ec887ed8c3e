// SPDX-License-Identifier: MIT
//! What an agent tells a watched server without calling anything: notifications, answers to its
//! questions, lists that are asked for.
//!
//! Nobody labels such messages, so they are writes to the server as a whole. Who may not write
//! there says nothing there but what the protocol needs, in the gateway's own words.

use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::exchange::open::Incoming;
use crate::gateway::session::Session;
use crate::gateway::snapshot::{ServerId, WatchKind};
use crate::mcp::Era;
use crate::mcp::method::Method;
use crate::mcp::subscription::Filter;
use crate::policy::auth::Principal;
use crate::policy::guard::monitor;
use crate::policy::guard::{Labels, Mode, Operation, write_sink};
use crate::wire::json::{scan, write};

impl Gateway {
    /// Whether the client of a session may say whatever it likes to its server.
    pub(crate) fn may_tell(&self, session: Key<Session>) -> bool {
        if !self.snapshot.guards.is_enabled {
            return true;
        }
        let Some(session) = self.sessions.get(session) else { return true };
        self.may_tell_server(session.server, session.principal)
    }

    fn may_tell_server(&self, server: ServerId, who: Principal) -> bool {
        let watch =
            self.snapshot.servers.get(usize::from(server.0)).map(|one| one.watch.as_deref());
        let Some(watch) = watch.flatten() else { return true };
        let labels = match &watch.kind {
            WatchKind::Noop => Labels::NONE,
            WatchKind::WriteSink(sink) => write_sink::label("", sink).object.labels,
            // Its guard labels calls, and this is none.
            WatchKind::GitHub | WatchKind::Wasm { .. } => return false,
        };
        let agent = self.labels_of(who);
        let decision = monitor::decide(&agent, &labels, Operation::Write, Mode::Strict);
        watch.shadow || decision.denied().is_none()
    }

    /// A notification as it may be told; `None`: not at all.
    pub(crate) fn as_it_may_be_told(
        &self,
        session: Key<Session>,
        one: &Incoming,
    ) -> Option<Incoming> {
        let name = match one.method {
            Method::Initialized => "notifications/initialized",
            Method::RootsListChanged => "notifications/roots/list_changed",
            _ => return None,
        };
        debug_assert!(!self.may_tell(session));
        let mut out = Vec::new();
        write::object(&mut out, |out| {
            out.str("jsonrpc", "2.0").str("method", name);
        });
        self.read_again(Message::new(out))
    }

    /// Whether a request that is not judged says more than it may: then it is refused.
    pub(super) fn tells_too_much(&self, session: Key<Session>, one: &Incoming) -> bool {
        let Some(found) = self.sessions.get(session) else { return false };
        if self.is_guarded(found.server) {
            // What is subscribed to is judged where it is asked for one by one.
            return one.method == Method::Listen && names_resources(one);
        }
        if matches!(one.method, Method::Initialize | Method::Ping) || self.may_tell(session) {
            return false;
        }
        let is_known = |name: &str| name == "_meta" && found.era() == Era::Modern;
        let Some(params) = one.envelope.params else { return false };
        scan::members(&one.message, params)
            .any(|(name, _)| scan::string(&one.message, name).is_none_or(|name| !is_known(&name)))
    }
}

/// Whether a subscription is for resources, and not for lists alone.
fn names_resources(one: &Incoming) -> bool {
    !Filter::read(&one.message, one.envelope.params).uris.is_empty()
}
