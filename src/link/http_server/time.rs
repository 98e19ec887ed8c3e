// SPDX-License-Identifier: MIT
//! Patience: what is waited for, and what happens when it ends.

use std::time::Instant;

use super::recent::Recent;
use super::state::{AwaitHead, State};
use super::violation::Violation;
use super::{HttpServer, LINGER_AFTER_MAX, REST_AFTER};
use crate::base::Now;

impl HttpServer {
    /// The first `n` bytes of the outbox have left.
    pub fn wrote(&mut self, n: usize, now: Now) {
        if n == 0 {
            return;
        }
        self.outbox.consume(n);
        self.wrote_at = now.mono;
        if !self.outbox.is_empty() {
            return;
        }
        if !self.is_busy() {
            self.outbox.release();
        }
        match &mut self.state {
            // A long answer is not idleness: that begins when the answer has left.
            State::AwaitHead(waiting) if waiting.head_until.is_none() => {
                waiting.idle_until = now.mono + self.limits.keep_alive_max;
            }
            State::Lingering { until } => *until = Some(now.mono + LINGER_AFTER_MAX),
            _ => {}
        }
    }

    /// When [`HttpServer::handle_timeout`] is to be called, if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match (self.write_until(), self.wait_until()) {
            (Some(write), Some(wait)) => Some(write.min(wait)),
            (write, wait) => write.or(wait),
        }
    }

    /// Ends what has waited too long at `now`; too early, it does nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.write_until().is_some_and(|until| until <= now.mono) {
            return self.give_up(Violation::WriteStalled);
        }
        if self.wait_until().is_none_or(|until| until > now.mono) {
            return;
        }
        match self.state {
            // RFC 9110 §15.5.9. A head or a body that comes byte by byte holds a connection for as
            // long as the client likes (slow loris).
            State::AwaitHead(AwaitHead { head_until: Some(_), .. }) => {
                self.refuse(Violation::HeadTimedOut, now);
            }
            State::AwaitHead(AwaitHead { idle_until, .. }) if idle_until > now.mono => self.rest(),
            State::AwaitBody { .. } => self.refuse(Violation::BodyTimedOut, now),
            // The answer is out already.
            State::AwaitRest { .. } => self.linger(now),
            _ => self.close(),
        }
    }

    /// When something happens to a connection on which nothing does.
    fn idle_until(&self, waiting: &AwaitHead) -> Instant {
        let since = waiting.idle_until.checked_sub(self.limits.keep_alive_max);
        match since {
            Some(since) if !self.is_resting() => waiting.idle_until.min(since + REST_AFTER),
            _ => waiting.idle_until,
        }
    }

    fn is_resting(&self) -> bool {
        self.recent.is_empty() && !self.outbox.holds_memory()
    }

    /// Gives up what only makes the next request faster, and keeps nothing for those after it.
    pub(super) fn rest(&mut self) {
        self.recent = Recent::default();
        self.n_heads = 0;
        self.outbox.release();
    }

    fn write_until(&self) -> Option<Instant> {
        (!self.outbox.is_empty()).then(|| self.wrote_at + self.limits.write_stall_max)
    }

    fn wait_until(&self) -> Option<Instant> {
        match &self.state {
            State::AwaitHead(AwaitHead { head_until: Some(until), .. }) => Some(*until),
            State::AwaitHead(waiting) => self.outbox.is_empty().then(|| self.idle_until(waiting)),
            State::AwaitBody { until, .. } | State::AwaitRest { until, .. } => Some(*until),
            State::Lingering { until } => *until,
            State::AwaitAdmission(_)
            | State::AwaitAnswer(_)
            | State::Streaming(_)
            | State::Upgraded(_)
            | State::Closed => None,
        }
    }
}
