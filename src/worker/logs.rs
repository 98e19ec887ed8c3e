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
//! So a line is in its file at once if the gateway was idle and after 25 ms if it was not, and the
//! loop pays for one lock per turn. What was emitted in a turn travels as one [`Block`], which
//! comes back empty and is used again. If events come faster than the disk takes them, they are
//! dropped and counted; traffic never waits for a log.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::base::{Limits, Secret};
use crate::gateway::io::{Event, EventKind, Level};
use crate::observe::debug::Patterns;
use crate::observe::{Batch, Block, Entry, Log};
use crate::worker::files::{self, LogFile};

/// How long the thread collects before it writes again.
const PAUSE: Duration = Duration::from_millis(25);

/// How long [`Logs::finish`] waits for a disk or a terminal that takes nothing.
const FINISH_AFTER_MAX: Duration = Duration::from_secs(3);

/// A batch is written as soon as it has so many bytes.
const BATCH_BYTES_MAX: usize = 256 * 1024;

/// Buffers that are larger are given back when the thread goes to sleep.
const IDLE_BYTES_MAX: usize = 16 * 1024;

/// Waiting events may take so many bytes; beyond: events are dropped.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Empty blocks are kept for the loop until it is idle, if they are not larger together.
const SPARE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Not more of them either.
const SPARE_MAX: usize = 1024;

/// After so many bytes it is worth asking for memory to be given back.
const IDLE_AFTER_BYTES: usize = 8 * 1024 * 1024;

/// The lists of tools are read by descending into them.
const STACK_BYTES: usize = 1024 * 1024;

/// Where logs go, and what goes where.
pub struct LogOptions {
    /// The directory for log files; created if it is not there. `None`: no files.
    pub dir: Option<PathBuf>,
    /// Which debug lines are shown on stderr.
    pub patterns: Patterns,
    /// Events that may wait ([`Limits::log_events_max`]); beyond: dropped and counted.
    pub events_max: usize,
    /// Where notes for people and debug lines go.
    pub stderr: Box<dyn Write + Send>,
    /// Called first on the log thread, to give traffic the precedence.
    pub on_start: fn(),
    /// Called on the log thread when a storm of events is over, to give memory back.
    pub on_idle: fn(),
}

impl Default for LogOptions {
    /// No files; notes go to the stderr of the process.
    fn default() -> Self {
        Self {
            dir: None,
            patterns: Patterns::default(),
            events_max: Limits::DEFAULT.log_events_max,
            stderr: Box::new(std::io::stderr()),
            on_start: || {},
            on_idle: || {},
        }
    }
}

/// The log thread, seen by who starts and ends it.
pub struct Logs {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// The log thread, seen by the loop.
pub struct LogSender {
    shared: Arc<Shared>,
    /// What was pushed in this turn.
    block: Block,
    events_max: usize,
    dropped: u64,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Something to do for a thread that sleeps, or the end.
    wake: Condvar,
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
        let events_max = options.events_max;
        let on_start = options.on_start;
        let writer = Writer::new(options, servers, &secrets);
        let of_thread = Arc::clone(&shared);
        let run = move || {
            on_start();
            writer.run(&of_thread);
        };
        // Without a thread there are no logs, but there is traffic.
        let thread = thread::Builder::new().name("logs".into()).stack_size(STACK_BYTES).spawn(run);
        let logs = Self { shared: Arc::clone(&shared), thread: thread.ok() };
        (logs, LogSender { shared, block: Block::default(), events_max, dropped: 0 })
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
        if self.block.len() < self.events_max && self.block.bytes() < WAITING_BYTES_MAX {
            self.block.push(event);
        } else {
            self.dropped += 1;
        }
    }

    /// Hands the events of this turn over to the thread.
    pub fn end_of_turn(&mut self) {
        if self.block.is_empty() && self.dropped == 0 {
            return;
        }
        let mut queue = self.shared.lock();
        let room = match queue.bytes > WAITING_BYTES_MAX {
            true => 0,
            false => self.events_max.saturating_sub(queue.len),
        };
        self.dropped += self.block.truncate(room) as u64;
        queue.dropped += std::mem::take(&mut self.dropped);
        if !self.block.is_empty() {
            let next = queue.spare.pop().unwrap_or_default();
            let block = std::mem::replace(&mut self.block, next);
            queue.len += block.len();
            queue.bytes += block.bytes();
            queue.blocks.push(block);
        }
        let wakes = std::mem::replace(&mut queue.asleep, false);
        drop(queue);
        if wakes {
            self.shared.wake.notify_one();
        }
    }
}

impl Drop for LogSender {
    fn drop(&mut self) {
        self.end_of_turn();
    }
}

/// What lives on the thread.
struct Writer {
    log: Log,
    batch: Batch,
    sinks: Option<Sinks>,
    /// The time of the last event.
    last_ms: u64,
    /// Whether the text log goes to stderr, since there is no other place for it.
    text_on_stderr: bool,
    stderr: Box<dyn Write + Send>,
    on_idle: fn(),
    /// What has been taken since `on_idle` was called.
    bytes_since_idle: usize,
}

struct Sinks {
    main: LogFile,
    servers: Vec<LogFile>,
    rpc: LogFile,
    tools: PathBuf,
}

impl Writer {
    fn new(options: LogOptions, servers: Vec<Arc<str>>, secrets: &[Secret]) -> Self {
        let mut stderr = options.stderr;
        let wants_files = options.dir.is_some();
        let sinks = options.dir.and_then(|dir| match Sinks::open(&dir, &servers) {
            Ok(sinks) => Some(sinks),
            Err(error) => {
                let _ = writeln!(stderr, "No log files: {error}. The log goes to stderr.");
                None
            }
        });
        let batch = Batch::new(servers.len());
        let log = Log::new(servers, secrets, options.patterns);
        let text_on_stderr = wants_files && sinks.is_none();
        let on_idle = options.on_idle;
        let last_ms = 0;
        Self { log, batch, sinks, last_ms, text_on_stderr, stderr, on_idle, bytes_since_idle: 0 }
    }

    fn run(mut self, shared: &Shared) {
        let mut blocks = Vec::new();
        loop {
            let mut queue = shared.lock();
            if queue.is_empty() {
                let spare = std::mem::take(&mut queue.spare);
                drop(queue);
                self.rest(spare, &mut blocks);
                queue = sleep(shared);
            }
            std::mem::swap(&mut queue.blocks, &mut blocks);
            self.bytes_since_idle += std::mem::take(&mut queue.bytes);
            queue.len = 0;
            let dropped = std::mem::take(&mut queue.dropped);
            let closing = queue.closing;
            drop(queue);
            let is_empty = blocks.is_empty() && dropped == 0;
            self.write_all(&mut blocks, dropped);
            if closing && is_empty {
                break;
            }
            self.hand_back(&mut blocks, shared);
            if !closing {
                let pause = |queue: &mut Queue| !queue.closing;
                drop(shared.wake.wait_timeout_while(shared.lock(), PAUSE, pause));
            }
        }
        self.sync();
        shared.lock().ended = true;
        shared.ended.notify_all();
    }

    fn hand_back(&self, blocks: &mut Vec<Block>, shared: &Shared) {
        let mut bytes = 0;
        blocks.retain(|block| {
            bytes += block.capacity();
            bytes <= SPARE_BYTES_MAX
        });
        let mut queue = shared.lock();
        let room = SPARE_MAX.saturating_sub(queue.spare.len()).min(blocks.len());
        // One that was used a moment ago is the next to be used.
        queue.spare.extend(blocks.drain(..room));
        drop(queue);
        blocks.clear();
    }

    fn write_all(&mut self, blocks: &mut [Block], dropped: u64) {
        for block in blocks {
            self.record(block);
            block.clear();
        }
        if dropped > 0 {
            let text = format!("{dropped} log events were dropped: they came too fast");
            let kind = EventKind::Note { level: Level::Warn, category: "log", text };
            let event = Event { at_unix_ms: self.last_ms, server: None, kind };
            self.log.record(&event, &mut self.batch);
        }
        self.write();
    }

    fn record(&mut self, block: &Block) {
        for entry in block.iter() {
            match entry {
                Entry::Rpc(rpc) => {
                    self.last_ms = rpc.at_unix_ms;
                    self.log.record_rpc(&rpc, &mut self.batch);
                }
                Entry::Event(event) => {
                    self.last_ms = event.at_unix_ms;
                    self.log.record(event, &mut self.batch);
                }
            }
            if self.batch.len() >= BATCH_BYTES_MAX {
                self.write();
            }
        }
    }

    /// Writes the batch and empties it. What cannot be written is lost, and said once.
    fn write(&mut self) {
        let batch = &mut self.batch;
        if batch.is_empty() {
            return;
        }
        if let Some(sinks) = &mut self.sinks {
            for error in sinks.write(batch, &self.log) {
                let _ = writeln!(batch.stderr, "Cannot write a log: {error}");
            }
        }
        let text = if self.text_on_stderr { &batch.main } else { &batch.stderr };
        if !text.is_empty() {
            let _ = self.stderr.write_all(text).and_then(|()| self.stderr.flush());
        }
        batch.tools_changed = false;
        for buffer in buffers(batch) {
            buffer.clear();
        }
    }

    /// Gives back what a storm of events has needed.
    fn rest(&mut self, spare: Vec<Block>, blocks: &mut Vec<Block>) {
        drop(spare);
        *blocks = Vec::new();
        for buffer in buffers(&mut self.batch) {
            buffer.shrink_to(IDLE_BYTES_MAX);
        }
        if self.bytes_since_idle >= IDLE_AFTER_BYTES {
            self.bytes_since_idle = 0;
            (self.on_idle)();
        }
    }

    fn sync(&self) {
        if let Some(sinks) = &self.sinks {
            sinks.main.sync();
            sinks.rpc.sync();
            sinks.servers.iter().for_each(LogFile::sync);
        }
    }
}

/// Waits until there is something to do.
fn sleep(shared: &Shared) -> MutexGuard<'_, Queue> {
    let mut queue = shared.lock();
    queue.asleep = queue.is_empty();
    let idle = |queue: &mut Queue| queue.asleep && !queue.closing;
    let woken = shared.wake.wait_while(queue, idle);
    woken.unwrap_or_else(PoisonError::into_inner)
}

fn buffers(batch: &mut Batch) -> impl Iterator<Item = &mut Vec<u8>> {
    let general = [&mut batch.main, &mut batch.rpc, &mut batch.stderr];
    general.into_iter().chain(&mut batch.servers)
}

impl Sinks {
    fn open(dir: &std::path::Path, servers: &[Arc<str>]) -> std::io::Result<Self> {
        files::create_dir(dir)?;
        let mut main = LogFile::new(dir.join("mcp-gateway.log"));
        main.open()?;
        let mut rpc = LogFile::new(dir.join("rpc-messages.jsonl"));
        rpc.open()?;
        let tools = dir.join("tools.json");
        files::truncate(&tools)?;
        let own = |name: &Arc<str>| LogFile::new(dir.join(format!("{name}.log")));
        Ok(Self { main, servers: servers.iter().map(own).collect(), rpc, tools })
    }

    /// Writes what is for files. Returns what went wrong.
    fn write(&mut self, batch: &Batch, log: &Log) -> Vec<std::io::Error> {
        let mut results = vec![self.main.append(&batch.main), self.rpc.append(&batch.rpc)];
        for (file, bytes) in self.servers.iter_mut().zip(&batch.servers) {
            results.push(file.append(bytes));
        }
        if batch.tools_changed {
            results.push(files::replace(&self.tools, &log.encode_tools()));
        }
        results.into_iter().filter_map(Result::err).collect()
    }
}
