// SPDX-License-Identifier: MIT
//! The list itself, with what proves each item.

use crate::labels::Proof;
use crate::results::{Result, Results};

/// How many items have come to what.
#[derive(Debug, Default)]
pub struct Tally {
    pub ok: usize,
    pub failed: usize,
    pub not_run: usize,
    pub later: usize,
}

/// The titles of the items, in order: the first one is number 1.
pub fn titles() -> Vec<String> {
    let text = crate::read("tests/data/checklist.txt");
    let mut titles = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let (number, title) = line.split_once('|').unwrap_or_default();
        assert_eq!(number, (at + 1).to_string(), "the items are counted: {line}");
        titles.push(title.to_owned());
    }
    titles
}

/// What is wrong with the labels.
pub fn problems(n_items: usize, proofs: &[Proof], later: &[(usize, &str)]) -> Vec<String> {
    let mut problems = Vec::new();
    for number in 1..=n_items {
        let is_proved = proofs.iter().any(|proof| proof.number == number);
        let is_later = later.iter().any(|(later, _)| *later == number);
        match (is_proved, is_later) {
            (false, false) => problems.push(format!("no test bears the number {number}")),
            (true, true) => problems.push(format!("{number} is for later and has a test")),
            _ => {}
        }
    }
    let strange = proofs.iter().filter(|proof| !(1..=n_items).contains(&proof.number));
    problems.extend(strange.map(|proof| format!("there is no item for {proof:?}")));
    problems
}

/// Prints every item with what came of it, and the tests that prove it.
pub fn print(
    titles: &[String],
    proofs: &[Proof],
    later: &[(usize, &str)],
    results: &Results,
) -> Tally {
    let mut tally = Tally::default();
    for (number, title) in (1..).zip(titles) {
        let own: Vec<_> = proofs.iter().filter(|proof| proof.number == number).collect();
        let worst = own.iter().map(|proof| results.of(proof)).max().unwrap_or(Result::NotRun);
        let reason = later.iter().find(|(later, _)| *later == number).map(|(_, reason)| *reason);
        let (word, count) = match (reason, worst) {
            (Some(_), _) => ("later", &mut tally.later),
            (None, Result::Ok) => ("ok", &mut tally.ok),
            (None, Result::Failed) => ("FAILED", &mut tally.failed),
            (None, Result::NotRun) => ("not run", &mut tally.not_run),
        };
        *count += 1;
        let why = reason.map_or_else(|| tests(&own, worst, results), str::to_owned);
        println!("{word:8} {number:3}  {title}  ({why})");
    }
    let Tally { ok, failed, not_run, later } = tally;
    println!("{ok} ok, {failed} failed, {not_run} not run, {later} for later");
    tally
}

/// The names of the tests; if not all are alike, those that made the result bad are marked.
fn tests(own: &[&Proof], worst: Result, results: &Results) -> String {
    let differ = own.iter().any(|proof| results.of(proof) != worst);
    let name = |proof: &&Proof| {
        let mark = if differ && results.of(proof) == worst { "!" } else { "" };
        let module = if proof.module.is_empty() { "" } else { "::" };
        format!("{mark}{} {}{module}{}", proof.target, proof.module, proof.name)
    };
    own.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[test]
fn items_without_a_test_and_labels_without_an_item_are_told() {
    let proof = |number| Proof {
        number,
        target: "core".to_owned(),
        module: String::new(),
        name: "a".to_owned(),
    };
    let found = problems(3, &[proof(1), proof(3), proof(4)], &[(3, "later")]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], "no test bears the number 2");
}
