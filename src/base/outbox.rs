// SPDX-License-Identifier: MIT
//! Bytes that are owed to a peer, lent as slices to one vectored write.

use std::collections::VecDeque;
use std::io::IoSlice;

use super::message::{Message, Span};

enum Segment {
    /// A part of `scratch`.
    Scratch(Span),
    Shared(Message),
}

/// A queue of bytes to write: small pieces that we made are gathered, messages are only lent.
///
/// Invariant: `bytes` is the sum of all segments less `sent`; an empty outbox holds no message.
#[derive(Default)]
pub struct Outbox {
    scratch: Vec<u8>,
    segments: VecDeque<Segment>,
    /// How much of the first segment is already written.
    sent: usize,
    bytes: usize,
}

impl Outbox {
    /// Owes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes are owed.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes
    }

    /// Whether nothing is owed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// In how many pieces it is lent.
    #[must_use]
    pub fn n_pieces(&self) -> usize {
        self.segments.len()
    }

    /// Owes a copy of `bytes`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.write_with(|scratch| scratch.extend_from_slice(bytes));
    }

    /// Owes whatever `write` appends.
    pub fn write_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.scratch.len();
        write(&mut self.scratch);
        let end = self.scratch.len();
        if start == end {
            return;
        }
        self.bytes += end - start;
        match self.segments.back_mut() {
            Some(Segment::Scratch(span)) if span.end as usize == start => span.end = end as u32,
            _ => self.segments.push_back(Segment::Scratch(Span::new(start, end))),
        }
    }

    /// Owes `message`, which is lent and not copied.
    pub fn push_message(&mut self, message: Message) {
        if !message.is_empty() {
            self.bytes += message.len();
            self.segments.push_back(Segment::Shared(message));
        }
    }

    /// Fills `slices` with what is owed, first bytes first, and returns how many it used.
    pub fn lend<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut used = 0;
        for (slot, segment) in slices.iter_mut().zip(&self.segments) {
            let bytes = self.bytes_of(segment);
            let skip = if used == 0 { self.sent } else { 0 };
            *slot = IoSlice::new(&bytes[skip..]);
            used += 1;
        }
        used
    }

    fn bytes_of<'a>(&'a self, segment: &'a Segment) -> &'a [u8] {
        match segment {
            Segment::Scratch(span) => span.of(&self.scratch),
            Segment::Shared(message) => message,
        }
    }

    /// Forgets the first `n` bytes: they are written. `n` is at most [`Outbox::len`].
    pub fn consume(&mut self, n: usize) {
        debug_assert!(n <= self.bytes, "more written than owed");
        self.bytes -= n.min(self.bytes);
        self.sent += n;
        while let Some(first) = self.segments.front() {
            let len = self.bytes_of(first).len();
            if self.sent < len {
                break;
            }
            self.sent -= len;
            self.segments.pop_front();
        }
        if self.segments.is_empty() {
            self.sent = 0;
            self.scratch.clear();
            // An outbox that once was large must not keep its memory while its peer is idle.
            self.scratch.shrink_to(SCRATCH_KEPT_BYTES);
        }
    }

    /// Whether [`Outbox::release`] would give anything up.
    #[must_use]
    pub fn holds_memory(&self) -> bool {
        self.is_empty() && self.scratch.capacity() + self.segments.capacity() > 0
    }

    /// Gives up what is allocated, if nothing is owed: for a peer that is silent most of the time.
    pub fn release(&mut self) {
        if self.is_empty() {
            self.clear();
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// All that is owed, copied; for tests and for peers without vectored writes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.bytes);
        for segment in &self.segments {
            all.extend_from_slice(self.bytes_of(segment));
        }
        all.drain(..self.sent);
        all
    }
}

/// What an idle outbox may keep allocated, in bytes.
const SCRATCH_KEPT_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_order_whatever_is_written_at_a_time() {
        for step in 1..20 {
            let mut outbox = Outbox::new();
            outbox.push(b"head ");
            outbox.push(b"more ");
            outbox.push_message(Message::from("body"));
            outbox.push(b" tail");
            let mut got = Vec::new();
            while !outbox.is_empty() {
                let mut slices = [IoSlice::new(&[]); 2];
                let used = outbox.lend(&mut slices);
                let all: Vec<u8> = slices[..used].iter().flat_map(|s| s.to_vec()).collect();
                let n = step.min(all.len());
                got.extend_from_slice(&all[..n]);
                outbox.consume(n);
            }
            assert_eq!(got, b"head more body tail");
        }
    }
}
