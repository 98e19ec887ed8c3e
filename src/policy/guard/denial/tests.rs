// SPDX-License-Identifier: MIT
//! The sentences, to the last byte.

use super::*;
use crate::policy::guard::{Mode, Operation, monitor};
use crate::wire::json::tree;

fn label(tags: &[&str]) -> Label {
    Label::new(tags.iter().copied())
}

fn object(description: &str, secrecy: &[&str], integrity: &[&str]) -> Object {
    let labels = Labels { secrecy: label(secrecy), integrity: label(integrity) };
    Object { description: description.into(), labels }
}

fn violation(kind: Check, tags: &[&str]) -> Violation {
    let (secrecy_to_add, integrity_to_drop) = match kind {
        Check::ReadSecrecy | Check::WriteSecrecy => (label(tags), Label::EMPTY),
        _ => (Label::EMPTY, label(tags)),
    };
    Violation { kind, secrecy_to_add, integrity_to_drop }
}

#[test]
fn levels_are_named_by_the_highest_tag_in_the_way() {
    #[track_caller]
    fn check(tags: &[&str], want: &str) {
        assert_eq!(level(&label(tags)), want, "{tags:?}");
    }
    check(&[], "none");
    check(&["merged:o/r", "approved:o/r"], "\"merged\"");
    check(&["approved:acme", "unapproved:acme", "none:acme"], "\"approved\"");
    check(&["unapproved", "none"], "\"unapproved\"");
    check(&["none:acme"], "[none:acme]");
    check(&[":approved"], "[:approved]");
    check(&["Approved:acme", "b"], "[Approved:acme b]");
    check(&["integrity=none;scopes=a,b"], "[integrity=none;scopes=a,b]");
}

#[test]
fn scopes_are_named_by_the_narrowest_tag_in_the_way() {
    #[track_caller]
    fn check(tags: &[&str], want: &str) {
        assert_eq!(scope(&label(tags)), want, "{tags:?}");
    }
    check(&[], "public");
    check(&["private"], "private");
    check(&["private", "private:acme", "private:acme/web"], "private (acme/web)");
    check(&["private:zed", "private:acme"], "private (acme)");
    check(&["private:a:b"], "private (a:b)");
    check(&["private:"], "[private:]");
    check(&["private:", "private"], "private");
    check(&["secret:x", "internal"], "[internal secret:x]");
    check(&["secret:x", "private:o"], "private (o)");
    check(&[":private"], "[:private]");
}

#[test]
fn each_check_has_its_sentence() {
    #[track_caller]
    fn check(kind: Check, tags: &[&str], want: &str) {
        let object = object("issue:acme/web-app#2", &[], &[]);
        assert_eq!(reason(&object, &violation(kind, tags)), want);
    }
    check(
        Check::ReadIntegrity,
        &["approved:acme"],
        "Resource 'issue:acme/web-app#2' has lower integrity than agent requires. \
         The agent cannot read data with integrity below \"approved\".",
    );
    check(
        Check::ReadSecrecy,
        &["private:acme/x"],
        "Resource 'issue:acme/web-app#2' has secrecy requirements that agent doesn't meet. \
         The agent is not authorized to access private (acme/x)-scoped data.",
    );
    check(
        Check::WriteIntegrity,
        &["merged:acme"],
        "Agent lacks required integrity to write to 'issue:acme/web-app#2'. \
         The agent's integrity level is insufficient; it needs \"merged\" integrity.",
    );
    check(
        Check::WriteSecrecy,
        &["private"],
        "Agent carries private-scoped data that cannot be written to 'issue:acme/web-app#2' \
         due to secrecy constraints. \
         The target resource is not authorized to receive this sensitive data.",
    );
}

#[test]
fn a_propagation_names_the_halves_that_there_are() {
    #[track_caller]
    fn check(secrecy: &[&str], integrity: &[&str], want: &str) {
        let kind = Check::ReadSecrecy;
        let (secrecy_to_add, integrity_to_drop) = (label(secrecy), label(integrity));
        let text = propagation_text(&Violation { kind, secrecy_to_add, integrity_to_drop });
        assert_eq!(text.strip_prefix("Read allowed with label propagation: "), Some(want));
    }
    check(&["a", "b"], &[], "adding secrecy tags [a b]");
    check(&[], &["i"], "dropping integrity tags [i]");
    check(&["a"], &["i"], "adding secrecy tags [a] and dropping integrity tags [i]");
}

#[test]
fn a_denial_for_secrecy_says_what_adding_tags_means() {
    let object = object("repo:o/p", &["private:o/p"], &["none:o"]);
    let agent = Labels { secrecy: Label::EMPTY, integrity: label(&["none:o"]) };
    let text = violation_text(&object, &agent, &violation(Check::ReadSecrecy, &["private:o/p"]));
    let want = "\
DIFC Violation: Resource 'repo:o/p' has secrecy requirements that agent doesn't meet. \
The agent is not authorized to access private (o/p)-scoped data.

Required Action: Add secrecy tags [private:o/p]

Implications of adding secrecy tags:
  - Agent will be restricted from writing to resources that lack these tags
  - This includes public resources (e.g., public repositories, public internet)
  - Agent will be marked as handling sensitive information
  - Future writes must target resources with tags: [private:o/p]

Current Agent Labels:
  Secrecy: []
  Integrity: [none:o]

Resource Requirements:
  Secrecy: [private:o/p]
  Integrity: [none:o]
";
    assert_eq!(text, want);
}

#[test]
fn a_denial_for_integrity_has_two_empty_lines_behind_its_reason() {
    let object = object("repo:o/p", &[], &["approved:o", "none:o"]);
    let agent = Labels { secrecy: label(&["b", "a"]), integrity: Label::EMPTY };
    let violation = violation(Check::WriteIntegrity, &["none:o", "approved:o"]);
    let want = "\
DIFC Violation: Agent lacks required integrity to write to 'repo:o/p'. \
The agent's integrity level is insufficient; it needs \"approved\" integrity.


Required Action: Drop integrity tags [approved:o none:o]

Implications of dropping integrity tags:
  - Agent will no longer be able to write to high-integrity resources
  - Specifically, agent cannot write to resources requiring tags: [approved:o none:o]
  - This action acknowledges that agent has been influenced by lower-integrity data
  - Agent's outputs will be considered less trustworthy

Current Agent Labels:
  Secrecy: [a b]
  Integrity: []

Resource Requirements:
  Secrecy: []
  Integrity: [approved:o none:o]
";
    assert_eq!(violation_text(&object, &agent, &violation), want);
}

#[test]
fn the_one_item_of_an_answer_is_named_with_its_reason() {
    let violation = violation(Check::ReadIntegrity, &["approved:acme"]);
    assert_eq!(
        filtered_single(&object("issue:acme/web-app#2", &[], &[]), &violation),
        "[Filtered] issue:acme/web-app#2 exists but is not accessible — filtered by integrity \
         policy (Resource 'issue:acme/web-app#2' has lower integrity than agent requires. \
         The agent cannot read data with integrity below \"approved\".)"
    );
    assert!(
        filtered_single(&Object::default(), &violation)
            .starts_with("[Filtered] resource exists but is not accessible — filtered by")
    );
}

#[test]
fn a_withheld_answer_is_counted() {
    assert_eq!(
        strict_text(2, 7, "default"),
        "DIFC policy violation: 2 of 7 items in response are not accessible to agent default"
    );
}

#[test]
fn a_few_items_are_named_and_many_are_counted() {
    let object = object("issue:o/p#1", &["private:o/p"], &[]);
    let violation = violation(Check::ReadSecrecy, &["private:o/p"]);
    let why = reason(&object, &violation);
    let items = |count| vec![(&object, &violation); count];
    let head = |count| {
        format!(
            "[Filtered] {count} item(s) in this response were removed by secrecy policy \
             and are not shown"
        )
    };
    let one = format!("issue:o/p#1 ({why})");
    assert_eq!(notice(&items(1), 1), format!("{}: {one}.", head(1)));
    assert_eq!(notice(&items(2), 2), format!("{}: {one}; {one}.", head(2)));
    assert_eq!(notice(&items(5), 5), format!("{}: {}.", head(5), [one.as_str(); 5].join("; ")));
    assert_eq!(notice(&items(6), 6), format!("{}.", head(6)));
    let without = Object { description: "".into(), labels: object.labels.clone() };
    let why = reason(&without, &violation);
    assert_eq!(notice(&[(&without, &violation)], 1), format!("{}: {why}.", head(1)));
}

#[test]
fn what_removed_items_is_named_if_it_is_one_thing() {
    #[track_caller]
    fn check(kinds: &[Check], want: &str) {
        let violations: Vec<_> = kinds.iter().map(|kind| violation(*kind, &["x"])).collect();
        assert_eq!(policy(&violations), want, "{kinds:?}");
    }
    check(&[], "access policy");
    check(&[Check::ReadSecrecy, Check::WriteSecrecy], "secrecy policy");
    check(&[Check::WriteIntegrity, Check::ReadIntegrity], "integrity policy");
    check(&[Check::ReadIntegrity, Check::ReadSecrecy], "access policy");
    check(&[Check::ReadIntegrity, Check::Unlabelled], "access policy");
    check(&[Check::Unlabelled], "access policy");
}

#[test]
fn what_would_be_allowed_is_said_in_tags() {
    #[track_caller]
    fn check(kind: Check, want: &str) {
        assert_eq!(allowed(&violation(kind, &["b", "a"])), want);
    }
    check(Check::ReadIntegrity, "reading resources that have integrity [a b]");
    check(Check::ReadSecrecy, "reading resources without secrecy [a b]");
    check(Check::WriteIntegrity, "writing to resources that do not require integrity [a b]");
    check(Check::WriteSecrecy, "writing to resources that accept secrecy [a b]");
    check(Check::Unlabelled, "reading items that the guard has labelled");
}

#[test]
fn a_program_reads_the_rule_and_that_trying_again_is_of_no_use() {
    let data = data_json("difc.read.secrecy", "No \"secrets\".\n", "reading");
    let want = r#"{"rule":"difc.read.secrecy","reason":"No \"secrets\".\n","#.to_owned()
        + r#""retryable":false,"allowed":"reading"}"#;
    assert_eq!(str::from_utf8(&data).unwrap(), want);
    assert!(tree::parse(&data, 1).is_ok());
}

#[test]
fn a_decision_gets_the_sentence_of_its_first_failed_check() {
    let object = object("repo:o/p", &["private:o/p"], &["none:o"]);
    let agent = Labels { secrecy: Label::EMPTY, integrity: label(&["none:o", "approved:o"]) };
    let decision = monitor::decide(&agent, &object.labels, Operation::Read, Mode::Strict);
    let text = violation_text(&object, &agent, decision.denied().unwrap());
    assert!(text.contains("below \"approved\".\n\n\nRequired Action: Drop integrity tags ["));
    assert!(!text.contains("Add secrecy tags"), "{text}");
}
