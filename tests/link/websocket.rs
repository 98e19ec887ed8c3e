// SPDX-License-Identifier: MIT
//! Connections that become WebSockets.

use penstock::base::Limits;
use penstock::link::http_server::{ServerEvent, Status, Violation};
use penstock::wire::http1::{Content, ResponseHead};
use penstock::wire::websocket::FrameError;

use super::script::{Script, refusal, splice};

const GET: &str = "GET /ws/a HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: websocket\n\n";
const BYTES_MAX: usize = 300;

fn upgrade(script: &mut Script) {
    let head = ResponseHead::new(101, Content::None)
        .with("Connection", "Upgrade")
        .with("Upgrade", "websocket");
    script.link.upgrade(&head, BYTES_MAX, script.now);
}

/// A connection that has just become one.
fn upgraded(limits: Limits) -> Script {
    let mut script = Script::with(limits);
    script.send(GET);
    script.expect_head("Get /ws/a");
    upgrade(&mut script);
    script.expect("HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\n\n");
    script
}

/// A short frame of a client, masked with zeros, which are as good as any.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let head = [first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    [&head[..], payload].concat()
}

#[track_caller]
fn expect_text(script: &mut Script, want: &str) {
    match script.link.poll_event() {
        Some(ServerEvent::Frame(text)) => assert_eq!(String::from_utf8_lossy(&text), want),
        other => panic!("{want:?} expected, got {other:?}"),
    }
}

#[test]
fn frames_are_messages_both_ways() {
    let mut script = upgraded(Limits::TEST_MIN);
    let input = [frame(0x81, b"{\"a\":1}"), frame(0x01, b"[2"), frame(0x80, b"]")].concat();
    for byte in &input {
        script.send_raw(&[*byte]);
    }
    expect_text(&mut script, "{\"a\":1}");
    expect_text(&mut script, "[2]");
    script.expect_nothing();
    script.send_event("{\n}");
    assert_eq!(script.write(), b"\x81\x03{\n}");
    script.expect_status(Status::Open);
}

#[test]
fn frames_may_come_with_the_head() {
    let mut script = Script::new();
    let head = GET.replace('\n', "\r\n").into_bytes();
    script.send_raw(&[head, frame(0x81, b"1"), frame(0x81, b"2")].concat());
    script.expect_head("Get /ws/a");
    script.expect_nothing();
    upgrade(&mut script);
    expect_text(&mut script, "1");
    expect_text(&mut script, "2");
}

#[test]
fn an_upgrade_with_a_body_or_in_old_http_is_refused() {
    let refused =
        refusal("400 Bad Request", "bad_request", "an upgrade takes HTTP/1.1 and no body");
    for request in
        ["GET /ws/a HTTP/1.1\nHost: x\nContent-Length: 1\n\n", "GET /ws/a HTTP/1.0\nHost: x\n\n"]
    {
        let mut script = Script::new();
        script.send(request);
        script.expect_head("Get /ws/a");
        upgrade(&mut script);
        script.expect(&refused);
        script.expect_violation(Violation::Upgrade);
    }
}

#[test]
fn rare_fields_are_found_in_the_head() {
    let mut script = Script::new();
    script.send(
        "GET http://x/a:b HTTP/1.1\nHost: x\nx-rare: 1\nX-RARE:\t2 \nX-Rarer: 3\nA: x-rare: 4\n\n",
    );
    let head = script.expect_head("Get /a:b");
    assert_eq!(head.values("X-Rare").collect::<Vec<_>>(), [b"1", b"2"]);
    assert_eq!(head.values("x-rarest").count(), 0);
}

#[test]
fn a_ping_is_answered_with_its_bytes() {
    let mut script = upgraded(Limits::TEST_MIN);
    script.send_raw(&[frame(0x01, b"a"), frame(0x89, b"ping"), frame(0x80, b"b")].concat());
    expect_text(&mut script, "ab");
    assert_eq!(script.write(), b"\x8A\x04ping");
}

#[test]
fn a_close_is_answered_with_its_code() {
    let mut script = upgraded(Limits::TEST_MIN);
    script.send_raw(
        &[frame(0x81, b"1"), frame(0x88, &[0x03, 0xE8, b'b']), frame(0x81, b"2")].concat(),
    );
    expect_text(&mut script, "1");
    assert!(matches!(script.link.poll_event(), Some(ServerEvent::Left)));
    assert!(script.link.poll_event().is_none());
    assert_eq!(script.write(), b"\x88\x02\x03\xE8");
    script.expect_status(Status::ShutdownWrite);
    script.send_event("too late");
    script.expect_nothing();
    script.end();
    script.expect_status(Status::Closed);
}

#[test]
fn the_end_of_the_stream_is_a_close_that_is_waited_for() {
    let mut script = upgraded(Limits::TEST_MIN);
    script.finish();
    assert_eq!(script.write(), b"\x88\x02\x03\xE9");
    script.expect_status(Status::ShutdownWrite);
    script.send_raw(&frame(0x88, &[0x03, 0xE9]));
    script.expect_nothing();
    script.wait(3000);
    script.expect_status(Status::Closed);
}

#[track_caller]
fn check(input: &[u8], error: FrameError, code: u16) {
    let mut script = upgraded(Limits::TEST_MIN);
    script.send_raw(input);
    script.expect_violation(Violation::Frame(error));
    let code = code.to_be_bytes();
    assert_eq!(script.write(), [0x88, 2, code[0], code[1]]);
    script.expect_status(Status::ShutdownWrite);
    script.send_raw(&frame(0x81, b"more"));
    script.expect_nothing();
}

#[test]
fn whoever_breaks_the_protocol_is_told_the_code() {
    check(b"\x81\x00", FrameError::Protocol("a frame without a mask"), 1002);
    check(&frame(0x82, b"x"), FrameError::Binary, 1003);
    check(&frame(0x81, b"\xFF"), FrameError::NotUtf8, 1007);
    check(&[0x81, 0xFE, 0x01, 0x2D, 0, 0, 0, 0], FrameError::TooLong, 1009);
}

#[test]
fn a_client_that_answers_no_ping_is_given_up() {
    let mut script = upgraded(Limits::TEST_MIN);
    for _ in 0..3 {
        script.link.send_comment(script.now);
        assert_eq!(script.write(), b"\x89\x00");
    }
    script.send_raw(&frame(0x8A, b""));
    for _ in 0..3 {
        script.link.send_comment(script.now);
        assert_eq!(script.write(), b"\x89\x00");
    }
    script.link.send_comment(script.now);
    script.expect_violation(Violation::Silent);
    script.expect_status(Status::Closed);
}

#[test]
fn a_client_that_does_not_read_is_not_read() {
    let limits = Limits { outbox_bytes_high: 100, ..Limits::TEST_MIN };
    let mut script = upgraded(limits);
    assert!(script.link.wants_input());
    script.send_event(&"x".repeat(120));
    assert!(!script.link.wants_input());
    script.write();
    assert!(script.link.wants_input());
    assert_eq!(script.link.deadline(), None, "it may be silent for as long as the gateway likes");
    script.link.send_event(None, None, Some(&splice("y")), script.now);
    script.wait(3_600_000);
    script.expect_violation(Violation::WriteStalled);
}

#[test]
fn a_socket_that_ends_without_a_close_is_closed() {
    let mut script = upgraded(Limits::TEST_MIN);
    script.send_raw(&[0x81]);
    script.end();
    script.expect_status(Status::Closed);
}
