// SPDX-License-Identifier: MIT
//! Whether a large answer passes through in blocks, and how it does.
//!
//! It passes if nothing in the gateway has to see all of it: then only its id changes. Everything
//! else is gathered first: what is judged, counted, kept, translated between eras, or a part of an
//! answer of several servers.

use super::belong::CREATED_BYTES_MAX;
use super::finish::OK;
use super::{Exchange, Sent};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::backend::http::is_success;
use crate::gateway::backend::{Backend, Carrier};
use crate::gateway::call::{Call, CallFor, id_of};
use crate::gateway::fault::BackendFaultKind;
use crate::gateway::fetch::Purpose;
use crate::gateway::io::{CallEnd, Fetch, FetchContent, Level, Output, Peer};
use crate::gateway::passage::{Begun, OnStream, Passage};
use crate::gateway::pause::Source;
use crate::mcp::Era;
use crate::mcp::method::Method;
use crate::wire::http1::{Content, ResponseHead};
use crate::wire::passing::{self, Passing, PassingError};
use crate::wire::sse::EVENT_END;

/// By how much an id that is replaced may make a block longer, nearly always.
const ID_BYTES: usize = 64;

impl Gateway {
    /// A child begins a long line: it says which call it answers, or is gathered.
    pub(crate) fn line_begins(&mut self, backend: Key<Backend>, start: &Message) {
        let id = passing::id_of(start, self.limits());
        let call = id.and_then(|id| self.calls.find(backend, id));
        let passes =
            call.is_some_and(|call| self.begins_to_pass(Source::Child(backend), call, start));
        self.push(Output::PassLine { backend, passes });
    }

    /// A server begins a long message of an answer.
    pub(crate) fn message_begins(&mut self, fetch: Key<Fetch>, start: &Message) {
        let call = self.call_answered_on(fetch);
        let passes =
            call.is_some_and(|call| self.begins_to_pass(Source::Fetch(fetch), call, start));
        self.push(Output::PassMessage { fetch, passes });
    }

    /// The call whose answer is the body of an HTTP answer.
    fn call_answered_on(&self, key: Key<Fetch>) -> Option<Key<Call>> {
        let fetch = self.fetches.get(key)?;
        let head = fetch.head.as_ref()?;
        let Some((_, Purpose::Carry(Carrier::Call(call)))) = fetch.at_backend() else {
            return None;
        };
        let is_its = self.calls.get(call)?.fetch == Some(key);
        let is_answer = is_success(head.status) && head.content == FetchContent::Json;
        (is_its && is_answer).then_some(call)
    }

    /// Lets an answer pass that begins with `start`; `false`: it has to be gathered.
    fn begins_to_pass(&mut self, source: Source, key: Key<Call>, start: &Message) -> bool {
        let Some((exchange, era)) = self.passes_unchanged(key, start) else { return false };
        let Some(call) = self.calls.get(key) else { return false };
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(exchange) else {
            return false;
        };
        let is_event = sent.stream.is_some() || self.wants_events(exchange);
        let mut passing = Passing::new(self.limits(), id_of(key), call.id.clone(), is_event);
        let mut first = Vec::with_capacity(start.len() + ID_BYTES);
        let fed = passing.feed(start, &mut |bytes| first.extend_from_slice(bytes));
        // An HTTP answer belongs to its request, whatever its id; if that is not the one that was
        // asked, it will not come to its end.
        let is_known = passing.has_id() || matches!(source, Source::Fetch(_));
        let is_final = passing.has_result() && (era == Era::Legacy || passing.says_complete());
        if fed.is_err() || !is_known || !is_final {
            return false;
        }
        let Some((peer, stream)) = self.begin_answer(exchange, is_event) else { return false };
        let begun = Begun { exchange, peer: Some(peer), stream, sent: first.len() };
        let (bytes, source) = (start.len(), Some(source));
        self.passages.insert(Passage { source, call: key, passing, bytes, begun: Some(begun) });
        self.push(Output::Part { peer, bytes: Message::new(first) });
        true
    }

    /// The exchange of a call and its era, if its answer would leave as it came but for its id.
    fn passes_unchanged(&self, key: Key<Call>, start: &[u8]) -> Option<(Key<Exchange>, Era)> {
        let call = self.calls.get(key)?;
        let CallFor::Exchange(exchange) = call.whom else { return None };
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(exchange) else { return None };
        let era = self.era_of(call.backend);
        let is_opaque =
            matches!(call.method, Method::ToolsCall | Method::ResourcesRead | Method::PromptsGet);
        let is_plain = call.watched.is_none() && call.question.is_none() && call.needs.is_none();
        let passes = is_opaque
            && is_plain
            && !call.cancelled
            && sent.waits_alone()
            && sent.era() == era
            && !self.may_tell_of_task(call, sent, start);
        passes.then_some((exchange, era))
    }

    /// Whether an answer may tell of a task that has to be remembered, or has another name above.
    fn may_tell_of_task(&self, call: &Call, sent: &Sent, start: &[u8]) -> bool {
        let is_created = self.is_shared(call.backend) && start.len() <= CREATED_BYTES_MAX;
        call.method == Method::ToolsCall
            && self.has_tasks(call.backend)
            && (is_created || self.is_unified(sent.session))
    }

    /// Begins the answer to `exchange`, on its own or as an event; `None`: its client is not there.
    fn begin_answer(
        &mut self,
        exchange: Key<Exchange>,
        is_event: bool,
    ) -> Option<(Key<Peer>, Option<OnStream>)> {
        if is_event {
            let number = self.stream_of_exchange(exchange)?;
            let session = self.session_of(exchange)?;
            let (peer, start) = self.begin_event(session, number)?;
            self.push(Output::Part { peer, bytes: Message::new(start) });
            return Some((peer, Some((session, number))));
        }
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get_mut(exchange) else {
            return None;
        };
        let peer = sent.peer?;
        // It is no stream any more that others could use.
        sent.may_stream = false;
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(exchange) else { return None };
        let head = self.session_head(ResponseHead::new(OK, Content::Json), sent);
        self.push(Output::Begin { peer, head });
        Some((peer, None))
    }

    /// The next block of a message that passes; without anybody who wants it, it is dropped.
    pub(crate) fn passes(&mut self, source: Source, block: &Message) {
        let Some(passage) = self.passages.of(source) else { return };
        passage.bytes += block.len();
        let Some(begun) = &mut passage.begun else { return };
        let Some(peer) = begun.peer else { return };
        let mut out = Vec::with_capacity(block.len() + ID_BYTES);
        let fed = passage.passing.feed(block, &mut |bytes| out.extend_from_slice(bytes));
        match fed {
            Ok(()) => {
                begun.sent += out.len();
                self.push(Output::Part { peer, bytes: Message::new(out) });
            }
            Err(error) => self.cannot_pass(source, error),
        }
    }

    /// A message has passed.
    pub(crate) fn has_passed(&mut self, source: Source) {
        let Some(passage) = self.passages.of(source) else { return };
        if passage.begun.is_some_and(|begun| begun.peer.is_some())
            && let Err(error) = passage.passing.finish()
        {
            return self.cannot_pass(source, error);
        }
        let Some(passage) = self.passages.take(source) else { return };
        let Some(call) = self.calls.remove(passage.call) else { return };
        if let Some(fetch) = call.fetch {
            self.ends_soon(fetch);
        }
        let end = if call.cancelled { CallEnd::Cancelled } else { CallEnd::Ok };
        self.record_end(&call, (Message::default(), passage.bytes), end, None);
        let Some(Begun { exchange, peer, stream, .. }) = passage.begun else { return };
        match (stream, peer) {
            (Some((session, number)), peer) => {
                if let Some(peer) = peer {
                    self.push(Output::Part { peer, bytes: Message::fixed(EVENT_END) });
                }
                self.end_event(session, number);
                self.end_exchange(exchange);
            }
            (None, peer) => {
                self.take_sent(exchange);
                if let Some(peer) = peer {
                    self.push(Output::Finish { peer });
                }
            }
        }
    }

    /// What comes is not what it was taken for.
    fn cannot_pass(&mut self, source: Source, error: PassingError) {
        let Some(key) = self.passages.of(source).map(|passage| passage.call) else { return };
        let Some(backend) = self.calls.get(key).map(|call| call.backend) else { return };
        let detail = format!("its answer, of which a part has been passed on, is {error}");
        let fault = self.backend_fault(backend, BackendFaultKind::Misbehaved, &detail);
        self.fail_call(key, &fault);
        if let Source::Fetch(fetch) = source {
            self.cancel_fetch(fetch);
        }
    }

    /// An exchange ends otherwise than its answer has begun: the answer must not look complete.
    pub(super) fn break_off(&mut self, sent: &mut Sent, begun: &Begun) {
        if let Some(peer) = begun.peer {
            self.read_again_for(peer);
            if let Some((session, _)) = begun.stream {
                self.detach_peer(session, peer);
            }
            self.peers.clear(peer);
            self.push(Output::Close { peer });
            sent.peer = None;
            let server = self.sessions.get(sent.session).map(|session| session.server);
            let text = format!(
                "broke off an answer of which {} bytes had been passed on; its client's connection \
                 is closed",
                begun.sent
            );
            self.note(Level::Warn, "backend", server, text);
        }
        if let Some((session, number)) = begun.stream {
            self.end_event(session, number);
        }
    }

    /// A client has left: what passes to it is dropped from now on.
    pub(super) fn passes_to_nobody(&mut self, peer: Key<Peer>) {
        self.passages.forget_peer(peer);
    }

    /// What has to hold between any two inputs.
    pub(crate) fn check_passages(&self) {
        for passage in self.passages.iter() {
            assert!(passage.source.is_some(), "an answer passes that comes from nowhere");
            let Some(begun) = passage.begun else { continue };
            let waits = |call: &Call| call.is_waited_for_by(begun.exchange);
            assert!(self.calls.get(passage.call).is_some_and(waits), "an answer passes to nobody");
        }
    }
}

impl Sent {
    /// Whether a client waits for one answer that is a message of its own.
    const fn waits_alone(&self) -> bool {
        let is_single = self.waiting == 1 && self.batch.is_none() && self.part_of.is_none();
        is_single
            && self.peer.is_some()
            && self.status == OK
            && !self.opens_session
            && !self.is_notice
    }
}
