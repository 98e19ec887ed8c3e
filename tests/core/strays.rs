// SPDX-License-Identifier: MIT
//! What servers say late, or of what nobody asked for: nobody else hears it, and nothing is left.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Fetch, FetchContent, FetchErrorKind};
use penstock::gateway::snapshot::ResponseMode;

use crate::eras::{NAMED, TOOLS, answer, modern_child};
use crate::world::{DISCOVERY, HANDSHAKE, INITIALIZE, World, http_server, snapshot, stdio_server};

const SAMPLING: &str = r#"{"sampling":{}}"#;
const LOGS: &str = r#""io.modelcontextprotocol/logLevel":"debug""#;
const LOG: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":"x"}}"#;
const SAMPLE: &str =
    r#"{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{"messages":[]}}"#;
const REFUSAL: &str = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;

fn refuse(world: &mut World, child: Key<Backend>) {
    let id = world.id_of_last(child, "initialize");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{REFUSAL}}}"#));
}

/// A legacy child behind modern clients that can sample, with one call under way that its client
/// has left.
fn left() -> (World, Key<Backend>) {
    let (mut world, _) = World::with_child();
    let peer = world.ask_as("/mcp/time", "3", "tools/call", NAMED, SAMPLING, "");
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    let child = *world.spawned.last().unwrap();
    let id = world.id_of_last(child, "initialize");
    world.line(child, &answer(&id, HANDSHAKE));
    world.leave(peer);
    (world, child)
}

// Checklist 52, 54.
#[test]
fn a_question_of_a_call_that_was_given_up_reaches_no_other_client() {
    let (mut world, child) = left();
    let n_children = world.spawned.len();
    let other = world.ask_as("/mcp/time", "4", "tools/call", NAMED, SAMPLING, "");
    assert_eq!(world.spawned.len(), n_children + 1, "a child that may still ask is not free");
    world.line(child, SAMPLE);
    world.pass(Duration::from_millis(10));
    assert!(world.sent_to(child).last().unwrap().contains("\"error\""));
    assert_eq!(world.client(other).body, "");
}

#[test]
fn a_child_is_free_again_when_the_call_that_was_given_up_is_answered() {
    let (mut world, child) = left();
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &answer(&id, "{}"));
    let n_children = world.spawned.len();
    world.ask_as("/mcp/time", "4", "tools/call", NAMED, SAMPLING, "");
    assert_eq!(world.spawned.len(), n_children);
}

// Checklist 80.
#[test]
fn a_log_message_of_a_call_that_was_given_up_reaches_no_other_client() {
    let (mut world, child) = modern_child();
    let first = world.ask_as("/mcp/time", "3", "tools/call", NAMED, "{}", LOGS);
    let late = world.id_of_last(child, "tools/call");
    let second = world.ask_as("/mcp/time", "4", "tools/call", NAMED, "{}", LOGS);
    world.leave(first);
    world.line(child, LOG);
    assert_eq!(world.client(second).events.len(), 0);
    // When that call is over, only one is left that it can belong to.
    world.line(child, &answer(&late, r#"{"resultType":"complete","content":[]}"#));
    world.line(child, LOG);
    assert_eq!(world.client(second).events.len(), 1);
}

#[test]
fn a_call_that_was_never_answered_may_still_be_spoken_of() {
    let (mut world, child) = modern_child();
    let first = world.ask_as("/mcp/time", "3", "tools/call", NAMED, "{}", LOGS);
    world.pass(Duration::from_secs(61));
    assert!(world.client(first).finished, "it has timed out");
    let second = world.ask_as("/mcp/time", "4", "tools/call", NAMED, "{}", LOGS);
    world.line(child, LOG);
    assert_eq!(world.client(second).events.len(), 0);
}

// Checklist 81, 83.
#[test]
fn nothing_is_left_of_a_subscription_whose_client_has_left() {
    let (mut world, child) = modern_child();
    let wanted = r#""notifications":{"toolsListChanged":true}"#;
    let peer = world.ask("/mcp/time", "3", "subscriptions/listen", wanted);
    world.leave(peer);
    assert!(world.sent_to(child).last().unwrap().contains("notifications/cancelled"));
    assert!(world.gateway.is_quiet(), "a server need not answer what was cancelled");
}

// Checklist 82.
#[test]
fn a_request_of_a_modern_server_behind_http_is_dropped_and_not_answered() {
    let (mut world, call) = modern_http();
    let n_fetches = world.fetches.len();
    world.fetch_head(call, 200, FetchContent::Events, None);
    world.fetch_message(call, None, SAMPLE);
    assert_eq!(world.fetches.len(), n_fetches, "a POST that answers would be refused");
    assert!(world.notes().contains("dropped a request"), "{}", world.notes());
}

/// A modern server behind HTTP with a call of a modern client under way.
fn modern_http() -> (World, Key<Fetch>) {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let (fetch, id) = world.fetch_of("initialize");
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{REFUSAL}}}"#);
    world.fetch_status(fetch, 400, &text);
    let (fetch, id) = world.fetch_of("server/discover");
    world.fetch_json(fetch, None, &answer(&id, DISCOVERY));
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_json(fetch, None, &answer(&id, TOOLS));
    world.ask_as("/mcp/time", "3", "tools/call", NAMED, SAMPLING, "");
    let (call, _) = world.fetch_of("tools/call");
    (world, call)
}

// Checklist 83.
#[test]
fn a_change_is_never_told_beside_the_answer_to_a_call() {
    let (mut world, child) = modern_child();
    let peer = world.ask_as("/mcp/time", "3", "tools/call", NAMED, "{}", LOGS);
    for meta in ["", r#""_meta":{"io.modelcontextprotocol/subscriptionId":11}"#] {
        let method = "notifications/tools/list_changed";
        world.line(
            child,
            &format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{{meta}}}}}"#),
        );
    }
    assert_eq!(world.client(peer).events.len(), 0);
}

/// A modern child beside a legacy one that is not open yet, with a client's own handshake.
fn discovered_first(mode: ResponseMode) -> (World, Key<Backend>, Key<Backend>) {
    let mut server = stdio_server("time");
    server.response = mode;
    let mut world = World::new(snapshot(vec![server]));
    let first = world.spawned[0];
    world.ask("/mcp/time", "1", "tools/list", "");
    let modern = *world.spawned.last().unwrap();
    (world, first, modern)
}

#[test]
fn a_handshake_that_is_refused_after_the_era_is_known_goes_on_at_once() {
    let (mut world, first, modern) = discovered_first(ResponseMode::Auto);
    let hello = INITIALIZE.replace("{}", SAMPLING);
    let early = world.post("/mcp/time", None, &hello);
    let own = *world.spawned.last().unwrap();
    let id = world.id_of_last(modern, "server/discover");
    world.line(modern, &answer(&id, DISCOVERY));
    refuse(&mut world, own);
    let got = world.client(early);
    assert_eq!(got.status, 200, "{}", got.body);
    assert!(got.fields.contains_key("Mcp-Session-Id"));
    refuse(&mut world, first);
}

#[test]
fn a_handshake_begins_again_whatever_form_answers_have() {
    let (mut world, _, modern) = discovered_first(ResponseMode::Json);
    let early = world.post("/mcp/time", None, &INITIALIZE.replace("{}", SAMPLING));
    let own = *world.spawned.last().unwrap();
    refuse(&mut world, own);
    let id = world.id_of_last(modern, "server/discover");
    world.line(modern, &answer(&id, DISCOVERY));
    let got = world.client(early);
    assert_eq!(got.status, 200, "{}", got.body);
}

#[test]
fn a_call_that_waits_for_an_opening_goes_on_in_the_other_era_under_its_own_token() {
    let (mut world, first, modern) = discovered_first(ResponseMode::Auto);
    let call = r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"now","_meta":{"progressToken":"mine"}}}"#;
    let peer = world.post("/mcp/time", None, call);
    let id = world.id_of_last(modern, "server/discover");
    world.line(modern, &answer(&id, DISCOVERY));
    refuse(&mut world, first);
    let tools = world.id_of_last(modern, "tools/list");
    world.line(modern, &answer(&tools, TOOLS));
    let ours = world.id_of_last(modern, "tools/call");
    let progress = "notifications/progress";
    world.line(
        modern,
        &format!(
            r#"{{"jsonrpc":"2.0","method":"{progress}","params":{{"progressToken":{ours},"progress":1}}}}"#
        ),
    );
    let events = &world.client(peer).events;
    assert!(events.iter().any(|event| event.contains(r#""progressToken":"mine""#)), "{events:?}");
}

#[test]
fn a_modern_request_stays_one_when_its_legacy_backend_does_not_open() {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let peer = world.ask_as("/mcp/time", "3", "tools/call", NAMED, SAMPLING, LOGS);
    let (probe, _) = world.fetch_of("server/discover");
    world.fetch_failed(probe, FetchErrorKind::Connect, false);
    let (opening, id) = world.fetch_of("\"sampling\"");
    // Soon it is asked anew, and says no before it says what else it is.
    world.pass(Duration::from_secs(6));
    world.ask("/mcp/time", "4", "tools/list", "");
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{REFUSAL}}}"#);
    world.fetch_status(opening, 400, &text);
    assert_eq!(world.client(peer).status, 0, "{} {}", world.client(peer).body, world.notes());
    let (probe, id) = world.fetch_of("server/discover");
    world.fetch_json(probe, None, &answer(&id, DISCOVERY));
    let (call, id) = world.fetch_of("tools/call");
    let sent = world.request(call).clone();
    let body = String::from_utf8(sent.body.unwrap().to_message().to_vec()).unwrap();
    assert!(body.contains(SAMPLING) && body.contains(LOGS), "{body}");
    world.fetch_json(call, None, &answer(&id, r#"{"content":[]}"#));
    let got = &world.client(peer).body;
    assert!(got.contains(r#""resultType":"complete""#), "{got}");
}

// Checklist 102.
#[test]
fn the_end_of_a_subscription_that_was_replaced_refuses_nothing() {
    let (mut world, _, modern) = discovered_first(ResponseMode::Auto);
    let hello = world.post("/mcp/time", None, &INITIALIZE.replace("{}", SAMPLING));
    let own = *world.spawned.last().unwrap();
    refuse(&mut world, own);
    let id = world.id_of_last(modern, "server/discover");
    world.line(modern, &answer(&id, DISCOVERY));
    let session = world.client(hello).fields["Mcp-Session-Id"].clone();
    let subscribe = |uri: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":8,"method":"resources/subscribe","params":{{"uri":"{uri}"}}}}"#
        )
    };
    let acknowledge = |id: &str, uris: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}},"notifications":{{"resourceSubscriptions":[{uris}]}}}}}}"#
        )
    };
    let first = world.post("/mcp/time", Some(&session), &subscribe("a:"));
    let old = world.id_of_last(modern, "subscriptions/listen");
    world.line(modern, &acknowledge(&old, "\"a:\""));
    assert_eq!(world.client(first).status, 200);
    let second = world.post("/mcp/time", Some(&session), &subscribe("b:"));
    let new = world.id_of_last(modern, "subscriptions/listen");
    assert_ne!(old, new);
    world.line(modern, &answer(&old, r#"{"resultType":"complete"}"#));
    assert_eq!(world.client(second).status, 0, "{}", world.client(second).body);
    world.line(modern, &acknowledge(&new, "\"a:\",\"b:\""));
    assert!(world.client(second).body.contains(r#""result":{}"#), "{}", world.client(second).body);
}
