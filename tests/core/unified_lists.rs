// SPDX-License-Identifier: MIT
//! Several servers as one: lists, what stands in them, and who is meant by it.

use std::time::Duration;

use penstock::gateway::io::{ChildEnd, EventKind};
use penstock::gateway::snapshot::{Care, Server, ServerId, Snapshot, View, ViewPart};

use crate::unified::{
    ALL, TOOLS, answer, ask, check_answer, check_error, fail, open, servers, session, stdio_server,
    world_of,
};
use crate::world::{INITIALIZE, World, snapshot};

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

// Checklist 118.
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
fn a_view_tells_no_changes_of_what_it_does_not_show() {
    let (mut world, children) = world_of(reviewer(), ALL);
    let path = "/mcp/view/reviewer";
    let peer = world.post(path, None, INITIALIZE);
    let session = world.client(peer).fields["Mcp-Session-Id"].clone();
    let listener = world.get(path, &session, None);
    let mut say = |child: usize, what: &str| {
        let notice = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/{what}","params":{{"uri":"x://1"}}}}"#
        );
        world.line(children[child], &notice);
        world.pass(Duration::from_millis(250));
        let told = world.client(listener).events.join("\n");
        told.contains(what)
    };
    for what in ["prompts/list_changed", "resources/list_changed", "resources/updated"] {
        assert!(!say(1, what), "{what} of a server of which the view shows only tools");
    }
    assert!(say(1, "tools/list_changed"));
    for what in ["resources/list_changed", "resources/updated"] {
        assert!(say(0, what), "{what}");
    }
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

// Checklist 119.
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

#[test]
fn names_that_are_too_long_for_a_client_are_shortened_and_come_back() {
    let name = "a".repeat(30);
    let tool = "t".repeat(50);
    let server = Server { schema: Care::Claude, ..stdio_server(&name) };
    let mut world = World::new(snapshot(vec![server]));
    let child = world.spawned[0];
    let page = format!(r#"{{"tools":[{{"name":"{tool}"}},{{"name":"short"}}]}}"#);
    answer(&mut world, child, "initialize", TOOLS);
    answer(&mut world, child, "tools/list", &page);
    // For people, the file of all tools says what becomes of which.
    let told = world.events.iter().find_map(|event| match &event.kind {
        EventKind::Tools { unified, .. } => unified.first().cloned(),
        _ => None,
    });
    let (own, short) = told.unwrap();
    assert!(*own == *tool && short.len() <= 64, "{short}");
    let session = session(&mut world);
    let peer = ask(&mut world, &session, "tools/list", "");
    answer(&mut world, child, "tools/list", &page);
    let body = world.client(peer).body.clone();
    assert!(body.contains(&format!("\"{short}\"")), "{body}");
    assert!(body.contains(&format!("\"{name}___short\"")), "{body}");
    for name in [&*short, &format!("{name}___{tool}")] {
        ask(&mut world, &session, "tools/call", &format!(r#""name":"{name}""#));
        let sent = world.sent_to(child).pop().unwrap().to_owned();
        assert!(sent.contains(&format!(r#""name":"{tool}""#)), "{sent}");
    }
}

#[test]
fn tools_that_cannot_be_shown_are_named_under_their_unified_names() {
    let a = Server { schema: Care::Reference, ..stdio_server("a") };
    let (mut world, children) = world_of(snapshot(vec![a, stdio_server("b")]), TOOLS);
    let session = session(&mut world);
    let peer = ask(&mut world, &session, "tools/list", "");
    let page = r#"{"tools":[{"name":"bad","inputSchema":{"type":"string"}}]}"#;
    answer(&mut world, children[0], "tools/list", page);
    answer(&mut world, children[1], "tools/list", r#"{"tools":[]}"#);
    let body = &world.client(peer).body;
    let want = r#""tools":[],"_meta":{"penstock/withheld":[{"tool":"a___bad","reason":"#;
    assert!(body.contains(want), "{body}");
}
