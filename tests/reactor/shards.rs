// SPDX-License-Identifier: MIT
//! Connections that move from one loop to another.

use std::io::Write;

use penstock::base::Limits;
use penstock::gateway::io::Input;
use penstock::reactor::Options;

use crate::toy::{World, ask, read_answer};

/// The main loop ends last: it waits for the others.
fn end(mut worlds: Vec<World>) {
    while let Some(last) = worlds.pop() {
        last.end();
    }
}

#[test]
fn a_connection_moves_there_and_back_with_all_that_it_has_said() {
    let worlds = World::several(&Options::default(), 3);
    let mut stream = worlds[1].connect();
    for to in [0, 2, 1, 0] {
        for _ in 0..3 {
            assert_eq!(ask(&mut stream, "/here", "where it is"), "where it is");
        }
        let body = "x".repeat(100_000 * to);
        assert_eq!(ask(&mut stream, &format!("/move/{to}"), &body), body);
    }
    let from = stream.local_addr().unwrap().port();
    let came = worlds[2].wait(|fact| match fact {
        Input::Moved { from, .. } => Some(from),
        _ => None,
    });
    assert!(came.port == from && came.local_is_loopback);
    worlds[1].wait(|fact| matches!(fact, Input::PeerClosed { .. }).then_some(()));
    drop(stream);
    end(worlds);
}

#[test]
fn what_was_sent_ahead_is_answered_in_order() {
    let worlds = World::several(&Options::default(), 3);
    let mut stream = worlds[0].connect();
    let mut text = String::new();
    for n in 0..60 {
        let (body, to) = (format!("body {n}"), (n + 1) % 3);
        let length = body.len();
        let head = format!("POST /move/{to} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}");
        text.push_str(&format!("{head}\r\n\r\n{body}"));
    }
    stream.write_all(text.as_bytes()).unwrap();
    for n in 0..60 {
        assert_eq!(read_answer(&mut stream), format!("body {n}"));
    }
    drop(stream);
    end(worlds);
}

#[test]
fn without_room_on_the_way_or_at_its_end_a_connection_stays_or_is_told_so() {
    for limits in [
        Limits { moves_max: 0, ..Limits::DEFAULT },
        Limits { peers_max: 1, peers_per_address_max: 1, ..Limits::DEFAULT },
    ] {
        let worlds = World::several(&Options { limits, ..Options::default() }, 2);
        let mut there = worlds[1].connect();
        assert_eq!(ask(&mut there, "/", "hi"), "hi");
        let mut stream = worlds[0].connect();
        assert_eq!(ask(&mut stream, "/move/1", ""), "no room");
        assert_eq!(ask(&mut there, "/", "hi"), "hi");
        drop((stream, there));
        // Their clients are gone, and that has to be noticed before the next ones are let in.
        for world in &worlds {
            world.wait(|fact| matches!(fact, Input::PeerClosed { .. }).then_some(()));
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        end(worlds);
    }
}

#[test]
fn a_loop_that_is_not_there_takes_nobody() {
    let worlds = World::several(&Options::default(), 2);
    let mut stream = worlds[0].connect();
    assert_eq!(ask(&mut stream, "/move/7", ""), "no room");
    drop(stream);
    end(worlds);
}
