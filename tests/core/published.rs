// SPDX-License-Identifier: MIT
//! Lists of tools as clients see them, and calls under the names that they have seen.

use penstock::base::Key;
use penstock::gateway::io::{Backend, EventKind, Peer};
use penstock::gateway::snapshot::{Care, Server};
use penstock::wire::http1::Field;

use crate::world::{DISCOVERY, HANDSHAKE, World, snapshot, stdio_server, with_key};

const LIST: &str = r#"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#;
const FINE: &str = r#"{"type":"object","properties":{}}"#;

fn server(care: Care) -> Server {
    let mut server = stdio_server("time");
    server.schema = care;
    server
}

fn answer(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// A world whose server has told the gateway these tools.
fn world_with(server: Server, tools: &str) -> (World, Key<Backend>) {
    world_of(World::new(snapshot(vec![server])), tools)
}

fn world_of(mut world: World, tools: &str) -> (World, Key<Backend>) {
    let child = world.spawned[0];
    let id = world.id_of_last(child, "initialize");
    world.line(child, &answer(&id, HANDSHAKE));
    let id = world.id_of_last(child, "tools/list");
    world.line(child, &answer(&id, &format!(r#"{{"tools":{tools}}}"#)));
    (world, child)
}

/// Lists the tools without a session, while the server answers with this result.
fn listed(world: &mut World, child: Key<Backend>, result: &str) -> String {
    let peer = world.post("/mcp/time", None, LIST);
    finish(world, child, peer, result)
}

fn finish(world: &mut World, child: Key<Backend>, peer: Key<Peer>, result: &str) -> String {
    let id = world.id_of_last(child, "tools/list");
    world.line(child, &answer(&id, result));
    let body = &world.client(peer).body;
    body.strip_prefix(r#"{"jsonrpc":"2.0","id":"l","result":"#)
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(body)
        .to_owned()
}

fn warnings(world: &World) -> usize {
    world.notes().lines().filter(|line| line.contains("is withheld")).count()
}

#[test]
fn a_list_that_needs_nothing_leaves_byte_for_byte() {
    let (mut world, child) = world_with(server(Care::Reference), "[]");
    let result = format!(
        r#"{{ "tools" : [ {{"name":"a b","inputSchema":{FINE},"x":1.0}} ] , "nextCursor":"" }}"#
    );
    assert_eq!(listed(&mut world, child, &result), result);
}

#[test]
fn a_broken_tool_is_withheld_alone_and_told_of_once() {
    let broken = r#"[{"name":"bad","inputSchema":{"type":"string"}},{"name":"good"}]"#;
    let (mut world, child) = world_with(server(Care::Reference), broken);
    assert_eq!(warnings(&world), 1);
    let why = r#"the type of its schema is \"string\", not \"object\""#;
    let want = format!(
        r#"{{"_meta":{{"penstock/withheld":[{{"tool":"bad","reason":"{why}"}}]}},"tools":[{{"inputSchema":{FINE},"name":"good"}}]}}"#
    );
    for _ in 0..2 {
        assert_eq!(listed(&mut world, child, &format!(r#"{{"tools":{broken}}}"#)), want);
    }
    assert_eq!(warnings(&world), 1, "{}", world.notes());
    let worse = broken.replace("\"string\"", "7");
    listed(&mut world, child, &format!(r#"{{"tools":{worse}}}"#));
    assert_eq!(warnings(&world), 2, "{}", world.notes());
}

// Checklist 130.
#[test]
fn a_reference_is_never_fetched() {
    let (mut world, child) = world_with(server(Care::Claude), "[]");
    let n_fetches = world.fetches.len();
    let tools = r#"{"tools":[{"name":"a","inputSchema":{"type":"object","properties":{"x":{"$ref":"http://backend.example/s.json"}}}}]}"#;
    let got = listed(&mut world, child, tools);
    assert!(got.contains("is not fetched") && got.ends_with(r#""tools":[]}"#), "{got}");
    assert_eq!((world.fetches.len(), world.spawned.len()), (n_fetches, 1));
}

#[test]
fn patterns_let_tools_through_in_lists_and_calls() {
    let mut server = server(Care::Verbatim);
    server.tools = Some(vec!["get_*".into(), "*_all".into(), "gone".into()].into());
    let tools = r#"[{"name":"get_x"},{"name":"drop_all"},{"name":"drop"}]"#;
    let (mut world, child) = world_with(server, tools);
    let got = listed(&mut world, child, &format!(r#"{{"tools":{tools}}}"#));
    assert_eq!(got, r#"{"tools":[{"name":"get_x"},{"name":"drop_all"}]}"#);
    // What the configuration hides is not spoken of, but a slip in it is.
    assert_eq!(warnings(&world), 0);
    assert_eq!(world.notes().matches("it has no tool 'gone'").count(), 1);
    let call = |name: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}"}}}}"#)
    };
    let peer = world.post("/mcp/time", None, &call("get_y"));
    assert_eq!(world.client(peer).status, 0);
    let peer = world.post("/mcp/time", None, &call("drop"));
    assert!(world.client(peer).body.contains("-32602"), "{}", world.client(peer).body);
}

/// A world in which the second of two agents needs short names; its tools; and the child.
fn two_agents(own: &str) -> (World, Key<Backend>) {
    let mut options = with_key(snapshot(vec![server(Care::Reference)]), &["plain-key", "copilot"]);
    options.schemas = vec![None, Some(Care::Copilot)];
    let tools = format!(r#"[{{"name":"{own}","inputSchema":{FINE}}}]"#);
    world_of(World::new(options), &tools)
}

fn post_as(world: &mut World, agent: &str, body: &str) -> Key<Peer> {
    let fields = [
        (Field::Accept, "application/json, text/event-stream"),
        (Field::ContentType, "application/json"),
        (Field::Host, "localhost:3000"),
        (Field::Authorization, agent),
    ];
    let before = world.spawned.len();
    let peer = world.post_with("/mcp/time", &fields, body);
    if let Some(&child) = world.spawned.get(before) {
        // Each agent has a child of its own, which opens when it is first needed.
        let id = world.id_of_last(child, "initialize");
        world.line(child, &answer(&id, HANDSHAKE));
    }
    peer
}

fn short_name(world: &World) -> String {
    let found = world.events.iter().find_map(|event| match &event.kind {
        EventKind::Tools { renamed, .. } => renamed.first().cloned(),
        _ => None,
    });
    found.expect("a tool has another name").1.into()
}

#[test]
fn each_agent_sees_the_names_that_it_can_use_and_calls_them() {
    let own = "files/read ".repeat(9);
    let (mut world, _) = two_agents(&own);
    let result = format!(r#"{{"tools":[{{"name":"{own}","inputSchema":{FINE}}}]}}"#);
    let short = short_name(&world);
    for (agent, want) in [("plain-key", own.as_str()), ("copilot", &short)] {
        let peer = post_as(&mut world, agent, LIST);
        let child = world.sent.last().unwrap().0;
        assert_eq!(finish(&mut world, child, peer, &result), result.replace(&own, want));
    }
    // Under either name the server hears its own one; the rest of the call is as it was.
    let call = |id: &str, name: &str, token: &str| {
        format!(
            r#"{{"jsonrpc":"2.0", "id":{id} ,"method":"tools/call","params":{{"_meta":{{"progressToken":{token}}},"name":"{name}","arguments":{{"n":1.0}}}}}}"#
        )
    };
    for (agent, name) in [("copilot", short.as_str()), ("copilot", &own), ("plain-key", &own)] {
        let peer = post_as(&mut world, agent, &call("\"c\"", name, "\"t\""));
        let (child, sent) = world.sent.last().unwrap().clone();
        let id = world.id_of_last(child, "tools/call");
        assert_eq!(sent, call(&id, &own, &id));
        world.line(child, &answer(&id, "{}"));
        assert_eq!(world.client(peer).body, answer("\"c\"", "{}"));
    }
}

#[test]
fn a_short_name_is_good_before_anybody_has_listed_and_within_a_batch() {
    let (mut world, child) = two_agents("a b");
    let short = short_name(&world);
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{short}"}}}}"#
    );
    post_as(&mut world, "copilot", &call);
    let sent = world.sent.last().unwrap().1.clone();
    assert!(sent.contains(r#""name":"a b""#), "{sent}");
    // Who sees the own names does not mean another tool by such a name.
    post_as(&mut world, "plain-key", &call);
    assert!(world.sent.last().unwrap().1.contains(&short));
    assert!(world.sent_to(child).len() > 1);

    let mut world = world_with(server(Care::Strict), r#"[{"name":"a b"}]"#).0;
    let (session, child) = world.session_of("2025-03-26");
    world.post("/mcp/time", Some(&session), &format!("[{call}]"));
    assert!(world.sent_to(child).last().unwrap().contains(r#""name":"a b""#));
}

// Checklist 72.
#[test]
fn a_modern_client_may_mirror_the_name_that_it_has_seen() {
    let (mut world, _) = world_with(server(Care::Copilot), r#"[{"name":"a b"}]"#);
    let short = short_name(&world);
    let named = format!(r#""name":"{short}""#);
    let peer = world.ask("/mcp/time", "1", "tools/call", &named);
    let child = *world.spawned.last().unwrap();
    let id = world.id_of_last(child, "server/discover");
    world.line(child, &answer(&id, DISCOVERY));
    let sent = world.sent_to(child).last().unwrap().to_string();
    assert!(sent.contains("tools/call") && sent.contains(r#""name":"a b""#), "{sent}");
    let id = world.id_of_last(child, "tools/call");
    world.line(child, &answer(&id, r#"{"resultType":"complete","content":[]}"#));
    assert_eq!(world.client(peer).status, 200);
}

#[test]
fn results_need_not_be_objects_for_clients_of_today() {
    let (mut world, legacy) = world_with(server(Care::Reference), "[]");
    let tool = format!(
        r#"{{"name":"a","inputSchema":{FINE},"outputSchema":{{"type":"array","items":{{}}}}}}"#
    );
    let got = listed(&mut world, legacy, &format!(r#"{{"tools":[{tool}]}}"#));
    assert_eq!(got, format!(r#"{{"tools":[{{"name":"a","inputSchema":{FINE}}}]}}"#));
    let peer = world.ask("/mcp/time", "1", "tools/list", "");
    let child = *world.spawned.last().unwrap();
    let id = world.id_of_last(child, "server/discover");
    world.line(child, &answer(&id, DISCOVERY));
    let id = world.id_of_last(child, "tools/list");
    let result =
        format!(r#"{{"resultType":"complete","tools":[{tool}],"ttlMs":0,"cacheScope":"private"}}"#);
    world.line(child, &answer(&id, &result));
    assert_eq!(world.client(peer).body, answer("1", &result));
}

#[test]
fn the_list_of_all_tools_tells_what_became_of_each() {
    let tools = r#"[{"name":"a b"},{"name":"bad","inputSchema":[]},{"name":"secret"}]"#;
    let mut server = server(Care::Claude);
    server.tools = Some(vec!["a b".into(), "bad".into()].into());
    let (world, _) = world_with(server, tools);
    let told = world.events.iter().find_map(|event| match &event.kind {
        EventKind::Tools { pages, renamed, withheld, .. } => Some((pages, renamed, withheld)),
        _ => None,
    });
    let (pages, renamed, withheld) = told.unwrap();
    assert_eq!(pages[0].as_bytes(), br#"[{"name":"a b"},{"name":"bad","inputSchema":[]}]"#);
    assert_eq!((&*renamed[0].0, renamed.len()), ("a b", 1));
    assert_eq!((&*withheld[0].tool, &*withheld[0].reason), ("bad", "its schema is no object"));
}
