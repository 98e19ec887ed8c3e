// SPDX-License-Identifier: MIT
//! Servers that are not read for a while, and what becomes of their long answers.

use penstock::base::Key;
use penstock::gateway::io::{Backend, Fetch};

use crate::world::World;

impl World {
    pub fn pause_child(&mut self, key: Key<Backend>, paused: bool) {
        let child = self.child_mut(key);
        assert_ne!(child.paused, paused, "paused or resumed twice");
        child.paused = paused;
    }

    pub fn pass_line(&mut self, key: Key<Backend>, passes: bool) {
        let Some(child) = self.children.get_mut(&key) else { return };
        assert!(!child.link.wants_stdout(), "decided before it was asked");
        child.link.decide(passes);
        if passes {
            self.ledger.count("lines that passed");
        }
    }

    pub fn pause_fetch(&mut self, fetch: Key<Fetch>, paused: bool) {
        if let Some(wire) = self.wires.iter_mut().find(|wire| wire.fetch == Some(fetch)) {
            assert_ne!(wire.paused, paused, "paused or resumed twice");
            wire.paused = paused;
        }
    }

    pub fn pass_message(&mut self, fetch: Key<Fetch>, passes: bool) {
        let Some(wire) = self.wires.iter_mut().find(|wire| wire.fetch == Some(fetch)) else {
            return;
        };
        assert!(!wire.link.wants_input(), "decided before it was asked");
        if passes {
            wire.link.pass();
            self.ledger.count("messages that passed");
        } else {
            wire.link.gather();
        }
    }
}
