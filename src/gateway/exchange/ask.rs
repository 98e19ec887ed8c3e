// SPDX-License-Identifier: MIT
//! Requests of a backend for its client: sampling, elicitation, roots, ping. They reach the client
//! of the session that the backend serves, and no other.

use std::time::Duration;

use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::backend::{Backend, Carrier, Owner};
use crate::gateway::call::Call;
use crate::gateway::session::{Asked, Session};
use crate::mcp::{Code, legacy};
use crate::wire::Splice;
use crate::wire::json::write::push_str;
use crate::wire::jsonrpc::Envelope;

/// How long a request may wait for a stream to its client.
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
        let Some(id) = envelope.id.map(|span| message.slice(span)) else { return };
        let owner = self.backends.get(backend).map(|backend| backend.owner);
        let session = match owner {
            Some(Owner::Session(key)) => {
                self.sessions.get(key).filter(|s| !s.one_shot).map(|_| key)
            }
            _ => None,
        };
        let Some(key) = session else {
            return self.answer_ourselves(backend, &id, &message, envelope);
        };
        let max = self.limits().input_requests_per_session_max;
        if self.sessions.get(key).is_some_and(|session| session.asked.len() >= max) {
            return self.refuse_asked(backend, &id, "too many requests wait for this client");
        }
        let belongs = via.or_else(|| self.only_call_of(backend));
        let at = self.now.mono + STREAM_AFTER_MAX;
        if let Some(session) = self.sessions.get_mut(key) {
            session.asked.push(Asked { id: id.clone(), leaves_before: Some(at) });
        }
        let has_left = self.relay(key, belongs, Splice::whole(message), Some(&id));
        if !has_left {
            self.alarms.set(Alarm::Inputs, at);
        } else if let Some(asked) =
            self.sessions.get_mut(key).and_then(|session| session.asked.last_mut())
        {
            asked.leaves_before = None;
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
        let is_ping = envelope.method.is_some_and(|span| span.of(message) == b"\"ping\"");
        if is_ping {
            let answer = legacy::empty_response(id);
            self.send_below(backend, answer.into(), Carrier::Notice(None));
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
        self.send_below(backend, Message::new(out).into(), Carrier::Notice(None));
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
    }

    /// Refuses the requests that no client came to fetch.
    pub(crate) fn expire_input_requests(&mut self) {
        let now = self.now.mono;
        let mut expired = Vec::new();
        let mut next = None;
        for (key, session) in self.sessions.iter() {
            for asked in &session.asked {
                match asked.leaves_before {
                    Some(at) if at <= now => expired.push((key, session.backend, asked.id.clone())),
                    Some(at) => {
                        next = Some(next.map_or(at, |next: std::time::Instant| next.min(at)))
                    }
                    None => {}
                }
            }
        }
        for (key, backend, id) in expired {
            if let Some(session) = self.sessions.get_mut(key) {
                session.forget_asked(&id);
            }
            self.refuse_asked(backend, &id, "the client does not listen");
        }
        if let Some(at) = next {
            self.alarms.set(Alarm::Inputs, at);
        }
    }
}
