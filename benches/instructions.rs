// SPDX-License-Identifier: MIT
//! Instructions, counted by valgrind: what decides whether a change made something slower, on any
//! machine. `benches/gate.sh` holds the sums against `benches/BASELINE.toml`.
//!
//! Each row is one thing that a call goes through, warm: it is done once before it is counted.

// Reason: in a bench a panic is the report.
#![allow(clippy::unwrap_used)]
// Reason: what the macros write.
#![allow(missing_docs, unused_qualifications)]

use std::hint::black_box;
use std::sync::Arc;

use gungraun::prelude::*;
use penstock::base::{Limits, Message};
use penstock::gateway::io::Event;
use penstock::gateway::snapshot::Transport;
use penstock::observe::debug::Patterns;
use penstock::observe::{Batch, Log};
use penstock::policy::guard::github::Policy;
use penstock::wire::http1::head::{HeadScan, Request, parse};
use penstock::wire::jsonrpc;
use penstock::wire::ndjson::Lines;
use penstock::wire::sse::{Decoder, EventIn};

#[path = "guard_github/issues.rs"]
mod issues;
#[path = "jsonrpc_scan/messages.rs"]
mod messages;
#[path = "log_lines/records.rs"]
mod records;
#[path = "exchange/world.rs"]
mod world;

use world::World;

const HEAD: &[u8] = include_bytes!("../tests/data/http/initialize.http");
const EVENT: &[u8] = include_bytes!("../tests/data/sse/one_message.txt");

/// Does it once before it is counted.
fn warm<T>(mut state: T, mut work: impl FnMut(&mut T)) -> T {
    work(&mut state);
    state
}

fn scan(message: &mut Message) {
    let parsed = jsonrpc::parse(black_box(message), &Limits::DEFAULT);
    assert!(black_box(parsed).is_ok());
}

fn scanned(text: Vec<u8>) -> Message {
    warm(Message::new(text), scan)
}

#[library_benchmark]
#[bench::of_300_b(scanned(messages::call(300)))]
#[bench::of_1_kb(scanned(messages::call(1024)))]
#[bench::of_60_kb(scanned(messages::tools_list(60_000)))]
fn json(mut message: Message) -> Message {
    scan(&mut message);
    message
}

fn read_head() -> Request {
    let input = black_box(HEAD);
    let end = HeadScan::default().find_end(input, 16 * 1024).unwrap().unwrap();
    parse(&input[..end], 64).unwrap()
}

#[library_benchmark]
#[bench::request(warm((), |()| drop(read_head())))]
fn http_head(_warm: ()) -> Request {
    read_head()
}

fn read_event(decoder: &mut Decoder) {
    let mut deliver = |event: EventIn| drop(black_box(event));
    decoder.feed(black_box(EVENT), &mut deliver).unwrap();
}

#[library_benchmark]
#[bench::message(warm(Decoder::new(1 << 20), read_event))]
fn sse(mut decoder: Decoder) -> Decoder {
    read_event(&mut decoder);
    decoder
}

type Split = (Lines, Vec<u8>);

fn lines_of(len: usize) -> Split {
    let line =
        [&b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"x\":\""[..], &vec![b'x'; len], b"\"}}\n"];
    (Lines::new(1 << 20, 64), line.concat().repeat(32))
}

fn split((lines, read): &mut Split) {
    lines.feed(black_box(read), &mut |line| drop(black_box(line)));
}

#[library_benchmark]
#[bench::lines_32_of_300_b(warm(lines_of(300), split))]
fn ndjson(mut state: Split) -> Split {
    split(&mut state);
    state
}

type Opened = (World, Vec<u8>);

/// The client, the server and the gateway between them: a session is open, and so many calls were
/// made that the connection counts as a busy one.
fn opened(transport: Transport) -> Opened {
    warm(world::opened(transport), |state| (0..8).for_each(|_| call(state)))
}

fn call((world, request): &mut Opened) {
    assert!(!black_box(world.exchange(black_box(request))).is_empty());
}

#[library_benchmark]
#[bench::http(opened(world::http()))]
#[bench::stdio(opened(world::stdio()))]
fn exchange(mut state: Opened) -> Opened {
    call(&mut state);
    state
}

type Logged = (Log, Batch, [Event; 2]);

fn logged() -> Logged {
    let log = Log::new(vec!["github".into()], &records::secrets(), Patterns::default());
    warm((log, Batch::new(1), records::events()), |state| {
        record(state);
        let (_, batch, _) = state;
        // What was written stays allocated, as it does in the log thread.
        batch.main.clear();
        batch.rpc.clear();
        batch.servers[0].clear();
    })
}

fn record((log, batch, events): &mut Logged) {
    for event in events {
        log.record(black_box(event), batch);
    }
}

#[library_benchmark]
#[bench::request_and_answer(logged())]
fn log(mut state: Logged) -> Logged {
    record(&mut state);
    state
}

type Judged = (Arc<Policy>, Message);

fn judge((policy, answer): &mut Judged) {
    assert_eq!(issues::judge(black_box(policy), black_box(answer)), issues::ISSUES);
}

#[library_benchmark]
#[bench::issues_30(warm((issues::policy(), issues::answer()), judge))]
fn guard(mut state: Judged) -> Judged {
    judge(&mut state);
    state
}

library_benchmark_group!(
    name = calls,
    benchmarks = [json, http_head, sse, ndjson, exchange, log, guard]
);
main!(library_benchmark_groups = calls);
