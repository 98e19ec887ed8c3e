// SPDX-License-Identifier: MIT
//! What the process gives up before it serves anybody: new privileges, files and ports that it will
//! not open, calls of the system that it will not make.
//!
//! ```text
//!  Options ──┐           ┌── places ──> landlock ──┐
//!            ├──> enter ─┤   pure       the system  ├──> a line for each measure
//!  Needs ────┘           └── calls ───> seccomp ───┘
//! ```
//!
//! What is given up is given up for ever, by the calling thread and by all that it starts from now
//! on. So this runs before there are threads; only a thread that starts programs may stand outside.
//!
//! It knows nothing of configurations and servers: [`Needs`] says what they come to.

mod calls;
mod landlock;
mod places;
mod seccomp;

use std::fmt;
use std::path::PathBuf;

use crate::reactor::sys;

/// Whether a measure is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Switch {
    /// Where the kernel has it.
    #[default]
    Auto,
    /// Or there is no start.
    On,
    /// Not.
    Off,
}

/// Which measures are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Nobody gains anything by set-user-ID programs; the other two measures need it.
    pub no_new_privileges: Switch,
    /// Bounds on files and TCP ports.
    pub landlock: Switch,
    /// A list of calls.
    pub seccomp: Switch,
    /// Whether a call that is not on the list ends the process instead of being refused.
    pub kills: bool,
}

/// What must still be possible inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Whether a thread outside starts programs, which this process then watches and signals.
    pub starts_programs: bool,
    /// Files and directories that are read.
    pub reads: Vec<PathBuf>,
    /// Files that are read, also when others have been put in their places.
    pub renewed: Vec<PathBuf>,
    /// Directories in which files are made, written and removed.
    pub writes: Vec<PathBuf>,
    /// TCP ports that are connected to.
    pub ports: Vec<u16>,
}

/// What came of one measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    measure: &'static str,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    On(String),
    Off,
    Failed(String),
}

impl Options {
    /// Whether nothing at all is to be given up.
    #[must_use]
    pub fn is_off(&self) -> bool {
        [self.no_new_privileges, self.landlock, self.seccomp] == [Switch::Off; 3]
    }
}

impl Line {
    /// Whether something was wanted that could not be had.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { measure, outcome } = self;
        match outcome {
            Outcome::On(how) if how.is_empty() => write!(f, "sandbox: {measure} on"),
            Outcome::On(how) => write!(f, "sandbox: {measure} on ({how})"),
            Outcome::Off => write!(f, "sandbox: {measure} off"),
            Outcome::Failed(why) => write!(f, "sandbox: {measure}: {why}"),
        }
    }
}

/// Gives up everything that `needs` does not name, and says what came of it.
///
/// Call it when no thread is left but those that may stand outside.
///
/// Errors: a measure that must be taken cannot be, with the way out. Nobody should go on then:
/// others may have been taken.
pub fn enter(options: &Options, needs: &Needs) -> Result<Vec<Line>, String> {
    let privileges = settle("no_new_privileges", options.no_new_privileges, || {
        let refused = sys::refuse_new_privileges();
        refused.map(|()| String::new()).map_err(|error| error.to_string())
    })?;
    let is_bound = matches!(privileges.outcome, Outcome::On(_));
    let bound = |measure: &dyn Fn() -> Result<String, String>| match is_bound {
        true => measure(),
        false => Err("needs no_new_privileges, which is not on".to_owned()),
    };
    // Last the list of calls: it does not have those that the others need.
    let landlock = settle("landlock", options.landlock, || bound(&|| landlock::restrict(needs)))?;
    let seccomp = settle("seccomp", options.seccomp, || {
        bound(&|| seccomp::restrict(needs.starts_programs, options.kills))
    })?;
    Ok(vec![privileges, landlock, seccomp])
}

/// Takes a measure as far as it is wanted.
fn settle(
    measure: &'static str,
    switch: Switch,
    take: impl FnOnce() -> Result<String, String>,
) -> Result<Line, String> {
    let outcome = match (switch, (switch != Switch::Off).then(take)) {
        (_, None) => Outcome::Off,
        (_, Some(Ok(how))) => Outcome::On(how),
        (Switch::On, Some(Err(why))) => {
            return Err(format!(
                "sandbox: {measure}: {why}\n\
                 It is demanded by gateway.sandbox.{measure} = \"on\". Write \"auto\" to go on \
                 without it where it cannot be had, or \"off\"."
            ));
        }
        (_, Some(Err(why))) => Outcome::Failed(why),
    };
    Ok(Line { measure, outcome })
}

#[cfg(test)]
mod tests;
