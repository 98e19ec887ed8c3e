// SPDX-License-Identifier: MIT
//! The calculator as its clients see it: transcripts against the machine, and schemas against
//! what the tools accept.
//!
//! In a transcript `>` is a message in, `<` its whole answer, `~` the beginning of its answer; no
//! answer may follow. `=` calls a tool; then `*` is the structured result, `!` the text of an error
//! result, `?` the places and texts of the refused arguments.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use penstock::calculator::Server;
use penstock::wire::json::tree::{self, Node};

#[track_caller]
fn check(transcript: &str) {
    let mut server = Server::new();
    let mut answer = None;
    for (number, line) in transcript.lines().enumerate() {
        let Some((mark, text)) = line.split_once(' ').filter(|(mark, _)| *mark != "#") else {
            continue;
        };
        let number = number + 1;
        match mark {
            ">" | "=" => {
                assert_eq!(answer, None, "nobody expected this, before line {number}");
                let message = if mark == "=" { call(text) } else { text.to_owned() };
                let bytes = server.handle(message.as_bytes());
                answer = bytes.map(|bytes| String::from_utf8(bytes).unwrap());
            }
            _ => {
                let got = answer.take().unwrap_or_else(|| panic!("line {number}: no answer"));
                let got = if "*!?".contains(mark) { essence(mark, &got) } else { got };
                let got = if mark == "~" { got.get(..text.len()).unwrap_or(&got) } else { &got };
                assert_eq!(got, text, "line {number}");
            }
        }
    }
    assert_eq!(answer, None, "nobody expected this at the end");
}

fn call(text: &str) -> String {
    let (tool, arguments) = text.split_once(' ').unwrap();
    let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
}

/// What matters of an answer, by the mark of the line that expects it.
fn essence(mark: &str, answer: &str) -> String {
    let node = tree::parse(answer.as_bytes(), 32).unwrap();
    let found = match mark {
        "?" => node.get("error").and_then(|error| error.get("data")).and_then(|d| d.get("details")),
        _ => node.get("result"),
    };
    let Some(found) = found else { return answer.to_owned() };
    let text = || {
        let content = found.get("content").and_then(Node::as_array).unwrap();
        content[0].get("text").and_then(Node::as_str).unwrap().to_owned()
    };
    match mark {
        "?" => found.as_array().unwrap().iter().map(problem).collect::<Vec<_>>().join("; "),
        "!" => text(),
        _ => {
            let structured = found.get("structuredContent").unwrap().span.of(answer.as_bytes());
            assert_eq!(text().as_bytes(), structured, "both are the same object");
            String::from_utf8(structured.to_vec()).unwrap()
        }
    }
}

fn problem(node: &Node) -> String {
    let loc = node.get("loc").and_then(Node::as_array).unwrap();
    let step = |step: &Node| step.as_str().or(step.as_number()).unwrap().to_owned();
    let place = loc.iter().map(step).collect::<Vec<_>>().join(".");
    let text = node.get("msg").and_then(Node::as_str).unwrap();
    if place.is_empty() { text.to_owned() } else { format!("{place}: {text}") }
}

#[test]
fn tools_answer_exactly() {
    check(include_str!("data/calculator/tools.txt"));
}

#[test]
fn what_is_wrong_is_named() {
    check(include_str!("data/calculator/refusals.txt"));
}

#[test]
fn messages_are_answered_as_the_revisions_want_it() {
    check(include_str!("data/calculator/protocol.txt"));
}

fn calculate(operator: &str, operands: &[String]) -> String {
    let operands: Vec<_> = operands.iter().map(|operand| format!("\"{operand}\"")).collect();
    let arguments = format!(r#"{{"operator":"{operator}","operands":[{}]}}"#, operands.join(","));
    let answer = Server::new().handle(call(&format!("exact_calculate {arguments}")).as_bytes());
    String::from_utf8(answer.unwrap()).unwrap()
}

#[test]
fn limits_are_refused_and_not_reached() {
    let long = "9".repeat(200);
    assert!(calculate("add", &[long.clone(), "0".into()]).contains(&long));
    assert!(calculate("add", &["0".repeat(201)]).contains("number exceeds max digits"));
    assert!(calculate("add", &vec!["1".into(); 1000]).contains(r#"\"result\":\"1000\""#));
    assert!(calculate("add", &vec!["1".into(); 1001]).contains("too many operands"));
    let too_long = calculate("mul", &vec![long.clone(); 21]);
    assert!(too_long.contains(r#""text":"output exceeds size limit"}],"isError":true"#));
    assert!(calculate("mul", &vec![long.clone(); 20]).contains(r#""isError":false"#));
    let too_large = calculate("mul", &vec![long; 90]);
    assert!(too_large.contains(r#""code":-32602,"message":"request body too large""#));
}

/// Whether `value` is what the subset of JSON Schema that we publish allows.
fn allowed(schema: &Node, value: &Node) -> bool {
    let types: Vec<&str> = match schema.get("type") {
        Some(node) => node.as_array().map_or_else(
            || node.as_str().into_iter().collect(),
            |all| all.iter().filter_map(Node::as_str).collect(),
        ),
        None => Vec::new(),
    };
    let is = |kind: &&str| match *kind {
        "object" => value.as_object().is_some(),
        "array" => value.as_array().is_some(),
        "string" => value.as_str().is_some(),
        "number" => value.as_number().is_some(),
        "integer" => value.as_i64().is_some(),
        "boolean" => value.as_bool().is_some(),
        "null" => value.is_null(),
        _ => false,
    };
    let one_of =
        |all: &Node| all.as_array().unwrap().iter().any(|one| one.as_str() == value.as_str());
    let item = |item: &Node| schema.get("items").is_none_or(|items| allowed(items, item));
    let member = |(name, node): &(tree::Name, Node)| {
        let known = schema.get("properties").and_then(|all| all.get(&name.text));
        known.map_or(schema.get("additionalProperties").is_none(), |known| allowed(known, node))
    };
    let required = |name: &Node| value.get(name.as_str().unwrap()).is_some();
    (types.is_empty() || types.iter().any(is))
        && schema.get("enum").is_none_or(one_of)
        && value.as_array().is_none_or(|items| items.iter().all(item))
        && (value.as_object().is_none_or(|all| all.iter().all(member))
            || schema.get("properties").is_none())
        && schema.get("required").is_none_or(|all| all.as_array().unwrap().iter().all(required))
}

#[test]
fn calls_that_are_answered_are_allowed_by_the_published_schemas() {
    let list = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":""}}"#;
    let list = tree::parse(&Server::new().handle(list).unwrap(), 32).unwrap();
    let tools = list.get("result").and_then(|result| result.get("tools")).unwrap();
    let mut calls = include_str!("data/calculator/tools.txt").lines();
    let mut seen = 0;
    while let Some(line) = calls.next() {
        let Some(text) = line.strip_prefix("= ") else { continue };
        let result = calls.next().unwrap().strip_prefix("* ").unwrap();
        let (name, arguments) = text.split_once(' ').unwrap();
        let tool = tools
            .as_array()
            .unwrap()
            .iter()
            .find(|tool| tool.get("name").and_then(Node::as_str) == Some(name));
        let tool = tool.unwrap_or_else(|| panic!("{name} is not listed"));
        for (schema, text) in [("inputSchema", arguments), ("outputSchema", result)] {
            let value = tree::parse(text.as_bytes(), 32).unwrap();
            // A member that is null counts as absent, which schemas need not say.
            let nothing = text.contains(r#""precision":null"#);
            assert!(nothing || allowed(tool.get(schema).unwrap(), &value), "{name} {text}");
        }
        seen += 1;
    }
    assert!(seen > 20);
}

/// A calculator on a port of its own, for as long as the test runs.
fn listening() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || penstock::serve::over_http(&listener));
    address
}

/// Sends `request` and reads until the calculator closes; gives status, head and body.
fn exchange(address: SocketAddr, head: &str, body: &str) -> (String, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (first, fields) = head.split_once('\n').unwrap_or((head, ""));
    let fields: String = fields.lines().map(|line| format!("{}\r\n", line.trim())).collect();
    let length =
        if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let request = format!(
        "{first} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{fields}{length}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().to_owned();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

#[track_caller]
fn check_http(address: SocketAddr, head: &str, body: &str, status: &str, answer: &str) {
    let (got, _, text) = exchange(address, head, body);
    assert_eq!((got.as_str(), text.as_str()), (status, answer), "{head}");
}

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const PONG: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
const JSON: &str = "Content-Type: application/json";

#[test]
fn over_http_messages_are_posted_with_or_without_a_session() {
    let address = listening();
    let post = format!("POST /mcp\n{JSON}");
    check_http(address, &post, PING, "200", PONG);
    check_http(
        address,
        &post,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        "202",
        "",
    );
    let params = r#"{"protocolVersion":"2025-06-18"}"#;
    let begin = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{params}}}"#);
    let (status, head, body) = exchange(address, &post, &begin);
    assert_eq!(status, "200");
    assert!(
        head.contains("content-type: application/json") && body.contains("penstock-calculator")
    );
    let id = head.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).unwrap();
    let post = format!(
        "{post}\nMCP-Protocol-Version: 2025-06-18\nMcp-Session-Id: {}",
        id.to_ascii_uppercase()
    );
    check_http(address, &post, PING, "200", PONG);
    let (_, _, batch) = exchange(address, &post, &format!("[{PING}]"));
    assert!(batch.contains("no batches"), "{batch}");
    check_http(address, &post.replace("POST", "DELETE"), "", "204", "");
    let (status, ..) = exchange(address, &post, PING);
    assert_eq!(status, "404", "the session has ended");
}

#[test]
fn over_http_what_is_no_message_is_refused() {
    let address = listening();
    check_http(address, "GET /health", "", "200", r#"{"status":"ok"}"#);
    let (status, head, _) = exchange(address, "GET /mcp", "");
    assert!(status == "405" && head.contains("allow: post, delete"), "{head}");
    let post = format!("POST /mcp\n{JSON}");
    let (status, _, body) = exchange(address, &post, "{");
    assert!(status == "400" && body.contains("-32700"), "{body}");
    for (head, body, want) in [
        ("GET /", String::new(), "404"),
        ("DELETE /mcp\nMcp-Session-Id: nobody", String::new(), "404"),
        ("DELETE /mcp", String::new(), "204"),
        ("POST /mcp\nOrigin: http://evil.example", PING.to_owned(), "403"),
        ("POST /mcp\nOrigin: http://localhost:5173", PING.to_owned(), "200"),
        ("POST /mcp\nMCP-Protocol-Version: 1999-01-01", PING.to_owned(), "400"),
        ("POST /mcp", format!("{PING}{}", " ".repeat(16_384)), "413"),
    ] {
        let (status, _, text) = exchange(address, head, &body);
        assert_eq!(status, want, "{head}: {text}");
    }
}

#[test]
fn over_http_a_connection_is_kept_and_too_many_are_closed() {
    let address = listening();
    let request =
        format!("POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{PING}", PING.len());
    let mut seated: Vec<TcpStream> = Vec::new();
    let answered = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // A connection that is turned away may be closed before or while we write.
        stream.write_all(request.as_bytes()).is_ok()
            && stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0)
    };
    for _ in 0..64 {
        let mut stream = TcpStream::connect(address).unwrap();
        assert!(answered(&mut stream) && answered(&mut stream));
        seated.push(stream);
    }
    let mut late = TcpStream::connect(address).unwrap();
    assert!(!answered(&mut late));
    seated.clear();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !answered(&mut TcpStream::connect(address).unwrap()) {
        assert!(Instant::now() < deadline, "no seat was given back");
        thread::sleep(Duration::from_millis(10));
    }
}
