// SPDX-License-Identifier: MIT
//! The guard for GitHub's own MCP server: what a call is about, and what its answer holds, in
//! labels.
//!
//! ```text
//!  tool, arguments ──> tools: which rule ──> resource: labels of the call
//!  result ──> answer: lists, single things, all else ──> labels of each item
//!                                    │
//!                    facts: is it private, who wrote it, what may they do? ──> Need
//! ```
//!
//! A judgement is a function of the call, the answer and the facts. If a fact is missing, it stops
//! there and says what it needs; items that were judged before are not judged again.

pub mod level;
mod policy;
mod scope;

use std::sync::Arc;

pub use policy::{AgentLabels, Normalized, Options, Policy};

use super::{Findings, GuardError, Labelled, Met, Step};
use crate::base::Message;

/// What a judgement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Of a call.
    Labelled(Labelled),
    /// Of its answer.
    Findings(Findings),
}

/// One judgement under way.
#[derive(Debug)]
pub struct Run {
    policy: Arc<Policy>,
    tool: Box<str>,
    args: Message,
    result: Option<Message>,
}

impl Run {
    /// Judges a call; `args` is JSON text.
    #[must_use]
    pub fn resource(policy: Arc<Policy>, tool: &str, args: Message) -> Self {
        Self { policy, tool: tool.into(), args, result: None }
    }

    /// Judges the answer to a call; `result` is that of `tools/call` as JSON text.
    #[must_use]
    pub fn response(policy: Arc<Policy>, tool: &str, args: Message, result: Message) -> Self {
        Self { policy, tool: tool.into(), args, result: Some(result) }
    }

    /// Goes on: first with nothing, and after a need with what came of it.
    pub fn step(&mut self, met: Option<Met>) -> Step<Outcome> {
        let _ = (met, &self.policy, &self.tool, &self.args, &self.result);
        Step::Done(Err(GuardError::new("the GitHub guard is not complete")))
    }
}
