// SPDX-License-Identifier: MIT
//! Connections that become WebSockets.

use std::io::{Read, Write};
use std::net::TcpStream;

use penstock::gateway::io::{Input, Output, StreamData, StreamEvent};
use penstock::reactor::Options;
use penstock::wire::Splice;
use penstock::wire::http1::{Content, ResponseHead};

use crate::toy::World;

const GET: &[u8] =
    b"GET /hang HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/// A world whose core upgrades, echoes every frame, and ends after `bye`.
fn world() -> World {
    World::with(Options::default(), Vec::new(), |input, outputs| match input {
        Input::Head { peer, head, .. } if head.path() == b"/hang" => {
            let head = ResponseHead::new(101, Content::None);
            outputs.push_back(Output::Upgrade { peer: *peer, head, bytes_max: 1 << 22 });
        }
        Input::Frame { peer, message } => {
            let data = StreamData::Message(Splice::whole(message.clone()));
            let event = StreamEvent { data, ..StreamEvent::default() };
            outputs.push_back(Output::Event { peer: *peer, event });
            if **message == *b"bye" {
                outputs.push_back(Output::Finish { peer: *peer });
            }
        }
        _ => {}
    })
}

fn connect(world: &World) -> TcpStream {
    let mut stream = world.connect();
    stream.write_all(GET).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"), "{}", head.escape_ascii());
    stream
}

/// A client's text, masked with zeros.
fn text(payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x81];
    match u16::try_from(payload.len()) {
        Ok(short) if short < 126 => out.push(0x80 | short as u8),
        Ok(middle) => {
            out.push(0x80 | 126);
            out.extend(middle.to_be_bytes());
        }
        Err(_) => {
            out.push(0x80 | 127);
            out.extend((payload.len() as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend(payload);
    out
}

fn expect(stream: &mut TcpStream, want: &[u8]) {
    let mut got = vec![0; want.len()];
    stream.read_exact(&mut got).unwrap();
    assert!(got == want, "{}", got[..got.len().min(99)].escape_ascii());
}

#[test]
fn frames_go_both_ways_and_the_server_closes() {
    let world = world();
    let mut stream = connect(&world);
    for n in 0..100 {
        let message = n.to_string();
        stream.write_all(&text(message.as_bytes())).unwrap();
        expect(&mut stream, &[&[0x81, message.len() as u8], message.as_bytes()].concat());
    }
    stream.write_all(&text(b"bye")).unwrap();
    expect(&mut stream, b"\x81\x03bye\x88\x02\x03\xE9");
    assert_eq!(stream.read(&mut [0; 9]).unwrap(), 0);
}

#[test]
fn long_messages_pass_in_pieces() {
    let world = world();
    let mut stream = connect(&world);
    // Longer than what a turn reads, and short beside what other tests here measure.
    let long = vec![b'x'; 300 << 10];
    let mut writing = stream.try_clone().unwrap();
    let bytes = text(&long);
    let writer = std::thread::spawn(move || writing.write_all(&bytes).unwrap());
    let mut head = vec![0x81, 127];
    head.extend((long.len() as u64).to_be_bytes());
    expect(&mut stream, &head);
    expect(&mut stream, &long);
    writer.join().unwrap();
}

#[test]
fn the_core_learns_of_a_close_a_violation_and_a_lost_connection_once() {
    for last in [&b"\x88\x80\0\0\0\0"[..], b"\x82\x80\0\0\0\0", b""] {
        let world = world();
        let mut stream = connect(&world);
        stream.write_all(last).unwrap();
        if !last.is_empty() {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).unwrap();
            assert_eq!(rest.first(), Some(&0x88), "a Close answers: {}", rest.escape_ascii());
        }
        drop(stream);
        world.wait(|fact| matches!(fact, Input::PeerClosed { .. }).then_some(()));
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(world.facts.try_iter().all(|fact| !matches!(fact, Input::PeerClosed { .. })));
    }
}
