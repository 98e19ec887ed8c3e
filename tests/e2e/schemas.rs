// SPDX-License-Identifier: MIT
//! The golden files of `tests/schemas.rs` against a validator that is not ours.

use std::process::Command;

use crate::child::run;
use crate::place::python;

#[test]
#[ignore = "needs python; scripts/test.sh runs it"]
fn every_schema_that_is_published_is_valid_and_means_what_it_meant() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/schemas.py");
    let said = run(Command::new(python()).arg(script).arg("7"));
    assert!(said.contains("schemas are valid"), "{said}");
}
