// SPDX-License-Identifier: MIT
//! Several servers as one for clients of 2026-07-28, whatever protocol the servers speak.

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd};
use penstock::gateway::snapshot::{Care, Server};

use crate::unified::answer;
use crate::world::{DISCOVERY, INITIALIZE, World, snapshot};

const LEGACY: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"tasks":{}},"serverInfo":{"name":"t","version":"1"},"instructions":"Be kind."}"#;

fn stdio_server(name: &str) -> Server {
    Server { schema: Care::Verbatim, ..crate::world::stdio_server(name) }
}

/// Two servers, of which `old` speaks the older protocol and `new` both; the child of the one and
/// the modern child of the other. Their eras are known.
fn old_and_new() -> (World, Key<Backend>, Key<Backend>) {
    let mut world = World::new(snapshot(vec![stdio_server("old"), stdio_server("new")]));
    let (old, first) = (world.spawned[0], world.spawned[1]);
    for child in [old, first] {
        answer(&mut world, child, "initialize", LEGACY);
        answer(&mut world, child, "tools/list", r#"{"tools":[]}"#);
    }
    let peer = world.ask("/mcp", "1", "tools/list", "");
    let probe = world.spawned[2];
    world.child_gone(probe, ChildEnd::Exited(1));
    let new = world.spawned[3];
    answer(&mut world, new, "server/discover", DISCOVERY);
    answer(&mut world, old, "tools/list", r#"{"tools":[{"name":"x"}]}"#);
    let page =
        r#"{"resultType":"complete","tools":[{"name":"x"}],"ttlMs":500,"cacheScope":"public"}"#;
    answer(&mut world, new, "tools/list", page);
    assert_eq!(
        world.client(peer).body,
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"old___x"},{"name":"new___x"}]}}"#
    );
    world.sent.clear();
    (world, old, new)
}

// Checklist 116, 117.
#[test]
fn a_modern_call_goes_to_the_server_of_its_name_in_the_words_of_that_server() {
    let (mut world, old, new) = old_and_new();
    let peer = world.ask("/mcp", "\"a\"", "tools/call", r#""name":"old___x""#);
    let sent = world.sent_to(old).pop().unwrap().to_owned();
    assert!(sent.contains(r#""name":"x""#) && !sent.contains("modelcontextprotocol"), "{sent}");
    answer(&mut world, old, "tools/call", r#"{"content":[]}"#);
    assert!(world.client(peer).body.contains(r#""resultType":"complete""#));
    let peer = world.ask("/mcp", "\"b\"", "tools/call", r#""name":"new___x""#);
    let sent = world.sent_to(new).pop().unwrap().to_owned();
    assert!(sent.contains(r#""name":"x""#) && sent.contains("modelcontextprotocol"), "{sent}");
    let result = r#"{"resultType":"complete","content":[],"y":1.0}"#;
    answer(&mut world, new, "tools/call", result);
    let want = format!(r#"{{"jsonrpc":"2.0","id":"b","result":{result}}}"#);
    assert_eq!(world.client(peer).body, want);
    assert!(!world.client(peer).fields.contains_key("Mcp-Session-Id"));
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

// Checklist 65, 121.
#[test]
fn what_all_servers_can_do_is_discovered() {
    let (mut world, _, new) = old_and_new();
    let peer = world.ask("/mcp", "1", "server/discover", "");
    answer(&mut world, new, "server/discover", DISCOVERY);
    let body = &world.client(peer).body;
    let want = concat!(
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","#,
        r#""supportedVersions":["2026-07-28"],"capabilities":{"logging":{},"#,
        r#""resources":{"subscribe":true,"listChanged":true},"tools":{"listChanged":true}},"#,
        r###""instructions":"## old\n\nBe kind.\n\n## new\n\nAsk.","ttlMs":0,"###,
        r#""cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":"#,
        r#"{"name":"penstock-unified","version":"0.1.0"}}}}"#
    );
    assert_eq!(body, want);
}

// Checklist 76, 120.
#[test]
fn what_no_server_has_is_refused_in_the_words_of_the_era() {
    let (mut world, old, new) = old_and_new();
    let peer = world.ask("/mcp", "1", "acme/frob", "");
    assert_eq!(world.client(peer).status, 404);
    assert!(world.client(peer).body.contains("-32601"));
    let peer = world.ask("/mcp", "1", "tools/call", r#""name":"x""#);
    assert_eq!(world.client(peer).status, 200);
    assert!(world.client(peer).body.contains(r#""code":-32602,"message":"unknown tool"#));
    let peer = world.ask("/mcp", "1", "resources/read", r#""uri":"x://1""#);
    for (child, code) in [(old, -32002), (new, -32602)] {
        let id = world.id_of_last(child, "resources/read");
        let error = format!(r#"{{"code":{code},"message":"no"}}"#);
        world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
    }
    let body = &world.client(peer).body;
    assert!(body.contains("-32602") && body.contains(r#""data":{"uri":"x://1"}"#), "{body}");
}

// Checklist 81.
#[test]
fn a_modern_client_cancels_at_all_servers_by_leaving() {
    let (mut world, old, new) = old_and_new();
    // What one has said before is not fresh any more.
    world.pass(std::time::Duration::from_secs(1));
    let peer = world.ask("/mcp", "1", "tools/list", "");
    world.leave(peer);
    for child in [old, new] {
        let last = world.sent_to(child).pop().unwrap().to_owned();
        assert!(last.contains("notifications/cancelled"), "{last}");
    }
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

// Checklist 83, 84.
#[test]
fn a_modern_client_listens_to_all_servers_at_once() {
    let (mut world, old, new) = old_and_new();
    let wanted = r#""notifications":{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}"#;
    let peer = world.ask("/mcp", "7", "subscriptions/listen", wanted);
    let id = world.id_of_last(new, "subscriptions/listen");
    let tagged = |method: &str, id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"notifications":{{"toolsListChanged":true}},"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#
        )
    };
    assert!(world.client(peer).events.is_empty(), "one has not said what it honours");
    world.line(new, &tagged("notifications/subscriptions/acknowledged", &id));
    let events = world.client(peer).events.clone();
    assert_eq!(events.len(), 1, "{events:?}");
    for part in ["acknowledged", r#""toolsListChanged":true"#, r#"["a:b"]"#, r#"subscriptionId":7"#]
    {
        assert!(events[0].contains(part), "{part}: {events:?}");
    }
    world.line(new, &tagged("notifications/tools/list_changed", &id));
    world.line(old, r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    world.line(old, r#"{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}"#);
    let updated =
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}"#;
    world.line(old, updated);
    let events = world.client(peer).events.clone();
    assert_eq!(events.len(), 4, "{events:?}");
    assert!(events.iter().all(|event| event.contains(r#"subscriptionId":7"#)), "{events:?}");
    // One of them is gone: the client subscribes again, and hears of what has become of it.
    world.child_gone(new, ChildEnd::Exited(1));
    let events = world.client(peer).events.clone();
    assert!(events[4].contains(r#""resultType":"complete""#), "{events:?}");
    assert!(world.client(peer).finished);
    let last = world.sent_to(old).pop().unwrap().to_owned();
    assert!(last.contains("resources/unsubscribe"), "{last}");
}

#[test]
fn a_subscription_at_several_servers_ends_when_its_client_leaves() {
    let (mut world, old, new) = old_and_new();
    let wanted = r#""notifications":{"resourceSubscriptions":["a:b"]}"#;
    let peer = world.ask("/mcp", "7", "subscriptions/listen", wanted);
    world.leave(peer);
    assert!(world.sent_to(old).pop().unwrap().contains("resources/unsubscribe"));
    assert!(world.sent_to(new).pop().unwrap().contains("notifications/cancelled"));
    answer(&mut world, old, "resources/unsubscribe", "{}");
    answer(&mut world, old, "resources/subscribe", "{}");
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

// Checklist 119.
#[test]
fn a_server_that_cannot_start_is_named_and_others_are_listed() {
    let mut world = World::new(snapshot(vec![stdio_server("good"), stdio_server("bad")]));
    let (good, bad) = (world.spawned[0], world.spawned[1]);
    answer(&mut world, good, "initialize", LEGACY);
    answer(&mut world, good, "tools/list", r#"{"tools":[]}"#);
    world.child_gone(bad, ChildEnd::Exited(2));
    let peer = world.ask("/mcp", "1", "tools/list", "");
    let probe = world.spawned[2];
    world.child_gone(probe, ChildEnd::Exited(1));
    answer(&mut world, good, "tools/list", r#"{"tools":[{"name":"x"}]}"#);
    let body = &world.client(peer).body;
    assert!(body.contains(r#"[{"name":"good___x"}]"#), "{body}");
    assert!(body.contains(r#""penstock/failures":{"bad":"server \"bad\" is unav"#), "{body}");
}

// Checklist 92.
#[test]
fn a_legacy_client_of_several_servers_reaches_one_that_is_modern_alone() {
    let mut world = World::new(snapshot(vec![stdio_server("old"), stdio_server("new")]));
    let (old, new) = (world.spawned[0], world.spawned[1]);
    answer(&mut world, old, "initialize", LEGACY);
    answer(&mut world, old, "tools/list", r#"{"tools":[]}"#);
    let id = world.id_of_last(new, "initialize");
    let refusal = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
    world.line(new, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{refusal}}}"#));
    let modern = world.spawned[2];
    // Nobody knows yet what it speaks: the greeting waits for that.
    let peer = world.post("/mcp", None, INITIALIZE);
    assert_eq!(world.client(peer).status, 0);
    answer(&mut world, modern, "server/discover", DISCOVERY);
    let body = world.client(peer).body.clone();
    assert!(body.contains(r###"## old\n\nBe kind.\n\n## new\n\nAsk."###), "{body}");
    assert!(!body.contains("penstock/failures"), "{body}");
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let call = r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"new___x"}}"#;
    let peer = world.post("/mcp", Some(&session), call);
    let sent = world.sent_to(modern).pop().unwrap().to_owned();
    assert!(sent.contains("io.modelcontextprotocol/protocolVersion"), "{sent}");
    answer(&mut world, modern, "tools/call", r#"{"resultType":"complete","content":[]}"#);
    assert_eq!(world.client(peer).body, r#"{"jsonrpc":"2.0","id":5,"result":{"content":[]}}"#);
}

// Checklist 93, 122.
#[test]
fn a_legacy_server_asks_the_modern_client_of_a_view_with_a_result() {
    let (mut world, _, _) = old_and_new();
    let can = r#"{"sampling":{}}"#;
    let params = r#""name":"old___x""#;
    let peer = world.ask_as("/mcp", "1", "tools/call", params, can, "");
    let child = *world.spawned.last().unwrap();
    answer(&mut world, child, "initialize", LEGACY);
    let request = r#"{"jsonrpc":"2.0","id":0,"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}"#;
    world.line(child, request);
    world.pass(std::time::Duration::from_millis(6));
    let body = world.client(peer).body.clone();
    assert!(body.contains(r#""resultType":"input_required""#), "{body}");
    let (_, state) = body.split_once(r#""requestState":""#).unwrap();
    let state = state.split('"').next().unwrap();
    let (_, key) = body.split_once(r#""inputRequests":{""#).unwrap();
    let key = key.split('"').next().unwrap();
    let retry = format!(
        r#"{params},"requestState":"{state}","inputResponses":{{"{key}":{{"role":"assistant"}}}}"#
    );
    let peer = world.ask_as("/mcp", "2", "tools/call", &retry, can, "");
    let sent = world.sent_to(child).pop().unwrap().to_owned();
    assert_eq!(sent, r#"{"jsonrpc":"2.0","id":0,"result":{"role":"assistant"}}"#);
    answer(&mut world, child, "tools/call", r#"{"content":[]}"#);
    assert!(world.client(peer).body.contains(r#""id":2,"result":{"#));
    // Brought to another request, it is refused.
    let foreign = retry.replace("old___x", "old___y");
    let peer = world.ask_as("/mcp", "3", "tools/call", &foreign, can, "");
    assert!(world.client(peer).body.contains("-32602"), "{}", world.client(peer).body);
}

// Checklist 93, 122.
#[test]
fn a_modern_server_asks_the_legacy_client_of_several_servers() {
    let (mut world, _, new) = old_and_new();
    let id = |world: &World, method| world.id_of_last(new, method);
    // From now on it refuses the older protocol.
    let first = world.spawned[1];
    world.child_gone(first, ChildEnd::Exited(1));
    world.pass(std::time::Duration::from_secs(31));
    let again = *world.spawned.last().unwrap();
    let asked = world.id_of_last(again, "initialize");
    let refusal = r#"{"code":-32022,"message":"no"}"#;
    world.line(again, &format!(r#"{{"jsonrpc":"2.0","id":{asked},"error":{refusal}}}"#));
    let hello = INITIALIZE.replace("\"capabilities\":{}", r#""capabilities":{"sampling":{}}"#);
    let peer = world.post("/mcp", None, &hello);
    let old = *world.spawned.last().unwrap();
    answer(&mut world, old, "initialize", LEGACY);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let call = r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"new___x"}}"#;
    let peer = world.post("/mcp", Some(&session), call);
    let before = id(&world, "tools/call");
    let wanted = r#"{"resultType":"input_required","inputRequests":{"k":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}},"requestState":"s"}"#;
    answer(&mut world, new, "tools/call", wanted);
    let asked = world.client(peer).events.last().unwrap().clone();
    assert!(asked.contains("sampling/createMessage"), "{asked}");
    let number = crate::world::id_in(&asked);
    let reply = format!(r#"{{"jsonrpc":"2.0","id":{number},"result":{{"role":"assistant"}}}}"#);
    world.post("/mcp", Some(&session), &reply);
    let sent = world.sent_to(new).pop().unwrap().to_owned();
    assert!(sent.contains(r#""name":"x""#) && sent.contains(r#""requestState":"s""#), "{sent}");
    assert_ne!(id(&world, "tools/call"), before);
    answer(&mut world, new, "tools/call", r#"{"resultType":"complete","content":[]}"#);
    let last = world.client(peer).events.last().unwrap().clone();
    assert!(last.ends_with(r#"{"jsonrpc":"2.0","id":5,"result":{"content":[]}}"#), "{last}");
}
