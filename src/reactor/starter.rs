// SPDX-License-Identifier: MIT
//! Who starts programs: the thread that asks, or one that stands outside of the sandbox.
//!
//! ```text
//!  loop, in the sandbox ── Command ──> starter ── fork, exec ──> child, free
//!                       <── Child ────
//! ```
//!
//! What a thread has given up is given up for whatever it starts, so whoever starts children must
//! be a thread that was there before. It lives as long as the process: the system ends children
//! with the thread that has started them.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// A program to start, and where the result is awaited.
type Order = (Command, SyncSender<io::Result<Child>>);

/// To prepare a child needs little.
const STACK_BYTES: usize = 256 * 1024;

/// Who starts programs; by default the thread that asks.
#[derive(Clone, Debug, Default)]
pub struct Starter {
    thread: Option<SyncSender<Order>>,
}

impl Starter {
    /// A thread of its own, with the rights of the calling thread. It ends with the last copy of
    /// this value.
    ///
    /// Errors: the system gives no thread.
    pub fn beside() -> io::Result<Self> {
        let (thread, orders) = sync_channel(1);
        let run = move || serve(&orders);
        thread::Builder::new().name("starter".into()).stack_size(STACK_BYTES).spawn(run)?;
        Ok(Self { thread: Some(thread) })
    }

    /// Starts `command` and waits until it runs, or does not.
    pub(super) fn spawn(&self, mut command: Command) -> io::Result<Child> {
        let Some(thread) = &self.thread else { return command.spawn() };
        let (result, awaited) = sync_channel(1);
        let gone = || io::Error::other("the thread that starts programs is gone");
        thread.send((command, result)).map_err(|_| gone())?;
        awaited.recv().unwrap_or_else(|_| Err(gone()))
    }
}

fn serve(orders: &Receiver<Order>) {
    while let Ok((mut command, result)) = orders.recv() {
        // Whoever asked waits for it.
        let _ = result.send(command.spawn());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    /// What a child says about the thread that has started it.
    #[track_caller]
    fn check(starter: &Starter) {
        let mut command = Command::new("sh");
        command.args(["-c", "echo $PPID"]).stdout(Stdio::piped());
        let said = starter.spawn(command).unwrap().wait_with_output().unwrap().stdout;
        assert_eq!(String::from_utf8(said).unwrap().trim(), std::process::id().to_string());
        let missing = starter.spawn(Command::new("no-such-program")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn whoever_starts_a_program_it_is_a_child_of_this_process() {
        check(&Starter::default());
        check(&Starter::beside().unwrap());
    }
}
