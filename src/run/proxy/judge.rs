// SPDX-License-Identifier: MIT
//! Guards on a thread of their own caller: a question goes in, and what the guard needs to know is
//! asked for on the way.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::Message;
use crate::policy::guard::{
    Findings, GuardError, Labelled, Labels, Met, Mode, NEEDS_MAX, Need, Step, github, wasm,
};
use crate::run::read_clock;

/// How long one judgement may take, what it asks for included; beyond: it has failed.
const JUDGED_AFTER_MAX: Duration = Duration::from_secs(60);

/// What a guard gives to whoever asks.
#[derive(Clone, Debug)]
pub struct Introduced {
    /// What the agent carries.
    pub labels: Labels,
    /// What happens where labels do not fit.
    pub mode: Mode,
}

/// Who labels.
pub enum Guard {
    /// The guard that is built in.
    GitHub(Arc<github::Policy>),
    /// A module.
    Wasm(Module),
}

/// A module and its instances.
pub struct Module {
    module: Arc<wasm::Module>,
    /// What every instance is told first.
    policy: Message,
    instances_max: usize,
    pool: Mutex<Pool>,
    /// An instance has come back.
    is_back: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<wasm::Instance>,
    /// How many there are, at work ones included.
    n: usize,
}

/// A call in the words of guards: a tool and its arguments as JSON.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The tool.
    pub tool: &'a str,
    /// Its arguments.
    pub args: &'a Message,
}

/// Answers what a guard needs.
pub type Answers<'a> = &'a dyn Fn(&Need) -> Met;

impl Guard {
    /// The module with this policy, and what it gives to agents.
    ///
    /// # Errors
    ///
    /// It refuses the policy, or fails.
    pub fn module(
        module: Arc<wasm::Module>,
        policy: Message,
        instances_max: usize,
    ) -> Result<(Self, Introduced), GuardError> {
        let (pool, is_back) = (Mutex::default(), Condvar::new());
        let module = Module { module, policy, instances_max, pool, is_back };
        let (instance, said) = module.new_instance()?;
        let agent = Introduced { labels: said.labels, mode: said.mode };
        module.lock().n = 1;
        module.give_back(Some(instance));
        Ok((Self::Wasm(module), agent))
    }

    /// What a call is about.
    ///
    /// # Errors
    ///
    /// The guard has failed: nothing may pass.
    pub fn label(&self, asked: Asked<'_>, answers: Answers<'_>) -> Result<Labelled, GuardError> {
        let (tool, args) = (asked.tool, asked.args.clone());
        match self {
            Self::GitHub(policy) => {
                let mut run = github::Run::resource(Arc::clone(policy), tool, args);
                match drive(|met| run.step(met), answers)? {
                    github::Outcome::Labelled(labelled) => Ok(run.meant(labelled)),
                    github::Outcome::Findings(_) => Err(another()),
                }
            }
            Self::Wasm(module) => {
                let tool = tool.into();
                match module.ask(wasm::Question::Resource { tool, args }, answers)? {
                    wasm::Outcome::Labelled(labelled) => Ok(labelled),
                    _ => Err(another()),
                }
            }
        }
    }

    /// What the `result` of a call holds.
    ///
    /// # Errors
    ///
    /// The guard has failed: nothing may pass.
    pub fn findings(
        &self,
        asked: Asked<'_>,
        result: Message,
        answers: Answers<'_>,
    ) -> Result<Findings, GuardError> {
        let (tool, args) = (asked.tool, asked.args.clone());
        match self {
            Self::GitHub(policy) => {
                let mut run = github::Run::response(Arc::clone(policy), tool, args, result);
                match drive(|met| run.step(met), answers)? {
                    github::Outcome::Findings(findings) => Ok(findings),
                    github::Outcome::Labelled(_) => Err(another()),
                }
            }
            Self::Wasm(module) => {
                let tool = tool.into();
                match module.ask(wasm::Question::Response { tool, args, result }, answers)? {
                    wasm::Outcome::Findings(findings) => Ok(findings),
                    _ => Err(another()),
                }
            }
        }
    }
}

fn another() -> GuardError {
    GuardError::new("the guard has answered another question")
}

/// Steps until it is over; what is needed is asked for, up to a number and a time.
fn drive<T>(
    mut step: impl FnMut(Option<Met>) -> Step<T>,
    answers: Answers<'_>,
) -> Result<T, GuardError> {
    let until = Instant::now() + JUDGED_AFTER_MAX;
    let (mut met, mut n_needs) = (None, 0);
    loop {
        match step(met.take()) {
            Step::Done(outcome) => return outcome,
            Step::Needs(need) => {
                n_needs += 1;
                met = Some(if n_needs <= NEEDS_MAX { answers(&need) } else { None });
            }
            Step::Yields => {}
        }
        if Instant::now() > until {
            return Err(GuardError::new("the guard takes too long"));
        }
    }
}

impl Module {
    fn lock(&self) -> std::sync::MutexGuard<'_, Pool> {
        // A panic elsewhere leaves the pool as it was: each step of it is one assignment.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(
        &self,
        question: wasm::Question,
        answers: Answers<'_>,
    ) -> Result<wasm::Outcome, GuardError> {
        let mut place = Place { module: self, instance: None };
        let instance = match self.take()? {
            Some(instance) => instance,
            None => self.new_instance()?.0,
        };
        let mut run = wasm::Run::new(instance, question, read_clock());
        let outcome = drive(|met| run.step(met), answers);
        place.instance = run.into_instance();
        outcome
    }

    /// An idle instance; `None`: there is room for a new one, which counts from now on.
    fn take(&self) -> Result<Option<wasm::Instance>, GuardError> {
        let until = Instant::now() + JUDGED_AFTER_MAX;
        let mut pool = self.lock();
        loop {
            if let Some(instance) = pool.idle.pop() {
                return Ok(Some(instance));
            }
            if pool.n < self.instances_max {
                pool.n += 1;
                return Ok(None);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Whoever is given back by the place of this call was never taken.
                pool.n += 1;
                return Err(GuardError::new("all instances of the guard are at work"));
            }
            let waited = self.is_back.wait_timeout(pool, left);
            pool = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn give_back(&self, instance: Option<wasm::Instance>) {
        let mut pool = self.lock();
        match instance {
            Some(instance) => pool.idle.push(instance),
            None => pool.n -= 1,
        }
        drop(pool);
        self.is_back.notify_one();
    }

    /// An instance that knows its policy.
    fn new_instance(&self) -> Result<(wasm::Instance, wasm::AgentLabels), GuardError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| GuardError::new(error.to_string()))?;
        let instance = wasm::Instance::new(&self.module, seed)?;
        let question = wasm::Question::Agent { policy: self.policy.clone() };
        let mut run = wasm::Run::new(instance, question, read_clock());
        match drive(|met| run.step(met), &|_| None)? {
            wasm::Outcome::Agent(agent) => match run.into_instance() {
                Some(instance) => Ok((instance, agent)),
                None => Err(GuardError::new("the guard cannot be used again")),
            },
            _ => Err(another()),
        }
    }
}

/// One of the instances that may be at work, given back whatever happens.
struct Place<'m> {
    module: &'m Module,
    instance: Option<wasm::Instance>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.module.give_back(self.instance.take());
    }
}
