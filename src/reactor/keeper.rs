// SPDX-License-Identifier: MIT
//! Our end of the keeper: the process that ends our children when we cannot.
//!
//! It is started with the first child, since most gateways in front of HTTP servers never need it.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use mio::unix::pipe::Sender;

use super::ledger::Ledger;
use super::starter::Starter;
use super::sys;
use crate::gateway::snapshot::ContainerCare;

/// The keeper, if there is one, and what it has been told.
pub(super) struct Keeper {
    program: Option<Vec<OsString>>,
    starter: Starter,
    running: Option<(Child, Sender)>,
    ledger: Ledger,
    /// Lines that the pipe has not taken yet.
    pending: String,
}

impl Keeper {
    pub(super) fn new(program: Option<Vec<OsString>>, starter: Starter) -> Self {
        let pending = String::new();
        Self { program, starter, running: None, ledger: Ledger::default(), pending }
    }

    /// Starts it unless it runs; without success we go on without it.
    pub(super) fn ensure(&mut self) {
        if let Some((process, _)) = &mut self.running {
            if matches!(process.try_wait(), Ok(None)) {
                return;
            }
            // Somebody has ended it. The next one is told everything.
            self.running = None;
        }
        let Some((program, args)) = self.program.as_deref().and_then(<[_]>::split_first) else {
            return;
        };
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        sys::prepare_keeper(&mut command);
        let Ok(mut process) = self.starter.spawn(command) else { return };
        if let Some(pipe) = process.stdin.take().and_then(into_sender) {
            self.running = Some((process, pipe));
            self.pending.clear();
            self.ledger.push_all(&mut self.pending);
            self.tell();
        }
    }

    pub(super) fn add_group(&mut self, group: u32) {
        self.ledger.add_group(group, &mut self.pending);
        self.tell();
    }

    pub(super) fn remove_group(&mut self, group: u32) {
        self.ledger.remove_group(group, &mut self.pending);
        self.tell();
    }

    pub(super) fn add_container(&mut self, care: &ContainerCare, cidfile: &Path) {
        let Some(file) = cidfile.to_str() else { return };
        let runtime = std::iter::once(&care.runtime).chain(&care.runtime_args);
        let runtime = runtime.map(|text| text.to_string()).collect();
        self.ledger.add_container(file, runtime, &mut self.pending);
        self.tell();
    }

    pub(super) fn remove_container(&mut self, cidfile: &Path) {
        if let Some(file) = cidfile.to_str() {
            self.ledger.remove_container(file, &mut self.pending);
            self.tell();
        }
    }

    /// All containers of `instance` at the engine behind `socket`, those included that it is only
    /// about to create.
    pub(super) fn add_engine(&mut self, socket: &Path, instance: &str) {
        let Some(socket) = socket.to_str() else { return };
        self.ledger.add_engine(socket, instance, &mut self.pending);
        self.tell();
    }

    pub(super) fn remove_engine(&mut self, socket: &Path) {
        let Some(socket) = socket.to_str() else { return };
        self.ledger.remove_engine(socket, &mut self.pending);
        self.tell();
    }

    /// Lets it go: with an empty ledger it exits at once, otherwise it ends what is left.
    pub(super) fn close(&mut self) {
        self.tell();
        let Some((mut process, pipe)) = self.running.take() else { return };
        drop(pipe);
        if !self.ledger.is_empty() {
            return;
        }
        for _ in 0..20 {
            if !matches!(process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Writes what it has not been told yet. A pipe that is full keeps the rest for the next time;
    /// a keeper that is gone is started again with the next child.
    fn tell(&mut self) {
        let Some((process, pipe)) = &mut self.running else {
            self.pending.clear();
            return;
        };
        while !self.pending.is_empty() {
            match pipe.write(self.pending.as_bytes()) {
                Ok(n) => drop(self.pending.drain(..n)),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    // It has closed its stdin, so it is dead or about to be.
                    let _ = process.kill();
                    let _ = process.wait();
                    self.running = None;
                    self.pending.clear();
                    return;
                }
            }
        }
    }
}

fn into_sender(pipe: ChildStdin) -> Option<Sender> {
    let sender = Sender::from(pipe);
    sender.set_nonblocking(true).ok()?;
    Some(sender)
}
