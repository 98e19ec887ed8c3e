// SPDX-License-Identifier: MIT
//! What a legacy session hears of a modern server: one subscription below, for all that its client
//! could hear without asking, and for the resources that it subscribed to.
//!
//! What a subscription is for is fixed when it is made. So a new one is opened with all that is
//! wanted, and the old one ends when the new one is acknowledged: nothing falls between them.

use std::time::{Duration, Instant};

use super::LISTEN_FOR;
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::backend::{Backend, State};
use crate::gateway::call::{Call, CallFor};
use crate::gateway::exchange::Exchange;
use crate::gateway::exchange::open::Incoming;
use crate::gateway::fault::Fault;
use crate::gateway::fault::modern::ModernFault;
use crate::gateway::session::Session;
use crate::mcp::method::Method;
use crate::mcp::subscription::Filter;
use crate::mcp::{Era, answer, legacy};
use crate::wire::json::scan;
use crate::wire::jsonrpc::Envelope;

/// From the end of a subscription to the next one.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The subscription of a legacy session at a modern backend.
#[derive(Debug, Default)]
pub struct Below {
    /// What the newest one is for.
    filter: Filter,
    /// The one that is heard.
    current: Option<Key<Call>>,
    /// The one that replaces it when it is acknowledged.
    next: Option<Key<Call>>,
    /// `resources/subscribe` of the client that wait for the acknowledgement, never sent below.
    asked: Vec<(Key<Call>, Box<str>)>,
    /// When to subscribe again after the server has ended it.
    again_at: Option<Instant>,
}

impl Gateway {
    /// A legacy client subscribes to a resource of a modern server, or not any more. `false`: the
    /// request names none.
    pub(crate) fn subscribe_below(
        &mut self,
        exchange: Key<Exchange>,
        key: Key<Session>,
        one: &Incoming,
    ) -> bool {
        let Some(uri) = one.envelope.uri.and_then(|span| scan::string(&one.message, span)) else {
            return false;
        };
        let uri: Box<str> = uri.into();
        if one.method == Method::Unsubscribe {
            if let Some(session) = self.sessions.get_mut(key) {
                session.subscribed.retain(|own| *own != uri);
            }
            self.refresh_below(key);
            let answer = legacy::empty_response(one.id().unwrap_or(b"null"));
            self.deliver(exchange, answer.into());
            return true;
        }
        let Some(call) = self.call_never_sent(exchange, key, one) else { return false };
        self.subscribe(key, &uri);
        if let Some(session) = self.sessions.get_mut(key) {
            session.below.get_or_insert_default().asked.push((call, uri));
        }
        self.refresh_below(key);
        true
    }

    /// Opens the subscription that the session needs now, if it needs one.
    pub(crate) fn refresh_below(&mut self, key: Key<Session>) {
        let Some(session) = self.sessions.get(key) else { return };
        // A member of a unified session has no stream of its own.
        let listens = self.with_streams(session).listener().is_some();
        let backend = session.backend;
        let uris = session.subscribed.clone();
        if session.era() != Era::Legacy || self.era_of(backend) != Era::Modern {
            return;
        }
        if !listens && uris.is_empty() {
            self.drop_below(key, |below| below.next.take());
            return self.drop_below(key, |below| below.current.take());
        }
        let Some(discovery) = self.backends.get(backend).and_then(|one| one.discovery.as_ref())
        else {
            return;
        };
        let all = Filter { tools: listens, prompts: listens, resources: listens, uris };
        let filter = all.honoured(&discovery.result, Some(discovery.capabilities));
        if filter.is_empty() {
            return self.acknowledged(key, None, &filter);
        }
        let has_it =
            |below: &Below| below.filter == filter && (below.next.or(below.current)).is_some();
        if self.sessions.get(key).and_then(|s| s.below.as_deref()).is_some_and(has_it) {
            return self.answer_what_waits(key);
        }
        self.drop_below(key, |below| below.next.take());
        let whom = CallFor::Listening(key);
        let call =
            self.call_ourselves(backend, whom, Method::Listen, "subscriptions/listen", |id| {
                filter.request(id).into()
            });
        if let (Some(call), Some(session)) = (call, self.sessions.get_mut(key)) {
            let below = session.below.get_or_insert_default();
            below.next = Some(call);
            below.filter = filter;
        }
    }

    /// What a client asks for again is there already, unless its subscription is on its way.
    fn answer_what_waits(&mut self, key: Key<Session>) {
        let below = self.sessions.get_mut(key).and_then(|session| session.below.as_deref_mut());
        let Some(below) = below.filter(|below| below.next.is_none()) else { return };
        let (honoured, asked) = (below.filter.clone(), std::mem::take(&mut below.asked));
        for (call, uri) in asked {
            self.answer_subscribe(key, call, &uri, &honoured);
        }
    }

    /// Ends one of the session's subscriptions.
    fn drop_below(
        &mut self,
        key: Key<Session>,
        which: impl FnOnce(&mut Below) -> Option<Key<Call>>,
    ) {
        let below = self.sessions.get_mut(key).and_then(|session| session.below.as_deref_mut());
        if let Some(call) = below.and_then(which) {
            self.cancel_call(call, "replaced");
        }
    }

    /// The session ends: so do its subscriptions.
    pub(crate) fn leave_below(&mut self, below: &Below) {
        for call in [below.current, below.next].into_iter().flatten() {
            self.cancel_call(call, "its session has ended");
        }
    }

    /// A message of a subscription.
    pub(crate) fn heard_below(
        &mut self,
        key: Key<Session>,
        call: Key<Call>,
        method: Method,
        message: &Message,
        envelope: &Envelope,
    ) {
        if method == Method::Acknowledged {
            let honoured = Filter::read(message, envelope.params);
            return self.acknowledged(key, Some(call), &honoured);
        }
        let is_current = self
            .sessions
            .get(key)
            .and_then(|session| session.below.as_ref())
            .is_some_and(|below| below.current == Some(call));
        if is_current
            && matches!(method, Method::ListChanged | Method::ResourceUpdated)
            && !self.is_for_unified(key, method, message, envelope)
        {
            self.relay(key, None, answer::untag(message, envelope).into(), None);
        }
    }

    /// The server has said what it honours: the subscription before is not needed any more.
    fn acknowledged(&mut self, key: Key<Session>, call: Option<Key<Call>>, honoured: &Filter) {
        let forever = self.now.mono + LISTEN_FOR;
        let Some(below) = self.sessions.get_mut(key).and_then(|s| s.below.as_deref_mut()) else {
            return;
        };
        if call.is_some() && below.next != call {
            return;
        }
        let old = std::mem::replace(&mut below.current, below.next.take());
        let asked = std::mem::take(&mut below.asked);
        if let Some(call) = call.and_then(|call| self.calls.get_mut(call)) {
            call.deadline = forever;
        }
        if let Some(old) = old {
            self.cancel_call(old, "replaced");
        }
        for (call, uri) in asked {
            self.answer_subscribe(key, call, &uri, honoured);
        }
    }

    fn answer_subscribe(
        &mut self,
        key: Key<Session>,
        call: Key<Call>,
        uri: &str,
        honoured: &Filter,
    ) {
        let Some(call) = self.calls.remove(call) else { return };
        let CallFor::Exchange(exchange) = call.whom else { return };
        if honoured.uris.iter().any(|own| **own == *uri) {
            return self.deliver(exchange, legacy::empty_response(&call.id).into());
        }
        if let Some(session) = self.sessions.get_mut(key) {
            session.subscribed.retain(|own| **own != *uri);
        }
        let text = format!("the server did not take a subscription to {uri}");
        let fault: Fault = ModernFault::Params(text).into();
        self.deliver(exchange, fault.message(Some(&call.id)).into());
    }

    /// The server, or its end, has ended a subscription: another one follows after a while.
    pub(crate) fn below_ended(&mut self, key: Key<Session>) {
        let at = self.now.mono + AGAIN_AFTER;
        let Some(session) = self.sessions.get_mut(key) else { return };
        let Some(below) = session.below.as_deref_mut() else { return };
        let was_current = below.current.take_if(|call| !self.calls.contains(*call)).is_some();
        let was_next = below.next.take_if(|call| !self.calls.contains(*call)).is_some();
        // One that was replaced already, or whose successor is on its way, is not missed.
        if below.next.is_some() || !(was_current || was_next) {
            return;
        }
        below.again_at = Some(at);
        let asked = std::mem::take(&mut below.asked);
        for (call, uri) in asked {
            self.answer_subscribe(key, call, &uri, &Filter::default());
        }
        self.alarms.set(Alarm::Listens, at);
    }

    /// Subscribes again where it is time.
    pub(crate) fn listen_again(&mut self) {
        let now = self.now.mono;
        let (mut due, mut next) = (Vec::new(), None);
        for (key, session) in self.sessions.iter() {
            match session.below.as_ref().and_then(|below| below.again_at) {
                Some(at) if at <= now => due.push(key),
                Some(at) => next = Some(next.map_or(at, |next: Instant| next.min(at))),
                None => {}
            }
        }
        for key in due {
            if let Some(session) = self.sessions.get_mut(key)
                && let Some(below) = session.below.as_deref_mut()
            {
                below.again_at = None;
            }
            self.refresh_below(key);
        }
        if let Some(at) = next {
            self.alarms.set(Alarm::Listens, at);
        }
    }

    /// The modern backend is open: the sessions that came before it can subscribe.
    pub(crate) fn refresh_all_below(&mut self, backend: Key<Backend>) {
        if self.backends.get(backend).is_none_or(|one| one.state != State::Ready) {
            return;
        }
        let of = |session: &Session| session.backend == backend && session.era() == Era::Legacy;
        let all = self.sessions.iter().filter(|(_, session)| of(session)).map(|(key, _)| key);
        for key in all.collect::<Vec<_>>() {
            self.refresh_below(key);
        }
    }
}
