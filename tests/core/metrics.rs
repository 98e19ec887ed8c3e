// SPDX-License-Identifier: MIT
//! Who may read what was counted, and how requests are told to have ended.

use std::time::Duration;

use penstock::gateway::io::{CallEnd, EventKind};
use penstock::gateway::snapshot::Snapshot;
use penstock::policy::guard::Mode;
use penstock::wire::http1::{Field, Method};

use crate::calls::CALL;
use crate::guarded::{agent, call_is, guard, items_are, object, one, result};
use crate::world::{World, snapshot, stdio_server, with_key};

#[test]
fn metrics_tell_which_servers_are_up() {
    let mut world = World::new(snapshot(vec![stdio_server("a"), stdio_server("b")]));
    world.open_child(world.spawned[1]);
    for method in [Method::Get, Method::Head] {
        let peer = world.head(method, "/metrics", &[]);
        assert_eq!(world.client(peer).body, "up: [false, true]");
    }
}

#[track_caller]
fn check(snapshot: Snapshot, method: Method, fields: &[(Field, &str)], status: u16) {
    let mut world = World::new(snapshot);
    let peer = world.head(method, "/metrics", fields);
    assert_eq!(world.client(peer).status, status, "{}", world.client(peer).body);
}

#[test]
fn metrics_need_a_key_where_there_is_one_and_the_right_door() {
    let plain = || snapshot(vec![stdio_server("a")]);
    let keyed = || with_key(plain(), &["alpha-key"]);
    check(plain(), Method::Get, &[], 200);
    check(plain(), Method::Post, &[], 405);
    check(plain(), Method::Get, &[(Field::Origin, "http://evil.example")], 403);
    check(keyed(), Method::Get, &[], 401);
    check(keyed(), Method::Get, &[(Field::Authorization, "beta-key")], 401);
    check(keyed(), Method::Get, &[(Field::Authorization, "Bearer alpha-key")], 200);
}

#[test]
fn metrics_that_are_not_wanted_are_not_there() {
    let off = Snapshot { metrics: false, ..snapshot(vec![stdio_server("a")]) };
    check(with_key(off.clone(), &["alpha-key"]), Method::Get, &[], 404);
    check(off, Method::Get, &[], 404);
}

/// The ends that were told: with the answer of a tool, or alone.
fn ends(world: &World) -> Vec<(CallEnd, bool)> {
    let end = |kind: &EventKind| match kind {
        EventKind::RpcIn { end, tool: Some(_), .. } => Some((*end, true)),
        EventKind::Ended { end, is_call } => Some((*end, *is_call)),
        _ => None,
    };
    world.events.iter().filter_map(|event| end(&event.kind)).collect()
}

fn call(world: &mut World, session: &str) {
    world.post("/mcp/time", Some(session), CALL);
}

#[test]
fn a_call_ends_as_its_answer_says() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    for (answer, want) in
        [("\"result\":{}", CallEnd::Ok), (r#""error":{"code":1,"message":"no"}"#, CallEnd::Error)]
    {
        call(&mut world, &session);
        let id = world.id_of_last(child, "tools/call");
        world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},{answer}}}"#));
        assert_eq!(ends(&world).last(), Some(&(want, true)));
    }
    call(&mut world, &session);
    world.pass(Duration::from_secs(61));
    assert_eq!(ends(&world).last(), Some(&(CallEnd::TimedOut, true)));
    assert_eq!(ends(&world).len(), 3);
}

#[test]
fn a_call_that_is_given_up_ends_once() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    call(&mut world, &session);
    let notice = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    world.post("/mcp/time", Some(&session), notice);
    assert!(ends(&world).is_empty(), "its answer may still come");
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    assert_eq!(ends(&world), [(CallEnd::Cancelled, true)]);
    call(&mut world, &session);
    world.head(Method::Delete, "/mcp/time", &[(Field::McpSessionId, session.as_str())]);
    assert_eq!(ends(&world), [(CallEnd::Cancelled, true), (CallEnd::Cancelled, true)]);
}

#[test]
fn a_denial_is_a_call_of_its_own_only_if_it_was_not_sent() {
    let mut before = one(guard(&agent("private:o", "", Mode::Filter)));
    before.exchange("create", &call_is("write", &object("issue", "", "")), "{}");
    assert_eq!((before.n_calls(), ends(&before.world)), (0, vec![(CallEnd::Denied, true)]));
    let mut after = one(guard(&agent("", "ok", Mode::Strict)));
    let items = items_are(&[object("one", "", "ok"), object("two", "", "")]);
    let args = format!("{},{items}", call_is("read", &object("list", "", "")));
    after.exchange("list_things", &args, &result(r#"["good","bad"]"#));
    assert_eq!(ends(&after.world), [(CallEnd::Ok, true), (CallEnd::Denied, false)]);
}
