// SPDX-License-Identifier: MIT
//! Where the words of whoever has read something may go: with requests that no guard judges, with
//! calls that only read, and in members that only some readers see.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use penstock::base::{Key, Message};
use penstock::gateway::io::Backend;
use penstock::gateway::snapshot::{GuardOptions, Snapshot, Watch};
use penstock::policy::auth::Principal;
use penstock::policy::guard::budget::{self, Budget, ToolBudget};
use penstock::policy::guard::{Label, Labels, Mode};

use crate::guarded::{
    NO_LABELS, One, agent, call_is, got, guard, guarded, is_over, items_are, noop, object, one,
    one_of, open_all, result, with, world,
};
use crate::unified::{ALL, answer, ask, open, session};
use crate::world::{World, stdio_server};

const OK: &str = r#"{"content":[{"type":"text","text":"fine"}]}"#;
const FREE: [&str; 6] = [
    "ping",
    "tools/list",
    "prompts/list",
    "resources/templates/list",
    "logging/setLevel",
    "server/discover",
];

/// A session at a server without a guard, of whoever carries a secret.
fn tainted() -> One {
    let mut one = one(noop());
    let labels = Labels { secrecy: Label::new(["s"]), integrity: Label::EMPTY };
    one.world.gateway.begin_with(Principal::ANYONE, &labels).unwrap();
    one.world.sent.clear();
    one
}

const WORDS: [&str; 7] = [
    r#""params":{"cursor":"SECRET"}"#,
    r#""params":{"_meta":{"progressToken":"SECRET"}}"#,
    r#""params":["SECRET"]"#,
    r#""Params":{"cursor":"SECRET"}"#,
    "\"param\u{17f}\":{\"cursor\":\"SECRET\"}",
    r#""x":"SECRET""#,
    r#""SECRET":1"#,
];

/// All ways to say something with a request that no guard judges.
fn all_words() -> impl Iterator<Item = String> {
    FREE.into_iter().flat_map(|method| {
        let body =
            move |words| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}",{words}}}"#);
        WORDS.into_iter().map(body)
    })
}

#[track_caller]
fn is_denied(body: &str, got: &str) {
    assert!(got.contains("difc.write.secrecy") || got.contains("misspelt"), "{body}: {got}");
}

#[test]
fn a_request_that_no_guard_judges_takes_no_words_with_it() {
    let mut one = tainted();
    for body in all_words() {
        let peer = one.post(&body);
        is_denied(&body, &one.got(peer));
    }
    assert!(one.world.sent_to(one.child).is_empty());
    one.is_over();
}

#[test]
fn nor_does_it_at_a_guarded_server_after_secrets_were_read_at_another_one() {
    let mut two = two(guard(&agent("s", "", Mode::Filter)), guard(NO_LABELS), strict());
    assert!(two.read(0, "s").contains("fine"));
    let (_, session, child) = two.at[1].clone();
    for body in all_words() {
        let peer = two.world.post("/mcp/b", Some(&session), &body);
        is_denied(&body, &got(&two.world, peer));
    }
    assert!(two.world.sent_to(child).is_empty());
    is_over(&two.world);
}

#[test]
fn a_request_without_words_is_made_by_the_gateway_itself() {
    let mut one = tainted();
    for params in ["", r#","params":{ }"#] {
        let body =
            format!(r#"{{ "method":"prompts\/l\u0069st","id":"SECRET"{params},"jsonrpc":"2.0"}}"#);
        let peer = one.post(&body);
        let id = one.world.id_of_last(one.child, "prompts/list");
        let sent = one.world.sent_to(one.child).last().unwrap().to_string();
        assert_eq!(sent, format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"prompts/list"}}"#));
        one.answer("prompts/list", r#"{"prompts":[]}"#);
        let got = one.got(peer);
        assert_eq!(got, r#"{"jsonrpc":"2.0","id":"SECRET","result":{"prompts":[]}}"#);
    }
    one.is_over();
}

#[test]
fn a_call_without_an_id_reaches_no_server_that_is_watched() {
    let mut one = one(guard(NO_LABELS));
    one.world.sent.clear();
    for method in ["tools/call", "resources/read", "tasks/cancel", "acme/moved"] {
        let call = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"name":"put"}}}}"#);
        let peer = one.post(&call);
        assert_eq!(one.world.client(peer).status, 202);
    }
    assert!(one.world.sent_to(one.child).is_empty(), "{:?}", one.world.sent_to(one.child));
    let call = r#"{"jsonrpc":"2.0","method":"tools/call","Id":1,"params":{"name":"put"}}"#;
    let peer = one.post(call);
    assert!(one.got(peer).contains("misspelt"));
    assert!(one.world.sent_to(one.child).is_empty());
    one.is_over();
}

#[test]
fn parameters_in_letters_that_only_some_readers_take_for_others_are_refused() {
    let mut one = one(guard(NO_LABELS));
    one.world.sent.clear();
    for params in [
        "\"name\":\"get\",\"argument\u{17f}\":{\"a\":1}",
        "\"name\":\"get\",\"arguments\":{},\"argument\u{17f}\":{\"a\":1}",
        r#""name":"get","arguments":{},"argument\u017f":{"a":1}"#,
        r#""name":"get","ARGUMENT\u017F":{"a":1}"#,
        "\"name\":\"get\",\"arguments\":{\"key\":1,\"\u{212a}ey\":2}",
    ] {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{params}}}}}"#);
        let peer = one.post(&body);
        assert!(one.got(peer).contains("guard.arguments"), "{params}: {}", one.got(peer));
    }
    let body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/list\",\"params\":{\"cur\u{17f}or\":\"x\"}}";
    let peer = one.post(body);
    assert!(one.got(peer).contains("guard.arguments"), "{}", one.got(peer));
    assert!(one.world.sent_to(one.child).is_empty());
    one.is_over();
}

#[test]
fn no_budget_of_a_tool_is_passed_by_with_another_spelling_of_name() {
    let tool = ToolBudget {
        server: None,
        pattern: "get".into(),
        budget: Budget { calls: Some(0), ..Budget::default() },
    };
    let budgets = budget::Limits { tools: vec![tool], ..budget::Limits::default() };
    let servers = vec![stdio_server("time")];
    let snapshot = Snapshot { budgets: budgets.into(), ..crate::world::snapshot(servers) };
    let mut one = one_of(snapshot);
    one.world.sent.clear();
    for name in ["name", "Name", r"n\u0041me"] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"{name}":"get"}}}}"#
        );
        let peer = one.post(&body);
        assert!(one.got(peer).contains(r#""rule""#), "{name}: {}", one.got(peer));
    }
    assert!(one.world.sent_to(one.child).is_empty());
    one.is_over();
}

/// Two guarded servers, `a` and `b`, with sessions of one agent.
struct Two {
    world: World,
    at: [(&'static str, String, Key<Backend>); 2],
}

fn two(a: Watch, b: Watch, guards: GuardOptions) -> Two {
    let servers = vec![with(stdio_server("a"), a), with(stdio_server("b"), b)];
    let mut world = world(Snapshot { guards, ..guarded(servers) });
    open_all(&mut world);
    let at = ["a", "b"].map(|name| {
        let (session, child) = crate::guarded::session_as(&mut world, "", name);
        (name, session, child)
    });
    world.sent.clear();
    Two { world, at }
}

fn strict() -> GuardOptions {
    GuardOptions { is_enabled: true, ..GuardOptions::default() }
}

impl Two {
    #[track_caller]
    fn post(&mut self, at: usize, method: &str, params: &str, result: &str) -> String {
        let (name, session, child) = self.at[at].clone();
        let n = self.world.sent_to(child).len();
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#);
        let peer = self.world.post(&format!("/mcp/{name}"), Some(&session), &body);
        if self.world.sent_to(child).len() > n {
            answer(&mut self.world, child, method, result);
        }
        got(&self.world, peer)
    }

    /// Reads something of this secrecy.
    #[track_caller]
    fn read(&mut self, at: usize, secrecy: &str) -> String {
        let args = call_is("read", &object("thing", secrecy, ""));
        self.post(at, "tools/call", &format!(r#""name":"get","arguments":{{{args}}}"#), OK)
    }

    fn list(&mut self, at: usize) -> String {
        self.post(at, "prompts/list", r#""cursor":"words""#, r#"{"prompts":[]}"#)
    }
}

#[test]
fn what_was_read_at_one_server_goes_with_no_words_to_another_one() {
    let clears = |tags| guard(&agent(tags, "", Mode::Filter));
    let mut two = two(clears("s"), clears("t"), strict());
    assert!(two.list(1).contains("prompts") && two.read(1, "t").contains("fine"));
    assert!(two.list(0).contains("difc.write.secrecy"), "it has read t at b");
    let denied = two.read(0, "");
    assert!(denied.contains("difc.write.secrecy") && denied.contains("[t]"), "{denied}");
    assert!(two.read(0, "s").contains("difc.write.secrecy"));
    assert!(two.read(0, "s t").contains("fine"), "where t may be, the words may go");
    assert!(two.list(0).contains("prompts"), "its guard knows t by now");
    // What it reads where it came from goes on: there, its words tell nothing new.
    assert!(two.list(1).contains("difc.write.secrecy"), "it has read s at a");
    assert!(two.read(1, "s t").contains("fine"));
    assert!(two.read(1, "").contains("fine") && two.list(1).contains("prompts"));
    is_over(&two.world);
}

#[test]
fn an_agent_may_ask_the_server_again_where_it_has_read_a_secret() {
    for mode in [Mode::Filter, Mode::Propagate, Mode::Strict] {
        let mut two = two(guard(&agent("s", "", mode)), guard(&agent("s", "", mode)), strict());
        assert!(two.read(0, "s").contains("fine"));
        for at in [0, 1] {
            assert!(two.read(at, "").contains("fine"), "both guards know s");
            assert!(two.list(at).contains("prompts"));
        }
        is_over(&two.world);
    }
}

#[test]
fn a_guard_asks_nothing_for_a_call_whose_words_may_not_go_to_its_server() {
    let mut two = two(guard(&agent("", "", Mode::Propagate)), guard(NO_LABELS), strict());
    let args = items_are(&[object("x", "s", "")]);
    let params = format!(r#""name":"list","arguments":{{{args}}}"#);
    assert!(two.post(0, "tools/call", &params, &result(r#"["read"]"#)).contains("read"));
    let n = two.world.sent_to(two.at[1].2).len();
    let params = r#""name":"get","arguments":{"ask_call":1,"words":"SECRET"}"#;
    let denied = two.post(1, "tools/call", params, OK);
    assert!(denied.contains("error"), "{denied}");
    assert_eq!(two.world.sent_to(two.at[1].2).len(), n);
    is_over(&two.world);
}

#[test]
fn with_compat_calls_that_read_take_their_words_anywhere() {
    let guards = GuardOptions { compat: true, ..strict() };
    let clears = |tags| guard(&agent(tags, "", Mode::Filter));
    let mut two = two(clears("s"), clears("t"), guards);
    assert!(two.read(0, "s").contains("fine") && two.read(1, "").contains("fine"));
    is_over(&two.world);
}

#[test]
fn of_a_list_of_several_servers_each_hears_what_it_may() {
    let mut world = world(guarded(vec![
        with(stdio_server("safe"), guard(NO_LABELS)),
        stdio_server("plain"),
        with(stdio_server("web"), noop()),
        with(stdio_server("far"), guard(&agent("s", "", Mode::Filter))),
    ]));
    for child in world.spawned.clone() {
        open(&mut world, child, ALL);
    }
    let all: [Key<Backend>; 4] = world.spawned[..].try_into().unwrap();
    let session = session(&mut world);
    let args = call_is("read", &object("thing", "s", ""));
    let params = format!(r#""name":"far___get","arguments":{{{args}}}"#);
    let peer = ask(&mut world, &session, "tools/call", &params);
    answer(&mut world, all[3], "tools/call", OK);
    assert!(got(&world, peer).contains("fine"));
    world.sent.clear();
    let answer_all = |world: &mut World, next: &str| {
        for child in all {
            let result = format!(r#"{{"prompts":[]{next}}}"#);
            answer(world, child, "prompts/list", &result);
        }
    };
    let params = r#""_meta":{"x":"SECRET"},"y":"SECRET""#;
    let peer = ask(&mut world, &session, "prompts/list", params);
    answer_all(&mut world, r#","nextCursor":"mine""#);
    let first = got(&world, peer);
    let cursor = first.split_once(r#""nextCursor":""#).unwrap().1.split_once('"').unwrap().0;
    let params = format!(r#""cursor":"{cursor}",{params}"#);
    let peer = ask(&mut world, &session, "prompts/list", &params);
    for child in [all[0], all[2]] {
        let id = world.id_of_last(child, "prompts/list");
        let sent = world.sent_to(child).last().unwrap().to_string();
        let want = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"prompts/list","params":{{"cursor":"mine"}}}}"#
        );
        assert_eq!(sent, want);
        assert!(!world.sent_to(child).join("\n").contains("SECRET"));
    }
    for child in [all[1], all[3]] {
        let sent = world.sent_to(child).last().unwrap().to_string();
        assert!(sent.contains("SECRET"), "nothing watches over it, or it knows them: {sent}");
    }
    answer_all(&mut world, "");
    assert!(got(&world, peer).contains(r#""prompts":[]"#), "{}", got(&world, peer));
    is_over(&world);
}

#[test]
fn members_that_no_guard_knows_are_no_other_words_to_unwatched_servers() {
    let mut one = one_of(crate::world::snapshot(vec![stdio_server("time")]));
    one.world.sent.clear();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","x":"words","params":{"Name":1}}"#;
    one.post(body);
    let id = one.world.id_of_last(one.child, "tools/list");
    let sent = one.world.sent_to(one.child).last().unwrap().to_string();
    assert_eq!(
        Message::from(sent.as_str()),
        Message::from(&*body.replacen(":1,", &format!(":{id},"), 1))
    );
    one.answer("tools/list", r#"{"tools":[]}"#);
    one.is_over();
}
