// SPDX-License-Identifier: MIT
//! Tasks: calls whose result is fetched later.

use penstock::base::Key;
use penstock::gateway::io::{Backend, Peer};

use crate::world::World;

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
    r#"{"name":"build","task":{"ttl":60000},"arguments":{},"_meta":{"progressToken":"t"}}"#;
const TASK: &str = r#"{"taskId":"7","status":"working","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttl":60000}"#;

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
    assert!(world.gateway.is_quiet());
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
