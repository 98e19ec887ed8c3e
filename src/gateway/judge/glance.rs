// SPDX-License-Identifier: MIT
//! What an explanation sees of judgements, and how it begins: nothing that a client can reach.

use super::deny::Denial;
use crate::gateway::Gateway;
use crate::gateway::snapshot::ServerId;
use crate::policy::auth::Principal;
use crate::policy::guard::{Labels, Mode};

/// What a call is decided by, beside what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// What the agent is called.
    pub agent: String,
    /// What it carries now.
    pub labels: Labels,
    /// What happens where labels do not fit.
    pub mode: Mode,
}

impl Gateway {
    /// What a call of `who` at `server` is decided by now; `None`: nothing watches over the server.
    #[must_use]
    pub fn glance(&self, server: ServerId, who: Principal) -> Option<Glance> {
        let watch = self.watch_of(server)?;
        Some(Glance {
            agent: self.agent_name(who),
            labels: self.labels_of(who),
            mode: self.guard_mode(server, &watch),
        })
    }

    /// Lets an identity carry labels from the beginning.
    ///
    /// # Errors
    ///
    /// Too many identities carry labels.
    pub fn begin_with(&mut self, who: Principal, labels: &Labels) -> Result<(), Denial> {
        self.agent_is_given(who, labels)
    }
}
