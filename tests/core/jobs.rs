// SPDX-License-Identifier: MIT
//! Tasks of the gateway for servers that have none.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Peer};
use penstock::wire::http1::Field;

use crate::tasks::{CALL, EXTENSION, GET, answer, ask, modern, modern_world_with};
use crate::world::{DISCOVERY, INITIALIZE, World, snapshot, stdio_server, with_key};

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

/// The id in an answer that has made a task of a call.
fn task_in(world: &World, peer: Key<Peer>) -> String {
    let got = world.client(peer);
    assert_eq!((got.status, got.finished), (200, true), "{}", got.body);
    assert!(got.body.contains(r#""result":{"resultType":"task","taskId":""#), "{}", got.body);
    got.body.split("\"taskId\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// `tasks/get` and the like, of a modern client.
fn modern_about(world: &mut World, key: &str, method: &str, task: &str) -> String {
    let peer = modern(world, key, method, &format!(r#""taskId":"{task}""#), EXTENSION);
    world.client(peer).body.clone()
}

const LATE: Duration = Duration::from_secs(12);

// Checklist 138, 139.
#[test]
fn a_long_call_of_a_modern_client_becomes_a_task_if_it_knows_tasks() {
    let (mut world, child) = modern_world_with(true);
    let quick = modern(&mut world, "one", "tools/call", r#""name":"x""#, EXTENSION);
    answer(&mut world, child, "tools/call", r#"{"resultType":"complete","content":[]}"#);
    assert!(world.client(quick).body.contains("complete"), "what is quick is no task");
    let ignorant = modern(&mut world, "one", "tools/call", r#""name":"x""#, "{}");
    let peer = modern(&mut world, "one", "tools/call", r#""name":"x""#, EXTENSION);
    let ours = world.id_of_last(child, "tools/call");
    world.pass(LATE);
    let task = task_in(&world, peer);
    assert!(world.client(ignorant).is_stream && !world.client(ignorant).finished);
    world.leave(peer);
    assert!(!world.sent_to(child).iter().any(|line| line.contains("cancelled")));
    world.pass(Duration::from_secs(300));
    let body = modern_about(&mut world, "one", GET, &task);
    assert!(body.contains(r#""resultType":"complete","taskId""#), "{body}");
    assert!(body.contains(r#""status":"working""#) && !body.contains("\"result\":null"), "{body}");
    assert!(modern_about(&mut world, "two", GET, &task).contains("there is no such task"));
    let result = r#"{"resultType":"complete","content":[],"isError":true,"n":1.0}"#;
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{ours},"result":{result}}}"#));
    let body = modern_about(&mut world, "one", GET, &task);
    let want = (r#""status":"completed""#, format!(r#""result":{result}"#));
    assert!(body.contains(want.0) && body.contains(&want.1), "{body}");
    assert!(modern_about(&mut world, "one", "tasks/cancel", &task).contains("complete"));
    let body = modern_about(&mut world, "one", GET, &task);
    assert!(body.contains(want.0), "what is over stays as it is: {body}");
}

// Checklist 138.
#[test]
fn a_modern_task_of_ours_is_cancelled_and_fails_with_its_reason() {
    let (mut world, child) = modern_world_with(true);
    let peer = modern(&mut world, "one", "tools/call", r#""name":"x""#, EXTENSION);
    let ours = world.id_of_last(child, "tools/call");
    world.pass(LATE);
    let task = task_in(&world, peer);
    let taken = r#"{"jsonrpc":"2.0","id":5,"result":{"resultType":"complete"}}"#;
    assert_eq!(modern_about(&mut world, "one", "tasks/update", &task), taken);
    assert_eq!(modern_about(&mut world, "one", "tasks/cancel", &task), taken);
    let last = world.sent_to(child).last().unwrap().to_string();
    assert!(last.contains("notifications/cancelled") && last.contains(&ours), "{last}");
    let body = modern_about(&mut world, "one", GET, &task);
    assert!(body.contains(r#""status":"cancelled""#) && !body.contains("\"error\""), "{body}");
    let peer = modern(&mut world, "one", "tools/call", r#""name":"x""#, EXTENSION);
    world.pass(LATE);
    let task = task_in(&world, peer);
    let asks = r#"{"resultType":"input_required","inputRequests":{},"requestState":"s"}"#;
    answer(&mut world, child, "tools/call", asks);
    let body = modern_about(&mut world, "one", GET, &task);
    assert!(body.contains(r#""status":"failed""#) && body.contains("it needs input"), "{body}");
    world.pass(Duration::from_secs(3600));
    assert!(modern_about(&mut world, "one", GET, &task).contains("there is no such task"));
}

// Checklist 138.
#[test]
fn tasks_of_ours_are_discovered_and_those_of_the_server_are_its_own() {
    for (said, ours) in
        [("", true), (r#""extensions":{"io.modelcontextprotocol/tasks":{}},"#, false)]
    {
        let mut server = stdio_server("time");
        server.tasks = true;
        let mut world = World::new(with_key(snapshot(vec![server]), &["one"]));
        let first = world.spawned[0];
        let id = world.id_of_last(first, "initialize");
        let refused = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
        world.line(first, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{refused}}}"#));
        let child = world.spawned[world.spawned.len() - 1];
        let discovery =
            DISCOVERY.replace("\"capabilities\":{", &format!("\"capabilities\":{{{said}"));
        answer(&mut world, child, "server/discover", &discovery);
        let peer = modern(&mut world, "one", "server/discover", "", EXTENSION);
        answer(&mut world, child, "server/discover", &discovery);
        assert_eq!(world.client(peer).body.matches("modelcontextprotocol/tasks").count(), 1);
        let peer = modern(&mut world, "one", "tools/call", r#""name":"x""#, EXTENSION);
        world.pass(LATE);
        assert_eq!(world.client(peer).body.contains("taskId"), ours);
    }
}

// Checklist 138.
#[test]
fn a_modern_client_has_tasks_with_a_legacy_server_too() {
    let mut server = stdio_server("time");
    server.tasks = true;
    let mut world = World::new(with_key(snapshot(vec![server]), &["one"]));
    world.open_child(world.spawned[0]);
    let discovers = modern(&mut world, "one", "server/discover", "", EXTENSION);
    let probed = world.spawned[world.spawned.len() - 1];
    let id = world.id_of_last(probed, "server/discover");
    let error = r#""error":{"code":-32601,"message":"no"}"#;
    world.line(probed, &format!(r#"{{"jsonrpc":"2.0","id":{id},{error}}}"#));
    let n = world.spawned.len();
    if world.client(discovers).status == 0 {
        let child = world.spawned[n - 1];
        answer(&mut world, child, "initialize", crate::world::HANDSHAKE);
    }
    let body = &world.client(discovers).body;
    assert!(body.contains(r#""extensions":{"io.modelcontextprotocol/tasks":{}}"#), "{body}");
    let peer = modern(&mut world, "one", "tools/call", r#""name":"x""#, EXTENSION);
    let is_call = |(_, line): &&(Key<Backend>, String)| line.contains("tools/call");
    let child = world.sent.iter().rfind(is_call).map(|(child, _)| *child).unwrap();
    world.pass(LATE);
    let task = task_in(&world, peer);
    answer(&mut world, child, "tools/call", r#"{"content":[]}"#);
    let body = modern_about(&mut world, "one", GET, &task);
    assert!(body.contains(r#""status":"completed""#), "{body}");
    assert!(
        body.contains(r#""result":{"#) && body.matches("\"resultType\"").count() == 2,
        "{body}"
    );
}

// Checklist 129.
#[test]
fn those_who_wait_for_a_task_and_leave_do_not_add_up() {
    let (mut world, session, child) = offered();
    let task = start(&mut world, &session);
    for _ in 0..50 {
        let peer = about(&mut world, &session, "tasks/result", &task);
        world.leave(peer);
    }
    let last = about(&mut world, &session, "tasks/result", &task);
    let left = world.gateway.what_is_left().matches("AwaitResponse(").count();
    assert!(left < 12, "{left} exchanges");
    answer(&mut world, child, "tools/call", r#"{"content":[]}"#);
    assert!(world.client(last).body.contains(r#""content":[]"#), "{}", world.client(last).body);
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}
