// SPDX-License-Identifier: MIT
//! Streams: server requests, notifications, resumption, signs of life.

use std::time::Duration;

use crate::calls::CALL;
use crate::world::World;

const SAMPLE: &str =
    r#"{"jsonrpc":"2.0","id":0,"method":"sampling/createMessage","params":{"x":1.0}}"#;
const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;

// Checklist 30, 52.
#[test]
fn a_request_of_the_backend_travels_on_the_stream_of_the_running_call() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let listener = world.get("/mcp/time", &session, None);
    let peer = world.post("/mcp/time", Some(&session), CALL);
    world.line(child, SAMPLE);
    assert_eq!(world.client(peer).events[1], format!("2-2|{SAMPLE}"));
    assert_eq!(world.client(listener).events.len(), 1, "the primer alone");
    let answer = r#"{"jsonrpc":"2.0","id":0,"result":{"role":"assistant"}}"#;
    let posted = world.post("/mcp/time", Some(&session), answer);
    assert_eq!(world.client(posted).status, 202);
    assert_eq!(world.sent_to(child).last().copied(), Some(answer));
    let n = world.sent.len();
    world.post("/mcp/time", Some(&session), answer);
    assert_eq!(world.sent.len(), n, "an answer counts once");
}

// Checklist 58.
#[test]
fn an_answer_from_another_session_is_refused() {
    let (mut world, _) = World::with_child();
    let (one, child) = world.session();
    let (two, _) = world.session();
    world.get("/mcp/time", &one, None);
    world.line(child, SAMPLE);
    let n = world.sent.len();
    world.post("/mcp/time", Some(&two), r#"{"jsonrpc":"2.0","id":0,"result":{}}"#);
    assert_eq!(world.sent.len(), n);
}

// Checklist 56, 61.
#[test]
fn what_belongs_to_no_call_waits_for_the_get_stream() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    world.line(child, CHANGED);
    world.line(child, SAMPLE);
    let listener = world.get("/mcp/time", &session, None);
    let want = ["1-1|".to_owned(), format!("1-2|{CHANGED}"), format!("1-3|{SAMPLE}")];
    assert_eq!(world.client(listener).events, want);
    world.line(child, CHANGED);
    assert_eq!(world.client(listener).events[3], format!("1-4|{CHANGED}"));
}

// Checklist 56.
#[test]
fn a_request_that_no_client_fetches_is_refused_in_time() {
    let (mut world, _) = World::with_child();
    let (_session, child) = world.session();
    world.line(child, SAMPLE);
    world.pass(Duration::from_secs(31));
    let last = world.sent_to(child).last().unwrap().to_string();
    assert!(last.contains("\"id\":0") && last.contains("\"error\""), "{last}");
}

// Checklist 55.
#[test]
fn a_one_shot_client_is_never_asked() {
    let (mut world, child) = World::with_child();
    world.post("/mcp/time", None, CALL);
    world.line(child, SAMPLE);
    assert!(world.sent_to(child).last().unwrap().contains("\"error\""));
    world.line(child, r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#);
    assert_eq!(
        world.sent_to(child).last().copied(),
        Some(r#"{"jsonrpc":"2.0","id":9,"result":{}}"#)
    );
}

// Checklist 47.
#[test]
fn an_interrupted_stream_is_resumed_behind_the_last_event() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"now","_meta":{"progressToken":1}}}"#;
    let peer = world.post("/mcp/time", Some(&session), body);
    let progress = |n: u32| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":1,"progress":{n}}}}}"#
        )
    };
    world.line(child, &progress(1));
    world.line(child, &progress(2));
    world.leave(peer);
    world.line(child, &progress(3));
    let back = world.get("/mcp/time", &session, Some("1-2"));
    let want = [format!("1-3|{}", progress(2)), format!("1-4|{}", progress(3))];
    assert_eq!(world.client(back).events, want);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    let got = world.client(back);
    assert_eq!(got.events[2], r#"1-5|{"jsonrpc":"2.0","id":1,"result":{}}"#);
    assert!(got.finished);
    let again = world.get("/mcp/time", &session, Some("1-4"));
    assert_eq!(world.client(again).events, [r#"1-5|{"jsonrpc":"2.0","id":1,"result":{}}"#]);
    assert!(world.client(again).finished);
}

// Checklist 39.
#[test]
fn a_client_that_leaves_does_not_cancel() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let id = world.id_of_last(child, "tools/call");
    world.leave(peer);
    assert_eq!(world.sent_to(child).len(), 1, "nothing was cancelled");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    assert!(world.gateway.is_quiet());
}

// Checklist 21, 22.
#[test]
fn a_long_silence_opens_the_stream_and_is_filled_with_comments() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    world.pass(Duration::from_secs(13));
    assert!(world.client(peer).is_stream);
    world.pass(Duration::from_secs(31));
    assert_eq!(world.client(peer).events, ["1-1|", ":"]);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    assert!(world.client(peer).finished);
}

// Checklist 22.
#[test]
fn an_idle_listener_sees_a_comment_now_and_then() {
    let (mut world, _) = World::with_child();
    let (session, _) = world.session();
    let listener = world.get("/mcp/time", &session, None);
    for _ in 0..3 {
        world.pass(Duration::from_secs(30));
    }
    assert_eq!(world.client(listener).events, ["1-1|", ":", ":", ":"]);
}

// Checklist 46.
#[test]
fn a_log_message_goes_with_the_only_call_and_else_to_the_listener() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let listener = world.get("/mcp/time", &session, None);
    let log =
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#;
    world.line(child, log);
    assert_eq!(world.client(listener).events.len(), 2);
    let peer = world.post("/mcp/time", Some(&session), CALL);
    world.line(child, log);
    assert_eq!(world.client(listener).events.len(), 2);
    assert_eq!(world.client(peer).events.len(), 2);
}
