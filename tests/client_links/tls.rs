// SPDX-License-Identifier: MIT
//! Our side of TLS against a server in memory.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use penstock::base::{Message, Outbox};
use penstock::link::tls::{Tls, client_config};
use rustls::{ServerConfig, ServerConnection};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

const CERTIFICATE: &[u8] = include_bytes!("../data/tls/certificate.pem");
const KEY: &[u8] = include_bytes!("../data/tls/key.pem");

fn server() -> ServerConnection {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a server");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    ServerConnection::new(Arc::new(config)).expect("a connection")
}

fn client(host: &str) -> Tls {
    Tls::new(client_config(Some(CERTIFICATE)).expect("a config"), host).expect("a client")
}

/// Carries bytes in pieces of `size` until both sides are silent; what the client has read.
fn carry(client: &mut Tls, server: &mut ServerConnection, size: usize) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    loop {
        let out = client.outbox().to_vec();
        client.wrote(out.len());
        let mut rest = &out[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).expect("memory");
            // A refusal of ours is an alert for the server, and no concern of the test.
            let _ = server.process_new_packets();
        }
        let mut back = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut back).expect("memory");
        }
        for piece in back.chunks(size) {
            client.feed(piece, &mut plain).map_err(|error| error.to_string())?;
        }
        if back.is_empty() && client.outbox().is_empty() {
            return Ok(plain);
        }
    }
}

fn read_all(server: &mut ServerConnection) -> Vec<u8> {
    let mut got = Vec::new();
    match server.reader().read_to_end(&mut got) {
        Err(error) if error.kind() != ErrorKind::WouldBlock => panic!("{error}"),
        _ => got,
    }
}

#[track_caller]
fn check_round_trip(host: &str, size: usize) {
    let (mut client, mut server) = (client(host), server());
    let mut plain = Outbox::new();
    plain.push(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.seal(&plain), Ok(0), "nothing is sealed during the handshake");
    assert!(client.is_handshaking());
    assert_eq!(carry(&mut client, &mut server, size).as_deref(), Ok(&b""[..]));
    assert!(!client.is_handshaking());
    assert_eq!(server.alpn_protocol(), Some(&b"http/1.1"[..]));

    assert_eq!(client.seal(&plain), Ok(18));
    server.writer().write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("memory");
    let got = carry(&mut client, &mut server, size);
    assert_eq!(got.as_deref(), Ok(&b"HTTP/1.1 200 OK\r\n\r\n"[..]));
    assert_eq!(read_all(&mut server), b"GET / HTTP/1.1\r\n\r\n");
}

#[test]
fn bytes_pass_both_ways_however_they_are_cut() {
    for size in [1, 7, 1000, usize::MAX] {
        check_round_trip("localhost", size);
    }
    check_round_trip("127.0.0.1", 100);
    check_round_trip("[::1]", 100);
}

#[test]
fn long_messages_are_sealed_whole_and_opened_whole() {
    let (mut client, mut server) = (client("localhost"), server());
    carry(&mut client, &mut server, 9000).expect("a handshake");
    server.set_buffer_limit(None);
    let body = Message::new((0..300_000u32).map(|i| i as u8).collect());
    let mut plain = Outbox::new();
    for _ in 0..3 {
        plain.push(b"head");
        plain.push_message(body.clone());
    }
    assert_eq!(client.seal(&plain), Ok(plain.len()));
    server.writer().write_all(&body).expect("memory");
    let out = client.outbox().to_vec();
    let (mut rest, mut got) = (&out[..], Vec::new());
    while !rest.is_empty() {
        server.read_tls(&mut rest).expect("memory");
        server.process_new_packets().expect("records");
        got.extend(read_all(&mut server));
    }
    assert_eq!(got, plain.to_vec());
    client.wrote(out.len());
    assert!(carry(&mut client, &mut server, 5000).expect("records") == body.as_bytes());
}

// Checklist 112.
#[test]
fn strangers_are_refused() {
    let config = client_config(None).expect("a config");
    let mut client = Tls::new(config, "localhost").expect("a client");
    let error = carry(&mut client, &mut server(), 4096).expect_err("nobody trusts it");
    assert!(error.contains("certificate"), "{error}");
    assert!(!client.outbox().is_empty(), "the server is told");
}

// Checklist 112.
#[test]
fn another_name_is_refused() {
    let error = carry(&mut client("example.com"), &mut server(), 4096).expect_err("not its name");
    assert!(error.contains("not valid for name"), "{error}");
}

#[test]
fn the_end_is_said() {
    let (mut client, mut server) = (client("localhost"), server());
    carry(&mut client, &mut server, 4096).expect("a handshake");
    assert!(!client.peer_closed());
    server.writer().write_all(b"bye").expect("memory");
    server.send_close_notify();
    assert_eq!(carry(&mut client, &mut server, 4096).as_deref(), Ok(&b"bye"[..]));
    assert!(client.peer_closed());
    let mut plain = Vec::new();
    assert_eq!(client.feed(b"junk after the end", &mut plain), Ok(()));
    assert!(plain.is_empty());
    client.close();
    assert!(!client.outbox().is_empty());
}

#[test]
fn what_is_not_tls_is_an_error() {
    let mut plain = Vec::new();
    assert!(client("localhost").feed(b"HTTP/1.1 400 Bad Request\r\n\r\n", &mut plain).is_err());
    assert!(Tls::new(client_config(None).expect("a config"), "no host").is_err());
    assert!(client_config(Some(b"no certificate")).is_err());
}

#[test]
fn junk_fails_however_it_is_cut() {
    for input in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\x16\x03\x03\0\x02\0\0",
        b"\x15\x03\x03\0\x02\x02\x28",
    ] {
        penstock::link::tls::fuzz(input);
    }
}
