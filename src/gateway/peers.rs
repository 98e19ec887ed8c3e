// SPDX-License-Identifier: MIT
//! Which exchange a connection is busy with: one at most, because HTTP/1.1 answers in order.

use super::exchange::Exchange;
use super::io::Peer;
use crate::base::Key;

/// From connections to exchanges.
#[derive(Default)]
pub struct Peers {
    slots: Vec<Option<(Key<Peer>, Key<Exchange>)>>,
}

impl Peers {
    /// Notes that `peer` is busy with `exchange`.
    pub fn set(&mut self, peer: Key<Peer>, exchange: Key<Exchange>) {
        if self.slots.len() <= peer.index() {
            self.slots.resize(peer.index() + 1, None);
        }
        self.slots[peer.index()] = Some((peer, exchange));
    }

    /// What `peer` is busy with.
    #[must_use]
    pub fn get(&self, peer: Key<Peer>) -> Option<Key<Exchange>> {
        let (owner, exchange) = (*self.slots.get(peer.index())?)?;
        (owner == peer).then_some(exchange)
    }

    /// Notes that `peer` is idle, if `exchange` is what it was busy with.
    pub fn clear_of(&mut self, peer: Key<Peer>, exchange: Key<Exchange>) {
        if self.get(peer) == Some(exchange) {
            self.clear(peer);
        }
    }

    /// Notes that `peer` is idle or gone.
    pub fn clear(&mut self, peer: Key<Peer>) -> Option<Key<Exchange>> {
        let exchange = self.get(peer)?;
        self.slots[peer.index()] = None;
        Some(exchange)
    }
}
