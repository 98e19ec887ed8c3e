// SPDX-License-Identifier: MIT
//! What is a message, what is none, and what its envelope says, in tables.

use super::*;

fn single(text: &str) -> Envelope {
    fuzz(text.as_bytes());
    match parse(text.as_bytes(), &Limits::DEFAULT) {
        Ok(Parsed::Single(envelope)) => envelope,
        other => panic!("{text}: {other:?}"),
    }
}

fn at(text: &str, span: Option<Span>) -> Option<&str> {
    span.map(|span| str::from_utf8(span.of(text.as_bytes())).unwrap())
}

#[track_caller]
fn check(text: &str, kind: Kind, id: Option<&str>, method: Option<&str>) {
    let envelope = single(text);
    let got = (envelope.kind, at(text, envelope.id), at(text, envelope.method));
    assert_eq!(got, (kind, id, method), "{text}");
}

#[track_caller]
fn check_refused(text: &str, reason: &str, id: Option<&str>) {
    fuzz(text.as_bytes());
    match parse(text.as_bytes(), &Limits::DEFAULT) {
        Err(RpcError::NotRpc { reason: got, id: echo }) => {
            assert_eq!((got, at(text, echo)), (reason, id), "{text}");
        }
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn requests_notifications_and_responses_are_told_apart() {
    use Kind::{Notification, Request, Response};
    check(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, Request, Some("1"), Some("\"ping\""));
    check(r#"{"method":"a","params":{},"jsonrpc":"2.0"}"#, Notification, None, Some("\"a\""));
    check(r#"{"method":"a","params":[],"jsonrpc":"2.0"}"#, Notification, None, Some("\"a\""));
    check(r#"{"jsonrpc":"2.0","result":null,"id":"x"}"#, Response, Some("\"x\""), None);
    check(r#"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":""}}"#, Response, Some("7"), None);
    check(r#"{"jsonrpc":"2.0","id":null,"error":{}}"#, Response, None, None);
}

#[test]
fn ids_are_kept_exactly_as_they_are_spelled() {
    let long = format!("\"{}\"", "k".repeat(1024));
    let ids = [
        "0",
        "-5",
        "-0",
        "9007199254740993",
        "18446744073709551616",
        "123456789012345678901234567890",
        "\"\"",
        "\"é\"",
        r#""\u00e9""#,
        r#""a\u0000b""#,
        r#""\ud83d\ude00""#,
        r#""\ud83d""#,
        r#"" \"}{\\""#,
        "\"\u{2028}😀\"",
        "\"null\"",
        &long,
    ];
    for id in ids {
        let method = Some("\"m\"");
        let text = format!("{{ \"id\" : {id}\t,\"method\":\"m\",\"jsonrpc\":\"2.0\"}}");
        check(&text, Kind::Request, Some(id), method);
        let text = format!("{{\"jsonrpc\":\"2.0\",\"result\":{{\"id\":8}},\"id\":{id}}}");
        check(&text, Kind::Response, Some(id), None);
    }
}

#[test]
fn what_routes_is_found_in_params_and_in_meta() {
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo",
        "arguments":{"name":"no","uri":"no","_meta":{"progressToken":0}},"uri":"file:///x",
        "_meta":{"progressToken":"p","other":{"progressToken":1}},"requestId":-3,"progressToken":4}}"#;
    let envelope = single(text);
    assert_eq!(at(text, envelope.name), Some("\"echo\""));
    assert_eq!(at(text, envelope.uri), Some("\"file:///x\""));
    assert_eq!(at(text, envelope.meta_progress_token), Some("\"p\""));
    assert_eq!(at(text, envelope.request_id), Some("-3"));
    assert_eq!(at(text, envelope.progress_token), Some("4"));
    assert!(at(text, envelope.params).unwrap().ends_with("4}"));
}

#[test]
fn what_has_the_wrong_type_does_not_route() {
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":1,"uri":null,
        "progressToken":{},"requestId":null,"_meta":[{"progressToken":1}]}}"#;
    let envelope = single(text);
    assert_eq!((envelope.name, envelope.uri, envelope.progress_token), (None, None, None));
    assert_eq!((envelope.request_id, envelope.meta_progress_token), (None, None));
}

#[test]
fn names_with_escapes_are_the_same_names() {
    let text = r#"{"\u006asonrpc":"2.0","i\u0064":1,"\u006d\u0065thod":"m","par\u0061ms":
        {"n\u0061me":"n","\u005fmeta":{"progress\u0054oken":2}}}"#;
    let envelope = single(text);
    assert_eq!((envelope.kind, at(text, envelope.id)), (Kind::Request, Some("1")));
    assert_eq!(at(text, envelope.name), Some("\"n\""));
    assert_eq!(at(text, envelope.meta_progress_token), Some("2"));
}

#[test]
fn two_readers_cannot_be_told_different_things() {
    let rest = r#""jsonrpc":"2.0","method":"m""#;
    for twice in [
        r#""method":"n""#,
        r#""jsonrpc":"2.0""#,
        r#""m\u0065thod":"n""#,
        r#""Method":"n""#,
        r#""METHO\u0044":"n""#,
        "\"j\u{17f}onrpc\":1",
        r#""params":{},"params":{}"#,
        r#""params":{"name":"a"},"par\u0061ms":{"name":"b"}"#,
        r#""params":{"name":"a","name":"b"}"#,
        r#""params":{"name":"a","Name":"b"}"#,
        r#""params":{"name":"a","n\u0061me":1}"#,
        r#""params":{"uri":"a","uri":"a"}"#,
        r#""params":{"requestId":1,"requestId":2}"#,
        "\"params\":{\"progressToken\":1,\"progre\\u017fsTo\u{212a}en\":2}",
        r#""params":{"_meta":{},"_meta":{"progressToken":1}}"#,
        r#""params":{"_meta":{"progressToken":1,"progressToken":1}}"#,
        r#""params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
           "io.modelcontextprotocol/protocolVersion":"2025-11-25"}}"#,
        r#""params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
           "io.modelcontextprotocol\/protocolVersion":1}}"#,
        r#""params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1,
           "IO.modelcontextprotocol/subscriptionId":2}}"#,
    ] {
        let reason = "a member that routes stands twice";
        check_refused(&format!("{{\"id\":5,{rest},{twice}}}"), reason, Some("5"));
        check_refused(&format!("{{{twice},\"id\":5,{rest}}}"), reason, Some("5"));
    }
    check_refused(
        &format!("{{\"id\":5,{rest},\"\\u0069d\":6}}"),
        "a member that routes stands twice",
        None,
    );
    // Elsewhere it is the backend's business.
    single(&format!(
        "{{{rest},\"params\":{{\"arguments\":{{\"name\":1,\"name\":2}},\"x\":1,\"x\":2}}}}"
    ));
}

#[test]
fn what_a_modern_message_says_of_itself_is_found() {
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{
        "progressToken":5,
        "io.modelcontextprotocol\u002FprotocolVersion":"2026-07-28",
        "io.modelcontextprotocol/subscriptionId":"7"}}}"#;
    let envelope = single(text);
    assert_eq!(at(text, envelope.meta_version), Some("\"2026-07-28\""));
    assert_eq!(at(text, envelope.subscription_id), Some("\"7\""));
    assert!(at(text, envelope.meta).is_some_and(|meta| meta.starts_with('{')));
    assert_eq!(envelope.result_type, None);

    // A version of the wrong type is still a claim; a subscription of the wrong type is none.
    let text = r#"{"jsonrpc":"2.0","method":"m","params":{"_meta":{
        "io.modelcontextprotocol/protocolVersion":null,
        "io.modelcontextprotocol/subscriptionId":[1]}}}"#;
    let envelope = single(text);
    assert_eq!((at(text, envelope.meta_version), envelope.subscription_id), (Some("null"), None));

    for no_object in ["[]", "null", "\"io.modelcontextprotocol/protocolVersion\""] {
        let text = format!(r#"{{"jsonrpc":"2.0","method":"m","params":{{"_meta":{no_object}}}}}"#);
        let envelope = single(&text);
        assert_eq!((envelope.meta, envelope.meta_version), (None, None), "{text}");
    }
}

#[test]
fn the_type_of_a_result_is_found_one_level_deep() {
    let text =
        r#"{"jsonrpc":"2.0","result":{"a":{"resultType":"x"},"resultType":"complete"},"id":1}"#;
    assert_eq!(at(text, single(text).result_type), Some("\"complete\""));
    for none in [r#"{"a":{"resultType":1}}"#, r#"["resultType"]"#, "1", "{}"] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{none}}}"#);
        assert_eq!(single(&text).result_type, None, "{text}");
    }
    let twice = "a member that routes stands twice";
    for result in [
        r#"{"resultType":"complete","resultType":"input_required"}"#,
        r#"{"resultType":"complete","ResultType":"input_required"}"#,
        r#"{"result\u0054ype":"complete","resultType":"input_required"}"#,
    ] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        check_refused(&text, twice, Some("1"));
    }
}

#[test]
fn names_in_other_letters_do_not_route() {
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"NAME":"x"}}"#;
    assert_eq!(single(text).name, None);
    let text = r#"{"jsonrpc":"2.0","id":1,"result":1,"Params":{},"ERROR":null}"#;
    assert_eq!((single(text).kind, single(text).params), (Kind::Response, None));
}

#[test]
fn what_makes_a_request_is_not_only_there_for_readers_that_take_other_letters() {
    let rest = r#""jsonrpc":"2.0","method":"tools/list""#;
    for misspelt in [
        r#""Params":{"cursor":"x"}"#,
        r#""PARAMS":[]"#,
        "\"param\u{17f}\":{}",
        r#""param\u017f":{}"#,
        r#""\u0050arams":{}"#,
        r#""Result":{}"#,
        r#""errOr":null"#,
        r#""params":{"_Meta":{"progressToken":1}}"#,
        r#""params":{"_meta":{"ProgressToken":1}}"#,
        "\"params\":{\"_meta\":{\"progressTo\u{212a}en\":1}}",
        r#""params":{"_meta":{"io.modelcontextprotocol/ProtocolVersion":"2026-07-28"}}"#,
    ] {
        let reason = "a member that routes is misspelt";
        check_refused(&format!("{{\"id\":5,{rest},{misspelt}}}"), reason, Some("5"));
        check_refused(&format!("{{{misspelt},{rest}}}"), reason, None);
        check_refused(&format!("{{{rest},\"Id\":5}}"), reason, None);
    }
    // Names that are not the protocol's, and the same names elsewhere.
    single(&format!(
        "{{\"id\":5,{rest},\"Param\":1,\"params\":{{\"Params\":1,\"URI\":1,\"x\":{{\"_META\":1}}}}}}"
    ));
}

#[test]
fn what_is_no_message_is_refused_and_its_id_kept() {
    let version = "jsonrpc is not \"2.0\"";
    let bad_id = "the id is neither a string nor an integer";
    let long_id = format!(r#"{{"jsonrpc":"2.0","method":"m","id":"{}"}}"#, "x".repeat(4096));
    let bad_params = "params is neither an object nor an array";
    let table: &[(&str, &str, Option<&str>)] = &[
        ("null", "not an object", None),
        ("true", "not an object", None),
        ("1", "not an object", None),
        ("\"{}\"", "not an object", None),
        ("{}", version, None),
        (r#"{"id":3,"method":"m"}"#, version, Some("3")),
        (r#"{"jsonrpc":"1.0","id":3,"method":"m"}"#, version, Some("3")),
        (r#"{"jsonrpc":"2.0 ","id":3,"method":"m"}"#, version, Some("3")),
        (r#"{"jsonrpc":2.0,"id":3,"method":"m"}"#, version, Some("3")),
        (r#"{"jsonrpc":2,"id":3,"method":"m"}"#, version, Some("3")),
        (r#"{"jsonrpc":null,"id":3,"method":"m"}"#, version, Some("3")),
        (r#"{"jsonrpc":["2.0"],"id":3,"method":"m"}"#, version, Some("3")),
        (r#"{"JSONRPC":"2.0","id":3,"method":"m"}"#, version, Some("3")),
        (r#"{"jsonrpc":"2.0"}"#, "neither method nor result nor error", None),
        (r#"{"jsonrpc":"2.0","id":"q"}"#, "neither method nor result nor error", Some("\"q\"")),
        (
            r#"{"jsonrpc":"2.0","id":1,"params":{}}"#,
            "neither method nor result nor error",
            Some("1"),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"Method":"m"}"#,
            "neither method nor result nor error",
            Some("1"),
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":1}"#, "method is not a string", Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"method":null}"#, "method is not a string", Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"method":["m"]}"#, "method is not a string", Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"method":{"m":"m"}}"#, "method is not a string", Some("1")),
        (r#"{"jsonrpc":"2.0","method":false}"#, "method is not a string", None),
        (r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#, "the id of a request is null", None),
        (r#"{"jsonrpc":"2.0","id":1.0,"method":"m"}"#, bad_id, None),
        (r#"{"jsonrpc":"2.0","id":1e3,"method":"m"}"#, bad_id, None),
        (r#"{"jsonrpc":"2.0","id":1E3,"method":"m"}"#, bad_id, None),
        (r#"{"jsonrpc":"2.0","id":-0.5,"method":"m"}"#, bad_id, None),
        (r#"{"jsonrpc":"2.0","id":true,"method":"m"}"#, bad_id, None),
        (r#"{"jsonrpc":"2.0","id":[],"method":"m"}"#, bad_id, None),
        (r#"{"jsonrpc":"2.0","id":[1],"result":1}"#, bad_id, None),
        (r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#, bad_id, None),
        (&long_id, "the id is too long", None),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":null}"#, bad_params, Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":1}"#, bad_params, Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":"x"}"#, bad_params, Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":true}"#, bad_params, Some("1")),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","result":{}}"#,
            "both a request and a response",
            Some("1"),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","error":{}}"#,
            "both a request and a response",
            Some("1"),
        ),
        (r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#, "both result and error", Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"result":1,"error":null}"#, "both result and error", Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"error":null}"#, "error is not an object", Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"error":"x"}"#, "error is not an object", Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"error":[]}"#, "error is not an object", Some("1")),
        (r#"{"jsonrpc":"2.0","result":{}}"#, "a response without id", None),
        (r#"{"jsonrpc":"2.0","error":{}}"#, "a response without id", None),
        (r#"{"jsonrpc":"2.0","id":null,"result":{}}"#, "a result for the id null", None),
        ("[]", "an empty batch", None),
        (" [ ] ", "an empty batch", None),
    ];
    for (text, reason, id) in table {
        check_refused(text, reason, *id);
    }
}

#[test]
fn what_is_not_json_is_said_to_be_so_wherever_it_is() {
    for text in [
        "",
        "{",
        "{\"jsonrpc\":\"2.0\"",
        r#"{"jsonrpc":"2.0","id":01,"method":"m"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m"},"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m"}{}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m",}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":{"a":[1,2,{"b":tru}]}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"text":"\x"}}"#,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"a\nb\"}",
        r#"[{"jsonrpc":"2.0","method":"m"},]"#,
        r#"[{"jsonrpc":"2.0","method":"m"}"#,
        "\u{feff}{\"jsonrpc\":\"2.0\",\"method\":\"m\"}",
        "// hello",
        "Server listening on 8080",
    ] {
        fuzz(text.as_bytes());
        let verdict = parse(text.as_bytes(), &Limits::DEFAULT);
        assert!(matches!(verdict, Err(RpcError::NotJson(_))), "{text}: {verdict:?}");
    }
}

#[test]
fn depth_is_counted_from_the_outside_of_the_message() {
    let deep = |nested: usize| {
        let (open, close) = ("[".repeat(nested), "]".repeat(nested));
        format!(r#"{{"jsonrpc":"2.0","method":"m","params":{{"_meta":{{"x":{open}{close}}}}}}}"#)
    };
    let max = Limits::TEST_MIN.json_depth_max;
    assert!(parse(deep(max - 3).as_bytes(), &Limits::TEST_MIN).is_ok());
    assert_eq!(parse(deep(max - 2).as_bytes(), &Limits::TEST_MIN), Err(RpcError::TooDeep));
    assert_eq!(parse(deep(100_000).as_bytes(), &Limits::DEFAULT), Err(RpcError::TooDeep));
}

#[test]
fn newlines_between_tokens_are_noticed_and_those_in_strings_are_not() {
    let lines = |text: &str| single(text).has_newlines;
    assert!(!lines(r#"{"jsonrpc":"2.0", "method":"a\nb\r\u000a"	}"#));
    assert!(lines("\n{\"jsonrpc\":\"2.0\",\"method\":\"m\"}"));
    assert!(lines("{\"jsonrpc\":\"2.0\",\"method\":\"m\"}\r"));
    assert!(lines("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"a\":[1,\n2]}}"));
    assert!(lines("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"_meta\":\r{}}}"));
}

#[test]
fn a_batch_is_cut_into_its_members() {
    let text = r#" [ {"jsonrpc":"2.0","method":"m"} , 1,[] ] "#;
    fuzz(text.as_bytes());
    let Ok(Parsed::Batch(messages)) = parse(text.as_bytes(), &Limits::DEFAULT) else {
        panic!("no batch");
    };
    let spelled: Vec<_> = messages.iter().map(|span| at(text, Some(*span)).unwrap()).collect();
    assert_eq!(spelled, [r#"{"jsonrpc":"2.0","method":"m"}"#, "1", "[]"]);
    check(spelled[0], Kind::Notification, None, Some("\"m\""));
}

#[test]
fn a_batch_has_a_largest_size() {
    assert!(matches!(parse(b"[1,2]", &Limits::TEST_MIN), Ok(Parsed::Batch(all)) if all.len() == 2));
    let reason = "too many messages in a batch";
    let refused = RpcError::NotRpc { reason, id: None };
    assert_eq!(parse(b"[1,2,3]", &Limits::TEST_MIN), Err(refused));
    assert_eq!(parse(b"[1,2,3,4]", &Limits::TEST_MIN), Err(refused));
}

#[test]
fn an_id_as_long_as_allowed_is_an_id() {
    let max = Limits::TEST_MIN.id_bytes_max;
    let text = |len| format!(r#"{{"jsonrpc":"2.0","method":"m","id":"{}"}}"#, "x".repeat(len - 2));
    assert!(parse(text(max).as_bytes(), &Limits::TEST_MIN).is_ok());
    let refused = RpcError::NotRpc { reason: "the id is too long", id: None };
    assert_eq!(parse(text(max + 1).as_bytes(), &Limits::TEST_MIN), Err(refused));
}
