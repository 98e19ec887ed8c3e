// SPDX-License-Identifier: MIT
//! The front door: paths, methods, origins, keys, negotiation, malformed messages.

use penstock::base::Limits;
use penstock::wire::http1::{Field, Method};

use crate::calls::CALL;
use crate::world::{INITIALIZE, World, snapshot, stdio_server, with_key};

const BOTH: (Field, &str) = (Field::Accept, "application/json, text/event-stream");
const JSON: (Field, &str) = (Field::ContentType, "application/json");

#[track_caller]
fn check_post(fields: &[(Field, &str)], body: &str, status: u16, says: &str) {
    let (mut world, _) = World::with_child();
    let peer = world.post_with("/mcp/time", fields, body);
    let got = world.client(peer);
    assert_eq!(got.status, status, "{}", got.body);
    assert!(got.body.contains(says), "{}", got.body);
}

#[test]
fn what_is_not_there_is_not_found() {
    let (mut world, _) = World::with_child();
    for path in [
        "/",
        "/mcpx",
        "/mcp/other",
        "/mcp/view",
        "/mcp/view/",
        "/mcp/view/other",
        "/mcp/time2",
        "/.well-known/oauth-authorization-server",
    ] {
        let peer = world.head(Method::Post, path, &[]);
        assert_eq!(
            (world.client(peer).status, world.client(peer).body.as_str()),
            (404, "404 page not found")
        );
    }
}

// Checklist 33.
#[test]
fn other_http_methods_are_told_which_there_are() {
    let (mut world, _) = World::with_child();
    let peer = world.head(Method::Other, "/mcp/time", &[]);
    assert_eq!(world.client(peer).status, 405);
    assert_eq!(world.client(peer).fields["Allow"], "GET, POST, DELETE");
}

// Checklist 1, 2.
#[test]
fn foreign_pages_and_names_are_refused_before_anything_else() {
    for method in [Method::Post, Method::Get, Method::Delete, Method::Options] {
        let mut world = World::new(with_key(snapshot(vec![stdio_server("time")]), &["alpha-key"]));
        let peer = world.head(method, "/mcp/time", &[(Field::Origin, "http://evil.example")]);
        assert_eq!(world.client(peer).status, 403);
        assert!(!world.client(peer).fields.contains_key("Access-Control-Allow-Origin"));
        let peer = world.head(method, "/mcp/time", &[(Field::Host, "evil.example")]);
        assert_eq!(world.client(peer).body, "Forbidden: invalid Host header \"evil.example\"");
    }
}

#[test]
fn an_allowed_page_may_ask_first_and_read_the_answer() {
    let (mut world, _) = World::with_child();
    let origin = (Field::Origin, "http://localhost:5173");
    let peer = world.head(Method::Options, "/mcp/time", &[origin]);
    assert_eq!(world.client(peer).status, 204);
    assert!(world.client(peer).fields["Access-Control-Allow-Headers"].contains("Mcp-Session-Id"));
    let peer = world.post_with("/mcp/time", &[BOTH, JSON, origin], INITIALIZE);
    let fields = &world.client(peer).fields;
    assert_eq!(fields["Access-Control-Allow-Origin"], "http://localhost:5173");
    assert!(fields["Access-Control-Expose-Headers"].contains("Mcp-Session-Id"));
}

#[test]
fn a_page_may_mirror_arguments_in_fields_of_the_servers_choice() {
    let (mut world, _) = World::with_child();
    let wanted = "mcp-param-region, x-secret, Mcp-Param-b c, Mcp-Param-N";
    let fields =
        [(Field::Origin, "http://localhost:5173"), (Field::AccessControlRequestHeaders, wanted)];
    let peer = world.head(Method::Options, "/mcp/time", &fields);
    let allowed = &world.client(peer).fields["Access-Control-Allow-Headers"];
    assert!(allowed.ends_with("MCP-Protocol-Version, mcp-param-region, Mcp-Param-N"), "{allowed}");
}

// Checklist 128.
#[test]
fn keys_are_asked_for_in_the_shapes_of_the_reference() {
    for (key, status, body) in [
        (None, 401, r#"{"error":"unauthorized","message":"missing Authorization header"}"#),
        (Some("wrong"), 401, r#"{"error":"unauthorized","message":"invalid API key"}"#),
        (
            Some("a\u{1}"),
            400,
            r#"{"error":"bad_request","message":"malformed Authorization header"}"#,
        ),
    ] {
        let mut world = World::new(with_key(snapshot(vec![stdio_server("time")]), &["alpha-key"]));
        let mut fields = vec![BOTH, JSON];
        fields.extend(key.map(|key| (Field::Authorization, key)));
        let peer = world.post_with("/mcp/time", &fields, CALL);
        assert_eq!((world.client(peer).status, world.client(peer).body.as_str()), (status, body));
        assert!(world.notes().contains("Authentication failed"));
        assert!(!world.notes().contains("wrong"), "the value is never logged");
        let peer = world.head(Method::Get, "/health", &[]);
        assert_eq!(world.client(peer).status, 200);
    }
}

// Checklist 5, 28, 31, 134.
#[test]
fn negotiation_is_strict_in_sessions() {
    check_post(&[BOTH, (Field::ContentType, "text/plain")], CALL, 415, "Content-Type");
    check_post(&[JSON, (Field::Accept, "text/html")], CALL, 406, "Accept must contain both");
    check_post(
        &[JSON, (Field::Accept, "application/json")],
        INITIALIZE,
        406,
        "Accept must contain both",
    );
    check_post(
        &[JSON, BOTH, (Field::McpProtocolVersion, "1999-01-01")],
        CALL,
        400,
        "Unsupported protocol version",
    );
    // Its field makes it a modern request, and its body does not say so.
    check_post(&[JSON, BOTH, (Field::McpProtocolVersion, "2026-07-28")], CALL, 400, "-32602");
    check_post(&[JSON, BOTH, (Field::McpSessionId, "nope")], CALL, 404, "session not found");
}

// Checklist 3, 4, 8.
#[test]
fn what_is_no_message_is_refused_with_its_reason() {
    for (body, status, says) in [
        ("", 400, "non-empty"),
        ("{", 400, "-32700"),
        ("nonsense", 400, "-32700"),
        ("{}", 400, "-32600"),
        ("[]", 400, "-32600"),
        ("1", 400, "-32600"),
        (r#"{"jsonrpc":"1.0","id":3,"method":"a"}"#, 400, "-32600"),
        (r#"{"jsonrpc":"2.0","id":3,"method":5}"#, 400, "\"id\":3"),
        (r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#, 400, "-32600"),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"a"}"#, 400, "-32600"),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}"#, 400, "-32600"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[1,}"#, 400, "-32700"),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/x"}"#,
            400,
            "Mcp-Session-Id header is required",
        ),
    ] {
        check_post(&[BOTH, JSON], body, status, says);
    }
}

// Checklist 28, 32.
#[test]
fn get_and_delete_need_a_session() {
    let (mut world, _) = World::with_child();
    let peer = world.head(Method::Get, "/mcp/time", &[(Field::Accept, "text/event-stream")]);
    assert_eq!(world.client(peer).status, 400);
    let peer = world.head(Method::Get, "/mcp/time", &[(Field::Accept, "application/json")]);
    assert_eq!(world.client(peer).status, 406);
    let peer = world.head(Method::Delete, "/mcp/time", &[]);
    assert_eq!(world.client(peer).status, 400);
    let peer = world.get("/mcp/time", "nope", None);
    assert_eq!(world.client(peer).status, 404);
}

// Checklist 129.
#[test]
fn every_limit_is_said_and_kept() {
    let mut tight = snapshot(vec![stdio_server("time")]);
    tight.limits = Limits { json_depth_max: 64, id_bytes_max: 64, ..Limits::TEST_MIN };
    let mut world = World::new(tight);
    let child = world.spawned[0];
    world.open_child(child);
    let (session, child) = world.session();
    let one = world.post("/mcp/time", Some(&session), CALL);
    let _two = world.post("/mcp/time", Some(&session), CALL);
    let three = world.post("/mcp/time", Some(&session), CALL);
    assert_eq!(world.client(three).status, 429);
    assert_eq!(world.client(three).fields["Retry-After"], "1");
    let listener = world.get("/mcp/time", &session, None);
    assert!(world.client(listener).is_stream);
    let four = world.post("/mcp/time", None, CALL);
    assert_eq!(world.client(four).status, 503);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    let _ = one;
}

// Checklist 129.
#[test]
fn the_longest_idle_session_makes_room_for_a_new_one() {
    let mut tight = snapshot(vec![stdio_server("time")]);
    tight.limits = Limits { sessions_max: 2, ..Limits::DEFAULT };
    let mut world = World::new(tight);
    let child = world.spawned[0];
    world.open_child(child);
    let (one, _) = world.session();
    world.pass(std::time::Duration::from_secs(1));
    let (two, _) = world.session();
    world.session();
    let peer = world.post("/mcp/time", Some(&one), CALL);
    assert_eq!(world.client(peer).status, 404);
    let peer = world.post("/mcp/time", Some(&two), CALL);
    assert_eq!(world.client(peer).status, 0);
}

#[test]
fn health_answers_from_the_first_moment_and_ready_when_it_is() {
    let mut server = stdio_server("time");
    server.required = true;
    let mut world = World::new(snapshot(vec![server]));
    let peer = world.head(Method::Get, "/health", &[]);
    let want = r#"{"status":"healthy","specVersion":"1.17.0","gatewayVersion":"0.1.0","servers":{"time":{"status":"stopped","uptime":0}}}"#;
    assert_eq!(world.client(peer).body, want);
    let peer = world.head(Method::Get, "/ready", &[]);
    assert_eq!(
        (world.client(peer).status, world.client(peer).body.as_str()),
        (503, r#"{"ready":false,"waitingFor":["time"]}"#)
    );
    let child = world.spawned[0];
    world.open_child(child);
    world.pass(std::time::Duration::from_secs(12));
    let peer = world.head(Method::Get, "/health", &[]);
    assert!(world.client(peer).body.contains(r#"{"status":"running","uptime":12}"#));
    let peer = world.head(Method::Get, "/ready", &[]);
    assert_eq!(world.client(peer).status, 200);
}
