// SPDX-License-Identifier: MIT
//! Arguments that are mirrored in header fields: compared where they end, written where they begin.

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Fetch};

use penstock::mcp::schema::Care;

use crate::cell::{Cell, Pair};
use crate::world::{DISCOVERY, HANDSHAKE, INITIALIZE, World, http_server, snapshot, stdio_server};

const TOOLS: &str = r#"{"resultType":"complete","tools":[
    {"name":"sql","inputSchema":{"type":"object","properties":{
        "region":{"type":"string","x-mcp-header":"Region"},
        "limit":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}}}}},
    {"name":"bad","inputSchema":{"type":"object","properties":{
        "n":{"type":"number","x-mcp-header":"N"}}}},
    {"name":"now","inputSchema":{"type":"object"}}],"ttlMs":0,"cacheScope":"private"}"#;

fn answer(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#, result.replace('\n', " "))
}

fn refusal(id: &str, code: i32) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"no"}}}}"#)
}

/// A legacy child, whose tools are listed at its start.
fn legacy_child(care: Care) -> (World, Key<Backend>) {
    let mut server = stdio_server("time");
    server.schema = care;
    let mut world = World::new(snapshot(vec![server]));
    let child = world.spawned[0];
    let id = world.id_of_last(child, "initialize");
    world.line(child, &answer(&id, HANDSHAKE));
    let id = world.id_of_last(child, "tools/list");
    world.line(child, &answer(&id, TOOLS));
    (world, child)
}

/// The same with a probe that nobody answers: the server speaks nothing else.
fn legacy_only() -> (World, Key<Backend>) {
    legacy_only_with(Care::default())
}

fn legacy_only_with(care: Care) -> (World, Key<Backend>) {
    let (mut world, child) = legacy_child(care);
    let peer = world.ask("/mcp/time", "1", "tools/list", "");
    let probe = world.spawned[world.spawned.len() - 1];
    world.child_gone(probe, ChildEnd::Exited(1));
    let id = world.id_of_last(child, "tools/list");
    world.line(child, &answer(&id, TOOLS));
    assert_eq!(world.client(peer).status, 200);
    (world, child)
}

/// A child that speaks both eras; the modern one.
fn modern_child() -> (World, Key<Backend>) {
    let (mut world, _) = legacy_child(Care::default());
    let peer = world.ask("/mcp/time", "1", "tools/list", "");
    let child = world.spawned[world.spawned.len() - 1];
    let id = world.id_of_last(child, "server/discover");
    world.line(child, &answer(&id, DISCOVERY));
    let id = world.id_of_last(child, "tools/list");
    world.line(child, &answer(&id, TOOLS));
    assert_eq!(world.client(peer).status, 200);
    (world, child)
}

/// An HTTP server that speaks nothing but the modern era; its tools are listed.
fn modern_http() -> World {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let (fetch, id) = world.fetch_of("initialize");
    world.fetch_status(fetch, 400, &refusal(&id, -32022));
    let (fetch, id) = world.fetch_of("server/discover");
    world.fetch_json(fetch, None, &answer(&id, DISCOVERY));
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_json(fetch, None, &answer(&id, TOOLS));
    world
}

/// What becomes of the fields in one cell: a word for `docs/eras.md`.
pub fn between_eras(cell: &mut Cell) -> String {
    let (region, fields) = ("Mcp-Param-Region", [("Region", "eu"), ("N", "42")]);
    match cell.pair {
        Pair::A => {
            cell.ask("tools/call", CALL);
            "–".to_owned()
        }
        Pair::B => {
            let mut world = modern_http();
            let session = legacy_session(&mut world);
            world.post("/mcp/time", Some(&session), &call(r#"{"region":"eu","limit":{"n":42}}"#));
            let (fetch, _) = world.fetch_of("tools/call");
            assert!(fields_of(&world, fetch).contains(&(region, "eu")));
            "yes: written from the arguments".to_owned()
        }
        Pair::C => {
            let (mut world, child) = legacy_only();
            let n = world.sent_to(child).len();
            world.params = vec![("Region", "us"), ("N", "42")];
            let peer = world.ask("/mcp/time", "7", "tools/call", CALL);
            assert!(world.client(peer).body.contains("-32020"), "{}", world.client(peer).body);
            assert_eq!(world.sent_to(child).len(), n);
            world.params = fields.to_vec();
            world.ask("/mcp/time", "8", "tools/call", CALL);
            assert_eq!(world.sent_to(child).len(), n + 1);
            "yes: compared with the arguments, and left out".to_owned()
        }
        Pair::D => {
            let mut world = modern_http();
            world.params = fields.to_vec();
            world.ask("/mcp/time", "7", "tools/call", CALL);
            let (fetch, _) = world.fetch_of("tools/call");
            assert!(fields_of(&world, fetch).contains(&(region, "eu")));
            "yes".to_owned()
        }
    }
}

const CALL: &str = r#""name":"sql","arguments":{"region":"eu","limit":{"n":42}}"#;

fn check_compared(mut world: World, child: Key<Backend>) {
    let mut check =
        |params: &[(&'static str, &'static str)], extra: &str, refused: Option<&str>| {
            world.params = params.to_vec();
            let n_sent = world.sent_to(child).len();
            let peer = world.ask("/mcp/time", "7", "tools/call", extra);
            let got = world.client(peer);
            match refused {
                Some(text) => {
                    assert_eq!(got.status, 400, "{params:?} {}", got.body);
                    assert!(got.body.contains("\"code\":-32020") && got.body.contains("\"id\":7"));
                    assert!(got.body.contains(text), "{text}: {}", got.body);
                    assert_eq!(world.sent_to(child).len(), n_sent);
                }
                None => {
                    assert_eq!(got.status, 0, "{params:?} {}", got.body);
                    let sent = world.sent_to(child)[n_sent];
                    assert!(sent.contains(extra), "{sent}");
                    let id = world.id_of_last(child, "tools/call");
                    world.line(child, &answer(&id, r#"{"resultType":"complete","content":[]}"#));
                    assert_eq!(world.client(peer).status, 200);
                }
            }
        };
    check(&[("Region", "eu"), ("N", "42")], CALL, None);
    check(&[("region", " eu "), ("n", "42.0"), ("Other", "x")], CALL, None);
    check(&[("Region", "=?base64?ZXU=?="), ("N", "4.2e1")], CALL, None);
    check(&[("Region", "eu")], CALL, Some("Mcp-Param-N header is missing"));
    check(&[("Region", "us"), ("N", "42")], CALL, Some("'us' does not match body value 'eu'"));
    check(&[("Region", "=?base64?ZXU?="), ("N", "42")], CALL, Some("is malformed"));
    let null = r#""name":"sql","arguments":{"region":null}"#;
    check(&[], null, None);
    check(&[("Region", "eu")], null, Some("has no counterpart in the body"));
    check(&[("Region", "eu")], r#""name":"now","arguments":{"region":"us"}"#, None);
    check(&[("N", "1")], r#""name":"bad","arguments":{"n":2.5}"#, None);
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

// Checklist 75.
#[test]
fn the_fields_of_a_modern_client_are_compared_for_a_modern_child() {
    let (world, child) = modern_child();
    check_compared(world, child);
}

// Checklist 75.
#[test]
fn the_fields_of_a_modern_client_are_compared_for_a_legacy_server() {
    let (world, child) = legacy_only();
    check_compared(world, child);
}

#[test]
fn who_was_not_shown_what_to_mirror_need_not() {
    let (mut world, child) = legacy_only_with(Care::Strict);
    let peer = world.ask("/mcp/time", "7", "tools/call", CALL);
    assert_eq!(world.client(peer).status, 0, "{}", world.client(peer).body);
    assert!(world.sent_to(child).last().unwrap().contains(CALL));
}

fn fields_of(world: &World, fetch: Key<Fetch>) -> Vec<(&str, &str)> {
    let fields = &world.request(fetch).fields;
    fields.iter().map(|(name, value)| (&**name, &**value)).collect()
}

// Checklist 75.
#[test]
fn the_fields_of_a_modern_client_are_passed_on_to_a_modern_server() {
    let mut world = modern_http();
    world.params = vec![("Region", "=?base64?ZXU=?="), ("Other", "x"), ("N", "43")];
    world.ask("/mcp/time", "7", "tools/call", CALL);
    let (fetch, _) = world.fetch_of("tools/call");
    let want = [
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "sql"),
        ("Mcp-Param-Region", "=?base64?ZXU=?="),
        ("Mcp-Param-Other", "x"),
        ("Mcp-Param-N", "43"),
    ];
    assert_eq!(fields_of(&world, fetch), want);
    assert_eq!(world.request(fetch).revision.as_deref(), Some("2026-07-28"));
}

/// The id under which a request left.
fn id_in(world: &World, fetch: Key<Fetch>) -> String {
    let body = world.request(fetch).body.as_ref().map(|body| body.to_message());
    let text = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    let rest = text.split("\"id\":").nth(1).unwrap_or_default();
    rest.chars().take_while(char::is_ascii_digit).collect()
}

/// A legacy session with the modern server.
fn legacy_session(world: &mut World) -> String {
    let peer = world.post("/mcp/time", None, INITIALIZE);
    world.client(peer).fields["Mcp-Session-Id"].clone()
}

fn call(arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{{"name":"sql","arguments":{arguments}}}}}"#
    )
}

// Checklist 100.
#[test]
fn the_fields_of_a_legacy_client_are_written_for_it() {
    let mut world = modern_http();
    let session = legacy_session(&mut world);
    world.post("/mcp/time", Some(&session), &call(r#"{"region":"gr\u00fcn","limit":{"n":4.0}}"#));
    let (fetch, _) = world.fetch_of("tools/call");
    let want = [
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "sql"),
        ("Mcp-Param-Region", "=?base64?Z3LDvG4=?="),
        ("Mcp-Param-N", "4"),
    ];
    assert_eq!(fields_of(&world, fetch), want);
    let read = r#"{"jsonrpc":"2.0","id":6,"method":"resources/read","params":{"uri":"a:\u00fc"}}"#;
    world.post("/mcp/time", Some(&session), read);
    let (fetch, _) = world.fetch_of("resources/read");
    let want = [("Mcp-Method", "resources/read"), ("Mcp-Name", "=?base64?YTrDvA==?=")];
    assert_eq!(fields_of(&world, fetch), want);
}

// Checklist 100.
#[test]
fn a_tool_that_nobody_can_call_is_withheld_from_legacy_clients() {
    let mut world = modern_http();
    let session = legacy_session(&mut world);
    let list = r#"{"jsonrpc":"2.0","id":8,"method":"tools/list"}"#;
    let peer = world.post("/mcp/time", Some(&session), list);
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_json(fetch, None, &answer(&id, TOOLS));
    let body = &world.client(peer).body;
    assert!(body.contains("\"sql\"") && body.contains("\"now\""), "{body}");
    assert!(!body.contains("\"name\":\"bad\""), "{body}");
    assert!(world.notes().contains("its tool 'bad' is withheld"), "{}", world.notes());
    let peer = world.ask("/mcp/time", "9", "tools/list", "");
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_json(fetch, None, &answer(&id, TOOLS));
    assert!(world.client(peer).body.contains("\"name\":\"bad\""), "a modern client decides itself");
}

// Checklist 100.
#[test]
fn a_refusal_of_fields_leads_to_a_new_list_and_one_more_try() {
    let mut world = modern_http();
    let session = legacy_session(&mut world);
    let body = call(r#"{"region":"eu"}"#);
    let peers = [1, 2].map(|_| world.post("/mcp/time", Some(&session), &body));
    // The later one is refused first.
    let first: Vec<_> = world.fetches.iter().rev().take(2).map(|(fetch, _)| *fetch).collect();
    for fetch in &first {
        let id = id_in(&world, *fetch);
        world.fetch_status(*fetch, 400, &refusal(&id, -32020));
    }
    let n_fetches = world.fetches.len();
    let (fetch, id) = world.fetch_of("tools/list");
    assert_eq!(world.fetches.last().unwrap().0, fetch, "one list for both");
    let changed = TOOLS.replace("\"Region\"", "\"Place\"");
    world.fetch_json(fetch, None, &answer(&id, &changed));
    assert_eq!(world.fetches.len(), n_fetches + 2);
    let again: Vec<_> = world.fetches[n_fetches..].iter().map(|(fetch, _)| *fetch).collect();
    for fetch in &again {
        let fields = fields_of(&world, *fetch);
        assert_eq!(fields[2..], [("Mcp-Param-Place", "eu")]);
    }
    let (fetch, id) = world.fetch_of("tools/call");
    world.fetch_json(fetch, None, &answer(&id, r#"{"resultType":"complete","content":[]}"#));
    assert_eq!(world.client(peers[0]).body, answer("5", r#"{"content":[]}"#));
    let id = id_in(&world, again[0]);
    world.fetch_status(again[0], 400, &refusal(&id, -32020));
    let got = world.client(peers[1]);
    assert_eq!(got.status, 200, "{}", got.body);
    assert!(got.body.contains("\"error\"") && !got.body.contains("-32020"), "{}", got.body);
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

// Checklist 100.
#[test]
fn without_a_new_list_the_refusal_is_the_answer() {
    let mut world = modern_http();
    let session = legacy_session(&mut world);
    let peer = world.post("/mcp/time", Some(&session), &call(r#"{"region":"eu"}"#));
    let (fetch, id) = world.fetch_of("tools/call");
    world.fetch_json(fetch, None, &refusal(&id, -32020));
    assert_eq!(world.client(peer).status, 0, "also a refusal under 200 is one");
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_status(fetch, 500, &refusal(&id, -32603));
    let got = world.client(peer);
    assert_eq!(got.status, 200, "{}", got.body);
    assert!(got.body.contains("\"error\"") && got.body.contains("\"id\":5"), "{}", got.body);
    let peer = world.post("/mcp/time", Some(&session), &call(r#"{"region":"eu"}"#));
    let (fetch, id) = world.fetch_of("tools/call");
    world.fetch_status(fetch, 400, &refusal(&id, -32020));
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#;
    world.post("/mcp/time", Some(&session), cancel);
    assert_eq!(world.client(peer).status, 202);
    let n_fetches = world.fetches.len();
    let (fetch, id) = world.fetch_of("tools/list");
    world.fetch_json(fetch, None, &answer(&id, TOOLS));
    assert_eq!(world.fetches.len(), n_fetches, "nobody waits for it any more");
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}
