// SPDX-License-Identifier: MIT
//! What the forge is asked, and what counts as its answer.

use std::time::{Duration, Instant};

use super::*;
use crate::base::Secret;
use crate::gateway::fuzz::world::World;
use crate::gateway::io::{FetchError, FetchErrorKind, FetchEvent, Input};
use crate::gateway::snapshot::HttpTarget;

const ARGS: &str = r#"{"owner":"acme","repo":"web","username":"ann"}"#;
const ANSWER: &str = r#"{"permission":"write"}"#;

fn need(tool: &str, args: &str) -> Need {
    Need { tool: tool.into(), args: args.as_bytes().into() }
}

#[track_caller]
fn check_path(api: &str, args: &str, want: Option<&str>) {
    assert_eq!(path_of(api, &need(PERMISSION_TOOL, args)).as_deref(), want, "{args}");
}

#[test]
fn a_permission_has_its_place_below_the_api() {
    let place = "/repos/acme/web/collaborators/ann/permission";
    check_path("/", ARGS, Some(place));
    check_path("/api/v3", ARGS, Some(&format!("/api/v3{place}")));
    check_path("/api/v3/", ARGS, Some(&format!("/api/v3{place}")));
    assert_eq!(path_of("/", &need("issue_read", ARGS)), None);
}

#[test]
fn no_name_leads_to_another_place() {
    let with = |user: &str| format!(r#"{{"owner":"a","repo":"b.c_d","username":"{user}"}}"#);
    let place = |user: &str| format!("/repos/a/b.c_d/collaborators/{user}/permission");
    for (user, spelled) in [
        ("dependabot[bot]", "dependabot%5Bbot%5D"),
        ("x/../y", "x%2F..%2Fy"),
        ("x?y#z%", "x%3Fy%23z%25"),
        ("x y\\r\\n", "x%20y%0D%0A"),
        ("\\u00e9", "%C3%A9"),
        ("...", "..."),
    ] {
        check_path("/", &with(user), Some(&place(spelled)));
    }
    for user in ["", ".", "..", &"x".repeat(300)] {
        check_path("/", &with(user), None);
    }
    for args in ["", "null", "[]", r#"{"owner":"a","repo":"b"}"#] {
        check_path("/", args, None);
    }
    check_path("/", r#"{"owner":"a","repo":7,"username":"c"}"#, None);
}

/// A gateway with a forge, after it has asked it once.
fn asked() -> (Gateway, Key<Fetch>, Box<FetchRequest>) {
    let mut gateway = World::new(Instant::now(), 0).gateway;
    let target = HttpTarget {
        server: "forge".into(),
        tls: true,
        host: "api.forge.example".into(),
        port: 443,
        path: "/api/v3".into(),
        headers: vec![("Authorization".into(), Secret::new(b"token t"))],
        connect_timeout: Duration::from_secs(1),
    };
    Arc::make_mut(&mut gateway.snapshot).guards.forge = Some(Arc::new(target));
    let judging = Key::from_parts(3, 1);
    let asked = gateway.ask_forge(judging, &need(PERMISSION_TOOL, ARGS));
    match gateway.poll_output() {
        Some(Output::Fetch { fetch, request }) if asked == Some(fetch) => (gateway, fetch, request),
        other => panic!("{other:?}"),
    }
}

fn head(fetch: Key<Fetch>, status: u16, content: FetchContent) -> Input {
    let head = FetchHead { status, content, session_id: None, location: None };
    Input::FetchHead { fetch, head }
}

fn message(fetch: Key<Fetch>, text: &str) -> Input {
    Input::FetchMessage { fetch, message: Message::from(text), event: FetchEvent::default() }
}

/// What a guard hears after an answer of these messages.
#[track_caller]
fn check(
    status: u16,
    content: FetchContent,
    texts: &[&str],
    is_complete: bool,
    want: Option<&str>,
) {
    let (mut gateway, fetch, _) = asked();
    let now = gateway.now;
    gateway.handle_input(head(fetch, status, content), now);
    for text in texts {
        gateway.handle_input(message(fetch, text), now);
    }
    let (question, body) = gateway.close_question(fetch, is_complete).unwrap();
    assert_eq!(question.judging, Key::from_parts(3, 1));
    assert_eq!(body, want.map(Message::from));
    assert!(gateway.fetches.get(fetch).is_none());
}

#[test]
fn the_request_goes_to_the_forge_with_its_token_and_may_be_repeated() {
    let (_, _, request) = asked();
    assert_eq!(&*request.target.host, "api.forge.example");
    let path = request.path.as_deref();
    assert_eq!(path, Some("/api/v3/repos/acme/web/collaborators/ann/permission"));
    assert_eq!(request.method, FetchMethod::Get);
    assert!(request.repeatable && request.body.is_none());
    assert_eq!(request.fields, [("Accept".into(), ACCEPT.into())]);
}

#[test]
fn one_whole_body_of_a_success_is_the_answer_and_nothing_else_is() {
    use FetchContent::{Events, Json, Other};
    check(200, Json, &[ANSWER], true, Some(ANSWER));
    check(200, Json, &[ANSWER], false, None);
    check(200, Json, &[], true, None);
    for status in [301, 401, 403, 404, 500] {
        check(status, Json, &[ANSWER], true, None);
    }
    for content in [Other, Events] {
        check(200, content, &[ANSWER], true, None);
    }
}

#[test]
fn what_takes_too_long_or_says_too_much_is_given_up() {
    let long = "7".repeat(crate::base::Limits::TEST_MIN.forge_answer_bytes_max + 1);
    for texts in [&[ANSWER, ANSWER][..], &[&long]] {
        let (mut gateway, fetch, _) = asked();
        for text in texts {
            gateway.handle_input(message(fetch, text), gateway.now);
        }
        assert!(!gateway.fetches.contains(fetch));
        assert!(matches!(gateway.poll_output(), Some(Output::Cancel { .. })));
    }
    let (mut gateway, fetch, _) = asked();
    let after = gateway.limits().forge_after_max;
    gateway.handle_timeout(gateway.now.later(after - Duration::from_millis(1)));
    assert!(gateway.fetches.contains(fetch));
    gateway.handle_timeout(gateway.now.later(Duration::from_millis(1)));
    assert!(!gateway.fetches.contains(fetch));
}

#[test]
fn a_request_that_fails_or_that_nobody_waits_for_leaves_nothing() {
    let (mut gateway, fetch, _) = asked();
    let text = String::new();
    let end = Err(FetchError { kind: FetchErrorKind::Connect, sent: false, text });
    gateway.handle_input(Input::FetchDone { fetch, end }, gateway.now);
    assert!(!gateway.fetches.contains(fetch));

    let (mut gateway, fetch, _) = asked();
    let other = gateway.ask_forge(Key::from_parts(3, 2), &need(PERMISSION_TOOL, ARGS)).unwrap();
    gateway.poll_output();
    gateway.forget_question_at(other);
    assert!(gateway.fetches.contains(fetch), "somebody else waits");
    gateway.poll_output();
    gateway.forget_question_at(fetch);
    assert!(!gateway.fetches.contains(fetch));
    assert!(matches!(gateway.poll_output(), Some(Output::Cancel { .. })));

    let (mut gateway, fetch, _) = asked();
    gateway.handle_input(Input::Halt, gateway.now);
    assert!(!gateway.fetches.contains(fetch), "nobody waits for it at the end");
}

#[test]
fn without_a_token_nobody_is_asked() {
    let mut gateway = World::new(Instant::now(), 0).gateway;
    assert_eq!(gateway.ask_forge(Key::from_parts(0, 0), &need(PERMISSION_TOOL, ARGS)), None);
    assert!(gateway.poll_output().is_none());
}
