// SPDX-License-Identifier: MIT
//! What one scope has used.

use std::time::{Duration, Instant};

use super::{Budget, Quantity};

/// What one scope has used of its budget.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counter {
    calls: u64,
    bytes: u64,
    running: u32,
    /// Calls under way that are made for one that is: they add to the time and not to those.
    within: u32,
    /// The time in which calls were under way, up to the last moment without any.
    busy: Duration,
    /// Since when there has always been one; nothing if there is none.
    busy_since: Option<Instant>,
}

/// Of what there is too little: limit and use.
pub(super) type Short = (Quantity, u64, u64);

impl Counter {
    /// Whether one more call with this many bytes fits; `is_within`: for one that is under way.
    pub(super) fn check(
        &self,
        budget: &Budget,
        (bytes, is_within): (u64, bool),
        now: Instant,
    ) -> Result<(), Short> {
        if let Some(limit) = budget.calls
            && self.calls >= limit
        {
            return Err((Quantity::Calls, limit, self.calls));
        }
        if let Some(limit) = budget.time
            && self.busy_at(now) >= limit
        {
            return Err((Quantity::Time, millis(limit), millis(self.busy_at(now))));
        }
        if let Some(limit) = budget.concurrent
            && !is_within
            && self.running >= limit
        {
            return Err((Quantity::Concurrent, limit.into(), self.running.into()));
        }
        // No message is empty, whoever counts: what is used up takes no further call.
        self.check_bytes(budget, bytes.max(1))
    }

    /// Whether this many more bytes fit.
    pub(super) fn check_bytes(&self, budget: &Budget, bytes: u64) -> Result<(), Short> {
        match budget.bytes {
            Some(limit) if self.bytes.saturating_add(bytes) > limit => {
                Err((Quantity::Bytes, limit, self.bytes))
            }
            _ => Ok(()),
        }
    }

    /// Counts a call that begins.
    pub(super) fn begin(&mut self, (bytes, is_within): (u64, bool), now: Instant) {
        self.calls = self.calls.saturating_add(1);
        self.add_bytes(bytes);
        let under_way = if is_within { &mut self.within } else { &mut self.running };
        *under_way = under_way.saturating_add(1);
        self.busy_since.get_or_insert(now);
    }

    /// Counts a call that is over.
    pub(super) fn end(&mut self, is_within: bool, now: Instant) {
        let under_way = if is_within { &mut self.within } else { &mut self.running };
        *under_way = under_way.saturating_sub(1);
        if self.running == 0
            && self.within == 0
            && let Some(since) = self.busy_since.take()
        {
            self.busy = self.busy.saturating_add(now.saturating_duration_since(since));
        }
    }

    pub(super) fn add_bytes(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Leaves no byte: what did not fit was nevertheless fetched.
    pub(super) fn exhaust_bytes(&mut self, budget: &Budget) {
        self.bytes = budget.bytes.unwrap_or(self.bytes);
    }

    /// When the time will be used up, if calls are under way until then.
    pub(super) fn until(&self, budget: &Budget, now: Instant) -> Option<Instant> {
        now.checked_add(budget.time?.saturating_sub(self.busy_at(now)))
    }

    fn busy_at(&self, now: Instant) -> Duration {
        let running = self.busy_since.map(|since| now.saturating_duration_since(since));
        self.busy.saturating_add(running.unwrap_or_default())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
