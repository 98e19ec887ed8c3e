// SPDX-License-Identifier: MIT
//! The world around a gateway under fuzz: it remembers who waits for what, and judges every output.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::halves::Half;
use super::work::Workers;
use crate::base::{Key, Limits, Message, Now, Rng};
use crate::gateway::Gateway;
use crate::gateway::io::{
    Backend, ChildEnd, Fetch, FetchError, FetchErrorKind, Input, Output, Peer, StreamData,
    StreamEvent,
};
use crate::gateway::patience::Patience;
use crate::gateway::snapshot::{
    Care, ChildCommand, HttpTarget, ResponseMode, Server, ServerId, Snapshot, Transport, View,
};
use crate::policy::auth;
use crate::wire::Splice;
use crate::wire::http1::{Content, ResponseHead};
use crate::wire::json::scan;
use crate::wire::jsonrpc::{self, Envelope, Kind, Parsed};

/// What a client connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// It may send a head.
    Idle,
    /// It has sent one.
    Headed,
    /// It sends the body.
    Receiving,
    /// It has sent the body.
    Waiting,
    /// It gets events.
    Streaming,
    /// It gets an answer in parts.
    Answered,
    /// It gets messages, and may send some.
    Upgraded,
    /// It is closed.
    Gone,
}

/// One client connection.
pub struct PeerView {
    pub key: Key<Peer>,
    pub state: PeerState,
    pub full: bool,
    /// The id of the one request in the body that it has sent, until it sends the next head.
    pub asked: Option<Message>,
}

/// One child that has not been reaped.
pub struct ChildView {
    pub key: Key<Backend>,
    pub stopped: bool,
    pub paused: bool,
}

/// One HTTP request that is under way.
pub struct FetchView {
    pub key: Key<Fetch>,
    pub headed: bool,
    pub paused: bool,
}

/// One request that a server was sent and has not been seen to answer.
pub struct Open {
    pub to: To,
    pub id: String,
    pub method: String,
}

/// Where a request went.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum To {
    Child(Key<Backend>),
    Fetch(Key<Fetch>),
}

/// Everything around one gateway.
pub struct World {
    pub gateway: Gateway,
    pub now: Now,
    pub peers: Vec<PeerView>,
    pub children: Vec<ChildView>,
    pub fetches: Vec<FetchView>,
    pub open: Vec<Open>,
    /// Ids that servers have been sent, the newest last; some are answered.
    pub ids: Vec<String>,
    pub session_ids: Vec<String>,
    pub event_ids: Vec<String>,
    /// Ids of what legacy clients were asked.
    pub asked: Vec<String>,
    /// States that modern clients were given.
    pub states: Vec<String>,
    /// Whether clients and servers of the modern era take part.
    pub has_both_eras: bool,
    /// Where attached sessions are posted to; some are over.
    pub endpoints: Vec<String>,
    pub workers: Workers,
    /// Answers of which a half has come.
    pub halves: Vec<Half>,
    pub n_well: u32,
    n_stop_listening: usize,
    n_exit: usize,
}

/// How many ids are remembered of each kind.
const REMEMBERED_MAX: usize = 8;
/// Nothing that leaves is nested deeper than what came and what we put around it.
const DEPTH_MAX: usize = 16;

impl World {
    /// One server behind a child, one behind HTTP and a shared one; `options` varies them.
    pub fn new(start: Instant, options: u8) -> Self {
        let now = Now { mono: start, unix_ms: 1_700_000_000_000 };
        let gateway = Gateway::new(Arc::new(snapshot(options)), Rng::new([7; 32]), now);
        let peers = (0..Limits::TEST_MIN.peers_max)
            .map(|at| PeerView {
                key: Key::from_parts(at as u32, 0),
                state: PeerState::Idle,
                full: false,
                asked: None,
            })
            .collect();
        let mut world = Self {
            gateway,
            now,
            peers,
            children: Vec::new(),
            fetches: Vec::new(),
            open: Vec::new(),
            ids: Vec::new(),
            session_ids: Vec::new(),
            event_ids: Vec::new(),
            asked: Vec::new(),
            states: Vec::new(),
            has_both_eras: options & 0x80 != 0,
            endpoints: Vec::new(),
            workers: Workers::default(),
            halves: Vec::new(),
            n_well: 0,
            n_stop_listening: 0,
            n_exit: 0,
        };
        world.pump_and_work();
        world
    }

    /// Tells the gateway a fact and judges what it does.
    pub fn input(&mut self, input: Input) {
        self.workers.hurry();
        self.gateway.handle_input(input, self.now);
        self.pump_and_work();
    }

    /// Lets time pass. An alarm that is due must be dealt with, or the loop would spin.
    pub fn pass(&mut self, after: Duration) {
        const TURNS_MAX: usize = 8;
        self.now = self.now.later(after);
        self.workers.hurry();
        self.pump_and_work();
        for _ in 0..TURNS_MAX {
            if self.gateway.poll_timeout().is_none_or(|at| at > self.now.mono) {
                return;
            }
            self.gateway.handle_timeout(self.now);
            self.pump_and_work();
        }
        panic!("an alarm rings for ever");
    }

    /// Judges what the gateway wants.
    pub fn pump(&mut self) {
        while let Some(output) = self.gateway.poll_output() {
            self.take(output);
        }
        self.gateway.check_invariants();
        for (_, session) in self.gateway.sessions.iter() {
            let queued: usize = session.queued.iter().map(|one| one.message.len()).sum();
            assert_eq!(queued, session.queued_bytes, "queued bytes are counted wrong");
            assert!(queued <= Limits::TEST_MIN.queued_bytes_max);
        }
        let headed = self.peers.iter().any(|peer| peer.state == PeerState::Headed);
        assert!(!headed, "a head is answered or its body wanted at once");
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Receive { peer, .. } => {
                self.moved(peer, &[PeerState::Headed], PeerState::Receiving)
            }
            Output::Respond { peer, head, body, close } => {
                let from = [PeerState::Headed, PeerState::Receiving, PeerState::Waiting];
                self.moved(peer, &from, if close { PeerState::Gone } else { PeerState::Idle });
                self.note_head(&head);
                check_body(&head, &body);
                if head.content == Content::Json {
                    self.note_state(&body.to_message());
                    self.check_answer(peer, &body.to_message());
                }
            }
            Output::Begin { peer, head } => {
                self.moved(peer, &[PeerState::Waiting], PeerState::Answered);
                self.note_head(&head);
                assert_eq!((head.status, head.content), (200, Content::Json));
            }
            Output::Part { peer, bytes } => {
                assert!(!bytes.is_empty(), "a part of nothing");
                let state = self.peer_mut(peer).map_or(PeerState::Gone, |peer| peer.state);
                self.moved(peer, &[PeerState::Answered, PeerState::Streaming], state);
            }
            Output::RespondMetrics { peer, head, .. } => {
                self.moved(peer, &[PeerState::Headed], PeerState::Idle);
                self.note_head(&head);
            }
            Output::Stream { peer, head } => {
                let from = [PeerState::Headed, PeerState::Waiting];
                self.moved(peer, &from, PeerState::Streaming);
                self.note_head(&head);
                assert_eq!((head.status, head.content), (200, Content::Events));
            }
            Output::Watch { peer } => {
                self.moved(peer, &[PeerState::Waiting], PeerState::Waiting);
            }
            Output::Upgrade { peer, head, .. } => {
                self.moved(peer, &[PeerState::Headed], PeerState::Upgraded);
                assert_eq!((head.status, head.content), (101, Content::None));
            }
            Output::Event { peer, event } => {
                let open = [PeerState::Streaming, PeerState::Upgraded];
                let state = self.peer_mut(peer).map_or(PeerState::Gone, |peer| peer.state);
                self.moved(peer, &open, state);
                if let StreamData::Message(message) = &event.data {
                    self.note_state(&message.to_message());
                    self.check_answer(peer, &message.to_message());
                }
                self.note_event(event);
            }
            Output::Finish { peer } => self.finished(peer),
            Output::Close { peer } => {
                if let Some(peer) = self.peer_mut(peer) {
                    peer.state = PeerState::Gone;
                }
            }
            other => self.take_below(other),
        }
    }

    /// What is for servers, the operator or nobody.
    fn take_below(&mut self, output: Output) {
        match output {
            Output::Spawn { backend, .. } => {
                let child = ChildView { key: backend, stopped: false, paused: false };
                self.children.push(child);
            }
            Output::Send { backend, message } => {
                let message = message.to_message();
                assert!(!message.contains(&b'\n'), "a newline on stdio");
                let child = self.children.iter().find(|child| child.key == backend);
                assert!(child.is_some_and(|child| !child.stopped), "sent to nobody");
                self.note_sent(To::Child(backend), &message);
            }
            // A child that has just closed may still be told to; nobody hears it.
            Output::Stop { backend, .. } => {
                if let Some(child) = self.child_mut(backend) {
                    child.stopped = true;
                }
            }
            Output::PauseChild { backend, paused } => {
                if let Some(child) = self.child_mut(backend) {
                    child.paused = paused;
                }
            }
            Output::Fetch { fetch, request } => {
                self.fetches.push(FetchView { key: fetch, headed: false, paused: false });
                if let Some(body) = &request.body {
                    self.note_sent(To::Fetch(fetch), &body.to_message());
                }
            }
            Output::Cancel { fetch } => {
                assert!(self.forget_fetch(fetch), "cancelled what was not under way");
            }
            Output::PauseFetch { fetch, paused } => {
                if let Some(view) = self.fetches.iter_mut().find(|view| view.key == fetch) {
                    view.paused = paused;
                }
            }
            Output::PassLine { backend, passes } => {
                self.half_is_decided(To::Child(backend), passes)
            }
            Output::PassMessage { fetch, passes } => self.half_is_decided(To::Fetch(fetch), passes),
            Output::Work { judging, task } => self.workers.take(judging, task),
            Output::Emit(_) => {}
            Output::StopListening => self.n_stop_listening += 1,
            Output::Exit => self.n_exit += 1,
            other => unreachable!("{other:?} is for clients"),
        }
    }

    fn peer_mut(&mut self, key: Key<Peer>) -> Option<&mut PeerView> {
        self.peers.iter_mut().find(|peer| peer.key == key && peer.state != PeerState::Gone)
    }

    fn child_mut(&mut self, key: Key<Backend>) -> Option<&mut ChildView> {
        self.children.iter_mut().find(|child| child.key == key)
    }

    /// A client that is there goes from one of `from` to `to`.
    fn moved(&mut self, key: Key<Peer>, from: &[PeerState], to: PeerState) {
        let Some(peer) = self.peer_mut(key) else { return };
        assert!(from.contains(&peer.state), "{:?} cannot become {to:?}", peer.state);
        peer.state = to;
    }

    /// After a stream the next head may come; after a WebSocket nothing.
    fn finished(&mut self, key: Key<Peer>) {
        let is_upgraded = self.peer_mut(key).is_some_and(|peer| peer.state == PeerState::Upgraded);
        let to = if is_upgraded { PeerState::Gone } else { PeerState::Idle };
        let from = [PeerState::Streaming, PeerState::Upgraded, PeerState::Answered];
        self.moved(key, &from, to);
    }

    /// Whoever has asked one thing is answered under the id of that, or of nothing.
    fn check_answer(&mut self, key: Key<Peer>, message: &Message) {
        let Some(asked) = self.peer_mut(key).and_then(|peer| peer.asked.clone()) else { return };
        let Ok(Parsed::Single(envelope)) = jsonrpc::parse(message, &Limits::DEFAULT) else {
            return;
        };
        let id = envelope.id.map(|span| span.of(message));
        if envelope.kind == Kind::Response && id.is_some_and(|id| id != b"null") {
            assert_eq!(id, Some(&asked[..]), "somebody else's answer");
        }
    }

    /// A client sends the body of its request.
    pub fn send_body(&mut self, at: usize, body: Message) {
        self.peers[at].state = PeerState::Waiting;
        self.peers[at].asked = match jsonrpc::parse(&body, &Limits::TEST_MIN) {
            Ok(Parsed::Single(envelope)) if envelope.kind == Kind::Request => {
                envelope.id.map(|span| body.slice(span))
            }
            _ => None,
        };
        self.input(Input::Body { peer: self.peers[at].key, body });
    }

    fn note_head(&mut self, head: &ResponseHead) {
        for (name, value) in &head.fields {
            assert!(!value.contains(['\r', '\n']), "a line break in {name}");
            if *name == "Mcp-Session-Id" {
                remember(&mut self.session_ids, value.as_ref());
            }
        }
    }

    fn note_event(&mut self, event: StreamEvent) {
        if let Some(id) = event.id {
            remember(&mut self.event_ids, &id);
        }
        match event.data {
            StreamData::Message(message) => {
                check_message(&message.to_message());
            }
            StreamData::Endpoint(path) => {
                remember(&mut self.endpoints, &String::from_utf8_lossy(&path));
            }
            StreamData::Comment | StreamData::Empty => {}
        }
    }

    /// What leaves for a server is one message, whatever came in.
    fn note_sent(&mut self, to: To, message: &Message) {
        let envelope = check_message(message);
        if let (Some(id), Some(method)) = (envelope.id, envelope.method) {
            let text = |span: crate::base::Span| String::from_utf8_lossy(span.of(message)).into();
            let (id, method): (String, String) = (text(id), text(method));
            remember(&mut self.ids, &id);
            self.open.push(Open { to, id, method: method.trim_matches('"').to_owned() });
        }
    }

    /// Whether `key` was under way.
    pub fn forget_fetch(&mut self, key: Key<Fetch>) -> bool {
        let before = self.fetches.len();
        self.fetches.retain(|fetch| fetch.key != key);
        self.halves.retain(|half| half.to != To::Fetch(key));
        self.open.retain(|open| open.to != To::Fetch(key));
        self.fetches.len() < before
    }

    /// Whether an HTTP request is under way.
    pub fn is_under_way(&self, key: Key<Fetch>) -> bool {
        self.fetches.iter().any(|fetch| fetch.key == key)
    }

    /// A child is reaped.
    pub fn child_gone(&mut self, key: Key<Backend>, why: ChildEnd) {
        self.children.retain(|child| child.key != key);
        self.halves.retain(|half| half.to != To::Child(key));
        self.open.retain(|open| open.to != To::Child(key));
        self.input(Input::ChildClosed { backend: key, why });
    }

    /// Shuts down: everybody is answered, everything ends, and nothing is left.
    pub fn end(mut self) {
        self.relieve();
        let deadline = self.now.mono + Duration::from_secs(5);
        self.input(Input::Drain { deadline, why: "the story is over" });
        self.pass(Duration::from_secs(5));
        // What the gateway has given up on, the world lets go of.
        const ROUNDS_MAX: usize = 8;
        for _ in 0..ROUNDS_MAX {
            while let Some(fetch) = self.fetches.first().map(|fetch| fetch.key) {
                self.forget_fetch(fetch);
                let text = String::new();
                let end = Err(FetchError { kind: FetchErrorKind::Closed, sent: true, text });
                self.input(Input::FetchDone { fetch, end });
            }
            while let Some(child) = self.children.iter().find(|child| child.stopped) {
                self.child_gone(child.key, ChildEnd::Exited(0));
            }
            self.pass(Duration::from_secs(60));
        }
        assert!(self.children.is_empty(), "a child was never told to leave");
        assert_eq!((self.n_stop_listening, self.n_exit), (1, 1), "listening stops, we exit, once");
        assert!(self.gateway.is_quiet(), "something is left");
        assert!(self.gateway.sessions.is_empty() && self.gateway.backends.is_empty());
        for peer in &self.peers {
            let over = matches!(peer.state, PeerState::Idle | PeerState::Gone);
            assert!(over, "{:?} at exit", peer.state);
        }
    }

    /// Those who owe us something give it: bodies are sent, and what has been held up flows again.
    fn relieve(&mut self) {
        for at in 0..self.peers.len() {
            let (peer, full) = (self.peers[at].key, self.peers[at].full);
            if self.peers[at].state == PeerState::Receiving {
                self.send_body(at, Message::from("{}"));
            }
            if full && self.peers[at].state != PeerState::Gone {
                self.peers[at].full = false;
                self.input(Input::PeerDrained { peer });
            }
        }
        let held_up = self.children.iter().any(|child| child.paused && !child.stopped);
        assert!(!held_up, "a child is held up for nobody");
        assert!(!self.fetches.iter().any(|fetch| fetch.paused), "a fetch is held up for nobody");
    }
}

/// The newest `REMEMBERED_MAX` of them.
pub fn remember(list: &mut Vec<String>, id: &str) {
    list.push(id.to_owned());
    if list.len() > REMEMBERED_MAX {
        list.remove(0);
    }
}

fn check_body(head: &ResponseHead, body: &Splice) {
    assert!((200..600).contains(&head.status));
    let len = body.len();
    let body = body.to_message();
    assert_eq!(body.len(), len);
    match head.content {
        Content::Json => {
            let valid = scan::validate(&body, DEPTH_MAX);
            assert!(valid.is_ok(), "{valid:?} in {}", body.escape_ascii());
        }
        Content::None => assert!(body.is_empty()),
        Content::Text | Content::Metrics | Content::Events => {}
    }
}

/// Every message that leaves is one, by our own rules but for their limits.
fn check_message(message: &Message) -> Envelope {
    match jsonrpc::parse(message, &Limits::DEFAULT) {
        Ok(Parsed::Single(envelope)) => envelope,
        other => panic!("{other:?} in {}", message.escape_ascii()),
    }
}

fn snapshot(options: u8) -> Snapshot {
    let mode = match options >> 4 & 3 {
        0 => ResponseMode::Sse,
        1 => ResponseMode::Json,
        _ => ResponseMode::Auto,
    };
    let shared = if options & 1 == 0 { child("shared") } else { http("shared") };
    let tools = (options & 2 != 0).then(|| vec!["now".into()].into());
    Snapshot {
        servers: vec![
            Server { tools, tasks: options & 4 != 0, ..server("child", child("child")) },
            Server { response: mode, ..server("http", http("http")) },
            Server {
                shared: true,
                tasks: options & 8 != 0,
                response: mode,
                ..server("shared", shared)
            },
        ],
        views: vec![View::of_all((0..3).map(ServerId))],
        auth: auth::Options::default(),
        session_timeout: Duration::from_secs(600),
        responses: Vec::new(),
        schemas: Vec::new(),
        close_timeout: Duration::from_secs(30),
        websocket: true,
        metrics: true,
        tolerance: Default::default(),
        budgets: Default::default(),
        guards: Default::default(),
        limits: Limits::TEST_MIN,
        version: "0".into(),
    }
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

fn child(server: &str) -> Transport {
    Transport::Stdio(Arc::new(ChildCommand {
        server: server.into(),
        program: "program".into(),
        args: Vec::new(),
        env: Vec::new(),
        cwd: None,
        container: None,
        leave_after_max: Duration::from_secs(1),
        term_after_max: Duration::from_secs(1),
    }))
}

fn http(server: &str) -> Transport {
    Transport::Http(Arc::new(HttpTarget {
        server: server.into(),
        tls: false,
        host: "host.example".into(),
        port: 80,
        path: "/mcp".into(),
        headers: Vec::new(),
        connect_timeout: Duration::from_secs(5),
    }))
}
