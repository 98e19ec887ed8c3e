// SPDX-License-Identifier: MIT
//! The bounds of one gateway, divided among several that are one.

use super::Limits;

impl Limits {
    /// What each of `n` shards may have, so that all together have hardly more than one would:
    /// connections, exchanges, sessions, calls that wait for their client, kept answers and idle
    /// connections to backends are divided, and at least one of each is left. Everything else is
    /// a bound on one message, one session or one backend, or on what the main shard alone has.
    #[must_use]
    pub fn share(self, n: usize) -> Self {
        let part = |whole: usize| whole.div_ceil(n.max(1));
        let exchanges_max = part(self.exchanges_max);
        Self {
            peers_max: part(self.peers_max),
            peers_per_address_max: part(self.peers_per_address_max),
            exchanges_max,
            exchanges_per_session_max: self.exchanges_per_session_max.min(exchanges_max),
            sessions_max: part(self.sessions_max),
            parked_calls_max: part(self.parked_calls_max),
            parked_calls_per_principal_max: part(self.parked_calls_per_principal_max),
            cache_entries_max: part(self.cache_entries_max),
            cache_bytes_max: part(self.cache_bytes_max),
            idle_connections_max: part(self.idle_connections_max),
            ..self
        }
        .checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_shard_has_everything() {
        assert_eq!(Limits::DEFAULT.share(1), Limits::DEFAULT);
        assert_eq!(Limits::DEFAULT.share(0), Limits::DEFAULT);
    }

    #[test]
    fn every_share_is_one_that_a_gateway_can_run_with() {
        for limits in [Limits::DEFAULT, Limits::TEST_MIN] {
            for n in 1..=64 {
                let share = limits.share(n);
                assert!(share.peers_max * n >= limits.peers_max);
                assert!(share.sessions_max > 0 && share.exchanges_max > 0);
            }
        }
    }
}
