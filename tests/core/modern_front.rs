// SPDX-License-Identifier: MIT
//! What a client of 2026-07-28 may rely on, whatever its server does.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{ChildEnd, Input, Peer};
use penstock::wire::http1::Field;

use crate::eras::{NAMED, answer, modern_child};
use crate::world::{
    DISCOVERY, HANDSHAKE, World, http_server, modern_request, snapshot, stdio_server,
};

const BOTH: (Field, &str) = (Field::Accept, "application/json, text/event-stream");
const JSON: (Field, &str) = (Field::ContentType, "application/json");
const VERSION: (Field, &str) = (Field::McpProtocolVersion, "2026-07-28");
const DONE: &str = r#"{"resultType":"complete","content":[]}"#;
const TOKEN: &str = r#""progressToken":"t""#;

fn failure(id: &str, code: i32) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"no"}}}}"#)
}

fn progress(token: &str, n: u32) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{n}}}}}"#
    )
}

fn log(level: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"{level}","data":1}}}}"#
    )
}

fn last_event(world: &World, peer: Key<Peer>) -> &str {
    world.client(peer).events.last().map_or("", String::as_str)
}

// Checklist 47, 67.
#[test]
fn fields_of_sessions_and_resumption_mean_nothing() {
    let (mut world, child) = modern_child();
    let fields = [
        BOTH,
        JSON,
        VERSION,
        (Field::McpMethod, "tools/call"),
        (Field::McpName, "now"),
        (Field::McpSessionId, "nobody's"),
        (Field::LastEventId, "1-1"),
    ];
    let body = modern_request("3", "tools/call", NAMED, "{}", TOKEN);
    let peer = world.post_with("/mcp/time", &fields, &body);
    let ours = world.id_of_last(child, "tools/call");
    world.line(child, &progress(&ours, 1));
    world.line(child, &answer(&ours, DONE));
    let got = world.client(peer);
    assert!(!got.fields.contains_key("Mcp-Session-Id") && got.finished);
    let want = [format!("|{}", progress("\"t\"", 1)), format!("|{}", answer("3", DONE))];
    assert_eq!(got.events, want, "no event has an id");
}

/// The methods of this era that a client may begin with, and what goes with them.
const FIRST: [(&str, &str); 8] = [
    ("tools/list", ""),
    ("tools/call", NAMED),
    ("prompts/list", ""),
    ("prompts/get", r#""name":"p""#),
    ("resources/list", ""),
    ("resources/templates/list", ""),
    ("resources/read", r#""uri":"a:b""#),
    ("completion/complete", r#""ref":{"type":"ref/prompt"},"argument":{}"#),
];

// Checklist 66.
#[test]
fn whatever_a_client_begins_with_reaches_a_server_of_either_era() {
    for (method, extra) in FIRST {
        for is_legacy in [false, true] {
            let (mut world, legacy) = World::with_child();
            let peer = world.ask("/mcp/time", "\"f\"", method, extra);
            let probe = *world.spawned.last().unwrap();
            let id = world.id_of_last(probe, "server/discover");
            let child = if is_legacy {
                world.line(probe, &failure(&id, -32601));
                legacy
            } else {
                world.line(probe, &answer(&id, DISCOVERY));
                probe
            };
            let ours = world.id_of_last(child, method);
            world.line(child, &answer(&ours, r#"{"resultType":"complete","x":1}"#));
            let got = world.client(peer);
            assert_eq!(got.status, 200, "{method}: {}", got.body);
            assert!(
                got.body.contains(r#""id":"f""#) && got.body.contains(r#""x":1"#),
                "{}",
                got.body
            );
        }
    }
}

// Checklist 65.
#[test]
fn what_a_modern_server_says_of_itself_is_discovered_whole() {
    let (mut world, _) = World::with_child();
    let peer = world.ask("/mcp/time", "3", "server/discover", "");
    let child = *world.spawned.last().unwrap();
    for _ in 0..2 {
        let unanswered = world.sent_to(child).last().map(|text| text.to_string());
        let Some(text) = unanswered.filter(|text| text.contains("server/discover")) else { break };
        world.sent.clear();
        world.line(child, &answer(&crate::world::id_in(&text), DISCOVERY));
    }
    let body = &world.client(peer).body;
    for part in [
        r#""supportedVersions":["2026-07-28"]"#,
        r#""capabilities":{"tools":{"listChanged":true}"#,
        r#""instructions":"Ask.""#,
        r#""ttlMs":"#,
        r#""cacheScope":""#,
        r#""resultType":"complete""#,
        r#""io.modelcontextprotocol/serverInfo":{"name":"m","version":"2"}"#,
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
}

// Checklist 70.
#[test]
fn a_version_that_is_not_spoken_is_named_beside_those_that_are() {
    let (mut world, _) = modern_child();
    let fields =
        [BOTH, JSON, (Field::McpProtocolVersion, "2027-01-01"), (Field::McpMethod, "tools/list")];
    let body = modern_request("9", "tools/list", "", "{}", "").replace("2026-07-28", "2027-01-01");
    let peer = world.post_with("/mcp/time", &fields, &body);
    let got = world.client(peer);
    assert_eq!(got.status, 400);
    assert!(
        got.body.contains(r#""code":-32022"#) && got.body.contains(r#""id":9"#),
        "{}",
        got.body
    );
    let (_, data) = got.body.split_once(r#""data":"#).unwrap();
    assert!(data.contains(r#""supported":["2026-07-28"]"#), "{data}");
    assert!(data.contains(r#""requested":"2027-01-01""#), "{data}");
}

// Checklist 130.
#[test]
fn what_an_answer_points_to_is_not_fetched() {
    let mut world = World::new(snapshot(vec![http_server("time")]));
    let (fetch, id) = world.fetch_of("initialize");
    world.fetch_json(fetch, Some("s"), &answer(&id, HANDSHAKE));
    let (fetch, id) = world.fetch_of("tools/list");
    let icon = r#""icons":[{"src":"http://evil.example/i.png"}]"#;
    let schema =
        r#""inputSchema":{"type":"object","properties":{"a":{"$ref":"http://evil.example/s"}}}"#;
    let tools = format!(r#"{{"tools":[{{"name":"now",{icon},{schema}}}]}}"#);
    world.fetch_json(fetch, None, &answer(&id, &tools));
    let peer = world.post("/mcp/time", None, crate::calls::CALL);
    let (fetch, id) = world.fetch_of("tools/call");
    let n = world.fetches.len();
    let link = r#"{"type":"resource_link","name":"l","uri":"http://evil.example/r"}"#;
    world.fetch_json(fetch, None, &answer(&id, &format!(r#"{{"content":[{link}]}}"#)));
    assert!(world.client(peer).body.contains("evil.example/r"));
    assert_eq!(world.fetches.len(), n);
    let hosts = world.fetches.iter().all(|(_, request)| &*request.target.host == "backend.example");
    assert!(hosts);
}

// Checklist 76.
#[test]
fn what_the_era_has_dropped_is_not_found_whoever_is_behind() {
    for is_legacy in [false, true] {
        let (mut world, _) = if is_legacy { World::with_child() } else { modern_child() };
        if is_legacy {
            world.ask("/mcp/time", "1", "tools/list", "");
            let probe = *world.spawned.last().unwrap();
            world.child_gone(probe, ChildEnd::Exited(1));
        }
        let n = world.sent.len();
        for method in [
            "initialize",
            "ping",
            "logging/setLevel",
            "resources/subscribe",
            "resources/unsubscribe",
        ] {
            let peer = world.ask("/mcp/time", "\"d\"", method, r#""uri":"a:b""#);
            let got = world.client(peer);
            assert_eq!(got.status, 404, "{method}: {}", got.body);
            assert!(
                got.body.contains("-32601") && got.body.contains(r#""id":"d""#),
                "{}",
                got.body
            );
        }
        assert_eq!(world.sent.len(), n, "nothing of it goes below");
    }
}

// Checklist 79.
#[test]
fn an_error_of_a_call_is_no_http_error_and_goes_into_a_stream_that_is_open() {
    let (mut world, child) = modern_child();
    for code in [-32603, -32000, 7] {
        let peer = world.ask("/mcp/time", "3", "tools/call", NAMED);
        let ours = world.id_of_last(child, "tools/call");
        world.line(child, &failure(&ours, code));
        let got = world.client(peer);
        assert_eq!((got.status, got.body.as_str()), (200, failure("3", code).as_str()));
    }
    for code in [-32603, -32021] {
        let peer = world.ask_as("/mcp/time", "3", "tools/call", NAMED, "{}", TOKEN);
        let ours = world.id_of_last(child, "tools/call");
        world.line(child, &progress(&ours, 1));
        world.line(child, &failure(&ours, code));
        assert_eq!(world.client(peer).status, 200);
        assert_eq!(last_event(&world, peer), format!("|{}", failure("3", code)));
        assert!(world.client(peer).finished);
    }
}

// Checklist 80.
#[test]
fn log_messages_are_for_the_request_that_asked_for_them() {
    let (mut world, child) = modern_child();
    let silent = world.ask("/mcp/time", "3", "tools/call", NAMED);
    let first = world.id_of_last(child, "tools/call");
    world.line(child, &log("error"));
    let level = r#""io.modelcontextprotocol/logLevel":"warning""#;
    let eager = world.ask_as("/mcp/time", "4", "tools/call", NAMED, "{}", level);
    let second = world.id_of_last(child, "tools/call");
    for level in ["info", "warning", "error"] {
        world.line(child, &log(level));
    }
    world.line(child, &answer(&first, DONE));
    world.line(child, &answer(&second, DONE));
    assert!(!world.client(silent).is_stream, "{:?}", world.client(silent).events);
    let events = &world.client(eager).events;
    assert_eq!(events[..2], [format!("|{}", log("warning")), format!("|{}", log("error"))]);
    assert_eq!(events.len(), 3);
    let bad = level.replace("warning", "loud");
    let peer = world.ask_as("/mcp/time", "5", "tools/call", NAMED, "{}", &bad);
    assert_eq!(world.client(peer).status, 400);
    assert!(world.client(peer).body.contains("-32602"), "{}", world.client(peer).body);
}

// Checklist 82.
#[test]
fn a_request_of_a_modern_server_reaches_no_client() {
    let (mut world, child) = modern_child();
    let can = r#"{"sampling":{},"elicitation":{},"roots":{}}"#;
    let peer = world.ask_as("/mcp/time", "3", "tools/call", NAMED, can, TOKEN);
    let wanted = r#""notifications":{"toolsListChanged":true}"#;
    let listener = world.ask("/mcp/time", "4", "subscriptions/listen", wanted);
    let ours = world.id_of_last(child, "tools/call");
    world.line(child, &progress(&ours, 1));
    for method in ["sampling/createMessage", "elicitation/create", "roots/list", "ping"] {
        let request = format!(r#"{{"jsonrpc":"2.0","id":8,"method":"{method}","params":{{}}}}"#);
        world.line(child, &request);
    }
    world.line(child, &answer(&ours, DONE));
    assert_eq!(world.client(peer).events.len(), 2, "{:?}", world.client(peer).events);
    assert_eq!(world.client(listener).events.len(), 0);
    // It is told so, and does not wait.
    let told = world.sent_to(child).iter().filter(|text| text.contains(r#""id":8"#)).count();
    assert_eq!(told, 4);
}

/// Two subscriptions of two clients at a modern child, both acknowledged; their ids there.
fn two_listeners(world: &mut World, child: Key<penstock::gateway::io::Backend>) -> [Listening; 2] {
    [("7", "tools"), ("\"7\"", "prompts")].map(|(id, kind)| {
        let wanted = format!(r#""notifications":{{"{kind}ListChanged":true}}"#);
        let peer = world.ask("/mcp/time", id, "subscriptions/listen", &wanted);
        let below = world.id_of_last(child, "subscriptions/listen");
        world.line(child, &tagged("notifications/subscriptions/acknowledged", &below));
        Listening { peer, id, below }
    })
}

struct Listening {
    peer: Key<Peer>,
    id: &'static str,
    below: String,
}

fn tagged(method: &str, id: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#
    )
}

// Checklist 83, 132.
#[test]
fn two_subscriptions_are_independent_and_end_politely() {
    let (mut world, child) = modern_child();
    let [one, two] = two_listeners(&mut world, child);
    assert_ne!(one.below, two.below);
    world.line(child, &tagged("notifications/tools/list_changed", &one.below));
    assert_eq!(world.client(two.peer).events.len(), 1);
    world.line(child, &tagged("notifications/prompts/list_changed", &two.below));
    for (own, method) in [(&one, "tools"), (&two, "prompts")] {
        let want = tagged(&format!("notifications/{method}/list_changed"), own.id);
        assert_eq!(world.client(own.peer).events[1..], [format!("|{want}")]);
    }
    let deadline = world.now.mono + Duration::from_secs(5);
    world.input(Input::Drain { deadline, why: "SIGTERM" });
    for own in [one, two] {
        let last = last_event(&world, own.peer);
        let parts = [
            format!(r#""id":{}"#, own.id),
            r#""resultType":"complete""#.to_owned(),
            format!(r#""io.modelcontextprotocol/subscriptionId":{}"#, own.id),
        ];
        assert!(parts.iter().all(|part| last.contains(part)), "{last}");
        assert!(world.client(own.peer).finished);
    }
}

// Checklist 84.
#[test]
fn a_subscription_ends_cleanly_with_its_child_and_is_there_again_with_the_next() {
    let (mut world, child) = modern_child();
    let [one, two] = two_listeners(&mut world, child);
    world.child_gone(child, ChildEnd::Exited(1));
    for own in [&one, &two] {
        assert!(world.client(own.peer).finished);
        let last = last_event(&world, own.peer);
        assert!(last.contains(&format!(r#""id":{}"#, own.id)), "{last}");
    }
    let wanted = r#""notifications":{"toolsListChanged":true}"#;
    let peer = world.ask("/mcp/time", "9", "subscriptions/listen", wanted);
    let next = *world.spawned.last().unwrap();
    assert_ne!(next, child);
    let id = world.id_of_last(next, "server/discover");
    world.line(next, &answer(&id, DISCOVERY));
    let id = world.id_of_last(next, "subscriptions/listen");
    world.line(next, &tagged("notifications/subscriptions/acknowledged", &id));
    assert_eq!(world.client(peer).events.len(), 1);
}

/// A server that shook hands, and the id under which its probe was asked.
fn probed() -> (World, Key<Peer>, Key<penstock::gateway::io::Backend>, String) {
    let (mut world, _) = World::with_child();
    let peer = world.ask("/mcp/time", "3", "tools/list", "");
    let probe = *world.spawned.last().unwrap();
    let id = world.id_of_last(probe, "server/discover");
    (world, peer, probe, id)
}

// Checklist 104.
#[test]
fn whatever_is_no_discovery_says_legacy() {
    for said in [
        failure("ID", -32601),
        failure("ID", -32602),
        failure("ID", -32000),
        answer("ID", "{}"),
        answer("ID", r#"{"supportedVersions":"all"}"#),
        answer("ID", "[]"),
    ] {
        let (mut world, _, probe, id) = probed();
        world.line(probe, &said.replace("ID", &id));
        assert!(world.sent.iter().any(|(to, text)| *to != probe && text.contains("tools/list")));
    }
    // What cannot be read at all is as good as silence.
    let (mut world, _, probe, _) = probed();
    world.line(probe, r#"{"jsonrpc":"#);
    world.pass(Duration::from_secs(11));
    assert!(world.sent.iter().any(|(to, text)| *to != probe && text.contains("tools/list")));
}

// Checklist 104, 105.
#[test]
fn a_server_that_lets_nobody_in_is_asked_again_soon_and_a_legacy_one_much_later() {
    for (status, again_after_s) in [(401, 6), (403, 6), (503, 6), (404, 601)] {
        let mut world = World::new(snapshot(vec![http_server("time")]));
        let (fetch, id) = world.fetch_of("initialize");
        world.fetch_json(fetch, Some("s"), &answer(&id, HANDSHAKE));
        let count = |world: &World| {
            let body = |request: &penstock::gateway::io::FetchRequest| {
                let body = request.body.as_ref().map(|body| body.to_message().to_vec());
                String::from_utf8(body.unwrap_or_default()).unwrap()
            };
            world.fetches.iter().filter(|(_, one)| body(one).contains("server/discover")).count()
        };
        world.ask("/mcp/time", "1", "tools/list", "");
        let (fetch, _) = world.fetch_of("server/discover");
        world.fetch_status(fetch, status, "");
        world.pass(Duration::from_secs(again_after_s - 2));
        world.ask("/mcp/time", "2", "tools/list", "");
        assert_eq!(count(&world), 1, "{status} is believed for a while");
        world.pass(Duration::from_secs(2));
        world.ask("/mcp/time", "3", "tools/list", "");
        assert_eq!(count(&world), 2, "{status} is not believed for ever");
    }
}

// Checklist 105.
#[test]
fn each_server_has_an_era_of_its_own() {
    let mut world = World::new(snapshot(vec![stdio_server("time"), stdio_server("other")]));
    for child in world.spawned.clone() {
        let id = world.id_of_last(child, "initialize");
        world.line(child, &answer(&id, HANDSHAKE));
    }
    world.ask("/mcp/time", "1", "tools/list", "");
    let probe = *world.spawned.last().unwrap();
    world.child_gone(probe, ChildEnd::Exited(1));
    world.ask("/mcp/other", "1", "tools/list", "");
    let other = *world.spawned.last().unwrap();
    assert_ne!(other, probe);
    world.id_of_last(other, "server/discover");
}
