// SPDX-License-Identifier: MIT
//! The whole gateway in memory: bytes of a request in, a call out, its answer in, bytes of the
//! response out. What sockets add to this is the reactor's.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[path = "exchange/world.rs"]
mod world;

fn exchanges(c: &mut Criterion) {
    let mut group = c.benchmark_group("exchange");
    group.throughput(Throughput::Elements(1));
    for (name, transport) in [("stdio", world::stdio()), ("http", world::http())] {
        let (mut world, call) = world::opened(transport);
        group
            .bench_function(name, |b| b.iter(|| black_box(world.exchange(black_box(&call))).len()));
        assert!(world.gateway.is_quiet());
        world.gateway.check_invariants();
    }
    group.finish();
}

criterion_group!(benches, exchanges);
criterion_main!(benches);
