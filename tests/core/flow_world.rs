// SPDX-License-Identifier: MIT
//! The world of the flow property: five servers, two agents, and a model of who knows what.
//!
//! Everything that must not be seen by everybody has a mark of its own, and every byte that a
//! client gets is searched for all of them.
//!
//! ```text
//! red   a guard, the older protocol      web   nothing       safe  a sink for some secrets
//! blue  a guard, 2026-07-28 alone                            open  a sink that all can read
//! ```

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Input, Peer};
use penstock::policy::guard::Mode;
use penstock::policy::guard::rule::Visibility;
use penstock::wire::http1::{Field, Method};

use crate::flow::{Bits, Planned, Shape, Step};
use crate::flow_carried::Carried;
use crate::flow_marks::{answered, marks_in};
use crate::guarded::{
    agent, call_is, guard, guarded, is_over, noop, object, post_as, sink, with, world,
};
use crate::world::{
    DISCOVERY, HANDSHAKE, INITIALIZE, World, id_in, modern_request, stdio_server, with_key,
};

pub const SERVERS: [&str; 5] = ["red", "blue", "web", "safe", "open"];
const KEYS: [&str; 2] = ["a", "b"];
const OPERATIONS: [&str; 3] = ["read", "write", "read-write"];
const MODES: [Mode; 3] = [Mode::Strict, Mode::Filter, Mode::Propagate];
const RED: usize = 0;
const BLUE: usize = 1;
const SAFE: usize = 3;

/// What a guard gives to agents.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    pub given: Bits,
    pub mode: usize,
}

/// Who may see a mark.
#[derive(Clone, Copy, Debug)]
enum Marked {
    /// Whoever may read this.
    Labelled(Bits),
    /// Whoever may know that it is there.
    Named(u8),
    /// Everybody who may call the server.
    Free,
    Nobody,
}

#[derive(Clone, Copy)]
struct Mark {
    marked: Marked,
    /// The call to which it belongs.
    call: Option<usize>,
}

struct Made {
    planned: Planned,
    /// What its backend answers.
    body: String,
    /// What its agent had for certain when the answer came.
    integrity_then: u8,
    /// The guarded servers whose guards were there when it was made.
    ready_then: [bool; 2],
}

pub struct Flow {
    world: World,
    policies: [Policy; 2],
    accepts: u8,
    marks: Vec<Mark>,
    made: Vec<Made>,
    agents: [Carried; 2],
    /// Guarded servers whose guards have begun for certain: a call has come there, if not before.
    ready: [bool; 2],
    sessions: HashMap<(usize, usize), String>,
    /// Which agent is behind a connection, and how many bytes of it were searched.
    peers: HashMap<Key<Peer>, (usize, usize)>,
    order: Vec<(Key<Peer>, usize)>,
    n_sent: usize,
    /// The server of each backend.
    servers: HashMap<Key<Backend>, usize>,
    n_spawned: usize,
    gone: HashSet<Key<Backend>>,
    /// Calls that backends have not answered: the call, or nothing if a guard asks.
    owed: VecDeque<(Key<Backend>, String, Option<usize>)>,
}

fn tags(bits: u8, kind: char) -> String {
    let of = |bit: &u8| bits & (1 << bit) != 0;
    (0..8).filter(of).map(|bit| format!("{kind}{bit}")).collect::<Vec<_>>().join(" ")
}

fn said(name: &str, (secrecy, integrity): Bits) -> String {
    object(name, &tags(secrecy, 's'), &tags(integrity, 'i'))
}

/// Whether the first set is in the second one.
const fn fits(one: u8, other: u8) -> bool {
    one & !other == 0
}

impl Flow {
    /// Guards begin before anything else happens, or sooner or later.
    pub fn new(policies: [Policy; 2], accepts: u8, begins: bool) -> Self {
        let watch = |policy: Policy| {
            let (secrecy, integrity) = policy.given;
            guard(&agent(&tags(secrecy, 's'), &tags(integrity, 'i'), MODES[policy.mode]))
        };
        let accepted = tags(accepts, 's');
        let accepted: Vec<_> = accepted.split_whitespace().collect();
        let watches = [
            watch(policies[0]),
            watch(policies[1]),
            noop(),
            sink(&accepted, None),
            sink(&["*"], Some(Visibility::Public)),
        ];
        let servers =
            SERVERS.iter().zip(watches).map(|(name, watch)| with(stdio_server(name), watch));
        let mut world = world(with_key(guarded(servers.collect()), &KEYS));
        if begins {
            world.pass(Duration::from_millis(1));
        }
        world.workers_rest = true;
        let mut flow = Self {
            world,
            policies,
            accepts,
            marks: Vec::new(),
            made: Vec::new(),
            agents: [Carried::NOTHING; 2],
            ready: [begins; 2],
            sessions: HashMap::new(),
            peers: HashMap::new(),
            order: Vec::new(),
            n_sent: 0,
            servers: HashMap::new(),
            n_spawned: 0,
            gone: HashSet::new(),
            owed: VecDeque::new(),
        };
        flow.look();
        flow
    }

    pub fn step(&mut self, step: Step) {
        match step {
            Step::Call(planned) => self.call(planned),
            Step::Work => self.work(),
            Step::Answer => self.answer(),
            Step::Settle => self.settle(),
            Step::Say(server, what) => self.say(server, what),
            Step::Die(server) => self.die(server),
            Step::Leave(at) => {
                let all = self.order.len();
                if all > 0 {
                    self.leave(at % all);
                }
            }
        }
        self.look();
    }

    /// All that is under way ends, and nothing is left.
    pub fn finish(mut self) {
        self.settle();
        self.world.pass(Duration::from_secs(120));
        self.settle();
        is_over(&self.world);
        let at_once = self.agents;
        let fields = [(Field::Authorization, KEYS[0])];
        let peer = self.world.head(Method::Get, "/reflect", &fields);
        let reflected = self.world.client(peer).body.clone();
        for (at, carried) in at_once.iter().enumerate() {
            let name = format!("\"agent-{}\":", at + 1);
            let own = reflected.split_once(&name).map_or("", |(_, rest)| rest);
            let own = own.split_once('}').map_or("", |(own, _)| own);
            for tag in tags(carried.secrecy, 's').split_whitespace() {
                assert!(own.contains(&format!("\"{tag}\"")), "{at} has seen {tag}: {reflected}");
            }
        }
    }

    fn settle(&mut self) {
        loop {
            self.look();
            if !self.world.work.is_empty() {
                self.work();
            } else if !self.owed.is_empty() {
                self.answer();
            } else {
                return;
            }
        }
    }

    fn work(&mut self) {
        self.world.work_a_piece();
        self.look();
    }

    fn mark(&mut self, marked: Marked, call: Option<usize>) -> String {
        self.marks.push(Mark { marked, call });
        format!("Mk{}Z", self.marks.len() - 1)
    }

    // --- clients

    fn call(&mut self, planned: Planned) {
        let at = self.made.len();
        let (agent, server) = (planned.agent, planned.server);
        let operation = OPERATIONS[planned.operation];
        let mut args =
            format!(r#""tag":"Wk{at}Z",{}"#, call_is(operation, &said("it", planned.object)));
        for (name, asks) in [("ask_call", planned.asks.0), ("ask_answer", planned.asks.1)] {
            if asks {
                args += &format!(r#","{name}":1"#);
            }
        }
        let is_modern = planned.is_modern;
        let (body, labels) = self.body(at, &planned);
        args += &labels;
        let ready_then = self.ready;
        self.made.push(Made { planned, body, integrity_then: 0, ready_then });
        self.agents[agent].calls = true;
        self.may_be_given();
        let path = format!("/mcp/{}", SERVERS[server]);
        let call = format!(r#""name":"list_it","arguments":{{{args}}}"#);
        let peer = if is_modern {
            let body = modern_request(
                "1",
                "tools/call",
                &call,
                r#"{"sampling":{}}"#,
                r#""progressToken":"t""#,
            );
            let fields = [
                (Field::Accept, "application/json, text/event-stream"),
                (Field::ContentType, "application/json"),
                (Field::Authorization, KEYS[agent]),
                (Field::McpProtocolVersion, "2026-07-28"),
                (Field::McpMethod, "tools/call"),
                (Field::McpName, "list_it"),
            ];
            self.world.post_with(&path, &fields, &body)
        } else {
            let Some(session) = self.session(agent, server) else { return };
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":{at},"method":"tools/call","params":{{"_meta":{{"progressToken":"t"}},{call}}}}}"#
            );
            post_as(&mut self.world, KEYS[agent], &path, Some(&session), &body)
        };
        self.peers.insert(peer, (agent, 0));
        self.order.push((peer, at));
    }

    /// A client leaves. What it is answered then counts as read, and is not seen here.
    fn leave(&mut self, at: usize) {
        let (peer, call) = self.order[at];
        self.world.leave(peer);
        let planned = &self.made[call].planned;
        let mode = self.policies.get(planned.server).map(|policy| MODES[policy.mode]);
        let agent = planned.agent;
        if mode == Some(Mode::Propagate) {
            self.agents[agent].secrecy_max = u8::MAX;
        }
        if mode == Some(Mode::Propagate) || self.is_any_late() {
            self.agents[agent].read_min = 0;
        }
    }

    fn session(&mut self, agent: usize, server: usize) -> Option<String> {
        if let Some(session) = self.sessions.get(&(agent, server)) {
            return Some(session.clone());
        }
        let path = format!("/mcp/{}", SERVERS[server]);
        let peer = post_as(&mut self.world, KEYS[agent], &path, None, INITIALIZE);
        self.look();
        let session = self.world.client(peer).fields.get("Mcp-Session-Id")?.clone();
        let notice = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        post_as(&mut self.world, KEYS[agent], &path, Some(&session), notice);
        self.sessions.insert((agent, server), session.clone());
        Some(session)
    }

    // --- servers

    /// Answers what the gateway asks in its own name, and notes what it asks for others.
    fn look(&mut self) {
        self.search();
        while self.n_sent < self.world.sent.len() || self.n_spawned < self.world.spawned.len() {
            self.note_spawned();
            let Some((backend, text)) = self.world.sent.get(self.n_sent).cloned() else { continue };
            self.n_sent += 1;
            let Some(&server) = self.servers.get(&backend) else { continue };
            let id = id_in(&text);
            let has = |method: &str| text.contains(&format!("\"method\":\"{method}\""));
            if has("tools/call") {
                let call = text.split_once("\"Wk").map(|(_, rest)| rest.split_once('Z').unwrap().0);
                let call = call.map(|at| at.parse().unwrap());
                if let Some(at) = call {
                    self.reached(at);
                }
                self.owed.push_back((backend, id, call));
                continue;
            }
            let is_modern = server == BLUE;
            let answer = if has("initialize") {
                match is_modern {
                    true => r#""error":{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#.to_owned(),
                    false => format!(r#""result":{HANDSHAKE}"#),
                }
            } else if has("server/discover") {
                match is_modern {
                    true => format!(r#""result":{DISCOVERY}"#),
                    false => r#""error":{"code":-32601,"message":"no"}"#.to_owned(),
                }
            } else if has("tools/list") {
                r#""result":{"resultType":"complete","tools":[],"ttlMs":0,"cacheScope":"private"}"#
                    .to_owned()
            } else {
                continue;
            };
            if !self.gone.contains(&backend) {
                self.world.line(backend, &format!(r#"{{"jsonrpc":"2.0","id":{id},{answer}}}"#));
            }
            self.search();
        }
    }

    fn note_spawned(&mut self) {
        while let Some(backend) = self.world.spawned.get(self.n_spawned) {
            let named = self.world.names.get(backend).unwrap();
            let server = SERVERS.iter().position(|name| name == named).unwrap();
            self.servers.insert(*backend, server);
            self.n_spawned += 1;
        }
    }

    /// A call has come to its backend: what it writes may be written there.
    fn reached(&mut self, at: usize) {
        let planned = self.made[at].planned.clone();
        let (agent, server) = (planned.agent, planned.server);
        let ready = self.made[at].ready_then;
        for guard in (RED..=BLUE).filter(|guard| ready[*guard] || *guard == server) {
            let (secrecy, integrity) = self.policies[guard].given;
            self.agents[agent].secrecy |= secrecy;
            self.agents[agent].given |= integrity;
        }
        if server <= BLUE {
            self.ready[server] = true;
        }
        let carried = self.agents[agent];
        let object = match server {
            RED | BLUE if planned.operation == 0 => return self.asked(&planned),
            RED | BLUE => planned.object,
            SAFE => (self.accepts, 0),
            _ => (0, 0),
        };
        assert!(
            fits(carried.secrecy, object.0),
            "{} carries {:b} and writes to {:b}: {planned:?}",
            KEYS[agent],
            carried.secrecy,
            object.0
        );
        assert!(
            fits(object.1, carried.integrity_max()),
            "{} has {:b} and writes to {:b}: {planned:?}",
            KEYS[agent],
            carried.integrity_max(),
            object.1
        );
    }

    /// A call that reads has come to its backend: its words may be known there.
    fn asked(&self, planned: &Planned) {
        let (seen, server) = (self.agents[planned.agent].seen_at, planned.server);
        let known = seen[server] | self.policies[server].given.0 | planned.object.0;
        assert!(
            fits(seen[1 - server], known),
            "{:b} at {:b}: {planned:?}",
            seen[1 - server],
            known
        );
    }

    /// Whether a guard may begin when something was read already.
    fn is_any_late(&self) -> bool {
        self.ready != [true; 2]
    }

    fn answer(&mut self) {
        let Some((backend, id, call)) = self.owed.pop_front() else { return };
        let body = match call {
            Some(at) => {
                let made = &mut self.made[at];
                made.integrity_then = self.agents[made.planned.agent].integrity();
                made.body.clone()
            }
            None => {
                let mark = self.mark(Marked::Nobody, None);
                format!(
                    r#""result":{{"resultType":"complete","content":[{{"type":"text","text":"{mark}"}}]}}"#
                )
            }
        };
        if !self.gone.contains(&backend) {
            self.world.line(backend, &format!(r#"{{"jsonrpc":"2.0","id":{id},{body}}}"#));
        }
        self.look();
    }

    /// What a backend answers to a call, and the argument that tells the guard what to say of it.
    fn body(&mut self, at: usize, planned: &Planned) -> (String, String) {
        let is_guarded = planned.server <= BLUE;
        let by_call = if is_guarded { Marked::Labelled(planned.object) } else { Marked::Free };
        // Nobody asks a guard about the answer to a write.
        let is_labelled = is_guarded && planned.operation != 1;
        let (mut list, mut labels) = (Vec::new(), Vec::new());
        for (index, item) in planned.items.iter().enumerate() {
            let marked = match item {
                Some(bits) if is_labelled => Marked::Labelled(*bits),
                None if is_labelled => Marked::Nobody,
                _ => by_call,
            };
            let mark = self.mark(marked, Some(at));
            list.push(format!(r#"{{"n":{index},"x":"{mark} \"é\""}}"#));
            if let Some(bits) = item {
                let name = self.mark(Marked::Named(bits.0), Some(at));
                labels.push(format!(r#"{{"path":"/{index}","labels":{}}}"#, said(&name, *bits)));
            }
        }
        let mark = self.mark(by_call, Some(at));
        // What is answered to a write is as secret as what was written, and has to have a mark.
        let shape = if is_labelled { planned.shape } else { planned.shape.marked() };
        let labels = match shape {
            Shape::Text | Shape::Failed => String::new(),
            _ => format!(r#","say_answer":{{"labeled_paths":[{}]}},"end":0"#, labels.join(",")),
        };
        (answered(shape, &list.join(","), &mark), labels)
    }

    /// A guarded server says something beside its answers.
    fn say(&mut self, server: usize, what: usize) {
        let mark = self.mark(Marked::Nobody, None);
        let token = self.owed.front().map_or("1", |(_, id, _)| id);
        let line = match what {
            0 => format!(
                r#""method":"notifications/message","params":{{"level":"error","data":"{mark}"}}"#
            ),
            1 => format!(
                r#""method":"notifications/progress","params":{{"progressToken":{token},"progress":1,"message":"{mark}"}}"#
            ),
            2 => format!(
                r#""method":"notifications/progress","params":{{"progressToken":"t","progress":1,"message":"{mark}"}}"#
            ),
            3 => format!(
                r#""method":"notifications/cancelled","params":{{"requestId":{token},"reason":"{mark}"}}"#
            ),
            4 => format!(r#""id":"{mark}","method":"ping""#),
            5 => format!(
                r#""id":"{mark}","method":"sampling/createMessage","params":{{"x":"{mark}"}}"#
            ),
            _ => {
                format!(r#""method":"notifications/tools/list_changed","params":{{"x":"{mark}"}}"#)
            }
        };
        for backend in self.alive(server) {
            self.world.line(backend, &format!(r#"{{"jsonrpc":"2.0",{line}}}"#));
            self.look();
        }
    }

    fn alive(&self, server: usize) -> Vec<Key<Backend>> {
        let is_alive =
            |at: &&Key<Backend>| self.servers.get(*at) == Some(&server) && !self.gone.contains(*at);
        self.world.spawned.iter().filter(is_alive).copied().collect()
    }

    fn die(&mut self, server: usize) {
        let marked = if server <= BLUE { Marked::Nobody } else { Marked::Free };
        for backend in self.alive(server) {
            let mark = self.mark(marked, None);
            self.world.input(Input::Stderr { backend, line: mark.into_bytes().into() });
            self.gone.insert(backend);
            self.world.child_gone(backend, ChildEnd::Exited(1));
            self.look();
        }
        self.sessions.retain(|(_, at), _| *at != server);
    }

    // --- what is seen

    /// Looks for marks in all that clients have got since the last time.
    fn search(&mut self) {
        let mut seen = Vec::new();
        for (peer, (agent, n_searched)) in &mut self.peers {
            let got = &self.world.clients[peer];
            let mut text: String = got.fields.values().map(String::as_str).collect();
            text += &got.body;
            text.extend(got.events.iter().map(String::as_str));
            let new = text.get(*n_searched..).unwrap_or_default();
            seen.extend(marks_in(new).into_iter().map(|mark| (*agent, mark)));
            *n_searched = text.len();
        }
        // Whoever is shown something carries it from then on, if that is the mode.
        for &(agent, mark) in &seen {
            self.sees(agent, mark);
            if self.mode_of(mark) == Some(Mode::Propagate)
                && let Marked::Labelled(labels) = self.marks[mark].marked
            {
                self.carries(agent, labels);
            }
        }
        for (agent, mark) in seen {
            self.may_see(agent, mark);
        }
    }

    /// What is seen is known, and takes from what guards give that have not begun.
    fn sees(&mut self, agent: usize, mark: usize) {
        let Mark { marked, call } = self.marks[mark];
        let (secrecy, integrity) = match marked {
            Marked::Labelled(labels) => labels,
            _ => (0, 0),
        };
        if self.is_any_late() {
            self.agents[agent].read_min &= integrity;
        }
        let server = call.map(|at| self.made[at].planned.server);
        if let Some(server) = server.filter(|server| *server <= BLUE) {
            self.agents[agent].seen_at[server] |= secrecy;
        }
    }

    fn mode_of(&self, mark: usize) -> Option<Mode> {
        let server = self.made[self.marks[mark].call?].planned.server;
        Some(MODES[self.policies.get(server)?.mode])
    }

    fn carries(&mut self, agent: usize, (secrecy, integrity): Bits) {
        let carried = &mut self.agents[agent];
        carried.secrecy |= secrecy;
        carried.secrecy_max |= secrecy;
        carried.read &= integrity;
        carried.read_min &= integrity;
    }

    /// Whoever calls may be given what any guard gives.
    fn may_be_given(&mut self) {
        for server in RED..=BLUE {
            let (secrecy, integrity) = self.policies[server].given;
            for carried in self.agents.iter_mut().filter(|carried| carried.calls) {
                carried.secrecy_max |= secrecy;
                carried.given_max |= integrity;
            }
        }
    }

    fn may_see(&self, agent: usize, mark: usize) {
        let Mark { marked, call } = &self.marks[mark];
        let carried = self.agents[agent];
        let made = call.map(|at| &self.made[at]);
        let who =
            || format!("{} sees {mark}, {marked:?}, {:?}", KEYS[agent], made.map(|it| &it.planned));
        if let Some(made) = made {
            assert_eq!(made.planned.agent, agent, "somebody else's: {}", who());
        }
        match *marked {
            Marked::Free => {}
            Marked::Nobody => panic!("{}", who()),
            Marked::Named(secrecy) => assert!(fits(secrecy, carried.secrecy_max), "{}", who()),
            Marked::Labelled((secrecy, integrity)) => {
                assert!(fits(secrecy, carried.secrecy_max), "{}", who());
                let then = made.map_or(0, |made| made.integrity_then);
                assert!(fits(then & carried.integrity(), integrity), "{}", who());
            }
        }
    }
}
