// SPDX-License-Identifier: MIT
//! Backends that are reached over HTTP: requests and their answers.
//!
//! Spec: MCP 2025-11-25, basic/transports.

use std::sync::Arc;
use std::time::Duration;

use super::{Backend, Carrier, HttpSession, Link};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::call::{Call, id_of};
use crate::gateway::fault::BackendFaultKind;
use crate::gateway::fetch::{Fetch, FetchFor, Purpose, Sentence, kind_of};
use crate::gateway::io::{
    FetchError, FetchErrorKind, FetchEvent, FetchHead, FetchMethod, FetchRequest, Level, Output,
};
use crate::gateway::pause::Source;
use crate::gateway::snapshot::{HttpTarget, Transport};
use crate::wire::jsonrpc::{self, Envelope, Parsed};
use crate::wire::{Patch, Splice};

/// A status that says that the request was not looked at: no such session, among others.
pub(super) const NOT_FOUND: u16 = 404;
/// A status that may say the same.
pub(super) const BAD_REQUEST: u16 = 400;
/// Whatever the server says: at most ten times a second, and at least once a minute.
const RETRY_MS: std::ops::RangeInclusive<u32> = 100..=60_000;
/// How long a server may take to let us go, and to end an answer behind the response in it.
const END_AFTER_MAX: Duration = Duration::from_secs(5);

impl Gateway {
    pub(super) fn target_of(&self, key: Key<Backend>) -> Option<Arc<HttpTarget>> {
        match &self.server(self.backends.get(key)?.server).transport {
            Transport::Http(target) => Some(Arc::clone(target)),
            Transport::Stdio(_) => None,
        }
    }

    /// Posts a message. `true`: the exchange of a notice is accepted when it is taken.
    pub(crate) fn post(&mut self, key: Key<Backend>, message: Splice, carrier: Carrier) -> bool {
        let Some(backend) = self.backends.get_mut(key) else { return false };
        let mut path = None;
        let mut purpose = Purpose::Carry(carrier);
        if let Link::Events(events) = &backend.link {
            if events.endpoint.is_none() {
                backend.held.push_back((message, carrier));
                return false;
            }
            path = events.endpoint.clone();
            purpose = Purpose::Deliver(carrier);
        }
        let fetch = self.fetch(key, purpose, FetchMethod::Post, path, None, Some(message));
        if let Carrier::Call(call) = carrier
            && let Some(call) = self.calls.get_mut(call)
        {
            call.fetch = fetch;
        }
        matches!(carrier, Carrier::Notice(Some(_)))
    }

    /// Sends an HTTP request in the backend's session.
    pub(super) fn fetch(
        &mut self,
        key: Key<Backend>,
        purpose: Purpose,
        method: FetchMethod,
        path: Option<Box<str>>,
        last_event_id: Option<Box<str>>,
        body: Option<Splice>,
    ) -> Option<Key<Fetch>> {
        let target = self.target_of(key)?;
        let until = self.patience(key, purpose).map(|patience| self.now.mono + patience);
        let (session_id, revision) = match &self.backends.get(key)?.link {
            Link::Http(session) => (session.id.clone(), session.revision.clone()),
            _ => (None, None),
        };
        let whom = FetchFor::Backend(key, purpose);
        let fetch = self.fetches.insert(Fetch::new(whom, session_id.clone(), until));
        if let Some(at) = until {
            self.alarms.set(Alarm::Resumes, at);
        }
        let fields = match purpose {
            Purpose::Carry(Carrier::Call(call)) => {
                self.calls.get(call).map(|call| call.fields.to_vec()).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let request = FetchRequest {
            repeatable: self.is_repeatable(purpose),
            head_after_max: None,
            target,
            path,
            method,
            session_id,
            revision,
            fields,
            last_event_id,
            body,
        };
        self.push(Output::Fetch { fetch, request: Box::new(request) });
        Some(fetch)
    }

    /// Whether a request may reach the server twice. A tool may be executed once at most, and of
    /// methods that we do not know nothing is known.
    fn is_repeatable(&self, purpose: Purpose) -> bool {
        let (Purpose::Carry(Carrier::Call(call)) | Purpose::Deliver(Carrier::Call(call))) = purpose
        else {
            return true;
        };
        self.calls.get(call).is_some_and(|call| call.method.is_repeatable())
    }

    /// How long a request may take that no call watches: also a mute server must not hold up a
    /// client's notification, or our end.
    fn patience(&self, key: Key<Backend>, purpose: Purpose) -> Option<Duration> {
        match purpose {
            Purpose::Leave => Some(END_AFTER_MAX),
            Purpose::Carry(Carrier::Notice(_)) | Purpose::Deliver(_) => {
                Some(self.server(self.backends.get(key)?.server).tool_timeout)
            }
            Purpose::Carry(Carrier::Call(_)) | Purpose::Listen | Purpose::Events => None,
        }
    }

    /// The response has come on this request: the rest of its answer is of little interest.
    pub(crate) fn ends_soon(&mut self, key: Key<Fetch>) {
        let at = self.now.mono + END_AFTER_MAX;
        let Some(fetch) = self.fetches.get_mut(key) else { return };
        if fetch.resume_at.is_some() {
            self.fetches.remove(key);
            return;
        }
        fetch.until = Some(at);
        self.alarms.set(Alarm::Resumes, at);
    }

    pub(crate) fn fetch_head(&mut self, key: Key<Fetch>, head: FetchHead) {
        let Some(fetch) = self.fetches.get_mut(key) else { return };
        let (status, session_id) = (head.status, head.session_id.clone());
        fetch.head = Some(head);
        let Some((backend, purpose)) = fetch.at_backend() else { return };
        match purpose {
            Purpose::Carry(Carrier::Call(call)) if is_success(status) => {
                let opens = self.calls.get(call).is_some_and(Call::is_handshake);
                if let (true, Some(id)) = (opens, session_id)
                    && let Some(Backend { link: Link::Http(session), .. }) =
                        self.backends.get_mut(backend)
                {
                    session.id = Some(id.into());
                }
            }
            Purpose::Carry(Carrier::Notice(Some(exchange)))
            | Purpose::Deliver(Carrier::Notice(Some(exchange))) => self.accept_notice(exchange),
            _ => {}
        }
    }

    pub(crate) fn fetch_message(&mut self, key: Key<Fetch>, message: Message, event: FetchEvent) {
        let Some(fetch) = self.fetches.get_mut(key) else { return };
        if let Some(id) = event.id {
            fetch.last_event_id = Some(id);
            fetch.n_resumed = 0;
        }
        if let Some(retry_ms) = event.retry_ms {
            fetch.retry_ms = retry_ms.clamp(*RETRY_MS.start(), *RETRY_MS.end());
        }
        if message.is_empty() {
            return;
        }
        let Some((backend, purpose)) = fetch.at_backend() else {
            return self.forge_said(key, message);
        };
        if !fetch.head.as_ref().is_some_and(|head| is_success(head.status)) {
            fetch.error_body = Some(message);
            return;
        }
        match (purpose, event.name.as_deref()) {
            (Purpose::Events, Some("endpoint")) => self.endpoint_known(backend, &message),
            (Purpose::Carry(Carrier::Call(call)), _) => self.receive(backend, message, Some(call)),
            (Purpose::Listen | Purpose::Events, _) => self.receive(backend, message, None),
            _ => {}
        }
    }

    pub(crate) fn fetch_done(&mut self, key: Key<Fetch>, end: Result<(), FetchError>) {
        let Some(fetch) = self.fetches.get(key) else { return };
        let Some((backend, purpose)) = fetch.at_backend() else {
            return self.forge_done(key, end.is_ok());
        };
        match purpose {
            Purpose::Carry(Carrier::Call(call)) => {
                self.call_carried(key, backend, call, end);
                self.passages.source_ended(Source::Fetch(key));
            }
            Purpose::Deliver(Carrier::Call(call)) => self.call_delivered(key, backend, call, end),
            Purpose::Carry(Carrier::Notice(waiting))
            | Purpose::Deliver(Carrier::Notice(waiting)) => {
                self.notice_done(key, backend, &end);
                if let Some(exchange) = waiting {
                    self.accept_notice(exchange);
                }
            }
            Purpose::Listen => self.listening_done(key, backend, &end),
            Purpose::Events => self.events_done(key, backend, end),
            Purpose::Leave => {
                self.fetches.remove(key);
            }
        }
    }

    /// The HTTP request that carried a notification or a response is over. Its client was told that
    /// it was taken; if it was not, at least the log says so.
    fn notice_done(
        &mut self,
        key: Key<Fetch>,
        backend: Key<Backend>,
        end: &Result<(), FetchError>,
    ) {
        let Some(fetch) = self.fetches.remove(key) else { return };
        let why = match (end, fetch.head.as_ref().map_or(0, |head| head.status)) {
            (Err(error), _) => format!("{}", Sentence(error)),
            (Ok(()), status) if is_success(status) => return,
            (Ok(()), status) => format!("HTTP {status}"),
        };
        let server = self.backends.get(backend).map(|backend| backend.server);
        let text = format!("it did not take a notification or a response: {why}");
        self.note(Level::Warn, "backend", server, text);
    }

    /// The HTTP request that carried a call is over.
    fn call_carried(
        &mut self,
        key: Key<Fetch>,
        backend: Key<Backend>,
        call: Key<Call>,
        end: Result<(), FetchError>,
    ) {
        if self.calls.get(call).is_none_or(|call| call.fetch != Some(key)) {
            self.fetches.remove(key);
            return;
        }
        let is_wanted = self.calls.get(call).is_some_and(|call| !call.cancelled);
        if is_wanted && self.can_resume(key, &end) {
            return self.resume_later(key);
        }
        let Some(fetch) = self.fetches.remove(key) else { return };
        if let Some(call) = self.calls.get_mut(call) {
            call.fetch = None;
        }
        match (end, &fetch.head) {
            (Err(error), _) if self.send_again(backend, call, &error) => {}
            (Err(error), _) => {
                let detail = format!("{}", Sentence(&error));
                let fault = self.backend_fault(backend, kind_of(error.kind), &detail);
                self.fail_call(call, &fault);
            }
            (Ok(()), Some(head)) if is_success(head.status) => {
                let detail = "it ended its answer before the response";
                let fault = self.backend_fault(backend, BackendFaultKind::Misbehaved, detail);
                self.fail_call(call, &fault);
            }
            (Ok(()), _) => self.call_refused(backend, call, &fetch),
        }
    }

    /// Sends a call once more if it has certainly not reached the server: the connection was gone
    /// before a byte had left. `false`: it is over.
    fn send_again(&mut self, key: Key<Backend>, call: Key<Call>, error: &FetchError) -> bool {
        let Some(entry) = self.calls.get_mut(call) else { return false };
        if error.sent || error.kind != FetchErrorKind::Closed || entry.resent || entry.cancelled {
            return false;
        }
        entry.resent = true;
        let request = entry.request.clone();
        self.transmit(key, request, Carrier::Call(call));
        true
    }

    /// The answer was an HTTP error.
    fn call_refused(&mut self, backend: Key<Backend>, call: Key<Call>, fetch: &Fetch) {
        // A stream that cannot be resumed says nothing about its request: that was executed.
        let unread = !fetch.is_resumption;
        if unread && self.session_is_lost(fetch) && self.reopen(backend, call, fetch) {
            return;
        }
        let status = fetch.head.as_ref().map_or(0, |head| head.status);
        let said_in_rpc =
            fetch.error_body.as_ref().and_then(|body| match jsonrpc::parse(body, self.limits()) {
                Ok(Parsed::Single(envelope)) if envelope.error.is_some() => Some((body, envelope)),
                _ => None,
            });
        // A server that refuses in JSON-RPC has understood the POST: it is no older one.
        let is_older = matches!(status, 404 | 405) || status == 400 && said_in_rpc.is_none();
        if unread && is_older && self.try_events(backend, call) {
            return;
        }
        if let Some((body, envelope)) = said_in_rpc {
            // The server says in JSON-RPC what is wrong: that is worth more than the status.
            if let Some(call) = self.calls.get_mut(call) {
                call.http_status = Some(status);
            }
            let answer = self.as_answer(call, body, &envelope);
            return self.receive(backend, answer, Some(call));
        }
        let said = fetch.error_body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned());
        let said: String = said.unwrap_or_default().chars().take(300).collect();
        // What no guard has labelled is not told.
        let said = if self.is_quiet_backend(backend) { "no more is told of it" } else { &said };
        let detail = match fetch.head.as_ref().and_then(|head| head.location.as_deref()) {
            Some(_) if self.is_quiet_backend(backend) => {
                format!("HTTP {status}: a redirect is not followed")
            }
            Some(location) => format!("HTTP {status}: a redirect to {location} is not followed"),
            None if matches!(status, 401 | 403) => format!(
                "HTTP {status}: it does not accept the credentials configured for it; {}",
                said.trim()
            ),
            None => format!("HTTP {status}: {}", said.trim()),
        };
        let fault = self.backend_fault(backend, BackendFaultKind::Misbehaved, &detail);
        self.fail_call(call, &fault);
    }

    /// The error under our id, if the server has lost it.
    fn as_answer(&self, call: Key<Call>, body: &Message, envelope: &Envelope) -> Message {
        let id = id_of(call);
        match envelope.id {
            Some(span) => Splice::whole(body.clone()).with(span, Patch::Number(id)).to_message(),
            None => body.clone(),
        }
    }

    /// Ends our session with an HTTP server.
    pub(crate) fn leave_http(&mut self, key: Key<Backend>) {
        let leaving = match self.backends.get(key).map(|backend| &backend.link) {
            Some(Link::Http(session)) => session.id.is_some(),
            _ => false,
        };
        let running = self.fetches.iter().filter(|(_, fetch)| fetch.is_at(key));
        for fetch in running.map(|(fetch, _)| fetch).collect::<Vec<_>>() {
            self.cancel_fetch(fetch);
        }
        if leaving {
            self.fetch(key, Purpose::Leave, FetchMethod::Delete, None, None, None);
        }
    }

    /// Forgets an HTTP request.
    pub(crate) fn cancel_fetch(&mut self, key: Key<Fetch>) {
        let Some(fetch) = self.fetches.remove(key) else { return };
        self.passages.source_ended(Source::Fetch(key));
        if fetch.resume_at.is_none() {
            self.push(Output::Cancel { fetch: key });
        }
        if let Some((
            _,
            Purpose::Carry(Carrier::Notice(Some(exchange)))
            | Purpose::Deliver(Carrier::Notice(Some(exchange))),
        )) = fetch.at_backend()
        {
            self.accept_notice(exchange);
        }
    }
}

impl HttpSession {
    /// Whether the server has given us a session.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.id.is_some()
    }
}

pub(crate) const fn is_success(status: u16) -> bool {
    status >= 200 && status < 300
}
