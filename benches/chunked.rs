// SPDX-License-Identifier: MIT
//! How fast chunked bodies are read.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use penstock::wire::http1::chunked::{Chunked, LAST_CHUNK, push_chunk_head};

const BODY_BYTES: usize = 64 * 1024;

fn encode(chunk_bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in vec![b'x'; BODY_BYTES].chunks(chunk_bytes) {
        push_chunk_head(&mut out, chunk.len());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(LAST_CHUNK);
    out
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("chunked");
    group.throughput(Throughput::Bytes(BODY_BYTES as u64));
    for chunk_bytes in [64, 4096] {
        let input = encode(chunk_bytes);
        let mut body = Vec::with_capacity(BODY_BYTES);
        group.bench_function(format!("decode {chunk_bytes}"), |b| {
            b.iter(|| {
                body.clear();
                let end = Chunked::new(1024).feed(black_box(&input), &mut body, BODY_BYTES);
                assert_eq!(end, Ok((input.len(), true)));
            });
        });
        assert_eq!(body.len(), BODY_BYTES);
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
