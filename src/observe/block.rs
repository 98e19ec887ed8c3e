// SPDX-License-Identifier: MIT
//! Events on their way to the log, packed: the bytes of messages are copied next to each other.
//!
//! So who emits an event also frees its message, at once, where it was allocated and while it is in
//! the nearest cache. What waits is a few buffers that are used again and again.

use std::time::Duration;

use crate::base::Span;
use crate::gateway::io::{CallEnd, Event, EventKind, Filtered};
use crate::gateway::snapshot::ServerId;
use crate::observe::log::jsonl::PAYLOAD_BYTES_MAX;
use crate::observe::log::{Reply, Rpc};

/// Buffers that are larger are not kept for the next events.
const KEPT_BYTES_MAX: usize = 256 * 1024;

/// Events in the order in which they were pushed.
#[derive(Debug, Default)]
pub struct Block {
    records: Vec<Record>,
    /// The texts that `records` refer to.
    texts: Vec<u8>,
    /// What `records` hold elsewhere, in bytes.
    elsewhere: usize,
}

/// One event of a block.
#[derive(Debug)]
pub enum Entry<'b> {
    /// A message to or from a backend.
    Rpc(Rpc<'b>),
    /// Anything else.
    Event(&'b Event),
}

#[derive(Debug)]
enum Record {
    Rpc {
        at_unix_ms: u64,
        server: Option<ServerId>,
        texts: Texts,
        reply: Option<ReplyTexts>,
    },
    /// Off the hot path.
    Event(Box<Event>),
}

#[derive(Debug)]
struct Texts {
    method: Span,
    /// Empty if the payload is too long to be written, or not wanted.
    payload: Span,
    payload_len: usize,
}

#[derive(Debug)]
struct ReplyTexts {
    tool: Option<Span>,
    error: Option<Span>,
    duration: Duration,
    end: CallEnd,
}

impl Block {
    /// Packs `event` and lets go of it; of a message only the length is kept without `payloads`.
    pub fn push(&mut self, event: Event, payloads: bool) {
        let Some(rpc) = Rpc::of(&event) else {
            self.elsewhere += held_bytes(&event.kind);
            return self.records.push(Record::Event(Box::new(event)));
        };
        let is_kept = payloads && rpc.payload_len <= PAYLOAD_BYTES_MAX;
        let texts = Texts {
            method: self.copy(rpc.method),
            payload: self.copy(if is_kept { rpc.payload } else { b"" }),
            payload_len: rpc.payload_len,
        };
        let reply = rpc.reply.map(|reply| ReplyTexts {
            tool: reply.tool.map(|tool| self.copy(tool)),
            error: reply.error.map(|error| self.copy(error)),
            duration: reply.duration,
            end: reply.end,
        });
        let (at_unix_ms, server) = (rpc.at_unix_ms, rpc.server);
        self.records.push(Record::Rpc { at_unix_ms, server, texts, reply });
    }

    fn copy(&mut self, text: &[u8]) -> Span {
        let start = self.texts.len();
        self.texts.extend_from_slice(text);
        Span::new(start, self.texts.len())
    }

    /// The events.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.records.iter().map(|record| match record {
            Record::Event(event) => Entry::Event(event),
            Record::Rpc { at_unix_ms, server, texts, reply } => Entry::Rpc(Rpc {
                at_unix_ms: *at_unix_ms,
                server: *server,
                method: texts.method.of(&self.texts),
                payload: texts.payload.of(&self.texts),
                payload_len: texts.payload_len,
                reply: reply.as_ref().map(|reply| Reply {
                    tool: reply.tool.map(|tool| tool.of(&self.texts)),
                    error: reply.error.map(|error| error.of(&self.texts)),
                    duration: reply.duration,
                    end: reply.end,
                }),
                labels: None,
            }),
        })
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// What the events take in memory, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.records.len() * size_of::<Record>() + self.texts.len() + self.elsewhere
    }

    /// What is allocated for events that are written often.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.records.capacity() * size_of::<Record>() + self.texts.capacity()
    }

    /// Forgets all events but the first `len`, and says how many those were.
    pub fn truncate(&mut self, len: usize) -> usize {
        let lost = self.records.len().saturating_sub(len);
        self.records.truncate(len);
        if self.records.is_empty() {
            self.clear();
        }
        lost
    }

    /// Forgets the events, and keeps small buffers for the next ones.
    pub fn clear(&mut self) {
        self.records.clear();
        self.texts.clear();
        self.elsewhere = 0;
        self.records.shrink_to(KEPT_BYTES_MAX / size_of::<Record>());
        self.texts.shrink_to(KEPT_BYTES_MAX);
    }
}

fn held_bytes(kind: &EventKind) -> usize {
    size_of::<Event>()
        + match kind {
            EventKind::RpcOut { payload, .. } | EventKind::RpcIn { payload, .. } => payload.len(),
            EventKind::Stderr { line } => line.len(),
            EventKind::OfAgent { rpc, .. } => held_bytes(rpc),
            // What it quotes is cut to lengths.
            EventKind::Filtered { tool, .. } => tool.len() + size_of::<Filtered>(),
            EventKind::Tools { pages, renamed, unified, withheld } => {
                let pages = pages.iter().map(|page| page.len());
                let renamed =
                    renamed.iter().chain(unified).map(|(own, name)| own.len() + name.len());
                let withheld = withheld.iter().map(|one| one.tool.len() + one.reason.len());
                pages.chain(renamed).chain(withheld).sum()
            }
            EventKind::Note { text, .. } | EventKind::Debug { text, .. } => text.len(),
            EventKind::Ended { .. } => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Message;
    use crate::gateway::io::Level;

    fn event(kind: EventKind) -> Event {
        Event { at_unix_ms: 7, server: Some(ServerId(3)), kind }
    }

    #[test]
    fn what_is_packed_comes_out_in_order() {
        let mut block = Block::default();
        let long = Message::new(vec![b' '; PAYLOAD_BYTES_MAX + 1]);
        block.push(event(EventKind::RpcOut { method: "ping".into(), payload: "{}".into() }), true);
        let text = "up".to_owned();
        block.push(event(EventKind::Note { level: Level::Info, category: "startup", text }), true);
        block.push(
            event(EventKind::RpcIn {
                method: "tools/call".into(),
                tool: Some("echo".into()),
                payload: long,
                bytes: PAYLOAD_BYTES_MAX + 1,
                duration: Duration::from_millis(2),
                end: CallEnd::TimedOut,
                error: Some("gone".into()),
            }),
            true,
        );
        assert_eq!(block.len(), 3);
        assert!(block.bytes() > 3 * size_of::<Record>() && block.bytes() < 1024);
        let entries: Vec<_> = block.iter().collect();
        let [Entry::Rpc(out), Entry::Event(note), Entry::Rpc(reply)] = &entries[..] else {
            panic!("{entries:?}")
        };
        assert_eq!((out.at_unix_ms, out.server), (7, Some(ServerId(3))));
        assert_eq!((out.method, out.payload, out.payload_len), (&b"ping"[..], &b"{}"[..], 2));
        assert!(out.reply.is_none() && matches!(note.kind, EventKind::Note { .. }));
        assert_eq!((reply.payload, reply.payload_len), (&b""[..], PAYLOAD_BYTES_MAX + 1));
        let reply = reply.reply.as_ref().expect("it is one");
        assert_eq!((reply.tool, reply.error), (Some(&b"echo"[..]), Some(&b"gone"[..])));
        assert_eq!((reply.duration, reply.end), (Duration::from_millis(2), CallEnd::TimedOut));
    }

    #[test]
    fn of_a_message_that_nobody_reads_the_length_is_kept() {
        let mut block = Block::default();
        let (method, payload) = ("ping".into(), Message::from("{}"));
        block.push(event(EventKind::RpcOut { method, payload }), false);
        let entries: Vec<_> = block.iter().collect();
        let [Entry::Rpc(out)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((out.payload, out.payload_len), (&b""[..], 2));
    }

    #[test]
    fn a_record_is_small() {
        assert!(size_of::<Record>() <= 96, "{}", size_of::<Record>());
    }

    #[test]
    fn a_cleared_block_is_empty_and_small() {
        let mut block = Block::default();
        let payload = Message::new(vec![b' '; PAYLOAD_BYTES_MAX]);
        for _ in 0..20 {
            let (method, payload) = (Message::default(), payload.clone());
            block.push(event(EventKind::RpcOut { method, payload }), true);
        }
        assert!(block.bytes() > 20 * PAYLOAD_BYTES_MAX);
        block.clear();
        assert!(block.is_empty() && block.bytes() == 0 && block.iter().next().is_none());
        assert!(block.texts.capacity() <= 2 * KEPT_BYTES_MAX);
    }
}
