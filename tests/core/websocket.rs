// SPDX-License-Identifier: MIT
//! WebSockets in front: one message in each frame, both ways, and the connection is the session.

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Input, Peer};
use penstock::wire::http1::{Field, Method};

use crate::calls::CALL;
use crate::world::{HANDSHAKE, INITIALIZE, World, snapshot, stdio_server, with_key};

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const VERSION: &str = "Sec-WebSocket-Version: 13";
const UPGRADE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket";
const PROTOCOL: &str = "Sec-WebSocket-Protocol: mcp";
const PLAIN: &[(Field, &str)] = &[];

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
    let lines = [UPGRADE, VERSION, KEY, PROTOCOL];
    let peer = world.head_with(Method::Get, "/ws/time", PLAIN, &lines);
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
    let peer = world.head_with(Method::Get, "/ws/time", PLAIN, &[UPGRADE, VERSION, KEY]);
    assert_eq!(world.client(peer).status, 101);
    assert!(!world.client(peer).fields.contains_key("Sec-WebSocket-Protocol"));
    for offer in ["chat, mcp", "chat\r\nSec-WebSocket-Protocol: mcp"] {
        let offer = format!("Sec-WebSocket-Protocol: {offer}");
        let lines = [UPGRADE, VERSION, KEY, &offer];
        let peer = world.head_with(Method::Get, "/ws/time", PLAIN, &lines);
        assert_eq!(world.client(peer).fields["Sec-WebSocket-Protocol"], "mcp");
    }
}

#[track_caller]
fn check(world: &mut World, path: &str, field: Option<(Field, &str)>, lines: &[&str], want: u16) {
    let fields: Vec<_> = field.into_iter().collect();
    let peer = world.head_with(Method::Get, path, &fields, lines);
    assert_eq!(world.client(peer).status, want, "{path} {lines:?}");
}

#[test]
fn what_is_no_handshake_is_refused_with_what_would_be_one() {
    let mut world = world();
    let path = "/ws/time";
    check(&mut world, path, None, &[VERSION, KEY], 426);
    check(&mut world, path, None, &["Upgrade: websocket", VERSION, KEY], 426);
    check(&mut world, path, None, &[UPGRADE, VERSION, VERSION, KEY], 426);
    let peer = world.head_with(Method::Get, path, PLAIN, &[UPGRADE, KEY]);
    let got = world.client(peer);
    assert_eq!((got.status, &*got.fields["Sec-WebSocket-Version"]), (426, "13"));
    check(&mut world, path, None, &[UPGRADE, VERSION], 400);
    check(&mut world, path, None, &[UPGRADE, VERSION, KEY, KEY], 400);
    check(&mut world, path, None, &[UPGRADE, VERSION, "Sec-WebSocket-Key: c2hvcnQ="], 400);
    let chat = "Sec-WebSocket-Protocol: chat, MCP";
    check(&mut world, path, None, &[UPGRADE, VERSION, KEY, chat], 400);
    check(&mut world, "/ws/nobody", None, &[UPGRADE, VERSION, KEY], 404);
    let page = Some((Field::Origin, "http://evil.example"));
    check(&mut world, path, page, &[UPGRADE, VERSION, KEY], 403);
    let peer = world.head_with(Method::Post, path, PLAIN, &[UPGRADE, VERSION, KEY]);
    assert_eq!(world.client(peer).status, 405);
}

#[test]
fn where_they_are_not_wanted_there_is_nothing() {
    let (mut world, _) = World::with_child();
    check(&mut world, "/ws/time", None, &[UPGRADE, VERSION, KEY], 404);
}

// Checklist 128.
#[test]
fn a_key_is_read_from_its_field_and_from_nowhere_else() {
    let mut snapshot = with_key(snapshot(vec![stdio_server("time")]), &["secret"]);
    snapshot.websocket = true;
    let mut world = World::new(snapshot);
    let lines = [UPGRADE, VERSION, KEY];
    check(&mut world, "/ws/time", None, &lines, 401);
    check(&mut world, "/ws/time?authorization=secret", None, &lines, 401);
    check(&mut world, "/ws/time", Some((Field::Authorization, "secret")), &lines, 101);
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
fn a_frame_needs_room_for_its_exchange() {
    let mut tight = snapshot(vec![stdio_server("time")]);
    tight.websocket = true;
    tight.limits.exchanges_max = 2;
    let mut world = World::new(tight);
    let (one, two) = (socket(&mut world), socket(&mut world));
    send(&mut world, one, INITIALIZE);
    assert!(last(&world, one).contains("too many requests"), "{}", last(&world, one));
    world.leave(two);
    send(&mut world, one, INITIALIZE);
    assert_eq!(world.gateway.n_sessions(), 1);
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

// Checklist 16.
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
