// SPDX-License-Identifier: MIT
//! A reader of the text format of Prometheus that takes nothing but what its rules allow.

#![allow(clippy::unwrap_used, reason = "a text that cannot be read fails the test")]

use std::collections::{BTreeMap, HashSet};

/// Values by series, which are spelled as in the text.
pub type Series = BTreeMap<String, f64>;

/// Reads `text`, and panics where it breaks a rule.
#[track_caller]
pub fn parse(text: &str) -> Series {
    assert!(text.ends_with('\n'), "the last line has no end");
    let (mut series, mut seen) = (Series::new(), HashSet::new());
    let (mut name, mut kind) = ("", "");
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            name = help.split_once(' ').unwrap().0;
            kind = "";
            assert!(seen.insert(name), "{name} is there twice");
        } else if let Some(said) = line.strip_prefix("# TYPE ") {
            let (of, said) = said.split_once(' ').unwrap();
            assert!(of == name && kind.is_empty(), "{line}");
            assert!(["counter", "gauge", "histogram"].contains(&said), "{line}");
            kind = said;
        } else {
            let (one, value) = line.rsplit_once(' ').unwrap();
            let (of, labels) = check_series(one);
            let suffix = of.strip_prefix(name).unwrap_or_else(|| panic!("{line} under {name}"));
            let suffixes: &[&str] =
                if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(!kind.is_empty() && suffixes.contains(&suffix), "{line}");
            assert_eq!(suffix == "_bucket", labels.last().is_some_and(|last| last == "le"));
            assert!(series.insert(one.to_owned(), value.parse().unwrap()).is_none(), "{line}");
        }
    }
    check_histograms(&series);
    series
}

/// The name of a series and the names of its labels.
#[track_caller]
fn check_series(series: &str) -> (&str, Vec<String>) {
    let (name, rest) = series.split_at(series.find('{').unwrap_or(series.len()));
    check_name(name);
    let mut labels = Vec::new();
    let mut rest = match rest {
        "" => return (name, labels),
        rest => rest.strip_prefix('{').unwrap().strip_suffix('}').unwrap(),
    };
    while !rest.is_empty() {
        let (label, value) = rest.split_once("=\"").unwrap();
        check_name(label);
        labels.push(label.to_owned());
        let mut escaped = false;
        let end = value.find(|char| {
            let ends = char == '"' && !escaped;
            assert!(!escaped || ['\\', '"', 'n'].contains(&char), "{series}");
            escaped = char == '\\' && !escaped;
            ends
        });
        rest = &value[end.unwrap() + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    (name, labels)
}

#[track_caller]
fn check_name(name: &str) {
    let is_fine = |char: char| char.is_ascii_alphanumeric() || char == '_';
    assert!(name.chars().all(is_fine) && !name.starts_with(|c: char| c.is_ascii_digit()), "{name}");
}

/// Buckets never fall, and the last one is the number of all.
#[track_caller]
fn check_histograms(series: &Series) {
    let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for (one, value) in series {
        let Some((before, bound)) = one.split_once("le=\"") else { continue };
        let bound = bound.trim_end_matches("\"}").replace("+Inf", "inf").parse().unwrap();
        let labels = before.trim_end_matches(['{', ',']);
        let close = if labels.contains('{') { "}" } else { "" };
        let of = labels.replacen("_bucket", "", 1) + close;
        buckets.entry(of).or_default().push((bound, *value));
    }
    for (of, mut all) in buckets {
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(all.is_sorted_by(|a, b| a.1 <= b.1), "{of}: {all:?}");
        let at = of.find('{').unwrap_or(of.len());
        let count = format!("{}_count{}", &of[..at], &of[at..]);
        let (bound, last) = all.pop().unwrap();
        assert!(bound.is_infinite() && series[&count] == last, "{of}");
        assert!(series.contains_key(&format!("{}_sum{}", &of[..at], &of[at..])), "{of}");
    }
}

#[test]
fn what_is_no_exposition_is_not_taken() {
    let fine = "# HELP a b.\n# TYPE a counter\na{b=\"c\\\"\"} 1\n";
    assert_eq!(parse(fine)["a{b=\"c\\\"\"}"], 1.0);
    for broken in [
        "a 1\n",
        "# HELP a b.\n# TYPE a counter\nb 1\n",
        "# HELP a b.\n# TYPE a counter\na 1\na 2\n",
        "# HELP a b.\n# TYPE a counter\na{1=\"c\"} 1\n",
        "# HELP a b.\n# TYPE a histogram\na 1\n",
        "# HELP a b.\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n",
    ] {
        assert!(std::panic::catch_unwind(|| parse(broken)).is_err(), "{broken}");
    }
}
