// SPDX-License-Identifier: MIT
//! The corpora of the fuzz targets, read as they are and with their bytes shuffled a little.

use std::fs;
use std::path::Path;

use penstock::base::Rng;

/// Runs `fuzz` on each sample of a folder, and on mutations of it.
#[track_caller]
fn check(folder: &str, fuzz: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut rng = Rng::new([9; 32]);
    let mut n_samples = 0;
    for entry in fs::read_dir(folder).expect("the corpus") {
        let sample = fs::read(entry.expect("an entry").path()).expect("a sample");
        n_samples += 1;
        for round in 0..200 {
            let mut bytes = vec![round as u8];
            bytes.extend_from_slice(&sample);
            for _ in 0..round % 5 {
                let (at, from) = (rng.next_u32() as usize, rng.next_u32() as usize);
                let len = bytes.len();
                bytes[at % len] = bytes[from % len];
            }
            fuzz(&bytes);
            fuzz(&bytes[1..]);
        }
    }
    assert!(n_samples > 3);
}

#[test]
fn response_samples_are_the_same_however_they_are_cut() {
    check("http-responses", penstock::link::http_client::fuzz);
}

// Checklist 17.
#[test]
fn event_stream_samples_are_the_same_however_they_are_cut() {
    check("sse", penstock::wire::sse::fuzz);
    check("sse", penstock::wire::ndjson::fuzz);
    check("sse", penstock::link::stdio::fuzz);
}

#[test]
fn fields_made_for_a_call_agree_with_it_whatever_the_schema() {
    check("mirror", penstock::mcp::mirror::fuzz);
}
