// SPDX-License-Identifier: MIT
//! A server of 2026-07-28 behind HTTP: each POST says everything, in its body and in its fields.

use penstock::wire::json::tree::{self, Node};

use crate::brain::Heard;
use crate::modern_brain::Subscription;
use crate::origin::{Doing, Request};
use crate::temper::{Era, Temper, era_of};
use crate::world::World;

/// The name of a tool that no field can carry as it is, and what carries it.
pub const FAR_NAME: (&str, &str) = ("é", "=?base64?w6k=?=");

impl World {
    /// Whether a POST is for the part of a server that remembers nobody.
    pub fn is_for_modern(&self, server: usize, request: &Request) -> bool {
        let node = tree::parse(request.body.as_bytes(), 600).expect("servers get JSON");
        match self.origins[server].temper {
            Temper::Modern => true,
            Temper::Both => era_of(&node) == Era::Modern,
            Temper::Legacy | Temper::Odd => false,
        }
    }

    pub fn serve_modern(&mut self, at: usize, request: &Request) {
        let wire = &mut self.wires[at];
        let origin = &mut self.origins[wire.server];
        let m = origin.manner;
        let node = tree::parse(request.body.as_bytes(), 600).unwrap();
        if era_of(&node) == Era::Modern {
            check_fields(request, &node);
            if self.dice.one_in(m.lie * 2) {
                // Nothing was wrong with them.
                let id = node
                    .get("id")
                    .map_or(b"null".as_slice(), |id| id.span.of(request.body.as_bytes()));
                let text = crate::brain::refusal(&String::from_utf8_lossy(id), -32020, "1");
                return wire.reply(400, "application/json", "", &text);
            }
        }
        match origin.modern.hear(&request.body, &mut self.ledger, &mut self.dice, &m) {
            Heard::Answer(answer) => match status_of(&answer) {
                200 if origin.streams => {
                    wire.begin_stream("");
                    wire.event(&answer);
                    wire.end_stream();
                }
                status => wire.reply(status, "application/json", "", &answer),
            },
            Heard::Task(task) => wire.doing = Doing::Task { task, begun: false },
            Heard::Subscribed(id, filter) => {
                wire.begin_stream("");
                wire.doing = Doing::Subscribed(Subscription::new(id, filter));
            }
            _ => panic!("a modern server is told what is no request: {}", request.body),
        }
    }

    /// A subscription goes on.
    pub fn wire_tells(&mut self, number: u64) -> bool {
        let Some(wire) = self.wires.iter_mut().find(|wire| wire.number == number) else {
            return false;
        };
        let m = self.origins[wire.server].manner;
        let Doing::Subscribed(one) = &mut wire.doing else { return false };
        if one.acknowledged && self.dice.one_in(m.linger * 9) {
            let last = one.end();
            wire.doing = Doing::Nothing;
            wire.event(&last);
            wire.end_stream();
            return true;
        }
        let Some(said) = one.speak(&mut self.dice, &m) else { return false };
        wire.event(&said);
        said.contains("acknowledged")
    }
}

/// The status that goes with an answer of a modern server.
fn status_of(answer: &str) -> u16 {
    match answer {
        _ if answer.contains("\"code\":-32601") => 404,
        _ if answer.contains("\"code\":-3202") => 400,
        _ => 200,
    }
}

/// The fields say what the body says, and nothing of the other era.
fn check_fields(request: &Request, node: &Node) {
    let field = |name: &str| {
        request.head.lines().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let head = &request.head;
    assert!(head.starts_with("POST "), "{head}");
    assert_eq!(field("mcp-protocol-version"), Some("2026-07-28"), "{head}");
    let method = node.get("method").and_then(Node::as_str);
    assert_eq!(field("mcp-method"), method, "{head}");
    for stranger in ["mcp-session-id", "last-event-id"] {
        assert_eq!(field(stranger), None, "{head}");
    }
    let member = match method {
        Some("tools/call" | "prompts/get") => "name",
        Some("resources/read") => "uri",
        _ => return,
    };
    let name = node.get("params").and_then(|params| params.get(member)).and_then(Node::as_str);
    let name = name.map(|name| if name == FAR_NAME.0 { FAR_NAME.1 } else { name });
    assert_eq!(field("mcp-name"), name, "{head}");
}
