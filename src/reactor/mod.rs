// SPDX-License-Identifier: MIT
//! The loop: the only non-blocking I/O, the only clock, the only `unsafe`.
//!
//! ```text
//!            ┌──────────────────────────── one turn ────────────────────────────┐
//!            │ wait → clock → note → pump → complete → expire → flush → accept → start
//!            └────────────────────────────────────────────────────────────────┘
//!  sockets ══> peer, fetch ──┐                         ┌──> effects ══> sockets
//!  pipes   ══> child ────────┼─> inbox ─> Core ─> outputs ─> observer
//!  signals, threads ─────────┘                         └──> deadlines
//! ```
//!
//! It meets the core only as [`Core`] and hands events to an [`Observer`]; it knows no policy and
//! no method name. Readiness is remembered and work is rationed: whoever stops before its source is
//! dry goes to the end of the line, and nothing is written before all that was read is dealt with,
//! so that what many exchanges owe to one pipe leaves in one call.
//!
//! Invariant: the only blocking call is the poll, and without a deadline it blocks for ever.

mod accept;
mod child;
mod children;
mod command;
mod completions;
mod connect;
mod container;
mod counting;
mod driven;
mod effects;
mod engine;
mod fetch;
mod judges;
mod keeper;
pub mod ledger;
mod options;
mod origins;
mod peer;
mod request;
mod roots;
mod shards;
mod signals;
mod source;
mod starter;
pub mod sys;
mod talk;
mod token;
mod turn;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::{Events, Poll};

use self::accept::Acceptor;
use self::children::Children;
use self::fetch::Fetches;
use self::judges::Judges;
use self::peer::Peers;
use self::signals::Signals;
use self::token::{Source, Work};
use self::turn::{Timer, Turn};
use crate::base::Now;
use crate::worker::{Counters, LoopCounters};

pub use self::accept::{BindError, Listener};
pub use self::container::read_id;
pub use self::driven::{Core, Observer};
pub use self::engine::EngineOptions;
pub use self::options::Options;
pub use self::roots::{Roots, SYSTEM_FILE};
pub use self::shards::Seat;
pub use self::starter::Starter;
pub use self::sys::{
    Niceness, block_signals, drop_written, keep_freed_memory, lower_thread_priority,
    release_memory, wait_for_signal,
};

/// What ends the loop early: the system refuses what it cannot do without.
#[derive(Debug)]
pub struct ReactorError(io::Error);

impl fmt::Display for ReactorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the event loop cannot go on: {}", self.0)
    }
}

impl std::error::Error for ReactorError {}

impl From<io::Error> for ReactorError {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

/// The loop and everything that it reads from and writes to.
pub struct Reactor<C, O> {
    core: C,
    observer: O,
    poll: Poll,
    events: Events,
    turn: Turn,
    acceptor: Acceptor,
    peers: Peers,
    children: Children,
    fetches: Fetches,
    judges: Judges,
    signals: Option<Signals>,
    /// The place among several loops; `None`: this one is alone.
    seat: Option<Seat>,
    counters: Option<LoopCounters>,
    shutdown_timeout: Duration,
    /// The core has said `Exit`: it is neither told nor asked anything any more.
    over: bool,
}

/// How many readiness events one poll may bring; the rest comes with the next.
const EVENTS_MAX: usize = 512;

/// From so many sources is read before the core is told: the system's code and ours each stay in
/// the nearest cache while they run.
const PUMPED_AT_ONCE: usize = 16;

/// So many inputs are told before what the core answers is done, for the same reason.
const TOLD_AT_ONCE: usize = 16;

/// How long after the start the code is let go of that only ran then.
const STARTED_AFTER: Duration = Duration::from_secs(2);

/// After `Exit`: how long children may take that are still there before they are killed.
const CHILDREN_LEAVE_MAX: Duration = Duration::from_secs(2);

/// After `Exit`: how long we wait for children and removals of containers at all.
const LEAVE_MAX: Duration = Duration::from_secs(4);

/// After `Exit`: how long clients may take to read their last bytes.
const LAST_BYTES_MAX: Duration = Duration::from_secs(1);

impl<C: Core, O: Observer> Reactor<C, O> {
    /// A loop that will accept from `listener`; nothing happens before [`Reactor::run`]. Raises the
    /// bound on open descriptors of the process as far as it may.
    ///
    /// Errors: the system gives no poll or no signal descriptor.
    pub fn new(
        options: &Options,
        listener: Listener,
        core: C,
        observer: O,
    ) -> Result<Self, ReactorError> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let turn = Turn::new(Arc::new(options.limits), registry, read_clock());
        let limit = sys::raise_descriptor_limit();
        Ok(Self {
            core,
            observer,
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            acceptor: Acceptor::new(listener, &turn)?,
            peers: Peers::default(),
            children: Children::new(options, limit),
            fetches: Fetches::new(options),
            judges: Judges::default(),
            signals: if options.signals { Some(Signals::new(&turn)?) } else { None },
            seat: None,
            counters: options.counters.as_ref().map(Counters::new_loop),
            shutdown_timeout: options.shutdown_timeout,
            over: false,
            turn,
        })
    }

    /// Turns until the core says `Exit`; then ends children that are left, lets clients read their
    /// last bytes, each for a bounded time, and returns.
    ///
    /// Errors: the poll fails. Children are then left to the keeper.
    pub fn run(&mut self) -> Result<(), ReactorError> {
        self.children.begin(&mut self.turn);
        self.apply_outputs();
        self.settle();
        self.turn.deadlines.arm(self.turn.now.mono + STARTED_AFTER, Timer::Started);
        while !self.over {
            self.turn()?;
        }
        self.leave()
    }

    fn turn(&mut self) -> Result<(), ReactorError> {
        self.wait()?;
        self.turn.now = read_clock();
        self.note_readiness();
        self.pump();
        self.take_completions();
        self.take_letters()?;
        self.expire();
        self.flush();
        self.acceptor.accept(&mut self.peers, self.seat.as_ref(), &mut self.turn);
        self.children.start_next(&mut self.turn);
        self.settle();
        self.observer.end_of_turn();
        self.count_turn();
        Ok(())
    }

    /// The only call that blocks.
    fn wait(&mut self) -> Result<(), ReactorError> {
        let turn = &self.turn;
        let busy = turn.is_busy() || self.acceptor.is_ready() || self.children.is_waiting();
        let busy = busy || self.seat.as_ref().is_some_and(Seat::is_woken);
        let timeout = if busy {
            Some(Duration::ZERO)
        } else {
            let core = if self.over { None } else { self.core.poll_timeout() };
            let first = core.into_iter().chain(turn.deadlines.earliest()).min();
            first.map(|at| at.saturating_duration_since(turn.now.mono))
        };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error.into()),
            Err(_) => {
                self.events.clear();
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Remembers what the poll says; acts on nothing.
    fn note_readiness(&mut self) {
        let turn = &mut self.turn;
        for event in &self.events {
            match Source::from_token(event.token()) {
                Some(Source::Listener) => self.acceptor.note(),
                Some(Source::Peer(key)) => self.peers.note(key, event, turn),
                Some(Source::Connection(key)) => self.fetches.note(key, event, turn),
                Some(
                    source @ (Source::ChildStdin(key)
                    | Source::ChildStdout(key)
                    | Source::ChildStderr(key)
                    | Source::ChildExit(key)),
                ) => self.children.note(source, key, event, turn),
                Some(Source::Remover(key)) => self.children.look(key, turn),
                Some(
                    source @ (Source::Engine
                    | Source::EngineStep(_)
                    | Source::EngineStream(_)
                    | Source::EngineWait(_)
                    | Source::Removal(_)),
                ) => self.children.note_engine(source, event, turn),
                Some(Source::Signals) => {
                    if let Some(signals) = &mut self.signals {
                        signals.take(self.shutdown_timeout, turn);
                    }
                }
                Some(Source::Completions) => {
                    self.fetches.note_completions();
                    self.judges.note();
                    self.seat.iter_mut().for_each(Seat::note);
                }
                None => {}
            }
        }
    }

    /// Reads from everybody who is ready, each within its budget. Whoever has more to say stands
    /// at the end of the line and gets the next turn.
    fn pump(&mut self) {
        self.settle();
        for n in 0..self.turn.ready.len() {
            let Some(work) = self.turn.ready.pop_front() else { break };
            match work {
                Work::Peer(key) => self.peers.pump(key, &mut self.turn),
                Work::Child(key) => self.children.pump(key, &mut self.turn),
                Work::Connection(key) => self.fetches.pump(key, &mut self.turn),
                Work::Contained(_) | Work::Engine | Work::Removal(_) => {
                    self.children.pump_engine(work, &mut self.turn);
                }
            }
            if n % PUMPED_AT_ONCE == PUMPED_AT_ONCE - 1 {
                self.settle();
            }
        }
        self.settle();
    }

    fn take_completions(&mut self) {
        self.fetches.take_completions(&mut self.turn);
        self.judges.take(&mut self.turn);
        self.settle();
    }

    /// Looks after all deadlines that have passed.
    fn expire(&mut self) {
        let now = self.turn.now;
        while let Some(timer) = self.turn.deadlines.expired(now.mono) {
            match timer {
                Timer::Accept => self.acceptor.note(),
                Timer::Child(key) => self.children.expire(key, &mut self.turn),
                Timer::Connection(key) => self.fetches.expire_connection(key, &mut self.turn),
                Timer::Contained(_) | Timer::Engine | Timer::Removal(_) => {
                    self.children.expire_engine(timer, &mut self.turn);
                }
                Timer::Fetch(key) => self.fetches.expire(key, &mut self.turn),
                Timer::Look => {}
                Timer::Peer(key) => self.peers.expire(key, &mut self.turn),
                Timer::Remover(key) => self.children.look(key, &mut self.turn),
                Timer::Release => self.turn.release(),
                Timer::Started => sys::drop_start_code(),
            }
            self.settle();
        }
        if !self.over && self.core.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.core.handle_timeout(now);
            self.apply_outputs();
            self.settle();
        }
    }

    /// Writes what is owed: one call for each sink, if it takes everything.
    ///
    /// Writing may wake the core, which may owe more; that is written in the next turn.
    fn flush(&mut self) {
        let turn = &mut self.turn;
        // Children and backends first: they can work while the clients are written to. Who is
        // soiled again while it is flushed has had its share, and waits for the next turn.
        for _ in 0..turn.dirty.len() {
            match turn.dirty.pop_front() {
                Some(Work::Child(key)) => self.children.flush(key, turn),
                Some(Work::Connection(key)) => self.fetches.flush(key, turn),
                Some(Work::Contained(key)) => self.children.flush_contained(key, turn),
                Some(Work::Peer(_) | Work::Engine | Work::Removal(_)) | None => {}
            }
        }
        for _ in 0..turn.dirty_peers.len() {
            if let Some(key) = turn.dirty_peers.pop_front() {
                self.peers.flush(key, turn);
            }
        }
        self.settle();
    }

    /// Tells the core everything that is in the inbox and applies what it answers, until both are
    /// quiet.
    fn settle(&mut self) {
        while !self.over && !self.turn.inbox.is_empty() {
            let told = self.turn.inbox.len().min(TOLD_AT_ONCE);
            for input in self.turn.inbox.drain(..told) {
                self.core.handle_input(input, self.turn.now);
            }
            self.apply_outputs();
        }
        // What is left of it is for a core that has said `Exit`.
        self.turn.inbox.clear();
        for event in self.turn.events.drain(..) {
            self.observer.push(event);
        }
    }

    fn apply_outputs(&mut self) {
        while let Some(output) = self.core.poll_output() {
            self.apply(output);
        }
    }

    /// The core is done: ends what is still there.
    fn leave(&mut self) -> Result<(), ReactorError> {
        let start = self.turn.now.mono;
        self.acceptor.stop();
        self.judges.close();
        self.seat.iter().for_each(Seat::close);
        self.children.hurry(start + CHILDREN_LEAVE_MAX, &mut self.turn);
        self.peers.stop_accepting(&mut self.turn);
        for look_after in [LAST_BYTES_MAX, LEAVE_MAX] {
            self.turn.deadlines.arm(start + look_after, Timer::Look);
        }
        loop {
            let so_far = self.turn.now.mono.saturating_duration_since(start);
            let reading = self.peers.owes() && so_far < LAST_BYTES_MAX;
            let leaving = !self.children.is_empty() && so_far < LEAVE_MAX;
            if !reading && !leaving {
                break;
            }
            self.turn()?;
        }
        self.children.close();
        self.seat.iter_mut().for_each(Seat::has_ended_well);
        Ok(())
    }
}

/// The only clock.
fn read_clock() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { mono: Instant::now(), unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX) }
}
