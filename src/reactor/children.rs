// SPDX-License-Identifier: MIT
//! All children by backend, with what guards them: the keeper, and the removal of containers.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::child::Child;
use super::container::{Containers, Remover};
use super::keeper::Keeper;
use super::options::Options;
use super::sys::DescriptorLimit;
use super::token::{Source, Work};
use super::turn::Turn;
use crate::base::{Key, Slab};
use crate::gateway::io::{Backend, ChildEnd, Input};
use crate::gateway::snapshot::ChildCommand;
use crate::wire::Splice;

/// A child whose turn to be started has not come, and what it is owed already.
struct Waiting {
    backend: Key<Backend>,
    command: Arc<ChildCommand>,
    messages: Vec<Splice>,
    paused: bool,
    /// It was told to stop, and whether at once.
    stopped: Option<bool>,
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
    limit: Option<DescriptorLimit>,
}

impl Children {
    pub(super) fn new(options: &Options, limit: Option<DescriptorLimit>) -> Self {
        Self {
            slab: Slab::new(),
            waiting: VecDeque::new(),
            by_backend: Vec::new(),
            keeper: Keeper::new(options.keeper.clone()),
            containers: Containers::new(options.temporary_dir.clone()),
            limit,
        }
    }

    /// Whether there is neither a child nor a container on its way out.
    pub(super) fn is_empty(&self) -> bool {
        self.slab.is_empty() && self.containers.is_empty()
    }

    /// Will start a child when it is its turn.
    pub(super) fn spawn(&mut self, backend: Key<Backend>, command: Arc<ChildCommand>) {
        let (messages, paused, stopped) = (Vec::new(), false, None);
        self.waiting.push_back(Waiting { backend, command, messages, paused, stopped });
    }

    /// Whether some child waits to be started.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Starts the child that has waited longest, or says why there is none.
    pub(super) fn start_next(&mut self, turn: &mut Turn) {
        let Some(waiting) = self.waiting.pop_front() else { return };
        let Waiting { backend, command, messages, paused, stopped } = waiting;
        self.keeper.ensure();
        if let Err(words) = self.start(backend, command, turn) {
            let why = ChildEnd::NotStarted(words);
            turn.inbox.push_back(Input::ChildClosed { backend, why });
            return;
        }
        for message in &messages {
            self.send(backend, message, turn);
        }
        self.pause(backend, paused, turn);
        if let Some(now) = stopped {
            self.stop(backend, now, turn);
        }
    }

    fn find_waiting(&mut self, backend: Key<Backend>) -> Option<&mut Waiting> {
        self.waiting.iter_mut().find(|waiting| waiting.backend == backend)
    }

    fn start(
        &mut self,
        backend: Key<Backend>,
        command: Arc<ChildCommand>,
        turn: &mut Turn,
    ) -> Result<(), String> {
        let cidfile = self.announce_container(&command)?;
        let child = Child::start(backend, command.clone(), cidfile.clone(), self.limit, turn);
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
        (child.backend == backend).then_some((key, child))
    }

    /// Owes the child of `backend` one line.
    pub(super) fn send(&mut self, backend: Key<Backend>, message: &Splice, turn: &mut Turn) {
        if let Some((key, child)) = self.find(backend) {
            child.send(key, message, turn);
        } else if let Some(waiting) = self.find_waiting(backend) {
            waiting.messages.push(message.clone());
        }
    }

    /// Stops or goes on reading the child of `backend`.
    pub(super) fn pause(&mut self, backend: Key<Backend>, paused: bool, turn: &mut Turn) {
        if let Some((key, child)) = self.find(backend) {
            child.pause(key, paused, turn);
        } else if let Some(waiting) = self.find_waiting(backend) {
            waiting.paused = paused;
        }
    }

    /// Says what becomes of the line that the child of `backend` has begun.
    pub(super) fn pass(&mut self, backend: Key<Backend>, passes: bool, turn: &mut Turn) {
        if let Some((key, child)) = self.find(backend) {
            child.pass(key, passes, turn);
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
        }
    }

    /// Makes all children leave; whoever is still there at `until` is killed.
    pub(super) fn hurry(&mut self, until: Instant, turn: &mut Turn) {
        self.waiting.clear();
        for (key, child) in self.slab.iter_mut() {
            child.hurry(until);
            child.arm(key, turn);
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
        let (backend, group) = (child.backend, child.group());
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

    /// Leaves what is not over yet to the keeper.
    pub(super) fn close(&mut self) {
        self.keeper.close();
        self.containers.close();
    }
}
