// SPDX-License-Identifier: MIT
//! What goes wrong between the eras: clients that leave, servers that lie, die and say nothing.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, FetchContent, FetchMethod, Input, Peer};
use penstock::wire::http1::{Field, Method};

use crate::eras::{TOOLS, answer, modern_child};
use crate::world::{DISCOVERY, HANDSHAKE, INITIALIZE, World, http_server, snapshot, stdio_server};

const CAN: &str = r#"{"sampling":{},"elicitation":{"form":{}},"roots":{}}"#;
const NAMED: &str = r#""name":"now","arguments":{}"#;
const ROOTS: &str = r#"{"jsonrpc":"2.0","id":"r","method":"roots/list"}"#;

fn refusal(id: &str, code: i32) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"no"}}}}"#)
}

#[test]
fn a_subscription_that_its_client_has_left_is_not_remembered_for_ever() {
    let (mut world, child) = modern_child();
    let listen = r#""notifications":{"toolsListChanged":true}"#;
    let peer = world.ask("/mcp/time", "1", "subscriptions/listen", listen);
    assert!(world.sent_to(child).last().unwrap().contains("subscriptions/listen"));
    world.leave(peer);
    assert!(world.sent_to(child).last().unwrap().contains("notifications/cancelled"));
    // As it should, the server does not answer what was cancelled.
    world.pass(Duration::from_secs(61));
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

#[test]
fn a_client_whose_initialize_is_refused_does_not_change_the_era_of_others() {
    let (mut world, modern) = modern_child();
    let body = INITIALIZE.replace("{}", r#"{"roots":5}"#);
    let peer = world.post("/mcp/time", None, &body);
    let child = *world.spawned.last().unwrap();
    assert_ne!(child, modern);
    let id = world.id_of_last(child, "initialize");
    world.line(child, &refusal(&id, -32602));
    assert!(world.client(peer).body.contains("-32602"), "{}", world.client(peer).body);
    let (_, legacy) = world.session();
    assert_ne!(legacy, modern);
}

#[test]
fn a_server_is_not_down_because_it_refuses_the_capabilities_of_one_client() {
    let (mut world, _) = World::with_child();
    let peer = world.ask_as("/mcp/time", "3", "tools/call", NAMED, CAN, "");
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    let child = *world.spawned.last().unwrap();
    let id = world.id_of_last(child, "initialize");
    world.line(child, &refusal(&id, -32602));
    let got = world.client(peer);
    assert!(
        got.body.contains("it refused initialize") && got.body.contains(r#""id":3"#),
        "{got:?}"
    );
    assert!(world.stopped.iter().any(|(key, _)| *key == child));
    let health = world.head(Method::Get, "/health", &[]);
    assert!(world.client(health).body.contains(r#""status":"healthy""#));
    world.child_gone(child, ChildEnd::Exited(0));
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

// Checklist 109.
#[test]
fn a_modern_child_that_crashes_again_and_again_is_not_started_for_each_request() {
    let (mut world, mut child) = modern_child();
    let before = world.spawned.len();
    for n in 0..20 {
        let peer = world.ask("/mcp/time", "1", "tools/call", NAMED);
        let last = *world.spawned.last().unwrap();
        if last != child {
            child = last;
            let id = world.id_of_last(child, "server/discover");
            world.line(child, &answer(&id, DISCOVERY));
        }
        if !world.client(peer).finished {
            world.child_gone(child, ChildEnd::Killed(11));
        }
        let got = world.client(peer);
        assert!(got.body.contains("-32001") && got.body.contains("signal 11"), "{n} {}", got.body);
    }
    let n = world.spawned.len() - before;
    assert!(n <= 2, "it was started {n} times");
    world.pass(Duration::from_secs(60));
    world.ask("/mcp/time", "1", "tools/call", NAMED);
    assert_eq!(world.spawned.len() - before, n + 1, "it is tried again after a while");
}

/// A shared legacy server whose era is known.
fn shared() -> (World, Key<Backend>) {
    let mut server = stdio_server("time");
    server.shared = true;
    let mut world = World::new(snapshot(vec![server]));
    let child = world.spawned[0];
    let id = world.id_of_last(child, "initialize");
    let logs = HANDSHAKE.replace(r#""tools":{}"#, r#""tools":{},"logging":{}"#);
    world.line(child, &answer(&id, &logs));
    let id = world.id_of_last(child, "tools/list");
    world.line(child, &answer(&id, r#"{"tools":[]}"#));
    let peer = world.ask("/mcp/time", "1", "server/discover", "");
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    assert_eq!(world.client(peer).status, 200);
    world.sent.clear();
    (world, child)
}

// Checklist 80.
#[test]
fn a_shared_server_logs_for_no_modern_client_that_has_not_asked_for_it() {
    let (mut world, child) = shared();
    let peer = world.ask("/mcp/time", "2", "tools/call", NAMED);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, LOG);
    world.line(child, &answer(&id, r#"{"content":[]}"#));
    let got = world.client(peer);
    assert!(!got.is_stream && got.events.is_empty(), "{got:?}");
}

const LOG: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":1}}"#;

#[test]
fn the_level_of_a_modern_request_takes_no_log_from_another_session() {
    let (mut world, child) = shared();
    let peer = world.post("/mcp/time", None, INITIALIZE);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let body = r#"{"jsonrpc":"2.0","id":5,"method":"logging/setLevel","params":{"level":"debug"}}"#;
    world.post("/mcp/time", Some(&session), body);
    let level = r#""io.modelcontextprotocol/logLevel":"error""#;
    world.ask_as("/mcp/time", "2", "tools/call", NAMED, "{}", level);
    let levels: Vec<_> =
        world.sent_to(child).into_iter().filter(|text| text.contains("setLevel")).collect();
    assert!(levels.iter().all(|text| text.contains("debug")), "{levels:?}");
}

/// A legacy HTTP server whose era is known, as a modern client with capabilities finds it.
fn legacy_http() -> World {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let (fetch, id) = world.fetch_of("initialize");
    world.fetch_json(fetch, Some("s"), &answer(&id, HANDSHAKE));
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_json(fetch, None, &answer(&id, r#"{"tools":[]}"#));
    world
}

#[test]
fn an_error_without_an_id_that_came_before_the_retry_is_its_answer() {
    let mut world = legacy_http();
    let first = world.ask_as("/mcp/time", "3", "tools/call", NAMED, CAN, "");
    let (fetch, _) = world.fetch_of("server/discover");
    world.fetch_status(fetch, 400, "no");
    let (fetch, id) = world.fetch_of("initialize");
    world.fetch_json(fetch, Some("s2"), &answer(&id, HANDSHAKE));
    let (call, _) = world.fetch_of("tools/call");
    world.fetch_head(call, 200, FetchContent::Events, None);
    world.fetch_message(call, None, ROOTS);
    world.pass(Duration::from_millis(5));
    let asked = world.client(first).body.clone();
    let (_, rest) = asked.split_once(r#""requestState":""#).unwrap();
    let state = rest.split_once('"').unwrap().0.to_owned();
    world.fetch_message(
        call,
        None,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"gone"}}"#,
    );
    let extra = format!(
        r#"{NAMED},"inputResponses":{{"roots-1":{{"roots":[]}}}},"requestState":"{state}""#
    );
    let again = world.ask_as("/mcp/time", "4", "tools/call", &extra, CAN, "");
    let got = world.client(again);
    assert!(got.finished, "no answer");
    assert!(got.body.contains(r#""id":4"#) && got.body.contains("gone"), "{}", got.body);
}

/// A modern HTTP server whose era is known.
fn modern_http() -> World {
    let mut world = legacy_http();
    let peer = world.ask("/mcp/time", "1", "tools/list", "");
    let (fetch, id) = world.fetch_of("server/discover");
    world.fetch_json(fetch, None, &answer(&id, DISCOVERY));
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_json(fetch, None, &answer(&id, TOOLS));
    assert_eq!(world.client(peer).status, 200);
    world
}

// Checklist 67.
#[test]
fn a_stream_of_a_modern_server_is_never_resumed() {
    let mut world = modern_http();
    let peer = world.ask("/mcp/time", "3", "tools/call", NAMED);
    let (call, _) = world.fetch_of("tools/call");
    world.fetch_head(call, 200, FetchContent::Events, None);
    let note = r#"{"jsonrpc":"2.0","method":"notifications/x"}"#;
    world.fetch_message(call, Some("e-1"), note);
    world.input(Input::FetchDone { fetch: call, end: Ok(()) });
    world.pass(Duration::from_secs(5));
    let gets = world.fetches.iter().filter(|(_, one)| one.method == FetchMethod::Get);
    assert_eq!(gets.count(), 0);
    let last = world.client(peer).events.last().unwrap();
    assert!(last.contains("ended its answer before the response"), "{last}");
}

// Checklist 82.
#[test]
fn a_modern_server_that_asks_all_the_same_is_sent_nothing() {
    let mut world = modern_http();
    let peer = world.ask("/mcp/time", "3", "tools/call", NAMED);
    let (call, id) = world.fetch_of("tools/call");
    world.fetch_head(call, 200, FetchContent::Events, None);
    let n = world.fetches.len();
    world.fetch_message(call, None, ROOTS);
    assert_eq!(world.fetches.len(), n, "an answer has no place in this era");
    world.fetch_message(call, None, &answer(&id, r#"{"resultType":"complete","content":[]}"#));
    assert!(world.client(peer).body.contains("complete"), "{}", world.client(peer).body);
}

// Checklist 104.
#[test]
fn an_http_server_that_is_up_and_does_not_answer_discover_is_legacy_for_long() {
    let mut world = legacy_http();
    world.ask("/mcp/time", "3", "tools/call", NAMED);
    world.pass(Duration::from_secs(11));
    world.fetch_of("tools/call");
    world.pass(Duration::from_secs(20));
    world.ask("/mcp/time", "4", "prompts/get", NAMED);
    world.fetch_of("prompts/get");
    let is_asked = |body: &str| body.contains("server/discover");
    let body = |one: &penstock::gateway::io::FetchRequest| {
        let body = one.body.as_ref().map(|body| body.to_message().to_vec());
        String::from_utf8(body.unwrap_or_default()).unwrap()
    };
    assert_eq!(world.fetches.iter().filter(|(_, one)| is_asked(&body(one))).count(), 1);
}

// Checklist 105.
#[test]
fn a_server_that_is_asked_anew_for_its_era_keeps_nobody_waiting() {
    let (mut world, legacy) = World::with_child();
    world.ask("/mcp/time", "3", "tools/call", NAMED);
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    let id = world.id_of_last(legacy, "tools/call");
    world.line(legacy, &answer(&id, r#"{"content":[]}"#));
    world.pass(Duration::from_secs(599));
    world.ask("/mcp/time", "4", "prompts/get", NAMED);
    world.pass(Duration::from_secs(2));
    world.sent.clear();
    let n = world.spawned.len();
    world.ask("/mcp/time", "5", "tools/call", NAMED);
    assert_eq!(world.spawned.len(), n + 1, "it is asked");
    world.id_of_last(legacy, "tools/call");
    // Now it speaks both.
    let modern = *world.spawned.last().unwrap();
    let id = world.id_of_last(modern, "server/discover");
    world.line(modern, &answer(&id, DISCOVERY));
    world.ask("/mcp/time", "6", "tools/call", NAMED);
    world.id_of_last(modern, "tools/call");
}

#[test]
fn servers_are_asked_for_their_eras_at_once() {
    let (mut world, _) = crate::unified::servers(&["a", "b"], HANDSHAKE);
    world.ask("/mcp", "1", "tools/list", "");
    assert_eq!(world.spawned.len(), 4, "both are asked");
}

/// A legacy server behind `/mcp` with one call of a modern client under way; its child.
fn behind_many(meta: &str) -> (World, Key<Backend>, Key<Peer>) {
    let (mut world, _) = World::with_child();
    let call = r#""name":"time___now""#;
    let peer = world.ask_as("/mcp", "1", "tools/call", call, CAN, meta);
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    let child = *world.spawned.last().unwrap();
    let id = world.id_of_last(child, "initialize");
    world.line(child, &answer(&id, HANDSHAKE));
    world.id_of_last(child, "tools/call");
    (world, child, peer)
}

// Checklist 54.
#[test]
fn calls_that_may_ask_have_children_of_their_own_behind_several_servers_too() {
    let (mut world, child, first) = behind_many("");
    let call = r#""name":"time___now""#;
    let second = world.ask_as("/mcp", "2", "tools/call", call, CAN, "");
    let other = *world.spawned.last().unwrap();
    assert_ne!(other, child);
    world.line(child, ROOTS);
    world.pass(Duration::from_millis(5));
    assert!(world.client(first).body.contains("roots-1"), "{}", world.client(first).body);
    assert!(!world.client(second).finished);
}

#[test]
fn a_long_call_to_one_of_several_servers_is_not_idle() {
    let (mut world, child, peer) = behind_many(r#""progressToken":"t""#);
    let id = world.id_of_last(child, "tools/call");
    for n in 0..15 {
        world.pass(Duration::from_secs(50));
        world.line(child, &format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{id},"progress":{n}}}}}"#));
    }
    assert!(world.stopped.iter().all(|(key, _)| *key != child), "it was stopped");
    world.line(child, &answer(&id, r#"{"content":[]}"#));
    let got = world.client(peer);
    assert!(got.events.last().unwrap().contains(r#""content":[]"#), "{:?}", got.events.last());
    world.pass(Duration::from_secs(601));
    assert!(world.stopped.iter().any(|(key, _)| *key == child), "now it is");
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"now"}}"#;

#[test]
fn what_a_shared_server_logs_may_belong_to_a_call_that_was_given_up() {
    let (mut world, child) = shared();
    let [mine, theirs] = [(); 2].map(|()| {
        let peer = world.post("/mcp/time", None, INITIALIZE);
        world.client(peer).fields["Mcp-Session-Id"].clone()
    });
    world.post("/mcp/time", Some(&mine), CALL);
    let given_up =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#;
    world.post("/mcp/time", Some(&mine), given_up);
    let peer = world.post("/mcp/time", Some(&theirs), CALL);
    // The server has not noticed yet, and goes on for the other one.
    world.line(child, LOG);
    let got = world.client(peer);
    assert!(got.events.is_empty(), "{got:?}");
}

// Checklist 52, 60.
#[test]
fn what_a_call_asks_that_was_given_up_is_asked_of_nobody_else() {
    for children in [1, 2] {
        let mut all = snapshot(vec![stdio_server("time")]);
        all.limits.pooled_children_max = children;
        let mut world = World::new(all);
        world.open_child(world.spawned[0]);
        let first = world.ask_as("/mcp/time", "1", "tools/call", NAMED, CAN, "");
        let probe = *world.spawned.last().unwrap();
        world.child_gone(probe, ChildEnd::Exited(1));
        let child = *world.spawned.last().unwrap();
        let id = world.id_of_last(child, "initialize");
        world.line(child, &answer(&id, HANDSHAKE));
        world.leave(first);
        let n = world.spawned.len();
        let second = world.ask_as("/mcp/time", "2", "tools/call", NAMED, CAN, "");
        assert_eq!(
            world.spawned.len() - n,
            children - 1,
            "a child of its own, if there may be one"
        );
        world.line(child, ROOTS);
        world.pass(Duration::from_millis(5));
        assert!(!world.client(second).finished, "{}", world.client(second).body);
        let said = world.sent_to(child).last().unwrap().to_string();
        assert!(said.contains(r#""id":"r","error""#), "{said}");
    }
}

#[test]
fn calls_that_wait_for_their_turn_leave_no_doubt_about_who_is_asked() {
    let mut all = snapshot(vec![stdio_server("time")]);
    all.limits.pooled_children_max = 1;
    let mut world = World::new(all);
    world.open_child(world.spawned[0]);
    let first = world.ask_as("/mcp/time", "1", "tools/call", NAMED, CAN, "");
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    let child = *world.spawned.last().unwrap();
    let id = world.id_of_last(child, "initialize");
    world.line(child, &answer(&id, HANDSHAKE));
    let second = world.ask_as("/mcp/time", "2", "tools/call", NAMED, CAN, "");
    world.line(child, ROOTS);
    world.pass(Duration::from_millis(5));
    assert!(world.client(first).body.contains("roots-1"), "{}", world.client(first).body);
    assert!(!world.client(second).finished);
}

#[test]
fn what_a_shared_server_logs_may_belong_to_a_call_whose_time_was_over() {
    let (mut world, child) = shared();
    let [mine, theirs] = [(); 2].map(|()| {
        let peer = world.post("/mcp/time", None, INITIALIZE);
        world.client(peer).fields["Mcp-Session-Id"].clone()
    });
    for ends in ["by its time", "with its session"] {
        world.post("/mcp/time", Some(&mine), CALL);
        if ends == "by its time" {
            world.pass(Duration::from_secs(61));
        } else {
            world.head(Method::Delete, "/mcp/time", &[(Field::McpSessionId, mine.as_str())]);
        }
        let peer = world.post("/mcp/time", Some(&theirs), CALL);
        let is_log = |event: &String| event.contains("notifications/message");
        world.line(child, LOG);
        assert!(!world.client(peer).events.iter().any(is_log), "{ends}");
        let id = world.id_of_last(child, "tools/call");
        world.line(child, &answer(&id, r#"{"content":[]}"#));
        world.pass(Duration::from_secs(61));
    }
    let peer = world.post("/mcp/time", Some(&theirs), CALL);
    world.line(child, LOG);
    assert_eq!(world.client(peer).events.len(), 2, "now there is no doubt");
}

#[test]
fn a_server_whose_older_side_has_failed_once_keeps_both_eras() {
    let (mut world, first) = World::with_child();
    world.child_gone(first, ChildEnd::Killed(9));
    world.ask("/mcp/time", "1", "tools/list", "");
    let modern = *world.spawned.last().unwrap();
    let id = world.id_of_last(modern, "server/discover");
    world.line(modern, &answer(&id, DISCOVERY));
    world.pass(Duration::from_secs(31));
    let again = *world.spawned.last().unwrap();
    assert_ne!(again, modern, "its older side is started again");
    world.open_child(again);
    let (_, legacy) = world.session();
    assert_ne!(legacy, modern);
}

// Checklist 132.
#[test]
fn a_subscription_that_its_server_has_not_taken_yet_holds_no_shutdown_up() {
    let (mut world, _) = modern_child();
    let listen = r#""notifications":{"toolsListChanged":true}"#;
    let peer = world.ask("/mcp/time", "1", "subscriptions/listen", listen);
    let deadline = world.now.mono + Duration::from_secs(30);
    world.input(Input::Drain { deadline, why: "test".into() });
    let got = world.client(peer);
    assert!(got.finished && got.body.contains(r#""resultType":"complete""#), "{got:?}");
    assert!(world.gateway.is_stopping(), "{}", world.gateway.what_is_left());
}
