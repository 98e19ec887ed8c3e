// SPDX-License-Identifier: MIT
//! What guards call while they judge: what only reads, what their configuration names, and no more
//! than there are budgets for.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::sync::Arc;
use std::time::Duration;

use penstock::base::{Limits, Message};
use penstock::gateway::snapshot::{GuardOptions, Server, Snapshot, Watch, WatchKind};
use penstock::policy::guard::budget::{self, Budget, ToolBudget};

use crate::guarded::{NO_LABELS, One, guard, guarded, one_of, watch, with, world};
use crate::unified::answer;
use crate::world::{HANDSHAKE, stdio_server};

const OK: &str = r#"{"content":[{"type":"text","text":"fine"}]}"#;
const READS: &str = r#"{"name":"look","annotations":{"readOnlyHint":true}}"#;
const FAILED: &str = "WASM function returned error code: -7";

/// A guard for which nothing is named that it may call.
fn bare() -> Watch {
    Watch { may_call: Arc::new([]), ..guard(NO_LABELS) }
}

/// A server with this guard that has these tools.
fn listing(watch: Watch, tools: &str) -> One {
    of(guarded(vec![with(stdio_server("time"), watch)]), tools)
}

fn of(snapshot: Snapshot, tools: &str) -> One {
    let mut world = world(snapshot);
    let first = world.spawned[0];
    answer(&mut world, first, "initialize", HANDSHAKE);
    answer(&mut world, first, "tools/list", &format!(r#"{{"tools":[{tools}]}}"#));
    let (session, child) = world.session();
    world.sent.clear();
    One { world, session, child }
}

/// The server says that its tools are others now.
fn changed(one: &mut One) {
    let line = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    one.world.line(one.child, line);
    one.world.sent.clear();
}

/// The answer to a call about which its guard asks first.
#[track_caller]
fn asking(one: &mut One) -> String {
    let peer = one.call("get", r#""ask_call":1"#);
    if one.world.sent_to(one.child).last().is_some_and(|text| text.contains(r#""name":"look""#)) {
        one.answer("tools/call", OK);
        one.answer("tools/call", OK);
    }
    one.got(peer)
}

#[track_caller]
fn is_refused(one: &mut One, why: &str) {
    let n = one.n_calls();
    let got = asking(one);
    assert!(got.contains(FAILED), "{got}");
    assert_eq!(one.n_calls(), n, "nothing was called");
    let notes = one.world.notes();
    assert!(notes.contains(&format!("its guard may not call look: {why}")), "{notes}");
    one.is_over();
}

#[test]
fn a_guard_may_call_what_its_server_says_only_reads() {
    let mut one = listing(bare(), READS);
    assert!(asking(&mut one).contains("fine"));
    assert_eq!(one.n_calls(), 2);
    one.is_over();
}

#[test]
fn a_guard_may_not_call_what_could_change_something() {
    let silent = [
        "",
        r#"{"name":"look"}"#,
        r#"{"name":"look","annotations":{"readOnlyHint":false}}"#,
        &format!(r#"{READS},{{"name":"look"}}"#),
        r#"{"name":"Look","annotations":{"readOnlyHint":true}}"#,
    ];
    for tools in silent {
        let mut one = listing(bare(), tools);
        is_refused(&mut one, "nobody says that it only reads");
        is_refused(&mut one, "nobody says that it only reads");
        let notes = one.world.notes();
        assert_eq!(notes.matches("its guard may not call look").count(), 2, "{notes}");
    }
}

#[test]
fn what_is_known_from_the_start_is_not_asked_again() {
    let mut one = one_of(guarded(vec![with(stdio_server("time"), bare())]));
    // Its list was empty when it was opened.
    is_refused(&mut one, "nobody says that it only reads");
    assert!(one.world.sent_to(one.child).is_empty());
}

#[test]
fn tools_that_are_not_listed_yet_are_listed_first_page_by_page() {
    let mut one = listing(bare(), "");
    changed(&mut one);
    let peer = one.call("get", r#""ask_call":1"#);
    one.answer("tools/list", r#"{"tools":[],"nextCursor":"a\"b"}"#);
    let asked = one.world.sent_to(one.child).last().unwrap().to_string();
    assert!(asked.contains(r#""cursor":"a\"b""#), "{asked}");
    one.answer("tools/list", &format!(r#"{{"tools":[{READS}]}}"#));
    one.answer("tools/call", OK);
    one.answer("tools/call", OK);
    assert!(one.got(peer).contains("fine"));
    one.world.sent.clear();
    assert!(asking(&mut one).contains("fine"));
    let lists = one.world.sent_to(one.child).iter().filter(|t| t.contains("tools/list")).count();
    assert_eq!(lists, 0, "it is known now");
    one.is_over();
}

#[test]
fn a_list_that_never_ends_or_never_comes_is_none() {
    let limits = Limits { list_pages_max: 2, ..Limits::DEFAULT };
    let snapshot = Snapshot { limits, ..guarded(vec![with(stdio_server("time"), bare())]) };
    let mut one = of(snapshot, "");
    changed(&mut one);
    let peer = one.call("get", r#""ask_call":1"#);
    for _ in 0..2 {
        one.answer("tools/list", r#"{"tools":[],"nextCursor":"on"}"#);
    }
    assert!(one.got(peer).contains(FAILED));

    changed(&mut one);
    let peer = one.call("get", r#""ask_call":1"#);
    let id = one.world.id_of_last(one.child, "tools/list");
    let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-1,"message":"no"}}}}"#);
    one.world.line(one.child, &line);
    assert!(one.got(peer).contains(FAILED));
    assert!(one.world.notes().contains("its server does not list its tools"));

    let peer = one.call("get", r#""ask_call":1"#);
    one.world.pass(Duration::from_secs(61));
    assert!(one.got(peer).contains("deadline"), "{}", one.got(peer));
    one.is_over();
    let peer = one.call("get", r#""ask_call":1"#);
    one.post(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    assert_eq!(one.world.client(peer).status, 202);
    one.answer("tools/list", r#"{"tools":[]}"#);
    one.is_over();
}

#[test]
fn pages_from_before_a_change_are_not_believed_after_it() {
    let mut one = listing(bare(), "");
    changed(&mut one);
    let peer = one.call("get", r#""ask_call":1"#);
    one.answer("tools/list", &format!(r#"{{"tools":[{READS}],"nextCursor":"on"}}"#));
    let id = one.world.id_of_last(one.child, "tools/list");
    changed(&mut one);
    // The last page of the old list; then the new one, in which the tool may write.
    one.world.line(one.child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[]}}}}"#));
    let asked = one.world.sent_to(one.child).last().unwrap().to_string();
    assert!(!asked.contains("cursor"), "from the beginning: {asked}");
    one.answer("tools/list", r#"{"tools":[{"name":"look"}]}"#);
    assert!(one.got(peer).contains(FAILED), "{}", one.got(peer));
    one.is_over();
}

#[test]
fn a_list_that_the_gateway_began_before_a_change_is_not_believed() {
    let mut world = world(guarded(vec![with(stdio_server("time"), bare())]));
    let first = world.spawned[0];
    answer(&mut world, first, "initialize", HANDSHAKE);
    let line = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    world.line(first, line);
    answer(&mut world, first, "tools/list", &format!(r#"{{"tools":[{READS}]}}"#));
    let (session, child) = world.session();
    world.sent.clear();
    let mut one = One { world, session, child };
    let peer = one.call("get", r#""ask_call":1"#);
    one.answer("tools/list", r#"{"tools":[{"name":"look"}]}"#);
    assert!(one.got(peer).contains(FAILED), "{}", one.got(peer));
    one.is_over();
}

#[test]
fn what_a_server_says_of_its_tools_is_believed_for_minutes() {
    let mut one = listing(bare(), READS);
    assert!(asking(&mut one).contains("fine"));
    one.world.pass(Duration::from_secs(5 * 60));
    let peer = one.call("get", r#""ask_call":1"#);
    one.answer("tools/list", r#"{"tools":[{"name":"look"}]}"#);
    assert!(one.got(peer).contains(FAILED), "{}", one.got(peer));
    one.is_over();
}

#[test]
fn tools_that_clients_may_not_call_are_not_for_guards_either() {
    let closed = |watch| {
        let tools: Arc<[Box<str>]> = Arc::new(["get".into()]);
        guarded(vec![Server { tools: Some(tools), ..with(stdio_server("time"), watch) }])
    };
    let mut one = of(closed(bare()), READS);
    is_refused(&mut one, "it is not among the tools of its server that may be called");
    // Unless it was said of the guard itself.
    let mut one = of(closed(guard(NO_LABELS)), "");
    assert!(asking(&mut one).contains("fine"));
    one.is_over();
}

#[test]
fn what_the_configuration_names_may_be_called_whatever_it_does() {
    let mut one = listing(guard(NO_LABELS), r#"{"name":"look"}"#);
    assert!(asking(&mut one).contains("fine"));
    let other = Watch { may_call: Arc::new(["loo".into(), "look*".into()]), ..bare() };
    let mut one = listing(other, "");
    is_refused(&mut one, "nobody says that it only reads");
}

#[test]
fn with_compat_a_guard_may_call_everything() {
    let guards = GuardOptions { compat: true, is_enabled: true, ..GuardOptions::default() };
    let tools: Arc<[Box<str>]> = Arc::new(["get".into()]);
    let server = Server { tools: Some(tools), ..with(stdio_server("time"), bare()) };
    let mut one = of(Snapshot { guards, ..guarded(vec![server]) }, "");
    assert!(asking(&mut one).contains("fine"));
    one.is_over();
}

/// The built-in guard of this server, for private repositories of `acme`.
fn native(tools: &[&str]) -> One {
    let payload = r#"{"allow-only":{"repos":["acme/*"],"min-integrity":"none"}}"#;
    let watch = Watch { payload: Message::from(payload), ..watch(WatchKind::GitHub) };
    let tools: Option<Arc<[Box<str>]>> =
        (!tools.is_empty()).then(|| tools.iter().map(|&name| name.into()).collect());
    one_of(guarded(vec![Server { tools, ..with(stdio_server("time"), watch) }]))
}

#[test]
fn the_built_in_guard_calls_what_it_knows_to_read_even_if_clients_may_not() {
    for tools in [&[][..], &["issue_read"], &["*_re*"]] {
        let mut one = native(tools);
        one.call("issue_read", r#""owner":"acme","repo":"web","issue_number":1,"method":"get""#);
        let asked = one.world.sent_to(one.child).join("\n");
        assert!(asked.contains("search_repositories"), "{tools:?}: {asked}");
    }
}

#[test]
fn what_a_guard_asks_counts_against_the_budgets_of_the_call() {
    let budgeted = |run: Budget, look: Budget| {
        let look = ToolBudget { server: None, pattern: "look".into(), budget: look };
        let budgets = budget::Limits { run, tools: vec![look], ..budget::Limits::default() };
        let servers = vec![with(stdio_server("time"), guard(NO_LABELS))];
        one_of(Snapshot { budgets: Arc::new(budgets), ..guarded(servers) })
    };
    let none = Budget::default();
    let mut one = budgeted(Budget { calls: Some(3), concurrent: Some(1), ..none }, none);
    assert!(asking(&mut one).contains("fine"), "it is no further call at the same time");
    let n = one.n_calls();
    let got = asking(&mut one);
    assert!(got.contains(FAILED), "{got}");
    assert_eq!(one.n_calls(), n, "the third call is that of the client");
    assert!(asking(&mut one).contains("budget.run.calls"));
    assert!(one.world.notes().contains("may not call look: call limit reached for this run"));
    one.is_over();

    let mut one = budgeted(none, Budget { bytes: Some(200), ..none });
    let peer = one.call("get", r#""ask_call":1"#);
    one.answer("tools/call", &OK.replace("fine", &"x".repeat(300)));
    assert!(one.got(peer).contains(FAILED), "an answer that is too long is none");
    one.is_over();

    let mut one = budgeted(none, Budget { time: Some(Duration::from_secs(2)), ..none });
    let peer = one.call("get", r#""ask_call":1"#);
    one.world.pass(Duration::from_secs(3));
    assert!(one.got(peer).contains(FAILED), "{}", one.got(peer));
    one.is_over();
    let n = one.n_calls();
    assert!(asking(&mut one).contains(FAILED));
    assert_eq!(one.n_calls(), n, "its time is used up");
}

#[test]
fn what_a_guard_asked_is_not_under_way_when_its_call_is_over() {
    let look = Budget { time: Some(Duration::from_secs(10)), ..Budget::default() };
    let look = ToolBudget { server: None, pattern: "look".into(), budget: look };
    let budgets = budget::Limits { tools: vec![look], ..budget::Limits::default() };
    let servers = vec![with(stdio_server("time"), guard(NO_LABELS))];
    let mut one = one_of(Snapshot { budgets: Arc::new(budgets), ..guarded(servers) });
    one.call("get", r#""ask_call":1"#);
    one.post(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    one.world.pass(Duration::from_secs(60));
    assert!(asking(&mut one).contains("fine"), "no time has passed for it");
    one.is_over();
}

#[test]
fn an_answer_that_asks_for_input_is_none_for_a_guard() {
    let mut one = listing(guard(NO_LABELS), "");
    let peer = one.call("get", r#""ask_call":1"#);
    one.answer("tools/call", r#"{"resultType":"input_required","inputRequests":{}}"#);
    assert!(one.got(peer).contains(FAILED), "{}", one.got(peer));
    one.is_over();
}
