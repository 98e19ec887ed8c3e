// SPDX-License-Identifier: MIT
//! Requests to HTTP backends, from the gateway's wish to the last event of the answer.
//!
//! ```text
//! Fetch ──> idle connection? ── yes ──────────────────────────┐
//!                │ no                                         v
//!                └─> resolve ──> connect ──> TLS ──> send ──> answer ──> FetchDone
//!                                   │ next address            │ stale connection: once more
//!                                   └─<──┘                    └──> connect
//! ```

mod deadlines;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::completions::{Completions, Resolved};
use super::connect::{Connection, Progress, Trouble};
use super::options::Options;
use super::origins::Origins;
use super::request;
use super::roots::Roots;
use super::token::Work;
use super::turn::{Timer, Turn};
use crate::base::{Key, Slab};
use crate::gateway::io::{
    Fetch, FetchContent, FetchError, FetchErrorKind, FetchEvent, FetchHead, FetchRequest, Input,
};
use crate::link::http_client::{BodyKind, ClientError, ClientEvent};

/// One request that has not been answered completely.
pub(super) struct Fetching {
    fetch: Key<Fetch>,
    /// `None` once the head of its answer has come: then it is not sent again.
    request: Option<Box<FetchRequest>>,
    origin: usize,
    at: At,
    /// Until then the head of the answer has to be there; `None` once it is.
    head_by: Option<Instant>,
    paused: bool,
    /// Some byte of the request has been written to some connection.
    sent: bool,
    /// Its connection has carried a request before and may have been given up by the other side.
    pooled: bool,
    armed_at: Option<Instant>,
}

/// How far a request is.
enum At {
    Resolving { until: Instant },
    Connecting { connection: Key<Connection>, rest: Rest, until: Instant, next_at: Instant },
    Exchanging { connection: Key<Connection> },
}

/// The addresses that have not been tried.
type Rest = std::vec::IntoIter<SocketAddr>;

/// All requests to HTTP backends and all connections to them.
pub(super) struct Fetches {
    slab: Slab<Fetching>,
    /// By the slot of the gateway's fetch.
    by_fetch: Vec<Option<Key<Fetching>>>,
    connections: Slab<Connection>,
    origins: Origins,
    roots: Roots,
    completions: Completions,
    user_agent: String,
}

/// A request that must not be sent twice goes on no connection that was idle for longer: many
/// servers give theirs up after five seconds, perhaps just when the request is on its way.
const IDLE_MAX: Duration = Duration::from_secs(4);

impl Fetches {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            slab: Slab::new(),
            by_fetch: Vec::new(),
            connections: Slab::new(),
            origins: Origins::default(),
            roots: Roots::new(options.ca_file.clone()),
            completions: Completions::default(),
            user_agent: format!("penstock/{}", options.version),
        }
    }

    /// Begins a request, on an idle connection if there is one.
    pub(super) fn start(&mut self, fetch: Key<Fetch>, request: Box<FetchRequest>, turn: &mut Turn) {
        let origin = self.origins.find(&request.target);
        let repeatable = request.repeatable;
        let key = self.slab.insert(Fetching {
            fetch,
            origin,
            at: At::Resolving { until: turn.now.mono },
            head_by: request.head_after_max.map(|after| turn.now.mono + after),
            request: Some(request),
            paused: false,
            sent: false,
            pooled: false,
            armed_at: None,
        });
        if self.by_fetch.len() <= fetch.index() {
            self.by_fetch.resize(fetch.index() + 1, None);
        }
        self.by_fetch[fetch.index()] = Some(key);
        while let Some(connection) = self.origins.take_idle(origin) {
            let max = turn.limits.idle_connection_max;
            let is_fit = |found: &Connection| {
                let idle = (turn.now.mono + max).saturating_duration_since(found.idle_until);
                found.is_reusable() && (repeatable || idle < IDLE_MAX)
            };
            if self.connections.get(connection).is_some_and(is_fit) {
                return self.reuse(key, connection, turn);
            }
            self.drop_connection(connection);
        }
        self.find_way(key, turn);
    }

    fn reuse(&mut self, key: Key<Fetching>, connection: Key<Connection>, turn: &mut Turn) {
        let Some(fetching) = self.slab.get_mut(key) else { return };
        fetching.pooled = true;
        if let Some(found) = self.connections.get_mut(connection) {
            found.user = Some(key);
        }
        self.send(key, connection, turn);
    }

    /// Looks for an address and a connection to it.
    fn find_way(&mut self, key: Key<Fetching>, turn: &mut Turn) {
        let Some(fetching) = self.slab.get_mut(key) else { return };
        let Some(request) = &fetching.request else { return };
        let target = &request.target;
        let until = turn.now.mono + target.connect_timeout;
        fetching.at = At::Resolving { until };
        if let Ok(ip) = target.host.parse::<IpAddr>() {
            let address = SocketAddr::from((ip, target.port));
            return self.connect(key, vec![address].into_iter(), until, turn);
        }
        let asked = self.completions.resolve(key.to_bits(), &target.host, target.port, turn);
        match asked {
            Ok(()) => self.arm(key, turn),
            Err(error) => self.fail(key, FetchErrorKind::Dns, error.to_string(), turn),
        }
    }

    /// Notes that addresses have been found.
    pub(super) fn note_completions(&mut self) {
        self.completions.note();
    }

    /// Takes the addresses that have been found.
    pub(super) fn take_completions(&mut self, turn: &mut Turn) {
        while let Some((ticket, result)) = self.completions.take() {
            self.resolved((ticket, result), turn);
        }
    }

    fn resolved(&mut self, (ticket, result): Resolved, turn: &mut Turn) {
        let key = Key::from_parts(ticket as u32, (ticket >> 32) as u32);
        let Some(Fetching { at: At::Resolving { until }, .. }) = self.slab.get(key) else { return };
        let until = *until;
        match result {
            Ok(addresses) if addresses.is_empty() => {
                self.fail(key, FetchErrorKind::Dns, "the name has no address".to_owned(), turn);
            }
            Ok(addresses) => self.connect(key, addresses.into_iter(), until, turn),
            Err(words) => self.fail(key, FetchErrorKind::Dns, words, turn),
        }
    }

    /// Tries the next address; the last trouble is the one that is told.
    fn connect(&mut self, key: Key<Fetching>, mut rest: Rest, until: Instant, turn: &mut Turn) {
        let mut last =
            Trouble { kind: FetchErrorKind::Connect, text: "no address has answered".to_owned() };
        while let Some(address) = rest.next() {
            match self.open(key, address, turn) {
                Ok(connection) => {
                    let Some(fetching) = self.slab.get_mut(key) else { return };
                    // An address that does not answer must leave time for those after it.
                    let left = until.saturating_duration_since(turn.now.mono);
                    let share = left / u32::try_from(rest.len() + 1).unwrap_or(u32::MAX);
                    let next_at = turn.now.mono + share;
                    fetching.at = At::Connecting { connection, rest, until, next_at };
                    return self.arm(key, turn);
                }
                Err(trouble) => last = trouble,
            }
        }
        self.fail(key, last.kind, last.text, turn);
    }

    fn open(
        &mut self,
        key: Key<Fetching>,
        address: SocketAddr,
        turn: &mut Turn,
    ) -> Result<Key<Connection>, Trouble> {
        let unsent = self.slab.get(key).and_then(|found| Some((found, found.request.as_ref()?)));
        let Some((fetching, request)) = unsent else {
            return Err(Trouble { kind: FetchErrorKind::Closed, text: String::new() });
        };
        let target = request.target.clone();
        let mut connection = Connection::begin(address, fetching.origin, key, turn)?;
        if target.tls {
            let config = self.roots.config();
            let config = config.map_err(|text| Trouble { kind: FetchErrorKind::Tls, text })?;
            connection.secure(config, &target.host)?;
        }
        let place = self.connections.insert(connection);
        let watched = self.connections.get_mut(place).map(|found| found.watch(place, turn));
        if let Some(Err(trouble)) = watched {
            self.connections.remove(place);
            return Err(trouble);
        }
        Ok(place)
    }

    /// Notes what the poll says.
    pub(super) fn note(
        &mut self,
        key: Key<Connection>,
        event: &mio::event::Event,
        turn: &mut Turn,
    ) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.note(event);
            turn.queue(&mut connection.queued, Work::Connection(key));
        }
    }

    /// Goes on with a connection as far as its readiness allows.
    pub(super) fn pump(&mut self, place: Key<Connection>, turn: &mut Turn) {
        let Some(connection) = self.connections.get_mut(place) else { return };
        let user = connection.user;
        let paused = user.and_then(|key| self.slab.get(key)).is_some_and(|user| user.paused);
        match connection.advance(place, paused, turn) {
            Ok(Progress::Opening) => {}
            Ok(Progress::Opened) => {
                if let Some(key) = user {
                    self.send(key, place, turn);
                }
            }
            Ok(Progress::Answering) => self.take_events(place, turn),
            Err(trouble) => self.broken(place, trouble, turn),
        }
    }

    /// Writes within the budget.
    pub(super) fn flush(&mut self, place: Key<Connection>, turn: &mut Turn) {
        let Some(connection) = self.connections.get_mut(place) else { return };
        match connection.write(place, turn) {
            Ok(true) => {
                if let Some(user) = connection.user.and_then(|key| self.slab.get_mut(key)) {
                    user.sent = true;
                }
            }
            Ok(false) => {}
            Err(trouble) => self.broken(place, trouble, turn),
        }
    }

    /// Gives the request to an open connection.
    fn send(&mut self, key: Key<Fetching>, place: Key<Connection>, turn: &mut Turn) {
        let Some(fetching) = self.slab.get_mut(key) else { return };
        let Some(connection) = self.connections.get_mut(place) else { return };
        let Some(request) = &fetching.request else { return };
        fetching.at = At::Exchanging { connection: place };
        connection.answered = false;
        let authority = self.origins.authority(fetching.origin);
        request::send(&mut connection.http, request, authority, &self.user_agent);
        connection.soil(place, turn);
        if let Some(at) = fetching.head_by {
            turn.arm(&mut connection.armed_at, at, Timer::Connection(place));
        }
        if connection.input.readable {
            turn.queue(&mut connection.queued, Work::Connection(place));
        }
    }

    /// Tells the gateway what has come.
    fn take_events(&mut self, place: Key<Connection>, turn: &mut Turn) {
        let Some(connection) = self.connections.get_mut(place) else { return };
        let user = connection.user.and_then(|key| Some((key, self.slab.get_mut(key)?)));
        let Some((key, fetching)) = user else {
            // Nobody waits: what comes on an idle connection is its end, or a lie.
            if !connection.is_reusable() {
                self.drop_connection(place);
            }
            return;
        };
        let fetch = fetching.fetch;
        while let Some(event) = connection.http.poll_event() {
            match event {
                ClientEvent::Head { status, kind, session_id, location } => {
                    fetching.head_by = None;
                    fetching.request = None;
                    let head = FetchHead { status, content: content(kind), session_id, location };
                    turn.inbox.push_back(Input::FetchHead { fetch, head });
                }
                ClientEvent::Message { message, name, id, retry_ms } => {
                    let event = FetchEvent { name, id, retry_ms };
                    turn.inbox.push_back(Input::FetchMessage { fetch, message, event });
                }
                ClientEvent::Begins(start) => {
                    turn.inbox.push_back(Input::FetchBegins { fetch, start });
                }
                ClientEvent::Part(block) => {
                    turn.inbox.push_back(Input::FetchPart { fetch, block });
                }
                ClientEvent::End => turn.inbox.push_back(Input::FetchEnd { fetch }),
                ClientEvent::Done { reusable } => return self.finish(key, place, reusable, turn),
                ClientEvent::Failed(ClientError::Closed)
                    if fetching.pooled
                        && !connection.answered
                        && (!fetching.sent
                            || fetching.request.as_ref().is_some_and(|one| one.repeatable)) =>
                {
                    return self.again(key, place, turn);
                }
                ClientEvent::Failed(error) => {
                    let kind = match error {
                        ClientError::Closed => FetchErrorKind::Closed,
                        ClientError::Protocol(_) => FetchErrorKind::Protocol,
                        ClientError::TooLong => FetchErrorKind::TooLong,
                    };
                    return self.fail(key, kind, error.to_string(), turn);
                }
            }
        }
    }

    /// The other side gave the idle connection up, perhaps before our request came: RFC 9112 §9.3.1
    /// lets a client try again what does no harm, and we do so once, on a fresh connection.
    fn again(&mut self, key: Key<Fetching>, place: Key<Connection>, turn: &mut Turn) {
        self.drop_connection(place);
        if let Some(fetching) = self.slab.get_mut(key) {
            fetching.pooled = false;
        }
        self.find_way(key, turn);
    }

    fn finish(
        &mut self,
        key: Key<Fetching>,
        place: Key<Connection>,
        reusable: bool,
        turn: &mut Turn,
    ) {
        if let Some(fetching) = self.remove(key) {
            turn.inbox.push_back(Input::FetchDone { fetch: fetching.fetch, end: Ok(()) });
        }
        let Some(connection) = self.connections.get_mut(place) else { return };
        connection.user = None;
        let (origin, max) = (connection.origin, turn.limits.idle_connections_max);
        if !reusable || connection.ended || !self.origins.keep(origin, place, max) {
            return self.drop_connection(place);
        }
        let until = turn.now.mono + turn.limits.idle_connection_max;
        connection.idle_until = until;
        turn.arm(&mut connection.armed_at, until, Timer::Connection(place));
        if connection.input.readable {
            turn.queue(&mut connection.queued, Work::Connection(place));
        }
    }

    /// A connection cannot go on: another address may, or the request has failed.
    fn broken(&mut self, place: Key<Connection>, trouble: Trouble, turn: &mut Turn) {
        let user = self.connections.get(place).and_then(|connection| connection.user);
        self.drop_connection(place);
        let Some(key) = user else { return };
        let Some(fetching) = self.slab.get_mut(key) else { return };
        match &mut fetching.at {
            At::Connecting { rest, until, .. } if rest.len() > 0 => {
                let (rest, until) = (std::mem::take(rest), *until);
                self.connect(key, rest, until, turn);
            }
            _ => self.fail(key, trouble.kind, trouble.text, turn),
        }
    }

    /// Ends a request without an answer, and its connection.
    fn fail(&mut self, key: Key<Fetching>, kind: FetchErrorKind, text: String, turn: &mut Turn) {
        let Some(fetching) = self.remove(key) else { return };
        if let At::Connecting { connection, .. } | At::Exchanging { connection } = fetching.at {
            self.drop_connection(connection);
        }
        let end = Err(FetchError { kind, sent: fetching.sent, text });
        turn.inbox.push_back(Input::FetchDone { fetch: fetching.fetch, end });
    }

    /// Forgets a request and closes its connection.
    pub(super) fn cancel(&mut self, fetch: Key<Fetch>) {
        let Some(fetching) = self.find(fetch).and_then(|key| self.remove(key)) else { return };
        if let At::Connecting { connection, .. } | At::Exchanging { connection } = fetching.at {
            self.drop_connection(connection);
        }
    }

    /// Says what becomes of the message of an answer that has begun.
    pub(super) fn pass(&mut self, fetch: Key<Fetch>, passes: bool, turn: &mut Turn) {
        let fetching = self.find(fetch).and_then(|key| self.slab.get(key));
        if let Some(Fetching { at: At::Exchanging { connection: place }, .. }) = fetching
            && let Some(connection) = self.connections.get_mut(*place)
        {
            match passes {
                true => connection.http.pass(),
                false => connection.http.gather(),
            }
            turn.queue(&mut connection.queued, Work::Connection(*place));
        }
    }

    /// Stops or goes on reading an answer.
    pub(super) fn pause(&mut self, fetch: Key<Fetch>, paused: bool, turn: &mut Turn) {
        let Some(key) = self.find(fetch) else { return };
        let Some(fetching) = self.slab.get_mut(key) else { return };
        fetching.paused = paused;
        if let At::Exchanging { connection: place } = fetching.at
            && let Some(connection) = self.connections.get_mut(place)
            && !paused
            && connection.input.readable
        {
            turn.queue(&mut connection.queued, Work::Connection(place));
        }
    }

    fn find(&self, fetch: Key<Fetch>) -> Option<Key<Fetching>> {
        let key = (*self.by_fetch.get(fetch.index())?)?;
        (self.slab.get(key)?.fetch == fetch).then_some(key)
    }

    fn remove(&mut self, key: Key<Fetching>) -> Option<Fetching> {
        let fetching = self.slab.remove(key)?;
        if let Some(slot) = self.by_fetch.get_mut(fetching.fetch.index())
            && *slot == Some(key)
        {
            *slot = None;
        }
        Some(fetching)
    }

    fn drop_connection(&mut self, place: Key<Connection>) {
        if let Some(connection) = self.connections.remove(place) {
            self.origins.forget(connection.origin, place);
        }
    }
}

fn content(kind: BodyKind) -> FetchContent {
    match kind {
        BodyKind::Json => FetchContent::Json,
        BodyKind::Events => FetchContent::Events,
        BodyKind::Other => FetchContent::Other,
    }
}
