// SPDX-License-Identifier: MIT
//! What the counters said at one moment.

use std::sync::Arc;
use std::time::Duration;

use crate::gateway::io::CallEnd;

/// The upper bounds of how long calls take, in microseconds: 100 µs to a minute.
pub const CALL_BOUNDS_US: [u64; 18] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// The same for turns of the loop: 10 µs to a second.
pub const TURN_BOUNDS_US: [u64; 16] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000,
    500_000, 1_000_000,
];

/// The bucket that counts `took`: that of the first bound which is not less, or the one behind all
/// bounds.
#[must_use]
pub fn bucket(bounds_us: &[u64], took: Duration) -> usize {
    bounds_us.partition_point(|bound| Duration::from_micros(*bound) < took)
}

/// How often something took how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// The upper bounds of the buckets, ascending.
    pub bounds_us: &'static [u64],
    /// How many fell into each bucket, and behind them those beyond all bounds.
    pub counts: Vec<u64>,
    /// All of it together.
    pub sum: Duration,
}

impl Histogram {
    /// Nothing has happened.
    #[must_use]
    pub fn new(bounds_us: &'static [u64]) -> Self {
        Self { bounds_us, counts: vec![0; bounds_us.len() + 1], sum: Duration::ZERO }
    }

    /// How many there were.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many took no longer than each bound, and behind them all: what is exposed.
    pub fn cumulative(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        })
    }
}

/// All that was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The version that runs.
    pub version: Arc<str>,
    /// In the order of the configuration.
    pub servers: Vec<ServerReading>,
    /// Open sessions.
    pub sessions: u64,
    /// Open connections of clients.
    pub connections: u64,
    /// Turns of the loops.
    pub turns: Histogram,
    /// Events that found no room on their way to the logs.
    pub log_records_dropped: u64,
}

/// What was counted of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReading {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it works.
    pub up: bool,
    /// Calls of tools, in the order of [`CallEnd::ALL`].
    pub calls: [u64; CallEnd::ALL.len()],
    /// How long they took.
    pub durations: Histogram,
    /// What was denied.
    pub denials: u64,
    /// Bytes to it and from it.
    pub bytes: [u64; 2],
}

impl ServerReading {
    /// Nothing was counted yet.
    #[must_use]
    pub fn new(name: Arc<str>) -> Self {
        Self {
            name,
            up: false,
            calls: Default::default(),
            durations: Histogram::new(&CALL_BOUNDS_US),
            denials: 0,
            bytes: Default::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bounds_ascend() {
        assert!(CALL_BOUNDS_US.is_sorted_by(|a, b| a < b));
        assert!(TURN_BOUNDS_US.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn what_takes_as_long_as_a_bound_is_within_it() {
        assert_eq!(bucket(&[10, 20], Duration::ZERO), 0);
        assert_eq!(bucket(&[10, 20], Duration::from_micros(10)), 0);
        assert_eq!(bucket(&[10, 20], Duration::from_nanos(10_001)), 1);
        assert_eq!(bucket(&[10, 20], Duration::from_micros(21)), 2);
    }

    proptest! {
        #[test]
        fn buckets_hold_what_a_look_at_each_value_would_count(
            all in proptest::collection::vec(0_u64..90_000_000_000, 0..50),
        ) {
            let mut histogram = Histogram::new(&CALL_BOUNDS_US);
            for nanos in &all {
                histogram.counts[bucket(&CALL_BOUNDS_US, Duration::from_nanos(*nanos))] += 1;
            }
            prop_assert_eq!(histogram.n(), all.len() as u64);
            let within = |bound: &u64| all.iter().filter(|nanos| **nanos <= bound * 1000).count();
            let want = CALL_BOUNDS_US.iter().map(|bound| within(bound) as u64);
            let want: Vec<_> = want.chain([all.len() as u64]).collect();
            prop_assert_eq!(histogram.cumulative().collect::<Vec<_>>(), want);
        }
    }
}
