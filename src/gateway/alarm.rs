// SPDX-License-Identifier: MIT
//! When the gateway wants to be woken. There is one alarm per kind, set to the earliest need of
//! that kind; when it rings, the table of that kind is walked once. So a call costs no timer.

use std::time::Instant;

use super::Gateway;

/// What an alarm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Alarm {
    /// A call has a deadline.
    Calls,
    /// An exchange has been silent for long.
    Comments,
    /// A session has been idle for long.
    Sessions,
    /// A request to a client waits for a stream.
    Inputs,
    /// An interrupted stream of a backend is to be resumed.
    Resumes,
    /// The drain ends.
    Drain,
    /// A server that failed is to be started again.
    Restarts,
    /// Something of several servers has waited for long enough.
    Unified,
    /// A connection that is to become a session has not become one.
    Attached,
    /// The time of a job is over.
    Jobs,
    /// A subscription that its server has ended is to be made again.
    Listens,
    /// A call that waits for input is to ask for it, to try again or to give up.
    Rounds,
}

const COUNT: usize = Alarm::Rounds as usize + 1;

/// The moments of all alarms.
#[derive(Debug, Default)]
pub struct Alarms {
    at: [Option<Instant>; COUNT],
}

impl Alarms {
    /// Sets `alarm` to `at`, if it is not set to an earlier moment.
    pub fn set(&mut self, alarm: Alarm, at: Instant) {
        let slot = &mut self.at[alarm as usize];
        *slot = Some(slot.map_or(at, |old| old.min(at)));
    }

    /// The earliest moment of all.
    #[must_use]
    pub fn earliest(&self) -> Option<Instant> {
        self.at.iter().flatten().min().copied()
    }

    /// Takes `alarm` back if it is due.
    fn take(&mut self, alarm: Alarm, now: Instant) -> bool {
        self.at[alarm as usize].take_if(|at| *at <= now).is_some()
    }

    /// Takes the alarm of the calls back when there is none left, so that an idle gateway sleeps.
    pub(super) fn forget_calls_if(&mut self, none: bool) {
        if none {
            self.at[Alarm::Calls as usize] = None;
        }
    }
}

impl Gateway {
    pub(super) fn ring_alarms(&mut self) {
        let now = self.now.mono;
        if self.alarms.take(Alarm::Calls, now) {
            self.expire_calls();
        }
        if self.alarms.take(Alarm::Comments, now) {
            self.comment_on_silent_streams();
        }
        if self.alarms.take(Alarm::Sessions, now) {
            self.expire_sessions();
        }
        if self.alarms.take(Alarm::Inputs, now) {
            self.expire_input_requests();
        }
        if self.alarms.take(Alarm::Resumes, now) {
            self.resume_fetches();
        }
        if self.alarms.take(Alarm::Drain, now) {
            self.expire_drain();
        }
        if self.alarms.take(Alarm::Restarts, now) {
            self.restart_servers();
        }
        if self.alarms.take(Alarm::Unified, now) {
            self.expire_unified();
        }
        if self.alarms.take(Alarm::Attached, now) {
            self.expire_unopened();
        }
        if self.alarms.take(Alarm::Jobs, now) {
            self.expire_jobs();
        }
        if self.alarms.take(Alarm::Listens, now) {
            self.listen_again();
        }
        if self.alarms.take(Alarm::Rounds, now) {
            self.expire_parks();
            self.expire_rounds();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_alarm_keeps_its_earliest_moment_and_rings_once() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut alarms = Alarms::default();
        alarms.set(Alarm::Calls, at(9));
        alarms.set(Alarm::Calls, at(5));
        alarms.set(Alarm::Sessions, at(7));
        assert_eq!(alarms.earliest(), Some(at(5)));
        assert!(!alarms.take(Alarm::Calls, at(4)));
        assert!(alarms.take(Alarm::Calls, at(5)));
        assert!(!alarms.take(Alarm::Calls, at(9)));
        assert_eq!(alarms.earliest(), Some(at(7)));
    }
}
