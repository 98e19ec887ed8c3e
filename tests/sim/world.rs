// SPDX-License-Identifier: MIT
//! Everything around one gateway: the loop that the reactor is elsewhere, with time by hand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use penstock::base::{Key, Limits, Now, Rng, Secret};
use penstock::gateway::Gateway;
use penstock::gateway::io::{Backend, Input, Output, Peer};
use penstock::gateway::patience::Patience;
use penstock::gateway::snapshot::{
    ChildCommand, GuardOptions, HttpTarget, ResponseMode, Server, Snapshot, Transport,
};
use penstock::policy::auth;

use crate::brain::{Ledger, Manner};
use crate::child::Child;
use crate::client::Client;
use crate::dice::Dice;
use crate::guards;
use crate::origin::{Origin, Wire};
use crate::socket::Sockets;
use crate::temper::Temper;
use crate::workers::Workers;

/// What a run is like.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Nobody misbehaves, and everything must succeed.
    pub calm: bool,
    /// The limits are those for tests.
    pub tight: bool,
    pub auth: bool,
}

/// A configured server, seen from the world.
pub struct ServerSide {
    pub manner: Manner,
    pub shared: bool,
    pub http: bool,
    pub temper: Temper,
    /// Whether a guard stands before it.
    pub guarded: bool,
}

pub struct World {
    pub gateway: Gateway,
    pub now: Now,
    pub dice: Dice,
    pub weather: Weather,
    /// How much of what a server says arrives at once, at most.
    pub piece_max: usize,
    pub limits: Arc<Limits>,
    pub inbox: VecDeque<Input>,
    pub clients: Vec<Client>,
    pub sockets: Sockets,
    /// Modern clients that have left in the middle of a call that is at its server.
    pub left: BTreeMap<Key<Peer>, usize>,
    /// How often the gateway has told a server that nobody waits.
    n_cancels: u64,
    /// Peers that the gateway knows to be gone.
    pub gone: BTreeSet<Key<Peer>>,
    pub servers: Vec<ServerSide>,
    pub children: BTreeMap<Key<Backend>, Child>,
    pub origins: Vec<Origin>,
    pub wires: Vec<Wire>,
    pub n_wires: u64,
    pub workers: Workers,
    pub ledger: Ledger,
    pub listening: bool,
    /// Whether what is written now must not wait for an answer before it.
    pub hurry: bool,
    pub exited: bool,
    pub trace: bool,
}

/// A client that never comes back is not waited for all night. In some runs long answers pass in
/// blocks, also where there is room for them; then no more of what a server says arrives at once
/// than is returned.
fn adapt(seed: u64, limits: &mut Limits) -> usize {
    limits.input_after_max = Limits::TEST_MIN.input_after_max;
    if !seed.is_multiple_of(2) {
        return usize::MAX;
    }
    limits.stream_from_bytes = 200;
    limits.replay_bytes_max = limits.replay_bytes_max.min(limits.stream_from_bytes);
    150
}

pub const KEYS: [&str; 2] = ["alpha-key", "beta-key"];
pub const TOOL_TIMEOUT: Duration = Duration::from_secs(20);
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(300);

impl World {
    pub fn new(seed: u64, trace: bool) -> Self {
        let mut dice = Dice::new(seed);
        let calm = dice.one_in(4);
        let weather = Weather { calm, tight: !calm && dice.one_in(2), auth: dice.one_in(3) };
        let mut limits = if weather.tight { Limits::TEST_MIN } else { Limits::DEFAULT };
        let piece_max = adapt(seed, &mut limits);
        let (mut servers, mut sides) = (Vec::new(), Vec::new());
        for n in 0..1 + dice.below(3) {
            let mut side = side(&mut dice, &weather);
            side.manner.long = if piece_max < usize::MAX { 3 } else { 20 };
            servers.push(server(n, &side, calm, &mut dice));
            sides.push(side);
        }
        let origins = sides.iter().map(|side| Origin::new(side, &mut dice)).collect();
        let mut auth = auth::Options::default();
        if weather.auth {
            auth.agents = KEYS.iter().map(|key| Secret::new(key.as_bytes())).collect();
        }
        let is_enabled = guards::place(&mut servers, &mut sides, seed);
        let snapshot = Snapshot {
            servers,
            views: Vec::new(),
            auth,
            session_timeout: SESSION_TIMEOUT,
            responses: Vec::new(),
            schemas: Vec::new(),
            close_timeout: Duration::from_secs(5),
            websocket: false,
            metrics: true,
            tolerance: Default::default(),
            budgets: Default::default(),
            guards: GuardOptions { is_enabled, ..GuardOptions::default() },
            limits,
            version: "0".into(),
        };
        let now = Now { mono: Instant::now(), unix_ms: 1_700_000_000_000 };
        let n_clients = 1 + dice.below(4);
        let clients =
            (0..n_clients).map(|index| Client::new(index, sides.len(), &mut dice)).collect();
        let mut world = Self {
            gateway: Gateway::new(Arc::new(snapshot), Rng::new([seed as u8; 32]), now),
            now,
            dice,
            weather,
            piece_max,
            limits: Arc::new(limits),
            inbox: VecDeque::new(),
            clients,
            sockets: Sockets::default(),
            left: BTreeMap::new(),
            n_cancels: 0,
            gone: BTreeSet::new(),
            servers: sides,
            children: BTreeMap::new(),
            origins,
            wires: Vec::new(),
            n_wires: 0,
            workers: Workers::default(),
            ledger: Ledger::default(),
            listening: true,
            hurry: false,
            exited: false,
            trace,
        };
        guards::load(&mut world.gateway, &world.servers);
        world.say(|| format!("{weather:?}"));
        world.drain_outputs();
        world.think();
        world
    }

    pub fn say(&self, text: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("  {}", text());
        }
    }

    /// Tells the gateway everything that waits, and does what it wants.
    pub fn think(&mut self) {
        self.take_work();
        let mut n = 0;
        while let Some(input) = self.inbox.pop_front().filter(|_| !self.exited) {
            n += 1;
            assert!(n < 10_000, "the gateway and the world keep each other busy");
            self.say(|| format!("> {input:?}"));
            self.note_input(&input);
            let closed = match &input {
                Input::ChildClosed { backend, .. } => Some(*backend),
                _ => None,
            };
            let left = match &input {
                Input::PeerClosed { peer } => self.left.remove(peer),
                _ => None,
            };
            let n_cancels = self.n_cancels;
            self.gateway.handle_input(input, self.now);
            if let Some(backend) = closed {
                self.children.remove(&backend);
            }
            self.drain_outputs();
            if let Some(tag) = left {
                assert!(self.n_cancels > n_cancels, "nobody cancels call {tag} of who has left");
                self.ledger.count("calls that were left");
            }
        }
    }

    fn drain_outputs(&mut self) {
        while let Some(output) = self.gateway.poll_output() {
            if !matches!(output, Output::Emit(_)) {
                self.say(|| format!("< {output:?}"));
            }
            self.apply(output);
        }
        self.gateway.check_invariants();
    }

    /// Notes what tells a server that nobody waits.
    fn note_cancel(&mut self, output: &Output) {
        let body = match output {
            Output::Cancel { .. } => return self.n_cancels += 1,
            Output::Send { message, .. } => Some(message),
            Output::Fetch { request, .. } => request.body.as_ref(),
            _ => None,
        };
        let name = b"notifications/cancelled";
        let bytes = body.map(|body| body.to_message().to_vec()).unwrap_or_default();
        self.n_cancels += u64::from(bytes.windows(name.len()).any(|part| part == name));
    }

    fn apply(&mut self, output: Output) {
        self.note_cancel(&output);
        assert!(!self.exited, "said after the exit: {output:?}");
        match output {
            Output::Spawn { backend, command } => {
                let server = command.program.parse().unwrap();
                self.spawn(backend, server);
            }
            Output::Send { backend, message } => self.send_to_child(backend, &message),
            Output::Stop { backend, .. } => self.child_mut(backend).stopping = true,
            Output::PassLine { backend, passes } => self.pass_line(backend, passes),
            Output::PassMessage { fetch, passes } => self.pass_message(fetch, passes),
            Output::PauseChild { backend, paused } => self.pause_child(backend, paused),
            Output::Fetch { fetch, request } => self.start_fetch(fetch, *request),
            Output::Cancel { fetch } => self.cancel_fetch(fetch),
            Output::PauseFetch { fetch, paused } => self.pause_fetch(fetch, paused),
            Output::Work { judging, task } => self.give_work(judging, task),
            Output::Emit(_) => {}
            Output::StopListening => {
                self.listening = false;
                for key in self.sockets.open.keys().copied().collect::<Vec<_>>() {
                    if let Some(socket) = self.sockets.open.get_mut(&key) {
                        socket.link.stop_accepting();
                    }
                    self.settle(key);
                }
            }
            Output::Exit => self.exited = true,
            output => self.apply_to_socket(output),
        }
    }

    /// Lets time pass; every deadline on the way is kept.
    pub fn pass(&mut self, after: Duration) {
        let until = self.now.mono + after;
        for n in 0.. {
            assert!(n < 20_000, "deadlines that never pass");
            let Some(next) = self.next_deadline().filter(|next| *next <= until) else { break };
            let wait = next.saturating_duration_since(self.now.mono);
            self.now = self.now.later(wait);
            self.ring();
        }
        self.now = self.now.later(until.saturating_duration_since(self.now.mono));
    }

    /// The earliest moment at which somebody wants to be woken.
    pub fn next_deadline(&self) -> Option<Instant> {
        let links = self.sockets.open.values().filter_map(|socket| socket.link.deadline());
        let wires = self.wires.iter().filter_map(|wire| wire.head_by);
        let work = self.workers.next_deadline();
        links.chain(wires).chain(work).chain(self.gateway.poll_timeout()).min()
    }

    fn ring(&mut self) {
        let now = self.now;
        for key in self.sockets.open.keys().copied().collect::<Vec<_>>() {
            let Some(socket) = self.sockets.open.get_mut(&key) else { continue };
            if socket.link.deadline().is_some_and(|at| at <= now.mono) {
                socket.link.handle_timeout(now);
                let after = socket.link.deadline();
                assert!(after.is_none_or(|at| at > now.mono), "a deadline of a link stays");
                self.settle(key);
            }
        }
        self.expire_wires();
        self.think();
        if self.gateway.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.gateway.handle_timeout(now);
            let after = self.gateway.poll_timeout();
            assert!(after.is_none_or(|at| at > now.mono), "an alarm rings without end");
            self.drain_outputs();
            self.think();
        }
    }
}

fn side(dice: &mut Dice, weather: &Weather) -> ServerSide {
    let good = weather.calm || dice.one_in(3);
    let manner = if good { Manner::good(dice) } else { Manner::bad(dice) };
    let temper = Temper::draw(dice, weather.calm);
    ServerSide { manner, shared: dice.one_in(4), http: dice.one_in(2), temper, guarded: false }
}

fn server(n: usize, side: &ServerSide, calm: bool, dice: &mut Dice) -> Server {
    let name: Arc<str> = format!("s{n}").into();
    let transport = if side.http {
        Transport::Http(Arc::new(HttpTarget {
            server: name.clone(),
            tls: false,
            host: "backend.example".into(),
            port: n as u16,
            path: "/mcp".into(),
            headers: Vec::new(),
            connect_timeout: Duration::from_secs(5),
        }))
    } else {
        Transport::Stdio(Arc::new(ChildCommand {
            server: name.clone(),
            program: n.to_string().into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: None,
            container: None,
            leave_after_max: Duration::from_secs(1),
            term_after_max: Duration::from_secs(1),
        }))
    };
    // Who takes no streams cannot be asked.
    let modes: &[_] = match calm && side.manner.ask > 0 {
        true => &[ResponseMode::Auto, ResponseMode::Sse],
        false => &[ResponseMode::Auto, ResponseMode::Auto, ResponseMode::Json, ResponseMode::Sse],
    };
    Server {
        name,
        transport,
        tools: None,
        schema: penstock::gateway::snapshot::Care::Reference,
        startup_timeout: Duration::from_secs(10),
        tool_timeout: TOOL_TIMEOUT,
        patience: Patience::default(),
        tasks: false,
        shared: side.shared,
        required: false,
        response: dice.pick(modes),
        watch: None,
    }
}
