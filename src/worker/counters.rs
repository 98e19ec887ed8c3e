// SPDX-License-Identifier: MIT
//! What is counted while the gateway runs, shared by those who count and those who read.
//!
//! Each number has one thread that writes it: the log thread those of servers, each loop its own.
//! So counting is a load and a store that nobody else waits for, and a reader may be a moment
//! behind.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::gateway::io::{CallEnd, Event, EventKind};
use crate::gateway::snapshot::ServerId;
use crate::observe::Entry;
use crate::observe::log::Rpc;
use crate::observe::metrics::failed::FailedTools;
use crate::observe::metrics::reading::{CALL_BOUNDS_US, TURN_BOUNDS_US, bucket};
use crate::observe::metrics::{Histogram, Reading, ServerReading};

/// Everything that is counted.
#[derive(Debug)]
pub struct Counters {
    version: Arc<str>,
    servers: Box<[ServerCounts]>,
    failed: FailedTools,
    log_records_dropped: Count,
    /// Locked when a loop begins, and to read.
    loops: Mutex<Vec<Arc<LoopCounts>>>,
}

/// What a loop counts in, and reads from.
#[derive(Clone, Debug)]
pub struct LoopCounters {
    all: Arc<Counters>,
    own: Arc<LoopCounts>,
}

/// One number, which one thread writes.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Count {
    fn add(&self, n: u64) {
        self.set(self.get().wrapping_add(n));
    }

    fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often something took how long; `N`: buckets, with the one behind all bounds.
#[derive(Debug)]
struct Durations<const N: usize> {
    bounds_us: &'static [u64],
    counts: [Count; N],
    nanos: Count,
}

impl<const N: usize> Durations<N> {
    fn new(bounds_us: &'static [u64]) -> Self {
        Self {
            bounds_us,
            counts: std::array::from_fn(|_| Count::default()),
            nanos: Count(0.into()),
        }
    }

    fn add(&self, took: Duration) {
        if let Some(count) = self.counts.get(bucket(self.bounds_us, took)) {
            count.add(1);
        }
        self.nanos.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    fn add_to(&self, histogram: &mut Histogram) {
        for (sum, count) in histogram.counts.iter_mut().zip(&self.counts) {
            *sum += count.get();
        }
        histogram.sum += Duration::from_nanos(self.nanos.get());
    }
}

#[derive(Debug)]
struct ServerCounts {
    name: Arc<str>,
    calls: [Count; CallEnd::ALL.len()],
    durations: Durations<{ CALL_BOUNDS_US.len() + 1 }>,
    denials: Count,
    bytes_out: Count,
    bytes_in: Count,
}

impl ServerCounts {
    fn new(name: Arc<str>) -> Self {
        Self {
            name,
            calls: Default::default(),
            durations: Durations::new(&CALL_BOUNDS_US),
            denials: Count::default(),
            bytes_out: Count::default(),
            bytes_in: Count::default(),
        }
    }

    fn note_rpc(&self, rpc: &Rpc<'_>, failed: &FailedTools) {
        let Some(reply) = &rpc.reply else { return self.bytes_out.add(rpc.payload_len as u64) };
        self.bytes_in.add(rpc.payload_len as u64);
        if reply.tool.is_none() {
            return;
        }
        let end = match reply.end {
            CallEnd::Ok if failed.has_failed(rpc.payload) => CallEnd::Error,
            end => end,
        };
        self.calls[end as usize].add(1);
        if end != CallEnd::Cancelled {
            self.durations.add(reply.duration);
        }
    }

    fn note_end(&self, end: CallEnd, is_call: bool) {
        if end == CallEnd::Denied {
            self.denials.add(1);
        }
        if is_call {
            self.calls[end as usize].add(1);
        }
    }

    fn read(&self, up: bool) -> ServerReading {
        let mut reading = ServerReading {
            up,
            calls: std::array::from_fn(|at| self.calls[at].get()),
            denials: self.denials.get(),
            bytes: [self.bytes_out.get(), self.bytes_in.get()],
            ..ServerReading::new(Arc::clone(&self.name))
        };
        self.durations.add_to(&mut reading.durations);
        reading
    }
}

#[derive(Debug)]
struct LoopCounts {
    turns: Durations<{ TURN_BOUNDS_US.len() + 1 }>,
    connections: Count,
    sessions: Count,
}

impl Counters {
    /// Nothing was counted yet. `servers` are those of the snapshot that events will refer to.
    #[must_use]
    pub fn new(version: Arc<str>, servers: impl Iterator<Item = Arc<str>>) -> Arc<Self> {
        Arc::new(Self {
            version,
            servers: servers.map(ServerCounts::new).collect(),
            failed: FailedTools::default(),
            log_records_dropped: Count::default(),
            loops: Mutex::default(),
        })
    }

    /// For one more loop.
    #[must_use]
    pub fn new_loop(self: &Arc<Self>) -> LoopCounters {
        let own = Arc::new(LoopCounts {
            turns: Durations::new(&TURN_BOUNDS_US),
            connections: Count::default(),
            sessions: Count::default(),
        });
        self.loops().push(Arc::clone(&own));
        LoopCounters { all: Arc::clone(self), own }
    }

    /// Counts what an event tells of a server; for the log thread alone.
    pub fn note(&self, entry: &Entry<'_>) {
        match entry {
            Entry::Rpc(rpc) => self.note_rpc(rpc),
            Entry::Event(event) => self.note_event(event),
        }
    }

    fn note_event(&self, event: &Event) {
        match &event.kind {
            EventKind::OfAgent { rpc, .. } => {
                if let Some(rpc) = Rpc::of_kind(event.at_unix_ms, event.server, rpc) {
                    self.note_rpc(&rpc);
                }
            }
            EventKind::Ended { end, is_call } => {
                if let Some(server) = self.server(event.server) {
                    server.note_end(*end, *is_call);
                }
            }
            _ => {}
        }
    }

    fn note_rpc(&self, rpc: &Rpc<'_>) {
        if let Some(server) = self.server(rpc.server) {
            server.note_rpc(rpc, &self.failed);
        }
    }

    fn server(&self, id: Option<ServerId>) -> Option<&ServerCounts> {
        self.servers.get(usize::from(id?.0))
    }

    /// Events had no room on their way to the logs; for the log thread alone.
    pub fn note_dropped(&self, n: u64) {
        self.log_records_dropped.add(n);
    }

    /// What was counted until now; `up` says of each server whether it works.
    #[must_use]
    pub fn read(&self, up: &[bool]) -> Reading {
        let is_up = up.iter().copied().chain(std::iter::repeat(false));
        let mut reading = Reading {
            version: Arc::clone(&self.version),
            servers: self.servers.iter().zip(is_up).map(|(server, up)| server.read(up)).collect(),
            sessions: 0,
            connections: 0,
            turns: Histogram::new(&TURN_BOUNDS_US),
            log_records_dropped: self.log_records_dropped.get(),
        };
        for one in self.loops().iter() {
            reading.sessions += one.sessions.get();
            reading.connections += one.connections.get();
            one.turns.add_to(&mut reading.turns);
        }
        reading
    }

    /// A thread that panicked while it held the lock leaves a list that is still one.
    fn loops(&self) -> MutexGuard<'_, Vec<Arc<LoopCounts>>> {
        self.loops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LoopCounters {
    /// A turn of this loop is over, and this is what it holds.
    pub fn note_turn(&self, took: Duration, connections: usize, sessions: usize) {
        self.own.turns.add(took);
        self.own.connections.set(connections as u64);
        self.own.sessions.set(sessions as u64);
    }

    /// What all have counted.
    #[must_use]
    pub fn read(&self, up: &[bool]) -> Reading {
        self.all.read(up)
    }
}

#[cfg(test)]
mod tests;
