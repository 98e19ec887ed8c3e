// SPDX-License-Identifier: MIT
//! The core: one `&mut self` that is told facts and asked for effects.
//!
//! ```text
//!            Head, Body                         Call, id N
//!  peer ──────────────> Exchange ──────────────────────────> Backend (child or HTTP session)
//!       <────────────── Session: streams, queue <───────────
//!        Respond, Event                         response N, notification, request
//! ```
//!
//! An *exchange* is one HTTP request of a client, named by what it waits for. A *call* is one
//! JSON-RPC request at a backend; its key is the id that the backend sees. A *session* is a
//! client's MCP session; a *backend* is one child or one HTTP session, and serves one session
//! unless it is shared.
//!
//! It does not know links, threads, files or how logs look. Its own methods only dispatch: each
//! table and each path has its file.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::base::{Key, Limits, Now, Rng, Seal, Slab};
use crate::mcp::tool_name::{NameMap, Rule};

pub mod alarm;
pub mod ask_forge;
pub mod attached;
pub mod backend;
pub mod cache;
pub mod call;
pub mod call_end;
pub mod drain;
pub mod endpoint;
pub mod era;
pub mod exchange;
pub mod fault;
pub mod fetch;
pub mod flight;
pub mod fuzz;
pub mod health;
mod invariants;
pub mod io;
pub mod jobs;
pub mod judge;
pub mod listen;
pub mod note;
pub mod owners;
pub mod params;
pub mod passage;
pub mod patience;
pub mod pause;
pub mod peers;
pub mod pool;
pub mod refused;
pub mod rest;
pub mod session;
pub mod sessions;
pub mod shards;
pub mod shared;
pub mod snapshot;
pub mod stray;
pub mod stream;
pub mod tools;
pub mod turns;
pub mod unified;
mod waiting;
pub mod watch;
pub mod work;

use alarm::Alarms;
use backend::Backend;
use cache::Cache;
use call::{Call, Calls};
use drain::Phase;
use exchange::Exchange;
use exchange::park::Park;
use exchange::rounds::Round;
use fetch::Fetch;
use flight::Flights;
use health::ServerState;
use io::{Input, Output};
use jobs::Jobs;
use judge::origins::Origins;
use judge::reads::Reads;
use judge::{Guards, Judging};
use owners::Owners;
use passage::Passages;
use pause::{Pauses, Source};
use peers::Peers;
use sessions::Sessions;
use shards::Shard;
use snapshot::{Server, ServerId, Snapshot, Tolerance};
use unified::Fan;

use crate::policy::auth::Principal;
use crate::policy::guard::agents::Agents;
use crate::policy::guard::budget::{Budgets, Flows};
use crate::policy::guard::memory::Memory;

/// All of the gateway that is not I/O.
///
/// Invariant: after [`Gateway::poll_output`] returned `None`, nothing happens until the next input
/// or the moment that [`Gateway::poll_timeout`] names.
pub struct Gateway {
    snapshot: Arc<Snapshot>,
    shard: Shard,
    rng: Rng,
    now: Now,
    outputs: VecDeque<Output>,
    peers: Peers,
    pauses: Pauses,
    passages: Passages,
    exchanges: Slab<Exchange>,
    sessions: Sessions,
    backends: Slab<Backend>,
    calls: Calls,
    jobs: Jobs,
    owners: Owners,
    cache: Cache,
    flights: Flights<Key<Call>, Key<Call>>,
    fetches: Slab<Fetch>,
    fans: Slab<Fan>,
    /// The names of tools at common addresses that clients with little room for names see.
    unified_names: NameMap,
    servers: Vec<ServerState>,
    parks: Slab<Park>,
    rounds: Slab<Round>,
    judgings: Slab<Judging>,
    guards: Guards,
    /// What identities carry.
    agents: Agents,
    /// What was denied, to whom.
    denials: Memory,
    budgets: Budgets,
    flows: Flows,
    /// How often labels of identities have changed.
    labels_changed: u64,
    /// Calls of tools that may be called only so often.
    counted: HashMap<(Principal, ServerId, Box<str>), u64>,
    /// What identities have read that they carry.
    reads: Reads,
    /// Where the secrets come from that they have been shown.
    origins: Origins,
    /// Requests to clients in the gateway's own name.
    n_inputs: u64,
    /// For what clients carry for us; the key is made at start and dies with the process.
    seal: Seal,
    began_at: Instant,
    alarms: Alarms,
    /// The sessions in which calls wait for their turn at a child.
    turns_wait: Vec<Key<session::Session>>,
    /// Slips of clients that were let pass and told.
    slips: Tolerance,
    phase: Phase,
}

impl Gateway {
    /// Starts every configured server at once; the outputs are ready to be polled.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>, mut rng: Rng, now: Now) -> Self {
        let key = rng.bytes();
        Self::shard(snapshot, rng, now, (Shard::ALONE, key))
    }

    /// One of several that are one gateway: all have the snapshot, the key for what clients carry,
    /// and `now` in common. It starts the servers that it may serve.
    #[must_use]
    pub fn shard(
        snapshot: Arc<Snapshot>,
        mut rng: Rng,
        now: Now,
        (shard, key): (Shard, [u8; 32]),
    ) -> Self {
        let servers = snapshot.servers.iter().map(|_| ServerState::default()).collect();
        let seal = Seal::new(key);
        let guards = Guards::new(&snapshot, &mut rng);
        let limits = snapshot.limits;
        let budgets = Budgets::new(Arc::clone(&snapshot.budgets));
        let flows = Flows::new(snapshot.budgets.flow);
        let mut gateway = Self {
            snapshot,
            shard,
            rng,
            now,
            outputs: VecDeque::new(),
            peers: Peers::default(),
            pauses: Pauses::default(),
            passages: Passages::default(),
            exchanges: Slab::new(),
            sessions: Sessions::default(),
            backends: Slab::new(),
            calls: Calls::default(),
            jobs: Jobs::default(),
            owners: Owners::default(),
            cache: Cache::default(),
            flights: Flights::default(),
            fetches: Slab::new(),
            fans: Slab::new(),
            unified_names: NameMap::new(Rule::MODEL),
            servers,
            parks: Slab::new(),
            rounds: Slab::new(),
            judgings: Slab::new(),
            guards,
            agents: Agents::new(&limits),
            denials: Memory::new(&limits),
            budgets,
            flows,
            labels_changed: 0,
            counted: HashMap::new(),
            reads: Reads::new(limits.guarded_agent_bytes_max),
            origins: Origins::new(limits.guarded_agent_bytes_max),
            n_inputs: 0,
            seal,
            began_at: now.mono,
            alarms: Alarms::default(),
            turns_wait: Vec::new(),
            slips: Tolerance::NONE,
            phase: Phase::Serving,
        };
        gateway.start_servers();
        gateway
    }

    /// Marks a server as broken before it was ever started, with the reason.
    pub fn break_server(&mut self, server: ServerId, reason: &str) {
        let state = &mut self.servers[usize::from(server.0)];
        state.fail(reason);
        state.broken = true;
        state.first = None;
        for key in self.backends.keys() {
            if self.backends.get(key).is_some_and(|backend| backend.server == server) {
                self.backends.remove(key);
            }
        }
        for call in self.calls.keys_of(|call| !self.backends.contains(call.backend)) {
            self.calls.remove(call);
        }
        for fetch in self.fetches.keys() {
            let of = self.fetches.get(fetch).and_then(Fetch::at_backend);
            if of.is_some_and(|(backend, _)| !self.backends.contains(backend)) {
                self.fetches.remove(fetch);
            }
        }
        self.outputs.retain(|output| match output {
            Output::Spawn { backend, .. } | Output::Send { backend, .. } => {
                self.backends.contains(*backend)
            }
            Output::Fetch { fetch, .. } => self.fetches.contains(*fetch),
            _ => true,
        });
    }

    /// Takes one fact in.
    pub fn handle_input(&mut self, input: Input, now: Now) {
        self.now = now;
        match input {
            Input::Head { peer, from, head } => self.admit(peer, from, &head),
            Input::Body { peer, body } => self.open(peer, body),
            Input::Frame { peer, message } => self.frame(peer, message),
            Input::Moved { peer, from, what } => self.moved_here(peer, from, *what),
            Input::NotMoved { peer, what } => self.not_moved(peer, &what),
            Input::PeerClosed { peer } => self.peer_closed(peer),
            Input::PeerFull { peer } => self.pause_sources_of(peer),
            Input::PeerDrained { peer } => self.read_again_for(peer),
            Input::Line { backend, line } => self.line(backend, line),
            Input::LineBegins { backend, start } => self.line_begins(backend, &start),
            Input::LinePart { backend, block } => self.passes(Source::Child(backend), &block),
            Input::LineEnd { backend } => self.has_passed(Source::Child(backend)),
            Input::Noise { backend, line } => self.noise(backend, &line),
            Input::LineTooLong { backend, start } => self.line_too_long(backend, &start),
            Input::Stderr { backend, line } => self.stderr(backend, line),
            Input::ChildClosed { backend, why } => self.child_closed(backend, &why),
            Input::BackendFull { backend } => self.set_full(backend, true),
            Input::BackendDrained { backend } => self.set_full(backend, false),
            Input::FetchHead { fetch, head } => self.fetch_head(fetch, head),
            Input::FetchMessage { fetch, message, event } => {
                self.fetch_message(fetch, message, event);
            }
            Input::FetchBegins { fetch, start } => self.message_begins(fetch, &start),
            Input::FetchPart { fetch, block } => self.passes(Source::Fetch(fetch), &block),
            Input::FetchEnd { fetch } => self.has_passed(Source::Fetch(fetch)),
            Input::FetchDone { fetch, end } => self.fetch_done(fetch, end),
            Input::Worked { judging, task } => self.worked(judging, task),
            Input::Drain { deadline, why } => self.drain(deadline, why),
            Input::Halt => self.halt(),
        }
        self.settle();
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        self.now = now;
        self.ring_alarms();
        self.settle();
    }

    /// The next effect, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Gateway::handle_timeout`] wants to be called; `None`: never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.alarms.earliest()
    }

    /// Whether nothing runs and nothing is kept: for tests that count what is left.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let nothing_waits = self.parks.is_empty() && self.rounds.is_empty() && self.fans.is_empty();
        nothing_waits
            && self.exchanges.is_empty()
            && self.calls.is_empty()
            && self.fetches.is_empty()
            && self.judgings.is_empty()
    }

    /// How many sessions there are: for tests, and for people.
    #[must_use]
    pub fn n_sessions(&self) -> usize {
        self.sessions.len()
    }

    /// What is under way, for the message of a test that fails: it is not fit for a log.
    #[must_use]
    pub fn what_is_left(&self) -> String {
        let exchanges: Vec<_> = self.exchanges.iter().collect();
        let calls: Vec<_> = self.calls.iter().collect();
        let fetches: Vec<_> = self.fetches.iter().collect();
        let n = self.backends.len();
        let judgings: Vec<_> = self.judgings.iter().collect();
        format!(
            "{:?}, {n} backends, {exchanges:?}, {calls:?}, {fetches:?}, {judgings:?}",
            self.phase
        )
    }

    fn limits(&self) -> &Limits {
        &self.snapshot.limits
    }

    fn server(&self, server: ServerId) -> &Server {
        self.snapshot.server(server)
    }

    fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// What an input may have left to do at its end: nearly always nothing.
    fn settle(&mut self) {
        let is_leaving = !matches!(self.phase, Phase::Serving);
        if is_leaving || !self.turns_wait.is_empty() || self.calls.have_left_something() {
            self.settle_the_rest();
        } else {
            self.alarms.forget_calls_if(self.calls.is_empty());
        }
    }

    fn settle_the_rest(&mut self) {
        self.end_needless();
        self.end_flights();
        self.give_turns();
        self.alarms.forget_calls_if(self.calls.is_empty());
        self.advance_drain();
        self.end_needless();
        self.end_flights();
        self.end_judgements();
    }
}
