// SPDX-License-Identifier: MIT
//! What is left of answers.

use proptest::prelude::*;

use super::*;
use crate::wire::json::tree::{self, Node, Value};

#[track_caller]
fn check(text: &str, pointers: &[&str], want: Option<&str>) {
    let got = remove(text.as_bytes(), pointers.iter().copied());
    let got = got.map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(got.as_deref(), want, "{text} {pointers:?}");
}

#[test]
fn a_list_loses_its_items_and_stays_a_list() {
    check("[1, 2 ,3]", &["/1"], Some("[1, 3]"));
    check("[1,2]", &["/0", "/1"], Some("[]"));
    check("[1.0,2]", &[], Some("[1.0,2]"));
}

#[test]
fn an_envelope_counts_what_is_left() {
    check(
        r#"{"total_count": 40,"incomplete_results":true,"items":[{"id":1},{"id":2}]}"#,
        &["/items/0"],
        Some(r#"{"total_count": 1,"incomplete_results":false,"items":[{"id":2}]}"#),
    );
    check(
        r#"{"repositories":[1,2],"total_count":2}"#,
        &["/repositories/0", "/repositories/1"],
        Some(r#"{"repositories":[],"total_count":0}"#),
    );
}

#[test]
fn every_connection_loses_its_own_items() {
    let text = r#"{"data":{"repository":{
        "a":{"totalCount":9,"nodes":[1,2,3],"pageInfo":{"endCursor":"x"}},
        "b":{"nodes":[4,5],"edges":[{"node":4},{"node":5}],"totalCount":2},
        "c":{"totalCount":3,"nodes":[6]}}}}"#;
    let want = r#"{"data":{"repository":{
        "a":{"totalCount":2,"nodes":[1,3],"pageInfo":{"endCursor":"x"}},
        "b":{"nodes":[5],"edges":[{"node":5}],"totalCount":1},
        "c":{"totalCount":3,"nodes":[6]}}}}"#;
    let at = "/data/repository";
    let gone = [format!("{at}/a/nodes/1"), format!("{at}/b/nodes/0"), format!("{at}/b/edges/0")];
    check(text, &gone.each_ref().map(String::as_str), Some(want));
}

#[test]
fn a_single_object_leaves_nothing() {
    check(r#"{"login":"x"}"#, &[""], Some("[]"));
    check(r#"{"data":{"viewer":{}}}"#, &[""], Some(r#"{"data":null}"#));
    check(
        r#"{"data":{"repository":{"issue":{"title":"x"}}}}"#,
        &["/data/repository/issue"],
        Some(r#"{"data":{"repository":{"issue":null}}}"#),
    );
}

#[test]
fn what_leads_nowhere_lets_nothing_pass() {
    for pointer in ["/x", "/items/7", "/items/01", "/items/-", "items/0", "/items/0/x", "/"] {
        check(r#"{"items":[1]}"#, &["/items/0", pointer][1..], None);
    }
    check("[1]", &["/0/a", "/0"], Some("[]"));
    check("[1]", &[&"/0".repeat(100_000)], None);
}

#[test]
fn a_member_that_stands_twice_goes_twice() {
    check(r#"{"a":[1],"\u0061":[1,2]}"#, &["/a/0"], Some(r#"{"a":[],"\u0061":[2]}"#));
}

#[test]
fn an_empty_answer_has_the_shape_of_the_full_one() {
    for (text, want) in [
        ("[1]", "[]"),
        (r#"{"data":{}}"#, r#"{"data":null}"#),
        (r#" {"a":1}"#, "{}"),
        ("7", "[]"),
        ("no json", "[]"),
    ] {
        assert_eq!(empty(text.as_bytes()), want.as_bytes(), "{text}");
    }
}

#[test]
fn items_are_found_wherever_lists_lead() {
    let text =
        br#"{"data":{"nodes":[{"c":{"nodes":[1,null,2]}},null,{"c":{"edges":[{"node":3}]}}]}}"#;
    let at = ["data", "nodes", "c"].map(str::to_owned);
    let found = places(text, &at);
    let pointers: Vec<&str> = found.iter().map(|found| found.pointer.as_str()).collect();
    assert_eq!(pointers, ["/data/nodes/0/c", "/data/nodes/2/c"]);
    let first = lists(text, &found[0]);
    assert_eq!(view(text, &first[0]), b"[1,2]");
    assert_eq!(first[0][1].pointer, "/data/nodes/0/c/nodes/2");
    let second = lists(text, &found[1]);
    assert_eq!(second[0][0].pointer, "/data/nodes/2/c/edges/0");
    assert_eq!(view(text, &second[0]), b"[3]");
}

#[test]
fn samples_leave_json() {
    for text in
        ["/data/a\n{\"data\":{\"a\":{\"nodes\":[1,{}]}}}", "/0\n[1]", "\n{}", "x", "/\n{\"\":1}"]
    {
        fuzz(text.as_bytes());
    }
}

/// All pointers into a tree, and the slow way to remove them.
fn pointers(node: &Node, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match &node.value {
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(i, node)| pointers(node, &format!("{at}/{i}"), out));
        }
        Value::Object(all) => {
            all.iter().for_each(|(name, node)| pointers(node, &format!("{at}/{}", name.text), out));
        }
        _ => (),
    }
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![Just("1".to_owned()), Just("\"x\"".to_owned()), Just("null".to_owned())];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec(inner, 0..4).prop_map(|all| {
                let members = all.iter().enumerate().map(|(i, it)| format!("\"m{i}\":{it}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_places_can_be_removed(text in json(), choice in any::<u32>()) {
        let node = tree::parse(text.as_bytes(), 16).unwrap();
        let mut all = Vec::new();
        pointers(&node, "", &mut all);
        let chosen: Vec<&str> = all.iter().enumerate()
            .filter(|(i, _)| choice >> (i % 32) & 1 == 1)
            .map(|(_, pointer)| pointer.as_str())
            .collect();
        let left = remove(text.as_bytes(), chosen.iter().copied()).expect("they all exist");
        prop_assert!(tree::parse(&left, 16).is_ok());
        if chosen.is_empty() {
            prop_assert_eq!(left, text.as_bytes());
        }
    }
}

#[test]
fn the_samples_of_the_fuzzer_pass() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/proxy_shape");
    for entry in std::fs::read_dir(folder).unwrap() {
        fuzz(&std::fs::read(entry.unwrap().path()).unwrap());
    }
}
