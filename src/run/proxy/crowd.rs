// SPDX-License-Identifier: MIT
//! How many connections there are, how many of them are busy, and whether all are to leave.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Connections at a time; beyond: accepted and closed at once.
pub const CONNECTIONS_MAX: usize = 256;

/// All connections.
#[derive(Default)]
pub struct Crowd {
    counts: Mutex<Counts>,
    is_less: Condvar,
}

#[derive(Default)]
struct Counts {
    n: usize,
    n_busy: usize,
    is_leaving: bool,
}

/// One that is counted, until it is dropped.
pub struct Counted<'c> {
    crowd: &'c Crowd,
    is_busy: bool,
}

impl Crowd {
    /// One more connection; `None`: there are too many.
    pub fn enter(&self) -> Option<Counted<'_>> {
        let mut counts = self.lock();
        if counts.n >= CONNECTIONS_MAX || counts.is_leaving {
            return None;
        }
        counts.n += 1;
        Some(Counted { crowd: self, is_busy: false })
    }

    /// One of them has something to do.
    pub fn busy(&self) -> Counted<'_> {
        self.lock().n_busy += 1;
        Counted { crowd: self, is_busy: true }
    }

    /// Whether nothing new is begun.
    pub fn is_leaving(&self) -> bool {
        self.lock().is_leaving
    }

    /// Nothing new is begun from now on; waits until nobody is busy, but no longer than this.
    pub fn leave(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let mut counts = self.lock();
        counts.is_leaving = true;
        while counts.n_busy > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.is_less.wait_timeout(counts, left);
            counts = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Each change of the counts is one assignment.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let mut counts = self.crowd.lock();
        let count = if self.is_busy { &mut counts.n_busy } else { &mut counts.n };
        *count -= 1;
        drop(counts);
        self.crowd.is_less.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_so_many_and_for_nobody_at_the_end() {
        let crowd = Crowd::default();
        let mut all: Vec<_> = (0..CONNECTIONS_MAX).map(|_| crowd.enter().unwrap()).collect();
        assert!(crowd.enter().is_none());
        all.pop();
        drop(crowd.enter().unwrap());
        let busy = crowd.busy();
        let begun = Instant::now();
        crowd.leave(Duration::from_millis(20));
        assert!(begun.elapsed() >= Duration::from_millis(20));
        drop(busy);
        crowd.leave(Duration::from_secs(60));
        assert!(begun.elapsed() < Duration::from_secs(60));
        drop(all);
        assert!(crowd.enter().is_none() && crowd.is_leaving());
    }
}
