// SPDX-License-Identifier: MIT
//! One judgement under way: from a question to what the guard says, in slices.

use wasmi::Func;

use super::abi::{self, Asked};
use super::attempt::{Attempt, Failure, Progress, Verdict};
use super::instance::Instance;
use super::{Outcome, Question};
use crate::base::Now;
use crate::policy::guard::{GuardError, Met, Step};

/// One call under way. It owns the instance and gives it back at the end, unless that is dead.
pub struct Run {
    instance: Instance,
    asked: Asked,
    input: Vec<u8>,
    /// Why the guard cannot be asked this.
    refused: Option<GuardError>,
    func: Func,
    attempt: Option<Attempt>,
    n_attempts: u32,
    fuel_spent: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is something to do.
    Open,
    /// It is over, and the instance can be used again.
    Over,
    /// It is over, and so is the instance.
    Dead,
}

impl Run {
    /// A judgement that begins at `now`. Nothing runs before the first step.
    #[must_use]
    pub fn new(mut instance: Instance, question: Question, now: Now) -> Self {
        instance.store.data_mut().begin(now.unix_ms);
        let (asked, input) = abi::input(&question);
        let refused = abi::check(&question).and_then(|()| check(&instance, &input)).err();
        let functions = &instance.functions;
        let func = match asked {
            Asked::Agent => functions.label_agent,
            Asked::Resource => functions.label_resource,
            Asked::Response => functions.label_response,
        };
        let (attempt, state) = (None, State::Open);
        let (n_attempts, fuel_spent) = (0, 0);
        Self { instance, asked, input, refused, func, attempt, n_attempts, fuel_spent, state }
    }

    /// Runs for at most one slice: first with `None`, after [`Step::Needs`] with the answer.
    ///
    /// To give up, drop it; the instance goes with it.
    pub fn step(&mut self, met: Option<Met>) -> Step<Outcome> {
        if self.state != State::Open {
            return Step::Done(Err(GuardError::new("this judgement is over")));
        }
        let step = match self.check() {
            Ok(()) => self.slice(met),
            Err(error) => Step::Done(Err(error)),
        };
        match step {
            Step::Done(output) => {
                let is_fatal = output.as_ref().is_err_and(|error| error.is_fatal);
                let is_over = self.state == State::Open && !is_fatal;
                self.state = if is_over { State::Over } else { State::Dead };
                Step::Done(output.and_then(|output| abi::outcome(self.asked, &output)))
            }
            Step::Needs(need) => Step::Needs(need),
            Step::Yields => Step::Yields,
        }
    }

    /// What the guard has logged since the last call: levels from 0 (debug) to 3 (error).
    pub fn logs(&mut self) -> Vec<(u32, String)> {
        self.instance.store.data_mut().log.take()
    }

    /// The work that it has taken so far, in units of the interpreter.
    #[must_use]
    pub const fn fuel_spent(&self) -> u64 {
        self.fuel_spent
    }

    /// The instance for the next judgement; `None` if it was stopped in the middle or has died.
    #[must_use]
    pub fn into_instance(self) -> Option<Instance> {
        (self.state == State::Over).then_some(self.instance)
    }

    fn check(&self) -> Result<(), GuardError> {
        if let Some(error) = &self.refused {
            return Err(error.clone());
        }
        if self.fuel_spent >= self.instance.store.data().limits.judgement_fuel_max {
            return Err(GuardError { text: "guard used up its time".into(), is_fatal: true });
        }
        Ok(())
    }

    /// One slice of work, in stretches after each of which our own stack is empty again.
    fn slice(&mut self, mut met: Option<Met>) -> Step<Vec<u8>> {
        let limits = self.instance.store.data().limits;
        let before = self.fuel_spent;
        loop {
            let step = self.stretch(limits.stack_fuel, met.take());
            let spent = self.fuel_spent - before;
            if step != Step::Yields
                || spent >= limits.slice_fuel
                || self.fuel_spent >= limits.judgement_fuel_max
            {
                return step;
            }
        }
    }

    /// Work for so much fuel, and its price.
    fn stretch(&mut self, granted: u64, met: Option<Met>) -> Step<Vec<u8>> {
        if let Err(error) = self.instance.store.set_fuel(granted) {
            return Step::Done(Err(GuardError::new(error.to_string())));
        }
        let step = self.work(met);
        let left = self.instance.store.get_fuel().unwrap_or(0);
        let owed = std::mem::take(&mut self.instance.store.data_mut().owed);
        // What is left of a stretch that did not suffice is lost, so that every one counts.
        let used = if step == Step::Yields { granted } else { granted.saturating_sub(left) };
        self.fuel_spent = self.fuel_spent.saturating_add(used).saturating_add(owed);
        step
    }

    fn work(&mut self, mut met: Option<Met>) -> Step<Vec<u8>> {
        loop {
            let mut attempt = self.attempt.take().unwrap_or_else(|| {
                Attempt::new(self.func, self.instance.store.data().limits.output_bytes_first)
            });
            let progress = attempt.work(&mut self.instance, &self.input, met.take());
            match progress {
                Progress::Over { verdict, is_alive } => {
                    match self.conclude(&attempt, verdict, is_alive) {
                        Ok(again) => self.attempt = Some(again),
                        Err(output) => return Step::Done(output),
                    }
                }
                Progress::Needs(need) => {
                    self.attempt = Some(attempt);
                    return Step::Needs(need);
                }
                Progress::Yields => {
                    self.attempt = Some(attempt);
                    return Step::Yields;
                }
            }
        }
    }

    /// After an attempt: the next one, with more room, or the end.
    fn conclude(
        &mut self,
        attempt: &Attempt,
        verdict: Verdict,
        is_alive: bool,
    ) -> Result<Attempt, Result<Vec<u8>, GuardError>> {
        if !is_alive {
            self.state = State::Dead;
        }
        let hint = match verdict {
            Ok(output) => return Err(Ok(output)),
            Err(Failure::Error(error)) => return Err(Err(error)),
            Err(Failure::Small(hint)) => hint,
        };
        let limits = &self.instance.store.data().limits;
        let (size, max) = (
            hint.unwrap_or_else(|| attempt.output_len().saturating_mul(2)),
            limits.output_bytes_max,
        );
        self.n_attempts += 1;
        let n = self.n_attempts;
        let text = if size > max {
            format!("guard requires buffer of {size} bytes which exceeds maximum of {max} bytes")
        } else if n >= limits.output_attempts_max {
            format!("failed after {n} attempts, buffer size {size} still insufficient")
        } else if !is_alive {
            "WASM guard died when it was asked to free its buffer".to_owned()
        } else {
            return Ok(Attempt::new(self.func, size));
        };
        Err(Err(GuardError { text: text.into(), is_fatal: !is_alive }))
    }
}

/// What can be said of an input without asking the guard.
fn check(instance: &Instance, input: &[u8]) -> Result<(), GuardError> {
    let (len, max) = (input.len(), instance.store.data().limits.input_bytes_max);
    if len > max {
        return Err(GuardError::new(format!("input too large: {len} bytes (max {max})")));
    }
    if instance.memory().is_none() {
        return Err(GuardError::new("WASM module has no memory"));
    }
    Ok(())
}
