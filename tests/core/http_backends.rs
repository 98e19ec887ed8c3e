// SPDX-License-Identifier: MIT
//! HTTP backends: sessions, their loss, streams that break, the older transport.

use std::time::Duration;

use penstock::gateway::io::{FetchContent, FetchErrorKind, FetchMethod};

use crate::calls::CALL;
use crate::world::{HANDSHAKE, INITIALIZE, World, http_server, snapshot};

/// A world whose only server is behind HTTP; the first session is open there and here.
pub fn open() -> (World, String) {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let (fetch, id) = world.fetch_of("initialize");
    world.fetch_json(fetch, Some("first"), &handshake(&id));
    let (fetch, _) = world.fetch_of("notifications/initialized");
    world.fetch_status(fetch, 202, "");
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_json(fetch, None, &result(&id, r#"{"tools":[]}"#));
    let hello = INITIALIZE.replace("{}", r#"{"roots":{}}"#);
    let peer = world.post("/mcp/time", None, &hello);
    let (fetch, id) = world.fetch_of("roots");
    assert_eq!(world.request(fetch).session_id, None);
    world.fetch_json(fetch, Some("theirs"), &handshake(&id));
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    assert_ne!(session, "theirs", "their id is not shown");
    (world, session)
}

pub fn handshake(id: &str) -> String {
    result(id, HANDSHAKE)
}

pub fn result(id: &str, value: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{value}}}"#)
}

#[test]
fn a_call_carries_the_servers_session_and_revision() {
    let (mut world, session) = open();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, id) = world.fetch_of("tools/call");
    let request = world.request(fetch);
    assert_eq!(request.session_id.as_deref(), Some("theirs"));
    assert_eq!(request.revision.as_deref(), Some("2025-11-25"));
    world.fetch_json(fetch, None, &result(&id, "{}"));
    assert_eq!(world.client(peer).body, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    assert!(world.gateway.is_quiet());
}

// Checklist 29.
#[test]
fn a_notification_is_accepted_when_the_server_has_taken_it() {
    let (mut world, session) = open();
    let body = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let peer = world.post("/mcp/time", Some(&session), body);
    assert_eq!(world.client(peer).status, 0);
    let (fetch, _) = world.fetch_of("notifications/initialized");
    world.fetch_status(fetch, 202, "");
    assert_eq!(world.client(peer).status, 202);
}

#[test]
fn events_before_the_answer_travel_on_the_stream_of_their_call() {
    let (mut world, session) = open();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, id) = world.fetch_of("tools/call");
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":1}}"#;
    world.fetch_message(fetch, None, log);
    world.fetch_message(fetch, None, &result(&id, "{}"));
    let got = world.client(peer);
    assert_eq!(got.events[1], format!("1-2|{log}"));
    assert!(got.finished);
}

// Checklist 38.
#[test]
fn a_lost_session_is_opened_again_once_and_the_call_sent_again() {
    for (status, body) in [(404, ""), (400, r#"{"error":"Bad Request: No valid session ID"}"#)] {
        let (mut world, session) = open();
        let one = world.post("/mcp/time", Some(&session), CALL);
        let (lost_one, _) = world.fetch_of("tools/call");
        let two = world.post("/mcp/time", Some(&session), &CALL.replace("now", "then"));
        let (lost_two, _) = world.fetch_of("then");
        let n = world.fetches.len();
        world.fetch_status(lost_one, status, body);
        world.fetch_status(lost_two, status, body);
        assert_eq!(world.fetches.len(), n + 1, "one initialize for both");
        let (fetch, id) = world.fetch_of("initialize");
        assert!(
            world
                .request(fetch)
                .body
                .as_ref()
                .is_some_and(|body| body.to_message().windows(5).any(|part| part == b"roots"))
        );
        world.fetch_json(fetch, Some("newer"), &handshake(&id));
        let (fetch, id) = world.fetch_of("\"now\"");
        assert_eq!(world.request(fetch).session_id.as_deref(), Some("newer"));
        world.fetch_json(fetch, None, &result(&id, "{}"));
        assert_eq!(world.client(one).status, 200);
        let (fetch, _) = world.fetch_of("then");
        world.fetch_status(fetch, status, body);
        assert!(world.client(two).body.contains("error"), "a second loss is an error");
    }
}

#[test]
fn a_connection_that_breaks_after_the_request_is_not_repeated() {
    let (mut world, session) = open();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, _) = world.fetch_of("tools/call");
    let n = world.fetches.len();
    world.fetch_failed(fetch, FetchErrorKind::Closed, true);
    assert_eq!(world.fetches.len(), n);
    assert!(world.client(peer).body.contains("-32001"), "{}", world.client(peer).body);
}

#[test]
fn an_error_status_with_an_error_body_keeps_its_message() {
    let (mut world, session) = open();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, _) = world.fetch_of("tools/call");
    let body =
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"quota","data":{"n":1.0}}}"#;
    world.fetch_status(fetch, 429, body);
    assert_eq!(world.client(peer).body, body.replace("null", "1"));
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, _) = world.fetch_of("tools/call");
    world.fetch_status(fetch, 500, "oh no");
    let body = &world.client(peer).body;
    assert!(body.contains("HTTP 500: oh no") && body.contains("\"server\":\"time\""), "{body}");
}

// Checklist 48.
#[test]
fn a_stream_that_ends_early_is_resumed_where_it_broke() {
    let (mut world, session) = open();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, id) = world.fetch_of("tools/call");
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    world.fetch_message(fetch, Some("e1"), "");
    world.input(penstock::gateway::io::Input::FetchDone { fetch, end: Ok(()) });
    assert_eq!(world.client(peer).status, 0);
    world.pass(Duration::from_secs(1));
    let (resumed, request) = world.fetches.last().unwrap();
    let resumed = *resumed;
    assert_eq!(request.method, FetchMethod::Get);
    assert_eq!(request.last_event_id.as_deref(), Some("e1"));
    world.fetch_head(resumed, 200, FetchContent::Events, None);
    world.fetch_message(resumed, Some("e2"), &result(&id, "{}"));
    assert_eq!(world.client(peer).status, 200);
}

// Checklist 48.
#[test]
fn a_server_that_closes_a_primed_stream_is_asked_again_when_it_wants_that() {
    let (mut world, session) = open();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, id) = world.fetch_of("tools/call");
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    let event = penstock::gateway::io::FetchEvent {
        id: Some("e1".into()),
        retry_ms: Some(5000),
        ..Default::default()
    };
    world.input(penstock::gateway::io::Input::FetchMessage { fetch, message: "".into(), event });
    world.input(penstock::gateway::io::Input::FetchDone { fetch, end: Ok(()) });
    let n = world.fetches.len();
    world.pass(Duration::from_millis(4900));
    assert_eq!(world.fetches.len(), n);
    world.pass(Duration::from_millis(100));
    let (resumed, request) = world.fetches.last().unwrap();
    let resumed = *resumed;
    assert_eq!((request.method, request.last_event_id.as_deref()), (FetchMethod::Get, Some("e1")));
    world.fetch_head(resumed, 200, FetchContent::Events, None);
    world.fetch_message(resumed, None, &result(&id, "{}"));
    assert_eq!(world.client(peer).status, 200);
}

#[test]
fn the_clients_get_opens_one_below_and_its_end_closes_it() {
    let (mut world, session) = open();
    let n = world.fetches.len();
    let listener = world.get("/mcp/time", &session, None);
    assert_eq!(world.fetches.len(), n + 1);
    let (below, request) = world.fetches.last().unwrap();
    let below = *below;
    assert_eq!(request.method, FetchMethod::Get);
    world.fetch_head(below, 200, FetchContent::Events, None);
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    world.fetch_message(below, None, changed);
    assert_eq!(world.client(listener).events[1], format!("1-2|{changed}"));
    world.leave(listener);
    assert_eq!(world.cancelled, [below]);
}

#[test]
fn a_server_of_the_older_transport_is_found_out() {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let (fetch, _) = world.fetch_of("initialize");
    world.fetch_status(fetch, 405, "");
    let (stream, request) = world.fetches.last().unwrap();
    let stream = *stream;
    assert_eq!(request.method, FetchMethod::Get);
    world.fetch_head(stream, 200, FetchContent::Events, None);
    let event =
        penstock::gateway::io::FetchEvent { name: Some("endpoint".into()), ..Default::default() };
    world.input(penstock::gateway::io::Input::FetchMessage {
        fetch: stream,
        message: "/messages?s=1".into(),
        event,
    });
    let (fetch, id) = world.fetch_of("initialize");
    assert_eq!(world.request(fetch).path.as_deref(), Some("/messages?s=1"));
    world.fetch_status(fetch, 202, "");
    world.fetch_message(stream, None, &handshake(&id));
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_status(fetch, 202, "");
    world.fetch_message(stream, None, &result(&id, r#"{"tools":[]}"#));
    let peer = world.post("/mcp/time", None, CALL);
    let (fetch, id) = world.fetch_of("tools/call");
    world.fetch_status(fetch, 202, "");
    world.fetch_message(stream, None, &result(&id, "{}"));
    assert_eq!(world.client(peer).body, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
}

#[test]
fn a_refused_connection_is_an_error_that_names_the_server() {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let (fetch, _) = world.fetch_of("initialize");
    world.fetch_failed(fetch, FetchErrorKind::Connect, false);
    let peer = world.post("/mcp/time", None, INITIALIZE);
    let (fetch, _) = world.fetch_of("initialize");
    world.fetch_failed(fetch, FetchErrorKind::Connect, false);
    let got = world.client(peer);
    assert_eq!(got.status, 502);
    assert!(got.body.contains("server \\\"time\\\" is unavailable"), "{}", got.body);
}

// Checklist 112.
#[test]
fn a_redirect_is_not_followed() {
    let (mut world, session) = open();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, _) = world.fetch_of("tools/call");
    let head = penstock::gateway::io::FetchHead {
        status: 307,
        content: FetchContent::Other,
        session_id: None,
        location: Some("https://evil.example/mcp".into()),
    };
    world.input(penstock::gateway::io::Input::FetchHead { fetch, head });
    world.input(penstock::gateway::io::Input::FetchDone { fetch, end: Ok(()) });
    assert!(world.client(peer).body.contains("redirect"), "{}", world.client(peer).body);
}

#[test]
fn a_notification_that_was_not_taken_is_in_the_log() {
    let (mut world, session) = open();
    let body = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;
    let peer = world.post("/mcp/time", Some(&session), body);
    let (fetch, _) = world.fetch_of("roots/list_changed");
    world.fetch_status(fetch, 500, "");
    assert_eq!(world.client(peer).status, 202);
    assert!(world.notes().contains("did not take a notification or a response: HTTP 500"));
}
