// SPDX-License-Identifier: MIT
//! The monitor against the rules as they are written down: plain sets, one line per rule.

// Small functions of tests are tests as well, which the lint does not see.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use penstock::base::Limits;
use penstock::policy::guard::agents::{Agents, from_agent_strings};
use penstock::policy::guard::denial;
use penstock::policy::guard::monitor::{self, Check, Decision, Violation};
use penstock::policy::guard::records;
use penstock::policy::guard::{Label, Labels, Mode, Object, Operation};
use proptest::collection::vec;
use proptest::prelude::*;

const OPERATIONS: [Operation; 3] = [Operation::Read, Operation::Write, Operation::ReadWrite];
const MODES: [Mode; 3] = [Mode::Strict, Mode::Filter, Mode::Propagate];

/// Items with the members that are recorded.
const SAMPLES: [&str; 3] = [
    include_str!("data/difc_record/issue.json"),
    include_str!("data/difc_record/exponent_and_escapes.json"),
    include_str!("data/difc_record/doubled_members.json"),
];

/// The twin of a label.
type Set = HashSet<String>;

/// Secrecy and integrity.
type Pair = (Set, Set);

/// Few words, so that they meet; two look like patterns and are none.
fn tags() -> impl Strategy<Value = Vec<&'static str>> {
    vec(prop::sample::select(vec!["a", "b", "c", "A", "a*", "private:o/p*", "*"]), 0..5)
}

fn set_of(tags: &[&str]) -> Set {
    tags.iter().map(|&tag| tag.to_owned()).collect()
}

fn set(label: &Label) -> Set {
    label.iter().map(|tag| tag.to_string()).collect()
}

fn pair(labels: &Labels) -> Pair {
    (set(&labels.secrecy), set(&labels.integrity))
}

fn labels() -> impl Strategy<Value = Labels> {
    (tags(), tags()).prop_map(|(secrecy, integrity)| Labels {
        secrecy: Label::new(secrecy),
        integrity: Label::new(integrity),
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop::sample::select(OPERATIONS.to_vec())
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(MODES.to_vec())
}

/// What keeps the smaller set out of the larger one.
fn missing(smaller: &Set, larger: &Set) -> Set {
    match larger.contains("*") {
        true => Set::new(),
        false => smaller.difference(larger).cloned().collect(),
    }
}

/// All checks of an operation in their order, each with the tags that make it fail.
fn checks(agent: &Pair, object: &Pair, operation: Operation) -> Vec<(Check, Set)> {
    let read = [
        (Check::ReadIntegrity, missing(&agent.1, &object.1)),
        (Check::ReadSecrecy, missing(&object.0, &agent.0)),
    ];
    let write = [
        (Check::WriteIntegrity, missing(&object.1, &agent.1)),
        (Check::WriteSecrecy, missing(&agent.0, &object.0)),
    ];
    match operation {
        Operation::Read => read.into(),
        Operation::Write => write.into(),
        Operation::ReadWrite => read.into_iter().chain(write).collect(),
    }
}

/// What the rules say: the checks that fail and are not let off, in their order.
fn failed(agent: &Labels, object: &Labels, operation: Operation, mode: Mode) -> Vec<(Check, Set)> {
    let is_read = |check: Check| matches!(check, Check::ReadIntegrity | Check::ReadSecrecy);
    let mut failed = checks(&pair(agent), &pair(object), operation);
    failed.retain(|(check, tags)| {
        let is_let_off = mode == Mode::Propagate && is_read(*check);
        !tags.is_empty() && !is_let_off
    });
    failed
}

/// The tags of a violation by check.
fn tags_of(violation: &Violation, check: Check) -> Set {
    match check {
        Check::ReadIntegrity | Check::WriteIntegrity => set(&violation.integrity_to_drop),
        Check::ReadSecrecy | Check::WriteSecrecy => set(&violation.secrecy_to_add),
        Check::Unlabelled => Set::new(),
    }
}

fn may_read(agent: &Labels, object: &Labels) -> bool {
    monitor::decide(agent, object, Operation::Read, Mode::Strict) == Decision::Allow
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_label_is_a_set(left in tags(), right in tags()) {
        let (a, b) = (Label::new(left.clone()), Label::new(right.clone()));
        let (naive_a, naive_b) = (set_of(&left), set_of(&right));
        prop_assert_eq!(a.len(), naive_a.len());
        prop_assert_eq!(set(&a.union(&b)), &naive_a | &naive_b);
        prop_assert_eq!(set(&a.intersection(&b)), &naive_a & &naive_b);
        prop_assert_eq!(set(&a.beyond(&b)), missing(&naive_a, &naive_b));
        prop_assert_eq!(a.flows_into(&b), missing(&naive_a, &naive_b).is_empty());
        prop_assert!(a.flows_into(&a) && a.flows_into(&a.union(&b)));
        prop_assert!(a.intersection(&b).flows_into(&a));
    }

    #[test]
    fn the_monitor_denies_for_the_first_check_that_fails(
        agent in labels(), object in labels(), operation in operation(), mode in mode(),
    ) {
        let decision = monitor::decide(&agent, &object, operation, mode);
        match failed(&agent, &object, operation, mode).first() {
            None => prop_assert!(decision.denied().is_none(), "{decision:?}"),
            Some((check, tags)) => {
                let violation = decision.denied().unwrap();
                prop_assert_eq!(violation.kind, *check);
                prop_assert_eq!(&tags_of(violation, *check), tags);
                let count = violation.secrecy_to_add.len() + violation.integrity_to_drop.len();
                prop_assert_eq!(count, tags.len(), "only the tags of that check");
            }
        }
    }

    #[test]
    fn a_propagation_is_a_read_that_would_be_denied_and_names_all_of_its_tags(
        agent in labels(), object in labels(), operation in operation(), mode in mode(),
    ) {
        let decision = monitor::decide(&agent, &object, operation, mode);
        let is_read = operation == Operation::Read && mode == Mode::Propagate;
        if let Decision::AllowWithPropagation(violation) = &decision {
            prop_assert!(is_read);
            let read = checks(&pair(&agent), &pair(&object), operation);
            for (check, tags) in &read {
                prop_assert_eq!(&tags_of(violation, *check), tags);
            }
            let first = read.iter().find(|(_, tags)| !tags.is_empty()).map(|(check, _)| *check);
            prop_assert_eq!(Some(violation.kind), first);
        } else {
            prop_assert!(!is_read || may_read(&agent, &object));
        }
    }

    #[test]
    fn strict_and_filter_decide_alike(
        agent in labels(), object in labels(), operation in operation(),
    ) {
        let [strict, filter, _] =
            MODES.map(|mode| monitor::decide(&agent, &object, operation, mode));
        prop_assert_eq!(strict, filter);
    }

    #[test]
    fn the_wildcard_opens_the_larger_side(mut agent in labels(), mut object in labels()) {
        let (plain_agent, plain_object) = (agent.clone(), object.clone());
        agent.secrecy.insert("*");
        object.integrity.insert("*");
        let read = |agent, object| monitor::decide(agent, object, Operation::Read, Mode::Strict);
        prop_assert_eq!(read(&agent, &object), Decision::Allow);
        let (mut agent, mut object) = (plain_agent, plain_object);
        agent.integrity.insert("*");
        object.secrecy.insert("*");
        let write = monitor::decide(&agent, &object, Operation::Write, Mode::Strict);
        prop_assert_eq!(write, Decision::Allow);
    }

    #[test]
    fn who_reads_carries_what_it_has_read(agent in labels(), items in vec(labels(), 0..5)) {
        let mut after = agent.clone();
        monitor::accumulate(&mut after, &items);
        let mut naive = pair(&agent);
        for (secrecy, integrity) in items.iter().map(pair) {
            naive.0.extend(secrecy);
            if !integrity.contains("*") {
                naive.1 = &naive.1 & &integrity;
            }
        }
        prop_assert_eq!(pair(&after), naive);
    }

    #[test]
    fn reading_makes_no_secret_unreadable_and_no_writer_freer(
        agent in labels(), items in vec(labels(), 0..5), object in labels(),
    ) {
        let mut after = agent.clone();
        monitor::accumulate(&mut after, &items);
        prop_assert!(pair(&agent).0.is_subset(&pair(&after).0), "secrecy only grows");
        prop_assert!(pair(&after).1.is_subset(&pair(&agent).1), "integrity only shrinks");
        prop_assert!(!may_read(&agent, &object) || may_read(&after, &object));
        prop_assert!(items.iter().all(|item| may_read(&after, item)), "it knows what it has read");
        let write = |agent| monitor::decide(agent, &object, Operation::Write, Mode::Strict);
        prop_assert!(write(&agent) == Decision::Allow || write(&after) != Decision::Allow);
    }

    #[test]
    fn it_does_not_matter_in_which_order_or_how_often_items_are_read(
        agent in labels(), items in vec(labels(), 0..5),
    ) {
        let (mut forth, mut back) = (agent.clone(), agent);
        monitor::accumulate(&mut forth, &items);
        monitor::accumulate(&mut back, items.iter().rev().chain(&items));
        prop_assert_eq!(forth, back);
    }

    #[test]
    fn an_agent_carries_the_union_of_what_it_was_given(given in vec(labels(), 0..6)) {
        let mut agents = Agents::new(&Limits::DEFAULT);
        let mut naive = Pair::default();
        for labels in &given {
            agents.add("agent", labels).unwrap();
            naive.0.extend(set(&labels.secrecy));
            naive.1.extend(set(&labels.integrity));
        }
        prop_assert_eq!(pair(&agents.get("agent")), naive);
    }

    #[test]
    fn words_for_agents_become_tags_without_blanks(words in vec("[ \t\na]{0,4}", 0..5)) {
        let naive: Set = words.iter().map(|word| word.trim().to_owned()).collect();
        let label = from_agent_strings(words.iter().map(String::as_str));
        prop_assert_eq!(set(&label), &naive - &Set::from([String::new()]));
    }

    #[test]
    fn a_notice_names_descriptions_and_the_tags_in_the_way_and_nothing_else(
        agent in labels(), items in vec(labels(), 1..5),
    ) {
        // Tags of the objects that are in nobody's way: they must not be told.
        let hidden = |mut labels: Labels| {
            labels.integrity.insert("unrelated-integrity");
            Object { description: "thing".into(), labels }
        };
        let objects: Vec<Object> = items.into_iter().map(hidden).collect();
        let decisions: Vec<Decision> = objects
            .iter()
            .map(|it| monitor::decide(&agent, &it.labels, Operation::Read, Mode::Filter))
            .collect();
        let denied = objects.iter().zip(&decisions);
        let denied: Vec<_> = denied.filter_map(|(it, by)| Some((it, by.denied()?))).collect();
        let notice = denial::notice(&denied, denied.len());
        prop_assert!(!notice.contains("unrelated-integrity"), "{notice}");
        prop_assert_eq!(notice.matches("Resource 'thing'").count(), denied.len());
    }

    #[test]
    fn the_record_of_a_damaged_item_is_a_record(
        sample in prop::sample::select(SAMPLES.to_vec()), place in any::<prop::sample::Index>(),
        byte in any::<u8>(), cuts in any::<bool>(),
    ) {
        let mut item = sample.as_bytes().to_vec();
        let place = place.index(item.len());
        item[place] = byte;
        item.truncate(if cuts { place } else { item.len() });
        records::fuzz(&item);
    }
}
