// SPDX-License-Identifier: MIT
//! Exchanges: one HTTP request of a client from its head to the last byte of its answer, named by
//! what it waits for.
//!
//! ```text
//! Head ─ admit ─> AwaitBody ─ open ─> AwaitResponse ─ receive ─ finish ─> answered
//!           │                  └─ AwaitEra ─┘
//!           └──── GET ──────────────> Listening, Attached
//! ```

use std::time::Instant;

use super::Gateway;
use super::attached::{Attached, Posted};
use super::io::Peer;
use super::session::Session;
use super::snapshot::{ResponseMode, ServerId};
use super::unified::PartOf;
use crate::base::{Key, Message};
use crate::mcp::mirror::Mirror;
use crate::policy::auth::Principal;
use crate::wire::http1::{Content, ResponseHead};
use modern::ModernFacts;

pub mod admit;
pub mod again;
pub mod ask;
pub mod batch;
pub mod belong;
pub mod cell;
pub mod detach;
pub mod finish;
pub mod front;
pub mod hello;
pub mod kept;
pub mod modern;
pub mod open;
pub mod park;
pub mod pass;
pub mod receive;
pub mod resume;
pub mod rounds;
pub mod send;
pub mod task;
pub mod visit;
pub mod wait;

/// One HTTP request of a client.
#[derive(Debug)]
pub enum Exchange {
    /// The rest of what the client is sending.
    AwaitBody(Box<Admitted>),
    /// To know which protocol its server speaks.
    AwaitEra(Box<AwaitEra>),
    /// The backend.
    AwaitResponse(Box<Sent>),
    /// Messages without a call, for as long as the client listens.
    Listening(Listening),
    /// The messages of a client whose session is its connection, and everything for it.
    Attached(Box<Attached>),
    /// The rest of a message for an attached session.
    AwaitPosted(Box<Posted>),
}

/// A POST whose head was let in.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// The connection.
    pub peer: Key<Peer>,
    /// For the log.
    pub from: super::io::PeerAddress,
    /// The server that the path names.
    pub server: ServerId,
    /// Who sends it.
    pub principal: Principal,
    /// `Mcp-Session-Id`, if it was sent.
    pub session_id: Option<Message>,
    /// `Origin`, if it was sent.
    pub origin: Option<Message>,
    /// Whether the client takes JSON.
    pub accepts_json: bool,
    /// Whether the client takes event streams and said so by name or by wildcard.
    pub accepts_events: bool,
    /// Whether it named event streams.
    pub names_events: bool,
    /// Whether the body was declared to be JSON.
    pub is_json: bool,
    /// What `MCP-Protocol-Version` names.
    pub version: Version,
    /// The fields in which a modern request repeats what its body says; `None`: there are none.
    pub mirror: Option<Box<Mirror>>,
}

/// What the field `MCP-Protocol-Version` of a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// A legacy revision, or nothing.
    Legacy,
    /// A modern revision.
    Modern,
    /// Something else.
    Unknown,
}

/// A POST that came before it was known which protocol its server speaks.
#[derive(Debug)]
pub struct AwaitEra {
    /// Its head.
    pub admitted: Admitted,
    /// Its body.
    pub message: Message,
}

static NO_MIRROR: Mirror = Mirror::EMPTY;

impl Admitted {
    /// The fields that repeat what the body says.
    #[must_use]
    pub fn mirror(&self) -> &Mirror {
        self.mirror.as_deref().unwrap_or(&NO_MIRROR)
    }
}

/// A POST whose messages are at the backend.
#[derive(Debug)]
pub struct Sent {
    /// The connection; `None` once its client has left.
    pub peer: Option<Key<Peer>>,
    /// The session.
    pub session: Key<Session>,
    /// For the log.
    pub from: super::io::PeerAddress,
    /// `Origin`, if it was sent.
    pub origin: Option<Message>,
    /// Answers that are still to come.
    pub waiting: usize,
    /// The answers to a batch so far; `None` for a single message.
    pub batch: Option<Vec<Message>>,
    /// The stream that was opened for it.
    pub stream: Option<u32>,
    /// Whether a stream may be opened.
    pub may_stream: bool,
    /// Whether the answer carries the session's id: it opens the session.
    pub opens_session: bool,
    /// Whether it only waits for the backend to take a notification or response.
    pub is_notice: bool,
    /// What it is a part of, if no client waits for its answer itself.
    pub part_of: Option<PartOf>,
    /// What a modern client said about itself; `None`: it is a legacy one.
    pub modern: Option<Box<ModernFacts>>,
    /// The HTTP status of a single answer.
    pub status: u16,
    /// When it began.
    pub started_at: Instant,
}

/// A GET.
#[derive(Debug)]
pub struct Listening {
    /// The session.
    pub session: Key<Session>,
    /// The connection.
    pub peer: Key<Peer>,
}

/// Lets pages of an allowed origin read the answer.
///
/// Spec: Fetch, "CORS protocol".
#[must_use]
pub fn with_cors(head: ResponseHead, origin: Option<&Message>) -> ResponseHead {
    let Some(origin) = origin else { return head };
    let origin = String::from_utf8_lossy(origin).into_owned();
    head.with("Access-Control-Allow-Origin", origin)
        .with("Access-Control-Expose-Headers", "Mcp-Session-Id, MCP-Protocol-Version")
        .with("Vary", "Origin")
}

/// The head of an event stream.
#[must_use]
pub fn events_head() -> ResponseHead {
    ResponseHead::new(finish::OK, Content::Events)
}

impl Gateway {
    /// The connection is gone. Legacy clients do not cancel by leaving: their calls go on. Modern
    /// ones do.
    ///
    /// Spec: MCP 2025-11-25, basic/transports: disconnection is not cancellation.
    pub(super) fn peer_closed(&mut self, peer: Key<Peer>) {
        self.read_again_for(peer);
        self.passes_to_nobody(peer);
        let Some(key) = self.peers.clear(peer) else { return };
        match self.exchanges.get_mut(key) {
            Some(Exchange::AwaitBody(_) | Exchange::AwaitPosted(_) | Exchange::AwaitEra(_))
            | None => {
                self.exchanges.remove(key);
            }
            Some(Exchange::Attached(_)) => self.attached_closed(key),
            Some(Exchange::Listening(listening)) => {
                let session = listening.session;
                self.exchanges.remove(key);
                self.detach_peer(session, peer);
            }
            Some(Exchange::AwaitResponse(sent)) => {
                sent.peer = None;
                let (session, stream) = (sent.session, sent.stream);
                let is_modern = sent.is_modern();
                if stream.is_some() {
                    self.detach_peer(session, peer);
                }
                if is_modern {
                    self.cancel_exchange(key);
                }
            }
        }
    }

    /// The session that an exchange belongs to.
    pub(crate) fn session_of(&self, key: Key<Exchange>) -> Option<Key<Session>> {
        match self.exchanges.get(key)? {
            Exchange::AwaitResponse(sent) => Some(sent.session),
            Exchange::Listening(listening) => Some(listening.session),
            Exchange::Attached(attached) => attached.session,
            Exchange::AwaitBody(_) | Exchange::AwaitPosted(_) | Exchange::AwaitEra(_) => None,
        }
    }

    /// In what form this caller gets answers of this server.
    pub(super) fn mode(&self, server: ServerId, principal: Principal) -> ResponseMode {
        let own = self.snapshot.responses.get(usize::from(principal.0)).copied().flatten();
        let served = self.snapshot.servers.get(usize::from(server.0));
        own.unwrap_or_else(|| served.map(|server| server.response).unwrap_or_default())
    }
}
