// SPDX-License-Identifier: MIT
//! Guarded servers between the eras: modern clients, modern servers, and children that are shared.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use penstock::base::{Key, Limits};
use penstock::gateway::io::{Backend, ChildEnd, Peer};
use penstock::gateway::snapshot::{Server, Snapshot, Watch};
use penstock::policy::auth::Principal;
use penstock::policy::guard::{Label, Labels, Mode};
use penstock::wire::http1::Field;

use crate::eras::{TOOLS, answer};
use crate::guarded::{
    NO_LABELS, agent, call_is, got, guard, guarded, is_over, items_are, noop, object, open_all,
    result, with, world,
};
use crate::world::{
    DISCOVERY, HANDSHAKE, INITIALIZE, World, http_server, id_in, modern_request, stdio_server,
    with_key,
};

const OK: &str = r#"{"resultType":"complete","content":[{"type":"text","text":"fine"}]}"#;
const REFUSAL: &str = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
const CAN: &str = r#"{"elicitation":{"form":{}},"sampling":{}}"#;

/// A server that speaks the modern protocol alone, with its child.
fn modern(snapshot: Snapshot) -> (World, Key<Backend>) {
    let mut world = world(snapshot);
    let first = world.spawned[0];
    let id = world.id_of_last(first, "initialize");
    world.line(first, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{REFUSAL}}}"#));
    let child = *world.spawned.last().unwrap();
    let id = world.id_of_last(child, "server/discover");
    world.line(child, &answer(&id, DISCOVERY));
    let id = world.id_of_last(child, "tools/list");
    world.line(child, &answer(&id, TOOLS));
    world.child_gone(first, ChildEnd::Exited(0));
    world.sent.clear();
    (world, child)
}

fn of(watch: Watch) -> Snapshot {
    guarded(vec![with(stdio_server("time"), watch)])
}

fn call(world: &mut World, args: &str) -> Key<Peer> {
    let extra = format!(r#""name":"get","arguments":{{{args}}}"#);
    world.ask_as("/mcp/time", "1", "tools/call", &extra, CAN, r#""progressToken":"t""#)
}

fn say(world: &mut World, child: Key<Backend>, method: &str, result: &str) {
    let id = world.id_of_last(child, method);
    world.line(child, &answer(&id, result));
}

#[test]
fn what_a_guard_asks_a_modern_server_is_a_whole_request_of_that_era() {
    let (mut world, child) = modern(of(guard(NO_LABELS)));
    let peer = call(&mut world, r#""ask_call":1"#);
    let asked = world.sent_to(child).last().unwrap().to_string();
    for part in ["protocolVersion\":\"2026-07-28", "clientInfo", "clientCapabilities"] {
        assert!(asked.contains(part), "{asked}");
    }
    assert!(asked.contains(r#""name":"look""#) && !asked.contains("progressToken"), "{asked}");
    say(&mut world, child, "tools/call", OK);
    say(&mut world, child, "tools/call", OK);
    assert!(got(&world, peer).contains("fine"));
    is_over(&world);
}

#[test]
fn over_http_its_fields_name_the_tool_that_the_guard_calls() {
    let snapshot = guarded(vec![with(http_server("time"), guard(NO_LABELS))]);
    let mut world = world(snapshot);
    let (fetch, _) = world.fetch_of("initialize");
    world.fetch_status(fetch, 400, &format!(r#"{{"jsonrpc":"2.0","id":null,"error":{REFUSAL}}}"#));
    let (fetch, id) = world.fetch_of("server/discover");
    world.fetch_json(fetch, None, &answer(&id, DISCOVERY));
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_json(fetch, None, &answer(&id, TOOLS));
    let peer = call(&mut world, r#""ask_call":1"#);
    let (fetch, id) = world.fetch_of(r#""name":"look""#);
    let fields = format!("{:?}", world.request(fetch).fields);
    assert!(fields.contains("look") && fields.contains("tools/call"), "{fields}");
    world.fetch_json(fetch, None, &answer(&id, OK));
    let (fetch, _) = world.fetch_of(r#""name":"get""#);
    let fields = format!("{:?}", world.request(fetch).fields);
    assert!(fields.contains("get") && !fields.contains("look"), "{fields}");
    world.fetch_status(fetch, 500, "SECRET");
    let got = got(&world, peer);
    assert!(got.contains("HTTP 500") && !got.contains("SECRET"), "{got}");
    is_over(&world);
}

#[test]
fn a_guarded_modern_server_may_ask_nobody_for_input() {
    let needs = r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"SECRET","requestedSchema":{"type":"object","properties":{}}}}},"requestState":"SECRET"}"#;
    let (mut world, child) = modern(of(guard(NO_LABELS)));
    let peer = call(&mut world, "");
    say(&mut world, child, "tools/call", needs);
    let refused = got(&world, peer);
    assert!(refused.contains("guard.input") && !refused.contains("SECRET"), "{refused}");
    let session = legacy_session(&mut world);
    let peer = world.post("/mcp/time", Some(&session), &crate::guarded::body(1, "get", ""));
    say(&mut world, child, "tools/call", needs);
    let refused = got(&world, peer);
    assert!(refused.contains("guard.input") && !refused.contains("SECRET"), "{refused}");
    is_over(&world);
}

fn legacy_session(world: &mut World) -> String {
    let peer = world.post("/mcp/time", None, &INITIALIZE.replace("{}", CAN));
    world.client(peer).fields["Mcp-Session-Id"].clone()
}

#[test]
fn a_modern_server_without_a_guard_may_ask_and_is_judged_once_more() {
    let form = r#""a":{"method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object","properties":{}}}}"#;
    let needs = format!(r#"{{"resultType":"input_required","inputRequests":{{{form}}}}}"#);
    let (mut world, child) = modern(of(noop()));
    let session = legacy_session(&mut world);
    for carries in [false, true] {
        let peer = world.post("/mcp/time", Some(&session), &crate::guarded::body(1, "get", ""));
        say(&mut world, child, "tools/call", &needs);
        let event = world.client(peer).events.last().unwrap().clone();
        assert!(event.contains("elicitation/create"), "{event}");
        if carries {
            let labels = Labels { secrecy: Label::new(["s"]), integrity: Label::EMPTY };
            world.gateway.begin_with(Principal::ANYONE, &labels).unwrap();
        }
        let n = world.sent_to(child).len();
        let reply = format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{{"action":"accept","content":{{}}}}}}"#,
            id_in(&event)
        );
        world.post("/mcp/time", Some(&session), &reply);
        if carries {
            assert_eq!(world.sent_to(child).len(), n, "what it carries does not leave");
            assert!(got(&world, peer).contains("difc.write.secrecy"), "{}", got(&world, peer));
        } else {
            let retried = world.sent_to(child).last().unwrap().to_string();
            assert!(retried.contains("inputResponses"), "{retried}");
            say(&mut world, child, "tools/call", OK);
            assert!(got(&world, peer).contains("fine"));
        }
    }
    is_over(&world);
}

#[test]
fn a_legacy_server_without_a_guard_may_ask_a_modern_client() {
    let mut world = world(of(noop()));
    open_all(&mut world);
    let (peer, child, id) = pooled_call(&mut world);
    let form = r#"{"jsonrpc":"2.0","id":8,"method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object","properties":{}}}}"#;
    world.line(child, form);
    world.pass(Duration::from_millis(5));
    let asked = got(&world, peer);
    assert!(asked.contains("input_required"), "{asked}");
    // It answers before its client comes back.
    world.line(child, &answer(&id, r#"{"content":[{"type":"text","text":"fine"}]}"#));
    let state = asked.split_once(r#""requestState":""#).unwrap().1.split_once('"').unwrap().0;
    let extra = format!(
        r#""name":"get","arguments":{{}},"inputResponses":{{"elicitation-1":{{"action":"accept","content":{{}}}}}},"requestState":"{state}""#
    );
    let peer = world.ask_as("/mcp/time", "2", "tools/call", &extra, CAN, "");
    assert!(got(&world, peer).contains("fine"), "{}", got(&world, peer));
    is_over(&world);
}

/// A call of a modern client at a legacy child of its own.
fn pooled_call(world: &mut World) -> (Key<Peer>, Key<Backend>, String) {
    let peer =
        world.ask_as("/mcp/time", "1", "tools/call", r#""name":"get","arguments":{}"#, CAN, "");
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    let child = *world.spawned.last().unwrap();
    let id = world.id_of_last(child, "initialize");
    world.line(child, &answer(&id, HANDSHAKE));
    let id = world.id_of_last(child, "tools/call");
    (peer, child, id)
}

#[test]
fn modern_clients_of_a_guarded_legacy_server_are_judged() {
    let mut world = world(of(guard(&agent("", "i", Mode::Filter))));
    open_all(&mut world);
    let args = items_are(&[object("x", "", "i"), object("y", "", "")]);
    let extra = format!(r#""name":"list","arguments":{{{args},"ask_answer":1}}"#);
    let peer = world.ask("/mcp/time", "1", "tools/call", &extra);
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    let child = world.spawned[0];
    say(&mut world, child, "tools/call", &result(r#"["good","bad"]"#));
    let asked = world.sent_to(child).last().unwrap().to_string();
    assert!(asked.contains("look") && !asked.contains("modelcontextprotocol"), "{asked}");
    say(&mut world, child, "tools/call", OK);
    let got = got(&world, peer);
    assert!(got.contains("good") && !got.contains("bad"), "{got}");
    assert!(got.contains(r#""resultType":"complete""#), "{got}");
    is_over(&world);
}

#[test]
fn calls_of_a_guarded_pool_wait_for_their_turn_and_keep_their_judgement() {
    let limits = Limits { pooled_children_max: 1, ..Limits::DEFAULT };
    let watch = guard(&agent("", "i", Mode::Filter));
    let mut world = world(Snapshot { limits, ..of(watch) });
    open_all(&mut world);
    let (first, child, id) = pooled_call(&mut world);
    let ask = |world: &mut World, id: &str, args: &str| {
        let extra = format!(r#""name":"list","arguments":{{{args}}}"#);
        world.ask_as("/mcp/time", id, "tools/call", &extra, CAN, "")
    };
    let args = items_are(&[object("x", "", "i"), object("y", "", "")]);
    let second = ask(&mut world, "2", &args);
    let third = ask(&mut world, "3", "");
    let n = |world: &World| {
        world.sent_to(child).iter().filter(|text| text.contains("tools/call")).count()
    };
    assert_eq!(n(&world), 1);
    world.leave(third);
    world.line(child, &answer(&id, &result(r#""one""#)));
    assert!(got(&world, first).contains("difc.read.integrity"), "{}", got(&world, first));
    say(&mut world, child, "tools/call", &result(r#"["good","bad"]"#));
    let answered = got(&world, second);
    assert!(answered.contains("good") && !answered.contains("bad"), "{answered}");
    assert_eq!(n(&world), 2, "whoever has left is not called for");
    is_over(&world);
}

/// A request of a modern client with a key.
fn ask_as(world: &mut World, key: &str, id: &str, method: &str, extra: &str) -> Key<Peer> {
    let body = modern_request(id, method, extra, "{}", "");
    let mut fields = vec![
        (Field::Accept, "application/json, text/event-stream"),
        (Field::ContentType, "application/json"),
        (Field::Host, "localhost:3000"),
        (Field::Authorization, key),
        (Field::McpProtocolVersion, "2026-07-28"),
        (Field::McpMethod, method),
    ];
    if method == "resources/read" {
        fields.push((Field::McpName, "a:b"));
    }
    world.post_with("/mcp/time", &fields, &body)
}

const URI: &str = r#""uri":"a:b""#;
/// A resource that may be kept, and what the guard says of it.
const SECRET: &str = r#"{"resultType":"complete","contents":[{"uri":"a:b","text":"SECRET"}],"ttlMs":60000,"cacheScope":"public","_meta":{"say_answer":{"labeled_paths":[{"path":"/contents/0","labels":{"description":"x","secrecy":["s"],"integrity":[]}}],"items_path":"/contents"},"end":0}}"#;

#[test]
fn an_answer_that_is_kept_is_judged_for_everybody_who_asks() {
    let keys = ["a", "b", "c"];
    let (mut world, child) = modern(with_key(of(guard(NO_LABELS)), &keys));
    let labels = Labels { secrecy: Label::new(["s"]), integrity: Label::EMPTY };
    world.gateway.begin_with(Principal(1), &labels).unwrap();
    let peer = ask_as(&mut world, "a", "1", "resources/read", URI);
    say(&mut world, child, "resources/read", SECRET);
    assert!(!got(&world, peer).contains("SECRET"), "{}", got(&world, peer));
    let n = world.sent_to(child).len();
    for (key, may) in [("b", true), ("c", false), ("a", false), ("b", true)] {
        let peer = ask_as(&mut world, key, "2", "resources/read", URI);
        assert_eq!(got(&world, peer).contains("SECRET"), may, "{key}: {}", got(&world, peer));
        assert_eq!(world.sent_to(child).len(), n, "it was kept");
    }
    is_over(&world);
}

#[test]
fn those_who_follow_a_call_are_judged_for_themselves() {
    let (mut world, child) = modern(with_key(of(guard(NO_LABELS)), &["a", "b", "c"]));
    let labels = Labels { secrecy: Label::new(["s"]), integrity: Label::EMPTY };
    world.gateway.begin_with(Principal(1), &labels).unwrap();
    // Whether such answers are shared is known after the first one.
    let peer = ask_as(&mut world, "a", "1", "resources/read", URI);
    say(&mut world, child, "resources/read", SECRET);
    assert!(!got(&world, peer).contains("SECRET"));
    world.pass(Duration::from_secs(61));
    let n = world.sent_to(child).len();
    let peers = ["a", "b", "c"].map(|key| ask_as(&mut world, key, "1", "resources/read", URI));
    let n_asked = world.sent_to(child).len() - n;
    let ids: Vec<_> = world.sent_to(child)[n..].iter().map(|text| id_in(text)).collect();
    assert!((1..=3).contains(&n_asked));
    world.leave(peers[2]);
    for id in ids {
        world.line(child, &answer(&id, SECRET));
    }
    let shown = peers[..2].iter().map(|peer| got(&world, *peer).contains("SECRET"));
    assert_eq!(shown.collect::<Vec<_>>(), [false, true]);
    is_over(&world);
}

#[test]
fn sessions_of_a_shared_child_are_judged_one_by_one() {
    let server = Server { shared: true, ..stdio_server("time") };
    let watch = guard(&agent("", "", Mode::Propagate));
    let mut world = world(guarded(vec![with(server, watch)]));
    open_all(&mut world);
    let child = world.spawned[0];
    let sessions: Vec<_> = (0..2)
        .map(|_| {
            let peer = world.post("/mcp/time", None, INITIALIZE);
            world.client(peer).fields["Mcp-Session-Id"].clone()
        })
        .collect();
    let args = r#""ask_call":1"#;
    let peers: Vec<_> = sessions
        .iter()
        .map(|session| {
            world.post("/mcp/time", Some(session), &crate::guarded::body(1, "get", args))
        })
        .collect();
    let ids: Vec<_> = world
        .sent_to(child)
        .iter()
        .filter(|text| text.contains("look"))
        .map(|text| id_in(text))
        .collect();
    assert_eq!(ids.len(), 2);
    for id in ids.iter().rev() {
        world.line(child, &answer(id, OK));
        say(&mut world, child, "tools/call", &result(&format!("\"for {id}\"")));
    }
    for (peer, id) in peers.iter().zip(&ids) {
        assert!(got(&world, *peer).contains(&format!("for {id}")), "{}", got(&world, *peer));
    }
    is_over(&world);
}

#[test]
fn a_write_that_has_waited_for_its_turn_is_judged_by_what_its_agent_carries_then() {
    let limits = Limits { pooled_children_max: 1, ..Limits::DEFAULT };
    let watch = guard(&agent("", "", Mode::Propagate));
    let mut world = world(Snapshot { limits, ..of(watch) });
    open_all(&mut world);
    let (first, child, id) = pooled_call(&mut world);
    let write = call_is("write", &object("web", "", ""));
    let extra = format!(r#""name":"post","arguments":{{{write}}}"#);
    let second = world.ask_as("/mcp/time", "2", "tools/call", &extra, CAN, "");
    // Meanwhile it reads a secret elsewhere.
    let sent = std::mem::take(&mut world.sent);
    let (session, other) = world.session();
    let args = items_are(&[object("x", "s", "")]);
    let read = world.post("/mcp/time", Some(&session), &crate::guarded::body(1, "list", &args));
    say(&mut world, other, "tools/call", &result("[1]"));
    assert!(got(&world, read).contains("[1]"), "{}", got(&world, read));
    world.sent.splice(..0, sent);
    world.line(child, &answer(&id, OK));
    assert!(got(&world, first).contains("fine"), "{}", got(&world, first));
    let refused = got(&world, second);
    assert!(refused.contains("difc.write.secrecy"), "{refused}");
    assert!(!world.sent_to(child).iter().any(|text| text.contains("\"post\"")));
    is_over(&world);
}

#[test]
fn a_modern_request_without_words_is_made_by_the_gateway_itself() {
    let (mut world, child) = modern(of(noop()));
    let labels = Labels { secrecy: Label::new(["s"]), integrity: Label::EMPTY };
    world.gateway.begin_with(Principal::ANYONE, &labels).unwrap();
    let meta = r#""x":"SECRET""#;
    let ask = |world: &mut World, method: &str, extra: &str| {
        world.ask_as("/mcp/time", "1", method, extra, r#"{"experimental":{"SECRET":{}}}"#, meta)
    };
    let peer = ask(&mut world, "prompts/list", "");
    let sent = world.sent_to(child).last().unwrap().to_string();
    assert!(sent.contains("prompts/list") && sent.contains("2026-07-28"), "{sent}");
    say(&mut world, child, "prompts/list", r#"{"resultType":"complete","prompts":[]}"#);
    assert!(got(&world, peer).contains(r#""prompts":[]"#));
    let listens = r#""notifications":{"toolsListChanged":true,"SECRET":true}"#;
    let stream = ask(&mut world, "subscriptions/listen", listens);
    let sent = world.sent_to(child).last().unwrap().to_string();
    assert!(sent.contains(r#""notifications":{"toolsListChanged":true}"#), "{sent}");
    let n = world.sent_to(child).len();
    for (method, extra) in [
        ("prompts/list", r#""cursor":"SECRET""#),
        ("subscriptions/listen", r#""notifications":{"resourceSubscriptions":["SECRET"]}"#),
        ("subscriptions/listen", r#""notifications":{},"x":"SECRET""#),
    ] {
        let peer = ask(&mut world, method, extra);
        assert!(got(&world, peer).contains("difc.write.secrecy"), "{}", got(&world, peer));
    }
    assert_eq!(world.sent_to(child).len(), n);
    assert!(!world.sent_to(child).join("\n").contains("SECRET"));
    world.leave(stream);
    is_over(&world);
}
