// SPDX-License-Identifier: MIT
//! Requests that have to begin again: their backend refused `initialize`, and perhaps the server
//! speaks the other protocol.

use super::cell::mirror_fields;
use super::open::Incoming;
use super::{Admitted, Exchange, Sent, Version};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::backend::{Backend, Carrier};
use crate::gateway::call::{Call, CallFor};
use crate::gateway::fault::BackendFaultKind;
use crate::gateway::session::Session;
use crate::mcp::meta::{self, Identity};
use crate::mcp::mirror::Mirror;
use crate::mcp::revision;
use crate::wire::{Patch, Splice};

impl Gateway {
    /// Lets everybody who waits for `backend` to open wait for the era of its server instead.
    pub(crate) fn wait_for_era_instead(&mut self, backend: Key<Backend>) {
        let waits = |call: &Call| {
            call.backend == backend && !call.cancelled && matches!(call.whom, CallFor::Exchange(_))
        };
        for key in self.calls.keys_of(waits) {
            let held = self.held_message(backend, key);
            let Some(call) = self.calls.remove(key) else { continue };
            if let (false, CallFor::Exchange(exchange)) =
                (self.begin_again(&call, held), &call.whom)
            {
                let detail = "it refused initialize";
                let fault = self.backend_fault(backend, BackendFaultKind::Down, detail);
                self.fail_for_client(*exchange, &call.id, &fault);
            }
        }
        let is_of = |session: &Session| session.backend == backend;
        let left = self.sessions.iter().filter(|(_, session)| is_of(session));
        for session in left.map(|(key, _)| key).collect::<Vec<_>>() {
            self.end_session(session, "its backend did not open");
        }
    }

    /// The message of a call that has not left yet.
    fn held_message(&self, backend: Key<Backend>, call: Key<Call>) -> Option<Splice> {
        let held = &self.backends.get(backend)?.held;
        let is_its = |carrier: &Carrier| *carrier == Carrier::Call(call);
        held.iter().find(|(_, carrier)| is_its(carrier)).map(|(message, _)| message.clone())
    }

    /// Takes the exchange of `call` back to where its body had just arrived. `false`: something has
    /// been sent already, or its client is gone.
    pub(crate) fn begin_again(&mut self, call: &Call, held: Option<Splice>) -> bool {
        let CallFor::Exchange(exchange) = call.whom else { return false };
        let Some((mut admitted, session)) = self.as_admitted(exchange, call) else { return false };
        let message = held.unwrap_or_else(|| call.request.clone()).to_message();
        let Some(one) = self.as_its_client_sent_it(message, call) else { return false };
        let Some(one) = self.in_its_own_era(exchange, &mut admitted, one) else { return false };
        if self.take_sent(exchange).is_none() {
            return false;
        }
        if call.is_handshake() {
            self.release_attached(session);
            self.end_session(session, "its backend refused initialize");
        }
        self.wait_for_era(&admitted, one);
        true
    }

    /// The request as a modern client sends it, who may be behind a legacy backend: with what it
    /// says about itself, in the body and in the fields.
    fn in_its_own_era(
        &self,
        exchange: Key<Exchange>,
        admitted: &mut Admitted,
        one: Incoming,
    ) -> Option<Incoming> {
        let Some(facts) = self.facts_of(exchange) else { return Some(one) };
        let identity = Identity {
            client_info: facts.client_info.as_deref(),
            capabilities: &facts.capabilities,
            log_level: facts.log_level,
        };
        let one = self.read_again(meta::with_ours(&one.message, &one.envelope, &identity))?;
        let mut fields = mirror_fields(&one);
        fields.extend(facts.params.clone());
        admitted.version = Version::Modern;
        admitted.mirror = Some(Box::new(Mirror::of_fields(revision::modern().date, &fields)));
        Some(one)
    }

    /// The request of a call with the id and the progress token of its client.
    pub(super) fn as_its_client_sent_it(&self, message: Message, call: &Call) -> Option<Incoming> {
        let one = self.read_again(message)?;
        let id = one.envelope.id?;
        let mut own = Splice::whole(one.message.clone()).with(id, Patch::Bytes(call.id.clone()));
        if let (Some(span), Some(token)) = (one.envelope.meta_progress_token, &call.token) {
            own = own.with(span, Patch::Bytes(token.clone()));
        }
        self.read_again(own.to_message())
    }

    fn as_admitted(&self, key: Key<Exchange>, call: &Call) -> Option<(Admitted, Key<Session>)> {
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(key) else { return None };
        // What went out under the name that one server of many knows cannot be routed again.
        let session = self.sessions.get(sent.session).filter(|one| one.unified.is_none())?;
        if session.attached().is_some() {
            let admitted = self.as_attached(sent.session).filter(|_| call.is_handshake());
            return Some((admitted?, sent.session));
        }
        let is_whole = sent.stream.is_none() && sent.batch.is_none();
        Some((sent.as_admitted(session).filter(|_| is_whole)?, sent.session))
    }
}

impl Sent {
    /// What its head was let in as.
    fn as_admitted(&self, session: &Session) -> Option<Admitted> {
        Some(Admitted {
            peer: self.peer?,
            from: self.from,
            server: session.server,
            principal: session.principal,
            session_id: None,
            origin: self.origin.clone(),
            accepts_json: true,
            // Nobody opens a session who does not take them, whatever form answers have here.
            accepts_events: self.may_stream || self.opens_session,
            names_events: self.may_stream,
            is_json: true,
            version: Version::Legacy,
            mirror: None,
        })
    }
}
