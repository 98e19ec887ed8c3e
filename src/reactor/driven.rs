// SPDX-License-Identifier: MIT
//! What the loop drives, and whom it tells: the two things that it does not know otherwise.

use std::time::Instant;

use crate::base::Now;
use crate::gateway::Gateway;
use crate::gateway::io::{Event, Input, Output};

/// What the loop drives: facts and the time in, effects and a deadline out.
pub trait Core {
    /// Takes a fact from the world.
    fn handle_input(&mut self, input: Input, now: Now);
    /// Takes the time, when [`Core::poll_timeout`] has passed.
    fn handle_timeout(&mut self, now: Now);
    /// The next effect, until there is none.
    fn poll_output(&mut self) -> Option<Output>;
    /// When it wants to be told the time; `None`: never.
    fn poll_timeout(&self) -> Option<Instant>;
    /// How many sessions it has, for those who count.
    fn n_sessions(&self) -> usize {
        0
    }
}

impl Core for Gateway {
    fn handle_input(&mut self, input: Input, now: Now) {
        Self::handle_input(self, input, now);
    }
    fn handle_timeout(&mut self, now: Now) {
        Self::handle_timeout(self, now);
    }
    fn poll_output(&mut self) -> Option<Output> {
        Self::poll_output(self)
    }
    fn poll_timeout(&self) -> Option<Instant> {
        Self::poll_timeout(self)
    }
    fn n_sessions(&self) -> usize {
        Self::n_sessions(self)
    }
}

/// Who is told what is worth recording; it must not block.
pub trait Observer {
    /// Takes one event.
    fn push(&mut self, event: Event);
    /// A turn is over: what was pushed may be handed on in one go.
    fn end_of_turn(&mut self);
}
