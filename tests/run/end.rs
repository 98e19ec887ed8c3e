// SPDX-License-Identifier: MIT
//! How it ends: by signals and by `/close`, with clients that still listen.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::binary::{CALCULATOR, INITIALIZE, Running};

/// A gateway with a session and three open streams.
fn with_streams() -> (Running, Vec<TcpStream>) {
    let gateway = Running::start(CALCULATOR);
    let answer = gateway.ask("POST", "/mcp/calculator", "", INITIALIZE);
    let id = answer.split_once("Mcp-Session-Id: ").unwrap().1.lines().next().unwrap().to_owned();
    let streams = (0..3)
        .map(|_| {
            let mut stream = gateway.connect();
            let head = format!(
                "GET /mcp/calculator HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\
                 Mcp-Session-Id: {id}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            let mut status = [0; 12];
            stream.read_exact(&mut status).unwrap();
            assert_eq!(&status, b"HTTP/1.1 200");
            stream
        })
        .collect();
    (gateway, streams)
}

/// Ends with status 0, soon, and every stream to its last chunk.
#[track_caller]
fn check_ends((mut gateway, streams): (Running, Vec<TcpStream>), how: impl FnOnce(&Running)) {
    how(&gateway);
    let (status, took) = gateway.end();
    assert_eq!(status.code(), Some(0), "{}", gateway.scratch.read("stderr"));
    assert!(took < Duration::from_secs(3), "{took:?}");
    for mut stream in streams {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.ends_with(b"0\r\n\r\n"), "{}", String::from_utf8_lossy(&rest));
    }
}

// Checklist 132.
#[test]
fn signals_end_it_with_status_0_although_streams_are_open() {
    check_ends(with_streams(), |gateway| gateway.signal("TERM"));
    check_ends(with_streams(), |gateway| gateway.signal("INT"));
}

#[test]
fn close_ends_it_with_status_0_although_streams_are_open() {
    check_ends(with_streams(), |gateway| {
        let answer = gateway.ask("POST", "/close", "", "");
        assert!(answer.contains("Gateway shutdown initiated"), "{answer}");
    });
}
