// SPDX-License-Identifier: MIT
//! A client, a gateway and a server in memory, who hand each other bytes.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use penstock::base::{Key, Limits, Now, Outbox, Rng};
use penstock::gateway::Gateway;
use penstock::gateway::io::{
    Backend, Fetch, FetchContent, FetchEvent, FetchHead, FetchRequest, Input, Output, Peer,
    PeerAddress,
};
use penstock::gateway::patience::Patience;
use penstock::gateway::snapshot::{
    Care, ChildCommand, HttpTarget, ResponseMode, Server, Snapshot, Transport,
};
use penstock::link::http_client::{ClientEvent, ClientRequest, HttpClient};
use penstock::link::http_server::{HttpServer, ServerEvent};
use penstock::link::stdio::{Stdio, StdioEvent};
use penstock::policy::auth;

const HANDSHAKE: &str =
    r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#;
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":"a-1","method":"tools/call","params":{"name":"add","arguments":{"numbers":[1,2,3.5]},"_meta":{"progressToken":7}}}"#;
const RESULT: &str = r#"{"content":[{"type":"text","text":"6.5"}],"isError":false}"#;

/// One client, one gateway, one server.
pub struct World {
    pub gateway: Gateway,
    now: Now,
    peer: Key<Peer>,
    client: HttpServer,
    child: Option<(Key<Backend>, Stdio)>,
    wire: HttpClient,
    fetch: Option<Key<Fetch>>,
    /// Bytes on their way, used again and again.
    bytes: Vec<u8>,
    text: Vec<u8>,
    got: Vec<u8>,
}

impl World {
    pub fn new(transport: Transport) -> Self {
        let now = Now { mono: Instant::now(), unix_ms: 1_700_000_000_000 };
        let server = Server {
            name: "s".into(),
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
        };
        let snapshot = Snapshot {
            servers: vec![server],
            views: Vec::new(),
            auth: auth::Options::default(),
            session_timeout: Duration::from_secs(3600),
            responses: Vec::new(),
            schemas: Vec::new(),
            close_timeout: Duration::from_secs(30),
            websocket: false,
            metrics: false,
            tolerance: Default::default(),
            budgets: Default::default(),
            guards: Default::default(),
            limits: Limits::DEFAULT,
            version: "0".into(),
        };
        let limits = Arc::new(Limits::DEFAULT);
        let mut world = Self {
            gateway: Gateway::new(Arc::new(snapshot), Rng::new([1; 32]), now),
            now,
            peer: Key::from_parts(0, 0),
            client: HttpServer::new(limits.clone(), now),
            child: None,
            wire: HttpClient::new(limits),
            fetch: None,
            bytes: Vec::new(),
            text: Vec::new(),
            got: Vec::new(),
        };
        world.turn();
        world
    }

    /// Runs until nobody has anything to say.
    fn turn(&mut self) {
        loop {
            let mut moved = false;
            while let Some(output) = self.gateway.poll_output() {
                self.apply(output);
            }
            while let Some(event) = self.client.poll_event() {
                let peer = self.peer;
                let input = match event {
                    ServerEvent::Head(head) => Input::Head { peer, from: HERE, head },
                    ServerEvent::Body(body) => Input::Body { peer, body },
                    other => panic!("{other:?}"),
                };
                self.gateway.handle_input(input, self.now);
                moved = true;
            }
            moved |= self.serve_stdio() | self.serve_http();
            if !moved {
                break;
            }
        }
        let owed = self.client.outbox().len();
        self.got.clear();
        copy(self.client.outbox(), &mut self.got);
        self.client.wrote(owed, self.now);
    }

    fn apply(&mut self, output: Output) {
        let now = self.now;
        match output {
            Output::Receive { bytes_max, .. } => self.client.receive(bytes_max, now),
            Output::Respond { head, body, close, .. } => {
                self.client.respond(&head, &body, close, now);
            }
            Output::Spawn { backend, .. } => {
                self.child = Some((backend, Stdio::new(Arc::new(Limits::DEFAULT))));
            }
            Output::Send { message, .. } => {
                if let Some((_, child)) = &mut self.child {
                    child.send(&message);
                }
            }
            Output::Fetch { fetch, request } => self.send(fetch, &request),
            Output::Emit(event) => drop(black_box(event)),
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, fetch: Key<Fetch>, request: &FetchRequest) {
        assert!(self.fetch.is_none(), "one at a time");
        self.fetch = Some(fetch);
        let session = request.session_id.as_deref().unwrap_or_default();
        let fields: [(&str, &[u8]); 3] = [
            ("Content-Type", b"application/json"),
            ("Accept", b"application/json, text/event-stream"),
            ("Mcp-Session-Id", session.as_bytes()),
        ];
        self.wire.send(&ClientRequest {
            method: "POST",
            target: &request.target.path,
            host: "localhost",
            fields: &fields,
            body: request.body.as_ref(),
        });
    }

    /// The child answers every line.
    fn serve_stdio(&mut self) -> bool {
        let Some((backend, child)) = &mut self.child else { return false };
        let owed = child.outbox().len();
        if owed == 0 {
            return false;
        }
        self.bytes.clear();
        copy(child.outbox(), &mut self.bytes);
        child.wrote(owed);
        if answer(&self.bytes, &mut self.text) {
            self.text.push(b'\n');
            child.feed_stdout(&self.text);
        }
        while let Some(event) = child.poll_event() {
            let StdioEvent::Line(line) = event else { panic!("{event:?}") };
            self.gateway.handle_input(Input::Line { backend: *backend, line }, self.now);
        }
        true
    }

    /// The server answers every request.
    fn serve_http(&mut self) -> bool {
        let owed = self.wire.outbox().len();
        let Some(fetch) = self.fetch.filter(|_| owed > 0) else { return false };
        self.bytes.clear();
        copy(self.wire.outbox(), &mut self.bytes);
        self.wire.wrote(owed);
        let has_answer = answer(&self.bytes, &mut self.text);
        let (status, n) = if has_answer { (200, self.text.len()) } else { (202, 0) };
        self.bytes.clear();
        let head = format!(
            "HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nMcp-Session-Id: s1\r\nContent-Length: {n}\r\n\r\n"
        );
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(&self.text[..n]);
        self.wire.feed(&self.bytes);
        self.fetch = None;
        while let Some(event) = self.wire.poll_event() {
            let input = match event {
                ClientEvent::Head { status, session_id, location, .. } => {
                    let content = FetchContent::Json;
                    let head = FetchHead { status, content, session_id, location };
                    Input::FetchHead { fetch, head }
                }
                ClientEvent::Message { message, .. } => {
                    Input::FetchMessage { fetch, message, event: FetchEvent::default() }
                }
                ClientEvent::Done { .. } => Input::FetchDone { fetch, end: Ok(()) },
                ClientEvent::Failed(error) => panic!("{error}"),
                event => panic!("no answer here is long: {event:?}"),
            };
            self.gateway.handle_input(input, self.now);
        }
        true
    }

    /// One request of the client and its whole answer.
    pub fn exchange(&mut self, request: &[u8]) -> &[u8] {
        self.client.feed(request, self.now);
        self.turn();
        &self.got
    }
}

const HERE: PeerAddress = PeerAddress {
    ip: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
    port: 9,
    local_is_loopback: true,
};

fn copy(outbox: &Outbox, into: &mut Vec<u8>) {
    into.extend_from_slice(&outbox.to_vec());
}

/// The answer to the request in `bytes`; `false` if it is a notification.
fn answer(bytes: &[u8], into: &mut Vec<u8>) -> bool {
    into.clear();
    let Some(at) = memchr::memmem::find(bytes, b"\"id\":") else { return false };
    let rest = &bytes[at + 5..];
    let n = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let opens = memchr::memmem::find(bytes, b"\"initialize\"").is_some();
    into.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    into.extend_from_slice(&rest[..n]);
    into.extend_from_slice(b",\"result\":");
    into.extend_from_slice(if opens { HANDSHAKE } else { RESULT }.as_bytes());
    into.push(b'}');
    true
}

fn post(session: &str, body: &str) -> Vec<u8> {
    let session = match session {
        "" => String::new(),
        id => format!("Mcp-Session-Id: {id}\r\nMCP-Protocol-Version: 2025-11-25\r\n"),
    };
    format!(
        "POST /mcp/s HTTP/1.1\r\nHost: localhost:8000\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{session}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub fn stdio() -> Transport {
    Transport::Stdio(Arc::new(ChildCommand {
        server: "s".into(),
        program: "s".into(),
        args: Vec::new(),
        env: Vec::new(),
        cwd: None,
        container: None,
        leave_after_max: Duration::from_secs(1),
        term_after_max: Duration::from_secs(1),
    }))
}

pub fn http() -> Transport {
    Transport::Http(Arc::new(HttpTarget {
        server: "s".into(),
        tls: false,
        host: "localhost".into(),
        port: 80,
        path: "/mcp".into(),
        headers: Vec::new(),
        connect_timeout: Duration::from_secs(5),
    }))
}

/// A world whose session is open, and a call that it answers.
pub fn opened(transport: Transport) -> (World, Vec<u8>) {
    let mut world = World::new(transport);
    let hello = String::from_utf8_lossy(world.exchange(&post("", INITIALIZE))).into_owned();
    let session = hello.lines().find_map(|line| line.strip_prefix("Mcp-Session-Id: "));
    let call = post(session.expect("a session"), CALL);
    let got = String::from_utf8_lossy(world.exchange(&call)).into_owned();
    let want = format!(r#"{{"jsonrpc":"2.0","id":"a-1","result":{RESULT}}}"#);
    assert!(got.starts_with("HTTP/1.1 200 ") && got.ends_with(&want), "{got}");
    (world, call)
}
