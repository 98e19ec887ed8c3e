// SPDX-License-Identifier: MIT
//! All children by backend, with what guards them: the keeper, and the removal of containers.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::child::Child;
use super::container::{Containers, Remover};
use super::engine::{Contained, Engine};
use super::keeper::Keeper;
use super::options::Options;
use super::starter::Starter;
use super::sys::DescriptorLimit;
use super::talk::Talk;
use super::token::{Source, Work};
use super::turn::{Timer, Turn};
use crate::base::{Key, Slab};
use crate::docker::Plan;
use crate::gateway::io::{Backend, ChildEnd, Input};
use crate::gateway::snapshot::ChildCommand;
use crate::wire::Splice;

/// A child whose turn to be started has not come, and what it is owed already.
pub(super) struct Waiting {
    pub(super) talk: Talk,
    pub(super) command: Arc<ChildCommand>,
    pub(super) paused: bool,
    /// It was told to stop, and whether at once.
    pub(super) stopped: Option<bool>,
    /// Why the engine could not run it, so that its command line has to.
    pub(super) before: Option<String>,
}

/// All children.
pub(super) struct Children {
    slab: Slab<Child>,
    /// To start a process takes milliseconds in which nobody is served, so it is one per turn.
    waiting: VecDeque<Waiting>,
    /// By the slot of the backend. A backend that took the slot over displaces the one before it,
    /// which is on its way out and gets nothing more.
    by_backend: Vec<Option<Key<Child>>>,
    keeper: Keeper,
    containers: Containers,
    starter: Starter,
    engine: Option<Engine>,
    limit: Option<DescriptorLimit>,
}

impl Children {
    pub(super) fn new(options: &Options, limit: Option<DescriptorLimit>) -> Self {
        Self {
            slab: Slab::new(),
            waiting: VecDeque::new(),
            by_backend: Vec::new(),
            keeper: Keeper::new(options.keeper.clone(), options.starter.clone()),
            containers: Containers::new(options.temporary_dir.clone(), options.starter.clone()),
            engine: options.engine.clone().map(Engine::new),
            starter: options.starter.clone(),
            limit,
        }
    }

    /// Whether there is neither a child nor a container on its way out.
    pub(super) fn is_empty(&self) -> bool {
        let none_contained = self.engine.as_ref().is_none_or(Engine::is_empty);
        self.slab.is_empty() && self.containers.is_empty() && none_contained
    }

    /// Asks the engine who it is, if there is one.
    pub(super) fn begin(&mut self, turn: &mut Turn) {
        if let Some(engine) = &mut self.engine {
            engine.begin(turn);
        }
    }

    /// Will start a child when it is its turn.
    pub(super) fn spawn(&mut self, backend: Key<Backend>, command: Arc<ChildCommand>, turn: &Turn) {
        let talk = Talk::new(backend, turn);
        let (paused, stopped, before) = (false, None, None);
        self.waiting.push_back(Waiting { talk, command, paused, stopped, before });
    }

    /// Whether some child waits to be started.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() || self.engine.as_ref().is_some_and(Engine::hands_on)
    }

    /// Starts the child that has waited longest, or says why there is none.
    pub(super) fn start_next(&mut self, turn: &mut Turn) {
        if let Some(engine) = &mut self.engine {
            self.waiting.extend(engine.take_handed_on());
        }
        let Some(waiting) = self.waiting.pop_front() else { return };
        self.keeper.ensure();
        if let (Some(engine), Some(plan)) = (&mut self.engine, plan_of(&waiting)) {
            let options = engine.options();
            self.keeper.add_engine(&options.socket, &options.instance);
            return engine.start(waiting, plan, turn);
        }
        let Waiting { talk, command, paused, stopped, before } = waiting;
        let backend = talk.backend;
        if let Err(words) = self.start(talk, command, turn) {
            let words = before.map_or(words.clone(), |before| format!("{before}; {words}"));
            let why = ChildEnd::NotStarted(words);
            turn.inbox.push_back(Input::ChildClosed { backend, why });
            return;
        }
        self.pause(backend, paused, turn);
        if let Some(now) = stopped {
            self.stop(backend, now, turn);
        }
    }

    fn find_waiting(&mut self, backend: Key<Backend>) -> Option<&mut Waiting> {
        self.waiting.iter_mut().find(|waiting| waiting.talk.backend == backend)
    }

    fn start(
        &mut self,
        talk: Talk,
        command: Arc<ChildCommand>,
        turn: &mut Turn,
    ) -> Result<(), String> {
        let backend = talk.backend;
        let cidfile = self.announce_container(&command)?;
        let (limit, starter) = (self.limit, &self.starter);
        let child = Child::start(talk, command.clone(), cidfile.clone(), limit, starter);
        let child = match child {
            Ok(child) => child,
            Err(words) => {
                if let Some(cidfile) = cidfile {
                    self.containers.clean_up(&command, cidfile, &mut self.keeper, turn);
                }
                return Err(words);
            }
        };
        self.keeper.add_group(child.group());
        let key = self.slab.insert(child);
        if self.by_backend.len() <= backend.index() {
            self.by_backend.resize(backend.index() + 1, None);
        }
        self.by_backend[backend.index()] = Some(key);
        if let Some(child) = self.slab.get_mut(key) {
            child.watch(key, turn);
        }
        Ok(())
    }

    /// Chooses the file for a container's id and tells the keeper, before there is a container.
    fn announce_container(&mut self, command: &ChildCommand) -> Result<Option<PathBuf>, String> {
        let Some(care) = &command.container else { return Ok(None) };
        let cidfile = self.containers.cidfile();
        let cidfile =
            cidfile.map_err(|error| format!("no directory for container ids: {error}"))?;
        self.keeper.add_container(care, &cidfile);
        Ok(Some(cidfile))
    }

    fn find(&mut self, backend: Key<Backend>) -> Option<(Key<Child>, &mut Child)> {
        let key = (*self.by_backend.get(backend.index())?)?;
        let child = self.slab.get_mut(key)?;
        (child.talk.backend == backend).then_some((key, child))
    }

    /// Owes the child of `backend` one line.
    pub(super) fn send(&mut self, backend: Key<Backend>, message: &Splice, turn: &mut Turn) {
        if let Some((key, child)) = self.find(backend) {
            child.send(key, message, turn);
        } else if let Some(waiting) = self.find_waiting(backend) {
            waiting.talk.owe(message, turn);
        } else if let Some(engine) = &mut self.engine {
            engine.send(backend, message, turn);
        }
    }

    /// Stops or goes on reading the child of `backend`.
    pub(super) fn pause(&mut self, backend: Key<Backend>, paused: bool, turn: &mut Turn) {
        if let Some((key, child)) = self.find(backend) {
            child.pause(key, paused, turn);
        } else if let Some(waiting) = self.find_waiting(backend) {
            waiting.paused = paused;
        } else if let Some(engine) = &mut self.engine {
            engine.pause(backend, paused, turn);
        }
    }

    /// Says what becomes of the line that the child of `backend` has begun.
    pub(super) fn pass(&mut self, backend: Key<Backend>, passes: bool, turn: &mut Turn) {
        if let Some((key, child)) = self.find(backend) {
            child.pass(key, passes, turn);
        } else if let Some(engine) = &mut self.engine {
            engine.pass(backend, passes, turn);
        }
    }

    /// Begins the end of the child of `backend`.
    pub(super) fn stop(&mut self, backend: Key<Backend>, now: bool, turn: &mut Turn) {
        if let Some((key, child)) = self.find(backend) {
            child.stop(now, turn);
            child.arm(key, turn);
            turn.queue(&mut child.queued, Work::Child(key));
        } else if let Some(waiting) = self.find_waiting(backend) {
            waiting.stopped = Some(now || waiting.stopped == Some(true));
        } else if let Some(engine) = &mut self.engine {
            engine.stop(backend, now, turn);
        }
    }

    /// Makes all children leave; whoever is still there at `until` is killed.
    pub(super) fn hurry(&mut self, until: Instant, turn: &mut Turn) {
        self.waiting.clear();
        for (key, child) in self.slab.iter_mut() {
            child.hurry(until);
            child.arm(key, turn);
        }
        if let Some(engine) = &mut self.engine {
            engine.hurry(until, turn);
        }
    }

    /// Notes what the poll says about a pipe or the end of a child.
    pub(super) fn note(
        &mut self,
        source: Source,
        key: Key<Child>,
        event: &mio::event::Event,
        turn: &mut Turn,
    ) {
        if let Some(child) = self.slab.get_mut(key) {
            child.note(source, event);
            turn.queue(&mut child.queued, Work::Child(key));
        }
    }

    /// Reads within the budget.
    pub(super) fn pump(&mut self, key: Key<Child>, turn: &mut Turn) {
        if let Some(child) = self.slab.get_mut(key) {
            child.pump(key, turn);
            self.sweep(key, turn);
        }
    }

    /// Writes within the budget.
    pub(super) fn flush(&mut self, key: Key<Child>, turn: &mut Turn) {
        if let Some(child) = self.slab.get_mut(key) {
            child.flush(key, turn);
        }
    }

    /// Looks after the deadlines of a child.
    pub(super) fn expire(&mut self, key: Key<Child>, turn: &mut Turn) {
        if let Some(child) = self.slab.get_mut(key) {
            child.expire(key, turn);
            self.sweep(key, turn);
        }
    }

    /// Looks after the removal of a container.
    pub(super) fn look(&mut self, key: Key<Remover>, turn: &mut Turn) {
        self.containers.look(key, &mut self.keeper, turn);
    }

    /// Reaps the child if it is over, and tells the core.
    fn sweep(&mut self, key: Key<Child>, turn: &mut Turn) {
        if !self.slab.get(key).is_some_and(|child| child.is_over(turn.now.mono)) {
            return;
        }
        let Some(mut child) = self.slab.remove(key) else { return };
        let (backend, group) = (child.talk.backend, child.group());
        let why = child.reap();
        self.keeper.remove_group(group);
        if let Some(slot) = self.by_backend.get_mut(backend.index())
            && *slot == Some(key)
        {
            *slot = None;
        }
        if let Some(cidfile) = child.cidfile.take() {
            self.containers.clean_up(&child.command, cidfile, &mut self.keeper, turn);
        }
        if !child.given_up {
            turn.inbox.push_back(Input::ChildClosed { backend, why });
        }
    }

    /// Notes what the poll says about a connection to the engine.
    pub(super) fn note_engine(
        &mut self,
        source: Source,
        event: &mio::event::Event,
        turn: &mut Turn,
    ) {
        if let Some(engine) = &mut self.engine {
            engine.note(source, event, turn);
        }
    }

    /// Goes on with a container of the engine, a removal, or the question who it is.
    pub(super) fn pump_engine(&mut self, work: Work, turn: &mut Turn) {
        if let Some(engine) = &mut self.engine {
            engine.pump(work, turn);
        }
    }

    /// Writes within the budget to a container of the engine.
    pub(super) fn flush_contained(&mut self, key: Key<Contained>, turn: &mut Turn) {
        if let Some(engine) = &mut self.engine {
            engine.flush(key, turn);
        }
    }

    /// Looks after the deadlines of what the engine does for us.
    pub(super) fn expire_engine(&mut self, timer: Timer, turn: &mut Turn) {
        if let Some(engine) = &mut self.engine {
            engine.expire(timer, turn);
        }
    }

    /// Leaves what is not over yet to the keeper.
    pub(super) fn close(&mut self) {
        if let Some(engine) = &self.engine
            && engine.is_empty()
            && !engine.is_unsure()
        {
            self.keeper.remove_engine(&engine.options().socket);
        }
        self.keeper.close();
        self.containers.close();
    }
}

/// How the engine runs it, unless it has said that it cannot.
fn plan_of(waiting: &Waiting) -> Option<Arc<Plan>> {
    let care = waiting.command.container.as_ref().filter(|_| waiting.before.is_none())?;
    care.plan.clone()
}
