// SPDX-License-Identifier: MIT
//! Why a budget lets a call not pass: a rule with a stable name, a sentence, and what would be
//! allowed.

use crate::wire::json::write;

/// Whose budget it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything together.
    Run,
    /// The server of this name.
    Server(Box<str>),
    /// The tools of this pattern, with the name of the tool that was called.
    Tool(Box<str>),
    /// Whoever asks.
    Agent,
    /// What goes to the public after private data was read.
    Flow,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Calls.
    Calls,
    /// Bytes, there and back.
    Bytes,
    /// Wall time, in milliseconds.
    Time,
    /// Calls at the same time.
    Concurrent,
}

impl Quantity {
    /// What the numbers of [`Spent`] are.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Calls | Self::Concurrent => "calls",
            Self::Bytes => "bytes",
            Self::Time => "ms",
        }
    }
}

/// A budget that a call does not fit into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Whose it is.
    pub scope: Scope,
    /// What of it is short.
    pub quantity: Quantity,
    /// How much there is, in [`Quantity::unit`].
    pub limit: u64,
    /// How much of it is used.
    pub used: u64,
}

impl Spent {
    /// The rule that refused, for `error.data`; it never changes its name.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        use Quantity::{Bytes, Calls, Concurrent, Time};
        match (&self.scope, self.quantity) {
            (Scope::Run, Calls) => "budget.run.calls",
            (Scope::Run, Bytes) => "budget.run.bytes",
            (Scope::Run, Time) => "budget.run.time",
            (Scope::Run, Concurrent) => "budget.run.concurrent",
            (Scope::Server(_), Calls) => "budget.server.calls",
            (Scope::Server(_), Bytes) => "budget.server.bytes",
            (Scope::Server(_), Time) => "budget.server.time",
            (Scope::Server(_), Concurrent) => "budget.server.concurrent",
            (Scope::Tool(_), Calls) => "budget.tool.calls",
            (Scope::Tool(_), Bytes) => "budget.tool.bytes",
            (Scope::Tool(_), Time) => "budget.tool.time",
            (Scope::Tool(_), Concurrent) => "budget.tool.concurrent",
            (Scope::Agent, Calls) => "budget.agent.calls",
            (Scope::Agent, Bytes) => "budget.agent.bytes",
            (Scope::Agent, Time) => "budget.agent.time",
            (Scope::Agent, Concurrent) => "budget.agent.concurrent",
            (Scope::Flow, Bytes) => "budget.flow.bytes",
            (Scope::Flow, _) => "budget.flow.calls",
        }
    }

    /// Whether the same call may pass later: only room that others give back comes back.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.quantity == Quantity::Concurrent && self.limit > 0
    }

    /// What is said of it; for a tool that has no calls left, in the words of the reference.
    #[must_use]
    pub fn text(&self) -> String {
        let limit = self.limit;
        if let (Scope::Tool(tool), Quantity::Calls) = (&self.scope, self.quantity) {
            return format!("tool call limit reached for \"{tool}\" (max: {limit})");
        }
        let whose = self.whose();
        match self.quantity {
            Quantity::Calls => format!("call limit reached for {whose} (max: {limit})"),
            Quantity::Bytes => {
                format!("byte limit reached for {whose} (max: {limit} bytes, used: {})", self.used)
            }
            Quantity::Time => format!("time limit reached for {whose} (max: {limit} ms)"),
            Quantity::Concurrent => {
                format!("limit of calls at the same time reached for {whose} (max: {limit})")
            }
        }
    }

    /// What would be allowed instead.
    #[must_use]
    pub fn allowed(&self) -> String {
        let left = self.limit.saturating_sub(self.used);
        match (&self.scope, self.quantity) {
            (_, Quantity::Concurrent) => {
                format!("the same call, when fewer than {} are under way", self.limit)
            }
            (Scope::Flow, Quantity::Bytes) if left > 0 => {
                format!("a write to a public place with at most {left} bytes")
            }
            (Scope::Flow, _) => "reads, and writes to places that are not public".to_owned(),
            (_, Quantity::Bytes) if left > 0 => {
                format!("a call that takes, with its answer, at most {left} bytes")
            }
            (Scope::Run, _) => "nothing more in this run".to_owned(),
            (Scope::Agent, _) => "nothing more for this agent in this run".to_owned(),
            (Scope::Server(_), _) => "calls of other servers".to_owned(),
            (Scope::Tool(_), _) => "calls of other tools".to_owned(),
        }
    }

    /// The `data` of the error: an object in JSON.
    #[must_use]
    pub fn data(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write::object(&mut out, |data| {
            data.str("rule", self.rule()).str("reason", &self.text());
            data.bool("retryable", self.is_retryable()).str("allowed", &self.allowed());
            data.u64("limit", self.limit).u64("used", self.used);
            data.str("unit", self.quantity.unit());
        });
        out
    }

    fn whose(&self) -> String {
        match &self.scope {
            Scope::Run => "this run".to_owned(),
            Scope::Server(name) => format!("server \"{name}\""),
            Scope::Tool(tool) => format!("\"{tool}\""),
            Scope::Agent => "this agent".to_owned(),
            Scope::Flow => "public writes after private data was read".to_owned(),
        }
    }
}
