// SPDX-License-Identifier: MIT
//! Large answers on their way from a backend to a client: a part that has come has left.
//!
//! ```text
//!            LineBegins, FetchBegins            Begin, Part           its client gets
//!  backend ──────────────────────────> Passage ─────────────> client
//!            LinePart, FetchPart               Part                   what comes
//!            LineEnd, FetchEnd                 Finish                 all of it
//!            anything else                     Close                  what must not look complete
//! ```
//!
//! While it passes, its call and its exchange are under way like all others. If the exchange ends
//! otherwise, the rest of the message is dropped as it comes.

use super::call::Call;
use super::exchange::Exchange;
use super::io::Peer;
use super::pause::Source;
use super::session::Session;
use crate::base::Key;
use crate::wire::passing::Passing;

/// One answer that passes.
#[derive(Debug)]
pub struct Passage {
    /// Where it comes from; `None` once that has ended.
    pub source: Option<Source>,
    /// What it answers.
    pub call: Key<Call>,
    /// What is read and replaced on the way.
    pub passing: Passing,
    /// How many bytes have come.
    pub bytes: usize,
    /// What its client has of it; `None` once the exchange is over.
    pub begun: Option<Begun>,
}

/// A stream: its session and its number there.
pub type OnStream = (Key<Session>, u32);

/// An answer that has begun.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// The exchange that it answers.
    pub exchange: Key<Exchange>,
    /// The connection; `None` once its client has left.
    pub peer: Option<Key<Peer>>,
    /// The stream on which it is an event, if it is no answer of its own.
    pub stream: Option<OnStream>,
    /// How many bytes have left.
    pub sent: usize,
}

/// All answers that pass: nearly always none.
#[derive(Debug, Default)]
pub struct Passages {
    all: Vec<Passage>,
}

impl Passages {
    /// Adds an answer.
    pub fn insert(&mut self, passage: Passage) {
        self.all.push(passage);
    }

    /// The answer that comes from `source`.
    pub fn of(&mut self, source: Source) -> Option<&mut Passage> {
        self.all.iter_mut().find(|passage| passage.source == Some(source))
    }

    /// Takes out the answer that comes from `source`.
    pub fn take(&mut self, source: Source) -> Option<Passage> {
        let at = self.all.iter().position(|passage| passage.source == Some(source))?;
        Some(self.all.swap_remove(at))
    }

    /// Whether a client has a part of an answer to `exchange`, and waits for the rest. If there is
    /// another answer now, neither can be told any more.
    #[must_use]
    pub fn has_begun_for(&self, exchange: Key<Exchange>) -> bool {
        let waits = |begun: Begun| begun.exchange == exchange && begun.peer.is_some();
        self.all.iter().filter_map(|passage| passage.begun).any(waits)
    }

    /// The exchange is over: what its client has of an answer, if that has begun.
    pub fn take_begun(&mut self, exchange: Key<Exchange>) -> Option<Begun> {
        let is_its = |begun: &mut Begun| begun.exchange == exchange;
        let begun = self.all.iter_mut().find_map(|passage| passage.begun.take_if(is_its));
        if begun.is_some() {
            self.forget_ended();
        }
        begun
    }

    /// A connection is gone: nothing more is sent on it.
    pub fn forget_peer(&mut self, peer: Key<Peer>) {
        for begun in self.all.iter_mut().filter_map(|passage| passage.begun.as_mut()) {
            begun.peer.take_if(|own| *own == peer);
        }
    }

    /// Nothing more comes from `source`.
    pub fn source_ended(&mut self, source: Source) {
        if let Some(passage) = self.of(source) {
            passage.source = None;
            self.forget_ended();
        }
    }

    fn forget_ended(&mut self) {
        self.all.retain(|passage| passage.source.is_some() || passage.begun.is_some());
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Passage> {
        self.all.iter()
    }
}
