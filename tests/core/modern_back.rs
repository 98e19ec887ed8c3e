// SPDX-License-Identifier: MIT
//! Legacy clients in front of a server of 2026-07-28: what they ask for in their own words.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use penstock::base::Key;
use penstock::gateway::io::{Backend, Peer};

use crate::calls::CALL;
use crate::eras::{TOOLS, answer, modern_child};
use crate::world::{DISCOVERY, INITIALIZE, World, snapshot, stdio_server};

/// A session of a legacy client at a child that refuses handshakes.
fn session() -> (World, Key<Backend>, String) {
    let mut world = World::new(snapshot(vec![stdio_server("time")]));
    let first = world.spawned[0];
    let id = world.id_of_last(first, "initialize");
    let refusal = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
    world.line(first, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{refusal}}}"#));
    let child = *world.spawned.last().unwrap();
    let id = world.id_of_last(child, "server/discover");
    world.line(child, &answer(&id, DISCOVERY));
    let id = world.id_of_last(child, "tools/list");
    world.line(child, &answer(&id, TOOLS));
    let peer = world.post("/mcp/time", None, INITIALIZE);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    world.sent.clear();
    (world, child, session)
}

fn ask(world: &mut World, session: &str, method: &str, params: &str) -> Key<Peer> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":5,"method":"{method}","params":{params}}}"#);
    world.post("/mcp/time", Some(session), &body)
}

const OK: &str = r#"{"jsonrpc":"2.0","id":5,"result":{}}"#;
const DONE: &str = r#"{"resultType":"complete","content":[]}"#;

fn log(level: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"{level}","data":1}}}}"#
    )
}

// Checklist 101.
#[test]
fn the_level_of_a_session_is_asked_for_with_each_of_its_requests() {
    let (mut world, child, session) = session();
    world.post("/mcp/time", Some(&session), CALL);
    let sent = world.sent_to(child).last().unwrap().to_string();
    assert!(!sent.contains("logLevel"), "nobody has asked for log messages: {sent}");
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &answer(&id, DONE));
    let n = world.sent.len();
    let peer = ask(&mut world, &session, "logging/setLevel", r#"{"level":"warning"}"#);
    assert_eq!((world.client(peer).body.as_str(), world.sent.len()), (OK, n));
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let sent = world.sent_to(child).last().unwrap().to_string();
    assert!(sent.contains(r#""io.modelcontextprotocol/logLevel":"warning""#), "{sent}");
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &log("info"));
    world.line(child, &log("error"));
    world.line(child, &answer(&id, DONE));
    let events = &world.client(peer).events;
    assert_eq!(events.iter().filter(|event| event.contains("message")).count(), 1, "{events:?}");
    assert!(events.iter().any(|event| event.ends_with(&log("error"))), "{events:?}");
}

/// The server honours what it was asked for last.
fn acknowledge(world: &mut World, child: Key<Backend>, uris: &str) -> String {
    let id = world.id_of_last(child, "subscriptions/listen");
    world.line(
        child,
        &format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"notifications":{{"resourceSubscriptions":[{uris}]}},"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#
        ),
    );
    id
}

fn updated(uri: &str, meta: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{"uri":"{uri}"{meta}}}}}"#
    )
}

fn tag(id: &str) -> String {
    format!(r#","_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}"#)
}

// Checklist 102.
#[test]
fn a_second_subscription_keeps_the_first() {
    let (mut world, child, session) = session();
    let listener = world.get("/mcp/time", &session, None);
    acknowledge(&mut world, child, "");
    let one = ask(&mut world, &session, "resources/subscribe", r#"{"uri":"a:a"}"#);
    assert_eq!(world.client(one).status, 0, "nobody has said yet that it is honoured");
    let old = acknowledge(&mut world, child, r#""a:a""#);
    assert_eq!(world.client(one).body, OK);
    let two = ask(&mut world, &session, "resources/subscribe", r#"{"uri":"b:b"}"#);
    let sent = world.sent_to(child).last().unwrap().to_string();
    assert!(sent.contains(r#"["a:a","b:b"]"#), "{sent}");
    world.line(child, &updated("a:a", &tag(&old)));
    let new = acknowledge(&mut world, child, r#""a:a","b:b""#);
    assert_eq!(world.client(two).body, OK);
    let last = world.sent_to(child).last().unwrap().to_string();
    assert!(last.contains("cancelled") && last.contains(&old), "the old one ends: {last}");
    world.line(child, &updated("b:b", &tag(&new)));
    world.line(child, &updated("a:a", &tag(&new)));
    let heard: Vec<_> =
        world.client(listener).events[1..].iter().map(|e| e.split_once('|').unwrap().1).collect();
    assert_eq!(heard.len(), 3, "{heard:?}");
    for (text, uri) in heard.iter().zip(["a:a", "b:b", "a:a"]) {
        assert!(text.contains(&format!(r#""uri":"{uri}""#)), "{text}");
        assert!(!text.contains("subscriptionId"), "{text}");
    }
}

// Checklist 97.
#[test]
fn a_resource_that_is_not_there_has_the_code_of_the_clients_era() {
    let read = r#""uri":"a:none""#;
    let (mut world, child, session) = session();
    let peer = ask(&mut world, &session, "resources/read", &format!("{{{read}}}"));
    let id = world.id_of_last(child, "resources/read");
    let missing = r#"{"code":-32602,"message":"none","data":{"uri":"a:none"}}"#;
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{missing}}}"#));
    assert!(world.client(peer).body.contains(r#""code":-32002"#), "{}", world.client(peer).body);
    assert_eq!(world.client(peer).status, 200);

    let (mut world, legacy) = World::with_child();
    let peer = world.ask("/mcp/time", "3", "resources/read", read);
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, penstock::gateway::io::ChildEnd::Exited(1));
    let id = world.id_of_last(legacy, "resources/read");
    let missing = r#"{"code":-32002,"message":"none"}"#;
    world.line(legacy, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{missing}}}"#));
    let body = &world.client(peer).body;
    assert!(body.contains(r#""code":-32602"#) && body.contains(r#""uri":"a:none""#), "{body}");
}

// Checklist 103.
#[test]
fn clients_of_both_eras_may_use_one_id_at_once() {
    let (mut world, modern) = modern_child();
    let (session, legacy) = world.session();
    let old = world.post("/mcp/time", Some(&session), CALL);
    let new = world.ask("/mcp/time", "1", "tools/call", crate::eras::NAMED);
    let below = world.id_of_last(modern, "tools/call");
    // The wrong process says it: nobody has asked it that.
    world.line(legacy, &answer(&below, r#"{"content":["wrong"]}"#));
    let below_old = world.id_of_last(legacy, "tools/call");
    world.line(modern, &answer(&below, DONE));
    world.line(legacy, &answer(&below_old, r#"{"content":["old"]}"#));
    assert_eq!(world.client(new).body, answer("1", DONE));
    assert!(!world.client(old).body.contains("resultType"));
}
