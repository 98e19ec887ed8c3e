// SPDX-License-Identifier: MIT
//! From a backend to the client it is meant for: answers by id, progress by token, the rest by what
//! it is.

use super::Exchange;
use super::cell::error_with_id;
use crate::base::{Key, Message, Span};
use crate::gateway::Gateway;
use crate::gateway::backend::{Backend, Owner};
use crate::gateway::call::{Call, CallFor};
use crate::gateway::io::{CallEnd, Level};
use crate::gateway::judge::quiet::Heard;
use crate::gateway::session::Session;
use crate::gateway::waiting;
use crate::mcp::Era;
use crate::mcp::method::Method;
use crate::wire::jsonrpc::{self, Envelope, Kind, Parsed};
use crate::wire::{Patch, Splice};

impl Gateway {
    /// A message of `backend`; `via` is the call on whose answer it came, if its transport says so.
    pub(crate) fn receive(
        &mut self,
        backend: Key<Backend>,
        message: Message,
        via: Option<Key<Call>>,
    ) {
        match jsonrpc::parse(&message, &self.snapshot.limits) {
            Ok(Parsed::Single(envelope)) => self.receive_one(backend, message, &envelope, via),
            Ok(Parsed::Batch(spans)) => {
                // A batch line is legal for servers of 2025-03-26; clients get single messages.
                for span in spans {
                    let part = message.slice(span);
                    if let Ok(Parsed::Single(envelope)) =
                        jsonrpc::parse(&part, &self.snapshot.limits)
                    {
                        self.receive_one(backend, part, &envelope, via);
                    }
                }
            }
            Err(error) => {
                let server = self.backends.get(backend).map(|backend| backend.server);
                let text = format!("dropped a message that is no JSON-RPC: {error}");
                self.note(Level::Warn, "backend", server, text);
            }
        }
    }

    fn receive_one(
        &mut self,
        backend: Key<Backend>,
        message: Message,
        envelope: &Envelope,
        via: Option<Key<Call>>,
    ) {
        match envelope.kind {
            Kind::Response => self.response(backend, message, envelope, via),
            Kind::Notification => self.notification(backend, message, envelope, via),
            Kind::Request => self.asked(backend, message, envelope, via),
        }
    }

    fn response(
        &mut self,
        backend: Key<Backend>,
        message: Message,
        envelope: &Envelope,
        via: Option<Key<Call>>,
    ) {
        // An error without an id still answers the HTTP request that it came on.
        let found = match envelope.id {
            Some(span) => self.calls.find(backend, span.of(&message)),
            None => via,
        };
        if found.is_some_and(|key| self.lists_again(key, &message, envelope)) {
            return;
        }
        let Some(mut call) = found.and_then(|key| self.calls.remove(key)) else {
            self.debug("gateway:receive", || "dropped an answer to an unknown id".to_owned());
            return;
        };
        if let Some(fetch) = call.fetch {
            self.ends_soon(fetch);
        }
        let end = CallEnd::of_answer(&call, envelope);
        self.record_end(&call, (message.clone(), message.len()), end, None);
        self.note_params(&call, &message, envelope);
        if call.cancelled {
            return;
        }
        if let Some(key) = found {
            self.note_owner(key, &call, &message, envelope);
        }
        let http_status = call.http_status;
        let shares = found.map(|key| self.note_answer(key, &mut call, &message, envelope));
        if call.watched.is_some() {
            self.judge_answer(call, message.clone(), *envelope);
        } else if is_for_its_client(&call, &message, envelope) {
            // As nearly all of them: a call of a few hundred bytes is not moved for that.
            self.answer_call(&call, message.clone(), envelope);
        } else {
            self.hand_on(call, &message, envelope);
        }
        if let Some(shares) = shares {
            self.share(shares, (&message, envelope), http_status);
        }
    }

    /// Hands an answer on, unless it is a question.
    pub(crate) fn hand_on(&mut self, call: Call, message: &Message, envelope: &Envelope) {
        if is_for_its_client(&call, message, envelope) {
            self.answer_call(&call, message.clone(), envelope);
        } else if let Some(call) = self.without_need(call, message, envelope) {
            self.answer_call(&call, message.clone(), envelope);
        }
    }

    /// Hands an answer on to whoever wants it.
    pub(crate) fn answer_call(&mut self, call: &Call, message: Message, envelope: &Envelope) {
        let backend = call.backend;
        match &call.whom {
            CallFor::Exchange(exchange) => {
                let exchange = *exchange;
                let opens = call.method == Method::Initialize;
                if opens && envelope.error.is_some() && self.begins_again(backend, call, &message) {
                    return;
                }
                let refused = opens
                    .then(|| self.client_handshake_done(backend, exchange, &message, envelope));
                self.note_subscription(call, exchange, envelope);
                let translated = self.for_era(call, &message, envelope);
                let (message, envelope) = match &translated {
                    Some(own) => (own.message.clone(), &own.envelope),
                    None => (message, envelope),
                };
                self.note_status(call, &message, envelope);
                let out = self.for_client(call, message, envelope);
                let out = self.about_tasks(call, exchange, out);
                self.deliver(exchange, out);
                if let Some(Err(session)) = refused {
                    self.end_session(session, "its backend refused initialize");
                }
            }
            CallFor::Job(job) => self.job_answered(*job, call, &message, envelope),
            CallFor::Handshake => self.handshake_done(backend, &message, envelope),
            CallFor::Discovery => self.discovered(backend, &message, envelope),
            CallFor::Listening(session) => self.below_ended(*session),
            CallFor::Reopening => self.reopened(backend, &message, envelope),
            CallFor::Tools(pages) => self.tools_page(backend, pages.clone(), &message, envelope),
            CallFor::Guard(judging) => {
                self.guard_call_answered(*judging, call, &message, envelope);
            }
            CallFor::Nobody | CallFor::Parked => {}
        }
    }

    /// The answer with what the gateway says of tasks, where it may be about some.
    fn about_tasks(&self, call: &Call, exchange: Key<Exchange>, out: Splice) -> Splice {
        let is_unified =
            || self.session_of(exchange).is_some_and(|session| self.is_unified(session));
        if call.method == Method::ToolsCall && !is_unified() {
            return out;
        }
        let out = self.with_own_task_ids(call, exchange, out);
        let out = self.with_tasks(call, exchange, out);
        self.without_foreign_tasks(call, exchange, out)
    }

    /// Gives back a call unless its answer asks for input, or nobody is there to take it yet.
    fn without_need(&mut self, call: Call, message: &Message, envelope: &Envelope) -> Option<Call> {
        match call.whom {
            CallFor::Parked => {
                self.answered_while_parked(call, message);
                None
            }
            CallFor::Exchange(_) if self.is_sent_elsewhere(&call, message, envelope) => None,
            CallFor::Exchange(_) => self.begin_round(call, message, envelope),
            _ => Some(call),
        }
    }

    /// The answer under the client's id; all other bytes are the backend's, unless a list holds
    /// tools that its client must not or cannot see as they are.
    fn for_client(&mut self, call: &Call, message: Message, envelope: &Envelope) -> Splice {
        let Some(id) = envelope.id else {
            return Splice::whole(error_with_id(&message, envelope, &call.id));
        };
        let edited = envelope.result.and_then(|result| self.published(call, &message, result));
        let splice = Splice::whole(message).with(id, Patch::Bytes(call.id.clone()));
        match edited {
            Some((place, result)) => splice.with(place, Patch::Bytes(result)),
            None => splice,
        }
    }

    pub(super) fn notification(
        &mut self,
        backend: Key<Backend>,
        message: Message,
        envelope: &Envelope,
        via: Option<Key<Call>>,
    ) {
        let method = envelope.method.map_or(Method::Other, |span| Method::spelled(&message, span));
        match self.may_be_heard(backend, method, &message, envelope) {
            Heard::All => {}
            Heard::Nothing => return,
            Heard::Only(message) => {
                if let Ok(Parsed::Single(envelope)) = jsonrpc::parse(&message, self.limits()) {
                    self.heard(backend, method, message, &envelope, via);
                }
                return;
            }
        }
        self.heard(backend, method, message, envelope, via);
    }

    fn heard(
        &mut self,
        backend: Key<Backend>,
        method: Method,
        message: Message,
        envelope: &Envelope,
        via: Option<Key<Call>>,
    ) {
        self.note_change(backend, method, &message, envelope);
        if method == Method::Progress {
            return self.progress(backend, message, envelope);
        }
        if self.era_of(backend) == Era::Modern {
            return self.modern_said(backend, method, via, &message, envelope);
        }
        let owner = self.backends.get(backend).map(|backend| backend.owner);
        match owner {
            Some(Owner::Session(session)) => {
                if self.is_for_unified(session, method, &message, envelope) {
                    return;
                }
                if method == Method::Cancelled {
                    self.forget_asked(session, &message, envelope);
                }
                if self.is_of_pool(session) {
                    return self.said_to_pool(session, method, via, &message, envelope);
                }
                // Lists and resources change for the whole session; logs belong to what runs.
                let belongs = via.or_else(|| match method {
                    Method::LogMessage => self.only_call_of(backend),
                    _ => None,
                });
                self.relay(session, belongs, Splice::whole(message), None);
            }
            Some(Owner::Shared) => {
                self.tell_listeners(backend, &message, envelope);
                self.relay_to_some(backend, method, via, &message, envelope);
            }
            Some(Owner::Nobody) => self.keep_for_first_session(backend, message),
            None => {}
        }
    }

    /// What a backend says while it waits for its session: the oldest gives way.
    fn keep_for_first_session(&mut self, backend: Key<Backend>, message: Message) {
        let limits = self.snapshot.limits;
        let Some(backend) = self.backends.get_mut(backend) else { return };
        waiting::keep(&mut backend.early, message, &limits, |one| one.len());
    }

    fn progress(&mut self, backend: Key<Backend>, message: Message, envelope: &Envelope) {
        let Some(span) = envelope.progress_token else { return };
        let token = span.of(&message);
        let ours = self.calls.find(backend, token).filter(|key| {
            self.calls.get(*key).is_some_and(|call| call.token_is_ours && call.token.is_some())
        });
        let owner = self.backends.get(backend).map(|backend| backend.owner);
        let Some(key) = ours.or_else(|| self.calls.by_token(backend, token)) else {
            self.doubt_longer(backend);
            // Nothing follows an answer, but a task reports progress until it ends.
            match owner {
                // Its text could be anything.
                _ if self.is_quiet_backend(backend) => {}
                Some(Owner::Session(session)) if self.has_tasks(backend) => {
                    self.relay(session, None, Splice::whole(message), None);
                }
                Some(Owner::Session(_)) => {}
                _ => self.task_progress(backend, &message, span),
            }
            return;
        };
        self.extend_call(key);
        let Some(call) = self.calls.get(key).filter(|call| !call.cancelled) else { return };
        let (token, token_is_ours) = (call.token.clone(), call.token_is_ours);
        let whom = call.whom.clone();
        if whom == CallFor::Parked {
            return self.keep_for_retry(key, &message);
        }
        let out = match token {
            Some(token) if token_is_ours => Splice::whole(message).with(span, Patch::Bytes(token)),
            _ => Splice::whole(message),
        };
        let session = match whom {
            CallFor::Exchange(exchange) => self.session_of(exchange),
            CallFor::Job(job) => self.session_of_job(job),
            _ => None,
        };
        if let Some(session) = session {
            self.relay(session, Some(key), out, None);
        }
    }

    pub(super) fn has_tasks(&self, backend: Key<Backend>) -> bool {
        let server = self.backends.get(backend).map(|backend| backend.server);
        server.is_some_and(|server| self.servers[usize::from(server.0)].has_tasks)
    }

    /// The only call under way at a backend, if there is one alone. Where there are several
    /// clients, what it says may as well belong to a call that was given up.
    pub(crate) fn only_call_of(&self, backend: Key<Backend>) -> Option<Key<Call>> {
        let is_of_many = self.shares_tokens(backend);
        if is_of_many && self.is_doubted(backend) {
            return None;
        }
        let counts = |call: &Call| {
            let is_for_client = matches!(call.whom, CallFor::Exchange(_) | CallFor::Parked);
            is_for_client && if is_of_many { !call.is_never_sent } else { !call.cancelled }
        };
        let mut calls = self.calls.of(backend).filter(|(_, call)| counts(call));
        let (only, call) = calls.next()?;
        (calls.next().is_none() && !call.cancelled).then_some(only)
    }

    /// Sends a message to the client of `session`: on the stream of the call it belongs to, else on
    /// its GET stream, else it waits for one. `asks` is its id if it is a request. `Some`: the
    /// stream on which it has left.
    pub(crate) fn relay(
        &mut self,
        session: Key<Session>,
        belongs: Option<Key<Call>>,
        message: Splice,
        asks: Option<&Message>,
    ) -> Option<u32> {
        let exchange = belongs.and_then(|key| match self.calls.get(key)?.whom {
            CallFor::Exchange(exchange) => Some(exchange),
            _ => None,
        });
        let (session, exchange, message) = self.face(session, exchange, message);
        let mut stream = exchange.and_then(|exchange| self.stream_of_exchange(exchange));
        // Behind a pooled session there may be many clients: no other stream will do.
        if stream.is_none() && !self.is_pooled(session) {
            stream = self.sessions.get(session).and_then(Session::listener);
            if stream.is_none()
                && let Some(other) = self.any_stream_of(session)
            {
                stream = self.stream_of_exchange(other);
            }
        }
        match stream {
            Some(number) => self.send_on_stream(session, number, message),
            None if self.is_pooled(session) => {}
            None => self.queue(session, message, asks),
        }
        stream
    }

    /// A running exchange of the session whose answer can still become a stream.
    fn any_stream_of(&self, session: Key<Session>) -> Option<Key<Exchange>> {
        let (backend, _) = self.backend_of(session)?;
        // Whoever waits for answers has calls at the backend of its session.
        self.calls.of(backend).find_map(|(_, call)| {
            let CallFor::Exchange(key) = call.whom else { return None };
            let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(key) else { return None };
            let fits = sent.session == session && sent.may_stream && sent.peer.is_some();
            (fits && sent.waiting > 0).then_some(key)
        })
    }
}

/// Whether an answer is certainly one for its client, as nearly all of them are.
fn is_for_its_client(call: &Call, message: &Message, envelope: &Envelope) -> bool {
    let is_complete = |span: Span| span.of(message) == b"\"complete\"";
    call.whom != CallFor::Parked
        && envelope.error.is_none()
        && envelope.result_type.is_none_or(is_complete)
}
