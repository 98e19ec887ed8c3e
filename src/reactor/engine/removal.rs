// SPDX-License-Identifier: MIT
//! Removing containers: those that have ended, those that were never started, those that others
//! have left.
//!
//! The engine removes what has ended by itself, but not at once, and not what never began. So each
//! is removed until the engine says that it is not there.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::call::{Call, Outcome};
use super::daemon::Daemon;
use crate::base::{Key, Slab};
use crate::docker::body;
use crate::reactor::token::{Source, Work};
use crate::reactor::turn::{Timer, Turn};

/// What is left of a container when its end was told.
pub(super) enum Leftover {
    Nothing,
    /// It may be there.
    Container(Box<str>),
    /// The engine is still creating it.
    Unborn(Box<Call>),
    /// It may be there, and nobody knows its name.
    Nameless,
}

/// One container that is being removed.
pub(in crate::reactor) struct Removal {
    /// `None`: it is still being created.
    id: Option<Box<str>>,
    call: Option<Call>,
    until: Instant,
    again_at: Option<Instant>,
    armed_at: Option<Instant>,
    queued: bool,
    is_stale: bool,
}

/// All containers that are being removed.
#[derive(Default)]
pub(super) struct Removals {
    slab: Slab<Removal>,
    /// What others have left is removed one after the other.
    stale: VecDeque<Box<str>>,
    is_unsure: bool,
}

/// How long a removal may take.
const REMOVAL_MAX: Duration = Duration::from_secs(10);

/// From one attempt to the next.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

impl Removals {
    /// What others have left is nobody's hurry.
    pub(super) fn is_empty(&self) -> bool {
        self.slab.iter().all(|(_, removal)| removal.is_stale)
    }

    /// Whether some container may be left.
    pub(super) const fn is_unsure(&self) -> bool {
        self.is_unsure
    }

    /// Begins no removal for others any more.
    pub(super) fn hurry(&mut self) {
        self.stale.clear();
    }

    /// Removes what is left of a container.
    pub(super) fn add(&mut self, leftover: Leftover, daemon: &Daemon, turn: &mut Turn) {
        let (id, call) = match leftover {
            Leftover::Nothing => return,
            Leftover::Nameless => {
                self.is_unsure = true;
                return;
            }
            Leftover::Container(id) => (Some(id), None),
            Leftover::Unborn(call) => (None, Some(*call)),
        };
        self.insert(id, call, false, daemon, turn);
    }

    /// Removes what others have left.
    pub(super) fn add_stale(&mut self, ids: Vec<Box<str>>, daemon: &Daemon, turn: &mut Turn) {
        self.stale.extend(ids);
        self.next_stale(daemon, turn);
    }

    fn next_stale(&mut self, daemon: &Daemon, turn: &mut Turn) {
        if let Some(id) = self.stale.pop_front() {
            self.insert(Some(id), None, true, daemon, turn);
        }
    }

    fn insert(
        &mut self,
        id: Option<Box<str>>,
        call: Option<Call>,
        is_stale: bool,
        daemon: &Daemon,
        turn: &mut Turn,
    ) {
        let until = turn.now.mono + REMOVAL_MAX;
        let (again_at, armed_at, queued) = (None, None, false);
        let removal = Removal { id, call, until, again_at, armed_at, queued, is_stale };
        let key = self.slab.insert(removal);
        let Some(removal) = self.slab.get_mut(key) else { return };
        if let Some(call) = &mut removal.call {
            // Its connection was registered for the container that it is no longer part of.
            if call.give_to(Source::Removal(key), turn).is_err() {
                removal.call = None;
            }
            turn.queue(&mut removal.queued, Work::Removal(key));
        }
        removal.ask(key, daemon, turn);
        removal.arm(key, turn);
    }

    pub(super) fn note(&mut self, key: Key<Removal>, event: &mio::event::Event, turn: &mut Turn) {
        if let Some(removal) = self.slab.get_mut(key)
            && let Some(call) = &mut removal.call
        {
            call.note(event);
            turn.queue(&mut removal.queued, Work::Removal(key));
        }
    }

    /// Goes on with a removal as far as its connection allows.
    pub(super) fn pump(&mut self, key: Key<Removal>, daemon: &Daemon, turn: &mut Turn) {
        let Some(removal) = self.slab.get_mut(key) else { return };
        removal.queued = false;
        let Some(call) = &mut removal.call else { return };
        match call.go_on(turn) {
            Outcome::Open => {
                if call.is_rationed() {
                    turn.queue(&mut removal.queued, Work::Removal(key));
                }
                return;
            }
            Outcome::Answered => {
                let (is_good, is_missing) = (call.answer.is_good(), call.answer.is_missing());
                let created = body::created(call.answer.body());
                removal.call = None;
                let is_gone = match &removal.id {
                    Some(_) => is_good || is_missing,
                    None => !is_good,
                };
                removal.id = removal.id.take().or(created);
                if is_gone {
                    return self.finish(key, daemon, turn);
                }
            }
            Outcome::Broken(_) => removal.call = None,
        }
        if removal.id.is_none() {
            self.is_unsure = true;
            return self.finish(key, daemon, turn);
        }
        removal.again_at = Some(turn.now.mono + AGAIN_AFTER);
        removal.arm(key, turn);
    }

    /// Looks whether it is time for another attempt, or for none.
    pub(super) fn expire(&mut self, key: Key<Removal>, daemon: &Daemon, turn: &mut Turn) {
        let Some(removal) = self.slab.get_mut(key) else { return };
        if !turn.fired(&mut removal.armed_at) {
            return;
        }
        if removal.until <= turn.now.mono {
            self.is_unsure |= !removal.is_stale;
            return self.finish(key, daemon, turn);
        }
        if removal.again_at.take_if(|at| *at <= turn.now.mono).is_some() {
            removal.ask(key, daemon, turn);
        }
        removal.arm(key, turn);
    }

    fn finish(&mut self, key: Key<Removal>, daemon: &Daemon, turn: &mut Turn) {
        if self.slab.remove(key).is_some_and(|removal| removal.is_stale) {
            self.next_stale(daemon, turn);
        }
    }
}

impl Removal {
    fn ask(&mut self, key: Key<Self>, daemon: &Daemon, turn: &Turn) {
        let (Some(id), None) = (&self.id, &self.call) else { return };
        let bytes = daemon.dialect().remove(id);
        match Call::begin(daemon.socket(), &bytes, Source::Removal(key), turn) {
            Ok(call) => self.call = Some(call),
            Err(_) => self.again_at = Some(turn.now.mono + AGAIN_AFTER),
        }
    }

    fn arm(&mut self, key: Key<Self>, turn: &mut Turn) {
        let at = self.again_at.map_or(self.until, |at| at.min(self.until));
        turn.arm(&mut self.armed_at, at, Timer::Removal(key));
    }
}
