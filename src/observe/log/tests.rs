// SPDX-License-Identifier: MIT
//! Events in, bytes of every sink out.

use std::time::Duration;

use super::*;
use crate::base::Message;
use crate::gateway::io::CallEnd;
use crate::policy::guard::{Label, Labels};

fn event(kind: EventKind) -> Event {
    Event { at_unix_ms: 1_787_400_000_123, server: Some(ServerId(1)), kind }
}

fn log(patterns: &str) -> Log {
    let servers = vec!["slack".into(), "github".into()];
    Log::new(servers, &[Secret::new(b"Zq8-known-secret")], Patterns::parse(patterns))
}

fn record(log: &mut Log, event: &Event) -> Batch {
    let mut batch = Batch::new(2);
    log.record(event, &mut batch);
    batch
}

#[track_caller]
fn check(got: &[u8], want: &str) {
    assert_eq!(String::from_utf8_lossy(got), want);
}

#[test]
fn a_note_goes_to_three_places() {
    let note = EventKind::Note {
        level: Level::Warn,
        category: "startup",
        text: "no answer\nfrom Zq8-known-secret".into(),
    };
    let batch = record(&mut log(""), &event(note.clone()));
    check(
        &batch.main,
        "[2026-08-22T12:00:00.123Z] [WARN] [startup] [github] no answer\nfrom [REDACTED]\n",
    );
    check(
        &batch.servers[1],
        "[2026-08-22T12:00:00.123Z] [WARN] [startup] no answer\nfrom [REDACTED]\n",
    );
    check(&batch.stderr, "2026/08/22 12:00:00 [github] no answer\nfrom [REDACTED]\n");
    assert!(batch.rpc.is_empty() && batch.servers[0].is_empty());
    let general = Event { server: None, ..event(note) };
    check(
        &record(&mut log(""), &general).main,
        "[2026-08-22T12:00:00.123Z] [WARN] [startup] no answer\nfrom [REDACTED]\n",
    );
}

#[test]
fn debug_lines_are_always_in_the_file_and_on_stderr_if_wanted() {
    let mut log = log("gateway:*");
    let debug = |namespace| event(EventKind::Debug { namespace, text: "opened".into() });
    let batch = record(&mut log, &debug("gateway:open"));
    check(&batch.main, "[2026-08-22T12:00:00.123Z] [DEBUG] [gateway:open] [github] opened\n");
    check(&batch.stderr, "gateway:open [github] opened +0ms\n");
    assert!(record(&mut log, &debug("link:http")).stderr.is_empty());
    let later = Event { at_unix_ms: 1_787_400_000_135, ..debug("gateway:open") };
    check(&record(&mut log, &later).stderr, "gateway:open [github] opened +12ms\n");
}

#[test]
fn a_record_of_a_sink_says_what_its_agent_carries() {
    let mut log = log("");
    let payload = Message::from(r#"{"id":1}"#);
    let rpc = Box::new(EventKind::RpcOut { method: "tools/call".into(), payload });
    let labels =
        Box::new(Labels { secrecy: Label::new(["private:o"]), integrity: Label::default() });
    let batch = record(&mut log, &event(EventKind::OfAgent { labels, rpc }));
    let want = r#""method":"tools/call","agent_secrecy":["private:o"],"agent_integrity":[],"payload":{"id":1}}"#;
    assert!(batch.rpc.ends_with(format!("{want}\n").as_bytes()), "{:?}", batch.rpc);
}

#[test]
fn without_payloads_a_record_says_how_long_its_message_was() {
    let mut log = log("");
    log.leave_payloads_out();
    let payload = Message::from(r#"{"id":1}"#);
    let batch =
        record(&mut log, &event(EventKind::RpcOut { method: "tools/call".into(), payload }));
    let want = r#""method":"tools/call","payload":{"_bytes":8}}"#;
    assert!(batch.rpc.ends_with(format!("{want}\n").as_bytes()), "{:?}", batch.rpc);
    assert!(batch.main.ends_with("github→tools/call 8b\n".as_bytes()));
}

#[test]
fn a_call_is_two_lines_and_two_records() {
    let mut log = log("*");
    let payload = Message::from(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#);
    let batch =
        record(&mut log, &event(EventKind::RpcOut { method: "tools/call".into(), payload }));
    check(&batch.main, "[2026-08-22T12:00:00.123Z] [DEBUG] [rpc] [github] github→tools/call 46b\n");
    check(&batch.servers[1], "[2026-08-22T12:00:00.123Z] [DEBUG] [rpc] github→tools/call 46b\n");
    check(
        &batch.rpc,
        concat!(
            r#"{"timestamp":"2026-08-22T12:00:00.123Z","event":"rpc_request","#,
            r#""_schema":"rpc-message/v2","direction":"OUT","server_id":"github","#,
            r#""method":"tools/call","#,
            r#""payload":{"jsonrpc":"2.0","id":1,"method":"tools/call"}}"#,
            "\n"
        ),
    );
    let answer = EventKind::RpcIn {
        method: "tools/call".into(),
        tool: Some("get_issue".into()),
        payload: Message::from(r#"{"jsonrpc":"2.0","id":1,"result":{"key":"x"}}"#),
        bytes: 45,
        duration: Duration::from_micros(12_250),
        end: CallEnd::Ok,
        error: None,
    };
    let batch = record(&mut log, &event(answer));
    check(
        &batch.servers[1],
        "[2026-08-22T12:00:00.123Z] [INFO] [client] \
         MCP tool call response, tool=get_issue, github←resp 45b 12.25ms\n",
    );
    check(
        &batch.rpc,
        concat!(
            r#"{"timestamp":"2026-08-22T12:00:00.123Z","event":"rpc_response","#,
            r#""_schema":"rpc-message/v2","direction":"IN","server_id":"github","#,
            r#""method":"tools/call","tool":"get_issue","duration":12.25,"#,
            r#""payload":{"jsonrpc":"2.0","id":1,"result":{"key":"[REDACTED]"}}}"#,
            "\n"
        ),
    );
    assert!(batch.stderr.is_empty());
}

#[test]
fn a_failed_call_says_why() {
    let answer = EventKind::RpcIn {
        method: "tools/list".into(),
        tool: None,
        payload: Message::default(),
        bytes: 0,
        duration: Duration::from_millis(7),
        end: CallEnd::Error,
        error: Some("gone \"now\",\nZq8-known-secret".into()),
    };
    let batch = record(&mut log(""), &event(answer));
    check(
        &batch.servers[1],
        "[2026-08-22T12:00:00.123Z] [DEBUG] [rpc] github←resp 0b 7ms \
         err:gone \"now\", [REDACTED]\n",
    );
    check(
        &batch.rpc,
        concat!(
            r#"{"timestamp":"2026-08-22T12:00:00.123Z","event":"rpc_response","#,
            r#""_schema":"rpc-message/v2","direction":"IN","server_id":"github","#,
            r#""method":"tools/list","duration":7,"error":"gone \"now\",\n[REDACTED]","#,
            r#""payload":{"_error":"invalid JSON","_raw":""}}"#,
            "\n"
        ),
    );
}

#[test]
fn a_response_to_a_backend_has_no_method() {
    let payload = Message::from(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    let batch =
        record(&mut log(""), &event(EventKind::RpcOut { method: Message::default(), payload }));
    check(&batch.servers[1], "[2026-08-22T12:00:00.123Z] [DEBUG] [rpc] github→resp 36b\n");
    assert!(!String::from_utf8_lossy(&batch.rpc).contains("method"));
    assert!(String::from_utf8_lossy(&batch.rpc).contains("rpc_response"));
}

#[test]
fn stderr_of_children_cannot_forge_lines() {
    let line = Message::new(b"\x1b[31mbad\r\xff token=abcdefgh Zq8-known-s".to_vec());
    let batch = record(&mut log("backend:*"), &event(EventKind::Stderr { line }));
    check(
        &batch.servers[1],
        "[2026-08-22T12:00:00.123Z] [INFO] [backend] \
         stderr: ?[31mbad \u{fffd} token=[REDACTED] [REDACTED]\n",
    );
    check(
        &batch.stderr,
        "backend:stderr [github] ?[31mbad?\u{fffd} token=[REDACTED] [REDACTED] +0ms\n",
    );
}

fn listed(pages: Vec<Message>) -> Event {
    event(EventKind::Tools {
        pages,
        renamed: Vec::new(),
        unified: Vec::new(),
        withheld: Vec::new(),
    })
}

#[test]
fn tools_change_once() {
    let mut log = log("");
    let tools = listed(vec![Message::from(r#"[{"name":"a"}]"#)]);
    assert!(record(&mut log, &tools).tools_changed);
    assert!(record(&mut log, &tools).is_empty());
    let text = String::from_utf8(log.encode_tools()).unwrap();
    assert!(text.contains("\"github\"") && text.contains("\"name\": \"a\""));
}
