// SPDX-License-Identifier: MIT
//! What is not HTTP, or is HTTP twice over: each input has one answer, wherever it is cut.

use penstock::base::Limits;
use penstock::link::http_server::{ServerEvent, Status, fuzz};

use super::script::Script;

/// What becomes of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// Refused with this status and code, then closed.
    Refused(u16, &'static str),
    /// Not answered; closed when the peer has said all.
    Silent,
}

const BAD: Want = Want::Refused(400, "bad_request");
const TOO_LONG: Want = Want::Refused(431, "request_header_fields_too_large");
const URI: Want = Want::Refused(414, "uri_too_long");
const EXPECT: Want = Want::Refused(417, "expectation_failed");
const CODING: Want = Want::Refused(501, "not_implemented");
const VERSION: Want = Want::Refused(505, "http_version_not_supported");
const BODY: Want = Want::Refused(413, "payload_too_large");

/// `(input, want)`; what begins with `:` stands after `POST / HTTP/1.1 CRLF Host: x CRLF`.
const CASES: &[(&str, Want)] = &[
    // Where the body ends: RFC 9112 §6.
    (":Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", BAD),
    (":Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nG", BAD),
    (":Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD),
    (":Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\nhello", BAD),
    (":Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", BAD),
    (":Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", BAD),
    (":Content-Length: 5\r\ncontent-length: 0\r\n\r\nhello", BAD),
    (":Content-Length: 5, 5\r\n\r\nhello", BAD),
    (":Content-Length: 5,6\r\n\r\nhello", BAD),
    (":Content-Length: +5\r\n\r\nhello", BAD),
    (":Content-Length: -5\r\n\r\nhello", BAD),
    (":Content-Length: 0x5\r\n\r\nhello", BAD),
    (":Content-Length: 5 5\r\n\r\nhello", BAD),
    (":Content-Length: 5.0\r\n\r\nhello", BAD),
    (":Content-Length: 5e0\r\n\r\nhello", BAD),
    (":Content-Length: \"5\"\r\n\r\nhello", BAD),
    (":Content-Length: five\r\n\r\nhello", BAD),
    (":Content-Length:\r\n\r\nhello", BAD),
    (":Content-Length: 5;\r\n\r\nhello", BAD),
    (":Content-Length: \u{665}\r\n\r\nhello", BAD),
    (":Content-Length: 18446744073709551616\r\n\r\nhello", BAD),
    (":Content-Length: 18446744073709551621\r\n\r\nhello", BAD),
    (":Content-Length: 340282366920938463463374607431768211461\r\n\r\nhello", BAD),
    (":Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked chunked\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding:\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\u{a0}\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: gzip\r\n\r\n", CODING),
    (":Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", CODING),
    (":Transfer-Encoding: identity\r\n\r\n", CODING),
    (":Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", CODING),
    (":Transfer-Encoding: chunke\r\n\r\n0\r\n\r\n", CODING),
    (":Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding\r\n : chunked\r\n\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", BAD),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD),
    // Lines: RFC 9112 §2.2, §5.
    ("GET / HTTP/1.1\nHost: x\n\n", BAD),
    ("GET / HTTP/1.1\r\nHost: x\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: x\r\n\n", BAD),
    (":A: b\nContent-Length: 5\r\n\r\nhello", BAD),
    (":A: b\rContent-Length: 5\r\n\r\nhello", BAD),
    (":A: b\r\r\n\r\n", BAD),
    (":A: b\r\n\r\r\n\r\n", BAD),
    ("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("\rGET / HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    (" GET / HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    (":A: b\r\n c\r\n\r\n", BAD),
    (":A: b\r\n\tc\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\n Host: x\r\nHost: x\r\n\r\n", BAD),
    (":A : b\r\n\r\n", BAD),
    (":A\t: b\r\n\r\n", BAD),
    (":: b\r\n\r\n", BAD),
    (":A\r\n\r\n", BAD),
    (":A b: c\r\n\r\n", BAD),
    (":A(b): c\r\n\r\n", BAD),
    (":A\0: b\r\n\r\n", BAD),
    (":\u{e4}: b\r\n\r\n", BAD),
    (":[A]: b\r\n\r\n", BAD),
    (":A: \0\r\n\r\n", BAD),
    (":A: b\0c\r\n\r\n", BAD),
    (":A: \u{1}\r\n\r\n", BAD),
    (":A: \u{b}\r\n\r\n", BAD),
    (":A: \u{1b}[2J\r\n\r\n", BAD),
    (":A: \u{7f}\r\n\r\n", BAD),
    (":A: 0123456789012345678901234567890123456789\u{7f}0123456789\r\n\r\n", BAD),
    // Request lines: RFC 9112 §3.
    ("\0", BAD),
    ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0", BAD),
    ("GET\r\n\r\n", BAD),
    ("GET /\r\n\r\n", BAD),
    ("GET / \r\nHost: x\r\n\r\n", BAD),
    ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET /  HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", BAD),
    ("GET / a HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GE(T / HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET /\u{7f} HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET /\u{e4} HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET a HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET * HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET ?a HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET x:80 HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET http://u:p@x/ HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET http://x:99999/ HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET / http/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET / HTTP/1.\r\nHost: x\r\n\r\n", BAD),
    ("GET / HTTP/1.10\r\nHost: x\r\n\r\n", BAD),
    ("GET / HTTP/+1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET / HTTPS/1.1\r\nHost: x\r\n\r\n", BAD),
    ("GET / HTTP/0.9\r\nHost: x\r\n\r\n", VERSION),
    ("GET / HTTP/1.2\r\nHost: x\r\n\r\n", VERSION),
    ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", VERSION),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VERSION),
    // Hosts: RFC 9112 §3.2, RFC 9110 §7.2.
    ("GET / HTTP/1.1\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n", BAD),
    ("GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: x, y\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: x y\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: u@x\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: x:\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: x:y\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: x:65536\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: http://x\r\n\r\n", BAD),
    ("GET / HTTP/1.1\r\nHost: \u{e4}\r\n\r\n", BAD),
    ("GET http://x/ HTTP/1.1\r\n\r\n", BAD),
    // Fields that may stand once: somebody before us may have checked the other one.
    (":Authorization: a\r\nAuthorization: b\r\n\r\n", BAD),
    (":Mcp-Session-Id: a\r\nmcp-session-id: a\r\n\r\n", BAD),
    (":Origin: http://a\r\nOrigin: http://b\r\n\r\n", BAD),
    (":Content-Type: application/json\r\nContent-Type: text/plain\r\n\r\n", BAD),
    (":MCP-Protocol-Version: 1\r\nMCP-Protocol-Version: 2\r\n\r\n", BAD),
    (":Last-Event-ID: 1\r\nLast-Event-ID: 2\r\n\r\n", BAD),
    (":X-Agent-ID: 1\r\nX-Agent-ID: 2\r\n\r\n", BAD),
    (":Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n", EXPECT),
    (":Expect: 200-ok\r\n\r\n", EXPECT),
    (":Expect: 100-continue, 200-ok\r\n\r\n", EXPECT),
    (":Expect:\r\n\r\n", EXPECT),
    // Chunks: RFC 9112 §7.1.
    (":Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n5 ;a\r\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n5\rhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n5;a\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n5;\0\r\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n5\r\nhello, world\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n;a\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n00000000000000005\r\nhello\r\n0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n5;01234567890123456789012345678\r\nhello", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n0\r\n: a\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n0\r\nA : b\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n0\r\n a\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\0\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\n0\r\nA: 0123456789012345678901234567\r\n\r\n", BAD),
    (":Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello", BODY),
    (":Transfer-Encoding: chunked\r\n\r\n201\r\nhello", BODY),
    (":Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1fc\r\n", BODY),
    (":Content-Length: 513\r\n\r\n", BODY),
    (":Content-Length: 18446744073709551615\r\n\r\nhello", BODY),
    // What ends too early.
    ("", Want::Silent),
    ("\r", Want::Silent),
    ("\r\n", Want::Silent),
    ("G", Want::Silent),
    ("GET / HTTP/1.1\r\nHost: x\r\n", Want::Silent),
    ("GET / HTTP/1.1\r\nHost: x\r\n\r", Want::Silent),
    (":Content-Length: 5\r\n\r\nhell", Want::Silent),
    (":Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", Want::Silent),
];

/// What the link says to `parts`, one after the other, before the peer ends: all it has written,
/// how it stands, and whether any body was given out.
fn run(parts: &[&[u8]]) -> (Vec<u8>, Status) {
    let mut script = Script::new();
    let mut written = Vec::new();
    for part in parts {
        script.send_raw(part);
        while let Some(event) = script.link.poll_event() {
            match event {
                ServerEvent::Head(_) => script.receive(),
                ServerEvent::Body(body) => panic!("body {body:?} of a malformed request"),
                ServerEvent::Violation(_) | ServerEvent::Frame(_) | ServerEvent::Left => {}
            }
            let interim = script.write();
            // Whether this is sent depends on what has come, as it should.
            if interim != b"HTTP/1.1 100 Continue\r\n\r\n" {
                written.extend_from_slice(&interim);
            }
        }
    }
    let status = script.link.status();
    script.end();
    while script.link.poll_event().is_some() {}
    assert_eq!(script.link.status(), Status::Closed);
    (written, status)
}

#[track_caller]
fn check(input: &str, want: Want) {
    let bytes = match input.strip_prefix(':') {
        Some(rest) => format!("POST / HTTP/1.1\r\nHost: x\r\n{rest}"),
        None => input.to_owned(),
    }
    .into_bytes();
    let whole = run(&[&bytes]);
    match want {
        Want::Silent => assert_eq!(whole, (Vec::new(), Status::Open), "{input:?}"),
        Want::Refused(status, code) => {
            let text = String::from_utf8_lossy(&whole.0);
            assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{input:?}: {text}");
            assert!(text.contains("\r\nConnection: close\r\n"), "{input:?}: {text}");
            assert!(text.contains("\r\nContent-Type: application/json\r\n"), "{input:?}: {text}");
            let (head, body) = text.split_once("\r\n\r\n").expect("a head");
            assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{text}");
            assert!(body.starts_with(&format!(r#"{{"error":"{code}","message":""#)), "{text}");
            assert!(body.ends_with("\"}") && body.matches('"').count() == 8, "{text}");
            assert_eq!(whole.1, Status::ShutdownWrite, "{input:?}");
        }
    }
    for cut in 0..bytes.len() {
        let (start, rest) = bytes.split_at(cut);
        assert_eq!(run(&[start, rest]), whole, "{input:?} cut at byte {cut}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(run(&single), whole, "{input:?} byte by byte");
    fuzz(std::time::Instant::now(), &bytes);
}

#[test]
fn what_is_malformed_is_refused_wherever_it_is_cut() {
    for (input, want) in CASES {
        check(input, *want);
    }
}

// Checklist 129, 131.
#[test]
fn what_is_endless_is_refused_at_its_limit() {
    let long = "x".repeat(Limits::TEST_MIN.head_bytes_max);
    check(&long, BAD);
    check(&format!("GET /{long}"), URI);
    check(&format!("GET / HTTP/1.1\r\nHost: x\r\n{long}"), TOO_LONG);
    check(&format!("GET / HTTP/1.1\r\nHost: x\r\nA: {long}"), TOO_LONG);
    check(&format!("GET / HTTP/1.1\r\nHost: x\r\nA: {long}\r\n\r\n"), TOO_LONG);
    let many = "A: b\r\n".repeat(Limits::TEST_MIN.head_fields_max);
    check(&format!(":{many}\r\n"), TOO_LONG);
    let trailers = "A: b\r\n".repeat(33);
    check(&format!(":Transfer-Encoding: chunked\r\n\r\n0\r\n{trailers}\r\n"), BAD);
}

#[test]
fn a_head_of_exactly_the_limit_is_served() {
    let start = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
    let fill = Limits::TEST_MIN.head_bytes_max - start.len() - 4;
    let mut script = Script::new();
    script.send_raw(format!("{start}{}\r\n\r\n", "x".repeat(fill)).as_bytes());
    script.expect_head("Get /");
    let mut script = Script::new();
    script.send_raw(format!("{start}{}\r\n\r\n", "x".repeat(fill + 1)).as_bytes());
    assert!(matches!(script.link.poll_event(), Some(ServerEvent::Violation(_))));
}

#[test]
fn a_refused_head_hides_what_follows_it() {
    for smuggled in [
        ":Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /s HTTP/1.1\r\nHost: x\r\n\r\n",
        ":Content-Length: 0\r\nContent-Length: 30\r\n\r\nGET /s HTTP/1.1\r\nHost: x\r\n\r\n",
        ":Transfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /s HTTP/1.1\r\nHost: x\r\n\r\n",
        ":Transfer-Encoding: chunked\r\n\r\n0;\n\r\n\r\nGET /s HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        check(smuggled, BAD);
    }
}

#[test]
fn the_samples_are_read_the_same_wherever_they_are_cut() {
    for sample in [
        include_bytes!("../data/http/initialize.http").as_slice(),
        include_bytes!("../data/http/tools_call_chunked.http"),
        include_bytes!("../data/http/pipelined.http"),
        include_bytes!("../data/http/refused_bodies.http"),
        include_bytes!("../data/http/old_versions.http"),
        include_bytes!("../data/http/upgrade.http"),
    ] {
        for end in 0..=sample.len() {
            fuzz(std::time::Instant::now(), &sample[..end]);
        }
    }
}

/// Pieces that mean something to one of the parsers.
const PIECES: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    " ",
    "\t",
    ":",
    ";",
    ",",
    "0",
    "5",
    "f",
    "+",
    "\0",
    "\u{7f}",
    "*",
    "/r",
    "/s",
    "/c",
    "http://y",
    "GET ",
    "HEAD ",
    "POST ",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    "Host: x\r\n",
    "Content-Length: 4\r\n",
    "Content-Length: 100\r\n",
    "Content-Length: ",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Accept: a\r\n",
    "0\r\n\r\n",
    "4\r\nbody\r\n",
    "body",
];

#[test]
fn mutated_samples_are_read_the_same_wherever_they_are_cut() {
    use penstock::wire::http1::{chunked, framing, head};
    let samples = [
        include_bytes!("../data/http/tools_call_chunked.http").as_slice(),
        include_bytes!("../data/http/pipelined.http"),
        include_bytes!("../data/http/refused_bodies.http"),
        include_bytes!("../data/http/old_versions.http"),
    ];
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut below = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n as u64) as usize
    };
    for _ in 0..3000 {
        let mut input = samples[below(samples.len())].to_vec();
        for _ in 0..=below(4) {
            let at = below(input.len() + 1);
            let end = (at + below(12)).min(input.len());
            let piece = PIECES[below(PIECES.len())].as_bytes();
            match below(3) {
                0 => drop(input.splice(at..at, piece.iter().copied())),
                1 => drop(input.drain(at..end)),
                _ => drop(input.splice(at..end, piece.iter().copied())),
            }
        }
        fuzz(std::time::Instant::now(), &input);
        head::fuzz(&input);
        framing::fuzz(&input);
        chunked::fuzz(&input);
    }
}
