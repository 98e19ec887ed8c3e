// SPDX-License-Identifier: MIT
//! What is JSON and what is not, at its place; members and elements where they stand.

use super::*;

const DEPTH_MAX: usize = 8;

#[track_caller]
fn check(text: &str) {
    assert_eq!(validate(text.as_bytes(), DEPTH_MAX), Ok(()), "{text:?}");
    fuzz(text.as_bytes());
}

#[track_caller]
fn check_refused(text: impl AsRef<[u8]>, at: usize, reason: JsonReason) {
    let text = text.as_ref();
    assert_eq!(validate(text, DEPTH_MAX), Err(reason.at(at)), "{}", text.escape_ascii());
    fuzz(text);
}

#[test]
fn what_is_json_is_accepted() {
    let accepted = [
        "null",
        "true",
        " false ",
        "\t\r\n1\n",
        "0",
        "-0",
        "-0.0e-0",
        "10",
        "1.5E+10",
        "1e999",
        "123456789012345678901234567890123456789012345678901234567890",
        "\"\"",
        "\"é\u{2028}\u{2029}\u{7f}😀\"",
        r#""\"\\\/\b\f\n\r\t\u0000\uFFFF\u2028""#,
        r#""\ud83d\ude00 \ud83d \ude00""#,
        "[]",
        "[ ]",
        "{}",
        "{\n}",
        "[1,2,[],{},[[]],\"x\"]",
        "{\"a\":1,\"a\":2,\"\":{\"b\":[{}]}}",
        " { \"a\" : [ 1 , { } ] } ",
        "[[[[[[[[]]]]]]]]",
        "[[[[[[[{}]]]]]],[[[[[[]]]]]]]",
    ];
    for text in accepted {
        check(text);
    }
}

#[test]
fn what_is_not_json_is_refused_at_its_place() {
    use JsonReason as R;
    let refused: &[(&str, usize, JsonReason)] = &[
        ("", 0, R::UnexpectedEnd),
        (" ", 1, R::UnexpectedEnd),
        ("\u{feff}{}", 0, R::ByteOrderMark),
        ("\u{a0}1", 0, R::ExpectedValue),
        ("\u{c}1", 0, R::ExpectedValue),
        ("\u{b}1", 0, R::ExpectedValue),
        ("\0", 0, R::ExpectedValue),
        ("1\0", 1, R::TrailingBytes),
        ("nul", 3, R::UnexpectedEnd),
        ("nulL", 0, R::ExpectedValue),
        ("NULL", 0, R::ExpectedValue),
        ("True", 0, R::ExpectedValue),
        ("truefalse", 4, R::TrailingBytes),
        ("undefined", 0, R::ExpectedValue),
        ("NaN", 0, R::ExpectedValue),
        ("Infinity", 0, R::ExpectedValue),
        ("-Infinity", 1, R::BadNumber),
        ("+1", 0, R::ExpectedValue),
        (".5", 0, R::ExpectedValue),
        ("-", 1, R::UnexpectedEnd),
        ("--1", 1, R::BadNumber),
        ("- 1", 1, R::BadNumber),
        ("-.5", 1, R::BadNumber),
        ("00", 1, R::BadNumber),
        ("01", 1, R::BadNumber),
        ("-01", 2, R::BadNumber),
        ("1.", 2, R::UnexpectedEnd),
        ("1.e1", 2, R::BadNumber),
        ("1.5.5", 3, R::BadNumber),
        ("1e", 2, R::UnexpectedEnd),
        ("1e+", 3, R::UnexpectedEnd),
        ("1e+-1", 3, R::BadNumber),
        ("1e1.5", 3, R::BadNumber),
        ("1-2", 1, R::BadNumber),
        ("0x10", 1, R::TrailingBytes),
        ("1_000", 1, R::TrailingBytes),
        ("１", 0, R::ExpectedValue),
        ("1 2", 2, R::TrailingBytes),
        ("{}{}", 2, R::TrailingBytes),
        ("[]]", 2, R::TrailingBytes),
        ("{}\n{}", 3, R::TrailingBytes),
        ("1 // one", 2, R::TrailingBytes),
        ("/* one */ 1", 0, R::ExpectedValue),
        ("]", 0, R::ExpectedValue),
        ("}", 0, R::ExpectedValue),
        (",", 0, R::ExpectedValue),
        ("[", 1, R::UnexpectedEnd),
        ("{", 1, R::UnexpectedEnd),
        ("[1", 2, R::UnexpectedEnd),
        ("[1,", 3, R::UnexpectedEnd),
        ("[1,]", 3, R::ExpectedValue),
        ("[,1]", 1, R::ExpectedValue),
        ("[1,,2]", 3, R::ExpectedValue),
        ("[1 2]", 3, R::ExpectedCommaOrEnd),
        ("[1:2]", 2, R::ExpectedCommaOrEnd),
        ("[1}", 2, R::ExpectedCommaOrEnd),
        ("[}", 1, R::ExpectedValue),
        ("[[1]", 4, R::UnexpectedEnd),
        ("{]", 1, R::ExpectedKey),
        ("{,}", 1, R::ExpectedKey),
        ("{1:2}", 1, R::ExpectedKey),
        ("{a:1}", 1, R::ExpectedKey),
        ("{'a':1}", 1, R::ExpectedKey),
        ("{null:1}", 1, R::ExpectedKey),
        ("{\"a\"", 4, R::UnexpectedEnd),
        ("{\"a\"}", 4, R::ExpectedColon),
        ("{\"a\",1}", 4, R::ExpectedColon),
        ("{\"a\":", 5, R::UnexpectedEnd),
        ("{\"a\":}", 5, R::ExpectedValue),
        ("{\"a\"::1}", 5, R::ExpectedValue),
        ("{\"a\":1", 6, R::UnexpectedEnd),
        ("{\"a\":1]", 6, R::ExpectedCommaOrEnd),
        ("{\"a\":1,}", 7, R::ExpectedKey),
        ("{\"a\":1 \"b\":2}", 7, R::ExpectedCommaOrEnd),
        ("{\"a\":{\"b\":[}}", 11, R::ExpectedValue),
        ("'a'", 0, R::ExpectedValue),
        ("\"", 1, R::UnexpectedEnd),
        ("\"abc", 4, R::UnexpectedEnd),
        ("\"abc\\\"", 6, R::UnexpectedEnd),
        ("\"\\x41\"", 1, R::BadEscape),
        ("\"\\'\"", 1, R::BadEscape),
        ("\"\\U0041\"", 1, R::BadEscape),
        ("\"\\u004\"", 1, R::BadEscape),
        ("\"\\u00g0\"", 1, R::BadEscape),
        ("\"\\u+041\"", 1, R::BadEscape),
        ("\"\\\n\"", 1, R::BadEscape),
        ("\"a\nb\"", 2, R::ControlInString),
        ("\"a\tb\"", 2, R::ControlInString),
        ("\"\0\"", 1, R::ControlInString),
        ("\"\u{1f}\"", 1, R::ControlInString),
        ("[\"a\":\"\r\"]", 4, R::ExpectedCommaOrEnd),
        ("{\"\n\":1}", 2, R::ControlInString),
    ];
    for (text, at, reason) in refused {
        check_refused(text, *at, *reason);
        // The same inside of a skipped value, where it must be seen as well.
        assert!(
            validate(format!("{{\"a\":[0,{text}]}}").as_bytes(), DEPTH_MAX).is_err()
                || text.is_empty()
        );
    }
}

#[test]
fn utf8_is_demanded() {
    check_refused(b"\"\xff\"", 1, JsonReason::NotUtf8);
    check_refused(b"\"ab\xc3\"", 3, JsonReason::NotUtf8);
    check_refused(b"\"\xc0\x80\"", 1, JsonReason::NotUtf8);
    check_refused(b"\"\xed\xa0\x80\"", 1, JsonReason::NotUtf8);
    check_refused(b"\"\xf4\x90\x80\x80\"", 1, JsonReason::NotUtf8);
    check_refused(b"\xff\xfe1\0", 0, JsonReason::NotUtf8);
}

// Checklist 129.
#[test]
fn nesting_is_bounded_and_costs_no_stack() {
    check_refused("[[[[[[[[[]]]]]]]]]", 8, JsonReason::TooDeep);
    check_refused("[[[[[[[{\"a\":{}}]]]]]]]", 12, JsonReason::TooDeep);
    for depth in [1, 63, 64, 65, 128, 129, 1000, 100_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let text = format!("{open}{close}");
        assert_eq!(validate(text.as_bytes(), depth), Ok(()));
        assert_eq!(validate(text.as_bytes(), depth - 1), Err(JsonReason::TooDeep.at(depth - 1)));
        let (open, close) = ("[{\"k\":".repeat(depth), "}]".repeat(depth));
        let text = format!("{open}[1,2]{close}");
        assert_eq!(validate(text.as_bytes(), 2 * depth + 1), Ok(()));
        let wrong = text.replacen("}]}]", "]}}]", 1);
        assert!(wrong == text || validate(wrong.as_bytes(), usize::MAX).is_err());
    }
}

#[test]
fn what_ends_a_string_is_found_at_every_place() {
    for len in 0..150 {
        for special in ["\"", "\\", "\n", "\0", "\u{1f}", "\\u0000", "\\\""] {
            for place in 0..=len {
                let mut text = "é".repeat(len / 4) + &"x".repeat(len - len / 4);
                let place = text.floor_char_boundary(place);
                text.insert_str(place, special);
                let text = format!("\"{text}\"");
                let is_ok = validate(text.as_bytes(), 1).is_ok();
                assert_eq!(is_ok, tree::parse(text.as_bytes(), 1).is_ok(), "{text}");
            }
        }
    }
}

#[test]
fn a_string_ends_plainly_where_a_walk_byte_by_byte_says() {
    for len in 0..80 {
        for from in 0..=len {
            for place in (from..len).step_by(3) {
                for (other, byte) in [(b'x', b'"'), (0x80, b'\\'), (b' ', 0x1f), (b'[', 0xff)] {
                    let mut text = vec![other; len];
                    text[place] = byte;
                    // What lies before is over.
                    text[..from].fill(b'"');
                    let want = plain_end_by_bytes(&text, from);
                    assert_eq!(plain_end(&text, from), want, "{text:?} from {from}");
                }
            }
        }
    }
}

#[test]
fn members_and_elements_are_found_in_a_place() {
    let text = br#" [0, { "a" : "x\u0079" , "\u0062":[ 1 ,{}, "]" ],"a":null } , {}, [] ]"#;
    let all: Vec<Span> = elements(text, Span::new(1, text.len())).collect();
    let spelled: Vec<&[u8]> = all.iter().map(|span| span.of(text)).collect();
    assert_eq!(
        (spelled.len(), spelled[0], spelled[2], spelled[3]),
        (4, &b"0"[..], &b"{}"[..], &b"[]"[..])
    );
    let object = all[1];
    let names: Vec<_> = members(text, object).map(|(name, _)| string(text, name)).collect();
    assert_eq!(names, [Some("a".into()), Some("b".into()), Some("a".into())]);
    assert_eq!(member(text, object, "a").map(|span| span.of(text)), Some(&b"null"[..]));
    let list = member(text, object, "b").unwrap();
    let last = elements(text, list).last().unwrap();
    assert_eq!(string(text, last).as_deref(), Some("]"));
    assert_eq!(member(text, object, "c"), None);
}

#[test]
fn other_values_have_no_members() {
    let text = br#"["a", 1, {"b":2}]"#;
    let whole = Span::new(0, text.len());
    assert_eq!(members(text, whole).count(), 0);
    assert_eq!(member(text, whole, "a"), None);
    for element in elements(text, whole) {
        assert_eq!(elements(text, element).count(), 0);
    }
    assert_eq!(elements(text, Span::new(90, 99)).count(), 0);
    assert_eq!(string(text, Span::new(90, 99)), None);
    assert_eq!(string(text, Span::new(6, 7)), None);
    assert_eq!(string(text, Span::new(1, 5)), None);
}

#[test]
fn a_text_cut_anywhere_is_no_json() {
    let text = r#"{"a":[1.5e+3,true,false,null,"x\u0041\n é"],"b":{"c":{}}}"#;
    for cut in 0..text.len() {
        fuzz(&text.as_bytes()[..cut]);
        assert!(validate(&text.as_bytes()[..cut], DEPTH_MAX).is_err(), "cut at byte {cut}");
    }
    check(text);
}
