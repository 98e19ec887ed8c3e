// SPDX-License-Identifier: MIT
//! What it costs to replace the id of a message and to owe it to a connection.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use penstock::base::{Message, Outbox, Span};
use penstock::wire::{Patch, Splice};

fn message(bytes: usize) -> (Message, Span) {
    let head = r#"{"jsonrpc":"2.0","id":42,"result":{"text":""#;
    let text = format!("{head}{}\"}}}}", "x".repeat(bytes - head.len() - 3));
    (Message::from(&*text), Span::new(22, 24))
}

fn splice(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("splice");
    for (name, bytes) in [("300_b", 300), ("60_kb", 60_000), ("1_mb", 1 << 20)] {
        let (message, id) = message(bytes);
        let spliced = || Splice::whole(message.clone()).with(id, Patch::Number(black_box(123_456)));
        let whole = spliced().to_message();
        assert!(whole.starts_with(br#"{"jsonrpc":"2.0","id":123456,"result""#));
        assert_eq!(whole.len(), bytes + 4);
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format!("to_outbox_{name}"), |bencher| {
            bencher.iter(|| {
                let mut outbox = Outbox::new();
                spliced().write_to(&mut outbox);
                outbox
            });
        });
        group.bench_function(format!("to_message_{name}"), |bencher| {
            bencher.iter(|| spliced().to_message());
        });
    }
    group.finish();
}

criterion_group!(benches, splice);
criterion_main!(benches);
