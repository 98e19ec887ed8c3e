// SPDX-License-Identifier: MIT
//! What a worker does of a judgement at a time: a step of the guard, and what follows from its
//! labels for an answer.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::deny::Denial;
use crate::base::{Message, Now};
use crate::gateway::snapshot::ServerId;
use crate::gateway::work::Work;
use crate::policy::guard::records::Filtered;
use crate::policy::guard::{
    Findings, GuardError, Labelled, Labels, Met, Mode, Need, Step, github, wasm,
};
use crate::wire::json::repeated;
use crate::wire::json::tree::TREE_DEPTH_MAX;

/// How errors begin while a module is told its policy.
pub(super) const INTRODUCTION: &str = "guard session initialization failed: LabelAgent failed: ";

/// What a guard is asked.
#[derive(Debug)]
pub enum Asking {
    /// What a call is about; its request, until that has been looked through.
    Call(Option<Message>),
    /// What its answer holds.
    Answer(Box<AnswerCase>),
}

/// An answer, and who wants to see it.
#[derive(Debug)]
pub struct AnswerCase {
    /// The result of the call, as JSON.
    pub result: Message,
    /// What the guard has said of the call.
    pub labelled: Labelled,
    /// What the agent carried when the answer came.
    pub agent: Labels,
    /// What it is called.
    pub agent_name: Box<str>,
    /// What happens where labels do not fit.
    pub mode: Mode,
    /// Whether the reference's holes are kept open.
    pub compat: bool,
    /// Whether what would be withheld is only written down.
    pub shadow: bool,
    /// The tool, for what the notice says.
    pub tool: Arc<str>,
}

/// How far a piece has come.
#[derive(Debug)]
pub enum Reached {
    /// The guard needs to know this.
    Needs(Need),
    /// It has more to do.
    More,
    /// The labels of the call.
    Labelled(Labelled),
    /// What may be seen of the answer.
    Verdict(Box<Verdict>),
    /// There are no labels.
    Failed(GuardError),
    /// The guard is not even asked.
    Refused(Denial),
}

/// What becomes of an answer.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Nothing of it is shown, but this.
    pub denial: Option<Denial>,
    /// What is shown instead; `None`: all of it.
    pub result: Option<Vec<u8>>,
    /// What was removed, as far as it is told one by one.
    pub filtered: Vec<Filtered>,
    /// How many items were judged.
    pub n_items: usize,
    /// How many items were removed.
    pub n_filtered: usize,
    /// What the agent is shown.
    pub kept: Vec<Labels>,
    /// Whether it carries the labels of that from now on.
    pub accumulates: bool,
    /// Whether all this was only written down.
    pub shadow: bool,
    /// What the agent carried when this was decided.
    pub agent: Labels,
}

/// A guard at work.
pub enum Running {
    /// The one for GitHub.
    GitHub(Box<github::Run>),
    /// A module.
    Wasm(Box<Module>),
}

/// A module at work: it is told its policy before it is asked anything.
pub struct Module {
    module: Arc<wasm::Module>,
    /// The instance while it does not run.
    pub instance: Option<wasm::Instance>,
    /// What `label_agent` is told, unless the instance knows.
    pub policy: Option<Message>,
    /// What it is asked then.
    question: Option<wasm::Question>,
    /// What is under way.
    run: Option<wasm::Run>,
    /// What it said of the agent.
    pub agent: Option<wasm::AgentLabels>,
    left_logs: Vec<(u32, String)>,
    seed: [u8; 32],
    now: Now,
}

/// A judgement in the hands of a worker.
pub struct Piece {
    server: ServerId,
    running: Running,
    asking: Asking,
    met: Option<Met>,
    /// How far it has come.
    pub reached: Reached,
    /// What the guard has said while it worked.
    pub logs: Vec<(u32, String)>,
}

enum Said {
    Labelled(Labelled),
    Findings(Findings),
}

impl Piece {
    /// A judgement that begins.
    #[must_use]
    pub const fn new(server: ServerId, running: Running, asking: Asking) -> Self {
        Self { server, running, asking, met: None, reached: Reached::More, logs: Vec::new() }
    }

    /// A guard that is only told its policy, and so gives labels to agents before it judges.
    #[must_use]
    pub const fn only_begins(server: ServerId, running: Running) -> Self {
        Self::new(server, running, Asking::Call(None))
    }

    /// Whether the guard has been told its policy.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        match &self.running {
            Running::GitHub(_) => true,
            Running::Wasm(module) => module.policy.is_none(),
        }
    }

    /// Whose guard it is.
    #[must_use]
    pub const fn server(&self) -> ServerId {
        self.server
    }

    /// What the guard waited for has come, or never will.
    pub fn is_met(&mut self, met: Met) {
        self.met = Some(met);
    }

    /// The guard, which may be used again.
    #[must_use]
    pub fn into_running(self) -> Running {
        self.running
    }

    /// Why the guard and the server could take a call for another one: of two members with one name
    /// each might read its own.
    fn doubt(&mut self) -> Option<Denial> {
        let Asking::Call(request) = &mut self.asking else { return None };
        let request = request.take()?;
        let reason = match repeated(&request, TREE_DEPTH_MAX) {
            Ok(None) => return None,
            Ok(Some(name)) => format!(
                "The request has two members named \"{name}\", of which its guard and its server \
                 could each read another one."
            ),
            Err(error) => format!("The request cannot be read as a whole: {error}."),
        };
        Some(Denial::new("guard.arguments", &reason, "requests with each name once"))
    }

    fn guard_step(&mut self) -> Step<Said> {
        let met = self.met.take();
        match &mut self.running {
            Running::GitHub(run) => match run.step(met) {
                Step::Done(outcome) => Step::Done(outcome.map(|outcome| match outcome {
                    github::Outcome::Labelled(labelled) => Said::Labelled(run.meant(labelled)),
                    github::Outcome::Findings(findings) => Said::Findings(findings),
                })),
                Step::Needs(need) => Step::Needs(need),
                Step::Yields => Step::Yields,
            },
            Running::Wasm(module) => {
                let step = module.step(met);
                self.logs.extend(module.logs());
                step
            }
        }
    }
}

impl Module {
    /// A module that is asked `question`, by a new instance if there is none; `None`: nothing but
    /// its policy. `seed` is all the randomness that this gets.
    #[must_use]
    pub fn new(
        module: Arc<wasm::Module>,
        instance: Option<wasm::Instance>,
        policy: Option<Message>,
        question: Option<wasm::Question>,
        (seed, now): ([u8; 32], Now),
    ) -> Self {
        let left_logs = Vec::new();
        Self { module, instance, policy, question, run: None, agent: None, left_logs, seed, now }
    }

    /// What goes wrong while it is told its policy is another failure than a wrong label.
    fn failed(&self, error: GuardError) -> Step<Said> {
        if self.policy.is_none() {
            return Step::Done(Err(error));
        }
        let text = format!("{INTRODUCTION}{}", error.text).into();
        Step::Done(Err(GuardError { text, ..error }))
    }

    /// One slice of what is to be done: the instance, its policy, the question.
    fn step(&mut self, met: Option<Met>) -> Step<Said> {
        if self.run.is_none()
            && let Err(error) = self.begin()
        {
            return self.failed(error);
        }
        let Some(run) = &mut self.run else {
            return Step::Done(Err(GuardError::new("the guard has nothing to do")));
        };
        match run.step(met) {
            Step::Needs(need) => Step::Needs(need),
            Step::Yields => Step::Yields,
            Step::Done(outcome) => {
                self.keep_instance();
                match outcome {
                    Err(error) => self.failed(error),
                    Ok(wasm::Outcome::Labelled(labelled)) => {
                        Step::Done(Ok(Said::Labelled(labelled)))
                    }
                    Ok(wasm::Outcome::Findings(findings)) => {
                        Step::Done(Ok(Said::Findings(findings)))
                    }
                    Ok(wasm::Outcome::Agent(agent)) => {
                        self.agent = Some(agent);
                        self.policy = None;
                        Step::Yields
                    }
                }
            }
        }
    }

    fn begin(&mut self) -> Result<(), GuardError> {
        let instance = match self.instance.take() {
            Some(instance) => instance,
            None => wasm::Instance::new(&self.module, self.seed)?,
        };
        let question = match &self.policy {
            Some(policy) => wasm::Question::Agent { policy: policy.clone() },
            None => match self.question.take() {
                Some(question) => question,
                None => return Err(GuardError::new("the guard was asked nothing")),
            },
        };
        self.run = Some(wasm::Run::new(instance, question, self.now));
        Ok(())
    }

    fn keep_instance(&mut self) {
        let Some(mut run) = self.run.take() else { return };
        self.left_logs = run.logs();
        self.instance = run.into_instance();
    }

    fn logs(&mut self) -> Vec<(u32, String)> {
        let mut logs = std::mem::take(&mut self.left_logs);
        if let Some(run) = &mut self.run {
            logs.extend(run.logs());
        }
        logs
    }
}

impl Work for Piece {
    fn step(&mut self) {
        if let Some(denial) = self.doubt() {
            self.reached = Reached::Refused(denial);
            return;
        }
        self.reached = match self.guard_step() {
            Step::Needs(need) => Reached::Needs(need),
            Step::Yields => Reached::More,
            Step::Done(Err(error)) => Reached::Failed(error),
            Step::Done(Ok(Said::Labelled(labelled))) => Reached::Labelled(labelled),
            Step::Done(Ok(Said::Findings(findings))) => match &self.asking {
                Asking::Call(_) => {
                    Reached::Failed(GuardError::new("the guard has answered another question"))
                }
                Asking::Answer(case) => match case.verdict(&findings) {
                    Ok(verdict) => {
                        let agent = case.agent.clone();
                        Reached::Verdict(Box::new(Verdict { agent, ..verdict }))
                    }
                    Err(text) => Reached::Failed(GuardError::new(text)),
                },
            },
        };
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece")
            .field("server", &self.server)
            .field("reached", &self.reached)
            .finish_non_exhaustive()
    }
}
