// SPDX-License-Identifier: MIT
//! The log thread: takes events from the loop in batches and writes them to their files.
//!
//! ```text
//!   loop                             log thread
//!   push, push, push                 asleep
//!   end_of_turn ── wakes it ───────> takes all, writes
//!   push, end_of_turn                pauses 25 ms
//!   push, push, end_of_turn          takes all, writes
//!                                    pauses, finds nothing, sleeps
//! ```
//!
//! So a line is in its file at once if the gateway was idle and after 25 ms if it was not; much to
//! write is written at once too, since a burst of work would hold up traffic. And the
//! loop pays for one lock per turn. What was emitted in a turn travels as one [`Block`], which
//! comes back empty and is used again. If events come faster than the disk takes them, they are
//! dropped and counted, and traffic never waits for a log. Whoever would rather lose time than
//! records says so: then the loop waits until the thread has taken what is there, but not for ever.

mod writer;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::base::{Limits, Secret};
use crate::gateway::io::Event;
use crate::observe::Block;
use crate::observe::debug::Patterns;
use crate::observe::log::Rpc;
use crate::worker::Counters;

/// How long [`Logs::finish`] waits for a disk or a terminal that takes nothing.
const FINISH_AFTER_MAX: Duration = Duration::from_secs(3);

/// Waiting events may take so many bytes; beyond: events are dropped.
const WAITING_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How long a loop that would rather wait waits for a disk that takes nothing; beyond: events are
/// dropped all the same.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// So much is written without a pause: a long one would make for long bursts of work.
const WAKING_BYTES: usize = 256 * 1024;

/// The lists of tools are read by descending into them.
const STACK_BYTES: usize = 1024 * 1024;

/// Where logs go, and what goes where.
pub struct LogOptions {
    /// The directory for log files; created if it is not there. `None`: no files.
    pub dir: Option<PathBuf>,
    /// Whether the messages themselves are written, or their lengths alone.
    pub payloads: bool,
    /// Which debug lines are shown on stderr.
    pub patterns: Patterns,
    /// Who counts calls and what becomes of them; `None`: nobody.
    pub counters: Option<Arc<Counters>>,
    /// Events that may wait ([`Limits::log_events_max`]); beyond: dropped and counted.
    pub events_max: usize,
    /// Whether the loop waits for the thread before it drops events.
    pub waits: bool,
    /// Where notes for people and debug lines go.
    pub stderr: Box<dyn Write + Send>,
    /// Called first on the log thread, to give traffic the precedence.
    pub on_start: fn(),
    /// Called on the log thread when a storm of events is over, to give memory back.
    pub on_idle: fn(),
    /// Called on the log thread when a file has grown by another megabyte, so that a storm of
    /// events fills the disk alone and not the memory.
    pub on_grown: fn(&File),
}

impl Default for LogOptions {
    /// No files; notes go to the stderr of the process.
    fn default() -> Self {
        Self {
            dir: None,
            payloads: true,
            patterns: Patterns::default(),
            counters: None,
            events_max: Limits::DEFAULT.log_events_max,
            waits: false,
            stderr: Box::new(std::io::stderr()),
            on_start: || {},
            on_idle: || {},
            on_grown: |_| {},
        }
    }
}

/// The log thread, seen by who starts and ends it.
pub struct Logs {
    shared: Arc<Shared>,
    terms: Terms,
    thread: Option<JoinHandle<()>>,
}

/// The log thread, seen by a loop.
pub struct LogSender {
    shared: Arc<Shared>,
    /// What was pushed in this turn.
    block: Block,
    terms: Terms,
    dropped: u64,
}

/// What holds for every loop.
#[derive(Clone, Copy)]
struct Terms {
    events_max: usize,
    waits: bool,
    carries: Carries,
}

/// What of messages somebody on the thread wants to know.
#[derive(Clone, Copy)]
struct Carries {
    /// That there was one.
    anything: bool,
    /// What it says.
    payloads: bool,
}

impl Carries {
    fn new(options: &LogOptions) -> Self {
        let counts = options.counters.is_some();
        let writes = options.dir.is_some();
        // Whether a tool has failed is seen in its answer.
        Self { anything: writes || counts, payloads: writes && options.payloads || counts }
    }
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Something to do for a thread that sleeps, or the end.
    wake: Condvar,
    /// The thread has taken everything, or has ended.
    taken: Condvar,
    /// `Queue::ended` has been set.
    ended: Condvar,
}

#[derive(Default)]
struct Queue {
    blocks: Vec<Block>,
    /// The events in `blocks`.
    len: usize,
    /// What `blocks` take in memory.
    bytes: usize,
    /// Empty blocks, for the loop.
    spare: Vec<Block>,
    /// Events that found no room.
    dropped: u64,
    /// The thread waits until it is woken.
    asleep: bool,
    /// The thread waits until there is much to do.
    pauses: bool,
    /// Whether a loop waits for room.
    is_awaited: bool,
    /// The thread shall end when nothing is left.
    closing: bool,
    /// The thread has written everything.
    ended: bool,
}

impl Shared {
    /// A thread that panicked while it held the lock leaves a queue that is still one.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.dropped == 0 && !self.closing
    }

    /// How many events there is room for.
    fn room(&self, events_max: usize) -> usize {
        match self.bytes > WAITING_BYTES_MAX {
            true => 0,
            false => events_max.saturating_sub(self.len),
        }
    }
}

impl Logs {
    /// Starts the thread. `servers` are those of the snapshot that events will refer to; none of
    /// `secrets` reaches a log in any spelling.
    ///
    /// If the directory cannot be used, that is said on stderr and the text log goes there too.
    #[must_use]
    pub fn start(
        options: LogOptions,
        servers: Vec<Arc<str>>,
        secrets: Vec<Secret>,
    ) -> (Self, LogSender) {
        let shared = Arc::new(Shared::default());
        let LogOptions { events_max, waits, .. } = options;
        let carries = Carries::new(&options);
        let on_start = options.on_start;
        let writer = writer::Writer::new(options, servers, &secrets);
        let of_thread = Arc::clone(&shared);
        let run = move || {
            on_start();
            writer.run(&of_thread);
        };
        // Without a thread there are no logs, but there is traffic.
        let thread = thread::Builder::new().name("logs".into()).stack_size(STACK_BYTES).spawn(run);
        let terms = Terms { events_max, waits: waits && thread.is_ok(), carries };
        let logs = Self { shared, terms, thread: thread.ok() };
        let sender = logs.sender();
        (logs, sender)
    }

    /// For one more loop: what each of them hands over stays together.
    #[must_use]
    pub fn sender(&self) -> LogSender {
        let (shared, terms) = (Arc::clone(&self.shared), self.terms);
        LogSender { shared, block: Block::default(), terms, dropped: 0 }
    }

    /// Writes what was handed over, waits until it is on the disk, and ends the thread. Gives up
    /// after three seconds.
    pub fn finish(mut self) {
        self.close();
    }

    fn close(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        let mut queue = self.shared.lock();
        queue.closing = true;
        self.shared.wake.notify_one();
        let running = |queue: &mut Queue| !queue.ended;
        let wait = self.shared.ended.wait_timeout_while(queue, FINISH_AFTER_MAX, running);
        let (queue, timeout) = wait.unwrap_or_else(PoisonError::into_inner);
        drop(queue);
        if !timeout.timed_out() {
            let _ = thread.join();
        }
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.close();
    }
}

impl LogSender {
    /// Keeps what is to be said of `event` until the end of the turn.
    pub fn push(&mut self, event: Event) {
        if !self.terms.carries.anything && Rpc::is_of(&event.kind) {
            return;
        }
        if self.terms.waits && !self.has_room() {
            self.end_of_turn();
        }
        if self.has_room() {
            self.block.push(event, self.terms.carries.payloads);
        } else {
            self.dropped += 1;
        }
    }

    fn has_room(&self) -> bool {
        self.block.len() < self.terms.events_max && self.block.bytes() < WAITING_BYTES_MAX
    }

    /// Hands the events of this turn over to the thread.
    pub fn end_of_turn(&mut self) {
        if self.block.is_empty() && self.dropped == 0 {
            return;
        }
        let mut queue = self.shared.lock();
        if self.terms.waits {
            queue = self.wait_for_room(queue);
        }
        self.dropped += self.block.truncate(queue.room(self.terms.events_max)) as u64;
        queue.dropped += std::mem::take(&mut self.dropped);
        if !self.block.is_empty() {
            let next = queue.spare.pop().unwrap_or_default();
            let block = std::mem::replace(&mut self.block, next);
            queue.len += block.len();
            queue.bytes += block.bytes();
            queue.blocks.push(block);
        }
        let is_much = queue.bytes >= WAKING_BYTES;
        let ends_pause = is_much && std::mem::take(&mut queue.pauses);
        let wakes = std::mem::take(&mut queue.asleep) || ends_pause;
        drop(queue);
        if wakes {
            self.shared.wake.notify_one();
        }
    }

    /// The thread takes everything at once, so what it needs is to be awake.
    fn wait_for_room<'q>(&self, mut queue: MutexGuard<'q, Queue>) -> MutexGuard<'q, Queue> {
        let is_full = |queue: &mut Queue| {
            queue.room(self.terms.events_max) < self.block.len() && queue.len > 0 && !queue.ended
        };
        if !is_full(&mut queue) {
            return queue;
        }
        (queue.asleep, queue.pauses, queue.is_awaited) = (false, false, true);
        self.shared.wake.notify_one();
        let waited = self.shared.taken.wait_timeout_while(queue, WAIT_MAX, is_full);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for LogSender {
    fn drop(&mut self) {
        self.end_of_turn();
    }
}
