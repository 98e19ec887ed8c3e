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

// Checklist 92, 124.
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
