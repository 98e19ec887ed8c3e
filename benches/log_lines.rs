// SPDX-License-Identifier: MIT
//! What it costs to write one message to all its logs, and to look for secrets in it.

use std::fs;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use penstock::base::{Message, Rng, Span};
use penstock::gateway::io::{CallEnd, Event, EventKind};
use penstock::gateway::snapshot::ServerId;
use penstock::observe::debug::Patterns;
use penstock::observe::redact::Form;
use penstock::observe::{Batch, Log, Redactor};
use penstock::wire::json::write;
use penstock::worker::{LogOptions, Logs};

#[path = "log_lines/records.rs"]
mod records;

use records::{message, secrets};

/// A result of many small members, as services answer.
fn members(bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    write::array(&mut out, |items| {
        for number in 0..bytes / 155 {
            items.object(|item| {
                item.u64("number", number as u64).str("state", "open").bool("locked", false);
                item.str("node_id", "I_kwDOAbCdEf5AbCdE").str("title", "It does not start");
                item.str("url", "https://example.com/repos/a/b/issues/12");
            });
        }
    });
    out
}

fn redact(c: &mut Criterion) {
    let mut group = c.benchmark_group("redact");
    let redactor = Redactor::new(&secrets());
    for (name, text) in
        [("call", message(300)), ("prose", message(64 * 1024)), ("members", members(64 * 1024))]
    {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new(name, text.len()), &text, |b, text| {
            b.iter(|| redactor.redact(black_box(text), Form::Json).len());
        });
    }
    let secret = secrets()[3].expose().to_vec();
    let mut text = b"[\"".to_vec();
    text.extend_from_slice(&secret);
    text.extend_from_slice(b"\",");
    text.extend_from_slice(&message(250));
    text.push(b']');
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("with a secret", |b| {
        b.iter(|| redactor.redact(black_box(&text), Form::Json).len());
    });
    group.finish();
}

fn record(c: &mut Criterion) {
    let servers = vec!["github".into()];
    let [request, answer] = records::events();
    let mut group = c.benchmark_group("record");
    for (name, event) in [("request", &request), ("answer", &answer)] {
        let mut log = Log::new(Vec::clone(&servers), &secrets(), Patterns::default());
        let mut batch = Batch::new(1);
        group.bench_function(name, |b| {
            b.iter(|| {
                log.record(black_box(event), &mut batch);
                if batch.len() > 256 * 1024 {
                    batch.main.clear();
                    batch.rpc.clear();
                    batch.servers[0].clear();
                }
            });
        });
    }
    group.finish();
}

/// A text of random characters as in base64 without its two signs, which is the longest word.
fn random_text(bytes: usize) -> String {
    let chars = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut rng = Rng::new([2; 32]);
    (0..bytes).map(|_| char::from(chars[rng.next_u32() as usize % 64])).collect()
}

/// A request and its answer that carry `text`.
fn call_with(text: &str) -> [Vec<u8>; 2] {
    let request = format!(
        r#"{{"jsonrpc":"2.0","id":35334695944226,"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"{text}"}}}}}}"#
    );
    let answer = format!(
        r#"{{"jsonrpc":"2.0","id":35334695944226,"result":{{"content":[{{"type":"text","text":"{text}"}}],"isError":false}}}}"#
    );
    [request.into_bytes(), answer.into_bytes()]
}

/// CPU time of the threads of this process whose name is `name`; of the others if `not`.
fn cpu_ns(name: &str, not: bool) -> u64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of = |task: fs::DirEntry| {
        let comm = fs::read_to_string(task.path().join("comm")).ok()?;
        let stat = fs::read_to_string(task.path().join("schedstat")).ok()?;
        let ns = stat.split(' ').next()?.parse::<u64>().ok()?;
        ((comm.trim() == name) != not).then_some(ns)
    };
    tasks.filter_map(of).sum()
}

/// Real files, a real thread, and a loop that emits as the gateway does: so many calls a turn, so
/// many turns a second. Prints CPU time for each call.
fn whole(name: &str, text: &str, logged: bool) {
    const CALLS: usize = 200_000;
    const CALLS_PER_TURN: usize = 32;
    const CALLS_PER_SECOND: usize = 40_000;
    let dir = std::env::temp_dir().join(format!("penstock-bench-{}", std::process::id()));
    let options = LogOptions { dir: Some(dir.clone()), ..LogOptions::default() };
    let (logs, mut sender) = Logs::start(options, vec!["github".into()], secrets());
    let [request, answer] = call_with(text);
    let at = |needle: &str| {
        let at = memchr::memmem::find(&request, needle.as_bytes()).unwrap_or(0);
        Span::new(at, at + needle.len())
    };
    let (method, tool) = (at("tools/call"), at("echo"));
    let start = Instant::now();
    let of_loop = cpu_ns("logs", true);
    let mut waiting = Vec::new();
    for turn in 0..CALLS / CALLS_PER_TURN {
        let event = |kind| Event {
            at_unix_ms: 1_787_400_000_123 + turn as u64,
            server: Some(ServerId(0)),
            kind,
        };
        for call in std::mem::take(&mut waiting) {
            let (method, tool): (Message, Message) = call;
            let payload = Message::copy_of(&answer);
            let duration = Duration::from_micros(812);
            let (tool, bytes, end) = (Some(tool), payload.len(), CallEnd::Ok);
            let kind =
                EventKind::RpcIn { method, tool, payload, bytes, duration, end, error: None };
            if logged {
                sender.push(event(kind));
            }
        }
        for _ in 0..CALLS_PER_TURN {
            let payload = Message::copy_of(black_box(&request));
            waiting.push((payload.slice(method), payload.slice(tool)));
            if logged {
                let method = payload.slice(method);
                sender.push(event(EventKind::RpcOut { method, payload }));
            }
        }
        sender.end_of_turn();
        let next =
            start + Duration::from_secs((turn * CALLS_PER_TURN) as u64) / CALLS_PER_SECOND as u32;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let of_loop = cpu_ns("logs", true) - of_loop;
    thread::sleep(Duration::from_millis(300));
    let of_thread = cpu_ns("logs", false);
    logs.finish();
    let lost = fs::read_to_string(dir.join("mcp-gateway.log")).unwrap_or_default();
    let lost = if lost.contains("dropped") { ", events were dropped" } else { "" };
    let _ = fs::remove_dir_all(&dir);
    let per_call = |ns: u64| ns as f64 / CALLS as f64;
    let (of_loop, of_thread) = (per_call(of_loop), per_call(of_thread));
    eprintln!("whole/{name:8} loop {of_loop:5.0} ns, thread {of_thread:5.0} ns for a call{lost}");
}

fn whole_thread(_: &mut Criterion) {
    let prose = "It does not start: the gateway lost one of its backends, be it \\\"github\\\". ";
    let alphabet = "abcdefghijklmnopqrstuvwxyz0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ- | 0000000001 ";
    whole("nothing", &random_text(1024), false);
    whole("random", &random_text(1024), true);
    whole("prose", &prose.repeat(13), true);
    whole("alphabet", &alphabet.repeat(13), true);
}

criterion_group!(benches, redact, record, whole_thread);
criterion_main!(benches);
