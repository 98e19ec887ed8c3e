// SPDX-License-Identifier: MIT
//! Client connections: socket, link and readiness together.
//!
//! Bytes go from the socket into the link, what the link makes of them goes to the core; what the
//! core answers goes into the link, and its bytes to the socket in the flush. Knows no MCP.

use std::collections::HashMap;
use std::net::{IpAddr, Shutdown};
use std::time::Instant;

use mio::Interest;
use mio::net::TcpStream;

use super::source::{self, Owing, Pulled, Pushed, Readiness};
use super::token::{Source, Work, renamed};
use super::turn::{Timer, Turn};
use crate::base::{Key, Now, Outbox, Slab};
use crate::gateway::io::{Input, Peer, PeerAddress};
use crate::gateway::shards::Moved;
use crate::link::http_server::{HttpServer, ServerEvent, Status};

/// One client connection.
pub(super) struct PeerConnection {
    stream: TcpStream,
    link: HttpServer,
    address: PeerAddress,
    input: Readiness,
    writable: bool,
    queued: bool,
    dirty: bool,
    /// The core has seen a head and not been told that the peer is gone.
    known: bool,
    /// `PeerClosed` was told, or never needed to be: outputs have no effect any more.
    deaf: bool,
    /// `PeerFull` was told.
    full: bool,
    /// Our side of the connection was ended.
    shut: bool,
    /// The connection was reset: nothing reaches the client any more.
    broken: bool,
    /// A stream is open, which only makes sense for a client that reads it.
    streaming: bool,
    armed_at: Option<Instant>,
}

/// A client connection on its way to another loop, whose next head nobody has dealt with.
pub(super) struct Moving {
    stream: TcpStream,
    link: HttpServer,
    address: PeerAddress,
}

/// All client connections.
#[derive(Default)]
pub(super) struct Peers {
    slab: Slab<PeerConnection>,
    per_address: HashMap<IpAddr, usize>,
    /// Every answer is the last one of its connection.
    closing: bool,
}

/// What the link owes, with the time at which it is paid.
struct Debt<'a>(&'a mut HttpServer, Now);

impl Owing for Debt<'_> {
    fn owed(&self) -> &Outbox {
        self.0.outbox()
    }
    fn wrote(&mut self, n: usize) {
        self.0.wrote(n, self.1);
    }
}

impl Peers {
    /// Whether one more connection from `ip` is within bounds.
    pub(super) fn has_room(&self, ip: IpAddr, turn: &Turn) -> bool {
        let here = self.per_address.get(&ip).copied().unwrap_or(0);
        self.slab.len() < turn.limits.peers_max && here < turn.limits.peers_per_address_max
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Takes a new connection over.
    pub(super) fn insert(&mut self, stream: TcpStream, address: PeerAddress, turn: &mut Turn) {
        let link = HttpServer::new(turn.limits.clone(), turn.now);
        if let Some(key) = self.add(stream, link, address, turn) {
            self.settle(key, turn);
        }
    }

    /// Takes a connection over from another loop. The core is told of it also if it is one too
    /// many, for then its client has to be told something.
    pub(super) fn arrive(&mut self, moving: Moving, what: Box<Moved>, turn: &mut Turn) {
        let Moving { stream, mut link, address: from } = moving;
        let has_room = self.has_room(from.ip, turn);
        if self.closing {
            link.stop_accepting();
        }
        let Some(key) = self.add(stream, link, from, turn) else { return };
        if let Some(found) = self.slab.get_mut(key) {
            found.known = true;
        }
        let peer = renamed(key);
        turn.inbox.push_back(match has_room {
            true => Input::Moved { peer, from, what },
            false => Input::NotMoved { peer, what },
        });
        self.settle(key, turn);
    }

    /// Gives a connection away that waits for the core, unless it is gone.
    pub(super) fn take(&mut self, peer: Key<Peer>, turn: &mut Turn) -> Option<Moving> {
        let key = renamed(peer);
        self.slab.get(key).filter(|found| !found.deaf && !found.broken)?;
        let PeerConnection { mut stream, link, address, .. } = self.take_out(key, turn)?;
        turn.registry.deregister(&mut stream).ok()?;
        Some(Moving { stream, link, address })
    }

    fn add(
        &mut self,
        stream: TcpStream,
        link: HttpServer,
        address: PeerAddress,
        turn: &mut Turn,
    ) -> Option<Key<PeerConnection>> {
        let key = self.slab.insert(PeerConnection {
            stream,
            link,
            address,
            input: Readiness::default(),
            writable: true,
            queued: false,
            dirty: false,
            known: false,
            deaf: false,
            full: false,
            shut: false,
            broken: false,
            streaming: false,
            armed_at: None,
        });
        *self.per_address.entry(address.ip).or_default() += 1;
        let peer = self.slab.get_mut(key)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        if turn.watch(&mut peer.stream, Source::Peer(key), both).is_err() {
            self.remove(key, turn);
            return None;
        }
        Some(key)
    }

    /// Notes what the poll says.
    pub(super) fn note(
        &mut self,
        key: Key<PeerConnection>,
        event: &mio::event::Event,
        turn: &mut Turn,
    ) {
        let Some(peer) = self.slab.get_mut(key) else { return };
        peer.input.note(event);
        peer.writable |= event.is_writable();
        peer.broken |= event.is_error();
        turn.queue(&mut peer.queued, Work::Peer(key));
    }

    /// Reads within the budget and tells the core what came.
    pub(super) fn pump(&mut self, key: Key<PeerConnection>, turn: &mut Turn) {
        let Some(peer) = self.slab.get_mut(key) else { return };
        peer.queued = false;
        if peer.broken {
            return self.remove(key, turn);
        }
        if peer.link.wants_input() {
            let (link, now) = (&mut peer.link, turn.now);
            let take = |bytes: &[u8]| {
                link.feed(bytes, now);
                link.wants_input()
            };
            let budget = turn.limits.read_bytes_per_turn_max;
            match source::read_some(
                &mut peer.stream,
                &mut peer.input,
                &mut turn.buffer,
                budget,
                take,
            ) {
                Pulled::Dry | Pulled::Rationed => {}
                // It may be half closed and wait for its answer. But who listens to a stream says
                // nothing and would not end its side to say so: this one has gone.
                Pulled::Ended if peer.streaming => return self.remove(key, turn),
                Pulled::Ended => peer.link.end_of_input(turn.now),
                Pulled::Failed => return self.remove(key, turn),
            }
        }
        self.settle(key, turn);
    }

    /// Gives an output of the core to the link of `peer`, if it is still there.
    pub(super) fn apply(
        &mut self,
        peer: Key<Peer>,
        turn: &mut Turn,
        give: impl FnOnce(&mut HttpServer, Now),
    ) {
        let key = renamed(peer);
        let Some(found) = self.slab.get_mut(key) else { return };
        if found.deaf {
            return;
        }
        give(&mut found.link, turn.now);
        self.settle(key, turn);
    }

    /// Like [`Peers::apply`] for what makes the outbox longer. One answer or event is always taken,
    /// however long; the next one only if the client has read: otherwise it is too slow and closed.
    pub(super) fn owe(
        &mut self,
        peer: Key<Peer>,
        turn: &mut Turn,
        give: impl FnOnce(&mut HttpServer, Now),
    ) {
        let key = renamed(peer);
        let owed = self.slab.get(key).map_or(0, |found| found.link.outbox().len());
        if owed > turn.limits.outbox_bytes_max {
            return self.remove(key, turn);
        }
        self.apply(peer, turn, give);
    }

    /// Takes the end of the input of `peer` for its end, until it is answered; also if it has ended
    /// already.
    pub(super) fn watch(&mut self, peer: Key<Peer>, turn: &mut Turn) {
        self.set_streaming(peer, true);
        if self.slab.get(renamed(peer)).is_some_and(|found| found.link.has_input_ended()) {
            self.remove(renamed(peer), turn);
        }
    }

    /// Notes whether a stream is open to `peer`.
    pub(super) fn set_streaming(&mut self, peer: Key<Peer>, streaming: bool) {
        if let Some(found) = self.slab.get_mut(renamed(peer)) {
            found.streaming = streaming;
        }
    }

    /// Ends a connection because the core wants it.
    pub(super) fn close(&mut self, peer: Key<Peer>, turn: &mut Turn) {
        let key = renamed(peer);
        if let Some(found) = self.slab.get_mut(key) {
            found.known = false;
            self.remove(key, turn);
        }
    }

    /// Writes within the budget what is owed.
    pub(super) fn flush(&mut self, key: Key<PeerConnection>, turn: &mut Turn) {
        let Some(peer) = self.slab.get_mut(key) else { return };
        peer.dirty = false;
        let budget = turn.limits.write_bytes_per_turn_max;
        turn.note_size(peer.link.outbox().len());
        let mut debt = Debt(&mut peer.link, turn.now);
        match source::write_some(&mut peer.stream, &mut peer.writable, &mut debt, budget) {
            Pushed::Done | Pushed::Blocked | Pushed::Rationed => self.settle(key, turn),
            Pushed::Failed => self.remove(key, turn),
        }
    }

    /// Looks after a deadline of the connection.
    pub(super) fn expire(&mut self, key: Key<PeerConnection>, turn: &mut Turn) {
        let Some(peer) = self.slab.get_mut(key) else { return };
        if !turn.fired(&mut peer.armed_at) {
            return;
        }
        if peer.link.deadline().is_some_and(|at| at <= turn.now.mono) {
            peer.link.handle_timeout(turn.now);
        }
        self.settle(key, turn);
    }

    /// Makes the next answer of every connection its last one; idle ones end at once.
    pub(super) fn stop_accepting(&mut self, turn: &mut Turn) {
        self.closing = true;
        for key in self.slab.keys() {
            if let Some(peer) = self.slab.get_mut(key) {
                peer.link.stop_accepting();
            }
            self.settle(key, turn);
        }
    }

    /// Whether some connection still waits for bytes that it can take.
    pub(super) fn owes(&self) -> bool {
        self.slab.iter().any(|(_, peer)| !peer.link.outbox().is_empty())
    }

    /// Does everything that follows from a change of the link; cheap if nothing does.
    fn settle(&mut self, key: Key<PeerConnection>, turn: &mut Turn) {
        let Some(peer) = self.slab.get_mut(key) else { return };
        peer.take_events(key, turn);
        peer.note_fullness(key, turn);
        let owed = !peer.link.outbox().is_empty();
        if owed && peer.writable {
            turn.soil(&mut peer.dirty, Work::Peer(key));
        }
        if peer.input.readable && peer.link.wants_input() {
            turn.queue(&mut peer.queued, Work::Peer(key));
        }
        if let Some(at) = peer.link.deadline() {
            turn.arm(&mut peer.armed_at, at, Timer::Peer(key));
        }
        match peer.link.status() {
            Status::Closed if !owed => self.remove(key, turn),
            Status::ShutdownWrite if !owed && !peer.shut => {
                peer.shut = true;
                if peer.stream.shutdown(Shutdown::Write).is_err() {
                    self.remove(key, turn);
                }
            }
            Status::Open | Status::ShutdownWrite | Status::Closed => {}
        }
    }

    fn remove(&mut self, key: Key<PeerConnection>, turn: &mut Turn) {
        // Closing the socket also takes it out of the poll; stale events find a stale key.
        drop(self.take_out(key, turn));
    }

    fn take_out(&mut self, key: Key<PeerConnection>, turn: &mut Turn) -> Option<PeerConnection> {
        let mut peer = self.slab.remove(key)?;
        peer.tell_closed(key, turn);
        let ip = peer.address.ip;
        if let Some(count) = self.per_address.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                self.per_address.remove(&ip);
            }
        }
        Some(peer)
    }
}

impl PeerConnection {
    fn take_events(&mut self, key: Key<Self>, turn: &mut Turn) {
        while let Some(event) = self.link.poll_event() {
            let peer = renamed(key);
            match event {
                ServerEvent::Head(head) => {
                    self.known = true;
                    turn.inbox.push_back(Input::Head { peer, from: self.address, head });
                }
                ServerEvent::Body(body) => turn.inbox.push_back(Input::Body { peer, body }),
                ServerEvent::Frame(message) => {
                    turn.inbox.push_back(Input::Frame { peer, message });
                }
                ServerEvent::Left => {
                    self.tell_closed(key, turn);
                    self.deaf = true;
                }
                ServerEvent::Violation(violation) => {
                    turn.report(format!("{} broke HTTP: {violation:?}", self.address.ip));
                    self.tell_closed(key, turn);
                    self.deaf = true;
                }
            }
        }
    }

    fn note_fullness(&mut self, key: Key<Self>, turn: &mut Turn) {
        let (owed, high) = (self.link.outbox().len(), turn.limits.outbox_bytes_high);
        let peer = renamed(key);
        if !self.full && owed > high && self.known {
            self.full = true;
            turn.inbox.push_back(Input::PeerFull { peer });
        } else if self.full && owed <= high / 2 {
            self.full = false;
            turn.inbox.push_back(Input::PeerDrained { peer });
        }
    }

    fn tell_closed(&mut self, key: Key<Self>, turn: &mut Turn) {
        if std::mem::take(&mut self.known) {
            turn.inbox.push_back(Input::PeerClosed { peer: renamed(key) });
        }
    }
}
