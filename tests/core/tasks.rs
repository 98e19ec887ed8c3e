// SPDX-License-Identifier: MIT
//! Tasks: calls whose result is fetched later.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use penstock::base::Key;
use penstock::gateway::io::{Backend, Peer};
use penstock::wire::http1::Field;

use crate::world::{
    DISCOVERY, INITIALIZE, World, modern_request, snapshot, stdio_server, with_key,
};

pub const GET: &str = "tasks/get";

pub fn ask(world: &mut World, session: &str, method: &str, params: &str) -> Key<Peer> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":"c","method":"{method}","params":{params}}}"#);
    world.post("/mcp/time", Some(session), &body)
}

pub fn answer(world: &mut World, child: Key<Backend>, method: &str, result: &str) {
    let id = world.id_of_last(child, method);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
}

pub const CALL: &str =
    r#"{"name":"build","task":{"ttl":600000},"arguments":{},"_meta":{"progressToken":"t"}}"#;
const TASK: &str = r#"{"taskId":"7","status":"working","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttl":600000}"#;

/// A session whose call has become task `7`, its child, and its GET stream.
fn task() -> (World, String, Key<Backend>, Key<Peer>) {
    let (mut world, _) = World::with_child();
    let said = crate::world::HANDSHAKE.replace(r#""tools":{}"#, r#""tasks":{"list":{}}"#);
    let (session, child) = world.session_saying("2025-11-25", &said);
    let listener = world.get("/mcp/time", &session, None);
    let peer = ask(&mut world, &session, "tools/call", CALL);
    assert!(world.sent_to(child).last().unwrap().ends_with(&format!("\"params\":{CALL}}}")));
    answer(&mut world, child, "tools/call", &format!(r#"{{"task":{TASK}}}"#));
    let want = format!(r#"{{"jsonrpc":"2.0","id":"c","result":{{"task":{TASK}}}}}"#);
    assert_eq!(world.client(peer).body, want);
    (world, session, child, listener)
}

// Checklist 135.
#[test]
fn a_task_of_a_server_is_created_asked_for_listed_and_cancelled_byte_for_byte() {
    let (mut world, session, child, _) = task();
    for (method, params, result) in [
        (GET, r#"{"taskId":"7"}"#, TASK),
        ("tasks/list", "{}", r#"{"tasks":[{"taskId":"7"}],"nextCursor":"n"}"#),
        ("tasks/cancel", r#"{"taskId":"7"}"#, r#"{"taskId":"7","status":"cancelled"}"#),
    ] {
        let peer = ask(&mut world, &session, method, params);
        let sent = world.sent_to(child).last().unwrap().to_string();
        assert!(sent.ends_with(&format!("\"params\":{params}}}")), "{sent}");
        answer(&mut world, child, method, result);
        let want = format!(r#"{{"jsonrpc":"2.0","id":"c","result":{result}}}"#);
        assert_eq!(world.client(peer).body, want);
    }
}

// Checklist 135.
#[test]
fn a_result_that_is_waited_for_has_its_elicitation_on_its_own_stream() {
    let (mut world, session, child, listener) = task();
    let peer = ask(&mut world, &session, "tasks/result", r#"{"taskId":"7"}"#);
    let related = r#""_meta":{"io.modelcontextprotocol/related-task":{"taskId":"7"}}"#;
    let asks = format!(
        r#"{{"jsonrpc":"2.0","id":3,"method":"elicitation/create","params":{{"message":"?",{related}}}}}"#
    );
    world.line(child, &asks);
    assert!(world.client(peer).events.iter().any(|event| event.ends_with(&asks)));
    assert!(!world.client(listener).events.iter().any(|event| event.ends_with(&asks)));
    let said = format!(r#"{{"jsonrpc":"2.0","id":3,"result":{{"action":"accept",{related}}}}}"#);
    world.post("/mcp/time", Some(&session), &said);
    assert_eq!(world.sent_to(child).last().copied(), Some(said.as_str()));
    answer(&mut world, child, "tasks/result", &format!(r#"{{"content":[],{related}}}"#));
    let got = world.client(peer);
    assert!(got.finished && got.events.last().unwrap().contains(related));
}

// Checklist 136.
#[test]
fn a_progress_token_is_good_until_the_task_ends_and_its_status_is_told() {
    let (mut world, _, child, listener) = task();
    let progress = |n: u32| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":"t","progress":{n}}}}}"#
        )
    };
    world.line(child, &progress(1));
    let status = r#"{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"7","status":"completed"}}"#;
    world.line(child, status);
    let events = &world.client(listener).events;
    assert!(events[events.len() - 2].ends_with(&progress(1)));
    assert!(events[events.len() - 1].ends_with(status));
}

// Checklist 139.
#[test]
fn a_task_of_a_server_survives_the_disconnect_of_its_client() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = ask(&mut world, &session, "tools/call", CALL);
    world.leave(peer);
    answer(&mut world, child, "tools/call", &format!(r#"{{"task":{TASK}}}"#));
    assert!(!world.sent_to(child).iter().any(|line| line.contains("cancelled")));
    let peer = ask(&mut world, &session, GET, r#"{"taskId":"7"}"#);
    answer(&mut world, child, GET, TASK);
    assert!(world.client(peer).body.contains(TASK));
}

/// A world whose only server is shared, with two keys, and a session of each.
fn shared() -> (World, Key<Backend>, [String; 2]) {
    let mut server = stdio_server("time");
    server.shared = true;
    let mut world = World::new(with_key(snapshot(vec![server]), &["one", "two"]));
    let child = world.spawned[0];
    let id = world.id_of_last(child, "initialize");
    let said = crate::world::HANDSHAKE.replace(r#""tools":{}"#, r#""tasks":{"list":{}}"#);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{said}}}"#));
    let sessions = ["one", "two"].map(|key| {
        let peer = post_as(&mut world, key, None, INITIALIZE);
        world.client(peer).fields["Mcp-Session-Id"].clone()
    });
    (world, child, sessions)
}

fn post_as(world: &mut World, key: &str, session: Option<&str>, body: &str) -> Key<Peer> {
    let mut fields = vec![
        (Field::Accept, "application/json, text/event-stream"),
        (Field::ContentType, "application/json"),
        (Field::Authorization, key),
    ];
    fields.extend(session.map(|session| (Field::McpSessionId, session)));
    world.post_with("/mcp/time", &fields, body)
}

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":"c","method":"{method}","params":{params}}}"#)
}

// Checklist 127, 136, 139.
#[test]
fn a_task_of_a_shared_server_is_its_own_clients() {
    let (mut world, child, sessions) = shared();
    let listeners = [("one", &sessions[0]), ("two", &sessions[1])].map(|(key, session)| {
        let fields = [
            (Field::Accept, "text/event-stream"),
            (Field::Authorization, key),
            (Field::McpSessionId, session.as_str()),
        ];
        world.head(penstock::wire::http1::Method::Get, "/mcp/time", &fields)
    });
    post_as(&mut world, "one", Some(&sessions[0]), &request("tools/call", CALL));
    let ours = world.id_of_last(child, "tools/call");
    answer(&mut world, child, "tools/call", &format!(r#"{{"task":{TASK}}}"#));
    let n = world.sent.len();
    for method in [GET, "tasks/result", "tasks/cancel"] {
        let body = request(method, r#"{"taskId":"7"}"#);
        let peer = post_as(&mut world, "two", Some(&sessions[1]), &body);
        assert!(world.client(peer).body.contains("there is no such task"));
    }
    assert_eq!(world.sent.len(), n, "the server never hears of it");
    let peer = post_as(&mut world, "one", Some(&sessions[0]), &request(GET, r#"{"taskId":"7"}"#));
    answer(&mut world, child, GET, TASK);
    assert!(world.client(peer).body.contains(TASK));
    for (key, session, want) in [("one", &sessions[0], 1), ("two", &sessions[1], 0)] {
        let peer = post_as(&mut world, key, Some(session), &request("tasks/list", "{}"));
        answer(&mut world, child, "tasks/list", &format!(r#"{{"tasks":[{TASK},{{"x":1}}]}}"#));
        assert_eq!(world.client(peer).body.matches("taskId").count(), want);
    }
    let progress = |token: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
        )
    };
    let status = r#"{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"7","status":"completed"}}"#;
    world.line(child, &progress(&ours));
    world.line(child, status);
    world.line(child, &progress(&ours));
    let told = listeners.map(|peer| {
        let events = world.client(peer).events.iter().filter_map(|event| event.split_once('|'));
        let events = events.map(|(_, data)| data.to_owned()).filter(|data| !data.is_empty());
        events.collect::<Vec<_>>()
    });
    assert_eq!(told, [vec![progress("\"t\""), status.to_owned()], vec![]]);
}

pub const EXTENSION: &str = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;

/// A request of a modern client with one of two keys.
pub fn modern(world: &mut World, key: &str, method: &str, extra: &str, can: &str) -> Key<Peer> {
    let body = modern_request("5", method, extra, can, "");
    let name = extra.split("\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let mut fields = vec![
        (Field::Accept, "application/json, text/event-stream"),
        (Field::ContentType, "application/json"),
        (Field::Authorization, key),
        (Field::McpProtocolVersion, "2026-07-28"),
        (Field::McpMethod, method),
    ];
    fields.extend(name.filter(|_| method != "subscriptions/listen").map(|n| (Field::McpName, n)));
    world.post_with("/mcp/time", &fields, &body)
}

/// A world whose only server is modern, with two keys; its child.
fn modern_world() -> (World, Key<Backend>) {
    modern_world_with(false)
}

/// The same, with tasks of ours or without.
pub fn modern_world_with(tasks: bool) -> (World, Key<Backend>) {
    let keys = ["one", "two"];
    let mut server = stdio_server("time");
    server.tasks = tasks;
    let mut world = World::new(with_key(snapshot(vec![server]), &keys));
    let first = world.spawned[0];
    let id = world.id_of_last(first, "initialize");
    let refused = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
    world.line(first, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{refused}}}"#));
    let child = world.spawned[world.spawned.len() - 1];
    answer(&mut world, child, "server/discover", DISCOVERY);
    world.sent.clear();
    (world, child)
}

const CREATED: &str = r#"{"resultType":"task","taskId":"T","status":"working","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttlMs":null}"#;

// Checklist 138, 139.
#[test]
fn a_task_of_a_modern_server_is_for_clients_that_know_tasks_and_for_its_own() {
    let (mut world, child) = modern_world();
    let peer = modern(&mut world, "one", "tools/call", r#""name":"x""#, EXTENSION);
    answer(&mut world, child, "tools/call", CREATED);
    let want = format!(r#"{{"jsonrpc":"2.0","id":5,"result":{CREATED}}}"#);
    assert_eq!(world.client(peer).body, want);
    let id = r#""taskId":"T""#;
    for method in [GET, "tasks/update", "tasks/cancel"] {
        let n = world.sent.len();
        let peer = modern(&mut world, "one", method, id, "{}");
        let got = world.client(peer);
        assert_eq!((got.status, got.body.contains("-32021")), (400, true), "{}", got.body);
        assert!(got.body.contains(&format!(r#""requiredCapabilities":{EXTENSION}"#)));
        let peer = modern(&mut world, "two", method, id, EXTENSION);
        assert!(world.client(peer).body.contains("there is no such task"));
        assert_eq!(world.sent.len(), n);
        let peer = modern(&mut world, "one", method, id, EXTENSION);
        let sent = world.sent_to(child).last().unwrap().to_string();
        assert!(sent.contains(id) && sent.contains(method), "{sent}");
        answer(&mut world, child, method, r#"{"resultType":"complete","status":"working"}"#);
        assert!(world.client(peer).body.contains(r#""status":"working""#));
    }
    let named = modern(&mut world, "one", GET, r#""x":"other","taskId":"T""#, EXTENSION);
    assert!(world.client(named).body.contains("-32020"), "{}", world.client(named).body);
    // A server must not make a task for a client that does not know what that is.
    let peer = modern(&mut world, "one", "tools/call", r#""name":"x""#, "{}");
    answer(&mut world, child, "tools/call", CREATED);
    let body = &world.client(peer).body;
    assert!(body.contains("\"error\"") && body.contains("answers with a task"), "{body}");
}

// Checklist 140.
#[test]
fn tasks_are_listened_to_by_their_client_alone() {
    let (mut world, child) = modern_world();
    modern(&mut world, "one", "tools/call", r#""name":"x""#, EXTENSION);
    answer(&mut world, child, "tools/call", CREATED);
    let listen = r#""notifications":{"taskIds":["T"]}"#;
    let method = "subscriptions/listen";
    let peer = modern(&mut world, "one", method, listen, "{}");
    assert_eq!(world.client(peer).status, 400);
    assert!(world.client(peer).body.contains("-32021"));
    let peer = modern(&mut world, "two", method, listen, EXTENSION);
    assert!(world.client(peer).body.contains("there is no such task"));
    let peer = modern(&mut world, "one", method, listen, EXTENSION);
    let ours = world.id_of_last(child, method);
    let tagged = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/tasks","params":{{"taskId":"T","status":"completed","_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#
        )
    };
    world.line(child, &tagged(&ours));
    assert!(world.client(peer).events.last().unwrap().ends_with(&tagged("5")));
}

// Checklist 138.
#[test]
fn a_legacy_server_has_no_tasks_for_modern_clients() {
    let (mut world, _) = World::with_child();
    let peer = modern(&mut world, "", GET, r#""taskId":"7""#, EXTENSION);
    let child = world.spawned[world.spawned.len() - 1];
    let id = world.id_of_last(child, "server/discover");
    let error = r#""error":{"code":-32601,"message":"no"}"#;
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},{error}}}"#));
    let got = world.client(peer);
    assert_eq!((got.status, got.body.contains("-32601")), (404, true), "{}", got.body);
}
