// SPDX-License-Identifier: MIT
//! From members to the client: under ids that are unique in its session, and lists that have
//! changed told once.

use std::time::Duration;

use super::{Changed, PartOf};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::call::Call;
use crate::gateway::exchange::Exchange;
use crate::gateway::session::{Behind, Session, SessionKind};
use crate::gateway::snapshot::ServerId;
use crate::mcp::method::Method;
use crate::mcp::task_id;
use crate::wire::json::scan;
use crate::wire::jsonrpc::{self, Envelope, Parsed};
use crate::wire::{Patch, Splice};

/// Servers tend to change several things at once, and clients to list everything again each time.
const TELL_AFTER: Duration = Duration::from_millis(250);

impl Gateway {
    /// Whom a message of `session` reaches, as a part of which exchange, and in what words: those
    /// of its unified session, if it has one.
    pub(crate) fn face(
        &self,
        session: Key<Session>,
        exchange: Option<Key<Exchange>>,
        message: Splice,
    ) -> (Key<Session>, Option<Key<Exchange>>, Splice) {
        let exchange = exchange.and_then(|key| match self.exchanges.get(key) {
            Some(Exchange::AwaitResponse(sent)) => match sent.part_of {
                Some(PartOf::Fan(fan, _)) => self.fans.get(fan).map(|fan| fan.exchange),
                Some(PartOf::Opening) => None,
                None => Some(key),
            },
            _ => Some(key),
        });
        let own = self.sessions.get(session);
        let of = own.and_then(|own| match own.kind {
            SessionKind::Member(of) => Some(of),
            _ => None,
        });
        let to = exchange.and_then(|key| self.session_of(key)).or(of).unwrap_or(session);
        match own {
            Some(own) if to != session => {
                (to, exchange, self.with_our_task_ids(message, own.server, false))
            }
            _ => (to, exchange, message),
        }
    }

    /// A notification of a member that the client does not get as it is. `true`: it is settled.
    pub(crate) fn is_for_unified(
        &mut self,
        member: Key<Session>,
        method: Method,
        message: &Message,
        envelope: &Envelope,
    ) -> bool {
        let Some(session) = self.sessions.get(member) else { return false };
        let SessionKind::Member(of) = session.kind else { return false };
        let view = self.sessions.get(of).and_then(|one| self.snapshot.view(one.server));
        let Some(part) = view.and_then(|view| view.part(session.server)) else { return false };
        match method {
            Method::ListChanged => {
                let name = envelope.method.map(|span| span.of(message)).unwrap_or_default();
                let changed = Changed::by(name).shown_in(part);
                if changed != Changed::default() {
                    self.lists_changed(of, changed);
                }
                true
            }
            // What a view does not show does not change there.
            Method::ResourceUpdated => !part.resources,
            Method::Cancelled => {
                self.takes_back(of, member, message, envelope);
                true
            }
            _ => false,
        }
    }

    /// A member takes back what it has asked: the client knows it under an id of ours.
    fn takes_back(
        &mut self,
        of: Key<Session>,
        member: Key<Session>,
        message: &Message,
        envelope: &Envelope,
    ) {
        let Some(span) = envelope.request_id else { return };
        let theirs = span.of(message);
        let Some(session) = self.sessions.get_mut(of) else { return };
        let found = session.asked.iter().find(|asked| {
            asked.behind.as_ref().is_some_and(|(by, id)| *by == member && **id == *theirs)
        });
        let Some(id) = found.map(|asked| asked.id.clone()) else { return };
        session.forget_asked(&id);
        let notice = Splice::whole(message.clone()).with(span, Patch::Bytes(id));
        self.relay(of, None, notice, None);
    }

    /// A request of a backend as the client of `key` gets it: the session that it reaches, its id
    /// there, whose it is, and the message. Ids of two servers may be alike.
    pub(crate) fn under_own_id(
        &mut self,
        key: Key<Session>,
        id: Message,
        message: Message,
        envelope: &Envelope,
    ) -> (Key<Session>, Message, Option<Behind>, Message) {
        let of = self.sessions.get(key).and_then(|session| match session.kind {
            SessionKind::Member(of) => Some((of, session.server)),
            _ => None,
        });
        let Some((of, server)) = of else { return (key, id, None, message) };
        let Some(span) = envelope.id else { return (key, id, None, message) };
        let own = Message::new(self.next_input_id().to_string().into_bytes());
        let message = Splice::whole(message).with(span, Patch::Bytes(own.clone()));
        let message = self.with_our_task_ids(message, server, false).to_message();
        (of, own, Some((key, id)), message)
    }

    /// The answer to a call of a unified session with the ids of tasks that its client knows.
    pub(crate) fn with_own_task_ids(
        &self,
        call: &Call,
        exchange: Key<Exchange>,
        answer: Splice,
    ) -> Splice {
        if !self.session_of(exchange).is_some_and(|session| self.is_unified(session)) {
            return answer;
        }
        let Some(server) = self.backends.get(call.backend).map(|backend| backend.server) else {
            return answer;
        };
        // The result of a task is what the tool has said, and not about tasks.
        let is_about_task = match &*call.name {
            b"tasks/get" | b"tasks/cancel" => true,
            b"tools/call" => call.method == Method::ToolsCall,
            _ => false,
        };
        self.with_our_task_ids(answer, server, is_about_task)
    }

    /// With the ids of the server's tasks as the client knows them.
    fn with_our_task_ids(&self, message: Splice, server: ServerId, is_about_task: bool) -> Splice {
        let text = message.to_message();
        if memchr::memmem::find(&text, b"\"taskId\"").is_none() {
            return message;
        }
        let name = &self.server(server).name;
        let renamed = self.with_task_ids(&text, is_about_task, |id| Some(task_id::join(name, id)));
        renamed.map_or(message, Splice::whole)
    }

    /// With the ids of tasks as the server knows them.
    pub(super) fn with_their_task_ids(&self, message: Message, server: ServerId) -> Message {
        let name = &self.server(server).name;
        let renamed = self.with_task_ids(&message, false, |id| {
            let (own, rest) = task_id::split(id)?;
            (*own == **name).then(|| rest.to_owned())
        });
        renamed.unwrap_or(message)
    }

    fn with_task_ids(
        &self,
        message: &Message,
        is_about_task: bool,
        renamed: impl Fn(&str) -> Option<String>,
    ) -> Option<Message> {
        let Ok(Parsed::Single(envelope)) = jsonrpc::parse(message, self.limits()) else {
            return None;
        };
        let name = envelope.method.and_then(|span| scan::string(message, span));
        let is_status = name.is_some_and(|name| name == "notifications/tasks/status");
        // What a tool has said may have members of these names of its own.
        let is_tool_result = envelope
            .result
            .is_some_and(|result| scan::member(message, result, "content").is_some());
        let is_about_task = is_status || is_about_task && !is_tool_result;
        let places = task_id::places(message, &envelope, is_about_task);
        task_id::with_ids(message, &places, renamed)
    }

    /// The client of `key` will be told that lists are others than before.
    pub(super) fn lists_changed(&mut self, key: Key<Session>, changed: Changed) {
        let at = self.now.mono + TELL_AFTER;
        let Some(session) = self.sessions.get_mut(key) else { return };
        // Nobody could be told: many clients share a session without a handshake.
        let is_pooled = session.is_pooled();
        let Some(unified) = session.unified.as_mut().filter(|_| !is_pooled) else { return };
        unified.changed.add(changed);
        unified.tell_at.get_or_insert(at);
        self.alarms.set(Alarm::Unified, at);
    }

    /// Does what is due for unified sessions.
    pub(crate) fn expire_unified(&mut self) {
        let now = self.now.mono;
        let mut next = self.expire_fans();
        let mut due = Vec::new();
        for (key, session) in self.sessions.iter() {
            let Some(unified) = &session.unified else { continue };
            let until = unified.greeting.as_ref().map(|greeting| greeting.until);
            for at in [until, unified.tell_at].into_iter().flatten() {
                if at <= now {
                    due.push(key);
                } else {
                    next = Some(next.map_or(at, |next| next.min(at)));
                }
            }
        }
        if let Some(at) = next {
            self.alarms.set(Alarm::Unified, at);
        }
        for key in due {
            let greeting = self.unified_mut(key).and_then(|unified| unified.greeting.as_ref());
            if greeting.is_some_and(|greeting| greeting.until <= now) {
                self.greet_unified(key);
            }
            let tell_at = self.unified_mut(key).and_then(|unified| unified.tell_at);
            if tell_at.is_some_and(|at| at <= now) {
                self.tell_changes(key);
            }
        }
    }

    fn tell_changes(&mut self, key: Key<Session>) {
        let Some(unified) = self.unified_mut(key) else { return };
        unified.tell_at = None;
        let changed = std::mem::take(&mut unified.changed);
        let kinds = [
            ("tools", changed.tools),
            ("prompts", changed.prompts),
            ("resources", changed.resources),
        ];
        for (kind, _) in kinds.into_iter().filter(|(_, is_other)| *is_other) {
            let text =
                format!(r#"{{"jsonrpc":"2.0","method":"notifications/{kind}/list_changed"}}"#);
            self.relay(key, None, Message::new(text.into_bytes()).into(), None);
        }
    }

    /// Stops listening below for a session whose client does not listen any more.
    pub(crate) fn stop_listening_for(&mut self, key: Key<Session>) {
        for session in self.members_of(key).into_iter().chain([key]) {
            if let Some((backend, _)) = self.backend_of(session) {
                self.stop_listening_below(backend);
                self.refresh_below(session);
            }
        }
    }
}
