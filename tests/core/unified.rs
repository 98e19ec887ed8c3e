// SPDX-License-Identifier: MIT
//! Several servers as one: what a client of `/mcp` gets, and what each server is asked.

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Peer};
use penstock::gateway::snapshot::{Care, Server, Snapshot};

use crate::world::{INITIALIZE, World, snapshot};

/// What the servers of these tests say of themselves.
pub const TOOLS: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"t","version":"1"}}"#;
pub const ALL: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"prompts":{},"resources":{"subscribe":true},"logging":{},"completions":{},"tasks":{"list":{}}},"serverInfo":{"name":"t","version":"1"},"instructions":"Be kind."}"#;

/// A server whose tools are shown as they are: what becomes of schemas is not the matter here.
pub fn stdio_server(name: &str) -> Server {
    Server { schema: Care::Verbatim, ..crate::world::stdio_server(name) }
}

/// Servers behind children, which have answered the gateway's own `initialize`.
pub fn servers(names: &[&str], said: &str) -> (World, Vec<Key<Backend>>) {
    world_of(snapshot(names.iter().map(|name| stdio_server(name)).collect()), said)
}

pub fn world_of(snapshot: Snapshot, said: &str) -> (World, Vec<Key<Backend>>) {
    let mut world = World::new(snapshot);
    let children = world.spawned.clone();
    for child in &children {
        open(&mut world, *child, said);
    }
    (world, children)
}

pub fn open(world: &mut World, child: Key<Backend>, said: &str) {
    answer(world, child, "initialize", said);
    if world.sent_to(child).iter().any(|text| text.contains("tools/list")) {
        answer(world, child, "tools/list", r#"{"tools":[]}"#);
    }
    world.sent.retain(|(to, _)| *to != child);
}

/// Answers what `child` was asked last.
#[track_caller]
pub fn answer(world: &mut World, child: Key<Backend>, method: &str, result: &str) {
    let id = world.id_of_last(child, method);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
}

#[track_caller]
pub fn fail(world: &mut World, child: Key<Backend>, method: &str, code: i32) {
    let id = world.id_of_last(child, method);
    let error = format!(r#"{{"code":{code},"message":"no"}}"#);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
}

/// Opens a session that asks what the gateway has asked, so that it gets the children that are
/// there.
pub fn session(world: &mut World) -> String {
    let peer = world.post("/mcp", None, INITIALIZE);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let peer = world.post("/mcp", Some(&session), ready);
    assert_eq!(world.client(peer).status, 202);
    session
}

pub fn ask(world: &mut World, session: &str, method: &str, params: &str) -> Key<Peer> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":"q","method":"{method}","params":{{{params}}}}}"#);
    world.post("/mcp", Some(session), &body)
}

#[track_caller]
pub fn check_answer(world: &World, peer: Key<Peer>, result: &str) {
    let want = format!(r#"{{"jsonrpc":"2.0","id":"q",{result}}}"#);
    assert_eq!(world.client(peer).body, want);
}

#[track_caller]
pub fn check_error(world: &World, peer: Key<Peer>, code: i32, text: &str) {
    let body = &world.client(peer).body;
    let is_meant = body.contains(&format!("\"code\":{code},")) && body.contains(text);
    assert!(is_meant && body.contains(r#""id":"q""#), "{body}");
}

// Checklist 121.
#[test]
fn what_the_servers_can_do_and_say_is_joined() {
    let mut world = World::new(snapshot(vec![stdio_server("a"), stdio_server("b")]));
    let (a, b) = (world.spawned[0], world.spawned[1]);
    open(&mut world, a, TOOLS);
    open(&mut world, b, ALL);
    let peer = world.post("/mcp", None, INITIALIZE);
    let body = &world.client(peer).body;
    let want = concat!(
        r#"{"jsonrpc":"2.0","id":"i","result":{"protocolVersion":"2025-11-25","capabilities":{"#,
        r#""completions":{},"logging":{},"prompts":{},"resources":{"subscribe":true},"#,
        r#""tasks":{"list":{}},"tools":{"listChanged":true}},"#,
        r#""serverInfo":{"name":"penstock-unified","version":"0.1.0"},"#,
        r###""instructions":"## b\n\nBe kind."}}"###
    );
    assert_eq!(body, want);
    assert_eq!(world.spawned.len(), 2, "the children that are there are taken");
    assert_eq!(world.gateway.n_sessions(), 1);
}

#[test]
fn every_server_is_opened_with_the_capabilities_of_the_client() {
    let (mut world, _) = servers(&["a", "b"], TOOLS);
    let hello = INITIALIZE.replace("\"capabilities\":{}", r#""capabilities":{"sampling":{}}"#);
    let peer = world.post("/mcp", None, &hello);
    let children = world.spawned[2..].to_vec();
    assert_eq!(children.len(), 2);
    for child in &children {
        assert!(world.sent_to(*child)[0].contains(r#""capabilities":{"sampling":{}}"#));
    }
    answer(&mut world, children[1], "initialize", TOOLS);
    assert_eq!(world.client(peer).status, 0, "the other one has not answered");
    answer(&mut world, children[0], "initialize", TOOLS);
    assert_eq!(world.client(peer).status, 200);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    world.post("/mcp", Some(&session), ready);
    for child in children {
        assert_eq!(world.sent_to(child)[1..], [ready]);
    }
}

// Checklist 121.
#[test]
fn a_server_that_is_late_is_named_and_joins_later() {
    let (mut world, _) = servers(&["a", "b"], TOOLS);
    let hello = INITIALIZE.replace("\"capabilities\":{}", r#""capabilities":{"roots":{}}"#);
    let peer = world.post("/mcp", None, &hello);
    let children = world.spawned[2..].to_vec();
    answer(&mut world, children[0], "initialize", TOOLS);
    world.pass(Duration::from_secs(5));
    let body = world.client(peer).body.clone();
    let missing = r#""_meta":{"penstock/failures":{"b":"it has not answered initialize yet"}}"#;
    assert!(body.contains(missing), "{body}");
    assert!(body.contains(r#""resources":{"listChanged":true}"#), "it may bring some: {body}");
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    world.post("/mcp", Some(&session), ready);
    let listener = world.get("/mcp", &session, None);
    answer(&mut world, children[1], "initialize", TOOLS);
    assert_eq!(world.sent_to(children[1]).last(), Some(&ready), "it waited for the answer");
    assert_eq!(world.client(listener).events.len(), 1, "the primer");
    world.pass(Duration::from_millis(250));
    let told = world.client(listener).events.join("\n");
    assert!(told.contains("notifications/tools/list_changed"), "{told}");
    ask(&mut world, &session, "tools/list", "");
    assert!(world.sent_to(children[1]).last().unwrap().contains("tools/list"));
}

#[test]
fn a_server_that_is_known_to_be_down_is_not_waited_for() {
    let mut world = World::new(snapshot(vec![stdio_server("a"), stdio_server("b")]));
    let (a, b) = (world.spawned[0], world.spawned[1]);
    open(&mut world, a, TOOLS);
    world.child_gone(b, ChildEnd::Exited(3));
    let peer = world.post("/mcp", None, INITIALIZE);
    let body = &world.client(peer).body;
    assert!(body.contains(r#""penstock/failures":{"b":"server \"b\" is unavailable"#), "{body}");
    assert!(body.contains("exited with status 3"), "{body}");
    assert_eq!(world.spawned.len(), 2);
}

// Checklist 116, 117.
#[test]
fn a_call_goes_to_the_server_that_its_name_says() {
    let (mut world, children) = servers(&["a", "b_"], ALL);
    let session = session(&mut world);
    for (name, child, own) in
        [("a___now", 0, "now"), ("b____now", 1, "now"), ("a___b____now", 0, "b____now")]
    {
        for method in ["tools/call", "prompts/get"] {
            let params = format!(r#""x":1.0,"name":"{name}","arguments":{{"n":1e3}}"#);
            let peer = ask(&mut world, &session, method, &params);
            let sent = world.sent_to(children[child]).pop().unwrap().to_owned();
            assert!(sent.contains(&format!(r#""x":1.0,"name":"{own}","arguments":{{"n":1e3}}"#)));
            answer(&mut world, children[child], method, r#"{"content":[],"y":2.0}"#);
            check_answer(&world, peer, r#""result":{"content":[],"y":2.0}"#);
        }
    }
}

// Checklist 116.
#[test]
fn what_no_server_has_is_refused_in_its_full_name() {
    let (mut world, _) = servers(&["a"], TOOLS);
    let session = session(&mut world);
    for name in ["now", "c___now", "___now", "a__now"] {
        let params = format!(r#""name":"{name}""#);
        let peer = ask(&mut world, &session, "tools/call", &params);
        check_error(&world, peer, -32602, &format!(r#"unknown tool \"{name}\""#));
        let peer = ask(&mut world, &session, "prompts/get", &params);
        check_error(&world, peer, -32602, &format!(r#"unknown prompt \"{name}\""#));
    }
    let peer = ask(&mut world, &session, "tools/call", "");
    check_error(&world, peer, -32602, "missing parameter: name");
    let peer = ask(&mut world, &session, "vendor/method", "");
    check_error(&world, peer, -32601, "method not found: vendor/method");
    let peer = ask(&mut world, &session, "ping", "");
    check_answer(&world, peer, r#""result":{}"#);
}

// Checklist 119.
#[test]
fn a_server_that_dies_is_left_out_and_named_until_it_is_back() {
    let (mut world, children) = servers(&["a", "b"], TOOLS);
    let session = session(&mut world);
    let listener = world.get("/mcp", &session, None);
    let list = ask(&mut world, &session, "tools/list", "");
    let call = ask(&mut world, &session, "tools/call", r#""name":"b___now""#);
    world.child_gone(children[1], ChildEnd::Exited(9));
    check_error(&world, call, -32001, "exited with status 9");
    answer(&mut world, children[0], "tools/list", r#"{"tools":[{"name":"now"}]}"#);
    let body = world.client(list).body.clone();
    assert!(body.contains(r#"{"tools":[{"name":"a___now"}],"_meta":{"penstock/failures":{"b":"#));
    assert!(body.contains("exited with status 9"), "{body}");

    // The next one to ask opens it again; it may work.
    let peer = ask(&mut world, &session, "tools/call", r#""name":"b___now""#);
    let again = *world.spawned.last().unwrap();
    assert_eq!(world.spawned.len(), 3);
    answer(&mut world, again, "initialize", TOOLS);
    let sent: Vec<_> = world.sent_to(again);
    assert!(sent[1].contains("notifications/initialized") && sent[2].contains("tools/call"));
    answer(&mut world, again, "tools/call", "{}");
    check_answer(&world, peer, r#""result":{}"#);

    // One that cannot start is left alone until the server has been started again.
    world.child_gone(again, ChildEnd::Exited(9));
    ask(&mut world, &session, "tools/list", "");
    let broken = *world.spawned.last().unwrap();
    world.child_gone(broken, ChildEnd::Exited(1));
    let n = world.spawned.len();
    let peer = ask(&mut world, &session, "tools/call", r#""name":"b___now""#);
    check_error(&world, peer, -32001, "exited with status 1");
    assert_eq!(world.spawned.len(), n);
    world.pass(Duration::from_secs(31));
    let back = *world.spawned.last().unwrap();
    assert_eq!(world.spawned.len(), n + 1);
    open(&mut world, back, TOOLS);
    world.pass(Duration::from_millis(250));
    let told = world.client(listener).events.join("\n");
    assert!(told.contains("tools/list_changed"), "{told}");
    ask(&mut world, &session, "tools/call", r#""name":"b___now""#);
    assert!(world.sent_to(back).last().unwrap().contains("tools/call"));
}

// Checklist 122.
#[test]
fn what_servers_ask_under_one_id_is_answered_to_each() {
    let (mut world, _) = servers(&["a", "b"], TOOLS);
    let hello = INITIALIZE.replace("\"capabilities\":{}", r#""capabilities":{"sampling":{}}"#);
    let peer = world.post("/mcp", None, &hello);
    let children = world.spawned[2..].to_vec();
    for child in &children {
        answer(&mut world, *child, "initialize", TOOLS);
    }
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let listener = world.get("/mcp", &session, None);
    let request =
        r#"{"jsonrpc":"2.0","id":0,"method":"sampling/createMessage","params":{"n":1.0}}"#;
    let call = ask(&mut world, &session, "tools/call", r#""name":"b___now""#);
    for child in [children[1], children[0]] {
        world.line(child, request);
    }
    let with_id = |id: u32| request.replace("\"id\":0", &format!("\"id\":{id}"));
    assert!(world.client(call).events.last().unwrap().ends_with(&with_id(1)), "its call's stream");
    assert!(world.client(listener).events.last().unwrap().ends_with(&with_id(2)));
    for (id, child) in [(2, children[0]), (1, children[1])] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"of":{id}}}}}"#);
        let peer = world.post("/mcp", Some(&session), &body);
        assert_eq!(world.client(peer).status, 202);
        let want = format!(r#"{{"jsonrpc":"2.0","id":0,"result":{{"of":{id}}}}}"#);
        assert_eq!(world.sent_to(child).last(), Some(&want.as_str()));
        // Once is enough.
        let before = world.sent.len();
        world.post("/mcp", Some(&session), &body);
        assert_eq!(world.sent.len(), before);
    }

    // A server takes its request back: the client knows it under the other id.
    world.line(children[0], request);
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":0}}"#;
    world.line(children[0], cancel);
    let told = world.client(listener).events.last().unwrap().clone();
    assert!(told.ends_with(&cancel.replace("\"requestId\":0", "\"requestId\":3")), "{told}");
    // One that nobody answers is refused under the server's own id.
    world.leave(listener);
    world.line(children[0], &request.replace("\"id\":0", "\"id\":\"s\""));
    world.pass(Duration::from_secs(31));
    let refused = world.sent_to(children[0]).pop().unwrap().to_owned();
    assert!(refused.contains(r#""id":"s","error""#), "{refused}");
}

// Checklist 61.
#[test]
fn changes_are_told_once_for_all_that_change_together() {
    let (mut world, children) = servers(&["a", "b"], ALL);
    let session = session(&mut world);
    let listener = world.get("/mcp", &session, None);
    for kind in ["tools", "tools", "resources"] {
        for child in &children {
            let text =
                format!(r#"{{"jsonrpc":"2.0","method":"notifications/{kind}/list_changed"}}"#);
            world.line(*child, &text);
        }
    }
    assert_eq!(world.client(listener).events.len(), 1, "the primer");
    world.pass(Duration::from_millis(250));
    let events = world.client(listener).events.clone();
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events[1].contains("tools/list_changed") && events[2].contains("resources/list"));
    let updated =
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x"}}"#;
    world.line(children[0], updated);
    assert!(world.client(listener).events.last().unwrap().ends_with(updated));
}

#[test]
fn progress_and_logs_of_a_call_come_on_its_stream() {
    let (mut world, children) = servers(&["a", "b"], ALL);
    let session = session(&mut world);
    let params = r#""name":"b___now","_meta":{"progressToken":"t"}"#;
    let peer = ask(&mut world, &session, "tools/call", params);
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}"#;
    let log =
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#;
    world.line(children[1], progress);
    world.line(children[1], log);
    answer(&mut world, children[1], "tools/call", "{}");
    let events = &world.client(peer).events;
    assert!(events[1].ends_with(progress) && events[2].ends_with(log), "{events:?}");
    assert!(events[3].ends_with(r#"{"jsonrpc":"2.0","id":"q","result":{}}"#));
}

#[test]
fn a_cancelled_request_ends_at_all_servers() {
    let (mut world, children) = servers(&["a", "b"], TOOLS);
    let session = session(&mut world);
    let cancel =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"q"}}"#;
    for (method, params, n) in [("tools/list", "", 2), ("tools/call", r#""name":"b___now""#, 1)] {
        let peer = ask(&mut world, &session, method, params);
        let before = world.sent.len();
        let notice = world.post("/mcp", Some(&session), cancel);
        assert_eq!(world.client(notice).status, 202);
        assert_eq!(world.client(peer).body, "", "no answer follows");
        let told = world.sent[before..].iter().filter(|(_, text)| text.contains("cancelled"));
        assert_eq!(told.count(), n, "{method}");
    }
    answer(&mut world, children[1], "tools/call", "{}");
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

#[test]
fn the_end_of_a_session_ends_its_members() {
    let (mut world, children) = servers(&["a", "b"], TOOLS);
    let session = session(&mut world);
    let list = ask(&mut world, &session, "tools/list", "");
    let call = ask(&mut world, &session, "tools/call", r#""name":"b___now""#);
    let fields = [(penstock::wire::http1::Field::McpSessionId, session.as_str())];
    let peer = world.head(penstock::wire::http1::Method::Delete, "/mcp", &fields);
    assert_eq!(world.client(peer).status, 204);
    check_error(&world, list, -32001, "session not found");
    check_error(&world, call, -32001, "session not found");
    let stopped: Vec<_> = world.stopped.iter().map(|(child, _)| *child).collect();
    assert_eq!(stopped, children);
    assert_eq!(world.gateway.n_sessions(), 0);
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

#[test]
fn calls_without_a_handshake_work_on_all_servers() {
    let (mut world, children) = servers(&["a", "b"], TOOLS);
    for n in 0..2 {
        let list = r#"{"jsonrpc":"2.0","id":"q","method":"tools/list"}"#;
        let peer = world.post("/mcp", None, list);
        for child in &children {
            answer(&mut world, *child, "tools/list", r#"{"tools":[{"name":"x"}]}"#);
        }
        check_answer(&world, peer, r#""result":{"tools":[{"name":"a___x"},{"name":"b___x"}]}"#);
        let call = r#"{"jsonrpc":"2.0","id":"q","method":"tools/call","params":{"name":"b___x","_meta":{"progressToken":"t"}}}"#;
        let peer = world.post("/mcp", None, call);
        let id = world.id_of_last(children[1], "tools/call");
        let progress = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{id},"progress":1}}}}"#
        );
        world.line(children[1], &progress);
        answer(&mut world, children[1], "tools/call", "{}");
        let events = &world.client(peer).events;
        assert!(events[0].contains(r#""progressToken":"t""#), "{events:?}");
        assert!(events[1].ends_with(r#"{"jsonrpc":"2.0","id":"q","result":{}}"#), "{n}");
    }
    assert_eq!(world.spawned.len(), 2);
}

#[test]
fn a_batch_may_ask_several_servers() {
    let (mut world, children) = servers(&["a", "b"], TOOLS);
    let hello = INITIALIZE.replace("2025-11-25", "2025-03-26");
    let peer = world.post("/mcp", None, &hello);
    let fresh = world.spawned[2..].to_vec();
    for child in &fresh {
        answer(&mut world, *child, "initialize", &TOOLS.replace("2025-11-25", "2025-03-26"));
    }
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"b___x"}},{"jsonrpc":"2.0","id":3,"method":"ping"},{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"x"}}]"#;
    let peer = world.post("/mcp", Some(&session), batch);
    answer(&mut world, fresh[1], "tools/call", "{}");
    for child in &fresh {
        answer(&mut world, *child, "tools/list", r#"{"tools":[]}"#);
    }
    let body = &world.client(peer).body;
    for id in 1..=4 {
        assert!(body.contains(&format!("\"id\":{id}")), "{body}");
    }
    assert!(body.starts_with('[') && world.sent_to(children[0]).is_empty());
}
