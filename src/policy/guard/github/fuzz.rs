// SPDX-License-Identifier: MIT
//! Any policy, any call, any answer, and a forge that says anything.

use std::sync::Arc;

use super::{Options, Outcome, Policy, Run};
use crate::base::Message;
use crate::policy::guard::{Findings, GuardError, Met, NEEDS_MAX, Step};
use crate::wire::json::tree;

/// What is judged by if the input is no policy.
const POLICY: &[u8] = br#"{"allow-only":{"repos":["acme/*","b/c"],"min-integrity":"none",
    "endorsement-reactions":["HEART"],"disapproval-reactions":["CONFUSED"]}}"#;

/// Four lines: a policy, a tool, arguments, and an answer.
///
/// It never panics, asks a bounded number of questions that are calls, and says the same to those
/// who ask again.
pub fn fuzz(input: &[u8]) {
    let mut lines = input.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (policy, tool, args, answer) = (line(), line(), line(), line());
    let tool = String::from_utf8_lossy(tool);
    let (args, answer) = (Message::copy_of(args), Message::copy_of(answer));
    let Ok(policy) = Policy::parse(policy).or_else(|_| Policy::parse(POLICY)) else { return };
    assert!(policy.agent().labels.integrity.len() <= 4);
    for compat in [false, true] {
        let policy = Arc::new(policy.clone().with_options(Options { compat }));
        for met in [None, Some(answer.clone())] {
            let run = || Run::response(policy.clone(), &tool, args.clone(), answer.clone());
            let outcome = finish(run(), &met);
            assert_eq!(outcome, finish(run(), &met));
            check(outcome);
            check(finish(Run::resource(policy.clone(), &tool, args.clone()), &met));
        }
    }
}

fn finish(mut run: Run, met: &Met) -> Result<Outcome, GuardError> {
    let mut step = run.step(None);
    for _ in 0..NEEDS_MAX {
        match step {
            Step::Done(outcome) => return outcome,
            Step::Needs(need) => {
                assert!(tree::parse(&need.args, 4).is_ok(), "a need is a call");
                step = run.step(Some(met.clone()));
            }
            Step::Yields => step = run.step(None),
        }
    }
    match step {
        Step::Done(outcome) => outcome,
        _ => panic!("it asks without end"),
    }
}

fn check(outcome: Result<Outcome, GuardError>) {
    match outcome {
        Ok(Outcome::Findings(Findings::Paths(paths))) => {
            assert!(!paths.labelled.is_empty(), "a list of nothing is none");
            let is_inside =
                |path: &str| path.strip_prefix(&*paths.items_path).is_some_and(|it| it.len() > 1);
            let all = || paths.labelled.iter().chain(paths.besides.iter().flatten());
            assert!(all().all(|(path, _)| is_inside(path)));
            assert!(all().is_sorted_by_key(|(path, _)| (path.len(), path)), "in their order");
        }
        Ok(Outcome::Findings(Findings::Items(items))) => {
            assert!(items.len() == 1 && items[0].object.is_some(), "one item, with labels");
        }
        Ok(Outcome::Labelled(labelled)) => {
            assert!(!labelled.object.labels.integrity.is_empty(), "a call has a level");
        }
        Ok(Outcome::Findings(Findings::Nothing)) => {}
        Err(error) => assert!(!error.is_fatal),
    }
}
