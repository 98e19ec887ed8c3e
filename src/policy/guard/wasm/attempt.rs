// SPDX-License-Identifier: MIT
//! One attempt to get an output, with so much room for it.
//!
//! ```text
//!  alloc ──> alloc ──> label_… ──> the output is read ──> dealloc ──> dealloc
//!  input     output                                       output      input
//! ```
//!
//! Each box is a call into the guard, which may be stopped and gone on with. Without an allocator
//! there is only `label_…`, on the last bytes of the memory.

use wasmi::Func;

use super::call::{self, Stopped, Turn};
use super::host;
use super::instance::Instance;
use crate::policy::guard::{GuardError, Met, Need};

/// The code by which a guard says that its output needs more room.
const TOO_SMALL: i32 = -2;
/// What the direct path leaves between what a guard has and what it is told.
const DIRECT_GAP: usize = PAGE;
/// A page of WebAssembly, the unit in which a memory grows.
const PAGE: usize = 64 << 10;

/// An attempt under way.
pub(super) struct Attempt {
    /// The function that is asked.
    func: Func,
    input: u32,
    output: u32,
    output_len: usize,
    state: Option<State>,
}

enum State {
    Ready,
    Stopped(Stage, Stopped),
}

/// Which call into the guard it is, and what is known by then.
enum Stage {
    AllocInput,
    AllocOutput,
    Label,
    FreeOutput(Verdict),
    FreeInput(Verdict),
}

/// What an attempt has come to.
pub(super) type Verdict = Result<Vec<u8>, Failure>;

/// Why an attempt has given nothing.
pub(super) enum Failure {
    /// The output needs more room; how much, if the guard has said.
    Small(Option<usize>),
    /// There will be no output.
    Error(GuardError),
}

/// How far an attempt has come.
pub(super) enum Progress {
    /// It is over. The instance may have died when it was asked to clean up.
    Over { verdict: Verdict, is_alive: bool },
    /// The guard has asked its backend.
    Needs(Need),
    /// It is out of fuel.
    Yields,
}

/// What comes next.
enum Next {
    Call(Stage),
    Tell(Progress),
}

impl Attempt {
    /// An attempt to ask `func` with so many bytes for its output.
    pub fn new(func: Func, output_len: usize) -> Self {
        Self { func, input: 0, output: 0, output_len, state: Some(State::Ready) }
    }

    /// The room for the output.
    pub fn output_len(&self) -> usize {
        self.output_len
    }

    /// Begins, or goes on, until it is over or the guard is stopped.
    pub fn work(&mut self, instance: &mut Instance, input: &[u8], met: Option<Met>) -> Progress {
        let mut next = match self.state.take() {
            Some(State::Ready) => self.begin(instance, input),
            Some(State::Stopped(stage, stopped)) => {
                let turn = call::resume(instance, stopped, met, stage.is_silent());
                self.after(instance, stage, turn)
            }
            None => fails(GuardError::new("this attempt is over")),
        };
        loop {
            next = match next {
                Next::Call(stage) => self.call(instance, input, stage),
                Next::Tell(progress) => return progress,
            };
        }
    }

    fn begin(&mut self, instance: &mut Instance, input: &[u8]) -> Next {
        if instance.functions.allocator.is_some() {
            return Next::Call(Stage::AllocInput);
        }
        match self.lay_out(instance, input.len()) {
            Ok(()) => Next::Call(Stage::Label),
            Err(error) => fails(error),
        }
    }

    /// The direct path: the output at the end of the memory, the input right before it.
    fn lay_out(&mut self, instance: &mut Instance, input_len: usize) -> Result<(), GuardError> {
        let wanted = input_len + self.output_len + DIRECT_GAP;
        let has = instance.memory_bytes();
        if let Some(memory) = instance.memory().filter(|_| has < wanted) {
            let pages = (wanted - has).div_ceil(PAGE) as u64;
            memory.grow(&mut instance.store, pages).map_err(|_| {
                let text = format!("failed to grow WASM memory from {has} to {wanted} bytes");
                GuardError::new(text)
            })?;
        }
        self.output = (instance.memory_bytes() - self.output_len) as u32;
        self.input = self.output - input_len as u32;
        Ok(())
    }

    fn call(&mut self, instance: &mut Instance, input: &[u8], stage: Stage) -> Next {
        if matches!(stage, Stage::Label) && !self.write(instance, input) {
            let error = GuardError::new("failed to write input to WASM memory");
            return self.clean_up(instance, Err(Failure::Error(error)));
        }
        let (input_len, output_len) = (input.len() as u32, self.output_len as u32);
        let allocator = instance.functions.allocator;
        let (func, args): (_, &[u32]) = match (&stage, allocator) {
            (Stage::AllocInput, Some(it)) => (it.alloc, &[input_len]),
            (Stage::AllocOutput, Some(it)) => (it.alloc, &[output_len]),
            (Stage::FreeOutput(_), Some(it)) => (it.dealloc, &[self.output, output_len]),
            (Stage::FreeInput(_), Some(it)) => (it.dealloc, &[self.input, input_len]),
            _ => (self.func, &[self.input, input_len, self.output, output_len]),
        };
        let turn = call::start(instance, func, args, stage.is_silent());
        self.after(instance, stage, turn)
    }

    fn write(&self, instance: &mut Instance, input: &[u8]) -> bool {
        let (data, host) = instance.parts();
        host.owed += input.len() as u64;
        let room = host::slice_mut(data, self.input, input.len() as u32);
        room.map(|room| room.copy_from_slice(input)).is_some()
    }

    /// What follows when the guard has come so far with a call.
    fn after(&mut self, instance: &Instance, stage: Stage, turn: Turn) -> Next {
        let value = match turn {
            Turn::Returned(value) => value,
            Turn::Stopped(call) => return self.stop(instance, stage, call),
            Turn::Died(error) => return dies(stage, error),
        };
        match stage {
            Stage::AllocInput | Stage::AllocOutput if value == 0 => {
                let error = stage.wrap(GuardError::new("alloc returned null pointer"));
                self.clean_up(instance, Err(Failure::Error(error)))
            }
            Stage::AllocInput => {
                self.input = value.cast_unsigned();
                Next::Call(Stage::AllocOutput)
            }
            Stage::AllocOutput => {
                self.output = value.cast_unsigned();
                Next::Call(Stage::Label)
            }
            Stage::Label => {
                let verdict = self.read(instance, value);
                self.clean_up(instance, verdict)
            }
            Stage::FreeOutput(verdict) => {
                self.output = 0;
                self.clean_up(instance, verdict)
            }
            Stage::FreeInput(verdict) => {
                self.input = 0;
                self.clean_up(instance, verdict)
            }
        }
    }

    fn stop(&mut self, instance: &Instance, stage: Stage, stopped: Stopped) -> Next {
        let progress = match (&stopped, &instance.store.data().asked) {
            (Stopped::Asks(_), Some(asked)) => Progress::Needs(asked.need.clone()),
            _ => Progress::Yields,
        };
        self.state = Some(State::Stopped(stage, stopped));
        Next::Tell(progress)
    }

    /// What the guard has said by this number, and written.
    fn read(&self, instance: &Instance, value: i32) -> Verdict {
        let data = instance.memory().map_or(&[][..], |memory| memory.data(&instance.store));
        let Ok(len) = u32::try_from(value) else {
            if value != TOO_SMALL {
                let text = format!("WASM function returned error code: {value}");
                return Err(Failure::Error(GuardError::new(text)));
            }
            let hint = host::slice(data, self.output, 4).and_then(<[u8]>::first_chunk);
            let hint = hint.filter(|_| self.output_len >= 4).map(|it| u32::from_le_bytes(*it));
            return Err(Failure::Small(hint.filter(|hint| *hint > 0).map(|hint| hint as usize)));
        };
        let overrun =
            |text: String| Failure::Error(GuardError { text: text.into(), is_fatal: true });
        if len as usize > self.output_len {
            let max = self.output_len;
            return Err(overrun(format!("WASM function wrote {len} bytes into a buffer of {max}")));
        }
        match host::slice(data, self.output, len) {
            Some(output) => Ok(output.to_vec()),
            None => Err(overrun("failed to read output from WASM memory".to_owned())),
        }
    }

    /// Gives back what was allocated, the output first, and ends.
    fn clean_up(&self, instance: &Instance, verdict: Verdict) -> Next {
        let is_needed = instance.functions.allocator.is_some();
        if is_needed && self.output != 0 && self.output_len > 0 {
            Next::Call(Stage::FreeOutput(verdict))
        } else if is_needed && self.input != 0 {
            Next::Call(Stage::FreeInput(verdict))
        } else {
            Next::Tell(Progress::Over { verdict, is_alive: true })
        }
    }
}

fn fails(error: GuardError) -> Next {
    Next::Tell(Progress::Over { verdict: Err(Failure::Error(error)), is_alive: true })
}

/// The guard has died in a call. In cleaning up, what it had said stands.
fn dies(stage: Stage, error: GuardError) -> Next {
    let verdict = match stage {
        Stage::FreeOutput(verdict) | Stage::FreeInput(verdict) => verdict,
        stage => Err(Failure::Error(stage.wrap(error))),
    };
    Next::Tell(Progress::Over { verdict, is_alive: false })
}

impl Stage {
    /// Whether the function called has no result.
    const fn is_silent(&self) -> bool {
        matches!(self, Self::FreeOutput(_) | Self::FreeInput(_))
    }

    /// The error with what was tried.
    fn wrap(&self, error: GuardError) -> GuardError {
        let what = match self {
            Self::AllocInput => "failed to allocate WASM input buffer",
            Self::AllocOutput => "failed to allocate WASM output buffer",
            _ => "WASM function call failed",
        };
        GuardError { text: format!("{what}: {}", error.text).into(), is_fatal: error.is_fatal }
    }
}
