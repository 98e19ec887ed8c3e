// SPDX-License-Identifier: MIT
//! `docs/metrics.md` says what is counted, and `/metrics` looks as it is kept here.

#![allow(clippy::unwrap_used, reason = "a file that cannot be written fails the test")]

use std::time::Duration;

use penstock::observe::metrics::reading::{CALL_BOUNDS_US, TURN_BOUNDS_US};
use penstock::observe::metrics::{Histogram, Reading, ServerReading, TABLE};
use penstock::observe::prometheus::expose;

use crate::exposition;
use crate::markdown::{path, read};

const INTRODUCTION: &str = "\
# Metrics

<!-- Generated from src/observe/metrics.rs by tests/docs.rs; UPDATE_GOLDEN=1 writes it anew. -->

`GET /metrics` answers with counts and times in the text format of Prometheus.
If the gateway has a key, so has the scrape; `metrics = false` in `[gateway]` makes it a 404.

```yaml
scrape_configs:
  - job_name: penstock
    static_configs:
      - targets: [\"127.0.0.1:3000\"]
    authorization:
      credentials_file: /run/secrets/penstock-key
```

Labels hold the names of configured servers and the words below, and nothing that clients or servers
say: a scrape does not grow.
Calls are counted where the logs are written, so they may be missing for 25 ms.

";

const WORDS: &str = "
`outcome` is `ok`, `error`, `denied`, `timeout` or `cancelled`.
An answer of more than 64 KiB is not searched for `isError`; it is `ok` unless it is a JSON-RPC error.
A call that guards refused after its server had answered is `ok` in `penstock_calls_total`, and in
`penstock_denials_total` as well.
A call is `cancelled` once its late answer has come, or is not waited for any more.
Calls that were given up before they were sent, or refused because their server is known to be down,
are not among them.
What guards ask their own servers is counted like what clients ask.

`direction` is `out` or `in`, as seen from the gateway.
Notifications, and what servers ask clients, are in neither.

";

/// Updates the file if that is wanted, and holds it against `want`.
#[track_caller]
fn check_current(name: &str, want: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path(name), want).unwrap();
    }
    assert!(read(name) == want, "{name} is old; run this test with UPDATE_GOLDEN=1");
}

fn bounds(bounds_us: &[u64]) -> String {
    let seconds = bounds_us.iter().map(|bound| Duration::from_micros(*bound));
    let words: Vec<_> = seconds.map(|bound| format!("{bound:?}")).collect();
    words.join(", ")
}

#[test]
fn the_list_of_metrics_is_current() {
    let mut want = String::from(INTRODUCTION);
    want.push_str("| metric | kind | labels | what it says |\n|---|---|---|---|\n");
    for row in TABLE {
        let labels: Vec<_> = row.labels().iter().map(|label| format!("`{label}`")).collect();
        let (kind, labels) = (row.kind(), labels.join(", "));
        want.push_str(&format!("| `{}` | {kind} | {labels} | {} |\n", row.name, row.help));
    }
    want.push_str(WORDS);
    let (calls, turns) = (bounds(&CALL_BOUNDS_US), bounds(&TURN_BOUNDS_US));
    want.push_str(&format!("The buckets of calls end at {calls}.\n"));
    want.push_str(&format!("Those of turns of the loop end at {turns}.\n"));
    check_current("docs/metrics.md", &want);
}

#[test]
fn what_is_exposed_is_as_it_was() {
    let mut weather = ServerReading::new("weather".into());
    weather.up = true;
    weather.calls = [40, 3, 2, 1, 1];
    weather.durations.counts[3] = 41;
    weather.durations.counts[18] = 3;
    weather.durations.sum = Duration::from_micros(200_041_500);
    (weather.denials, weather.bytes) = (3, [4_000, 90_000]);
    let mut turns = Histogram::new(&TURN_BOUNDS_US);
    turns.counts[0] = 900;
    turns.counts[5] = 7;
    turns.sum = Duration::from_nanos(9_123_456);
    let text = expose(&Reading {
        version: "0.1.0".into(),
        servers: vec![weather, ServerReading::new("odd \"name\\".into())],
        sessions: 4,
        connections: 5,
        turns,
        log_records_dropped: 6,
    });
    let text = String::from_utf8(text).unwrap();
    let series = exposition::parse(&text);
    assert_eq!(series["penstock_loop_turn_seconds_sum"], 0.009_123_456);
    assert_eq!(series["penstock_server_up{server=\"odd \\\"name\\\\\"}"], 0.0);
    check_current("tests/data/golden/metrics.txt", &text);
}
