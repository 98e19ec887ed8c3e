// SPDX-License-Identifier: MIT
//! Requests of a backend for its client, when the client is not quite there.

use std::time::Duration;

use crate::calls::CALL;
use crate::world::{INITIALIZE, World};

const SAMPLE: &str = r#"{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
const PONG: &str = r#"{"jsonrpc":"2.0","id":"p","result":{}}"#;

#[test]
fn a_ping_before_the_handshake_is_answered_at_once() {
    let (mut world, _) = World::with_child();
    world.post("/mcp/time", None, &INITIALIZE.replace("{}", r#"{"roots":{}}"#));
    let child = world.spawned[1];
    world.line(child, PING);
    assert_eq!(world.sent_to(child).last().copied(), Some(PONG));
}

#[test]
fn a_ping_reaches_a_client_that_listens_and_is_answered_for_one_that_does_not() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    world.line(child, PING);
    assert_eq!(world.sent_to(child), [PONG]);
    let listener = world.get("/mcp/time", &session, None);
    world.line(child, PING);
    assert_eq!(world.client(listener).events[1], format!("1-2|{PING}"));
    assert_eq!(world.sent_to(child), [PONG]);
}

#[test]
fn a_client_that_leaves_while_it_is_asked_is_given_up_in_time() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    world.line(child, SAMPLE);
    assert_eq!(world.client(peer).events.len(), 2);
    world.leave(peer);
    world.pass(Duration::from_secs(31));
    let last = world.sent_to(child).last().unwrap().to_string();
    assert!(last.contains("\"id\":7") && last.contains("\"error\""), "{last}");
}

#[test]
fn a_client_that_comes_back_can_still_answer() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    world.line(child, SAMPLE);
    world.leave(peer);
    let back = world.get("/mcp/time", &session, Some("1-1"));
    assert_eq!(world.client(back).events, [format!("1-2|{SAMPLE}")]);
    world.pass(Duration::from_secs(31));
    let n = world.sent.len();
    world.post("/mcp/time", Some(&session), r#"{"jsonrpc":"2.0","id":7,"result":{"ok":1}}"#);
    assert_eq!(world.sent.len(), n + 1);
    assert!(world.sent_to(child).last().unwrap().contains("ok"));
}

#[test]
fn more_requests_than_a_client_can_answer_are_refused() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let listener = world.get("/mcp/time", &session, None);
    let max = penstock::base::Limits::DEFAULT.input_requests_per_session_max;
    for id in 0..=max {
        world.line(child, &SAMPLE.replace('7', &id.to_string()));
    }
    assert_eq!(world.client(listener).events.len(), max + 1);
    let last = world.sent_to(child).last().unwrap().to_string();
    assert!(last.contains(&format!("\"id\":{max},\"error\"")), "{last}");
}

#[test]
fn of_two_listeners_the_newest_hears_and_the_other_one_takes_over() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let old = world.get("/mcp/time", &session, None);
    let new = world.get("/mcp/time", &session, None);
    world.line(child, SAMPLE);
    assert_eq!((world.client(old).events.len(), world.client(new).events.len()), (1, 2));
    world.leave(new);
    world.line(child, &SAMPLE.replace('7', "8"));
    assert_eq!(world.client(old).events.len(), 2);
}
