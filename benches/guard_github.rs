// SPDX-License-Identifier: MIT
//! What the labels of a list of thirty issues cost: 95 kB of JSON as GitHub writes it.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[path = "guard_github/issues.rs"]
mod issues;

fn bench(c: &mut Criterion) {
    let (policy, answer) = (issues::policy(), issues::answer());
    assert_eq!(issues::judge(&policy, &answer), issues::ISSUES);
    let mut group = c.benchmark_group("guard_github");
    group.throughput(Throughput::Bytes(answer.len() as u64));
    group.bench_function("list of 30 issues", |b| {
        b.iter(|| issues::judge(&policy, black_box(&answer)));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
