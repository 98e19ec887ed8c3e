// SPDX-License-Identifier: MIT
//! What lives on the log thread: it formats what the loop has handed over, and writes it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use super::{LogOptions, Queue, Shared, WAKING_BYTES};
use crate::base::Secret;
use crate::gateway::io::{Event, EventKind, Level};
use crate::observe::{Batch, Block, Entry, Log};
use crate::worker::Counters;
use crate::worker::files::{self, LogFile};

/// How long the thread collects before it writes again.
const PAUSE: Duration = Duration::from_millis(25);

/// A batch is written as soon as it has so many bytes: they are in the nearer caches then, and the
/// system takes them in large pages.
const BATCH_BYTES_MAX: usize = 256 * 1024;

/// Buffers that are larger are given back when the thread goes to sleep.
const IDLE_BYTES_MAX: usize = 16 * 1024;

/// Empty blocks are kept for the loop until it is idle, if they are not larger together.
const SPARE_BYTES_MAX: usize = 1024 * 1024;

/// Not more of them either.
const SPARE_MAX: usize = 1024;

/// After so many bytes it is worth asking for memory to be given back.
const IDLE_AFTER_BYTES: usize = 8 * 1024 * 1024;

/// What lives on the thread.
pub(super) struct Writer {
    log: Log,
    batch: Batch,
    sinks: Option<Sinks>,
    counters: Option<Arc<Counters>>,
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
    pub(super) fn new(options: LogOptions, servers: Vec<Arc<str>>, secrets: &[Secret]) -> Self {
        let mut stderr = options.stderr;
        let wants_files = options.dir.is_some();
        let on_grown = options.on_grown;
        let sinks = options.dir.and_then(|dir| match Sinks::open(&dir, &servers, on_grown) {
            Ok(sinks) => Some(sinks),
            Err(error) => {
                let _ = writeln!(stderr, "No log files: {error}. The log goes to stderr.");
                None
            }
        });
        let batch = Batch::new(servers.len());
        let mut log = Log::new(servers, secrets, options.patterns);
        if !options.payloads {
            log.leave_payloads_out();
        }
        let text_on_stderr = wants_files && sinks.is_none();
        Self {
            log,
            batch,
            sinks,
            counters: options.counters,
            last_ms: 0,
            text_on_stderr,
            stderr,
            on_idle: options.on_idle,
            bytes_since_idle: 0,
        }
    }

    pub(super) fn run(mut self, shared: &Shared) {
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
            let is_awaited = std::mem::take(&mut queue.is_awaited);
            drop(queue);
            if is_awaited {
                shared.taken.notify_all();
            }
            let is_empty = blocks.is_empty() && dropped == 0;
            self.write_all(&mut blocks, dropped);
            if closing && is_empty {
                break;
            }
            self.hand_back(&mut blocks, shared);
            if !closing {
                pause(shared);
            }
        }
        self.sync();
        shared.lock().ended = true;
        shared.ended.notify_all();
        shared.taken.notify_all();
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
            if let Some(counters) = &self.counters {
                counters.note_dropped(dropped);
            }
            let text = format!("{dropped} log events were dropped: they came too fast");
            let kind = EventKind::Note { level: Level::Warn, category: "log", text };
            let event = Event { at_unix_ms: self.last_ms, server: None, kind };
            self.log.record(&event, &mut self.batch);
        }
        self.write();
    }

    fn record(&mut self, block: &Block) {
        for entry in block.iter() {
            if let Some(counters) = &self.counters {
                counters.note(&entry);
            }
            match entry {
                // They are lines of files and of nothing else.
                Entry::Rpc(_) if self.sinks.is_none() && !self.text_on_stderr => {}
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

/// Lets events gather, but not many.
fn pause(shared: &Shared) {
    let mut queue = shared.lock();
    queue.pauses = queue.bytes < WAKING_BYTES;
    let few = |queue: &mut Queue| queue.pauses && !queue.closing;
    let paused = shared.wake.wait_timeout_while(queue, PAUSE, few);
    paused.unwrap_or_else(PoisonError::into_inner).0.pauses = false;
}

fn buffers(batch: &mut Batch) -> impl Iterator<Item = &mut Vec<u8>> {
    let general = [&mut batch.main, &mut batch.rpc, &mut batch.stderr];
    general.into_iter().chain(&mut batch.servers)
}

impl Sinks {
    fn open(dir: &Path, servers: &[Arc<str>], on_grown: fn(&File)) -> std::io::Result<Self> {
        files::create_dir(dir)?;
        let mut main = LogFile::new(dir.join("mcp-gateway.log"), on_grown);
        main.open()?;
        let mut rpc = LogFile::new(dir.join("rpc-messages.jsonl"), on_grown);
        rpc.open()?;
        let tools = dir.join("tools.json");
        files::truncate(&tools)?;
        let own = |name: &Arc<str>| LogFile::new(dir.join(format!("{name}.log")), on_grown);
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
