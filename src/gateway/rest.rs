// SPDX-License-Identifier: MIT
//! The modern backend of a server, which rests when it fails again and again.

use std::time::Duration;

use super::Gateway;
use super::backend::{Backend, State};
use super::fault::{BackendFaultKind, Fault, backend};
use super::health::UP_FOR_LONG;
use super::snapshot::ServerId;
use crate::base::Key;

/// From the second crash in a row of a modern backend to its next start; each further one doubles
/// it. The first is as good as none: its clients only call again.
const REST_FOR: Duration = Duration::from_secs(1);
/// How often that is doubled: to about half a minute.
const REST_DOUBLINGS_MAX: u32 = 5;

impl Gateway {
    /// The modern backend of a server that is known to have one; started if it is not there.
    pub(crate) fn modern_backend(&mut self, server: ServerId) -> Result<Key<Backend>, Fault> {
        let known = self.era(server).backend;
        let usable = |backend: &Backend| backend.state != State::Stopping;
        if let Some(key) = known.filter(|key| self.backends.get(*key).is_some_and(usable)) {
            return Ok(key);
        }
        let now = self.now.mono;
        if let Some((until, why)) = &self.era(server).rests
            && *until > now
        {
            let why = why.clone();
            return Err(backend(&self.snapshot, server, BackendFaultKind::Down, &why));
        }
        self.start_modern_backend(server)
    }

    /// What fails again and again is not started for each request.
    pub(super) fn note_lost(&mut self, key: Key<Backend>, server: ServerId, why: &Fault) {
        let now = self.now.mono;
        let Some(started_at) = self.backends.get(key).map(|backend| backend.started_at) else {
            return;
        };
        let Fault::Backend(fault) = why else { return };
        let why = Box::from(&*fault.detail);
        let era = self.era(server);
        if now.saturating_duration_since(started_at) >= UP_FOR_LONG {
            era.n_lost = 0;
        }
        if let Some(doublings) = era.n_lost.checked_sub(1) {
            let rest = REST_FOR * (1 << doublings.min(REST_DOUBLINGS_MAX));
            era.rests = Some((now + rest, why));
        }
        era.n_lost = era.n_lost.saturating_add(1);
    }
}
