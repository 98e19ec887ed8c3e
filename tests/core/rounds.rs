// SPDX-License-Identifier: MIT
//! Calls of legacy clients at a modern server that needs input from them.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Peer};
use penstock::gateway::snapshot::ResponseMode;
use penstock::wire::http1::{Field, Method};

use crate::world::{DISCOVERY, INITIALIZE, World, snapshot, stdio_server};

const ALL: &str =
    r#"{"sampling":{},"elicitation":{"form":{},"url":{}},"roots":{"listChanged":true}}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":"five","method":"tools/call","params":{"name":"now","arguments":{"n":1.0},"_meta":{"progressToken":"p","x":1}}}"#;
const TOOLS: &str = r#"{"resultType":"complete","tools":[],"ttlMs":0,"cacheScope":"private"}"#;
const DONE: &str = r#"{"resultType":"complete","content":[]}"#;

/// A legacy client's session at a child that speaks 2026-07-28 alone, with one call under way.
struct Asked {
    world: World,
    child: Key<Backend>,
    session: String,
    peer: Key<Peer>,
    call: String,
}

fn answer(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

impl Asked {
    fn new(can: &str) -> Self {
        Self::calling(can, CALL)
    }

    fn calling(can: &str, call: &str) -> Self {
        Self::answered(ResponseMode::Auto, can, call)
    }

    fn answered(mode: ResponseMode, can: &str, call: &str) -> Self {
        let mut snapshot = snapshot(vec![stdio_server("time")]);
        snapshot.servers[0].response = mode;
        let mut world = World::new(snapshot);
        let first = world.spawned[0];
        let refusal = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
        let id = world.id_of_last(first, "initialize");
        world.line(first, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{refusal}}}"#));
        let child = world.spawned[1];
        let id = world.id_of_last(child, "server/discover");
        world.line(child, &answer(&id, DISCOVERY));
        let id = world.id_of_last(child, "tools/list");
        world.line(child, &answer(&id, TOOLS));
        world.child_gone(first, ChildEnd::Exited(0));
        let peer = world.post("/mcp/time", None, &INITIALIZE.replace("{}", can));
        let session = world.client(peer).fields["Mcp-Session-Id"].clone();
        world.sent.clear();
        let peer = world.post("/mcp/time", Some(&session), call);
        let call = crate::world::id_in(world.sent_to(child).last().unwrap());
        Self { world, child, session, peer, call }
    }

    /// The backend wants this to go on.
    fn needs(&mut self, requests: &str, state: &str) {
        let mut result = r#"{"resultType":"input_required""#.to_owned();
        if !requests.is_empty() {
            result += &format!(r#","inputRequests":{{{requests}}}"#);
        }
        if !state.is_empty() {
            result += &format!(r#","requestState":{state}"#);
        }
        result.push('}');
        let line = answer(&self.call, &result);
        self.world.sent.clear();
        self.world.line(self.child, &line);
    }

    /// The requests that the client got on the stream of its call: ids and texts.
    fn asked(&self) -> Vec<(String, String)> {
        let requests =
            self.world.client(self.peer).events.iter().filter(|e| e.contains("\"method\""));
        let texts = requests.map(|event| event.split_once('|').unwrap().1.to_owned());
        let id = |text: &str| {
            let (_, rest) = text.split_once("\"id\":").unwrap();
            rest.split_once(',').unwrap().0.to_owned()
        };
        texts.map(|text| (id(&text), text)).collect()
    }

    fn say(&mut self, line: &str) {
        let session = self.session.clone();
        let peer = self.world.post("/mcp/time", Some(&session), line);
        assert_eq!(self.world.client(peer).status, 202);
    }

    /// The retry that went below.
    fn retried(&mut self) -> String {
        let sent = self.world.sent_to(self.child).last().unwrap().to_string();
        let id = self.world.id_of_last(self.child, "tools/call");
        assert_ne!(id, self.call, "a retry has a new id");
        self.call = id;
        sent
    }

    fn last_event(&self) -> String {
        let got = self.world.client(self.peer);
        assert!(got.finished, "no answer yet: {:?}", got.events);
        match got.events.last() {
            Some(event) => event.split_once('|').unwrap().1.to_owned(),
            None => got.body.clone(),
        }
    }

    fn finish(&mut self) {
        let line = answer(&self.call, DONE);
        self.world.line(self.child, &line);
        assert_eq!(self.last_event(), answer("\"five\"", r#"{"content":[]}"#));
        assert!(self.world.gateway.is_quiet(), "{}", self.world.gateway.what_is_left());
    }

    #[track_caller]
    fn fails(&self, why: &str) {
        let last = self.last_event();
        assert!(last.contains("\"isError\":true") && last.contains(why), "{last}");
        assert!(last.contains("\"id\":\"five\"") && !last.contains("resultType"), "{last}");
        assert!(self.world.gateway.is_quiet(), "{}", self.world.gateway.what_is_left());
    }
}

const ROOTS: &str = r#""a":{"method":"roots/list"}"#;
const FORM: &str =
    r#""b":{"method":"elicitation/create","params":{"mode":"form","message":"é?","n":1.0}}"#;
const VISIT: &str = r#""c\"":{"method":"elicitation/create","params":{"mode":"url","url":"https://a.example/","message":"m"}}"#;

// Checklist 52, 53, 54, 87, 92.
#[test]
fn a_round_becomes_requests_and_their_answers_a_retry() {
    let mut asked = Asked::new(ALL);
    asked.needs(&format!("{ROOTS},{FORM},{VISIT}"), r#""s\u00e9""#);
    let requests = asked.asked();
    assert_eq!(requests.len(), 3);
    assert!(requests[1].1.contains(r#""params":{"mode":"form","message":"é?","n":1.0}"#));
    assert!(requests[2].1.contains(r#""elicitationId":""#), "{}", requests[2].1);
    let say = |asked: &mut Asked, at: usize, result: &str| {
        asked.say(&answer(&requests[at].0, result));
    };
    say(&mut asked, 1, r#"{"action":"accept","content":{"n":1e2}}"#);
    say(&mut asked, 1, r#"{"action":"cancel"}"#);
    say(&mut asked, 0, r#"{ "roots" : [] }"#);
    assert_eq!(asked.world.sent_to(asked.child).len(), 0, "one answer is missing");
    say(&mut asked, 2, r#"{"action":"decline"}"#);
    let sent = asked.retried();
    let (_, rest) = sent.split_once(r#""inputResponses":"#).unwrap();
    let want = r#"{"a":{ "roots" : [] },"b":{"action":"accept","content":{"n":1e2}},"c\"":{"action":"decline"}},"requestState":"s\u00e9"}"#;
    assert!(rest.starts_with(want), "{rest}");
    assert!(sent.contains(r#""name":"now","arguments":{"n":1.0}"#), "{sent}");
    assert!(sent.contains(r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#), "{sent}");
    assert_eq!(sent.matches("progressToken").count(), 1, "{sent}");
    asked.finish();
}

// Checklist 87.
#[test]
fn each_retry_carries_the_answers_and_the_state_of_its_own_round() {
    let mut asked = Asked::new(ALL);
    asked.needs(ROOTS, "\"one\"");
    let id = asked.asked()[0].0.clone();
    asked.say(&answer(&id, r#"{"roots":[]}"#));
    asked.retried();
    asked.needs(FORM, "");
    let id = asked.asked()[1].0.clone();
    asked.say(&answer(&id, r#"{"action":"accept"}"#));
    let sent = asked.retried();
    assert!(sent.contains(r#""inputResponses":{"b":{"action":"accept"}}"#), "{sent}");
    assert!(!sent.contains("requestState"), "{sent}");
    asked.finish();
}

#[test]
fn a_round_that_only_has_a_state_is_tried_again_after_a_while() {
    let mut asked = Asked::new("{}");
    asked.needs("", "\"later\"");
    assert_eq!(asked.world.sent_to(asked.child).len(), 0);
    asked.world.pass(Duration::from_millis(249));
    assert_eq!(asked.world.sent_to(asked.child).len(), 0);
    asked.world.pass(Duration::from_millis(1));
    let sent = asked.retried();
    assert!(sent.contains(r#""requestState":"later""#) && !sent.contains("inputResponses"));
    asked.finish();
}

#[test]
fn a_server_that_always_wants_one_more_round_is_stopped() {
    let mut asked = Asked::new(ALL);
    for _ in 0..10 {
        asked.needs("", "\"more\"");
        asked.world.pass(Duration::from_millis(250));
        asked.retried();
    }
    asked.needs("", "\"more\"");
    asked.fails("more than 10 times");
}

// Checklist 55.
#[test]
fn a_client_without_the_capability_is_never_asked() {
    let mut asked = Asked::new(r#"{"elicitation":{}}"#);
    asked.needs(&format!("{FORM},{VISIT}"), "");
    asked.fails("elicitation/create");
    let mut asked = Asked::new("{}");
    asked.needs(ROOTS, "");
    asked.fails("roots/list");
    assert!(asked.asked().is_empty());
}

// Checklist 53.
#[test]
fn an_error_of_the_client_fails_the_call_for_there_is_no_form_for_it() {
    let mut asked = Asked::new(ALL);
    asked.needs(&format!("{ROOTS},{FORM}"), "");
    let requests = asked.asked();
    asked.say(&format!(
        r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-1,"message":"user rejected"}}}}"#,
        requests[0].0
    ));
    asked.fails("user rejected");
    let events = asked.world.client(asked.peer).events.join("\n");
    let notice = format!(r#"{{"requestId":{}"#, requests[1].0);
    assert!(events.contains("notifications/cancelled") && events.contains(&notice), "{events}");
}

#[test]
fn another_method_fails_with_an_error() {
    let call = CALL.replace("tools/call", "prompts/get");
    let mut asked = Asked::calling("{}", &call);
    asked.needs(ROOTS, "");
    let last = asked.last_event();
    assert!(last.contains("-32603") && last.contains("roots/list"), "{last}");
    let mut asked = Asked::calling(ALL, &call.replace("prompts/get", "completion/complete"));
    asked.needs(ROOTS, "");
    let last = asked.last_event();
    assert!(last.contains("-32603") && last.contains("where it may not"), "{last}");
}

#[test]
fn input_that_nobody_can_read_fails_the_call() {
    for bad in [r#""a":{"method":"ping"}"#, r#""a":1"#] {
        let mut asked = Asked::new(ALL);
        asked.needs(bad, "");
        asked.fails("in a way nobody can read");
    }
    let mut asked = Asked::new(ALL);
    asked.needs("", "");
    asked.fails("neither inputRequests nor requestState");
}

#[test]
fn a_client_that_takes_too_long_fails_its_call() {
    let mut asked = Asked::new(ALL);
    asked.needs(FORM, "");
    asked.world.pass(Duration::from_secs(599));
    assert!(!asked.world.client(asked.peer).finished);
    asked.world.pass(Duration::from_secs(1));
    asked.fails("did not answer in time");
    assert_eq!(asked.world.sent_to(asked.child).len(), 0);
}

// Checklist 56.
#[test]
fn without_a_stream_the_questions_wait_for_one_and_then_the_call_fails() {
    let mut asked = Asked::answered(ResponseMode::Json, ALL, CALL);
    asked.needs(ROOTS, "");
    let session = asked.session.clone();
    let listener = asked.world.get("/mcp/time", &session, None);
    let events = asked.world.client(listener).events.join("\n");
    assert!(events.contains("roots/list"), "{events}");
    let id = crate::world::id_in(&events);
    asked.say(&answer(&id, r#"{"roots":[]}"#));
    asked.retried();
    let line = answer(&asked.call, DONE);
    asked.world.line(asked.child, &line);
    assert_eq!(asked.last_event(), answer("\"five\"", r#"{"content":[]}"#));
    let mut asked = Asked::answered(ResponseMode::Json, ALL, CALL);
    asked.needs(ROOTS, "");
    asked.world.pass(Duration::from_secs(31));
    asked.fails("the client does not listen");
}

// Checklist 129.
#[test]
fn more_questions_than_may_wait_fail_the_call() {
    let mut asked = Asked::answered(ResponseMode::Json, ALL, CALL);
    let many: Vec<_> = (0..65).map(|n| ROOTS.replace('a', &format!("a{n}"))).collect();
    asked.needs(&many.join(","), "");
    asked.fails("more than 64");
    // Fewer are allowed, but the queue of the session may be too short for them.
    let long = format!(
        r#""k":{{"method":"elicitation/create","params":{{"message":"{}"}}}}"#,
        "x".repeat(1 << 20)
    );
    let mut asked = Asked::answered(ResponseMode::Json, ALL, CALL);
    asked.needs(&format!("{ROOTS},{long},{FORM}"), "");
    asked.fails("too much waits");
}

// Checklist 57.
#[test]
fn a_client_that_leaves_while_it_is_asked_may_come_back_for_a_while() {
    let mut asked = Asked::new(ALL);
    asked.needs(FORM, "");
    let peer = asked.peer;
    asked.world.leave(peer);
    asked.world.pass(Duration::from_secs(29));
    assert!(!asked.world.gateway.is_quiet());
    asked.world.pass(Duration::from_secs(2));
    assert!(asked.world.gateway.is_quiet(), "{}", asked.world.gateway.what_is_left());
    let session = asked.session.clone();
    let back = asked.world.get("/mcp/time", &session, Some("1-2"));
    let events = asked.world.client(back).events.join("\n");
    assert!(events.contains("isError"), "{events}");
}

// Checklist 58.
#[test]
fn an_answer_counts_from_the_session_that_was_asked_and_once() {
    let mut asked = Asked::new(ALL);
    asked.needs(ROOTS, "");
    let id = asked.asked()[0].0.clone();
    let own = asked.session.clone();
    let peer = asked.world.post("/mcp/time", None, &INITIALIZE.replace("{}", ALL));
    asked.session = asked.world.client(peer).fields["Mcp-Session-Id"].clone();
    asked.say(&answer(&id, r#"{"roots":["foreign"]}"#));
    assert_eq!(asked.world.sent_to(asked.child).len(), 0);
    asked.session = own;
    asked.say(&answer(&id, r#"{"roots":[]}"#));
    asked.retried();
    asked.say(&answer(&id, r#"{"roots":[1]}"#));
    assert_eq!(asked.world.sent_to(asked.child).len(), 1);
    asked.finish();
}

// Checklist 40.
#[test]
fn a_call_can_be_cancelled_between_two_rounds() {
    let mut asked = Asked::new(ALL);
    asked.needs(FORM, "");
    asked.say(
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"five"}}"#,
    );
    assert_eq!(asked.world.sent_to(asked.child).len(), 0, "there is nothing to cancel below");
    assert!(asked.world.gateway.is_quiet(), "{}", asked.world.gateway.what_is_left());
    let id = asked.asked()[0].0.clone();
    asked.say(&answer(&id, r#"{"action":"accept"}"#));
    assert_eq!(asked.world.sent_to(asked.child).len(), 0);
}

#[test]
fn a_session_that_ends_takes_its_rounds_along() {
    let mut asked = Asked::new(ALL);
    asked.needs(FORM, "");
    let session = asked.session.clone();
    asked.world.head(Method::Delete, "/mcp/time", &[(Field::McpSessionId, &session)]);
    assert!(asked.world.gateway.is_quiet(), "{}", asked.world.gateway.what_is_left());
}

#[test]
fn a_backend_that_dies_between_two_rounds_fails_the_call() {
    let mut asked = Asked::new(ALL);
    asked.needs(FORM, "");
    let child = asked.child;
    asked.world.child_gone(child, ChildEnd::Exited(4));
    let last = asked.last_event();
    assert!(last.contains("status 4"), "{last}");
}

// Checklist 87.
#[test]
fn between_modern_ones_state_and_answers_pass_as_they_are() {
    let (mut world, _) = World::with_child();
    let first = world.ask("/mcp/time", "1", "tools/list", "");
    let child = *world.spawned.last().unwrap();
    let id = world.id_of_last(child, "server/discover");
    world.line(child, &answer(&id, DISCOVERY));
    let id = world.id_of_last(child, "tools/list");
    world.line(child, &answer(&id, TOOLS));
    assert_eq!(world.client(first).status, 200);
    let peer = world.ask_as("/mcp/time", "3", "tools/call", r#""name":"now""#, ALL, "");
    let id = world.id_of_last(child, "tools/call");
    let asks = format!(
        r#"{{"resultType":"input_required","inputRequests":{{{FORM}}},"requestState":"s\u00e9"}}"#
    );
    world.line(child, &answer(&id, &asks));
    assert_eq!(world.client(peer).body, answer("3", &asks));
    let extra = r#""name":"now","requestState":"s\u00e9","inputResponses":{"b":{ "action":"accept","n":1e2}}"#;
    world.ask_as("/mcp/time", "4", "tools/call", extra, ALL, "");
    let sent = world.sent_to(child).last().unwrap().to_string();
    assert!(sent.contains(extra), "{sent}");
}
