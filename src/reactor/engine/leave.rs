// SPDX-License-Identifier: MIT
//! How a container leaves: asked, stopped, killed; and what it does not do in time.

use std::time::{Duration, Instant};

use super::contained::{Contained, LAST_WORDS_MAX, Stage};
use super::daemon::Daemon;
use crate::base::Key;
use crate::gateway::io::ChildEnd;
use crate::reactor::token::Work;
use crate::reactor::turn::{Timer, Turn};

/// How long the engine may take to say that a container that it was told to kill is dead.
const KILL_AFTER_MAX: Duration = Duration::from_secs(5);

/// What the engine gets beside the time that a container has to stop.
const STOP_SLACK: Duration = Duration::from_secs(1);

/// SIGKILL.
const KILLED: i32 = 9;

impl Contained {
    /// Begins its way out, or shortens it.
    pub(super) fn stop(&mut self, key: Key<Self>, now: bool, daemon: &Daemon, turn: &mut Turn) {
        match self.stage {
            Stage::Over | Stage::Ended { .. } | Stage::Killed { .. } => {}
            _ if !self.is_begun() => self.cancel(now),
            _ if now => self.kill(key, daemon, turn),
            Stage::Running => {
                let until = turn.now.mono + self.command.leave_after_max;
                self.stage = Stage::Leaving { until };
                self.paused = false;
                turn.queue(&mut self.queued, Work::Contained(key));
            }
            _ => {}
        }
        self.soil(key, turn);
        self.arm(key, turn);
    }

    /// It is not wanted any more before it runs. What was said to it is not said to anybody.
    fn cancel(&mut self, now: bool) {
        self.stopped = Some(now);
        self.fail("it was told to leave before it ran".to_owned());
    }

    /// Asks it to end at once, and makes it end at `until`.
    pub(super) fn hurry(
        &mut self,
        key: Key<Self>,
        until: Instant,
        daemon: &Daemon,
        turn: &mut Turn,
    ) {
        match &mut self.stage {
            Stage::Running | Stage::Leaving { .. } => self.terminate(key, until, daemon, turn),
            Stage::Terminating { until: planned } => *planned = until.min(*planned),
            Stage::Killed { .. } | Stage::Ended { .. } | Stage::Over => {}
            _ => self.cancel(true),
        }
        self.arm(key, turn);
    }

    fn terminate(&mut self, key: Key<Self>, until: Instant, daemon: &Daemon, turn: &mut Turn) {
        self.paused = false;
        self.close_stdin();
        self.stage = Stage::Terminating { until };
        let left = until.saturating_duration_since(turn.now.mono);
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        if let Some(id) = &self.id {
            let bytes = daemon.dialect().stop(id, seconds);
            self.request(&bytes, key, daemon, turn);
        }
    }

    fn kill(&mut self, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        self.paused = false;
        self.close_stdin();
        self.stage = Stage::Killed { until: turn.now.mono + KILL_AFTER_MAX };
        if let Some(id) = &self.id {
            let bytes = daemon.dialect().kill(id);
            self.request(&bytes, key, daemon, turn);
        }
    }

    fn close_stdin(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.shut();
        }
        self.talk.forget_owed();
    }

    /// Looks after its deadlines.
    pub(super) fn expire(&mut self, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        if !turn.fired(&mut self.armed_at) {
            return;
        }
        let now = turn.now.mono;
        match self.stage {
            Stage::Leaving { until } if until <= now => {
                let until = now + self.command.term_after_max + STOP_SLACK;
                self.terminate(key, until, daemon, turn);
            }
            Stage::Terminating { until } if until <= now => self.kill(key, daemon, turn),
            Stage::Killed { until } if until <= now => {
                self.why = self.why.take().or(Some(ChildEnd::Killed(KILLED)));
                self.stage = Stage::Over;
            }
            // What it said before it died is still wanted.
            Stage::Ended { until } if until <= now && self.paused => {
                self.stage = Stage::Ended { until: now + LAST_WORDS_MAX };
            }
            Stage::AwaitImage(_) if self.start_by <= now => {
                self.fail(format!("its image {} was not there in time", self.plan.run.image));
            }
            _ if !self.is_begun() && self.start_by <= now => {
                self.fail("the engine has not started it in time".to_owned());
            }
            _ => {}
        }
        if self.mute_at.take_if(|at| *at <= now).is_some() && self.is_begun() {
            self.give_up(turn);
            self.stop(key, false, daemon, turn);
        }
        self.arm(key, turn);
    }

    /// Makes sure that somebody looks when the stage is over.
    pub(super) fn arm(&mut self, key: Key<Self>, turn: &mut Turn) {
        let until = match self.stage {
            Stage::Running | Stage::Over => None,
            Stage::Leaving { until }
            | Stage::Terminating { until }
            | Stage::Killed { until }
            | Stage::Ended { until } => Some(until),
            _ => Some(self.start_by),
        };
        if let Some(at) = until.into_iter().chain(self.mute_at).min() {
            turn.arm(&mut self.armed_at, at, Timer::Contained(key));
        }
    }
}
