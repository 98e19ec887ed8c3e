// SPDX-License-Identifier: MIT
//! Requests whose answer is there already, or on its way to somebody else: they are answered
//! without a word to the backend.
//!
//! ```text
//! request to a modern backend ─ Question ─┬─ kept ────────> its answer, with the time that is left
//!                                         ├─ under way ───> waits, as a call that is not sent
//!                                         └─ neither ─────> is sent, and others may follow it
//! ```
//!
//! Answers are kept as the backend has spelled them, and go the way of all answers each time.

use super::cell::{error_code, error_with_id};
use super::open::Incoming;
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::backend::{Backend, Carrier};
use crate::gateway::cache::{self, Room};
use crate::gateway::call::{Call, CallFor, id_of};
use crate::gateway::fault::Fault;
use crate::gateway::flight::{Landing, Share, Turn};
use crate::gateway::io::EventKind;
use crate::gateway::session::Session;
use crate::gateway::snapshot::ServerId;
use crate::mcp::freshness::{self, Freshness, Kind, Question};
use crate::mcp::meta::CLIENT_CAPABILITIES;
use crate::mcp::method::Method;
use crate::mcp::{Code, Era};
use crate::policy::auth::Principal;
use crate::wire::json::scan;
use crate::wire::jsonrpc::{self, Envelope, Parsed};
use crate::wire::{Patch, Splice};

/// A request whose answer may be kept.
pub(super) struct Asked {
    question: Question,
    server: ServerId,
    who: Principal,
    way: Way,
}

/// How it gets its answer.
enum Way {
    /// It is here: the result, with the time that is left.
    Kept(Message),
    /// As everybody else's turns.
    Turn(Turn),
}

impl Asked {
    /// Whether the backend is asked now.
    pub(super) const fn is_sent(&self) -> bool {
        matches!(self.way, Way::Turn(Turn::Lead | Turn::Alone))
    }
}

impl Gateway {
    /// Whether a request, in the words of its backend, is one whose answer may be kept.
    pub(super) fn asked_before(
        &self,
        backend: Key<Backend>,
        session: Key<Session>,
        one: &Incoming,
    ) -> Option<Asked> {
        if !one.method.is_cacheable() || self.era_of(backend) != Era::Modern {
            return None;
        }
        let text = &one.message;
        let session = self.sessions.get(session)?;
        let (server, who) = (session.server, session.principal);
        let capabilities =
            one.envelope.meta.and_then(|meta| scan::member(text, meta, CLIENT_CAPABILITIES));
        let capabilities = capabilities.map_or(&b""[..], |span| span.of(text));
        let method = one.envelope.method.and_then(|span| scan::string(text, span))?;
        let question = Question::of(text, &method, one.envelope.params, capabilities)?;
        let kept = self.cache.get(server, &question, who, self.now.mono);
        let way = match kept {
            Some((result, left)) => Way::Kept(freshness::with_time_left(result, left)),
            None => Way::Turn(self.flights.turn(server, &question, self.limits().followers_max)),
        };
        Some(Asked { question, server, who, way })
    }

    /// Gives a call its answer, lets it wait for one, or sends it.
    pub(super) fn ask_or_share(&mut self, key: Key<Call>, asked: Asked, request: Splice) {
        let Asked { question, server, who, way } = asked;
        let Some(call) = self.calls.get_mut(key) else { return };
        let backend = call.backend;
        match way {
            Way::Kept(result) => {
                let answer = legacy_response(id_of(key), &result);
                self.answer_without_asking(key, answer);
            }
            Way::Turn(Turn::Follow) => {
                call.is_never_sent = true;
                call.request = request;
                call.question = Some(Box::new((server, question.clone())));
                self.flights.follow(server, &question, key, who);
            }
            Way::Turn(turn) => {
                call.question = Some(Box::new((server, question.clone())));
                if turn == Turn::Lead {
                    self.flights.lead(server, question, key, who);
                }
                self.send_below(backend, request, Carrier::Call(key));
            }
        }
    }

    /// Answers a call as if its backend had done so.
    fn answer_without_asking(&mut self, key: Key<Call>, message: Message) {
        let Some(call) = self.calls.remove(key).filter(|call| !call.cancelled) else { return };
        if let Ok(Parsed::Single(envelope)) = jsonrpc::parse(&message, self.limits()) {
            if call.watched.is_some() {
                return self.judge_answer(call, message, envelope);
            }
            self.answer_call(&call, message, &envelope);
        }
    }

    /// A backend has answered a call whose answer may be kept: what it came to, for those who
    /// follow it. To be told to them after the call has been answered itself.
    pub(super) fn note_answer(
        &mut self,
        key: Key<Call>,
        call: &mut Call,
        message: &Message,
        envelope: &Envelope,
    ) -> Vec<Share<Key<Call>>> {
        let Some(backend) = self.backends.get(call.backend) else { return Vec::new() };
        let (server, era) = (backend.server, backend.era);
        if era == Era::Modern && is_doubtful(message, envelope) {
            self.doubt_lists(server, call.method);
        }
        let Some(asked) = call.question.take() else { return Vec::new() };
        let question = &asked.1;
        let freshness = envelope.result.and_then(|result| Freshness::read(message, result));
        let landing = match (envelope.result, freshness) {
            (None, _) => Landing::Failed,
            (Some(_), Some(freshness)) => Landing::Complete(freshness),
            (Some(_), None) => Landing::Unfinished,
        };
        let Some((shares, may_be_kept)) = self.flights.land(server, question, key, landing) else {
            if landing != Landing::Failed {
                self.flights.learn(server, question.kind, freshness);
            }
            return Vec::new();
        };
        if let (Some(result), Some(freshness), true) = (envelope.result, freshness, may_be_kept)
            && let Some(who) = self.principal_of(call)
        {
            let limits = self.limits();
            let room = Room { entries: limits.cache_entries_max, bytes: limits.cache_bytes_max };
            let place = (server, question.clone(), who);
            self.cache.put(place, (result.of(message), freshness), self.now.mono, room);
        }
        shares
    }

    /// What a client thought to be there is not: what lists it may be old.
    fn doubt_lists(&mut self, server: ServerId, method: Method) {
        let is_doubtful = |question: &Question| match method {
            Method::ToolsCall => question.kind == Kind::Tools,
            Method::PromptsGet => question.kind == Kind::Prompts,
            Method::ResourcesRead => matches!(question.kind, Kind::Resources | Kind::Templates),
            _ => false,
        };
        self.cache.invalidate(server, is_doubtful);
    }

    fn principal_of(&self, call: &Call) -> Option<Principal> {
        let CallFor::Exchange(exchange) = call.whom else { return None };
        let session = self.session_of(exchange)?;
        self.sessions.get(session).map(|session| session.principal)
    }

    /// Gives those who followed a call what it came to; `http_status` came with it.
    pub(super) fn share(
        &mut self,
        shares: Vec<Share<Key<Call>>>,
        (message, envelope): (&Message, &Envelope),
        http_status: Option<u16>,
    ) {
        for share in shares {
            match share {
                Share::Shares(key) => {
                    if let Some(call) = self.calls.get_mut(key) {
                        call.http_status = http_status;
                    }
                    let answer = match envelope.id {
                        Some(span) => Splice::whole(message.clone())
                            .with(span, Patch::Number(id_of(key)))
                            .to_message(),
                        None => {
                            let id = Message::new(id_of(key).to_string().into_bytes());
                            error_with_id(message, envelope, &id)
                        }
                    };
                    self.answer_without_asking(key, answer);
                }
                Share::Asks(key) => self.send_after_all(key),
            }
        }
    }

    /// A call that others may follow has failed. A fault tells of the backend and of nobody's
    /// credentials: whoever asked it would fail so.
    pub(super) fn fail_followers(&mut self, key: Key<Call>, call: &Call, fault: &Fault) {
        let Some((server, question)) = call.question.as_deref() else { return };
        for follower in self.flights.abandon(*server, question, key) {
            self.fail_call(follower, fault);
        }
    }

    /// Calls are over of which others may have waited for the answer: each of those takes a turn of
    /// its own.
    pub(crate) fn end_flights(&mut self) {
        loop {
            if !self.calls.has_left() {
                return;
            }
            for (key, asked) in self.calls.take_left() {
                let (server, question) = *asked;
                self.flights.leave(|follower| *follower == key);
                for follower in self.flights.abandon(server, &question, key) {
                    self.take_turn(server, &question, follower);
                }
            }
        }
    }

    /// A call whose leader is gone leads, follows another one, or is sent.
    fn take_turn(&mut self, server: ServerId, question: &Question, key: Key<Call>) {
        let of = self.calls.get(key).filter(|call| !call.cancelled);
        let Some(who) = of.and_then(|call| self.principal_of(call)) else { return };
        match self.flights.turn(server, question, self.limits().followers_max) {
            Turn::Follow => {
                self.flights.follow(server, question, key, who);
                return;
            }
            Turn::Lead => self.flights.lead(server, question.clone(), key, who),
            Turn::Alone => {}
        }
        self.send_after_all(key);
    }

    /// Sends a call that has waited for the answer to another one.
    fn send_after_all(&mut self, key: Key<Call>) {
        let now = self.now.mono;
        let Some(call) = self.calls.get_mut(key).filter(|call| !call.cancelled) else { return };
        call.is_never_sent = false;
        call.sent_at = now;
        let (backend, request, name) = (call.backend, call.request.clone(), call.name.clone());
        let server = self.backends.get(backend).map(|backend| backend.server);
        let kind = EventKind::RpcOut { method: name, payload: request.to_message() };
        self.emit(server, kind);
        self.send_below(backend, request, Carrier::Call(key));
    }

    /// A modern backend says that something is another one than before.
    pub(super) fn note_change(
        &mut self,
        backend: Key<Backend>,
        method: Method,
        message: &Message,
        envelope: &Envelope,
    ) {
        if method == Method::ListChanged
            && let Some(backend) = self.backends.get(backend)
            && let Some(listed) = self.guards.listed_mut(backend.server)
        {
            listed.forget();
        }
        let is_change = matches!(method, Method::ListChanged | Method::ResourceUpdated);
        if !is_change || self.era_of(backend) != Era::Modern {
            return;
        }
        let Some(server) = self.backends.get(backend).map(|backend| backend.server) else { return };
        let name = envelope.method.and_then(|span| scan::string(message, span));
        let uri = envelope.uri.and_then(|span| scan::string(message, span));
        let name = name.unwrap_or_default();
        let is_stale = |question: &Question| cache::is_stale(question, &name, uri.as_deref());
        self.cache.invalidate(server, is_stale);
        self.flights.overtake(server, is_stale);
    }

    /// A modern backend is gone: the next one may answer otherwise.
    pub(crate) fn forget_answers(&mut self, server: ServerId) {
        self.cache.invalidate(server, |_| true);
        self.flights.overtake(server, |_| true);
        self.flights.forget_habits(server);
    }

    /// What has to hold between any two inputs, for answers that are shared.
    pub(crate) fn check_flights(&self) {
        let limits = self.limits();
        assert!(self.cache.len() <= limits.cache_entries_max);
        assert!(self.cache.bytes() <= limits.cache_bytes_max);
        for (leader, followers) in self.flights.iter() {
            let leads = |call: &Call| !call.is_never_sent && !call.cancelled;
            assert!(self.calls.get(leader).is_some_and(leads), "nobody leads a flight");
            for follower in followers {
                let follows = |call: &Call| call.is_never_sent && !call.cancelled;
                assert!(self.calls.get(follower).is_some_and(follows), "a follower is gone");
            }
        }
    }
}

/// Whether an error says that something that was listed is not there, or is otherwise.
fn is_doubtful(message: &Message, envelope: &Envelope) -> bool {
    let code = error_code(message, envelope);
    let is = |known: Code| code == Some(i64::from(known.0));
    let known = [Code::METHOD_NOT_FOUND, Code::INVALID_PARAMS, Code::HEADER_MISMATCH];
    known.into_iter().any(is)
}

fn legacy_response(id: u64, result: &[u8]) -> Message {
    crate::mcp::legacy::response(id.to_string().as_bytes(), result)
}
