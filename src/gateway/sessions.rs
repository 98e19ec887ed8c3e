// SPDX-License-Identifier: MIT
//! The kinds of sessions, the table of all of them, and the ways to find one.

use std::collections::HashMap;

use super::session::Session;
use super::snapshot::ServerId;
use crate::base::{Key, Message, Slab};
use crate::policy::auth::Principal;

/// How clients come to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// One client, by the handshake of the legacy era; it knows the id.
    Handshake,
    /// Clients of the legacy era without a handshake: one session per identity.
    OneShot,
    /// Clients of the modern era, which know of no session: one of those kept for such clients.
    Pooled(Pool),
    /// The client of this unified session; it knows nothing of this one.
    Member(Key<Session>),
}

impl SessionKind {
    /// Whether several clients may be behind it.
    #[must_use]
    pub const fn is_pooled(&self) -> bool {
        matches!(self, Self::OneShot | Self::Pooled(_))
    }
}

/// Which clients of the modern era may come to a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pool {
    /// The server.
    pub server: ServerId,
    /// Who they are.
    pub principal: Principal,
    /// What they can do, as the legacy server behind it was told: a JSON object. `None`: the server
    /// is modern, and told by each request.
    pub capabilities: Option<Box<[u8]>>,
}

/// What a client has said about itself in `initialize`: JSON objects, as it spelled them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFacts {
    /// `clientInfo`.
    pub info: Message,
    /// `capabilities`.
    pub capabilities: Message,
}

/// All sessions.
#[derive(Default)]
pub struct Sessions {
    slab: Slab<Session>,
    by_id: HashMap<Box<[u8]>, Key<Session>>,
    one_shots: HashMap<(ServerId, Principal), Key<Session>>,
    pools: HashMap<Pool, Vec<Key<Session>>>,
    n_members: usize,
}

impl Sessions {
    /// How many there are, without the members of unified ones.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slab.len() - self.n_members
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The session of this key.
    #[must_use]
    pub fn get(&self, key: Key<Session>) -> Option<&Session> {
        self.slab.get(key)
    }

    /// Like [`Sessions::get`], to change it.
    pub fn get_mut(&mut self, key: Key<Session>) -> Option<&mut Session> {
        self.slab.get_mut(key)
    }

    /// The session that a client means.
    #[must_use]
    pub fn by_id(&self, id: &[u8]) -> Option<Key<Session>> {
        self.by_id.get(id).copied()
    }

    /// The session for calls without a handshake.
    #[must_use]
    pub fn one_shot(&self, server: ServerId, principal: Principal) -> Option<Key<Session>> {
        self.one_shots.get(&(server, principal)).copied()
    }

    /// The sessions that are kept for such clients.
    #[must_use]
    pub fn pooled(&self, pool: &Pool) -> &[Key<Session>] {
        self.pools.get(pool).map_or(&[], Vec::as_slice)
    }

    /// All sessions.
    pub fn iter(&self) -> impl Iterator<Item = (Key<Session>, &Session)> {
        self.slab.iter()
    }

    pub(super) fn insert(&mut self, session: Session) -> Key<Session> {
        let (id, kind) = (session.id.clone(), session.kind.clone());
        let identity = (session.server, session.principal);
        let key = self.slab.insert(session);
        match kind {
            SessionKind::Handshake => drop(self.by_id.insert(id.into_boxed_bytes(), key)),
            SessionKind::OneShot => drop(self.one_shots.insert(identity, key)),
            SessionKind::Pooled(pool) => self.pools.entry(pool).or_default().push(key),
            SessionKind::Member(_) => self.n_members += 1,
        }
        key
    }

    pub(super) fn remove(&mut self, key: Key<Session>) -> Option<Session> {
        let session = self.slab.remove(key)?;
        match &session.kind {
            SessionKind::Handshake => drop(self.by_id.remove(session.id.as_bytes())),
            SessionKind::OneShot => {
                self.one_shots.remove(&(session.server, session.principal));
            }
            SessionKind::Pooled(pool) => self.leave_pool(pool, key),
            SessionKind::Member(_) => self.n_members -= 1,
        }
        Some(session)
    }

    fn leave_pool(&mut self, pool: &Pool, key: Key<Session>) {
        let Some(all) = self.pools.get_mut(pool) else { return };
        all.retain(|one| *one != key);
        if all.is_empty() {
            self.pools.remove(pool);
        }
    }
}
