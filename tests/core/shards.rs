// SPDX-License-Identifier: MIT
//! Several gateways as one: who serves what, and how clients get there.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use penstock::base::{Key, Message, Seal};
use penstock::gateway::endpoint::Endpoint;
use penstock::gateway::io::{Input, Peer};
use penstock::gateway::shards::{Home, Moved, Shard, home};
use penstock::gateway::snapshot::{ServerId, Snapshot, Watch, WatchKind};
use penstock::mcp::park_state::{self, ParkState};
use penstock::policy::guard::budget::{self, Budget};
use penstock::wire::http1::{Field, Method};

use crate::world::{HANDSHAKE, INITIALIZE, KEY, World, http_server, snapshot, stdio_server};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

/// A child `time` and two HTTP servers.
fn servers() -> Snapshot {
    snapshot(vec![stdio_server("time"), http_server("a"), http_server("b")])
}

fn shard(index: u16) -> World {
    World::shard(servers(), Shard::new(index, 3))
}

/// A session at `a`, opened at this shard.
fn session(world: &mut World) -> String {
    let peer = world.post("/mcp/a", None, &INITIALIZE.replace("{}", r#"{"sampling":{}}"#));
    let (fetch, id) = world.fetch_of("initialize");
    let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{HANDSHAKE}}}"#);
    world.fetch_json(fetch, Some("theirs"), &answer);
    let got = world.client(peer);
    assert_eq!(got.status, 200, "{}", got.body);
    got.fields["Mcp-Session-Id"].clone()
}

/// Where the last connection has moved to, and with what.
fn last_move(world: &mut World, peer: Key<Peer>) -> (u16, Box<Moved>) {
    let (moved, shard, what) = world.moved.pop().unwrap();
    assert!(moved == peer && world.moved.is_empty());
    assert_eq!(world.client(peer).status, 0, "moved and answered");
    (shard, what)
}

#[test]
fn what_there_is_one_of_is_served_by_the_main_shard() {
    let mut world = shard(1);
    for path in ["/mcp/time", "/mcp", "/sse/a", "/health", "/ready", "/reflect", "/close"] {
        let peer = world.head(Method::Get, path, &[]);
        assert_eq!(last_move(&mut world, peer).0, 0, "{path}");
    }
    let peer = world.head(Method::Get, "/nothing", &[]);
    assert_eq!(world.client(peer).status, 404, "that can be said anywhere");
}

#[test]
fn a_shard_starts_what_it_serves() {
    let main = shard(0);
    assert_eq!((main.spawned.len(), main.fetches.len()), (1, 2));
    let other = shard(1);
    assert_eq!((other.spawned.len(), other.fetches.len()), (0, 2));
}

#[test]
fn a_session_is_found_from_every_shard() {
    let mut home = shard(1);
    let id = session(&mut home);
    assert_eq!(id.len(), 32);
    for index in [0, 2] {
        let mut other = shard(index);
        let peer = other.post("/mcp/a", Some(&id), LIST);
        assert!(!other.client(peer).receiving, "a body was read that another shard wants");
        let (to, what) = last_move(&mut other, peer);
        assert_eq!(to, 1);
        let peer = home.arrives(what);
        assert!(home.client(peer).receiving);
        home.input(Input::Body { peer, body: Message::from(LIST) });
        assert!(!home.client(peer).finished);
        let (fetch, call) = home.fetch_of("\"method\":\"tools/list\"");
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{call},"result":{{"tools":[]}}}}"#);
        home.fetch_json(fetch, None, &answer);
        assert_eq!(home.client(peer).status, 200);
    }
}

#[test]
fn streams_and_the_end_of_a_session_move_too() {
    let mut home = shard(2);
    let (id, mut other) = (session(&mut home), shard(0));
    let peer = other.get("/mcp/a", &id, None);
    let (to, what) = last_move(&mut other, peer);
    let stream = home.arrives(what);
    assert!(to == 2 && home.client(stream).is_stream);
    let peer = other.head(Method::Delete, "/mcp/a", &[(Field::McpSessionId, &id)]);
    let (_, what) = last_move(&mut other, peer);
    let peer = home.arrives(what);
    assert_eq!(home.client(peer).status, 204);
    assert!(home.client(stream).finished);
    assert_eq!(home.gateway.n_sessions(), 0);
}

#[test]
fn who_has_no_session_is_served_where_it_comes_to() {
    for index in 0..3 {
        let mut world = shard(index);
        world.post("/mcp/a", None, LIST);
        session(&mut world);
        assert!(world.moved.is_empty());
    }
}

#[test]
fn an_id_that_names_no_shard_is_unknown_everywhere() {
    let mut world = shard(1);
    for id in ["", "x", "b5", "\u{e9}\u{e9}"] {
        let peer = world.post("/mcp/a", Some(id), LIST);
        assert_eq!(world.client(peer).status, 404, "{id}");
    }
}

#[test]
fn several_servers_at_one_address_are_anybodys_if_all_of_them_are() {
    let all_http = snapshot(vec![http_server("a"), http_server("b")]);
    let mut world = World::shard(all_http, Shard::new(1, 2));
    world.post("/mcp", None, LIST);
    assert!(world.moved.is_empty());
}

fn parked_at(shard: u16) -> String {
    let (call, expires_ms) = ([0; 32], u64::MAX);
    let state = ParkState { park: 0, shard, round: 1, principal: 0, call, expires_ms };
    let sealed = Seal::new(KEY).seal(park_state::PURPOSE, &state.encode(), [1; 12]);
    format!(r#""name":"now","inputResponses":{{}},"requestState":"{sealed}""#)
}

#[test]
fn a_retry_goes_to_where_its_call_is_parked() {
    let mut world = shard(1);
    for (path, to) in [("/mcp/a", 2), ("/mcp/a", 0)] {
        let peer = world.ask(path, "3", "tools/call", &parked_at(to));
        let (shard, what) = last_move(&mut world, peer);
        assert!(shard == to && matches!(*what, Moved::Whole(..)));
    }
    world.ask("/mcp/a", "3", "tools/call", &parked_at(1));
    assert!(world.moved.is_empty());
}

#[test]
fn a_state_does_not_lead_to_a_shard_that_must_not_serve_the_endpoint() {
    let mut main = shard(0);
    main.ask("/mcp/time", "3", "tools/call", &parked_at(2));
    assert!(main.moved.is_empty());
}

#[test]
fn tasks_are_asked_for_at_the_main_shard() {
    const TASKS: &str = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;
    let mut world = shard(2);
    let peer = world.ask_as("/mcp/a", "3", "tools/call", r#""name":"now""#, TASKS, "");
    let (to, what) = last_move(&mut world, peer);
    assert_eq!(to, 0);
    let mut main = shard(0);
    let peer = main.arrives(what);
    assert!(main.moved.is_empty() && main.client(peer).status == 0);
    let of_task = r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t"}}"#;
    let peer = world.post("/mcp/a", None, of_task);
    assert_eq!(last_move(&mut world, peer).0, 0);
    let wanted =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"now","task":{}}}"#;
    let peer = world.post("/mcp/a", None, wanted);
    assert_eq!(last_move(&mut world, peer).0, 0);
}

#[test]
fn a_request_that_cannot_move_is_refused_and_its_client_may_come_back() {
    let mut world = shard(1);
    let peer = world.post("/mcp/time", None, LIST);
    let (_, what) = last_move(&mut world, peer);
    world.input(Input::NotMoved { peer, what });
    let got = world.client(peer);
    assert_eq!((got.status, got.closed), (503, true), "{}", got.body);
    assert!(got.fields.contains_key("Retry-After"));
}

#[test]
fn the_main_shard_ends_all_and_speaks_for_all() {
    let (mut main, mut other) = (shard(0), shard(1));
    let deadline = Instant::now() + Duration::from_secs(5);
    let drain = || Input::Drain { deadline, why: "SIGTERM" };
    main.input(drain());
    main.input(Input::Halt);
    assert_eq!(main.told_others, ["SIGTERM", "halt"]);
    assert!(main.notes().contains("Shutting down: SIGTERM"));
    other.input(drain());
    assert!(other.told_others.is_empty() && !other.listening);
    assert!(!other.notes().contains("Shutting down"), "{}", other.notes());
}

#[test]
fn close_ends_all_shards() {
    let (mut main, mut other) = (shard(0), shard(1));
    let peer = other.head(Method::Post, "/close", &[]);
    let (to, what) = last_move(&mut other, peer);
    let peer = main.arrives(what);
    assert_eq!((to, main.client(peer).status), (0, 200));
    assert_eq!(main.told_others, ["asked to close"]);
}

#[test]
fn what_comes_to_a_shard_that_ends_is_refused() {
    let (mut home, mut other) = (shard(0), shard(1));
    const TASKS: &str = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;
    let peer = other.ask_as("/mcp/a", "3", "tools/call", r#""name":"now""#, TASKS, "");
    let (_, what) = last_move(&mut other, peer);
    home.input(Input::Halt);
    let peer = home.arrives(what);
    assert_eq!(home.client(peer).status, 503);
}

/// Who serves the server that `change` has made something of.
#[track_caller]
fn check_home(change: impl FnOnce(&mut Snapshot), want: Home) {
    let mut snapshot = snapshot(vec![http_server("a"), http_server("b")]);
    change(&mut snapshot);
    let server = ServerId(0);
    assert_eq!(home(&snapshot, Endpoint::Mcp(server)), want);
    assert_eq!(home(&snapshot, Endpoint::Socket(server)), Home::Main);
    let of_both = snapshot.find_view(b"").unwrap();
    assert_eq!(home(&snapshot, Endpoint::Mcp(of_both)), want, "it is one of several");
}

#[test]
fn what_is_shared_counted_kept_or_watched_belongs_to_the_main_shard() {
    check_home(|_| {}, Home::Any);
    check_home(|snapshot| snapshot.servers[0].shared = true, Home::Main);
    check_home(|snapshot| snapshot.servers[0].tasks = true, Home::Main);
    check_home(|snapshot| snapshot.servers[0] = stdio_server("a"), Home::Main);
    check_home(
        |snapshot| {
            let run = Budget { calls: Some(3), ..Budget::default() };
            snapshot.budgets = Arc::new(budget::Limits { run, ..Default::default() });
        },
        Home::Main,
    );
    check_home(
        |snapshot| {
            snapshot.servers[0].watch = Some(Arc::new(Watch {
                kind: WatchKind::Noop,
                policy: None,
                source: None,
                payload: Message::default(),
                tool_limits: Arc::new([]),
                may_call: Arc::new([]),
                mode: None,
                shadow: false,
            }));
        },
        Home::Main,
    );
}
