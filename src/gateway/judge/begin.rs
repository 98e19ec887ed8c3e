// SPDX-License-Identifier: MIT
//! Guards that begin, and those that are taken back from a judgement that is over.

use std::sync::Arc;

use super::Judging;
use super::piece::{Piece, Reached, Running};
use crate::base::Key;
use crate::gateway::Gateway;
use crate::gateway::snapshot::ServerId;
use crate::policy::guard::GuardError;
use crate::policy::guard::wasm;

/// What stands for a judgement while a module begins: no judgement has such a key, since there are
/// never so many.
pub(super) const fn beginning(server: ServerId) -> Key<Judging> {
    Key::from_parts(u32::MAX - server.0 as u32, u32::MAX)
}

impl Gateway {
    /// Gives a server's guard its module, or the reason why there is none: then nothing passes.
    pub fn load_guard(&mut self, server: ServerId, module: Result<Arc<wasm::Module>, GuardError>) {
        self.guards.load(server, module);
        // In the reference agents are given labels where they call.
        if self.snapshot.guards.compat {
            return;
        }
        if let Some(piece) = self.guards.start(server, self.now) {
            self.work_on(beginning(server), piece);
        }
    }

    /// A module that begins has come further. What goes wrong is for the first call to say, which
    /// can also be asked for what the module needs.
    pub(super) fn begins(&mut self, key: Key<Judging>, mut piece: Piece) {
        let server = piece.server();
        match std::mem::replace(&mut piece.reached, Reached::More) {
            Reached::More if !piece.has_begun() => self.work_on(key, piece),
            _ => self.take_back(server, piece.into_running()),
        }
    }

    /// Takes a guard back from a judgement that is over, and lets the next one begin.
    pub(super) fn take_back(&mut self, server: ServerId, running: Running) {
        let mut next = self.guards.take_back(server, running);
        // Those who were cancelled while they waited are passed over.
        while let Some(key) = next {
            let asking = self.judgings.get_mut(key).and_then(|judging| judging.asking.take());
            match asking {
                Some(asking) => return self.ask_guard(key, asking),
                None => next = self.guards.next_waiting(server),
            }
        }
    }
}
