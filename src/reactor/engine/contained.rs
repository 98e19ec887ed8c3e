// SPDX-License-Identifier: MIT
//! One container: started over the engine's socket, spoken to through one attached stream.
//!
//! ```text
//!  AwaitEngine ─> AwaitCreated ─> AwaitStream ─> AwaitWatch ─> AwaitStarted ─> Running
//!                   │     ^                                                      │ stop
//!                   v     │                                                      v
//!                 AwaitImage                    Killed <─ Terminating <─ Leaving (stdin closed)
//!                                                  └─────────┬───────────────────┘
//!                                                            v it has exited
//!                                            Ended: its last words are read ──> Over
//! ```
//!
//! It is attached and watched before it is started: neither its first words nor a short life can
//! be missed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call::{Attached, Call, Outcome};
use super::daemon::Daemon;
use super::removal::Leftover;
use crate::base::Key;
use crate::docker::pull::Progress;
use crate::docker::{Plan, body};
use crate::gateway::io::{ChildEnd, Input};
use crate::gateway::snapshot::ChildCommand;
use crate::reactor::children::Waiting;
use crate::reactor::source::{Pulled, Pushed};
use crate::reactor::talk::Talk;
use crate::reactor::token::{Source, Work};
use crate::reactor::turn::Turn;
use crate::wire::Splice;

/// Where a container is on its way.
pub(super) enum Stage {
    /// The engine has not said who it is.
    AwaitEngine,
    /// It is being created.
    AwaitCreated,
    /// Its image is being fetched.
    AwaitImage(Box<Progress>),
    /// Its stream is being opened.
    AwaitStream,
    /// The engine has not said that it will tell the end.
    AwaitWatch,
    /// It is being started.
    AwaitStarted,
    Running,
    /// Stdin is closed, or will be when it has taken what is owed.
    Leaving {
        until: Instant,
    },
    /// The engine was asked to stop it.
    Terminating {
        until: Instant,
    },
    /// The engine was asked to kill it.
    Killed {
        until: Instant,
    },
    /// It has exited; for so long its last words are read.
    Ended {
        until: Instant,
    },
    /// Nothing more comes of it.
    Over,
}

/// One container.
pub(in crate::reactor) struct Contained {
    pub(in crate::reactor) talk: Talk,
    pub(super) command: Arc<ChildCommand>,
    pub(super) plan: Arc<Plan>,
    pub(super) stage: Stage,
    pub(super) id: Option<Box<str>>,
    /// The request under way.
    pub(super) step: Option<Call>,
    /// The request that is answered when it exits.
    pub(super) wait: Option<Call>,
    pub(super) stream: Option<Attached>,
    pub(super) start_by: Instant,
    pub(super) is_pulled: bool,
    /// How it ended.
    pub(super) why: Option<ChildEnd>,
    /// The command line has to run it: why.
    pub(super) handed_on: Option<String>,
    /// It was told to stop before it ran, and whether at once.
    pub(super) stopped: Option<bool>,
    /// Its stream has ended: when the core is told, unless it exits before.
    pub(super) mute_at: Option<Instant>,
    pub(super) given_up: bool,
    pub(super) paused: bool,
    pub(super) queued: bool,
    dirty: bool,
    pub(super) armed_at: Option<Instant>,
    /// The engine has hung up, or is not there.
    pub(super) lost_engine: bool,
    /// It may exist although its id never came.
    pub(super) is_nameless: bool,
}

/// What is left when a container is over.
pub(super) struct Ending {
    /// What the core is told, if it has not been told everything.
    pub(super) why: Option<ChildEnd>,
    /// What the command line goes on with.
    pub(super) waiting: Option<Waiting>,
    /// What has to be removed.
    pub(super) leftover: Leftover,
}

/// Whoever exits closes its streams first: for so long we wait for the status, which says more.
const MUTE_AFTER: Duration = Duration::from_secs(1);

/// How long the stream of a container that has exited is read if it does not end.
pub(super) const LAST_WORDS_MAX: Duration = Duration::from_millis(500);

impl Contained {
    /// A container of which the engine knows nothing yet.
    pub(super) fn new(
        talk: Talk,
        command: Arc<ChildCommand>,
        plan: Arc<Plan>,
        paused: bool,
        turn: &Turn,
    ) -> Self {
        Self {
            talk,
            command,
            start_by: turn.now.mono + plan.start_after_max,
            plan,
            stage: Stage::AwaitEngine,
            id: None,
            step: None,
            wait: None,
            stream: None,
            is_pulled: false,
            why: None,
            handed_on: None,
            stopped: None,
            mute_at: None,
            given_up: false,
            paused,
            queued: false,
            dirty: false,
            armed_at: None,
            lost_engine: false,
            is_nameless: false,
        }
    }

    /// Notes what the poll says about one of its connections.
    pub(super) fn note(&mut self, source: Source, event: &mio::event::Event) {
        match (source, &mut self.step, &mut self.wait, &mut self.stream) {
            (Source::EngineStep(_), Some(call), ..) | (Source::EngineWait(_), _, Some(call), _) => {
                call.note(event);
            }
            (Source::EngineStream(_), _, _, Some(stream)) => stream.note(event),
            // The stream is opened by a request like any other.
            (Source::EngineStream(_), Some(call), _, None) => call.note(event),
            _ => {}
        }
    }

    /// Goes on as far as its connections allow.
    pub(super) fn pump(&mut self, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        self.queued = false;
        self.pump_step(key, daemon, turn);
        self.pump_wait(key, daemon, turn);
        self.read(key, daemon, turn);
        self.soil(key, turn);
        self.arm(key, turn);
    }

    fn pump_wait(&mut self, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        let Some(call) = &mut self.wait else { return };
        match call.go_on(turn) {
            Outcome::Open => {
                if call.is_rationed() {
                    turn.queue(&mut self.queued, Work::Contained(key));
                }
            }
            Outcome::Answered => {
                let code = body::exited(call.answer.body()).filter(|_| call.answer.is_good());
                self.why = self.why.take().or(code.map(ChildEnd::Exited));
                if code.is_some() && self.is_begun() {
                    self.has_exited(turn);
                }
            }
            Outcome::Broken(why) => return self.lose(why),
        }
        self.watch_answered(key, daemon, turn);
        if self.wait.as_ref().is_some_and(|call| call.answer.is_done()) {
            self.wait = None;
        }
    }

    /// Whether it was started.
    pub(super) const fn is_begun(&self) -> bool {
        matches!(
            self.stage,
            Stage::Running
                | Stage::Leaving { .. }
                | Stage::Terminating { .. }
                | Stage::Killed { .. }
                | Stage::Ended { .. }
        )
    }

    pub(super) fn has_exited(&mut self, turn: &Turn) {
        self.step = None;
        self.mute_at = None;
        self.talk.forget_owed();
        self.stage = Stage::Ended { until: turn.now.mono + LAST_WORDS_MAX };
    }

    /// The engine has hung up on us. What it ran for us is lost, whether it runs on or not.
    pub(super) fn lose(&mut self, why: String) {
        self.lost_engine = true;
        if matches!(self.stage, Stage::Ended { .. } | Stage::Over) {
            return;
        }
        if self.is_begun() {
            self.why = Some(ChildEnd::Lost(why));
            self.stage = Stage::Over;
        } else {
            self.fail(why);
        }
    }

    /// Reads its stream within the budget and tells the core what came.
    fn read(&mut self, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        if !self.is_begun() || self.paused {
            return;
        }
        let Some(stream) = &mut self.stream else { return };
        if !self.talk.link.wants_stdout() {
            return self.talk.tell(turn);
        }
        match stream.read(&mut self.talk.link, turn) {
            Ok(Pulled::Dry) => {}
            Ok(Pulled::Rationed) => turn.queue(&mut self.queued, Work::Contained(key)),
            Ok(Pulled::Ended | Pulled::Failed) => self.end_of_stream(turn),
            Err(why) => {
                self.end_of_stream(turn);
                self.why = Some(ChildEnd::Lost(why.to_string()));
                self.stop(key, true, daemon, turn);
            }
        }
        self.talk.tell(turn);
    }

    fn end_of_stream(&mut self, turn: &Turn) {
        self.stream = None;
        self.talk.link.end_of_stdout();
        self.talk.link.end_of_stderr();
        self.talk.forget_owed();
        if !matches!(self.stage, Stage::Ended { .. }) {
            self.mute_at = Some(turn.now.mono + MUTE_AFTER);
        }
    }

    /// Owes it one line, as long as it is not on its way out.
    pub(super) fn send(&mut self, key: Key<Self>, message: &Splice, turn: &mut Turn) {
        let is_leaving = self.is_begun() && !matches!(self.stage, Stage::Running);
        if !is_leaving && self.stopped.is_none() && self.mute_at.is_none() {
            self.talk.owe(message, turn);
            self.soil(key, turn);
        }
    }

    pub(super) fn soil(&mut self, key: Key<Self>, turn: &mut Turn) {
        let leaving = matches!(self.stage, Stage::Leaving { .. });
        let may = matches!(self.stage, Stage::Running) || leaving;
        let Some(stream) = self.stream.as_ref().filter(|_| may) else { return };
        if stream.writable && stream.is_open() && (leaving || self.talk.owes()) {
            turn.soil(&mut self.dirty, Work::Contained(key));
        }
    }

    /// Writes within the budget what is owed, and closes stdin if it has to leave.
    pub(super) fn flush(&mut self, key: Key<Self>, turn: &mut Turn) {
        self.dirty = false;
        let leaving = matches!(self.stage, Stage::Leaving { .. });
        let Some(stream) = self.stream.as_mut().filter(|stream| stream.is_open()) else { return };
        if !leaving && !matches!(self.stage, Stage::Running) {
            return;
        }
        match stream.write(&mut self.talk.link, turn) {
            Pushed::Done if leaving => stream.shut(),
            Pushed::Failed => {
                stream.shut();
                self.talk.forget_owed();
            }
            Pushed::Done | Pushed::Blocked | Pushed::Rationed => {}
        }
        self.talk.note_fullness(turn);
        self.soil(key, turn);
    }

    /// Says what becomes of the line that has begun.
    pub(super) fn pass(&mut self, key: Key<Self>, passes: bool, turn: &mut Turn) {
        self.talk.link.decide(passes);
        self.talk.tell(turn);
        turn.queue(&mut self.queued, Work::Contained(key));
    }

    /// Stops or goes on reading its stream. One that has to leave is always read.
    pub(super) fn pause(&mut self, key: Key<Self>, paused: bool, turn: &mut Turn) {
        let is_leaving = matches!(
            self.stage,
            Stage::Leaving { .. } | Stage::Terminating { .. } | Stage::Killed { .. }
        );
        self.paused = paused && !is_leaving;
        if !self.paused && self.stream.as_ref().is_some_and(|stream| stream.ready.readable) {
            turn.queue(&mut self.queued, Work::Contained(key));
        }
    }

    /// Whether nothing more comes of it.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        match self.stage {
            Stage::Over => true,
            Stage::Ended { until } => self.stream.is_none() || (until <= now && !self.paused),
            _ => false,
        }
    }

    /// Parts with it.
    pub(super) fn end(self) -> Ending {
        let leftover = match (self.id, self.step) {
            (Some(id), _) => Leftover::Container(id),
            (None, Some(call)) => Leftover::Unborn(Box::new(call)),
            (None, None) if self.is_nameless => Leftover::Nameless,
            (None, None) => Leftover::Nothing,
        };
        let before = self.handed_on;
        let waiting = before.map(|before| Waiting {
            talk: self.talk,
            command: self.command,
            paused: self.paused,
            stopped: self.stopped,
            before: Some(before),
        });
        let lost = || ChildEnd::Lost("the engine does not say how it ended".to_owned());
        let why = (!self.given_up).then(|| self.why.unwrap_or_else(lost));
        Ending { why, waiting, leftover }
    }

    /// Tells the core that it will never answer again.
    pub(super) fn give_up(&mut self, turn: &mut Turn) {
        if !std::mem::replace(&mut self.given_up, true) {
            let why = self.why.take().unwrap_or(ChildEnd::Mute);
            turn.inbox.push_back(Input::ChildClosed { backend: self.talk.backend, why });
        }
    }
}
