// SPDX-License-Identifier: MIT
//! What everybody needs during one turn of the loop: the time, the queues, the read buffer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::event::Source as Pollable;
use mio::{Registry, Waker};

use super::child::Child;
use super::connect::Connection;
use super::container::Remover;
use super::engine::{Contained, Removal};
use super::fetch::Fetching;
use super::peer::PeerConnection;
use super::sys;
use super::token::{Source, Work};
use crate::base::{Deadlines, Key, Limits, Now};
use crate::gateway::io::{Event, EventKind, Input, Level};

/// Whose deadline it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Accepting was paused.
    Accept,
    Child(Key<Child>),
    Connection(Key<Connection>),
    Contained(Key<Contained>),
    Engine,
    Fetch(Key<Fetching>),
    /// The loop itself wants to look around.
    Look,
    Peer(Key<PeerConnection>),
    Removal(Key<Removal>),
    /// Much was passed on a while ago.
    Release,
    Remover(Key<Remover>),
    /// The start is over.
    Started,
}

/// The read buffer, shared by all sources: an idle connection holds none.
const READ_BUFFER_BYTES: usize = 64 * 1024;

/// The common property of one turn.
pub(super) struct Turn {
    pub(super) limits: Arc<Limits>,
    pub(super) registry: Registry,
    /// A poll has one waker at most; it is made for the first who has a thread.
    waker: Option<Arc<Waker>>,
    pub(super) now: Now,
    /// What the core will be told next, in order.
    pub(super) inbox: VecDeque<Input>,
    /// What the observer will be told next.
    pub(super) events: Vec<Event>,
    pub(super) deadlines: Deadlines<Timer>,
    /// Who has something to do; whoever is rationed goes to the end of the line.
    pub(super) ready: VecDeque<Work>,
    /// Who owes bytes that have not been offered to the system yet.
    pub(super) dirty: VecDeque<Work>,
    /// The same for clients, which are written to last.
    pub(super) dirty_peers: VecDeque<Key<PeerConnection>>,
    pub(super) buffer: Box<[u8]>,
    /// What was decrypted from it, if it was ciphertext.
    pub(super) plain: Vec<u8>,
    /// Whether freed memory will be given back.
    releases: bool,
}

/// Who owes so much has passed something large.
const LARGE_BYTES: usize = 128 * 1024;

/// How long after something large freed memory is given back: not between one and the next.
const RELEASE_AFTER: Duration = Duration::from_secs(5);

impl Turn {
    pub(super) fn new(limits: Arc<Limits>, registry: Registry, now: Now) -> Self {
        Self {
            limits,
            registry,
            waker: None,
            now,
            inbox: VecDeque::new(),
            events: Vec::new(),
            deadlines: Deadlines::new(),
            ready: VecDeque::new(),
            dirty: VecDeque::new(),
            dirty_peers: VecDeque::new(),
            buffer: vec![0; READ_BUFFER_BYTES].into_boxed_slice(),
            plain: Vec::new(),
            releases: false,
        }
    }

    /// What ends the wait of the loop, from any thread; it then looks what threads have brought.
    ///
    /// Errors: the poll cannot be woken.
    pub(super) fn waker(&mut self) -> std::io::Result<Arc<Waker>> {
        Ok(Arc::clone(match &mut self.waker {
            Some(waker) => waker,
            none => none.insert(Arc::new(Waker::new(&self.registry, Source::Completions.into())?)),
        }))
    }

    /// Puts `work` into the line unless `queued` says that it is there.
    pub(super) fn queue(&mut self, queued: &mut bool, work: Work) {
        if !std::mem::replace(queued, true) {
            self.ready.push_back(work);
        }
    }

    /// Puts `work` on the list of the flush unless `dirty` says that it is there.
    pub(super) fn soil(&mut self, dirty: &mut bool, work: Work) {
        if std::mem::replace(dirty, true) {
            return;
        }
        match work {
            Work::Peer(key) => self.dirty_peers.push_back(key),
            _ => self.dirty.push_back(work),
        }
    }

    /// Whether somebody has something to do without waiting for anything.
    pub(super) fn is_busy(&self) -> bool {
        !(self.ready.is_empty() && self.dirty.is_empty() && self.dirty_peers.is_empty())
    }

    /// Makes sure that `timer` fires at `at` or before, and remembers in `armed_at` when.
    ///
    /// A later `at` costs nothing: the owner looks when the earlier one fires, and arms again. So a
    /// deadline that moves with every message makes no heap entry per message.
    pub(super) fn arm(&mut self, armed_at: &mut Option<Instant>, at: Instant, timer: Timer) {
        if armed_at.is_none_or(|armed| at < armed) {
            // A deadline in the past must not make the turn go round in itself.
            let at = at.max(self.now.mono + Duration::from_millis(1));
            *armed_at = Some(at);
            self.deadlines.arm(at, timer);
        }
    }

    /// Has freed memory given back in a while if so many bytes go through at once.
    pub(super) fn note_size(&mut self, bytes: usize) {
        if bytes >= LARGE_BYTES && !std::mem::replace(&mut self.releases, true) {
            self.deadlines.arm(self.now.mono + RELEASE_AFTER, Timer::Release);
        }
    }

    pub(super) fn release(&mut self) {
        self.releases = false;
        sys::release_memory();
    }

    /// Whether the entry that fires is the one of `armed_at`, which is then cleared.
    pub(super) fn fired(&self, armed_at: &mut Option<Instant>) -> bool {
        let due = armed_at.is_some_and(|at| at <= self.now.mono);
        if due {
            *armed_at = None;
        }
        due
    }

    /// Registers `pollable` once and for both directions.
    pub(super) fn watch(
        &self,
        pollable: &mut impl Pollable,
        source: Source,
        interest: mio::Interest,
    ) -> std::io::Result<()> {
        self.registry.register(pollable, source.into(), interest)
    }

    /// Records a line for people.
    pub(super) fn tell(&mut self, category: &'static str, text: String) {
        let kind = EventKind::Note { level: Level::Info, category, text };
        self.events.push(Event { at_unix_ms: self.now.unix_ms, server: None, kind });
    }

    /// Records a line for developers.
    pub(super) fn report(&mut self, text: String) {
        let kind = EventKind::Debug { namespace: "reactor:peer", text };
        self.events.push(Event { at_unix_ms: self.now.unix_ms, server: None, kind });
    }
}
