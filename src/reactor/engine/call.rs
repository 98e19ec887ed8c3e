// SPDX-License-Identifier: MIT
//! One request to the engine on a connection of its own, and what becomes of that connection.

use std::io;
use std::net::Shutdown;
use std::path::Path;

use mio::Interest;
use mio::net::UnixStream;

use crate::base::Outbox;
use crate::docker::answer::Answer;
use crate::docker::frames::{Frames, NoFrame, Stream};
use crate::link::stdio::Stdio;
use crate::reactor::source::{self, Owing, Pulled, Pushed, Readiness};
use crate::reactor::token::Source;
use crate::reactor::turn::Turn;

/// The longest body of an answer. Only the list of all our containers is not short, and what is
/// told about a container takes some kilobytes.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What has become of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The answer is not complete.
    Open,
    /// It is.
    Answered,
    /// It never will be: why.
    Broken(String),
}

/// One request and its answer.
pub(super) struct Call {
    stream: UnixStream,
    owed: Owed,
    writable: bool,
    ready: Readiness,
    pub(super) answer: Answer,
    /// What came behind an answer that opens a stream.
    behind: Vec<u8>,
}

struct Owed(Outbox);

impl Owing for Owed {
    fn owed(&self) -> &Outbox {
        &self.0
    }
    fn wrote(&mut self, n: usize) {
        self.0.consume(n);
    }
}

/// The system's words without its number.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

impl Call {
    /// Connects and owes `request`; the poll tells when to go on.
    ///
    /// Errors: nobody accepts at `socket`.
    pub(super) fn begin(
        socket: &Path,
        request: &[u8],
        source: Source,
        turn: &Turn,
    ) -> Result<Self, String> {
        Self::connect(socket, request, Answer::new(BODY_BYTES_MAX), source, turn)
    }

    /// The same for a request whose answer may be a stream.
    pub(super) fn begin_stream(
        socket: &Path,
        request: &[u8],
        source: Source,
        turn: &Turn,
    ) -> Result<Self, String> {
        Self::connect(socket, request, Answer::of_stream(BODY_BYTES_MAX), source, turn)
    }

    fn connect(
        socket: &Path,
        request: &[u8],
        answer: Answer,
        source: Source,
        turn: &Turn,
    ) -> Result<Self, String> {
        let told = |error: &io::Error| format!("{}: {}", socket.display(), words(error));
        let mut stream = UnixStream::connect(socket).map_err(|error| told(&error))?;
        let both = Interest::READABLE | Interest::WRITABLE;
        turn.watch(&mut stream, source, both).map_err(|error| told(&error))?;
        let mut owed = Owed(Outbox::new());
        owed.0.push(request);
        let (writable, ready) = (true, Readiness::default());
        Ok(Self { stream, owed, writable, ready, answer, behind: Vec::new() })
    }

    /// Notes what the poll says.
    pub(super) fn note(&mut self, event: &mio::event::Event) {
        self.ready.note(event);
        self.writable |= event.is_writable() || event.is_write_closed();
    }

    /// Gives it to another owner, whom the poll tells from now on.
    pub(super) fn give_to(&mut self, source: Source, turn: &Turn) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        turn.registry.reregister(&mut self.stream, source.into(), both)
    }

    /// Writes and reads within the budget.
    pub(super) fn go_on(&mut self, turn: &mut Turn) -> Outcome {
        let budget = turn.limits.write_bytes_per_turn_max;
        let pushed =
            source::write_some(&mut self.stream, &mut self.writable, &mut self.owed, budget);
        if pushed == Pushed::Failed {
            // The engine may have refused it before it was complete, and say so.
            self.owed.0.clear();
        }
        let (answer, behind) = (&mut self.answer, &mut self.behind);
        let mut broken = None;
        let take = |bytes: &[u8]| match answer.feed(bytes) {
            Ok(used) => {
                behind.extend_from_slice(&bytes[used..]);
                !answer.is_done()
            }
            Err(error) => {
                broken = Some(error.to_string());
                false
            }
        };
        let budget = turn.limits.read_bytes_per_turn_max;
        let pulled =
            source::read_some(&mut self.stream, &mut self.ready, &mut turn.buffer, budget, take);
        if let Some(why) = broken {
            return Outcome::Broken(why);
        }
        if matches!(pulled, Pulled::Ended | Pulled::Failed)
            && let Err(error) = self.answer.finish()
        {
            return Outcome::Broken(error.to_string());
        }
        if self.answer.is_done() { Outcome::Answered } else { Outcome::Open }
    }

    /// Whether it can go on although the poll will not say so.
    pub(super) const fn is_rationed(&self) -> bool {
        self.ready.readable || (self.writable && !self.owed.0.is_empty())
    }

    /// The status of an answer that is complete.
    pub(super) fn status(&self) -> u16 {
        self.answer.status().unwrap_or_default()
    }

    /// The stream that the answer has opened, and its first bytes.
    pub(super) fn into_attached(self) -> (Attached, Vec<u8>) {
        let Self { stream, writable, ready, behind, .. } = self;
        (Attached { stream, frames: Frames::default(), ready, writable, is_shut: false }, behind)
    }
}

/// The three streams of a container on one connection.
pub(super) struct Attached {
    stream: UnixStream,
    frames: Frames,
    pub(super) ready: Readiness,
    pub(super) writable: bool,
    is_shut: bool,
}

impl Attached {
    /// Notes what the poll says.
    pub(super) fn note(&mut self, event: &mio::event::Event) {
        self.ready.note(event);
        self.writable |= event.is_writable() || event.is_write_closed();
    }

    /// Takes bytes of the stream apart.
    pub(super) fn take(&mut self, bytes: &[u8], link: &mut Stdio) -> Result<(), NoFrame> {
        self.frames.feed(bytes, |stream, bytes| match stream {
            Stream::Stdout => link.feed_stdout(bytes),
            Stream::Stderr => link.feed_stderr(bytes),
        })
    }

    /// Reads within the budget.
    pub(super) fn read(&mut self, link: &mut Stdio, turn: &mut Turn) -> Result<Pulled, NoFrame> {
        let Self { stream, frames, ready, .. } = self;
        let mut fed = Ok(());
        let take = |bytes: &[u8]| {
            fed = frames.feed(bytes, |stream, bytes| match stream {
                Stream::Stdout => link.feed_stdout(bytes),
                Stream::Stderr => link.feed_stderr(bytes),
            });
            fed.is_ok() && link.wants_stdout()
        };
        let budget = turn.limits.read_bytes_per_turn_max;
        let pulled = source::read_some(stream, ready, &mut turn.buffer, budget, take);
        fed.map(|()| pulled)
    }

    /// Writes within the budget what is owed to stdin.
    pub(super) fn write(&mut self, link: &mut Stdio, turn: &Turn) -> Pushed {
        if self.is_shut {
            return Pushed::Failed;
        }
        let budget = turn.limits.write_bytes_per_turn_max;
        source::write_some(&mut self.stream, &mut self.writable, link, budget)
    }

    /// Ends stdin; what the container says is read on.
    pub(super) fn shut(&mut self) {
        if !std::mem::replace(&mut self.is_shut, true) {
            // It fails only if the other side is gone, which reading tells.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
    }

    /// Whether stdin takes bytes as far as we know.
    pub(super) const fn is_open(&self) -> bool {
        !self.is_shut
    }
}
