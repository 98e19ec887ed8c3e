// SPDX-License-Identifier: MIT
//! What a backend may answer, and what becomes of it.

use std::sync::Arc;

use penstock::base::Limits;
use penstock::link::http_client::{BodyKind, ClientEvent, ClientRequest, HttpClient};

/// Answers `method` with `answer`, in which `|` stands for CRLF, cut at every place, and then
/// closes the connection.
#[track_caller]
fn check_with(limits: Limits, method: &str, answer: &str, want: &[&str]) {
    let answer = answer.replace('|', "\r\n");
    let limits = Arc::new(limits);
    for cut in 0..=answer.len() {
        let mut client = HttpClient::new(Arc::clone(&limits));
        client.send(&ClientRequest { method, target: "/", host: "h", fields: &[], body: None });
        client.wrote(client.outbox().len());
        let (start, rest) = answer.as_bytes().split_at(cut);
        client.feed(start);
        client.feed(rest);
        client.end_of_input();
        let got: Vec<String> = std::iter::from_fn(|| client.poll_event()).map(show).collect();
        assert_eq!(got, want, "cut at {cut}");
    }
}

#[track_caller]
fn check(answer: &str, want: &[&str]) {
    check_with(Limits::DEFAULT, "POST", answer, want);
}

fn show(event: ClientEvent) -> String {
    match event {
        ClientEvent::Head { status, kind, session_id, location } => {
            let kind = match kind {
                BodyKind::Json => "json",
                BodyKind::Events => "events",
                BodyKind::Other => "other",
            };
            let session = session_id.map(|id| format!(" session {id}")).unwrap_or_default();
            let location = location.map(|to| format!(" to {to}")).unwrap_or_default();
            format!("{status} {kind}{session}{location}")
        }
        ClientEvent::Message { message, name, id, retry_ms } => {
            let name = name.map(|name| format!("event {name} ")).unwrap_or_default();
            let id = id.map(|id| format!("id {id} ")).unwrap_or_default();
            let retry = retry_ms.map(|ms| format!("retry {ms} ")).unwrap_or_default();
            format!("{name}{id}{retry}< {}", String::from_utf8_lossy(&message))
        }
        ClientEvent::Begins(start) => format!("begins {}", String::from_utf8_lossy(&start)),
        ClientEvent::Part(part) => format!("part {}", String::from_utf8_lossy(&part)),
        ClientEvent::End => "end".into(),
        ClientEvent::Done { .. } => "done".into(),
        ClientEvent::Failed(error) => format!("failed: {error}"),
    }
}

const CLOSED: &str = "failed: the connection ended before the answer was complete";
const JSON: &str = "HTTP/1.1 200 OK|Content-Type: application/json|";
const EVENTS: &str = "HTTP/1.1 200 OK|Content-Type: text/event-stream|";

#[test]
fn a_json_body_with_a_length_is_one_message_as_it_came() {
    check(&format!("{JSON}Content-Length: 7||{{ }}\n\n{{}}"), &["200 json", "< { }\n\n{}", "done"]);
}

#[test]
fn an_empty_body_is_no_message() {
    check("HTTP/1.1 202 Accepted|Content-Length: 0||", &["202 other", "done"]);
    check("HTTP/1.1 204 No Content||", &["204 other", "done"]);
    check(&format!("{JSON}||"), &["200 json", "done"]);
    check(&format!("{JSON}Transfer-Encoding: chunked||0||"), &["200 json", "done"]);
}

#[test]
fn an_answer_to_head_has_no_body() {
    let answer = "HTTP/1.1 200 OK|Content-Length: 5||";
    check_with(Limits::DEFAULT, "HEAD", answer, &["200 other", "done"]);
}

// Checklist 19.
#[test]
fn chunked_json_texts_come_one_by_one() {
    let answer = format!("{JSON}Transfer-Encoding: chunked||4|{{}}\n{{|3|}}\n[|2|]\n|0||");
    check(&answer, &["200 json", "< {}", "< {}", "< []", "done"]);
}

#[test]
fn a_pretty_printed_body_is_one_message() {
    let answer = format!("{JSON}Transfer-Encoding: chunked||c|{{\n \"a\": [\n]\n|1|}}|0||");
    check(&answer, &["200 json", "< {\n \"a\": [\n]\n}", "done"]);
    check(&format!("{JSON}|\n{{\n}}"), &["200 json", "< {\n}", "done"]);
}

#[test]
fn events_come_one_by_one() {
    let answer = format!(
        "{EVENTS}Transfer-Encoding: chunked||e|id: 1\ndata: \n\n|c|data: {{}}\n\n:\n|\
         1e|event: e\nretry: 7\ndata:\ndata\n\n|0||"
    );
    check(&answer, &["200 events", "id 1 < ", "< {}", "event e retry 7 < \n", "done"]);
}

#[test]
fn events_until_the_connection_closes_are_complete() {
    check(&format!("{EVENTS}|data: x\n\ndata: y\n"), &["200 events", "< x", "done"]);
}

#[test]
fn other_bodies_are_for_people_and_cut() {
    check("HTTP/1.1 404 Not Found|Content-Length: 4||oops", &["404 other", "< oops", "done"]);
    let mut client = HttpClient::new(Arc::new(Limits::DEFAULT));
    client.send(&ClientRequest { method: "GET", target: "/", host: "", fields: &[], body: None });
    client.feed(b"HTTP/1.1 500 X\r\n\r\n");
    for _ in 0..10 {
        client.feed(&[b'x'; 1000]);
    }
    client.end_of_input();
    let got = std::iter::from_fn(|| client.poll_event()).nth(1).map(show);
    assert_eq!(got, Some(format!("< {}", "x".repeat(4096))));
}

#[test]
fn interim_heads_are_skipped() {
    let answer = "HTTP/1.1 100 Continue||HTTP/1.1 103 X|A: b||HTTP/1.1 202 X|Content-Length: 0||";
    check(answer, &["202 other", "done"]);
    check(
        "HTTP/1.1 101 Switching|Upgrade: x||",
        &["failed: the server switched to another protocol"],
    );
}

#[test]
fn session_and_location_are_told() {
    check(
        "HTTP/1.1 307 X|MCP-Session-Id: s|Location: /b|Content-Length: 0||",
        &["307 other session s to /b", "done"],
    );
}

// Checklist 113.
#[test]
fn an_end_that_comes_too_early_is_a_failure() {
    check("", &[CLOSED]);
    check("HTTP/1.1 200", &[CLOSED]);
    check("HTTP/1.1 100 Continue||", &[CLOSED]);
    check(&format!("{JSON}Content-Length: 3||{{}}"), &["200 json", CLOSED]);
    check(&format!("{JSON}Transfer-Encoding: chunked||2|{{}}|"), &["200 json", CLOSED]);
    let answer = format!("{EVENTS}Transfer-Encoding: chunked||9|data: x\n\n|0|");
    check(&answer, &["200 events", "< x", CLOSED]);
}

// Checklist 113.
#[test]
fn doubtful_framing_is_a_failure() {
    check(
        "HTTP/1.1 200 OK|Content-Length: 2|Transfer-Encoding: chunked||",
        &["failed: two lengths: chunked and Content-Length"],
    );
    check(
        "HTTP/1.1 200 OK|Content-Length: 2|Content-Length: 2||",
        &["failed: two Content-Length fields"],
    );
    check("HTTP/1.1 200 OK|Content-Length: 2x||", &["failed: Content-Length is no number"]);
    check(
        &format!("{EVENTS}Transfer-Encoding: chunked||9|data: x\n\n0||"),
        &["200 events", "< x", "failed: the chunked coding is broken"],
    );
    check("SSH-2.0-OpenSSH||", &["failed: not an HTTP/1 response"]);
}

#[test]
fn messages_that_are_too_long_are_a_failure() {
    let limits = Limits { backend_message_bytes_max: 4, ..Limits::DEFAULT };
    let too_long = "failed: a message of the answer is too long";
    for (answer, want) in [
        (format!("{JSON}Content-Length: 4||1234"), "< 1234"),
        (format!("{JSON}Content-Length: 5||12345"), too_long),
        (format!("{JSON}Transfer-Encoding: chunked||5|12345|0||"), too_long),
        (format!("{JSON}|12345"), too_long),
        (format!("{EVENTS}|data: 12345\n\n"), too_long),
    ] {
        let done = if want == too_long { &[][..] } else { &["done"] };
        check_with(limits, "GET", &answer, &[&[answer_kind(&answer), want], done].concat());
    }
}

fn answer_kind(answer: &str) -> &'static str {
    if answer.starts_with(JSON) { "200 json" } else { "200 events" }
}

/// What is told of a JSON body of this framing that comes in `pieces`, each long message being
/// passed on or gathered.
fn told_of(framing: &str, pieces: &[&str], passes: bool) -> Vec<String> {
    let limits = Limits { stream_from_bytes: 8, ..Limits::DEFAULT };
    let mut client = HttpClient::new(Arc::new(limits));
    client.send(&ClientRequest { method: "GET", target: "/", host: "", fields: &[], body: None });
    client.wrote(client.outbox().len());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{framing}\r\n\r\n");
    client.feed(head.as_bytes());
    let mut told = Vec::new();
    for piece in pieces {
        let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
        client.feed(if framing.contains("chunked") { chunk.as_bytes() } else { piece.as_bytes() });
        while let Some(event) = client.poll_event() {
            told.push(show(event));
        }
        if !client.wants_input() {
            // Its end is not its end before this is decided.
            client.end_of_input();
            if passes { client.pass() } else { client.gather() }
        }
    }
    if framing.contains("chunked") {
        client.feed(b"0\r\n\r\n");
    }
    client.end_of_input();
    told.extend(std::iter::from_fn(|| client.poll_event()).map(show));
    told
}

#[test]
fn a_long_message_is_asked_about_and_comes_in_parts_or_as_a_whole() {
    let pieces = ["[1,2,3,", "4,5,", "6,7]"];
    for framing in ["Content-Length: 15", "Transfer-Encoding: chunked", "Connection: close"] {
        let parts = ["200 json", "begins [1,2,3,4,5,", "part 6,7]", "end", "done"];
        assert_eq!(told_of(framing, &pieces, true), parts, "{framing}");
        let whole = ["200 json", "begins [1,2,3,4,5,", "< [1,2,3,4,5,6,7]", "done"];
        assert_eq!(told_of(framing, &pieces, false), whole, "{framing}");
    }
    let at_once = ["200 json", "< [1,2,3,4,5,6,7]", "done"];
    assert_eq!(told_of("Content-Length: 15", &[&pieces.concat()], true), at_once);
}

#[test]
fn only_the_text_that_is_long_passes() {
    let pieces = ["{}\n[1,2,3,4,", "5]\n[6]\n", "[7]\n"];
    let told = told_of("Transfer-Encoding: chunked", &pieces, true);
    let want =
        ["200 json", "< {}", "begins [1,2,3,4,", "part 5]\n", "end", "< [6]", "< [7]", "done"];
    assert_eq!(told, want);
}

#[test]
fn a_long_message_that_is_cut_never_ends() {
    let told = told_of("Content-Length: 99", &["[1,2,3,4,", "5"], true);
    let closed = "failed: the connection ended before the answer was complete";
    assert_eq!(told, ["200 json", "begins [1,2,3,4,", "part 5", closed]);
}

#[test]
fn heads_that_are_too_long_are_a_failure() {
    let mut client = HttpClient::new(Arc::new(Limits::DEFAULT));
    client.send(&ClientRequest { method: "GET", target: "/", host: "", fields: &[], body: None });
    client.feed(b"HTTP/1.1 200 OK\r\nA: ");
    client.feed(&[b'x'; 64 * 1024]);
    let got = client.poll_event().map(show);
    assert_eq!(got.as_deref(), Some("failed: the response head is too long"));
}
