// SPDX-License-Identifier: MIT
//! The log thread with real files: what is in them, who may read them, and what is never in them.

// Small functions of tests are tests as well, which the lint does not see.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use penstock::base::{Message, Rng, Secret};
use penstock::gateway::io::{CallEnd, Event, EventKind, Level};
use penstock::gateway::snapshot::ServerId;
use penstock::observe::debug::Patterns;
use penstock::wire::json::{tree, write};
use penstock::worker::{LogOptions, LogSender, Logs};

/// A directory of its own for each test, removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("penstock-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8(fs::read(self.0.join(name)).unwrap()).unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[derive(Clone, Default)]
struct Stderr(Arc<Mutex<Vec<u8>>>);

impl Stderr {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal that takes its time.
struct Slow(Stderr);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        thread::sleep(Duration::from_millis(2));
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start(dir: &Path, stderr: &Stderr, secrets: Vec<Secret>) -> (Logs, LogSender) {
    let options = LogOptions {
        dir: Some(dir.into()),
        patterns: Patterns::parse("*"),
        stderr: Box::new(stderr.clone()),
        ..LogOptions::default()
    };
    Logs::start(options, vec!["github".into()], secrets)
}

fn event(kind: EventKind) -> Event {
    Event { at_unix_ms: 1_787_400_000_123, server: Some(ServerId(0)), kind }
}

fn note(text: &str) -> Event {
    event(EventKind::Note { level: Level::Info, category: "startup", text: text.into() })
}

fn listed(pages: Vec<Message>) -> Event {
    event(EventKind::Tools {
        pages,
        renamed: Vec::new(),
        unified: Vec::new(),
        withheld: Vec::new(),
    })
}

fn answer(payload: Vec<u8>, error: Option<&str>) -> Event {
    event(EventKind::RpcIn {
        method: "tools/call".into(),
        tool: Some("get_issue".into()),
        bytes: payload.len(),
        payload: payload.into(),
        duration: Duration::from_millis(6000),
        end: CallEnd::Ok,
        error: error.map(Into::into),
    })
}

#[test]
fn files_are_private_and_complete() {
    let (dir, stderr) = (Dir::new("complete"), Stderr::default());
    fs::create_dir_all(&dir.0).unwrap();
    fs::write(dir.0.join("tools.json"), "of the last run").unwrap();
    fs::write(dir.0.join("mcp-gateway.log"), "before\n").unwrap();
    let (logs, mut sender) = start(&dir.0, &stderr, Vec::new());
    assert_eq!(dir.read("tools.json"), "");
    let tools = vec![Message::from(r#"[{"name":"a","description":"A."}]"#)];
    for event in [note("up"), answer(b"{\"a\":\n1}".to_vec(), None)] {
        sender.push(event);
    }
    sender.end_of_turn();
    sender.push(listed(tools));
    sender.end_of_turn();
    sender.end_of_turn();
    logs.finish();
    let main = dir.read("mcp-gateway.log");
    assert!(main.starts_with("before\n[2026-08-22T12:00:00.123Z] [INFO] [startup] [github] up\n"));
    assert!(main.ends_with("tool=get_issue, github←resp 8b 6000ms\n"), "{main}");
    assert_eq!(dir.read("github.log").lines().count(), 2);
    let record = tree::parse(dir.read("rpc-messages.jsonl").trim().as_bytes(), 9).unwrap();
    assert_eq!(record.get("method").and_then(tree::Node::as_str), Some("tools/call"));
    assert!(record.get("duration").and_then(tree::Node::as_f64).unwrap() > 5000.0);
    assert!(dir.read("tools.json").contains("\"description\": \"A.\""));
    assert_eq!(stderr.text(), "2026/08/22 12:00:00 [github] up\n");
    for entry in fs::read_dir(&dir.0).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
        assert_ne!(entry.file_name(), "tools.json.tmp");
    }
}

#[test]
fn without_files_only_what_people_have_to_know_is_said() {
    let stderr = Stderr::default();
    let options = LogOptions {
        patterns: Patterns::parse("*"),
        stderr: Box::new(stderr.clone()),
        ..LogOptions::default()
    };
    let (logs, mut sender) = Logs::start(options, vec!["github".into()], Vec::new());
    for event in [note("up"), answer(b"{}".to_vec(), None)] {
        sender.push(event);
    }
    sender.end_of_turn();
    logs.finish();
    assert_eq!(stderr.text(), "2026/08/22 12:00:00 [github] up\n");
}

#[test]
fn lengths_are_all_that_is_written_if_that_is_wanted() {
    let (dir, stderr) = (Dir::new("shapes"), Stderr::default());
    let options = LogOptions {
        dir: Some(dir.0.clone()),
        payloads: false,
        stderr: Box::new(stderr),
        ..LogOptions::default()
    };
    let (logs, mut sender) = Logs::start(options, vec!["github".into()], Vec::new());
    sender.push(answer(b"{\"a\":1}".to_vec(), None));
    sender.end_of_turn();
    logs.finish();
    let record = tree::parse(dir.read("rpc-messages.jsonl").trim().as_bytes(), 9).unwrap();
    assert_eq!(record.get("method").and_then(tree::Node::as_str), Some("tools/call"));
    assert!(dir.read("rpc-messages.jsonl").ends_with("\"payload\":{\"_bytes\":7}}\n"));
}

#[test]
fn an_idle_thread_writes_at_once() {
    let (dir, stderr) = (Dir::new("idle"), Stderr::default());
    let (_logs, mut sender) = start(&dir.0, &stderr, Vec::new());
    for n in 1..4 {
        thread::sleep(Duration::from_millis(60));
        sender.push(note("again"));
        sender.end_of_turn();
        let late = Instant::now() + Duration::from_secs(5);
        while stderr.text().lines().count() < n {
            assert!(Instant::now() < late, "nothing was written");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_no_reason_to_stop() {
    let (dir, stderr) = (Dir::new("unusable"), Stderr::default());
    fs::write(&dir.0, "a file").unwrap();
    let (logs, mut sender) = start(&dir.0, &stderr, Vec::new());
    sender.push(note("up"));
    sender.end_of_turn();
    logs.finish();
    fs::remove_file(&dir.0).unwrap();
    let text = stderr.text();
    assert!(text.starts_with("No log files: "), "{text}");
    assert!(text.ends_with("\n[2026-08-22T12:00:00.123Z] [INFO] [startup] [github] up\n"));
}

#[test]
fn what_is_too_much_is_dropped_and_counted() {
    let stderr = Stderr::default();
    let options =
        LogOptions { events_max: 4, stderr: Box::new(stderr.clone()), ..LogOptions::default() };
    let (logs, mut sender) = Logs::start(options, Vec::new(), Vec::new());
    for n in 0..10 {
        sender.push(note(&format!("line {n}")));
    }
    sender.end_of_turn();
    logs.finish();
    let text = stderr.text();
    assert!(text.contains("line 3\n") && !text.contains("line 4\n"), "{text}");
    assert!(text.ends_with("6 log events were dropped: they came too fast\n"), "{text}");
}

#[test]
fn who_would_rather_wait_loses_nothing() {
    let stderr = Stderr::default();
    let slow = Slow(stderr.clone());
    let options =
        LogOptions { events_max: 4, waits: true, stderr: Box::new(slow), ..LogOptions::default() };
    let (logs, mut sender) = Logs::start(options, Vec::new(), Vec::new());
    for n in 0..50 {
        sender.push(note(&format!("line {n}")));
        if n % 7 == 0 {
            sender.end_of_turn();
        }
    }
    sender.end_of_turn();
    logs.finish();
    let lines: Vec<String> = stderr.text().lines().map(str::to_owned).collect();
    assert!(lines.iter().zip(0..).all(|(line, n)| line.ends_with(&format!(" line {n}"))));
    assert_eq!(lines.len(), 50);
    // Nobody takes anything any more, and nobody waits for it.
    (0..50).for_each(|_| sender.push(note("late")));
    sender.end_of_turn();
}

#[test]
fn a_sender_may_outlive_its_logs() {
    let (logs, mut sender) = Logs::start(LogOptions::default(), Vec::new(), Vec::new());
    logs.finish();
    sender.push(listed(Vec::new()));
    sender.end_of_turn();
}

/// A secret of letters and of everything that encodings trip over.
fn sentinel(rng: &mut Rng) -> String {
    const AWKWARD: [&str; 12] = ["\"", "\\", "/", "+", "&", "<", " ", "ä", "=", "%", "{", ":"];
    let mut text = format!("Q{}", rng.base32(7));
    for _ in 0..rng.next_u32() % 6 {
        text.push_str(AWKWARD[rng.next_u32() as usize % AWKWARD.len()]);
        text.push_str(&rng.base32(3));
    }
    text
}

fn base64(bytes: &[u8], last: &[u8; 2]) -> String {
    let alphabet = [&(b'A'..=b'Z').collect::<Vec<_>>()[..], b"abcdefghijklmnopqrstuvwxyz"].concat();
    let alphabet = [&alphabet[..], b"0123456789", last].concat();
    let bits: Vec<u8> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    bits.chunks(6)
        .map(|bits| {
            let value = (0..6).fold(0, |value, at| value << 1 | bits.get(at).copied().unwrap_or(0));
            char::from(alphabet[usize::from(value)])
        })
        .collect()
}

fn percent(text: &str) -> String {
    let keeps = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|b| if keeps(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

fn json_body(text: &str) -> String {
    let mut out = Vec::new();
    write::push_str(&mut out, text);
    String::from_utf8(out[1..out.len() - 1].to_vec()).unwrap()
}

/// The spellings of `secret` in texts, and for each what must not be found of it.
fn spellings(secret: &str) -> Vec<(String, String)> {
    let same = |text: String| (text.clone(), text);
    let basic = |last| {
        let text = base64(format!("user:{secret}:x").as_bytes(), last);
        let core = text[8..8 + secret.len() * 8 / 6 - 3].to_owned();
        (text, core)
    };
    let own = |last| same(base64(secret.as_bytes(), last));
    vec![
        same(secret.into()),
        same(json_body(secret)),
        same(percent(secret)),
        own(b"+/"),
        own(b"-_"),
        basic(b"+/"),
        basic(b"-_"),
    ]
}

/// Every kind of event, with `text` wherever a peer can put one.
fn push_everywhere(sender: &mut LogSender, text: &str) {
    let mut payload = Vec::new();
    write::object(&mut payload, |object| {
        object.str("result", text).str(&json_body(text), &json_body(text));
    });
    let mut tools = b"[{\"name\":\"t\",\"description\":".to_vec();
    write::push_str(&mut tools, text);
    tools.extend_from_slice(b"}]");
    sender.push(note(&format!("value {text}.")));
    sender.push(event(EventKind::Debug { namespace: "a:b", text: text.into() }));
    sender.push(event(EventKind::RpcOut {
        method: json_body(text).as_str().into(),
        payload: payload.clone().into(),
    }));
    sender.push(answer(payload, Some(text)));
    sender.push(answer(text.into(), Some("no JSON")));
    sender.push(event(EventKind::Stderr { line: text.into() }));
    sender.push(event(EventKind::Stderr { line: text[..text.len() - 1].into() }));
    sender.push(listed(vec![tools.into()]));
    sender.end_of_turn();
}

// Checklist 128.
#[test]
fn no_sentinel_reaches_a_log_in_any_encoding() {
    let mut rng = Rng::new([5; 32]);
    let secrets: Vec<String> = (0..200).map(|_| sentinel(&mut rng)).collect();
    let known = secrets.iter().map(|secret| Secret::new(secret.as_bytes())).collect();
    let (dir, stderr) = (Dir::new("sentinels"), Stderr::default());
    let (logs, mut sender) = start(&dir.0, &stderr, known);
    for secret in &secrets {
        for (text, _) in spellings(secret) {
            if text.is_char_boundary(text.len() - 1) {
                push_everywhere(&mut sender, &text);
            }
        }
    }
    logs.finish();
    let mut outputs = vec![("stderr".to_owned(), stderr.text())];
    for name in ["mcp-gateway.log", "github.log", "rpc-messages.jsonl", "tools.json"] {
        outputs.push((name.to_owned(), dir.read(name)));
    }
    for (name, output) in &outputs {
        assert!(output.contains("[REDACTED]"), "{name} has been written to");
        for secret in &secrets {
            for (_, core) in spellings(secret) {
                assert!(
                    memchr::memmem::find(output.as_bytes(), core.as_bytes()).is_none(),
                    "{secret:?} as {core:?} in {name}"
                );
            }
        }
    }
    let records = &outputs[3].1;
    assert_eq!(records.lines().count(), 200 * 7 * 3);
    for line in records.lines() {
        assert!(tree::parse(line.as_bytes(), 9).is_ok(), "{line}");
    }
}
