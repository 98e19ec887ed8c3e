// SPDX-License-Identifier: MIT
//! Guards that never end, that want all memory, and a hundred calls at once: whoever has nothing to
//! do with them notices nothing, and afterwards all is as before.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::binary::{Running, Scratch};

/// A call of a tool without a session, and its answer.
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"exact_calculate","arguments":{"operator":"add","operands":["0.1","0.2"]}}}"#;

/// The bytes of an answer that is more than guards are told.
const LARGE: usize = 10_000_000;

const ENDLESS: &str = "(loop (br 0)) (i32.const 0)";
const HUNGRY: &str = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
                      unreachable";

/// What a guard says of every call: it reads something public.
const READS: &str =
    r#"{"resource":{"description":"sum","secrecy":[],"integrity":[]},"operation":"read"}"#;

/// A guard that labels calls with this code; `None`: it says [`READS`].
fn module(label_resource: Option<&str>) -> Vec<u8> {
    let agent = r#"{"agent":{"secrecy":[],"integrity":[]},"difc_mode":"filter"}"#;
    let data = |at: usize, text: &str| {
        format!("(data (i32.const {at}) \"{}\")", text.replace('"', "\\\""))
    };
    let says = |at: usize, text: &str| {
        let len = text.len();
        format!("(memory.copy (local.get 2) (i32.const {at}) (i32.const {len})) (i32.const {len})")
    };
    let labels = |name: &str, code: &str| {
        format!(r#"(func (export "{name}") (param i32 i32 i32 i32) (result i32) {code})"#)
    };
    let own = label_resource.map_or_else(|| says(2048, READS), str::to_owned);
    wat::parse_str(format!(
        r#"(module (memory (export "memory") 1) {} {} {} {} {})"#,
        data(1024, agent),
        data(2048, READS),
        labels("label_agent", &says(1024, agent)),
        labels("label_resource", &own),
        labels("label_response", "(i32.const 0)"),
    ))
    .unwrap()
}

/// A configuration in which each kind of guard has a server, and one server has none.
fn configuration(scratch: &Scratch, large: u16) -> String {
    let mut toml =
        String::from("[servers.plain]\ncommand = \"self\"\nargs = [\"serve\", \"calculator\"]\n");
    for (name, code) in [("endless", Some(ENDLESS)), ("hungry", Some(HUNGRY)), ("fine", None)] {
        std::fs::write(scratch.file(name), module(code)).unwrap();
        toml += &format!(
            "[servers.{name}]\ncommand = \"self\"\nargs = [\"serve\", \"calculator\"]\n\
             guard = \"{name}\"\ntool_timeout = 10\n[guards.{name}]\ntype = \"wasm\"\npath = \"{}\"\n\
             policy = {{ allow-only = {{ repos = \"all\", min-integrity = \"none\" }} }}\n",
            scratch.file(name)
        );
    }
    toml + &format!("[servers.large]\nurl = \"http://127.0.0.1:{large}/mcp\"\nguard = \"fine\"\n")
}

/// Answers one request of the gateway as a server whose only answer is large.
fn answer(mut stream: TcpStream) -> Option<()> {
    let mut got = Vec::new();
    let mut part = [0; 4096];
    let body = loop {
        let text = String::from_utf8_lossy(&got).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let len = head.split("content-length: ").nth(1)?.lines().next()?.trim().parse().ok()?;
            if body.len() >= len {
                break body.to_owned();
            }
        }
        match stream.read(&mut part).ok()? {
            0 => return None,
            n => got.extend_from_slice(&part[..n]),
        }
    };
    let id = body.split("\"id\":").nth(1).and_then(|rest| rest.split([',', '}']).next());
    let text = match id {
        None => String::new(),
        Some(id) if body.contains("\"initialize\"") => format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"l","version":"1"}}}}}}"#
        ),
        Some(id) if body.contains("tools/call") => format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"{}"}}]}}}}"#,
            "x".repeat(LARGE)
        ),
        Some(id) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[]}}}}"#),
    };
    let status = if text.is_empty() { "202 Accepted" } else { "200 OK" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        text.len()
    );
    stream.write_all((head + &text).as_bytes()).ok()
}

fn large_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    port
}

/// For people: no test fails because a machine is slow.
#[allow(clippy::print_stdout, reason = "for people")]
fn report(when: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    println!("unjudged, {when}: median {:?}, 99 of 100 within {:?}", took[100], took[198]);
}

#[test]
fn whoever_is_not_judged_does_not_wait_for_those_who_are() {
    let scratch = Scratch::new();
    let mut gateway = Running::start(&configuration(&scratch, large_server()));
    let call = |server: &str| gateway.ask("POST", &format!("/mcp/{server}"), "", CALL);
    let unjudged = || {
        let start = Instant::now();
        assert!(call("plain").contains("0.3"));
        start.elapsed()
    };
    report("without guards at work", (0..200).map(|_| unjudged()).collect());
    thread::scope(|scope| {
        let endless = scope.spawn(|| call("endless"));
        let hungry = scope.spawn(|| call("hungry"));
        let large = scope.spawn(|| call("large"));
        // Its client leaves while it is judged.
        drop(gateway.send("POST", "/mcp/fine", "", CALL));
        let judged: Vec<_> = (0..100).map(|_| scope.spawn(|| call("fine"))).collect();
        report("with guards at work", (0..200).map(|_| unjudged()).collect());
        for one in judged {
            let answer = one.join().unwrap();
            assert!(answer.contains("0.3"), "{answer}");
        }
        let answer = endless.join().unwrap();
        // Whichever bound comes first on this machine.
        let is_over = answer.contains("timed out") || answer.contains("used up its time");
        assert!(is_over, "{answer}");
        let answer = hungry.join().unwrap();
        assert!(answer.contains(r#""rule":"guard.failed""#), "{answer}");
        let answer = large.join().unwrap();
        assert!(answer.contains("input too large"), "{}", &answer[..300]);
    });
    // Each failure has cost its own call alone.
    assert!(call("fine").contains("0.3"));
    assert!(call("hungry").contains("unreachable"), "it is asked again, by a new instance");
    gateway.ends_well();
}
