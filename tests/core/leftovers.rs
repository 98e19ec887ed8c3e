// SPDX-License-Identifier: MIT
//! What must not be left over: of clients that leave, of sessions that never open, of servers that
//! never end.

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, FetchContent, FetchEvent, FetchMethod, Input};
use penstock::gateway::snapshot::{ResponseMode, ServerId};
use penstock::wire::http1::{Field, Method};

use crate::calls::CALL;
use crate::world::{HANDSHAKE, INITIALIZE, World, http_server, snapshot, stdio_server};

const CALL_WITH_TOKEN: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"now","_meta":{"progressToken":"t"}}}"#;

fn progress(token: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
    )
}

fn result(id: &str, value: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{value}}}"#)
}

/// A client's own `initialize`, which the first child of the gateway does not fit.
fn hello() -> String {
    INITIALIZE.replace("{}", r#"{"sampling":{}}"#)
}

/// A session at an HTTP server that has given us `theirs`.
fn http_session() -> (World, String) {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let peer = world.post("/mcp/time", None, &hello());
    let (fetch, id) = world.fetch_of("sampling");
    world.fetch_json(fetch, Some("theirs"), &result(&id, HANDSHAKE));
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    (world, session)
}

#[test]
fn a_stream_that_is_taken_over_frees_the_exchange_of_its_old_connection() {
    let (mut world, _) = World::with_child();
    let (session, _) = world.session();
    let old = world.get("/mcp/time", &session, None);
    let new = world.get("/mcp/time", &session, Some("1-1"));
    assert!(world.client(old).closed);
    world.leave(new);
    assert!(world.gateway.is_quiet());
}

#[test]
fn a_child_that_is_gone_is_not_told_to_stop() {
    let (mut world, child) = World::with_child();
    world.child_gone(child, ChildEnd::Killed(11));
    assert!(world.stopped.is_empty());
}

// Checklist 16.
#[test]
fn two_slow_clients_stop_a_child_once_and_the_last_one_lets_it_go_on() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let one = world.get("/mcp/time", &session, None);
    let two = world.post("/mcp/time", Some(&session), CALL);
    world.input(Input::PeerFull { peer: one });
    world.input(Input::PeerFull { peer: two });
    assert_eq!(world.paused, [true]);
    // What was read already may still end the exchange.
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &result(&id, "{}"));
    world.leave(one);
    assert_eq!(world.paused, [true]);
    world.input(Input::PeerDrained { peer: two });
    assert_eq!(world.paused, [true, false]);
}

#[test]
fn a_session_whose_initialize_was_refused_is_gone_with_its_child() {
    let (mut world, _) = World::with_child();
    let peer = world.post("/mcp/time", None, &hello());
    let child = world.spawned[1];
    let id = world.id_of_last(child, "initialize");
    let refusal = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-1,"message":"no"}}}}"#);
    world.line(child, &refusal);
    let got = world.client(peer);
    assert!(got.body.contains("\"no\"") && !got.fields.contains_key("Mcp-Session-Id"));
    assert_eq!(world.gateway.n_sessions(), 0);
    assert_eq!(world.stopped, [(child, false)]);
}

#[test]
fn a_session_that_no_client_knows_is_ended() {
    let (mut world, _) = World::with_child();
    let peer = world.post("/mcp/time", None, &hello());
    let child = world.spawned[1];
    world.leave(peer);
    let id = world.id_of_last(child, "initialize");
    world.line(child, &result(&id, HANDSHAKE));
    assert_eq!(world.gateway.n_sessions(), 0);
    assert_eq!(world.stopped, [(child, false)]);
}

#[test]
fn a_session_that_fails_behind_an_open_stream_is_ended() {
    let (mut world, _) = World::with_child();
    let peer = world.post("/mcp/time", None, &hello());
    world.pass(Duration::from_secs(13));
    assert!(world.client(peer).is_stream);
    world.child_gone(world.spawned[1], ChildEnd::Exited(1));
    assert!(world.client(peer).finished);
    assert_eq!(world.gateway.n_sessions(), 0);
}

#[test]
fn a_mute_server_does_not_keep_a_notification_open() {
    let (mut world, session) = http_session();
    let body = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;
    let peer = world.post("/mcp/time", Some(&session), body);
    world.pass(Duration::from_secs(59));
    assert_eq!(world.client(peer).status, 0);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.client(peer).status, 202);
}

#[test]
fn a_mute_server_does_not_keep_the_gateway_from_leaving() {
    let (mut world, _) = http_session();
    let deadline = world.now.mono;
    world.input(Input::Drain { deadline, why: "SIGTERM" });
    world.pass(Duration::ZERO);
    assert_eq!(world.fetches.last().unwrap().1.method, FetchMethod::Delete);
    assert!(!world.exited);
    world.pass(Duration::from_secs(5));
    assert!(world.exited);
    let (mut world, _) = http_session();
    world.input(Input::Halt);
    assert!(world.exited, "who stops at once waits for nobody");
}

#[test]
fn an_answer_that_goes_on_behind_the_response_is_given_up() {
    let (mut world, session) = http_session();
    world.post("/mcp/time", Some(&session), CALL);
    let (fetch, id) = world.fetch_of("tools/call");
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    world.fetch_message(fetch, None, &result(&id, "{}"));
    assert!(!world.cancelled.contains(&fetch));
    world.pass(Duration::from_secs(5));
    assert!(world.cancelled.contains(&fetch));
}

#[test]
fn a_call_that_was_given_up_before_its_backend_opened_is_never_sent() {
    let mut one = stdio_server("time");
    one.tool_timeout = Duration::from_secs(5);
    let mut world = World::new(snapshot(vec![one]));
    let child = world.spawned[0];
    let peer = world.post("/mcp/time", None, CALL);
    world.pass(Duration::from_secs(5));
    assert!(world.client(peer).body.contains("timed out"));
    let id = world.id_of_last(child, "initialize");
    world.line(child, &result(&id, HANDSHAKE));
    assert!(!world.sent_to(child).iter().any(|text| text.contains("tools/call")));
}

#[test]
fn a_request_that_gives_way_in_the_queue_is_refused() {
    let mut small = snapshot(vec![stdio_server("time")]);
    small.limits.queued_messages_max = 1;
    let mut world = World::new(small);
    world.open_child(world.spawned[0]);
    let (session, child) = world.session();
    for id in [4, 5] {
        let ask = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"roots/list"}}"#);
        world.line(child, &ask);
    }
    let refused: Vec<_> = world.sent_to(child).iter().map(|text| text.contains("error")).collect();
    assert_eq!(refused, [true]);
    assert!(world.sent_to(child)[0].contains("\"id\":4"));
    let listener = world.get("/mcp/time", &session, None);
    assert!(world.client(listener).events[1].contains("\"id\":5"));
    world.pass(Duration::from_secs(31));
    assert_eq!(world.sent_to(child).len(), 1, "it has left, and may take its time");
}

#[test]
fn a_server_that_is_broken_leaves_nothing_and_is_not_started() {
    for one in [stdio_server("time"), http_server("time")] {
        let mut world = World::quiet(snapshot(vec![one]));
        world.gateway.break_server(ServerId(0), "no such variable");
        world.pass(Duration::from_secs(40));
        assert!(world.gateway.is_quiet());
        let peer = world.post("/mcp/time", None, INITIALIZE);
        assert!(world.client(peer).body.contains("no such variable"));
        assert!(world.spawned.is_empty() && world.fetches.is_empty());
        assert_eq!(world.gateway.poll_timeout(), None);
    }
}

#[test]
fn a_stream_that_cannot_be_resumed_does_not_repeat_its_call() {
    let (mut world, session) = http_session();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, _) = world.fetch_of("tools/call");
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    world.fetch_message(fetch, Some("e1"), "");
    world.input(Input::FetchDone { fetch, end: Ok(()) });
    world.pass(Duration::from_secs(1));
    let (resumed, n) = (world.fetches.last().unwrap().0, world.fetches.len());
    world.fetch_status(resumed, 404, "session not found");
    assert_eq!(world.fetches.len(), n, "neither opened again nor sent again");
    assert!(world.client(peer).body.contains("error"));
}

// Checklist 48.
#[test]
fn a_server_that_wants_us_back_at_once_has_to_wait() {
    let (mut world, session) = http_session();
    world.post("/mcp/time", Some(&session), CALL);
    let (fetch, _) = world.fetch_of("tools/call");
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    let event = FetchEvent { id: Some("e".into()), retry_ms: Some(0), ..FetchEvent::default() };
    world.input(Input::FetchMessage { fetch, message: "".into(), event });
    let n = world.fetches.len();
    world.input(Input::FetchDone { fetch, end: Ok(()) });
    world.pass(Duration::from_millis(99));
    assert_eq!(world.fetches.len(), n);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.fetches.len(), n + 1);
}

#[test]
fn one_listener_that_leaves_does_not_silence_the_others_of_a_shared_server() {
    let mut one = http_server("time");
    one.shared = true;
    let mut world = World::new(snapshot(vec![one]));
    let (fetch, id) = world.fetch_of("initialize");
    world.fetch_json(fetch, Some("ours"), &result(&id, HANDSHAKE));
    let open = |world: &mut World| {
        let peer = world.post("/mcp/time", None, INITIALIZE);
        world.client(peer).fields["Mcp-Session-Id"].clone()
    };
    let sessions = [open(&mut world), open(&mut world)];
    let listeners = sessions.map(|session| world.get("/mcp/time", &session, None));
    let below = world.fetches.last().unwrap().0;
    world.leave(listeners[0]);
    assert!(world.cancelled.is_empty());
    world.leave(listeners[1]);
    assert_eq!(world.cancelled, [below]);
}

// Checklist 45.
#[test]
fn late_progress_of_a_one_shot_call_reaches_nobody_else() {
    let (mut world, child) = World::with_child();
    let call = |world: &mut World, child: Key<Backend>| {
        let peer = world.post("/mcp/time", None, CALL_WITH_TOKEN);
        (peer, world.id_of_last(child, "tools/call"))
    };
    let (_, first) = call(&mut world, child);
    world.line(child, &result(&first, "{}"));
    let (peer, second) = call(&mut world, child);
    world.line(child, &progress(&first));
    world.line(child, &progress("\"t\""));
    world.line(child, r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    assert!(!world.client(peer).is_stream);
    world.line(child, &progress(&second));
    assert_eq!(world.client(peer).events, [format!("|{}", progress("\"t\""))]);
}

#[test]
fn a_call_that_is_cancelled_twice_does_not_end_its_batch() {
    let (mut world, _) = World::with_child();
    let old = hello().replace("2025-11-25", "2025-03-26");
    let peer = world.post("/mcp/time", None, &old);
    let child = world.spawned[1];
    let id = world.id_of_last(child, "initialize");
    world.line(child, &result(&id, &HANDSHAKE.replace("2025-11-25", "2025-03-26")));
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let batch = format!("[{},{}]", CALL, CALL.replace("\"id\":1", "\"id\":2"));
    let peer = world.post("/mcp/time", Some(&session), &batch);
    let second = world.id_of_last(child, "tools/call");
    for _ in 0..2 {
        let cancel =
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
        world.post("/mcp/time", Some(&session), cancel);
    }
    assert_eq!(world.client(peer).status, 0);
    world.line(child, &result(&second, "{}"));
    assert_eq!(world.client(peer).body, format!("[{}]", result("2", "{}")));
}

#[test]
fn bodies_that_have_not_come_at_the_end_are_refused() {
    let (mut world, child) = World::with_child();
    let fields = [(Field::ContentType, "application/json"), (Field::Host, "localhost")];
    let waiting = world.head(Method::Post, "/mcp/time", &fields);
    let deadline = world.now.mono + Duration::from_secs(5);
    world.input(Input::Drain { deadline, why: "SIGTERM" });
    assert_eq!(world.client(waiting).status, 0);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.client(waiting).status, 503);
    let late = world.head(Method::Post, "/mcp/time", &fields);
    assert_eq!(world.client(late).status, 503);
    world.child_gone(child, ChildEnd::Exited(0));
    assert!(world.exited && world.gateway.is_quiet());
}

#[test]
fn a_shared_server_without_room_for_a_new_child_takes_no_session() {
    let mut one = stdio_server("time");
    one.shared = true;
    one.response = ResponseMode::Json;
    let mut small = snapshot(vec![one]);
    small.limits.children_max = 1;
    let mut world = World::new(small);
    let child = world.spawned[0];
    // It has failed, and takes its time to leave.
    let id = world.id_of_last(child, "initialize");
    world.line(child, &result(&id, "{}"));
    assert_eq!(world.stopped, [(child, false)]);
    let peer = world.post("/mcp/time", None, INITIALIZE);
    assert_eq!(world.client(peer).status, 503);
    assert_eq!(world.gateway.n_sessions(), 0);
}
