// SPDX-License-Identifier: MIT
//! Long answers: they pass in the blocks in which they come, where nothing has to see all of them.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use penstock::base::{Key, Message};
use penstock::gateway::io::{
    Backend, ChildEnd, EventKind, Fetch, FetchContent, FetchErrorKind, Input, Peer,
};
use penstock::gateway::snapshot::ResponseMode;

use crate::calls::CALL;
use crate::eras::{NAMED, modern_child};
use crate::guarded;
use crate::http_backends;
use crate::world::{INITIALIZE, World, snapshot, stdio_server};

/// What a child says first, in the words of these tests.
fn start(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"text":"begins "#)
}
const REST: &str = r#"and ends"}]}}"#;
const WHOLE: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"begins and ends"}]}}"#;

fn line_begins(world: &mut World, backend: Key<Backend>, start: &str) {
    world.input(Input::LineBegins { backend, start: Message::from(start) });
}

fn line_part(world: &mut World, backend: Key<Backend>, part: &str) {
    world.input(Input::LinePart { backend, block: Message::from(part) });
}

fn line_end(world: &mut World, backend: Key<Backend>) {
    world.input(Input::LineEnd { backend });
}

fn body_begins(world: &mut World, fetch: Key<Fetch>, start: &str) {
    world.fetch_head(fetch, 200, FetchContent::Json, None);
    world.input(Input::FetchBegins { fetch, start: Message::from(start) });
}

fn body_ends(world: &mut World, fetch: Key<Fetch>, rest: &str) {
    world.input(Input::FetchPart { fetch, block: Message::from(rest) });
    world.input(Input::FetchEnd { fetch });
    world.input(Input::FetchDone { fetch, end: Ok(()) });
}

/// A call whose child has begun to answer it at length.
fn passing() -> (World, Key<Backend>, String, Key<Peer>) {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let id = world.id_of_last(child, "tools/call");
    line_begins(&mut world, child, &start(&id));
    assert_eq!(world.passes, [true]);
    (world, child, session, peer)
}

/// The calls of which the log has a record of an answer: its length, and its error.
fn records(world: &World) -> Vec<(usize, Option<String>)> {
    let answers = world.events.iter().filter_map(|event| match &event.kind {
        EventKind::RpcIn { method, bytes, error, .. } if **method == *b"tools/call" => {
            Some((*bytes, error.as_deref().map(String::from)))
        }
        _ => None,
    });
    answers.collect()
}

/// Nothing complete was said, and nothing is left.
#[track_caller]
fn check_broken_off(world: &World, peer: Key<Peer>) {
    let got = world.client(peer);
    assert!(got.closed && !got.finished, "{got:?}");
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
    let notes = world.notes();
    assert!(notes.contains("broke off an answer of which "), "{notes}");
}

#[test]
fn a_long_line_leaves_as_it_comes_under_the_id_of_its_client() {
    let (mut world, child, _, peer) = passing();
    let got = world.client(peer);
    assert_eq!((got.status, got.part.as_deref()), (200, WHOLE.get(..WHOLE.len() - REST.len())));
    line_part(&mut world, child, REST);
    assert!(!world.client(peer).finished);
    line_part(&mut world, child, "\r");
    line_end(&mut world, child);
    let got = world.client(peer);
    assert!(got.finished);
    assert_eq!(got.body, format!("{WHOLE}\r"));
    assert!(world.gateway.is_quiet());
    let id = 1;
    let longer = world.id_of_last(child, "tools/call").len() - id.to_string().len();
    assert_eq!(records(&world), [(WHOLE.len() + 1 + longer, None)]);
}

#[test]
fn a_long_body_may_say_its_id_last() {
    let (mut world, session) = http_backends::open();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, id) = world.fetch_of("tools/call");
    body_begins(&mut world, fetch, r#"{"jsonrpc":"2.0","result":["long "#);
    assert_eq!(world.passes, [true]);
    body_ends(&mut world, fetch, &format!(r#"body"],"id":{id}}}"#));
    let got = world.client(peer);
    assert_eq!(got.body, r#"{"jsonrpc":"2.0","result":["long body"],"id":1}"#);
    assert!(got.finished && world.gateway.is_quiet());
}

#[test]
fn an_id_that_turns_out_to_be_anothers_ends_the_answer() {
    let (mut world, session) = http_backends::open();
    for rest in [r#""],"id":12}"#, r#""]}"#, r#"""#, "\u{1}"] {
        world.passes.clear();
        let peer = world.post("/mcp/time", Some(&session), CALL);
        let (fetch, _) = world.fetch_of("tools/call");
        body_begins(
            &mut world,
            fetch,
            r#"{"jsonrpc":"2.0","result":["a body that is rather long "#,
        );
        assert_eq!(world.passes, [true]);
        body_ends(&mut world, fetch, rest);
        check_broken_off(&world, peer);
        let (_, error) = records(&world).pop().unwrap();
        assert!(error.unwrap().contains("a part has been passed on"));
        world.events.clear();
    }
}

#[test]
fn what_has_to_be_seen_as_a_whole_is_gathered() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let id = world.id_of_last(child, "tools/call");
    let beginnings = [
        // Whose is it?
        r#"{"jsonrpc":"2.0","result":["long"#.to_owned(),
        start("77"),
        // It is no result, or not yet.
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-1,"message":"long"#),
        format!(r#"{{"jsonrpc":"2.0","id":{id},"long":""#),
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"long"#.to_owned(),
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"input_required","x":""#),
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{]"#),
    ];
    let n = beginnings.len();
    for beginning in beginnings {
        line_begins(&mut world, child, &beginning);
    }
    assert_eq!(world.passes, vec![false; n]);
    assert_eq!(world.client(peer).status, 0);
    world.line(child, &format!("{}{REST}", start(&id)));
    assert_eq!(world.client(peer).body, WHOLE);
}

#[test]
fn lists_and_what_opens_a_session_are_gathered() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    world.post("/mcp/time", Some(&session), r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#);
    let id = world.id_of_last(child, "tools/list");
    line_begins(&mut world, child, &start(&id));
    world.post("/mcp/time", None, &INITIALIZE.replace("{}", r#"{"roots":{}}"#));
    let opened = *world.spawned.last().unwrap();
    let id = world.id_of_last(opened, "initialize");
    line_begins(&mut world, opened, &start(&id));
    assert_eq!(world.passes, [false, false]);
}

#[test]
fn each_answer_of_a_batch_is_gathered() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session_of("2025-03-26");
    world.post("/mcp/time", Some(&session), &format!("[{CALL}]"));
    let id = world.id_of_last(child, "tools/call");
    line_begins(&mut world, child, &start(&id));
    assert_eq!(world.passes, [false]);
}

#[test]
fn what_is_judged_is_gathered() {
    let mut one = guarded::one(guarded::noop());
    let (session, child) = (one.session.clone(), one.child);
    one.world.post("/mcp/time", Some(&session), CALL);
    let id = one.world.id_of_last(child, "tools/call");
    line_begins(&mut one.world, child, &start(&id));
    assert_eq!(one.world.passes, [false]);
}

#[test]
fn a_modern_answer_passes_to_a_modern_client_once_it_has_said_that_it_is_complete() {
    let (mut world, child) = modern_child();
    let peer = world.ask("/mcp/time", "\"a\"", "tools/call", NAMED);
    let id = world.id_of_last(child, "tools/call");
    let begins = |kind: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{{kind}"x":"long "#);
    line_begins(&mut world, child, &begins(""));
    line_begins(&mut world, child, &begins(r#""resultType":"task","#));
    line_begins(&mut world, child, &begins(r#""resultType":"complete","#));
    assert_eq!(world.passes, [false, false, true]);
    line_part(&mut world, child, r#"text"}}"#);
    line_end(&mut world, child);
    let want = r#"{"jsonrpc":"2.0","id":"a","result":{"resultType":"complete","x":"long text"}}"#;
    assert_eq!(world.client(peer).body, want);
}

#[test]
fn what_changes_between_eras_or_may_be_kept_is_gathered() {
    let (mut world, child) = modern_child();
    world.ask("/mcp/time", "1", "resources/read", r#""uri":"mem://a""#);
    let id = world.id_of_last(child, "resources/read");
    let complete = r#""resultType":"complete","x":"long"#;
    line_begins(
        &mut world,
        child,
        &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{{complete}"#),
    );
    let (mut legacy, _) = World::with_child();
    legacy.ask("/mcp/time", "1", "tools/call", NAMED);
    let probed = *legacy.spawned.last().unwrap();
    let id = legacy.id_of_last(probed, "server/discover");
    let refused = r#"{"code":-32601,"message":"no"}"#;
    legacy.line(probed, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{refused}}}"#));
    assert_eq!(world.passes, [false]);
    let Some((at, _)) = legacy.sent.iter().rev().find(|(_, text)| text.contains("tools/call"))
    else {
        return;
    };
    let at = *at;
    let id = legacy.id_of_last(at, "tools/call");
    line_begins(&mut legacy, at, &start(&id));
    assert_eq!(legacy.passes, [false]);
}

#[test]
fn on_a_stream_it_is_one_event_and_everything_else_waits_behind_it() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let call = CALL.replace(r#""params":{"#, r#""params":{"_meta":{"progressToken":"t"},"#);
    let peer = world.post("/mcp/time", Some(&session), &call);
    let id = world.id_of_last(child, "tools/call");
    let progress = |n: u32| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":"t","progress":{n}}}}}"#
        )
    };
    world.line(child, &progress(1));
    line_begins(&mut world, child, &format!("{}\"}}],\n\"a\":[\"", start(&id)));
    assert_eq!(world.passes, [true]);
    // No child says this now; what comes from elsewhere finds the stream in use all the same.
    world.line(child, &progress(2));
    world.pass(Duration::from_secs(40));
    assert_eq!(world.client(peer).events.len(), 2, "the primer and the first progress");
    line_part(&mut world, child, "\"]\r\n}}\r");
    line_end(&mut world, child);
    let got = world.client(peer);
    assert!(got.finished);
    let want =
        r#"1-3|{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"begins "}], "a":[""]  }} "#;
    assert_eq!(got.events[2], want);
    assert_eq!(got.events[3], format!("1-4|{}", progress(2)));
    assert!(world.gateway.is_quiet());
}

#[test]
fn where_answers_are_streams_a_long_one_is_an_event_too() {
    let mut server = stdio_server("time");
    server.response = ResponseMode::Sse;
    let mut world = World::new(snapshot(vec![server]));
    let child = world.spawned[0];
    world.open_child(child);
    let (session, child) = session_by_stream(&mut world);
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let id = world.id_of_last(child, "tools/call");
    line_begins(&mut world, child, &start(&id));
    line_part(&mut world, child, REST);
    line_end(&mut world, child);
    let got = world.client(peer);
    assert!(got.is_stream && got.finished);
    assert!(got.events.last().unwrap().ends_with(WHOLE), "{:?}", got.events);
}

fn session_by_stream(world: &mut World) -> (String, Key<Backend>) {
    let before = world.spawned.len();
    let peer = world.post("/mcp/time", None, &INITIALIZE.replace("{}", r#"{"roots":{}}"#));
    let child = world.spawned[before];
    let id = world.id_of_last(child, "initialize");
    world.line(child, &http_backends::handshake(&id));
    (world.client(peer).fields["Mcp-Session-Id"].clone(), child)
}

#[test]
fn the_rest_of_what_nobody_wants_any_more_is_dropped() {
    let (mut world, child, _, peer) = passing();
    world.leave(peer);
    let n = world.client(peer).part.clone();
    line_part(&mut world, child, REST);
    line_end(&mut world, child);
    assert_eq!(world.client(peer).part, n);
    assert!(world.gateway.is_quiet());
    assert_eq!(records(&world).len(), 1, "it was answered, and that is recorded");
}

#[test]
fn a_call_that_is_given_up_ends_its_half_answer() {
    let (mut world, child, session, peer) = passing();
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    world.post("/mcp/time", Some(&session), cancel);
    assert!(world.client(peer).closed);
    line_part(&mut world, child, REST);
    line_end(&mut world, child);
    check_broken_off(&world, peer);
}

#[test]
fn a_call_whose_time_is_over_ends_its_half_answer() {
    let (mut world, child, session, peer) = passing();
    world.pass(Duration::from_secs(61));
    check_broken_off(&world, peer);
    line_part(&mut world, child, REST);
    line_end(&mut world, child);
    assert_eq!(records(&world).len(), 1);
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &format!("{}{REST}", start(&id)));
    assert_eq!(world.client(peer).body, WHOLE, "the next one is heard");
}

#[test]
fn a_backend_that_is_gone_in_the_middle_ends_its_half_answer() {
    let (mut world, child, _, peer) = passing();
    // The end of its stdout ends its last line.
    line_end(&mut world, child);
    check_broken_off(&world, peer);
    world.child_gone(child, ChildEnd::Exited(1));

    let (mut world, child, _, peer) = passing();
    world.child_gone(child, ChildEnd::Killed(9));
    check_broken_off(&world, peer);

    let (mut world, session) = http_backends::open();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, id) = world.fetch_of("tools/call");
    body_begins(&mut world, fetch, &start(&id));
    world.fetch_failed(fetch, FetchErrorKind::Closed, true);
    check_broken_off(&world, peer);
}

#[test]
fn a_session_that_ends_takes_its_half_answer_along() {
    let (mut world, session) = http_backends::open();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let (fetch, id) = world.fetch_of("tools/call");
    body_begins(&mut world, fetch, &start(&id));
    let fields = [(penstock::wire::http1::Field::McpSessionId, &*session)];
    world.head(penstock::wire::http1::Method::Delete, "/mcp/time", &fields);
    assert!(world.client(peer).closed && !world.client(peer).finished);
    assert!(world.cancelled.contains(&fetch));
}

#[test]
fn whoever_drains_waits_for_an_answer_that_has_begun() {
    let (mut world, child, _, peer) = passing();
    let deadline = world.now.mono + Duration::from_secs(9);
    world.input(Input::Drain { deadline, why: "told to" });
    assert!(world.stopped.is_empty());
    line_part(&mut world, child, REST);
    line_end(&mut world, child);
    assert_eq!(world.client(peer).body, WHOLE);
    assert!(!world.stopped.is_empty());

    let (mut world, _, _, peer) = passing();
    let deadline = world.now.mono + Duration::from_secs(9);
    world.input(Input::Drain { deadline, why: "told to" });
    world.pass(Duration::from_secs(10));
    assert!(world.client(peer).closed, "it cannot wait any longer");
}

#[test]
fn a_client_that_reads_slowly_holds_up_the_child_that_it_alone_has() {
    let (mut world, child, _, peer) = passing();
    world.input(Input::PeerFull { peer });
    assert_eq!(world.paused, [true]);
    world.input(Input::PeerDrained { peer });
    assert_eq!(world.paused, [true, false]);
    world.input(Input::PeerFull { peer });
    line_part(&mut world, child, "\u{0}");
    assert!(world.client(peer).closed);
    assert_eq!(world.paused, [true, false, true, false], "it holds nothing up any more");
}
