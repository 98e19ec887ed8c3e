// SPDX-License-Identifier: MIT
//! What clients of 2026-07-28 do: they say everything with each request, come back with answers,
//! leave when they have enough, and forge what they can.

use penstock::wire::json::tree::Node;

use crate::acts::IDS;
use crate::brain::{Asked, KINDS, URIS, What, text_of};
use crate::modern_origin::FAR_NAME;
use crate::socket::Kind;
use crate::world::World;

/// What a modern client knows beyond one request.
#[derive(Default)]
pub struct Modern {
    /// What it can be asked for, as a JSON object.
    pub can: String,
    /// What it was asked and has not brought yet.
    pub rounds: Vec<Question>,
    /// States that it has seen.
    pub states: Vec<String>,
}

/// An answer that asked for input.
#[derive(Clone, Debug)]
pub struct Question {
    pub tag: usize,
    pub keys: Vec<String>,
    pub state: Option<String>,
}

/// A request but for its id and what belongs to one attempt.
#[derive(Clone, Debug)]
pub struct Request {
    method: &'static str,
    /// The field `Mcp-Name`.
    name: Option<String>,
    params: String,
}

const CALLS: [&str; 6] = [
    "tools/call",
    "tools/call",
    "tools/call",
    "prompts/get",
    "resources/read",
    "completion/complete",
];
const LISTS: [&str; 5] =
    ["server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list"];

impl World {
    pub fn modern_acts(&mut self, client: usize) {
        match self.dice.below(if self.weather.calm { 11 } else { 20 }) {
            0..5 => self.ask_modern(client),
            5 => self.ask_for_list(client),
            6 => self.subscribe(client),
            7..11 => self.come_back(client),
            11 => self.forge(client),
            12 | 13 => self.leave(client),
            14 | 15 => self.slip(client),
            16 => self.say_something(client),
            _ => self.misbehave(client),
        }
    }

    fn ask_modern(&mut self, client: usize) {
        let tag = self.ledger.calls.len();
        let who = self.clients[client].who.clone();
        let method = self.dice.pick(&CALLS);
        let own = format!(r#""arguments":{{"tag":{tag},"who":"{who}"}}"#);
        let far = method == "tools/call" && self.dice.one_in(9);
        let (name, params) = match method {
            "tools/call" if far => {
                (Some(FAR_NAME.1.into()), format!(r#""name":"{}",{own}"#, FAR_NAME.0))
            }
            "tools/call" | "prompts/get" => {
                (Some("echo".into()), format!(r#""name":"echo",{own}"#))
            }
            "resources/read" => {
                (Some(format!("mem://{tag}")), format!(r#"{own},"uri":"mem://{tag}""#))
            }
            _ => (None, own),
        };
        let request = Request { method, name, params };
        self.send_modern(client, request, None, What::Call, "");
    }

    fn ask_for_list(&mut self, client: usize) {
        let method = self.dice.pick(&LISTS);
        let request = Request { method, name: None, params: String::new() };
        self.send_modern(client, request, None, What::List, "");
    }

    fn subscribe(&mut self, client: usize) {
        let is_its = |socket: &crate::socket::Socket| {
            socket.client == client
                && socket.expects.iter().any(|one| matches!(one.kind, Kind::Subscription(_)))
        };
        if self.sockets.open.values().filter(|socket| is_its(socket)).count() > 1 {
            return;
        }
        let mut wanted = Vec::new();
        for name in ["toolsListChanged", "promptsListChanged", "resourcesListChanged"] {
            if self.dice.one_in(2) {
                wanted.push(format!("\"{name}\":true"));
            }
        }
        let uris: Vec<_> = URIS.iter().filter(|_| self.dice.one_in(2)).collect();
        if !uris.is_empty() {
            wanted.push(format!("\"resourceSubscriptions\":{uris:?}"));
        }
        let params = format!("\"notifications\":{{{}}}", wanted.join(","));
        let request = Request { method: "subscriptions/listen", name: None, params };
        self.send_modern(client, request, None, What::Listen, "");
    }

    /// Sends a request; `first` is the first attempt at the same call, `more` what a retry brings.
    fn send_modern(
        &mut self,
        client: usize,
        request: Request,
        first: Option<usize>,
        what: What,
        more: &str,
    ) {
        let tag = self.ledger.calls.len();
        let who = self.clients[client].who.clone();
        let root = first.unwrap_or(tag);
        let id = self.dice.pick(&IDS).to_owned();
        let is_used = |call: &Asked| call.who == who && call.id == id && call.answered == 0;
        let id = if self.ledger.calls.iter().any(is_used) { tag.to_string() } else { id };
        let token = self.dice.one_in(2).then(|| match self.dice.one_in(2) {
            true => id.clone(),
            false => format!("\"t{tag}\""),
        });
        let meta = self.meta(client, token.as_deref());
        let members = [&meta, &*request.params, more];
        let members: Vec<_> = members.into_iter().filter(|part| !part.is_empty()).collect();
        let method = request.method;
        let body = format!(
            r#"{{"jsonrpc":"2.0","method":"{method}","params":{{{}}},"id":{id}}}"#,
            members.join(",")
        );
        let fields = self.fields(method, request.name.as_deref(), what == What::Listen);
        self.ledger.calls.push(Asked {
            client,
            who,
            what,
            id,
            token,
            root,
            request: Some(request),
            at: self.now.mono,
            honoured: None,
            answered: 0,
            cancelled: false,
            executed: 0,
            allowed: 1,
        });
        let kind = match what {
            What::Listen => Kind::Subscription(tag),
            _ => Kind::Modern(tag),
        };
        self.write(client, kind, "POST", &fields, Some(&body));
    }

    /// `_meta` of a request.
    fn meta(&mut self, client: usize, token: Option<&str>) -> String {
        let state = &self.clients[client];
        let mut meta = format!(
            r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"sim/key":"{}""#,
            state.modern.can, state.key
        );
        if self.dice.one_in(2) {
            meta.push_str(r#","io.modelcontextprotocol/clientInfo":{"name":"m","version":"1"}"#);
        }
        if self.dice.one_in(2) {
            meta.push_str(r#","io.modelcontextprotocol/logLevel":"info""#);
        }
        if let Some(token) = token {
            meta.push_str(&format!(r#","progressToken":{token}"#));
        }
        format!("\"_meta\":{{{meta}}}")
    }

    fn fields(&mut self, method: &str, name: Option<&str>, listens: bool) -> String {
        let accept = match self.dice.below(8) {
            0 => "*/*",
            1 if !listens => "application/json",
            2 => "text/event-stream;q=0.5, application/json",
            _ => "application/json, text/event-stream",
        };
        let mut fields = format!(
            "Content-Type: application/json\r\nAccept: {accept}\r\n\
             MCP-Protocol-Version: 2026-07-28\r\nmcp-method: {method} \r\n"
        );
        if let Some(name) = name {
            fields.push_str(&format!("Mcp-Name: {name}\r\n"));
        }
        if self.dice.one_in(9) {
            // What belongs to the other era means nothing.
            fields.push_str("Mcp-Session-Id: nonsense\r\nLast-Event-ID: 1-1\r\n");
        }
        fields
    }

    /// Brings what was asked for, or tries once more from the beginning.
    pub fn come_back(&mut self, client: usize) {
        if self.clients[client].modern.rounds.is_empty() {
            return self.ask_modern(client);
        }
        let at = self.dice.below(self.clients[client].modern.rounds.len());
        let state = &mut self.clients[client].modern;
        let is_again = !self.weather.calm && self.dice.one_in(9);
        let question = match is_again {
            true => state.rounds[at].clone(),
            false => state.rounds.swap_remove(at),
        };
        let mut parts = Vec::new();
        let who = self.clients[client].who.clone();
        let mut responses = Vec::new();
        for key in &question.keys {
            if self.weather.calm || !self.dice.one_in(9) {
                responses.push(format!(r#""{key}":{{"who":"{who}","action":"accept"}}"#));
            }
        }
        let is_bare = !self.weather.calm && self.dice.one_in(12);
        if !question.keys.is_empty() {
            parts.push(format!("\"inputResponses\":{{{}}}", responses.join(",")));
        }
        if let Some(state) = question.state.filter(|_| self.weather.calm || !self.dice.one_in(9)) {
            parts.push(format!("\"requestState\":{state}"));
        }
        let more = if is_bare { String::new() } else { parts.join(",") };
        // Other calls may wait until this one is over.
        self.hurry = true;
        self.send_again(client, question.tag, &more);
        self.hurry = false;
    }

    fn send_again(&mut self, client: usize, tag: usize, more: &str) {
        let call = &self.ledger.calls[tag];
        let (root, request) = (call.root, call.request.clone().unwrap());
        self.ledger.calls[root].allowed += 1;
        self.ledger.calls[root].at = self.now.mono;
        self.send_modern(client, request, Some(root), What::Call, more);
    }

    /// Comes back with a state that was never given for this call.
    fn forge(&mut self, client: usize) {
        let is_own = |call: &&Asked| {
            call.client == client && call.what == What::Call && call.request.is_some()
        };
        let own: Vec<_> = self.ledger.calls.iter().filter(is_own).map(|call| call.root).collect();
        if own.is_empty() {
            return;
        }
        let tag = self.dice.pick(&own);
        let all: Vec<_> =
            self.clients.iter().flat_map(|client| client.modern.states.clone()).collect();
        let state = match self.dice.below(all.len() + 1) {
            0 => "\"AAAA\"".to_owned(),
            at => all[at - 1].clone(),
        };
        let who = self.clients[client].who.clone();
        let key = self.dice.pick(&KINDS).0;
        let more = format!(
            r#""requestState":{state},"inputResponses":{{"k0":{{"who":"{who}"}},"{key}-1":{{"who":"{who}"}}}}"#
        );
        self.send_again(client, tag, &more);
    }

    /// Leaves in the middle: that is how a modern client cancels.
    fn leave(&mut self, client: usize) {
        let waits = |socket: &crate::socket::Socket| {
            socket.client == client
                && socket
                    .expects
                    .iter()
                    .any(|one| matches!(one.kind, Kind::Modern(_) | Kind::Subscription(_)))
        };
        let all = self.sockets.open.iter().filter(|(_, socket)| waits(socket));
        let all: Vec<_> = all.map(|(key, _)| *key).collect();
        if !all.is_empty() {
            let key = self.dice.pick(&all);
            self.remove_socket(key);
        }
    }

    fn say_something(&mut self, client: usize) {
        let meta = self.meta(client, None);
        let method = "notifications/initialized";
        let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{{meta}}}}}"#);
        let fields = self.fields(method, None, false);
        self.write(client, Kind::Notice, "POST", &fields, Some(&body));
    }

    /// A request with something wrong about it, which is refused in one way alone.
    fn slip(&mut self, client: usize) {
        let meta = self.meta(client, None);
        let who = self.clients[client].who.clone();
        let params = format!(r#"{meta},"name":"echo","arguments":{{"who":"{who}"}}"#);
        let body = |method: &str, params: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{{params}}}}}"#)
        };
        let call = body("tools/call", &params);
        let fields = |version: &str, method: &str, name: &str| {
            let mut fields = "Content-Type: application/json\r\nAccept: */*\r\n".to_owned();
            let named =
                [("MCP-Protocol-Version", version), ("Mcp-Method", method), ("Mcp-Name", name)];
            for (field, value) in named.iter().filter(|(_, value)| !value.is_empty()) {
                fields.push_str(&format!("{field}: {value}\r\n"));
            }
            fields
        };
        let now = "2026-07-28";
        let right = fields(now, "tools/call", "echo");
        let (status, code, fields, body) = match self.dice.below(11) {
            0 => (400, -32020, fields(now, "", "echo"), call),
            1 => (400, -32020, fields(now, "Tools/Call", "echo"), call),
            2 => (400, -32020, fields(now, "tools/call", "other"), call),
            3 => (400, -32020, fields(now, "tools/call", ""), call),
            4 => (400, -32020, fields("2025-11-25", "tools/call", "echo"), call),
            5 => (400, -32020, fields("", "tools/call", "echo"), call),
            6 => (400, -32020, fields(now, "tools/call", "=?base64?w6k?="), call),
            7 => {
                let far = call.replace(now, "2027-01-01");
                (400, -32022, fields("2027-01-01", "tools/call", "echo"), far)
            }
            8 => {
                let silent = call.replace("clientCapabilities", "capabilities");
                (400, -32602, right, silent)
            }
            9 => (404, -32601, fields(now, "ping", ""), body("ping", &meta)),
            _ => (400, -32600, right, format!("[{call}]")),
        };
        self.write(client, Kind::Slip { status, code }, "POST", &fields, Some(&body));
    }

    /// A modern client is asked for input: it keeps that for later.
    pub fn note_question(&mut self, client: usize, tag: usize, text: &str, result: &Node) {
        let requests = result.get("inputRequests").and_then(Node::as_object).unwrap_or_default();
        let who = self.clients[client].who.clone();
        let root = self.ledger.calls[tag].root as u64;
        let mut keys = Vec::new();
        for (name, request) in requests {
            let params = request.get("params").expect("params of a question");
            let said = params.get("who").and_then(Node::as_str);
            assert_eq!(said, Some(&*who), "somebody else is asked: {text}");
            assert_eq!(params.get("tag").and_then(Node::as_u64), Some(root), "{text}");
            keys.push(name.text.to_string());
        }
        let state = result.get("requestState").map(|state| text_of(text, state).to_owned());
        assert!(!keys.is_empty() || state.is_some(), "asked for nothing: {text}");
        self.ledger.count("questions to modern clients");
        let modern = &mut self.clients[client].modern;
        modern.states.extend(state.clone());
        modern.rounds.push(Question { tag, keys, state });
    }
}
