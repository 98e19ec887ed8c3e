// SPDX-License-Identifier: MIT
//! What a client connection waits for.

use std::time::Instant;

use super::body::{Incoming, Rest};
use super::upgraded::Upgraded;
use crate::wire::http1::Method;
use crate::wire::http1::encode::Connection;
use crate::wire::http1::framing::Framing;
use crate::wire::http1::head::{Expectation, HeadScan, Request, Version};

/// A connection, named by what it waits for.
pub(super) enum State {
    /// The end of a head.
    AwaitHead(AwaitHead),
    /// The gateway: does it want the body?
    AwaitAdmission(Exchange),
    /// The rest of a body.
    AwaitBody { exchange: Exchange, incoming: Incoming, until: Instant },
    /// The gateway: what is the answer?
    AwaitAnswer(Exchange),
    /// The gateway: what is the next event?
    Streaming(Stream),
    /// Both sides: the connection speaks WebSocket.
    Upgraded(Box<Upgraded>),
    /// The rest of a body that nobody wants; its answer is queued, and the next head will follow.
    /// It is short, so `until` is for all of it.
    AwaitRest { rest: Rest, room: usize, until: Instant },
    /// The end of the peer's input, after our last answer. `until` is set when that has left.
    Lingering { until: Option<Instant> },
    /// Nothing.
    Closed,
}

/// A head on its way.
pub(super) struct AwaitHead {
    pub(super) scan: HeadScan,
    /// Whether an empty line was skipped before it.
    pub(super) blank_line: bool,
    /// When patience with a head ends that has begun.
    pub(super) head_until: Option<Instant>,
    /// When patience with an idle connection ends.
    pub(super) idle_until: Instant,
}

impl AwaitHead {
    pub(super) fn new(idle_until: Instant) -> Self {
        Self { scan: HeadScan::default(), blank_line: false, head_until: None, idle_until }
    }
}

/// One request, from its head to the answer's.
#[derive(Clone, Copy)]
pub(super) struct Exchange {
    pub(super) version: Version,
    pub(super) framing: Framing,
    pub(super) expects: Expectation,
    /// Whether the client lets the connection be used again.
    pub(super) persists: bool,
    /// Whether the answer has a head only.
    pub(super) head_only: bool,
    /// Whether the request is a GET: a stream that answers it is silent most of the time.
    pub(super) listens: bool,
}

impl Exchange {
    pub(super) fn new(request: &Request) -> Self {
        Self {
            version: request.version,
            framing: request.framing,
            expects: request.expects,
            persists: request.persists,
            head_only: request.head.method == Method::Head,
            listens: request.head.method == Method::Get,
        }
    }

    /// What the answer says about the connection.
    pub(super) fn connection(&self, persists: bool) -> Connection {
        match self.version {
            _ if !persists => Connection::Close,
            Version::Http10 => Connection::KeepAlive,
            Version::Http11 => Connection::Persists,
        }
    }
}

/// An answer that is an event stream.
#[derive(Clone, Copy)]
pub(super) struct Stream {
    /// Whether the connection may be used after it.
    pub(super) persists: bool,
    pub(super) shape: StreamShape,
}

/// How events are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamShape {
    /// Each as a chunk.
    Chunked,
    /// One after the other; the end of the connection is the end of the stream.
    Bare,
    /// Not at all: the request was HEAD.
    HeadOnly,
}
