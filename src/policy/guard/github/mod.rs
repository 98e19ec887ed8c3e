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

mod answer;
mod author;
mod call;
mod facts;
mod fields;
mod fuzz;
mod git_ref;
mod item;
mod kinds;
mod level;
mod list;
mod one;
mod plain;
mod policy;
mod query;
mod resource;
mod response;
mod scope;
mod tools;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use fuzz::fuzz;
pub use plain::is_name;
pub use policy::{AgentLabels, Normalized, Options, Policy};
pub use query::place;

use self::answer::Answer;
use self::author::Bench;
use self::call::Call;
use self::facts::{Facts, Known, Question};
use self::response::Response;
use super::{Findings, GuardError, Labelled, Met, Object, Operation, Step};
use crate::base::Message;

/// What a judgement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Of a call.
    Labelled(Labelled),
    /// Of its answer.
    Findings(Findings),
}

/// Whether a tool of GitHub's server is known to change nothing.
#[must_use]
pub fn only_reads(tool: &str) -> bool {
    tools::only_reads(tool)
}

/// One judgement under way.
#[derive(Debug)]
pub struct Run {
    policy: Arc<Policy>,
    facts: Facts,
    /// What was asked last, if it has not been answered.
    asked: Option<Question>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing has been read yet.
    Fresh { tool: Box<str>, args: Message, result: Option<Message> },
    /// The call is judged, or its answer if there is one.
    Judging(Call, Option<Box<Response>>),
}

impl Run {
    /// Judges a call; `args` is JSON text.
    #[must_use]
    pub fn resource(policy: Arc<Policy>, tool: &str, args: Message) -> Self {
        Self::new(policy, Stage::Fresh { tool: tool.into(), args, result: None })
    }

    /// Judges the answer to a call; `result` is that of `tools/call` as JSON text.
    #[must_use]
    pub fn response(policy: Arc<Policy>, tool: &str, args: Message, result: Message) -> Self {
        Self::new(policy, Stage::Fresh { tool: tool.into(), args, result: Some(result) })
    }

    fn new(policy: Arc<Policy>, stage: Stage) -> Self {
        Self { policy, facts: Facts::default(), asked: None, stage }
    }

    /// Goes on: first with nothing, and after a need with what came of it.
    pub fn step(&mut self, met: Option<Met>) -> Step<Outcome> {
        if let Some(question) = self.asked.take() {
            self.facts.learn(question, met.flatten());
        }
        loop {
            match self.judge() {
                Ok(Ok(outcome)) => return Step::Done(Ok(outcome)),
                Ok(Err(question)) if self.facts.may_ask(&question) => {
                    let need = question.need();
                    self.asked = Some(question);
                    return Step::Needs(need);
                }
                Ok(Err(_)) => {}
                Err(error) => return Step::Done(Err(error)),
            }
        }
    }

    /// What counts of the labels of a call, where those of the reference say too little: what
    /// nobody knows to be a read is a write. They are kept apart, since guards are compared by
    /// them.
    #[must_use]
    pub fn meant(&self, labelled: Labelled) -> Labelled {
        let Stage::Judging(call, None) = &self.stage else { return labelled };
        let is_compat = self.policy.options.compat;
        if is_compat || labelled.operation != Operation::Read || !tools::may_write(&call.tool) {
            return labelled;
        }
        let bench = Bench { policy: &self.policy, facts: &self.facts };
        let labels = resource::as_write(bench, call).unwrap_or(labelled.object.labels);
        let object = Object { labels, ..labelled.object };
        Labelled { object, operation: Operation::Write }
    }

    fn judge(&mut self) -> Result<Known<Outcome>, GuardError> {
        if let Stage::Fresh { tool, args, result } = &mut self.stage {
            let call = Call::new(std::mem::take(tool), args, self.policy.options.compat)?;
            if !self.policy.options.compat {
                fields::check(&self.policy, &call)?;
            }
            let response = match result {
                None => None,
                Some(result) => match Answer::read(result) {
                    Ok(answer) => Some(Box::new(Response::new(answer))),
                    // The reference says nothing then, which lets it pass.
                    Err(_) if self.policy.options.compat => {
                        return Ok(Ok(Outcome::Findings(Findings::Nothing)));
                    }
                    Err(_) => return Err(GuardError::new("the answer is not JSON")),
                },
            };
            self.stage = Stage::Judging(call, response);
        }
        let bench = Bench { policy: &self.policy, facts: &self.facts };
        Ok(match &mut self.stage {
            Stage::Judging(call, Some(response)) => {
                response.judge(bench, call).map(Outcome::Findings)
            }
            Stage::Judging(call, None) => resource::label(bench, call).map(Outcome::Labelled),
            Stage::Fresh { .. } => return Err(GuardError::new("there is no call")),
        })
    }
}
