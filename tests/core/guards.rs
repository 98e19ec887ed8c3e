// SPDX-License-Identifier: MIT
//! Calls at guarded servers: what reaches the backend, and what its client is told.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::sync::Arc;
use std::time::Duration;

use penstock::gateway::io::{Event, EventKind};
use penstock::gateway::snapshot::{GuardOptions, Snapshot, Watch};
use penstock::policy::guard::Mode;
use penstock::policy::guard::rule::Visibility;

use crate::guarded::{
    NO_LABELS, agent, call_is, got, guard, guarded, is_over, items_are, noop, object, one, one_of,
    open_all, post_as, result, session_as, sink, with, world,
};
use crate::world::{stdio_server, with_key};

const OK: &str = r#"{"content":[{"type":"text","text":"fine"}]}"#;

#[test]
fn an_allowed_read_arrives_as_it_was_answered() {
    let mut one = one(guard(NO_LABELS));
    let got = one.exchange("get", "", r#"{"content":[], "n":1.0}"#);
    assert_eq!(got, r#"{"jsonrpc":"2.0","id":1,"result":{"content":[], "n":1.0}}"#);
    assert_eq!(one.n_calls(), 1);
    one.is_over();
}

#[test]
fn a_denied_write_never_reaches_its_backend() {
    let mut one = one(guard(&agent("private:o", "", Mode::Filter)));
    let args = call_is("write", &object("issue:o/r#1", "", ""));
    let got = one.exchange("create", &args, OK);
    assert_eq!(one.n_calls(), 0);
    let why = "Agent carries private (o)-scoped data that cannot be written to 'issue:o/r#1' due to \
               secrecy constraints. The target resource is not authorized to receive this sensitive \
               data.";
    let text = format!(
        "DIFC Violation: {why}\\n\\nRequired Action: Add secrecy tags [private:o]\\n\\n\
         Implications of adding secrecy tags:\\n  \
         - Agent will be restricted from writing to resources that lack these tags\\n  \
         - This includes public resources (e.g., public repositories, public internet)\\n  \
         - Agent will be marked as handling sensitive information\\n  \
         - Future writes must target resources with tags: [private:o]\\n\\n\
         Current Agent Labels:\\n  Secrecy: [private:o]\\n  Integrity: []\\n\\n\
         Resource Requirements:\\n  Secrecy: []\\n  Integrity: []\\n"
    );
    let want = format!(
        r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":-32000,"message":"{text}","data":{{"rule":"difc.write.secrecy","reason":"{why}","retryable":false,"allowed":"writing to resources that accept secrecy [private:o]"}}}}}}"#
    );
    assert_eq!(got, want);
    one.is_over();
}

#[test]
fn what_may_not_be_read_as_a_whole_is_asked_for_and_filtered_by_items() {
    let mut one = one(guard(&agent("", "ok", Mode::Filter)));
    let call = call_is("read", &object("list", "", ""));
    let items = items_are(&[object("one", "", "ok"), object("two", "", "")]);
    let got = one.exchange("list_things", &format!("{call},{items}"), &result(r#"["good","bad"]"#));
    assert_eq!(one.n_calls(), 1);
    assert!(got.contains(r#"[\"good\"]"#) && !got.contains("bad"), "{got}");
    assert!(got.contains("[Filtered] 1 item(s) in this response were removed"), "{got}");
    one.is_over();
}

#[test]
fn messages_of_a_sink_are_recorded_with_what_their_agent_carries() {
    let guards =
        GuardOptions { is_enabled: true, sinks: vec!["time".into()], ..GuardOptions::default() };
    let servers = vec![with(stdio_server("time"), sink(&["*"], None))];
    let mut one = one_of(Snapshot { guards, ..guarded(servers) });
    assert!(one.exchange("post", "", OK).contains("fine"));
    let is_labelled = |event: &&Event| matches!(event.kind, EventKind::OfAgent { .. });
    let n = one.world.events.iter().filter(is_labelled).count();
    assert_eq!(n, 3, "the answer of the handshake, a request, its answer");
    one.is_over();
}

#[test]
fn what_a_guard_takes_for_words_of_the_server_is_as_secret_as_what_was_asked_for() {
    let all = || guard(&agent("", "", Mode::Filter));
    let args = |call: &str| {
        let items = items_are(&[object("metadata:get", "", "")]);
        format!("{},{items}", call_is("read", call))
    };
    let mut one = one(all());
    let got = one.exchange("get", &args(&object("file", "s", "")), &result(r#"["private"]"#));
    assert_eq!(one.n_calls(), 1);
    assert!(got.contains("difc.read.secrecy") && !got.contains("private\\"), "{got}");
    let got = one.exchange("get", &args(&object("file", "", "")), &result(r#"["public"]"#));
    assert!(got.contains("public"), "{got}");
    one.is_over();
}

#[test]
fn one_item_that_may_not_be_seen_withholds_all_in_strict_mode() {
    let mut one = one(guard(&agent("", "ok", Mode::Strict)));
    let items = items_are(&[object("one", "", "ok"), object("two", "", "")]);
    let got = one.exchange("list_things", &items, &result(r#"["good","bad"]"#));
    assert!(!got.contains("good") && !got.contains("bad"), "{got}");
    let want =
        "DIFC policy violation: 1 of 2 items in response are not accessible to agent default";
    assert!(got.contains(want), "{got}");
    assert!(got.contains(r#""rule":"difc.items""#), "{got}");
    one.is_over();
}

#[test]
fn an_item_that_stands_alone_and_is_removed_is_an_error_that_names_it() {
    let mut one = one(guard(&agent("", "approved:o", Mode::Filter)));
    let items = items_are(&[object("issue:o/r#2", "", "")]);
    let got = one.exchange("issue_read", &items, &result(r#"["bad"]"#));
    let want = "[Filtered] issue:o/r#2 exists but is not accessible — filtered by integrity policy \
                (Resource 'issue:o/r#2' has lower integrity than agent requires. The agent cannot \
                read data with integrity below \\\"approved\\\".)";
    assert!(got.contains(want) && !got.contains("bad"), "{got}");
    one.is_over();
}

#[test]
fn a_secret_that_may_not_be_read_is_not_even_named() {
    let mut one = one(guard(&agent("", "", Mode::Filter)));
    let items = items_are(&[object("issue:o/hidden#2", "private:o", "")]);
    let got = one.exchange("issue_read", &items, &result(r#"["bad"]"#));
    assert!(got.contains("[Filtered]") && !got.contains("hidden"), "{got}");
    let items = items_are(&[object("x", "", ""), object("issue:o/hidden#2", "private:o", "")]);
    let got = one.exchange("list_issues", &items, &result(r#"["good","bad"]"#));
    assert!(got.contains("[Filtered]") && !got.contains("hidden") && !got.contains("bad"), "{got}");
    one.is_over();
}

#[test]
fn in_propagate_mode_readers_carry_what_they_have_read_and_reflect_tells() {
    let mut one = one(guard(&agent("", "a b", Mode::Propagate)));
    let items = items_are(&[object("x", "s1", "a"), object("y", "s2", "a b")]);
    let got = one.exchange("list_things", &items, &result(r#"["one","two"]"#));
    assert!(got.contains(r#"[\"one\",\"two\"]"#) && !got.contains("Filtered"), "{got}");
    let peer = one.world.head(penstock::wire::http1::Method::Get, "/reflect", &[]);
    let reflected = one.got(peer);
    let want = r#"{"agents":{"default":{"secrecy":["s1","s2"],"integrity":["#;
    assert!(reflected.starts_with(want), "{reflected}");
    // It may not tell the public any more.
    let got = one.exchange("post", &call_is("write", &object("web", "", "")), OK);
    assert!(got.contains("difc.write.secrecy"), "{got}");
    let got = one.exchange("post", &call_is("write", &object("safe", "s1 s2 s3", "")), OK);
    assert!(got.contains("fine") || got.contains("[Filtered] The call was made"), "{got}");
    assert_eq!(one.n_calls(), 2);
    one.is_over();
}

#[test]
fn a_server_without_a_guard_is_closed_to_whoever_carries_labels() {
    let servers = vec![
        with(stdio_server("time"), guard(&agent("s", "", Mode::Filter))),
        with(stdio_server("web"), noop()),
    ];
    let mut world = world(with_key(guarded(servers), &["a"]));
    open_all(&mut world);
    let (session, child) = session_as(&mut world, "a", "time");
    let (plain, web) = session_as(&mut world, "a", "web");
    let call = crate::guarded::body(1, "get", "");
    let peer = post_as(&mut world, "a", "/mcp/time", Some(&session), &call);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{OK}}}"#));
    assert!(got(&world, peer).contains("fine"));
    let n = world.sent_to(web).len();
    for method in ["tools/call", "prompts/get", "resources/read", "tasks/get", "x/y"] {
        let call = call.replace("tools/call", method);
        let peer = post_as(&mut world, "a", "/mcp/web", Some(&plain), &call);
        assert!(got(&world, peer).contains("difc.write.secrecy"), "{}", got(&world, peer));
    }
    assert_eq!(world.sent_to(web).len(), n);
    is_over(&world);
}

#[test]
fn a_sink_takes_what_it_accepts_and_a_public_one_takes_no_secrets() {
    let servers = vec![
        with(stdio_server("time"), guard(&agent("s", "i", Mode::Filter))),
        with(stdio_server("safe"), sink(&["s"], None)),
        with(stdio_server("other"), sink(&["t"], None)),
        with(stdio_server("open"), sink(&["*"], Some(Visibility::Public))),
    ];
    let mut world = world(with_key(guarded(servers), &["a"]));
    open_all(&mut world);
    let call = crate::guarded::body(1, "put", "");
    let outcomes = ["time", "safe", "other", "open"].map(|server| {
        let (session, child) = session_as(&mut world, "a", server);
        let n = world.sent_to(child).len();
        let path = format!("/mcp/{server}");
        let peer = post_as(&mut world, "a", &path, Some(&session), &call);
        if world.sent_to(child).len() > n {
            let id = world.id_of_last(child, "tools/call");
            world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{OK}}}"#));
        }
        got(&world, peer).contains("fine")
    });
    assert_eq!(outcomes, [false, true, false, false], "the first one is below the integrity");
    is_over(&world);
}

#[test]
fn methods_that_no_guard_can_judge_are_refused() {
    let mut one = one(guard(NO_LABELS));
    for method in ["tasks/get", "tasks/result", "tasks/list", "acme/frobnicate"] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{}}}}"#);
        let peer = one.post(&body);
        let got = one.got(peer);
        assert!(got.contains(r#""rule":"guard.method""#) && got.contains("\"id\":7"), "{got}");
    }
    assert!(one.world.sent_to(one.child).is_empty());
    one.is_over();
}

#[test]
fn prompts_resources_and_completions_are_judged_by_their_parameters() {
    let mut one = one(guard(&agent("s", "", Mode::Filter)));
    let methods = [
        "prompts/get",
        "resources/read",
        "resources/list",
        "completion/complete",
        "resources/subscribe",
    ];
    for method in methods {
        let said = call_is("write", &object("p", "", ""));
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{{said}}}}}"#);
        let peer = one.post(&body);
        assert!(one.got(peer).contains("difc.write.secrecy"), "{method}: {}", one.got(peer));
        assert!(one.world.sent_to(one.child).is_empty());
        let said = call_is("read", &object("p", "other", ""));
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{{said}}}}}"#);
        let peer = one.post(&body);
        one.answer(method, r#"{"contents":["SECRET"]}"#);
        let got = one.got(peer);
        assert!(got.contains("difc.read.secrecy") && !got.contains("SECRET"), "{method}: {got}");
        one.world.sent.clear();
    }
    one.is_over();
}

#[test]
fn lists_of_tools_pass_as_they_are() {
    let mut one = one(guard(&agent("s", "i", Mode::Strict)));
    let peer = one.post(r#"{"jsonrpc":"2.0","id":7,"method":"prompts/list"}"#);
    one.answer("prompts/list", r#"{"prompts":[{"name":"p"}]}"#);
    assert!(one.got(peer).contains(r#"{"name":"p"}"#));
    one.is_over();
}

#[test]
fn a_name_that_stands_twice_in_a_request_is_refused_before_the_guard_is_asked() {
    let mut one = one(guard(NO_LABELS));
    let doubled = [
        r#""owner":"a","owner":"b""#,
        r#""owner":"a","\u006fwner":"b""#,
        r#""x":[{"y":{"owner":"a","own\u0065r":"b"}}]"#,
    ];
    for args in doubled {
        let got = one.exchange("get", args, OK);
        assert!(got.contains(r#""rule":"guard.arguments""#) && got.contains("owner"), "{got}");
    }
    let two = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get","arguments":{"a":1},"arguments":{"a":2}}}"#;
    let peer = one.post(two);
    let got = one.got(peer);
    assert!(got.contains("error"), "{got}");
    let prompt =
        r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"p","x":1,"x":2}}"#;
    let peer = one.post(prompt);
    assert!(one.got(peer).contains("guard.arguments"));
    assert!(one.world.sent_to(one.child).is_empty());
    let got = one.exchange("get", r#""a":{"owner":1},"b":{"owner":2}"#, OK);
    assert!(got.contains("fine"), "{got}");
    one.is_over();
}

#[test]
fn a_denial_is_remembered_until_labels_change() {
    let mut one = one(guard(&agent("s", "", Mode::Filter)));
    let args = call_is("write", &object("web", "", ""));
    let first = one.exchange("post", &args, OK);
    assert!(first.contains("difc.write.secrecy") && !first.contains("repeated"), "{first}");
    one.world.workers_rest = true;
    for n in 1..3 {
        let again = one.exchange("post", &args, OK);
        assert!(again.contains(&format!(r#""repeated":{n}"#)), "{again}");
    }
    assert!(one.world.work.is_empty(), "nobody was asked");
    one.is_over();
}

#[test]
fn a_tool_may_be_called_so_often_however_many_sessions_there_are() {
    let limits = Arc::new([("get".into(), 2)]);
    let mut one = one(Watch { tool_limits: limits, ..guard(NO_LABELS) });
    for _ in 0..2 {
        assert!(one.exchange("get", "", OK).contains("fine"));
    }
    let got = one.exchange("get", "", OK);
    assert!(got.contains("tool call limit reached for \\\"get\\\" (max: 2)"), "{got}");
    assert!(one.exchange("put", "", OK).contains("fine"));
    let (session, child) = one.world.session();
    (one.session, one.child) = (session, child);
    let got = one.exchange("get", "", OK);
    assert!(got.contains("tool call limit reached"), "{got}");
    one.is_over();
}

#[test]
fn a_shadow_lets_pass_and_writes_down_what_it_would_have_done() {
    let mut one = one(Watch { shadow: true, ..guard(&agent("s", "i", Mode::Filter)) });
    let got = one.exchange("post", &call_is("write", &object("web", "", "")), OK);
    assert!(got.contains("fine"), "{got}");
    let items = items_are(&[object("x", "", "i"), object("y", "", "")]);
    let answer = result(r#"["good","bad"]"#);
    let got = one.exchange("list", &items, &answer);
    assert!(got.contains(&answer), "{got}");
    let got = one.exchange("get", r#""trap_call":1"#, OK);
    assert!(got.contains("fine"), "{got}");
    let notes = one.world.notes();
    assert!(notes.contains("would deny post by difc.write.secrecy"), "{notes}");
    assert!(notes.contains("would remove 1 item(s)"), "{notes}");
    assert!(notes.contains("would deny get by guard.failed"), "{notes}");
    one.is_over();
}

#[test]
fn with_compat_denials_have_the_code_zero() {
    let servers = vec![with(stdio_server("time"), guard(&agent("s", "", Mode::Filter)))];
    let guards = GuardOptions { compat: true, is_enabled: true, ..GuardOptions::default() };
    let mut one = one_of(Snapshot { guards, ..guarded(servers) });
    let got = one.exchange("post", &call_is("write", &object("web", "", "")), OK);
    assert!(got.contains(r#""error":{"code":0,"message":"DIFC Violation: "#), "{got}");
    one.is_over();
}

#[test]
fn identities_have_labels_of_their_own() {
    let servers = vec![with(stdio_server("time"), guard(&agent("", "", Mode::Propagate)))];
    let mut world = world(with_key(guarded(servers), &["a", "b"]));
    open_all(&mut world);
    let (one, child) = session_as(&mut world, "a", "time");
    let (two, other) = session_as(&mut world, "b", "time");
    let read = crate::guarded::body(1, "get", &call_is("read", &object("x", "s", "")));
    let peer = post_as(&mut world, "a", "/mcp/time", Some(&one), &read);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{OK}}}"#));
    assert!(got(&world, peer).contains("fine"));
    let write = crate::guarded::body(2, "put", &call_is("write", &object("web", "", "")));
    let peer = post_as(&mut world, "a", "/mcp/time", Some(&one), &write);
    assert!(got(&world, peer).contains("difc.write.secrecy"));
    let peer = post_as(&mut world, "b", "/mcp/time", Some(&two), &write);
    let id = world.id_of_last(other, "tools/call");
    world.line(other, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{OK}}}"#));
    assert!(got(&world, peer).contains("fine"));
    is_over(&world);
}

#[test]
fn batches_are_judged_one_by_one() {
    let mut one = one(guard(&agent("s", "", Mode::Filter)));
    let (session, child) = one.world.session_of("2025-03-26");
    (one.session, one.child) = (session, child);
    let write = crate::guarded::body(1, "post", &call_is("write", &object("web", "", "")));
    let read = crate::guarded::body(2, "get", "");
    let unknown = r#"{"jsonrpc":"2.0","id":3,"method":"x/y"}"#;
    let peer = one.post(&format!("[{write},{read},{unknown}]"));
    assert_eq!(one.n_calls(), 1);
    one.answer("tools/call", OK);
    let got = one.got(peer);
    assert!(got.contains("difc.write.secrecy") && got.contains("fine"), "{got}");
    assert!(got.contains("guard.method"), "{got}");
    one.is_over();
}

#[test]
fn a_judged_call_that_takes_long_but_reports_keeps_its_answer() {
    let mut one = one(guard(NO_LABELS));
    let body = crate::guarded::body(1, "get", "")
        .replace(r#""arguments""#, r#""_meta":{"progressToken":"t"},"arguments""#);
    let peer = one.post(&body);
    for n in 0..4 {
        one.world.pass(Duration::from_secs(40));
        let line = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":"t","progress":{n},"message":"SECRET"}}}}"#
        );
        one.world.line(one.child, &line);
    }
    one.world.workers_rest = true;
    one.answer("tools/call", OK);
    one.world.pass(Duration::from_secs(1));
    one.world.workers_rest = false;
    one.world.pass(Duration::from_millis(1));
    let all = one.world.client(peer).events.join("\n");
    assert!(all.contains("fine") && all.contains(r#""progress":3"#), "{all}");
    assert!(!all.contains("SECRET"), "{all}");
    one.is_over();
}
