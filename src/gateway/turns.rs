// SPDX-License-Identifier: MIT
//! Who comes next at a child that serves one call at a time.
//!
//! A legacy child does not say which call its questions to the client belong to. So a call that may
//! lead to questions has a child to itself; there are only so many children, and then calls wait
//! for their turn, in the order in which they came. What waits is a call that is not sent: it can
//! be cancelled, and its time can run out.

use super::Gateway;
use super::backend::Backend;
use super::call::{Call, CallFor};
use super::exchange::Exchange;
use super::exchange::open::Incoming;
use super::session::{Pool, Session, SessionKind};
use super::snapshot::Transport;
use crate::base::Key;

impl Gateway {
    /// Whether a call that may lead to questions is under way at `backend`.
    fn is_asking(&self, backend: Key<Backend>) -> bool {
        let may_ask =
            |call: &Call| !call.is_never_sent && !call.cancelled && call.method.may_ask_for_input();
        self.calls.of(backend).any(|(_, call)| may_ask(call))
    }

    /// Whether `one` has to wait until its session's child has nothing else to do.
    pub(crate) fn has_to_wait(&self, key: Key<Session>, one: &Incoming) -> bool {
        if !one.method.may_ask_for_input() {
            return false;
        }
        let Some(session) = self.sessions.get(key) else { return false };
        let SessionKind::Pooled(pool) = &session.kind else { return false };
        let is_child = matches!(self.server(session.server).transport, Transport::Stdio(_));
        let asks = pool.capabilities.as_deref().is_some_and(|can| can != b"{}");
        is_child && asks && self.is_asking(session.backend)
    }

    /// Lets `one` wait for its turn.
    pub(crate) fn wait_for_turn(
        &mut self,
        exchange: Key<Exchange>,
        key: Key<Session>,
        one: &Incoming,
    ) {
        let Some(call) = self.call_never_sent(exchange, key, one) else { return };
        let patience = self.sessions.get(key).map(|s| self.server(s.server).tool_timeout);
        if let (Some(call), Some(patience)) = (self.calls.get_mut(call), patience) {
            call.deadline = self.now.mono + patience;
        }
        if let Some(session) = self.sessions.get_mut(key) {
            // Those who have left meanwhile must not add up.
            session.turns.retain(|waiting| self.calls.contains(*waiting));
            session.turns.push_back(call);
        }
        if !self.turns_wait.contains(&key) {
            self.turns_wait.push(key);
        }
    }

    /// Gives every child that has become free its next call.
    pub(crate) fn give_turns(&mut self) {
        // Nearly always there is nothing to do.
        if self.turns_wait.is_empty() {
            return;
        }
        for key in std::mem::take(&mut self.turns_wait) {
            self.give_turn(key);
            let left = self.sessions.get(key).is_some_and(|session| !session.turns.is_empty());
            if left && !self.turns_wait.contains(&key) {
                self.turns_wait.push(key);
            }
        }
    }

    fn give_turn(&mut self, key: Key<Session>) {
        while let Some(session) = self.sessions.get_mut(key) {
            if session.turns.is_empty() {
                return;
            }
            let backend = session.backend;
            if self.is_asking(backend) {
                return;
            }
            let next = self.sessions.get_mut(key).and_then(|session| session.turns.pop_front());
            // Whoever was cancelled or has waited for too long is not there any more.
            let Some(call) = next.filter(|call| self.calls.contains(*call)) else { continue };
            if let Some(judging) = self.calls.get(call).and_then(|call| call.watched) {
                self.turn_has_come(judging);
                continue;
            }
            let Some(call) = self.calls.remove(call) else { continue };
            let CallFor::Exchange(exchange) = call.whom else { continue };
            if let Some(one) = self.read_again(call.request.to_message()) {
                self.send_call(exchange, key, &one);
            }
        }
    }

    /// The session of a full pool for which the fewest calls wait.
    pub(crate) fn shortest_queue(&self, pool: &Pool) -> Option<Key<Session>> {
        let all = self.sessions.pooled(pool);
        if all.len() < self.limits().pooled_children_max {
            return None;
        }
        all.iter().copied().min_by_key(|key| self.sessions.get(*key).map_or(0, |s| s.turns.len()))
    }

    /// Whether a session is free for a call that may lead to questions, and nobody has just left
    /// whose call could go on to ask some.
    pub(crate) fn is_free(&self, key: Key<Session>) -> bool {
        self.sessions.get(key).is_some_and(|session| {
            let at = session.backend;
            let is_without = session.turns.is_empty() && session.n_parked == 0;
            is_without && !self.is_asking(at) && !self.may_ask_for_another(at)
        })
    }
}
