// SPDX-License-Identifier: MIT
//! What a guarded server says beside its answers: no guard labels it, so nothing of it is told.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::Peer;
use penstock::gateway::snapshot::{Server, ServerId};
use penstock::policy::auth::Principal;
use penstock::policy::guard::{Label, Labels};

use crate::guarded::{NO_LABELS, One, guard, guarded, noop, one, one_of, with};
use crate::world::{INITIALIZE, stdio_server};

const OK: &str = r#"{"content":[{"type":"text","text":"fine"}]}"#;

/// A session with a stream, and a call under way that reports progress.
fn listening() -> (One, Vec<Key<Peer>>) {
    let mut one = one(guard(NO_LABELS));
    let session = one.session.clone();
    let stream = one.world.get("/mcp/time", &session, None);
    let body = crate::guarded::body(1, "get", "")
        .replace(r#""arguments""#, r#""_meta":{"progressToken":"t"},"arguments""#);
    let call = one.post(&body);
    (one, vec![stream, call])
}

/// All that these clients have seen.
fn seen(one: &One, peers: &[Key<Peer>]) -> String {
    let seen = peers.iter().map(|peer| {
        let got = one.world.client(*peer);
        format!("{}\n{}", got.body, got.events.join("\n"))
    });
    seen.collect::<Vec<_>>().join("\n")
}

#[test]
fn logs_changed_resources_and_unknown_notices_are_kept_back() {
    let (mut one, peers) = listening();
    for (method, params) in [
        ("notifications/message", r#"{"level":"error","data":"SECRET"}"#),
        ("notifications/resources/updated", r#"{"uri":"SECRET"}"#),
        ("notifications/cancelled", r#"{"requestId":"SECRET","reason":"SECRET"}"#),
        ("notifications/cancelled", r#"{"requestId":1,"reason":"SECRET"}"#),
        ("notifications/tasks/status", r#"{"taskId":"SECRET"}"#),
        ("notifications/SECRET", "{}"),
        ("notifications/progress", r#"{"progressToken":"SECRET","progress":1}"#),
        ("notifications/progress", r#"{"progressToken":"t","progress":"SECRET"}"#),
        (
            "notifications/progress",
            r#"{"progressToken":"t","progress":7,"message":"SECRET","x":"SECRET"}"#,
        ),
        ("notifications/tools/list_changed", r#"{"_meta":{"x":"SECRET"},"why":"SECRET"}"#),
    ] {
        let line =
            format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"z":"SECRET"}}"#);
        one.world.line(one.child, &line);
    }
    one.answer("tools/call", OK);
    let seen = seen(&one, &peers);
    assert!(!seen.contains("SECRET"), "{seen}");
    assert!(seen.contains(r#""progress":7"#) && seen.contains("tools/list_changed"), "{seen}");
    assert!(seen.contains("fine"), "{seen}");
    one.world.leave(peers[0]);
    one.is_over();
}

#[test]
fn requests_to_the_client_are_refused_and_pings_answered() {
    let (mut one, peers) = listening();
    for method in ["sampling/createMessage", "elicitation/create", "roots/list", "x/y"] {
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":"SECRET","method":"{method}","params":{{"x":"SECRET"}}}}"#
        );
        one.world.line(one.child, &line);
        let answer = one.world.sent_to(one.child).last().unwrap().to_string();
        assert!(answer.contains("-32601") && answer.contains("a guard stands between"), "{answer}");
    }
    let ping = r#"{"jsonrpc":"2.0","id":"SECRET","method":"ping","params":{"x":"SECRET"}}"#;
    one.world.line(one.child, ping);
    let answer = one.world.sent_to(one.child).last().unwrap().to_string();
    assert_eq!(answer, r#"{"jsonrpc":"2.0","id":"SECRET","result":{}}"#);
    one.answer("tools/call", OK);
    let seen = seen(&one, &peers);
    assert!(!seen.contains("SECRET") && seen.contains("fine"), "{seen}");
    one.world.leave(peers[0]);
    one.is_over();
}

#[test]
fn a_guarded_server_has_no_tasks_of_ours() {
    let server = Server { tasks: true, ..stdio_server("time") };
    let mut one = one_of(guarded(vec![with(server, guard(NO_LABELS))]));
    let body =
        crate::guarded::body(1, "get", "").replace(r#""arguments""#, r#""task":{},"arguments""#);
    let peer = one.post(&body);
    one.answer("tools/call", OK);
    let got = one.got(peer);
    assert!(got.contains("fine") && !got.contains("taskId"), "{got}");
    one.is_over();
}

#[test]
fn a_guard_that_is_missing_lets_nothing_pass() {
    let mut one = one(guard(NO_LABELS));
    let error = penstock::policy::guard::GuardError::new("it is not there");
    one.world.gateway.load_guard(ServerId(0), Err(error));
    let got = one.exchange("get", "", OK);
    assert!(got.contains("it is not there") && got.contains("guard.failed"), "{got}");
    assert_eq!(one.n_calls(), 0);
    one.is_over();
}

/// A session at a server without a guard, with a call under way, of whoever carries a secret.
fn tainted() -> (One, Key<Peer>) {
    let mut one = one(noop());
    let call = one.call("get", "");
    let labels = Labels { secrecy: Label::new(["s"]), integrity: Label::EMPTY };
    one.world.gateway.begin_with(Principal::ANYONE, &labels).unwrap();
    one.world.sent.clear();
    (one, call)
}

#[test]
fn whoever_carries_secrets_says_nothing_to_servers_without_a_guard() {
    let (mut one, call) = tainted();
    for method in ["notifications/progress", "notifications/roots/list_changed", "notifications/x"]
    {
        let said = format!(
            r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"progressToken":"SECRET","x":"SECRET"}}}}"#
        );
        let peer = one.post(&said);
        assert_eq!(one.world.client(peer).status, 202);
    }
    assert!(one.world.sent_to(one.child).is_empty());
    let peer = one
        .post(r#"{"jsonrpc":"2.0","id":2,"method":"prompts/list","params":{"cursor":"SECRET"}}"#);
    assert!(one.got(peer).contains("difc.write.secrecy"));
    let peer = one.post(
        r#"{"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"SECRET"}}"#,
    );
    assert!(one.got(peer).contains("difc.write.secrecy"));
    one.world.line(one.child, r#"{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage"}"#);
    one.post(r#"{"jsonrpc":"2.0","id":"q","result":{"x":"SECRET"},"y":"SECRET"}"#);
    let answer = one.world.sent_to(one.child).last().unwrap().to_string();
    assert!(answer.contains("carries secrets") && answer.contains(r#""id":"q""#), "{answer}");
    one.world.line(one.child, r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#);
    one.post(r#"{"jsonrpc":"2.0","id":"p","result":{},"y":"SECRET"}"#);
    one.post(
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"SECRET"}}"#,
    );
    let sent = one.world.sent_to(one.child).join("\n");
    assert!(sent.contains("notifications/cancelled") && !sent.contains("SECRET"), "{sent}");
    assert!(sent.contains(r#"{"jsonrpc":"2.0","id":"p","result":{}}"#), "{sent}");
    assert!(one.world.client(call).finished);
    one.world.pass(Duration::from_secs(70));
    one.is_over();
}

#[test]
fn whoever_carries_nothing_says_what_it_likes() {
    let mut one = one(noop());
    let said = r#"{"jsonrpc":"2.0","method":"notifications/x","params":{"x":"words"}}"#;
    one.post(said);
    assert_eq!(one.world.sent_to(one.child), [said]);
    one.is_over();
}

#[test]
fn whoever_carries_secrets_does_not_say_who_it_is() {
    let (mut one, _) = tainted();
    one.world.gateway.handle_timeout(one.world.now);
    let hello = INITIALIZE
        .replace("{}", r#"{"experimental":{"x":{"SECRET":1}},"sampling":{}}"#)
        .replace(r#""name":"c""#, r#""name":"SECRET""#);
    for path in ["/mcp/time", "/mcp"] {
        one.world.post(path, None, &hello);
    }
    assert!(!one.world.sent.iter().any(|(_, text)| text.contains("SECRET")));
}
