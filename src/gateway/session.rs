// SPDX-License-Identifier: MIT
//! MCP sessions: who they belong to, which backend serves them, and what waits in them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::alarm::Alarm;
use super::backend::Owner;
use super::call::Call;
use super::exchange::Exchange;
use super::fault::{ClientFault, Fault, GatewayFault};
use super::io::{Backend, Output, Peer};
use super::listen::below::Below;
pub use super::sessions::{ClientFacts, Pool, SessionKind};
use super::snapshot::ServerId;
use super::stream::{Stream, StreamKind};
use super::unified::Unified;
use super::{Gateway, note};
use crate::base::{Key, Message};
use crate::mcp::{Era, LogLevel, Revision};
use crate::policy::auth::Principal;
use crate::wire::Splice;

/// One MCP session of a client.
#[derive(Debug)]
pub struct Session {
    /// What the client sends as `Mcp-Session-Id`; not known to clients of a pooled one.
    pub id: Box<str>,
    /// The server it speaks with.
    pub server: ServerId,
    /// Whose session it is; nobody else may use it.
    pub principal: Principal,
    /// What was agreed on; until then, what the client asked for.
    pub revision: &'static Revision,
    /// Who serves it.
    pub backend: Key<Backend>,
    /// How its clients come to it.
    pub kind: SessionKind,
    /// What its client said about itself; only a backend of the modern era is told.
    pub client: Option<Box<ClientFacts>>,
    /// Whether the gateway itself has opened the backend, so that the client's
    /// `notifications/initialized` must not reach it again.
    pub opened_by_gateway: bool,
    /// The client's `initialize`, to open a lost HTTP session again.
    pub hello: Option<Splice>,
    /// Open streams, and ended ones that can still be resumed.
    pub streams: Vec<Stream>,
    /// The number of the next stream.
    pub next_stream: u32,
    /// Messages that wait for a stream.
    pub queued: VecDeque<Queued>,
    /// Bytes of the same.
    pub queued_bytes: usize,
    /// Requests of the backend that the client has not answered.
    pub asked: Vec<Asked>,
    /// The resources whose updates it wants, without escapes.
    pub subscribed: Vec<Box<str>>,
    /// The least severe log messages that it wants, if it said so.
    pub log_level: Option<LogLevel>,
    /// The sessions behind it, if it speaks with a view; then it has no backend of its own.
    pub unified: Option<Box<Unified>>,
    /// Exchanges of modern clients that listen to its backend.
    pub n_listening: usize,
    /// Calls that wait for their turn at its child; never sent as they are.
    pub turns: VecDeque<Key<Call>>,
    /// What it hears of a modern backend.
    pub below: Option<Box<Below>>,
    /// Exchanges under way.
    pub n_exchanges: usize,
    /// Calls that wait for their client to come back.
    pub n_parked: usize,
    /// When it was last used.
    pub used_at: Instant,
}

/// A member of a unified session, and an id as its backend spells it.
pub type Behind = (Key<Session>, Message);

/// A request of a backend that waits for its client's answer.
#[derive(Debug)]
pub struct Asked {
    /// The id, as the client spells it.
    pub id: Message,
    /// The member session whose backend has asked, and the id as that one spells it; `None`: the
    /// session's own backend, which spells it like the client.
    pub behind: Option<Behind>,
    /// Until when it may wait for a stream; `None` once it has left, unless that stream broke.
    pub leaves_before: Option<Instant>,
    /// The stream on which it has left.
    pub stream: Option<u32>,
}

/// A message that waits for a stream.
#[derive(Debug)]
pub struct Queued {
    /// The message.
    pub message: Splice,
    /// Its id, if it is a request of the backend.
    pub asks: Option<Message>,
}

/// What a new session is made from.
pub(super) struct NewSession {
    pub server: ServerId,
    pub principal: Principal,
    pub revision: &'static Revision,
    pub backend: Key<Backend>,
    pub kind: SessionKind,
    pub client: Option<Box<ClientFacts>>,
    pub opened_by_gateway: bool,
    pub hello: Option<Splice>,
    pub unified: Option<Box<Unified>>,
}

/// Characters of a session id: 5 bits each.
const SESSION_ID_CHARS: usize = 32;

impl Gateway {
    /// Makes room for one more session, at the cost of the longest idle one.
    pub(super) fn make_room_for_session(&mut self) -> Result<(), Fault> {
        if self.sessions.len() < self.limits().sessions_max {
            return Ok(());
        }
        let is_idle = |key: Key<Session>, s: &Session| s.is_idle() && !self.is_at_work(key, s);
        let idle = self.sessions.iter().filter(|(key, s)| !s.is_member() && is_idle(*key, s));
        let oldest = idle.min_by_key(|(_, session)| session.used_at).map(|(key, _)| key);
        let key = oldest.ok_or(GatewayFault::Full("sessions"))?;
        self.end_session(key, "evicted for a newer one");
        Ok(())
    }

    pub(super) fn new_session(&mut self, new: NewSession) -> Key<Session> {
        let id = self.shard.name(self.rng.base32(SESSION_ID_CHARS)).into();
        let (backend, is_pooled) = (new.backend, new.kind.is_pooled());
        let key = self.sessions.insert(Session {
            id,
            server: new.server,
            principal: new.principal,
            revision: new.revision,
            backend,
            kind: new.kind,
            client: new.client,
            opened_by_gateway: new.opened_by_gateway,
            hello: new.hello,
            streams: Vec::new(),
            next_stream: 1,
            queued: VecDeque::new(),
            queued_bytes: 0,
            asked: Vec::new(),
            subscribed: Vec::new(),
            log_level: None,
            unified: new.unified,
            n_listening: 0,
            turns: VecDeque::new(),
            below: None,
            n_exchanges: 0,
            n_parked: 0,
            used_at: self.now.mono,
        });
        if let Some(backend) = self.backends.get_mut(backend)
            && backend.owner != Owner::Shared
        {
            backend.owner = Owner::Session(key);
            let early = std::mem::take(&mut backend.early);
            // Many clients behind one session share no stream that could carry it.
            for message in early.into_iter().filter(|_| !is_pooled) {
                self.queue(key, message.into(), None);
            }
        }
        if let Some(session) = self.sessions.get(key) {
            let at = self.now.mono + self.idle_max(session);
            self.alarms.set(Alarm::Sessions, at);
        }
        key
    }

    fn idle_max(&self, session: &Session) -> Duration {
        let timeout = self.snapshot.session_timeout;
        match session.kind {
            SessionKind::Pooled(_) => timeout.min(super::pool::IDLE_MAX),
            SessionKind::Handshake | SessionKind::OneShot | SessionKind::Member(_) => timeout,
        }
    }

    /// The session that the field `Mcp-Session-Id` names, if it is this caller's.
    pub(super) fn find_session(
        &mut self,
        id: &[u8],
        server: ServerId,
        principal: Principal,
    ) -> Result<Key<Session>, Fault> {
        let key = self.sessions.by_id(id).ok_or(ClientFault::UnknownSession)?;
        let now = self.now.mono;
        let session = self.sessions.get_mut(key).ok_or(ClientFault::UnknownSession)?;
        // A session id is never authentication: another principal gets what a stranger gets.
        if session.server != server || session.principal != principal {
            return Err(ClientFault::UnknownSession.into());
        }
        session.used_at = now;
        Ok(key)
    }

    /// Ends a session and the backend that served it alone. Its calls get an error, its streams
    /// are finished.
    pub(super) fn end_session(&mut self, key: Key<Session>, why: &str) {
        self.end_session_with(key, why, &ClientFault::UnknownSession.into());
    }

    /// The same, with what its running calls are told.
    pub(super) fn end_session_with(&mut self, key: Key<Session>, why: &str, fault: &Fault) {
        let Some(session) = self.sessions.get(key) else { return };
        let (id, backend) = (note::short(&session.id), session.backend);
        self.debug("gateway:session", || format!("session {id} ended: {why}"));
        for exchange in self.exchanges_of(key) {
            self.fail_exchange(exchange, fault);
        }
        let Some(session) = self.sessions.remove(key) else { return };
        self.end_members(key, &session, why);
        self.forget_parks_of(key);
        if let Some(below) = &session.below {
            self.leave_below(below);
        }
        for peer in session.streams.iter().filter_map(|stream| stream.peer) {
            self.finish_listening(peer);
        }
        if self.backends.get(backend).is_some_and(|backend| backend.owner != Owner::Shared) {
            self.stop_backend(backend);
        } else {
            self.unsubscribe_all(backend, &session.subscribed);
            self.stop_listening_below(backend);
        }
    }

    /// Whether several clients may be behind it.
    pub(super) fn is_pooled(&self, key: Key<Session>) -> bool {
        self.sessions.get(key).is_some_and(Session::is_pooled)
    }

    fn exchanges_of(&self, session: Key<Session>) -> Vec<Key<Exchange>> {
        let is_of = |exchange: &Exchange| match exchange {
            Exchange::AwaitResponse(sent) => sent.session == session,
            _ => false,
        };
        self.exchanges.iter().filter(|(_, exchange)| is_of(exchange)).map(|(key, _)| key).collect()
    }

    /// Ends the answer to a GET; its connection may be used again.
    fn finish_listening(&mut self, peer: Key<Peer>) {
        if let Some(exchange) = self.peers.clear(peer) {
            self.exchanges.remove(exchange);
            self.push(Output::Finish { peer });
        }
    }

    pub(super) fn expire_sessions(&mut self) {
        let now = self.now.mono;
        let mut expired = Vec::new();
        let mut next = None;
        for (key, session) in self.sessions.iter().filter(|(_, session)| !session.is_member()) {
            let timeout = self.idle_max(session);
            let at = session.used_at + timeout;
            let is_due = at <= now;
            match (is_due, is_due && session.is_idle() && !self.is_at_work(key, session)) {
                (true, true) => expired.push(key),
                (true, false) => {
                    next = Some(next.map_or(now + timeout, |n: Instant| n.min(now + timeout)))
                }
                (false, _) => next = Some(next.map_or(at, |n: Instant| n.min(at))),
            }
        }
        for key in expired {
            self.end_session(key, "idle for too long");
        }
        if let Some(at) = next {
            self.alarms.set(Alarm::Sessions, at);
        }
    }

    /// Keeps a message until a stream is there for it; the oldest gives way. A request that gives
    /// way is refused, so that its backend does not wait for ever.
    pub(super) fn queue(&mut self, key: Key<Session>, message: Splice, asks: Option<&Message>) {
        let (count_max, bytes_max) =
            (self.limits().queued_messages_max, self.limits().queued_bytes_max);
        let Some(session) = self.sessions.get_mut(key) else { return };
        session.queued_bytes += message.len();
        session.queued.push_back(Queued { message, asks: asks.cloned() });
        let mut refused = Vec::new();
        while session.queued.len() > count_max || session.queued_bytes > bytes_max {
            let Some(dropped) = session.queued.pop_front() else { break };
            session.queued_bytes -= dropped.message.len();
            refused.extend(dropped.asks);
        }
        for id in refused {
            self.refuse_for(key, &id, "too much waits for this client");
        }
    }

    /// Sends what waited, now that a stream is open.
    pub(super) fn flush_queue(&mut self, key: Key<Session>, stream: u32) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        session.queued_bytes = 0;
        let queued = std::mem::take(&mut session.queued);
        for asked in session.asked.iter_mut().filter(|asked| asked.stream.is_none()) {
            asked.leaves_before = None;
            asked.stream = Some(stream);
        }
        for waiting in queued {
            self.send_on_stream(key, stream, waiting.message);
        }
    }

    /// Detaches `peer`, which is gone, from the streams that it carried.
    pub(super) fn detach_peer(&mut self, key: Key<Session>, peer: Key<Peer>) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        let mut broken = Vec::new();
        for stream in &mut session.streams {
            broken.extend(stream.peer.take_if(|own| *own == peer).map(|_| stream.number));
        }
        session.streams.retain(|stream| stream.is_worth_keeping());
        for stream in broken {
            self.asked_in_vain(key, stream);
        }
        self.stop_listening_for(key);
    }
}

impl Session {
    /// Whether several clients may be behind it, so that no stream is meant for all it says.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.kind.is_pooled()
    }

    /// The pool that it belongs to.
    #[must_use]
    pub const fn pool(&self) -> Option<&Pool> {
        match &self.kind {
            SessionKind::Pooled(pool) => Some(pool),
            SessionKind::Handshake | SessionKind::OneShot | SessionKind::Member(_) => None,
        }
    }

    /// Which protocol its clients speak.
    #[must_use]
    pub const fn era(&self) -> Era {
        match self.kind {
            SessionKind::Handshake | SessionKind::OneShot | SessionKind::Member(_) => Era::Legacy,
            SessionKind::Pooled(_) => Era::Modern,
        }
    }

    /// Whether it is a part of a unified one, whose life it shares.
    #[must_use]
    pub const fn is_member(&self) -> bool {
        matches!(self.kind, SessionKind::Member(_))
    }

    /// Whether nothing is under way and nobody listens.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.n_exchanges + self.n_parked == 0
            && self.streams.iter().all(|stream| stream.peer.is_none())
    }

    /// Whether no call runs in it, or waits for its client to come back.
    #[must_use]
    pub const fn is_without_calls(&self) -> bool {
        self.n_exchanges == self.n_listening && self.n_parked == 0
    }

    /// The stream for messages that belong to no call: the newest GET that is open.
    #[must_use]
    pub fn listener(&self) -> Option<u32> {
        let open = |stream: &&Stream| stream.kind != StreamKind::Post && stream.peer.is_some();
        self.streams.iter().rev().find(open).map(|stream| stream.number)
    }

    /// Forgets a request of the backend, also where it waits.
    pub fn forget_asked(&mut self, id: &[u8]) {
        self.asked.retain(|asked| &*asked.id != id);
        self.queued.retain(|waiting| waiting.asks.as_deref() != Some(id));
        self.queued_bytes = self.queued.iter().map(|waiting| waiting.message.len()).sum();
    }

    /// The client has come back for a stream, and for the requests on it.
    pub fn hears_again(&mut self, stream: u32) {
        for asked in self.asked.iter_mut().filter(|asked| asked.stream == Some(stream)) {
            asked.leaves_before = None;
        }
    }

    /// The stream of this number.
    pub fn stream_mut(&mut self, number: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.number == number)
    }
}
