// SPDX-License-Identifier: MIT
//! Patience and its end.

use penstock::base::Limits;
use penstock::link::http_server::{REST_AFTER, Status, Violation};

use super::script::{Script, ok, refusal};

const GET: &str = "GET /a HTTP/1.1\nHost: x\n\n";

#[test]
fn a_silent_connection_is_closed_silently() {
    let mut script = Script::new();
    script.wait(2999);
    script.expect_status(Status::Open);
    script.wait(1);
    script.expect_nothing();
    script.expect_status(Status::Closed);
}

#[test]
fn an_idle_connection_is_closed_silently() {
    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    script.respond("{}");
    script.wait(2000);
    // Idleness begins when the answer has left.
    script.expect(&(ok(2) + "{}"));
    script.wait(4999);
    script.expect_status(Status::Open);
    script.wait(1);
    script.expect_nothing();
    script.expect_status(Status::Closed);
}

#[test]
fn an_idle_connection_rests_before_it_is_closed() {
    let mut script = Script::with(Limits::DEFAULT);
    let ask = |script: &mut Script| {
        script.send(GET);
        script.expect_head("Get /a");
        script.respond("{}");
        script.expect(&(ok(2) + "{}"));
    };
    let patience = Limits::DEFAULT.keep_alive_max;
    for _ in 0..3 {
        ask(&mut script);
        assert_eq!(script.link.deadline(), Some(script.now.mono + patience), "it keeps nothing");
    }
    ask(&mut script);
    let closes_at = script.now.mono + patience;
    assert_eq!(script.link.deadline(), Some(script.now.mono + REST_AFTER));
    script.wait(5000);
    script.expect_status(Status::Open);
    assert_eq!(script.link.deadline(), Some(closes_at), "it has nothing more to give up");
    ask(&mut script);
    assert_eq!(script.link.deadline(), Some(script.now.mono + patience));
}

#[test]
fn an_empty_line_is_no_request() {
    let mut script = Script::new();
    script.send("\n");
    script.wait(3000);
    script.expect_nothing();
    script.expect_status(Status::Closed);
}

// Checklist 131.
#[test]
fn a_head_has_its_time_from_the_first_byte() {
    let mut script = Script::new();
    script.wait(2900);
    script.send("G");
    script.wait(1000);
    script.send("ET / HTTP/1.1\n");
    script.wait(999);
    script.expect_nothing();
    script.wait(1);
    let message = "the request head did not come in time";
    script.expect(&refusal("408 Request Timeout", "request_timeout", message));
    script.expect_violation(Violation::HeadTimedOut);
    script.expect_status(Status::ShutdownWrite);
}

#[test]
fn a_pipelined_head_has_its_time_from_its_turn() {
    let mut script = Script::new();
    script.send(&format!("{GET}GET"));
    script.expect_head("Get /a");
    script.wait(60_000);
    script.respond("{}");
    script.expect(&(ok(2) + "{}"));
    script.wait(1999);
    script.expect_nothing();
    script.wait(1);
    script.expect_violation(Violation::HeadTimedOut);
}

// Checklist 131.
#[test]
fn a_body_may_be_slow_but_not_stand_still() {
    let mut script = Script::new();
    script.send("POST / HTTP/1.1\nHost: x\nContent-Length: 9\n\n");
    script.expect_head("Post /");
    script.wait(60_000);
    script.receive();
    for _ in 0..4 {
        script.wait(2999);
        script.send("x");
    }
    script.wait(2999);
    script.expect_nothing();
    script.wait(1);
    let message = "the request body did not come in time";
    script.expect(&refusal("408 Request Timeout", "request_timeout", message));
    script.expect_violation(Violation::BodyTimedOut);
}

#[test]
fn a_dropped_body_that_stands_still_ends_the_connection() {
    let mut script = Script::new();
    script.send("POST / HTTP/1.1\nHost: x\nContent-Length: 9\n\n");
    script.expect_head("Post /");
    script.respond("{}");
    script.write();
    script.wait(3000);
    script.expect_nothing();
    script.expect_status(Status::ShutdownWrite);
}

#[test]
fn the_gateway_may_take_its_time() {
    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    assert_eq!(script.link.deadline(), None);
    script.receive();
    script.expect_body("");
    assert_eq!(script.link.deadline(), None);
    script.open_stream();
    script.write();
    assert_eq!(script.link.deadline(), None);
}

#[test]
fn after_the_last_answer_the_peer_has_a_moment_to_close() {
    let mut script = Script::new();
    script.send("BAD\n\n");
    script.expect_violation(Violation::Head(penstock::wire::http1::head::HeadError::RequestLine));
    script.wait(3000);
    script.expect_status(Status::ShutdownWrite);
    script.write();
    script.wait(1999);
    script.expect_status(Status::ShutdownWrite);
    script.wait(1);
    script.expect_status(Status::Closed);
    assert_eq!(script.link.deadline(), None);
}

#[test]
fn a_client_that_takes_nothing_is_closed() {
    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    script.open_stream();
    script.send_event("1");
    script.wait(5999);
    script.link.wrote(1, script.now);
    script.wait(5999);
    script.send_event("2");
    script.expect_status(Status::Open);
    script.wait(1);
    script.expect_violation(Violation::WriteStalled);
    script.expect_nothing();
    script.expect_status(Status::Closed);
}

#[test]
fn a_stall_begins_when_something_is_owed() {
    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    script.wait(60_000);
    script.open_stream();
    script.wait(5999);
    script.expect_status(Status::Open);
}

#[test]
fn a_refusal_that_nobody_reads_does_not_hold_the_connection() {
    let mut script = Script::with(Limits::TEST_MIN);
    script.send("BAD\n\n");
    assert!(script.link.poll_event().is_some());
    script.wait(6000);
    script.expect_violation(Violation::WriteStalled);
    script.expect_nothing();
    script.expect_status(Status::Closed);
}
