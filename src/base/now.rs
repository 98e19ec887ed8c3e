// SPDX-License-Identifier: MIT
//! Time as an argument: one reading per turn of the loop, handed to everyone who asks.

use std::time::{Duration, Instant};

/// The two times of one turn of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For measuring: monotonic, meaningless outside this process.
    pub mono: Instant,
    /// For log lines and expiry dates: milliseconds since the Unix epoch; may jump.
    pub unix_ms: u64,
}

impl Now {
    /// The same moment, `after` later on both clocks.
    #[must_use]
    pub fn later(self, after: Duration) -> Self {
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        Self { mono: self.mono + after, unix_ms: self.unix_ms.saturating_add(after_ms) }
    }
}
