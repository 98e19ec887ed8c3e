// SPDX-License-Identifier: MIT
//! When a connection may carry another request, and when an event is given out.

use std::sync::Arc;

use penstock::base::Limits;
use penstock::link::http_client::{ClientError, ClientEvent, ClientRequest, HttpClient};
use penstock::wire::Splice;

fn client() -> HttpClient {
    HttpClient::new(Arc::new(Limits::TEST_MIN))
}

fn send(client: &mut HttpClient) {
    let body = Splice::whole("{}".into());
    client.send(&ClientRequest {
        method: "POST",
        target: "/mcp",
        host: "h",
        fields: &[("Accept", b"application/json")],
        body: Some(&body),
    });
    let request = client.outbox().to_vec();
    assert!(request.starts_with(b"POST /mcp HTTP/1.1\r\nHost: h\r\nAccept: application/json\r\n"));
    assert!(request.ends_with(b"Content-Length: 2\r\n\r\n{}"));
}

fn last(client: &mut HttpClient) -> Option<ClientEvent> {
    std::iter::from_fn(|| client.poll_event()).last()
}

/// Whether a connection that has carried `answer` may carry more.
#[track_caller]
fn check(answer: &str, want: bool) {
    let mut client = client();
    send(&mut client);
    client.wrote(client.outbox().len());
    assert!(!client.is_idle());
    client.feed(answer.replace('|', "\r\n").as_bytes());
    assert_eq!(client.is_idle(), want);
    assert_eq!(last(&mut client), Some(ClientEvent::Done { reusable: want }));
}

#[test]
fn a_complete_answer_leaves_the_connection_free() {
    check("HTTP/1.1 200 OK|Content-Length: 2||{}", true);
    check("HTTP/1.1 200 OK|Transfer-Encoding: chunked||2|{}|0||", true);
    check("HTTP/1.1 202 Accepted|Content-Length: 0||", true);
    check("HTTP/1.0 200 OK|Connection: keep-alive|Content-Length: 2||{}", true);
}

#[test]
fn the_server_may_want_to_close() {
    check("HTTP/1.1 200 OK|Connection: close|Content-Length: 2||{}", false);
    check("HTTP/1.0 200 OK|Content-Length: 2||{}", false);
}

// Checklist 114.
#[test]
fn bytes_after_the_answer_spoil_the_connection() {
    check("HTTP/1.1 200 OK|Content-Length: 2||{}x", false);
    check("HTTP/1.1 202 Accepted|Content-Length: 0||HTTP/1.1 200 OK||", false);
    check("HTTP/1.1 200 OK|Transfer-Encoding: chunked||0||x", false);
    let mut client = client();
    client.feed(b"HTTP/1.1 408 Request Timeout\r\n\r\n");
    assert!(!client.is_idle());
    assert_eq!(client.poll_event(), None);
}

// Checklist 114.
#[test]
fn an_answer_to_half_a_request_spoils_the_connection() {
    let mut client = client();
    send(&mut client);
    client.feed(b"HTTP/1.1 413 X\r\nContent-Length: 0\r\n\r\n");
    assert!(!client.is_idle());
    assert_eq!(last(&mut client), Some(ClientEvent::Done { reusable: false }));
}

// Checklist 114.
#[test]
fn one_connection_carries_one_exchange_after_another() {
    let mut client = client();
    for _ in 0..3 {
        send(&mut client);
        client.wrote(client.outbox().len());
        client.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        assert_eq!(last(&mut client), Some(ClientEvent::Done { reusable: true }));
    }
    client.end_of_input();
    assert!(!client.is_idle());
    assert_eq!(client.poll_event(), None, "an idle connection may end");
    client.send(&ClientRequest { method: "GET", target: "/", host: "", fields: &[], body: None });
    assert_eq!(client.poll_event(), Some(ClientEvent::Failed(ClientError::Closed)));
}

#[test]
fn an_event_is_given_out_with_its_last_byte() {
    let mut client = client();
    send(&mut client);
    client.feed(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n");
    client.feed(b"Transfer-Encoding: chunked\r\n\r\n");
    assert!(matches!(client.poll_event(), Some(ClientEvent::Head { status: 200, .. })));
    client.feed(b"9\r\ndata: x\n");
    assert_eq!(client.poll_event(), None);
    client.feed(b"\n");
    assert!(matches!(client.poll_event(), Some(ClientEvent::Message { .. })));
}

// Checklist 19.
#[test]
fn a_json_text_is_given_out_with_its_newline() {
    let mut client = client();
    send(&mut client);
    client.feed(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n");
    client.feed(b"Transfer-Encoding: chunked\r\n\r\n3\r\n{}");
    assert!(matches!(client.poll_event(), Some(ClientEvent::Head { status: 200, .. })));
    assert_eq!(client.poll_event(), None);
    client.feed(b"\n");
    assert!(matches!(client.poll_event(), Some(ClientEvent::Message { .. })));
}
