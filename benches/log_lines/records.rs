// SPDX-License-Identifier: MIT
//! Secrets, a message of a wanted length, and the events of one call.

use std::time::Duration;

use penstock::base::{Message, Rng, Secret};
use penstock::gateway::io::{CallEnd, Event, EventKind};
use penstock::gateway::snapshot::ServerId;
use penstock::wire::json::write;

/// As many as a gateway with ten servers has.
pub fn secrets() -> Vec<Secret> {
    let mut rng = Rng::new([1; 32]);
    (0..20).map(|_| Secret::new(rng.base32(32).as_bytes())).collect()
}

/// A call or a result with a text of prose, so that it has `bytes` bytes.
pub fn message(bytes: usize) -> Vec<u8> {
    let prose = "The gateway lost one of its backends, and nobody had been told about it. ";
    let build = |len: usize| {
        let mut out = Vec::new();
        write::object(&mut out, |message| {
            message.str("jsonrpc", "2.0").u64("id", 42).str("method", "tools/call");
            message.object("params", |params| {
                params.str("name", "search_code");
                params.object("arguments", |arguments| {
                    arguments.str("query", "repo:penstock fn parse").u64("page", 3);
                    arguments.bool("archived", false);
                    arguments.str("note", &prose.repeat(len / prose.len() + 1)[..len]);
                });
                params.object("_meta", |meta| _ = meta.str("progressToken", "p-42"));
            });
        });
        out
    };
    build(bytes - build(0).len())
}

/// A request that leaves, and its answer.
pub fn events() -> [Event; 2] {
    let event = |kind| Event { at_unix_ms: 1_787_400_000_123, server: Some(ServerId(0)), kind };
    let payload = Message::new(message(300));
    let request =
        event(EventKind::RpcOut { method: "tools/call".into(), payload: payload.clone() });
    let answer = event(EventKind::RpcIn {
        method: "tools/call".into(),
        tool: Some("search_code".into()),
        bytes: payload.len(),
        payload,
        duration: Duration::from_micros(1234),
        end: CallEnd::Ok,
        error: None,
    });
    [request, answer]
}
