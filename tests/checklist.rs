// SPDX-License-Identifier: MIT
//! The checklist of the protocol, `tests/data/checklist.txt`: each item is a test that bears its
//! number, in a comment above it.
//!
//! `scripts/test.sh` holds the list against what the steps `unit` and `e2e` have printed.

#![allow(clippy::print_stdout, reason = "the list is what this is for")]

#[path = "checklist/labels.rs"]
mod labels;
#[path = "checklist/list.rs"]
mod list;
#[path = "checklist/results.rs"]
mod results;

use std::path::Path;
use std::{env, fs};

use crate::results::Results;

/// What nothing can prove yet, and why.
const LATER: &[(usize, &str)] = &[
    (124, "keys are checked, but no access tokens: the gateway is no resource server yet"),
    (125, "there is no metadata to publish before the gateway is a resource server"),
];

/// What stands in a file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

#[test]
fn every_item_is_a_test_that_bears_its_number() {
    let (titles, proofs) = (list::titles(), labels::all());
    list::print(&titles, &proofs, LATER, &Results::default());
    let problems = list::problems(titles.len(), &proofs, LATER);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
#[ignore = "needs what the other tests have printed; scripts/test.sh runs it"]
fn every_item_has_passed() {
    let folder = env::var("TEST_LOGS").unwrap_or_default();
    let logs = ["unit", "e2e"].map(|step| fs::read_to_string(format!("{folder}/{step}.log")).ok());
    let all_ran = logs.iter().all(Option::is_some);
    let results = Results::read(&logs.into_iter().flatten().collect::<String>());
    let tally = list::print(&list::titles(), &labels::all(), LATER, &results);
    assert_eq!(tally.failed, 0, "items have failed");
    assert!(!all_ran || tally.not_run == 0, "all steps ran, and items were not among them");
}
