// SPDX-License-Identifier: MIT
//! Rounds as servers ask for them and as clients answer them, with the published examples.

use super::*;

const REQUIRED: &str = include_str!("../../../tests/data/jsonrpc/message-input-required.json");
const RETRY: &str = include_str!("../../../tests/data/jsonrpc/message-modern-retry.json");

fn envelope(text: &[u8]) -> Envelope {
    match jsonrpc::parse(text, &Limits::DEFAULT) {
        Ok(Parsed::Single(envelope)) => envelope,
        other => panic!("{}: {other:?}", text.escape_ascii()),
    }
}

fn round_of(result: &str) -> Result<Round, InputError> {
    round(result.as_bytes(), Span::new(0, result.len()))
}

fn retry_in(params: &str) -> Result<Option<Retry>, InputError> {
    retry_of(params.as_bytes(), Some(Span::new(0, params.len())))
}

#[test]
fn the_published_round_is_read_with_its_keys_in_order() {
    let result = envelope(REQUIRED.as_bytes()).result.unwrap();
    let round = round(REQUIRED.as_bytes(), result).unwrap();
    let asked: Vec<_> = round.requests.iter().map(|one| (&*one.key, one.kind)).collect();
    assert_eq!(asked, [("github_login", Kind::Form), ("capital_of_france", Kind::Sampling)]);
    assert_eq!(round.state.as_deref(), Some(&b"\"eyJsb2NhdGlvbiI6Ik5ldyBZb3JrIn0\""[..]));
    let sent = round.requests[1].to_legacy(3, "");
    assert!(!sent.contains(&b'\n'));
    assert_eq!(envelope(&sent).method.unwrap().of(&sent), b"\"sampling/createMessage\"");
}

#[test]
fn a_round_may_only_want_its_state_back_and_may_have_none() {
    let round = round_of(r#"{"resultType":"input_required","requestState":"s\u00e9"}"#).unwrap();
    assert!(round.requests.is_empty());
    assert_eq!(round.state.as_deref(), Some(&br#""s\u00e9""#[..]));
    let round = round_of(r#"{"inputRequests":{"a":{"method":"roots/list"}}}"#).unwrap();
    assert_eq!((round.requests.len(), round.state), (1, None));
}

#[test]
fn a_round_that_can_be_read_in_two_ways_or_in_none_is_refused() {
    #[track_caller]
    fn check(result: &str, want: InputError) {
        assert_eq!(round_of(result), Err(want), "{result}");
    }
    check("{}", InputError::Nothing);
    check(r#"{"inputRequests":{}}"#, InputError::Nothing);
    check(r#"{"requestState":7}"#, InputError::Type("requestState".into(), "a string"));
    check(r#"{"inputRequests":[]}"#, InputError::Type("inputRequests".into(), "an object"));
    check(r#"{"inputRequests":{"a":1}}"#, InputError::Type("a".into(), "an object"));
    let twice = r#"{"inputRequests":{"a":{"method":"roots/list"},"\u0061":{}}}"#;
    check(twice, InputError::Twice("a".into()));
    check(r#"{"requestState":"a","requestState":"b"}"#, InputError::Twice("requestState".into()));
    check(r#"{"inputRequests":{"a":{"method":"ping"}}}"#, InputError::Unknown("a".into()));
    check(r#"{"inputRequests":{"a":{}}}"#, InputError::Unknown("a".into()));
    let params = r#"{"inputRequests":{"a":{"method":"roots/list","params":[]}}}"#;
    check(params, InputError::Type("a".into(), "a request with an object as params"));
}

#[test]
fn the_published_answers_are_read_by_key() {
    let params = envelope(RETRY.as_bytes()).params;
    let retry = retry_of(RETRY.as_bytes(), params).unwrap().unwrap();
    let keys: Vec<_> = retry.responses.iter().map(|(key, _)| &**key).collect();
    assert_eq!(keys, ["github_login", "capital_of_france"]);
    let login = retry.responses[0].1.of(RETRY.as_bytes());
    assert_eq!(login, br#"{"action":"accept","content":{"name":"octocat"}}"#);
    let state = retry.state.unwrap().of(RETRY.as_bytes());
    assert_eq!(state, b"\"eyJsb2NhdGlvbiI6Ik5ldyBZb3JrIn0\"");
}

#[test]
fn a_request_without_answers_and_state_is_no_retry() {
    assert_eq!(retry_in(r#"{"name":"inputResponses"}"#), Ok(None));
    assert_eq!(retry_of(b"", None), Ok(None));
    assert_eq!(retry_in("[]"), Ok(None));
    let only_state = retry_in(r#"{"requestState":"s"}"#).unwrap().unwrap();
    assert!(only_state.responses.is_empty() && only_state.state.is_some());
    for bad in [
        r#"{"inputResponses":[]}"#,
        r#"{"inputResponses":{"a":"accept"}}"#,
        r#"{"inputResponses":{"a":{},"a":{}}}"#,
        r#"{"inputResponses":{},"inputResponses":{}}"#,
        r#"{"requestState":null}"#,
    ] {
        assert!(retry_in(bad).is_err(), "{bad}");
    }
}

// Checklist 87.
#[test]
fn a_retry_is_the_same_request_with_the_answers_of_one_round() {
    #[track_caller]
    fn check(request: &str, responses: &[(&str, &[u8])], state: Option<&[u8]>, want: &str) {
        let request = Message::from(request);
        let message = retry(&request, &envelope(&request), responses, state);
        assert_eq!(str::from_utf8(&message).unwrap(), want);
    }
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":"\u0061","n":1e2}}"#;
    let answered = concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":"\u0061","n":1e2,"#,
        r#""inputResponses":{"k\"":{"a": 1}},"requestState":"s\u00e9"}}"#
    );
    check(call, &[("k\"", b"{\"a\":\n1}")], Some(br#""s\u00e9""#), answered);
    let only_state = call.replace("1e2}", r#"1e2,"requestState":"t"}"#);
    check(answered, &[], Some(b"\"t\""), &only_state);
    check(answered, &[], None, call);
    let bare = r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#;
    let want = r#"{"params":{"requestState":"t"},"jsonrpc":"2.0","id":1,"method":"m"}"#;
    check(bare, &[], Some(b"\"t\""), want);
}

#[test]
fn a_failed_call_is_told_in_the_words_of_a_tool() {
    let message = failed(true, b"1", "no \"x\"", true);
    let want = concat!(
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","#,
        r#""content":[{"type":"text","text":"no \"x\""}],"isError":true}}"#
    );
    assert_eq!(str::from_utf8(&message).unwrap(), want);
    let legacy = failed(true, b"1", "no \"x\"", false);
    assert_eq!(str::from_utf8(&legacy).unwrap(), want.replace(r#""resultType":"complete","#, ""));
}

#[test]
fn samples_pass_the_fuzz_body() {
    let roots = r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#;
    let odd = roots.replace('}', r#","paRams":{}}"#);
    for text in [REQUIRED, RETRY, roots, &odd, &roots.replace('}', r#","params":[1]}"#)] {
        fuzz(text.as_bytes());
    }
}

#[test]
fn as_many_answers_as_a_message_holds_are_read_at_once() {
    let all: Vec<String> = (0..50_000).map(|n| format!("\"{n}\":{{}}")).collect();
    let params = format!("{{\"inputResponses\":{{{}}}}}", all.join(","));
    let start = std::time::Instant::now();
    let retry = retry_of(params.as_bytes(), Some(Span::new(0, params.len()))).unwrap().unwrap();
    assert_eq!(retry.responses.len(), all.len());
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}
