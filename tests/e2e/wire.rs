// SPDX-License-Identifier: MIT
//! One connection, byte for byte: what was wrong before does not matter, and long is not too long.

use std::time::Duration;

use crate::child::memory_kb;
use crate::gateway::Gateway;
use crate::http::{Connection, Response};
use crate::place::stub;

const ACCEPT: (&str, &str) = ("accept", "application/json, text/event-stream");

/// A client that does everything on one connection.
struct Client {
    connection: Connection,
    session: String,
}

impl Client {
    fn new(gateway: &Gateway) -> Self {
        let patience = Duration::from_secs(30);
        let connection = Connection::open(&gateway.addr, patience).unwrap();
        let mut client = Self { connection, session: String::new() };
        let hello = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\
                     \"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\
                     \"clientInfo\":{\"name\":\"e2e\",\"version\":\"1\"}}}";
        let fields = [ACCEPT];
        let response = client.connection.exchange("POST", "/mcp/it", &fields, hello).unwrap();
        client.session = response.field("mcp-session-id").unwrap().to_owned();
        client
    }

    /// Posts on the same connection, with the names of fields in this case.
    fn post(&mut self, accept: &str, session: &str, body: &str) -> Response {
        let fields = [(accept, ACCEPT.1), (session, self.session.as_str())];
        self.connection.exchange("POST", "/mcp/it", &fields, body).unwrap()
    }

    fn call(&mut self, id: u32, arguments: &str) -> Response {
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\
             \"name\":\"noop\",\"arguments\":{arguments}}}}}"
        );
        self.post("Accept", "Mcp-Session-Id", &body)
    }
}

fn gateway(name: &str, command: &str, args: &[&str]) -> Gateway {
    let config = format!("[servers.it]\ncommand = {command:?}\nargs = {args:?}\n");
    Gateway::toml(name, &config)
}

// Checklist 3, 4, 6, 8, 12.
#[test]
fn a_connection_goes_on_after_everything_that_was_wrong_on_it() {
    let gateway = gateway("wire-wrong", &stub().display().to_string(), &["normal"]);
    let mut client = Client::new(&gateway);
    for (body, says) in [
        ("{\"jsonrpc\":", "-32700"),
        ("nonsense", "-32700"),
        ("{}", "-32600"),
        ("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", "-32600"),
        ("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", "-32600"),
    ] {
        let response = client.post("Accept", "Mcp-Session-Id", body);
        assert_eq!(response.status, 400, "{response:?}");
        assert!(response.body.contains(says), "{response:?}");
    }
    let ping = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}";
    for (accept, session) in
        [("ACCEPT", "MCP-SESSION-ID"), ("accept", "mcp-session-id"), ("aCCept", "mCP-sESSION-iD")]
    {
        let response = client.post(accept, session, ping);
        assert_eq!(response.answer(), "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    }
    for id in 0..1000 {
        let response = client.call(id, &format!("{{\"n\":{id}}}"));
        let answer = response.answer();
        assert!(answer.contains(&format!("\"id\":{id},")), "{answer}");
        assert!(answer.contains(&format!("{{\\\"n\\\":{id}}}")), "{answer}");
    }
}

// Checklist 15, 20.
#[test]
fn three_megabytes_in_and_twenty_out_cost_no_more_than_that() {
    let gateway = gateway("wire-long", &stub().display().to_string(), &["normal"]);
    let mut client = Client::new(&gateway);
    let text = "y".repeat(3_000_000);
    let response = client.call(2, &format!("{{\"text\":\"{text}\"}}"));
    assert!(response.answer().contains(&text), "{} bytes came", response.body.len());
    let response = client.call(3, "{\"fill\":20000000}");
    assert_eq!(response.field("content-type"), Some("application/json"));
    assert!(response.body.bytes().filter(|byte| *byte == b'x').count() >= 20_000_000);
    // The answer itself, twice at most, and what the gateway has anyway.
    let peak = memory_kb(gateway.id(), "VmHWM");
    assert!(peak < 100 * 1024, "memory went up to {peak} kB");
}

// Checklist 107.
#[test]
fn a_child_that_floods_its_stderr_is_served_like_any_other() {
    let script = format!(
        "head -c 30000000 /dev/zero | tr '\\0' z >&2; echo secret-word >&2; exec {:?} normal",
        stub()
    );
    let gateway = gateway("wire-stderr", "sh", &["-c", &script]);
    let mut client = Client::new(&gateway);
    let response = client.call(2, "{\"a\":1}");
    assert_eq!(response.status, 200);
    assert!(response.answer().contains("\\\"a\\\":1"), "{response:?}");
    assert!(!response.body.contains("zzz") && !response.body.contains("secret-word"));
}
