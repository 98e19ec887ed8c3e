// SPDX-License-Identifier: MIT
//! Children: started, spoken to through three pipes, asked to leave, made to leave, reaped.
//!
//! ```text
//! Running ─stop─> Leaving ─leave_after_max─> Terminating ─term_after_max─> Killed
//!    │               │       (SIGTERM)            │           (SIGKILL)       │
//!    └───────────────┴──────── it has ended ──────┴───────────────────────────┘
//!                                   v
//!                  Ended: its last words are read, then it is reaped
//! ```
//!
//! A child is the leader of a process group, and signals go to all of the group. It is reaped last:
//! until then its number, which is also the group's, cannot be given to a stranger.

mod leave;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::Child as Process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::Interest;
use mio::unix::SourceFd;
use mio::unix::pipe::{Receiver, Sender};

use super::command;
use super::source::{self, Owing, Pulled, Pushed, Readiness};
use super::starter::Starter;
use super::sys::{self, DescriptorLimit};
use super::talk::Talk;
use super::token::{Source, Work};
use super::turn::Turn;
use crate::base::{Key, Outbox};
use crate::gateway::snapshot::ChildCommand;
use crate::link::stdio::Stdio;

/// Where a child is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    /// Stdin is closed, or will be when it has taken what is owed.
    Leaving {
        until: Instant,
    },
    /// SIGTERM was sent.
    Terminating {
        until: Instant,
    },
    /// SIGKILL was sent; nothing is left but waiting.
    Killed,
    /// Dead, not reaped. A descendant may hold its pipes open: for so long they are read.
    Ended {
        until: Instant,
    },
}

/// One child and our ends of its pipes.
pub(super) struct Child {
    pub(super) talk: Talk,
    pub(super) command: Arc<ChildCommand>,
    pub(super) cidfile: Option<PathBuf>,
    process: Process,
    exit: Option<OwnedFd>,
    stdin: Option<Sender>,
    stdout: Option<Receiver>,
    stderr: Option<Receiver>,
    stdin_writable: bool,
    stdout_ready: Readiness,
    stderr_ready: Readiness,
    stage: Stage,
    paused: bool,
    pub(super) queued: bool,
    pub(super) dirty: bool,
    /// The system says that it has ended, or one of its pipes has.
    suspect: bool,
    /// It has closed its stdout: when the core is told, unless it ends before.
    mute_at: Option<Instant>,
    /// The core knows that it can expect nothing more.
    pub(super) given_up: bool,
    armed_at: Option<Instant>,
}

/// How long the pipes of a dead child are read when somebody keeps them open. Its callers wait.
const LAST_WORDS_MAX: Duration = Duration::from_millis(50);

/// Whoever exits closes its stdout first: for so long we wait for the status, which says more.
const MUTE_AFTER: Duration = Duration::from_millis(50);

/// How often a child is looked after if the system cannot tell when a process ends.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Owing for Stdio {
    fn owed(&self) -> &Outbox {
        self.outbox()
    }
    fn wrote(&mut self, n: usize) {
        Self::wrote(self, n);
    }
}

impl Child {
    /// Starts the process, which is owed what `talk` owes. It is not watched yet.
    ///
    /// Errors: the system's words, with the name of what it could not find.
    pub(super) fn start(
        talk: Talk,
        command: Arc<ChildCommand>,
        cidfile: Option<PathBuf>,
        limit: Option<DescriptorLimit>,
        starter: &Starter,
    ) -> Result<Self, String> {
        let mut process = starter
            .spawn(command::prepare(&command, cidfile.as_deref(), limit))
            .map_err(|error| command::words(&error, &command))?;
        let stdin = process.stdin.take().map(Sender::from);
        let stdout = process.stdout.take().map(Receiver::from);
        let stderr = process.stderr.take().map(Receiver::from);
        let exit = sys::exit_descriptor(process.id()).ok();
        Ok(Self {
            talk,
            command,
            cidfile,
            process,
            exit,
            stdin,
            stdout,
            stderr,
            stdin_writable: true,
            stdout_ready: Readiness::default(),
            stderr_ready: Readiness::default(),
            stage: Stage::Running,
            paused: false,
            queued: false,
            dirty: false,
            suspect: false,
            mute_at: None,
            given_up: false,
            armed_at: None,
        })
    }

    /// Registers the pipes and the end of the process. If the poll refuses one of them, the child
    /// is of no use: it is killed, and looked after now and then until it has ended.
    pub(super) fn watch(&mut self, key: Key<Self>, turn: &mut Turn) {
        if self.register(key, turn).is_err() {
            self.exit = None;
            self.kill();
        }
        self.soil(key, turn);
        self.arm(key, turn);
    }

    fn register(&mut self, key: Key<Self>, turn: &mut Turn) -> io::Result<()> {
        if let Some(stdin) = &mut self.stdin {
            stdin.set_nonblocking(true)?;
            turn.watch(stdin, Source::ChildStdin(key), Interest::WRITABLE)?;
        }
        if let Some(stdout) = &mut self.stdout {
            stdout.set_nonblocking(true)?;
            turn.watch(stdout, Source::ChildStdout(key), Interest::READABLE)?;
        }
        if let Some(stderr) = &mut self.stderr {
            stderr.set_nonblocking(true)?;
            turn.watch(stderr, Source::ChildStderr(key), Interest::READABLE)?;
        }
        if let Some(exit) = &self.exit {
            let fd = exit.as_raw_fd();
            turn.watch(&mut SourceFd(&fd), Source::ChildExit(key), Interest::READABLE)?;
        }
        Ok(())
    }

    /// Its process group, which is also its number.
    pub(super) fn group(&self) -> u32 {
        self.process.id()
    }

    /// Notes what the poll says about one of its pipes or its end.
    pub(super) fn note(&mut self, source: Source, event: &mio::event::Event) {
        match source {
            Source::ChildStdin(_) => self.stdin_writable = true,
            Source::ChildStdout(_) => self.stdout_ready.note(event),
            Source::ChildStderr(_) => self.stderr_ready.note(event),
            _ => self.suspect = true,
        }
    }

    /// Reads its pipes within the budget and tells the core what came.
    pub(super) fn pump(&mut self, key: Key<Self>, turn: &mut Turn) {
        self.queued = false;
        let budget = turn.limits.read_bytes_per_turn_max;
        let link = &mut self.talk.link;
        let reads = !self.paused && link.wants_stdout();
        if let Some(stdout) = self.stdout.as_mut().filter(|_| reads) {
            let take = |bytes: &[u8]| {
                link.feed_stdout(bytes);
                link.wants_stdout()
            };
            let ready = &mut self.stdout_ready;
            match source::read_some(stdout, ready, &mut turn.buffer, budget, take) {
                Pulled::Dry => {}
                Pulled::Rationed => turn.queue(&mut self.queued, Work::Child(key)),
                Pulled::Ended | Pulled::Failed => {
                    link.end_of_stdout();
                    self.stdout = None;
                    self.suspect = true;
                }
            }
        }
        if let Some(stderr) = &mut self.stderr {
            let take = |bytes: &[u8]| {
                link.feed_stderr(bytes);
                true
            };
            let ready = &mut self.stderr_ready;
            match source::read_some(stderr, ready, &mut turn.buffer, budget, take) {
                Pulled::Dry => {}
                Pulled::Rationed => turn.queue(&mut self.queued, Work::Child(key)),
                Pulled::Ended | Pulled::Failed => {
                    link.end_of_stderr();
                    self.stderr = None;
                }
            }
        }
        self.talk.tell(turn);
        // Whoever has closed stdout can never answer again.
        if self.stdout.is_none() && self.stage == Stage::Running {
            self.stop(false, turn);
            self.mute_at = Some(turn.now.mono + MUTE_AFTER);
        }
        if std::mem::take(&mut self.suspect) {
            self.look(turn);
        }
        self.soil(key, turn);
        self.arm(key, turn);
    }

    /// Owes it one line, as long as it is not on its way out.
    pub(super) fn send(&mut self, key: Key<Self>, message: &crate::wire::Splice, turn: &mut Turn) {
        if self.stage == Stage::Running && self.stdin.is_some() {
            self.talk.owe(message, turn);
            self.soil(key, turn);
        }
    }

    fn soil(&mut self, key: Key<Self>, turn: &mut Turn) {
        let leaving = matches!(self.stage, Stage::Leaving { .. });
        if self.stdin.is_some() && (leaving || self.talk.owes()) && self.stdin_writable {
            turn.soil(&mut self.dirty, Work::Child(key));
        }
    }

    /// Writes within the budget what is owed, and closes stdin if it has to leave.
    pub(super) fn flush(&mut self, key: Key<Self>, turn: &mut Turn) {
        self.dirty = false;
        let Some(stdin) = &mut self.stdin else { return };
        let budget = turn.limits.write_bytes_per_turn_max;
        match source::write_some(stdin, &mut self.stdin_writable, &mut self.talk.link, budget) {
            Pushed::Done if self.stage != Stage::Running => self.stdin = None,
            Pushed::Failed => self.close_stdin(),
            Pushed::Done | Pushed::Blocked | Pushed::Rationed => {}
        }
        self.talk.note_fullness(turn);
        self.soil(key, turn);
    }

    fn close_stdin(&mut self) {
        self.stdin = None;
        self.talk.forget_owed();
    }

    /// Says what becomes of the line that has begun.
    pub(super) fn pass(&mut self, key: Key<Self>, passes: bool, turn: &mut Turn) {
        self.talk.link.decide(passes);
        self.talk.tell(turn);
        turn.queue(&mut self.queued, Work::Child(key));
    }

    /// Stops or goes on reading its stdout. One that has to leave is always read.
    pub(super) fn pause(&mut self, key: Key<Self>, paused: bool, turn: &mut Turn) {
        self.paused = paused && matches!(self.stage, Stage::Running | Stage::Ended { .. });
        if !self.paused && (self.stdout_ready.readable || self.stdout.is_none()) {
            turn.queue(&mut self.queued, Work::Child(key));
        }
    }
}
