// SPDX-License-Identifier: MIT
//! Several servers as one: `/mcp` and `/mcp/view/{name}`.
//!
//! ```text
//!             tools/list             Fan ── Exchange, part 0 ──> member session ──> backend of a
//!  client ──> Exchange ──> Unified ───┴──── Exchange, part 1 ──> member session ──> backend of b
//!             tools/call b___now ─────────────────────────────── member session ──> backend of b
//! ```
//!
//! A *unified session* speaks with the client and has no backend. It has one *member session* per
//! server: an ordinary session whose client is the unified one, so that everything behind it is as
//! it would be for a client of that server alone. What the client asks of one server goes there as
//! it is but for its name; what it asks of all is a *fan*: one exchange per server, and one answer
//! made from theirs. A server that is missing is left out and named.
//!
//! Without a handshake the members are the one-shot sessions of the servers, and for modern clients
//! those that their capabilities lead to.

use std::time::Instant;

use super::Gateway;
use super::backend::Backend;
use super::exchange::Exchange;
use super::session::{Session, SessionKind};
use super::snapshot::{ServerId, ViewPart};
use crate::base::{Key, Message};
use crate::mcp::legacy::Handshake;

pub mod doubt;
pub mod fan;
pub mod list;
pub mod member;
pub mod modern;
pub mod open;
pub mod route;
pub mod up;
pub mod uris;

pub use fan::Fan;
use uris::Uris;

/// The part of a session that speaks with several servers.
#[derive(Debug)]
pub struct Unified {
    /// In the order of the configuration.
    pub members: Vec<Member>,
    /// The client's `initialize`, while it waits for the members.
    pub greeting: Option<Greeting>,
    /// Whether that was answered, so that whoever comes now is late.
    pub greeted: bool,
    /// Whether the client has said that it is ready.
    pub initialized: bool,
    /// Which server has listed what.
    pub uris: Uris,
    /// Which lists have changed since the client was told.
    pub changed: Changed,
    /// When it will be told.
    pub tell_at: Option<Instant>,
}

/// One server of a unified session.
#[derive(Debug)]
pub struct Member {
    /// The server.
    pub server: ServerId,
    /// Whether it is there.
    pub state: MemberState,
}

/// Whether a member is there.
#[derive(Debug)]
pub enum MemberState {
    /// It was not opened, has failed or has ended, for this reason.
    Away(Box<str>),
    /// It waits to be opened until it is known which protocol its server speaks.
    Doubtful,
    /// Its `initialize` is not answered yet.
    Opening(Key<Session>),
    /// It is there, and this is what it has said.
    Open(Key<Session>, Box<Handshake>),
}

/// An `initialize` that is answered when all members are there, or some time has passed.
#[derive(Debug)]
pub struct Greeting {
    /// The exchange that waits.
    pub exchange: Key<Exchange>,
    /// The client's id, as it is spelled.
    pub id: Message,
    /// When it is answered in any case.
    pub until: Instant,
}

/// What an exchange without a client is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartOf {
    /// The answer to a request to several servers: its part of this number.
    Fan(Key<Fan>, usize),
    /// The opening of its session, a member.
    Opening,
}

/// Which lists are others than before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// `tools/list`
    pub tools: bool,
    /// `prompts/list`
    pub prompts: bool,
    /// `resources/list`
    pub resources: bool,
}

impl Changed {
    /// All that a server with these capabilities has.
    #[must_use]
    pub const fn all() -> Self {
        Self { tools: true, prompts: true, resources: true }
    }

    /// What a notification says has changed.
    #[must_use]
    pub fn by(method: &[u8]) -> Self {
        let is = |kind: &[u8]| method == [b"\"notifications/", kind, b"/list_changed\""].concat();
        Self { tools: is(b"tools"), prompts: is(b"prompts"), resources: is(b"resources") }
    }

    /// What of it a view shows.
    #[must_use]
    pub const fn shown_in(self, part: &ViewPart) -> Self {
        Self {
            tools: self.tools,
            prompts: self.prompts && part.prompts,
            resources: self.resources && part.resources,
        }
    }

    /// The same and more.
    pub const fn add(&mut self, other: Self) {
        self.tools |= other.tools;
        self.prompts |= other.prompts;
        self.resources |= other.resources;
    }
}

impl Unified {
    /// The member for `server`.
    pub fn member_mut(&mut self, server: ServerId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.server == server)
    }
}

impl Member {
    /// Its session, if it has one.
    #[must_use]
    pub const fn session(&self) -> Option<Key<Session>> {
        match self.state {
            MemberState::Opening(session) | MemberState::Open(session, _) => Some(session),
            MemberState::Away(_) | MemberState::Doubtful => None,
        }
    }
}

impl Gateway {
    pub(crate) fn is_unified(&self, key: Key<Session>) -> bool {
        self.sessions.get(key).is_some_and(|session| session.unified.is_some())
    }

    /// The sessions behind a unified one, except for those of modern clients, which are found anew
    /// for each request; none for any other.
    pub(crate) fn members_of(&self, key: Key<Session>) -> Vec<Key<Session>> {
        let Some(session) = self.sessions.get(key) else { return Vec::new() };
        let Some(unified) = &session.unified else { return Vec::new() };
        let member = |member: &Member| match session.kind {
            SessionKind::OneShot => self.sessions.one_shot(member.server, session.principal),
            _ => member.session(),
        };
        unified.members.iter().filter_map(member).collect()
    }

    /// The session whose client `session` speaks with: its unified one, or itself.
    pub(crate) fn with_streams<'s>(&'s self, session: &'s Session) -> &'s Session {
        match session.kind {
            SessionKind::Member(of) => self.sessions.get(of).unwrap_or(session),
            _ => session,
        }
    }

    /// The session that the client of `key` knows: its unified one, or itself.
    pub(crate) fn client_of(&self, key: Key<Session>) -> Key<Session> {
        match self.sessions.get(key).map(|session| &session.kind) {
            Some(SessionKind::Member(of)) => *of,
            _ => key,
        }
    }

    /// The session of `key` that `backend` serves: a member of it, or itself.
    pub(crate) fn member_at(&self, key: Key<Session>, backend: Key<Backend>) -> Key<Session> {
        let is_there = |member: &Key<Session>| {
            self.sessions.get(*member).is_some_and(|member| member.backend == backend)
        };
        self.members_of(key).into_iter().find(is_there).unwrap_or(key)
    }

    /// How many answers `exchange` waits for that are being put together.
    pub(super) fn n_gathering_for(&self, exchange: Key<Exchange>) -> usize {
        let fans = self.fans.iter().filter(|(_, fan)| fan.exchange == exchange).count();
        let greets = |session: &Session| {
            let greeting = session.unified.as_ref().and_then(|unified| unified.greeting.as_ref());
            greeting.is_some_and(|greeting| greeting.exchange == exchange)
        };
        fans + self.sessions.iter().filter(|(_, session)| greets(session)).count()
    }
}
