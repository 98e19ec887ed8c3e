// SPDX-License-Identifier: MIT
//! How a child leaves: asked, told, killed, reaped.

use std::time::Instant;

use super::{Child, LAST_WORDS_MAX, LOOK_EVERY, Stage};
use crate::base::Key;
use crate::gateway::io::{ChildEnd, Input};
use crate::reactor::command;
use crate::reactor::sys::{self, Signal};
use crate::reactor::turn::{Timer, Turn};

impl Child {
    /// Begins its way out, or shortens it.
    pub(in crate::reactor) fn stop(&mut self, now: bool, turn: &Turn) {
        match self.stage {
            Stage::Ended { .. } | Stage::Killed => {}
            _ if now => self.kill(),
            Stage::Running => {
                let until = turn.now.mono + self.command.leave_after_max;
                self.stage = Stage::Leaving { until };
                self.paused = false;
            }
            Stage::Leaving { .. } | Stage::Terminating { .. } => {}
        }
    }

    /// Asks it to end at once, and makes it end at `until`.
    pub(in crate::reactor) fn hurry(&mut self, until: Instant) {
        match &mut self.stage {
            Stage::Running | Stage::Leaving { .. } => self.terminate(until),
            Stage::Terminating { until: planned } => *planned = until.min(*planned),
            Stage::Killed | Stage::Ended { .. } => {}
        }
    }

    fn terminate(&mut self, until: Instant) {
        self.paused = false;
        self.signal(Signal::Term);
        self.close_stdin();
        self.stage = Stage::Terminating { until };
    }

    pub(super) fn kill(&mut self) {
        self.paused = false;
        self.signal(Signal::Kill);
        self.close_stdin();
        self.stage = Stage::Killed;
    }

    fn signal(&self, signal: Signal) {
        // It fails only for a group that changed its user; what we may not signal we cannot end.
        let _ = sys::signal_group(self.group(), signal);
    }

    /// Notes whether it has ended.
    pub(super) fn look(&mut self, turn: &Turn) {
        if !matches!(self.stage, Stage::Ended { .. }) && sys::has_ended(self.group()) {
            self.close_stdin();
            self.stage = Stage::Ended { until: turn.now.mono + LAST_WORDS_MAX };
        }
    }

    /// Looks after its deadlines.
    pub(in crate::reactor) fn expire(&mut self, key: Key<Self>, turn: &mut Turn) {
        if !turn.fired(&mut self.armed_at) {
            return;
        }
        let now = turn.now.mono;
        match self.stage {
            Stage::Leaving { until } if until <= now => {
                self.terminate(now + self.command.term_after_max);
            }
            Stage::Terminating { until } if until <= now => self.kill(),
            // What it said before it died is still wanted.
            Stage::Ended { until } if until <= now && self.paused => {
                self.stage = Stage::Ended { until: now + LAST_WORDS_MAX };
            }
            _ => {}
        }
        if self.exit.is_none() {
            self.look(turn);
        }
        if self.mute_at.take_if(|at| *at <= now).is_some() && !self.has_ended() {
            self.given_up = true;
            turn.inbox
                .push_back(Input::ChildClosed { backend: self.talk.backend, why: ChildEnd::Mute });
        }
        self.arm(key, turn);
    }

    pub(super) const fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended { .. })
    }

    /// Makes sure that somebody looks when the stage is over.
    pub(in crate::reactor) fn arm(&mut self, key: Key<Self>, turn: &mut Turn) {
        let until = match self.stage {
            Stage::Running | Stage::Killed => None,
            Stage::Leaving { until } | Stage::Terminating { until } | Stage::Ended { until } => {
                Some(until)
            }
        };
        let look_at = self.exit.is_none().then(|| turn.now.mono + LOOK_EVERY);
        if let Some(at) = until.into_iter().chain(look_at).chain(self.mute_at).min() {
            turn.arm(&mut self.armed_at, at, Timer::Child(key));
        }
    }

    /// Whether it is dead and has nothing more to say.
    pub(in crate::reactor) fn is_over(&self, now: Instant) -> bool {
        let silent = self.stdout.is_none() && self.stderr.is_none();
        let late = |until| until <= now && !self.paused;
        matches!(self.stage, Stage::Ended { until } if silent || late(until))
    }

    /// Ends what is left of its group and reaps it.
    pub(in crate::reactor) fn reap(&mut self) -> ChildEnd {
        self.signal(Signal::Kill);
        match self.process.wait() {
            Ok(status) => command::end_of(status),
            Err(error) => ChildEnd::NotStarted(error.to_string()),
        }
    }
}
