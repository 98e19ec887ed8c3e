// SPDX-License-Identifier: MIT
//! What clients do: open sessions, call, listen, resume, cancel, leave, and write nonsense.

use penstock::base::Key;
use penstock::gateway::io::Peer;

use crate::brain::{Asked, What};
use crate::socket::{Expect, Kind};
use crate::world::World;

/// Ids and tokens as clients spell them; all clients use the same ones.
pub const IDS: [&str; 10] =
    ["1", "\"1\"", "0", "-7", "2", "\"a\"", "\"\\u0061\"", "\"é\"", "\"\"", "9007199254740993"];

/// What clients say they can be asked for.
pub const CAPABILITIES: [&str; 5] = [
    "{}",
    r#"{"sampling":{}}"#,
    r#"{"elicitation":{"form":{},"url":{}}}"#,
    r#"{"roots":{},"sampling":{}}"#,
    r#"{"sampling":{},"elicitation":{},"roots":{}}"#,
];

impl World {
    /// One client does one thing.
    pub fn client_acts(&mut self) {
        let index = self.dice.below(self.clients.len());
        let client = &self.clients[index];
        if client.is_modern {
            return self.modern_acts(index);
        }
        if client.one_shot {
            return self.call(index);
        }
        if client.session.is_none() {
            if !client.opening {
                self.open_session(index);
            }
            return;
        }
        let calm = self.weather.calm;
        match self.dice.below(if calm { 12 } else { 20 }) {
            0..6 => self.call(index),
            6 => self.listen(index),
            7 => self.notify(index, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
            8 | 9 => self.answer_one(index),
            10 => self.cancel(index),
            11 if self.dice.one_in(2) => self.plain(index),
            11 => self.batch(index),
            12 => self.resume(index),
            13 => self.steal(index),
            14 if self.dice.one_in(4) => self.delete(index),
            _ => self.misbehave(index),
        }
    }

    /// A connection for one more request: an idle one, a busy one, or a new one.
    fn way(&mut self, client: usize) -> Option<Key<Peer>> {
        let usable: Vec<_> = self
            .sockets
            .open
            .iter()
            .filter(|(_, socket)| {
                socket.client == client
                    && !socket.ends
                    && !socket.stalled
                    && socket.expects.len() < if self.hurry { 1 } else { 3 }
                    && !socket.expects.iter().any(|one| {
                        matches!(one.kind, Kind::Listen { .. } | Kind::Subscription(_))
                            || one.kind == Kind::Other && !self.weather.calm
                    })
            })
            .map(|(key, _)| *key)
            .collect();
        if !usable.is_empty() && (self.hurry || !self.dice.one_in(3)) {
            return Some(self.dice.pick(&usable));
        }
        self.connect(client)
    }

    pub fn write(
        &mut self,
        client: usize,
        kind: Kind,
        method: &str,
        fields: &str,
        body: Option<&str>,
    ) {
        let Some(key) = self.way(client) else { return self.unsent(&kind) };
        let state = &self.clients[client];
        let mut text =
            format!("{method} /mcp/s{} HTTP/1.1\r\nHost: localhost:8000\r\n{fields}", state.server);
        if self.weather.auth {
            text.push_str(&format!("Authorization: {}\r\n", state.key));
        }
        let who = state.who.clone();
        match body {
            None => text.push_str("\r\n"),
            Some(body) if self.dice.one_in(4) => {
                text.push_str("Transfer-Encoding: chunked\r\n\r\n");
                let mut rest = body.as_bytes();
                let mut bytes = text.into_bytes();
                while !rest.is_empty() {
                    let n = (1 + self.dice.below(60)).min(rest.len());
                    bytes.extend_from_slice(format!("{n:x}\r\n").as_bytes());
                    bytes.extend_from_slice(&rest[..n]);
                    bytes.extend_from_slice(b"\r\n");
                    rest = &rest[n..];
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
                return self.put(key, Expect { who, kind, status: 0, streams: false }, &bytes);
            }
            Some(body) => {
                if self.dice.one_in(9) {
                    text.push_str("Expect: 100-continue\r\n");
                }
                text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
            }
        }
        self.put(key, Expect { who, kind, status: 0, streams: false }, text.as_bytes());
    }

    fn put(&mut self, key: Key<Peer>, expect: Expect, bytes: &[u8]) {
        self.say(|| format!("    {key:?} writes {}", bytes.escape_ascii()));
        if let Some(socket) = self.sockets.open.get_mut(&key) {
            socket.expects.push_back(expect);
            socket.to_gateway.extend(bytes);
        }
    }

    /// Nothing was sent, so nothing is owed.
    fn unsent(&mut self, kind: &Kind) {
        for tag in kind.tags() {
            self.ledger.calls[*tag].cancelled = true;
        }
    }

    fn post(&mut self, client: usize, kind: Kind, body: &str) {
        let state = &self.clients[client];
        let mut fields = "Content-Type: application/json\r\n\
                          Accept: application/json, text/event-stream\r\n"
            .to_owned();
        if let Some(session) = state.session.as_ref().filter(|_| kind != Kind::Open) {
            fields.push_str(&format!("Mcp-Session-Id: {session}\r\n"));
        }
        self.write(client, kind, "POST", &fields, Some(body));
    }

    fn open_session(&mut self, client: usize) {
        let date = match self.dice.one_in(9) {
            true => "2099-01-01",
            false => self.clients[client].revision,
        };
        let capabilities = self.dice.pick(&CAPABILITIES);
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{{"protocolVersion":"{date}","capabilities":{capabilities},"clientInfo":{{"name":"c","version":"1"}}}}}}"#
        );
        self.clients[client].opening = true;
        let before = self.n_expected();
        self.post(client, Kind::Open, &body);
        if self.n_expected() == before {
            self.clients[client].opening = false;
        }
    }

    fn n_expected(&self) -> usize {
        self.sockets.open.values().map(|socket| socket.expects.len()).sum()
    }

    /// A new `tools/call`, written down; its tag and its text. `None`: all ids are in use.
    fn new_call(&mut self, client: usize) -> Option<(usize, String)> {
        let tag = self.ledger.calls.len();
        let who = self.clients[client].who.clone();
        let params = format!(r#""name":"echo","arguments":{{"tag":{tag},"who":"{who}"}}"#);
        self.new_request(client, "tools/call", &params, What::Call)
    }

    /// Something that a server need not work on.
    fn plain(&mut self, client: usize) {
        let uri = self.dice.pick(&crate::brain::URIS);
        // Who takes back what is not answered yet may be refused.
        let (method, params) = match self.dice.below(if self.weather.calm { 4 } else { 5 }) {
            0 => ("ping", String::new()),
            1 => ("tools/list", String::new()),
            2 => ("logging/setLevel", r#""level":"info""#.to_owned()),
            3 => ("resources/subscribe", format!(r#""uri":"{uri}""#)),
            _ => ("resources/unsubscribe", format!(r#""uri":"{uri}""#)),
        };
        if let Some((tag, text)) = self.new_request(client, method, &params, What::Plain) {
            self.post(client, Kind::Calls(vec![tag]), &text);
        }
    }

    fn new_request(
        &mut self,
        client: usize,
        method: &str,
        params: &str,
        what: What,
    ) -> Option<(usize, String)> {
        let state = &self.clients[client];
        let used =
            |id: &str| self.ledger.calls.iter().any(|call| call.who == state.who && call.id == id);
        let tag = self.ledger.calls.len();
        let mut id = self.dice.pick(&IDS).to_owned();
        if used(&id) {
            id = tag.to_string();
        }
        if used(&id) {
            return None;
        }
        let who = state.who.clone();
        let token = (!self.dice.one_in(3)).then(|| match self.dice.one_in(2) {
            true => id.clone(),
            false => format!("\"t{tag}\""),
        });
        let meta = token
            .as_ref()
            .map_or_else(String::new, |token| format!(r#""_meta":{{"progressToken":{token}}}"#));
        let comma = if meta.is_empty() || params.is_empty() { "" } else { "," };
        let gap = if self.dice.one_in(5) { "\r\n  " } else { "" };
        let text = format!(
            r#"{{"jsonrpc":"2.0",{gap}"id":{id},"method":"{method}","params":{{{params}{comma}{meta}}}}}"#
        );
        self.ledger.calls.push(Asked {
            client,
            who,
            what,
            id,
            token,
            root: tag,
            request: None,
            at: self.now.mono,
            honoured: None,
            answered: 0,
            cancelled: false,
            executed: 0,
            allowed: 1,
        });
        Some((tag, text))
    }

    fn call(&mut self, client: usize) {
        if let Some((tag, text)) = self.new_call(client) {
            self.post(client, Kind::Calls(vec![tag]), &text);
        }
    }

    fn batch(&mut self, client: usize) {
        let state = &self.clients[client];
        if self.weather.calm && (state.opening || state.revision > "2025-03-26") {
            return;
        }
        let calls: Vec<_> =
            (0..1 + self.dice.below(3)).filter_map(|_| self.new_call(client)).collect();
        let mut texts: Vec<_> = calls.iter().map(|(_, text)| text.clone()).collect();
        if self.dice.one_in(3) {
            texts.push(r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#.into());
        }
        if texts.is_empty() {
            return;
        }
        let tags = calls.iter().map(|(tag, _)| *tag).collect();
        self.post(client, Kind::Calls(tags), &format!("[{}]", texts.join(",")));
    }

    fn notify(&mut self, client: usize, text: &str) {
        self.post(client, Kind::Notice, text);
    }

    pub fn answer_one(&mut self, client: usize) {
        let state = &mut self.clients[client];
        let Some(id) = state.asked.pop() else { return };
        let who = state.who.clone();
        let fails = !self.weather.calm && self.dice.one_in(9);
        let text = match fails {
            true => {
                format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-1,"message":"I will not"}}}}"#
                )
            }
            false => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"who":"{who}"}}}}"#),
        };
        // The call that asks waits for it, and so would everything behind that call.
        self.hurry = true;
        let before = self.n_expected();
        self.notify(client, &text);
        self.hurry = false;
        if self.n_expected() == before {
            // There is no way now, but perhaps later.
            return self.clients[client].asked.insert(0, id);
        }
        if fails {
            return;
        }
        if self.dice.one_in(5) {
            self.notify(client, &text);
        }
    }

    fn cancel(&mut self, client: usize) {
        let who = self.clients[client].who.clone();
        let open = |call: &&mut Asked| call.who == who && call.answered == 0;
        let mut open: Vec<_> = self.ledger.calls.iter_mut().filter(open).collect();
        let at = self.dice.below(open.len());
        let Some(call) = open.get_mut(at) else { return };
        call.cancelled = true;
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{}}}}}"#,
            call.id
        );
        self.notify(client, &text);
    }

    fn get(&mut self, client: usize, last: Option<&str>) {
        let state = &self.clients[client];
        let Some(session) = &state.session else { return };
        let mut fields = format!("Accept: text/event-stream\r\nMcp-Session-Id: {session}\r\n");
        if let Some(last) = last {
            fields.push_str(&format!("Last-Event-ID: {last}\r\n"));
        }
        self.write(client, Kind::Listen { resumed: last.is_some() }, "GET", &fields, None);
    }

    fn listen(&mut self, client: usize) {
        let listens = |socket: &crate::socket::Socket| {
            socket.client == client
                && socket.expects.iter().any(|one| matches!(one.kind, Kind::Listen { .. }))
        };
        if self.dice.one_in(4) || !self.sockets.open.values().any(listens) {
            self.get(client, None);
        }
    }

    fn resume(&mut self, client: usize) {
        let state = &self.clients[client];
        let mine = state.events.keys().filter(|(who, _)| *who == state.who);
        let events: Vec<_> = mine.map(|(_, id)| id.clone()).collect();
        let last = match state.cut.last() {
            Some(last) if !self.dice.one_in(4) => last.clone(),
            _ if events.is_empty() => "1-1".to_owned(),
            _ => events[self.dice.below(events.len())].clone(),
        };
        self.clients[client].cut.pop();
        self.get(client, Some(&last));
    }

    /// Uses the session of somebody with another key.
    fn steal(&mut self, client: usize) {
        if !self.weather.auth {
            return;
        }
        let own = &self.clients[client];
        let other =
            self.clients.iter().find(|other| other.key != own.key && other.session.is_some());
        let Some(session) = other.and_then(|other| other.session.clone()) else { return };
        let (server, key) = (other.map_or(0, |other| other.server), own.key);
        let Some(way) = self.connect(client) else { return };
        let expect = Expect { who: "thief".into(), kind: Kind::Delete, status: 0, streams: false };
        let text = format!(
            "DELETE /mcp/s{server} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {key}\r\nMcp-Session-Id: {session}\r\n\r\n"
        );
        self.put(way, expect, text.as_bytes());
    }

    fn delete(&mut self, client: usize) {
        let state = &self.clients[client];
        let Some(session) = state.session.clone() else { return };
        let fields = format!("Mcp-Session-Id: {session}\r\n");
        self.write(client, Kind::Delete, "DELETE", &fields, None);
        self.clients[client].begin_again();
    }

    /// Impatience and nonsense.
    pub fn misbehave(&mut self, client: usize) {
        let own: Vec<_> = self
            .sockets
            .open
            .iter()
            .filter(|(_, socket)| socket.client == client)
            .map(|(key, _)| *key)
            .collect();
        if own.is_empty() {
            return;
        }
        let key = self.dice.pick(&own);
        let Some(socket) = self.sockets.open.get_mut(&key) else { return };
        match self.dice.below(8) {
            0 | 1 => self.remove_socket(key),
            2 => socket.ends = true,
            3 | 4 => socket.stalled = !socket.stalled,
            5 => {
                // Half of what is on its way never comes.
                let n = socket.to_gateway.len() / 2;
                socket.to_gateway.truncate(n);
                socket.ends = true;
            }
            6 => {
                let who = "nobody".to_owned();
                let expect = Expect { who, kind: Kind::Other, status: 0, streams: false };
                let junk = self.dice.pick(&[
                    "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
                    "POST /mcp/s0 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n{]}",
                    "NONSENSE\r\n\r\n",
                    "POST /mcp/s0 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n",
                ]);
                if !socket.ends {
                    self.put(key, expect, junk.as_bytes());
                }
            }
            _ => socket.stalled = false,
        }
    }
}
