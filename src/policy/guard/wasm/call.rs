// SPDX-License-Identifier: MIT
//! One call of one function of an instance: it can stop in the middle and go on.

use wasmi::{Func, ResumableCall, ResumableCallHostTrap, ResumableCallOutOfFuel, TrapCode, Val};

use super::host::Suspended;
use super::instance::Instance;
use crate::policy::guard::{GuardError, Met};

/// A call that has been stopped.
pub(super) enum Stopped {
    /// It has no fuel.
    Starved(ResumableCallOutOfFuel),
    /// It has asked its backend; what, the host knows.
    Asks(ResumableCallHostTrap),
}

/// How far a call has come.
pub(super) enum Turn {
    /// It has returned this, or nothing.
    Returned(i32),
    /// It goes on by [`resume`].
    Stopped(Stopped),
    /// It will never return.
    Died(GuardError),
}

/// Calls `func`, which gives one `i32` or, if `is_silent`, nothing.
pub(super) fn start(instance: &mut Instance, func: Func, args: &[u32], is_silent: bool) -> Turn {
    let mut inputs = [const { Val::I32(0) }; 4];
    for (input, arg) in inputs.iter_mut().zip(args) {
        *input = Val::I32(arg.cast_signed());
    }
    let mut results = Results::new(is_silent);
    let call = func.call_resumable(&mut instance.store, &inputs[..args.len()], results.room());
    results.turn(call)
}

/// Goes on with a call, with what it has asked for.
pub(super) fn resume(
    instance: &mut Instance,
    stopped: Stopped,
    met: Option<Met>,
    is_silent: bool,
) -> Turn {
    let mut results = Results::new(is_silent);
    let call = match stopped {
        Stopped::Starved(call) => {
            // A single instruction may cost more than a slice.
            let (has, needs) = (instance.store.get_fuel().unwrap_or(0), call.required_fuel());
            instance.store.data_mut().owed += needs.saturating_sub(has);
            instance
                .store
                .set_fuel(has.max(needs))
                .and_then(|()| call.resume(&mut instance.store, results.room()))
        }
        Stopped::Asks(call) => {
            let (data, host) = instance.parts();
            let told = host.deliver(data, met.flatten());
            call.resume(&mut instance.store, &[Val::I32(told)], results.room())
        }
    };
    results.turn(call)
}

struct Results {
    value: [Val; 1],
    n: usize,
}

impl Results {
    fn new(is_silent: bool) -> Self {
        Self { value: [Val::I32(0)], n: usize::from(!is_silent) }
    }

    fn room(&mut self) -> &mut [Val] {
        &mut self.value[..self.n]
    }

    fn turn(self, call: Result<ResumableCall, wasmi::Error>) -> Turn {
        match call {
            Ok(ResumableCall::Finished) => match self.value {
                [Val::I32(value)] => Turn::Returned(value),
                _ => Turn::Returned(0),
            },
            Ok(ResumableCall::OutOfFuel(call)) => Turn::Stopped(Stopped::Starved(call)),
            Ok(ResumableCall::HostTrap(call)) => {
                if call.host_error().downcast_ref::<Suspended>().is_some() {
                    Turn::Stopped(Stopped::Asks(call))
                } else {
                    Turn::Died(death(call.host_error()))
                }
            }
            Err(error) => Turn::Died(death(&error)),
        }
    }
}

/// Why a call will never return, in the words that guards' authors know.
fn death(error: &wasmi::Error) -> GuardError {
    let text = match (error.i32_exit_status(), error.as_trap_code()) {
        (Some(status), _) => format!("module closed with exit_code({status})"),
        (None, Some(code)) => format!("wasm error: {}", trap(code)),
        (None, None) => format!("wasm error: {error}"),
    };
    GuardError { text: text.into(), is_fatal: true }
}

fn trap(code: TrapCode) -> String {
    match code {
        TrapCode::UnreachableCodeReached => "unreachable".to_owned(),
        TrapCode::TableOutOfBounds | TrapCode::IndirectCallToNull => {
            "invalid table access".to_owned()
        }
        TrapCode::StackOverflow => "stack overflow".to_owned(),
        code => code.to_string(),
    }
}
