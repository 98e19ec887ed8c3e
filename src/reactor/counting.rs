// SPDX-License-Identifier: MIT
//! What the loop counts of itself, and what all have counted, as text.

use super::{Core, Observer, Reactor};
use crate::base::Message;
use crate::observe::prometheus;

impl<C: Core, O: Observer> Reactor<C, O> {
    /// A turn is over. Whoever became ready in it has waited until now, so this needs the clock
    /// once more.
    pub(super) fn count_turn(&self) {
        if let Some(counters) = &self.counters {
            let took = self.turn.now.mono.elapsed();
            counters.note_turn(took, self.peers.len(), self.core.n_sessions());
        }
    }

    /// What was counted until now; `up` says of each server whether it works.
    pub(super) fn counted(&self, up: &[bool]) -> Message {
        let counters = self.counters.as_ref();
        Message::new(counters.map_or_else(Vec::new, |all| prometheus::expose(&all.read(up))))
    }
}
