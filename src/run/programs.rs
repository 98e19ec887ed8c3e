// SPDX-License-Identifier: MIT
//! Whether the programs of a configuration are there, said before anybody needs them.
//!
//! Only a hint: a program may appear later, and a server that cannot be started says so itself.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::gateway::snapshot::{ChildCommand, Snapshot, Transport};

/// A sentence for each server whose program or working directory is not there. With an engine, a
/// container that it can run needs no program.
pub fn missing(snapshot: &Snapshot, has_engine: bool) -> Vec<String> {
    let commands = snapshot.servers.iter().filter_map(|server| match &server.transport {
        Transport::Stdio(command) if has_engine && has_plan(command) => None,
        Transport::Stdio(command) => Some(command),
        Transport::Http(_) => None,
    });
    commands
        .filter_map(|command| Some(format!("server {}: {}", command.server, what(command)?)))
        .collect()
}

fn has_plan(command: &ChildCommand) -> bool {
    command.container.as_ref().is_some_and(|care| care.plan.is_some())
}

/// What is missing for `command`, if we can tell.
fn what(command: &ChildCommand) -> Option<String> {
    let cwd = Path::new(command.cwd.as_deref().unwrap_or_default());
    if command.cwd.is_some() && !cwd.is_dir() {
        return Some(format!("working directory {cwd:?} is not there"));
    }
    let program = &*command.program;
    if program.contains('/') {
        // A relative path is looked up after the change of directory.
        return (!is_program(&cwd.join(program))).then(|| format!("{program:?} is no program"));
    }
    let (_, path) = command.env.iter().find(|(name, _)| &**name == "PATH")?;
    let path = std::str::from_utf8(path.expose()).ok()?;
    let is_found = path.split(':').any(|dir| is_program(&cwd.join(dir).join(program)));
    (!is_found).then(|| format!("{program:?} is not found in PATH"))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
