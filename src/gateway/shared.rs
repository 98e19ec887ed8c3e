// SPDX-License-Identifier: MIT
//! What the sessions of a shared backend have in common: subscriptions, log levels, notifications
//! that somebody among them is meant to see.
//!
//! A backend knows one client. So it is subscribed to a resource for as long as any session is, it
//! logs for the session that wants most, and what it says is sorted out here.

use super::Gateway;
use super::backend::{Backend, Owner, State};
use super::call::{Call, CallFor};
use super::exchange::Exchange;
use super::exchange::open::{Incoming, incoming};
use super::session::Session;
use crate::base::{Key, Message, Span};
use crate::mcp::method::Method;
use crate::mcp::{Era, LogLevel, legacy};
use crate::wire::json::scan;
use crate::wire::jsonrpc::{self, Envelope, Parsed};
use crate::wire::{Patch, Splice};

/// Resources whose updates one session can want; more are subscribed to, but their updates are not
/// told apart.
const SUBSCRIBED_MAX: usize = 1024;
/// The same for longer URIs, in bytes.
const URI_BYTES_MAX: usize = 4096;

impl Gateway {
    pub(crate) fn is_shared(&self, backend: Key<Backend>) -> bool {
        self.backends.get(backend).is_some_and(|backend| backend.owner == Owner::Shared)
    }

    /// Answers a request that must not reach a shared backend: it is subscribed already, or other
    /// sessions still want to be.
    pub(crate) fn is_settled_here(
        &mut self,
        exchange: Key<Exchange>,
        key: Key<Session>,
        one: &Incoming,
    ) -> bool {
        if !matches!(one.method, Method::Subscribe | Method::Unsubscribe) {
            return false;
        }
        let Some(uri) = one.envelope.uri.and_then(|span| scan::string(&one.message, span)) else {
            return false;
        };
        let Some(backend) = self.sessions.get(key).map(|session| session.backend) else {
            return false;
        };
        if let (Method::Unsubscribe, Some(session)) = (one.method, self.sessions.get_mut(key)) {
            session.subscribed.retain(|own| **own != *uri);
        }
        if !self.is_subscribed(backend, &uri) {
            return false;
        }
        if one.method == Method::Subscribe {
            self.subscribe(key, &uri);
        }
        let answer = legacy::empty_response(one.id().unwrap_or(b"null"));
        self.deliver(exchange, answer.into());
        true
    }

    pub(crate) fn is_subscribed(&self, backend: Key<Backend>, uri: &str) -> bool {
        let wants = |session: &Session| {
            session.backend == backend && session.subscribed.iter().any(|own| **own == *uri)
        };
        self.sessions.iter().any(|(_, session)| wants(session))
    }

    pub(crate) fn subscribe(&mut self, key: Key<Session>, uri: &str) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        if session.subscribed.len() < SUBSCRIBED_MAX
            && uri.len() <= URI_BYTES_MAX
            && !session.subscribed.iter().any(|own| **own == *uri)
        {
            session.subscribed.push(uri.into());
        }
    }

    /// A backend has answered `resources/subscribe` or its opposite.
    pub(crate) fn note_subscription(
        &mut self,
        call: &Call,
        exchange: Key<Exchange>,
        answer: &Envelope,
    ) {
        if !matches!(call.method, Method::Subscribe | Method::Unsubscribe)
            || answer.result.is_none()
        {
            return;
        }
        let sent = call.request.to_message();
        let Ok(Parsed::Single(envelope)) = jsonrpc::parse(&sent, self.limits()) else { return };
        let uri = envelope.uri.and_then(|span| scan::string(&sent, span));
        let key = self.session_of(exchange).map(|key| self.member_at(key, call.backend));
        let (Some(uri), Some(key)) = (uri, key) else { return };
        if call.method == Method::Subscribe {
            self.subscribe(key, &uri);
        } else if let Some(session) = self.sessions.get_mut(key) {
            session.subscribed.retain(|own| **own != *uri);
        }
    }

    /// A session of a shared backend has ended: what nobody else wants is not sent any more.
    pub(crate) fn unsubscribe_all(&mut self, backend: Key<Backend>, uris: &[Box<str>]) {
        if self.era_of(backend) == Era::Modern {
            return;
        }
        for uri in uris {
            if !self.is_subscribed(backend, uri) {
                self.ask_for_resource(backend, Method::Unsubscribe, uri);
            }
        }
    }

    /// A lost session was opened again: the new one knows nothing of the subscriptions.
    pub(crate) fn subscribe_again(&mut self, backend: Key<Backend>) {
        let of_backend = self.sessions.iter().filter(|(_, session)| session.backend == backend);
        let mut uris: Vec<_> =
            of_backend.flat_map(|(_, session)| session.subscribed.iter().cloned()).collect();
        uris.sort_unstable();
        uris.dedup();
        for uri in uris {
            self.ask_for_resource(backend, Method::Subscribe, &uri);
        }
    }

    pub(crate) fn ask_for_resource(&mut self, backend: Key<Backend>, method: Method, uri: &str) {
        let name = if method == Method::Subscribe {
            "resources/subscribe"
        } else {
            "resources/unsubscribe"
        };
        let is_ready = |backend: &Backend| backend.state == State::Ready;
        if self.is_stopping() || !self.backends.get(backend).is_some_and(is_ready) {
            return;
        }
        self.call_ourselves(backend, CallFor::Nobody, method, name, |id| {
            legacy::resource_request(id, name, uri).into()
        });
    }

    /// The request as a shared backend must get it, if that is not as it came: the log level that
    /// one session asks for must not take messages from another one.
    pub(crate) fn for_all_sessions(
        &mut self,
        backend: Key<Backend>,
        key: Key<Session>,
        one: &Incoming,
    ) -> Option<Incoming> {
        if one.method != Method::SetLevel || !self.is_shared(backend) {
            return None;
        }
        let span = scan::member(&one.message, one.envelope.params?, "level")?;
        let level = level(&one.message, span)?;
        self.sessions.get_mut(key)?.log_level = Some(level);
        let of_backend = self.sessions.iter().filter(|(_, session)| session.backend == backend);
        let least = of_backend.filter_map(|(_, session)| session.log_level).min()?;
        let quoted = Message::new(format!("\"{}\"", least.name()).into_bytes());
        let patched = Splice::whole(one.message.clone()).with(span, Patch::Bytes(quoted));
        let message = patched.to_message();
        match jsonrpc::parse(&message, self.limits()) {
            Ok(Parsed::Single(envelope)) => Some(incoming(message, envelope)),
            _ => None,
        }
    }

    /// A notification of a shared backend. What changes for everybody goes to everybody, an update
    /// to those who want it, and the rest to the session that it certainly belongs to.
    pub(crate) fn relay_to_some(
        &mut self,
        backend: Key<Backend>,
        method: Method,
        via: Option<Key<Call>>,
        message: &Message,
        envelope: &Envelope,
    ) {
        let belongs = match method {
            // No request of a shared backend ever reaches a client.
            Method::Cancelled => return,
            Method::ListChanged | Method::ResourceUpdated => None,
            Method::LogMessage => via.or_else(|| self.only_call_of(backend)),
            _ => via,
        };
        if method == Method::LogMessage || belongs.is_some() {
            let exchange = belongs.and_then(|call| match self.calls.get(call)?.whom {
                CallFor::Exchange(exchange) => Some(exchange),
                _ => None,
            });
            let wants =
                |key| method != Method::LogMessage || self.wants_log_of(key, message, envelope);
            let owner = exchange.filter(|key| wants(*key)).and_then(|key| self.session_of(key));
            if let Some(session) = owner {
                self.relay(session, belongs, Splice::whole(message.clone()), None);
            }
            return;
        }
        let uri = envelope.uri.and_then(|span| scan::string(message, span));
        let wants = |session: &Session| match (method, &uri) {
            // The update may be of a part of what was subscribed to.
            (Method::ResourceUpdated, Some(uri)) => {
                session.subscribed.iter().any(|own| uri.starts_with(&**own))
            }
            _ => true,
        };
        let all: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, session)| {
                session.backend == backend
                    && !session.is_pooled()
                    && wants(session)
                    && self.may_hear_of_task(session, message, envelope)
            })
            .map(|(key, _)| key)
            .collect();
        for session in all {
            if !self.is_for_unified(session, method, message, envelope) {
                self.relay(session, None, Splice::whole(message.clone()), None);
            }
        }
        self.note_status_of_task(backend, message, envelope);
    }
}

/// The level that `logging/setLevel` asks for.
pub(crate) fn level_of(one: &Incoming) -> Option<LogLevel> {
    level(&one.message, scan::member(&one.message, one.envelope.params?, "level")?)
}

pub(crate) fn level(message: &Message, span: Span) -> Option<LogLevel> {
    LogLevel::of(&scan::string(message, span)?)
}
