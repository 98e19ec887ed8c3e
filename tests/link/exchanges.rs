// SPDX-License-Identifier: MIT
//! Requests and their answers: order, bodies, persistence.

use penstock::base::Limits;
use penstock::link::http_server::{Status, Violation};
use penstock::wire::http1::chunked::ChunkError;
use penstock::wire::http1::{Content, Field, ResponseHead};

use super::script::{Script, ok, refusal};

const GET: &str = "GET /a HTTP/1.1\nHost: x\n\n";
const POST: &str = "POST /a HTTP/1.1\nHost: x\nContent-Length: 4\n\nbody";

#[test]
fn a_request_is_answered_and_the_next_one_follows() {
    let mut script = Script::new();
    for _ in 0..3 {
        script.send(POST);
        let head = script.expect_head("Post /a");
        assert_eq!(head.field(Field::Host), Some(b"x".as_slice()));
        assert!(script.link.is_exchanging());
        script.expect_nothing();
        script.receive();
        script.expect_body("body");
        script.respond("{}");
        script.expect(&(ok(2) + "{}"));
        assert!(!script.link.is_exchanging());
        script.expect_nothing();
        script.expect_status(Status::Open);
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let mut script = Script::new();
    for byte in POST.replace('\n', "\r\n").bytes() {
        script.send_raw(&[byte]);
    }
    script.expect_head("Post /a");
    script.receive();
    script.expect_body("body");
}

#[test]
fn a_body_may_come_after_it_was_asked_for() {
    let mut script = Script::new();
    script.send("POST / HTTP/1.1\nHost: x\nContent-Length: 4\n\nb");
    script.expect_head("Post /");
    script.receive();
    script.send("o");
    script.expect_nothing();
    script.send("dyGET /next HTTP/1.1\nHost: x\n\n");
    script.expect_body("body");
    script.respond("");
    script.expect_head("Get /next");
}

// Checklist 13.
#[test]
fn a_request_without_body_has_an_empty_one() {
    for framing in ["", "Content-Length: 0\n"] {
        let mut script = Script::new();
        script.send(&format!("DELETE / HTTP/1.1\nHost: x\n{framing}\n"));
        script.expect_head("Delete /");
        script.receive();
        script.expect_body("");
    }
}

// Checklist 13.
#[test]
fn chunks_become_one_body() {
    let mut script = Script::new();
    script.send("POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n2;a=b\nbo\n");
    script.expect_head("Post /");
    script.receive();
    script.send("2\ndy\n0\nA: b\n\nGET /next HTTP/1.1\nHost: x\n\n");
    script.expect_body("body");
    script.respond("");
    script.expect_head("Get /next");
}

// Checklist 12.
#[test]
fn pipelined_requests_are_given_out_one_at_a_time() {
    let mut script = Script::new();
    let next = |n: usize| format!("POST /{n} HTTP/1.1\nHost: x\nContent-Length: 1\n\n{}", n % 10);
    script.send(&(0..12).map(next).collect::<String>());
    for n in 0..12 {
        script.expect_head(&format!("Post /{n}"));
        assert!(script.link.poll_event().is_none());
        script.receive();
        script.expect_body(&(n % 10).to_string());
        script.respond("{}");
    }
    script.expect(&(ok(2) + "{}").repeat(12));
    script.expect_nothing();
}

// Checklist 12.
#[test]
fn a_thousand_requests_use_one_connection() {
    let mut script = Script::with(Limits::DEFAULT);
    let text = GET.repeat(500);
    for _ in 0..2 {
        script.send(&text);
        for _ in 0..500 {
            script.expect_head("Get /a");
            script.receive();
            script.expect_body("");
            script.respond("1");
            script.expect(&(ok(1) + "1"));
        }
    }
    script.expect_nothing();
    script.expect_status(Status::Open);
}

#[test]
fn too_many_pipelined_bytes_are_left_in_the_socket() {
    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    assert!(script.link.wants_input());
    script.send(&GET.repeat(40));
    assert!(!script.link.wants_input());
    for _ in 0..40 {
        script.respond("1");
        script.expect_head("Get /a");
        script.write();
    }
    assert!(script.link.wants_input());
}

#[test]
fn empty_answers_have_the_length_that_their_status_asks_for() {
    #[track_caller]
    fn check(method: &str, status: u16, body: &str, want: &str) {
        let mut script = Script::new();
        script.send(&format!("{method} / HTTP/1.1\nHost: x\n\n"));
        assert!(script.link.poll_event().is_some());
        let content = if body.is_empty() { Content::None } else { Content::Text };
        script.respond_with(ResponseHead::new(status, content), body, false);
        script.expect(want);
        script.expect_status(Status::Open);
    }
    check("POST", 202, "", "HTTP/1.1 202 Accepted\nContent-Length: 0\n\n");
    check("POST", 204, "", "HTTP/1.1 204 No Content\n\n");
    check("GET", 304, "", "HTTP/1.1 304 Not Modified\n\n");
    let text = "HTTP/1.1 200 OK\nContent-Type: text/plain; charset=utf-8\nContent-Length: 2\n\n";
    check("GET", 200, "ok", &format!("{text}ok"));
    check("HEAD", 200, "ok", text);
    check("HEAD", 200, "", "HTTP/1.1 200 OK\n\n");
}

#[test]
fn fields_of_the_answer_are_written() {
    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    let head = ResponseHead::new(401, Content::None).with("WWW-Authenticate", "Bearer");
    script.respond_with(head, "", false);
    script.expect("HTTP/1.1 401 Unauthorized\nContent-Length: 0\nWWW-Authenticate: Bearer\n\n");
}

// Checklist 13.
#[test]
fn continue_is_sent_when_the_body_is_wanted_and_has_not_begun() {
    let head = "POST / HTTP/1.1\nHost: x\nContent-Length: 4\nExpect: 100-continue\n\n";
    let mut script = Script::new();
    script.send(head);
    script.expect_head("Post /");
    script.expect_nothing();
    script.receive();
    script.expect("HTTP/1.1 100 Continue\n\n");
    script.send("body");
    script.expect_body("body");

    for begun in [format!("{head}b"), format!("{head}body")] {
        let mut script = Script::new();
        script.send(&begun);
        script.expect_head("Post /");
        script.receive();
        assert!(script.link.outbox().is_empty());
    }
    let mut script = Script::new();
    script.send("POST / HTTP/1.0\nContent-Length: 4\nExpect: 100-continue\n\n");
    script.expect_head("Post /");
    script.receive();
    script.expect_nothing();
}

#[test]
fn a_refused_body_that_was_expected_to_be_asked_for_ends_the_connection() {
    let mut script = Script::new();
    script.send("POST / HTTP/1.1\nHost: x\nContent-Length: 4\nExpect: 100-continue\n\n");
    script.expect_head("Post /");
    script.respond("{}");
    script.expect(&(ok(2).replace("2\n\n", "2\nConnection: close\n\n") + "{}"));
    script.expect_status(Status::ShutdownWrite);
}

#[test]
fn a_short_unwanted_body_is_dropped() {
    for (framing, body) in
        [("Content-Length: 6", "unread"), ("Transfer-Encoding: chunked", "3\nunr\n3\nead\n0\n\n")]
    {
        let mut script = Script::new();
        script.send(&format!("POST / HTTP/1.1\nHost: x\n{framing}\n\n"));
        script.expect_head("Post /");
        script.respond("{}");
        script.expect(&(ok(2) + "{}"));
        script.send(&body[..3]);
        script.expect_nothing();
        script.send(&body[3..]);
        script.send(GET);
        script.expect_head("Get /a");
        script.expect_status(Status::Open);
    }
}

#[test]
fn a_long_unwanted_body_ends_the_connection() {
    let mut script = Script::new();
    script.send("POST / HTTP/1.1\nHost: x\nContent-Length: 65\n\n");
    script.expect_head("Post /");
    script.respond("{}");
    script.expect(&(ok(2).replace("65", "").replace("2\n\n", "2\nConnection: close\n\n") + "{}"));
    script.expect_status(Status::ShutdownWrite);

    let mut script = Script::new();
    script.send("POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n");
    script.expect_head("Post /");
    script.respond("{}");
    script.expect(&(ok(2) + "{}"));
    script.send("41\n");
    script.expect_nothing();
    script.expect_status(Status::ShutdownWrite);
}

#[test]
fn an_answer_may_come_in_the_middle_of_a_body() {
    let mut script = Script::new();
    script.send("POST / HTTP/1.1\nHost: x\nContent-Length: 70\n\n");
    script.expect_head("Post /");
    script.receive();
    script.send("0123456789");
    script.respond("{}");
    script.expect(&(ok(2) + "{}"));
    script.send(&"x".repeat(60));
    script.send(GET);
    script.expect_head("Get /a");
}

// Checklist 14.
#[test]
fn a_declared_body_that_is_too_long_is_refused_before_it_comes() {
    let too_long =
        refusal("413 Content Too Large", "payload_too_large", "request body exceeds 512 bytes");
    let mut script = Script::new();
    script.send("POST / HTTP/1.1\nHost: x\nContent-Length: 513\nExpect: 100-continue\n\n");
    script.expect_head("Post /");
    script.receive();
    script.expect(&too_long);
    script.expect_violation(Violation::BodyTooLong { bytes_max: 512 });
    script.expect_status(Status::ShutdownWrite);

    let mut script = Script::new();
    script.send("POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n");
    script.expect_head("Post /");
    script.receive();
    script.send(&format!("1ff\n{}\n", "x".repeat(511)));
    script.expect_nothing();
    script.send("2\n");
    script.expect(&too_long);
    script.expect_violation(Violation::BodyTooLong { bytes_max: 512 });
}

#[test]
fn a_body_of_exactly_the_limit_is_taken() {
    let mut script = Script::new();
    let body = "x".repeat(512);
    script.send(&format!("POST / HTTP/1.1\nHost: x\nContent-Length: 512\n\n{body}"));
    script.expect_head("Post /");
    script.receive();
    script.expect_body(&body);
}

#[test]
fn a_broken_chunk_is_refused() {
    let mut script = Script::new();
    script.send("POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n");
    script.expect_head("Post /");
    script.receive();
    script.send("+2\n");
    let message = "a chunk size is not a hexadecimal number";
    script.expect(&refusal("400 Bad Request", "bad_request", message));
    script.expect_violation(Violation::Chunk(ChunkError::BadSize));
    // The gateway does not know yet.
    script.respond("{}");
    script.expect_nothing();
}

#[test]
fn the_client_may_ask_to_close() {
    let mut script = Script::new();
    script.send("GET / HTTP/1.1\nHost: x\nConnection: close\n\nGET /ignored HTTP/1.1\nHost: x\n\n");
    script.expect_head("Get /");
    script.respond("{}");
    script.expect_status(Status::ShutdownWrite);
    script.expect(&(ok(2).replace("2\n\n", "2\nConnection: close\n\n") + "{}"));
    script.expect_nothing();
    script.end();
    script.expect_status(Status::Closed);
}

#[test]
fn the_gateway_may_ask_to_close() {
    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    script.respond_with(ResponseHead::new(503, Content::None), "", true);
    let want = "HTTP/1.1 503 Service Unavailable\nContent-Length: 0\nConnection: close\n\n";
    script.expect(want);
    script.expect_status(Status::ShutdownWrite);
}

#[test]
fn old_connections_close_unless_they_are_kept_alive() {
    for (field, connection, status) in [
        ("", "close", Status::ShutdownWrite),
        ("Connection: keep-alive\n", "keep-alive", Status::Open),
    ] {
        let mut script = Script::new();
        script.send(&format!("GET / HTTP/1.0\n{field}\n"));
        script.expect_head("Get /");
        script.respond("{}");
        let want = ok(2).replace("2\n\n", &format!("2\nConnection: {connection}\n\n"));
        script.expect(&(want + "{}"));
        script.expect_status(status);
    }
}

#[test]
fn one_empty_line_before_a_request_is_skipped() {
    let mut script = Script::new();
    for _ in 0..3 {
        script.send("\n");
        script.send(GET);
        script.expect_head("Get /a");
        script.respond("{}");
        script.expect(&(ok(2) + "{}"));
    }
    script.send("\n\n");
    script.expect(&refusal("400 Bad Request", "bad_request", "malformed request line"));
}

#[test]
fn a_peer_that_has_said_all_still_gets_its_answers() {
    let mut script = Script::new();
    script.send(&POST.repeat(2));
    script.end();
    for _ in 0..2 {
        script.expect_head("Post /a");
        script.receive();
        script.expect_body("body");
        script.expect_status(Status::Open);
        script.respond("{}");
    }
    script.expect_status(Status::Closed);
    script.expect(&(ok(2) + "{}").repeat(2));
    assert!(!script.link.wants_input());
}

#[test]
fn a_cut_head_is_forgotten() {
    for sent in ["", "\n", "GET / HTTP/1.1\nHo"] {
        let mut script = Script::new();
        script.send(sent);
        script.end();
        script.expect_nothing();
        script.expect_status(Status::Closed);
    }
}

#[test]
fn a_cut_body_is_a_violation() {
    let cut = &POST[..POST.len() - 1];
    let mut script = Script::new();
    script.send(cut);
    script.expect_head("Post /a");
    script.receive();
    script.end();
    script.expect_violation(Violation::BodyCut);
    script.expect_nothing();
    script.expect_status(Status::Closed);

    let mut script = Script::new();
    script.send(cut);
    script.end();
    script.expect_head("Post /a");
    script.receive();
    script.expect_violation(Violation::BodyCut);
    script.expect_status(Status::Closed);
}

#[test]
fn a_draining_link_closes_when_nothing_has_begun() {
    let mut script = Script::new();
    script.link.stop_accepting();
    script.expect_status(Status::Closed);

    let mut script = Script::new();
    script.send(GET);
    script.expect_head("Get /a");
    script.link.stop_accepting();
    script.expect_status(Status::Open);
    script.respond("{}");
    script.expect(&(ok(2).replace("2\n\n", "2\nConnection: close\n\n") + "{}"));
    script.expect_status(Status::ShutdownWrite);

    let mut script = Script::new();
    script.send("GET");
    script.link.stop_accepting();
    script.expect_status(Status::Open);
    script.send(" / HTTP/1.1\nHost: x\n\n");
    script.expect_head("Get /");
}

#[test]
fn what_comes_after_the_last_answer_is_dropped() {
    let mut script = Script::new();
    script.send("GARBAGE\n\n");
    assert!(!script.write().is_empty());
    assert!(script.link.poll_event().is_some());
    assert!(script.link.wants_input());
    script.send(&"x".repeat(10_000));
    script.expect_nothing();
    script.expect_status(Status::ShutdownWrite);
    script.end();
    script.expect_status(Status::Closed);
}
