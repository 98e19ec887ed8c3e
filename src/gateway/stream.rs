// SPDX-License-Identifier: MIT
//! Event streams to clients: the answer to a POST that is more than one message, and the answer to
//! a GET. Both can be interrupted and resumed with `Last-Event-ID`.
//!
//! An event's id is `<stream>-<event>`, so that it names its stream and is unique in its session.
//!
//! Spec: MCP 2025-11-25, basic/transports, "Resumability and Redelivery".

use std::collections::VecDeque;
use std::time::Instant;

use super::Gateway;
use super::alarm::Alarm;
use super::exchange::{Exchange, Listening};
use super::io::{Output, Peer, StreamData, StreamEvent};
use super::session::Session;
use super::waiting;
use crate::base::bytes::parse_u64;
use crate::base::{Key, Limits};
use crate::wire::Splice;
use crate::wire::http1::ResponseHead;
use crate::wire::sse::event_start;

/// What a stream answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// A GET: messages that belong to no call.
    Get,
    /// A POST: the messages that belong to its calls, and their answers.
    Post,
    /// The connection that an attached session is: everything.
    Attached,
}

/// One stream of a session.
#[derive(Debug)]
pub struct Stream {
    /// Its number in the session, from 1.
    pub number: u32,
    /// What it answers.
    pub kind: StreamKind,
    /// The connection that carries it; `None` while its client is away.
    pub peer: Option<Key<Peer>>,
    /// Whether its events carry ids and are kept.
    pub resumable: bool,
    /// Whether nothing more will come.
    pub complete: bool,
    /// When something last left on it.
    pub sent_at: Instant,
    /// What waits behind an event that is passing in parts.
    passing: Option<VecDeque<Splice>>,
    next_event: u64,
    kept: VecDeque<(u64, Splice)>,
    kept_bytes: usize,
}

impl Stream {
    /// Whether there is a client, or may be one again.
    #[must_use]
    pub fn is_worth_keeping(&self) -> bool {
        self.peer.is_some() || self.resumable
    }

    fn next_id(&mut self) -> u64 {
        self.next_event += 1;
        self.next_event
    }

    fn event_id(&self, event: u64) -> Option<Box<str>> {
        self.resumable.then(|| format!("{}-{event}", self.number).into())
    }

    fn keep(&mut self, event: u64, message: Splice, limits: &Limits) {
        self.kept_bytes += message.len();
        self.kept.push_back((event, message));
        while self.kept.len() > limits.replay_events_max
            || self.kept_bytes > limits.replay_bytes_max
        {
            let Some((_, dropped)) = self.kept.pop_front() else { break };
            self.kept_bytes -= dropped.len();
        }
    }
}

/// The stream and the event that `Last-Event-ID` names.
#[must_use]
pub fn parse_event_id(id: &[u8]) -> Option<(u32, u64)> {
    let dash = id.iter().position(|&byte| byte == b'-')?;
    let stream = u32::try_from(parse_u64(&id[..dash])?).ok()?;
    Some((stream, parse_u64(&id[dash + 1..])?))
}

/// How long a client should wait before it resumes a stream, in milliseconds.
const RETRY_MS: u32 = 1000;

impl Gateway {
    /// Opens a stream to `peer` and returns its number.
    pub(super) fn open_stream(
        &mut self,
        key: Key<Session>,
        kind: StreamKind,
        peer: Option<Key<Peer>>,
        head: ResponseHead,
    ) -> u32 {
        let now = self.now.mono;
        let streams_max = self.limits().replay_streams_max;
        let Some(session) = self.sessions.get_mut(key) else { return 0 };
        let number = session.next_stream;
        session.next_stream += 1;
        let resumable = session.revision.resumption && !session.is_pooled();
        let mut stream = Stream {
            number,
            kind,
            peer,
            resumable,
            complete: false,
            sent_at: now,
            passing: None,
            next_event: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
        };
        let primer = (resumable && session.revision.priming).then(|| {
            let event = stream.next_id();
            let retry_ms = Some(RETRY_MS);
            StreamEvent { id: stream.event_id(event), retry_ms, data: StreamData::Empty }
        });
        forget_oldest_ended(&mut session.streams, streams_max);
        // Most sessions have one.
        session.streams.reserve_exact(1);
        session.streams.push(stream);
        self.alarms.set(Alarm::Comments, now + self.snapshot.limits.comment_every);
        if let Some(peer) = peer {
            self.push(Output::Stream { peer, head });
            if let Some(event) = primer {
                self.push(Output::Event { peer, event });
            }
        }
        number
    }

    /// Makes the stream that `peer` has already the stream of everything in a session; returns its
    /// number.
    pub(super) fn attach_stream(&mut self, key: Key<Session>, peer: Key<Peer>) -> u32 {
        let now = self.now.mono;
        let Some(session) = self.sessions.get_mut(key) else { return 0 };
        let number = session.next_stream;
        session.next_stream += 1;
        session.streams.push(Stream {
            number,
            kind: StreamKind::Attached,
            peer: Some(peer),
            resumable: false,
            complete: false,
            sent_at: now,
            passing: None,
            next_event: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
        });
        self.alarms.set(Alarm::Comments, now + self.snapshot.limits.comment_every);
        number
    }

    /// Sends a message on a stream, or keeps it until its client comes back.
    pub(super) fn send_on_stream(&mut self, key: Key<Session>, number: u32, message: Splice) {
        let (limits, now) = (self.snapshot.limits, self.now.mono);
        let Some(session) = self.sessions.get_mut(key) else { return };
        let Some(stream) = session.stream_mut(number) else { return };
        if let Some(behind) = &mut stream.passing {
            // What tells of a call is worth less than its answer.
            return waiting::keep(behind, message, &limits, Splice::len);
        }
        let event = stream.next_id();
        stream.sent_at = now;
        let id = stream.event_id(event);
        if stream.resumable {
            stream.keep(event, message.clone(), &limits);
        }
        if let Some(peer) = stream.peer {
            let data = StreamData::Message(message);
            self.push(Output::Event { peer, event: StreamEvent { id, retry_ms: None, data } });
        }
    }

    /// Begins an event on a stream that passes in parts, if its client is there; gives the client
    /// and what stands before the first part.
    pub(super) fn begin_event(
        &mut self,
        key: Key<Session>,
        number: u32,
    ) -> Option<(Key<Peer>, Vec<u8>)> {
        let stream = self.sessions.get_mut(key)?.stream_mut(number)?;
        let peer = stream.peer.filter(|_| stream.kind == StreamKind::Post)?;
        if stream.passing.is_some() {
            return None;
        }
        stream.passing = Some(VecDeque::new());
        let event = stream.next_id();
        Some((peer, event_start(stream.event_id(event).as_deref())))
    }

    /// An event has passed, or will never be complete: what waits behind it leaves.
    pub(super) fn end_event(&mut self, key: Key<Session>, number: u32) {
        let stream = self.sessions.get_mut(key).and_then(|session| session.stream_mut(number));
        for message in stream.and_then(|stream| stream.passing.take()).unwrap_or_default() {
            self.send_on_stream(key, number, message);
        }
    }

    /// Ends a stream; it can still be resumed for what its client has missed.
    pub(super) fn complete_stream(&mut self, key: Key<Session>, number: u32) {
        let streams_max = self.limits().replay_streams_max;
        let Some(session) = self.sessions.get_mut(key) else { return };
        let Some(stream) = session.stream_mut(number) else { return };
        if stream.kind == StreamKind::Attached {
            return;
        }
        stream.complete = true;
        let peer = stream.peer.take();
        session.streams.retain(Stream::is_worth_keeping);
        forget_oldest_ended(&mut session.streams, streams_max);
        if let Some(peer) = peer {
            // The connection may have resumed the stream of another exchange with a GET.
            if let Some(exchange) = self.peers.clear(peer)
                && matches!(self.exchanges.get(exchange), Some(Exchange::Listening(_)))
            {
                self.exchanges.remove(exchange);
            }
            self.push(Output::Finish { peer });
        }
    }

    /// Lets `peer` go on reading a stream behind the event that it saw last. `None`: that stream is
    /// not known any more.
    pub(super) fn resume_stream(
        &mut self,
        key: Key<Session>,
        peer: Key<Peer>,
        (number, seen): (u32, u64),
        head: ResponseHead,
    ) -> Option<()> {
        let now = self.now.mono;
        let stream = self.sessions.get_mut(key)?.stream_mut(number)?;
        let old_peer = stream.peer.replace(peer);
        stream.sent_at = now;
        let complete = stream.complete;
        let missed: Vec<_> = stream
            .kept
            .iter()
            .filter(|(event, _)| *event > seen)
            .map(|(event, message)| (stream.event_id(*event), message.clone()))
            .collect();
        if let Some(old) = old_peer {
            // To the exchange that it carried, that connection is gone; nobody will tell us so.
            self.peer_closed(old);
            self.push(Output::Close { peer: old });
        }
        if let Some(session) = self.sessions.get_mut(key) {
            session.hears_again(number);
        }
        let exchange = self.exchanges.insert(Exchange::Listening(Listening { session: key, peer }));
        self.peers.set(peer, exchange);
        self.push(Output::Stream { peer, head });
        for (id, message) in missed {
            let data = StreamData::Message(message);
            self.push(Output::Event { peer, event: StreamEvent { id, retry_ms: None, data } });
        }
        if complete {
            self.complete_stream(key, number);
        } else {
            self.alarms.set(Alarm::Comments, now + self.snapshot.limits.comment_every);
        }
        Some(())
    }

    /// Writes a comment on every stream that has been silent, and opens a stream for every exchange
    /// that has waited for long, so that nobody on the way takes the connection for dead.
    pub(super) fn comment_on_silent_streams(&mut self) {
        let (now, every) = (self.now.mono, self.limits().comment_every);
        for exchange in self.exchanges_silent_since(now) {
            if !self.detach(exchange) {
                self.stream_of_exchange(exchange);
            }
        }
        let mut silent = Vec::new();
        let mut next = self.next_silence();
        for (key, session) in self.sessions.iter() {
            for stream in &session.streams {
                // A comment in an event would be a part of it.
                let Some(peer) = stream.peer.filter(|_| stream.passing.is_none()) else { continue };
                let mut at = stream.sent_at + every;
                if at <= now {
                    silent.push((key, stream.number, peer));
                    at = now + every;
                }
                next = Some(next.map_or(at, |next| next.min(at)));
            }
        }
        for (key, number, peer) in silent {
            if let Some(stream) = self.sessions.get_mut(key).and_then(|s| s.stream_mut(number)) {
                stream.sent_at = now;
            }
            let event = StreamEvent { data: StreamData::Comment, ..StreamEvent::default() };
            self.push(Output::Event { peer, event });
        }
        if let Some(at) = next {
            self.alarms.set(Alarm::Comments, at);
        }
    }
}

/// Forgets ended streams beyond the bound, the oldest first.
fn forget_oldest_ended(streams: &mut Vec<Stream>, max: usize) {
    let is_over = |stream: &Stream| {
        stream.complete || stream.peer.is_none() && stream.kind == StreamKind::Get
    };
    let mut excess = streams.iter().filter(|stream| is_over(stream)).count().saturating_sub(max);
    streams.retain(|stream| {
        let forget = excess > 0 && is_over(stream);
        excess -= usize::from(forget);
        !forget
    });
}

/// Any bytes name at most one event, and its id is written as it was read but for leading zeros.
pub fn fuzz(input: &[u8]) {
    let Some((stream, event)) = parse_event_id(input) else { return };
    let written = format!("{stream}-{event}");
    assert_eq!(parse_event_id(written.as_bytes()), Some((stream, event)));
    let trimmed = |digits: &[u8]| {
        let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
        digits[zeros.min(digits.len().saturating_sub(1))..].to_vec()
    };
    let parts: Vec<_> = input.split(|&byte| byte == b'-').map(trimmed).collect();
    assert_eq!(parts.join(&b'-'), written.into_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_names_its_stream() {
        assert_eq!(parse_event_id(b"3-17"), Some((3, 17)));
        for foreign in ["", "3", "-", "3-", "-3", "a-1", "1-b", "1-2-3"] {
            assert_eq!(parse_event_id(foreign.as_bytes()), None, "{foreign}");
        }
    }
}
