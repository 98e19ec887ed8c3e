// SPDX-License-Identifier: MIT
//! Its start, what it tells of itself, TLS, and its end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{APPROVED, PATIENCE, PUBLIC, World, issue};

#[test]
fn it_tells_that_it_lives_and_what_the_agent_carries() {
    let world = World::with(APPROVED);
    let mut client = world.connect();
    for path in ["/health", "/healthz"] {
        let response = client.exchange("GET", path, &[], "").unwrap();
        assert_eq!((response.status, response.body.as_str()), (200, r#"{"status":"ok"}"#));
    }
    let response = client.exchange("GET", "/reflect", &[], "").unwrap();
    for part in [r#""agents":{"proxy":{"#, "approved", r#""mode":"filter""#] {
        assert!(response.body.contains(part), "{response:?}");
    }
    let banner = world.stderr();
    for part in ["\nMCPG GitHub API Proxy\n", "  Mode:      filter\n", &world.forge.url()] {
        assert!(banner.contains(part), "{banner}");
    }
}

#[test]
fn without_a_policy_nothing_is_served() {
    let world = World::start(&[], &[]);
    let want = r#"{"error":"service_unavailable","message":"proxy enforcement not configured"}"#;
    world.check("GET", "/repos/acme/web/issues", 503, want);
    world.check("GET", "/users/x", 503, want);
    let response = world.ask("POST", "/graphql", r#"{"query":"{ viewer { login } }"}"#);
    assert_eq!(response.status, 503, "{response:?}");
    world.check("GET", "/health", 200, r#"{"status":"ok"}"#);
}

/// A guard that says the same of every call: its second and all later items are secret.
fn module() -> Vec<u8> {
    const AGENT: &str = r#"{"agent":{"secrecy":[],"integrity":[]},"difc_mode":"filter"}"#;
    const CALL: &str = r#"{"resource":{"description":"d"},"operation":"read"}"#;
    const ANSWER: &str = r#"{"labeled_paths":[{"path":"/0","labels":{"description":"d"}}],"default_labels":{"description":"s","secrecy":["s"]}}"#;
    let says = [("label_agent", AGENT), ("label_resource", CALL), ("label_response", ANSWER)];
    let mut text = String::from("(module (memory (export \"memory\") 1)");
    for (at, (name, said)) in says.into_iter().enumerate() {
        let (at, len, quoted) = (16 + at * 512, said.len(), said.replace('"', "\\\""));
        text += &format!(
            "(data (i32.const {at}) \"{quoted}\")
             (func (export \"{name}\") (param i32 i32 i32 i32) (result i32)
               (memory.copy (local.get 2) (i32.const {at}) (i32.const {len})) (i32.const {len}))"
        );
    }
    wat::parse_str(text + ")").unwrap()
}

#[test]
fn a_module_can_judge_in_place_of_the_guard_that_is_built_in() {
    let scratch = super::place::Scratch::new("proxy-guard");
    let path = scratch.file("guard.wasm");
    std::fs::write(&path, module()).unwrap();
    let world = World::start(&["--policy", PUBLIC, "--guard-wasm", &path], &[]);
    let line = "GET /repos/acme/web/issues";
    world.forge.answers(line, &format!("[{},{}]", issue(1, "OWNER"), issue(2, "OWNER")));
    let mut client = world.connect();
    for _ in 0..3 {
        let response = client.exchange("GET", "/repos/acme/web/issues", &[], "").unwrap();
        let want = format!("[{}]", issue(1, "OWNER"));
        assert_eq!((response.status, response.body), (200, want));
    }
    // What changes something is a change, whatever the guard says.
    world.forge.answers_with("POST /repos/acme/web/issues", 201, "", "{}");
    assert_eq!(world.ask("POST", "/repos/acme/web/issues", "{}").status, 201);
    assert!(world.stderr().contains(&format!("Guard:     {path}")));
}

#[test]
fn the_operator_can_ask_for_all_or_nothing() {
    let world = World::start(&["--guards-mode", "strict", "--policy", APPROVED], &[]);
    let list = format!("[{},{}]", issue(1, "OWNER"), issue(2, "NONE"));
    world.forge.answers("GET /repos/acme/web/issues", &list);
    let want = r#"{"error":"difc_forbidden","message":"DIFC policy violation: 1 of 2 items not accessible"}"#;
    world.check("GET", "/repos/acme/web/issues", 403, want);
}

#[test]
fn pages_of_strangers_are_not_served() {
    let world = World::with(PUBLIC);
    let mut client = world.connect();
    for field in [("Origin", "https://evil.example"), ("Host", "evil.example")] {
        let response = client.exchange("GET", "/meta", &[field], "").unwrap();
        assert_eq!(response.status, 403, "{response:?}");
    }
    assert_eq!(world.forge.lines(), [""; 0]);
}

#[test]
fn clients_that_trust_its_authority_speak_tls_with_it() {
    let world = World::start(&["--policy", PUBLIC, "--tls"], &[]);
    let tls = world.dir().join("logs/proxy-tls");
    let pem = std::fs::read(tls.join("ca.crt")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", world.port)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = StreamOwned::new(client, socket);
    let long = "x".repeat(300_000);
    world.forge.answers("GET /zen", &format!("{{\"z\":\"{long}\"}}"));
    let head = "GET /api/v3/zen HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(&long), "{answer:.80}");
    let ca = format!("export SSL_CERT_FILE={}", tls.join("ca.crt").display());
    assert!(world.stderr().contains(&ca), "{}", world.stderr());
    // Without TLS there is nothing to hear.
    assert!(world.connect().exchange("GET", "/health", &[], "").is_err());
}

#[test]
fn it_ends_when_it_is_told_to() {
    for signal in ["TERM", "INT"] {
        let mut world = World::with(PUBLIC);
        let mut idle = world.connect();
        idle.exchange("GET", "/health", &[], "").unwrap();
        world.proxy.signal(signal);
        let status = world.proxy.wait(PATIENCE);
        assert!(status.success(), "{status}: {}", world.stderr());
        assert!(world.log().contains("stopping"));
    }
}
