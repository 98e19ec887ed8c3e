// SPDX-License-Identifier: MIT
//! How much may be done: calls, bytes and time for the run, a server, a tool and an agent, and what
//! may still go to the public once private data has been read.
//!
//! ```text
//!  tools/call ──> Budgets::take ──> Ticket ──> backend ──> Budgets::settle ──> agent
//!                      └── Spent               until ─┘          └── Spent: it does not fit
//!  labels of the call ──> Flows::take ──> Spent       labels of what was read ──> Flows::note
//! ```
//!
//! A refused call takes nothing from any budget. Nothing here knows exchanges: who has a ticket
//! gives it back, whatever becomes of the call.
//!
//! *Invariant: of what was accepted, no prefix exceeds a budget.*

mod counter;
pub mod flow;
mod ledger;
mod spent;

use std::time::Duration;

pub use flow::{FlowBudget, Flows};
pub use ledger::{Budgets, Ticket};
pub use spent::{Quantity, Scope, Spent};

use crate::policy::auth::Principal;

/// What one scope may use while the gateway runs; `None`: as much as it likes, zero: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Calls that are let through.
    pub calls: Option<u64>,
    /// Bytes of the messages of calls and of their answers.
    pub bytes: Option<u64>,
    /// Wall time in which at least one call is under way.
    pub time: Option<Duration>,
    /// Calls under way at the same time.
    pub concurrent: Option<u32>,
}

impl Budget {
    /// Whether nothing is bounded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// All budgets of a configuration. The default bounds nothing and costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of everything together.
    pub run: Budget,
    /// Of servers, by name.
    pub servers: Vec<(Box<str>, Budget)>,
    /// Of tools; a call counts against all rows that mean it.
    pub tools: Vec<ToolBudget>,
    /// Of agents.
    pub agents: Vec<(Principal, Budget)>,
    /// Of each agent that has no row of its own.
    pub each_agent: Budget,
    /// To the public, after private data.
    pub flow: FlowBudget,
}

/// The budget that the tools of a pattern share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolBudget {
    /// The server that has them; `None`: any.
    pub server: Option<Box<str>>,
    /// Their names without the server's; `*` stands for any characters.
    pub pattern: Box<str>,
    /// What they may use.
    pub budget: Budget,
}

impl Limits {
    /// Whether nothing is bounded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests;
