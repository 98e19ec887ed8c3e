// SPDX-License-Identifier: MIT
//! Servers behind a guard that says what each test wants it to, and what their clients ask.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::sync::{Arc, OnceLock};

use penstock::base::{GuardLimits, Key, Message};
use penstock::gateway::io::{Backend, Peer};
use penstock::gateway::snapshot::{GuardOptions, Server, ServerId, Snapshot, Watch, WatchKind};
use penstock::policy::guard::Mode;
use penstock::policy::guard::rule::{Visibility, WriteSink};
use penstock::policy::guard::wasm::Module;
use penstock::wire::http1::Field;

use crate::world::{HANDSHAKE, INITIALIZE, World, snapshot, stdio_server};

/// What an agent gets from a guard: nothing.
pub const NO_LABELS: &str = r#"{"agent":{},"difc_mode":"filter"}"#;

/// The guard, compiled once.
pub fn module() -> Arc<Module> {
    static MODULE: OnceLock<Arc<Module>> = OnceLock::new();
    let new = || {
        let wasm = wat::parse_str(include_str!("guard.wat")).unwrap();
        // Little room for answers keeps memories small; little time ends loops soon.
        let limits = GuardLimits {
            output_bytes_first: 32 * 1024,
            slice_fuel: 1_000_000,
            judgement_fuel_max: 20_000_000,
            ..GuardLimits::DEFAULT
        };
        Arc::new(Module::new("test", &wasm, &limits).unwrap())
    };
    MODULE.get_or_init(new).clone()
}

/// A watch of this kind.
pub fn watch(kind: WatchKind) -> Watch {
    Watch {
        kind,
        policy: None,
        source: None,
        payload: Message::default(),
        tool_limits: Arc::new([]),
        may_call: Arc::new(["look".into()]),
        mode: None,
        shadow: false,
    }
}

/// The guard that says this of every agent.
pub fn guard(agent: &str) -> Watch {
    let kind = WatchKind::Wasm { name: "test".into(), path: "".into(), sha256: None };
    let payload = format!(r#"{{"say_agent":{agent},"end":0}}"#);
    Watch { payload: Message::from(payload.as_str()), ..watch(kind) }
}

pub fn noop() -> Watch {
    watch(WatchKind::Noop)
}

pub fn sink(accept: &[&str], visibility: Option<Visibility>) -> Watch {
    let accept = accept.iter().map(|&entry| entry.into()).collect();
    watch(WatchKind::WriteSink(WriteSink { accept, visibility }))
}

pub fn with(server: Server, watch: Watch) -> Server {
    Server { watch: Some(Arc::new(watch)), ..server }
}

/// These servers, watched.
pub fn guarded(servers: Vec<Server>) -> Snapshot {
    Snapshot {
        guards: GuardOptions { is_enabled: true, ..GuardOptions::default() },
        ..snapshot(servers)
    }
}

/// A world in which all guards have their module.
pub fn world(snapshot: Snapshot) -> World {
    let is_guard = |server: &Server| {
        matches!(server.watch.as_deref(), Some(Watch { kind: WatchKind::Wasm { .. }, .. }))
    };
    let guards: Vec<_> = snapshot.servers.iter().map(is_guard).collect();
    let mut world = World::new(snapshot);
    for (at, _) in guards.iter().enumerate().filter(|(_, is_guard)| **is_guard) {
        world.gateway.load_guard(ServerId(at as u16), Ok(module()));
    }
    world
}

/// Answers what the gateway asks all children at first.
pub fn open_all(world: &mut World) {
    for child in world.spawned.clone() {
        crate::unified::open(world, child, HANDSHAKE);
    }
}

/// A server named `time` behind a guard, a session of it, and its child.
pub struct One {
    pub world: World,
    pub session: String,
    pub child: Key<Backend>,
}

/// The same behind this guard.
pub fn one(watch: Watch) -> One {
    one_of(guarded(vec![with(stdio_server("time"), watch)]))
}

/// The same of the first server of a snapshot.
pub fn one_of(snapshot: Snapshot) -> One {
    let mut world = world(snapshot);
    open_all(&mut world);
    let (session, child) = world.session();
    One { world, session, child }
}

/// `"name":{…},"end":0` with an escape for the next one.
fn said(name: &str, what: &str) -> String {
    format!(r#""{name}":{what},"end_of_{name}":0"#)
}

/// An object with these labels: tags with blanks between them.
pub fn object(name: &str, secrecy: &str, integrity: &str) -> String {
    let list = |tags: &str| {
        let quoted: Vec<_> = tags.split_whitespace().map(|tag| format!("\"{tag}\"")).collect();
        quoted.join(",")
    };
    let (secrecy, integrity) = (list(secrecy), list(integrity));
    format!(r#"{{"description":"{name}","secrecy":[{secrecy}],"integrity":[{integrity}]}}"#)
}

/// The argument that makes the guard say this of a call.
pub fn call_is(operation: &str, object: &str) -> String {
    said("say_call", &format!(r#"{{"resource":{object},"operation":"{operation}"}}"#))
}

/// The argument that makes it say this of the elements of the answer.
pub fn items_are(objects: &[String]) -> String {
    let entry = |(at, object): (usize, &String)| format!(r#"{{"path":"/{at}","labels":{object}}}"#);
    let entries: Vec<_> = objects.iter().enumerate().map(entry).collect();
    said("say_answer", &format!(r#"{{"labeled_paths":[{}]}}"#, entries.join(",")))
}

/// A result whose text is this JSON.
pub fn result(json: &str) -> String {
    let text = json.replace('\\', "\\\\").replace('"', "\\\"");
    format!(r#"{{"content":[{{"type":"text","text":"{text}"}}]}}"#)
}

pub fn body(id: u32, tool: &str, args: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{{args}}}}}}}"#
    )
}

impl One {
    /// Calls a tool with these arguments.
    pub fn call(&mut self, tool: &str, args: &str) -> Key<Peer> {
        self.post(&body(1, tool, args))
    }

    pub fn post(&mut self, body: &str) -> Key<Peer> {
        let session = self.session.clone();
        self.world.post("/mcp/time", Some(&session), body)
    }

    /// Answers what the child was asked last.
    #[track_caller]
    pub fn answer(&mut self, method: &str, result: &str) {
        let id = self.world.id_of_last(self.child, method);
        let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        self.world.line(self.child, &line);
    }

    /// How often the child was called.
    pub fn n_calls(&self) -> usize {
        let sent = self.world.sent_to(self.child);
        sent.iter().filter(|text| text.contains("\"tools/call\"")).count()
    }

    /// A call and the answer of its backend, if it gets there; what the client has got.
    #[track_caller]
    pub fn exchange(&mut self, tool: &str, args: &str, result: &str) -> String {
        let before = self.n_calls();
        let peer = self.call(tool, args);
        if self.n_calls() > before {
            self.answer("tools/call", result);
        }
        self.got(peer)
    }

    /// The answer that a client has got.
    #[track_caller]
    pub fn got(&self, peer: Key<Peer>) -> String {
        got(&self.world, peer)
    }

    /// Nothing is under way, and nothing is left of what was.
    #[track_caller]
    pub fn is_over(&self) {
        is_over(&self.world);
    }
}

impl Drop for One {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.world.gateway.check_invariants();
        }
    }
}

#[track_caller]
pub fn is_over(world: &World) {
    world.gateway.check_invariants();
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

/// The answer, whatever form it has.
#[track_caller]
pub fn got(world: &World, peer: Key<Peer>) -> String {
    let got = world.client(peer);
    assert!(got.finished, "no answer: {got:?}\n{}", world.gateway.what_is_left());
    match got.events.last() {
        Some(event) => event.split_once('|').unwrap().1.to_owned(),
        None => got.body.clone(),
    }
}

/// A POST with a key.
pub fn post_as(
    world: &mut World,
    key: &str,
    path: &str,
    session: Option<&str>,
    body: &str,
) -> Key<Peer> {
    let mut fields = vec![
        (Field::Accept, "application/json, text/event-stream"),
        (Field::ContentType, "application/json"),
        (Field::Host, "localhost:3000"),
        (Field::Authorization, key),
    ];
    fields.extend(session.map(|session| (Field::McpSessionId, session)));
    world.post_with(path, &fields, body)
}

/// A session of whoever has this key, with a child of its own, or with the one that is open if its
/// server must not hear who it is.
pub fn session_as(world: &mut World, key: &str, server: &str) -> (String, Key<Backend>) {
    let before = world.spawned.len();
    let body = INITIALIZE.replace("{}", r#"{"sampling":{}}"#);
    let path = format!("/mcp/{server}");
    let peer = post_as(world, key, &path, None, &body);
    let is_of = |child: &&Key<Backend>| world.names[*child] == server;
    let open = world.spawned.iter().find(is_of).copied();
    let child = world.spawned.get(before).copied().or(open).unwrap();
    if world.spawned.len() > before {
        let id = world.id_of_last(child, "initialize");
        world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{HANDSHAKE}}}"#));
    }
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let notice = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    post_as(world, key, &path, Some(&session), notice);
    (session, child)
}

/// What a guard gives to agents: labels, and a mode.
pub fn agent(secrecy: &str, integrity: &str, mode: Mode) -> String {
    let labels = object("", secrecy, integrity).replace(r#""description":"","#, "");
    format!(r#"{{"agent":{labels},"difc_mode":"{}"}}"#, mode.as_str())
}
