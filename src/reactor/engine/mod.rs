// SPDX-License-Identifier: MIT
//! Containers that the engine runs for us, spoken to over its socket: no process of ours stands
//! between.
//!
//! ```text
//!  daemon: which version? whose containers are left? ──known──┐
//!                                                             v
//!  contained:  create ──> attach ──> wait ──> start ──> Running ──> … ──> Over
//!                 └─ no such image ─> pull ─┘                              │
//!  removal:                                            delete <────────────┘
//! ```
//!
//! What stands above sees a container as it sees a child: lines, an end, the same bounds. Where the
//! engine cannot be asked and the command line may stand in, the container is handed on to it.

mod call;
mod contained;
mod daemon;
mod leave;
mod removal;
mod start;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use self::contained::Ending;
use self::daemon::{Daemon, Heard};
use self::removal::Removals;
use super::children::Waiting;
use super::token::{Source, Work};
use super::turn::{Timer, Turn};
use crate::base::{Key, Slab};
use crate::docker::Plan;
use crate::docker::owner::Owner;
use crate::gateway::io::{Backend, ChildEnd, Input};
use crate::gateway::snapshot::ChildCommand;
use crate::wire::Splice;

pub(super) use self::contained::Contained;
pub(super) use self::removal::Removal;

/// Where the engine is, and who we are to it.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Its socket.
    pub socket: PathBuf,
    /// The random word of this gateway, for its label.
    pub instance: Box<str>,
    /// Who we are, as others may have to find out; `None`: nobody ever will.
    pub owner: Option<Owner>,
}

/// All containers that the engine runs for us.
pub(super) struct Engine {
    slab: Slab<Contained>,
    /// By the slot of the backend.
    by_backend: Vec<Option<Key<Contained>>>,
    daemon: Daemon,
    removals: Removals,
    /// Those that the runtime's command line has to run.
    handed_on: Vec<Waiting>,
}

impl Engine {
    pub(super) fn new(options: EngineOptions) -> Self {
        Self {
            slab: Slab::new(),
            by_backend: Vec::new(),
            removals: Removals::default(),
            daemon: Daemon::new(options),
            handed_on: Vec::new(),
        }
    }

    /// Asks the engine who it is, before anybody needs it.
    pub(super) fn begin(&mut self, turn: &mut Turn) {
        if let Some(heard) = self.daemon.ask(turn) {
            self.hear(heard, turn);
        }
    }

    /// Whether there is neither a container nor one on its way out.
    pub(super) fn is_empty(&self) -> bool {
        self.slab.is_empty() && self.removals.is_empty()
    }

    /// Whether some container may be left that nobody here can name.
    pub(super) const fn is_unsure(&self) -> bool {
        self.removals.is_unsure()
    }

    /// The socket and the word of this gateway.
    pub(super) const fn options(&self) -> &EngineOptions {
        self.daemon.options()
    }

    /// Whether there are some that the command line has to run.
    pub(super) const fn hands_on(&self) -> bool {
        !self.handed_on.is_empty()
    }

    /// The containers that the command line has to run.
    pub(super) fn take_handed_on(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.handed_on)
    }

    /// Starts a container as `plan` says.
    pub(super) fn start(&mut self, waiting: Waiting, plan: Arc<Plan>, turn: &mut Turn) {
        let Waiting { talk, command, paused, stopped, .. } = waiting;
        let backend = talk.backend;
        let key = self.slab.insert(Contained::new(talk, command, plan, paused, turn));
        if self.by_backend.len() <= backend.index() {
            self.by_backend.resize(backend.index() + 1, None);
        }
        self.by_backend[backend.index()] = Some(key);
        self.begin(turn);
        if let (Some(contained), true) = (self.slab.get_mut(key), self.daemon.is_known()) {
            contained.begin(key, &self.daemon, turn);
        }
        if let Some(now) = stopped {
            self.stop(backend, now, turn);
        }
        self.settle(key, turn);
    }

    fn find(&mut self, backend: Key<Backend>) -> Option<(Key<Contained>, &mut Contained)> {
        let key = (*self.by_backend.get(backend.index())?)?;
        let contained = self.slab.get_mut(key)?;
        (contained.talk.backend == backend).then_some((key, contained))
    }

    /// Owes the container of `backend` one line; whether there is one.
    pub(super) fn send(
        &mut self,
        backend: Key<Backend>,
        message: &Splice,
        turn: &mut Turn,
    ) -> bool {
        let found = self.find(backend);
        found.is_some_and(|(key, contained)| {
            contained.send(key, message, turn);
            true
        })
    }

    /// Stops or goes on reading the container of `backend`; whether there is one.
    pub(super) fn pause(&mut self, backend: Key<Backend>, paused: bool, turn: &mut Turn) -> bool {
        let found = self.find(backend);
        found.is_some_and(|(key, contained)| {
            contained.pause(key, paused, turn);
            true
        })
    }

    /// Says what becomes of the line that the container of `backend` has begun.
    pub(super) fn pass(&mut self, backend: Key<Backend>, passes: bool, turn: &mut Turn) {
        if let Some((key, contained)) = self.find(backend) {
            contained.pass(key, passes, turn);
        }
    }

    /// Begins the end of the container of `backend`; whether there is one.
    pub(super) fn stop(&mut self, backend: Key<Backend>, now: bool, turn: &mut Turn) -> bool {
        let Some(key) = self.find(backend).map(|(key, _)| key) else { return false };
        if let Some(contained) = self.slab.get_mut(key) {
            contained.stop(key, now, &self.daemon, turn);
            self.settle(key, turn);
        }
        true
    }

    /// Makes all containers leave; whoever is still there at `until` is killed.
    pub(super) fn hurry(&mut self, until: Instant, turn: &mut Turn) {
        self.handed_on.clear();
        self.removals.hurry();
        for key in self.slab.keys() {
            if let Some(contained) = self.slab.get_mut(key) {
                contained.hurry(key, until, &self.daemon, turn);
                self.settle(key, turn);
            }
        }
    }

    /// Notes what the poll says about a connection of ours.
    pub(super) fn note(&mut self, source: Source, event: &mio::event::Event, turn: &mut Turn) {
        match source {
            Source::Engine => self.daemon.note(event, turn),
            Source::Removal(key) => self.removals.note(key, event, turn),
            Source::EngineStep(key) | Source::EngineStream(key) | Source::EngineWait(key) => {
                if let Some(contained) = self.slab.get_mut(key) {
                    contained.note(source, event);
                    turn.queue(&mut contained.queued, Work::Contained(key));
                }
            }
            _ => {}
        }
    }

    /// Goes on with whatever has something to do.
    pub(super) fn pump(&mut self, work: Work, turn: &mut Turn) {
        match work {
            Work::Engine => {
                if let Some(heard) = self.daemon.pump(turn) {
                    self.hear(heard, turn);
                }
            }
            Work::Removal(key) => self.removals.pump(key, &self.daemon, turn),
            Work::Contained(key) => {
                if let Some(contained) = self.slab.get_mut(key) {
                    contained.pump(key, &self.daemon, turn);
                    self.settle(key, turn);
                }
            }
            _ => {}
        }
    }

    /// Looks after whosever deadline has passed.
    pub(super) fn expire(&mut self, timer: Timer, turn: &mut Turn) {
        match timer {
            Timer::Engine => {
                if let Some(heard) = self.daemon.expire(turn) {
                    self.hear(heard, turn);
                }
            }
            Timer::Removal(key) => self.removals.expire(key, &self.daemon, turn),
            Timer::Contained(key) => {
                if let Some(contained) = self.slab.get_mut(key) {
                    contained.expire(key, &self.daemon, turn);
                    self.settle(key, turn);
                }
            }
            _ => {}
        }
    }

    fn hear(&mut self, heard: Heard, turn: &mut Turn) {
        if let Heard::Known { stale } = &heard
            && !stale.is_empty()
        {
            let n = stale.len();
            turn.tell("container", format!("removing {n} container(s) that a gateway has left"));
            self.removals.add_stale(stale.clone(), &self.daemon, turn);
        }
        for key in self.slab.keys() {
            let Some(contained) = self.slab.get_mut(key) else { continue };
            match &heard {
                Heard::Known { .. } => contained.begin(key, &self.daemon, turn),
                Heard::Unreachable(why) => contained.cannot_begin(why),
            }
            self.settle(key, turn);
        }
    }

    /// Writes within the budget.
    pub(super) fn flush(&mut self, key: Key<Contained>, turn: &mut Turn) {
        if let Some(contained) = self.slab.get_mut(key) {
            contained.flush(key, turn);
        }
    }

    /// Parts with the container if it is over: tells the core, and removes what is left of it.
    fn settle(&mut self, key: Key<Contained>, turn: &mut Turn) {
        if !self.slab.get(key).is_some_and(|contained| contained.is_over(turn.now.mono)) {
            return;
        }
        let Some(contained) = self.slab.remove(key) else { return };
        let backend = contained.talk.backend;
        if let Some(slot) = self.by_backend.get_mut(backend.index())
            && *slot == Some(key)
        {
            *slot = None;
        }
        if contained.lost_engine {
            self.daemon.forget();
        }
        let Ending { why, waiting, leftover } = contained.end();
        self.removals.add(leftover, &self.daemon, turn);
        match waiting {
            Some(waiting) => self.handed_on.push(waiting),
            None => turn.inbox.extend(why.map(|why| closed(backend, why))),
        }
    }
}

const fn closed(backend: Key<Backend>, why: ChildEnd) -> Input {
    Input::ChildClosed { backend, why }
}

/// What the runtime's environment has for a variable that is passed on by name.
fn variable(command: &ChildCommand, name: &str) -> Option<String> {
    let (_, value) = command.env.iter().find(|(own, _)| **own == *name)?;
    Some(String::from_utf8_lossy(value.expose()).into_owned())
}
