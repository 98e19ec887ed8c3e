// SPDX-License-Identifier: MIT
//! How fast a request head is read, and a whole exchange goes through the link.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use penstock::base::{Limits, Message, Now};
use penstock::link::http_server::{HttpServer, ServerEvent};
use penstock::wire::Splice;
use penstock::wire::http1::head::{HeadScan, Request, parse};
use penstock::wire::http1::{Content, ResponseHead};

const SAMPLE: &[u8] = include_bytes!("../tests/data/http/initialize.http");

/// Status line, `Date`, `Content-Type`, `Content-Length` and the empty line.
const ANSWER_HEAD_LEN: usize = 17 + 37 + 32 + 20 + 2;

fn read(input: &[u8]) -> Option<Request> {
    let end = HeadScan::default().find_end(input, 16 * 1024).ok()??;
    parse(&input[..end], 64).ok()
}

fn exchange(link: &mut HttpServer, head: &ResponseHead, answer: &Splice, now: Now) -> usize {
    link.feed(SAMPLE, now);
    assert!(matches!(link.poll_event(), Some(ServerEvent::Head(_))));
    link.receive(1 << 20, now);
    let Some(ServerEvent::Body(body)) = link.poll_event() else { panic!("no body") };
    link.respond(head, answer, false, now);
    let owed = link.outbox().len();
    link.wrote(owed, now);
    body.len() + owed
}

fn bench(c: &mut Criterion) {
    let request = read(SAMPLE).expect("the sample is well-formed");
    let head_len = request.head.bytes.len();
    assert_eq!(request.head.path(), b"/mcp/github");

    let mut group = c.benchmark_group("http1_head");
    group.throughput(Throughput::Bytes(head_len as u64));
    group.bench_function("scan", |b| {
        b.iter(|| HeadScan::default().find_end(black_box(SAMPLE), 16 * 1024));
    });
    group.bench_function("read", |b| b.iter(|| read(black_box(SAMPLE))));
    group.finish();

    let now = Now { mono: Instant::now(), unix_ms: 784_111_777_000 };
    let mut link = HttpServer::new(Arc::new(Limits::DEFAULT), now);
    let head = ResponseHead::new(200, Content::Json);
    let answer = Splice::whole(Message::from("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"));
    let body_len = SAMPLE.len() - head_len;
    assert_eq!(exchange(&mut link, &head, &answer, now), body_len + answer.len() + ANSWER_HEAD_LEN);
    let mut group = c.benchmark_group("http_server");
    group.throughput(Throughput::Elements(1));
    group.bench_function("exchange", |b| b.iter(|| exchange(&mut link, &head, &answer, now)));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
