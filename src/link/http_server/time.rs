// SPDX-License-Identifier: MIT
//! Patience: what is waited for, and what happens when it ends.

use std::time::Instant;

use super::state::{AwaitHead, State};
use super::violation::Violation;
use super::{HttpServer, LINGER_AFTER_MAX};
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
        match &mut self.state {
            // A long answer is not idleness: that begins when the answer has left.
            State::AwaitHead(waiting) if waiting.head_until.is_none() => {
                waiting.idle_until = now.mono + self.limits.keep_alive_max;
            }
            State::Streaming(stream) if stream.listens => self.outbox.release(),
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
            State::AwaitBody { .. } => self.refuse(Violation::BodyTimedOut, now),
            // The answer is out already.
            State::AwaitRest { .. } => self.linger(now),
            _ => self.close(),
        }
    }

    fn write_until(&self) -> Option<Instant> {
        (!self.outbox.is_empty()).then(|| self.wrote_at + self.limits.write_stall_max)
    }

    fn wait_until(&self) -> Option<Instant> {
        match &self.state {
            State::AwaitHead(AwaitHead { head_until: Some(until), .. }) => Some(*until),
            State::AwaitHead(waiting) => self.outbox.is_empty().then_some(waiting.idle_until),
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
