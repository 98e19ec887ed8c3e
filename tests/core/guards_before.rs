// SPDX-License-Identifier: MIT
//! What an agent is given and what it has read before: the order does not count.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use penstock::base::{Key, Limits, Message};
use penstock::gateway::io::Backend;
use penstock::gateway::snapshot::{GuardOptions, Snapshot, Watch, WatchKind};
use penstock::policy::guard::Mode;
use penstock::wire::http1::Method;

use crate::guarded::{
    agent, body, call_is, got, guard, guarded, is_over, noop, object, one_of, open_all, post_as,
    session_as, sink, watch, with, world,
};
use crate::world::{World, stdio_server, with_key};

const OK: &str = r#"{"content":[{"type":"text","text":"fine"}]}"#;

/// The built-in guard: the agent may know what is in `acme`, and needs integrity.
fn native() -> Watch {
    let payload = r#"{"allow-only":{"repos":["acme/*"],"min-integrity":"approved"}}"#;
    Watch { payload: Message::from(payload), ..watch(WatchKind::GitHub) }
}

/// Several servers, and the sessions of one agent at each.
struct Several {
    world: World,
    at: Vec<(&'static str, String, Key<Backend>)>,
}

fn several(servers: Vec<(&'static str, Watch)>) -> Several {
    several_of(servers, GuardOptions { is_enabled: true, ..GuardOptions::default() })
}

fn several_of(servers: Vec<(&'static str, Watch)>, guards: GuardOptions) -> Several {
    let names: Vec<_> = servers.iter().map(|(name, _)| *name).collect();
    let servers = servers.into_iter().map(|(name, watch)| with(stdio_server(name), watch));
    let snapshot = Snapshot { guards, ..guarded(servers.collect()) };
    let mut world = world(with_key(snapshot, &["a"]));
    open_all(&mut world);
    let at = names.into_iter().map(|name| {
        let (session, child) = session_as(&mut world, "a", name);
        (name, session, child)
    });
    let at = at.collect();
    Several { world, at }
}

impl Several {
    /// A call, and what comes of it.
    #[track_caller]
    fn call(&mut self, server: &str, args: &str) -> String {
        let (name, session, child) = self.at.iter().find(|(name, ..)| *name == server).unwrap();
        let n = self.world.sent_to(*child).len();
        let path = format!("/mcp/{name}");
        let peer = post_as(&mut self.world, "a", &path, Some(session), &body(1, "it", args));
        if self.world.sent_to(*child).len() > n {
            let id = self.world.id_of_last(*child, "tools/call");
            self.world.line(*child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{OK}}}"#));
        }
        got(&self.world, peer)
    }

    fn read(&mut self, server: &str, secrecy: &str, integrity: &str) -> String {
        self.call(server, &call_is("read", &object("r", secrecy, integrity)))
    }

    fn write(&mut self, server: &str, secrecy: &str, integrity: &str) -> String {
        self.call(server, &call_is("write", &object("w", secrecy, integrity)))
    }
}

#[test]
fn what_the_built_in_guard_gives_is_carried_before_its_server_is_called() {
    let mut all = several(vec![
        ("hub", native()),
        ("web", noop()),
        ("safe", sink(&["private:acme"], None)),
        ("open", sink(&["private:other"], None)),
    ]);
    let got = all.call("web", "");
    assert!(got.contains("difc.read.integrity") && got.contains("[private:acme]"), "{got}");
    assert!(all.call("safe", "").contains("fine"));
    assert!(all.call("open", "").contains("difc.write.secrecy"));
    is_over(&all.world);
}

#[test]
fn what_a_module_gives_is_carried_before_its_server_is_called() {
    let mut all = several(vec![("time", guard(&agent("s", "i", Mode::Filter))), ("web", noop())]);
    let got = all.call("web", "");
    assert!(got.contains("difc.read.integrity") && got.contains("[s]"), "{got}");
    let (_, _, child) = all.at[0].clone();
    assert!(!all.world.sent_to(child).iter().any(|text| text.contains("tools/call")));
    is_over(&all.world);
}

#[test]
fn a_module_that_does_not_begin_fails_calls_at_its_own_server_alone() {
    for policy in [r#"{"trap_agent":1}"#, r#"{"say_agent":7,"end":0}"#] {
        let policy = Message::from(policy);
        let broken = Watch { payload: policy, ..guard("{}") };
        let mut all = several(vec![("time", broken), ("web", noop())]);
        assert!(all.call("web", "").contains("fine"));
        assert!(all.call("time", "").contains("LabelAgent failed"));
        assert!(all.call("web", "").contains("fine"));
        is_over(&all.world);
    }
}

#[test]
fn who_has_read_anything_before_a_module_begins_is_trusted_no_more_than_that() {
    let servers = vec![
        with(stdio_server("time"), guard(&agent("", "i", Mode::Filter))),
        with(stdio_server("web"), noop()),
    ];
    let mut world = world(with_key(guarded(servers), &["a"]));
    // Its worker is slower than the first call.
    world.workers_rest = true;
    open_all(&mut world);
    let at = ["time", "web"].map(|name| {
        let (session, child) = session_as(&mut world, "a", name);
        (name, session, child)
    });
    let mut all = Several { world, at: at.to_vec() };
    assert!(all.call("web", "").contains("fine"));
    all.world.workers_rest = false;
    all.world.pass(Duration::from_millis(1));
    let got = all.write("time", "", "i");
    assert!(got.contains("difc.write.integrity"), "{got}");
    assert!(all.write("time", "", "").contains("fine"));
    assert!(all.call("web", "").contains("fine"), "it has nothing more to lose");
    is_over(&all.world);
}

#[test]
fn with_compat_an_agent_is_given_labels_where_it_calls() {
    let guards = GuardOptions { is_enabled: true, compat: true, ..GuardOptions::default() };
    let mut all = several_of(
        vec![("hub", native()), ("time", guard(&agent("s", "", Mode::Filter))), ("web", noop())],
        guards,
    );
    assert!(all.call("web", "").contains("fine"));
    assert!(all.read("time", "", "").contains("fine"));
    let got = all.call("web", "");
    assert!(got.contains("Secrecy: [s]"), "{got}");
}

#[test]
fn what_reading_takes_away_no_guard_gives_back() {
    let mut all = several(vec![
        ("far", guard(&agent("", "", Mode::Propagate))),
        ("near", guard(&agent("", "i j", Mode::Filter))),
    ]);
    // It has no integrity that this could take away, yet.
    assert!(all.read("far", "", "j").contains("fine"));
    let got = all.write("near", "", "i");
    assert!(got.contains("difc.write.integrity"), "{got}");
    assert!(all.write("near", "", "j").contains("fine"), "what it has read had this one");
    assert!(all.read("far", "", "").contains("fine"));
    let got = all.write("near", "", "j");
    assert!(got.contains("difc.write.integrity"), "{got}");
    is_over(&all.world);
}

#[test]
fn items_that_were_read_count_like_whole_answers() {
    let mut all = several(vec![
        ("far", guard(&agent("", "", Mode::Propagate))),
        ("near", guard(&agent("", "i", Mode::Filter))),
    ]);
    let args = format!(
        "{},{}",
        call_is("read", &object("list", "", "i")),
        crate::guarded::items_are(&[object("one", "t", "")])
    );
    let (_, session, child) = all.at[0].clone();
    let peer = post_as(&mut all.world, "a", "/mcp/far", Some(&session), &body(1, "list", &args));
    let id = all.world.id_of_last(child, "tools/call");
    let result = crate::guarded::result(r#"["x"]"#);
    all.world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
    assert!(got(&all.world, peer).contains("x"));
    let got = all.write("near", "t", "i");
    assert!(got.contains("difc.write.integrity"), "{got}");
}

#[test]
fn secrecy_that_was_read_stays_whatever_is_given_later() {
    let mut all = several(vec![
        ("far", guard(&agent("a", "", Mode::Propagate))),
        ("near", guard(&agent("b", "", Mode::Filter))),
    ]);
    assert!(all.read("far", "t", "").contains("fine"));
    let denied = all.write("near", "", "");
    assert!(denied.contains("Secrecy: [a b t]"), "{denied}");
    let fields = [(penstock::wire::http1::Field::Authorization, "a")];
    let peer = all.world.head(Method::Get, "/reflect", &fields);
    let reflected = got(&all.world, peer);
    assert!(reflected.contains(r#""secrecy":["a","b","t"]"#), "{reflected}");
}

#[test]
fn who_has_no_room_for_labels_is_refused_however_often_it_calls() {
    let limits = Limits { guarded_agent_bytes_max: 64, ..Limits::DEFAULT };
    let long = "s".repeat(100);
    let servers = vec![with(stdio_server("time"), guard(&agent(&long, "", Mode::Filter)))];
    let mut one = one_of(Snapshot { limits, ..guarded(servers) });
    for _ in 0..3 {
        let got = one.exchange("put", &call_is("write", &object("w", "", "")), OK);
        assert!(got.contains(r#""rule":"guard.room""#), "{got}");
    }
    assert_eq!(one.n_calls(), 0);
    one.is_over();
}

#[test]
fn what_is_read_where_nothing_guards_changes_no_labels() {
    let mut all = several(vec![("web", noop()), ("near", guard(&agent("", "", Mode::Filter)))]);
    assert!(all.call("web", "").contains("fine") && all.write("near", "", "").contains("fine"));
    assert!(all.call("web", "").contains("fine"));

    // Whichever comes first, who needs integrity does not read there.
    let mut all = several(vec![("web", noop()), ("near", guard(&agent("", "i", Mode::Filter)))]);
    for _ in 0..2 {
        let got = all.call("web", "");
        assert!(got.contains("difc.read.integrity"), "{got}");
        assert!(all.write("near", "", "i").contains("fine"), "it has what it was given");
    }
}
