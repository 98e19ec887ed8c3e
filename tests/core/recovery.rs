// SPDX-License-Identifier: MIT
//! Servers that go away and come back.

use std::time::Duration;

use penstock::base::{Key, Limits};
use penstock::gateway::io::{
    ChildEnd, Fetch, FetchContent, FetchErrorKind, FetchMethod, FetchRequest, Input,
};
use penstock::wire::http1::{Field, Method};

use crate::calls::CALL;
use crate::http_backends::{handshake, open, result};
use crate::world::{INITIALIZE, World, http_server, snapshot, stdio_server};

fn last(world: &World) -> (Key<Fetch>, &FetchRequest) {
    let Some((fetch, request)) = world.fetches.last() else { panic!("nothing was fetched") };
    (*fetch, request)
}

fn end(world: &mut World, fetch: Key<Fetch>) {
    world.input(Input::FetchDone { fetch, end: Ok(()) });
}

// Checklist 109.
#[test]
fn a_server_that_failed_is_started_again_without_a_client() {
    let mut server = stdio_server("time");
    server.required = true;
    let mut world = World::new(snapshot(vec![server]));
    let first = world.spawned[0];
    world.child_gone(first, ChildEnd::Exited(1));
    world.pass(Duration::from_secs(29));
    assert_eq!(world.spawned.len(), 1, "what cannot start rarely can a second later");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.spawned.len(), 2);
    let second = world.spawned[1];
    world.child_gone(second, ChildEnd::Exited(1));
    world.pass(Duration::from_secs(30));
    assert_eq!(world.spawned.len(), 2, "it waits longer each time");
    world.pass(Duration::from_secs(30));
    let third = world.spawned[2];
    world.open_child(third);
    let peer = world.head(Method::Get, "/ready", &[]);
    assert_eq!(world.client(peer).status, 200);
    let peer = world.head(Method::Get, "/health", &[]);
    assert!(world.client(peer).body.contains(r#""status":"healthy""#));
    world.pass(Duration::from_secs(600));
    assert_eq!(world.spawned.len(), 3);
}

// Checklist 109.
#[test]
fn a_child_that_keeps_failing_is_tried_every_four_minutes() {
    let mut world = World::new(snapshot(vec![stdio_server("time")]));
    for _ in 0..20 {
        let child = *world.spawned.last().unwrap();
        let n = world.spawned.len();
        world.child_gone(child, ChildEnd::Exited(1));
        world.pass(Duration::from_secs(240));
        assert_eq!(world.spawned.len(), n + 1);
    }
    let child = *world.spawned.last().unwrap();
    let n = world.spawned.len();
    world.child_gone(child, ChildEnd::Exited(1));
    world.pass(Duration::from_secs(230));
    assert_eq!(world.spawned.len(), n);
}

#[test]
fn a_server_behind_http_is_asked_again_soon_and_then_about_once_a_minute() {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    for wait in [1, 2, 4, 8, 16, 32, 64, 64] {
        let (fetch, _) = world.fetch_of("initialize");
        let n = world.fetches.len();
        world.fetch_failed(fetch, FetchErrorKind::Connect, false);
        world.pass(Duration::from_secs(wait));
        assert!(world.fetches.len() > n, "after {wait} s");
    }
}

#[test]
fn nothing_is_started_again_while_we_leave() {
    let mut world = World::new(snapshot(vec![stdio_server("time")]));
    let first = world.spawned[0];
    let deadline = world.now.mono + Duration::from_secs(5);
    world.child_gone(first, ChildEnd::Exited(1));
    world.input(Input::Drain { deadline, why: "SIGTERM" });
    world.pass(Duration::from_secs(2));
    assert_eq!(world.spawned.len(), 1);
    assert!(world.exited);
}

#[test]
fn the_bound_of_children_does_not_count_servers_behind_http() {
    let mut tight = snapshot(vec![http_server("time")]);
    tight.limits = Limits { children_max: 1, ..Limits::DEFAULT };
    let mut world = World::new(tight);
    let (fetch, id) = world.fetch_of("initialize");
    world.fetch_json(fetch, Some("first"), &handshake(&id));
    for _ in 0..3 {
        let peer = world.post("/mcp/time", None, &INITIALIZE.replace("{}", r#"{"roots":{}}"#));
        assert_eq!(world.client(peer).status, 0);
    }
}

#[test]
fn initialize_with_the_id_of_a_session_that_is_gone_begins_anew() {
    let (mut world, _) = World::with_child();
    let peer = world.post("/mcp/time", Some("gone"), INITIALIZE);
    assert_eq!(world.client(peer).status, 200);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let peer = world.post("/mcp/time", Some(&session), INITIALIZE);
    assert_eq!(world.client(peer).status, 400);
}

#[test]
fn delete_in_an_unknown_revision_is_refused() {
    let (mut world, _) = World::with_child();
    let (session, _) = world.session();
    let mut fields = vec![(Field::McpSessionId, session.as_str())];
    fields.push((Field::McpProtocolVersion, "1999-01-01"));
    let peer = world.head(Method::Delete, "/mcp/time", &fields);
    assert_eq!(world.client(peer).status, 400);
}

#[test]
fn a_call_that_never_left_is_sent_once_more() {
    let (mut world, session) = open();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, _) = world.fetch_of("tools/call");
    world.fetch_failed(fetch, FetchErrorKind::Closed, false);
    let (again, id) = world.fetch_of("tools/call");
    assert_ne!(again, fetch);
    world.fetch_failed(again, FetchErrorKind::Closed, false);
    assert!(world.client(peer).body.contains("-32001"), "once: {id}");
}

#[test]
fn a_listener_below_waits_for_a_server_that_is_away() {
    let (mut world, session) = open();
    world.get("/mcp/time", &session, None);
    let (fetch, _) = last(&world);
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    end(&mut world, fetch);
    world.pass(Duration::from_secs(1));
    let (fetch, _) = last(&world);
    world.fetch_failed(fetch, FetchErrorKind::Connect, false);
    let n = world.fetches.len();
    world.pass(Duration::from_secs(1));
    assert_eq!(world.fetches.len(), n, "it waits longer");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.fetches.len(), n + 1);
    let (fetch, request) = last(&world);
    assert_eq!(request.method, FetchMethod::Get);
    world.fetch_status(fetch, 405, "");
    world.pass(Duration::from_secs(600));
    assert_eq!(world.fetches.len(), n + 1, "a server without such a stream is not asked again");
}

#[test]
fn a_listener_below_goes_on_behind_its_last_event() {
    let (mut world, session) = open();
    let listener = world.get("/mcp/time", &session, None);
    let (fetch, _) = last(&world);
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    world.fetch_message(fetch, Some("e9"), changed);
    end(&mut world, fetch);
    world.pass(Duration::from_secs(1));
    let (fetch, request) = last(&world);
    assert_eq!(request.last_event_id.as_deref(), Some("e9"));
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    world.fetch_message(fetch, Some("e10"), changed);
    assert_eq!(world.client(listener).events.len(), 3);
    world.leave(listener);
    assert_eq!(world.cancelled, [fetch], "the resumed stream is the one that is closed");
}

#[test]
fn a_session_that_is_opened_again_is_listened_to_and_subscribed_again() {
    let (mut world, session) = open();
    world.get("/mcp/time", &session, None);
    let (old, _) = last(&world);
    world.fetch_head(old, 200, FetchContent::Events, None);
    let body =
        r#"{"jsonrpc":"2.0","id":3,"method":"resources/subscribe","params":{"uri":"file:///a"}}"#;
    world.post("/mcp/time", Some(&session), body);
    let (fetch, id) = world.fetch_of("resources/subscribe");
    world.fetch_json(fetch, None, &result(&id, "{}"));
    world.post("/mcp/time", Some(&session), CALL);
    let (fetch, _) = world.fetch_of("tools/call");
    world.fetch_status(fetch, 404, "");
    assert_eq!(world.cancelled, [old]);
    let n = world.fetches.len();
    let (fetch, id) = world.fetch_of("initialize");
    world.fetch_json(fetch, Some("newer"), &handshake(&id));
    let new: Vec<_> = world.fetches[n..].iter().map(|(_, request)| request.clone()).collect();
    assert!(new.iter().all(|request| request.session_id.as_deref() == Some("newer")));
    assert!(new.iter().any(|request| request.method == FetchMethod::Get));
    let (again, id) = world.fetch_of("resources/subscribe");
    assert!(world.fetches[n..].iter().any(|(fetch, _)| *fetch == again));
    world.fetch_json(again, None, &result(&id, "{}"));
}

#[test]
fn a_cancelled_call_is_not_resumed() {
    let (mut world, session) = open();
    world.post("/mcp/time", Some(&session), CALL);
    let (fetch, _) = world.fetch_of("tools/call");
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    world.fetch_message(fetch, Some("e1"), "");
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    world.post("/mcp/time", Some(&session), cancel);
    let (notice, _) = world.fetch_of("notifications/cancelled");
    world.fetch_status(notice, 202, "");
    end(&mut world, fetch);
    assert!(world.gateway.is_quiet());
}

#[test]
fn a_stream_is_resumed_although_its_server_is_away_for_a_moment() {
    let (mut world, session) = open();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, id) = world.fetch_of("tools/call");
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    world.fetch_message(fetch, Some("e1"), "");
    end(&mut world, fetch);
    world.pass(Duration::from_secs(1));
    let (fetch, _) = last(&world);
    world.fetch_failed(fetch, FetchErrorKind::Connect, false);
    world.pass(Duration::from_secs(1));
    let (fetch, request) = last(&world);
    assert_eq!(request.last_event_id.as_deref(), Some("e1"));
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    world.fetch_message(fetch, Some("e2"), &result(&id, "{}"));
    assert_eq!(world.client(peer).status, 200);
}

#[test]
fn a_refusal_in_json_rpc_is_told_and_no_older_transport_is_tried() {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let peer = world.post("/mcp/time", None, &INITIALIZE.replace("{}", r#"{"roots":{}}"#));
    let (fetch, _) = world.fetch_of("roots");
    let n = world.fetches.len();
    let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"too old"}}"#;
    world.fetch_status(fetch, 400, body);
    // It is asked what else it speaks, and then for the same once more.
    let (fetch, _) = world.fetch_of("server/discover");
    world.fetch_status(fetch, 400, body);
    let (fetch, _) = world.fetch_of("roots");
    world.fetch_status(fetch, 400, body);
    assert_eq!(world.fetches.len(), n + 2);
    assert!(world.client(peer).body.contains("too old"), "{}", world.client(peer).body);
    assert!(!world.client(peer).fields.contains_key("Mcp-Session-Id"));
}

#[test]
fn credentials_that_are_not_accepted_are_named_as_the_reason() {
    let (mut world, session) = open();
    for status in [401, 403] {
        let peer = world.post("/mcp/time", Some(&session), CALL);
        let (fetch, _) = world.fetch_of("tools/call");
        world.fetch_status(fetch, status, "no");
        let body = &world.client(peer).body;
        assert!(body.contains("credentials configured for it") && body.contains("\"server\""));
        assert_eq!(world.client(peer).status, 200, "it is no challenge for the client");
    }
}

#[test]
fn a_tool_is_never_called_twice_and_a_list_may_be_asked_for_again() {
    let (mut world, session) = open();
    world.post("/mcp/time", Some(&session), CALL);
    let (fetch, _) = world.fetch_of("tools/call");
    assert!(!world.request(fetch).repeatable);
    world.post("/mcp/time", Some(&session), r#"{"jsonrpc":"2.0","id":2,"method":"acme/do"}"#);
    let (fetch, _) = world.fetch_of("acme/do");
    assert!(!world.request(fetch).repeatable);
    world.post("/mcp/time", Some(&session), r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#);
    let (fetch, _) = world.fetch_of("\"tools/list\"");
    assert!(world.request(fetch).repeatable);
}
