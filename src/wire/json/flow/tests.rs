// SPDX-License-Identifier: MIT
//! JSON in blocks against JSON as a whole.

use proptest::prelude::*;

use super::*;

/// What is told of `text`, one word each; the same however it is cut.
#[track_caller]
fn check(text: &str, want: &str) {
    for cut in 0..=text.len() {
        let (mut flow, mut told) = (Flow::new(8), Vec::new());
        let mut before = 0;
        let (start, rest) = text.as_bytes().split_at(cut);
        for piece in [start, rest] {
            let mut each = |mark: Mark<'_>| {
                let (at, depth) = (before + mark.at, mark.depth);
                told.push(match mark.kind {
                    MarkKind::Name(Some(name)) => {
                        format!("{depth}:{}", String::from_utf8_lossy(name))
                    }
                    MarkKind::Name(None) => format!("{depth}:long"),
                    MarkKind::Begins => format!("{depth}+{at}"),
                    MarkKind::Ends => format!("{depth}-{at}"),
                    MarkKind::Break => format!("break{at}"),
                });
            };
            flow.feed(piece, &mut each).expect("it is JSON so far");
            before += piece.len();
        }
        flow.finish().expect("it is JSON");
        assert_eq!(told.join(" "), want, "cut at {cut}");
    }
    fuzz(text.as_bytes());
}

#[track_caller]
fn check_refused(text: &[u8], depth_max: usize) {
    for cut in 0..=text.len() {
        let (start, rest) = text.split_at(cut);
        assert_eq!(marks_of([start, rest], depth_max), None, "cut at {cut}");
    }
    assert!(scan::validate(text, depth_max).is_err());
    fuzz(text);
}

#[test]
fn names_and_values_of_the_outer_levels_are_told() {
    check(
        r#"{"id":7,"a":{"b":[1]}}"#,
        r#"0+0 1:"id" 1+6 1-7 1:"a" 1+12 2:"b" 2+17 2-20 1-21 0-22"#,
    );
    check("[1,[]]", "0+0 1+1 1-2 1+3 1-5 0-6");
    check("{}", "0+0 0-2");
    check(" -0.5e+3", "0+1");
    check(" 12 ", "0+1 0-3");
    check("{\"a\":{\"b\":{\"c\":true}}}", "0+0 1:\"a\" 1+5 2:\"b\" 2+10 2-20 1-21 0-22");
}

#[test]
fn line_breaks_between_tokens_are_told_and_those_in_escapes_are_not() {
    check("{\r\n\"a\":\"\\n\"\n}", "0+0 break1 break2 1:\"a\" 1+7 1-11 break11 0-13");
}

#[test]
fn a_name_is_told_as_it_is_spelled_unless_it_is_long() {
    check(r#"{"\u0069d":1}"#, r#"0+0 1:"\u0069d" 1+11 1-12 0-13"#);
    check(r#"{"\"é":1}"#, "0+0 1:\"\\\"é\" 1+8 1-9 0-10");
    let long = format!("{{\"{}\":1}}", "x".repeat(NAME_BYTES_MAX - 1));
    check(&long, "0+0 1:long 1+67 1-68 0-69");
    let longest = "y".repeat(NAME_BYTES_MAX - 2);
    check(&format!("{{\"{longest}\":1}}"), &format!("0+0 1:\"{longest}\" 1+66 1-67 0-68"));
}

#[test]
fn what_the_scanner_refuses_is_refused_wherever_it_is_cut() {
    let bad: [&[u8]; 28] = [
        b"",
        b" ",
        b"{",
        b"}",
        b"{\"a\"}",
        b"{\"a\":}",
        b"{\"a\":1,}",
        b"{,}",
        b"{1:2}",
        b"[1,]",
        b"[,]",
        b"[1 2]",
        b"[}",
        b"01",
        b"-",
        b"1.",
        b"1e",
        b"1e+",
        b".5",
        b"+1",
        b"tru",
        b"truE",
        b"\"\\x\"",
        b"\"\\u12g4\"",
        b"\"\n\"",
        b"\"",
        b"1 2",
        b"\xff",
    ];
    for text in bad {
        check_refused(text, 8);
    }
    check_refused(b"\"\xc3\"", 8);
    check_refused(b"\"\xf0\x9f\x98\"", 8);
    check_refused(b"\xef\xbb\xbf{}", 8);
    check_refused(b"[[]]", 1);
    check_refused(b"[[[1]]]", 2);
}

#[test]
fn nesting_goes_as_deep_as_allowed_and_no_deeper() {
    for depth in [1, 63, 64, 65, 128, 511, 512] {
        let text = ["[".repeat(depth), "]".repeat(depth)].concat();
        assert!(marks_of([text.as_bytes()], depth).is_some(), "{depth}");
        check_refused(text.as_bytes(), depth - 1);
        let text = format!("{}1{}", "{\"a\":[".repeat(depth / 2), "]}".repeat(depth / 2));
        assert!(marks_of([text.as_bytes()], depth).is_some(), "{depth}");
    }
    let text = ["[".repeat(DEPTH_MAX + 1), "]".repeat(DEPTH_MAX + 1)].concat();
    assert!(marks_of([text.as_bytes()], usize::MAX).is_none());
}

/// Texts that are JSON, or nearly.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-12.5e-3".to_owned()),
        Just("\"plain text that is longer than sixteen bytes, é and 😀\"".to_owned()),
        Just("\"\\u00e9\\n\\\"\"".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        "[ -~é]{0,40}".prop_map(|text| format!("{text:?}")),
    ];
    let tree = leaf.prop_recursive(6, 40, 5, |inner| {
        let blank = prop_oneof![Just(""), Just(" "), Just("\r\n\t")];
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..4), blank.clone())
                .prop_map(|(items, blank)| format!("[{blank}{}]", items.join(","))),
            (proptest::collection::vec(inner, 0..4), blank).prop_map(|(items, blank)| {
                let members = items.iter().map(|item| format!("\"key\"{blank}:{blank}{item}"));
                format!("{{{}{blank}}}", members.collect::<Vec<_>>().join(","))
            }),
        ]
    });
    // One byte may be another one.
    (tree, any::<proptest::sample::Index>(), any::<u8>(), proptest::bool::weighted(0.4)).prop_map(
        |(text, at, byte, is_hurt)| {
            let mut text = text.into_bytes();
            if is_hurt {
                let at = at.index(text.len());
                text[at] = byte;
            }
            text
        },
    )
}

proptest! {
    #[test]
    fn the_verdict_is_that_of_the_scanner_however_it_is_cut(
        text in texts(),
        sizes in proptest::collection::vec(0_usize..50, 0..40),
    ) {
        let want = scan::validate(&text, 8).is_ok();
        let mut pieces = Vec::new();
        let mut rest = &text[..];
        for size in sizes {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        let got = marks_of(pieces, 8);
        prop_assert_eq!(got.is_some(), want);
        prop_assert_eq!(got, marks_of([&text[..]], 8));
    }

    #[test]
    fn any_bytes_get_one_verdict(text in proptest::collection::vec(any::<u8>(), 0..60)) {
        fuzz(&text);
    }
}
