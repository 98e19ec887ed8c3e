// SPDX-License-Identifier: MIT
//! Calls of modern clients that wait for their input at a legacy server.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, FetchContent, Peer};
use penstock::wire::http1::Field;

use crate::world::{
    HANDSHAKE, World, http_server, modern_request, snapshot, stdio_server, with_key,
};

const ALL: &str = r#"{"sampling":{},"elicitation":{"form":{},"url":{}},"roots":{}}"#;
const NAMED: &str = r#""name":"now","arguments":{"n":1.0}"#;
const SAMPLE: &str = r#"{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{"maxTokens":1e2,"messages":[]}}"#;
const ROOTS: &str = r#"{"jsonrpc":"2.0","id":"r","method":"roots/list"}"#;
const FORM: &str = r#"{"jsonrpc":"2.0","id":8,"method":"elicitation/create","params":{"message":"é?","requestedSchema":{"type":"object","properties":{}}}}"#;
const VISIT: &str = r#"{"jsonrpc":"2.0","id":9,"method":"elicitation/create","params":{"mode":"url","elicitationId":"e","url":"https://a.example/","message":"m"}}"#;

/// A gateway before a legacy child, with one call of a modern client that can do `can` under way.
struct Parked {
    world: World,
    child: Key<Backend>,
    peer: Key<Peer>,
    call: String,
}

fn answer(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

impl Parked {
    fn new(can: &str) -> Self {
        Self::with(can, "")
    }

    fn with(can: &str, meta: &str) -> Self {
        let (mut world, _) = World::with_child();
        let peer = world.ask_as("/mcp/time", "3", "tools/call", NAMED, can, meta);
        let probe = *world.spawned.last().unwrap();
        world.child_gone(probe, ChildEnd::Exited(1));
        let child = *world.spawned.last().unwrap();
        let id = world.id_of_last(child, "initialize");
        world.line(child, &answer(&id, HANDSHAKE));
        let call = world.id_of_last(child, "tools/call");
        if world.sent_to(child).iter().any(|text| text.contains("logging/setLevel")) {
            let id = world.id_of_last(child, "logging/setLevel");
            world.line(child, &answer(&id, "{}"));
        }
        world.sent.clear();
        Self { world, child, peer, call }
    }

    /// The backend says these lines, and the client is asked.
    fn asks(&mut self, lines: &[&str]) -> Round {
        for line in lines {
            self.world.line(self.child, line);
        }
        assert!(!self.world.client(self.peer).finished, "asked before all had been said");
        self.world.pass(Duration::from_millis(5));
        Round::of(self.answered())
    }

    fn answered(&self) -> String {
        let got = self.world.client(self.peer);
        assert!(got.finished, "no answer yet");
        match got.events.last() {
            Some(event) => event.split_once('|').unwrap().1.to_owned(),
            None => got.body.clone(),
        }
    }

    fn retry(&mut self, responses: &str, state: &str) {
        self.retry_as(&retry(responses, state), ALL, "");
    }

    fn retry_as(&mut self, extra: &str, can: &str, meta: &str) {
        self.peer = self.world.ask_as("/mcp/time", "\"again\"", "tools/call", extra, can, meta);
    }

    fn finish(&mut self) {
        let line = answer(&self.call, r#"{"content":[]}"#);
        self.world.line(self.child, &line);
        let answered = self.answered();
        assert!(answered.contains(r#""id":"again""#), "{answered}");
        assert!(answered.contains(r#""resultType":"complete""#), "{answered}");
        assert!(self.world.gateway.is_quiet(), "{}", self.world.gateway.what_is_left());
    }

    /// The last lines that the child got.
    fn heard(&self, n: usize) -> Vec<&str> {
        let all = self.world.sent_to(self.child);
        all[all.len() - n..].to_vec()
    }

    #[track_caller]
    fn refused(&self, code: &str, part: &str) {
        let got = self.world.client(self.peer);
        assert_eq!(got.status, 200, "{}", got.body);
        assert!(got.body.contains(code) && got.body.contains(part), "{}", got.body);
        assert!(got.body.contains(r#""id":"again""#), "{}", got.body);
    }
}

fn retry(responses: &str, state: &str) -> String {
    format!(r#"{NAMED},"inputResponses":{{{responses}}},"requestState":"{state}""#)
}

/// What a client is asked.
struct Round {
    text: String,
    state: String,
}

impl Round {
    fn of(text: String) -> Self {
        assert!(text.contains(r#""resultType":"input_required""#), "{text}");
        let (_, rest) = text.split_once(r#""requestState":""#).unwrap();
        let state = rest.split_once('"').unwrap().0.to_owned();
        assert!(text.contains(r#""io.modelcontextprotocol/serverInfo":{"name":"t""#), "{text}");
        Self { text, state }
    }

    #[track_caller]
    fn has(&self, part: &str) {
        assert!(self.text.contains(part), "{part}: {}", self.text);
    }
}

// Checklist 52, 53, 82, 93.
#[test]
fn every_kind_of_question_reaches_a_modern_client_and_its_answer_comes_back() {
    #[track_caller]
    fn check(line: &str, asked: &str, key: &str, result: &str, back: &str) {
        let mut parked = Parked::new(ALL);
        let round = parked.asks(&[line]);
        round.has(asked);
        assert!(round.text.contains(r#""id":3"#), "{}", round.text);
        parked.retry(&format!(r#""{key}":{result}"#), &round.state);
        assert_eq!(parked.heard(1), [back]);
        parked.finish();
    }
    check(
        SAMPLE,
        r#""inputRequests":{"sampling-1":{"method":"sampling/createMessage","params":{"maxTokens":1e2,"messages":[]}}}"#,
        "sampling-1",
        r#"{"role":"assistant","n":1.0}"#,
        r#"{"jsonrpc":"2.0","id":7,"result":{"role":"assistant","n":1.0}}"#,
    );
    check(
        FORM,
        r#"{"elicitation-1":{"method":"elicitation/create","params":{"message":"é?","requestedSchema":{"type":"object","properties":{}}}}}"#,
        "elicitation-1",
        r#"{"action":"decline"}"#,
        r#"{"jsonrpc":"2.0","id":8,"result":{"action":"decline"}}"#,
    );
    check(
        VISIT,
        r#"{"url-1":{"method":"elicitation/create","params":{"mode":"url","url":"https://a.example/","message":"m"}}}"#,
        "url-1",
        r#"{"action":"cancel"}"#,
        r#"{"jsonrpc":"2.0","id":9,"result":{"action":"cancel"}}"#,
    );
    check(
        ROOTS,
        r#"{"roots-1":{"method":"roots/list"}}"#,
        "roots-1",
        r#"{"roots":[]}"#,
        r#"{"jsonrpc":"2.0","id":"r","result":{"roots":[]}}"#,
    );
}

// Checklist 54, 93.
#[test]
fn questions_that_come_together_are_asked_together_and_what_is_missing_again() {
    let mut parked = Parked::new(ALL);
    let round = parked.asks(&[SAMPLE, FORM, ROOTS]);
    for key in ["sampling-1", "elicitation-2", "roots-3"] {
        round.has(&format!("\"{key}\":"));
    }
    parked.retry(r#""roots-3":{"roots":[]},"sampling-1":{"x":1},"other":{}"#, &round.state);
    assert_eq!(parked.heard(2), [answer("7", r#"{"x":1}"#), answer("\"r\"", r#"{"roots":[]}"#)]);
    parked.world.pass(Duration::ZERO);
    let second = Round::of(parked.answered());
    assert!(second.text.contains("elicitation-2") && !second.text.contains("roots-3"));
    assert_ne!(second.state, round.state);
    parked.retry(r#""elicitation-2":{"action":"accept","content":{}}"#, &second.state);
    assert_eq!(parked.heard(1), [answer("8", r#"{"action":"accept","content":{}}"#)]);
    parked.finish();
}

// Checklist 93.
#[test]
fn a_call_may_need_input_twice() {
    let mut parked = Parked::new(ALL);
    let first = parked.asks(&[SAMPLE]);
    parked.retry(r#""sampling-1":{}"#, &first.state);
    let second = parked.asks(&[FORM]);
    parked.retry(r#""sampling-1":{}"#, &first.state);
    parked.refused("-32602", "not there any more");
    parked.retry(r#""elicitation-1":{"action":"accept"}"#, &second.state);
    parked.finish();
}

// Checklist 55.
#[test]
fn a_client_is_only_asked_for_what_it_has_declared() {
    let mut parked = Parked::new(r#"{"elicitation":{}}"#);
    for (line, id) in [(SAMPLE, "7"), (VISIT, "9"), (ROOTS, "\"r\"")] {
        parked.world.line(parked.child, line);
        let last = parked.heard(1)[0];
        assert!(last.contains(&format!("\"id\":{id}")) && last.contains("-32601"), "{last}");
    }
    parked.world.pass(Duration::from_millis(5));
    assert!(!parked.world.client(parked.peer).finished);
    let round = parked.asks(&[FORM]);
    round.has("elicitation-1");
}

// Checklist 55.
#[test]
fn the_server_sees_what_the_client_has_declared() {
    let (mut world, _) = World::with_child();
    world.ask_as("/mcp/time", "3", "tools/call", NAMED, r#"{"roots":{},"x":1}"#, "");
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    let child = *world.spawned.last().unwrap();
    let hello = world.sent_to(child)[0];
    assert!(hello.contains(r#""roots":{}"#) && !hello.contains("sampling"), "{hello}");
}

#[test]
fn a_question_outside_of_any_call_is_refused() {
    let mut parked = Parked::new(ALL);
    let line = answer(&parked.call, r#"{"content":[]}"#);
    parked.world.line(parked.child, &line);
    parked.world.line(parked.child, SAMPLE);
    let last = parked.heard(1)[0];
    assert!(last.contains("-32601") && last.contains("belongs to no call"), "{last}");
    assert!(parked.world.gateway.is_quiet());
}

#[test]
fn a_list_beside_a_call_is_not_taken_for_it() {
    let mut parked = Parked::new(ALL);
    parked.world.ask_as("/mcp/time", "5", "tools/list", "", ALL, "");
    assert_eq!(parked.world.sent_to(parked.child).len(), 1, "one session serves both");
    let round = parked.asks(&[SAMPLE]);
    round.has("sampling-1");
}

// Checklist 54.
#[test]
fn two_calls_that_may_ask_have_a_child_each() {
    let mut parked = Parked::new(ALL);
    let round = parked.asks(&[SAMPLE]);
    let other = parked.world.ask_as("/mcp/time", "4", "tools/call", NAMED, ALL, "");
    let second = *parked.world.spawned.last().unwrap();
    assert_ne!(second, parked.child);
    let id = parked.world.id_of_last(second, "initialize");
    parked.world.line(second, &answer(&id, HANDSHAKE));
    parked.world.line(second, FORM);
    parked.world.pass(Duration::from_millis(5));
    let asked = parked.world.client(other).body.clone();
    assert!(asked.contains("elicitation-1") && asked.contains("\"id\":4"), "{asked}");
    parked.retry(r#""sampling-1":{}"#, &round.state);
    assert_eq!(parked.heard(1), [answer("7", "{}")]);
}

// Checklist 58, 94.
#[test]
fn a_state_that_was_forged_or_given_for_something_else_is_refused() {
    let mut parked = Parked::new(ALL);
    let round = parked.asks(&[SAMPLE]);
    let responses = r#""sampling-1":{}"#;
    parked.retry(responses, "AAAA");
    parked.refused("-32602", "none of ours");
    parked.retry(responses, &round.state.replace(&round.state[20..21], "-"));
    parked.refused("-32602", "none of ours");
    let other = retry(responses, &round.state).replace("1.0", "1");
    parked.retry_as(&other, ALL, "");
    parked.refused("-32602", "another request");
    parked.retry_as(&format!(r#"{NAMED},"inputResponses":{{{responses}}}"#), ALL, "");
    parked.refused("-32602", "without the requestState");
    parked.retry_as(&format!(r#"{NAMED},"inputResponses":[],"requestState":"s""#), ALL, "");
    parked.refused("-32602", "is not an object");
    assert_eq!(parked.world.sent_to(parked.child).len(), 0);
    parked.retry(responses, &round.state);
    parked.finish();
}

// Checklist 94, 127.
#[test]
fn a_state_of_another_principal_is_refused() {
    let mut world = World::new(with_key(snapshot(vec![stdio_server("time")]), &["a", "b"]));
    let first = world.spawned[0];
    world.open_child(first);
    let ask = |world: &mut World, key: &str, extra: &str| {
        let body = modern_request("3", "tools/call", extra, ALL, "");
        let fields = [
            (Field::Accept, "application/json, text/event-stream"),
            (Field::ContentType, "application/json"),
            (Field::Authorization, key),
            (Field::McpProtocolVersion, "2026-07-28"),
            (Field::McpMethod, "tools/call"),
            (Field::McpName, "now"),
        ];
        world.post_with("/mcp/time", &fields, &body)
    };
    let peer = ask(&mut world, "a", NAMED);
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    let child = *world.spawned.last().unwrap();
    let id = world.id_of_last(child, "initialize");
    world.line(child, &answer(&id, HANDSHAKE));
    world.line(child, SAMPLE);
    world.pass(Duration::from_millis(5));
    let round = Round::of(world.client(peer).body.clone());
    let n = world.sent_to(child).len();
    let foreign = ask(&mut world, "b", &retry(r#""sampling-1":{}"#, &round.state));
    assert!(world.client(foreign).body.contains("none of ours"), "{}", world.client(foreign).body);
    assert_eq!(world.sent_to(child).len(), n);
    ask(&mut world, "a", &retry(r#""sampling-1":{}"#, &round.state));
    assert_eq!(world.sent_to(child).last().copied(), Some(&*answer("7", "{}")));
}

// Checklist 94.
#[test]
fn a_client_that_does_not_come_back_is_given_up() {
    let mut parked = Parked::new(ALL);
    let round = parked.asks(&[SAMPLE]);
    parked.world.pass(Duration::from_secs(599));
    assert_eq!(parked.world.sent_to(parked.child).len(), 0, "people take their time");
    parked.world.pass(Duration::from_secs(1));
    let heard = parked.heard(2).join("\n");
    assert!(heard.contains("notifications/cancelled") && heard.contains(&parked.call), "{heard}");
    assert!(heard.contains(r#""id":7,"error""#), "{heard}");
    parked.retry(r#""sampling-1":{}"#, &round.state);
    // What is known of the server's era is as old, so it is asked once more.
    let probe = *parked.world.spawned.last().unwrap();
    parked.world.child_gone(probe, ChildEnd::Exited(1));
    parked.refused("-32602", "has expired");
    let late = answer(&parked.call, "{}");
    parked.world.line(parked.child, &late);
    assert!(parked.world.gateway.is_quiet(), "{}", parked.world.gateway.what_is_left());
}

#[test]
fn the_time_that_a_client_takes_is_not_the_tools() {
    let mut parked = Parked::new(ALL);
    let round = parked.asks(&[SAMPLE]);
    parked.world.pass(Duration::from_secs(300));
    parked.retry(r#""sampling-1":{}"#, &round.state);
    parked.world.pass(Duration::from_secs(59));
    assert!(!parked.world.client(parked.peer).finished);
    parked.world.pass(Duration::from_secs(1));
    let answered = parked.answered();
    assert!(answered.contains("within 60s"), "{answered}");
    assert!(parked.heard(1)[0].contains("notifications/cancelled"));
    assert!(parked.world.gateway.is_quiet(), "{}", parked.world.gateway.what_is_left());
}

// Checklist 57, 81.
#[test]
fn a_client_that_leaves_before_it_was_asked_has_cancelled() {
    let mut parked = Parked::new(ALL);
    parked.world.line(parked.child, SAMPLE);
    parked.world.leave(parked.peer);
    let heard = parked.heard(2).join("\n");
    assert!(heard.contains("notifications/cancelled"), "{heard}");
    assert!(heard.contains(r#""id":7,"error""#), "{heard}");
    parked.world.pass(Duration::from_secs(1));
    let late = answer(&parked.call, "{}");
    parked.world.line(parked.child, &late);
    assert!(parked.world.gateway.is_quiet());
}

#[test]
fn a_client_that_leaves_its_retry_has_cancelled() {
    let mut parked = Parked::new(ALL);
    let round = parked.asks(&[SAMPLE]);
    parked.retry(r#""sampling-1":{}"#, &round.state);
    parked.world.leave(parked.peer);
    let last = parked.heard(1)[0];
    assert!(last.contains("notifications/cancelled") && last.contains(&parked.call), "{last}");
}

#[test]
fn a_parked_call_dies_with_its_backend() {
    let mut parked = Parked::new(ALL);
    let round = parked.asks(&[SAMPLE]);
    parked.world.child_gone(parked.child, ChildEnd::Exited(3));
    assert!(parked.world.gateway.is_quiet(), "{}", parked.world.gateway.what_is_left());
    parked.retry(r#""sampling-1":{}"#, &round.state);
    parked.refused("-32602", "send the request again");
}

#[test]
fn an_answer_that_did_not_wait_is_there_for_the_retry() {
    let mut parked = Parked::new(ALL);
    let round = parked.asks(&[SAMPLE]);
    let line = answer(&parked.call, r#"{"content":[]}"#);
    parked.world.line(parked.child, &line);
    parked.retry(r#""sampling-1":{}"#, &round.state);
    let answered = parked.answered();
    assert!(answered.contains(r#""id":"again""#) && answered.contains("complete"), "{answered}");
    assert!(parked.world.gateway.is_quiet());
    assert_eq!(parked.world.sent_to(parked.child).len(), 0, "nobody waits for that answer");
}

#[test]
fn a_question_that_is_taken_back_is_not_asked() {
    let mut parked = Parked::new(ALL);
    parked.world.line(parked.child, SAMPLE);
    let notice = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
    parked.world.line(parked.child, notice);
    parked.world.pass(Duration::from_secs(1));
    assert!(!parked.world.client(parked.peer).finished);
}

#[test]
fn what_is_said_meanwhile_is_told_with_the_retry_under_its_token() {
    let log = |level: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"{level}","data":1}}}}"#
        )
    };
    let token = r#""progressToken":"one","io.modelcontextprotocol/logLevel":"info""#;
    let mut parked = Parked::with(ALL, token);
    let ours = parked.call.clone();
    let progress = |n: u32, token: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{n}}}}}"#
        )
    };
    parked.world.line(parked.child, &progress(1, &ours));
    let round = parked.asks(&[SAMPLE]);
    assert_eq!(parked.world.client(parked.peer).events.len(), 2, "it is an event behind another");
    parked.world.line(parked.child, &progress(2, &ours));
    parked.world.line(parked.child, &log("debug"));
    parked.world.line(parked.child, &log("error"));
    let extra = retry(r#""sampling-1":{}"#, &round.state);
    let meta = r#""progressToken":2,"io.modelcontextprotocol/logLevel":"error""#;
    parked.retry_as(&extra, ALL, meta);
    let events = &parked.world.client(parked.peer).events;
    assert_eq!(events[..], [format!("|{}", progress(2, "2")), format!("|{}", log("error"))]);
    parked.finish();
}

// Checklist 129.
#[test]
fn too_many_parked_calls_of_one_principal_are_refused() {
    let mut snapshot = snapshot(vec![http_server("time")]);
    snapshot.limits.parked_calls_per_principal_max = 1;
    let mut world = World::new(snapshot);
    let (fetch, id) = world.fetch_of("initialize");
    world.fetch_json(fetch, Some("s"), &answer(&id, HANDSHAKE));
    let first = world.ask_as("/mcp/time", "3", "tools/call", NAMED, ALL, "");
    let (fetch, _) = world.fetch_of("server/discover");
    world.fetch_status(fetch, 400, "no");
    let (fetch, id) = world.fetch_of("initialize");
    world.fetch_json(fetch, Some("s2"), &answer(&id, HANDSHAKE));
    let (one, one_id) = world.fetch_of("tools/call");
    world.fetch_head(one, 200, FetchContent::Events, None);
    world.ask_as("/mcp/time", "4", "tools/call", NAMED, ALL, "");
    let (two, _) = world.fetch_of("tools/call");
    assert_ne!(one, two);
    world.fetch_head(two, 200, FetchContent::Events, None);
    // Over HTTP a question says by its stream which call it belongs to.
    world.fetch_message(one, None, SAMPLE);
    world.fetch_message(two, None, FORM);
    let (_, refused) = world.fetch_of("too many calls wait");
    assert_eq!(refused, "8");
    world.pass(Duration::from_millis(5));
    let round = Round::of(world.client(first).body.clone());
    round.has("sampling-1");
    let again = world.ask_as(
        "/mcp/time",
        "5",
        "tools/call",
        &retry(r#""sampling-1":{"y":2}"#, &round.state),
        ALL,
        "",
    );
    world.fetch_of(r#""id":7,"result":{"y":2}"#);
    world.fetch_message(one, None, &answer(&one_id, r#"{"content":[]}"#));
    assert!(world.client(again).body.contains(r#""id":5"#), "{}", world.client(again).body);
}

// Checklist 129.
#[test]
fn more_questions_than_are_kept_are_refused() {
    let mut parked = Parked::new(ALL);
    for id in 0..=64 {
        parked.world.line(parked.child, &SAMPLE.replace("\"id\":7", &format!("\"id\":{id}")));
    }
    let last = parked.heard(1)[0];
    assert!(last.contains("\"id\":64,\"error\"") && last.contains("too many"), "{last}");
    assert_eq!(parked.world.sent_to(parked.child).len(), 1);
}

const NEEDS_VISIT: &str = r#"{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url","elicitationId":"e","url":"https://a.example/","message":"m"}]}}"#;

fn needs_visit(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{NEEDS_VISIT}}}"#)
}

// Checklist 95.
#[test]
fn an_address_to_visit_is_asked_for_and_the_call_succeeds_after_it() {
    let mut parked = Parked::new(ALL);
    let line = needs_visit(&parked.call);
    parked.world.line(parked.child, &line);
    let round = Round::of(parked.answered());
    round.has(r#""url-1":{"method":"elicitation/create","params":{"mode":"url","url":"https://a.example/","message":"m"}}"#);
    assert!(parked.world.gateway.is_quiet(), "nothing waits meanwhile");
    parked.retry(r#""url-1":{"action":"accept"}"#, &round.state);
    parked.call = parked.world.id_of_last(parked.child, "tools/call");
    let sent = parked.heard(1)[0];
    assert!(!sent.contains("inputResponses") && !sent.contains("requestState"), "{sent}");
    parked.finish();
}

#[test]
fn a_visit_that_is_declined_fails_the_call() {
    let mut parked = Parked::new(ALL);
    let line = needs_visit(&parked.call);
    parked.world.line(parked.child, &line);
    let round = Round::of(parked.answered());
    parked.retry(r#""url-1":{"action":"decline"}"#, &round.state);
    parked.refused("\"isError\":true", "declined");
    assert_eq!(parked.world.sent_to(parked.child).len(), 0);
}

// Checklist 78.
#[test]
fn a_client_that_cannot_visit_is_told_which_capability_is_missing() {
    let mut parked = Parked::new(r#"{"elicitation":{}}"#);
    let line = needs_visit(&parked.call);
    parked.world.line(parked.child, &line);
    let got = parked.world.client(parked.peer);
    assert_eq!(got.status, 400, "{}", got.body);
    let data = r#""data":{"requiredCapabilities":{"elicitation":{"url":{}}}}"#;
    assert!(got.body.contains("-32021") && got.body.contains(data), "{}", got.body);
}

#[test]
fn nothing_is_left_of_parked_calls_at_the_end() {
    let mut parked = Parked::new(ALL);
    parked.asks(&[SAMPLE]);
    let deadline = parked.world.now.mono + Duration::from_secs(1);
    parked.world.input(penstock::gateway::io::Input::Drain { deadline, why: "test" });
    let children = parked.world.spawned.clone();
    for child in children {
        parked.world.child_gone(child, ChildEnd::Exited(0));
    }
    assert!(parked.world.exited && parked.world.gateway.is_quiet());
}
