// SPDX-License-Identifier: MIT
//! Several servers as one: what a client of `/mcp` and of views gets, and what each server is asked.

use std::time::Duration;

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Peer};
use penstock::gateway::snapshot::{Care, Server, ServerId, Snapshot, View, ViewPart};

use crate::world::{INITIALIZE, World, snapshot};

/// What the servers of these tests say of themselves.
const TOOLS: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"t","version":"1"}}"#;
const ALL: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"prompts":{},"resources":{"subscribe":true},"logging":{},"completions":{},"tasks":{"list":{}}},"serverInfo":{"name":"t","version":"1"},"instructions":"Be kind."}"#;

/// A server whose tools are shown as they are: what becomes of schemas is not the matter here.
fn stdio_server(name: &str) -> Server {
    Server { schema: Care::Verbatim, ..crate::world::stdio_server(name) }
}

/// Servers behind children, which have answered the gateway's own `initialize`.
pub fn servers(names: &[&str], said: &str) -> (World, Vec<Key<Backend>>) {
    world_of(snapshot(names.iter().map(|name| stdio_server(name)).collect()), said)
}

fn world_of(snapshot: Snapshot, said: &str) -> (World, Vec<Key<Backend>>) {
    let mut world = World::new(snapshot);
    let children = world.spawned.clone();
    for child in &children {
        open(&mut world, *child, said);
    }
    (world, children)
}

fn open(world: &mut World, child: Key<Backend>, said: &str) {
    answer(world, child, "initialize", said);
    if world.sent_to(child).iter().any(|text| text.contains("tools/list")) {
        answer(world, child, "tools/list", r#"{"tools":[]}"#);
    }
    world.sent.retain(|(to, _)| *to != child);
}

/// Answers what `child` was asked last.
#[track_caller]
pub fn answer(world: &mut World, child: Key<Backend>, method: &str, result: &str) {
    let id = world.id_of_last(child, method);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
}

#[track_caller]
fn fail(world: &mut World, child: Key<Backend>, method: &str, code: i32) {
    let id = world.id_of_last(child, method);
    let error = format!(r#"{{"code":{code},"message":"no"}}"#);
    world.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
}

/// Opens a session that asks what the gateway has asked, so that it gets the children that are
/// there.
pub fn session(world: &mut World) -> String {
    let peer = world.post("/mcp", None, INITIALIZE);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let peer = world.post("/mcp", Some(&session), ready);
    assert_eq!(world.client(peer).status, 202);
    session
}

fn ask(world: &mut World, session: &str, method: &str, params: &str) -> Key<Peer> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":"q","method":"{method}","params":{{{params}}}}}"#);
    world.post("/mcp", Some(session), &body)
}

#[track_caller]
fn check_answer(world: &World, peer: Key<Peer>, result: &str) {
    let want = format!(r#"{{"jsonrpc":"2.0","id":"q",{result}}}"#);
    assert_eq!(world.client(peer).body, want);
}

#[track_caller]
fn check_error(world: &World, peer: Key<Peer>, code: i32, text: &str) {
    let body = &world.client(peer).body;
    let is_meant = body.contains(&format!("\"code\":{code},")) && body.contains(text);
    assert!(is_meant && body.contains(r#""id":"q""#), "{body}");
}

// Checklist 121.
#[test]
fn what_the_servers_can_do_and_say_is_joined() {
    let mut world = World::new(snapshot(vec![stdio_server("a"), stdio_server("b")]));
    let (a, b) = (world.spawned[0], world.spawned[1]);
    open(&mut world, a, TOOLS);
    open(&mut world, b, ALL);
    let peer = world.post("/mcp", None, INITIALIZE);
    let body = &world.client(peer).body;
    let want = concat!(
        r#"{"jsonrpc":"2.0","id":"i","result":{"protocolVersion":"2025-11-25","capabilities":{"#,
        r#""completions":{},"logging":{},"prompts":{},"resources":{"subscribe":true},"#,
        r#""tasks":{"list":{}},"tools":{"listChanged":true}},"#,
        r#""serverInfo":{"name":"penstock-unified","version":"0.1.0"},"#,
        r###""instructions":"## b\n\nBe kind."}}"###
    );
    assert_eq!(body, want);
    assert_eq!(world.spawned.len(), 2, "the children that are there are taken");
    assert_eq!(world.gateway.n_sessions(), 1);
}

#[test]
fn every_server_is_opened_with_the_capabilities_of_the_client() {
    let (mut world, _) = servers(&["a", "b"], TOOLS);
    let hello = INITIALIZE.replace("\"capabilities\":{}", r#""capabilities":{"sampling":{}}"#);
    let peer = world.post("/mcp", None, &hello);
    let children = world.spawned[2..].to_vec();
    assert_eq!(children.len(), 2);
    for child in &children {
        assert!(world.sent_to(*child)[0].contains(r#""capabilities":{"sampling":{}}"#));
    }
    answer(&mut world, children[1], "initialize", TOOLS);
    assert_eq!(world.client(peer).status, 0, "the other one has not answered");
    answer(&mut world, children[0], "initialize", TOOLS);
    assert_eq!(world.client(peer).status, 200);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    world.post("/mcp", Some(&session), ready);
    for child in children {
        assert_eq!(world.sent_to(child)[1..], [ready]);
    }
}

// Checklist 121.
#[test]
fn a_server_that_is_late_is_named_and_joins_later() {
    let (mut world, _) = servers(&["a", "b"], TOOLS);
    let hello = INITIALIZE.replace("\"capabilities\":{}", r#""capabilities":{"roots":{}}"#);
    let peer = world.post("/mcp", None, &hello);
    let children = world.spawned[2..].to_vec();
    answer(&mut world, children[0], "initialize", TOOLS);
    world.pass(Duration::from_secs(5));
    let body = world.client(peer).body.clone();
    let missing = r#""_meta":{"penstock/failures":{"b":"it has not answered initialize yet"}}"#;
    assert!(body.contains(missing), "{body}");
    assert!(body.contains(r#""resources":{"listChanged":true}"#), "it may bring some: {body}");
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    world.post("/mcp", Some(&session), ready);
    let listener = world.get("/mcp", &session, None);
    answer(&mut world, children[1], "initialize", TOOLS);
    assert_eq!(world.sent_to(children[1]).last(), Some(&ready), "it waited for the answer");
    assert_eq!(world.client(listener).events.len(), 1, "the primer");
    world.pass(Duration::from_millis(250));
    let told = world.client(listener).events.join("\n");
    assert!(told.contains("notifications/tools/list_changed"), "{told}");
    ask(&mut world, &session, "tools/list", "");
    assert!(world.sent_to(children[1]).last().unwrap().contains("tools/list"));
}

#[test]
fn a_server_that_is_known_to_be_down_is_not_waited_for() {
    let mut world = World::new(snapshot(vec![stdio_server("a"), stdio_server("b")]));
    let (a, b) = (world.spawned[0], world.spawned[1]);
    open(&mut world, a, TOOLS);
    world.child_gone(b, ChildEnd::Exited(3));
    let peer = world.post("/mcp", None, INITIALIZE);
    let body = &world.client(peer).body;
    assert!(body.contains(r#""penstock/failures":{"b":"server \"b\" is unavailable"#), "{body}");
    assert!(body.contains("exited with status 3"), "{body}");
    assert_eq!(world.spawned.len(), 2);
}

// Checklist 116, 117, 123.
#[test]
fn tools_are_listed_under_the_names_of_their_servers_in_the_order_of_the_configuration() {
    let (mut world, children) = servers(&["b", "a"], TOOLS);
    let session = session(&mut world);
    let page = r#"{"tools":[{"name":"z","description":"Zzz","x":1.0},{"name":"now"}]}"#;
    let mut bodies = Vec::new();
    for order in [[0, 1], [1, 0]] {
        let peer = ask(&mut world, &session, "tools/list", "");
        for index in order {
            answer(&mut world, children[index], "tools/list", page);
        }
        bodies.push(world.client(peer).body.clone());
    }
    let want = concat!(
        r#"{"jsonrpc":"2.0","id":"q","result":{"tools":["#,
        r#"{"name":"b___z","description":"[b] Zzz","x":1.0},{"name":"b___now"},"#,
        r#"{"name":"a___z","description":"[a] Zzz","x":1.0},{"name":"a___now"}]}}"#
    );
    assert_eq!(bodies, [want, want]);
}

// Checklist 116, 117.
#[test]
fn a_call_goes_to_the_server_that_its_name_says() {
    let (mut world, children) = servers(&["a", "b_"], ALL);
    let session = session(&mut world);
    for (name, child, own) in
        [("a___now", 0, "now"), ("b____now", 1, "now"), ("a___b____now", 0, "b____now")]
    {
        for method in ["tools/call", "prompts/get"] {
            let params = format!(r#""x":1.0,"name":"{name}","arguments":{{"n":1e3}}"#);
            let peer = ask(&mut world, &session, method, &params);
            let sent = world.sent_to(children[child]).pop().unwrap().to_owned();
            assert!(sent.contains(&format!(r#""x":1.0,"name":"{own}","arguments":{{"n":1e3}}"#)));
            answer(&mut world, children[child], method, r#"{"content":[],"y":2.0}"#);
            check_answer(&world, peer, r#""result":{"content":[],"y":2.0}"#);
        }
    }
}

// Checklist 116.
#[test]
fn what_no_server_has_is_refused_in_its_full_name() {
    let (mut world, _) = servers(&["a"], TOOLS);
    let session = session(&mut world);
    for name in ["now", "c___now", "___now", "a__now"] {
        let params = format!(r#""name":"{name}""#);
        let peer = ask(&mut world, &session, "tools/call", &params);
        check_error(&world, peer, -32602, &format!(r#"unknown tool \"{name}\""#));
        let peer = ask(&mut world, &session, "prompts/get", &params);
        check_error(&world, peer, -32602, &format!(r#"unknown prompt \"{name}\""#));
    }
    let peer = ask(&mut world, &session, "tools/call", "");
    check_error(&world, peer, -32602, "missing parameter: name");
    let peer = ask(&mut world, &session, "vendor/method", "");
    check_error(&world, peer, -32601, "method not found: vendor/method");
    let peer = ask(&mut world, &session, "ping", "");
    check_answer(&world, peer, r#""result":{}"#);
}

#[test]
fn tools_that_the_configuration_hides_are_hidden_here_too() {
    let mut a = stdio_server("a");
    a.tools = Some(vec!["now".into()].into());
    let (mut world, children) = world_of(snapshot(vec![a]), TOOLS);
    let session = session(&mut world);
    let peer = ask(&mut world, &session, "tools/list", "");
    answer(&mut world, children[0], "tools/list", r#"{"tools":[{"name":"now"},{"name":"rm"}]}"#);
    check_answer(&world, peer, r#""result":{"tools":[{"name":"a___now"}]}"#);
    let peer = ask(&mut world, &session, "tools/call", r#""name":"a___rm""#);
    check_error(&world, peer, -32602, r#"unknown tool \"a___rm\""#);
}

// Checklist 116.
#[test]
fn completion_goes_to_the_server_of_the_prompt_or_template() {
    let (mut world, children) = servers(&["a", "b"], ALL);
    let session = session(&mut world);
    let prompt = r#""ref":{"type":"ref/prompt","name":"b___hi"},"argument":{"name":"x"}"#;
    let peer = ask(&mut world, &session, "completion/complete", prompt);
    let sent = world.sent_to(children[1]).pop().unwrap().to_owned();
    assert!(sent.contains(r#""ref":{"type":"ref/prompt","name":"hi"}"#), "{sent}");
    answer(&mut world, children[1], "completion/complete", r#"{"completion":{"values":[]}}"#);
    check_answer(&world, peer, r#""result":{"completion":{"values":[]}}"#);

    let peer = ask(&mut world, &session, "resources/templates/list", "");
    let templates = r#"{"resourceTemplates":[{"uriTemplate":"x://{id}"}]}"#;
    answer(&mut world, children[0], "resources/templates/list", r#"{"resourceTemplates":[]}"#);
    answer(&mut world, children[1], "resources/templates/list", templates);
    check_answer(&world, peer, &format!(r#""result":{templates}"#));
    let resource = r#""ref":{"type":"ref/resource","uri":"x://{id}"},"argument":{"name":"x"}"#;
    ask(&mut world, &session, "completion/complete", resource);
    assert!(world.sent_to(children[1]).pop().unwrap().contains("ref/resource"));
}

// Checklist 120.
#[test]
fn a_resource_is_read_where_it_was_listed_where_a_template_fits_or_where_it_is_found() {
    let (mut world, children) = servers(&["a", "b"], ALL);
    let session = session(&mut world);
    let peer = ask(&mut world, &session, "resources/list", "");
    answer(&mut world, children[0], "resources/list", r#"{"resources":[{"uri":"x://1"}]}"#);
    let of_b = r#"{"resources":[{"uri":"x://1"},{"uri":"x://2","name":"two"}]}"#;
    answer(&mut world, children[1], "resources/list", of_b);
    // The first in the configuration has it.
    check_answer(
        &world,
        peer,
        r#""result":{"resources":[{"uri":"x://1"},{"uri":"x://2","name":"two"}]}"#,
    );
    assert!(world.notes().contains("left out the resource x://1, which a has as well"));
    for (uri, child) in [("x://1", 0), ("x://2", 1)] {
        let peer = ask(&mut world, &session, "resources/read", &format!(r#""uri":"{uri}""#));
        answer(&mut world, children[child], "resources/read", r#"{"contents":[]}"#);
        check_answer(&world, peer, r#""result":{"contents":[]}"#);
    }

    ask(&mut world, &session, "resources/templates/list", "");
    let none = r#"{"resourceTemplates":[]}"#;
    answer(&mut world, children[0], "resources/templates/list", none);
    let one = r#"{"resourceTemplates":[{"uriTemplate":"y://{id}/data"}]}"#;
    answer(&mut world, children[1], "resources/templates/list", one);
    world.sent.clear();
    let peer = ask(&mut world, &session, "resources/read", r#""uri":"y://7/data""#);
    assert!(world.sent_to(children[0]).is_empty());
    answer(&mut world, children[1], "resources/read", r#"{"contents":[]}"#);
    assert_eq!(world.client(peer).status, 200);

    // Nobody has listed it: they are asked in order, and the one that has it is remembered.
    let peer = ask(&mut world, &session, "resources/subscribe", r#""uri":"z://1""#);
    fail(&mut world, children[0], "resources/subscribe", -32002);
    answer(&mut world, children[1], "resources/subscribe", "{}");
    check_answer(&world, peer, r#""result":{}"#);
    world.sent.clear();
    ask(&mut world, &session, "resources/unsubscribe", r#""uri":"z://1""#);
    assert!(world.sent_to(children[0]).is_empty());

    let peer = ask(&mut world, &session, "resources/read", r#""uri":"z://2""#);
    fail(&mut world, children[0], "resources/read", -32002);
    fail(&mut world, children[1], "resources/read", -32602);
    check_error(&world, peer, -32002, r#""data":{"uri":"z://2"}"#);
}

// Checklist 118.
#[test]
fn pages_of_several_servers_are_one_list() {
    let (mut world, children) = servers(&["a", "b", "c"], TOOLS);
    let session = session(&mut world);
    let peer = ask(&mut world, &session, "tools/list", "");
    let page = |name: &str, next: &str| {
        let next = if next.is_empty() { String::new() } else { format!(",\"nextCursor\":{next}") };
        format!(r#"{{"tools":[{{"name":"{name}"}}]{next}}}"#)
    };
    answer(&mut world, children[0], "tools/list", &page("1", r#""""#));
    answer(&mut world, children[1], "tools/list", &page("2", ""));
    answer(&mut world, children[2], "tools/list", &page("3", r#""p\u0032""#));
    let body = world.client(peer).body.clone();
    assert!(body.contains("a___1") && body.contains("b___2") && body.contains("c___3"));
    let cursor = cursor_in(&body).unwrap();
    world.sent.clear();
    let peer = ask(&mut world, &session, "tools/list", &format!(r#""cursor":"{cursor}""#));
    assert!(world.sent_to(children[0])[0].contains(r#""params":{"cursor":""}"#));
    assert!(world.sent_to(children[1]).is_empty());
    assert!(world.sent_to(children[2])[0].contains(r#""params":{"cursor":"p\u0032"}"#));
    answer(&mut world, children[0], "tools/list", &page("4", ""));
    answer(&mut world, children[2], "tools/list", &page("5", ""));
    check_answer(&world, peer, r#""result":{"tools":[{"name":"a___4"},{"name":"c___5"}]}"#);

    let last = cursor.chars().last().unwrap();
    let broken = cursor.replace(last, if last == 'A' { "B" } else { "A" });
    for foreign in [r#""""#, r#""x""#, "7", "null", &format!("\"{broken}\"")] {
        let peer = ask(&mut world, &session, "tools/list", &format!(r#""cursor":{foreign}"#));
        check_error(&world, peer, -32602, "unknown cursor");
    }
    let peer = ask(&mut world, &session, "prompts/list", &format!(r#""cursor":"{cursor}""#));
    check_error(&world, peer, -32602, "unknown cursor");
}

fn cursor_in(body: &str) -> Option<String> {
    let (_, rest) = body.split_once(r#""nextCursor":""#)?;
    rest.split_once('"').map(|(cursor, _)| cursor.to_owned())
}

// Checklist 118.
#[test]
fn whatever_the_pages_nothing_is_lost_and_nothing_comes_twice() {
    for seed in 0..40_u32 {
        let (mut world, children) = servers(&["a", "b", "c"], TOOLS);
        let session = session(&mut world);
        // How many pages each server has, and how many tools stand on each.
        let pages: Vec<Vec<u32>> = (0..3)
            .map(|server| {
                let n = seed.wrapping_mul(7 + server) / 3 % 5;
                (0..n).map(|page| (seed + server * 5 + page * 3) % 4).collect()
            })
            .collect();
        let (mut seen, mut params) = (Vec::new(), String::new());
        for _ in 0..6 {
            world.sent.clear();
            let peer = ask(&mut world, &session, "tools/list", &params);
            for (server, child) in children.iter().enumerate() {
                let Some(sent) = world.sent_to(*child).first().map(|&text| text.to_owned()) else {
                    continue;
                };
                let page: usize = sent
                    .split_once(r#""cursor":""#)
                    .map_or(0, |(_, rest)| rest.split('"').next().unwrap().parse().unwrap());
                let n = pages[server].get(page).copied().unwrap_or(0);
                let tools: Vec<_> = (0..n).map(|n| format!(r#"{{"name":"{page}-{n}"}}"#)).collect();
                let next = if page + 1 < pages[server].len() {
                    format!(r#","nextCursor":"{}""#, page + 1)
                } else {
                    String::new()
                };
                let result = format!(r#"{{"tools":[{}]{next}}}"#, tools.join(","));
                answer(&mut world, *child, "tools/list", &result);
            }
            let body = &world.client(peer).body;
            let names = body.split(r#"{"name":""#).skip(1);
            seen.extend(names.map(|name| name.split('"').next().unwrap().to_owned()));
            let Some(cursor) = cursor_in(body) else { break };
            params = format!(r#""cursor":"{cursor}""#);
        }
        let mut want = Vec::new();
        for (server, name) in ["a", "b", "c"].iter().enumerate() {
            for (page, n) in pages[server].iter().enumerate() {
                want.extend((0..*n).map(|n| format!("{name}___{page}-{n}")));
            }
        }
        let mut sorted = seen.clone();
        sorted.sort();
        want.sort();
        assert_eq!(sorted, want, "seed {seed}");
    }
}

#[test]
fn a_cursor_is_for_the_identity_that_got_it() {
    let mut two = crate::world::with_key(snapshot(vec![stdio_server("a")]), &["one", "two"]);
    two.limits.comment_after = Duration::from_secs(60);
    let (mut world, children) = world_of(two, TOOLS);
    let call = |world: &mut World, key: &str, params: &str| {
        use penstock::wire::http1::Field;
        let fields = [
            (Field::ContentType, "application/json"),
            (Field::Host, "localhost:3000"),
            (Field::Authorization, key),
        ];
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":"q","method":"tools/list","params":{{{params}}}}}"#);
        world.post_with("/mcp", &fields, &body)
    };
    let peer = call(&mut world, "one", "");
    answer(&mut world, children[0], "tools/list", r#"{"tools":[],"nextCursor":"2"}"#);
    let cursor = cursor_in(&world.client(peer).body).unwrap();
    let peer = call(&mut world, "two", &format!(r#""cursor":"{cursor}""#));
    check_error(&world, peer, -32602, "unknown cursor");
    let peer = call(&mut world, "one", &format!(r#""cursor":"{cursor}""#));
    answer(&mut world, children[0], "tools/list", r#"{"tools":[]}"#);
    check_answer(&world, peer, r#""result":{"tools":[]}"#);
}

#[test]
fn only_servers_that_have_something_are_asked_for_it() {
    let mut world = World::new(snapshot(vec![stdio_server("a"), stdio_server("b")]));
    let (a, b) = (world.spawned[0], world.spawned[1]);
    open(&mut world, a, TOOLS);
    open(&mut world, b, ALL);
    let session = session(&mut world);
    world.sent.clear();
    let peer = ask(&mut world, &session, "prompts/list", "");
    assert!(world.sent_to(a).is_empty());
    answer(&mut world, b, "prompts/list", r#"{"prompts":[{"name":"p","description":"d"}]}"#);
    check_answer(&world, peer, r#""result":{"prompts":[{"name":"b___p","description":"d"}]}"#);
    let peer = ask(&mut world, &session, "logging/setLevel", r#""level":"info""#);
    assert!(world.sent_to(a).is_empty());
    answer(&mut world, b, "logging/setLevel", "{}");
    check_answer(&world, peer, r#""result":{}"#);
}

#[test]
fn a_method_that_one_server_lacks_is_no_failure() {
    let (mut world, children) = servers(&["a", "b"], ALL);
    let session = session(&mut world);
    let peer = ask(&mut world, &session, "prompts/list", "");
    fail(&mut world, children[0], "prompts/list", -32601);
    answer(&mut world, children[1], "prompts/list", r#"{"prompts":[]}"#);
    check_answer(&world, peer, r#""result":{"prompts":[]}"#);
}

// Checklist 119.
#[test]
fn a_server_that_dies_is_left_out_and_named_until_it_is_back() {
    let (mut world, children) = servers(&["a", "b"], TOOLS);
    let session = session(&mut world);
    let listener = world.get("/mcp", &session, None);
    let list = ask(&mut world, &session, "tools/list", "");
    let call = ask(&mut world, &session, "tools/call", r#""name":"b___now""#);
    world.child_gone(children[1], ChildEnd::Exited(9));
    check_error(&world, call, -32001, "exited with status 9");
    answer(&mut world, children[0], "tools/list", r#"{"tools":[{"name":"now"}]}"#);
    let body = world.client(list).body.clone();
    assert!(body.contains(r#"{"tools":[{"name":"a___now"}],"_meta":{"penstock/failures":{"b":"#));
    assert!(body.contains("exited with status 9"), "{body}");

    // The next one to ask opens it again; it may work.
    let peer = ask(&mut world, &session, "tools/call", r#""name":"b___now""#);
    let again = *world.spawned.last().unwrap();
    assert_eq!(world.spawned.len(), 3);
    answer(&mut world, again, "initialize", TOOLS);
    let sent: Vec<_> = world.sent_to(again);
    assert!(sent[1].contains("notifications/initialized") && sent[2].contains("tools/call"));
    answer(&mut world, again, "tools/call", "{}");
    check_answer(&world, peer, r#""result":{}"#);

    // One that cannot start is left alone until the server has been started again.
    world.child_gone(again, ChildEnd::Exited(9));
    ask(&mut world, &session, "tools/list", "");
    let broken = *world.spawned.last().unwrap();
    world.child_gone(broken, ChildEnd::Exited(1));
    let n = world.spawned.len();
    let peer = ask(&mut world, &session, "tools/call", r#""name":"b___now""#);
    check_error(&world, peer, -32001, "exited with status 1");
    assert_eq!(world.spawned.len(), n);
    world.pass(Duration::from_secs(31));
    let back = *world.spawned.last().unwrap();
    assert_eq!(world.spawned.len(), n + 1);
    open(&mut world, back, TOOLS);
    world.pass(Duration::from_millis(250));
    let told = world.client(listener).events.join("\n");
    assert!(told.contains("tools/list_changed"), "{told}");
    ask(&mut world, &session, "tools/call", r#""name":"b___now""#);
    assert!(world.sent_to(back).last().unwrap().contains("tools/call"));
}

#[test]
fn a_server_that_hangs_is_left_out_in_time_and_told_so() {
    let (mut world, children) = servers(&["a", "b"], TOOLS);
    let session = session(&mut world);
    let list = ask(&mut world, &session, "tools/list", "");
    answer(&mut world, children[1], "tools/list", r#"{"tools":[{"name":"now"}]}"#);
    world.pass(Duration::from_secs(9));
    assert_eq!(world.client(list).status, 0);
    world.pass(Duration::from_secs(1));
    let body = world.client(list).body.clone();
    assert!(body.contains(r#""tools":[{"name":"b___now"}]"#), "{body}");
    assert!(body.contains(r#""penstock/failures":{"a":"server \"a\" timed out"#), "{body}");
    let sent = world.sent_to(children[0]).pop().unwrap().to_owned();
    assert!(sent.contains("notifications/cancelled"), "{sent}");
    // Its answer comes after all.
    answer(&mut world, children[0], "tools/list", r#"{"tools":[]}"#);
    assert!(world.gateway.is_quiet());
}

// Checklist 122.
#[test]
fn what_servers_ask_under_one_id_is_answered_to_each() {
    let (mut world, _) = servers(&["a", "b"], TOOLS);
    let hello = INITIALIZE.replace("\"capabilities\":{}", r#""capabilities":{"sampling":{}}"#);
    let peer = world.post("/mcp", None, &hello);
    let children = world.spawned[2..].to_vec();
    for child in &children {
        answer(&mut world, *child, "initialize", TOOLS);
    }
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let listener = world.get("/mcp", &session, None);
    let request =
        r#"{"jsonrpc":"2.0","id":0,"method":"sampling/createMessage","params":{"n":1.0}}"#;
    let call = ask(&mut world, &session, "tools/call", r#""name":"b___now""#);
    for child in [children[1], children[0]] {
        world.line(child, request);
    }
    let with_id = |id: u32| request.replace("\"id\":0", &format!("\"id\":{id}"));
    assert!(world.client(call).events.last().unwrap().ends_with(&with_id(1)), "its call's stream");
    assert!(world.client(listener).events.last().unwrap().ends_with(&with_id(2)));
    for (id, child) in [(2, children[0]), (1, children[1])] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"of":{id}}}}}"#);
        let peer = world.post("/mcp", Some(&session), &body);
        assert_eq!(world.client(peer).status, 202);
        let want = format!(r#"{{"jsonrpc":"2.0","id":0,"result":{{"of":{id}}}}}"#);
        assert_eq!(world.sent_to(child).last(), Some(&want.as_str()));
        // Once is enough.
        let before = world.sent.len();
        world.post("/mcp", Some(&session), &body);
        assert_eq!(world.sent.len(), before);
    }

    // A server takes its request back: the client knows it under the other id.
    world.line(children[0], request);
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":0}}"#;
    world.line(children[0], cancel);
    let told = world.client(listener).events.last().unwrap().clone();
    assert!(told.ends_with(&cancel.replace("\"requestId\":0", "\"requestId\":3")), "{told}");
    // One that nobody answers is refused under the server's own id.
    world.leave(listener);
    world.line(children[0], &request.replace("\"id\":0", "\"id\":\"s\""));
    world.pass(Duration::from_secs(31));
    let refused = world.sent_to(children[0]).pop().unwrap().to_owned();
    assert!(refused.contains(r#""id":"s","error""#), "{refused}");
}

#[test]
fn changes_are_told_once_for_all_that_change_together() {
    let (mut world, children) = servers(&["a", "b"], ALL);
    let session = session(&mut world);
    let listener = world.get("/mcp", &session, None);
    for kind in ["tools", "tools", "resources"] {
        for child in &children {
            let text =
                format!(r#"{{"jsonrpc":"2.0","method":"notifications/{kind}/list_changed"}}"#);
            world.line(*child, &text);
        }
    }
    assert_eq!(world.client(listener).events.len(), 1, "the primer");
    world.pass(Duration::from_millis(250));
    let events = world.client(listener).events.clone();
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events[1].contains("tools/list_changed") && events[2].contains("resources/list"));
    let updated =
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x"}}"#;
    world.line(children[0], updated);
    assert!(world.client(listener).events.last().unwrap().ends_with(updated));
}

#[test]
fn progress_and_logs_of_a_call_come_on_its_stream() {
    let (mut world, children) = servers(&["a", "b"], ALL);
    let session = session(&mut world);
    let params = r#""name":"b___now","_meta":{"progressToken":"t"}"#;
    let peer = ask(&mut world, &session, "tools/call", params);
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}"#;
    let log =
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#;
    world.line(children[1], progress);
    world.line(children[1], log);
    answer(&mut world, children[1], "tools/call", "{}");
    let events = &world.client(peer).events;
    assert!(events[1].ends_with(progress) && events[2].ends_with(log), "{events:?}");
    assert!(events[3].ends_with(r#"{"jsonrpc":"2.0","id":"q","result":{}}"#));
}

#[test]
fn a_cancelled_request_ends_at_all_servers() {
    let (mut world, children) = servers(&["a", "b"], TOOLS);
    let session = session(&mut world);
    let cancel =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"q"}}"#;
    for (method, params, n) in [("tools/list", "", 2), ("tools/call", r#""name":"b___now""#, 1)] {
        let peer = ask(&mut world, &session, method, params);
        let before = world.sent.len();
        let notice = world.post("/mcp", Some(&session), cancel);
        assert_eq!(world.client(notice).status, 202);
        assert_eq!(world.client(peer).body, "", "no answer follows");
        let told = world.sent[before..].iter().filter(|(_, text)| text.contains("cancelled"));
        assert_eq!(told.count(), n, "{method}");
    }
    answer(&mut world, children[1], "tools/call", "{}");
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

#[test]
fn the_end_of_a_session_ends_its_members() {
    let (mut world, children) = servers(&["a", "b"], TOOLS);
    let session = session(&mut world);
    let list = ask(&mut world, &session, "tools/list", "");
    let call = ask(&mut world, &session, "tools/call", r#""name":"b___now""#);
    let fields = [(penstock::wire::http1::Field::McpSessionId, session.as_str())];
    let peer = world.head(penstock::wire::http1::Method::Delete, "/mcp", &fields);
    assert_eq!(world.client(peer).status, 204);
    check_error(&world, list, -32001, "session not found");
    check_error(&world, call, -32001, "session not found");
    let stopped: Vec<_> = world.stopped.iter().map(|(child, _)| *child).collect();
    assert_eq!(stopped, children);
    assert_eq!(world.gateway.n_sessions(), 0);
    assert!(world.gateway.is_quiet(), "{}", world.gateway.what_is_left());
}

#[test]
fn calls_without_a_handshake_work_on_all_servers() {
    let (mut world, children) = servers(&["a", "b"], TOOLS);
    for n in 0..2 {
        let list = r#"{"jsonrpc":"2.0","id":"q","method":"tools/list"}"#;
        let peer = world.post("/mcp", None, list);
        for child in &children {
            answer(&mut world, *child, "tools/list", r#"{"tools":[{"name":"x"}]}"#);
        }
        check_answer(&world, peer, r#""result":{"tools":[{"name":"a___x"},{"name":"b___x"}]}"#);
        let call = r#"{"jsonrpc":"2.0","id":"q","method":"tools/call","params":{"name":"b___x","_meta":{"progressToken":"t"}}}"#;
        let peer = world.post("/mcp", None, call);
        let id = world.id_of_last(children[1], "tools/call");
        let progress = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{id},"progress":1}}}}"#
        );
        world.line(children[1], &progress);
        answer(&mut world, children[1], "tools/call", "{}");
        let events = &world.client(peer).events;
        assert!(events[0].contains(r#""progressToken":"t""#), "{events:?}");
        assert!(events[1].ends_with(r#"{"jsonrpc":"2.0","id":"q","result":{}}"#), "{n}");
    }
    assert_eq!(world.spawned.len(), 2);
}

// Checklist 137.
#[test]
fn tasks_of_two_servers_do_not_collide() {
    let (mut world, children) = servers(&["a", "b"], ALL);
    let session = session(&mut world);
    for (server, child) in [("a", 0), ("b", 1)] {
        let params = format!(r#""name":"{server}___now","task":{{"ttl":1}}"#);
        let peer = ask(&mut world, &session, "tools/call", &params);
        answer(&mut world, children[child], "tools/call", r#"{"task":{"taskId":"1","ttl":1}}"#);
        check_answer(
            &world,
            peer,
            &format!(r#""result":{{"task":{{"taskId":"{server}:1","ttl":1}}}}"#),
        );
        let params = format!(r#""taskId":"{server}:1""#);
        let peer = ask(&mut world, &session, "tasks/get", &params);
        assert!(world.sent_to(children[child]).pop().unwrap().contains(r#""taskId":"1""#));
        answer(&mut world, children[child], "tasks/get", r#"{"taskId":"1","status":"working"}"#);
        let want = format!(r#""result":{{"taskId":"{server}:1","status":"working"}}"#);
        check_answer(&world, peer, &want);
        let related = r#""_meta":{"io.modelcontextprotocol/related-task":{"taskId":"1"}}"#;
        let peer = ask(&mut world, &session, "tasks/result", &params);
        let result = format!(r#"{{"content":[],"taskId":"9",{related}}}"#);
        answer(&mut world, children[child], "tasks/result", &result);
        let want = result.replace(r#""taskId":"1""#, &format!(r#""taskId":"{server}:1""#));
        check_answer(&world, peer, &format!(r#""result":{want}"#));
    }
    let listener = world.get("/mcp", &session, None);
    let status =
        r#"{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"1"}}"#;
    world.line(children[1], status);
    let told = world.client(listener).events.last().unwrap().clone();
    assert!(told.ends_with(&status.replace("\"1\"", "\"b:1\"")), "{told}");
    let peer = ask(&mut world, &session, "tasks/list", "");
    for child in &children {
        answer(&mut world, *child, "tasks/list", r#"{"tasks":[{"taskId":"1"}]}"#);
    }
    check_answer(&world, peer, r#""result":{"tasks":[{"taskId":"a:1"},{"taskId":"b:1"}]}"#);
    for id in ["1", "c:1", ""] {
        let peer = ask(&mut world, &session, "tasks/cancel", &format!(r#""taskId":"{id}""#));
        check_error(&world, peer, -32602, "unknown task");
    }
}

#[test]
fn a_batch_may_ask_several_servers() {
    let (mut world, children) = servers(&["a", "b"], TOOLS);
    let hello = INITIALIZE.replace("2025-11-25", "2025-03-26");
    let peer = world.post("/mcp", None, &hello);
    let fresh = world.spawned[2..].to_vec();
    for child in &fresh {
        answer(&mut world, *child, "initialize", &TOOLS.replace("2025-11-25", "2025-03-26"));
    }
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"b___x"}},{"jsonrpc":"2.0","id":3,"method":"ping"},{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"x"}}]"#;
    let peer = world.post("/mcp", Some(&session), batch);
    answer(&mut world, fresh[1], "tools/call", "{}");
    for child in &fresh {
        answer(&mut world, *child, "tools/list", r#"{"tools":[]}"#);
    }
    let body = &world.client(peer).body;
    for id in 1..=4 {
        assert!(body.contains(&format!("\"id\":{id}")), "{body}");
    }
    assert!(body.starts_with('[') && world.sent_to(children[0]).is_empty());
}

fn reviewer() -> Snapshot {
    let mut all = snapshot(vec![stdio_server("github"), stdio_server("time")]);
    let tools = |patterns: &[&str]| Some(patterns.iter().map(|&one| one.into()).collect());
    let part = |server, tools, resources| ViewPart {
        server: ServerId(server),
        tools,
        prompts: resources,
        resources,
    };
    all.views.push(View {
        name: "reviewer".into(),
        parts: vec![part(0, tools(&["get_*"]), true), part(1, None, false)],
    });
    all.views.push(View { name: "clock".into(), parts: vec![part(1, None, true)] });
    all
}

#[test]
fn a_view_shows_what_it_is_for() {
    let (mut world, children) = world_of(reviewer(), ALL);
    let path = "/mcp/view/reviewer";
    let peer = world.post(path, None, INITIALIZE);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let ask = |world: &mut World, method: &str, params: &str| {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":"q","method":"{method}","params":{{{params}}}}}"#);
        world.post(path, Some(&session), &body)
    };
    let peer = ask(&mut world, "tools/list", "");
    let tools = r#"{"tools":[{"name":"get_issue"},{"name":"delete"}]}"#;
    answer(&mut world, children[0], "tools/list", tools);
    answer(&mut world, children[1], "tools/list", r#"{"tools":[{"name":"now"}]}"#);
    check_answer(
        &world,
        peer,
        r#""result":{"tools":[{"name":"github___get_issue"},{"name":"time___now"}]}"#,
    );
    let peer = ask(&mut world, "tools/call", r#""name":"github___delete""#);
    check_error(&world, peer, -32602, r#"unknown tool \"github___delete\""#);
    ask(&mut world, "tools/call", r#""name":"github___get_issue""#);
    assert!(world.sent_to(children[0]).pop().unwrap().contains(r#""name":"get_issue""#));
    world.sent.clear();
    ask(&mut world, "resources/list", "");
    assert_eq!(world.sent.len(), 1, "one of the two shows its resources");
    ask(&mut world, "resources/read", r#""uri":"x://1""#);
    assert!(world.sent_to(children[1]).is_empty());
    let peer = ask(&mut world, "prompts/get", r#""name":"time___p""#);
    check_error(&world, peer, -32602, "unknown prompt");
    // The session is of this view and of no other.
    for other in ["/mcp", "/mcp/view/clock", "/mcp/time"] {
        let ping = r#"{"jsonrpc":"2.0","id":"q","method":"ping"}"#;
        let peer = world.post(other, Some(&session), ping);
        assert_eq!(world.client(peer).status, 404, "{other}");
    }
    let peer = world.post("/mcp/view/nobody", None, INITIALIZE);
    assert_eq!(world.client(peer).status, 404);
}

#[test]
fn three_bad_servers_of_five_are_no_trouble_for_the_others() {
    let names = ["good", "hangs", "crashes", "babbles", "fine"];
    let (mut world, children) = servers(&names, TOOLS);
    let session = session(&mut world);
    for round in 0..3 {
        let list = ask(&mut world, &session, "tools/list", "");
        let of = |world: &World, name: &str| {
            let index = names.iter().position(|own| *own == name).unwrap();
            let asked = world.sent.iter().rev().find(|(child, text)| {
                let of_member = *child == children[index] || !children.contains(child);
                of_member && text.contains("tools/list")
            });
            asked.map(|(child, _)| *child)
        };
        for name in ["good", "fine"] {
            let child = of(&world, name).unwrap();
            answer(&mut world, child, "tools/list", r#"{"tools":[{"name":"x"}]}"#);
        }
        let babbler = children[3];
        world.line(babbler, r#"{"jsonrpc":"2.0","id":99,"result":{}}"#);
        world.line(babbler, r#"{"what":"ever"}"#);
        let id = world.id_of_last(babbler, "tools/list");
        world.line(babbler, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":7}}"#));
        if round == 0 {
            world.child_gone(children[2], ChildEnd::Killed(11));
        }
        let call = ask(&mut world, &session, "tools/call", r#""name":"fine___x""#);
        answer(&mut world, children[4], "tools/call", "{}");
        check_answer(&world, call, r#""result":{}"#);
        world.pass(Duration::from_secs(10));
        let body = &world.client(list).body;
        assert!(body.contains(r#"[{"name":"good___x"},{"name":"fine___x"}]"#), "{body}");
        assert!(body.contains(r#""hangs":"server"#) && body.contains(r#""crashes":"#), "{body}");
    }
}
