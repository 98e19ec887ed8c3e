// SPDX-License-Identifier: MIT
//! Those who wait for what a task of ours comes to.

use super::Exchange;
use super::open::Incoming;
use crate::base::Key;
use crate::gateway::Gateway;
use crate::gateway::call::{Call, CallFor};
use crate::gateway::fault::ClientFault;
use crate::gateway::jobs::Job;
use crate::gateway::session::Session;
use crate::gateway::stray::LATE_AFTER_MAX;

/// Who may wait for one task without being there; who has left before them is forgotten.
const LEFT_MAX: usize = 8;

impl Gateway {
    /// A client waits for the result of a task that is at work.
    pub(super) fn wait_for_job(
        &mut self,
        job: Key<Job>,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) {
        self.forget_who_left(job);
        let Some(waiter) = self.call_never_sent(exchange, session, one) else { return };
        let Some(job) = self.jobs.get_mut(job) else { return };
        job.waiters.push(waiter);
        let ends_at = job.expires_at;
        if let Some(call) = self.calls.get_mut(waiter) {
            // A little later than the job, which tells it what has become of it.
            call.deadline = ends_at + LATE_AFTER_MAX;
        }
    }

    /// Clients that time out and ask again leave an exchange behind each time, for as long as the
    /// task takes. Of those who have left only the last ones can still come back.
    fn forget_who_left(&mut self, job: Key<Job>) {
        let has_left = |key: &Key<Call>| {
            let Some(call) = self.calls.get(*key) else { return true };
            let CallFor::Exchange(exchange) = call.whom else { return false };
            let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(exchange) else {
                return true;
            };
            let is_open = sent.stream.is_some_and(|number| {
                let session = self.sessions.get(sent.session);
                let streams = session.map(|session| session.streams.as_slice()).unwrap_or_default();
                streams.iter().any(|one| one.number == number && one.peer.is_some())
            });
            sent.peer.is_none() && !is_open && sent.part_of.is_none()
        };
        let waiters = self.jobs.get(job).map(|job| job.waiters.as_slice()).unwrap_or_default();
        let mut left: Vec<_> = waiters.iter().copied().filter(has_left).collect();
        left.truncate(left.len().saturating_sub(LEFT_MAX));
        if let Some(job) = self.jobs.get_mut(job) {
            job.waiters.retain(|waiter| !left.contains(waiter));
        }
        for waiter in left {
            self.fail_call(waiter, &ClientFault::Task("its client has asked again").into());
        }
    }
}
