// SPDX-License-Identifier: MIT
//! HTTPS backends.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use penstock::gateway::io::FetchErrorKind;
use penstock::gateway::snapshot::HttpTarget;
use penstock::reactor::Options;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::fetch::{fetch, post, target, world};

fn place(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name)
}

/// A server on all addresses of this machine that answers each body with the same body, and says
/// how many connections it has had before it.
fn server() -> u16 {
    let certificate = CertificateDer::from_pem_file(place("certificate.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(place("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for count in 0.. {
            let (stream, _) = listener.accept().unwrap();
            let connection = ServerConnection::new(config.clone()).unwrap();
            let stream = StreamOwned::new(connection, stream);
            std::thread::spawn(move || serve(stream, count));
        }
    });
    port
}

fn serve(mut stream: impl Read + Write, count: usize) {
    let mut text = Vec::new();
    loop {
        let mut piece = [0; 4096];
        match stream.read(&mut piece) {
            Ok(n) if n > 0 => text.extend_from_slice(&piece[..n]),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            _ => return,
        }
        let whole = String::from_utf8_lossy(&text);
        let Some((head, body)) = whole.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if body.len() < length {
            continue;
        }
        let body = format!("[{count},{body}]");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
        if write!(stream, "{head}{}\r\n\r\n{body}", body.len()).is_err() {
            return;
        }
        text.clear();
    }
}

fn https(host: &str, port: u16) -> HttpTarget {
    HttpTarget { tls: true, ..target(host, port) }
}

#[test]
fn large_bodies_go_both_ways_on_one_connection() {
    let port = server();
    let ca_file = Some(place("certificate.pem"));
    let body = |n: u32| format!("\"{}\"", "x".repeat(n as usize * 300_000));
    let world = world(Options { ca_file, ..Options::default() }, move |n| {
        post(https("localhost", port), &body(n))
    });
    for n in 0..4 {
        assert!(fetch(&world, n).unwrap() == [format!("[0,{}]", body(n))]);
    }
}

// Checklist 112.
#[test]
fn whoever_is_not_trusted_gets_no_byte_of_the_request() {
    let port = server();
    let ca_file = Some(place("certificate.pem"));
    // The certificate is not for this address.
    let stranger = world(Options { ca_file, ..Options::default() }, move |_| {
        post(https("127.0.0.2", port), "1")
    });
    let error = fetch(&stranger, 0).unwrap_err();
    assert_eq!((error.kind, error.sent), (FetchErrorKind::Tls, false), "{error:?}");
    // Nobody else vouches for it.
    let unknown = world(Options::default(), move |_| post(https("localhost", port), "1"));
    let error = fetch(&unknown, 0).unwrap_err();
    assert_eq!((error.kind, error.sent), (FetchErrorKind::Tls, false), "{error:?}");
    let ca_file = Some("/dev/null".into());
    let nobody = world(Options { ca_file, ..Options::default() }, move |_| {
        post(https("localhost", port), "1")
    });
    let error = fetch(&nobody, 0).unwrap_err();
    assert_eq!((error.kind, error.sent), (FetchErrorKind::Tls, false), "{error:?}");
}

#[test]
fn a_handshake_without_an_end_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let connect_timeout = Duration::from_millis(200);
    let world = world(Options::default(), move |_| {
        post(HttpTarget { connect_timeout, ..https("127.0.0.1", port) }, "1")
    });
    let error = fetch(&world, 0).unwrap_err();
    assert_eq!((error.kind, error.sent), (FetchErrorKind::TimedOut, false), "{error:?}");
}
