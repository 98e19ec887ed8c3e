// SPDX-License-Identifier: MIT
//! Several servers as one for legacy clients, where a server speaks 2026-07-28 alone.

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Peer};
use penstock::wire::http1::{Field, Method};

use crate::unified::{ALL, TOOLS, answer, ask, check_answer, check_error, open, stdio_server};
use crate::world::{DISCOVERY, INITIALIZE, World, snapshot};

const CAN: &str = r#"{"sampling":{},"elicitation":{},"roots":{}}"#;
const LIST: &str = r#"{"resultType":"complete","tools":[],"ttlMs":0,"cacheScope":"private"}"#;
const READY: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A server refuses `initialize`, because it does not know of any.
#[track_caller]
fn refuse(world: &mut World, child: Key<Backend>) {
    let id = world.id_of_last(child, "initialize");
    let error = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
}

/// A world with one server that speaks 2026-07-28 alone, and its child.
fn modern_alone() -> (World, Key<Backend>) {
    let mut world = World::new(snapshot(vec![stdio_server("a")]));
    let first = world.spawned[0];
    refuse(&mut world, first);
    let child = world.spawned[1];
    answer(&mut world, child, "server/discover", DISCOVERY);
    answer(&mut world, child, "tools/list", LIST);
    world.sent.clear();
    (world, child)
}

/// A client that can do everything opens its session.
fn session(world: &mut World) -> String {
    let peer = world.post("/mcp", None, &INITIALIZE.replace("{}", CAN));
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    world.post("/mcp", Some(&session), READY);
    session
}

// Checklist 92, 116.
#[test]
fn a_modern_server_asks_the_legacy_client_of_several_servers() {
    let (mut world, child) = modern_alone();
    let session = session(&mut world);
    let peer = ask(&mut world, &session, "tools/call", r#""name":"a___x""#);
    let sent = world.sent_to(child).pop().unwrap().to_owned();
    assert!(sent.contains(r#""sampling":{}"#) && sent.contains(r#""roots":{}"#), "{sent}");
    let asks = r#"{"resultType":"input_required","inputRequests":{"r":{"method":"roots/list"}},"requestState":"s"}"#;
    answer(&mut world, child, "tools/call", asks);
    let asked = world.client(peer).events.last().unwrap().clone();
    assert!(asked.contains("roots/list"), "{asked}");
    let id = crate::world::id_in(&asked);
    let said = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"roots":[]}}}}"#);
    world.post("/mcp", Some(&session), &said);
    let sent = world.sent_to(child).pop().unwrap().to_owned();
    assert!(sent.contains(r#""inputResponses":{"r":{"roots":[]}}"#), "{sent}");
    answer(&mut world, child, "tools/call", r#"{"resultType":"complete","content":[]}"#);
    assert!(world.client(peer).events.last().unwrap().contains(r#""content":[]"#));
}

// Checklist 92, 122.
#[test]
fn what_changes_at_a_modern_server_is_told_to_the_legacy_client_of_several() {
    let (mut world, child) = modern_alone();
    let session = session(&mut world);
    let listener = world.get("/mcp", &session, None);
    let id = world.id_of_last(child, "subscriptions/listen");
    let told = |method: &str| {
        let meta = format!(r#""_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}"#);
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{{{meta}}}}}"#)
    };
    world.line(child, &told("subscriptions/acknowledged"));
    world.line(child, &told("tools/list_changed"));
    world.line(child, &told("tools/list_changed"));
    world.pass(Duration::from_millis(250));
    let events = world.client(listener).events.clone();
    assert_eq!(events.len(), 2, "the primer, and both changes at once: {events:?}");
    let notice = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    assert!(events[1].ends_with(notice), "{events:?}");
    world.leave(listener);
    let last = world.sent_to(child).pop().unwrap().to_owned();
    assert!(last.contains("notifications/cancelled"), "nobody listens any more: {last}");
}

// Checklist 92.
#[test]
fn a_modern_server_logs_for_the_legacy_client_of_several_at_the_level_that_it_wants() {
    let (mut world, child) = modern_alone();
    let session = session(&mut world);
    let peer = ask(&mut world, &session, "logging/setLevel", r#""level":"warning""#);
    assert!(world.client(peer).body.contains(r#""result":{}"#), "{}", world.client(peer).body);
    let peer = ask(&mut world, &session, "tools/call", r#""name":"a___x""#);
    let sent = world.sent_to(child).pop().unwrap().to_owned();
    assert!(sent.contains(r#""io.modelcontextprotocol/logLevel":"warning""#), "{sent}");
    for level in ["info", "error"] {
        let params = format!(r#"{{"level":"{level}","data":1}}"#);
        let method = "notifications/message";
        world.line(child, &format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#));
    }
    answer(&mut world, child, "tools/call", r#"{"resultType":"complete","content":[]}"#);
    let events = world.client(peer).events.join("\n");
    assert!(events.contains(r#""level":"error""#) && !events.contains(r#""level":"info""#));
}

#[test]
fn a_server_that_joins_late_logs_at_the_level_that_was_set_before() {
    let mut world = World::new(snapshot(vec![stdio_server("a"), stdio_server("b")]));
    for child in world.spawned.clone() {
        open(&mut world, child, ALL);
    }
    let peer = world.post("/mcp", None, &INITIALIZE.replace("{}", CAN));
    let (a, b) = (world.spawned[2], world.spawned[3]);
    answer(&mut world, a, "initialize", ALL);
    world.pass(Duration::from_secs(5));
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    world.post("/mcp", Some(&session), READY);
    ask(&mut world, &session, "logging/setLevel", r#""level":"error""#);
    world.sent.retain(|(_, text)| !text.contains("logging/setLevel"));
    answer(&mut world, b, "initialize", ALL);
    let sent = world.sent_to(b).pop().unwrap().to_owned();
    assert!(sent.contains("logging/setLevel") && sent.contains(r#""level":"error""#), "{sent}");
    assert_eq!(world.sent_to(a).last().copied(), Some(READY), "it knows that already");
}

// Checklist 119.
#[test]
fn a_template_of_several_servers_is_listed_once() {
    let mut world = World::new(snapshot(vec![stdio_server("a"), stdio_server("b")]));
    let children = world.spawned.clone();
    for child in &children {
        open(&mut world, *child, ALL);
    }
    let session = crate::unified::session(&mut world);
    let list = r#"{"resourceTemplates":[{"uriTemplate":"x://{n}","name":"x"}]}"#;
    // Listing once more makes no difference.
    for _ in 0..2 {
        let peer = ask(&mut world, &session, "resources/templates/list", "");
        for child in children.iter().rev() {
            answer(&mut world, *child, "resources/templates/list", list);
        }
        check_answer(&world, peer, &format!(r#""result":{list}"#));
    }
    ask(&mut world, &session, "resources/read", r#""uri":"x://7""#);
    assert!(world.sent_to(children[0]).last().unwrap().contains("resources/read"));
    assert!(world.notes().contains("left out the resource template x://{n}"), "{}", world.notes());
}

/// The server is asked what else it speaks, and says that it speaks 2026-07-28.
fn discover(world: &mut World) -> Key<Backend> {
    let child = world.spawned[world.spawned.len() - 1];
    answer(world, child, "server/discover", DISCOVERY);
    child
}

// Checklist 92, 104, 121.
#[test]
fn the_client_of_several_servers_waits_until_it_is_known_what_one_speaks() {
    for can in ["{}", CAN] {
        let mut world = World::new(snapshot(vec![stdio_server("a")]));
        let peer = world.post("/mcp", None, &INITIALIZE.replace("{}", can));
        // The gateway's own child, and with capabilities one for this client, in either order.
        for child in world.spawned.clone().into_iter().rev() {
            refuse(&mut world, child);
            assert_eq!(world.client(peer).status, 0, "it is asked what else it speaks");
        }
        let child = discover(&mut world);
        let got = world.client(peer);
        assert!(got.body.contains(r#""resources":{"#) && !got.body.contains("failures"));
        let session = got.fields["Mcp-Session-Id"].clone();
        answer(&mut world, child, "tools/list", LIST);
        let peer = ask(&mut world, &session, "tools/call", r#""name":"a___x""#);
        answer(&mut world, child, "tools/call", r#"{"resultType":"complete","content":[]}"#);
        check_answer(&world, peer, r#""result":{"content":[]}"#);
        let end = [(Field::McpSessionId, session.as_str())];
        world.head(Method::Delete, "/mcp", &end);
        assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
    }
}

// Checklist 121, 122.
#[test]
fn a_call_waits_until_it_is_known_what_its_server_speaks_and_its_client_is_told_who_joins() {
    let mut world = World::new(snapshot(vec![stdio_server("a"), stdio_server("b")]));
    let (a, b) = (world.spawned[0], world.spawned[1]);
    open(&mut world, b, ALL);
    let peer = world.post("/mcp", None, INITIALIZE);
    refuse(&mut world, a);
    world.pass(Duration::from_secs(5));
    let got = world.client(peer);
    assert!(got.body.contains(r#""penstock/failures":{"a":"it is not known yet"#), "{}", got.body);
    let session = got.fields["Mcp-Session-Id"].clone();
    world.post("/mcp", Some(&session), READY);
    let listener = world.get("/mcp", &session, None);
    let waits = ask(&mut world, &session, "tools/call", r#""name":"a___x""#);
    let ping = ask(&mut world, &session, "ping", "");
    check_answer(&world, ping, r#""result":{}"#);
    ask(&mut world, &session, "tools/call", r#""name":"b___x""#);
    answer(&mut world, b, "tools/call", r#"{"content":[]}"#);
    assert_eq!(world.client(waits).status, 0);
    let child = discover(&mut world);
    answer(&mut world, child, "tools/list", LIST);
    answer(&mut world, child, "tools/call", r#"{"resultType":"complete","content":[]}"#);
    check_answer(&world, waits, r#""result":{"content":[]}"#);
    world.pass(Duration::from_millis(250));
    let told = world.client(listener).events.join("\n");
    assert!(told.contains("notifications/tools/list_changed"), "{told}");
}

#[test]
fn a_call_that_waits_for_a_server_that_speaks_nothing_is_refused_in_the_end() {
    let mut world = World::new(snapshot(vec![stdio_server("a")]));
    let peers = [
        ask_at_once(&mut world, "tools/call", r#""name":"a___x""#),
        ask_at_once(&mut world, "tools/list", ""),
    ];
    let first = world.spawned[0];
    refuse(&mut world, first);
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    check_error(&world, peers[0], -32001, "is unavailable");
    assert!(world.client(peers[1]).body.contains("penstock/failures"));
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

// Checklist 104.
#[test]
fn calls_without_a_handshake_wait_for_servers_of_either_era() {
    for is_modern in [false, true] {
        let mut world = World::new(snapshot(vec![stdio_server("a")]));
        let call = ask_at_once(&mut world, "tools/call", r#""name":"a___x""#);
        let list = ask_at_once(&mut world, "tools/list", "");
        let mut child = world.spawned[0];
        let mut done = r#"{"content":[]}"#;
        if is_modern {
            refuse(&mut world, child);
            child = discover(&mut world);
            done = r#"{"resultType":"complete","content":[]}"#;
        } else {
            answer(&mut world, child, "initialize", TOOLS);
        }
        answer(&mut world, child, "tools/call", done);
        check_answer(&world, call, r#""result":{"content":[]}"#);
        for _ in 0..2 {
            answer(&mut world, child, "tools/list", LIST);
            world.sent.pop_if(|(_, text)| text.contains("tools/list"));
        }
        check_answer(&world, list, r#""result":{"tools":[]}"#);
        assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
    }
}

fn ask_at_once(world: &mut World, method: &str, params: &str) -> Key<Peer> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":"q","method":"{method}","params":{{{params}}}}}"#);
    world.post("/mcp", None, &body)
}
