// SPDX-License-Identifier: MIT
//! `subscriptions/listen` across the eras.
//!
//! A modern client of a legacy server is told by the gateway what that server says to everybody; it
//! is subscribed below to a resource for as long as any listener wants it. A legacy client of a
//! modern server has one subscription below, which is opened anew whenever it wants something else:
//! that half is in `below`.
//!
//! Spec: MCP 2026-07-28, basic/subscriptions.

use std::time::Duration;

use super::Gateway;
use super::backend::{Backend, Owner};
use super::call::{Call, CallFor};
use super::exchange::Exchange;
use super::session::{Pool, Session};
use crate::base::{Key, Message, Span};
use crate::mcp::answer;
use crate::mcp::method::Method;
use crate::mcp::subscription::{Filter, listen_result};
use crate::wire::json::scan;
use crate::wire::jsonrpc::{self, Envelope, Parsed};

pub mod below;

/// Nobody waits for the answer to `subscriptions/listen`: about ten years.
pub(crate) const LISTEN_FOR: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What a modern client listens to here.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The id of its request, as it is spelled.
    pub id: Message,
    /// What it is told of.
    pub filter: Filter,
}

impl Gateway {
    /// The legacy backend of a listener is open: says what is honoured, and begins.
    pub(crate) fn begin_listening(&mut self, backend: Key<Backend>, key: Key<Call>) {
        let Some(call) = self.calls.get_mut(key) else { return };
        call.deadline = self.now.mono + LISTEN_FOR;
        let (request, id) = (call.request.to_message(), call.id.clone());
        let CallFor::Exchange(exchange) = call.whom else { return };
        let Ok(Parsed::Single(envelope)) = jsonrpc::parse(&request, self.limits()) else { return };
        let wanted = Filter::read(&request, envelope.params);
        let Some(handshake) = self.backends.get(backend).and_then(|one| one.handshake.as_ref())
        else {
            return;
        };
        let whole = Span::new(0, handshake.result.len());
        let can = scan::member(&handshake.result, whole, "capabilities");
        let filter = wanted.honoured(&handshake.result, can);
        let Some(session) = self.session_of(exchange) else { return };
        if !self.part_acknowledged(exchange, &filter) {
            let Some(number) = self.stream_of_exchange(exchange) else { return };
            self.send_on_stream(session, number, filter.acknowledgement(&id).into());
        }
        for session in self.mates_of(session) {
            for uri in &filter.uris {
                self.want_resource(session, uri);
            }
        }
        if let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get_mut(exchange)
            && let Some(facts) = &mut sent.modern
        {
            facts.listener = Some(Listener { id, filter });
        }
        if let Some(session) = self.sessions.get_mut(session) {
            session.n_listening += 1;
        }
        self.listen_at(backend);
    }

    /// The pool that a legacy backend serves. All its backends are one to the clients of the pool:
    /// what one of them says to everybody is for them all.
    fn pool_of(&self, backend: Key<Backend>) -> Option<&Pool> {
        match self.backends.get(backend)?.owner {
            Owner::Session(session) => self.sessions.get(session)?.pool(),
            Owner::Nobody | Owner::Shared => None,
        }
    }

    /// The sessions of the same pool, or the session alone.
    fn mates_of(&self, key: Key<Session>) -> Vec<Key<Session>> {
        match self.sessions.get(key).and_then(Session::pool) {
            Some(pool) => self.sessions.pooled(pool).to_vec(),
            None => vec![key],
        }
    }

    /// A session joins its pool: it is to hear what the listeners there want to hear.
    pub(crate) fn listen_for_pool(&mut self, key: Key<Session>) {
        let mates = self.mates_of(key).into_iter().filter(|mate| *mate != key);
        let wanted = mates.filter_map(|mate| self.sessions.get(mate)).flat_map(|session| {
            session.subscribed.iter().filter(|_| session.n_listening > 0).cloned()
        });
        let mut wanted: Vec<_> = wanted.collect();
        wanted.sort_unstable();
        wanted.dedup();
        if let Some(session) = self.sessions.get_mut(key) {
            session.subscribed = wanted;
        }
    }

    fn want_resource(&mut self, key: Key<Session>, uri: &str) {
        let Some((backend, _)) = self.backend_of(key) else { return };
        if !self.is_subscribed(backend, uri) {
            self.ask_for_resource(backend, Method::Subscribe, uri);
        }
        self.subscribe(key, uri);
    }

    /// An exchange that listened here is over: what nobody else wants is not sent any more.
    pub(crate) fn forget_listener(&mut self, exchange: Key<Exchange>) {
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get_mut(exchange) else { return };
        let key = sent.session;
        let taken = sent.modern.as_mut().and_then(|facts| facts.listener.take());
        let Some(listener) = taken else { return };
        let Some(session) = self.sessions.get_mut(key) else { return };
        session.n_listening = session.n_listening.saturating_sub(1);
        let backend = session.backend;
        for uri in &listener.filter.uris {
            if self.listeners_of(backend).any(|(_, _, other)| other.filter.uris.contains(uri)) {
                continue;
            }
            for mate in self.mates_of(key) {
                let Some(session) = self.sessions.get_mut(mate) else { continue };
                session.subscribed.retain(|own| own != uri);
                let backend = session.backend;
                self.unsubscribe_all(backend, std::slice::from_ref(uri));
            }
        }
        self.stop_listening_below(backend);
    }

    fn listeners_of(
        &self,
        backend: Key<Backend>,
    ) -> impl Iterator<Item = (Key<Session>, u32, &Listener)> {
        let pool = self.pool_of(backend);
        let of = move |session: Key<Session>| {
            self.sessions.get(session).is_some_and(|session| {
                session.backend == backend || pool.is_some() && session.pool() == pool
            })
        };
        self.exchanges.iter().filter_map(move |(key, exchange)| {
            let Exchange::AwaitResponse(sent) = exchange else { return None };
            let listener = sent.modern.as_ref()?.listener.as_ref()?;
            let (session, stream) = self.stream_above(key)?;
            of(sent.session).then_some((session, stream, listener))
        })
    }

    /// A legacy backend says what concerns everybody: each listener that wants it gets it tagged.
    pub(crate) fn tell_listeners(
        &mut self,
        backend: Key<Backend>,
        message: &Message,
        envelope: &Envelope,
    ) {
        let Some(method) = envelope.method.and_then(|span| scan::string(message, span)) else {
            return;
        };
        let uri = envelope.uri.and_then(|span| scan::string(message, span));
        let mut told = Vec::new();
        for (session, stream, listener) in self.listeners_of(backend) {
            if listener.filter.wants(&method, uri.as_deref()) {
                told.push((session, stream, answer::tag(message, envelope, &listener.id)));
            }
        }
        for (session, stream, tagged) in told {
            self.send_on_stream(session, stream, tagged.into());
        }
    }

    /// Whether an exchange is a modern client's subscription.
    pub(crate) fn listens(&self, exchange: Key<Exchange>) -> bool {
        match self.exchanges.get(exchange) {
            Some(Exchange::AwaitResponse(sent)) => {
                sent.modern.as_ref().is_some_and(|facts| facts.listens)
            }
            _ => false,
        }
    }

    /// Ends all subscriptions in good order: the gateway is about to leave.
    pub(crate) fn finish_listeners(&mut self) {
        let listens = |exchange: &Exchange| match exchange {
            Exchange::AwaitResponse(sent) => {
                sent.modern.as_ref().is_some_and(|facts| facts.listens) && sent.part_of.is_none()
            }
            _ => false,
        };
        let all = self.exchanges.iter().filter(|(_, exchange)| listens(exchange));
        for exchange in all.map(|(key, _)| key).collect::<Vec<_>>() {
            self.finish_listener(exchange);
        }
    }

    /// Ends one subscription in good order, whoever serves it.
    pub(crate) fn finish_listener(&mut self, exchange: Key<Exchange>) {
        if self.finish_listening_fan(exchange) {
            return;
        }
        let Some(key) = self.call_of(exchange) else { return };
        let Some(call) = self.calls.get(key) else { return };
        let (id, fetch) = (call.id.clone(), call.fetch);
        self.tell_cancelled(key, "the gateway is leaving");
        if let Some(fetch) = fetch {
            self.cancel_fetch(fetch);
        }
        self.calls.remove(key);
        self.forget_listener(exchange);
        self.deliver(exchange, listen_result(&id).into());
    }
}
