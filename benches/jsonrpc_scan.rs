// SPDX-License-Identifier: MIT
//! What it costs to find the members that route one message, in one validating pass.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use penstock::base::Limits;
use penstock::wire::json::write;
use penstock::wire::jsonrpc::{self, Parsed};

#[path = "jsonrpc_scan/messages.rs"]
mod messages;

use messages::{call, tools_list};

/// A result whose text is JSON once more: a backslash every few bytes.
fn escaped_result(bytes: usize) -> Vec<u8> {
    let inner = r#"{"number":17,"title":"A title","state":"open","labels":["bug","wontfix"]},"#;
    result_with(&inner.repeat(bytes / 96))
}

fn result_with(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::object(&mut out, |message| {
        message.str("jsonrpc", "2.0").u64("id", 42).object("result", |result| {
            result.array("content", |content| {
                content.object(|part| _ = part.str("type", "text").str("text", text));
            });
        });
    });
    out
}

fn scan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("jsonrpc_scan");
    let pretty = String::from_utf8(tools_list(60_000)).unwrap_or_default();
    let pretty = pretty.replace(',', ",\n            ").replace(":{", ": {\n          ");
    for (name, text) in [
        ("call_300_b", call(300)),
        ("call_1_kb", call(1024)),
        ("tools_list_60_kb", tools_list(60_000)),
        ("tools_list_60_kb_pretty", pretty.into_bytes()),
        ("plain_result_1_mb", result_with(&"x".repeat(1 << 20))),
        ("escaped_result_1_mb", escaped_result(1 << 20)),
        ("cyrillic_result_1_mb", result_with(&"Съешь ещё этих мягких булок ".repeat(20_000))),
    ] {
        let parse = || jsonrpc::parse(black_box(&text), &Limits::DEFAULT);
        let parsed = parse();
        assert!(matches!(parsed, Ok(Parsed::Single(found)) if found.id.is_some()), "{name}");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(parse));
    }
    group.finish();
}

criterion_group!(benches, scan);
criterion_main!(benches);
