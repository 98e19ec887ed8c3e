// SPDX-License-Identifier: MIT
//! Schemas and lists as real servers write them, and what each care makes of them:
//! `tests/data/schemas`, `tests/data/tool-lists` and `tests/data/golden`.
//!
//! `UPDATE_GOLDEN=1` writes the golden files anew. `tests/clients/schemas.py` holds them against a
//! validator that is not ours.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use penstock::base::{Rng, Span};
use penstock::mcp::schema::{self, Care};
use penstock::mcp::tool_name::{NameMap, Rule};
use penstock::mcp::tools::{self, Options};
use penstock::wire::json::scan;

fn data(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder)
}

/// The samples in a folder by name, in alphabetical order.
fn samples(folder: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = std::fs::read_dir(data(folder))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap().trim_end().to_owned())
        })
        .collect();
    all.sort();
    all
}

#[track_caller]
fn check_golden(name: &str, got: &str) {
    let path = data("golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, got).unwrap();
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(got == want, "{} differs; UPDATE_GOLDEN=1 rewrites it:\n{got}", path.display());
}

#[test]
fn every_schema_becomes_what_each_care_promises() {
    let samples = samples("schemas");
    assert!(samples.len() >= 30);
    for (word, care) in Care::WORDS {
        let mut golden = String::new();
        for (name, text) in &samples {
            let place = Span::new(0, text.len());
            let line = match schema::input(text.as_bytes(), Some(place), care) {
                Ok(None) => "as it is".to_owned(),
                Ok(Some(new)) => String::from_utf8(new).unwrap(),
                Err(flaw) => format!("withheld: {flaw}"),
            };
            writeln!(golden, "## {name}\n{line}").unwrap();
        }
        check_golden(&format!("schemas-{word}.txt"), &golden);
    }
}

#[test]
fn every_list_becomes_what_each_care_promises() {
    for (word, care) in Care::WORDS {
        let mut golden = String::new();
        for (name, text) in samples("tool-lists") {
            let options = Options { care, object_results: true, ..Options::default() };
            let mut names = NameMap::new(Rule::MODEL);
            let place = Span::new(0, text.len());
            let line = match tools::published(text.as_bytes(), place, &options, &mut names) {
                None => "as it is".to_owned(),
                Some(list) => String::from_utf8(list.result.to_vec()).unwrap(),
            };
            writeln!(golden, "## {name}\n{line}").unwrap();
        }
        check_golden(&format!("tool-lists-{word}.txt"), &golden);
    }
}

#[test]
fn the_samples_are_good_seeds() {
    for (_, text) in samples("schemas") {
        schema::fuzz(text.as_bytes());
    }
    for (_, text) in samples("tool-lists") {
        tools::fuzz(text.as_bytes());
    }
}

/// The places of all values in a text.
fn values(text: &[u8]) -> Vec<Span> {
    let (mut found, mut left) = (Vec::new(), vec![Span::new(0, text.len())]);
    while let Some(place) = left.pop() {
        left.extend(scan::members(text, place).map(|(_, value)| value));
        left.extend(scan::elements(text, place));
        found.push(place);
    }
    found
}

#[test]
fn samples_with_each_others_parts_do_no_harm() {
    let samples: Vec<String> = ["schemas", "tool-lists"]
        .into_iter()
        .flat_map(|folder| samples(folder).into_iter().map(|(_, text)| text))
        .collect();
    let mut rng = Rng::new([3; 32]);
    let mut pick = |len: usize| (rng.next_u64() % len as u64) as usize;
    for _ in 0..1000 {
        let mut text = samples[pick(samples.len())].clone().into_bytes();
        for _ in 0..=pick(3) {
            let other = samples[pick(samples.len())].as_bytes();
            let (places, parts) = (values(&text), values(other));
            let (place, part) = (places[pick(places.len())], parts[pick(parts.len())]);
            let (head, tail) = (place.start as usize, place.end as usize);
            text = [&text[..head], part.of(other), &text[tail..]].concat();
        }
        schema::fuzz(&text);
        tools::fuzz(&text);
    }
}
