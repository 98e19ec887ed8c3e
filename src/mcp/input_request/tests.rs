// SPDX-License-Identifier: MIT
//! What is asked in one era, in the words of the other one.

use super::*;

const URL: &str = include_str!("../../../tests/data/jsonrpc/message-elicitation-url.json");
const NEEDS_URL: &str =
    include_str!("../../../tests/data/jsonrpc/message-error-url-elicitation.json");

fn envelope(text: &[u8]) -> Envelope {
    match jsonrpc::parse(text, &Limits::DEFAULT) {
        Ok(Parsed::Single(envelope)) => envelope,
        other => panic!("{}: {other:?}", text.escape_ascii()),
    }
}

fn from_legacy(text: &str) -> Option<InputRequest> {
    let message = Message::from(text);
    InputRequest::from_legacy(&message, &envelope(&message), "k".into())
}

fn text(message: &Message) -> &str {
    str::from_utf8(message).unwrap()
}

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":"x","method":"{method}","params":{params}}}"#)
}

// Checklist 52.
#[test]
fn every_kind_keeps_its_parameters_to_the_letter() {
    #[track_caller]
    fn check(method: &str, params: &str, kind: Kind) {
        let one = from_legacy(&request(method, params)).unwrap();
        assert_eq!((one.kind, text(one.params.as_ref().unwrap())), (kind, params));
        let back = one.to_legacy(7, "e-1");
        let envelope = envelope(&back);
        assert_eq!(envelope.method.unwrap().of(&back), format!("\"{method}\"").as_bytes());
        assert_eq!(envelope.id.unwrap().of(&back), b"7");
    }
    let (sampling, elicitation) = ("sampling/createMessage", "elicitation/create");
    check(sampling, r#"{ "maxTokens":1e2,"messages":[ ],"x":1.0}"#, Kind::Sampling);
    check(sampling, r#"{"maxTokens":9,"tools":[]}"#, Kind::SamplingWithTools);
    check(sampling, r#"{"maxTokens":9,"toolChoice":{}}"#, Kind::SamplingWithTools);
    check(elicitation, r#"{"message":"é\u00e9","requestedSchema":{}}"#, Kind::Form);
    check(elicitation, r#"{"mode":"form","message":"m"}"#, Kind::Form);
    check(elicitation, r#"{"m\u006fde":"url","url":"u","message":"m"}"#, Kind::Url);
    check("roots/list", r#"{"_meta":{"progressToken":1}}"#, Kind::Roots);
}

#[test]
fn what_no_client_knows_is_no_input_request() {
    assert_eq!(from_legacy(&request("ping", "{}")), None);
    assert_eq!(from_legacy(&request("sampling/other", "{}")), None);
    assert_eq!(from_legacy(&request("elicitation/create", r#"{"mode":"voice"}"#)), None);
    assert_eq!(from_legacy(&request("elicitation/create", r#"{"mode":1}"#)), None);
    let roots = from_legacy(r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#).unwrap();
    assert_eq!(roots.params, None);
    let back = roots.to_legacy(3, "");
    assert_eq!(text(&back), r#"{"jsonrpc":"2.0","id":3,"method":"roots/list"}"#);
}

#[test]
fn only_the_legacy_era_names_an_elicitation() {
    let one = from_legacy(URL).unwrap();
    let params = r#"{"mode":"url","url":"https://mcp.example.com/ui/set_api_key","#;
    let params = format!(r#"{params}"message":"Please provide your API key."}}"#);
    assert_eq!(text(one.params.as_ref().unwrap()), params);
    let back = one.to_legacy(9, "e-1");
    assert!(text(&back).ends_with(r#"key.","elicitationId":"e-1"}}"#), "{back:?}");
    let named = Message::from(params.replace("mode", "elicitationId").as_str());
    let named = InputRequest { params: Some(named), ..one };
    assert!(!text(&named.to_legacy(9, "e-1")).contains("e-1"));
}

#[test]
fn capabilities_say_what_may_be_asked() {
    #[track_caller]
    fn check(capabilities: &str, want: &[Kind]) {
        let client =
            ClientCapabilities::of(capabilities.as_bytes(), Span::new(0, capabilities.len()));
        let all = [Kind::Sampling, Kind::SamplingWithTools, Kind::Form, Kind::Url, Kind::Roots];
        let has: Vec<_> = all.into_iter().filter(|kind| kind.is_offered(&client)).collect();
        assert_eq!(has, want, "{capabilities}");
    }
    check("{}", &[]);
    check(r#"{"sampling":{},"roots":{"listChanged":true}}"#, &[Kind::Sampling, Kind::Roots]);
    check(r#"{"sampling":{"tools":{}}}"#, &[Kind::Sampling, Kind::SamplingWithTools]);
    check(r#"{"sampling":{"context":{}}}"#, &[Kind::Sampling]);
    check(r#"{"elicitation":{}}"#, &[Kind::Form]);
    check(r#"{"elicitation":{"url":{}}}"#, &[Kind::Url]);
    check(r#"{"elicitation":{"form":{},"url":{}}}"#, &[Kind::Form, Kind::Url]);
    check(r#"{"elicitation":false,"sampling":null}"#, &[]);
}

#[test]
fn an_answer_asks_for_everything_at_once() {
    let asked = [
        InputRequest { key: "roots-1".into(), kind: Kind::Roots, params: None },
        InputRequest {
            key: "é\"".into(),
            kind: Kind::Form,
            params: Some(Message::from(r#"{"message":"m"}"#)),
        },
    ];
    let message = input_required(b"\"id\"", &asked, "STATE", Some(b"{\"name\":\n\"s\"}"));
    assert_eq!(
        text(&message),
        concat!(
            r#"{"jsonrpc":"2.0","id":"id","result":{"resultType":"input_required","#,
            r#""inputRequests":{"roots-1":{"method":"roots/list"},"#,
            r#""é\"":{"method":"elicitation/create","params":{"message":"m"}}},"#,
            r#""requestState":"STATE","#,
            r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name": "s"}}}}"#
        )
    );
    let without = input_required(b"1", &[], "S", None);
    assert!(text(&without).ends_with(r#"{"resultType":"input_required","requestState":"S"}}"#));
}

// Checklist 53.
#[test]
fn an_answer_reaches_the_legacy_server_unchanged() {
    for result in [r#"{"action":"accept","content":{"n":1.0}}"#, r#"{ "action" : "decline"}"#] {
        let want = format!(r#"{{"jsonrpc":"2.0","id":"x","result":{result}}}"#);
        assert_eq!(text(&as_response(b"\"x\"", result.as_bytes())), want);
    }
    assert!(!as_response(b"1", b"{\r\n}").contains(&b'\n'));
}

// Checklist 95.
#[test]
fn the_error_that_wants_an_address_visited_becomes_a_question() {
    let error = envelope(NEEDS_URL.as_bytes()).error.unwrap();
    let asked = url_elicitations(NEEDS_URL.as_bytes(), error).unwrap();
    assert_eq!((asked.len(), &*asked[0].key, asked[0].kind), (1, "url-1", Kind::Url));
    assert_eq!(
        text(asked[0].params.as_ref().unwrap()),
        concat!(
            r#"{"mode":"url","url":"https://mcp.example.com/connect?elicitationId=550e8400","#,
            r#""message":"Authorization is required.","x":1e2}"#
        )
    );
    for other in [("-32042", "-32041"), ("elicitations", "other"), ("\"url\":", "\"uri\":")] {
        let text = NEEDS_URL.replace(other.0, other.1);
        let error = envelope(text.as_bytes()).error.unwrap();
        assert_eq!(url_elicitations(text.as_bytes(), error), None, "{text}");
    }
}

#[test]
fn samples_pass_the_fuzz_body() {
    for text in [URL, NEEDS_URL, &request("roots/list", "[]"), &request("roots/list", "{}")] {
        fuzz(text.as_bytes());
    }
}
