// SPDX-License-Identifier: MIT
//! What the core has guards do: given to threads, and brought back when they wake the loop.
//!
//! The threads are started with the first task, so that a gateway without guards has none of them.

use std::io;

use super::sys::{self, Niceness};
use super::turn::Turn;
use crate::gateway::io::Input;
use crate::worker::guards::{Guards, Job};

/// However many guards compute, the loop gets a processor as soon as it wants one.
const GUARDS_GIVE_WAY: Niceness = Niceness(10);

/// The threads on which guards judge.
#[derive(Default)]
pub(super) struct Judges {
    guards: Option<Guards>,
    /// Somebody has woken us; asking costs a lock.
    woken: bool,
}

impl Judges {
    /// Has one piece of a task done. Without threads the loop does it itself: late for everybody,
    /// but no call is lost.
    // Rare next to all other effects, whose path it would make longer.
    #[cold]
    pub(super) fn start(&mut self, job: Job, turn: &mut Turn) {
        let given = match self.guards(turn) {
            Ok(guards) => guards.give(job),
            Err(_) => Err(job),
        };
        if let Err((judging, mut task)) = given {
            task.step();
            turn.inbox.push_back(Input::Worked { judging, task });
        }
    }

    fn guards(&mut self, turn: &mut Turn) -> io::Result<&mut Guards> {
        Ok(match &mut self.guards {
            Some(guards) => guards,
            none => {
                let waker = turn.waker()?;
                // A poll that cannot be woken is gone, and so is whoever waits.
                let notify = Box::new(move || drop(waker.wake()));
                let (threads, jobs) = (turn.limits.guard_threads_max, turn.limits.guard_jobs_max);
                none.insert(Guards::start(threads, jobs, notify, || {
                    sys::lower_thread_priority(GUARDS_GIVE_WAY);
                }))
            }
        })
    }

    /// Notes that some thread has brought something.
    pub(super) fn note(&mut self) {
        self.woken = true;
    }

    /// Tells the core what is done.
    pub(super) fn take(&mut self, turn: &mut Turn) {
        let Some(guards) = self.guards.as_mut().filter(|_| self.woken) else { return };
        self.woken = false;
        let worked = |(judging, task)| Input::Worked { judging, task };
        turn.inbox.extend(guards.take().map(worked));
    }

    /// Nothing is begun any more, and what is under way is nobody's.
    pub(super) fn close(&mut self) {
        self.guards = None;
    }
}
