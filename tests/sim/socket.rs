// SPDX-License-Identifier: MIT
//! A client's connection: the real link on our side, bytes in flight, and what the client expects.

use std::collections::{BTreeMap, VecDeque};

use penstock::base::{Key, Outbox};
use penstock::gateway::io::{Input, Output, Peer, PeerAddress, StreamData};
use penstock::link::http_server::{HttpServer, ServerEvent, Status};

use crate::brain::{Ledger, What};
use crate::reader::Reader;
use crate::world::World;

/// What a client has asked for on a connection, in order.
#[derive(Debug, Clone)]
pub struct Expect {
    pub who: String,
    pub kind: Kind,
    pub status: u16,
    pub streams: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Open,
    Calls(Vec<usize>),
    Notice,
    Listen {
        resumed: bool,
    },
    Delete,
    /// A request of a modern client, by its tag.
    Modern(usize),
    /// The same that listens.
    Subscription(usize),
    /// The same that is refused, with this error.
    Slip {
        status: u16,
        code: i64,
    },
    Other,
}

impl Kind {
    /// The calls whose answers are expected.
    pub fn tags(&self) -> &[usize] {
        match self {
            Self::Calls(tags) => tags,
            Self::Modern(tag) | Self::Subscription(tag) => std::slice::from_ref(tag),
            _ => &[],
        }
    }

    /// Whether it may go on for ever.
    pub fn is_endless(&self) -> bool {
        matches!(self, Self::Listen { .. } | Self::Subscription(_))
    }
}

/// What the gateway has been told and has said on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Head,
    Body,
    Streaming,
    /// An answer comes in parts.
    Answering,
}

pub struct Socket {
    pub link: HttpServer,
    pub client: usize,
    /// Written by the client, not yet read by us.
    pub to_gateway: VecDeque<u8>,
    /// Whether the client writes no more.
    pub ends: bool,
    told_end: bool,
    /// Whether the client does not read for now.
    pub stalled: bool,
    pub reader: Reader,
    pub expects: VecDeque<Expect>,
    /// Whether the client sees the end of our answers.
    pub shut: bool,
    known: bool,
    deaf: bool,
    full: bool,
    phase: Phase,
}

/// How many connections there are at most, so that slots are used again.
const SLOTS: usize = 128;
/// The same for whoever is in no hurry.
const PLACES: usize = 64;

/// All of them, by slot; slots are used again, with another generation.
#[derive(Default)]
pub struct Sockets {
    pub open: BTreeMap<Key<Peer>, Socket>,
    next: u32,
    generations: u32,
}

pub fn take(from: &mut VecDeque<u8>, n: usize) -> Vec<u8> {
    let n = n.min(from.len());
    from.drain(..n).collect()
}

pub fn front_of(outbox: &Outbox, n: usize) -> Vec<u8> {
    let mut bytes = outbox.to_vec();
    bytes.truncate(n);
    bytes
}

impl World {
    /// A new connection, if there is room.
    pub fn connect(&mut self, client: usize) -> Option<Key<Peer>> {
        let places = if self.hurry { SLOTS } else { PLACES };
        if self.exited
            || !self.listening
            || self.sockets.open.len() >= self.limits.peers_max.min(places)
        {
            return None;
        }
        // Few slots, so that stale keys meet new occupants.
        let taken = |index: u32| self.sockets.open.keys().any(|key| key.index() as u32 == index);
        while taken(self.sockets.next) {
            self.sockets.next = (self.sockets.next + 1) % SLOTS as u32;
        }
        self.sockets.generations += 1;
        let key = Key::from_parts(self.sockets.next, self.sockets.generations);
        let socket = Socket {
            link: HttpServer::new(self.limits.clone(), self.now),
            client,
            to_gateway: VecDeque::new(),
            ends: false,
            told_end: false,
            stalled: false,
            reader: Reader::new(),
            expects: VecDeque::new(),
            shut: false,
            known: false,
            deaf: false,
            full: false,
            phase: Phase::Idle,
        };
        self.sockets.open.insert(key, socket);
        Some(key)
    }

    /// Some bytes of the client arrive.
    pub fn pump_in(&mut self, key: Key<Peer>, n: usize) -> bool {
        let now = self.now;
        let Some(socket) = self.sockets.open.get_mut(&key) else { return false };
        if !socket.link.wants_input() || socket.told_end {
            return false;
        }
        if socket.to_gateway.is_empty() {
            if !socket.ends {
                return false;
            }
            socket.told_end = true;
            socket.link.end_of_input(now);
        } else {
            let bytes = take(&mut socket.to_gateway, n);
            socket.link.feed(&bytes, now);
        }
        self.settle(key);
        true
    }

    /// Some of our bytes arrive at the client.
    pub fn pump_out(&mut self, key: Key<Peer>, n: usize) -> bool {
        let now = self.now;
        let Some(socket) = self.sockets.open.get_mut(&key) else { return false };
        if socket.stalled || socket.link.outbox().is_empty() {
            return false;
        }
        let bytes = front_of(socket.link.outbox(), n);
        socket.link.wrote(bytes.len(), now);
        let seen = socket.reader.feed(&bytes);
        for one in seen {
            self.saw(key, one);
        }
        self.settle(key);
        true
    }

    /// Does everything that follows from a change of a link, as the reactor does.
    pub fn settle(&mut self, key: Key<Peer>) {
        let Some(socket) = self.sockets.open.get_mut(&key) else { return };
        let mut inbox = Vec::new();
        while let Some(event) = socket.link.poll_event() {
            match event {
                ServerEvent::Head(head) => {
                    socket.known = true;
                    inbox.push(Input::Head { peer: key, from: HERE, head });
                }
                ServerEvent::Body(body) => inbox.push(Input::Body { peer: key, body }),
                ServerEvent::Frame(_) => unreachable!("no client here speaks WebSocket"),
                ServerEvent::Left | ServerEvent::Violation(_) => {
                    if std::mem::take(&mut socket.known) {
                        inbox.push(Input::PeerClosed { peer: key });
                    }
                    socket.deaf = true;
                }
            }
        }
        let (owed, high) = (socket.link.outbox().len(), self.limits.outbox_bytes_high);
        if !socket.full && owed > high && socket.known {
            socket.full = true;
            inbox.push(Input::PeerFull { peer: key });
        } else if socket.full && owed <= high / 2 {
            socket.full = false;
            inbox.push(Input::PeerDrained { peer: key });
        }
        let status = socket.link.status();
        self.inbox.extend(inbox);
        match status {
            Status::Closed if owed == 0 => self.remove_socket(key),
            Status::ShutdownWrite if owed == 0 => {
                // The client sees the end and closes.
                if let Some(socket) = self.sockets.open.get_mut(&key) {
                    socket.shut = true;
                    socket.ends = true;
                }
            }
            _ => {}
        }
    }

    /// The connection is gone, whoever has ended it.
    pub fn remove_socket(&mut self, key: Key<Peer>) {
        let Some(mut socket) = self.sockets.open.remove(&key) else { return };
        // Nobody can tell a server about a session that it has lost, and nobody need tell one that
        // has answered, while the answer is judged.
        let server = &self.servers[self.clients[socket.client].server];
        let loses = server.manner.lose > 0 || server.guarded;
        if let Some(tag) = socket.call_at_server(&self.ledger).filter(|_| !loses) {
            self.left.insert(key, tag);
        }
        if std::mem::take(&mut socket.known) {
            self.inbox.push_back(Input::PeerClosed { peer: key });
        }
        self.lost(socket);
    }

    /// Notes that the gateway is told `input`, and what that allows it to say.
    pub fn note_input(&mut self, input: &Input) {
        let (peer, before, after) = match input {
            Input::Head { peer, .. } => (peer, Phase::Idle, Phase::Head),
            Input::Body { peer, .. } => (peer, Phase::Body, Phase::Body),
            Input::PeerClosed { peer } => {
                self.gone.insert(*peer);
                return;
            }
            _ => return,
        };
        if let Some(socket) = self.sockets.open.get_mut(peer)
            && !socket.deaf
        {
            assert_eq!(socket.phase, before, "the link gave out {input:?}");
            socket.phase = after;
        }
    }

    /// Gives an output to its connection.
    pub fn apply_to_socket(&mut self, output: Output) {
        let now = self.now;
        let (Output::Receive { peer, .. }
        | Output::Respond { peer, .. }
        | Output::Begin { peer, .. }
        | Output::Part { peer, .. }
        | Output::Stream { peer, .. }
        | Output::Event { peer, .. }
        | Output::Finish { peer }
        | Output::Close { peer }) = output
        else {
            return;
        };
        assert!(!self.gone.contains(&peer), "said to a peer that is gone: {output:?}");
        if let Output::Close { peer } = output {
            self.gone.insert(peer);
            if let Some(socket) = self.sockets.open.get_mut(&peer) {
                socket.known = false;
            }
            return self.remove_socket(peer);
        }
        if matches!(output, Output::Respond { .. } | Output::Finish { .. }) {
            self.left.remove(&peer);
        }
        let Some(socket) = self.sockets.open.get_mut(&peer) else { return };
        if socket.deaf {
            return;
        }
        if socket.link.outbox().len() > self.limits.outbox_bytes_max {
            return self.remove_socket(peer);
        }
        socket.check_phase(&output);
        match output {
            Output::Receive { bytes_max, .. } => socket.link.receive(bytes_max, now),
            Output::Respond { head, body, close, .. } => {
                socket.link.respond(&head, &body, close, now);
            }
            Output::Begin { head, .. } | Output::Stream { head, .. } => {
                socket.link.open_stream(&head, now);
            }
            Output::Part { bytes, .. } => socket.link.send_part(&bytes, now),
            Output::Event { event, .. } => {
                let (id, retry_ms) = (event.id.as_deref(), event.retry_ms);
                match &event.data {
                    StreamData::Comment => socket.link.send_comment(now),
                    StreamData::Empty => socket.link.send_event(id, retry_ms, None, now),
                    StreamData::Endpoint(path) => socket.link.send_endpoint(path, now),
                    StreamData::Message(data) => {
                        socket.link.send_event(id, retry_ms, Some(data), now);
                    }
                }
            }
            Output::Finish { .. } => socket.link.finish(now),
            _ => {}
        }
        self.settle(peer);
    }
}

impl Socket {
    /// The order of outputs that `gateway::io` promises.
    fn check_phase(&mut self, output: &Output) {
        let next = match (self.phase, output) {
            (Phase::Head, Output::Receive { .. }) => Phase::Body,
            (Phase::Head | Phase::Body, Output::Respond { .. }) => Phase::Idle,
            (Phase::Head | Phase::Body, Output::Stream { .. }) => Phase::Streaming,
            (Phase::Head | Phase::Body, Output::Begin { .. }) => Phase::Answering,
            (Phase::Streaming, Output::Event { .. } | Output::Part { .. }) => Phase::Streaming,
            (Phase::Answering, Output::Part { .. }) => Phase::Answering,
            (Phase::Streaming | Phase::Answering, Output::Finish { .. }) => Phase::Idle,
            (phase, output) => panic!("out of turn in {phase:?}: {output:?}"),
        };
        self.phase = next;
    }

    /// The call of a modern client that the gateway has not answered, if it is surely at a server:
    /// the first attempt, which was never asked for anything.
    fn call_at_server(&self, ledger: &Ledger) -> Option<usize> {
        let first = self.expects.front()?;
        let Kind::Modern(tag) = first.kind else { return None };
        let call = &ledger.calls[tag];
        // What is on its way to the client may be the answer already, and the next request begun.
        let waits = match self.phase {
            Phase::Body => first.status == 0,
            Phase::Streaming => first.streams,
            Phase::Idle | Phase::Head | Phase::Answering => false,
        };
        let waits = waits && self.known && !self.deaf && self.link.outbox().is_empty();
        let is_there = call.what == What::Call && call.executed == 1 && call.allowed == 1;
        (waits && is_there && call.root == tag).then_some(tag)
    }

    /// Whether something is expected that will come without the client's doing.
    pub fn is_owed(&self) -> bool {
        !self.expects.is_empty() && !self.expects.iter().any(|one| one.kind.is_endless())
    }
}

const HERE: PeerAddress = PeerAddress {
    ip: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
    port: 9,
    local_is_loopback: true,
};
