// SPDX-License-Identifier: MIT
//! A world in memory for the core: clients and backends without sockets, time by hand.

#![allow(dead_code, reason = "every test file uses its own part of the world")]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[path = "got.rs"]
mod got;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use penstock::base::{Key, Limits, Message, Now, Rng, Secret};
use penstock::gateway::Gateway;
use penstock::gateway::io::{
    Backend, ChildEnd, Event, EventKind, Fetch, FetchContent, FetchError, FetchErrorKind,
    FetchEvent, FetchHead, FetchRequest, Input, Judging, Output, Peer, PeerAddress, StreamData,
    Work,
};
use penstock::gateway::patience::Patience;
use penstock::gateway::shards::{Moved, Shard};
use penstock::gateway::snapshot::{
    Care, ChildCommand, HttpTarget, ResponseMode, Server, ServerId, Snapshot, Transport, View,
};
use penstock::policy::auth;
use penstock::wire::http1::{Content, Field, Method};

#[path = "heads.rs"]
mod heads;

pub use got::Got;
pub use heads::{head, mirror};

/// The whole world around one gateway.
pub struct World {
    pub gateway: Gateway,
    pub now: Now,
    pub clients: HashMap<Key<Peer>, Got>,
    pub spawned: Vec<Key<Backend>>,
    /// The servers of those.
    pub names: HashMap<Key<Backend>, String>,
    pub stopped: Vec<(Key<Backend>, bool)>,
    pub sent: Vec<(Key<Backend>, String)>,
    pub fetches: Vec<(Key<Fetch>, FetchRequest)>,
    pub cancelled: Vec<Key<Fetch>>,
    pub paused: Vec<bool>,
    /// What was decided about long messages.
    pub passes: Vec<bool>,
    pub events: Vec<Event>,
    pub moved: Vec<(Key<Peer>, u16, Box<Moved>)>,
    pub told_others: Vec<&'static str>,
    pub listening: bool,
    pub exited: bool,
    /// What workers have been given and not done.
    pub work: VecDeque<(Key<Judging>, Box<dyn Work>)>,
    /// Whether what they are given waits for [`World::work_a_piece`].
    pub workers_rest: bool,
    next_peer: u32,
    /// The `Mcp-Param-*` fields of every head from now on.
    pub params: Vec<(&'static str, &'static str)>,
}

/// A server named `time` behind a child.
pub fn stdio_server(name: &str) -> Server {
    let command = ChildCommand {
        server: name.into(),
        program: "time-server".into(),
        args: Vec::new(),
        env: Vec::new(),
        cwd: None,
        container: None,
        leave_after_max: Duration::from_secs(1),
        term_after_max: Duration::from_secs(1),
    };
    server(name, Transport::Stdio(Arc::new(command)))
}

/// A server behind HTTP.
pub fn http_server(name: &str) -> Server {
    let target = HttpTarget {
        server: name.into(),
        tls: false,
        host: "backend.example".into(),
        port: 80,
        path: "/mcp".into(),
        headers: Vec::new(),
        connect_timeout: Duration::from_secs(5),
    };
    server(name, Transport::Http(Arc::new(target)))
}

fn server(name: &str, transport: Transport) -> Server {
    Server {
        name: name.into(),
        transport,
        tools: None,
        startup_timeout: Duration::from_secs(30),
        tool_timeout: Duration::from_secs(60),
        patience: Patience::default(),
        tasks: false,
        shared: false,
        required: false,
        response: ResponseMode::Auto,
        schema: Care::Reference,
        watch: None,
    }
}

pub fn snapshot(servers: Vec<Server>) -> Snapshot {
    let ids = (0..servers.len() as u16).map(ServerId);
    Snapshot {
        views: vec![View::of_all(ids)],
        servers,
        auth: auth::Options::default(),
        session_timeout: Duration::from_secs(6 * 3600),
        responses: Vec::new(),
        schemas: Vec::new(),
        close_timeout: Duration::from_secs(30),
        websocket: false,
        metrics: true,
        tolerance: Default::default(),
        budgets: Default::default(),
        guards: Default::default(),
        limits: Limits::DEFAULT,
        version: "0.1.0".into(),
    }
}

pub fn with_key(mut snapshot: Snapshot, keys: &[&str]) -> Snapshot {
    snapshot.auth.agents = keys.iter().map(|key| Secret::new(key.as_bytes())).collect();
    snapshot
}

impl World {
    pub fn new(snapshot: Snapshot) -> Self {
        let mut world = Self::quiet(snapshot);
        world.pump();
        world
    }

    /// A world in which the gateway has not said anything yet.
    pub fn quiet(snapshot: Snapshot) -> Self {
        let now = Now { mono: Instant::now(), unix_ms: 1_700_000_000_000 };
        Self::around(Gateway::new(Arc::new(snapshot), Rng::new([7; 32]), now), now)
    }

    /// One of several shards.
    pub fn shard(snapshot: Snapshot, shard: Shard) -> Self {
        let now = Now { mono: Instant::now(), unix_ms: 1_700_000_000_000 };
        let rng = Rng::new([7 + shard.index() as u8; 32]);
        let gateway = Gateway::shard(Arc::new(snapshot), rng, now, (shard, KEY));
        let mut world = Self::around(gateway, now);
        world.pump();
        world
    }

    fn around(gateway: Gateway, now: Now) -> Self {
        Self {
            gateway,
            now,
            clients: HashMap::new(),
            spawned: Vec::new(),
            names: HashMap::new(),
            stopped: Vec::new(),
            sent: Vec::new(),
            fetches: Vec::new(),
            cancelled: Vec::new(),
            paused: Vec::new(),
            passes: Vec::new(),
            moved: Vec::new(),
            told_others: Vec::new(),
            events: Vec::new(),
            listening: true,
            exited: false,
            work: VecDeque::new(),
            workers_rest: false,
            next_peer: 0,
            params: Vec::new(),
        }
    }

    /// One server behind a child, already open and listed, so that tests begin in peace.
    pub fn with_child() -> (Self, Key<Backend>) {
        let mut world = Self::new(snapshot(vec![stdio_server("time")]));
        let child = world.spawned[0];
        world.open_child(child);
        (world, child)
    }

    /// Answers the gateway's own `initialize` and `tools/list` on a child.
    pub fn open_child(&mut self, child: Key<Backend>) {
        let id = self.id_of_last(child, "initialize");
        self.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{HANDSHAKE}}}"#));
        let id = self.id_of_last(child, "tools/list");
        self.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[]}}}}"#));
        self.sent.clear();
    }

    pub fn input(&mut self, input: Input) {
        self.gateway.handle_input(input, self.now);
        self.pump();
    }

    pub fn pass(&mut self, after: Duration) {
        self.now = self.now.later(after);
        self.gateway.handle_timeout(self.now);
        self.pump();
    }

    fn pump(&mut self) {
        const PIECES_MAX: usize = 10_000;
        for _ in 0..PIECES_MAX {
            while let Some(output) = self.gateway.poll_output() {
                self.take(output);
            }
            self.gateway.check_invariants();
            if self.workers_rest || !self.work_once() {
                return;
            }
        }
        panic!("a task that is never done");
    }

    /// Does what a worker does; whether there was anything to do.
    pub fn work_a_piece(&mut self) -> bool {
        let worked = self.work_once();
        self.pump();
        worked
    }

    fn work_once(&mut self) -> bool {
        let Some((judging, mut task)) = self.work.pop_front() else { return false };
        task.step();
        self.gateway.handle_input(Input::Worked { judging, task }, self.now);
        true
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Receive { peer, .. } => self.got(peer).receiving = true,
            Output::Watch { peer } => assert!(self.got(peer).receiving, "nothing to watch"),
            Output::Respond { peer, head, body, close } => {
                let text = String::from_utf8(body.to_message().to_vec()).unwrap();
                let got = self.got(peer);
                assert!(got.status == 0, "answered twice");
                got.status = head.status;
                got.body = text;
                got.finished = true;
                got.closed |= close;
                got.fields = head.fields.into_iter().map(|(k, v)| (k, v.into_owned())).collect();
            }
            Output::RespondMetrics { peer, head, up } => {
                let body = Message::new(format!("up: {up:?}").into_bytes()).into();
                self.take(Output::Respond { peer, head, body, close: false });
            }
            Output::Stream { peer, head } => {
                assert_eq!(head.content, Content::Events);
                self.got(peer).streams(head);
            }
            Output::Upgrade { peer, head, .. } => self.got(peer).streams(head),
            Output::Event { peer, event } => {
                let id = event.id.map(String::from).unwrap_or_default();
                let text = match event.data {
                    StreamData::Comment => ":".to_owned(),
                    StreamData::Empty => format!("{id}|"),
                    StreamData::Endpoint(path) => {
                        format!("endpoint {}", String::from_utf8_lossy(&path))
                    }
                    StreamData::Message(splice) => {
                        let text = String::from_utf8(splice.to_message().to_vec()).unwrap();
                        format!("{id}|{text}")
                    }
                };
                let got = self.got(peer);
                assert!(got.is_stream && !got.finished, "an event outside a stream");
                assert!(got.part.is_none(), "an event in an event");
                got.events.push(text);
            }
            Output::Begin { peer, head } => self.got(peer).begins(head),
            Output::Part { peer, bytes } => self.got(peer).takes_part(&bytes),
            Output::Finish { peer } => self.got(peer).finishes(),
            Output::Close { peer } => self.got(peer).closed = true,
            Output::Move { peer, shard, what } => self.moved.push((peer, shard, what)),
            Output::DrainOthers { why, .. } => self.told_others.push(why),
            Output::HaltOthers => self.told_others.push("halt"),
            Output::Spawn { backend, command } => self.spawn(backend, &command.server),
            Output::Send { backend, message } => {
                let text = String::from_utf8(message.to_message().to_vec()).unwrap();
                assert!(!text.contains('\n'), "a newline on stdio");
                self.sent.push((backend, text));
            }
            Output::Stop { backend, now } => self.stopped.push((backend, now)),
            Output::PassLine { passes, .. } | Output::PassMessage { passes, .. } => {
                self.passes.push(passes);
            }
            Output::PauseChild { paused, .. } | Output::PauseFetch { paused, .. } => {
                self.paused.push(paused);
            }
            Output::Fetch { fetch, request } => self.fetches.push((fetch, *request)),
            Output::Cancel { fetch } => self.cancelled.push(fetch),
            Output::Work { judging, task } => self.work.push_back((judging, task)),
            Output::Emit(event) => self.events.push(event),
            Output::StopListening => self.listening = false,
            Output::Exit => self.exited = true,
        }
    }

    fn spawn(&mut self, backend: Key<Backend>, server: &str) {
        self.spawned.push(backend);
        self.names.insert(backend, server.to_owned());
    }

    fn got(&mut self, peer: Key<Peer>) -> &mut Got {
        self.clients.entry(peer).or_default()
    }

    pub fn client(&self, peer: Key<Peer>) -> &Got {
        &self.clients[&peer]
    }

    // --- clients

    pub fn peer(&mut self) -> Key<Peer> {
        self.next_peer += 1;
        let peer = Key::from_parts(self.next_peer, 0);
        self.clients.insert(peer, Got::default());
        peer
    }

    /// Sends a head on a new connection.
    pub fn head(&mut self, method: Method, path: &str, fields: &[(Field, &str)]) -> Key<Peer> {
        self.head_with(method, path, fields, &[])
    }

    /// The same with lines of fields that have no place of their own.
    pub fn head_with(
        &mut self,
        method: Method,
        path: &str,
        fields: &[(Field, &str)],
        lines: &[&str],
    ) -> Key<Peer> {
        let peer = self.peer();
        let mut head = head(method, path, fields);
        mirror(&mut head, &self.params);
        if !lines.is_empty() {
            let lines = format!("\r\n{}\r\n\r\n", lines.join("\r\n"));
            head.bytes = Message::new([&head.bytes[..], lines.as_bytes()].concat());
        }
        self.input(Input::Head { peer, from: FROM, head: head.into() });
        peer
    }

    /// A connection comes from another shard.
    pub fn arrives(&mut self, what: Box<Moved>) -> Key<Peer> {
        let peer = self.peer();
        self.input(Input::Moved { peer, from: FROM, what });
        peer
    }

    pub fn post_with(&mut self, path: &str, fields: &[(Field, &str)], body: &str) -> Key<Peer> {
        let peer = self.head(Method::Post, path, fields);
        if self.client(peer).receiving {
            self.input(Input::Body { peer, body: Message::from(body) });
        }
        peer
    }

    /// A POST as SDK clients send it.
    pub fn post(&mut self, path: &str, session: Option<&str>, body: &str) -> Key<Peer> {
        let mut fields = vec![
            (Field::Accept, "application/json, text/event-stream"),
            (Field::ContentType, "application/json"),
            (Field::Host, "localhost:3000"),
        ];
        if let Some(session) = session {
            fields.push((Field::McpSessionId, session));
        }
        self.post_with(path, &fields, body)
    }

    /// A POST as clients of 2026-07-28 send it: `extra` are more members of `params`.
    pub fn ask(&mut self, path: &str, id: &str, method: &str, extra: &str) -> Key<Peer> {
        self.ask_as(path, id, method, extra, "{}", "")
    }

    /// The same with these capabilities, and more members of `_meta`.
    pub fn ask_as(
        &mut self,
        path: &str,
        id: &str,
        method: &str,
        extra: &str,
        can: &str,
        meta: &str,
    ) -> Key<Peer> {
        let body = modern_request(id, method, extra, can, meta);
        let named = if method == "resources/read" { "\"uri\":\"" } else { "\"name\":\"" };
        let name = extra.split_once(named).and_then(|(_, rest)| rest.split_once('"'));
        let mut fields = vec![
            (Field::Accept, "application/json, text/event-stream"),
            (Field::ContentType, "application/json"),
            (Field::Host, "localhost:3000"),
            (Field::McpProtocolVersion, "2026-07-28"),
            (Field::McpMethod, method),
        ];
        if let Some((name, _)) = name {
            fields.push((Field::McpName, name));
        }
        self.post_with(path, &fields, &body)
    }

    pub fn get(&mut self, path: &str, session: &str, last: Option<&str>) -> Key<Peer> {
        let mut fields = vec![(Field::Accept, "text/event-stream"), (Field::McpSessionId, session)];
        if let Some(last) = last {
            fields.push((Field::LastEventId, last));
        }
        self.head(Method::Get, path, &fields)
    }

    pub fn leave(&mut self, peer: Key<Peer>) {
        self.input(Input::PeerClosed { peer });
    }

    /// Opens a session at `time` with a child of its own; its id, and the child.
    pub fn session(&mut self) -> (String, Key<Backend>) {
        self.session_of("2025-11-25")
    }

    /// The same, of another revision.
    pub fn session_of(&mut self, date: &str) -> (String, Key<Backend>) {
        self.session_saying(date, HANDSHAKE)
    }

    /// The same, of a child that says this in its handshake.
    pub fn session_saying(&mut self, date: &str, said: &str) -> (String, Key<Backend>) {
        let before = self.spawned.len();
        let body = INITIALIZE.replace("{}", r#"{"sampling":{}}"#).replace("2025-11-25", date);
        let peer = self.post("/mcp/time", None, &body);
        let child = self.spawned[before];
        let id = self.id_of_last(child, "initialize");
        let said = said.replace("2025-11-25", date);
        self.line(child, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{said}}}"#));
        let got = self.client(peer);
        assert_eq!(got.status, 200, "{}", got.body);
        let session = got.fields["Mcp-Session-Id"].clone();
        let peer = self.post(
            "/mcp/time",
            Some(&session),
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        );
        assert_eq!(self.client(peer).status, 202);
        self.sent.clear();
        (session, child)
    }

    // --- children

    pub fn line(&mut self, backend: Key<Backend>, line: &str) {
        self.input(Input::Line { backend, line: Message::from(line) });
    }

    pub fn child_gone(&mut self, backend: Key<Backend>, why: ChildEnd) {
        self.input(Input::ChildClosed { backend, why });
    }

    /// The id under which a child was last sent `method`.
    #[track_caller]
    pub fn id_of_last(&self, backend: Key<Backend>, method: &str) -> String {
        let quoted = format!("\"method\":\"{method}\"");
        let found =
            self.sent.iter().rev().find(|(to, text)| *to == backend && text.contains(&quoted));
        id_in(&found.unwrap_or_else(|| panic!("no {method} was sent: {:?}", self.sent)).1)
    }

    pub fn sent_to(&self, backend: Key<Backend>) -> Vec<&str> {
        self.sent.iter().filter(|(to, _)| *to == backend).map(|(_, text)| text.as_str()).collect()
    }

    // --- HTTP backends

    pub fn fetch_json(&mut self, fetch: Key<Fetch>, session: Option<&str>, body: &str) {
        self.fetch_head(fetch, 200, FetchContent::Json, session);
        self.fetch_message(fetch, None, body);
        self.input(Input::FetchDone { fetch, end: Ok(()) });
    }

    pub fn fetch_head(
        &mut self,
        fetch: Key<Fetch>,
        status: u16,
        content: FetchContent,
        session: Option<&str>,
    ) {
        let session_id = session.map(Into::into);
        let head = FetchHead { status, content, session_id, location: None };
        self.input(Input::FetchHead { fetch, head });
    }

    pub fn fetch_message(&mut self, fetch: Key<Fetch>, id: Option<&str>, body: &str) {
        let event = FetchEvent { id: id.map(Into::into), ..FetchEvent::default() };
        self.input(Input::FetchMessage { fetch, message: Message::from(body), event });
    }

    pub fn fetch_status(&mut self, fetch: Key<Fetch>, status: u16, body: &str) {
        self.fetch_head(fetch, status, FetchContent::Json, None);
        self.fetch_message(fetch, None, body);
        self.input(Input::FetchDone { fetch, end: Ok(()) });
    }

    pub fn fetch_failed(&mut self, fetch: Key<Fetch>, kind: FetchErrorKind, sent: bool) {
        let end = Err(FetchError { kind, sent, text: "as the test wants".into() });
        self.input(Input::FetchDone { fetch, end });
    }

    /// The last request that holds `text` in its body, and its id.
    #[track_caller]
    pub fn fetch_of(&self, text: &str) -> (Key<Fetch>, String) {
        let body = |request: &FetchRequest| {
            let bytes = request.body.as_ref().map(|body| body.to_message().to_vec());
            String::from_utf8(bytes.unwrap_or_default()).unwrap()
        };
        let found = self.fetches.iter().rev().find(|(_, request)| body(request).contains(text));
        let (fetch, request) = found.unwrap_or_else(|| panic!("no fetch with {text}"));
        (*fetch, id_in(&body(request)))
    }

    pub fn request(&self, fetch: Key<Fetch>) -> &FetchRequest {
        &self.fetches.iter().find(|(key, _)| *key == fetch).unwrap().1
    }

    /// All lines for people, in one text.
    pub fn notes(&self) -> String {
        let texts = self.events.iter().filter_map(|event| match &event.kind {
            EventKind::Note { text, .. } => Some(text.clone()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

/// Where all clients are.
const FROM: PeerAddress = PeerAddress {
    ip: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
    port: 9,
    local_is_loopback: true,
};

/// For what clients carry, where there are several shards.
pub const KEY: [u8; 32] = [9; 32];

pub const HANDSHAKE: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"t","version":"1"}}"#;
pub const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;

pub const DISCOVERY: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"logging":{}},"instructions":"Ask.","ttlMs":1000,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"m","version":"2"}}}"#;

/// A request of 2026-07-28.
pub fn modern_request(id: &str, method: &str, extra: &str, can: &str, meta: &str) -> String {
    let comma = if extra.is_empty() { "" } else { "," };
    let more = if meta.is_empty() { "" } else { "," };
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"c","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{can}{more}{meta}}}{comma}{extra}}}}}"#
    )
}

pub fn id_in(text: &str) -> String {
    let Some(at) = text.find("\"id\":") else { return String::new() };
    text[at + 5..].trim_start().chars().take_while(char::is_ascii_digit).collect()
}
