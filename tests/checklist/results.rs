// SPDX-License-Identifier: MIT
//! What tests have printed about themselves.

use std::collections::BTreeMap;

use crate::labels::Proof;

/// What came of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Result {
    Ok,
    NotRun,
    Failed,
}

/// What came of all tests that ran, by their target and their path in it.
#[derive(Debug, Default)]
pub struct Results(BTreeMap<(String, String), Result>);

impl Results {
    /// Reads what `cargo test` has printed, once or more often.
    pub fn read(text: &str) -> Self {
        let mut results = BTreeMap::new();
        let mut target = String::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                // For example: `Running unittests src/lib.rs (target/debug/deps/penstock-0123)`.
                ["Running", "unittests", path, _] | ["Running", path, _] => {
                    target = name(path).to_owned();
                }
                ["test", path, .., result @ ("ok" | "FAILED")] => {
                    let result = if result == "ok" { Result::Ok } else { Result::Failed };
                    let key = (target.clone(), path.to_owned());
                    let worst = results.get(&key).map_or(result, |old| result.max(*old));
                    results.insert(key, worst);
                }
                _ => {}
            }
        }
        Self(results)
    }

    /// What came of a test. One name can be several tests, of a macro: then all of them count.
    pub fn of(&self, proof: &Proof) -> Result {
        let fits = |path: &str| {
            let (place, name) = path.rsplit_once("::").unwrap_or(("", path));
            let is_there = format!("::{place}::").contains(&format!("::{}::", proof.module));
            name == proof.name && (proof.module.is_empty() || is_there)
        };
        let found =
            self.0.iter().filter(|((target, path), _)| *target == proof.target && fits(path));
        found.map(|(_, result)| *result).max().unwrap_or(Result::NotRun)
    }
}

/// The target that is built from this file.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs")
}

#[test]
fn what_cargo_prints_is_understood() {
    let results = Results::read(
        "     Running unittests src/lib.rs (target/debug/deps/penstock-1)\n\
         test mcp::meta::tests::a ... ok\n\
         test mcp::meta::tests::b - should panic ... ok\n\
         \u{20}    Running tests/core.rs (target/debug/deps/core-1)\n\
         test eras::a ... FAILED\n\
         test eras::c ... ignored, needs node\n\
         test clients::one::d ... ok\n\
         test clients::two::d ... FAILED\n\
         test core::links::e ... ok\n",
    );
    let of = |target: &str, module: &str, name: &str| {
        let (target, module, name) = (target.to_owned(), module.to_owned(), name.to_owned());
        results.of(&Proof { number: 1, target, module, name })
    };
    assert_eq!(of("lib", "mcp::meta::tests", "a"), Result::Ok);
    assert_eq!(of("lib", "mcp::meta::tests", "b"), Result::Ok);
    assert_eq!(of("core", "eras", "a"), Result::Failed);
    assert_eq!(of("core", "eras", "c"), Result::NotRun);
    assert_eq!(of("core", "clients", "d"), Result::Failed);
    assert_eq!(of("core", "mcp", "a"), Result::NotRun);
    assert_eq!(of("core", "links", "e"), Result::Ok);
    assert_eq!(of("core", "link", "e"), Result::NotRun);
}
