// SPDX-License-Identifier: MIT
//! Answers of modern servers that still hold: given again without asking, to whom they are for.

use std::time::Duration;

use proptest::prelude::*;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Input, Peer};
use penstock::wire::http1::Field;

use crate::world::{
    DISCOVERY, INITIALIZE, World, modern_request, snapshot, stdio_server, with_key,
};

const LIST: &str = "prompts/list";

fn answer(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

fn prompts(n: u32, ttl: u64, scope: &str) -> String {
    format!(
        r#"{{"resultType":"complete","prompts":[{{"name":"p{n}"}}],"ttlMs":{ttl},"cacheScope":"{scope}"}}"#
    )
}

/// A world whose only server speaks the modern protocol alone, with three keys; its child.
fn modern() -> (World, Key<Backend>) {
    let mut world = World::new(with_key(snapshot(vec![stdio_server("time")]), &["a", "b", "c"]));
    let first = world.spawned[0];
    let id = world.id_of_last(first, "initialize");
    let refused = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
    world.line(first, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{refused}}}"#));
    let child = world.spawned[world.spawned.len() - 1];
    let id = world.id_of_last(child, "server/discover");
    world.line(child, &answer(&id, DISCOVERY));
    if world.sent_to(child).iter().any(|line| line.contains("\"method\":\"tools/list\"")) {
        let id = world.id_of_last(child, "tools/list");
        world.line(child, &answer(&id, r#"{"resultType":"complete","tools":[]}"#));
    }
    world.sent.clear();
    (world, child)
}

fn ask_with(
    world: &mut World,
    key: &str,
    id: &str,
    method: &str,
    extra: &str,
    can: &str,
) -> Key<Peer> {
    post(world, key, id, (method, extra), (can, ""))
}

fn ask(world: &mut World, key: &str, id: &str) -> Key<Peer> {
    ask_with(world, key, id, LIST, "", "{}")
}

/// The answer, whatever form it has.
fn said(world: &World, peer: Key<Peer>) -> &str {
    let got = world.client(peer);
    got.events.last().unwrap_or(&got.body)
}

/// How often the child was asked.
fn n_asked(world: &World, child: Key<Backend>, method: &str) -> usize {
    let quoted = format!("\"method\":\"{method}\"");
    world.sent_to(child).iter().filter(|line| line.contains(&quoted)).count()
}

fn say(world: &mut World, child: Key<Backend>, method: &str, result: &str) {
    let id = world.id_of_last(child, method);
    world.line(child, &answer(&id, result));
}

// Checklist 86.
#[test]
fn a_public_list_is_asked_for_once_and_tells_the_time_that_is_left() {
    let (mut world, child) = modern();
    let first = ask(&mut world, "a", "1");
    say(&mut world, child, LIST, &prompts(1, 5000, "public"));
    assert_eq!(world.client(first).body, answer("1", &prompts(1, 5000, "public")));
    world.pass(Duration::from_millis(1500));
    let second = ask(&mut world, "b", "\"x\"");
    assert_eq!(world.client(second).body, answer("\"x\"", &prompts(1, 3500, "public")));
    assert_eq!(n_asked(&world, child, LIST), 1);
    let page = ask_with(&mut world, "b", "3", LIST, r#""cursor":"""#, "{}");
    let other = ask_with(&mut world, "b", "4", LIST, "", r#"{"roots":{}}"#);
    assert_eq!((world.client(page).status, world.client(other).status), (0, 0));
    assert_eq!(n_asked(&world, child, LIST), 3, "these are other questions");
    world.pass(Duration::from_millis(3500));
    ask(&mut world, "a", "5");
    assert_eq!(n_asked(&world, child, LIST), 4, "its time is over");
}

// Checklist 86.
#[test]
fn a_private_list_is_for_one_credential() {
    let (mut world, child) = modern();
    ask(&mut world, "a", "1");
    say(&mut world, child, LIST, &prompts(1, 5000, "private"));
    let other = ask(&mut world, "b", "2");
    assert_eq!(world.client(other).status, 0);
    say(&mut world, child, LIST, &prompts(2, 5000, "private"));
    let (one, two) = (ask(&mut world, "a", "3"), ask(&mut world, "b", "4"));
    assert!(world.client(one).body.contains("p1") && world.client(two).body.contains("p2"));
    assert_eq!(n_asked(&world, child, LIST), 2);
    assert!(world.gateway.is_quiet());
}

#[test]
fn a_hundred_agents_that_list_at_once_cost_one_call() {
    let (mut world, child) = modern();
    let peers: Vec<_> =
        (0..100).map(|n: usize| ask(&mut world, ["a", "b", "c"][n % 3], &n.to_string())).collect();
    assert_eq!(n_asked(&world, child, LIST), 1);
    say(&mut world, child, LIST, &prompts(1, 5000, "public"));
    for (n, peer) in peers.into_iter().enumerate() {
        let want = answer(&n.to_string(), &prompts(1, 5000, "public"));
        assert_eq!(world.client(peer).body, want);
    }
    assert_eq!(n_asked(&world, child, LIST), 1);
    assert!(world.gateway.is_quiet());
}

#[test]
fn what_turns_out_to_be_private_is_asked_for_by_the_others_themselves() {
    let (mut world, child) = modern();
    let peers = ["a", "b", "a"].map(|key| ask(&mut world, key, "1"));
    say(&mut world, child, LIST, &prompts(1, 5000, "private"));
    let done = peers.map(|peer| world.client(peer).status);
    assert_eq!((done, n_asked(&world, child, LIST)), ([200, 0, 200], 2));
    say(&mut world, child, LIST, &prompts(2, 5000, "private"));
    assert!(world.client(peers[1]).body.contains("p2"));
    assert!(world.gateway.is_quiet());
}

#[test]
fn what_does_not_hold_is_neither_kept_nor_waited_for_a_second_time() {
    let (mut world, child) = modern();
    for round in 1..3 {
        let (one, two) = (ask(&mut world, "a", "1"), ask(&mut world, "a", "2"));
        let first = world.sent_to(child).iter().map(|line| line.to_string()).collect::<Vec<_>>();
        if round == 1 {
            assert_eq!(first.len(), 1);
            say(&mut world, child, LIST, &prompts(1, 0, "public"));
            assert_eq!(world.client(two).status, 0);
        } else {
            assert_eq!(first.len(), 2, "nobody waits for what is of no use");
            let id = first[0].split("\"id\":").nth(1).unwrap().split(',').next().unwrap();
            world.line(child, &answer(id, &prompts(1, 0, "public")));
        }
        say(&mut world, child, LIST, &prompts(2, 0, "public"));
        assert!(world.client(one).body.contains("p1") && world.client(two).body.contains("p2"));
        world.sent.clear();
    }
    assert!(world.gateway.is_quiet());
}

// Checklist 86.
#[test]
fn a_change_ends_what_is_kept_and_overtakes_what_is_under_way() {
    let (mut world, child) = modern();
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}"#;
    ask(&mut world, "a", "1");
    say(&mut world, child, LIST, &prompts(1, 5000, "public"));
    world.line(child, changed);
    let two = ask(&mut world, "a", "2");
    assert_eq!(n_asked(&world, child, LIST), 2);
    world.line(child, changed);
    say(&mut world, child, LIST, &prompts(2, 5000, "public"));
    assert!(said(&world, two).contains("p2"));
    ask(&mut world, "a", "3");
    assert_eq!(n_asked(&world, child, LIST), 3, "the answer may be of the time before");
    let other = changed.replace("prompts", "tools");
    say(&mut world, child, LIST, &prompts(3, 5000, "public"));
    world.line(child, &other);
    let four = ask(&mut world, "a", "4");
    assert!(world.client(four).body.contains("p3"));
}

// Checklist 86.
#[test]
fn what_was_read_is_kept_until_it_is_updated_and_never_after_a_question() {
    let (mut world, child) = modern();
    let read =
        |world: &mut World, extra: &str| ask_with(world, "a", "1", "resources/read", extra, "{}");
    let uri = r#""uri":"file:///a""#;
    let text = r#"{"resultType":"complete","contents":[],"ttlMs":9000,"cacheScope":"private"}"#;
    read(&mut world, uri);
    say(&mut world, child, "resources/read", text);
    let again = read(&mut world, uri);
    assert_eq!(world.client(again).status, 200);
    let updated = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///a"}}"#;
    world.line(child, updated);
    read(&mut world, uri);
    assert_eq!(n_asked(&world, child, "resources/read"), 2);
    let asks = r#"{"resultType":"input_required","requestState":"s","ttlMs":9000}"#;
    say(&mut world, child, "resources/read", asks);
    read(&mut world, &format!(r#"{uri},"inputResponses":{{}},"requestState":"s""#));
    say(&mut world, child, "resources/read", text);
    read(&mut world, uri);
    assert_eq!(n_asked(&world, child, "resources/read"), 4);
}

#[test]
fn who_fails_takes_those_along_who_would_fail_alike() {
    let (mut world, child) = modern();
    let peers = ["a", "a", "b"].map(|key| ask(&mut world, key, "1"));
    let id = world.id_of_last(child, LIST);
    world.line(
        child,
        &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-5,"message":"no"}}}}"#),
    );
    for peer in &peers[..2] {
        let want = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-5,"message":"no"}}"#;
        assert_eq!(world.client(*peer).body, want);
    }
    assert_eq!((world.client(peers[2]).status, n_asked(&world, child, LIST)), (0, 2));
    // A backend that is gone fails them all, and what it said holds no longer.
    say(&mut world, child, LIST, &prompts(1, 5000, "public"));
    let peers = ["a", "b"].map(|key| ask_with(&mut world, key, "1", "resources/list", "", "{}"));
    world.child_gone(child, ChildEnd::Exited(1));
    for peer in peers {
        assert!(world.client(peer).body.contains("exited with status 1"));
    }
    let late = ask(&mut world, "a", "9");
    assert!(!world.client(late).body.contains("p1"), "{}", world.client(late).body);
}

#[test]
fn when_the_first_one_leaves_the_next_one_asks() {
    let (mut world, child) = modern();
    let peers = ["a", "b", "c"].map(|key| ask(&mut world, key, "1"));
    world.leave(peers[0]);
    assert_eq!(n_asked(&world, child, LIST), 2);
    world.leave(peers[2]);
    say(&mut world, child, LIST, &prompts(2, 5000, "public"));
    assert!(world.client(peers[1]).body.contains("p2"));
    let cancelled = world.sent_to(child).iter().filter(|line| line.contains("cancelled")).count();
    assert_eq!(cancelled, 1, "nobody has to be told of what was not asked");
    world.pass(Duration::from_secs(61));
    assert!(world.gateway.is_quiet());
}

#[test]
fn who_waits_for_another_ones_answer_times_out_with_it() {
    let (mut world, child) = modern();
    let one = ask(&mut world, "a", "1");
    world.pass(Duration::from_secs(30));
    let two = ask(&mut world, "a", "2");
    world.pass(Duration::from_secs(30));
    for peer in [one, two] {
        let said = said(&world, peer);
        assert!(said.contains("no answer to prompts/list within 60s"), "{said}");
    }
    assert_eq!(n_asked(&world, child, "notifications/cancelled"), 1);
    world.input(Input::PeerClosed { peer: one });
    assert!(world.gateway.is_quiet());
}

// Checklist 86.
#[test]
fn a_legacy_client_gets_what_is_kept_in_its_own_words() {
    let (mut world, child) = modern();
    let post = |world: &mut World, session: Option<&str>, body: &str| {
        let mut fields = vec![
            (Field::Accept, "application/json, text/event-stream"),
            (Field::ContentType, "application/json"),
            (Field::Authorization, "a"),
        ];
        fields.extend(session.map(|session| (Field::McpSessionId, session)));
        world.post_with("/mcp/time", &fields, body)
    };
    let greeted = post(&mut world, None, INITIALIZE);
    let session = world.client(greeted).fields["Mcp-Session-Id"].clone();
    let list = r#"{"jsonrpc":"2.0","id":7,"method":"prompts/list"}"#;
    let one = post(&mut world, Some(&session), list);
    say(&mut world, child, LIST, &prompts(1, 5000, "public"));
    let two = post(&mut world, Some(&session), list);
    for peer in [one, two] {
        let want = r#"{"jsonrpc":"2.0","id":7,"result":{"prompts":[{"name":"p1"}]}}"#;
        assert_eq!(world.client(peer).body, want);
    }
    assert_eq!(n_asked(&world, child, LIST), 1);
}

#[test]
fn an_error_about_what_was_listed_ends_the_list_and_other_errors_do_not() {
    let (mut world, child) = modern();
    let get = |world: &mut World, code: i32| {
        ask_with(world, "a", "1", "prompts/get", r#""name":"p""#, "{}");
        let id = world.id_of_last(child, "prompts/get");
        let error = format!(r#"{{"code":{code},"message":"no"}}"#);
        world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
    };
    ask(&mut world, "a", "1");
    say(&mut world, child, LIST, &prompts(1, 5000, "public"));
    get(&mut world, -32603);
    ask(&mut world, "a", "2");
    assert_eq!(n_asked(&world, child, LIST), 1);
    get(&mut world, -32602);
    ask(&mut world, "a", "3");
    assert_eq!(n_asked(&world, child, LIST), 2);
}

/// One thing that happens to many agents with three keys at one server.
#[derive(Clone, Debug)]
enum Step {
    Ask { key: usize, what: usize },
    Leave(usize),
    Answer { call: usize, how: usize },
    Change(usize),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ask = (0..3_usize, 0..3_usize).prop_map(|(key, what)| Step::Ask { key, what });
    let answer = (any::<usize>(), 0..6_usize).prop_map(|(call, how)| Step::Answer { call, how });
    let rest = prop_oneof![
        any::<usize>().prop_map(Step::Leave),
        (0..2_usize).prop_map(Step::Change),
        (0..4000_u64).prop_map(Step::Pass),
    ];
    proptest::collection::vec(prop_oneof![4 => ask, 3 => answer, 2 => rest], 1..50)
}

/// The questions that agents ask.
const ASKED: [(&str, &str); 3] =
    [(LIST, ""), ("resources/list", ""), ("resources/read", r#""uri":"file:///a""#)];
/// What may change.
const CHANGED: [&str; 2] = [
    r#"{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///a"}}"#,
];

/// A server that answers with the key of whoever has asked, and the agents before it.
struct Crowd {
    world: World,
    child: Key<Backend>,
    /// Who has asked, with what key, and whether it is still there.
    agents: Vec<(Key<Peer>, &'static str, bool)>,
    n_read: usize,
    /// What the server was asked and has not answered: the id, and the key.
    open: Vec<(String, &'static str)>,
}

impl Crowd {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Ask { key, what } => {
                let key = ["a", "b", "c"][*key];
                let (method, extra) = ASKED[*what];
                let id = self.agents.len().to_string();
                let meta = format!(r#""x/key":"{key}""#);
                let peer = post(&mut self.world, key, &id, (method, extra), ("{}", &meta));
                self.agents.push((peer, key, true));
            }
            Step::Leave(which) if !self.agents.is_empty() => {
                let which = which % self.agents.len();
                let (peer, _, is_there) = &mut self.agents[which];
                if std::mem::take(is_there) {
                    self.world.leave(*peer);
                }
            }
            Step::Answer { call, how } if !self.open.is_empty() => {
                let (id, key) = self.open.remove(call % self.open.len());
                self.answer(&id, key, *how);
            }
            Step::Change(which) => self.world.line(self.child, CHANGED[*which]),
            Step::Pass(ms) => self.world.pass(Duration::from_millis(*ms)),
            _ => {}
        }
        self.read();
    }

    fn answer(&mut self, id: &str, key: &str, how: usize) {
        let with = |ttl: u32, scope: &str| {
            format!(
                r#""result":{{"resultType":"complete","by":"{scope}-{key}","ttlMs":{ttl},"cacheScope":"{scope}"}}"#
            )
        };
        let said = match how {
            0 | 1 => with(3000, "public"),
            2 | 3 => with(3000, "private"),
            4 => with(0, "private"),
            _ => format!(r#""error":{{"code":-32603,"message":"private-{key}"}}"#),
        };
        self.world.line(self.child, &format!(r#"{{"jsonrpc":"2.0","id":{id},{said}}}"#));
    }

    /// Reads what the server was sent.
    fn read(&mut self) {
        for (_, line) in &self.world.sent[self.n_read..] {
            let mut keys = ["a", "b", "c"].into_iter();
            let key = keys.find(|key| line.contains(&format!(r#""x/key":"{key}""#)));
            let id = line.split("\"id\":").nth(1).and_then(|rest| rest.split(',').next());
            if let (Some(key), Some(id)) = (key, id) {
                self.open.push((id.to_owned(), key));
            }
        }
        self.n_read = self.world.sent.len();
    }

    /// Whoever is still there has one answer, under its own id, and nobody has another one's.
    fn check(&self) {
        for (n, (peer, key, is_there)) in self.agents.iter().enumerate() {
            let got = self.world.client(*peer);
            let text = got.events.iter().rfind(|event| event.contains("\"jsonrpc\""));
            let text = text.unwrap_or(&got.body);
            if text.is_empty() {
                assert!(!is_there, "agent {n} waits for ever");
                continue;
            }
            assert!(text.contains(&format!("\"id\":{n},")), "{n}: {text}");
            for other in ["a", "b", "c"].iter().filter(|other| *other != key) {
                assert!(!text.contains(&format!("private-{other}")), "{key}: {text}");
            }
        }
    }
}

fn post(
    world: &mut World,
    key: &str,
    id: &str,
    (method, extra): (&str, &str),
    (can, meta): (&str, &str),
) -> Key<Peer> {
    let body = modern_request(id, method, extra, can, meta);
    let named = ["\"uri\":\"", "\"name\":\""].into_iter().find_map(|name| extra.split(name).nth(1));
    let mut fields = vec![
        (Field::Accept, "application/json, text/event-stream"),
        (Field::ContentType, "application/json"),
        (Field::Authorization, key),
        (Field::McpProtocolVersion, "2026-07-28"),
        (Field::McpMethod, method),
    ];
    let name = named.and_then(|rest| rest.split('"').next());
    fields.extend(name.map(|name| (Field::McpName, name)));
    world.post_with("/mcp/time", &fields, &body)
}

proptest! {
    // Whatever happens, an agent gets one answer, and no private one of another.
    // Checklist 86.
    #[test]
    fn sharing_answers_loses_none_and_mixes_none(steps in steps()) {
        let (world, child) = modern();
        let n_read = world.sent.len();
        let mut crowd = Crowd { world, child, agents: Vec::new(), n_read, open: Vec::new() };
        for step in &steps {
            crowd.take(step);
        }
        while !crowd.open.is_empty() {
            crowd.take(&Step::Answer { call: 0, how: steps.len() % 6 });
        }
        crowd.check();
        crowd.world.pass(Duration::from_secs(61));
        prop_assert!(crowd.world.gateway.is_quiet());
    }
}
