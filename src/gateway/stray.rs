// SPDX-License-Identifier: MIT
//! Messages that say not which call they belong to, after a call was given up.
//!
//! On stdio a log message or a question names no call. It is taken for the only call under way; but
//! a server may still speak for the sake of one that its client has left, or that took too long.
//! Behind a backend of many clients that would tell one of them what is another's.

use std::time::Duration;

use super::Gateway;
use super::backend::{Backend, Link, Owner};
use super::call::Call;
use super::session::Session;
use crate::base::Key;
use crate::mcp::method::Method;

/// How long a server may go on to speak of a call that it was never heard to answer.
const STRAY_FOR: Duration = Duration::from_secs(600);

impl Gateway {
    /// Whether what `backend` says without naming a call may be about one that was given up, and
    /// so for somebody else.
    pub(crate) fn may_stray(&self, key: Key<Backend>) -> bool {
        let Some(backend) = self.backends.get(key) else { return false };
        if let Owner::Session(session) = backend.owner
            && !self.sessions.get(session).is_some_and(Session::is_pooled)
        {
            return false;
        }
        let may_speak = |call: &Call| {
            call.cancelled && !call.is_never_sent && call.method != Method::Initialize
        };
        backend.strays_until.is_some_and(|until| self.now.mono < until)
            || self.calls.of(key).any(|(_, call)| may_speak(call))
    }

    /// A call is forgotten that its server has not answered.
    pub(crate) fn note_stray(&mut self, call: Key<Call>) {
        let until = self.now.mono + STRAY_FOR;
        let Some(call) = self.calls.get(call) else { return };
        if let Some(backend) = self.backends.get_mut(call.backend)
            && !call.is_never_sent
            && !matches!(backend.link, Link::Http(_))
        {
            backend.strays_until = Some(until);
        }
    }
}
