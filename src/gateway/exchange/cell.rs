// SPDX-License-Identifier: MIT
//! Old and new on either side: what changes on the way between two eras.
//!
//! | client \ server | old | new |
//! |---|---|---|
//! | old | as it is | the gateway is the legacy server, and a modern client below |
//! | new | the gateway is the modern server, and a legacy client below | as it is |
//!
//! Messages are in the client's era above this file and in the backend's era below it.

use super::open::{Incoming, incoming};
use super::{Exchange, Sent};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::backend::{Backend, Link};
use crate::gateway::call::{Call, CallFor, Fields};
use crate::gateway::fault::modern::{same_status, status_of};
use crate::gateway::session::Session;
use crate::mcp::answer::{self, Asked, ResultKind};
use crate::mcp::meta::{self, Identity};
use crate::mcp::method::Method;
use crate::mcp::subscription::Filter;
use crate::mcp::{Code, Era, legacy, mirror};
use crate::wire::json::scan;
use crate::wire::jsonrpc::{self, Envelope, Parsed};
use crate::wire::{Patch, Splice};

/// An answer as its client's era wants it.
pub(crate) struct Translated {
    pub message: Message,
    pub envelope: Envelope,
}

impl Gateway {
    pub(crate) fn era_of(&self, backend: Key<Backend>) -> Era {
        self.backends.get(backend).map_or(Era::Legacy, |backend| backend.era)
    }

    /// The request as the era of its backend wants it, if that is not as it came.
    pub(super) fn for_backend(
        &self,
        backend: Key<Backend>,
        key: Key<Session>,
        one: &Incoming,
    ) -> Option<Incoming> {
        let session = self.sessions.get(key)?;
        let message = match (session.era(), self.era_of(backend)) {
            (Era::Modern, Era::Legacy) => meta::without_ours(&one.message, &one.envelope),
            (Era::Legacy, Era::Modern) => {
                let client = session.client.as_deref().filter(|_| self.may_speak(key));
                let (own_info, nothing) = (self.own_info(), Message::fixed(b"{}"));
                let identity = Identity {
                    client_info: Some(client.map_or(&own_info, |client| &client.info)),
                    capabilities: client.map_or(&nothing, |client| &client.capabilities),
                    log_level: session.log_level,
                };
                meta::with_ours(&one.message, &one.envelope, &identity)
            }
            _ => return None,
        };
        self.read_again(message)
    }

    /// Who the gateway says it is: a JSON object.
    pub(crate) fn own_info(&self) -> Message {
        legacy::own_info(&self.snapshot.version)
    }

    /// A message of our own making, read like one that came.
    pub(crate) fn read_again(&self, message: Message) -> Option<Incoming> {
        match jsonrpc::parse(&message, self.limits()) {
            Ok(Parsed::Single(envelope)) => Some(incoming(message, envelope)),
            _ => None,
        }
    }

    /// The fields that go with a request to a modern HTTP server: what the body says once more, and
    /// of the client's what only its server can check.
    pub(super) fn fields_below(
        &self,
        backend: Key<Backend>,
        exchange: Key<Exchange>,
        one: &Incoming,
    ) -> Option<Fields> {
        let backend = self.backends.get(backend)?;
        if backend.era != Era::Modern || !matches!(backend.link, Link::Http(_)) {
            return None;
        }
        let mut fields = mirror_fields(one);
        fields.extend(self.params_below(backend.server, exchange, one));
        Some(fields.into())
    }

    /// The same for a request that a guard makes.
    pub(super) fn fields_for_guard(&self, backend: Key<Backend>, one: &Incoming) -> Option<Fields> {
        let backend = self.backends.get(backend)?;
        let is_mirrored = backend.era == Era::Modern && matches!(backend.link, Link::Http(_));
        is_mirrored.then(|| mirror_fields(one).into())
    }

    /// A request that a legacy client sends and a modern server does not know is settled here.
    pub(super) fn is_settled_for_modern(
        &mut self,
        exchange: Key<Exchange>,
        key: Key<Session>,
        backend: Key<Backend>,
        one: &Incoming,
    ) -> bool {
        let is_legacy = self.sessions.get(key).is_some_and(|s| s.era() == Era::Legacy);
        if !is_legacy || self.era_of(backend) != Era::Modern {
            return false;
        }
        match one.method {
            Method::Ping => {}
            Method::SetLevel => {
                let level = crate::gateway::shared::level_of(one);
                if let Some(session) = self.sessions.get_mut(key) {
                    session.log_level = level.or(session.log_level);
                }
            }
            Method::Subscribe | Method::Unsubscribe => {
                return self.subscribe_below(exchange, key, one);
            }
            _ => return false,
        }
        let answer = legacy::empty_response(one.id().unwrap_or(b"null"));
        self.deliver(exchange, answer.into());
        true
    }

    /// The answer as its client's era wants it, if that is not as it came.
    pub(super) fn for_era(
        &mut self,
        call: &Call,
        message: &Message,
        envelope: &Envelope,
    ) -> Option<Translated> {
        let CallFor::Exchange(exchange) = call.whom else { return None };
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(exchange) else { return None };
        let (above, below) = (sent.era(), self.era_of(call.backend));
        let session = sent.session;
        let translated = match (above, below) {
            (Era::Modern, Era::Legacy) => {
                let info = self.server_info(call.backend);
                let asked = Asked { method: call.method, uri: call.uri.as_deref() };
                answer::to_modern(asked, message, envelope, info.as_deref())
            }
            (Era::Legacy, Era::Modern) => {
                let agreed = self.sessions.get(session)?.revision;
                answer::to_legacy(call.method, message, envelope, agreed)
            }
            (Era::Modern, Era::Modern) => self.completed(call, message, envelope)?,
            (Era::Legacy, Era::Legacy) => return None,
        };
        let read = self.read_again(translated)?;
        Some(Translated { message: read.message, envelope: read.envelope })
    }

    /// A modern answer for a modern client, where more than its id has to change.
    fn completed(&self, call: &Call, message: &Message, envelope: &Envelope) -> Option<Message> {
        if call.method == Method::Listen {
            return retagged(message, envelope, &call.id);
        }
        if let Some(refused) = self.refused_task(call, message, envelope) {
            return Some(refused);
        }
        match answer::result_kind(message, envelope) {
            // Real servers forget it, and real clients insist on it.
            ResultKind::Absent if envelope.result.is_some() => {
                Some(answer::to_modern(call.method, message, envelope, None))
            }
            _ => None,
        }
    }

    /// `serverInfo` of a legacy backend: a JSON object.
    pub(super) fn server_info(&self, backend: Key<Backend>) -> Option<Message> {
        let handshake = self.backends.get(backend)?.handshake.as_ref()?;
        let whole = crate::base::Span::new(0, handshake.result.len());
        let span = scan::member(&handshake.result, whole, "serverInfo")?;
        Some(handshake.result.slice(span))
    }

    /// Notes the HTTP status that goes with an answer to a modern client.
    pub(super) fn note_status(&mut self, call: &Call, message: &Message, envelope: &Envelope) {
        let CallFor::Exchange(exchange) = call.whom else { return };
        if envelope.error.is_none() {
            return;
        }
        let from_http = self.era_of(call.backend) == Era::Modern && self.has_streams(call.backend);
        let code = error_code(message, envelope).unwrap_or_default();
        let status = if from_http {
            same_status(call.http_status)
        } else {
            status_of(code, call.method == Method::ToolsCall)
        };
        if let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get_mut(exchange)
            && sent.is_modern()
        {
            sent.status = status;
        }
    }

    /// A notification of a modern backend, which belongs to one request or one subscription.
    pub(super) fn modern_said(
        &mut self,
        backend: Key<Backend>,
        method: Method,
        via: Option<Key<Call>>,
        message: &Message,
        envelope: &Envelope,
    ) {
        let is_listen = |key: &Key<Call>| {
            self.calls.get(*key).is_some_and(|call| call.method == Method::Listen)
        };
        let belongs = match envelope.subscription_id {
            // What belongs to a subscription that nobody has is nobody's.
            Some(span) => {
                self.calls.find(backend, span.of(message)).or_else(|| via.filter(is_listen))
            }
            None => via.or_else(|| self.only_logged_call_of(backend)),
        };
        let is_change = matches!(method, Method::ListChanged | Method::ResourceUpdated);
        // A change is said to those who listen, never beside the answer to something else.
        let Some(key) = belongs.filter(|key| !is_change || is_listen(key)) else { return };
        let Some(call) = self.calls.get(key).filter(|call| !call.cancelled) else { return };
        match call.whom {
            CallFor::Exchange(exchange) => {
                let id = call.id.clone();
                self.pass_on(exchange, key, method, (message, envelope), &id);
            }
            CallFor::Listening(session) => {
                self.heard_below(session, key, method, message, envelope);
            }
            _ => {}
        }
    }

    /// Whether `backend`, if it is modern, is asked to log for this call.
    pub(super) fn wants_logs_of(&self, whom: &CallFor, backend: Key<Backend>) -> bool {
        let CallFor::Exchange(exchange) = whom else { return false };
        if self.era_of(backend) == Era::Legacy {
            return false;
        }
        match self.exchanges.get(*exchange) {
            Some(Exchange::AwaitResponse(sent)) => match &sent.modern {
                Some(facts) => facts.log_level.is_some(),
                None => self.sessions.get(sent.session).is_some_and(|s| s.log_level.is_some()),
            },
            _ => false,
        }
    }

    /// The only call that wants log messages: a modern server may log for no other. One that was
    /// given up counts as well, for what it logged may be on its way.
    fn only_logged_call_of(&self, backend: Key<Backend>) -> Option<Key<Call>> {
        if self.is_doubted_to_log(backend) {
            return None;
        }
        let wants_logs = |call: &Call| call.wants_logs && !call.cancelled;
        let mut calls = self.calls.of(backend).filter(|(_, call)| wants_logs(call));
        let (only, _) = calls.next()?;
        calls.next().is_none().then_some(only)
    }

    fn pass_on(
        &mut self,
        exchange: Key<Exchange>,
        call: Key<Call>,
        method: Method,
        (message, envelope): (&Message, &Envelope),
        id: &Message,
    ) {
        if method == Method::Acknowledged {
            let honoured = Filter::read(message, envelope.params);
            if self.part_acknowledged(exchange, &honoured) {
                return;
            }
        }
        if self.is_unacknowledged(exchange) {
            return;
        }
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(exchange) else { return };
        let (session, era) = (sent.session, sent.era());
        let out = match (era, envelope.subscription_id) {
            (Era::Modern, Some(span)) => {
                Splice::whole(message.clone()).with(span, Patch::Bytes(id.clone()))
            }
            (Era::Legacy, _) => answer::untag(message, envelope).into(),
            (Era::Modern, None) => Splice::whole(message.clone()),
        };
        if method == Method::LogMessage && !self.wants_log_of(exchange, message, envelope) {
            return;
        }
        self.relay(session, Some(call), out, None);
    }
}

impl Sent {
    /// Which protocol its client speaks.
    #[must_use]
    pub const fn era(&self) -> Era {
        if self.modern.is_some() { Era::Modern } else { Era::Legacy }
    }
}

/// The fields that say the method and the name of a request.
pub(crate) fn mirror_fields(one: &Incoming) -> mirror::Fields {
    let method = one.envelope.method.and_then(|span| scan::string(&one.message, span));
    mirror::fields_for(&one.message, &method.unwrap_or_default(), one.envelope.params, &[])
}

/// The result that ends a subscription, which its client knows under its own id.
fn retagged(message: &Message, envelope: &Envelope, id: &Message) -> Option<Message> {
    let meta = scan::member(message, envelope.result?, "_meta")?;
    let span = scan::member(message, meta, meta::SUBSCRIPTION_ID)?;
    Some(Splice::whole(message.clone()).with(span, Patch::Bytes(id.clone())).to_message())
}

/// `error.code`, if it is an integer.
pub(crate) fn error_code(message: &Message, envelope: &Envelope) -> Option<i64> {
    let span = scan::member(message, envelope.error?, "code")?;
    std::str::from_utf8(span.of(message)).ok()?.parse().ok()
}

/// The error without an id, as an answer to the request `id`.
pub(super) fn error_with_id(message: &Message, envelope: &Envelope, id: &Message) -> Message {
    let code = Code::INTERNAL_ERROR.0;
    let none = format!("{{\"code\":{code},\"message\":\"no answer\"}}");
    let error = envelope.error.map_or(none.as_bytes(), |span| span.of(message));
    Message::new([b"{\"jsonrpc\":\"2.0\",\"id\":", &id[..], b",\"error\":", error, b"}"].concat())
}
