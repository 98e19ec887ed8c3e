// SPDX-License-Identifier: MIT
//! What the tables of the core promise each other.

use super::Gateway;
use super::call::CallFor;
use super::exchange::Exchange;

impl Gateway {
    /// What has to hold between any two inputs; costs a walk, so it runs in tests alone.
    pub fn check_invariants(&self) {
        for (_, call) in self.calls.iter() {
            if let CallFor::Exchange(exchange) = call.whom
                && !call.cancelled
            {
                let waits =
                    matches!(self.exchanges.get(exchange), Some(Exchange::AwaitResponse(_)));
                assert!(waits, "a call waits for an exchange that is gone");
            }
            assert!(self.backends.contains(call.backend), "a call waits at a backend that is gone");
        }
        for (key, exchange) in self.exchanges.iter() {
            let Exchange::AwaitResponse(sent) = exchange else { continue };
            let calls = self.calls.iter().filter(|(_, call)| call.is_waited_for_by(key)).count();
            let calls = calls + self.n_gathering_for(key);
            assert_eq!(sent.waiting, calls, "an exchange waits for answers nobody was asked for");
        }
        self.check_passages();
        self.check_jobs();
        self.check_flights();
        self.check_needs();
        self.check_judgements();
        let limits = self.limits();
        assert!(self.parks.len() <= limits.parked_calls_max);
        let of_clients = |exchange: &Exchange| match exchange {
            Exchange::AwaitResponse(sent) => sent.part_of.is_none(),
            _ => true,
        };
        let n = self.exchanges.iter().filter(|(_, exchange)| of_clients(exchange)).count();
        assert!(n <= limits.exchanges_max);
        assert!(self.sessions.len() <= limits.sessions_max);
        for (_, session) in self.sessions.iter() {
            assert!(session.queued.len() <= limits.queued_messages_max);
            assert!(session.streams.len() <= limits.replay_streams_max + limits.exchanges_max);
        }
    }
}
