// SPDX-License-Identifier: MIT
//! From a session to its backend: give a request our id, and let it go.

use super::Exchange;
use super::kept::Asked;
use super::open::Incoming;
use crate::base::{Key, Message, Span};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::backend::{Backend, Carrier, Link, Owner};
use crate::gateway::call::{Call, CallFor, Fields, id_of};
use crate::gateway::io::EventKind;
use crate::gateway::listen::LISTEN_FOR;
use crate::gateway::patience::TimeLimit;
use crate::gateway::session::Session;
use crate::mcp::method::Method;
use crate::mcp::{Era, legacy};
use crate::wire::{Patch, Splice};

impl Gateway {
    /// Sends one request of `exchange` to the backend of `session`.
    pub(crate) fn send_request(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) {
        if self.is_unified(session) {
            return self.route_request(exchange, session, one);
        }
        if !self.is_judged_first(exchange, session, one) {
            self.send_call(exchange, session, one);
        }
    }

    /// The same; `None` if there was no need to send it.
    pub(in crate::gateway) fn send_call(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> Option<Key<Call>> {
        let (backend, _) = self.backend_of(session)?;
        if self.is_settled(exchange, session, backend, one) {
            return None;
        }
        if self.has_to_wait(session, one) {
            self.wait_for_turn(exchange, session, one);
            return None;
        }
        self.send_for(CallFor::Exchange(exchange), session, one)
    }

    /// The same, for whoever wants the answer.
    pub(in crate::gateway) fn send_for(
        &mut self,
        whom: CallFor,
        session: Key<Session>,
        one: &Incoming,
    ) -> Option<Key<Call>> {
        let (backend, _) = self.backend_of(session)?;
        let watched = one.watched;
        let for_backend = self.for_backend(backend, session, one);
        let one = for_backend.as_ref().unwrap_or(one);
        let for_all = self.for_all_sessions(backend, session, one);
        let one = for_all.as_ref().unwrap_or(one);
        // A legacy server gets no fields, keeps nothing for others and logs for all.
        let is_modern = self.era_of(backend) == Era::Modern;
        let fields = match whom {
            CallFor::Exchange(exchange) if is_modern => self.fields_below(backend, exchange, one),
            CallFor::Guard(_) if is_modern => self.fields_for_guard(backend, one),
            _ => None,
        };
        let mut request = Splice::whole(self.flattened(backend, one));
        let nothing = Splice::whole(Message::default());
        let asked = match whom {
            CallFor::Exchange(_) if is_modern => self.asked_before(backend, session, one),
            _ => None,
        };
        let is_sent = asked.as_ref().is_none_or(Asked::is_sent);
        let job = if let CallFor::Job(job) = whom { Some(job) } else { None };
        let listens = matches!(whom, CallFor::Exchange(key) if self.listens(key));
        // Nothing is logged for a subscription, whatever its request says.
        let wants_logs = is_modern && !listens && self.wants_logs_of(&whom, backend);
        let key = self.new_call(backend, whom, one, nothing, is_sent);
        self.hold_judgement(key, watched);
        if let Some(job) = job {
            self.note_job_call(job, key);
        }
        let is_kept = self.may_need_again(backend);
        let call = self.calls.get_mut(key)?;
        call.wants_logs = wants_logs;
        let id = id_of(key);
        call.fields = fields.unwrap_or_default();
        if listens {
            call.deadline = self.now.mono + LISTEN_FOR;
            call.extension = None;
        }
        if let Some(span) = one.envelope.id {
            request = request.with(span, Patch::Number(id));
        }
        if let Some(span) = one.envelope.meta_progress_token
            && call.token_is_ours
        {
            request = request.with(span, Patch::Number(id));
        }
        if is_kept {
            call.request = request.clone();
        }
        match asked {
            Some(asked) => self.ask_or_share(key, asked, request),
            None => {
                self.send_below(backend, request, Carrier::Call(key));
            }
        }
        Some(key)
    }

    /// Whether a request is answered here, because its backend must not see it.
    fn is_settled(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        backend: Key<Backend>,
        one: &Incoming,
    ) -> bool {
        if self.is_about_foreign_task(exchange, session, one) {
            return true;
        }
        if self.era_of(backend) == Era::Modern {
            return self.is_settled_for_modern(exchange, session, backend, one);
        }
        self.is_settled_as_task(exchange, session, one)
            || self.is_shared(backend) && self.is_settled_here(exchange, session, one)
    }

    /// Whether what was sent may have to be looked at or sent once more: a child of one session
    /// loses no sessions, and nobody else looks.
    fn may_need_again(&self, backend: Key<Backend>) -> bool {
        self.backends
            .get(backend)
            .is_none_or(|one| one.owner == Owner::Shared || !matches!(one.link, Link::Child))
    }

    /// Sends a client's `initialize` to a backend that nobody has opened.
    pub(crate) fn send_handshake(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
        request: Splice,
    ) {
        let Some((backend, server)) = self.backend_of(session) else { return };
        // An unknown date was replaced; flatten and place the id on what is really sent.
        let sent = request.to_message();
        let (message, id_span) = match crate::wire::jsonrpc::parse(&sent, self.limits()) {
            Ok(crate::wire::jsonrpc::Parsed::Single(envelope)) => {
                (flat(sent, envelope.has_newlines), envelope.id)
            }
            _ => return,
        };
        let request = Splice::whole(message);
        let key = self.new_call(backend, CallFor::Exchange(exchange), one, request, false);
        let deadline = self.now.mono + self.server(server).startup_timeout;
        let Some(call) = self.calls.get_mut(key) else { return };
        call.deadline = deadline;
        call.extension = None;
        if let Some(span) = id_span {
            call.request = call.request.clone().with(span, Patch::Number(id_of(key)));
        }
        let request = call.request.clone();
        self.alarms.set(Alarm::Calls, deadline);
        self.open_link(backend, request, key);
    }

    /// A call that is answered from what the backend has said to the gateway.
    pub(crate) fn call_for_greeting(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) {
        let Some((backend, _)) = self.backend_of(session) else { return };
        if let Some(key) = self.call_never_sent(exchange, session, one) {
            self.greet_or_wait(backend, key);
        }
    }

    /// A call that waits for something else than an answer; it is never sent.
    pub(crate) fn call_never_sent(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> Option<Key<Call>> {
        let (backend, server) = self.backend_of(session)?;
        let request = Splice::whole(one.message.clone());
        let key = self.new_call(backend, CallFor::Exchange(exchange), one, request, false);
        let deadline = self.now.mono + self.server(server).startup_timeout;
        let call = self.calls.get_mut(key)?;
        call.deadline = deadline;
        call.extension = None;
        call.is_never_sent = true;
        self.alarms.set(Alarm::Calls, deadline);
        self.hold_judgement(key, one.watched);
        Some(key)
    }

    fn new_call(
        &mut self,
        backend: Key<Backend>,
        whom: CallFor,
        one: &Incoming,
        request: Splice,
        logged: bool,
    ) -> Key<Call> {
        let part = |span: Span| one.message.slice(span);
        let server = self.backends.get(backend).map(|backend| backend.server);
        let name = one.envelope.method.map(inside_quotes).map(part);
        let tool = match one.method {
            Method::ToolsCall => one.envelope.name.map(inside_quotes).map(part),
            _ => None,
        };
        let limit = server.map_or(TimeLimit::NONE, |server| self.time_limit_of(server, one));
        let deadline = self.now.mono + limit.silence;
        let name = name.unwrap_or_default();
        if logged {
            let (method, payload) = (name.clone(), one.message.clone());
            self.emit_rpc(server, &whom, EventKind::RpcOut { method, payload });
        }
        let key = self.calls.insert(Call {
            backend,
            whom,
            method: one.method,
            name,
            tool,
            uri: (one.method == Method::ResourcesRead)
                .then(|| one.envelope.uri.map(part))
                .flatten(),
            id: one.envelope.id.map(part).unwrap_or_default(),
            token: one.envelope.meta_progress_token.map(part),
            token_is_ours: self.shares_tokens(backend),
            request,
            fields: Fields::default(),
            http_status: None,
            fetch: None,
            sent_at: self.now.mono,
            deadline,
            extension: Some(limit.extension(self.now.mono)),
            cancelled: false,
            resent: false,
            question: None,
            needs: None,
            n_rounds: 0,
            is_never_sent: false,
            wants_logs: false,
            watched: None,
            asked_by_guard: None,
        });
        self.alarms.set(Alarm::Calls, deadline);
        key
    }

    /// Sends one notification; `true`: the exchange waits until the backend has taken it.
    pub(crate) fn send_notification(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> bool {
        if self.is_unified(session) {
            return self.route_notification(exchange, session, one);
        }
        let Some((backend, _)) = self.backend_of(session) else { return false };
        let opened_by_gateway = self.sessions.get(session).is_some_and(|s| s.opened_by_gateway);
        let bare = match one.method {
            Method::Cancelled => None,
            _ if self.is_call_without_id(session, one) => return false,
            _ if self.may_speak(session) => None,
            _ => match self.without_words(one) {
                None => return false,
                bare => bare,
            },
        };
        let one = bare.as_ref().unwrap_or(one);
        match one.method {
            Method::Initialized if opened_by_gateway => false,
            Method::Cancelled => {
                self.cancel(session, backend, one);
                false
            }
            // A modern server takes no notifications: what a legacy client says of itself goes
            // with its next request.
            _ if self.era_of(backend) == Era::Modern => false,
            _ => {
                let message = Splice::whole(self.flattened(backend, one));
                self.send_below(backend, message, Carrier::Notice(Some(exchange)))
            }
        }
    }

    /// Sends a client's answer to a request of the backend, once and only if it was asked.
    pub(crate) fn send_answer(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> bool {
        let Some((backend, _)) = self.backend_of(session) else { return false };
        let Some(id) = one.id() else { return false };
        let Some(state) = self.sessions.get_mut(session) else { return false };
        let Some(at) = state.asked.iter().position(|asked| &*asked.id == id) else { return false };
        let asked = state.asked.swap_remove(at);
        if self.is_silenced(session, &asked, one) {
            return false;
        }
        if let Some((member, id)) = asked.behind {
            return self.answer_member(exchange, member, &id, one);
        }
        // Of a unified session only what the gateway itself has asked is left.
        if self.era_of(backend) == Era::Modern || self.is_unified(session) {
            self.input_answered(session, one);
            return false;
        }
        let message = Splice::whole(self.flattened(backend, one));
        self.send_below(backend, message, Carrier::Notice(Some(exchange)))
    }

    /// A client gives up one of its own calls; anything else it names is ignored.
    pub(crate) fn cancel(&mut self, session: Key<Session>, backend: Key<Backend>, one: &Incoming) {
        let Some(span) = one.envelope.request_id else { return };
        let id = span.of(&one.message);
        let is_meant = |call: &Call| {
            let CallFor::Exchange(exchange) = call.whom else { return false };
            let is_own = match self.exchanges.get(exchange) {
                Some(Exchange::AwaitResponse(sent)) => sent.session == session,
                _ => false,
            };
            is_own && !call.cancelled && &*call.id == id && call.method != Method::Initialize
        };
        let found = match self.is_unified(session) {
            true => self.calls.iter().find(|(_, call)| is_meant(call)),
            false => self.calls.of(backend).find(|(_, call)| is_meant(call)),
        };
        let Some((key, call)) = found else { return };
        let backend = call.backend;
        // What was never sent has no late answer to wait for.
        if call.is_never_sent || self.era_of(backend) == Era::Modern {
            return self.cancel_call(key, "cancelled by its client");
        }
        let notice = if self.may_speak(session) {
            let message = self.flattened(backend, one);
            Splice::whole(message).with(span, Patch::Number(id_of(key)))
        } else {
            legacy::cancelled_notification(id_of(key), "cancelled by its client").into()
        };
        self.send_below(backend, notice, Carrier::Notice(None));
        self.abandon(key);
    }

    /// The client's message, fit for a line of stdio if that is where it goes.
    pub(crate) fn flattened(&self, backend: Key<Backend>, one: &Incoming) -> Message {
        let is_child = self.backends.get(backend).is_some_and(|b| matches!(b.link, Link::Child));
        flat(one.message.clone(), one.envelope.has_newlines && is_child)
    }

    /// Whether the clients of this backend could use the same tokens.
    pub(super) fn shares_tokens(&self, backend: Key<Backend>) -> bool {
        match self.backends.get(backend).map(|backend| backend.owner) {
            Some(Owner::Session(key)) => self.sessions.get(key).is_none_or(Session::is_pooled),
            _ => true,
        }
    }
}

/// With spaces for the newlines between tokens; places stay where they are. Inside strings there
/// are none: the scanner refuses them.
fn flat(message: Message, has_newlines: bool) -> Message {
    if !has_newlines {
        return message;
    }
    let space = |&byte: &u8| if byte == b'\n' || byte == b'\r' { b' ' } else { byte };
    Message::new(message.iter().map(space).collect())
}

/// What stands between the quotes of a string.
fn inside_quotes(quoted: Span) -> Span {
    debug_assert!(quoted.len() >= 2, "a string has two quotes");
    Span { start: quoted.start + 1, end: quoted.end - 1 }
}
