// SPDX-License-Identifier: MIT
//! Our scanner and simd-json, which share no line, say the same of what is JSON and of what stands
//! in it.
//!
//! They may differ where simd-json has no value for what the grammar allows: numbers beyond its
//! types and lone surrogates.

use std::path::Path;

use penstock::base::{Limits, Span};
use penstock::mcp::{answer, meta};
use penstock::wire::json::{scan, tree};
use penstock::wire::jsonrpc::{self, Parsed, RpcError};
use proptest::prelude::*;
use simd_json::prelude::*;

const DEPTH_MAX: usize = 64;

#[track_caller]
fn check(text: &[u8]) {
    scan::fuzz(text);
    jsonrpc::fuzz(text);
    meta::fuzz(text);
    answer::fuzz(text);
    let mut copy = text.to_vec();
    let theirs = simd_json::to_tape(&mut copy);
    match (scan::validate(text, DEPTH_MAX), theirs) {
        (Ok(()), Ok(tape)) => check_members(text, tape.as_value()),
        (Ok(()), Err(error)) => {
            assert!(is_beyond_simd_json(text), "only we accept {}: {error}", text.escape_ascii());
        }
        (Err(error), Ok(_)) => panic!("only we refuse {}: {error}", text.escape_ascii()),
        (Err(_), Err(_)) => {}
    }
}

fn check_members(text: &[u8], theirs: simd_json::tape::Value<'_, '_>) {
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let whole = Span::new(blanks, text.len());
    let Some(object) = theirs.as_object() else {
        assert_eq!(scan::members(text, whole).count(), 0);
        return;
    };
    assert_eq!(scan::members(text, whole).count(), object.len(), "{}", text.escape_ascii());
    for ((name, value), (key, their_value)) in scan::members(text, whole).zip(object.iter()) {
        assert_eq!(scan::string(text, name).as_deref(), Some(key), "{}", text.escape_ascii());
        let our_text = scan::string(text, value);
        assert_eq!(our_text.as_deref(), their_value.as_str(), "{}", text.escape_ascii());
        let our_elements = scan::elements(text, value).count();
        assert_eq!(our_elements, their_value.as_array().map_or(0, |array| array.len()));
    }
}

/// Whether a long number, an exponent or half of a surrogate pair stands in `text`.
fn is_beyond_simd_json(text: &[u8]) -> bool {
    let long = text.split(|byte| !byte.is_ascii_digit()).any(|digits| digits.len() > 15);
    let exponent =
        text.windows(2).any(|two| two[0].is_ascii_digit() && matches!(two[1], b'e' | b'E'));
    let surrogate = text.windows(4).any(|four| four.to_ascii_lowercase().starts_with(b"\\ud"));
    long || exponent || surrogate
}

fn blanks() -> impl Strategy<Value = String> {
    prop_oneof![8 => Just(String::new()), 1 => "[ \t\r\n]{1,3}"]
}

fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\"[a-zA-Z_é😀 {}\\[\\]:,]{0,40}\"",
        2 => r#""([a-z]|\\["\\/bfnrt]|\\u[0-9a-cA-C][0-9a-fA-F]{3}|\\ud83d\\ude0[0-9]){0,30}""#,
        1 => "\"[^\"\\\\\\x00-\\x1f]{0,100}\"",
    ]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,14})",
        r"-?(0|[1-9][0-9]{0,5})\.[0-9]{1,6}",
        "-?(0|[1-9][0-9]{0,5})[eE][+-]?[0-9]{1,2}",
    ]
}

fn json() -> impl Strategy<Value = String> {
    let words = || proptest::sample::select(vec!["null", "true", "false"]).prop_map(str::to_owned);
    let leaf = prop_oneof![string(), number(), words()];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let member = (blanks(), string(), blanks(), inner.clone())
            .prop_map(|(before, name, between, value)| format!("{before}{name}{between}:{value}"));
        let element = (inner, blanks()).prop_map(|(value, after)| format!("{value}{after}"));
        prop_oneof![
            (blanks(), proptest::collection::vec(element, 0..6))
                .prop_map(|(blanks, list)| format!("[{blanks}{}]", list.join(","))),
            (blanks(), proptest::collection::vec(member, 0..6))
                .prop_map(|(blanks, list)| format!("{{{blanks}{}}}", list.join(","))),
        ]
    })
}

fn tokens() -> impl Strategy<Value = Vec<u8>> {
    let tokens: Vec<&[u8]> = vec![
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"a\"",
        b"\"id\"",
        b"\"params\"",
        b"\"jsonrpc\":\"2.0\"",
        b"\"method\":\"m\"",
        b"\"",
        b"\\",
        b"\\u00",
        b"0",
        b"1",
        b"-",
        b".",
        b"e",
        b"+",
        b"null",
        b"true",
        b"fals",
        b" ",
        b"\n",
        b"\0",
        b"\xc3",
        b"\xa9",
        b"\xff",
        b"x",
    ];
    proptest::collection::vec(proptest::sample::select(tokens), 0..24).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_json_is_so_for_both(text in json()) {
        prop_assert_eq!(scan::validate(text.as_bytes(), DEPTH_MAX), Ok(()), "{}", text);
        check(text.as_bytes());
    }

    #[test]
    fn what_is_nearly_json_is_judged_alike(
        text in json(), place in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3,
    ) {
        let mut text = text.into_bytes();
        let place = place.index(text.len());
        match how {
            0 => text[place] = byte,
            1 => text.insert(place, byte),
            _ => _ = text.remove(place),
        }
        check(&text);
        check(&text[..place]);
    }

    #[test]
    fn any_row_of_tokens_is_judged_alike(text in tokens()) {
        check(&text);
    }

    #[test]
    fn any_bytes_are_judged_alike(text in proptest::collection::vec(any::<u8>(), 0..64)) {
        check(&text);
    }
}

#[test]
fn each_sample_gets_the_verdict_that_its_name_says() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/jsonrpc");
    let mut count = 0;
    for entry in std::fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read(&path).unwrap();
        if name != "refused-nested-too-deeply.json" {
            check(&text);
        }
        let verdict = jsonrpc::parse(&text, &Limits::DEFAULT);
        let is_as_named = match &verdict {
            Ok(Parsed::Single(_)) => name.starts_with("message-"),
            Ok(Parsed::Batch(_)) => name.starts_with("batch-"),
            Err(RpcError::NotJson(_)) => name.starts_with("not-json-"),
            Err(RpcError::NotRpc { .. } | RpcError::TooDeep) => name.starts_with("refused-"),
        };
        assert!(is_as_named, "{name}: {verdict:?}");
        count += 1;
    }
    assert!(count >= 30);
}

#[test]
fn the_difference_between_the_two_is_known() {
    for text in ["1e999", "123456789012345678901234567890", r#""\ud83d""#] {
        assert!(simd_json::to_tape(&mut text.as_bytes().to_vec()).is_err(), "{text}");
        assert!(tree::parse(text.as_bytes(), 1).is_ok(), "{text}");
        check(text.as_bytes());
    }
}
