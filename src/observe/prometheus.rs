// SPDX-License-Identifier: MIT
//! Counts as text, in the exposition format of Prometheus, version 0.0.4.
//!
//! Spec: Prometheus, "Exposition formats", text-based format.

use std::time::Duration;

use crate::base::bytes::push_u64;
use crate::observe::metrics::{Histogram, Reading, TABLE, Values};

/// The whole text.
#[must_use]
pub fn expose(reading: &Reading) -> Vec<u8> {
    let mut out = Vec::new();
    for row in TABLE {
        let head =
            format!("# HELP {name} {}\n# TYPE {name} {}\n", row.help, row.kind(), name = row.name);
        out.extend_from_slice(head.as_bytes());
        push_values(&mut out, row.name, row.values, reading);
    }
    out
}

fn push_values(out: &mut Vec<u8>, name: &str, values: Values, reading: &Reading) {
    match values {
        Values::Version => push_sample(out, name, &[("version", &reading.version)], 1),
        Values::One(_, read) => push_sample(out, name, &[], read(reading)),
        Values::Durations(read) => push_histogram(out, name, &[], read(reading)),
        Values::OfServers(_, read) => {
            for server in &reading.servers {
                push_sample(out, name, &[("server", &server.name)], read(server));
            }
        }
        Values::Labelled(label, words, read) => {
            for server in &reading.servers {
                for (word, value) in words.iter().zip(read(server)) {
                    push_sample(out, name, &[("server", &server.name), (label, word)], *value);
                }
            }
        }
        Values::DurationsOfServers(read) => {
            for server in &reading.servers {
                push_histogram(out, name, &[("server", &server.name)], read(server));
            }
        }
    }
}

type Labels<'l> = [(&'l str, &'l str)];

fn push_sample(out: &mut Vec<u8>, name: &str, labels: &Labels<'_>, value: u64) {
    push_series(out, name, labels);
    push_u64(out, value);
    out.push(b'\n');
}

/// Buckets as they are read by machines: each holds those before it as well.
fn push_histogram(out: &mut Vec<u8>, name: &str, labels: &Labels<'_>, histogram: &Histogram) {
    let bounds = histogram.bounds_us.iter().map(|bound| seconds(Duration::from_micros(*bound)));
    let bounds = bounds.chain(["+Inf".to_owned()]);
    let bucket = format!("{name}_bucket");
    for (bound, count) in bounds.zip(histogram.cumulative()) {
        let labels: Vec<_> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
        push_sample(out, &bucket, &labels, count);
    }
    push_series(out, &format!("{name}_sum"), labels);
    out.extend_from_slice(seconds(histogram.sum).as_bytes());
    out.push(b'\n');
    push_sample(out, &format!("{name}_count"), labels, histogram.n());
}

/// The name with its labels, and the blank before the value.
fn push_series(out: &mut Vec<u8>, name: &str, labels: &Labels<'_>) {
    out.extend_from_slice(name.as_bytes());
    let mut before = b'{';
    for (label, value) in labels {
        out.push(before);
        before = b',';
        out.extend_from_slice(label.as_bytes());
        out.extend_from_slice(b"=\"");
        push_escaped(out, value);
        out.push(b'"');
    }
    if !labels.is_empty() {
        out.push(b'}');
    }
    out.push(b' ');
}

fn push_escaped(out: &mut Vec<u8>, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
}

/// Seconds in decimal, without a digit too many.
fn seconds(duration: Duration) -> String {
    let text = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_the_digits_they_need() {
        for (nanos, want) in [
            (0, "0"),
            (1, "0.000000001"),
            (100_000, "0.0001"),
            (2_500_000_000, "2.5"),
            (60_000_000_000, "60"),
        ] {
            assert_eq!(seconds(Duration::from_nanos(nanos)), want);
        }
    }

    #[test]
    fn values_of_labels_are_quoted() {
        let mut out = Vec::new();
        push_sample(&mut out, "a", &[("b", "c\"d\\e\nf"), ("g", "é")], 7);
        assert_eq!(String::from_utf8_lossy(&out), "a{b=\"c\\\"d\\\\e\\nf\",g=\"é\"} 7\n");
    }
}
