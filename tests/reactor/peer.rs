// SPDX-License-Identifier: MIT
//! Client connections.

use std::io::{BufReader, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use penstock::base::Limits;
use penstock::gateway::io::{Input, Output, StreamData, StreamEvent};
use penstock::reactor::Options;

use crate::toy::{World, ask, eventually, read_answer};

#[test]
fn a_connection_carries_many_exchanges() {
    let world = World::new(Options::default());
    let mut stream = world.connect();
    for n in 0..100 {
        let body = format!("body {n}").repeat(n);
        assert_eq!(ask(&mut stream, "/echo", &body), body);
    }
}

// Checklist 12.
#[test]
fn pipelined_requests_are_answered_in_order_whatever_a_turn_may_read() {
    for read_bytes_per_turn_max in [7, 64, 256 * 1024] {
        let limits = Limits { read_bytes_per_turn_max, ..Limits::DEFAULT };
        let world = World::new(Options { limits, ..Options::default() });
        let stream = world.connect();
        let mut requests = String::new();
        for n in 0..500 {
            let body = n.to_string();
            let length = body.len();
            let head = format!("POST /{n} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}");
            requests.push_str(&format!("{head}\r\n\r\n{body}"));
        }
        (&stream).write_all(requests.as_bytes()).unwrap();
        let mut answers = BufReader::new(&stream);
        for n in 0..500 {
            assert_eq!(read_answer(&mut answers), n.to_string());
        }
    }
}

#[test]
fn bytes_and_end_in_one_edge_are_answered() {
    let world = World::new(Options::default());
    for _ in 0..50 {
        let mut stream = world.connect();
        let request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_answer(&mut stream), "hi");
        assert_eq!(stream.read(&mut [0; 9]).unwrap(), 0);
    }
}

// Checklist 16.
#[test]
fn a_slow_reader_is_told_of_and_gets_everything() {
    const BYTES: usize = 40 << 20;
    let world = World::new(Options::default());
    let mut stream = world.connect();
    stream.write_all(format!("GET /big/{BYTES} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
    world.wait(|fact| matches!(fact, Input::PeerFull { .. }).then_some(()));
    std::thread::sleep(Duration::from_millis(50));
    let (mut got, mut buffer) = (0, vec![0; 1 << 20]);
    while got < BYTES {
        got += stream.read(&mut buffer).unwrap();
    }
    world.wait(|fact| matches!(fact, Input::PeerDrained { .. }).then_some(()));
}

// Checklist 81.
#[test]
fn the_core_learns_that_the_reader_of_a_stream_has_gone() {
    let world = World::new(Options::default());
    let mut stream = world.connect();
    stream.write_all(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let from = world.wait(|fact| match fact {
        Input::Head { from, .. } => Some(from),
        _ => None,
    });
    assert_eq!((from.port, from.local_is_loopback), (stream.local_addr().unwrap().port(), true));
    drop(stream);
    world.wait(|fact| matches!(fact, Input::PeerClosed { .. }).then_some(()));
}

// Checklist 81.
#[test]
fn the_core_learns_at_once_that_a_client_it_watches_has_said_all() {
    let world = World::new(Options::default());
    let mut stream = world.connect();
    stream.write_all(b"GET /watch HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    world.wait(|fact| matches!(fact, Input::Head { .. }).then_some(()));
    let start = Instant::now();
    stream.shutdown(Shutdown::Write).unwrap();
    world.wait(|fact| matches!(fact, Input::PeerClosed { .. }).then_some(()));
    // A tenth of a second is promised; the machine may be busy.
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn the_core_learns_that_a_client_has_reset_its_connection() {
    let world = World::new(Options::default());
    let mut stream = world.connect();
    // What is answered and not read makes the system reset the connection when it is closed.
    stream.write_all(b"GET /big/9 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    stream.write_all(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut heads = 0;
    world.wait(|fact| {
        heads += usize::from(matches!(fact, Input::Head { .. }));
        (heads == 2).then_some(())
    });
    std::thread::sleep(Duration::from_millis(50));
    drop(stream);
    world.wait(|fact| matches!(fact, Input::PeerClosed { .. }).then_some(()));
}

#[test]
fn a_client_that_breaks_http_is_told_so() {
    let world = World::new(Options::default());
    let mut stream = world.connect();
    stream.write_all(b"GET / HTTP/9.9 nonsense\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
}

// Checklist 43.
#[test]
fn events_leave_as_they_are_made() {
    let world = World::with(Options::default(), Vec::new(), |input, outputs| {
        if let Input::Head { peer, head, .. } = input
            && head.path() == b"/stream"
        {
            for data in [StreamData::Comment, StreamData::Empty] {
                let event = StreamEvent { id: Some("7".into()), retry_ms: None, data };
                outputs.push_back(Output::Event { peer: *peer, event });
            }
            outputs.push_back(Output::Finish { peer: *peer });
        }
    });
    let mut stream = world.connect();
    stream.write_all(b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.contains("text/event-stream") && text.contains("id: 7"), "{text}");
}

#[test]
fn beyond_the_limit_of_an_address_nobody_is_let_in() {
    let limits = Limits { peers_per_address_max: 2, ..Limits::DEFAULT };
    let world = World::new(Options { limits, ..Options::default() });
    let mut inside = [world.connect(), world.connect()];
    for stream in &mut inside {
        assert_eq!(ask(stream, "/", "in"), "in");
    }
    assert_eq!(world.connect().read(&mut [0; 9]).unwrap_or(0), 0);
    drop(inside);
    eventually(|| {
        let mut stream = world.connect();
        stream.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").is_ok()
            && stream.read(&mut [0; 9]).is_ok_and(|n| n > 0)
    });
}

#[test]
fn an_idle_loop_makes_no_turn() {
    let world = World::new(Options::default());
    let mut streams: Vec<_> = (0..20).map(|_| world.connect()).collect();
    for stream in &mut streams {
        assert_eq!(ask(stream, "/", "x"), "x");
    }
    std::thread::sleep(Duration::from_millis(100));
    let before = world.turns();
    std::thread::sleep(Duration::from_millis(1000));
    assert_eq!(world.turns(), before);
}

/// Memory of our own: code comes and goes with what other tests do.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages = |nth| statm.split(' ').nth(nth).unwrap().parse::<usize>().unwrap();
    (pages(1) - pages(2)) * 4096
}

// Checklist 131.
#[test]
fn two_thousand_idle_connections_cost_little() {
    const COUNT: usize = 2000;
    let world = World::new(Options::default());
    let mut first: Vec<_> = (0..10).map(|_| world.connect()).collect();
    first.iter_mut().for_each(|stream| drop(ask(stream, "/", &"x".repeat(5000))));
    let before = resident_bytes();
    let mut streams: Vec<_> = (0..COUNT).map(|_| world.connect()).collect();
    for stream in &mut streams {
        assert_eq!(ask(stream, "/", &"x".repeat(5000)).len(), 5000);
        // The bodies that the core has seen are the test's, not the connection's.
        while world.facts.try_recv().is_ok() {}
    }
    let each = resident_bytes().saturating_sub(before) / COUNT;
    println!("{each} bytes for each connection");
    // Other tests of this process share the number, so the bound is wide.
    assert!(each < 4096, "{each} bytes for each connection");
}
