// SPDX-License-Identifier: MIT
//! Answers that are event streams.

use penstock::base::Limits;
use penstock::link::http_server::{Status, Violation};

use super::script::Script;

const GET: &str = "GET /a HTTP/1.1\nHost: x\n\n";
const HEAD: &str = "HTTP/1.1 200 OK\nContent-Type: text/event-stream\n\
                    Cache-Control: no-cache, no-transform\nX-Accel-Buffering: no\n";

#[test]
fn each_event_is_one_chunk_and_the_connection_persists() {
    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    script.open_stream();
    script.expect(&format!("{HEAD}Transfer-Encoding: chunked\n\n"));
    script.link.send_event(Some("7"), Some(1500), None, script.now);
    script.expect("1a\nid: 7\nretry: 1500\ndata: \n\n\n");
    script.send_event("{\"a\":1}");
    script.expect("1e\nevent: message\ndata: {\"a\":1}\n\n\n");
    script.link.send_comment(script.now);
    script.expect("3\n:\n\n\n");
    script.send(GET);
    script.expect_nothing();
    script.finish();
    script.expect("0\n\n");
    script.expect_head("Get /a");
}

#[test]
fn old_clients_get_a_stream_without_chunks() {
    let mut script = Script::new();
    script.send("GET / HTTP/1.0\nConnection: keep-alive\n\n");
    script.expect_head("Get /");
    script.open_stream();
    script.expect(&format!("{HEAD}Connection: close\n\n"));
    script.send_event("1");
    script.expect("event: message\ndata: 1\n\n");
    script.expect_status(Status::Open);
    script.finish();
    script.expect_nothing();
    script.expect_status(Status::ShutdownWrite);
}

#[test]
fn a_head_request_gets_the_head_of_a_stream() {
    let mut script = Script::new();
    script.send("HEAD / HTTP/1.1\nHost: x\n\n");
    script.expect_head("Head /");
    script.open_stream();
    script.send_event("1");
    script.link.send_comment(script.now);
    script.finish();
    script.expect(&format!("{HEAD}Transfer-Encoding: chunked\n\n"));
    script.expect_status(Status::Open);
}

#[test]
fn a_stream_before_the_body_is_read_ends_the_connection() {
    let mut script = Script::new();
    script.send("POST / HTTP/1.1\nHost: x\nContent-Length: 4\n\nbody");
    script.expect_head("Post /");
    script.open_stream();
    script.expect(&format!("{HEAD}Transfer-Encoding: chunked\nConnection: close\n\n"));
    script.finish();
    script.expect("0\n\n");
    script.expect_status(Status::ShutdownWrite);
}

#[test]
fn a_draining_link_closes_after_its_stream() {
    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    script.open_stream();
    script.link.stop_accepting();
    script.send_event("1");
    script.finish();
    assert!(script.write().ends_with(b"0\r\n\r\n"));
    script.expect_status(Status::ShutdownWrite);
}

#[test]
fn a_half_closed_peer_gets_its_stream_to_the_end() {
    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    script.open_stream();
    script.end();
    script.send_event("1");
    script.expect_status(Status::Open);
    script.finish();
    script.expect_status(Status::Closed);
    assert!(script.write().ends_with(b"0\r\n\r\n"));
}

#[test]
fn a_client_that_is_owed_too_much_is_closed() {
    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    script.open_stream();
    let text = "x".repeat(1000);
    for _ in 0..3 {
        script.send_event(&text);
        script.expect_status(Status::Open);
    }
    script.send_event(&text);
    script.expect_violation(Violation::TooSlow);
    script.expect_status(Status::Closed);
    script.send_event(&text);
    script.finish();
    script.expect_nothing();
}

#[test]
fn one_long_answer_is_not_too_much() {
    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    script.open_stream();
    script.write();
    let text = "x".repeat(Limits::TEST_MIN.outbox_bytes_max + 1);
    script.send_event(&text);
    script.expect_status(Status::Open);
}

#[test]
fn events_without_a_stream_have_no_effect() {
    let mut script = Script::new();
    script.send_event("1");
    script.finish();
    script.open_stream();
    script.respond("{}");
    script.receive();
    script.expect_nothing();
    script.send(GET);
    script.expect_head("Get /a");
    script.send_event("1");
    script.finish();
    script.expect_nothing();
}
