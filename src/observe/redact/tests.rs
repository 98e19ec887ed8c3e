// SPDX-License-Identifier: MIT
//! What goes, what stays, and that JSON stays JSON.

use proptest::prelude::*;
use regex::bytes::{NoExpand, Regex};

use super::*;
use crate::base::Rng;
use crate::wire::json::write;

fn redactor() -> Redactor {
    Redactor::new(&[
        Secret::new(b"Zq8-known/secret+42"),
        Secret::new(b"Bearer tiny-\"credential\""),
    ])
}

#[track_caller]
fn check(text: &str, want: &str) {
    let out = redactor().redact(text.as_bytes(), Form::Text).into_owned();
    assert_eq!(String::from_utf8_lossy(&out), want, "in {text:?}");
}

#[track_caller]
fn check_json(text: &str, want: &str) {
    assert!(tree::parse(text.as_bytes(), 64).is_ok(), "the test itself: {text}");
    let out = redactor().redact(text.as_bytes(), Form::Json).into_owned();
    assert_eq!(String::from_utf8_lossy(&out), want, "in {text:?}");
    assert!(tree::parse(&out, 64).is_ok(), "{want} is no JSON");
}

#[test]
fn values_with_a_telling_name_go() {
    check("token=abcdefgh x", "token=[REDACTED] x");
    check("MY_TOKEN: abcdefgh", "MY_TOKEN=[REDACTED]");
    check("api_key=abcdefgh client_secret=12345678", "api_key=[REDACTED] client_secret=[REDACTED]");
    check("client_id: 0123456789", "client_id=[REDACTED]");
    check("password='hunter22'", "password=[REDACTED]");
    check("auth= \tabcdefgh", "auth=[REDACTED]");
    check("token=short", "token=short");
    check("tokens=abcdefgh", "tokens=abcdefgh");
    check("method: tools/call", "method: tools/call");
}

#[test]
fn credentials_in_fields_go() {
    check("Bearer abc.def-ghi==", "[REDACTED]");
    check("bearer  a/b~c, x", "[REDACTED], x");
    check("a bearer", "a bearer");
    check("forbearer1 abc", "forbearer1 abc");
    check("Authorization: abc==", "Authorization=[REDACTED]");
    check("authorization: Basic dXNlcjpw== end", "authorization=[REDACTED] end");
    check("Authorization: Bearer abc", "Authorization=[REDACTED]");
}

#[test]
fn tokens_go_for_their_looks() {
    let body = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0";
    for kind in ["ghp_", "gho_", "ghs_", "ghu_", "ghr_"] {
        check(&format!("({kind}{body})"), "([REDACTED])");
    }
    let fine = format!("github_pat_{}_{}", &body[..22], [body, &body[..19]].concat());
    check(&format!("x {fine} y"), "x [REDACTED] y");
    check("AKIAIOSFODNN7EXAMPLE", "[REDACTED]");
    check("id=ASIAIOSFODNN7EXAMPLE.", "id=[REDACTED].");
    check(&format!("sk-proj-{}", &body[..24]), "[REDACTED]");
    check(&format!("task-{}", &body[..24]), &format!("task-{}", &body[..24]));
    check(&format!("x {}.eyJh.s-g y", &body[..20]), "x [REDACTED] y");
    check(&format!("x {}.eyJh y", &body[..20]), &format!("x {}.eyJh y", &body[..20]));
    check(&"0a".repeat(16), "[REDACTED]");
    check(&format!("X-{}-Y", "f".repeat(40)), "X-[REDACTED]-Y");
    check(&"0a".repeat(15), &"0a".repeat(15));
    check("123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000");
}

#[test]
fn shapes_are_found_wherever_they_begin() {
    let body = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0";
    let shapes = [
        "Bearer abc".to_owned(),
        "bEaReR a".to_owned(),
        format!("ghs_{body}"),
        format!("github_pat_{}_{body}{}", &body[..22], &body[..19]),
        "AKIAIOSFODNN7EXAMPLE".to_owned(),
        format!("sk-{}", &body[..20]),
        format!("{}.eyJa.b", &body[..20]),
        "0123456789abcdef".repeat(2),
    ];
    for shape in shapes {
        for before in 0..150 {
            for after in [0, 1, 70] {
                let (before, after) = ("/".repeat(before), "/".repeat(after));
                // What follows a bearer is a part of it if it can be.
                let after = after.replace('/', ",");
                check(&format!("{before}{shape}{after}"), &format!("{before}[REDACTED]{after}"));
            }
        }
    }
}

#[test]
fn members_with_a_telling_name_keep_their_quotes() {
    check_json(r#"{"token":"x"}"#, r#"{"token":"[REDACTED]"}"#);
    check_json(r#"{"Password" : "a\"b"}"#, r#"{"Password" : "[REDACTED]"}"#);
    check_json(r#"{"key":"a\\","x":1}"#, r#"{"key":"[REDACTED]","x":1}"#);
    check_json(r#"{"token":""}"#, r#"{"token":""}"#);
    check_json(
        r#"{"token":123,"keys":"x","nextToken":"y"}"#,
        r#"{"token":123,"keys":"x","nextToken":"y"}"#,
    );
    check_json(r#"{"t":"{\"token\": \"abc\"}"}"#, r#"{"t":"{\"token\": \"[REDACTED]\"}"}"#);
    check_json(
        r#"{"t":"{\"auth\":\"a\\\"b\",\"x\":1}"}"#,
        r#"{"t":"{\"auth\":\"[REDACTED]\",\"x\":1}"}"#,
    );
    check_json(
        r#"["{\"t\":\"{\\\"secret\\\":\\\"abc\\\"}\"}"]"#,
        r#"["{\"t\":\"{\\\"secret\\\":\\\"[REDACTED]\\\"}\"}"]"#,
    );
    check_json(r#"["\"token\":\"cut off"]"#, r#"["\"token\":\"[REDACTED]"]"#);
}

#[test]
fn edits_stay_inside_their_string() {
    check_json(r#"{"t":"token: abcdefgh","x":1}"#, r#"{"t":"token=[REDACTED]","x":1}"#);
    check_json(r#"{"auth:":12345678901}"#, r#"{"auth:":12345678901}"#);
    check_json(r#"["token=\"abcdefgh\" x"]"#, r#"["token=[REDACTED]\" x"]"#);
    check_json(r#"["token=abc\\d\/fgh\nx"]"#, r#"["token=[REDACTED]\nx"]"#);
    check_json(r#"["Bearer\tabc\/d"]"#, r#"["[REDACTED]"]"#);
    check_json(r#"["Authorization: Bearer x","y"]"#, r#"["Authorization=[REDACTED]","y"]"#);
}

#[test]
fn edits_do_not_cut_escapes() {
    let hex = "0123456789abcdef".repeat(2);
    check_json(&format!(r#"["\b{hex}"]"#), r#"["\b[REDACTED]"]"#);
    check_json(&format!(r#"["\u00e9{hex}"]"#), r#"["\u00e9[REDACTED]"]"#);
    check_json(&format!(r#"["\\b{hex}"]"#), r#"["\\[REDACTED]"]"#);
    check_json(r#"["\bearer abcdefgh"]"#, r#"["\b[REDACTED]"]"#);
}

#[test]
fn numbers_stay_numbers() {
    let digits = "1234567890".repeat(4);
    check_json(&format!(r#"{{"n":-{digits}.5}}"#), &format!(r#"{{"n":-{}.5}}"#, "9".repeat(40)));
    check_json(&format!(r#"{{"n":"{digits}"}}"#), r#"{"n":"[REDACTED]"}"#);
}

#[test]
fn known_secrets_go_in_every_spelling() {
    check("a Zq8-known/secret+42 b", "a [REDACTED] b");
    check("Zq8-known%2Fsecret%2B42", "[REDACTED]");
    check("Zq8-known%2fsecret%2b42", "[REDACTED]");
    check_json(r#"["Zq8-known\/secret+42"]"#, r#"["[REDACTED]"]"#);
    check("tiny-\"credential\"", "[REDACTED]");
    check_json(r#"["tiny-\"credential\""]"#, r#"["[REDACTED]"]"#);
    check_json(r#"["[\"tiny-\\\"credential\\\"\"]"]"#, r#"["[\"[REDACTED]\"]"]"#);
    check("WnE4LWtub3duL3NlY3JldCs0Mg==", "[REDACTED]g==");
    check("eFpxOC1rbm93bi9zZWNyZXQrNDI=", "eF[REDACTED]I=");
    check("eHhacTgta25vd24vc2VjcmV0KzQy", "eHh[REDACTED]");
}

#[test]
fn a_secret_that_was_cut_off_goes() {
    let redactor = redactor();
    assert_eq!(&*redactor.redact_cut(b"line Zq8-known/se"), b"line [REDACTED]");
    assert_eq!(&*redactor.redact_cut(b"line Zq8-kn"), b"line [REDACTED]");
    assert_eq!(&*redactor.redact_cut(b"line Zq8-"), b"line Zq8-");
}

#[test]
fn values_in_values_are_walked_through_once() {
    let mut edits = Vec::new();
    name::find("key=".repeat(1000).as_bytes(), Form::Json, &mut edits);
    assert_eq!(edits, [Edit::equals_mark(3, 4000)]);
}

#[test]
fn a_text_without_secrets_is_borrowed() {
    let text = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_issue"}}"#;
    assert!(matches!(redactor().redact(text, Form::Json), Cow::Borrowed(_)));
}

/// The patterns that users know from the gateway they come from.
fn reference_patterns() -> Vec<Regex> {
    [
        r"(?i)(token|key|secret|password|auth)[=:]\s*[^\s]{8,}",
        r"ghp_[a-zA-Z0-9]{36,}",
        r"github_pat_[a-zA-Z0-9]{22}_[a-zA-Z0-9]{59}",
        r"(?i)bearer\s+[a-zA-Z0-9\-._~+/]+=*",
        r"(?i)authorization:\s*[a-zA-Z0-9\-._~+/]+=*",
        r"[a-f0-9]{32,}",
        r"(?i)(apikey|api_key|access_key)[=:]\s*[^\s]{8,}",
        r"(?i)(client_secret|client_id)[=:]\s*[^\s]{8,}",
        r"[a-zA-Z0-9_-]{20,}\.eyJ[a-zA-Z0-9_-]+\.[a-zA-Z0-9_-]+",
        r"A[KS]IA[A-Z0-9]{16}",
        concat!(
            r#"(?i)"(token|password|passwd|pwd|apikey|api_key|api-key|secret|client_secret"#,
            r#"|api_secret|authorization|auth|key|private_key|public_key|credentials|credential"#,
            r#"|access_token|refresh_token|bearer_token)"\s*:\s*"[^"]{1,}""#
        ),
    ]
    .iter()
    .map(|pattern| Regex::new(&format!("(?-u){pattern}")).unwrap())
    .collect()
}

/// Texts of pieces that the patterns are made of.
fn pieces() -> impl Strategy<Value = String> {
    let hex = "[a-f0-9]{30,34}";
    let piece = prop_oneof![
        Just("token".to_owned()),
        Just("KEY".to_owned()),
        Just("Secret".to_owned()),
        Just("password".to_owned()),
        Just("auth".to_owned()),
        Just("authorization".to_owned()),
        Just("client_id".to_owned()),
        Just("bearer".to_owned()),
        Just("Bearer ".to_owned()),
        Just("ghp_".to_owned()),
        Just("github_pat_".to_owned()),
        Just(".eyJ".to_owned()),
        Just("\"".to_owned()),
        Just("\\\"".to_owned()),
        Just("\\n".to_owned()),
        Just("\\".to_owned()),
        Just(": ".to_owned()),
        Just("\":\"".to_owned()),
        Just("Zq8-known/secret+42".to_owned()),
        Just("AKIAIOSFODNN7EXAMPLE".to_owned()),
        Just("sk-proj-".to_owned()),
        "[a-zA-Z0-9+/]{60,140}",
        "[a-zA-Z0-9._-]{60,140}",
        "[=: \t.,_'/-]",
        "[a-zA-Z0-9]{1,9}",
        "[a-zA-Z0-9_]{20,60}",
        hex,
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_not_suspected_holds_nothing(text in pieces()) {
        let (mut found, mut want) = (Vec::new(), Vec::new());
        Beginnings::default().find_shapes(text.as_bytes(), Form::Json, &mut found);
        word::search_all(text.as_bytes(), Form::Json, &mut want);
        prop_assert_eq!(found, want);
        let (mut found, mut want) = (Vec::new(), Vec::new());
        word::find_hex(text.as_bytes(), &mut found);
        let hex = Regex::new("(?-u)[0-9a-f]{32,}").unwrap();
        want.extend(hex.find_iter(text.as_bytes()).map(|it| Edit::mark(it.start(), it.end())));
        found.dedup();
        prop_assert_eq!(found, want);
    }

    #[test]
    fn what_the_reference_hides_is_hidden(text in pieces()) {
        let out = redactor().redact(text.as_bytes(), Form::Text).into_owned();
        let mark = Regex::new(r"(?-u)\[REDACTED\]").unwrap();
        // A name before a mark matches as well; nothing else may.
        for pattern in reference_patterns() {
            for found in pattern.find_iter(&out) {
                // Neither leaving the marks out nor a word in their place may match.
                let leaks = [&b""[..], b"! "].iter().all(|with| {
                    pattern.is_match(&mark.replace_all(found.as_bytes(), NoExpand(with)))
                });
                let found = found.as_bytes().escape_ascii();
                prop_assert!(!leaks, "{found} matches {pattern} in {}", out.escape_ascii());
            }
        }
    }

    #[test]
    fn json_stays_json_whatever_its_strings_say(text in pieces(), key in pieces()) {
        let mut json = Vec::new();
        write::object(&mut json, |object| {
            object.str(&key.replace(['"', '\\'], ""), &text).str("token", &text).u64("n", 1);
        });
        fuzz(&json);
        let mut nested = b"[".to_vec();
        write::push_str(&mut nested, &String::from_utf8_lossy(&json));
        nested.push(b']');
        fuzz(&nested);
        let out = redactor().redact(&nested, Form::Json).into_owned();
        prop_assert!(tree::parse(&out, 64).is_ok(), "{}", out.escape_ascii());
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz(&bytes);
        let _ = redactor().redact(&bytes, Form::Json);
    }
}

#[test]
fn random_texts_of_awkward_bytes_are_survived() {
    const BYTES: &[u8] = br#"{}[]":,\ubnf09Z-en.=/ tokey"#;
    let mut rng = Rng::new([3; 32]);
    for _ in 0..20_000 {
        let len = rng.next_u32() as usize % 40;
        let text: Vec<u8> =
            (0..len).map(|_| BYTES[rng.next_u32() as usize % BYTES.len()]).collect();
        let _ = redactor_of_short().redact(&text, Form::Json);
        let mut json = b"[".to_vec();
        write::push_str(&mut json, &String::from_utf8_lossy(&text));
        json.push(b']');
        fuzz(&json);
    }
}

fn redactor_of_short() -> Redactor {
    Redactor::new(&[Secret::new(b"tokey:")])
}
