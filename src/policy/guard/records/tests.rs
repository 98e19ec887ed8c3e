// SPDX-License-Identifier: MIT
//! What is recorded of an item, and what is not.

use super::*;
use crate::policy::guard::Labels;
use crate::policy::guard::monitor::Check;
use crate::wire::json::tree;

fn record(item: &str) -> Filtered {
    Filtered::of(item.as_bytes(), &Object::default(), &Violation::UNLABELLED)
}

/// Association, login, URL, number and commit.
#[track_caller]
fn check(item: &str, want: [&str; 5]) {
    let it = record(item);
    let members = [it.author_association, it.author_login, it.html_url, it.number, it.sha];
    assert_eq!(members.map(|it| it.unwrap_or_default().into_string()), want, "{item}");
}

#[test]
fn members_say_where_the_item_is_and_whose() {
    check(
        r#" {"author_association":"NONE","user":{"login":"mallory"},"html_url":"https://x/1",
            "number":2,"sha":"0f3b","title":"secret"} "#,
        ["NONE", "mallory", "https://x/1", "2", "0f3b"],
    );
    check(
        r#"{"authorAssociation":"OWNER","author":{"login":"\u0061b"}}"#,
        ["OWNER", "ab", "", "", ""],
    );
    check("{}", [""; 5]);
    check(r#"[{"sha":"a"}]"#, [""; 5]);
    check(r#"{"sha":1,"html_url":null,"author_association":[],"user":"x"}"#, [""; 5]);
}

#[test]
fn the_first_spelling_that_is_a_string_counts_even_if_it_is_empty() {
    check(r#"{"user":{"login":""},"author":{"login":"b"}}"#, [""; 5]);
    check(r#"{"user":{"login":7},"author":{"login":"b"}}"#, ["", "b", "", "", ""]);
    check(r#"{"user":null,"author":{"login":"b"}}"#, ["", "b", "", "", ""]);
    check(r#"{"author_association":1,"authorAssociation":"B"}"#, ["B", "", "", "", ""]);
}

#[test]
fn numbers_are_recorded_if_they_are_whole() {
    for (spelled, want) in [
        ("7", "7"),
        ("7.0", "7"),
        ("1.2e1", "12"),
        ("-3", "-3"),
        ("-0", "0"),
        ("9223372036854775807", "9223372036854775807"),
        ("7.5", ""),
        ("1e300", ""),
        ("1e999", ""),
        ("\"7\"", ""),
        ("true", ""),
    ] {
        check(&format!(r#"{{"number":{spelled}}}"#), ["", "", "", want, ""]);
    }
}

#[test]
fn what_is_no_json_has_no_members() {
    for item in ["", " ", "{", r#"{"sha":"a"} x"#, r#"{"sha":"a","x":tru}"#] {
        check(item, [""; 5]);
    }
    let record = Filtered::of(b"{\"sha\":\"\xff\"}", &Object::default(), &Violation::UNLABELLED);
    assert_eq!(record.sha, None);
}

#[test]
fn the_record_is_one_line_with_the_names_of_its_schema() {
    let object = Object {
        description: "issue:acme/web-app#2".into(),
        labels: Labels { secrecy: Label::EMPTY, integrity: Label::new(["none:acme"]) },
    };
    let violation = Violation {
        kind: Check::ReadIntegrity,
        secrecy_to_add: Label::EMPTY,
        integrity_to_drop: Label::new(["approved:acme"]),
    };
    let item = br#"{"number":2,"title":"T","body":"B","user":{"login":"m\n"}}"#;
    let record = Filtered::of(item, &object, &violation);
    let line = to_json(&record, "github", "list_issues", "2026-08-22T12:00:00.123Z");
    let want = concat!(
        r#"{"timestamp":"2026-08-22T12:00:00.123Z","event":"difc_filtered","#,
        r#""_schema":"difc-filtered/v2","server_id":"github","tool_name":"list_issues","#,
        r#""description":"issue:acme/web-app#2","#,
        r#""reason":"Resource 'issue:acme/web-app#2' has lower integrity than agent requires. "#,
        r#"The agent cannot read data with integrity below \"approved\".","#,
        r#""secrecy_tags":[],"integrity_tags":["none:acme"],"#,
        r#""author_login":"m\n","number":"2"}"#
    );
    assert_eq!(str::from_utf8(&line).unwrap(), want);
}

#[test]
fn a_record_has_a_size_whatever_the_item_is() {
    let long = "é".repeat(TEXT_BYTES_MAX);
    let tags = (0..TAGS_MAX * 2).map(|index| format!("{index:04}{long}"));
    let labels = Labels { secrecy: Label::new(tags.map(String::into_boxed_str)), ..Labels::NONE };
    let object = Object { description: long.clone().into(), labels };
    let item = format!(r#"{{"sha":"x{long}","number":1{}}}"#, "0".repeat(TEXT_BYTES_MAX));
    let record = Filtered::of(item.as_bytes(), &object, &Violation::UNLABELLED);
    assert_eq!(record.description.len(), TEXT_BYTES_MAX);
    assert_eq!(record.sha.as_ref().unwrap().len(), TEXT_BYTES_MAX - 1, "no half letter");
    assert_eq!(record.number, None);
    assert_eq!(record.secrecy.len(), TAGS_MAX);
    assert!(record.secrecy.iter().all(|tag| tag.len() <= TEXT_BYTES_MAX));
    assert!(tree::parse(&to_json(&record, "s", "t", "now"), 2).is_ok());
}

#[test]
fn the_samples_are_recorded_as_the_tree_reads_them() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/difc_record");
    let mut count = 0;
    for entry in std::fs::read_dir(samples).unwrap() {
        fuzz(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 7);
}
