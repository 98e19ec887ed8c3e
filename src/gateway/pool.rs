// SPDX-License-Identifier: MIT
//! The sessions behind modern clients, who know of none.
//!
//! A *lane* leads to the server's modern backend; it only counts what is under way. Legacy servers
//! need a handshake, and tailor what they offer to what the client can do: so their sessions are
//! kept in pools of one principal and one set of capabilities each.

use std::time::Duration;

use super::Gateway;
use super::backend::{Backend, Link};
use super::call::{Call, CallFor};
use super::exchange::Exchange;
use super::exchange::modern::ModernFacts;
use super::exchange::open::Incoming;
use super::fault::Fault;
use super::session::{NewSession, Pool, Session, SessionKind};
use super::shared::level;
use super::snapshot::{ServerId, Transport};
use crate::base::{Key, Message, Span};
use crate::mcp::meta::ClientCapabilities;
use crate::mcp::method::Method;
use crate::mcp::{Era, LogLevel, legacy, modern, revision};
use crate::policy::auth::Principal;
use crate::wire::Splice;
use crate::wire::json::{edit, scan};
use crate::wire::jsonrpc::Envelope;

/// A pooled session with a child of its own leaves after so long without a request.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(600);

impl Gateway {
    /// The way of a principal to the modern backend of a server.
    pub(crate) fn lane(
        &mut self,
        (server, principal): (ServerId, Principal),
        backend: Key<Backend>,
    ) -> Result<Key<Session>, Fault> {
        let pool = Pool { server, principal, capabilities: None };
        let leads_there = |gateway: &Self, key: &Key<Session>| {
            gateway.sessions.get(*key).is_some_and(|session| session.backend == backend)
        };
        let found = self.sessions.pooled(&pool).iter().copied().find(|key| leads_there(self, key));
        if let Some(key) = found {
            self.touch(key);
            return Ok(key);
        }
        self.make_room_for_session()?;
        Ok(self.new_pooled(pool, backend))
    }

    /// A session with the legacy server, opened with what this client can do and nothing more.
    ///
    /// Spec: the gateway's translation of MCP 2026-07-28 to servers with a handshake.
    pub(crate) fn pooled_session(
        &mut self,
        (server, principal): (ServerId, Principal),
        one: &Incoming,
        facts: &ModernFacts,
    ) -> Result<Key<Session>, Fault> {
        let whole = Span::new(0, facts.capabilities.len());
        let can = ClientCapabilities::of(&facts.capabilities, whole);
        let is_shared = self.server(server).shared;
        let may_speak = self.may_speak_to(server, principal);
        let asks = can.any_input() && !is_shared && may_speak;
        let capabilities = match asks {
            true => edit::without_member(&facts.capabilities, whole, "extensions"),
            false => b"{}".to_vec(),
        };
        let pool = Pool { server, principal, capabilities: Some(capabilities.clone().into()) };
        let is_alone = asks && one.method.may_ask_for_input() && self.needs_own_child(server);
        let found = self.free_session(&pool, is_alone);
        if let Some(key) = found.or_else(|| self.shortest_queue(&pool)) {
            self.touch(key);
            return Ok(key);
        }
        self.make_room_for_session()?;
        let ready = if asks { None } else { self.claimable(server) };
        let hello = |id| {
            let info = facts.client_info.as_deref().filter(|_| may_speak);
            modern::initialize_for(id, info, &capabilities, revision::newest())
        };
        let backend = match ready {
            Some(key) => key,
            None => self.start_backend_with(server, hello)?,
        };
        let key = self.new_pooled(pool, backend);
        self.listen_for_pool(key);
        if let Some(session) = self.sessions.get_mut(key).filter(|_| asks) {
            // A lost HTTP session is opened again with the same capabilities.
            session.hello = Some(hello(1).into());
        }
        Ok(key)
    }

    /// Starts a backend and opens it with what a modern client said about itself.
    fn start_backend_with(
        &mut self,
        server: ServerId,
        hello: impl FnOnce(u64) -> Message,
    ) -> Result<Key<Backend>, Fault> {
        let key = self.start_backend(server)?;
        if let Some(backend) = self.backends.get_mut(key) {
            backend.opened_by_client = false;
        }
        let whom = CallFor::Handshake;
        self.call_ourselves(key, whom, Method::Initialize, "initialize", |id| hello(id).into());
        Ok(key)
    }

    fn new_pooled(&mut self, pool: Pool, backend: Key<Backend>) -> Key<Session> {
        self.new_session(NewSession {
            server: pool.server,
            principal: pool.principal,
            revision: revision::newest(),
            backend,
            kind: SessionKind::Pooled(pool),
            client: None,
            opened_by_gateway: true,
            hello: None,
            unified: None,
        })
    }

    /// A session of the pool; an idle one if what it asks must not be taken for another's.
    fn free_session(&self, pool: &Pool, alone: bool) -> Option<Key<Session>> {
        let fits = |key: &&Key<Session>| !alone || self.is_free(**key);
        self.sessions.pooled(pool).iter().find(fits).copied()
    }

    /// Whether a call runs at the backend that a session has for itself, whosever it is: clients of
    /// several servers wait in sessions of their own.
    pub(super) fn is_at_work(&self, key: Key<Session>, session: &Session) -> bool {
        let is_own = |backend: &Backend| backend.owner == super::backend::Owner::Session(key);
        let runs = |call: &Call| {
            let is_for_client = matches!(call.whom, CallFor::Exchange(_) | CallFor::Job(_));
            is_for_client && !call.cancelled && call.method != Method::Listen
        };
        self.backends.get(session.backend).is_some_and(is_own)
            && self.calls.of(session.backend).any(|(_, call)| runs(call))
    }

    /// Whether the requests of the server would not say which call they belong to.
    fn needs_own_child(&self, server: ServerId) -> bool {
        matches!(self.server(server).transport, Transport::Stdio(_))
    }

    /// Whether a session serves modern clients.
    pub(crate) fn is_of_pool(&self, key: Key<Session>) -> bool {
        self.sessions.get(key).is_some_and(|session| session.era() == Era::Modern)
    }

    /// A legacy backend says something that was not asked for; behind its session are modern
    /// clients, who hear what they listen to, and what belongs to a request of theirs.
    pub(crate) fn said_to_pool(
        &mut self,
        session: Key<Session>,
        method: Method,
        via: Option<Key<Call>>,
        message: &Message,
        envelope: &Envelope,
    ) {
        let Some((backend, _)) = self.backend_of(session) else { return };
        if matches!(method, Method::ListChanged | Method::ResourceUpdated) {
            return self.tell_listeners(backend, message, envelope);
        }
        let Some(key) = via.or_else(|| self.only_call_of(backend)) else { return };
        if self.calls.get(key).is_some_and(|call| call.whom == CallFor::Parked) {
            return self.keep_for_retry(key, message);
        }
        let Some(CallFor::Exchange(exchange)) = self.calls.get(key).map(|call| call.whom.clone())
        else {
            return;
        };
        if method == Method::LogMessage && !self.wants_log_of(exchange, message, envelope) {
            return;
        }
        self.relay(session, Some(key), Splice::whole(message.clone()), None);
    }

    /// Whether the client of an exchange wants this log message: a modern one only if it said so.
    pub(crate) fn wants_log_of(
        &self,
        exchange: Key<Exchange>,
        message: &Message,
        envelope: &Envelope,
    ) -> bool {
        let span = envelope.params.and_then(|span| scan::member(message, span, "level"));
        let level = span.and_then(|span| level(message, span));
        match self.exchanges.get(exchange) {
            Some(Exchange::AwaitResponse(sent)) => match &sent.modern {
                Some(facts) => {
                    facts.log_level.is_some_and(|least| level.is_none_or(|level| level >= least))
                }
                None => {
                    let least = self.sessions.get(sent.session).and_then(|s| s.log_level);
                    least.is_none_or(|least| level.is_none_or(|level| level >= least))
                }
            },
            _ => false,
        }
    }

    /// A request wants log messages: the legacy backend logs for whoever wants most.
    pub(crate) fn want_log_level(&mut self, key: Key<Session>, wanted: Option<LogLevel>) {
        let Some(wanted) = wanted else { return };
        let Some(session) = self.sessions.get_mut(key) else { return };
        if session.log_level.is_some_and(|level| level <= wanted) {
            return;
        }
        session.log_level = Some(wanted);
        let backend = session.backend;
        // Others at a shared backend may want more than this one.
        let of_others = self
            .sessions
            .iter()
            .filter(|(other, session)| *other != key && session.backend == backend);
        let least = of_others.filter_map(|(_, session)| session.log_level).min();
        if least.is_some_and(|least| least <= wanted) || !self.has_logging(backend) {
            return;
        }
        self.call_ourselves(backend, CallFor::Nobody, Method::SetLevel, "logging/setLevel", |id| {
            legacy::set_level_request(id, wanted.name()).into()
        });
    }

    /// Whether a legacy backend logs; until it has said so, perhaps.
    fn has_logging(&self, backend: Key<Backend>) -> bool {
        let Some(backend) = self.backends.get(backend) else { return false };
        let Some(handshake) = &backend.handshake else { return true };
        let whole = Span::new(0, handshake.result.len());
        scan::member(&handshake.result, whole, "capabilities")
            .is_some_and(|span| scan::member(&handshake.result, span, "logging").is_some())
    }

    fn touch(&mut self, key: Key<Session>) {
        let now = self.now.mono;
        if let Some(session) = self.sessions.get_mut(key) {
            session.used_at = now;
        }
    }

    /// Whether a backend has an HTTP answer per call, on which its requests come.
    pub(crate) fn has_streams(&self, key: Key<Backend>) -> bool {
        self.backends.get(key).is_some_and(|backend| matches!(backend.link, Link::Http(_)))
    }
}
