// SPDX-License-Identifier: MIT
//! Shutting down: running calls finish, streams end, children leave.

use std::time::Duration;

use penstock::gateway::io::{ChildEnd, Input};
use penstock::wire::http1::Method;

use crate::calls::CALL;
use crate::world::World;

// Checklist 132.
#[test]
fn running_calls_finish_and_new_ones_are_refused() {
    let (mut world, first) = World::with_child();
    let (session, child) = world.session();
    let running = world.post("/mcp/time", Some(&session), CALL);
    let listener = world.get("/mcp/time", &session, None);
    let deadline = world.now.mono + Duration::from_secs(5);
    world.input(Input::Drain { deadline, why: "SIGTERM" });
    assert!(!world.listening);
    let refused = world.post("/mcp/time", Some(&session), CALL);
    assert_eq!(world.client(refused).status, 503);
    assert_eq!(world.client(refused).body, r#"{"error":"Gateway is shutting down"}"#);
    assert!(!world.client(listener).finished);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    assert_eq!(world.client(running).status, 200);
    assert!(world.client(listener).finished);
    assert_eq!(world.stopped.len(), 2);
    world.child_gone(child, ChildEnd::Exited(0));
    assert!(!world.exited);
    world.child_gone(first, ChildEnd::Killed(15));
    assert!(world.exited);
}

// Checklist 132.
#[test]
fn the_deadline_ends_what_does_not_finish() {
    let (mut world, _) = World::with_child();
    let (session, _) = world.session();
    let running = world.post("/mcp/time", Some(&session), CALL);
    let deadline = world.now.mono + Duration::from_secs(5);
    world.input(Input::Drain { deadline, why: "SIGTERM" });
    world.pass(Duration::from_secs(5));
    let got = world.client(running);
    assert!(got.finished && got.body.contains("error"), "{}", got.body);
    assert_eq!(world.stopped.len(), 2);
}

#[test]
fn close_answers_once_and_then_is_gone() {
    let (mut world, first) = World::with_child();
    let peer = world.head(Method::Get, "/close", &[]);
    assert_eq!(world.client(peer).status, 405);
    let (session, _) = world.session();
    world.post("/mcp/time", Some(&session), CALL);
    let peer = world.head(Method::Post, "/close", &[]);
    let want =
        r#"{"status":"closed","message":"Gateway shutdown initiated","serversTerminated":2}"#;
    assert_eq!(world.client(peer).body, want);
    let peer = world.head(Method::Post, "/close", &[]);
    assert_eq!(world.client(peer).status, 410);
    assert_eq!(world.client(peer).body, r#"{"error":"Gateway has already been closed"}"#);
    let _ = first;
}

#[test]
fn halt_skips_the_waits() {
    let (mut world, child) = World::with_child();
    world.input(Input::Halt);
    assert_eq!(world.stopped.last(), Some(&(child, true)));
    world.child_gone(child, ChildEnd::Killed(9));
    assert!(world.exited);
}
