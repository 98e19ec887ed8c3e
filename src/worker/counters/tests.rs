// SPDX-License-Identifier: MIT
//! Events in, numbers out.

use super::*;
use crate::base::Message;
use crate::observe::Block;
use crate::policy::guard::Labels;
use crate::worker::{LogOptions, Logs};

fn counters() -> Arc<Counters> {
    Counters::new("1".into(), ["a".into(), "b".into()].into_iter())
}

/// Of the server with this number.
fn event(server: u16, kind: EventKind) -> Event {
    Event { at_unix_ms: 0, server: Some(ServerId(server)), kind }
}

fn asked(payload: &str) -> EventKind {
    EventKind::RpcOut { method: "tools/call".into(), payload: payload.into() }
}

fn answered(end: CallEnd, ms: u64, payload: &str) -> EventKind {
    EventKind::RpcIn {
        method: "tools/call".into(),
        tool: Some("t".into()),
        payload: payload.into(),
        bytes: payload.len(),
        duration: Duration::from_millis(ms),
        end,
        error: None,
    }
}

fn ended(end: CallEnd, is_call: bool) -> EventKind {
    EventKind::Ended { end, is_call }
}

/// What is counted of all these, as they travel to the log thread.
fn counted(events: Vec<Event>) -> Reading {
    let counters = counters();
    let mut block = Block::default();
    events.into_iter().for_each(|event| block.push(event, true));
    block.iter().for_each(|entry| counters.note(&entry));
    counters.read(&[true])
}

#[test]
fn calls_are_counted_by_server_and_end() {
    let reading = counted(vec![
        event(0, answered(CallEnd::Ok, 1, "{}")),
        event(0, answered(CallEnd::Ok, 40, "{}")),
        event(1, answered(CallEnd::Error, 1, "{}")),
        event(1, answered(CallEnd::TimedOut, 60_000, "")),
        event(1, answered(CallEnd::Cancelled, 5, "{}")),
        event(1, ended(CallEnd::Cancelled, true)),
    ]);
    let [a, b] = &reading.servers[..] else { panic!("two servers") };
    assert_eq!((a.calls, b.calls), ([2, 0, 0, 0, 0], [0, 1, 0, 1, 2]));
    assert_eq!((a.up, b.up), (true, false));
    assert_eq!((a.durations.n(), a.durations.sum), (2, Duration::from_millis(41)));
    // What was given up says nothing about the server.
    assert_eq!((b.durations.n(), b.durations.sum), (2, Duration::from_millis(60_001)));
}

#[test]
fn a_tool_that_says_that_it_has_failed_is_an_error() {
    let failed = r#"{"result":{"content":[],"isError":true}}"#;
    let reading = counted(vec![event(0, answered(CallEnd::Ok, 1, failed))]);
    assert_eq!(reading.servers[0].calls, [0, 1, 0, 0, 0]);
}

#[test]
fn a_denial_is_a_call_if_no_server_has_seen_it() {
    let reading = counted(vec![
        event(0, ended(CallEnd::Denied, true)),
        event(0, answered(CallEnd::Ok, 1, "{}")),
        event(0, ended(CallEnd::Denied, false)),
    ]);
    assert_eq!(reading.servers[0].calls, [1, 0, 1, 0, 0]);
    assert_eq!(reading.servers[0].denials, 2);
}

#[test]
fn bytes_are_counted_both_ways_for_every_method_and_however_many() {
    let of_agent = |rpc| EventKind::OfAgent { labels: Box::new(Labels::default()), rpc };
    let long = " ".repeat(1 << 20);
    let listed = EventKind::RpcIn {
        method: "tools/list".into(),
        tool: None,
        payload: Message::from(long.as_str()),
        bytes: long.len(),
        duration: Duration::from_millis(1),
        end: CallEnd::Ok,
        error: None,
    };
    let reading = counted(vec![
        event(0, asked("123")),
        event(0, of_agent(Box::new(asked("45")))),
        event(0, of_agent(Box::new(answered(CallEnd::Ok, 1, "67")))),
        event(0, listed),
        event(9, asked("of nobody")),
    ]);
    assert_eq!(reading.servers[0].bytes, [5, (1 << 20) + 2]);
    assert_eq!(reading.servers[0].calls, [1, 0, 0, 0, 0]);
    assert_eq!(reading.servers[1], ServerReading::new("b".into()));
}

#[test]
fn what_several_loops_count_is_added() {
    let counters = counters();
    let (one, other) = (counters.new_loop(), counters.new_loop());
    one.note_turn(Duration::from_micros(10), 9, 9);
    one.note_turn(Duration::from_micros(11), 2, 1);
    other.note_turn(Duration::from_secs(2), 3, 4);
    let reading = one.read(&[]);
    assert_eq!((reading.connections, reading.sessions), (5, 5));
    assert_eq!((reading.turns.n(), reading.turns.sum), (3, Duration::from_micros(2_000_021)));
    let [first, second, .., last] = &reading.turns.counts[..] else { panic!("many buckets") };
    assert_eq!((*first, *second, *last), (1, 1, 1));
}

#[test]
fn the_log_thread_counts_also_without_files_and_what_it_never_saw() {
    let counters = counters();
    let options = LogOptions {
        counters: Some(Arc::clone(&counters)),
        events_max: 2,
        stderr: Box::new(std::io::sink()),
        ..LogOptions::default()
    };
    let (logs, mut sender) = Logs::start(options, vec!["a".into(), "b".into()], Vec::new());
    for _ in 0..5 {
        sender.push(event(1, answered(CallEnd::Ok, 1, "{}")));
    }
    sender.end_of_turn();
    logs.finish();
    let reading = counters.read(&[]);
    assert_eq!((reading.servers[1].calls[0], reading.log_records_dropped), (2, 3));
}
