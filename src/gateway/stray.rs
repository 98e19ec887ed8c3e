// SPDX-License-Identifier: MIT
//! Messages that say not which call they belong to, after a call was given up.
//!
//! On stdio a log message or a question names no call. It is taken for the only call under way; but
//! a server may still speak for the sake of one that its client has left, or that took too long.
//! Behind a backend of many clients that would tell one of them what is another's.

use std::time::Duration;

use super::Gateway;
use super::alarm::Alarm;
use super::backend::Backend;
use super::call::Call;
use super::exchange::park::may_ask_in_vain;
use crate::base::Key;

/// How long a backend may go on answering what was given up.
pub(crate) const LATE_AFTER_MAX: Duration = Duration::from_secs(60);

impl Gateway {
    /// Whether a child of a pool may still ask for the sake of a call that was given up.
    pub(crate) fn may_ask_for_another(&self, key: Key<Backend>) -> bool {
        self.is_doubted(key) || self.calls.of(key).any(|(_, call)| may_ask_in_vain(call))
    }

    /// Whether a backend may be working for somebody who waits no more and is not remembered.
    pub(crate) fn is_doubted(&self, backend: Key<Backend>) -> bool {
        let until = self.backends.get(backend).and_then(|backend| backend.doubted_until);
        until.is_some_and(|until| until > self.now.mono)
    }

    /// A call is forgotten whose answer may still come.
    pub(crate) fn doubt_after(&mut self, key: Key<Call>) {
        let until = self.now.mono + LATE_AFTER_MAX;
        let Some(call) = self.calls.get(key).filter(|call| !call.is_never_sent) else { return };
        let wants_logs = call.wants_logs;
        if let Some(backend) = self.backends.get_mut(call.backend) {
            backend.doubted_until = Some(until);
            if wants_logs {
                backend.logs_doubted_until = Some(until);
            }
        }
    }

    /// A backend reports progress of what nobody remembers: what was given up is still under way.
    pub(crate) fn doubt_longer(&mut self, backend: Key<Backend>) {
        let until = Some(self.now.mono + LATE_AFTER_MAX);
        let Some(backend) = self.backends.get_mut(backend) else { return };
        for doubted in [&mut backend.doubted_until, &mut backend.logs_doubted_until] {
            if doubted.is_some() {
                *doubted = until;
            }
        }
    }

    /// The same of one that may log for somebody: servers may not for calls that wanted no logs.
    pub(crate) fn is_doubted_to_log(&self, backend: Key<Backend>) -> bool {
        let until = self.backends.get(backend).and_then(|backend| backend.logs_doubted_until);
        let logs = |call: &Call| call.wants_logs && call.cancelled;
        until.is_some_and(|until| until > self.now.mono)
            || self.calls.of(backend).any(|(_, call)| logs(call))
    }

    /// The answer to a cancelled call may be on its way, or never come: it is not known for longer
    /// than it takes to tell a late answer from one that nobody has asked for.
    pub(crate) fn wait_for_late_answer(&mut self, key: Key<Call>) {
        let at = self.now.mono + LATE_AFTER_MAX;
        let Some(call) = self.calls.get_mut(key) else { return };
        call.deadline = call.deadline.min(at);
        self.alarms.set(Alarm::Calls, at);
    }
}
