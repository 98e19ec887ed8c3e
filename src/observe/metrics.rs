// SPDX-License-Identifier: MIT
//! What is counted, as one table: names, sentences, kinds, labels, and where each number is.
//!
//! ```text
//!  log thread ─ calls ────────────┐
//!  loops ────── turns, sessions ──┴─> worker::Counters ─> Reading ─> prometheus::expose
//! ```
//!
//! Labels hold names of the configuration and words of ours, and nothing that a peer says: however
//! long the gateway runs, a scrape does not grow.

pub mod failed;
pub mod reading;

use Kind::{Counter, Gauge};
use Values::{Durations, DurationsOfServers, Labelled, OfServers, One, Version};

use crate::gateway::io::CallEnd;
pub use reading::{Histogram, Reading, ServerReading};

/// One metric.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub help: &'static str,
    /// Where its numbers are.
    pub values: Values,
}

/// How a number changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It grows until the gateway ends.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// Where the numbers of a metric are, and by which labels they differ.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// 1, with the label `version`.
    Version,
    /// One number.
    One(Kind, fn(&Reading) -> u64),
    /// One for each `server`.
    OfServers(Kind, fn(&ServerReading) -> u64),
    /// For each `server` one for each word of a second label; they only grow.
    Labelled(&'static str, &'static [&'static str], fn(&ServerReading) -> &[u64]),
    /// How long something took.
    Durations(fn(&Reading) -> &Histogram),
    /// The same for each `server`.
    DurationsOfServers(fn(&ServerReading) -> &Histogram),
}

impl Row {
    /// The word for its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.values {
            Version | One(Gauge, _) | OfServers(Gauge, _) => "gauge",
            One(Counter, _) | OfServers(Counter, _) | Labelled(..) => "counter",
            Durations(_) | DurationsOfServers(_) => "histogram",
        }
    }

    /// The names of its labels.
    #[must_use]
    pub fn labels(&self) -> Vec<&'static str> {
        match self.values {
            Version => vec!["version"],
            One(..) | Durations(_) => vec![],
            OfServers(..) | DurationsOfServers(_) => vec!["server"],
            Labelled(second, ..) => vec!["server", second],
        }
    }
}

/// The word for an end of a call, in the label `outcome`.
const fn outcome(end: CallEnd) -> &'static str {
    match end {
        CallEnd::Ok => "ok",
        CallEnd::Error => "error",
        CallEnd::Denied => "denied",
        CallEnd::TimedOut => "timeout",
        CallEnd::Cancelled => "cancelled",
    }
}

const OUTCOMES: [&str; CallEnd::ALL.len()] = {
    let mut words = [""; CallEnd::ALL.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = outcome(CallEnd::ALL[at]);
        at += 1;
    }
    words
};

/// Where a message goes, in the label `direction`: to the server, and from it.
const DIRECTIONS: [&str; 2] = ["out", "in"];

/// Every metric.
#[rustfmt::skip] // It is a table.
pub const TABLE: &[Row] = &[
    Row { name: "penstock_build_info", values: Version,
        help: "Always 1; the label says which version runs." },
    Row { name: "penstock_server_up", values: OfServers(Gauge, |server| server.up.into()),
        help: "Whether the server works, as `/health` has it." },
    Row { name: "penstock_calls_total",
        values: Labelled("outcome", &OUTCOMES, |server| &server.calls),
        help: "Calls of tools that have ended. `error` also counts results that say so themselves; \
               `denied` those that were not sent." },
    Row { name: "penstock_call_duration_seconds",
        values: DurationsOfServers(|server| &server.durations),
        help: "From sending a call of a tool to its answer, its failure or its timeout." },
    Row { name: "penstock_denials_total", values: OfServers(Counter, |server| server.denials),
        help: "Requests that guards or budgets refused, before or after the server answered." },
    Row { name: "penstock_bytes_total",
        values: Labelled("direction", &DIRECTIONS, |server| &server.bytes),
        help: "Bytes of requests to the server (`out`) and of its answers (`in`)." },
    Row { name: "penstock_sessions", values: One(Gauge, |reading| reading.sessions),
        help: "Open sessions, with those that the gateway keeps for calls without one." },
    Row { name: "penstock_connections", values: One(Gauge, |reading| reading.connections),
        help: "Open connections of clients." },
    Row { name: "penstock_loop_turns_total", values: One(Counter, |reading| reading.turns.n()),
        help: "Turns of the event loop." },
    Row { name: "penstock_loop_turn_seconds", values: Durations(|reading| &reading.turns),
        help: "How long a turn of the event loop took; whoever becomes ready waits so long." },
    Row { name: "penstock_log_records_dropped_total",
        values: One(Counter, |reading| reading.log_records_dropped),
        help: "Events that came too fast for the logs; calls among them are not counted." },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[track_caller]
    fn check_name(name: &str) {
        let is_fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(name.starts_with(|first: char| first.is_ascii_lowercase()), "{name}");
        assert!(name.bytes().all(is_fine), "{name}");
        assert!(!name.contains("__") && !name.ends_with('_'), "{name}");
    }

    #[test]
    fn names_are_ours_and_each_is_there_once() {
        let names: HashSet<_> = TABLE.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), TABLE.len());
        for row in TABLE {
            check_name(row.name);
            assert!(row.name.starts_with("penstock_"), "{}", row.name);
        }
    }

    #[test]
    fn names_say_the_kind_as_prometheus_has_it() {
        for row in TABLE {
            assert_eq!(row.name.ends_with("_total"), row.kind() == "counter", "{}", row.name);
            assert_eq!(row.name.ends_with("_seconds"), row.kind() == "histogram", "{}", row.name);
            for reserved in ["_bucket", "_count", "_sum"] {
                assert!(!row.name.ends_with(reserved), "{}", row.name);
            }
        }
    }

    #[test]
    fn labels_are_names_and_their_words_differ() {
        for row in TABLE {
            let labels = row.labels();
            labels.iter().for_each(|label| check_name(label));
            let distinct: HashSet<_> = labels.iter().collect();
            assert!(distinct.len() == labels.len() && !labels.contains(&"le"), "{}", row.name);
            if let Labelled(_, words, read) = row.values {
                let distinct: HashSet<_> = words.iter().collect();
                assert_eq!((distinct.len(), words.len()), (words.len(), words.len()));
                assert_eq!(read(&ServerReading::new("a".into())).len(), words.len());
            }
        }
    }

    #[test]
    fn sentences_need_no_escapes() {
        for row in TABLE {
            assert!(row.help.ends_with('.') && !row.help.contains(['\n', '\\']), "{}", row.name);
        }
    }
}
