// SPDX-License-Identifier: MIT
//! Requests to HTTP backends, against small servers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use penstock::base::{Limits, Message};
use penstock::gateway::io::{
    FetchContent, FetchError, FetchErrorKind, FetchMethod, FetchRequest, Input, Output,
};
use penstock::gateway::snapshot::HttpTarget;
use penstock::reactor::Options;
use penstock::wire::Splice;

use crate::toy::{PATIENCE, World, ask, fetch_key};

/// An address without headers.
pub fn target(host: &str, port: u16) -> HttpTarget {
    HttpTarget {
        server: "s".into(),
        tls: false,
        host: host.into(),
        port,
        path: "/mcp".into(),
        headers: Vec::new(),
        connect_timeout: Duration::from_secs(5),
    }
}

/// A POST of `body`.
pub fn post(target: HttpTarget, body: &str) -> FetchRequest {
    FetchRequest {
        target: Arc::new(target),
        path: None,
        method: FetchMethod::Post,
        session_id: None,
        revision: None,
        fields: Vec::new(),
        last_event_id: None,
        body: Some(Splice::whole(Message::from(body))),
        repeatable: false,
        head_after_max: Some(Duration::from_secs(10)),
    }
}

/// A world in which `POST /N` sends the request that `make` gives for N.
pub fn world(options: Options, make: impl Fn(u32) -> FetchRequest + Send + 'static) -> World {
    World::with(options, Vec::new(), move |input, outputs| {
        if let Input::Head { head, .. } = input
            && let Ok(n) = String::from_utf8_lossy(&head.path()[1..]).parse()
        {
            let request = Box::new(make(n));
            outputs.push_back(Output::Fetch { fetch: fetch_key(n), request });
        }
    })
}

/// Sends the request `n` and waits for its end; returns the messages of the answer.
#[track_caller]
pub fn fetch(world: &World, n: u32) -> Result<Vec<String>, FetchError> {
    ask(&mut world.connect(), &format!("/{n}"), "");
    let mut messages = Vec::new();
    world.wait(|fact| match fact {
        Input::FetchMessage { fetch, message, .. } if fetch == fetch_key(n) => {
            messages.push(String::from_utf8_lossy(&message).into_owned());
            None
        }
        Input::FetchDone { fetch, end } if fetch == fetch_key(n) => Some(end),
        _ => None,
    })?;
    Ok(messages)
}

/// A server that hands its connections to the test.
fn server() -> (SocketAddr, Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (connections_in, connections): (Sender<TcpStream>, _) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            if connections_in.send(stream).is_err() {
                return;
            }
        }
    });
    (address, connections)
}

/// Reads one request with its body; empty if the connection ended before.
fn read_request(stream: &mut TcpStream) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let whole = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = whole.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase();
            let length = length.split("content-length: ").nth(1).unwrap_or("0");
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            if body.len() >= length {
                return whole;
            }
        }
        match stream.read(&mut buffer) {
            Ok(n) if n > 0 => text.extend_from_slice(&buffer[..n]),
            _ => return String::new(),
        }
    }
}

fn answer(stream: &mut TcpStream, body: &str) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
}

// Checklist 114.
#[test]
fn a_connection_is_used_again() {
    let (address, connections) = server();
    let served = std::thread::spawn(move || {
        let mut stream = connections.recv_timeout(PATIENCE).unwrap();
        for n in 0..20 {
            let request = read_request(&mut stream);
            assert!(request.starts_with("POST /mcp HTTP/1.1\r\n"), "{request}");
            assert!(request.ends_with(&format!("\r\n\r\n[{n}]")), "{request}");
            answer(&mut stream, &format!("{{\"n\":{n}}}"));
        }
        connections
    });
    let world = world(Options::default(), move |n| {
        post(target("127.0.0.1", address.port()), &format!("[{n}]"))
    });
    for n in 0..20 {
        assert_eq!(fetch(&world, n).unwrap(), [format!("{{\"n\":{n}}}")]);
    }
    let connections = served.join().unwrap();
    assert!(connections.try_recv().is_err(), "there was a second connection");
}

// Checklist 112.
#[test]
fn a_cookie_is_never_sent_back() {
    let (address, connections) = server();
    let served = std::thread::spawn(move || {
        let mut stream = connections.recv_timeout(PATIENCE).unwrap();
        for _ in 0..2 {
            let request = read_request(&mut stream).to_ascii_lowercase();
            assert!(request.starts_with("post") && !request.contains("cookie"), "{request}");
            let head = "HTTP/1.1 200 OK\r\nSet-Cookie: who=first; Path=/\r\n";
            let body = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    let world = world(Options::default(), move |_| post(target("127.0.0.1", address.port()), "{}"));
    for n in 0..2 {
        assert_eq!(fetch(&world, n).unwrap(), ["{}"]);
    }
    served.join().unwrap();
}

#[test]
fn a_name_is_resolved_and_the_answer_has_a_head() {
    let (address, connections) = server();
    let world = world(Options::default(), move |_| post(target("localhost", address.port()), "{}"));
    ask(&mut world.connect(), "/0", "");
    let mut stream = connections.recv_timeout(PATIENCE).unwrap();
    let request = read_request(&mut stream).to_ascii_lowercase();
    assert!(request.contains(&format!("host: localhost:{}\r\n", address.port())), "{request}");
    stream
        .write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nMcp-Session-Id: s\r\n\r\n\
              id: 1\ndata: {}\n\n",
        )
        .unwrap();
    let head = world.wait(|fact| match fact {
        Input::FetchHead { head, .. } => Some(head),
        _ => None,
    });
    assert_eq!((head.status, head.content), (200, FetchContent::Events));
    assert_eq!(head.session_id.as_deref(), Some("s"));
    let event = world.wait(|fact| match fact {
        Input::FetchMessage { event, .. } => Some(event),
        _ => None,
    });
    assert_eq!(event.id.as_deref(), Some("1"));
    drop(stream);
    let end = world.wait(|fact| match fact {
        Input::FetchDone { end, .. } => Some(end),
        _ => None,
    });
    assert_eq!(end, Ok(()));
}

#[test]
fn a_stale_connection_is_tried_again_once() {
    let (address, connections) = server();
    let world = world(Options::default(), move |_| FetchRequest {
        repeatable: true,
        ..post(target("127.0.0.1", address.port()), "{}")
    });
    let served = std::thread::spawn(move || {
        let mut first = connections.recv_timeout(PATIENCE).unwrap();
        read_request(&mut first);
        answer(&mut first, "[1]");
        // The second request arrives, and nobody answers it.
        assert_ne!(read_request(&mut first), "");
        drop(first);
        let mut second = connections.recv_timeout(PATIENCE).unwrap();
        assert_ne!(read_request(&mut second), "");
        answer(&mut second, "[2]");
        assert_ne!(read_request(&mut second), "");
        drop(second);
        // The third was tried again; a fresh connection is not tried again.
        let mut third = connections.recv_timeout(PATIENCE).unwrap();
        assert_ne!(read_request(&mut third), "");
        drop(third);
        connections
    });
    assert_eq!(fetch(&world, 1).unwrap(), ["[1]"]);
    assert_eq!(fetch(&world, 2).unwrap(), ["[2]"]);
    let error = fetch(&world, 3).unwrap_err();
    assert_eq!((error.kind, error.sent), (FetchErrorKind::Closed, true));
    assert!(served.join().unwrap().try_recv().is_err());
}

#[test]
fn what_must_not_be_repeated_is_not_repeated() {
    let (address, connections) = server();
    let world = world(Options::default(), move |_| post(target("127.0.0.1", address.port()), "{}"));
    let served = std::thread::spawn(move || {
        let mut first = connections.recv_timeout(PATIENCE).unwrap();
        read_request(&mut first);
        answer(&mut first, "[1]");
        // The second request arrives; who knows what was done about it.
        assert_ne!(read_request(&mut first), "");
        drop(first);
        connections
    });
    assert_eq!(fetch(&world, 1).unwrap(), ["[1]"]);
    let error = fetch(&world, 2).unwrap_err();
    assert_eq!((error.kind, error.sent), (FetchErrorKind::Closed, true));
    assert!(served.join().unwrap().try_recv().is_err());
}

#[test]
fn an_idle_connection_that_was_closed_is_not_used() {
    let (address, connections) = server();
    let limits = Limits { idle_connection_max: Duration::from_millis(100), ..Limits::DEFAULT };
    let options = Options { limits, ..Options::default() };
    let world = world(options, move |_| post(target("127.0.0.1", address.port()), "{}"));
    for n in 0..3 {
        ask(&mut world.connect(), &format!("/{n}"), "");
        let mut stream = connections.recv_timeout(PATIENCE).unwrap();
        read_request(&mut stream);
        answer(&mut stream, "[]");
        // The last one is closed by the gateway, since it was idle for too long.
        if n < 2 {
            drop(stream);
            std::thread::sleep(Duration::from_millis(20));
        } else {
            assert_eq!(stream.read(&mut [0; 9]).unwrap(), 0);
        }
    }
}

// Checklist 113.
#[test]
fn whoever_does_not_listen_or_answer_is_told_apart() {
    let (silent, _connections) = server();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = world(Options::default(), move |n| match n {
        0 => post(target("127.0.0.1", closed.port()), "{}"),
        1 => FetchRequest {
            head_after_max: Some(Duration::from_millis(100)),
            ..post(target("127.0.0.1", silent.port()), "{}")
        },
        // No host has this address (RFC 5737).
        2 => {
            let connect_timeout = Duration::from_millis(100);
            post(HttpTarget { connect_timeout, ..target("192.0.2.1", 9) }, "{}")
        }
        _ => {
            let connect_timeout = Duration::from_millis(500);
            post(HttpTarget { connect_timeout, ..target("name.invalid", 80) }, "{}")
        }
    });
    let start = Instant::now();
    let error = fetch(&world, 0).unwrap_err();
    assert_eq!((error.kind, error.sent), (FetchErrorKind::Connect, false));
    assert_eq!(error.text, "Connection refused");
    let error = fetch(&world, 1).unwrap_err();
    assert_eq!((error.kind, error.sent), (FetchErrorKind::TimedOut, true));
    let error = fetch(&world, 2).unwrap_err();
    assert!(matches!(error.kind, FetchErrorKind::TimedOut | FetchErrorKind::Connect), "{error:?}");
    assert!(!error.sent && start.elapsed() < Duration::from_secs(5));
    let error = fetch(&world, 3).unwrap_err();
    let unresolved = matches!(error.kind, FetchErrorKind::Dns | FetchErrorKind::TimedOut);
    assert!(unresolved && !error.sent, "{error:?}");
}

// Checklist 113.
#[test]
fn an_answer_that_ends_too_early_is_no_answer() {
    let (address, connections) = server();
    let world = world(Options::default(), move |_| post(target("127.0.0.1", address.port()), "{}"));
    ask(&mut world.connect(), "/0", "");
    let mut stream = connections.recv_timeout(PATIENCE).unwrap();
    read_request(&mut stream);
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{").unwrap();
    drop(stream);
    let end = world.wait(|fact| match fact {
        Input::FetchDone { end, .. } => Some(end),
        _ => None,
    });
    assert_eq!(end.unwrap_err().kind, FetchErrorKind::Closed);
}

#[test]
fn a_cancelled_request_closes_its_connection_and_says_nothing() {
    let (address, connections) = server();
    let world = World::with(Options::default(), Vec::new(), move |input, outputs| {
        if let Input::Head { head, .. } = input {
            let fetch = fetch_key(0);
            let request = Box::new(post(target("127.0.0.1", address.port()), "{}"));
            outputs.push_back(match head.path() {
                b"/start" => Output::Fetch { fetch, request },
                b"/cancel" => Output::Cancel { fetch },
                _ => return,
            });
        }
    });
    ask(&mut world.connect(), "/start", "");
    let mut stream = connections.recv_timeout(PATIENCE).unwrap();
    assert_ne!(read_request(&mut stream), "");
    ask(&mut world.connect(), "/cancel", "");
    assert_eq!(stream.read(&mut [0; 9]).unwrap_or(0), 0);
    while let Ok(fact) = world.facts.try_recv() {
        assert!(!matches!(fact, Input::FetchDone { .. }), "{fact:?}");
    }
}

// Checklist 16.
#[test]
fn a_paused_answer_waits_in_the_socket() {
    const PIECES: usize = 2000;
    let (address, connections) = server();
    let mut seen = 0;
    let world = World::with(Options::default(), Vec::new(), move |input, outputs| {
        let fetch = fetch_key(0);
        match input {
            Input::Head { head, .. } => match head.path() {
                b"/start" => {
                    let request = Box::new(post(target("127.0.0.1", address.port()), "{}"));
                    outputs.push_back(Output::Fetch { fetch, request });
                }
                b"/on" => outputs.push_back(Output::PauseFetch { fetch, paused: false }),
                _ => {}
            },
            Input::FetchMessage { .. } => {
                seen += 1;
                if seen == 1 {
                    outputs.push_back(Output::PauseFetch { fetch, paused: true });
                }
            }
            _ => {}
        }
    });
    ask(&mut world.connect(), "/start", "");
    let mut stream = connections.recv_timeout(PATIENCE).unwrap();
    read_request(&mut stream);
    let writer = std::thread::spawn(move || {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        for _ in 0..PIECES {
            stream.write_all(format!("data: \"{}\"\n\n", "x".repeat(10_000)).as_bytes()).unwrap();
        }
    });
    std::thread::sleep(Duration::from_millis(500));
    assert!(!writer.is_finished(), "20 MB fit into no socket");
    ask(&mut world.connect(), "/on", "");
    let mut got = 0;
    world.wait(|fact| {
        got += usize::from(matches!(fact, Input::FetchMessage { .. }));
        matches!(fact, Input::FetchDone { .. }).then_some(())
    });
    writer.join().unwrap();
    assert_eq!(got, PIECES);
}
