// SPDX-License-Identifier: MIT
//! The tables of the monitor, row by row.

use super::*;

const OPERATIONS: [Operation; 3] = [Operation::Read, Operation::Write, Operation::ReadWrite];
const MODES: [Mode; 3] = [Mode::Strict, Mode::Filter, Mode::Propagate];

fn label(tags: &str) -> Label {
    Label::new(tags.split_whitespace())
}

/// `secrecy / integrity`.
fn labels(text: &str) -> Labels {
    let (secrecy, integrity) = text.split_once('/').unwrap();
    Labels { secrecy: label(secrecy), integrity: label(integrity) }
}

/// The decision as `allow`, or as `deny <rule> +secrecy -integrity`.
fn spelled(decision: &Decision) -> String {
    let (word, violation) = match decision {
        Decision::Allow => return "allow".to_owned(),
        Decision::AllowWithPropagation(violation) => ("carry", violation),
        Decision::Deny(violation) => ("deny", violation),
    };
    let Violation { kind, secrecy_to_add, integrity_to_drop } = violation;
    format!("{word} {} +{secrecy_to_add} -{integrity_to_drop}", kind.rule())
}

#[track_caller]
fn check(agent: &str, object: &str, operation: Operation, want: [&str; 3]) {
    for (mode, want) in MODES.into_iter().zip(want) {
        let decision = decide(&labels(agent), &labels(object), operation, mode);
        assert_eq!(spelled(&decision), want, "{agent} {operation:?} {object}, {mode:?}");
    }
}

#[test]
fn what_is_not_labelled_is_open_to_who_is_not_labelled() {
    for operation in OPERATIONS {
        check("/", "/", operation, ["allow"; 3]);
    }
}

#[test]
fn a_reader_has_to_know_the_secrets_and_the_object_the_trust() {
    let read = Operation::Read;
    check("s/i", "s/i", read, ["allow"; 3]);
    check("s t/", "s/i", read, ["allow"; 3]);
    let secrecy = "deny difc.read.secrecy +[t] -[]";
    check("s/", "s t/", read, [secrecy, secrecy, "carry difc.read.secrecy +[t] -[]"]);
    let integrity = "deny difc.read.integrity +[] -[j]";
    check("/i j", "/i", read, [integrity, integrity, "carry difc.read.integrity +[] -[j]"]);
}

#[test]
fn integrity_is_the_reason_of_a_mixed_denial_and_a_propagation_names_both() {
    let deny = "deny difc.read.integrity +[] -[i]";
    let carry = "carry difc.read.integrity +[s] -[i]";
    check("/i", "s/", Operation::Read, [deny, deny, carry]);
    let deny = "deny difc.write.integrity +[] -[i]";
    check("s/", "/i", Operation::Write, [deny; 3]);
}

#[test]
fn a_writer_has_to_be_trusted_and_must_not_know_too_much() {
    let write = Operation::Write;
    check("s/i j", "s t/i", write, ["allow"; 3]);
    check("s/", "/", write, ["deny difc.write.secrecy +[s] -[]"; 3]);
    check("/i", "/i j", write, ["deny difc.write.integrity +[] -[j]"; 3]);
}

#[test]
fn reading_and_writing_is_first_read_and_then_write() {
    let both = Operation::ReadWrite;
    let read = "deny difc.read.secrecy +[t] -[]";
    check("s/", "t/", both, [read, read, "deny difc.write.secrecy +[s] -[]"]);
    check("s/", "/", both, ["deny difc.write.secrecy +[s] -[]"; 3]);
    // What it reads propagates, and nothing is wrong with what it writes.
    check("/", "t/", both, [read, read, "allow"]);
    check("s/i", "s/i", both, ["allow"; 3]);
}

#[test]
fn the_wildcard_counts_on_the_side_that_has_to_be_larger() {
    check("*/", "private:o/p/", Operation::Read, ["allow"; 3]);
    check("/i j", "/*", Operation::Read, ["allow"; 3]);
    check("s/", "*/", Operation::Write, ["allow"; 3]);
    check("/*", "/i j", Operation::Write, ["allow"; 3]);
    check("*/", "s/", Operation::Write, ["deny difc.write.secrecy +[*] -[]"; 3]);
    let deny = "deny difc.read.secrecy +[*] -[]";
    check("s/", "*/", Operation::Read, [deny, deny, "carry difc.read.secrecy +[*] -[]"]);
    let deny = "deny difc.read.secrecy +[private:o/p] -[]";
    let carry = "carry difc.read.secrecy +[private:o/p] -[]";
    let (agent, object) = (Label::new(["private:o/p*"]), Label::new(["private:o/p"]));
    let of = |secrecy: &Label| Labels { secrecy: secrecy.clone(), integrity: Label::EMPTY };
    for (mode, want) in MODES.into_iter().zip([deny, deny, carry]) {
        let decision = decide(&of(&agent), &of(&object), Operation::Read, mode);
        assert_eq!(spelled(&decision), want, "only `*` itself is a wildcard");
    }
}

#[test]
fn a_denied_call_goes_on_only_if_it_reads() {
    assert_eq!(OPERATIONS.map(goes_on_although_denied), [true, false, false]);
}

#[test]
fn answers_to_writes_are_not_labelled_and_those_of_both_not_in_strict_mode() {
    let table = MODES.map(|mode| OPERATIONS.map(|operation| labels_response(operation, mode)));
    assert_eq!(table, [[true, false, false], [true, false, true], [true, false, true]]);
}

#[test]
fn one_filtered_item_withholds_all_in_strict_mode_alone() {
    assert_eq!([0, 1, 7].map(|count| withholds_all(Mode::Strict, count)), [false, true, true]);
    assert!(!withholds_all(Mode::Filter, 7) && !withholds_all(Mode::Propagate, 7));
}

#[test]
fn labels_are_carried_after_reading_in_propagate_mode() {
    let table = MODES.map(|mode| OPERATIONS.map(|operation| accumulates(operation, mode)));
    assert_eq!(table, [[false; 3], [false; 3], [true, false, true]]);
}

#[test]
fn one_trusted_item_does_not_hide_an_untrusted_one() {
    let mut agent = labels("/low high");
    accumulate(&mut agent, [&labels("/low high"), &labels("s/low")]);
    assert_eq!(agent, labels("s/low"));
    accumulate(&mut agent, [&labels("t/low high")]);
    assert_eq!(agent, labels("s t/low"), "trust does not come back");
    accumulate(&mut agent, [&labels("/*")]);
    assert_eq!(agent, labels("s t/low"), "the wildcard is all trust");
    accumulate(&mut agent, []);
    assert_eq!(agent, labels("s t/low"), "nothing read is nothing carried");
    accumulate(&mut agent, [&Labels::NONE]);
    assert_eq!(agent, labels("s t/"));
}

#[test]
fn rules_have_names_of_their_own() {
    let checks = [
        Check::ReadIntegrity,
        Check::ReadSecrecy,
        Check::WriteIntegrity,
        Check::WriteSecrecy,
        Check::Unlabelled,
    ];
    let names: std::collections::HashSet<_> = checks.iter().map(|check| check.rule()).collect();
    assert_eq!(names.len(), checks.len());
    assert!(names.iter().all(|name| name.starts_with("difc.")));
}
