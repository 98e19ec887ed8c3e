// SPDX-License-Identifier: MIT
//! What one child and the core say to each other, however the child is reached.

use super::turn::Turn;
use crate::base::Key;
use crate::gateway::io::{Backend, Input};
use crate::link::stdio::{Stdio, StdioEvent};
use crate::wire::Splice;

/// The lines of one child, both ways.
pub(super) struct Talk {
    pub(super) backend: Key<Backend>,
    pub(super) link: Stdio,
    /// The core knows that more is owed than the child may take.
    full: bool,
}

impl Talk {
    pub(super) fn new(backend: Key<Backend>, turn: &Turn) -> Self {
        Self { backend, link: Stdio::new(turn.limits.clone()), full: false }
    }

    /// Tells the core what the child has said.
    pub(super) fn tell(&mut self, turn: &mut Turn) {
        let backend = self.backend;
        while let Some(event) = self.link.poll_event() {
            turn.inbox.push_back(match event {
                StdioEvent::Line(line) => Input::Line { backend, line },
                StdioEvent::LineBegins(start) => Input::LineBegins { backend, start },
                StdioEvent::LinePart(block) => Input::LinePart { backend, block },
                StdioEvent::LineEnd => Input::LineEnd { backend },
                StdioEvent::Noise(line) => Input::Noise { backend, line },
                StdioEvent::LineTooLong(start) => Input::LineTooLong { backend, start },
                StdioEvent::Stderr(line) => Input::Stderr { backend, line },
            });
        }
    }

    /// Owes the child one line.
    pub(super) fn owe(&mut self, message: &Splice, turn: &mut Turn) {
        self.link.send(message);
        self.note_fullness(turn);
    }

    /// Whether the child is owed something.
    pub(super) const fn owes(&self) -> bool {
        !self.link.outbox().is_empty()
    }

    /// The child takes nothing more.
    pub(super) fn forget_owed(&mut self) {
        self.link.wrote(self.link.outbox().len());
    }

    /// Tells the core when too much is owed, and when it no longer is.
    pub(super) fn note_fullness(&mut self, turn: &mut Turn) {
        let (owed, max) = (self.link.outbox().len(), turn.limits.backend_outbox_bytes_max);
        let backend = self.backend;
        if !self.full && owed > max {
            self.full = true;
            turn.inbox.push_back(Input::BackendFull { backend });
        } else if self.full && owed <= max / 2 {
            self.full = false;
            turn.inbox.push_back(Input::BackendDrained { backend });
        }
    }
}
