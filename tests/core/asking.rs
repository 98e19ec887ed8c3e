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

// Checklist 36.
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

// Checklist 52, 53, 54.
#[test]
fn between_legacy_ones_questions_and_answers_pass_as_they_are_and_once() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let asked = [
        SAMPLE.replace("{}", r#"{"maxTokens":1e2,"x":"\u00e9"}"#),
        r#"{"params":{"message":"é","requestedSchema":{}},"method":"elicitation/create","id":"f","jsonrpc":"2.0"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":9,"method":"elicitation/create","params":{"mode":"url","elicitationId":"e","url":"u:","message":"m"}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":-1,"method":"roots/list"}"#.to_owned(),
    ];
    for line in &asked {
        world.line(child, line);
    }
    let events: Vec<_> =
        world.client(peer).events.iter().filter_map(|e| e.split_once('|')).collect();
    assert_eq!(events.iter().map(|(_, text)| *text).collect::<Vec<_>>()[1..], asked);
    let answers = [
        r#"{"jsonrpc":"2.0","id":7,"result":{"n":1.0}}"#,
        r#"{"id":"f","jsonrpc":"2.0","result":{"action":"decline"}}"#,
        r#"{"jsonrpc":"2.0","id":9,"result":{"action":"cancel"}}"#,
        r#"{"jsonrpc":"2.0","id":-1,"error":{"code":-1,"message":"no","data":[1e3]}}"#,
    ];
    let n = world.sent_to(child).len();
    for answer in answers.into_iter().chain(answers) {
        world.post("/mcp/time", Some(&session), answer);
    }
    assert_eq!(world.sent_to(child)[n..], answers);
}

// Checklist 58.
#[test]
fn an_answer_from_another_session_does_not_count() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let (other, _) = world.session();
    world.get("/mcp/time", &session, None);
    world.line(child, SAMPLE);
    world.post("/mcp/time", Some(&other), r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
    assert_eq!(world.sent_to(child).len(), 0);
}

// Checklist 56.
#[test]
fn a_question_waits_for_a_stream_and_is_refused_if_none_opens() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    world.line(child, SAMPLE);
    let listener = world.get("/mcp/time", &session, None);
    assert_eq!(world.client(listener).events.last(), Some(&format!("1-2|{SAMPLE}")));
    world.leave(listener);
    world.line(child, &SAMPLE.replace('7', "8"));
    world.pass(Duration::from_secs(31));
    assert!(world.sent_to(child).iter().any(|text| text.contains("\"id\":8,\"error\"")));
}

// Checklist 57.
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

// Checklist 129.
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

// Checklist 32.
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
