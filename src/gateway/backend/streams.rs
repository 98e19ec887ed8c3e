// SPDX-License-Identifier: MIT
//! Streams of HTTP backends: answers that were interrupted, and the GET that listens for messages
//! that belong to no call.
//!
//! Spec: MCP 2025-11-25, basic/transports, "Resumability and Redelivery".

use std::time::Duration;

use super::http::is_success;
use super::{Backend, Carrier, Link, State};
use crate::base::Key;
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::fetch::{Fetch, Purpose};
use crate::gateway::io::{FetchContent, FetchError, FetchErrorKind, FetchMethod};
use crate::gateway::session::Session;
use crate::mcp::Era;

/// How often a stream is resumed in vain.
const RESUMES_MAX: u32 = 5;
/// How often the wait for a server that is not there is doubled, before listening again.
const DOUBLINGS_MAX: u32 = 6;

impl Gateway {
    pub(super) fn can_resume(&self, key: Key<Fetch>, end: &Result<(), FetchError>) -> bool {
        let Some(fetch) = self.fetches.get(key) else { return false };
        // There is no such thing in the modern era, whatever ids its servers give to their events.
        let Some((backend, _)) = fetch.at_backend() else { return false };
        if self.era_of(backend) == Era::Modern {
            return false;
        }
        let began = fetch
            .head
            .as_ref()
            .is_some_and(|head| is_success(head.status) && head.content == FetchContent::Events);
        // A server that is being restarted may not be there when we come back for its stream.
        let is_away = fetch.is_resumption && fetch.head.is_none();
        let ended = match end {
            Ok(()) => began,
            Err(error) => match error.kind {
                FetchErrorKind::Closed => began || is_away,
                FetchErrorKind::Connect | FetchErrorKind::TimedOut => is_away,
                _ => false,
            },
        };
        ended && fetch.last_event_id.is_some() && fetch.n_resumed < RESUMES_MAX
    }

    pub(super) fn resume_later(&mut self, key: Key<Fetch>) {
        let now = self.now.mono;
        let Some(fetch) = self.fetches.get_mut(key) else { return };
        let at = now + Duration::from_millis(u64::from(fetch.retry_ms));
        fetch.resume_at = Some(at);
        self.alarms.set(Alarm::Resumes, at);
    }

    /// Resumes the streams, and listens again, where it is time.
    pub(crate) fn resume_fetches(&mut self) {
        let now = self.now.mono;
        let (mut due, mut over) = (Vec::new(), Vec::new());
        let mut next = None;
        for (key, fetch) in self.fetches.iter() {
            for (at, list) in [(fetch.resume_at, &mut due), (fetch.until, &mut over)] {
                match at {
                    Some(at) if at <= now => list.push(key),
                    Some(at) => next = Some(next.map_or(at, |n: std::time::Instant| n.min(at))),
                    None => {}
                }
            }
        }
        for key in over {
            match self.fetches.get(key).and_then(Fetch::at_backend) {
                Some(_) => self.cancel_fetch(key),
                None => self.give_up_question(key),
            }
        }
        for key in due {
            self.resume(key);
        }
        let mut listen = Vec::new();
        for (key, backend) in self.backends.iter_mut() {
            let Link::Http(session) = &mut backend.link else { continue };
            match session.listen_at {
                Some(at) if at <= now => {
                    session.listen_at = None;
                    listen.push(key);
                }
                Some(at) => next = Some(next.map_or(at, |n| n.min(at))),
                None => {}
            }
        }
        for key in listen {
            self.listen_at(key);
        }
        if let Some(at) = next {
            self.alarms.set(Alarm::Resumes, at);
        }
    }

    pub(super) fn resume(&mut self, key: Key<Fetch>) {
        let Some(old) = self.fetches.remove(key) else { return };
        let Some((backend, purpose)) = old.at_backend() else { return };
        let last = old.last_event_id.clone();
        let new = self.fetch(backend, purpose, FetchMethod::Get, None, last, None);
        let Some(new) = new else { return };
        if let Some(fetch) = self.fetches.get_mut(new) {
            fetch.last_event_id = old.last_event_id;
            fetch.retry_ms = old.retry_ms;
            fetch.n_resumed = old.n_resumed + 1;
            fetch.is_resumption = true;
        }
        match purpose {
            Purpose::Carry(Carrier::Call(call)) => {
                if let Some(call) = self.calls.get_mut(call) {
                    call.fetch = Some(new);
                }
            }
            Purpose::Listen => {
                if let Some(Backend { link: Link::Http(http), .. }) = self.backends.get_mut(backend)
                {
                    http.listening = Some(new);
                }
            }
            _ => {}
        }
    }

    /// Listens below for the messages of `session` that belong to no call.
    pub(crate) fn listen_below(&mut self, session: Key<Session>) {
        for session in self.members_of(session).into_iter().chain([session]) {
            if let Some((key, _)) = self.backend_of(session) {
                self.listen_at(key);
                self.refresh_below(session);
            }
        }
    }

    /// Whether somebody above listens to what `key` says without being asked.
    fn is_listened_to(&self, key: Key<Backend>) -> bool {
        let listens = |session: &Session| {
            session.backend == key
                && (self.with_streams(session).listener().is_some() || session.n_listening > 0)
        };
        self.sessions.iter().any(|(_, session)| listens(session))
    }

    pub(crate) fn listen_at(&mut self, key: Key<Backend>) {
        let Some(backend) = self.backends.get(key) else { return };
        let Link::Http(http) = &backend.link else { return };
        let is_legacy = backend.era == Era::Legacy;
        if !is_legacy
            || http.listening.is_some()
            || backend.state != State::Ready
            || !self.is_listened_to(key)
        {
            return;
        }
        let fetch = self.fetch(key, Purpose::Listen, FetchMethod::Get, None, None, None);
        if let Some(Backend { link: Link::Http(http), .. }) = self.backends.get_mut(key) {
            http.listening = fetch;
        }
    }

    /// Listens no more if nobody listens above any more.
    pub(crate) fn stop_listening_below(&mut self, key: Key<Backend>) {
        let fetch = match self.backends.get(key).map(|backend| &backend.link) {
            Some(Link::Http(http)) => http.listening,
            _ => None,
        };
        let Some(fetch) = fetch.filter(|_| !self.is_listened_to(key)) else { return };
        if let Some(Backend { link: Link::Http(http), .. }) = self.backends.get_mut(key) {
            http.listening = None;
        }
        self.cancel_fetch(fetch);
    }

    pub(super) fn listening_done(
        &mut self,
        key: Key<Fetch>,
        backend: Key<Backend>,
        end: &Result<(), FetchError>,
    ) {
        if self.can_resume(key, end) {
            return self.resume_later(key);
        }
        let Some(fetch) = self.fetches.remove(key) else { return };
        let Some(Backend { link: Link::Http(http), .. }) = self.backends.get_mut(backend) else {
            return;
        };
        http.listening.take_if(|listening| *listening == key);
        let wait = Duration::from_millis(u64::from(fetch.retry_ms));
        let wait = match &fetch.head {
            Some(head) if is_success(head.status) => {
                http.n_deaf = 0;
                wait
            }
            // A server without such a stream has said so with an error, for good.
            Some(_) => return,
            // It is not there, and may be again.
            None => {
                http.n_deaf = (http.n_deaf + 1).min(DOUBLINGS_MAX);
                wait * (1 << http.n_deaf)
            }
        };
        let at = self.now.mono + wait;
        http.listen_at = Some(at);
        self.alarms.set(Alarm::Resumes, at);
    }
}
