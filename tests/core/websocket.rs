// SPDX-License-Identifier: MIT
//! WebSockets in front: one message in each frame, both ways, and the connection is the session.

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Input, Peer};
use penstock::wire::http1::{Field, Method};

use crate::calls::CALL;
use crate::world::{HANDSHAKE, INITIALIZE, World, snapshot, stdio_server, with_key};

const KEY: (Field, &str) = (Field::SecWebSocketKey, "dGhlIHNhbXBsZSBub25jZQ==");
const VERSION: (Field, &str) = (Field::SecWebSocketVersion, "13");
const UPGRADE: (Field, &str) = (Field::Upgrade, "websocket");
const PROTOCOL: (Field, &str) = (Field::SecWebSocketProtocol, "mcp");

/// A world that serves WebSockets, and its one child, open.
fn world() -> World {
    let mut snapshot = snapshot(vec![stdio_server("time")]);
    snapshot.websocket = true;
    let mut world = World::new(snapshot);
    let child = world.spawned[0];
    world.open_child(child);
    world
}

fn socket(world: &mut World) -> Key<Peer> {
    let peer = world.head(Method::Get, "/ws/time", &[UPGRADE, VERSION, KEY, PROTOCOL]);
    assert_eq!(world.client(peer).status, 101);
    peer
}

fn send(world: &mut World, peer: Key<Peer>, message: &str) {
    world.input(Input::Frame { peer, message: message.into() });
}

/// A session with a child of its own.
fn session(world: &mut World) -> (Key<Peer>, Key<Backend>) {
    let peer = socket(world);
    let before = world.spawned.len();
    send(world, peer, &INITIALIZE.replace("{}", r#"{"roots":{}}"#));
    let child = world.spawned[before];
    let id = world.id_of_last(child, "initialize");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{HANDSHAKE}}}"#));
    send(world, peer, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    world.sent.clear();
    (peer, child)
}

fn last(world: &World, peer: Key<Peer>) -> &str {
    world.client(peer).events.last().map_or("", String::as_str)
}

#[test]
fn the_handshake_is_agreed_on() {
    let mut world = world();
    let peer = socket(&mut world);
    let fields = &world.client(peer).fields;
    assert_eq!(fields["Sec-WebSocket-Accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!((&*fields["Upgrade"], &*fields["Connection"]), ("websocket", "Upgrade"));
    assert_eq!(fields["Sec-WebSocket-Protocol"], "mcp");
    let peer = world.head(Method::Get, "/ws/time", &[UPGRADE, VERSION, KEY]);
    assert_eq!(world.client(peer).status, 101);
    assert!(!world.client(peer).fields.contains_key("Sec-WebSocket-Protocol"));
    let fields = [UPGRADE, VERSION, KEY, (Field::SecWebSocketProtocol, "chat, mcp")];
    let peer = world.head(Method::Get, "/ws/time", &fields);
    assert_eq!(world.client(peer).fields["Sec-WebSocket-Protocol"], "mcp");
}

#[track_caller]
fn check(world: &mut World, method: Method, path: &str, fields: &[(Field, &str)], want: u16) {
    let peer = world.head(method, path, fields);
    assert_eq!(world.client(peer).status, want, "{path} {fields:?}");
}

#[test]
fn what_is_no_handshake_is_refused_with_what_would_be_one() {
    let mut world = world();
    check(&mut world, Method::Get, "/ws/time", &[VERSION, KEY], 426);
    let peer = world.head(Method::Get, "/ws/time", &[UPGRADE, KEY]);
    let got = world.client(peer);
    assert_eq!((got.status, &*got.fields["Sec-WebSocket-Version"]), (426, "13"));
    let chat = (Field::SecWebSocketProtocol, "chat, MCP");
    check(&mut world, Method::Get, "/ws/time", &[UPGRADE, VERSION], 400);
    let short = (Field::SecWebSocketKey, "c2hvcnQ=");
    check(&mut world, Method::Get, "/ws/time", &[UPGRADE, VERSION, short], 400);
    check(&mut world, Method::Get, "/ws/time", &[UPGRADE, VERSION, KEY, chat], 400);
    check(&mut world, Method::Post, "/ws/time", &[UPGRADE, VERSION, KEY], 405);
    check(&mut world, Method::Get, "/ws/nobody", &[UPGRADE, VERSION, KEY], 404);
    let page = (Field::Origin, "http://evil.example");
    check(&mut world, Method::Get, "/ws/time", &[UPGRADE, VERSION, KEY, page], 403);
}

#[test]
fn where_they_are_not_wanted_there_is_nothing() {
    let (mut world, _) = World::with_child();
    check(&mut world, Method::Get, "/ws/time", &[UPGRADE, VERSION, KEY], 404);
}

// Checklist 128.
#[test]
fn a_key_is_read_from_its_field_and_from_nowhere_else() {
    let mut snapshot = with_key(snapshot(vec![stdio_server("time")]), &["secret"]);
    snapshot.websocket = true;
    let mut world = World::new(snapshot);
    let fields = [UPGRADE, VERSION, KEY];
    check(&mut world, Method::Get, "/ws/time", &fields, 401);
    check(&mut world, Method::Get, "/ws/time?authorization=secret", &fields, 401);
    let fields = [UPGRADE, VERSION, KEY, (Field::Authorization, "secret")];
    check(&mut world, Method::Get, "/ws/time", &fields, 101);
}

#[test]
fn messages_go_both_ways_in_frames() {
    let mut world = world();
    let (peer, child) = session(&mut world);
    assert_eq!(
        last(&world, peer),
        format!(r#"|{{"jsonrpc":"2.0","id":"i","result":{HANDSHAKE}}}"#)
    );
    send(&mut world, peer, CALL);
    send(&mut world, peer, &CALL.replace("\"id\":1", "\"id\":\"b\""));
    let asks = r#"{"jsonrpc":"2.0","id":3,"method":"roots/list"}"#;
    world.line(child, asks);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    let events = &world.client(peer).events[1..];
    let answer = r#"|{"jsonrpc":"2.0","id":"b","result":{}}"#;
    assert_eq!(events, [format!("|{asks}"), answer.to_owned()]);
    send(&mut world, peer, r#"{"jsonrpc":"2.0","id":3,"result":{"roots":[]}}"#);
    assert!(world.sent_to(child).last().is_some_and(|text| text.contains("roots")));
    assert!(world.notes().contains("method=GET, path=/ws/time"));
}

#[test]
fn what_is_no_message_is_told_so_and_the_connection_goes_on() {
    let mut world = world();
    let (peer, _) = session(&mut world);
    let refusals = [
        ("{", r#""id":null,"error":{"code":-32700"#),
        ("", r#""id":null,"error":{"code":-32700"#),
        (r#"{"id":5}"#, r#""error":{"code":-32600"#),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, r#""error":{"code":-32600"#),
    ];
    for (frame, want) in refusals {
        send(&mut world, peer, frame);
        assert!(last(&world, peer).contains(want), "{frame}: {}", last(&world, peer));
    }
    send(&mut world, peer, CALL);
    assert_eq!(world.sent.len(), 1);
    assert!(!world.client(peer).finished);
}

#[test]
fn a_session_is_bounded_like_any_other() {
    let max = 4;
    let mut tight = snapshot(vec![stdio_server("time")]);
    tight.websocket = true;
    tight.limits.exchanges_per_session_max = max;
    let mut world = World::new(tight);
    let (peer, _) = session(&mut world);
    for id in 0..=max {
        send(&mut world, peer, &CALL.replace("\"id\":1", &format!("\"id\":{id}")));
    }
    assert_eq!(world.sent.len(), max);
    assert!(last(&world, peer).contains(&format!("\"id\":{max},\"error\"")));
}

#[test]
fn a_client_that_leaves_takes_its_session_along() {
    let mut world = world();
    let (peer, child) = session(&mut world);
    send(&mut world, peer, CALL);
    world.leave(peer);
    assert_eq!((world.stopped.as_slice(), world.gateway.n_sessions()), (&[(child, false)][..], 0));
    // A frame that was read in the same turn finds nobody.
    send(&mut world, peer, CALL);
    world.child_gone(child, ChildEnd::Exited(0));
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

#[test]
fn a_backend_that_dies_and_a_drain_end_the_connection() {
    let mut world = world();
    let (peer, child) = session(&mut world);
    let lazy = socket(&mut world);
    world.child_gone(child, ChildEnd::Exited(1));
    assert!(world.client(peer).finished && !world.client(lazy).finished);
    let deadline = world.now.mono + Duration::from_secs(5);
    world.input(Input::Drain { deadline, why: "told to" });
    assert!(world.client(lazy).finished);
}

#[test]
fn an_idle_connection_is_asked_for_a_sign_of_life() {
    let mut world = world();
    let (peer, _) = session(&mut world);
    world.pass(Duration::from_secs(30));
    assert_eq!(last(&world, peer), ":");
}

#[test]
fn a_connection_that_is_not_read_holds_its_backend_up() {
    let mut world = world();
    let (peer, _) = session(&mut world);
    world.input(Input::PeerFull { peer });
    world.leave(peer);
    assert_eq!(world.paused, [true, false]);
}

#[test]
fn frames_on_other_connections_mean_nothing() {
    let mut world = world();
    let stranger = world.peer();
    send(&mut world, stranger, CALL);
    assert!(world.sent.is_empty() && world.client(stranger).events.is_empty());
}
