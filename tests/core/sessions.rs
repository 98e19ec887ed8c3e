// SPDX-License-Identifier: MIT
//! Sessions: opening, sharing the first child, one-shot calls, ending.

use std::time::Duration;

use penstock::gateway::io::ChildEnd;
use penstock::gateway::snapshot::ResponseMode;
use penstock::wire::http1::{Field, Method};

use crate::calls::CALL;
use crate::world::{HANDSHAKE, INITIALIZE, World, snapshot, stdio_server, with_key};

// Checklist 29.
#[test]
fn the_first_child_serves_the_first_session_that_asks_what_we_asked() {
    let (mut world, child) = World::with_child();
    let peer = world.post("/mcp/time", None, INITIALIZE);
    assert_eq!(world.spawned.len(), 1);
    let want = format!(r#"{{"jsonrpc":"2.0","id":"i","result":{HANDSHAKE}}}"#);
    assert_eq!(world.client(peer).body, want);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let notice = world.post("/mcp/time", Some(&session), INITIALIZED);
    assert_eq!((world.client(notice).status, world.client(notice).body.as_str()), (202, ""));
    assert!(world.sent_to(child).is_empty(), "it was initialized already");
    let second = world.post("/mcp/time", None, INITIALIZE);
    assert_eq!(world.spawned.len(), 2, "the next session gets a child of its own");
    assert_eq!(world.client(second).status, 0);
}

// Checklist 55.
#[test]
fn a_client_with_capabilities_opens_a_child_of_its_own_in_its_own_words() {
    let (mut world, _) = World::with_child();
    let hello = INITIALIZE.replace("{}", r#"{"roots":{}}"#);
    world.post("/mcp/time", None, &hello);
    let child = world.spawned[1];
    let id = world.id_of_last(child, "initialize");
    assert_eq!(world.sent_to(child), [hello.replace("\"i\"", &id)]);
}

// Checklist 25, 26.
#[test]
fn each_legacy_version_is_asked_for_as_it_is_and_others_become_the_newest() {
    for (asked, sent) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("1999-01-01", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
    ] {
        let (mut world, _) = World::with_child();
        let peer = world.post("/mcp/time", None, &INITIALIZE.replace("2025-11-25", asked));
        let child = world.spawned[1];
        assert!(world.sent_to(child)[0].contains(sent), "{:?}", world.sent_to(child));
        let id = world.id_of_last(child, "initialize");
        let said = HANDSHAKE.replace("2025-11-25", sent);
        world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{said}}}"#));
        let want = format!(r#"{{"jsonrpc":"2.0","id":"i","result":{said}}}"#);
        assert_eq!((world.client(peer).status, world.client(peer).body.as_str()), (200, &*want));
    }
}

#[test]
fn initialize_waits_for_a_first_child_that_is_still_starting() {
    let mut world = World::new(snapshot(vec![stdio_server("time")]));
    let peer = world.post("/mcp/time", None, INITIALIZE);
    assert_eq!(world.client(peer).status, 0);
    let child = world.spawned[0];
    let id = world.id_of_last(child, "initialize");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{HANDSHAKE}}}"#));
    assert_eq!(world.client(peer).status, 200);
    assert_eq!(world.spawned.len(), 1);
}

// Checklist 5, 27, 127.
#[test]
fn one_shot_calls_need_no_handshake_and_share_a_session_per_identity() {
    let servers = vec![stdio_server("time")];
    let mut world = World::new(with_key(snapshot(servers), &["alpha-key", "beta-key"]));
    let call = |world: &mut World, key: &str| {
        let fields = [
            (Field::Accept, "*/*"),
            (Field::ContentType, "application/x-www-form-urlencoded"),
            (Field::Authorization, key),
        ];
        world.post_with("/mcp/time", &fields, CALL)
    };
    let one = call(&mut world, "alpha-key");
    let child = world.spawned[0];
    world.open_child(child);
    let two = call(&mut world, "Bearer alpha-key");
    assert_eq!(world.spawned.len(), 1);
    call(&mut world, "beta-key");
    assert_eq!(world.spawned.len(), 2, "another identity, another child");
    let _ = (one, two);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    assert_eq!(world.client(two).body, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    assert!(!world.client(two).fields.contains_key("Mcp-Session-Id"));
}

#[test]
fn a_page_of_a_browser_cannot_send_a_form() {
    let (mut world, _) = World::with_child();
    let fields = [
        (Field::ContentType, "application/x-www-form-urlencoded"),
        (Field::Origin, "http://localhost:5000"),
    ];
    let peer = world.post_with("/mcp/time", &fields, CALL);
    assert_eq!(world.client(peer).status, 415);
}

// Checklist 28.
#[test]
fn an_ended_session_is_unknown_and_its_child_leaves() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let fields = [(Field::McpSessionId, session.as_str())];
    let peer = world.head(Method::Delete, "/mcp/time", &fields);
    assert_eq!(world.client(peer).status, 204);
    assert_eq!(world.stopped, [(child, false)]);
    let peer = world.post("/mcp/time", Some(&session), CALL);
    assert_eq!(world.client(peer).status, 404);
    assert!(world.client(peer).body.contains("session not found"));
    world.child_gone(child, ChildEnd::Exited(0));
}

// Checklist 127.
#[test]
fn a_session_is_nobody_elses() {
    let servers = vec![stdio_server("time")];
    let mut world = World::new(with_key(snapshot(servers), &["alpha-key", "beta-key"]));
    let child = world.spawned[0];
    world.open_child(child);
    let fields = |key: &'static str| {
        vec![
            (Field::Accept, "application/json, text/event-stream"),
            (Field::ContentType, "application/json"),
            (Field::Authorization, key),
        ]
    };
    let peer = world.post_with("/mcp/time", &fields("alpha-key"), INITIALIZE);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let mut theirs = fields("beta-key");
    theirs.push((Field::McpSessionId, session.as_str()));
    let peer = world.post_with("/mcp/time", &theirs, CALL);
    assert_eq!(world.client(peer).status, 404);
}

#[test]
fn an_idle_session_ends_and_a_used_one_stays() {
    let (mut world, _) = World::with_child();
    let (session, _) = world.session();
    let hours = |n: u64| Duration::from_secs(n * 3600);
    world.pass(hours(5));
    let peer = world.post("/mcp/time", Some(&session), r#"{"jsonrpc":"2.0","method":"n/n"}"#);
    assert_eq!(world.client(peer).status, 202);
    world.pass(hours(5));
    let peer = world.post("/mcp/time", Some(&session), r#"{"jsonrpc":"2.0","method":"n/n"}"#);
    assert_eq!(world.client(peer).status, 202);
    world.pass(hours(7));
    let peer = world.post("/mcp/time", Some(&session), CALL);
    assert_eq!(world.client(peer).status, 404);
}

#[test]
fn a_child_that_never_opens_is_reported_and_stopped() {
    let mut world = World::new(snapshot(vec![stdio_server("time")]));
    let peer = world.post("/mcp/time", None, INITIALIZE);
    world.pass(Duration::from_secs(31));
    assert_eq!(world.client(peer).status, 504);
    assert!(world.client(peer).body.contains("server startup timeout after 30s"));
    assert_eq!(world.stopped.len(), 1);
    let health = world.head(Method::Get, "/health", &[]);
    assert!(world.client(health).body.contains("\"status\":\"unhealthy\""));
    assert!(world.client(health).body.contains("startup timeout"));
}

#[test]
fn a_child_that_cannot_be_started_says_why() {
    let mut world = World::new(snapshot(vec![stdio_server("time")]));
    let peer = world.post("/mcp/time", None, INITIALIZE);
    let child = world.spawned[0];
    world.child_gone(child, ChildEnd::NotStarted("No such file or directory".into()));
    assert_eq!(world.client(peer).status, 502);
    assert!(world.client(peer).body.contains("No such file"));
}

// Checklist 24.
#[test]
fn a_shared_child_serves_all_sessions() {
    let mut server = stdio_server("time");
    server.shared = true;
    let mut world = World::new(snapshot(vec![server]));
    let child = world.spawned[0];
    world.open_child(child);
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let hello = INITIALIZE.replace("{}", r#"{"sampling":{}}"#);
        let peer = world.post("/mcp/time", None, &hello);
        sessions.push(world.client(peer).fields["Mcp-Session-Id"].clone());
    }
    assert_eq!(world.spawned.len(), 1);
    let one = world.post("/mcp/time", Some(&sessions[0]), CALL);
    let id_one = world.id_of_last(child, "tools/call");
    let two = world.post("/mcp/time", Some(&sessions[1]), CALL);
    let id_two = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id_two},"result":"two"}}"#));
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id_one},"result":"one"}}"#));
    assert!(world.client(one).body.contains("one"));
    assert!(world.client(two).body.contains("two"));
    let fields = [(Field::McpSessionId, sessions[0].as_str())];
    world.head(Method::Delete, "/mcp/time", &fields);
    assert!(world.stopped.is_empty(), "others still use it");
}

#[test]
fn what_the_first_child_says_before_its_session_waits_for_it() {
    let (mut world, child) = World::with_child();
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    world.line(child, changed);
    let peer = world.post("/mcp/time", None, INITIALIZE);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let listener = world.get("/mcp/time", &session, None);
    assert_eq!(world.client(listener).events[1], format!("1-2|{changed}"));
}

#[test]
fn each_client_gets_answers_in_the_form_that_was_configured_for_it() {
    for (key, is_stream) in [("sse-key", true), ("plain-key", false)] {
        let servers = vec![stdio_server("time")];
        let mut snapshot = with_key(snapshot(servers), &["sse-key", "plain-key"]);
        snapshot.responses = vec![Some(ResponseMode::Sse)];
        let mut world = World::new(snapshot);
        let child = world.spawned[0];
        world.open_child(child);
        let fields = [
            (Field::Accept, "application/json, text/event-stream"),
            (Field::ContentType, "application/json"),
            (Field::Authorization, key),
        ];
        let peer = world.post_with("/mcp/time", &fields, CALL);
        let id = world.id_of_last(child, "tools/call");
        world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
        assert_eq!(world.client(peer).is_stream, is_stream, "{key}");
    }
}

const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
