// SPDX-License-Identifier: MIT
//! Results in blocks against results as a whole.

use proptest::prelude::*;

use super::*;

/// `text` leaves as `want`, however it is cut.
#[track_caller]
fn check(text: &str, in_one_line: bool, want: Result<&str, &str>) {
    for cut in 0..=text.len() {
        for also in [cut, (cut + text.len()) / 2, cut.saturating_add(1).min(text.len())] {
            let bytes = text.as_bytes();
            let got = passed([&bytes[..cut], &bytes[cut..also], &bytes[also..]], in_one_line);
            let got = got.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let got = got.map_err(|error| error.to_string());
            match (&got, want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want, "cut at {cut} and {also}"),
                (Err(got), Err(want)) => assert!(got.contains(want), "{got}, cut at {cut}"),
                _ => panic!("{got:?}, cut at {cut} and {also}"),
            }
        }
    }
    for first in [0x00, 0x05, 0x8f] {
        fuzz(&[&[first], text.as_bytes()].concat());
    }
}

#[test]
fn a_result_leaves_under_the_id_of_its_client_and_else_as_it_came() {
    check(
        r#"{"jsonrpc":"2.0","id":7001,"result":{"a":[1, 2e3,"x"]}}"#,
        false,
        Ok(r#"{"jsonrpc":"2.0","id":"theirs","result":{"a":[1, 2e3,"x"]}}"#),
    );
    check(
        " { \"result\" : null , \"id\" : 7001 , \"x\" : 7001 , \"jsonrpc\" : \"2.0\" } ",
        false,
        Ok(" { \"result\" : null , \"id\" : \"theirs\" , \"x\" : 7001 , \"jsonrpc\" : \"2.0\" } "),
    );
    check(
        r#"{"jsonrpc":"2.0","result":{"id":5,"resultType":"complete"},"\u0069d":7001}"#,
        false,
        Ok(r#"{"jsonrpc":"2.0","result":{"id":5,"resultType":"complete"},"\u0069d":"theirs"}"#),
    );
}

#[test]
fn line_breaks_become_blanks_where_a_line_is_a_message() {
    let text = "{\r\n \"jsonrpc\":\"2.0\",\n\"id\":\n7001\n,\"result\":[\n\"\\n\"]\n}\r\n";
    let line = "{   \"jsonrpc\":\"2.0\", \"id\": \"theirs\" ,\"result\":[ \"\\n\"] }  ";
    check(text, true, Ok(line));
    check(text, false, Ok(&text.replace("7001", "\"theirs\"")));
}

#[test]
fn what_is_no_result_for_this_request_is_refused() {
    let of = |rest: &str| format!("{{\"jsonrpc\":\"2.0\",{rest}}}");
    check(&of("\"id\":7002,\"result\":1"), false, Err("another request"));
    check(&of("\"id\":70010,\"result\":1"), false, Err("another request"));
    check(&of("\"id\":700,\"result\":1"), false, Err("another request"));
    check(&of("\"id\":\"7001\",\"result\":1"), false, Err("another request"));
    check(&of("\"id\":null,\"result\":1"), false, Err("another request"));
    check(&of("\"id\":[7001],\"result\":1"), false, Err("another request"));
    check(&of("\"result\":1"), false, Err("without id"));
    check(&of("\"id\":7001"), false, Err("nor result"));
    check(&of("\"id\":7001,\"error\":{\"code\":1}"), false, Err("an error"));
    check(&of("\"id\":7001,\"result\":1,\"error\":{}"), false, Err("an error"));
    check(&of("\"id\":7001,\"method\":\"ping\""), false, Err("a request"));
    check(&of("\"id\":7001,\"params\":{},\"result\":1"), false, Err("params"));
    check(r#"{"id":7001,"result":1}"#, false, Err("2.0"));
    check(r#"{"jsonrpc":"1.0","id":7001,"result":1}"#, false, Err("2.0"));
    check(r#"{"jsonrpc":2.0,"id":7001,"result":1}"#, false, Err("2.0"));
    check("[]", false, Err("not an object"));
    check("7001", false, Err("not an object"));
}

#[test]
fn a_member_that_routes_stands_once_in_any_spelling() {
    let of = |rest: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":7001,{rest}}}");
    for rest in [
        "\"result\":1,\"id\":7001",
        "\"result\":1,\"ID\":7001",
        "\"result\":1,\"\\u0049d\":7001",
        "\"result\":1,\"Result\":2",
        "\"result\":1,\"re\u{17f}ult\":2",
        "\"result\":{\"resultType\":\"complete\",\"resulttype\":\"x\"}",
    ] {
        check(&of(rest), false, Err("twice"));
    }
    check(&of("\"result\":{\"resultType\":\"input_required\"}"), false, Err("not complete"));
    check(&of("\"result\":{\"resultType\":[\"complete\"]}"), false, Err("not complete"));
}

#[test]
fn what_is_cut_short_is_no_result() {
    let text = r#"{"jsonrpc":"2.0","id":7001,"result":{"text":"é"}}"#;
    for (end, _) in text.char_indices() {
        assert!(passed([&text.as_bytes()[..end]], false).is_err());
    }
    check(&text[..text.len() - 1], false, Err("ends too early"));
    check(&format!("{text}{text}"), false, Err("follows"));
}

#[test]
fn what_is_known_of_it_is_known_as_soon_as_it_has_passed() {
    let theirs = Message::from("1");
    let mut passing = Passing::new(&Limits::TEST_MIN, 7, theirs, false);
    let known =
        |passing: &Passing| (passing.has_id(), passing.has_result(), passing.says_complete());
    passing.feed(br#"{"jsonrpc":"2.0","id":7"#, &mut |_| {}).expect("so far");
    assert_eq!(known(&passing), (false, false, false), "it could still be 70");
    passing.feed(br#","result":{"#, &mut |_| {}).expect("so far");
    assert_eq!(known(&passing), (true, true, false));
    passing.feed(br#""resultType":"complete""#, &mut |_| {}).expect("so far");
    assert_eq!(known(&passing), (true, true, true));
}

#[test]
fn the_id_is_found_in_a_beginning() {
    let found = |start: &str| id_of(start.as_bytes(), &Limits::TEST_MIN).map(<[u8]>::to_vec);
    assert_eq!(found(r#"{"result":{"id":1},"id":"x","a":["#), Some(b"\"x\"".to_vec()));
    assert_eq!(found(r#"{"\u0069d":12,"#), Some(b"12".to_vec()));
    assert_eq!(found(r#"{"id":12"#), None, "it may go on");
    assert_eq!(found(r#"{"result":{"id":1"#), None);
    assert_eq!(found(r#"{"id":1,}"#), None);
    assert_eq!(found("[{\"id\":1}]"), None);
}

#[test]
fn the_samples_pass_as_the_whole_would() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/passing");
    let mut n = 0;
    for entry in std::fs::read_dir(folder).expect("there are samples") {
        let text = std::fs::read(entry.expect("an entry").path()).expect("it can be read");
        (0..=u8::MAX).step_by(5).for_each(|first| fuzz(&[&[first], &text[..]].concat()));
        fuzz(&text);
        n += 1;
    }
    assert!(n >= 5);
}

/// Answers, or nearly.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let member = prop_oneof![
        4 => Just("\"jsonrpc\":\"2.0\""),
        4 => Just("\"id\":7001"),
        4 => Just("\"result\":{\"content\":[{\"text\":\"plain text, longer than a block\"}]}"),
        1 => Just("\"result\":{\"resultType\":\"complete\",\"a\":1}"),
        1 => Just("\"result\" :\n{ \"resultType\" : \"task\" }"),
        1 => Just("\"re\\u0073ult\":[]"),
        1 => Just("\"i\\u0064\":\r\n7001"),
        1 => Just("\"Id\":1"),
        1 => Just("\"id\":7"),
        1 => Just("\"error\":{\"code\":-1}"),
        1 => Just("\"method\":\"x\""),
        1 => Just("\"params\":{}"),
        2 => Just("\"extra\":\"é\""),
    ];
    let members = proptest::collection::vec(member, 2..5);
    (members, any::<bool>()).prop_map(|(members, is_cut)| {
        let mut text = format!("{{{}}}", members.join(",")).into_bytes();
        if is_cut && members.len() == 2 {
            text.pop();
        }
        text
    })
}

proptest! {
    #[test]
    fn it_passes_in_blocks_as_it_would_as_a_whole(text in answers(), first in any::<u8>()) {
        fuzz(&[&[first], &text[..]].concat());
    }

    #[test]
    fn any_bytes_pass_or_do_not(text in proptest::collection::vec(any::<u8>(), 0..60)) {
        fuzz(&text);
    }
}
