// SPDX-License-Identifier: MIT
//! A client of one era, the gateway, and a server of one era: what all four have in common.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use penstock::base::Key;
use penstock::gateway::io::{Backend, ChildEnd, Peer};
use penstock::gateway::snapshot::Server;
use penstock::mcp::Era;
use penstock::wire::http1::Field;

use crate::world::{INITIALIZE, World, id_in, snapshot, stdio_server};

pub const PATH: &str = "/mcp/time";

/// What every client here can do.
const CAN: &str = r#"{"sampling":{},"elicitation":{"form":{},"url":{}},"roots":{"listChanged":true},"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;
/// What every server here can do; beside tasks, which differ.
const OFFERS: &str = r#""tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"completions":{},"logging":{}"#;
const TASKS: &str = r#","tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}"#;
const EXTENSION: &str = r#","extensions":{"io.modelcontextprotocol/tasks":{}}"#;
const WHO: &str = r#"{"name":"t","version":"1"}"#;
const REFUSED: &str =
    r#""error":{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
const TOOLS: &str = r#"{"tools":[]}"#;

/// Who meets whom; the letters are those of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// An old client and an old server.
    A,
    /// An old client and a new server.
    B,
    /// A new client and an old server.
    C,
    /// A new client and a new server.
    D,
}

impl Pair {
    pub const ALL: [Self; 4] = [Self::A, Self::B, Self::C, Self::D];

    pub const fn client(self) -> Era {
        if matches!(self, Self::A | Self::B) { Era::Legacy } else { Era::Modern }
    }

    pub const fn server(self) -> Era {
        if matches!(self, Self::A | Self::C) { Era::Legacy } else { Era::Modern }
    }
}

/// A gateway in peace before one server, with one client.
pub struct Cell {
    pub pair: Pair,
    pub world: World,
    /// The process that serves the client.
    pub child: Key<Backend>,
    /// What a legacy client was told at its start.
    pub greeting: String,
    /// The session of a legacy client.
    pub session: Option<String>,
    /// Whether the server has no tasks.
    is_plain: bool,
}

impl Cell {
    pub fn new(pair: Pair) -> Self {
        Self::with(pair, stdio_server("time"), false)
    }

    /// The same with a server that has no tasks, for which the gateway offers them.
    pub fn with_offered_tasks(pair: Pair) -> Self {
        let mut server = stdio_server("time");
        server.tasks = true;
        Self::with(pair, server, true)
    }

    fn with(pair: Pair, server: Server, is_plain: bool) -> Self {
        let world = World::new(snapshot(vec![server]));
        let child = world.spawned[0];
        let mut cell =
            Self { pair, world, child, greeting: String::new(), session: None, is_plain };
        match pair.server() {
            Era::Legacy => cell.greet(),
            Era::Modern => {
                let id = cell.heard("initialize").unwrap().0;
                cell.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},{REFUSED}}}"#));
                world_forgets(&mut cell.world, child);
                cell.child = *cell.world.spawned.last().unwrap();
                cell.answer_discover();
            }
        }
        cell.answer("tools/list", TOOLS);
        match pair.client() {
            Era::Legacy => cell.open(),
            Era::Modern => cell.come(),
        }
        cell.world.sent.clear();
        cell
    }

    fn greet(&mut self) {
        let tasks = if self.is_plain { "" } else { TASKS };
        let said = format!(
            r#"{{"protocolVersion":"2025-11-25","capabilities":{{{OFFERS}{tasks}}},"serverInfo":{WHO}}}"#
        );
        let id = self.heard("initialize").unwrap().0;
        self.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{said}}}"#));
    }

    /// A modern server says what it is.
    pub fn answer_discover(&mut self) {
        let tasks = if self.is_plain { "" } else { EXTENSION };
        let said = format!(
            r#"{{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{{{OFFERS}{tasks}}},"ttlMs":0,"cacheScope":"private","_meta":{{"io.modelcontextprotocol/serverInfo":{WHO}}}}}"#
        );
        self.answer("server/discover", &said);
    }

    /// A legacy client opens its session.
    fn open(&mut self) {
        let peer = self.world.post(PATH, None, &INITIALIZE.replace("{}", CAN));
        if self.pair == Pair::A {
            self.child = *self.world.spawned.last().unwrap();
            self.greet();
        }
        let got = self.world.client(peer);
        self.greeting = got.body.clone();
        self.session = Some(got.fields["Mcp-Session-Id"].clone());
        self.notify("notifications/initialized", "");
    }

    /// A modern client asks for the first time, and the gateway learns the server's era.
    fn come(&mut self) {
        let peer = self.ask("tools/list", "");
        if self.pair == Pair::C {
            let probe = *self.world.spawned.last().unwrap();
            world_forgets(&mut self.world, probe);
            self.child = *self.world.spawned.last().unwrap();
            self.greet();
        }
        self.answer("tools/list", TOOLS);
        assert_eq!(self.world.client(peer).status, 200);
    }

    // --- the client

    pub fn ask(&mut self, method: &str, extra: &str) -> Key<Peer> {
        self.ask_with(method, extra, "")
    }

    /// A request with these members of `params` and of its `_meta`.
    pub fn ask_with(&mut self, method: &str, extra: &str, meta: &str) -> Key<Peer> {
        let body = match self.pair.client() {
            Era::Modern => crate::world::modern_request("\"q\"", method, extra, CAN, meta),
            Era::Legacy => {
                let comma = if extra.is_empty() { "" } else { "," };
                format!(
                    r#"{{"jsonrpc":"2.0","id":"q","method":"{method}","params":{{"_meta":{{{meta}}}{comma}{extra}}}}}"#
                )
            }
        };
        self.post(method, extra, &body)
    }

    pub fn notify(&mut self, method: &str, params: &str) -> Key<Peer> {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{{params}}}}}"#);
        self.post(method, params, &body)
    }

    /// Answers a request that the client got.
    pub fn reply(&mut self, id: &str, result: &str) {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        self.post("", "", &body);
    }

    fn post(&mut self, method: &str, extra: &str, body: &str) -> Key<Peer> {
        let mut fields = vec![
            (Field::Accept, "application/json, text/event-stream"),
            (Field::ContentType, "application/json"),
        ];
        let session = self.session.clone();
        fields.extend(session.as_deref().map(|session| (Field::McpSessionId, session)));
        if self.pair.client() == Era::Modern {
            fields.push((Field::McpProtocolVersion, "2026-07-28"));
            fields.push((Field::McpMethod, method));
            let named = ["\"name\":\"", "\"uri\":\"", "\"taskId\":\""];
            let rest = named.iter().find_map(|name| extra.strip_prefix(name));
            let name = rest.and_then(|rest| rest.split('"').next());
            fields.extend(name.map(|name| (Field::McpName, name)));
        }
        self.world.post_with(PATH, &fields, body)
    }

    /// The stream of a legacy client for what belongs to no request.
    pub fn get(&mut self) -> Key<Peer> {
        let session = self.session.clone().unwrap();
        self.world.get(PATH, &session, None)
    }

    /// The messages that a client has got: events, and the one of a plain answer.
    pub fn got(&self, peer: Key<Peer>) -> Vec<String> {
        let got = self.world.client(peer);
        let events = got.events.iter().filter_map(|event| event.split_once('|'));
        let mut all: Vec<_> = events.map(|(_, text)| text.to_owned()).collect();
        all.push(got.body.clone());
        all.retain(|text| !text.is_empty());
        all
    }

    /// The last of them.
    #[track_caller]
    pub fn last(&self, peer: Key<Peer>) -> String {
        self.got(peer).pop().unwrap_or_default()
    }

    // --- the server

    /// The id and the text of what the server was last sent with this method.
    pub fn heard(&self, method: &str) -> Option<(String, String)> {
        let quoted = format!("\"method\":\"{method}\"");
        let mut all = self.world.sent.iter().rev();
        let (_, text) = all.find(|(to, text)| *to == self.child && text.contains(&quoted))?;
        Some((id_in(text), text.clone()))
    }

    pub fn says(&mut self, line: &str) {
        self.world.line(self.child, line);
    }

    /// Answers the last request with this method as a server of its era does.
    #[track_caller]
    pub fn answer(&mut self, method: &str, result: &str) {
        let (id, _) = self.heard(method).unwrap_or_else(|| panic!("{method} was not sent"));
        let mut members = vec![result.strip_prefix('{').unwrap().strip_suffix('}').unwrap()];
        if self.pair.server() == Era::Modern && !result.contains("\"resultType\"") {
            if method.ends_with("/list") || method == "resources/read" {
                members.insert(0, r#""ttlMs":0,"cacheScope":"private""#);
            }
            members.insert(0, r#""resultType":"complete""#);
        }
        members.retain(|text| !text.is_empty());
        let result = members.join(",");
        self.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{{result}}}}}"#));
    }

    /// The server fails the last request with this method.
    pub fn fail(&mut self, method: &str, error: &str) {
        let (id, _) = self.heard(method).unwrap();
        self.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
    }
}

/// A process that was only asked what it speaks.
fn world_forgets(world: &mut World, child: Key<Backend>) {
    world.child_gone(child, ChildEnd::Exited(1));
}
