// SPDX-License-Identifier: MIT
//! `penstock keeper`: the process that outlives the gateway by a moment, to end what it has left.
//!
//! The gateway tells it on stdin which process groups and containers there are. When stdin ends,
//! the gateway is gone; if it had no time to clean up, because it was killed, the keeper does. It
//! knows nothing of MCP, never writes anything, and is not meant to be run by people.

pub mod engine;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::reactor::ledger::Ledger;
use crate::reactor::read_id;
use crate::reactor::sys::{self, Signal};

/// From SIGTERM to SIGKILL for the groups that are left.
const TERM_AFTER_MAX: Duration = Duration::from_secs(2);

/// How long the file of a container's id may still be empty or missing.
const CIDFILE_AFTER_MAX: Duration = Duration::from_secs(3);

/// How long a runtime may take to remove a container.
const REMOVAL_MAX: Duration = Duration::from_secs(10);

/// How often we look.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Reads the ledger from stdin until it ends, and then ends what is in it.
pub fn run() {
    sys::ignore_stop_signals();
    let mut ledger = Ledger::default();
    let mut piece = [0; 512];
    let mut stdin = std::io::stdin().lock();
    // From here on it nearly always waits.
    sys::drop_start_code();
    loop {
        match stdin.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => ledger.feed(&piece[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    // An engine that does not answer must not hold up the others.
    std::thread::scope(|scope| {
        for (socket, instance) in ledger.engines() {
            scope.spawn(move || engine::remove_all(Path::new(socket), instance));
        }
        wait_for_ids(&ledger);
        end_groups(&ledger);
        remove_containers(&ledger);
    });
}

/// Lets the command lines that begin containers say which ones, before they are ended.
fn wait_for_ids(ledger: &Ledger) {
    let is_known = |(file, _): (&str, _)| read_id(Path::new(file)).is_some();
    wait_until(CIDFILE_AFTER_MAX, || ledger.containers().all(is_known));
}

fn end_groups(ledger: &Ledger) {
    signal_all(ledger, Signal::Term);
    let gone = || !ledger.groups().any(sys::group_exists);
    if !wait_until(TERM_AFTER_MAX, gone) {
        signal_all(ledger, Signal::Kill);
    }
}

fn signal_all(ledger: &Ledger, signal: Signal) {
    for group in ledger.groups() {
        // A group that we may not signal is not ours to end.
        let _ = sys::signal_group(group, signal);
    }
}

fn remove_containers(ledger: &Ledger) {
    let start = Instant::now();
    for (file, runtime) in ledger.containers() {
        let file = Path::new(file);
        // All files together get the time that one may take.
        let left = CIDFILE_AFTER_MAX.saturating_sub(start.elapsed());
        if wait_until(left, || read_id(file).is_some())
            && let Some(id) = read_id(file)
        {
            remove_container(runtime, &id);
        }
        // The file may never have been written, and its directory may hold others.
        let _ = fs::remove_file(file);
        let _ = file.parent().map(fs::remove_dir);
    }
}

fn remove_container(runtime: &[String], id: &str) {
    let Some((program, args)) = runtime.split_first() else { return };
    let mut removal = Command::new(program);
    removal.args(args).args(["rm", "-f", id]);
    removal.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut process) = removal.spawn() else { return };
    if !wait_until(REMOVAL_MAX, || !matches!(process.try_wait(), Ok(None))) {
        // There is nobody left whom a failure could be told.
        let _ = process.kill();
    }
}

/// Whether `done` became true within `at_most`.
fn wait_until(at_most: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !done() {
        if start.elapsed() >= at_most {
            return false;
        }
        sleep(LOOK_EVERY);
    }
    true
}
