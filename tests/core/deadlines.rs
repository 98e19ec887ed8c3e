// SPDX-License-Identifier: MIT
//! Deadlines: progress keeps a call alive, up to a bound, and silence ends it.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, FetchContent, Peer};
use penstock::gateway::patience::Patience;
use penstock::gateway::snapshot::Server;

use crate::world::{World, http_server, snapshot, stdio_server};

const SECOND: Duration = Duration::from_secs(1);

/// A session of a server that is set up like this, and its child.
fn session_of(change: impl FnOnce(&mut Server)) -> (World, String, Key<Backend>) {
    let mut server = stdio_server("time");
    change(&mut server);
    let mut world = World::new(snapshot(vec![server]));
    world.open_child(world.spawned[0]);
    let (session, child) = world.session();
    (world, session, child)
}

fn bounded(whole: u64, tools: &[(&str, u64)]) -> Patience {
    let row = |(name, s): &(&str, u64)| (Box::from(*name), SECOND * u32::try_from(*s).unwrap());
    Patience::new(Some(Duration::from_secs(whole)), tools.iter().map(row).collect())
}

fn call(world: &mut World, session: &str, id: u32, tool: &str) -> Key<Peer> {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","_meta":{{"progressToken":"t{id}"}}}}}}"#
    );
    world.post("/mcp/time", Some(session), &body)
}

fn progress(id: u32, n: u64) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":"t{id}","progress":{n}}}}}"#
    )
}

fn last_of(world: &World, peer: Key<Peer>) -> String {
    let got = world.client(peer);
    got.events.last().cloned().unwrap_or_else(|| got.body.clone())
}

#[test]
fn progress_every_second_for_longer_than_the_timeout_keeps_a_call() {
    let (mut world, session, child) = session_of(|_| {});
    let peer = call(&mut world, &session, 1, "build");
    let id = world.id_of_last(child, "tools/call");
    for n in 0..90 {
        world.pass(SECOND);
        world.line(child, &progress(1, n));
    }
    world.pass(SECOND * 59);
    assert!(!world.client(peer).finished);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"ok":1}}}}"#));
    assert!(last_of(&world, peer).contains(r#""result":{"ok":1}"#));
    assert_eq!(
        world.client(peer).events.iter().filter(|e| e.contains("progressToken")).count(),
        90
    );
    assert!(!world.sent_to(child).iter().any(|line| line.contains("cancelled")));
    assert!(world.gateway.is_quiet());
}

#[test]
fn after_its_last_progress_a_call_gets_the_timeout_once_more_and_not_longer() {
    let (mut world, session, child) = session_of(|_| {});
    let peer = call(&mut world, &session, 1, "build");
    world.pass(SECOND * 50);
    world.line(child, &progress(1, 1));
    world.pass(SECOND * 59);
    assert!(!world.client(peer).finished);
    world.pass(SECOND);
    let last = last_of(&world, peer);
    assert!(last.contains("no answer to tools/call and no further progress within 60s"), "{last}");
    assert!(last.contains("servers.time.tool_timeout is the limit"), "{last}");
    assert!(world.sent_to(child).last().unwrap().contains("notifications/cancelled"));
    assert!(world.gateway.is_quiet());
}

#[test]
fn no_progress_goes_beyond_the_bound() {
    let (mut world, session, child) = session_of(|server| server.patience = bounded(100, &[]));
    let peer = call(&mut world, &session, 1, "build");
    for n in 0..99 {
        world.pass(SECOND);
        world.line(child, &progress(1, n));
        assert!(!world.client(peer).finished, "{n}");
    }
    world.pass(SECOND);
    let last = last_of(&world, peer);
    assert!(last.contains("no answer to tools/call within 100s, whatever its progress"));
    assert!(last.contains("servers.time.tool_timeout_max is the limit"), "{last}");
    assert!(world.sent_to(child).last().unwrap().contains("notifications/cancelled"));
}

#[test]
fn a_call_without_progress_times_out_beside_one_that_has_some() {
    let (mut world, session, child) = session_of(|_| {});
    let (other_session, other_child) = world.session();
    let busy = call(&mut world, &session, 1, "build");
    let mute = call(&mut world, &session, 2, "build");
    world.pass(SECOND * 30);
    let other = call(&mut world, &other_session, 1, "build");
    world.line(child, &progress(1, 1));
    world.pass(SECOND * 30);
    assert!(last_of(&world, mute).contains("no answer to tools/call within 60s"));
    assert!(!world.client(busy).finished && !world.client(other).finished);
    let cancelled: Vec<_> =
        world.sent.iter().filter(|(_, line)| line.contains("notifications/cancelled")).collect();
    assert_eq!((cancelled.len(), cancelled[0].0), (1, child));
    assert_ne!(child, other_child);
    // Progress of one session is not progress of another one with the same token.
    world.pass(SECOND * 29);
    world.line(child, &progress(1, 2));
    world.pass(SECOND);
    assert!(last_of(&world, other).contains("no answer"));
    assert!(!world.client(busy).finished);
}

#[test]
fn what_is_no_progress_of_this_call_does_not_keep_it() {
    let (mut world, session, child) = session_of(|_| {});
    let peer = call(&mut world, &session, 1, "build");
    world.pass(SECOND * 59);
    world.line(child, &progress(7, 1));
    let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info"}}"#;
    world.line(child, log);
    world.pass(SECOND);
    assert!(last_of(&world, peer).contains("no answer"));
}

#[test]
fn tools_have_timeouts_of_their_own() {
    let rows = [("slow_*", 300), ("slow_\u{e9}", 200)];
    let (mut world, session, _) = session_of(|server| server.patience = bounded(600, &rows));
    let quick = call(&mut world, &session, 1, "quick");
    let pattern = call(&mut world, &session, 2, "slow_build");
    let named = call(&mut world, &session, 3, "slow_\\u00e9");
    world.pass(SECOND * 60);
    assert!(last_of(&world, quick).contains("servers.time.tool_timeout is the limit"));
    world.pass(SECOND * 140);
    let last = last_of(&world, named);
    assert!(last.contains("200s") && last.contains("servers.time.tool_timeouts"), "{last}");
    assert!(!world.client(pattern).finished);
    world.pass(SECOND * 100);
    let last = last_of(&world, pattern);
    assert!(last.contains(r#"servers.time.tool_timeouts.\"slow_*\" is the limit"#), "{last}");
}

#[test]
fn a_bound_below_the_timeout_is_the_timeout() {
    let (mut world, session, _) = session_of(|server| server.patience = bounded(20, &[]));
    let peer = call(&mut world, &session, 1, "build");
    world.pass(SECOND * 20);
    let last = last_of(&world, peer);
    assert!(last.contains("20s") && last.contains("tool_timeout_max is the limit"), "{last}");
}

#[test]
fn without_a_word_about_it_the_bound_is_six_hours_or_the_timeout_if_that_is_longer() {
    let mut server = stdio_server("time");
    assert_eq!(server.time_limit(None).whole, SECOND * 6 * 3600);
    server.tool_timeout = SECOND * 86_400;
    assert_eq!(server.time_limit(None).whole, SECOND * 86_400);
    assert_eq!(server.time_limit(None).silence, SECOND * 86_400);
}

#[test]
fn progress_over_http_counts_as_well() {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let (fetch, id) = world.fetch_of("initialize");
    let hello = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#, crate::world::HANDSHAKE);
    world.fetch_json(fetch, Some("s"), &hello);
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_json(fetch, None, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    let peer = world.post("/mcp/time", None, crate::world::INITIALIZE);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let peer = call(&mut world, &session, 1, "build");
    let (fetch, _) = world.fetch_of("tools/call");
    world.fetch_head(fetch, 200, FetchContent::Events, None);
    for n in 0..10 {
        world.pass(SECOND * 20);
        world.fetch_message(fetch, None, &progress(1, n));
    }
    assert!(!world.client(peer).finished);
    world.pass(SECOND * 60);
    assert!(last_of(&world, peer).contains("no further progress"));
    assert!(world.cancelled.contains(&fetch));
}
