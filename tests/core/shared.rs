// SPDX-License-Identifier: MIT
//! Shared servers: one child, many sessions that must not notice each other.

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd};
use penstock::wire::http1::{Field, Method};

use crate::calls::CALL;
use crate::world::{INITIALIZE, World, snapshot, stdio_server};

fn open(n: usize) -> (World, Key<Backend>, Vec<String>) {
    let mut server = stdio_server("time");
    server.shared = true;
    let mut world = World::new(snapshot(vec![server]));
    let child = world.spawned[0];
    world.open_child(child);
    let sessions = (0..n).map(|_| greet(&mut world, "2025-11-25").0).collect();
    (world, child, sessions)
}

fn greet(world: &mut World, date: &str) -> (String, String) {
    let peer = world.post("/mcp/time", None, &INITIALIZE.replace("2025-11-25", date));
    let got = world.client(peer);
    (got.fields["Mcp-Session-Id"].clone(), got.body.clone())
}

fn request(
    world: &mut World,
    session: &str,
    method: &str,
    params: &str,
) -> Key<penstock::gateway::io::Peer> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":5,"method":"{method}","params":{params}}}"#);
    world.post("/mcp/time", Some(session), &body)
}

fn answer(world: &mut World, child: Key<Backend>, method: &str) {
    let id = world.id_of_last(child, method);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
}

const URI: &str = r#"{"uri":"file:\/\/\/a"}"#;
const UPDATED: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///a"}}"#;
const OK: &str = r#"{"jsonrpc":"2.0","id":5,"result":{}}"#;

// Checklist 25, 34, 35.
#[test]
fn each_client_is_answered_in_the_revision_that_it_speaks() {
    let (mut world, _, _) = open(0);
    for date in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let (session, body) = greet(&mut world, date);
        assert!(body.contains(&format!(r#""protocolVersion":"{date}""#)), "{body}");
        let batch = world.post("/mcp/time", Some(&session), r#"[{"jsonrpc":"2.0","method":"a"}]"#);
        let batching = date < "2025-06-18";
        assert_eq!(world.client(batch).status, if batching { 202 } else { 400 }, "{date}");
    }
}

// Checklist 62, 63.
#[test]
fn two_subscribers_are_one_below_and_both_are_told() {
    let (mut world, child, sessions) = open(3);
    let listeners: Vec<_> =
        sessions.iter().map(|session| world.get("/mcp/time", session, None)).collect();
    let one = request(&mut world, &sessions[0], "resources/subscribe", URI);
    answer(&mut world, child, "resources/subscribe");
    let n = world.sent.len();
    let two = request(&mut world, &sessions[1], "resources/subscribe", URI);
    assert_eq!((world.client(one).body.as_str(), world.client(two).body.as_str()), (OK, OK));
    assert_eq!(world.sent.len(), n, "it is subscribed already");
    world.line(child, UPDATED);
    let told = |world: &World| {
        listeners.iter().map(|peer| world.client(*peer).events.len() - 1).collect::<Vec<_>>()
    };
    assert_eq!(told(&world), [1, 1, 0]);
    let gone = request(&mut world, &sessions[0], "resources/unsubscribe", URI);
    assert_eq!(world.client(gone).body, OK);
    assert_eq!(world.sent.len(), n, "another one still wants it");
    world.line(child, UPDATED);
    assert_eq!(told(&world), [1, 2, 0]);
    world.head(Method::Delete, "/mcp/time", &[(Field::McpSessionId, sessions[1].as_str())]);
    let last = world.sent_to(child).last().unwrap().to_string();
    assert!(last.contains("resources/unsubscribe") && last.contains("file:///a"), "{last}");
    answer(&mut world, child, "resources/unsubscribe");
}

#[test]
fn a_refused_subscription_is_none() {
    let (mut world, child, sessions) = open(2);
    request(&mut world, &sessions[0], "resources/subscribe", URI);
    let id = world.id_of_last(child, "resources/subscribe");
    world.line(
        child,
        &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32002,"message":"no"}}}}"#),
    );
    let n = world.sent.len();
    request(&mut world, &sessions[1], "resources/subscribe", URI);
    assert_eq!(world.sent.len(), n + 1);
}

// Checklist 61.
#[test]
fn what_changes_for_everybody_is_told_to_everybody() {
    let (mut world, child, sessions) = open(2);
    let listeners: Vec<_> =
        sessions.iter().map(|session| world.get("/mcp/time", session, None)).collect();
    world.line(child, r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    world.line(
        child,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
    );
    for listener in listeners {
        assert_eq!(world.client(listener).events.len(), 2, "the primer and the change");
    }
}

// Checklist 46.
#[test]
fn each_session_sees_the_log_of_its_own_call_from_its_own_level_on() {
    let (mut world, child, sessions) = open(2);
    request(&mut world, &sessions[0], "logging/setLevel", r#"{"level":"debug"}"#);
    answer(&mut world, child, "logging/setLevel");
    request(
        &mut world,
        &sessions[1],
        "logging/setLevel",
        r#"{"_meta":{"progressToken":"t"},"level":"error"}"#,
    );
    let last = world.sent_to(child).last().unwrap().to_string();
    assert!(last.contains(r#""level":"debug""#), "the other one still wants all: {last}");
    answer(&mut world, child, "logging/setLevel");
    let peer = world.post("/mcp/time", Some(&sessions[1]), CALL);
    for level in ["info", "error"] {
        world.line(child, &format!(r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"{level}","data":1}}}}"#));
    }
    let events = &world.client(peer).events;
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events[1].contains("error"));
}

#[test]
fn a_session_that_ends_cancels_its_calls_and_nobody_elses() {
    let (mut world, child, sessions) = open(2);
    let mine = world.post("/mcp/time", Some(&sessions[0]), CALL);
    let id = world.id_of_last(child, "tools/call");
    let theirs = world.post("/mcp/time", Some(&sessions[1]), CALL);
    let other = world.id_of_last(child, "tools/call");
    world.head(Method::Delete, "/mcp/time", &[(Field::McpSessionId, sessions[0].as_str())]);
    assert!(world.client(mine).body.contains("session not found"));
    let last = world.sent_to(child).last().unwrap().to_string();
    assert!(last.contains("cancelled") && last.contains(&format!("\"requestId\":{id}")), "{last}");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{other},"result":"kept"}}"#));
    assert!(world.client(theirs).body.contains("kept"));
    assert!(world.stopped.is_empty());
}

#[test]
fn a_shared_child_that_died_is_started_again_for_the_next_session() {
    let (mut world, child, sessions) = open(1);
    world.child_gone(child, ChildEnd::Exited(1));
    let peer = world.post("/mcp/time", Some(&sessions[0]), CALL);
    assert_eq!(world.client(peer).status, 404);
    let peer = world.post("/mcp/time", None, INITIALIZE);
    assert_eq!(world.spawned.len(), 2);
    let next = world.spawned[1];
    world.open_child(next);
    assert_eq!(world.client(peer).status, 200);
}
