// SPDX-License-Identifier: MIT
//! Clients of 2026-07-28 with servers of both eras, and legacy clients with modern servers.

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, FetchContent};
use penstock::gateway::snapshot::ResponseMode;
use penstock::wire::http1::{Field, Method};

use crate::world::{
    DISCOVERY, HANDSHAKE, INITIALIZE, World, http_server, modern_request, snapshot, stdio_server,
};

/// A world whose only server, a child, speaks both eras; the modern child.
pub fn modern_child() -> (World, Key<Backend>) {
    let (mut world, _) = World::with_child();
    let first = world.ask("/mcp/time", "1", "tools/list", "");
    let child = world.spawned[world.spawned.len() - 1];
    let id = world.id_of_last(child, "server/discover");
    world.line(child, &answer(&id, DISCOVERY));
    let id = world.id_of_last(child, "tools/list");
    world.line(child, &answer(&id, TOOLS));
    assert_eq!(world.client(first).status, 200);
    world.sent.clear();
    (world, child)
}

pub fn answer(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

pub const TOOLS: &str = r#"{"resultType":"complete","tools":[],"ttlMs":0,"cacheScope":"private"}"#;
const DONE: &str = r#"{"resultType":"complete","content":[]}"#;
pub const NAMED: &str = r#""name":"now","arguments":{"n":1.0}"#;

// Checklist 66, 67.
#[test]
fn a_modern_request_reaches_a_modern_child_as_it_came() {
    let (mut world, child) = modern_child();
    let peer = world.ask("/mcp/time", "\"a\"", "tools/call", NAMED);
    let ours = world.id_of_last(child, "tools/call");
    let sent = modern_request(&ours, "tools/call", NAMED, "{}", "");
    assert_eq!(world.sent_to(child).last().copied(), Some(sent.as_str()));
    world.line(child, &answer(&ours, DONE));
    assert_eq!(world.client(peer).body, answer("\"a\"", DONE));
    assert_eq!(world.client(peer).status, 200);
    assert!(!world.client(peer).fields.contains_key("Mcp-Session-Id"));
    assert!(world.gateway.is_quiet());
}

// Checklist 103.
#[test]
fn each_era_of_a_server_has_a_child_of_its_own() {
    let (mut world, modern) = modern_child();
    let (session, legacy) = world.session();
    assert_ne!(modern, legacy);
    world.post("/mcp/time", Some(&session), CALL);
    assert_eq!(world.sent_to(modern).len(), 0);
    assert_eq!(world.sent_to(legacy).len(), 1);
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"now"}}"#;

// Checklist 79.
#[test]
fn an_error_with_a_status_of_its_own_is_no_stream_where_all_answers_are() {
    let mut server = stdio_server("time");
    server.response = ResponseMode::Sse;
    let mut world = World::new(snapshot(vec![server]));
    world.open_child(world.spawned[0]);
    let peer = world.ask("/mcp/time", "1", "tools/call", NAMED);
    let child = world.spawned[world.spawned.len() - 1];
    let id = world.id_of_last(child, "server/discover");
    world.line(child, &answer(&id, DISCOVERY));
    let id = world.id_of_last(child, "tools/call");
    let error = r#""error":{"code":-32021,"message":"no","data":{"requiredCapabilities":{}}}}"#;
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},{error}"#));
    assert_eq!((world.client(peer).status, world.client(peer).is_stream), (400, false));
    let peer = world.ask("/mcp/time", "2", "tools/call", NAMED);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &answer(&id, DONE));
    assert_eq!((world.client(peer).status, world.client(peer).is_stream), (200, true));
}

// Checklist 81.
#[test]
fn a_modern_client_cancels_by_leaving() {
    let (mut world, child) = modern_child();
    let peer = world.ask("/mcp/time", "3", "tools/call", NAMED);
    let ours = world.id_of_last(child, "tools/call");
    world.leave(peer);
    let last = world.sent_to(child).last().unwrap().to_string();
    assert!(last.contains("notifications/cancelled") && last.contains(&ours), "{last}");
    world.line(child, &answer(&ours, DONE));
    assert!(world.gateway.is_quiet());
}

// Checklist 68, 69, 70, 71, 72, 76, 77, 134.
#[test]
fn a_modern_request_that_contradicts_itself_is_refused_with_its_own_code() {
    let (mut world, _) = modern_child();
    let body = modern_request("7", "tools/call", NAMED, "{}", "");
    let good = [
        (Field::Accept, "application/json, text/event-stream"),
        (Field::ContentType, "application/json"),
        (Field::McpProtocolVersion, "2026-07-28"),
        (Field::McpMethod, "tools/call"),
        (Field::McpName, "now"),
    ];
    let mut check = |at: usize, value: Option<&str>, body: &str, status: u16, code: &str| {
        let mut fields = good.to_vec();
        match value {
            Some("") => drop(fields.remove(at)),
            Some(value) => fields[at].1 = value,
            None => {}
        }
        let peer = world.post_with("/mcp/time", &fields, body);
        let got = world.client(peer);
        assert_eq!((got.status, got.body.contains(code)), (status, true), "{code} {}", got.body);
        assert!(got.body.contains("\"id\":7"), "{}", got.body);
    };
    check(2, Some("2025-11-25"), &body, 400, "-32020");
    check(2, Some(""), &body, 400, "-32020");
    check(3, Some("Tools/Call"), &body, 400, "-32020");
    check(3, Some(""), &body, 400, "-32020");
    check(4, Some("then"), &body, 400, "-32020");
    check(4, Some(""), &body, 400, "-32020");
    check(0, None, &body.replace("2026-07-28", "2026-07-29"), 400, "-32020");
    check(2, Some("2026-07-29"), &body.replace("2026-07-28", "2026-07-29"), 400, "-32022");
    let meta = "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",";
    check(0, None, &body.replace(meta, ""), 400, "-32602");
    let can = ",\"io.modelcontextprotocol/clientCapabilities\":{}";
    check(0, None, &body.replace(can, ""), 400, "-32602");
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe"] {
        let body = body.replace("tools/call", method);
        check(3, Some(method), &body, 404, "-32601");
    }
}

// Checklist 77.
#[test]
fn there_is_nothing_to_get_or_delete_in_the_modern_era() {
    let (mut world, _) = modern_child();
    for method in [Method::Get, Method::Delete] {
        let fields =
            [(Field::Accept, "text/event-stream"), (Field::McpProtocolVersion, "2026-07-28")];
        let peer = world.head(method, "/mcp/time", &fields);
        assert_eq!(world.client(peer).status, 405);
    }
    let fields = [
        (Field::Accept, "application/json, text/event-stream"),
        (Field::ContentType, "application/json"),
        (Field::McpProtocolVersion, "2026-07-28"),
    ];
    for body in ["[]", "[{}]", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#] {
        let peer = world.post_with("/mcp/time", &fields, body);
        assert_eq!(world.client(peer).status, 400, "{body}");
    }
}

// Checklist 104.
#[test]
fn a_server_that_does_not_discover_is_spoken_to_in_the_older_words() {
    let (mut world, legacy) = World::with_child();
    let peer = world.ask("/mcp/time", "3", "tools/call", NAMED);
    let probe = *world.spawned.last().unwrap();
    let id = world.id_of_last(probe, "server/discover");
    let error = r#"{"code":-32601,"message":"no"}"#;
    world.line(probe, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
    assert_eq!(world.stopped.last().map(|(key, _)| *key), Some(probe));
    let ours = world.id_of_last(legacy, "tools/call");
    let sent = world.sent_to(legacy).last().unwrap().to_string();
    assert!(!sent.contains("io.modelcontextprotocol"), "{sent}");
    world.line(legacy, &answer(&ours, r#"{"content":[]}"#));
    let got = world.client(peer);
    assert!(got.body.contains(r#""resultType":"complete""#), "{}", got.body);
    assert!(got.body.contains("io.modelcontextprotocol/serverInfo"), "{}", got.body);
    world.child_gone(probe, ChildEnd::Exited(0));
    assert!(world.gateway.is_quiet());
}

// Checklist 104.
#[test]
fn a_server_that_is_silent_or_leaves_when_it_is_asked_is_legacy() {
    for leaves in [false, true] {
        let (mut world, legacy) = World::with_child();
        world.ask("/mcp/time", "3", "tools/call", NAMED);
        let probe = *world.spawned.last().unwrap();
        if leaves {
            world.child_gone(probe, ChildEnd::Exited(1));
        } else {
            world.pass(std::time::Duration::from_secs(11));
        }
        assert!(world.sent_to(legacy).iter().any(|text| text.contains("tools/call")));
    }
}

// Checklist 65, 96.
#[test]
fn what_a_legacy_server_said_in_its_handshake_is_discovered() {
    let (mut world, _) = World::with_child();
    let peer = world.ask("/mcp/time", "3", "server/discover", "");
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    let got = world.client(peer);
    assert_eq!(got.status, 200, "{}", got.body);
    for part in [
        r#""supportedVersions":["2026-07-28"]"#,
        r#""ttlMs":0"#,
        r#""cacheScope":"private""#,
        r#""resultType":"complete""#,
        r#""io.modelcontextprotocol/serverInfo":{"name":"t","version":"1"}"#,
    ] {
        assert!(got.body.contains(part), "{part}: {}", got.body);
    }
}

// Checklist 92.
#[test]
fn a_legacy_client_is_served_by_a_server_that_is_modern_alone() {
    let mut world = World::new(snapshot(vec![stdio_server("time")]));
    let first = world.spawned[0];
    let early = world.post("/mcp/time", None, INITIALIZE.replace("{}", "{\"roots\":{}}").as_str());
    let own = world.spawned[1];
    let refusal = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
    for child in [own, first] {
        let id = world.id_of_last(child, "initialize");
        world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{refusal}}}"#));
    }
    let modern = world.spawned[2];
    assert_eq!(world.spawned.len(), 3);
    let id = world.id_of_last(modern, "server/discover");
    world.line(modern, &answer(&id, DISCOVERY));
    let got = world.client(early);
    assert_eq!(got.status, 200, "{}", got.body);
    assert!(got.body.contains(r#""protocolVersion":"2025-11-25""#), "{}", got.body);
    let session = got.fields["Mcp-Session-Id"].clone();
    let id = world.id_of_last(modern, "tools/list");
    world.line(modern, &answer(&id, TOOLS));
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let ours = world.id_of_last(modern, "tools/call");
    let sent = world.sent_to(modern).last().unwrap().to_string();
    assert!(
        sent.contains(r#""io.modelcontextprotocol/clientCapabilities":{"roots":{}}"#),
        "{sent}"
    );
    world.line(modern, &answer(&ours, r#"{"resultType":"complete","content":[]}"#));
    assert_eq!(world.client(peer).body, answer("5", r#"{"content":[]}"#));
    let peer = world.post("/mcp/time", Some(&session), PING);
    assert_eq!(world.client(peer).body, answer("6", "{}"));
}

const PING: &str = r#"{"jsonrpc":"2.0","id":6,"method":"ping"}"#;

// Checklist 98.
#[test]
fn the_status_of_a_modern_server_never_reaches_a_legacy_client() {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let (fetch, id) = world.fetch_of("initialize");
    let refusal =
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32022,"message":"no"}}}}"#);
    world.fetch_status(fetch, 400, &refusal);
    let (fetch, id) = world.fetch_of("server/discover");
    assert_eq!(world.request(fetch).revision.as_deref(), Some("2026-07-28"));
    let fields = &world.request(fetch).fields;
    assert!(
        fields.iter().any(|(name, value)| &**name == "Mcp-Method" && &**value == "server/discover")
    );
    world.fetch_json(fetch, None, &answer(&id, DISCOVERY));
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_json(fetch, None, &answer(&id, TOOLS));
    let peer = world.post("/mcp/time", None, INITIALIZE);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let body = CALL.replace("tools/call", "acme/frob");
    let peer = world.post("/mcp/time", Some(&session), &body);
    let (fetch, id) = world.fetch_of("acme/frob");
    let refusal =
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"no"}}}}"#);
    world.fetch_status(fetch, 404, &refusal);
    assert_eq!(world.client(peer).status, 200);
    assert!(world.client(peer).body.contains("-32601"));
}

// Checklist 81, 83.
#[test]
fn a_modern_client_sees_the_status_and_stream_of_a_modern_server() {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let (fetch, id) = world.fetch_of("initialize");
    world.fetch_json(fetch, Some("s"), &answer(&id, HANDSHAKE));
    let (fetch, _) = world.fetch_of("notifications/initialized");
    world.fetch_head(fetch, 202, FetchContent::Other, None);
    world.input(penstock::gateway::io::Input::FetchDone { fetch, end: Ok(()) });
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_json(fetch, None, &answer(&id, TOOLS));
    let peer = world.ask("/mcp/time", "\"x\"", "subscriptions/listen", LISTEN);
    let (fetch, id) = world.fetch_of("server/discover");
    world.fetch_json(fetch, None, &answer(&id, DISCOVERY));
    let (fetch, id) = world.fetch_of("subscriptions/listen");
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    let tagged = |method: &str, id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#
        )
    };
    for method in ["notifications/subscriptions/acknowledged", "notifications/tools/list_changed"] {
        world.fetch_message(fetch, None, &tagged(method, &id));
        let want = format!("|{}", tagged(method, "\"x\""));
        assert_eq!(world.client(peer).events.last(), Some(&want));
    }
    world.leave(peer);
    assert_eq!(world.cancelled, vec![fetch]);
    let unknown = world.ask("/mcp/time", "2", "acme/frob", "");
    let (fetch, id) = world.fetch_of("acme/frob");
    let refusal =
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"no"}}}}"#);
    world.fetch_status(fetch, 404, &refusal);
    assert_eq!(world.client(unknown).status, 404);
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

const LISTEN: &str = r#""notifications":{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}"#;

// Checklist 83.
#[test]
fn a_modern_client_listens_to_a_legacy_server() {
    let can = HANDSHAKE
        .replace(r#""tools":{}"#, r#""tools":{"listChanged":true},"resources":{"subscribe":true}"#);
    let mut world = World::new(snapshot(vec![stdio_server("time")]));
    let legacy = world.spawned[0];
    let id = world.id_of_last(legacy, "initialize");
    world.line(legacy, &answer(&id, &can));
    let peer = world.ask("/mcp/time", "7", "subscriptions/listen", LISTEN);
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    let events = world.client(peer).events.clone();
    assert!(events[0].contains("acknowledged") && events[0].contains("\"a:b\""), "{events:?}");
    assert!(events[0].contains(r#"/subscriptionId":7"#), "{events:?}");
    assert!(world.sent_to(legacy).iter().any(|text| text.contains("resources/subscribe")));
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    world.line(legacy, changed);
    let other = r#"{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}"#;
    world.line(legacy, other);
    let updated =
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}"#;
    world.line(legacy, updated);
    let events = world.client(peer).events.clone();
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events[2].contains(r#""uri":"a:b""#) && events[2].contains(r#"subscriptionId":7"#));
    world.leave(peer);
    let last = world.sent_to(legacy).last().unwrap().to_string();
    assert!(last.contains("resources/unsubscribe"), "{last}");
}

#[test]
fn a_known_slip_of_a_client_passes_unless_it_is_forbidden() {
    for tolerated in [true, false] {
        let mut world = World::new(snapshot(vec![stdio_server("time")]));
        if !tolerated {
            let mut strict = snapshot(vec![stdio_server("time")]);
            strict.tolerance = penstock::gateway::snapshot::Tolerance::NONE;
            world = World::new(strict);
        }
        let fields = [
            (Field::Accept, "application/json, text/event-stream"),
            (Field::ContentType, "application/json"),
            (Field::McpProtocolVersion, "2026-07-28"),
            (Field::McpMethod, "initialize"),
        ];
        let body = modern_request("1", "server/discover", "", "{}", "");
        let peer = world.post_with("/mcp/time", &fields, &body);
        assert_eq!(world.client(peer).status, if tolerated { 0 } else { 400 });
        assert_eq!(world.notes().contains("discover-method-mismatch"), tolerated);
        let body = modern_request("1", "tools/list", "", "{}", "");
        let peer = world.post_with("/mcp/time", &fields, &body);
        assert_eq!(world.client(peer).status, 400, "another method is no such slip");
    }
}
