// SPDX-License-Identifier: MIT
//! Sessions that are a connection: it begins them, carries everything that is said in them, and
//! ends them.
//!
//! ```text
//!              ┌──────────── posted, or a frame
//!              v
//!  peer ── Attached ── initialize ──> Session, whose one stream is this peer
//!   ^                                    │ a request: an exchange without a peer
//!   └── answers, notifications, requests ┘ of its own, whose stream is the session's
//! ```
//!
//! An exchange of an attached session has no HTTP answer: what it delivers leaves on the stream of
//! its session. So everything behind it is as it is for `/mcp`.

mod heard;

use std::time::{Duration, Instant};

use super::Gateway;
use super::alarm::Alarm;
use super::exchange::front::Caller;
use super::exchange::{Admitted, Exchange, Version};
use super::io::{Output, Peer, StreamData, StreamEvent};
use super::session::Session;
use super::stream::StreamKind;
use crate::base::{Key, Message};
use crate::wire::Splice;

/// How long a connection may take to become a session.
const OPEN_AFTER_MAX: Duration = Duration::from_secs(60);
/// Characters of the part of a token that cannot be guessed: 5 bits each.
const TOKEN_CHARS: usize = 32;

/// What carries an attached session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// An event stream; messages of the client are posted.
    Events,
    /// A WebSocket, with one message per frame both ways.
    Socket,
}

/// A connection that is a session, or is about to become one.
#[derive(Debug)]
pub struct Attached {
    /// Who it is.
    pub caller: Caller,
    /// What carries it.
    pub wire: Wire,
    /// `Origin`, if it was sent.
    pub origin: Option<Message>,
    /// What names it to those who post for it: its place, and what cannot be guessed.
    pub token: Box<str>,
    /// The session, once `initialize` has come.
    pub session: Option<Key<Session>>,
    /// Until when that may take.
    pub opens_before: Instant,
}

/// A POST for an attached session, whose head was let in.
#[derive(Debug)]
pub struct Posted {
    /// The connection of the POST.
    pub peer: Key<Peer>,
    /// The session's connection.
    pub attached: Key<Exchange>,
    /// `Origin`, if it was sent.
    pub origin: Option<Message>,
}

impl Gateway {
    /// Takes a connection as a session to be, and returns its token.
    pub(super) fn attach_peer(
        &mut self,
        caller: Caller,
        wire: Wire,
        origin: Option<Message>,
    ) -> Box<str> {
        let opens_before = self.now.mono + OPEN_AFTER_MAX;
        let secret = self.rng.base32(TOKEN_CHARS);
        let attached =
            Attached { caller, wire, origin, token: Box::default(), session: None, opens_before };
        let key = self.exchanges.insert(Exchange::Attached(Box::new(attached)));
        self.peers.set(caller.peer, key);
        self.alarms.set(Alarm::Attached, opens_before);
        let token: Box<str> = format!("{}-{secret}", key.index()).into();
        if let Some(Exchange::Attached(attached)) = self.exchanges.get_mut(key) {
            attached.token = token.clone();
        }
        token
    }

    /// The connection that a token names, if it is this caller's: a foreign one does not exist.
    pub(super) fn find_attached(&self, token: &[u8], caller: Caller) -> Option<Key<Exchange>> {
        let place = token.split(|&byte| byte == b'-').next()?;
        let place = u32::try_from(crate::base::bytes::parse_u64(place)?).ok()?;
        let (key, exchange) = self.exchanges.at(place)?;
        let Exchange::Attached(attached) = exchange else { return None };
        let own = attached.caller;
        let is_its = own.server == caller.server && own.principal == caller.principal;
        (is_its && attached.token.as_bytes() == token).then_some(key)
    }

    /// A message of an attached client as if it had been posted to `/mcp`, and its session.
    fn admitted_of(&self, key: Key<Exchange>) -> Option<(Admitted, Option<Key<Session>>)> {
        let Exchange::Attached(attached) = self.exchanges.get(key)? else { return None };
        let admitted = Admitted {
            peer: attached.caller.peer,
            from: attached.caller.from,
            server: attached.caller.server,
            principal: attached.caller.principal,
            session_id: None,
            origin: attached.origin.clone(),
            accepts_json: true,
            accepts_events: true,
            names_events: true,
            is_json: true,
            version: Version::Legacy,
            mirror: None,
        };
        Some((admitted, attached.session))
    }

    /// The connection that `peer` is, if it is a session or is to be one.
    pub(super) fn attached_at(&self, peer: Key<Peer>) -> Option<Key<Exchange>> {
        let key = self.peers.get(peer)?;
        matches!(self.exchanges.get(key), Some(Exchange::Attached(_))).then_some(key)
    }

    /// What the client of an attached session is let in as.
    pub(super) fn as_attached(&self, session: Key<Session>) -> Option<Admitted> {
        let peer = self.sessions.get(session)?.attached_peer()?;
        let (admitted, _) = self.admitted_of(self.attached_at(peer)?)?;
        Some(admitted)
    }

    /// Takes the connection out of a session that is to end without it.
    pub(super) fn release_attached(&mut self, session: Key<Session>) {
        let peer = self.sessions.get(session).and_then(Session::attached_peer);
        let Some(key) = peer.and_then(|peer| self.attached_at(peer)) else { return };
        if let Some(Exchange::Attached(attached)) = self.exchanges.get_mut(key) {
            attached.session = None;
            attached.opens_before = self.now.mono + OPEN_AFTER_MAX;
            self.alarms.set(Alarm::Attached, attached.opens_before);
        }
        if let Some(session) = self.sessions.get_mut(session) {
            session.streams.clear();
        }
    }

    /// Whether the `initialize` of `peer` waits for the era of its server.
    fn waits_for_era(&self, peer: Key<Peer>) -> bool {
        self.waiting_of(peer).is_some()
    }

    fn waiting_of(&self, peer: Key<Peer>) -> Option<Key<Exchange>> {
        let is_its = |exchange: &Exchange| match exchange {
            Exchange::AwaitEra(waits) => waits.admitted.peer == peer,
            _ => false,
        };
        self.exchanges.iter().find(|(_, exchange)| is_its(exchange)).map(|(key, _)| key)
    }

    /// The client is ready for what the server says by itself, and for what it has said before.
    fn is_initialized(&mut self, session: Key<Session>) {
        if let Some(stream) = self.sessions.get(session).and_then(Session::attached) {
            self.flush_queue(session, stream);
        }
        self.listen_below(session);
    }

    /// The stream of everything in `session`, if `peer` carries it: from now on, if it is new.
    pub(super) fn stream_of_attached(
        &mut self,
        peer: Key<Peer>,
        session: Key<Session>,
    ) -> Option<u32> {
        let key = self.peers.get(peer)?;
        let Some(Exchange::Attached(attached)) = self.exchanges.get_mut(key) else { return None };
        match attached.session.replace(session) {
            None => Some(self.attach_stream(session, peer)),
            Some(_) => self.sessions.get(session)?.attached(),
        }
    }

    /// Sends answers that are there already, if the session takes them one by one; else they come
    /// back.
    pub(super) fn said_if_attached(
        &mut self,
        session: Key<Session>,
        answers: Vec<Message>,
    ) -> Vec<Message> {
        let Some(stream) = self.sessions.get(session).and_then(Session::attached) else {
            return answers;
        };
        for answer in answers {
            self.send_on_stream(session, stream, answer.into());
        }
        Vec::new()
    }

    /// Says something that belongs to no exchange of the session.
    pub(super) fn say(&mut self, key: Key<Exchange>, message: Splice) {
        let Some(Exchange::Attached(attached)) = self.exchanges.get(key) else { return };
        let (peer, session) = (attached.caller.peer, attached.session);
        let stream = session.and_then(|session| self.sessions.get(session)?.attached());
        match (session, stream) {
            (Some(session), Some(stream)) => self.send_on_stream(session, stream, message),
            _ => {
                let event =
                    StreamEvent { data: StreamData::Message(message), ..StreamEvent::default() };
                self.push(Output::Event { peer, event });
            }
        }
    }

    /// The connection is gone, and with it the session: its calls are abandoned.
    pub(super) fn attached_closed(&mut self, key: Key<Exchange>) {
        let Some(Exchange::Attached(attached)) = self.exchanges.remove(key) else { return };
        if let Some(waiting) = self.waiting_of(attached.caller.peer) {
            self.exchanges.remove(waiting);
        }
        if let Some(session) = attached.session {
            self.detach_peer(session, attached.caller.peer);
            self.end_session(session, "its connection is closed");
        }
    }

    /// Ends the connections that have not become sessions in time.
    pub(super) fn expire_unopened(&mut self) {
        let now = self.now.mono;
        self.end_unopened(|attached| attached.opens_before <= now);
        let waits = self.exchanges.iter().filter_map(|(_, exchange)| match exchange {
            Exchange::Attached(one) if one.session.is_none() => Some(one.opens_before),
            _ => None,
        });
        if let Some(at) = waits.min() {
            self.alarms.set(Alarm::Attached, at);
        }
    }

    /// Ends the connections that are no sessions yet and that `ends` picks.
    pub(super) fn end_unopened(&mut self, ends: impl Fn(&Attached) -> bool) {
        for key in self.exchanges.keys() {
            let peer = match self.exchanges.get(key) {
                Some(Exchange::Attached(one)) if one.session.is_none() && ends(one) => {
                    one.caller.peer
                }
                _ => continue,
            };
            self.exchanges.remove(key);
            if let Some(waiting) = self.waiting_of(peer) {
                self.exchanges.remove(waiting);
            }
            self.peers.clear(peer);
            self.push(Output::Finish { peer });
        }
    }

    /// By what request a session began, for the log: HTTP method, and the path up to the server.
    pub(super) fn front_of(&self, peer: Key<Peer>) -> (&'static str, &'static str) {
        match self.peers.get(peer).and_then(|key| self.exchanges.get(key)) {
            Some(Exchange::Attached(attached)) => match attached.wire {
                Wire::Events => ("POST", "/sse/"),
                Wire::Socket => ("GET", "/ws/"),
            },
            _ => ("POST", "/mcp/"),
        }
    }
}

impl Session {
    /// The stream of everything, if the session is a connection.
    #[must_use]
    pub fn attached(&self) -> Option<u32> {
        let carries = |stream: &&super::stream::Stream| stream.kind == StreamKind::Attached;
        self.streams.iter().find(carries).map(|stream| stream.number)
    }

    /// The connection that it is.
    fn attached_peer(&self) -> Option<Key<Peer>> {
        let number = self.attached()?;
        self.streams.iter().find(|stream| stream.number == number)?.peer
    }
}
