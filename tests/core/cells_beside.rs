// SPDX-License-Identifier: MIT
//! The cells of `docs/eras.md` that are about more than one call: what changes, what sessions have,
//! tasks, and who the server is.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use penstock::base::Key;
use penstock::gateway::io::Peer;
use penstock::mcp::Era;
use penstock::wire::http1::{Field, Method};

use crate::cell::{Cell, PATH, Pair};
use crate::cells::{
    CALL, DONE, Seen, cannot, does_not_exist, finish, is_no_method, progressed, works,
};

// --- what changes

const CHANGED: [&str; 3] = ["tools", "prompts", "resources"];

pub fn list_changed(cell: &mut Cell) -> Seen {
    let wanted = r#""toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true"#;
    let listener = match cell.pair.client() {
        Era::Legacy => cell.get(),
        Era::Modern => listens(cell, wanted),
    };
    let tag = acknowledged(cell, wanted);
    for kind in CHANGED {
        let method = format!("notifications/{kind}/list_changed");
        cell.says(&format!(r#"{{"jsonrpc":"2.0","method":"{method}"{tag}}}"#));
        let last = cell.last(listener);
        assert!(last.contains(&method), "{last}");
        is_tagged(cell, &last);
    }
    works(true, how_it_listens(cell.pair))
}

pub fn resource_updated(cell: &mut Cell) -> Seen {
    let wanted = r#""resourceSubscriptions":["a:b"]"#;
    let listener = match cell.pair.client() {
        Era::Legacy => cell.get(),
        Era::Modern => listens(cell, wanted),
    };
    let asked = match cell.pair.client() {
        Era::Legacy => Some(cell.ask("resources/subscribe", r#""uri":"a:b""#)),
        Era::Modern => None,
    };
    let tag = acknowledged(cell, wanted).replace(r#""params":{"#, r#""params":{"uri":"a:b","#);
    if cell.pair.server() == Era::Legacy {
        cell.answer("resources/subscribe", "{}");
    }
    if let Some(peer) = asked {
        assert!(cell.last(peer).contains(r#""result":{}"#), "{}", cell.last(peer));
    }
    let tag = if tag.is_empty() { r#","params":{"uri":"a:b"}"# } else { &tag };
    cell.says(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated"{tag}}}"#));
    let last = cell.last(listener);
    assert!(last.contains("resources/updated") && last.contains(r#""uri":"a:b""#), "{last}");
    is_tagged(cell, &last);
    works(true, how_it_listens(cell.pair))
}

fn how_it_listens(pair: Pair) -> &'static str {
    match pair {
        Pair::B => "the gateway listens for the session",
        Pair::C => "the gateway subscribes for what is listened to",
        Pair::A | Pair::D => "",
    }
}

fn listens(cell: &mut Cell, wanted: &str) -> Key<Peer> {
    let extra = format!(r#""notifications":{{{wanted}}}"#);
    let peer = cell.ask("subscriptions/listen", &extra);
    if cell.pair == Pair::C {
        let first = cell.last(peer);
        assert!(first.contains("subscriptions/acknowledged") && first.contains(wanted), "{first}");
    }
    peer
}

/// A modern server acknowledges; what it puts on each notification of the subscription.
fn acknowledged(cell: &mut Cell, wanted: &str) -> String {
    if cell.pair.server() == Era::Legacy {
        return String::new();
    }
    let (id, sent) = cell.heard("subscriptions/listen").unwrap();
    assert!(sent.contains(wanted.trim_end_matches(']')), "{sent}");
    let tag = format!(r#""_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}"#);
    cell.says(&format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"notifications":{{{wanted}}},{tag}}}}}"#
    ));
    format!(r#","params":{{{tag}}}"#)
}

/// Modern clients are told for which subscription it is, legacy ones know of none.
#[track_caller]
fn is_tagged(cell: &Cell, text: &str) {
    let tag = r#""io.modelcontextprotocol/subscriptionId":"q""#;
    let is_modern = cell.pair.client() == Era::Modern;
    assert_eq!(text.contains(tag), is_modern, "{text}");
    assert_eq!(text.contains("subscriptionId"), is_modern, "{text}");
}

// --- what only sessions have

pub fn ping(cell: &mut Cell) -> Seen {
    if cell.pair.client() == Era::Modern {
        return is_no_method(cell, "ping", "");
    }
    let peer = cell.ask("ping", "");
    if cell.pair == Pair::A {
        cell.answer("ping", r#"{"kept":1.0}"#);
        return works(cell.last(peer).contains(r#""kept":1.0"#), "");
    }
    let is_ours = cell.heard("ping").is_none() && cell.last(peer).contains(r#""result":{}"#);
    works(is_ours, "answered by the gateway")
}

pub fn set_level(cell: &mut Cell) -> Seen {
    if cell.pair.client() == Era::Modern {
        return is_no_method(cell, "logging/setLevel", r#""level":"info""#);
    }
    let peer = cell.ask("logging/setLevel", r#""level":"info""#);
    if cell.pair == Pair::A {
        cell.answer("logging/setLevel", "{}");
        return works(cell.last(peer).contains(r#""result":{}"#), "");
    }
    let is_ours = cell.heard("logging/setLevel").is_none();
    let is_answered = cell.last(peer).contains(r#""result":{}"#);
    works(is_ours && is_answered, "kept by the gateway, and told with each call")
}

pub fn roots_changed(cell: &mut Cell) -> Seen {
    let method = "notifications/roots/list_changed";
    let peer = cell.notify(method, "");
    assert_eq!(cell.world.client(peer).status, 202);
    if cell.pair == Pair::A {
        return works(cell.heard(method).is_some(), "");
    }
    // Accepted and dropped: a modern server asks when it needs them.
    does_not_exist(cell.heard(method).is_none())
}

pub fn resumption(cell: &mut Cell) -> Seen {
    if cell.pair.client() == Era::Modern {
        let fields = [
            (Field::Accept, "text/event-stream"),
            (Field::McpProtocolVersion, "2026-07-28"),
            (Field::LastEventId, "1-1"),
        ];
        let peer = cell.world.head(Method::Get, PATH, &fields);
        return does_not_exist(cell.world.client(peer).status == 405);
    }
    let peer = cell.ask_with("tools/call", CALL, r#""progressToken":"p""#);
    let (_, sent) = cell.heard("tools/call").unwrap();
    let token = sent.split_once(r#""progressToken":"#).unwrap().1;
    let token = token.split([',', '}']).next().unwrap().to_owned();
    cell.says(&progressed(&token));
    let events = cell.world.client(peer).events.clone();
    let seen = events.last().unwrap().split_once('|').unwrap().0.to_owned();
    cell.world.leave(peer);
    cell.says(&progressed(&token).replace("1e0", "2e0"));
    cell.answer("tools/call", DONE);
    let session = cell.session.clone().unwrap();
    let back = cell.world.get(PATH, &session, Some(&seen));
    let got = cell.got(back);
    let is_whole = got.len() == 2 && got[0].contains("2e0") && got[1].contains(r#""content":[]"#);
    works(is_whole, "from what the gateway has kept")
}

pub fn state_per_session(cell: &mut Cell) -> Seen {
    match cell.pair {
        Pair::A => {
            let first = cell.child;
            let n = cell.world.spawned.len();
            let body = crate::world::INITIALIZE.replace("{}", r#"{"roots":{}}"#);
            cell.world.post(PATH, None, &body);
            let own = *cell.world.spawned.last().unwrap();
            let is_own = cell.world.spawned.len() == n + 1 && own != first;
            works(is_own, "each session has a process of its own, unless it is `shared`")
        }
        Pair::C => {
            let n = cell.world.spawned.len();
            cell.ask("tools/list", "");
            let is_shared = cell.heard("tools/list").is_some() && cell.world.spawned.len() == n;
            cannot(is_shared, "clients of the same key and capabilities share sessions")
        }
        // A modern server keeps none.
        Pair::B | Pair::D => "–".to_owned(),
    }
}

// --- tasks

pub fn old_tasks(cell: &mut Cell) -> Seen {
    let task = r#""task":{"ttl":600000}"#;
    match cell.pair {
        Pair::A => {
            assert!(cell.greeting.contains(r#""tasks":{"list""#), "{}", cell.greeting);
            let peer = cell.ask("tools/call", &format!("{CALL},{task}"));
            assert!(cell.heard("tools/call").unwrap().1.contains(task));
            let created = r#"{"task":{"taskId":"7","status":"working"}}"#;
            cell.answer("tools/call", created);
            assert!(cell.last(peer).contains(created), "{}", cell.last(peer));
            let peer = cell.ask("tasks/get", r#""taskId":"7""#);
            cell.answer("tasks/get", r#"{"taskId":"7","status":"completed"}"#);
            works(cell.last(peer).contains("completed"), "")
        }
        Pair::B => {
            let is_hidden = !cell.greeting.contains("\"tasks\"");
            cannot(is_hidden, "the server has none, and the client is told so")
        }
        Pair::C => {
            let peer = cell.ask("server/discover", "");
            let said = cell.last(peer);
            let is_hidden = said.contains(r#""capabilities":{"#) && !said.contains("\"tasks\"");
            let list = cell.ask("tools/list", "");
            let tool = r#"{"name":"now","inputSchema":{"type":"object"},"execution":{"taskSupport":"optional"}}"#;
            cell.answer("tools/list", &format!(r#"{{"tools":[{tool}]}}"#));
            let listed = cell.last(list);
            let is_plain = listed.contains("\"now\"") && !listed.contains("taskSupport");
            cannot(is_hidden && is_plain, "the client knows none, and is not told of them")
        }
        Pair::D => is_no_method(cell, "tasks/result", r#""taskId":"7""#),
    }
}

pub fn new_tasks(cell: &mut Cell) -> Seen {
    let extension = "io.modelcontextprotocol/tasks";
    match cell.pair {
        Pair::A => does_not_exist(!cell.greeting.contains(extension)),
        Pair::B => {
            let is_hidden = !cell.greeting.contains(extension);
            let peer = cell.ask("tools/call", CALL);
            let (_, sent) = cell.heard("tools/call").unwrap();
            assert!(!sent.contains(extension), "{sent}");
            finish(cell, peer);
            cannot(is_hidden, "the client knows none, and is not told of them")
        }
        Pair::C => {
            let peer = cell.ask("server/discover", "");
            let is_hidden = !cell.last(peer).contains(extension);
            assert!(is_hidden, "{}", cell.last(peer));
            let peer = cell.ask("tasks/get", r#""taskId":"7""#);
            let got = cell.world.client(peer);
            let is_refused = got.status == 404 && got.body.contains("-32601");
            cannot(is_refused, "the server has none, and the client is told so")
        }
        Pair::D => {
            let peer = cell.ask("server/discover", "");
            cell.answer_discover();
            assert!(cell.last(peer).contains(extension), "{}", cell.last(peer));
            let peer = cell.ask("tools/call", CALL);
            let created = r#"{"resultType":"task","taskId":"T","status":"working","ttlMs":null}"#;
            cell.answer("tools/call", created);
            assert!(cell.last(peer).contains(created), "{}", cell.last(peer));
            let peer = cell.ask("tasks/get", r#""taskId":"T""#);
            cell.answer("tasks/get", r#"{"taskId":"T","status":"completed"}"#);
            works(cell.last(peer).contains("completed"), "")
        }
    }
}

pub fn offered_tasks(cell: &mut Cell) -> Seen {
    let mut cell = Cell::with_offered_tasks(cell.pair);
    let is_old = cell.pair.client() == Era::Legacy;
    if cell.pair == Pair::B {
        let is_told = cell.greeting.contains("\"tasks\"");
        return cannot(!is_told, "the client is told that there are none");
    }
    let wish = if is_old { r#","task":{"ttl":600000}"# } else { "" };
    let peer = cell.ask("tools/call", &format!("{CALL}{wish}"));
    let (_, sent) = cell.heard("tools/call").unwrap();
    assert!(!sent.contains("\"task\"") && sent.contains(CALL), "{sent}");
    cell.world.pass(std::time::Duration::from_secs(13));
    let made = cell.last(peer);
    assert_eq!(made.contains(r#""resultType":"task""#), !is_old, "{made}");
    let task = made.split_once(r#""taskId":""#).unwrap().1.split('"').next().unwrap();
    let named = format!(r#""taskId":"{task}""#);
    cell.world.leave(peer);
    cell.answer("tools/call", r#"{"content":[],"kept":1.0}"#);
    let peer = cell.ask("tasks/get", &named);
    let state = cell.last(peer);
    assert!(state.contains(r#""status":"completed""#), "{state}");
    if is_old {
        let peer = cell.ask("tasks/result", &named);
        return works(cell.last(peer).contains(r#""kept":1.0"#), "if the client asks for one");
    }
    works(state.contains(r#""kept":1.0"#), "if the call takes long and the client knows tasks")
}

pub fn identity(cell: &mut Cell) -> Seen {
    let info = r#"{"name":"t","version":"1"}"#;
    let tagged = format!(r#""io.modelcontextprotocol/serverInfo":{info}"#);
    let peer = cell.ask("tools/call", CALL);
    let meta = format!(r#"{{"content":[],"_meta":{{{tagged}}}}}"#);
    let is_new = cell.pair.server() == Era::Modern;
    cell.answer("tools/call", if is_new { &meta } else { DONE });
    let last = cell.last(peer);
    let greeted = cell.greeting.contains(&format!(r#""serverInfo":{info}"#));
    match cell.pair {
        Pair::A | Pair::B => works(greeted, "in the handshake"),
        Pair::C => works(last.contains(&tagged), "the gateway adds it to each result"),
        Pair::D => works(last.contains(&tagged), "in each result"),
    }
}
