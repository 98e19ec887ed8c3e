// SPDX-License-Identifier: MIT
//! What the gateway has no business with: it arrives as it was written, where it belongs.

use penstock::base::Key;
use penstock::gateway::io::Backend;
use penstock::gateway::snapshot::Transport;
use penstock::wire::http1::{Field, Method};

use crate::calls::CALL;
use crate::http_backends::{open, result};
use crate::world::{HANDSHAKE, INITIALIZE, World, http_server, snapshot, stdio_server, with_key};

/// Escapes that mean the same as what they could be replaced with, and letters that some programs
/// cannot carry.
const TEXT: &str =
    "\"\\u0000\\u2028\u{2028}\\ud83d\\ude00\u{1f600}\\/\\\"\\\\\\u0065\\t\\ud800 é\u{7f}\"";

// Checklist 9, 10, 11.
#[test]
fn numbers_texts_and_unknown_members_pass_both_ways_to_the_letter() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let call = |id: &str| {
        format!(
            r#"{{"id":{id},"x":{{"id":7,"method":"no"}},"jsonrpc":"2.0","method":"tools/call","params":{{"name":"now","arguments":{{"big":9007199254740993,"n":1.0,"e":1e400,"z":-0.0,"t":{TEXT},{TEXT}:[{{"id":3}}]}},"_meta":{{"acme/k":{TEXT},"n":1E+2}},"y":[]}},{TEXT}:null}}"#
        )
    };
    let peer = world.post("/mcp/time", Some(&session), &call("1"));
    let ours = world.id_of_last(child, "tools/call");
    assert_eq!(world.sent_to(child).last().copied(), Some(call(&ours).as_str()));
    let answer = |id: &str| {
        format!(
            r#"{{"id":{id},"x":{{"id":7}},"jsonrpc":"2.0","result":{{"content":[{{"type":"acme","n":1.0,"t":{TEXT}}}],"_meta":{{"acme/k":[9007199254740993,1e400]}},{TEXT}:1}},"y":null}}"#
        )
    };
    world.line(child, &answer(&ours));
    assert_eq!(world.client(peer).body, answer("1"));
}

// Checklist 64.
#[test]
fn notifications_that_nobody_here_knows_pass_both_ways() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let listener = world.get("/mcp/time", &session, None);
    for (at, line) in [
        r#"{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"e"}}"#,
        r#"{"method":"notifications/acme/moved","params":{"n":1.0},"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","method":"acme/moved"}"#,
    ]
    .into_iter()
    .enumerate()
    {
        world.line(child, line);
        assert_eq!(world.client(listener).events[at + 1], format!("1-{}|{line}", at + 2));
        let posted = world.post("/mcp/time", Some(&session), line);
        assert_eq!(world.client(posted).status, 202);
        assert_eq!(world.sent_to(child).last().copied(), Some(line));
    }
}

// Checklist 61.
#[test]
fn changes_of_every_kind_are_told_where_they_happened_alone() {
    let mut world = World::new(snapshot(vec![stdio_server("time"), stdio_server("other")]));
    let listeners: Vec<_> = ["time", "other"]
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let child = world.spawned[at];
            let id = world.id_of_last(child, "initialize");
            world.line(child, &result(&id, HANDSHAKE));
            let path = format!("/mcp/{name}");
            let peer = world.post(&path, None, INITIALIZE);
            let session = world.client(peer).fields["Mcp-Session-Id"].clone();
            world.get(&path, &session, None)
        })
        .collect();
    let child = world.spawned[0];
    for kind in ["tools", "prompts", "resources"] {
        let changed =
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/{kind}/list_changed"}}"#);
        world.line(child, &changed);
        let last = world.client(listeners[0]).events.last().unwrap();
        assert!(last.ends_with(&format!("|{changed}")), "{last}");
    }
    assert_eq!(world.client(listeners[1]).events.len(), 1, "the primer alone");
}

// Checklist 36.
#[test]
fn a_ping_of_the_client_is_answered_by_its_server() {
    let ping = r#"{"jsonrpc":"2.0","id":4,"method":"ping"}"#;
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = world.post("/mcp/time", Some(&session), ping);
    let id = world.id_of_last(child, "ping");
    world.line(child, &result(&id, r#"{"_meta":{"up":1}}"#));
    assert_eq!(world.client(peer).body, result("4", r#"{"_meta":{"up":1}}"#));
    let (mut world, session) = open();
    let peer = world.post("/mcp/time", Some(&session), ping);
    let (fetch, id) = world.fetch_of("ping");
    world.fetch_json(fetch, None, &result(&id, "{}"));
    assert_eq!(world.client(peer).body, result("4", "{}"));
}

/// A second session with a child of its own, whose client has roots.
fn with_roots(world: &mut World) -> (String, Key<Backend>) {
    let before = world.spawned.len();
    let peer = world.post("/mcp/time", None, &INITIALIZE.replace("{}", r#"{"roots":{}}"#));
    let child = world.spawned[before];
    let id = world.id_of_last(child, "initialize");
    world.line(child, &result(&id, HANDSHAKE));
    (world.client(peer).fields["Mcp-Session-Id"].clone(), child)
}

// Checklist 59.
#[test]
fn changed_roots_are_asked_for_in_their_session_alone() {
    let (mut world, _) = World::with_child();
    let (one, child) = with_roots(&mut world);
    let (two, other) = with_roots(&mut world);
    let mine = world.get("/mcp/time", &one, None);
    let theirs = world.get("/mcp/time", &two, None);
    world.sent.clear();
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;
    let posted = world.post("/mcp/time", Some(&one), changed);
    assert_eq!(world.client(posted).status, 202);
    assert_eq!((world.sent_to(child), world.sent_to(other).len()), (vec![changed], 0));
    let roots = r#"{"jsonrpc":"2.0","id":3,"method":"roots/list"}"#;
    world.line(child, roots);
    assert_eq!(world.client(mine).events.last(), Some(&format!("1-2|{roots}")));
    assert_eq!(world.client(theirs).events.len(), 1, "the primer alone");
    let answer = r#"{"jsonrpc":"2.0","id":3,"result":{"roots":[{"uri":"file:///a"}]}}"#;
    world.post("/mcp/time", Some(&one), answer);
    assert_eq!(world.sent_to(child).last().copied(), Some(answer));
}

// Checklist 30.
#[test]
fn an_answer_that_nobody_wants_is_accepted_and_goes_nowhere() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    for outcome in [r#""result":{}"#, r#""error":{"code":-1,"message":"no"}"#] {
        let answer = format!(r#"{{"jsonrpc":"2.0","id":77,{outcome}}}"#);
        let posted = world.post("/mcp/time", Some(&session), &answer);
        assert_eq!((world.client(posted).status, world.client(posted).body.as_str()), (202, ""));
    }
    assert!(world.sent_to(child).is_empty());
}

// Checklist 45.
#[test]
fn no_progress_follows_an_answer() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let listener = world.get("/mcp/time", &session, None);
    let body = CALL.replace("\"now\"", r#""now","_meta":{"progressToken":"t"}"#);
    let peer = world.post("/mcp/time", Some(&session), &body);
    let id = world.id_of_last(child, "tools/call");
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}"#;
    world.line(child, progress);
    world.line(child, &result(&id, "{}"));
    let n = world.client(peer).events.len();
    world.line(child, progress);
    assert_eq!((world.client(peer).events.len(), world.client(listener).events.len()), (n, 1));
}

// Checklist 27.
#[test]
fn a_session_id_comes_with_the_handshake_alone() {
    let (mut world, _) = World::with_child();
    let (one, child) = world.session();
    let (two, _) = world.session();
    assert_ne!(one, two);
    assert!(one.len() >= 22 && one.bytes().all(|byte| byte.is_ascii_graphic()), "{one}");
    let peer = world.post("/mcp/time", Some(&one), CALL);
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &result(&id, "{}"));
    let notice = world.post("/mcp/time", Some(&one), r#"{"jsonrpc":"2.0","method":"n/n"}"#);
    let listener = world.get("/mcp/time", &one, None);
    for peer in [peer, notice, listener] {
        assert!(!world.client(peer).fields.contains_key("Mcp-Session-Id"));
    }
}

// Checklist 42.
#[test]
fn a_handshake_cannot_be_cancelled() {
    let (mut world, _) = World::with_child();
    let stream = world.head(Method::Get, "/sse/time", &[(Field::Accept, "text/event-stream")]);
    let path = world.client(stream).events[0].strip_prefix("endpoint ").unwrap().to_owned();
    let json = [(Field::ContentType, "application/json")];
    world.post_with(&path, &json, &INITIALIZE.replace("{}", r#"{"roots":{}}"#));
    let child = world.spawned[1];
    let id = world.id_of_last(child, "initialize");
    let n = world.sent_to(child).len();
    for given in ["\"i\"", &id] {
        let notice = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{given}}}}}"#
        );
        world.post_with(&path, &json, &notice);
    }
    assert_eq!(world.sent_to(child).len(), n, "nothing is said below");
    world.line(child, &result(&id, HANDSHAKE));
    let last = world.client(stream).events.last().unwrap();
    assert!(last.contains("serverInfo"), "{last}");
}

// Checklist 20.
#[test]
fn a_long_answer_of_a_child_is_one_body() {
    let (mut world, _) = World::with_child();
    let (session, child) = world.session();
    let peer = world.post("/mcp/time", Some(&session), CALL);
    let id = world.id_of_last(child, "tools/call");
    let long = format!("\"{}\"", "x".repeat(2 << 20));
    world.line(child, &result(&id, &long));
    let got = world.client(peer);
    assert!(got.body == result("1", &long), "{} bytes", got.body.len());
    assert!(!got.is_stream);
}

// Checklist 126.
#[test]
fn the_key_of_a_client_goes_no_further() {
    for server in [stdio_server("time"), http_server("time")] {
        let is_http = matches!(server.transport, Transport::Http(_));
        let mut world = World::new(with_key(snapshot(vec![server]), &["alpha-key"]));
        if is_http {
            let (fetch, id) = world.fetch_of("initialize");
            world.fetch_json(fetch, Some("s"), &result(&id, HANDSHAKE));
        } else {
            let child = world.spawned[0];
            world.open_child(child);
        }
        let fields = [
            (Field::Accept, "application/json, text/event-stream"),
            (Field::ContentType, "application/json"),
            (Field::Authorization, "Bearer alpha-key"),
        ];
        world.post_with("/mcp/time", &fields, CALL);
        if is_http {
            let (fetch, _) = world.fetch_of("tools/call");
            let request = world.request(fetch);
            let said = format!("{:?} {:?} {:?}", request.fields, request.path, request.session_id);
            assert!(!said.contains("alpha-key") && !said.contains("uthorization"), "{said}");
        } else {
            assert!(world.sent.iter().any(|(_, text)| text.contains("tools/call")));
            assert!(!world.sent.iter().any(|(_, text)| text.contains("alpha-key")));
        }
    }
}
