// SPDX-License-Identifier: MIT
//! Calls: ids, tokens, routing of what comes back.

use std::time::Duration;

use penstock::gateway::io::ChildEnd;
use penstock::gateway::snapshot::Care;
use penstock::wire::http1::Field;

use crate::world::{World, snapshot, stdio_server};

// Checklist 7, 9, 11.
#[test]
fn ids_of_every_spelling_survive_and_no_other_byte_changes() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let long = format!("\"{}\"", "i".repeat(1024));
    let odd = ["\"\"", "\"é\"", "\"a\\u0062\\n\"", &long];
    for id in ["0", "-5", "9007199254740991", "9007199254740993"].into_iter().chain(odd) {
        let call = |id: &str| {
            format!(
                "{{ \"method\":\"tools/call\",\"id\": {id} ,\"jsonrpc\":\"2.0\",\
                 \"params\":{{\"name\":\"now\",\"arguments\":{{\"n\":1.0,\"x\":1e400}}}},\"_x\":0}}"
            )
        };
        let peer = world.post("/mcp/time", Some(&session), &call(id));
        let ours = world.id_of_last(child, "tools/call");
        assert_eq!(world.sent_to(child).last().copied(), Some(call(&ours).as_str()));
        let answer = |id: &str| {
            format!("{{\"result\":{{\"n\":1.0}}, \"id\":{id},\"jsonrpc\":\"2.0\",\"y\":[]}}")
        };
        world.line(child, &answer(&ours));
        assert_eq!(world.client(peer).body, answer(id));
        assert_eq!(world.client(peer).status, 200);
    }
    assert!(world.gateway.is_quiet());
}

#[test]
fn newlines_between_tokens_become_spaces_for_a_child() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let body =
        "{\n\"jsonrpc\":\"2.0\",\r\n\"id\":1,\"method\":\"x/y\",\"params\":{\"t\":\"a\\nb\"}\n}";
    world.post("/mcp/time", Some(&session), body);
    let sent = world.sent_to(child).last().unwrap().to_string();
    assert!(sent.starts_with("{ \"jsonrpc\":\"2.0\",  \"id\":"), "{sent}");
    assert!(sent.contains(r#""t":"a\nb""#));
}

// Checklist 37.
#[test]
fn methods_that_we_have_never_heard_of_are_forwarded() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    for method in
        ["tasks/get", "resources/templates/list", "acme/frobnicate", "completion/complete"]
    {
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}"}}"#);
        let peer = world.post("/mcp/time", Some(&session), &body);
        let id = world.id_of_last(child, method);
        world.line(
            child,
            &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"no"}}}}"#),
        );
        let want = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no"}}"#;
        assert_eq!(world.client(peer).body, want);
        assert_eq!(world.client(peer).status, 200);
    }
}

// Checklist 114.
#[test]
fn an_answer_to_an_unknown_id_is_dropped() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    for id in ["0", "99999", "\"x\"", "-1", "18446744073709551615"] {
        world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    }
    assert_eq!(world.client(peer).status, 0);
    let id = world.id_of_last(child, "tools/call");
    let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
    world.line(child, &answer);
    world.line(child, &answer);
    assert_eq!(world.client(peer).status, 200);
}

// Checklist 24.
#[test]
fn one_session_cannot_answer_for_another() {
    let (mut world, _) = World::with_child();
    let (one, child_one) = world.session();
    let (_two, child_two) = world.session();
    let peer = world.post("/mcp/time", Some(&one), CALL);
    let id = world.id_of_last(child_one, "tools/call");
    world.line(child_two, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    assert_eq!(world.client(peer).status, 0);
}

// Checklist 43.
#[test]
fn progress_opens_the_stream_of_its_call() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"now","_meta":{"progressToken":"tok"}}}"#;
    let peer = world.post("/mcp/time", Some(&session), body);
    let id = world.id_of_last(child, "tools/call");
    assert!(world.sent_to(child).last().unwrap().contains("\"progressToken\":\"tok\""));
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"tok","progress":1}}"#;
    world.line(child, progress);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    let got = world.client(peer);
    assert!(got.is_stream && got.finished);
    let want = [
        "1-1|".to_owned(),
        format!("1-2|{progress}"),
        r#"1-3|{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(),
    ];
    assert_eq!(got.events, want);
}

// Checklist 43, 44, 47.
#[test]
fn one_shot_clients_may_use_the_same_token() {
    let (mut world, child) = World::with_child();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"now","_meta":{"progressToken":"t"}}}"#;
    let one = world.post("/mcp/time", None, body);
    let first = world.sent_to(child).last().unwrap().to_string();
    let two = world.post("/mcp/time", None, body);
    let second = world.sent_to(child).last().unwrap().to_string();
    assert_ne!(first, second);
    let id = world.id_of_last(child, "tools/call");
    assert!(second.contains(&format!("\"progressToken\":{id}")), "{second}");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{id},"progress":1}}}}"#));
    assert_eq!(world.client(one).events.len(), 0);
    assert_eq!(
        world.client(two).events,
        [
            r#"|{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}"#
        ]
    );
}

// Checklist 40.
#[test]
fn a_cancelled_call_is_stopped_below_and_not_answered() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let id = world.id_of_last(child, "tools/call");
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"enough"}}"#;
    let notice = world.post("/mcp/time", Some(&session), cancel);
    assert_eq!(world.client(notice).status, 202);
    let want = cancel.replace("\"requestId\":1", &format!("\"requestId\":{id}"));
    assert_eq!(world.sent_to(child).last().copied(), Some(want.as_str()));
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    assert_eq!((world.client(peer).status, world.client(peer).body.as_str()), (202, ""));
    assert!(world.gateway.is_quiet());
}

// Checklist 41.
#[test]
fn cancelling_what_is_not_ones_own_is_ignored() {
    let (mut world, _) = World::with_child();
    let (one, child) = world.session();
    let (two, _) = world.session();
    let peer = world.post("/mcp/time", Some(&one), CALL);
    let sent = world.sent.len();
    for id in ["1", "\"1\"", "77"] {
        let cancel = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        );
        let notice = world.post("/mcp/time", Some(&two), &cancel);
        assert_eq!(world.client(notice).status, 202);
    }
    assert_eq!(world.sent.len(), sent);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    assert_eq!(world.client(peer).status, 200);
    let finished =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    world.post("/mcp/time", Some(&one), finished);
    assert_eq!(world.sent.len(), sent);
}

#[test]
fn a_call_without_an_answer_times_out_and_is_cancelled_below() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let body = CALL;
    let fields = [
        (Field::Accept, "application/json, text/event-stream"),
        (Field::ContentType, "application/json"),
        (Field::McpSessionId, session.as_str()),
    ];
    let peer = world.post_with("/mcp/time", &fields, body);
    world.pass(Duration::from_secs(61));
    let got = world.client(peer);
    let last = got.events.last().cloned().unwrap_or_else(|| got.body.clone());
    assert!(last.contains("-32002") && last.contains("context deadline exceeded"), "{last}");
    assert!(last.contains("\"id\":1"), "{last}");
    assert!(world.sent_to(child).last().unwrap().contains("notifications/cancelled"));
    assert!(world.gateway.is_quiet());
    assert_eq!(world.gateway.poll_timeout().map(|at| at > world.now.mono), Some(true));
}

// Checklist 38, 107, 109.
#[test]
fn a_child_that_dies_fails_its_calls_at_once_with_its_last_words() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    world.input(penstock::gateway::io::Input::Stderr { backend: child, line: "panic: oh".into() });
    world.child_gone(child, ChildEnd::Exited(3));
    let body = &world.client(peer).body;
    assert!(
        body.contains("-32001") && body.contains("status 3") && body.contains("panic: oh"),
        "{body}"
    );
    let later = world.post("/mcp/time", Some(&session), CALL);
    assert_eq!(world.client(later).status, 404);
}

// Checklist 34, 35.
#[test]
fn batches_are_split_and_joined_where_the_revision_has_them() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session_of("2025-03-26");
    let body = r#"[{"jsonrpc":"2.0","id":1,"method":"a/a"},{"jsonrpc":"2.0","method":"n/n"},{"jsonrpc":"2.0","id":2,"method":"b/b"}]"#;
    let peer = world.post("/mcp/time", Some(&session), body);
    let (a, b) = (world.id_of_last(child, "a/a"), world.id_of_last(child, "b/b"));
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{b},"result":"b"}}"#));
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{a},"result":"a"}}"#));
    let want = r#"[{"jsonrpc":"2.0","id":2,"result":"b"},{"jsonrpc":"2.0","id":1,"result":"a"}]"#;
    assert_eq!(world.client(peer).body, want);
    let peer = world.post("/mcp/time", Some(&session), r#"[{"jsonrpc":"2.0","method":"n/n"}]"#);
    assert_eq!(world.client(peer).status, 202);
    let (newer, _) = world.session();
    let peer = world.post("/mcp/time", Some(&newer), body);
    assert_eq!(world.client(peer).status, 400);
    assert!(world.client(peer).body.contains("2025-11-25"));
}

#[test]
fn hidden_tools_are_neither_listed_nor_called() {
    let mut server = stdio_server("time");
    server.schema = Care::Verbatim;
    server.tools = Some(vec!["now".into()].into());
    let mut world = World::new(snapshot(vec![server]));
    let first = world.spawned[0];
    world.open_child(first);
    let (session, child) = world.session();
    let peer = world.post(
        "/mcp/time",
        Some(&session),
        r#"{"jsonrpc":"2.0","id":4,"method":"tools/list"}"#,
    );
    let id = world.id_of_last(child, "tools/list");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{{"name":"rm"}}, {{"name":"now","x":1.0}}],"z":0}}}}"#));
    assert_eq!(
        world.client(peer).body,
        r#"{"jsonrpc":"2.0","id":4,"result":{"tools":[{"name":"now","x":1.0}],"z":0}}"#
    );
    let call = CALL.replace("now", "rm");
    let peer = world.post("/mcp/time", Some(&session), &call);
    assert!(
        world.client(peer).body.contains(r#"unknown tool \"rm\""#),
        "{}",
        world.client(peer).body
    );
    assert!(!world.sent_to(child).iter().any(|line| line.contains("tools/call")));
}

pub const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"now"}}"#;
