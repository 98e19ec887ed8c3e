// SPDX-License-Identifier: MIT
//! What clients are told of a backend that the gateway has opened itself: in the words of their
//! era, from what it said in its own.

use super::Backend;
use crate::base::Key;
use crate::gateway::Gateway;
use crate::gateway::call::{Call, CallFor};
use crate::gateway::exchange::Exchange;
use crate::mcp::method::Method;
use crate::mcp::{Era, legacy, modern};

impl Gateway {
    /// Answers a client's `initialize` from the backend's handshake, now or when it is there.
    pub(crate) fn greet_or_wait(&mut self, key: Key<Backend>, call: Key<Call>) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        if backend.era == Era::Modern {
            return self.greet_from_discovery(key, call);
        }
        let Some(handshake) = backend.handshake.clone() else {
            backend.greetings.push(call);
            return;
        };
        if self.calls.get(call).is_some_and(|call| call.method == Method::Listen) {
            return self.begin_listening(key, call);
        }
        let Some(call) = self.calls.remove(call) else { return };
        let CallFor::Exchange(exchange) = call.whom else { return };
        if call.method == Method::Discover {
            let answer = modern::discover_result(&call.id, &handshake).into();
            let answer = self.with_tasks(&call, exchange, answer);
            return self.deliver(exchange, answer);
        }
        let mut agreed = handshake.revision;
        if let Some(session) = self.session_of(exchange)
            && let Some(session) = self.sessions.get_mut(session)
        {
            // A shared backend was asked in our words; this client may speak an older revision.
            agreed = session.revision.older_of(handshake.revision);
            session.revision = agreed;
        }
        let answer = legacy::greeting(&call.id, &handshake, agreed).into();
        let answer = self.with_tasks(&call, exchange, answer);
        self.deliver(exchange, answer);
    }

    /// The same for a legacy client of a modern backend.
    fn greet_from_discovery(&mut self, key: Key<Backend>, call: Key<Call>) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        let Some(discovery) = &backend.discovery else {
            backend.greetings.push(call);
            return;
        };
        let Some(call) = self.calls.remove(call) else { return };
        let CallFor::Exchange(exchange) = call.whom else { return };
        let session = match self.exchanges.get(exchange) {
            Some(Exchange::AwaitResponse(sent)) => self.sessions.get(sent.session),
            _ => None,
        };
        let Some(session) = session else { return };
        let answer = modern::greeting(&call.id, discovery, session.revision);
        self.deliver(exchange, answer.into());
    }
}
