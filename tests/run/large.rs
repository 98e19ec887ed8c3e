// SPDX-License-Identifier: MIT
//! Fifty megabytes through the gateway: they arrive as they were sent, and the gateway holds only
//! what is on its way.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::binary::{INITIALIZE, Running, Scratch};

/// The text of one result, in bytes.
const TEXT_BYTES: usize = 50_000_000;

/// How much the process may grow at most while it passes, in KiB.
const GROWTH_KB_MAX: u64 = 4 * 1024;

/// What the text is made of.
const PATTERN: &[u8] = b"0123456789";

const CALL: &str = r#"{"jsonrpc":"2.0","id":"mine","method":"tools/call","params":{"name":"all"}}"#;
const BEFORE: &str = r#","result":{"content":[{"type":"text","text":""#;
const AFTER: &str = r#""}]}}"#;
const HELLO: &str = r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"t","version":"1"}}"#;

/// A child that says it all in one line.
const SCRIPT: &str = r#"
while read -r line; do
    id=$(printf %s "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
    case "$line" in
    *'"tools/call"'*)
        printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"' "$id"
        yes 0123456789 | tr -d '\n' | head -c 50000000
        printf '"}]}}\n' ;;
    *'"initialize"'*) printf '{"jsonrpc":"2.0","id":%s,"result":HELLO}\n' "$id" ;;
    *'"id"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[]}}\n' "$id" ;;
    esac
done
"#;

/// One line of `/proc/<pid>/status`, in KiB.
fn memory_kb(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Reads an answer as it comes: its head, and what `body` makes of each piece of its body.
fn read_answer(stream: TcpStream, mut body: impl FnMut(&[u8])) -> String {
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    if let Some(length) = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")) {
        let mut rest = vec![0; length.trim().parse().unwrap()];
        reader.read_exact(&mut rest).unwrap();
        body(&rest);
        return head;
    }
    let mut block = Vec::new();
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk");
        block.resize(size + 2, 0);
        reader.read_exact(&mut block).unwrap();
        assert!(block.ends_with(b"\r\n"));
        if size == 0 {
            return head;
        }
        body(&block[..size]);
    }
}

/// Calls the tool of `server` and holds what comes against what was sent.
fn check(gateway: &Running, server: &str) {
    let path = format!("/mcp/{server}");
    let opened = gateway.ask("POST", &path, "", INITIALIZE);
    let session = opened.lines().find(|line| line.starts_with("Mcp-Session-Id: "));
    let session = format!("{}\r\n", session.unwrap_or_else(|| panic!("{opened}")));
    let pid = gateway.child.id();
    for round in 0..3 {
        // The peak is forgotten, so that it is that of this call.
        fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
        let before = memory_kb(pid, "VmRSS");
        let want_start = format!(r#"{{"jsonrpc":"2.0","id":"mine"{BEFORE}"#);
        let (mut n, mut start, mut end) = (0_usize, Vec::new(), Vec::new());
        let stream = gateway.send("POST", &path, &session, CALL);
        let head = read_answer(stream, |piece| {
            for &byte in piece {
                let at = n;
                n += 1;
                match at.checked_sub(want_start.len()) {
                    None => start.push(byte),
                    Some(at) if at < TEXT_BYTES => {
                        assert_eq!(byte, PATTERN[at % PATTERN.len()], "byte {at} of the text");
                    }
                    Some(_) => end.push(byte),
                }
            }
        });
        let growth = memory_kb(pid, "VmHWM").saturating_sub(before);
        println!("{server}, call {round}: {n} bytes, {growth} KiB more than {before} KiB");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(String::from_utf8_lossy(&start), want_start);
        assert_eq!(String::from_utf8_lossy(end.trim_ascii_end()), AFTER);
        assert!(growth < GROWTH_KB_MAX, "{growth} KiB");
    }
    let log = crate::binary::eventually(|| {
        let log = gateway.scratch.read("logs/rpc-messages.jsonl");
        (log.matches(r#"{"_truncated":true,"_bytes":500000"#).count() >= 3).then_some(log)
    });
    assert!(log.contains(r#""method":"tools/call""#));
}

#[test]
fn a_child_passes_fifty_megabytes_through_in_little_memory() {
    let scratch = Scratch::new();
    let script = scratch.write("child.sh", &SCRIPT.replace("HELLO", HELLO));
    let gateway =
        Running::start(&format!("[servers.child]\ncommand = \"sh\"\nargs = [\"{script}\"]\n"));
    check(&gateway, "child");
}

/// Answers the requests on one connection; large ones chunked if `chunked`.
fn serve(stream: TcpStream, chunked: bool) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8(body).unwrap();
        let id = body.split_once("\"id\":").map(|(_, rest)| rest);
        let id = id.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
        let Some(id) = id else {
            writer.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")?;
            continue;
        };
        let answer = |result: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        if body.contains("\"tools/call\"") {
            let start = format!(r#"{{"jsonrpc":"2.0","id":{id}{BEFORE}"#);
            write_large(&mut writer, &start, chunked)?;
            continue;
        }
        let result = if body.contains("\"initialize\"") { HELLO } else { r#"{"tools":[]}"# };
        let answer = answer(result);
        let n = answer.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {n}\r\n\r\n"
        );
        writer.write_all((head + &answer).as_bytes())?;
    }
}

fn write_large(writer: &mut impl Write, start: &str, chunked: bool) -> std::io::Result<()> {
    let length = start.len() + TEXT_BYTES + AFTER.len();
    let framing = match chunked {
        true => "Transfer-Encoding: chunked".to_owned(),
        false => format!("Content-Length: {length}"),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{framing}\r\n\r\n");
    writer.write_all(head.as_bytes())?;
    let mut write = |bytes: &[u8]| match chunked {
        true => {
            write!(writer, "{:x}\r\n", bytes.len())?;
            writer.write_all(bytes)?;
            writer.write_all(b"\r\n")
        }
        false => writer.write_all(bytes),
    };
    write(start.as_bytes())?;
    let block = PATTERN.repeat(10_000);
    for _ in 0..TEXT_BYTES / block.len() {
        write(&block)?;
    }
    write(AFTER.as_bytes())?;
    if chunked { writer.write_all(b"0\r\n\r\n") } else { Ok(()) }
}

#[test]
fn a_server_behind_http_passes_fifty_megabytes_through_in_little_memory() {
    let mut toml = String::new();
    for (name, chunked) in [("length", false), ("chunked", true)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        toml += &format!("[servers.{name}]\ntype = \"http\"\nurl = \"http://127.0.0.1:{port}/\"\n");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
                thread::spawn(move || serve(stream, chunked));
            }
        });
    }
    let gateway = Running::start(&toml);
    check(&gateway, "length");
    check(&gateway, "chunked");
}
