// SPDX-License-Identifier: MIT
//! Judged calls that end before their time: whoever leaves, and whenever, nothing is left of them.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use penstock::base::{Key, Limits};
use penstock::gateway::io::{ChildEnd, Input, Peer};
use penstock::gateway::snapshot::Snapshot;
use penstock::wire::http1::{Field, Method};

use crate::guarded::{NO_LABELS, One, call_is, guard, guarded, object, one, one_of, result, with};
use crate::world::stdio_server;

const OK: &str = r#"{"content":[{"type":"text","text":"fine"}]}"#;

/// Where a call is when something happens to it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// The guard labels it.
    Labelled,
    /// The guard asks its backend what it is about.
    Asking,
    /// At its backend.
    Sent,
    /// The guard labels its answer.
    Answered,
    /// The guard asks its backend about the answer.
    AskingAgain,
}

const STAGES: [Stage; 5] =
    [Stage::Labelled, Stage::Asking, Stage::Sent, Stage::Answered, Stage::AskingAgain];

const CALL: &str = r#""ask_call":1,"ask_answer":1"#;

/// Brings a call to a stage.
fn at(stage: Stage) -> (One, Key<Peer>) {
    let mut one = one(guard(NO_LABELS));
    let peer = bring(&mut one, stage);
    (one, peer)
}

fn bring(one: &mut One, stage: Stage) -> Key<Peer> {
    one.world.workers_rest = stage == Stage::Labelled;
    let peer = one.call("get", CALL);
    if stage == Stage::Labelled || stage == Stage::Asking {
        return peer;
    }
    one.answer("tools/call", OK);
    if stage == Stage::Sent {
        return peer;
    }
    one.world.workers_rest = stage == Stage::Answered;
    one.answer("tools/call", &result(r#""SECRET""#));
    peer
}

/// Workers bring back what they have, and the child what it owes.
fn come_back(one: &mut One) {
    one.world.workers_rest = false;
    one.world.pass(Duration::from_millis(1));
    let owed: Vec<_> = one.world.sent_to(one.child).iter().map(|text| (*text).to_owned()).collect();
    for text in owed.iter().filter(|text| text.contains("\"tools/call\"")) {
        let id = crate::world::id_in(text);
        let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{OK}}}"#);
        one.world.line(one.child, &line);
    }
}

/// The server goes on to serve.
fn serves(one: &mut One) {
    let got = one.exchange("get", "", OK);
    assert!(got.contains("fine"), "{got}");
    one.is_over();
}

#[test]
fn a_call_passes_all_stages() {
    let (mut one, peer) = at(Stage::AskingAgain);
    one.answer("tools/call", OK);
    assert!(one.got(peer).contains("SECRET"), "{}", one.got(peer));
    assert_eq!(one.n_calls(), 3);
    one.is_over();
}

#[test]
fn a_cancelled_call_is_over_at_every_stage() {
    for stage in STAGES {
        let (mut one, peer) = at(stage);
        one.post(
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        );
        let got = one.world.client(peer);
        assert_eq!((got.status, got.body.as_str()), (202, ""), "{stage:?}");
        let told = one.world.sent_to(one.child);
        let told = told.last().is_some_and(|text| text.contains("notifications/cancelled"));
        assert_eq!(told, matches!(stage, Stage::Asking | Stage::Sent | Stage::AskingAgain));
        come_back(&mut one);
        serves(&mut one);
    }
}

#[test]
fn time_runs_out_at_every_stage() {
    for stage in STAGES {
        let (mut one, peer) = at(stage);
        one.world.pass(Duration::from_secs(61));
        let got = one.got(peer);
        assert!(got.contains("context deadline exceeded"), "{stage:?}: {got}");
        assert!(!got.contains("SECRET"), "{got}");
        come_back(&mut one);
        serves(&mut one);
    }
}

#[test]
fn a_backend_that_dies_fails_the_call_at_every_stage_and_what_it_said_is_not_told() {
    for stage in STAGES {
        let (mut one, peer) = at(stage);
        let child = one.child;
        one.world.input(Input::Stderr { backend: child, line: "SECRET".into() });
        one.world.child_gone(child, ChildEnd::Exited(3));
        let got = one.got(peer);
        assert!(got.contains("-32001") && !got.contains("SECRET"), "{stage:?}: {got}");
        one.world.workers_rest = false;
        one.world.pass(Duration::from_millis(1));
        one.is_over();
    }
}

#[test]
fn a_session_that_ends_ends_its_calls_at_every_stage() {
    for stage in STAGES {
        let (mut one, peer) = at(stage);
        let session = one.session.clone();
        let fields = [(Field::McpSessionId, session.as_str())];
        one.world.head(Method::Delete, "/mcp/time", &fields);
        let got = one.got(peer);
        assert!(got.contains("error") && !got.contains("SECRET"), "{stage:?}: {got}");
        one.world.workers_rest = false;
        one.world.pass(Duration::from_secs(40));
        one.world.child_gone(one.child, ChildEnd::Exited(0));
        one.is_over();
    }
}

#[test]
fn a_client_that_leaves_can_come_back_for_a_judged_answer_or_not() {
    for stage in STAGES {
        let (mut one, peer) = at(stage);
        one.world.leave(peer);
        come_back(&mut one);
        come_back(&mut one);
        come_back(&mut one);
        one.world.pass(Duration::from_secs(61));
        one.is_over();
    }
}

#[test]
fn a_guard_that_traps_fails_its_call_alone() {
    let mut one = one(guard(NO_LABELS));
    let got = one.exchange("get", r#""trap_call":1"#, OK);
    let want = "guard labeling failed: resource labeling failed: WASM function call failed: wasm error: unreachable";
    assert!(got.contains(want), "{got}");
    assert!(got.contains(r#""rule":"guard.failed""#), "{got}");
    assert_eq!(one.n_calls(), 0);
    let got = one.exchange("get", r#""trap_answer":1"#, &result(r#""SECRET""#));
    assert!(got.contains("response labeling failed") && !got.contains("SECRET"), "{got}");
    serves(&mut one);
}

#[test]
fn a_guard_that_knows_no_labels_for_agents_fails_every_call() {
    let mut one = one(guard(r#"{"agent":{},"difc_mode":"no"}"#));
    for _ in 0..12 {
        let got = one.exchange("get", "", OK);
        assert!(got.contains("guard session initialization failed: LabelAgent failed"), "{got}");
    }
    assert_eq!(one.n_calls(), 0);
    one.is_over();
}

#[test]
fn a_guard_that_never_ends_is_stopped() {
    let mut one = one(guard(NO_LABELS));
    for args in [r#""loop_call":1"#, r#""loop_answer":1"#] {
        let got = one.exchange("get", args, &result(r#""SECRET""#));
        assert!(got.contains("guard used up its time") && !got.contains("SECRET"), "{got}");
    }
    serves(&mut one);
}

#[test]
fn a_guard_may_ask_fifty_times_and_no_more() {
    let mut one = one(guard(NO_LABELS));
    let peer = one.call("get", r#""ask_call":50"#);
    for _ in 0..50 {
        one.answer("tools/call", OK);
    }
    assert_eq!(one.n_calls(), 51);
    one.answer("tools/call", OK);
    assert!(one.got(peer).contains("fine"));
    let peer = one.call("get", r#""ask_call":51"#);
    for _ in 0..50 {
        one.answer("tools/call", OK);
    }
    let got = one.got(peer);
    assert!(got.contains("WASM function returned error code: -7"), "{got}");
    assert_eq!(one.n_calls(), 101);
    serves(&mut one);
}

#[test]
fn what_a_guard_learns_from_its_backend_counts_and_is_told_to_nobody() {
    let mut one = one(guard(NO_LABELS));
    let peer = one.call("get", r#""ask_call":1"#);
    let secret = object("it", "private:o", "");
    let looked = format!(
        r#"{{"content":[{{"type":"text","text":"LOOKED"}}],"say_looked":{{"resource":{secret},"operation":"read"}},"end":0}}"#
    );
    one.answer("tools/call", &looked);
    one.answer("tools/call", &result(r#""SECRET""#));
    let got = one.got(peer);
    assert!(got.contains("difc.read.secrecy"), "{got}");
    assert!(!got.contains("SECRET") && !got.contains("LOOKED"), "{got}");
    one.is_over();
}

#[test]
fn an_error_to_what_a_guard_asks_is_no_answer() {
    let mut one = one(guard(NO_LABELS));
    let peer = one.call("get", r#""ask_call":1"#);
    let id = one.world.id_of_last(one.child, "tools/call");
    let error = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":1,"message":"SECRET"}}}}"#);
    one.world.line(one.child, &error);
    let got = one.got(peer);
    assert!(got.contains("error code: -7") && !got.contains("SECRET"), "{got}");
    one.is_over();
}

#[test]
fn when_all_instances_are_at_work_calls_wait_for_their_turn() {
    let limits = Limits { guard_instances_max: 2, ..Limits::DEFAULT };
    let servers = vec![with(stdio_server("time"), guard(NO_LABELS))];
    let mut one = one_of(Snapshot { limits, ..guarded(servers) });
    let calls: Vec<_> =
        (1..=5).map(|id| one.post(&crate::guarded::body(id, "get", r#""ask_call":1"#))).collect();
    assert_eq!(one.n_calls(), 2, "the others wait");
    // One that waits is cancelled, one at work too.
    for id in [1, 3] {
        one.post(&format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        ));
    }
    for _ in 0..3 {
        come_back(&mut one);
    }
    for (at, peer) in calls.iter().enumerate() {
        let got = one.world.client(*peer);
        match at {
            0 | 2 => assert_eq!(got.status, 202),
            _ => assert!(one.got(*peer).contains("fine"), "{at}"),
        }
    }
    serves(&mut one);
}

#[test]
fn only_so_many_calls_are_judged_at_once() {
    let limits = Limits { guard_jobs_max: 2, ..Limits::DEFAULT };
    let servers = vec![with(stdio_server("time"), guard(NO_LABELS))];
    let mut one = one_of(Snapshot { limits, ..guarded(servers) });
    for id in 1..=2 {
        one.post(&crate::guarded::body(id, "get", ""));
    }
    let peer = one.post(&crate::guarded::body(3, "get", ""));
    let got = one.got(peer);
    assert!(got.contains(r#""rule":"guard.busy""#), "{got}");
    come_back(&mut one);
    serves(&mut one);
}

#[test]
fn errors_of_the_backend_are_judged_like_answers() {
    let mut one = one(guard(NO_LABELS));
    for (args, is_told) in [("", true), (&*call_is("read", &object("x", "s", "")), false)] {
        let peer = one.call("get", args);
        let id = one.world.id_of_last(one.child, "tools/call");
        let error =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-5,"message":"WHY"}}}}"#);
        one.world.line(one.child, &error);
        assert_eq!(one.got(peer).contains("WHY"), is_told, "{}", one.got(peer));
        let failed = r#"{"content":[{"type":"text","text":"WHY"}],"isError":true}"#;
        let got = one.exchange("get", args, failed);
        assert_eq!(got.contains("WHY"), is_told, "{got}");
        assert_eq!(got.contains("isError"), is_told, "{got}");
    }
    one.is_over();
}

#[test]
fn who_may_write_and_not_read_is_told_that_it_was_written() {
    let mut one = one(guard(&crate::guarded::agent("", "i", Default::default())));
    let got =
        one.exchange("put", &call_is("write", &object("x", "s", "i")), &result(r#""SECRET""#));
    assert!(got.contains("[Filtered] The call was made."), "{got}");
    assert!(!got.contains("SECRET"), "{got}");
    one.is_over();
}
