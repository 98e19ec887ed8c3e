// SPDX-License-Identifier: MIT
//! What becomes of requests to servers, for those who count them.
//!
//! Most ends are told with the answer; the others are told here, since no log speaks of them.

use super::Gateway;
use super::call::Call;
use super::fault::{BackendFault, BackendFaultKind, Fault};
use super::io::EventKind;
use super::snapshot::ServerId;
use crate::base::Key;
use crate::wire::jsonrpc::Envelope;

/// What became of a request to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// It was answered.
    Ok,
    /// It was answered with an error, or failed.
    Error,
    /// Its client may not have it.
    Denied,
    /// There was no answer in time.
    TimedOut,
    /// Its client has given it up.
    Cancelled,
}

impl CallEnd {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 5] =
        [Self::Ok, Self::Error, Self::Denied, Self::TimedOut, Self::Cancelled];

    pub(super) const fn of_answer(call: &Call, answer: &Envelope) -> Self {
        match answer.error {
            _ if call.cancelled => Self::Cancelled,
            Some(_) => Self::Error,
            None => Self::Ok,
        }
    }

    pub(super) const fn of_fault(call: &Call, fault: &Fault) -> Self {
        match fault {
            _ if call.cancelled => Self::Cancelled,
            Fault::Backend(BackendFault { kind: BackendFaultKind::TimedOut, .. }) => Self::TimedOut,
            _ => Self::Error,
        }
    }
}

impl Gateway {
    /// A request is denied; `is_call`: it is the call of a tool that no server has seen.
    pub(super) fn count_denial(&mut self, server: ServerId, is_call: bool) {
        self.emit(Some(server), EventKind::Ended { end: CallEnd::Denied, is_call });
    }

    /// A call is about to be forgotten, and of its answer nobody will hear.
    pub(super) fn count_given_up(&mut self, key: Key<Call>) {
        let Some(call) = self.calls.get(key) else { return };
        if call.tool.is_none() || call.is_never_sent || call.cancelled {
            return;
        }
        let server = self.backends.get(call.backend).map(|backend| backend.server);
        self.emit(server, EventKind::Ended { end: CallEnd::Cancelled, is_call: true });
    }
}
