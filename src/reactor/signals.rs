// SPDX-License-Identifier: MIT
//! SIGTERM and SIGINT as something that becomes readable.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::Interest;
use mio::unix::SourceFd;

use super::sys::{self, SIGNAL_RECORD_BYTES, SIGTERM};
use super::token::Source;
use super::turn::Turn;
use crate::gateway::io::Input;

/// The signals that end us.
pub(super) struct Signals {
    descriptor: File,
    seen: bool,
}

impl Signals {
    pub(super) fn new(turn: &Turn) -> io::Result<Self> {
        let descriptor = sys::signal_descriptor()?;
        let mut source = SourceFd(&descriptor.as_raw_fd());
        turn.watch(&mut source, Source::Signals, Interest::READABLE)?;
        Ok(Self { descriptor, seen: false })
    }

    /// The first signal is a request to drain within `patience`, every other one to stop at once.
    pub(super) fn take(&mut self, patience: Duration, turn: &mut Turn) {
        let mut record = [0; SIGNAL_RECORD_BYTES];
        while matches!(self.descriptor.read(&mut record), Ok(SIGNAL_RECORD_BYTES)) {
            if std::mem::replace(&mut self.seen, true) {
                turn.inbox.push_back(Input::Halt);
                continue;
            }
            let number = u32::from_ne_bytes([record[0], record[1], record[2], record[3]]);
            let why = if number == SIGTERM { "SIGTERM" } else { "SIGINT" };
            let deadline = turn.now.mono + patience;
            turn.inbox.push_back(Input::Drain { deadline, why });
        }
    }
}
