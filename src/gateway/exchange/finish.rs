// SPDX-License-Identifier: MIT
//! From an answer to the client: one JSON body when it is one message, an event stream as soon as
//! something precedes it.

use std::borrow::Cow;
use std::time::Instant;

use super::{Exchange, Sent, events_head, with_cors};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::call::{Call, CallFor};
use crate::gateway::fault::{BackendFaultKind, Fault, backend};
use crate::gateway::io::{Backend, CallEnd, Output, Peer};
use crate::gateway::snapshot::{ResponseMode, ServerId};
use crate::gateway::stream::StreamKind;
use crate::mcp::subscription::listen_result;
use crate::wire::Splice;
use crate::wire::http1::chunked::is_token;
use crate::wire::http1::{Content, Field, RequestHead, ResponseHead, fields};

/// The connection speaks another protocol from here on.
pub(super) const SWITCHING_PROTOCOLS: u16 = 101;
/// It went well, and this is the answer.
pub(crate) const OK: u16 = 200;
/// It is taken; there will be no answer.
pub(crate) const ACCEPTED: u16 = 202;
/// It is done; there is nothing to say.
const NO_CONTENT: u16 = 204;

impl Gateway {
    /// One answer for `exchange` is there.
    pub(crate) fn deliver(&mut self, key: Key<Exchange>, message: Splice) {
        if self.passages.has_begun_for(key) {
            return self.end_exchange(key);
        }
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get_mut(key) else { return };
        if let Some(part_of) = sent.part_of {
            return self.part_answered(key, part_of, message);
        }
        sent.waiting = sent.waiting.saturating_sub(1);
        let (done, session, stream) = (sent.waiting == 0, sent.session, sent.stream);
        if let Some(number) = stream {
            self.send_on_stream(session, number, message);
            if done {
                self.end_exchange(key);
            }
            return;
        }
        if let Some(batch) = &mut sent.batch {
            batch.push(message.to_message());
            if done {
                self.finish_batch(key);
            }
            return;
        }
        let status = sent.status;
        // A status of its own is part of a modern error, and a stream has none to give.
        if status == OK && self.wants_events(key) && self.stream_of_exchange(key).is_some() {
            return self.deliver_again(key, message);
        }
        self.respond(key, status, Content::Json, message);
    }

    /// The stream was opened for the only answer.
    fn deliver_again(&mut self, key: Key<Exchange>, message: Splice) {
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(key) else { return };
        if let (session, Some(number)) = (sent.session, sent.stream) {
            self.send_on_stream(session, number, message);
        }
        self.end_exchange(key);
    }

    pub(super) fn wants_events(&self, key: Key<Exchange>) -> bool {
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(key) else { return false };
        let Some(session) = self.sessions.get(sent.session) else { return false };
        sent.may_stream && self.mode(session.server, session.principal) == ResponseMode::Sse
    }

    pub(crate) fn finish_batch(&mut self, key: Key<Exchange>) {
        if self.wants_events(key) && self.stream_of_exchange(key).is_some() {
            return self.end_exchange(key);
        }
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get_mut(key) else { return };
        let answers = sent.batch.take().unwrap_or_default();
        let mut body = b"[".to_vec();
        for (answer, n) in answers.iter().zip(0..) {
            if n > 0 {
                body.push(b',');
            }
            body.extend_from_slice(answer);
        }
        body.push(b']');
        self.respond(key, OK, Content::Json, Message::new(body).into());
    }

    /// Answers with one body and ends the exchange.
    pub(crate) fn respond(
        &mut self,
        key: Key<Exchange>,
        status: u16,
        content: Content,
        body: Splice,
    ) {
        let Some(sent) = self.take_sent(key) else { return };
        let Some(peer) = sent.peer else {
            if sent.opens_session {
                self.end_session(sent.session, "its client left before it knew the session");
            }
            return;
        };
        let head = self.session_head(ResponseHead::new(status, content), &sent);
        self.push(Output::Respond { peer, head, body, close: false });
    }

    /// With the session's id if this answer opens it, and what pages need.
    pub(super) fn session_head(&self, head: ResponseHead, sent: &Sent) -> ResponseHead {
        let id = self.sessions.get(sent.session).map(|session| String::from(&*session.id));
        let head = match id {
            Some(id) if sent.opens_session => head.with("Mcp-Session-Id", id),
            _ => head,
        };
        with_cors(head, sent.origin.as_ref())
    }

    /// A notification or response has been taken.
    pub(crate) fn accept_notice(&mut self, key: Key<Exchange>) {
        if let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(key)
            && sent.is_notice
        {
            self.respond(key, ACCEPTED, Content::None, Message::default().into());
        }
    }

    /// Takes an exchange that is over out of the tables.
    pub(crate) fn take_sent(&mut self, key: Key<Exchange>) -> Option<Box<Sent>> {
        let begun = self.passages.take_begun(key);
        let Exchange::AwaitResponse(mut sent) = self.exchanges.remove(key)? else { return None };
        if let Some(peer) = sent.peer {
            self.peers.clear(peer);
        }
        if let Some(begun) = begun {
            self.break_off(&mut sent, &begun);
        }
        let now = self.now.mono;
        if let Some(session) = self.sessions.get_mut(sent.session) {
            session.n_exchanges = session.n_exchanges.saturating_sub(1);
            session.used_at = now;
        }
        Some(sent)
    }

    /// Ends an exchange whose stream has carried everything.
    pub(crate) fn end_exchange(&mut self, key: Key<Exchange>) {
        let Some(sent) = self.take_sent(key) else { return };
        if let Some(number) = sent.stream {
            self.complete_stream(sent.session, number);
        }
    }

    /// The stream of an exchange, opened now if it may have one.
    pub(crate) fn stream_of_exchange(&mut self, key: Key<Exchange>) -> Option<u32> {
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(key) else { return None };
        if sent.stream.is_some() {
            return sent.stream;
        }
        if !sent.may_stream || sent.is_notice {
            return None;
        }
        let (session, peer) = (sent.session, sent.peer?);
        let head = self.session_head(events_head(), sent);
        let number = self.open_stream(session, StreamKind::Post, Some(peer), head);
        let mut earlier = Vec::new();
        if let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get_mut(key) {
            sent.stream = Some(number);
            earlier = sent.batch.take().unwrap_or_default();
        }
        for answer in earlier {
            self.send_on_stream(session, number, answer.into());
        }
        Some(number)
    }

    /// One call of an exchange has failed.
    pub(crate) fn fail_call(&mut self, key: Key<Call>, fault: &Fault) {
        let Some(call) = self.calls.remove(key) else { return };
        let (text, end) = (fault.text(), CallEnd::of_fault(&call, fault));
        self.record_end(&call, (Message::default(), 0), end, Some(text.clone().into()));
        if call.cancelled {
            return;
        }
        match call.whom {
            CallFor::Exchange(exchange) => self.fail_for_client(exchange, &call.id, fault),
            CallFor::Job(job) => self.job_failed(job, fault),
            CallFor::Handshake | CallFor::Reopening => self.backend_failed(call.backend, fault),
            CallFor::Discovery => self.backend_failed(call.backend, fault),
            CallFor::Listening(session) => self.below_ended(session),
            CallFor::Tools(_) => self.tools_unknown(call.backend, &text),
            CallFor::Guard(judging) => self.guard_call_failed(judging),
            CallFor::Nobody | CallFor::Parked => {}
        }
        self.fail_followers(key, &call, fault);
    }

    /// The answer for `exchange` is this fault, whatever its backend said.
    pub(super) fn deliver_fault(&mut self, exchange: Key<Exchange>, id: &[u8], fault: &Fault) {
        if let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get_mut(exchange) {
            sent.status = fault.status();
        }
        self.deliver(exchange, fault.message(Some(id)).into());
    }

    pub(crate) fn fail_for_client(&mut self, key: Key<Exchange>, id: &[u8], fault: &Fault) {
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(key) else { return };
        if sent.modern.as_ref().is_some_and(|facts| facts.listens) && sent.stream.is_some() {
            // What it heard is complete as far as it went; its client subscribes again.
            self.forget_listener(key);
            return self.deliver(key, listen_result(id).into());
        }
        if !sent.opens_session {
            return self.deliver(key, fault.message(Some(id)).into());
        }
        // A session that never opened: the status says so too, and nothing is left of it.
        let session = sent.session;
        if sent.stream.is_some() {
            self.deliver(key, fault.message(Some(id)).into());
            return self.end_session(session, "its backend did not open");
        }
        let Some(sent) = self.take_sent(key) else { return };
        if let Some(peer) = sent.peer {
            self.refuse(peer, sent.origin.as_ref(), Some(id), fault);
        }
        self.end_session(session, "its backend did not open");
    }

    /// Ends an exchange whatever it waits for; its calls are abandoned.
    pub(crate) fn fail_exchange(&mut self, key: Key<Exchange>, fault: &Fault) {
        let had_fans = self.fail_fans_of(key, fault);
        let calls = self.calls.keys_of(|call| call.is_waited_for_by(key));
        if calls.is_empty() && !had_fans {
            return self.accept_notice(key);
        }
        for call in calls {
            // What others go on using must not go on working for nobody.
            let is_others = |call: &Call| self.is_shared(call.backend) && !call.is_handshake();
            if self.calls.get(call).is_some_and(is_others) {
                self.tell_cancelled(call, "its session has ended");
            }
            self.doubt_after(call);
            self.count_given_up(call);
            let Some(call) = self.calls.remove(call) else { continue };
            if let Some(fetch) = call.fetch {
                self.cancel_fetch(fetch);
            }
            self.fail_for_client(key, &call.id, fault);
        }
    }

    /// Nobody waits for this call any more: its answer will be dropped, its exchange ends if that
    /// was all it waited for.
    pub(crate) fn abandon(&mut self, key: Key<Call>) {
        self.calls.cancel(key);
        self.wait_for_late_answer(key);
        let Some(call) = self.calls.get(key) else { return };
        let CallFor::Exchange(exchange) = call.whom else { return };
        self.waits_for_less(exchange);
    }

    /// Ends the calls whose time is over.
    pub(crate) fn expire_calls(&mut self) {
        let now = self.now.mono;
        for key in self.calls.keys_of(|call| call.deadline <= now) {
            self.expire_call(key);
        }
        if let Some(at) = self.calls.iter().map(|(_, call)| call.deadline).min() {
            self.alarms.set(crate::gateway::alarm::Alarm::Calls, at);
        }
    }

    fn expire_call(&mut self, key: Key<Call>) {
        let Some(call) = self.calls.get(key) else { return };
        let (at, fetch) = (call.backend, call.fetch);
        let Some(server) = self.backends.get(at).map(|backend| backend.server) else { return };
        if call.is_handshake() || call.whom == CallFor::Discovery {
            let seconds = self.server(server).startup_timeout.as_secs_f64();
            let detail = format!("server startup timeout after {seconds}s");
            let fault = self.backend_fault(at, BackendFaultKind::TimedOut, &detail);
            return self.backend_failed(at, &fault);
        }
        let detail = self.timeout_text(call, self.server(server));
        let fault = backend(&self.snapshot, server, BackendFaultKind::TimedOut, &detail);
        if !call.cancelled {
            self.tell_cancelled(key, "timed out");
        }
        // Also after one that was given up before: its time may have been over soon after that.
        self.doubt_after(key);
        if let Some(fetch) = fetch {
            self.cancel_fetch(fetch);
        }
        self.fail_call(key, &fault);
    }

    /// The exchanges that have waited for so long that their clients should see a sign of life.
    pub(crate) fn exchanges_silent_since(&self, now: Instant) -> Vec<Key<Exchange>> {
        let after = self.limits().comment_after;
        let silent = self.exchanges.iter().filter(|(_, exchange)| match exchange {
            Exchange::AwaitResponse(sent) => sent.may_be_silent() && sent.started_at + after <= now,
            _ => false,
        });
        silent.map(|(key, _)| key).collect()
    }

    /// When the next exchange will have waited for so long.
    pub(crate) fn next_silence(&self) -> Option<Instant> {
        let after = self.limits().comment_after;
        let waiting = self.exchanges.iter().filter_map(|(_, exchange)| match exchange {
            Exchange::AwaitResponse(sent) if sent.may_be_silent() => Some(sent.started_at + after),
            _ => None,
        });
        waiting.min()
    }

    /// A notification is taken that nobody needs.
    pub(crate) fn answer_accepted(&mut self, peer: Key<Peer>, origin: Option<&Message>) {
        let head = with_cors(ResponseHead::new(ACCEPTED, Content::None), origin);
        self.push(Output::Respond { peer, head, body: Message::default().into(), close: false });
    }

    pub(crate) fn answer_no_content(&mut self, peer: Key<Peer>, origin: Option<&Message>) {
        let head = with_cors(ResponseHead::new(NO_CONTENT, Content::None), origin);
        self.push(Output::Respond { peer, head, body: Message::default().into(), close: false });
    }

    /// What a page asks before it sends a request with fields of its own.
    pub(crate) fn answer_preflight(&mut self, peer: Key<Peer>, head: &RequestHead) {
        let origin = head.field_message(Field::Origin);
        let answer = ResponseHead::new(NO_CONTENT, Content::None)
            .with("Access-Control-Allow-Methods", "GET, POST, DELETE")
            .with("Access-Control-Allow-Headers", allowed_fields(head))
            .with("Access-Control-Max-Age", "600");
        let head = with_cors(answer, origin.as_ref());
        self.push(Output::Respond { peer, head, body: Message::default().into(), close: false });
    }

    /// One JSON document of our own.
    pub(crate) fn answer_json(&mut self, peer: Key<Peer>, status: u16, body: Vec<u8>) {
        let head = ResponseHead::new(status, Content::Json);
        self.push(Output::Respond { peer, head, body: Message::new(body).into(), close: false });
    }

    /// A fault of a living backend, with what it said last on stderr, unless that might quote what
    /// a guard would withhold.
    pub(crate) fn backend_fault(
        &self,
        at: Key<Backend>,
        kind: BackendFaultKind,
        detail: &str,
    ) -> Fault {
        let Some(found) = self.backends.get(at) else {
            return backend(&self.snapshot, ServerId(0), kind, detail);
        };
        let said = Some(found.last_words()).filter(|said| !said.is_empty());
        let detail = match said.filter(|_| !self.is_guarded(found.server)) {
            Some(said) => format!("{detail}; stderr: {said}"),
            None => detail.to_owned(),
        };
        backend(&self.snapshot, found.server, kind, &detail)
    }
}

/// The fields that a page may send: the fixed ones, and those of the wanted ones that mirror
/// arguments, whose names are the servers' choice.
fn allowed_fields(head: &RequestHead) -> Cow<'static, str> {
    const FIXED: &str = "Accept, Authorization, Content-Type, Last-Event-ID, Mcp-Method, Mcp-Name, \
                         Mcp-Session-Id, MCP-Protocol-Version";
    let wanted = head.field(Field::AccessControlRequestHeaders).unwrap_or_default();
    let mut allowed = Cow::Borrowed(FIXED);
    for name in fields::members(wanted).filter(|name| fields::is_param(name)) {
        if let Ok(name) = std::str::from_utf8(name)
            && name.bytes().all(is_token)
        {
            allowed.to_mut().push_str(", ");
            allowed.to_mut().push_str(name);
        }
    }
    allowed
}

impl Sent {
    /// Whether its client waits without having seen a byte.
    const fn may_be_silent(&self) -> bool {
        self.may_stream && self.stream.is_none() && self.peer.is_some() && !self.is_notice
    }
}
