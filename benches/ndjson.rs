// SPDX-License-Identifier: MIT
//! How fast lines come out of a read.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use penstock::base::Limits;
use penstock::link::stdio::Stdio;
use penstock::wire::ndjson::Lines;

/// 64 KiB of equal lines of `len` bytes with their ends.
fn read_of(len: usize) -> Vec<u8> {
    let start = br#"{"jsonrpc":"2.0","id":7,"result":{"x":""#;
    let padding = "x".repeat(len - start.len() - 4);
    [start, padding.as_bytes(), b"\"}}\n"].concat().repeat(64 * 1024 / len)
}

fn lines(c: &mut Criterion) {
    let mut group = c.benchmark_group("ndjson");
    for len in [128, 4096] {
        let input = read_of(len);
        let n_lines = input.len() / len;
        let mut lines = Lines::new(1 << 26, 1024);
        let mut feed = || {
            let mut n = 0;
            lines.feed(black_box(&input), &mut |line| {
                black_box(&line);
                n += 1;
            });
            n
        };
        assert_eq!(feed(), n_lines);
        group.throughput(Throughput::Bytes(input.len() as u64));
        group.bench_function(format!("{n_lines}_lines_of_{len}"), |b| b.iter(&mut feed));
    }
    let input = read_of(128);
    let mut stdio = Stdio::new(Arc::new(Limits::DEFAULT));
    let mut feed = || {
        stdio.feed_stdout(black_box(&input));
        std::iter::from_fn(|| stdio.poll_event()).count()
    };
    assert_eq!(feed(), 512);
    group.bench_function("stdio_512_lines_of_128", |b| b.iter(&mut feed));
    group.finish();
}

criterion_group!(benches, lines);
criterion_main!(benches);
