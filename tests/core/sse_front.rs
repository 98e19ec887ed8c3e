// SPDX-License-Identifier: MIT
//! The HTTP+SSE transport of 2024-11-05 in front: one stream for everything, and messages posted.

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, FetchContent, Input, Peer};
use penstock::wire::http1::{Field, Method};

use crate::calls::CALL;
use crate::world::{
    DISCOVERY, HANDSHAKE, INITIALIZE, World, http_server, snapshot, stdio_server, with_key,
};

const EVENTS: (Field, &str) = (Field::Accept, "text/event-stream");
const JSON: (Field, &str) = (Field::ContentType, "application/json");
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// Opens a stream; the connection, and where to post.
fn stream(world: &mut World) -> (Key<Peer>, String) {
    let peer = world.head(Method::Get, "/sse/time", &[EVENTS]);
    let first = &world.client(peer).events[0];
    let path = first.strip_prefix("endpoint ").expect("the first event says where to post");
    (peer, path.to_owned())
}

#[track_caller]
fn send(world: &mut World, path: &str, body: &str) {
    let peer = world.post_with(path, &[JSON], body);
    let got = world.client(peer);
    assert_eq!((got.status, got.body.as_str()), (202, ""), "{path}");
}

/// A session of 2024-11-05 with a child of its own.
fn session(world: &mut World) -> (Key<Peer>, String, Key<Backend>) {
    let (peer, path) = stream(world);
    let before = world.spawned.len();
    let hello = INITIALIZE.replace("2025-11-25", "2024-11-05").replace("{}", r#"{"roots":{}}"#);
    send(world, &path, &hello);
    let child = world.spawned[before];
    let id = world.id_of_last(child, "initialize");
    let said = HANDSHAKE.replace("2025-11-25", "2024-11-05");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{said}}}"#));
    send(world, &path, INITIALIZED);
    world.sent.clear();
    (peer, path, child)
}

fn answer(world: &mut World, child: Key<Backend>, method: &str) {
    let id = world.id_of_last(child, method);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"ok":1}}}}"#));
}

fn last(world: &World, peer: Key<Peer>) -> &str {
    world.client(peer).events.last().map_or("", String::as_str)
}

// Checklist 50.
#[test]
fn everything_for_the_client_leaves_on_its_stream() {
    let (mut world, _) = World::with_child();
    let (peer, path, child) = session(&mut world);
    let got = world.client(peer);
    assert!(got.is_stream && path.starts_with("/sse/time?session="), "{path}");
    let greeting = HANDSHAKE.replace("2025-11-25", "2024-11-05");
    assert_eq!(got.events[1..], [format!(r#"|{{"jsonrpc":"2.0","id":"i","result":{greeting}}}"#)]);
    send(&mut world, &path, CALL);
    let asks = r#"{"jsonrpc":"2.0","id":9,"method":"roots/list"}"#;
    world.line(child, asks);
    answer(&mut world, child, "tools/call");
    let told = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    world.line(child, told);
    let answered = r#"|{"jsonrpc":"2.0","id":1,"result":{"ok":1}}"#;
    let events = &world.client(peer).events[2..];
    assert_eq!(events, [format!("|{asks}"), answered.to_owned(), format!("|{told}")]);
    send(&mut world, &path, r#"{"jsonrpc":"2.0","id":9,"result":{"roots":[]}}"#);
    assert!(world.sent_to(child).last().is_some_and(|text| text.contains("roots")));
    assert!(world.notes().contains("method=POST, path=/sse/time"));
}

#[test]
fn tokens_are_long_and_no_two_are_alike() {
    let (mut world, _) = World::with_child();
    let (_, one) = stream(&mut world);
    let (_, two) = stream(&mut world);
    assert!(one != two && one.len() >= "/sse/time?session=".len() + 32);
}

// Checklist 50.
#[test]
fn a_client_that_tries_to_post_first_is_told_to_listen() {
    let (mut world, _) = World::with_child();
    let peer = world.post("/sse/time", None, INITIALIZE);
    let got = world.client(peer);
    assert_eq!((got.status, got.fields["Allow"].as_str()), (405, "GET"));
    let peer = world.head(Method::Delete, "/sse/time?session=0-A", &[]);
    assert_eq!(world.client(peer).status, 405);
}

#[track_caller]
fn check_post(world: &mut World, path: &str, fields: &[(Field, &str)], want: u16) {
    let peer = world.post_with(path, fields, CALL);
    assert_eq!(world.client(peer).status, want, "{path} {fields:?}");
}

// Checklist 50, 127, 128.
#[test]
fn a_session_that_is_not_the_callers_does_not_exist() {
    let servers = vec![stdio_server("time"), stdio_server("other")];
    let mut world = World::new(with_key(snapshot(servers), &["one", "two"]));
    let mine = (Field::Authorization, "one");
    let peer = world.head(Method::Get, "/sse/time", &[EVENTS, mine]);
    let path = world.client(peer).events[0].replace("endpoint ", "");
    check_post(&mut world, &path, &[JSON, mine], 202);
    check_post(&mut world, &path, &[JSON, (Field::Authorization, "two")], 404);
    check_post(&mut world, &path, &[JSON], 401);
    check_post(&mut world, &path.replace("time", "other"), &[JSON, mine], 404);
    check_post(&mut world, &path[..path.len() - 1], &[JSON, mine], 404);
    for unknown in ["", "x", "0", "0-", "1-A", "99999999999-A"] {
        check_post(&mut world, &format!("/sse/time?session={unknown}"), &[JSON, mine], 404);
    }
    let peer = world.head(Method::Get, "/sse/time?authorization=one", &[EVENTS]);
    assert_eq!(world.client(peer).status, 401);
}

#[test]
fn the_door_is_as_narrow_as_the_other_one() {
    let (mut world, _) = World::with_child();
    let (_, path) = stream(&mut world);
    check_post(&mut world, &path, &[(Field::ContentType, "text/plain")], 415);
    check_post(&mut world, &path, &[JSON, (Field::Origin, "http://evil.example")], 403);
    check_post(&mut world, &path, &[JSON, (Field::McpProtocolVersion, "soon")], 400);
    for body in ["", "{", "[]", r#"{"id":1}"#] {
        let peer = world.post_with(&path, &[JSON], body);
        assert_eq!(world.client(peer).status, 400, "{body}");
    }
    let refused = [(Method::Get, (Field::Accept, "application/json"), 406)];
    for (method, field, want) in refused {
        let peer = world.head(method, "/sse/time", &[field]);
        assert_eq!(world.client(peer).status, want);
    }
    let peer = world.head(Method::Get, "/sse/nobody", &[EVENTS]);
    assert_eq!(world.client(peer).status, 404);
    let page = [EVENTS, (Field::Origin, "http://localhost:5000")];
    let peer = world.head(Method::Get, "/sse/time", &page);
    assert_eq!(world.client(peer).fields["Access-Control-Allow-Origin"], "http://localhost:5000");
}

// Checklist 50.
#[test]
fn closing_the_stream_ends_the_session_its_calls_and_its_backend() {
    let (mut world, _) = World::with_child();
    let (peer, path, child) = session(&mut world);
    send(&mut world, &path, CALL);
    world.leave(peer);
    assert_eq!(world.stopped, [(child, false)]);
    assert_eq!(world.gateway.n_sessions(), 0);
    let posted = world.post_with(&path, &[JSON], CALL);
    assert_eq!(world.client(posted).status, 404);
    world.child_gone(child, ChildEnd::Exited(0));
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

#[test]
fn a_stream_that_closes_before_its_post_is_complete_takes_nothing_more() {
    let (mut world, _) = World::with_child();
    let (peer, path) = stream(&mut world);
    let posting = world.head(Method::Post, &path, &[JSON]);
    assert!(world.client(posting).receiving);
    world.leave(peer);
    world.input(Input::Body { peer: posting, body: CALL.into() });
    assert_eq!(world.client(posting).status, 404);
    let (_, path) = stream(&mut world);
    let posting = world.head(Method::Post, &path, &[JSON]);
    world.leave(posting);
    send(&mut world, &path, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
}

#[test]
fn nothing_but_a_ping_goes_before_initialize() {
    let (mut world, _) = World::with_child();
    let (peer, path) = stream(&mut world);
    send(&mut world, &path, r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#);
    assert_eq!(last(&world, peer), r#"|{"jsonrpc":"2.0","id":"p","result":{}}"#);
    send(&mut world, &path, CALL);
    assert!(
        last(&world, peer).contains(r#""id":1,"error":{"code":-32000,"message":"Bad Request: i"#)
    );
    let n = world.client(peer).events.len();
    send(&mut world, &path, INITIALIZED);
    send(&mut world, &path, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    assert_eq!(world.client(peer).events.len(), n, "who asks nothing is told nothing");
    assert_eq!(world.gateway.n_sessions(), 0);
}

#[test]
fn a_refused_call_is_answered_on_the_stream() {
    let mut server = stdio_server("time");
    server.tools = Some(vec!["now".into()].into());
    let mut world = World::new(snapshot(vec![server]));
    let first = world.spawned[0];
    world.open_child(first);
    let (peer, path, _) = session(&mut world);
    send(&mut world, &path, &CALL.replace(r#""now""#, r#""later""#));
    assert!(last(&world, peer).contains(r#""id":1,"error":{"code":-32602,"#));
    send(&mut world, &path, INITIALIZE);
    assert!(last(&world, peer).contains(r#""id":"i","error":{"code":-32600,"#));
    send(&mut world, &path, CALL);
    world.pass(Duration::from_secs(61));
    assert!(last(&world, peer).contains(r#""id":1,"error":{"code":-32002,"#));
}

#[test]
fn a_client_that_asks_what_the_gateway_has_asked_gets_the_backend_that_is_there() {
    let (mut world, child) = World::with_child();
    world.line(child, r#"{"jsonrpc":"2.0","method":"notifications/early"}"#);
    let (peer, path) = stream(&mut world);
    send(&mut world, &path, INITIALIZE);
    let greeting = format!(r#"|{{"jsonrpc":"2.0","id":"i","result":{HANDSHAKE}}}"#);
    assert_eq!(world.client(peer).events[1..], [greeting]);
    assert_eq!(world.spawned.len(), 1);
    send(&mut world, &path, INITIALIZED);
    assert!(last(&world, peer).contains("early"), "what came before waits until it is wanted");
    assert!(world.sent.is_empty(), "the server has been told already");
}

#[test]
fn a_server_that_does_not_open_is_named_on_the_stream_which_then_ends() {
    let (mut world, _) = World::with_child();
    let (peer, path) = stream(&mut world);
    send(&mut world, &path, &INITIALIZE.replace("{}", r#"{"roots":{}}"#));
    let child = world.spawned[1];
    world.child_gone(child, ChildEnd::Exited(3));
    let got = world.client(peer);
    assert!(got.events[1].contains("exited with status 3") && got.finished, "{:?}", got.events);
    assert_eq!(world.gateway.n_sessions(), 0);
}

#[test]
fn a_refused_initialize_reaches_the_client_as_it_is() {
    let (mut world, _) = World::with_child();
    let (peer, path) = stream(&mut world);
    send(&mut world, &path, &INITIALIZE.replace("{}", r#"{"roots":{}}"#));
    let child = world.spawned[1];
    let id = world.id_of_last(child, "initialize");
    world.line(
        child,
        &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-7,"message":"no"}}}}"#),
    );
    let got = world.client(peer);
    assert_eq!(got.events[1], r#"|{"jsonrpc":"2.0","id":"i","error":{"code":-7,"message":"no"}}"#);
    assert!(got.finished);
}

#[test]
fn a_backend_that_dies_ends_the_stream_after_its_calls() {
    let (mut world, _) = World::with_child();
    let (peer, path, child) = session(&mut world);
    send(&mut world, &path, CALL);
    world.child_gone(child, ChildEnd::Killed(9));
    let got = world.client(peer);
    assert!(got.events[2].contains(r#""id":1,"error""#) && got.finished);
    let posted = world.post_with(&path, &[JSON], CALL);
    assert_eq!(world.client(posted).status, 404);
}

// Checklist 40, 132.
#[test]
fn a_drain_waits_for_calls_and_then_ends_streams() {
    let (mut world, _) = World::with_child();
    let (peer, path, child) = session(&mut world);
    let (other, _) = stream(&mut world);
    send(&mut world, &path, CALL);
    let deadline = world.now.mono + Duration::from_secs(9);
    world.input(Input::Drain { deadline, why: "told to" });
    let refused = world.head(Method::Get, "/sse/time", &[EVENTS]);
    assert_eq!(world.client(refused).status, 503);
    send(&mut world, &path, &CALL.replace("\"id\":1", "\"id\":2"));
    assert!(last(&world, peer).contains("\"id\":2,\"error\""));
    assert!(!world.client(peer).finished && !world.client(other).finished);
    answer(&mut world, child, "tools/call");
    assert!(last(&world, peer).contains("\"id\":1,\"result\""));
    assert!(world.client(peer).finished && world.client(other).finished);
}

#[test]
fn a_cancelled_call_is_cancelled_below_and_has_no_answer() {
    let (mut world, _) = World::with_child();
    let (peer, path, child) = session(&mut world);
    send(&mut world, &path, CALL);
    let notice = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    send(&mut world, &path, notice);
    assert!(world.sent_to(child)[1].contains("notifications/cancelled"));
    let n = world.client(peer).events.len();
    answer(&mut world, child, "tools/call");
    assert_eq!(world.client(peer).events.len(), n);
    send(&mut world, &path, CALL);
    answer(&mut world, child, "tools/call");
    assert!(last(&world, peer).contains("\"id\":1,\"result\""));
}

// Checklist 16.
#[test]
fn a_stream_that_is_not_read_holds_its_backend_up() {
    let (mut world, _) = World::with_child();
    let (peer, _, _) = session(&mut world);
    world.input(Input::PeerFull { peer });
    world.input(Input::PeerDrained { peer });
    assert_eq!(world.paused, [true, false]);
    let (peer, _) = stream(&mut world);
    world.input(Input::PeerFull { peer });
    assert_eq!(world.paused.len(), 2, "there is nothing to hold up yet");
}

// Checklist 22.
#[test]
fn a_silent_stream_is_kept_alive_and_one_that_never_begins_is_ended() {
    let (mut world, _) = World::with_child();
    let (peer, path, _) = session(&mut world);
    let (lazy, _) = stream(&mut world);
    world.pass(Duration::from_secs(30));
    assert_eq!(last(&world, peer), ":");
    world.pass(Duration::from_secs(31));
    assert!(world.client(lazy).finished && !world.client(peer).finished);
    world.pass(Duration::from_secs(7 * 3600));
    assert!(!world.client(peer).finished, "who listens is not idle");
    send(&mut world, &path, CALL);
}

#[test]
fn the_answers_to_a_batch_come_one_by_one() {
    let (mut world, _) = World::with_child();
    let (peer, path, child) = session(&mut world);
    let pair = format!("[{CALL},7,{}]", CALL.replace("\"id\":1", "\"id\":2"));
    send(&mut world, &path, &pair);
    assert!(last(&world, peer).contains(r#""id":null,"error""#));
    answer(&mut world, child, "tools/call");
    assert_eq!(last(&world, peer), r#"|{"jsonrpc":"2.0","id":2,"result":{"ok":1}}"#);
    send(&mut world, &path, "[7]");
    assert!(last(&world, peer).contains(r#""id":null,"error":{"code":-32600"#));
    send(&mut world, &path, &format!("[{INITIALIZED}]"));
    let (peer, path) = stream(&mut world);
    send(&mut world, &path, &format!("[{CALL}]"));
    assert!(last(&world, peer).contains(r#""id":null,"error":{"code":-32000"#));
}

#[test]
fn an_http_server_is_listened_to_once_its_client_is_ready() {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let (fetch, id) = world.fetch_of("initialize");
    let hello = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{HANDSHAKE}}}"#);
    world.fetch_json(fetch, Some("first"), &hello(&id));
    let (peer, path) = stream(&mut world);
    send(&mut world, &path, &INITIALIZE.replace("{}", r#"{"roots":{}}"#));
    let (fetch, id) = world.fetch_of("\"roots\"");
    world.fetch_json(fetch, Some("second"), &hello(&id));
    let n = world.fetches.len();
    send(&mut world, &path, INITIALIZED);
    let is_get = |world: &World, at: usize| world.fetches[at].1.body.is_none();
    assert_eq!(world.fetches.len(), n + 2, "the notification, and the stream below");
    let at = if is_get(&world, n) { n } else { n + 1 };
    let below = world.fetches[at].0;
    world.fetch_head(below, 200, FetchContent::Events, None);
    world.fetch_message(below, None, r#"{"jsonrpc":"2.0","method":"n/told"}"#);
    assert!(last(&world, peer).contains("n/told"));
    send(&mut world, &path, CALL);
    let (call, _) = world.fetch_of("tools/call");
    world.input(Input::PeerFull { peer });
    assert_eq!(world.paused, [true, true], "the call and the stream");
    world.leave(peer);
    assert!(world.cancelled.contains(&call) && world.cancelled.contains(&below));
}

#[test]
fn streams_are_bounded_like_requests() {
    let mut tight = snapshot(vec![stdio_server("time")]);
    tight.limits.exchanges_max = 2;
    let mut world = World::new(tight);
    let (_, path) = stream(&mut world);
    let (_, _) = stream(&mut world);
    let peer = world.head(Method::Get, "/sse/time", &[EVENTS]);
    assert_eq!(world.client(peer).status, 503);
    let peer = world.head(Method::Post, &path, &[JSON]);
    assert_eq!(world.client(peer).status, 503);
}

/// A world whose child and whose client's own have just refused `initialize`; the stream, where to
/// post for it, and the child that is asked whether it is modern.
fn doubted() -> (World, Key<Peer>, String, Key<Backend>) {
    let mut world = World::new(snapshot(vec![stdio_server("time")]));
    let (peer, path) = stream(&mut world);
    send(&mut world, &path, &INITIALIZE.replace("{}", r#"{"roots":{}}"#));
    let refusal = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
    for child in [world.spawned[1], world.spawned[0]] {
        let id = world.id_of_last(child, "initialize");
        world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{refusal}}}"#));
    }
    assert_eq!(world.client(peer).events.len(), 1, "{:?}", world.client(peer).events);
    let modern = world.spawned[2];
    (world, peer, path, modern)
}

fn discover(world: &mut World, modern: Key<Backend>) {
    let id = world.id_of_last(modern, "server/discover");
    world.line(modern, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{DISCOVERY}}}"#));
}

// Checklist 92.
#[test]
fn a_client_of_the_oldest_revision_is_served_by_a_server_of_the_newest() {
    let (mut world, peer, path, modern) = doubted();
    send(&mut world, &path, INITIALIZE);
    assert!(last(&world, peer).contains(r#""error":{"code":-32600"#), "one is enough");
    discover(&mut world, modern);
    assert!(last(&world, peer).contains(r#""id":"i","result""#), "{}", last(&world, peer));
    send(&mut world, &path, INITIALIZED);
    send(&mut world, &path, CALL);
    answer(&mut world, modern, "tools/call");
    assert_eq!(last(&world, peer), r#"|{"jsonrpc":"2.0","id":1,"result":{"ok":1}}"#);
    assert_eq!(world.gateway.n_sessions(), 1);
    world.leave(peer);
    assert_eq!(world.gateway.n_sessions(), 0);
}

#[test]
fn whoever_leaves_while_the_era_is_in_doubt_is_forgotten() {
    let (mut world, peer, _, modern) = doubted();
    world.leave(peer);
    discover(&mut world, modern);
    assert_eq!((world.gateway.n_sessions(), world.client(peer).events.len()), (0, 1));
}

#[test]
fn a_server_of_no_era_is_tried_once_more_and_then_named() {
    let (mut world, peer, _, modern) = doubted();
    world.child_gone(modern, ChildEnd::Exited(4));
    let own = world.spawned[3];
    world.child_gone(own, ChildEnd::Exited(5));
    let got = world.client(peer);
    assert!(got.events[1].contains("exited with status 5") && got.finished, "{:?}", got.events);
}
