// SPDX-License-Identifier: MIT
//! Requests of a backend for its client: sampling, elicitation, roots, ping. They reach the client
//! of the session that the backend serves, and no other.

use std::time::Duration;

use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::backend::{Backend, Carrier, Owner, State};
use crate::gateway::call::Call;
use crate::gateway::io::Level;
use crate::gateway::session::{Asked, Behind, Session};
use crate::mcp::{Code, Era, legacy};
use crate::wire::Splice;
use crate::wire::json::write::push_str;
use crate::wire::jsonrpc::Envelope;

/// How long a request may wait for a stream to its client, and for a client that has left.
const STREAM_AFTER_MAX: Duration = Duration::from_secs(30);

impl Gateway {
    /// A backend asks its client for something.
    pub(crate) fn asked(
        &mut self,
        backend: Key<Backend>,
        message: Message,
        envelope: &Envelope,
        via: Option<Key<Call>>,
    ) {
        // A copy, since a slice would keep all of the request until it is answered.
        let id = envelope.id.map(|span| Message::copy_of(span.of(&message)));
        let Some(id) = id else { return };
        if self.era_of(backend) == Era::Modern && self.has_streams(backend) {
            // Nobody asks in that era, and a POST that answers would be refused. A child that does
            // is told not to wait.
            let server = self.backends.get(backend).map(|backend| backend.server);
            let text = "dropped a request of a server of 2026-07-28, which may send none";
            return self.note(Level::Warn, "backend", server, text.to_owned());
        }
        if self.is_quiet_backend(backend) {
            // Not even a ping passes: its id is a text of the server's choice.
            if is_ping(&message, envelope) {
                return self.answer_below(backend, legacy::empty_response(&id));
            }
            let why = "a guard stands between, which judges no requests";
            return self.refuse_asked(backend, &id, why);
        }
        let owner = self.backends.get(backend).map(|backend| backend.owner);
        if let Some(Owner::Session(key)) = owner
            && self.is_of_pool(key)
            && !is_ping(&message, envelope)
        {
            return self.asked_of_modern(backend, key, &id, (&message, envelope), via);
        }
        let session = match owner {
            Some(Owner::Session(key)) => {
                self.sessions.get(key).filter(|s| !s.is_pooled()).map(|_| key)
            }
            _ => None,
        };
        let Some(key) = session.filter(|key| self.is_for_client(*key, &message, envelope)) else {
            return self.answer_ourselves(backend, &id, &message, envelope);
        };
        let (key, id, behind, message) = self.under_own_id(key, id, message, envelope);
        let max = self.limits().input_requests_per_session_max;
        if self.sessions.get(key).is_some_and(|session| session.asked.len() >= max) {
            let id = behind.map_or(id, |(_, id)| id);
            return self.refuse_asked(backend, &id, "too many requests wait for this client");
        }
        let belongs = via.or_else(|| self.only_call_of(backend));
        self.ask_on_session(key, belongs, message, &id, behind);
    }

    /// Sends a request to the client of a session, or keeps it until there is a way.
    pub(super) fn ask_on_session(
        &mut self,
        key: Key<Session>,
        belongs: Option<Key<Call>>,
        message: Message,
        id: &Message,
        behind: Option<Behind>,
    ) {
        let at = self.now.mono + STREAM_AFTER_MAX;
        if let Some(session) = self.sessions.get_mut(key) {
            let (id, leaves_before) = (id.clone(), Some(at));
            session.asked.push(Asked { id, behind, leaves_before, stream: None });
        }
        let stream = self.relay(key, belongs, Splice::whole(message), Some(id));
        if stream.is_none() {
            self.alarms.set(Alarm::Inputs, at);
        } else if let Some(asked) =
            self.sessions.get_mut(key).and_then(|session| session.asked.last_mut())
        {
            asked.leaves_before = None;
            asked.stream = stream;
        }
    }

    /// No client is meant: a ping is answered, anything else refused.
    fn answer_ourselves(
        &mut self,
        backend: Key<Backend>,
        id: &Message,
        message: &Message,
        envelope: &Envelope,
    ) {
        if is_ping(message, envelope) {
            self.answer_below(backend, legacy::empty_response(id));
        } else {
            self.refuse_asked(backend, id, "no client behind this connection can answer");
        }
    }

    pub(crate) fn refuse_asked(&mut self, backend: Key<Backend>, id: &Message, why: &str) {
        let code = Code::METHOD_NOT_FOUND.0;
        let mut out = b"{\"jsonrpc\":\"2.0\",\"id\":".to_vec();
        out.extend_from_slice(id);
        out.extend_from_slice(format!(",\"error\":{{\"code\":{code},\"message\":").as_bytes());
        push_str(&mut out, why);
        out.extend_from_slice(b"}}");
        self.answer_below(backend, Message::new(out));
    }

    /// Refuses a request that the client of `key` knows as `id`, and forgets it.
    pub(crate) fn refuse_for(&mut self, key: Key<Session>, id: &Message, why: &str) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        let behind = session.asked.iter().find(|asked| asked.id == *id);
        let behind = behind.and_then(|asked| asked.behind.clone());
        session.forget_asked(id);
        let Some((member, id)) = behind else { return self.give_up_asked(key, id, why) };
        if let Some((backend, _)) = self.backend_of(member) {
            self.refuse_asked(backend, &id, why);
        }
    }

    /// Whether a request reaches a client now or soon. A ping that does not is answered: its client
    /// is not gone because nobody listens, and the backend may wait for it with everything else.
    fn is_for_client(&self, key: Key<Session>, message: &Message, envelope: &Envelope) -> bool {
        let listens = |session: &Session| {
            self.with_streams(session).streams.iter().any(|stream| stream.peer.is_some())
        };
        !is_ping(message, envelope) || self.sessions.get(key).is_some_and(listens)
    }

    /// Answers a request of a backend. It may have been made before `initialize` was answered, and
    /// be what that waits for: so the answer is never held back.
    pub(crate) fn answer_below(&mut self, backend: Key<Backend>, answer: Message) {
        // A modern server must not ask, and has no place to post an answer to.
        if self.compares_itself(backend) {
            return;
        }
        if self.backends.get(backend).is_some_and(|backend| backend.state != State::Stopping) {
            self.transmit(backend, answer.into(), Carrier::Notice(None));
        }
    }

    /// The stream on which requests left is broken: their client may come back for it, or answer
    /// all the same.
    pub(crate) fn asked_in_vain(&mut self, key: Key<Session>, stream: u32) {
        let at = self.now.mono + STREAM_AFTER_MAX;
        let Some(session) = self.sessions.get_mut(key) else { return };
        let mut any = false;
        for asked in session.asked.iter_mut().filter(|asked| asked.stream == Some(stream)) {
            asked.leaves_before = Some(at);
            any = true;
        }
        if any {
            self.alarms.set(Alarm::Inputs, at);
        }
    }

    /// The backend takes its own request back.
    pub(crate) fn forget_asked(
        &mut self,
        key: Key<Session>,
        message: &Message,
        envelope: &Envelope,
    ) {
        let Some(id) = envelope.request_id.map(|span| span.of(message)) else { return };
        if let Some(session) = self.sessions.get_mut(key) {
            session.forget_asked(id);
        }
        self.forget_question(key, id);
    }

    /// Refuses the requests that no client came to fetch.
    pub(crate) fn expire_input_requests(&mut self) {
        let now = self.now.mono;
        let mut expired = Vec::new();
        let mut next = None;
        for (key, session) in self.sessions.iter() {
            for asked in &session.asked {
                match asked.leaves_before {
                    Some(at) if at <= now => expired.push((key, asked.id.clone())),
                    Some(at) => {
                        next = Some(next.map_or(at, |next: std::time::Instant| next.min(at)))
                    }
                    None => {}
                }
            }
        }
        for (key, id) in expired {
            self.refuse_for(key, &id, "the client does not listen");
        }
        if let Some(at) = next {
            self.alarms.set(Alarm::Inputs, at);
        }
    }
}

fn is_ping(message: &Message, envelope: &Envelope) -> bool {
    envelope.method.is_some_and(|span| span.of(message) == b"\"ping\"")
}
