// SPDX-License-Identifier: MIT
//! Guards at work: pieces of tasks that take too long for the loop, on threads of their own.
//!
//! ```text
//!   give ──> jobs ──> threads: one step ──> done ──> take, all at once
//!            first in, first out            notify, once for all that is taken
//! ```
//!
//! Threads are started with the work and sleep without it. A task that wants to go on after its
//! piece stands at the end of the line like everybody else, so a long one holds nobody up but
//! itself. Tasks under one key are done one after the other, in their order.
//!
//! A piece that panics is a mistake of ours and ends the process: with `panic = "abort"` there is
//! no other way, and where there is one, whoever waits for that task would wait for ever. What a
//! guard from outside does is no panic; whoever runs it makes a value of it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::base::{GuardLimits, Key};
use crate::gateway::work::{Judging, Work};

/// The interpreter of guards may go deep between two looks at its fuel.
const STACK_BYTES: usize = GuardLimits::THREAD_STACK_BYTES;

/// With one thread alone, one long piece would hold up all others.
const THREADS_MIN: usize = 2;

/// A task and what it belongs to.
pub type Job = (Key<Judging>, Box<dyn Work>);

/// The threads that do pieces of tasks. Belongs to one thread.
pub struct Guards {
    shared: Arc<Shared>,
    threads_max: usize,
    threads: usize,
    jobs_max: usize,
    /// What was taken last; its room is used again.
    taken: Vec<Job>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    notify: Box<dyn Fn() + Send + Sync>,
    /// What each thread does first.
    begin: fn(),
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Whose tasks the threads have; as short as there are threads.
    running: Vec<Key<Judging>>,
    done: Vec<Job>,
    idle_threads: usize,
    closing: bool,
}

impl Shared {
    /// A thread that panicked while it held the lock leaves a queue that is still one.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// The first job that has not to wait for another one under its key.
    fn next(&mut self) -> Option<Job> {
        let at = self.jobs.iter().position(|(key, _)| !self.running.contains(key))?;
        let job = self.jobs.remove(at)?;
        self.running.push(job.0);
        Some(job)
    }

    /// Whether nobody knows yet that something is done.
    fn finish(&mut self, job: Job) -> bool {
        self.running.retain(|key| *key != job.0);
        self.done.push(job);
        self.done.len() == 1
    }
}

impl Guards {
    /// Will use a thread for each processor, two at least and `threads_max` otherwise. `notify` is
    /// called on one of them when [`Guards::take`] has something, once for all that it brings;
    /// `begin` is what each thread does first. `jobs_max` is the bound that whoever gives work
    /// keeps within.
    #[must_use]
    pub fn start(
        threads_max: usize,
        jobs_max: usize,
        notify: Box<dyn Fn() + Send + Sync>,
        begin: fn(),
    ) -> Self {
        let processors = thread::available_parallelism().map_or(THREADS_MIN, usize::from);
        let shared = Shared { queue: Mutex::default(), wake: Condvar::new(), notify, begin };
        Self {
            shared: Arc::new(shared),
            threads_max: processors.min(threads_max).max(THREADS_MIN),
            threads: 0,
            jobs_max,
            taken: Vec::new(),
        }
    }

    /// Has one piece of a task done; [`Guards::take`] brings it back. Errors: the system gives no
    /// thread at all, and here is what was given.
    pub fn give(&mut self, job: Job) -> Result<(), Job> {
        let mut queue = self.shared.lock();
        debug_assert!(queue.jobs.len() < self.jobs_max, "more work than was agreed");
        queue.jobs.push_back(job);
        let needs_thread = queue.idle_threads < queue.jobs.len() && self.threads < self.threads_max;
        drop(queue);
        self.shared.wake.notify_one();
        if needs_thread {
            self.start_thread();
        }
        match self.threads {
            // Nobody but us has ever seen the queue.
            0 => self.shared.lock().jobs.pop_back().map_or(Ok(()), Err),
            _ => Ok(()),
        }
    }

    /// Everything that is done.
    pub fn take(&mut self) -> impl Iterator<Item = Job> {
        std::mem::swap(&mut self.shared.lock().done, &mut self.taken);
        self.taken.drain(..)
    }

    /// One more thread; without it the others do the work, if there are any.
    fn start_thread(&mut self) {
        let shared = Arc::clone(&self.shared);
        let name = format!("guard-{}", self.threads + 1);
        let run = move || {
            let _abort = AbortOnPanic;
            (shared.begin)();
            serve(&shared);
        };
        if thread::Builder::new().name(name).stack_size(STACK_BYTES).spawn(run).is_ok() {
            self.threads += 1;
        }
    }
}

impl Drop for Guards {
    /// Threads end after the piece that they have; nobody waits for them, or for what they do.
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closing = true;
        let jobs = std::mem::take(&mut queue.jobs);
        drop(queue);
        self.shared.wake.notify_all();
        drop(jobs);
    }
}

/// Where a panic unwinds, it ends the process all the same.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
    }
}

/// What each thread does.
fn serve(shared: &Shared) {
    let mut queue = shared.lock();
    while !queue.closing {
        let Some((key, mut task)) = queue.next() else {
            queue.idle_threads += 1;
            queue = shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.idle_threads -= 1;
            continue;
        };
        drop(queue);
        task.step();
        queue = shared.lock();
        if queue.finish((key, task)) && !queue.closing {
            drop(queue);
            (shared.notify)();
            queue = shared.lock();
        }
    }
}

#[cfg(test)]
mod tests;
