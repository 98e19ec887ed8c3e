// SPDX-License-Identifier: MIT
//! Tasks: calls whose result is fetched later.

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Peer};
use penstock::wire::http1::Field;

use crate::world::{INITIALIZE, World, snapshot, stdio_server, with_key};

const GET: &str = "tasks/get";

fn ask(world: &mut World, session: &str, method: &str, params: &str) -> Key<Peer> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":"c","method":"{method}","params":{params}}}"#);
    world.post("/mcp/time", Some(session), &body)
}

fn answer(world: &mut World, child: Key<Backend>, method: &str, result: &str) {
    let id = world.id_of_last(child, method);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
}

const CALL: &str =
    r#"{"name":"build","task":{"ttl":600000},"arguments":{},"_meta":{"progressToken":"t"}}"#;
const TASK: &str = r#"{"taskId":"7","status":"working","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttl":600000}"#;

/// A session whose call has become task `7`, its child, and its GET stream.
fn task() -> (World, String, Key<Backend>, Key<Peer>) {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
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

const HELLO: &str = r#""tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}"#;

/// A server without tasks, for which the gateway offers them, and a session with it.
fn offered() -> (World, String, Key<Backend>) {
    let mut server = stdio_server("time");
    server.tasks = true;
    let mut world = World::new(with_key(snapshot(vec![server]), &[]));
    world.open_child(world.spawned[0]);
    let (session, child) = world.session();
    (world, session, child)
}

/// Calls as a task; what the client calls it.
fn start(world: &mut World, session: &str) -> String {
    let peer = ask(world, session, "tools/call", CALL);
    let body = world.client(peer).body.clone();
    let at = body.find("\"taskId\":\"").unwrap() + 10;
    body[at..].split('"').next().unwrap().to_owned()
}

fn about(world: &mut World, session: &str, method: &str, task: &str) -> Key<Peer> {
    ask(world, session, method, &format!(r#"{{"taskId":"{task}"}}"#))
}

fn status(world: &mut World, session: &str, task: &str) -> String {
    let peer = about(world, session, GET, task);
    let body = world.client(peer).body.clone();
    let Some(at) = body.find("\"status\":\"") else { return body };
    body[at + 10..].split('"').next().unwrap().to_owned()
}

#[test]
fn tasks_are_offered_for_a_server_that_has_none() {
    let mut server = stdio_server("time");
    server.tasks = true;
    let mut world = World::new(snapshot(vec![server]));
    world.open_child(world.spawned[0]);
    let greeted = world.post("/mcp/time", None, INITIALIZE);
    assert!(world.client(greeted).body.contains(HELLO), "{}", world.client(greeted).body);
    let session = world.client(greeted).fields["Mcp-Session-Id"].clone();
    let peer = ask(&mut world, &session, "tools/list", "{}");
    let child = world.spawned[0];
    answer(
        &mut world,
        child,
        "tools/list",
        r#"{"tools":[{"name":"x","inputSchema":{"type":"object","properties":{}}}]}"#,
    );
    let tool = r#"{"execution":{"taskSupport":"optional"},"name":"x","#;
    assert!(world.client(peer).body.contains(tool), "{}", world.client(peer).body);
}

#[test]
fn a_server_with_tasks_keeps_its_own() {
    let mut server = stdio_server("time");
    server.tasks = true;
    let mut world = World::new(snapshot(vec![server]));
    let child = world.spawned[0];
    let id = world.id_of_last(child, "initialize");
    let said = crate::world::HANDSHAKE.replace("\"tools\":{}", "\"tasks\":{\"list\":{}}");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{said}}}"#));
    let greeted = world.post("/mcp/time", None, INITIALIZE);
    assert!(world.client(greeted).body.contains(r#""tasks":{"list":{}}"#));
    let session = world.client(greeted).fields["Mcp-Session-Id"].clone();
    ask(&mut world, &session, "tools/call", CALL);
    assert!(world.sent_to(child).last().unwrap().contains("\"task\":{\"ttl\":600000}"));
}

#[test]
fn a_call_becomes_a_task_that_is_polled_and_fetched() {
    let (mut world, session, child) = offered();
    let listener = world.get("/mcp/time", &session, None);
    let task = start(&mut world, &session);
    assert_eq!(task.len(), 32);
    let sent = world.sent_to(child).last().unwrap().to_string();
    assert!(!sent.contains("\"task\"") && sent.contains(r#""name":"build","arguments":{}"#));
    assert_eq!(status(&mut world, &session, &task), "working");
    let early = about(&mut world, &session, "tasks/result", &task);
    world.line(
        child,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}"#,
    );
    assert_eq!(world.client(early).status, 0, "it waits");
    world.pass(Duration::from_secs(300));
    answer(&mut world, child, "tools/call", r#"{"content":[], "n":1.0}"#);
    let want = format!(
        r#""result":{{"_meta":{{"io.modelcontextprotocol/related-task":{{"taskId":"{task}"}}}},"content":[], "n":1.0}}"#
    );
    let late = about(&mut world, &session, "tasks/result", &task);
    for peer in [early, late] {
        let got = world.client(peer);
        let said = got.events.last().cloned().unwrap_or_else(|| got.body.clone());
        assert!(said.contains(&want) && said.contains(r#""id":"c""#), "{said}");
    }
    assert_eq!(status(&mut world, &session, &task), "completed");
    let told = &world.client(listener).events;
    assert!(told.iter().any(|event| event.contains("\"progressToken\":\"t\"")), "{told:?}");
    assert!(told.last().unwrap().contains("notifications/tasks/status"), "{told:?}");
    let list = ask(&mut world, &session, "tasks/list", "{}");
    assert!(world.client(list).body.contains(&task));
    world.leave(listener);
    assert!(world.gateway.is_quiet());
}

// Checklist 139.
#[test]
fn a_task_of_ours_survives_its_client_and_is_nobody_elses() {
    let mut server = stdio_server("time");
    server.tasks = true;
    server.shared = true;
    let mut world = World::new(with_key(snapshot(vec![server]), &["one", "two"]));
    let child = world.spawned[0];
    world.open_child(child);
    let post = |world: &mut World, key: &str, method: &str, params: &str| {
        let fields = [
            (Field::Accept, "application/json"),
            (Field::ContentType, "application/json"),
            (Field::Authorization, key),
        ];
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let peer = world.post_with("/mcp/time", &fields, &body);
        (peer, world.client(peer).body.clone())
    };
    let (peer, body) = post(&mut world, "one", "tools/call", CALL);
    world.leave(peer);
    let task = body.split("\"taskId\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    answer(&mut world, child, "tools/call", r#"{"content":[]}"#);
    let params = format!(r#"{{"taskId":"{task}"}}"#);
    for method in [GET, "tasks/result", "tasks/cancel"] {
        let (_, body) = post(&mut world, "two", method, &params);
        assert!(body.contains("-32602") && body.contains("there is no such task"), "{body}");
    }
    let (_, body) = post(&mut world, "two", "tasks/list", "{}");
    assert!(body.contains(r#""tasks":[]"#), "{body}");
    let (_, body) = post(&mut world, "one", "tasks/result", &params);
    assert!(body.contains(r#""content":[]"#), "{body}");
}

#[test]
fn a_cancelled_task_is_cancelled_below_and_stays_so() {
    let (mut world, session, child) = offered();
    let task = start(&mut world, &session);
    let id = world.id_of_last(child, "tools/call");
    let waits = about(&mut world, &session, "tasks/result", &task);
    let peer = about(&mut world, &session, "tasks/cancel", &task);
    assert!(world.client(peer).body.contains(r#""status":"cancelled""#));
    let sent = world.sent_to(child).last().unwrap().to_string();
    assert!(sent.contains("notifications/cancelled") && sent.contains(&id), "{sent}");
    assert!(world.client(waits).body.contains("the task was cancelled"));
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    assert_eq!(status(&mut world, &session, &task), "cancelled");
    let again = about(&mut world, &session, "tasks/cancel", &task);
    assert!(world.client(again).body.contains("the task is over already"));
    assert!(world.gateway.is_quiet());
}

#[test]
fn a_task_fails_with_its_tool_its_server_and_its_time() {
    let (mut world, session, child) = offered();
    let task = start(&mut world, &session);
    answer(&mut world, child, "tools/call", r#"{"content":[],"isError":true}"#);
    assert_eq!(status(&mut world, &session, &task), "failed");
    let task = start(&mut world, &session);
    let id = world.id_of_last(child, "tools/call");
    let error = r#"{"code":-5,"message":"no","data":1.0}"#;
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
    let peer = about(&mut world, &session, "tasks/result", &task);
    assert!(world.client(peer).body.contains(&format!("\"error\":{error}")));
    // Half a minute is wanted, a minute is the least.
    let params = CALL.replace("600000", "30000");
    let peer = ask(&mut world, &session, "tools/call", &params);
    let body = world.client(peer).body.clone();
    assert!(body.contains(r#""ttl":60000"#), "{body}");
    world.pass(Duration::from_secs(60));
    assert!(world.sent_to(child).last().unwrap().contains("notifications/cancelled"));
    world.pass(Duration::from_secs(60));
    assert!(world.gateway.is_quiet());
    let list = ask(&mut world, &session, "tasks/list", "{}");
    let body = &world.client(list).body;
    assert!(!body.contains("working") && body.matches("failed").count() == 2, "{body}");
}

#[test]
fn a_task_ends_with_its_child_and_what_it_came_to_is_there_for_the_next_session() {
    let (mut world, session, child) = offered();
    let done = start(&mut world, &session);
    answer(&mut world, child, "tools/call", r#"{"content":[]}"#);
    let lost = start(&mut world, &session);
    world.child_gone(child, ChildEnd::Exited(3));
    let (session, _) = world.session();
    assert_eq!(status(&mut world, &session, &done), "completed");
    assert_eq!(status(&mut world, &session, &lost), "failed");
    let peer = about(&mut world, &session, "tasks/result", &lost);
    assert!(world.client(peer).body.contains("exited with status 3"));
}

#[test]
fn there_is_room_for_so_many_tasks() {
    let mut server = stdio_server("time");
    server.tasks = true;
    let mut small = snapshot(vec![server]);
    small.limits.jobs_max = 2;
    small.limits.job_bytes_max = 40;
    let mut world = World::new(small);
    world.open_child(world.spawned[0]);
    let (session, child) = world.session();
    let first = start(&mut world, &session);
    let second = start(&mut world, &session);
    let peer = ask(&mut world, &session, "tools/call", CALL);
    assert!(world.client(peer).body.contains("too many tasks"), "{}", world.client(peer).body);
    answer(&mut world, child, "tools/call", r#"{"content":["012345678901234567890123456789"]}"#);
    assert_eq!(status(&mut world, &session, &second), "failed", "its result is too long");
    let third = start(&mut world, &session);
    assert_eq!(status(&mut world, &session, &first), "working");
    assert_eq!(status(&mut world, &session, &third), "working");
    assert!(status(&mut world, &session, &second).contains("there is no such task"));
}

#[test]
fn a_task_outlives_the_timeout_and_not_the_bound() {
    let (mut world, session, child) = offered();
    let params = CALL.replace("600000", "86400000");
    let peer = ask(&mut world, &session, "tools/call", &params);
    let body = world.client(peer).body.clone();
    let task = body.split("\"taskId\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    world.pass(Duration::from_secs(6 * 3600 - 1));
    assert_eq!(status(&mut world, &session, &task), "working");
    world.pass(Duration::from_secs(1));
    assert_eq!(status(&mut world, &session, &task), "failed");
    let last = world.sent_to(child).last().unwrap().to_string();
    assert!(last.contains("notifications/cancelled"), "{last}");
}
