// SPDX-License-Identifier: MIT
//! The forms that answers take, and the bounds of what is kept for later.

use penstock::base::Limits;
use penstock::gateway::snapshot::ResponseMode;
use penstock::wire::http1::Field;

use crate::calls::CALL;
use crate::world::{INITIALIZE, World, snapshot, stdio_server};

const PROGRESS: &str = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}"#;

fn call() -> String {
    CALL.replace(r#""name":"now""#, r#""name":"now","_meta":{"progressToken":"t"}"#)
}

#[test]
fn where_json_is_wanted_what_precedes_the_answer_goes_to_the_listener() {
    let mut server = stdio_server("time");
    server.response = ResponseMode::Json;
    let mut world = World::new(snapshot(vec![server]));
    let first = world.spawned[0];
    world.open_child(first);
    let (session, child) = world.session();
    let listener = world.get("/mcp/time", &session, None);
    let peer = world.post("/mcp/time", Some(&session), &call());
    world.line(child, PROGRESS);
    world.pass(std::time::Duration::from_secs(20));
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    assert_eq!(world.client(peer).body, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    assert_eq!(world.client(listener).events, ["1-1|".to_owned(), format!("1-2|{PROGRESS}")]);
}

#[test]
fn where_events_are_wanted_every_answer_is_one() {
    let mut server = stdio_server("time");
    server.response = ResponseMode::Sse;
    let mut world = World::new(snapshot(vec![server]));
    let child = world.spawned[0];
    world.open_child(child);
    let peer = world.post("/mcp/time", None, INITIALIZE);
    assert!(world.client(peer).is_stream && world.client(peer).finished);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    let got = world.client(peer);
    assert_eq!(got.events, ["2-1|", r#"2-2|{"jsonrpc":"2.0","id":1,"result":{}}"#]);
}

#[track_caller]
fn check_one_shot(accept: Option<&str>, is_stream: bool) {
    let (mut world, child) = World::with_child();
    let mut fields = vec![(Field::ContentType, "application/json")];
    fields.extend(accept.map(|accept| (Field::Accept, accept)));
    let body = call().replace("\"id\":1", "\"id\":\"a-1\"");
    let peer = world.post_with("/mcp/time", &fields, &body);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &PROGRESS.replace("\"t\"", &id));
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    let got = world.client(peer);
    assert_eq!((got.status, got.is_stream), (200, is_stream), "{accept:?}");
    let last = got.events.last().unwrap_or(&got.body).trim_start_matches('|');
    assert_eq!(last, r#"{"jsonrpc":"2.0","id":"a-1","result":{}}"#);
    assert_eq!(got.events.len(), if is_stream { 2 } else { 0 });
}

#[test]
fn a_call_without_a_session_gets_events_only_if_it_names_them() {
    check_one_shot(None, false);
    check_one_shot(Some("*/*"), false);
    check_one_shot(Some("application/json"), false);
    check_one_shot(Some("application/json, text/event-stream"), true);
}

#[test]
fn what_waits_for_a_session_or_a_backend_is_bounded_in_bytes() {
    let mut tight = snapshot(vec![stdio_server("time")]);
    tight.limits = Limits {
        queued_bytes_max: 1000,
        backend_outbox_bytes_max: 1000,
        backend_message_bytes_max: 4096,
        ..Limits::DEFAULT
    };
    let mut world = World::new(tight);
    let child = world.spawned[0];
    let long = "x".repeat(400);
    let call = CALL.replace("now", &long);
    let peers: Vec<_> = (0..3).map(|_| world.post("/mcp/time", None, &call)).collect();
    assert!(world.client(peers[2]).body.contains("too many requests wait for it to start"));
    world.open_child(child);
    let (mut world, child) = {
        let mut tight = snapshot(vec![stdio_server("time")]);
        tight.limits = Limits { queued_bytes_max: 1000, ..Limits::DEFAULT };
        let mut world = World::new(tight);
        let child = world.spawned[0];
        world.open_child(child);
        (world, child)
    };
    for n in 0..5 {
        let line = format!(r#"{{"jsonrpc":"2.0","method":"n/{n}","params":{{"t":"{long}"}}}}"#);
        world.line(child, &line);
    }
    let peer = world.post("/mcp/time", None, INITIALIZE);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let listener = world.get("/mcp/time", &session, None);
    let events = &world.client(listener).events;
    assert_eq!(events.len(), 3, "the primer and the last two");
    assert!(events[2].contains("n/4"));
}
