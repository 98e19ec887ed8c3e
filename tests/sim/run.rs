// SPDX-License-Identifier: MIT
//! One run: chaos for a while, then peace, then the end; and what must hold after each.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock::gateway::io::Input;

use crate::world::{SESSION_TIMEOUT, TOOL_TIMEOUT, World};

const STEPS_MIN: usize = 150;
const STEPS_MAX: usize = 1000;

/// Runs one seed and says what was seen, and how often. `step` counts along.
pub fn run(seed: u64, trace_from: Option<u64>, step: &mut u64) -> BTreeMap<&'static str, u64> {
    let trace = |step: u64| trace_from.is_some_and(|from| from == 0 || step + 60 > from);
    let mut world = World::new(seed, trace(0));
    let n_steps = STEPS_MIN + world.dice.below(STEPS_MAX - STEPS_MIN);
    let drains_early = !world.weather.calm && world.dice.one_in(4);
    for n in 0..n_steps {
        *step += 1;
        world.trace = trace(*step);
        world.say(|| format!("--- step {n}"));
        world.step();
        if drains_early && n == n_steps / 2 {
            world.drain(Duration::from_secs(5));
        }
    }
    world.trace = trace(*step);
    world.make_peace(step);
    if !drains_early {
        world.check_leaks();
        world.drain(Duration::from_secs(5));
    }
    world.end(step);
    world.ledger.seen
}

impl World {
    fn drain(&mut self, patience: Duration) {
        let deadline = self.now.mono + patience;
        self.inbox.push_back(Input::Drain { deadline, why: "the dice" });
        if self.dice.one_in(8) {
            self.inbox.push_back(Input::Halt);
        }
        self.think();
    }

    /// One thing happens.
    fn step(&mut self) {
        match self.dice.below(if self.weather.calm { 24 } else { 26 }) {
            0..5 => self.client_acts(),
            5..16 => {
                self.pump_one();
            }
            16..23 => {
                self.someone_acts();
            }
            23 => {
                let ms = self.dice.pick(&[1, 10, 60]);
                self.pass(Duration::from_millis(ms));
            }
            24 if self.dice.one_in(6) => {
                let s = self.dice.pick(&[1, 3, 9, 31, 70]);
                self.pass(Duration::from_secs(s));
            }
            _ => {
                for _ in 0..30 {
                    self.pump_one();
                }
            }
        }
        self.think();
    }

    /// Some bytes move somewhere.
    fn pump_one(&mut self) -> bool {
        let n = match self.dice.below(4) {
            0 => 1 + self.dice.below(7),
            1 => 1 + self.dice.below(200),
            _ => usize::MAX,
        };
        let peers: Vec<_> = self.sockets.open.keys().copied().collect();
        let children: Vec<_> = self.children.keys().copied().collect();
        let wires: Vec<_> = self.wires.iter().map(|wire| wire.number).collect();
        let all = peers.len() + children.len() + wires.len();
        let at = self.dice.below(all);
        let first = self.dice.one_in(2);
        let moved = if let Some(key) = peers.get(at).copied() {
            if first { self.pump_in(key, n) } else { self.pump_out(key, n) }
        } else if let Some(key) = children.get(at - peers.len()).copied() {
            if first { self.pump_stdin(key, n) } else { self.pump_stdout(key, n) }
        } else if let Some(number) = wires.get(at - peers.len() - children.len()).copied() {
            if first { self.pump_request(number, n) } else { self.pump_answer(number, n) }
        } else {
            false
        };
        self.think();
        moved
    }

    fn someone_acts(&mut self) -> bool {
        let children: Vec<_> = self.children.keys().copied().collect();
        let wires: Vec<_> = self.wires.iter().map(|wire| wire.number).collect();
        let at = self.dice.below(children.len() + wires.len());
        let acted = if let Some(key) = children.get(at).copied() {
            self.child_acts(key)
        } else if let Some(number) = wires.get(at.wrapping_sub(children.len())).copied() {
            self.wire_acts(number)
        } else {
            false
        };
        self.think();
        acted
    }

    /// Everybody does everything that is left to do.
    fn settle_all(&mut self) {
        for n in 0.. {
            assert!(n < 20_000, "it never becomes quiet");
            let mut moved = false;
            for key in self.sockets.open.keys().copied().collect::<Vec<_>>() {
                moved |= self.pump_in(key, usize::MAX);
                moved |= self.pump_out(key, usize::MAX);
                self.think();
            }
            for key in self.children.keys().copied().collect::<Vec<_>>() {
                moved |= self.pump_stdin(key, usize::MAX);
                moved |= self.pump_stdout(key, usize::MAX);
                moved |= self.child_acts(key);
                self.think();
            }
            for number in self.wires.iter().map(|wire| wire.number).collect::<Vec<_>>() {
                moved |= self.pump_request(number, usize::MAX);
                moved |= self.pump_answer(number, usize::MAX);
                moved |= self.wire_acts(number);
                self.think();
            }
            if !moved {
                return;
            }
        }
    }

    /// Clients ask for nothing more and read everything; then patience ends for what is open.
    fn make_peace(&mut self, step: &mut u64) {
        for socket in self.sockets.open.values_mut() {
            socket.stalled = false;
        }
        self.hush();
        for _ in 0..80 {
            *step += 1;
            self.settle_all();
            if self.weather.calm || self.dice.one_in(40) {
                self.answer_all();
            }
            self.pass(Duration::from_millis(100));
        }
        if self.weather.calm {
            self.check_answered("in calm weather");
        }
        for _ in 0..10 {
            *step += 1;
            self.pass(TOOL_TIMEOUT / 2);
            self.settle_all();
        }
        self.check_answered("after every timeout");
        // Everybody has read everything: there is nobody left to wait for.
        assert!(!self.children.values().any(|child| child.paused), "a child is held up for nobody");
        assert!(!self.wires.iter().any(|wire| wire.paused), "an answer is held up for nobody");
    }

    /// Servers speak less of what nobody has asked for, or there is no end of it.
    fn hush(&mut self) {
        let sides = self.servers.iter_mut().map(|side| &mut side.manner);
        let origins = self.origins.iter_mut().map(|origin| &mut origin.manner);
        let children = self.children.values_mut().map(|child| &mut child.manner);
        for manner in sides.chain(origins).chain(children) {
            manner.notify *= 8;
            manner.noise *= 8;
        }
    }

    /// Nobody leaves a question open.
    fn answer_all(&mut self) {
        for client in 0..self.clients.len() {
            for _ in 0..self.clients[client].asked.len() {
                self.answer_one(client);
            }
            let n_rounds = self.clients[client].modern.rounds.len();
            for _ in 0..if self.weather.calm { n_rounds } else { 0 } {
                self.come_back(client);
            }
        }
    }

    #[track_caller]
    fn check_answered(&self, when: &str) {
        for (key, socket) in &self.sockets.open {
            // Who exits closes what is open.
            let waits = socket.is_owed() && !socket.ends && !self.exited;
            assert!(!waits, "{when}: {key:?} still waits for {:?}", socket.expects);
            if !socket.ends && socket.expects.is_empty() {
                assert!(socket.reader.is_between(), "{when}: half an answer on {key:?}");
            }
        }
    }

    /// All clients leave: what is kept for them goes with time.
    fn check_leaks(&mut self) {
        for key in self.sockets.open.keys().copied().collect::<Vec<_>>() {
            if self.weather.calm {
                // What is lost now was not promised.
                self.sockets.open.get_mut(&key).unwrap().expects.clear();
            }
            self.remove_socket(key);
        }
        self.think();
        self.pass(TOOL_TIMEOUT * 2);
        self.settle_all();
        // The stream of HTTP+SSE is open as long as its backend, and what an old client has
        // subscribed to at a modern server as long as its session.
        let is_kept = self.origins.iter().any(|origin| origin.legacy);
        let may_subscribe = self.servers.iter().any(|side| side.temper.is_modern());
        if !is_kept && !may_subscribe {
            assert!(self.gateway.is_quiet(), "something is left of the clients: {}", self.left());
        }
        for _ in 0..2 {
            self.pass(SESSION_TIMEOUT);
            self.settle_all();
        }
        if !is_kept {
            assert!(self.gateway.is_quiet(), "something is left of sessions: {}", self.left());
        }
        let left = self.left();
        assert!(left.starts_with("0 sessions"), "{left}");
        let n = self.children.len();
        let n_modern = self.servers.iter().filter(|side| side.temper.is_modern()).count();
        assert!(n <= self.servers.len() + n_modern, "{n} children for nobody");
    }

    fn left(&self) -> String {
        format!("{} sessions, {}", self.gateway.n_sessions(), self.gateway.what_is_left())
    }

    /// The gateway has been told to stop: it does, in time, and nothing is left.
    fn end(&mut self, step: &mut u64) {
        for _ in 0..60 {
            *step += 1;
            self.settle_all();
            if self.exited {
                assert!(self.gateway.is_quiet(), "left at the exit: {}", self.left());
                assert!(self.children.is_empty(), "children after the exit");
                assert_eq!(self.gateway.n_sessions(), 0);
                return;
            }
            self.pass(Duration::from_secs(1));
        }
        panic!("no exit: {}", self.left());
    }
}
