// SPDX-License-Identifier: MIT
//! Correlation: one JSON-RPC request at a backend, under an id of ours.
//!
//! The id is made from the call's key, so that an answer finds its call without a search, and a
//! late answer to an earlier call in the same slot finds nothing.

use std::time::Instant;

use super::exchange::Exchange;
use super::exchange::park::Park;
use super::exchange::rounds::Round;
use super::io::{Backend, Fetch};
use super::jobs::Job;
use super::judge::Judging;
use super::patience::Extension;
use super::session::Session;
use super::snapshot::ServerId;
use crate::base::{Key, Message, Slab};
use crate::mcp::freshness::Question;
use crate::mcp::method::Method;
use crate::policy::guard::Need;
use crate::wire::Splice;

/// Bits of the generation that fit beside 32 bits of index below 2^53, where every JSON reader
/// still tells integers apart.
const GENERATION_MASK: u32 = (1 << 21) - 2;

/// Names and values of HTTP fields.
pub type Fields = Box<[(Box<str>, Box<str>)]>;

/// One request that a backend has not answered yet.
#[derive(Debug)]
pub struct Call {
    /// Who was asked.
    pub backend: Key<Backend>,
    /// Who wants the answer.
    pub whom: CallFor,
    /// What we do with the method.
    pub method: Method,
    /// The method's name, without quotes.
    pub name: Message,
    /// `params.name` of a `tools/call`, without quotes.
    pub tool: Option<Message>,
    /// `params.uri` of a `resources/read`, as it is spelled.
    pub uri: Option<Message>,
    /// The client's id, as it is spelled.
    pub id: Message,
    /// The client's progress token, as it is spelled.
    pub token: Option<Message>,
    /// Whether the backend knows our id as the token.
    pub token_is_ours: bool,
    /// The request as it left, in case its session is lost before it was executed; empty if that
    /// cannot happen.
    pub request: Splice,
    /// Fields that the HTTP request that carries it needs beside the usual ones.
    pub fields: Fields,
    /// The HTTP status of its answer, if that was an error.
    pub http_status: Option<u16>,
    /// The HTTP request that carries it.
    pub fetch: Option<Key<Fetch>>,
    /// When it left.
    pub sent_at: Instant,
    /// When patience ends.
    pub deadline: Instant,
    /// What progress does to that; `None`: nothing.
    pub extension: Option<Extension>,
    /// Whether nobody waits any more; the answer will be dropped.
    pub cancelled: bool,
    /// Whether it was already sent a second time.
    pub resent: bool,
    /// What it asks, if its answer may be kept or shared.
    pub question: Option<Asking>,
    /// The input that it waits for.
    pub needs: Option<Needs>,
    /// How often it had to wait for input at a modern server.
    pub n_rounds: u32,
    /// Whether it waits for something else than an answer, and is never sent.
    pub is_never_sent: bool,
    /// Whether a modern backend may log for it.
    pub wants_logs: bool,
    /// The judgement that it holds.
    pub watched: Option<Key<Judging>>,
    /// What a guard wants to know by it.
    pub asked_by_guard: Option<Box<Need>>,
}

/// Who wants the answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFor {
    /// A client.
    Exchange(Key<Exchange>),
    /// A client that does not wait, but asks for the result later.
    Job(Key<Job>),
    /// A client that was asked for something, and will come back for the answer.
    Parked,
    /// The gateway: it opens the backend itself.
    Handshake,
    /// The gateway: it asks what a modern server offers, which opens that backend.
    Discovery,
    /// The gateway: it opens a lost HTTP session again.
    Reopening,
    /// The gateway: it subscribes for this session.
    Listening(Key<Session>),
    /// The gateway: it lists tools; these are the pages so far.
    Tools(Vec<Message>),
    /// A guard that judges another call.
    Guard(Key<Judging>),
    /// The gateway: it tidies up, and takes any answer.
    Nobody,
}

/// Whom a call asks, and what, if its answer may be kept or shared.
pub type Asking = Box<(ServerId, Question)>;

/// What a call waits for that its client has to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// A modern client is asked with a result, for a legacy backend.
    Park(Key<Park>),
    /// A legacy client is asked with requests, for a modern backend.
    Round(Key<Round>),
}

impl Call {
    /// Whether `exchange` still waits for the answer.
    #[must_use]
    pub fn is_waited_for_by(&self, exchange: Key<Exchange>) -> bool {
        !self.cancelled && self.whom == CallFor::Exchange(exchange)
    }
}

/// All calls under way, and those of each backend in the order in which they were made.
///
/// ```text
/// backend 0: first ──> call ──> call <── last      links are numbers of slots
/// backend 1: first ──> call <────────── last
/// ```
#[derive(Default)]
pub struct Calls {
    slab: Slab<Call>,
    /// What calls waited for that are over.
    needless: Vec<Needs>,
    /// Calls that are over or cancelled, and what they asked.
    left: Vec<(Key<Call>, Asking)>,
    /// Calls that are over or cancelled, and the judgements that they held.
    let_go: Vec<(Key<Call>, Key<Judging>)>,
    /// The neighbours of each slot's call.
    links: Vec<Ends>,
    /// The first and the last call of each backend, by its slot.
    lists: Vec<Ends>,
}

/// The two ends of a list, or the two neighbours in one.
#[derive(Clone, Copy)]
struct Ends {
    before: u32,
    after: u32,
}

/// The slot of nobody.
const NONE: u32 = u32::MAX;

impl Ends {
    const NONE: Self = Self { before: NONE, after: NONE };
}

/// The place `at` of a table that grows with the slots it follows.
fn place(table: &mut Vec<Ends>, at: usize) -> &mut Ends {
    if at >= table.len() {
        table.resize(at + 1, Ends::NONE);
    }
    &mut table[at]
}

impl Calls {
    /// Adds a call and gives its key.
    pub fn insert(&mut self, call: Call) -> Key<Call> {
        let list = call.backend.index();
        let key = self.slab.insert(call);
        let slot = u32::try_from(key.index()).unwrap_or(NONE);
        let ends = place(&mut self.lists, list);
        let last = std::mem::replace(&mut ends.after, slot);
        if last == NONE {
            ends.before = slot;
        } else {
            place(&mut self.links, last as usize).after = slot;
        }
        *place(&mut self.links, key.index()) = Ends { before: last, after: NONE };
        key
    }

    /// The call of this key.
    #[must_use]
    pub fn get(&self, key: Key<Call>) -> Option<&Call> {
        self.slab.get(key)
    }

    /// Like [`Calls::get`], to change it.
    pub fn get_mut(&mut self, key: Key<Call>) -> Option<&mut Call> {
        self.slab.get_mut(key)
    }

    /// Ends a call.
    pub fn remove(&mut self, key: Key<Call>) -> Option<Call> {
        let call = self.slab.get(key)?;
        let list = call.backend.index();
        if let Some(needs) = call.needs {
            self.needless.push(needs);
        }
        if let Some(asking) = &call.question {
            self.left.push((key, asking.clone()));
        }
        if let Some(judging) = call.watched {
            self.let_go.push((key, judging));
        }
        self.unlink(key.index(), list);
        // Moved out last and at once: a call is a few hundred bytes.
        self.slab.remove(key)
    }

    fn unlink(&mut self, slot: usize, list: usize) {
        let Ends { before, after } = std::mem::replace(&mut self.links[slot], Ends::NONE);
        let ends = &mut self.lists[list];
        if before == NONE {
            ends.before = after;
        } else {
            self.links[before as usize].after = after;
        }
        if after == NONE {
            ends.after = before;
        } else {
            self.links[after as usize].before = before;
        }
    }

    /// The calls of `backend`, in the order in which they were made; costs nothing for the calls
    /// of others.
    pub fn of(&self, backend: Key<Backend>) -> impl Iterator<Item = (Key<Call>, &Call)> {
        let mut next = self.lists.get(backend.index()).map_or(NONE, |ends| ends.before);
        let walk = std::iter::from_fn(move || {
            let found = self.slab.at(next)?;
            next = self.links[next as usize].after;
            Some(found)
        });
        // Another backend may have lived in the same slot.
        walk.filter(move |(_, call)| call.backend == backend)
    }

    /// Nobody waits for a call any more; if it waits for input itself, that is not wanted.
    pub fn cancel(&mut self, key: Key<Call>) {
        if let Some(call) = self.slab.get_mut(key) {
            call.cancelled = true;
            self.needless.extend(call.needs);
            self.left.extend(call.question.take().map(|question| (key, question)));
            self.let_go.extend(call.watched.take().map(|judging| (key, judging)));
        }
    }

    /// Calls that are over or cancelled and whose answer others may have waited for, with what they
    /// asked.
    pub fn take_left(&mut self) -> Vec<(Key<Call>, Asking)> {
        std::mem::take(&mut self.left)
    }

    /// Calls that are over or cancelled and held a judgement, with it.
    pub fn take_let_go(&mut self) -> Vec<(Key<Call>, Key<Judging>)> {
        std::mem::take(&mut self.let_go)
    }

    /// Whether calls that are over or cancelled have left anything behind.
    #[must_use]
    pub const fn have_left_something(&self) -> bool {
        !(self.needless.is_empty() && self.left.is_empty() && self.let_go.is_empty())
    }

    /// Whether there are calls of that kind.
    #[must_use]
    pub fn has_let_go(&self) -> bool {
        !self.let_go.is_empty()
    }

    /// Whether there are such calls.
    #[must_use]
    pub fn has_left(&self) -> bool {
        !self.left.is_empty()
    }

    /// Whether a call that waited for something is over or cancelled.
    #[must_use]
    pub fn has_needless(&self) -> bool {
        !self.needless.is_empty()
    }

    /// What calls waited for that are over or cancelled.
    pub fn take_needless(&mut self) -> Vec<Needs> {
        std::mem::take(&mut self.needless)
    }

    /// The call that `backend` means by an id or token of ours, as it spells it.
    #[must_use]
    pub fn find(&self, backend: Key<Backend>, id: &[u8]) -> Option<Key<Call>> {
        let bits = crate::base::bytes::parse_u64(id)?;
        let (key, call) = self.slab.at(u32::try_from(bits & u64::from(u32::MAX)).ok()?)?;
        (id_of(key) == bits && call.backend == backend).then_some(key)
    }

    /// The call of `backend` whose client spells its progress token like this.
    #[must_use]
    pub fn by_token(&self, backend: Key<Backend>, token: &[u8]) -> Option<Key<Call>> {
        let matches = |call: &Call| {
            !call.token_is_ours && call.token.as_deref().is_some_and(|own| own == token)
        };
        self.of(backend).find(|(_, call)| matches(call)).map(|(key, _)| key)
    }

    /// The keys of the calls that `wanted` picks.
    #[must_use]
    pub fn keys_of(&self, mut wanted: impl FnMut(&Call) -> bool) -> Vec<Key<Call>> {
        self.slab.iter().filter(|(_, call)| wanted(call)).map(|(key, _)| key).collect()
    }

    /// All calls.
    pub fn iter(&self) -> impl Iterator<Item = (Key<Call>, &Call)> {
        self.slab.iter()
    }

    /// Whether this call is under way.
    #[must_use]
    pub fn contains(&self, key: Key<Call>) -> bool {
        self.slab.contains(key)
    }

    /// Whether no call is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slab.is_empty()
    }
}

/// The id that a backend sees: at least 1 (some servers take 0 for none), below 2^53.
#[must_use]
pub fn id_of(key: Key<Call>) -> u64 {
    // The shifted generation keeps clear of 0 by its lowest bit.
    let generation = u64::from((key.generation() << 1 & GENERATION_MASK) | 1);
    generation << 32 | key.index() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_are_safe_integers_and_differ_by_generation() {
        for generation in [0, 1, 2, u32::MAX] {
            for index in [0, 1, u32::MAX] {
                let id = id_of(Key::from_parts(index, generation));
                assert!(id > 0 && id < 1 << 53, "{id}");
            }
        }
        assert_ne!(id_of(Key::from_parts(3, 0)), id_of(Key::from_parts(3, 1)));
    }

    fn call(backend: Key<Backend>) -> Call {
        let now = Instant::now();
        Call {
            backend,
            whom: CallFor::Nobody,
            method: Method::Ping,
            name: Message::default(),
            tool: None,
            id: Message::default(),
            uri: None,
            token: None,
            token_is_ours: true,
            request: Message::default().into(),
            fields: Fields::default(),
            http_status: None,
            fetch: None,
            sent_at: now,
            deadline: now,
            extension: None,
            cancelled: false,
            resent: false,
            question: None,
            is_never_sent: false,
            wants_logs: false,
            watched: None,
            asked_by_guard: None,
            needs: None,
            n_rounds: 0,
        }
    }

    proptest! {
        #[test]
        fn the_calls_of_a_backend_are_those_that_a_walk_over_all_would_find(
            steps in proptest::collection::vec((0_u32..4, 0_usize..8, any::<bool>()), 0..64),
        ) {
            let mut calls = Calls::default();
            // In the order in which they were made, as a list that is searched.
            let mut twin: Vec<(Key<Call>, Key<Backend>)> = Vec::new();
            for (slot, which, adds) in steps {
                // Two generations of each of two slots.
                let backend = Key::from_parts(slot % 2, slot / 2);
                if adds || twin.is_empty() {
                    twin.push((calls.insert(call(backend)), backend));
                } else {
                    let (key, _) = twin.remove(which % twin.len());
                    prop_assert!(calls.remove(key).is_some());
                    prop_assert!(calls.remove(key).is_none());
                }
                for slot in 0..4 {
                    let backend = Key::from_parts(slot % 2, slot / 2);
                    let found: Vec<_> = calls.of(backend).map(|(key, _)| key).collect();
                    let want: Vec<_> =
                        twin.iter().filter(|(_, at)| *at == backend).map(|(key, _)| *key).collect();
                    prop_assert_eq!(found, want);
                }
            }
        }
    }
}
