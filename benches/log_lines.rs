// SPDX-License-Identifier: MIT
//! What it costs to write one message to all its logs, and to look for secrets in it.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use penstock::base::{Message, Rng, Secret};
use penstock::gateway::io::{Event, EventKind};
use penstock::gateway::snapshot::ServerId;
use penstock::observe::debug::Patterns;
use penstock::observe::redact::Form;
use penstock::observe::{Batch, Log, Redactor};
use penstock::wire::json::write;

/// As many as a gateway with ten servers has.
fn secrets() -> Vec<Secret> {
    let mut rng = Rng::new([1; 32]);
    (0..20).map(|_| Secret::new(rng.base32(32).as_bytes())).collect()
}

/// A call or a result with a text of prose, so that it has `bytes` bytes.
fn message(bytes: usize) -> Vec<u8> {
    let prose = "The gateway lost one of its backends, and nobody had been told about it. ";
    let build = |len: usize| {
        let mut out = Vec::new();
        write::object(&mut out, |message| {
            message.str("jsonrpc", "2.0").u64("id", 42).str("method", "tools/call");
            message.object("params", |params| {
                params.str("name", "search_code");
                params.object("arguments", |arguments| {
                    arguments.str("query", "repo:penstock fn parse").u64("page", 3);
                    arguments.bool("archived", false);
                    arguments.str("note", &prose.repeat(len / prose.len() + 1)[..len]);
                });
                params.object("_meta", |meta| _ = meta.str("progressToken", "p-42"));
            });
        });
        out
    };
    build(bytes - build(0).len())
}

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
    let event = |kind| Event { at_unix_ms: 1_787_400_000_123, server: Some(ServerId(0)), kind };
    let payload = Message::new(message(300));
    let request =
        event(EventKind::RpcOut { method: "tools/call".into(), payload: payload.clone() });
    let answer = event(EventKind::RpcIn {
        method: "tools/call".into(),
        tool: Some("search_code".into()),
        payload,
        duration: Duration::from_micros(1234),
        error: None,
    });
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

criterion_group!(benches, redact, record);
criterion_main!(benches);
