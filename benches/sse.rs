// SPDX-License-Identifier: MIT
//! How fast event streams are written and read.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use penstock::base::{Message, Outbox};
use penstock::wire::Splice;
use penstock::wire::sse::{Decoder, EventIn, EventOut};

const ONE: &[u8] = include_bytes!("../tests/data/sse/one_message.txt");

fn decode(input: &[u8], pieces: usize) -> usize {
    let (mut decoder, mut n) = (Decoder::new(1 << 26), 0);
    let mut deliver = |event: EventIn| n += event.data.len();
    for piece in input.chunks(pieces) {
        decoder.feed(piece, &mut deliver).expect("short events");
    }
    n
}

fn read(c: &mut Criterion) {
    let mut group = c.benchmark_group("sse_decode");
    let many = ONE.repeat(64 * 1024 / ONE.len());
    let big = [b"data: ", "x".repeat(1 << 20).as_bytes(), b"\n\n"].concat();
    assert_eq!(decode(ONE, 4096), ONE.len() - 23);
    assert_eq!(decode(&big, 65_536), 1 << 20);
    for (name, input) in [("one_event", ONE), ("read_of_64_kib", &many), ("event_of_1_mib", &big)] {
        group.throughput(Throughput::Bytes(input.len() as u64));
        group.bench_function(name, |b| b.iter(|| decode(black_box(input), 65_536)));
    }
    group.finish();
}

fn write(c: &mut Criterion) {
    let mut group = c.benchmark_group("sse_encode");
    for len in [100, 10_000] {
        let data = Splice::whole(Message::new(vec![b'x'; len]));
        let mut outbox = Outbox::new();
        EventOut::new(Some("s-17"), None, Some(&data)).encode(&mut outbox);
        assert_eq!(outbox.len(), len + 32);
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("message_of_{len}"), |b| {
            b.iter(|| {
                outbox.consume(outbox.len());
                let event = EventOut::new(Some("s-17"), None, Some(black_box(&data)));
                black_box(event.len());
                event.encode(&mut outbox);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, read, write);
criterion_main!(benches);
