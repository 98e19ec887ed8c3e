// SPDX-License-Identifier: MIT
//! Several servers as one, of which some are guarded.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use penstock::base::Key;
use penstock::gateway::io::Backend;

use crate::guarded::{
    agent, call_is, got, guard, guarded, is_over, items_are, noop, object, result, with, world,
};
use crate::unified::{ALL, answer, ask, open, session, stdio_server};
use crate::world::World;
use penstock::policy::guard::Mode;

const OK: &str = r#"{"content":[{"type":"text","text":"fine"}]}"#;

/// A guarded server `safe` beside a plain one, `web`; their children and a session at both.
fn two(watch: penstock::gateway::snapshot::Watch) -> (World, Key<Backend>, Key<Backend>, String) {
    let servers = vec![with(stdio_server("safe"), watch), with(stdio_server("web"), noop())];
    let mut world = world(guarded(servers));
    let (safe, web) = (world.spawned[0], world.spawned[1]);
    open(&mut world, safe, ALL);
    open(&mut world, web, ALL);
    let session = session(&mut world);
    world.sent.clear();
    (world, safe, web, session)
}

fn call(name: &str, args: &str) -> String {
    format!(r#""name":"{name}","arguments":{{{args}}}"#)
}

#[test]
fn a_tool_of_a_guarded_member_is_judged_and_the_others_are_closed_to_whoever_is_tainted() {
    let (mut world, safe, web, session) = two(guard(&agent("", "", Mode::Propagate)));
    let peer = ask(&mut world, &session, "tools/call", &call("web___put", ""));
    answer(&mut world, web, "tools/call", OK);
    assert!(got(&world, peer).contains("fine"));
    let args = items_are(&[object("x", "s", "")]);
    let peer = ask(&mut world, &session, "tools/call", &call("safe___list", &args));
    answer(&mut world, safe, "tools/call", &result(r#"["read"]"#));
    assert!(got(&world, peer).contains("read"));
    let n = world.sent_to(web).len();
    let peer = ask(&mut world, &session, "tools/call", &call("web___put", ""));
    assert!(got(&world, peer).contains("difc.write.secrecy"), "{}", got(&world, peer));
    assert_eq!(world.sent_to(web).len(), n);
    is_over(&world);
}

#[test]
fn a_search_for_a_resource_shows_nothing_that_the_guard_would_withhold() {
    let (mut world, safe, web, session) = two(guard(&agent("", "", Mode::Filter)));
    let uri = format!(r#""uri":"x:y",{}"#, call_is("read", &object("x", "s", "")));
    let peer = ask(&mut world, &session, "resources/read", &uri);
    answer(&mut world, safe, "resources/read", r#"{"contents":[{"uri":"x:y","text":"SECRET"}]}"#);
    if world.sent_to(web).iter().any(|text| text.contains("resources/read")) {
        crate::unified::fail(&mut world, web, "resources/read", -32002);
    }
    assert!(!got(&world, peer).contains("SECRET"), "{}", got(&world, peer));
    is_over(&world);
}

#[test]
fn a_list_of_resources_lacks_those_of_a_server_whose_list_may_not_be_read() {
    let (mut world, safe, web, session) = two(guard(&agent("", "i", Mode::Filter)));
    // Nobody has been given labels before the guard is asked for the first time.
    let peer = ask(&mut world, &session, "resources/list", "");
    if world.sent_to(web).iter().any(|text| text.contains("resources/list")) {
        answer(&mut world, web, "resources/list", r#"{"resources":[{"uri":"w:1","name":"w"}]}"#);
    }
    answer(&mut world, safe, "resources/list", r#"{"resources":[{"uri":"s:1","name":"SECRET"}]}"#);
    let got = got(&world, peer);
    assert!(!got.contains("SECRET"), "{got}");
    is_over(&world);
}

#[test]
fn lists_of_tools_of_guarded_and_plain_members_are_joined() {
    let (mut world, safe, web, session) = two(guard(&agent("s", "i", Mode::Filter)));
    let peer = ask(&mut world, &session, "tools/list", "");
    for child in [safe, web] {
        if world.sent_to(child).iter().any(|text| text.contains("tools/list")) {
            answer(&mut world, child, "tools/list", r#"{"tools":[{"name":"x"}]}"#);
        }
    }
    let got = got(&world, peer);
    assert!(got.contains("safe___x") && got.contains("web___x"), "{got}");
    is_over(&world);
}

#[test]
fn a_cancelled_call_at_a_guarded_member_is_over() {
    let (mut world, safe, _, session) = two(guard(&agent("", "", Mode::Filter)));
    for rests in [true, false] {
        world.workers_rest = rests;
        let peer = ask(&mut world, &session, "tools/call", &call("safe___get", r#""ask_call":1"#));
        let cancel =
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"q"}}"#;
        world.post("/mcp", Some(&session), cancel);
        assert_eq!(world.client(peer).status, 202);
        world.workers_rest = false;
        world.pass(std::time::Duration::from_millis(1));
        if world.sent_to(safe).iter().any(|text| text.contains("look")) {
            answer(&mut world, safe, "tools/call", OK);
        }
        is_over(&world);
    }
}
