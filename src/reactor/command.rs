// SPDX-License-Identifier: MIT
//! What a child is started with, and what the system says about its beginning and its end.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use super::sys::{self, DescriptorLimit};
use crate::base::Secret;
use crate::gateway::io::ChildEnd;
use crate::gateway::snapshot::ChildCommand;

/// A command with `env` as its whole environment. The program is looked up in the `PATH` of `env`.
pub(super) fn with_env(program: &str, env: &[(Box<str>, Secret)]) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command.envs(env.iter().map(|(name, value)| (&**name, OsStr::from_bytes(value.expose()))));
    command
}

/// What the system says about the end of a process.
pub(super) fn end_of(status: ExitStatus) -> ChildEnd {
    match (status.code(), status.signal()) {
        (Some(code), _) => ChildEnd::Exited(code),
        (None, signal) => ChildEnd::Killed(signal.unwrap_or_default()),
    }
}

/// The whole command of a child, ready to be started.
pub(super) fn prepare(
    command: &ChildCommand,
    cidfile: Option<&Path>,
    limit: Option<DescriptorLimit>,
) -> Command {
    let mut prepared = with_env(&command.program, &command.env);
    let at = command.container.as_ref().map_or(0, |care| care.cidfile_at);
    let (before, after) = command.args.split_at(at.min(command.args.len()));
    prepared.args(before.iter().map(|arg| &**arg));
    if let Some(cidfile) = cidfile {
        prepared.arg("--cidfile").arg(cidfile);
    }
    prepared.args(after.iter().map(|arg| &**arg));
    if let Some(cwd) = &command.cwd {
        prepared.current_dir(&**cwd);
    }
    prepared.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A command line that dies while it asks for a container leaves one that nobody knows of: the
    // keeper waits for the id, and ends it then.
    let ends_with_us = command.container.is_none();
    sys::prepare_child(&mut prepared, limit, ends_with_us);
    prepared
}

/// Why a program could not be started, in words that name what is missing.
pub(super) fn words(error: &io::Error, command: &ChildCommand) -> String {
    let program = &command.program;
    if let Some(cwd) = command.cwd.as_deref().filter(|cwd| !Path::new(cwd).is_dir()) {
        return format!("working directory {cwd:?} is not there");
    }
    match error.kind() {
        io::ErrorKind::NotFound if !program.contains('/') => {
            format!("{program:?}: executable file not found in PATH")
        }
        _ => {
            let text = error.to_string();
            let reason = text.split(" (os error").next().unwrap_or_default();
            format!("{program:?}: {reason}")
        }
    }
}
