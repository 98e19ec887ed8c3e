// SPDX-License-Identifier: MIT
//! Batches whose members are not all alike.

use penstock::gateway::snapshot::ResponseMode;

use crate::world::{World, snapshot, stdio_server};

const OLD: &str = "2025-03-26";

// Checklist 34.
#[test]
fn a_member_that_is_no_message_gets_an_error_of_its_own() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session_of(OLD);
    let body =
        r#"[1,{"jsonrpc":"2.0","id":"x","method":5},[],{"jsonrpc":"2.0","id":2,"method":"b/b"}]"#;
    let peer = world.post("/mcp/time", Some(&session), body);
    let id = world.id_of_last(child, "b/b");
    assert_eq!(world.client(peer).status, 0);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"b"}}"#));
    let got = world.client(peer);
    assert_eq!((got.status, got.body.matches("-32600").count()), (200, 3), "{}", got.body);
    assert!(got.body.contains(r#""id":null"#) && got.body.contains(r#""id":"x""#));
    assert!(got.body.ends_with(r#"{"jsonrpc":"2.0","id":2,"result":"b"}]"#), "{}", got.body);
}

// Checklist 34.
#[test]
fn errors_alone_are_answered_beside_a_notification() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session_of(OLD);
    let body = r#"[{"jsonrpc":"2.0","method":"n/n"},1]"#;
    let peer = world.post("/mcp/time", Some(&session), body);
    assert_eq!(world.sent_to(child).len(), 1);
    let got = world.client(peer);
    assert_eq!(got.status, 200);
    assert!(got.body.starts_with("[{") && got.body.contains("-32600"), "{}", got.body);
}

#[test]
fn a_batch_without_any_message_is_refused_as_a_whole() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session_of(OLD);
    let peer = world.post("/mcp/time", Some(&session), "[1,2]");
    assert_eq!(world.client(peer).status, 400);
    assert!(world.client(peer).body.starts_with('{'));
    assert!(world.sent_to(child).is_empty());
}

#[test]
fn a_hidden_tool_is_hidden_in_a_batch_as_well() {
    let mut server = stdio_server("time");
    server.tools = Some(vec!["now".into()].into());
    let mut world = World::new(snapshot(vec![server]));
    let first = world.spawned[0];
    world.open_child(first);
    let (session, child) = world.session_of(OLD);
    let body = r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rm"}},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{}},{"jsonrpc":"2.0","method":"tools/call","params":{"name":"rm"}}]"#;
    let peer = world.post("/mcp/time", Some(&session), body);
    assert!(world.sent_to(child).is_empty(), "{:?}", world.sent_to(child));
    let got = world.client(peer);
    assert_eq!((got.status, got.body.matches("unknown tool").count()), (200, 2), "{}", got.body);
}

#[test]
fn a_server_that_is_to_answer_in_events_answers_a_batch_in_events() {
    let mut server = stdio_server("time");
    server.response = ResponseMode::Sse;
    let mut world = World::new(snapshot(vec![server]));
    let first = world.spawned[0];
    world.open_child(first);
    let hello = crate::world::INITIALIZE.replace("2025-11-25", OLD);
    let peer = world.post("/mcp/time", None, &hello);
    let child = world.spawned[1];
    let id = world.id_of_last(child, "initialize");
    let said = crate::world::HANDSHAKE.replace("2025-11-25", OLD);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{said}}}"#));
    assert!(world.client(peer).is_stream);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let body = r#"[{"jsonrpc":"2.0","id":1,"method":"a/a"}]"#;
    let peer = world.post("/mcp/time", Some(&session), body);
    let id = world.id_of_last(child, "a/a");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"a"}}"#));
    let got = world.client(peer);
    assert!(got.is_stream && got.finished);
    assert_eq!(got.events, [r#"2-1|{"jsonrpc":"2.0","id":1,"result":"a"}"#]);
}
