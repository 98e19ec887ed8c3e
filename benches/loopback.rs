// SPDX-License-Identifier: MIT
//! The reactor with sockets and pipes: with a core that does nothing, which is what a request costs
//! before anybody thinks about it, and with the gateway, whose backend is the calculator.
//!
//! The clients share the machine, so this is an upper bound of the time; the number of system calls
//! is what to look at first.

// Reason: in a bench a panic is the report.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use penstock::base::{Key, Limits, Now, Rng, Secret};
use penstock::gateway::Gateway;
use penstock::gateway::io::{Backend, Event, Input, Output, Peer};
use penstock::gateway::patience::Patience;
use penstock::gateway::snapshot::{Care, ChildCommand, ResponseMode, Server, Snapshot, Transport};
use penstock::policy::auth;
use penstock::reactor::{Core, Listener, Observer, Options, Reactor};
use penstock::wire::Splice;
use penstock::wire::http1::{Content, ResponseHead};

const BACKEND: Key<Backend> = Key::from_parts(0, 0);
const BODY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"exact_calculate","arguments":{"operator":"add","operands":["0.1","0.2"]}}}"#;

/// Echoes the body itself, or through a child that answers in order.
struct Echo {
    outputs: VecDeque<Output>,
    waiting: VecDeque<Key<Peer>>,
    through_child: bool,
}

impl Core for Echo {
    fn handle_input(&mut self, input: Input, _: Now) {
        match input {
            Input::Head { peer, .. } => {
                self.outputs.push_back(Output::Receive { peer, bytes_max: 1 << 20 });
            }
            Input::Body { peer, body } if self.through_child => {
                self.waiting.push_back(peer);
                self.outputs.push_back(Output::Send { backend: BACKEND, message: body.into() });
            }
            Input::Body { peer, body } => self.respond(peer, body.into()),
            Input::Line { line, .. } => {
                let peer = self.waiting.pop_front().unwrap();
                self.respond(peer, line.into());
            }
            _ => {}
        }
    }
    fn handle_timeout(&mut self, _: Now) {}
    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

impl Echo {
    fn respond(&mut self, peer: Key<Peer>, body: Splice) {
        let head = ResponseHead::new(200, Content::Json);
        self.outputs.push_back(Output::Respond { peer, head, body, close: false });
    }
}

struct Nobody;
impl Observer for Nobody {
    fn push(&mut self, _: Event) {}
    fn end_of_turn(&mut self) {}
}

fn command(program: &str, args: &[&str]) -> ChildCommand {
    let path = std::env::var("PATH").unwrap();
    ChildCommand {
        server: "s".into(),
        program: program.into(),
        args: args.iter().map(|&arg| arg.into()).collect(),
        env: vec![("PATH".into(), Secret::new(path.as_bytes()))],
        cwd: None,
        container: None,
        leave_after_max: Duration::from_secs(1),
        term_after_max: Duration::from_secs(1),
    }
}

/// A gateway that runs until the process ends, with the calculator behind it.
fn start_gateway() -> SocketAddr {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr();
    let calculator = command(env!("CARGO_BIN_EXE_penstock"), &["serve", "calculator"]);
    let server = Server {
        name: "s".into(),
        transport: Transport::Stdio(Arc::new(calculator)),
        tools: None,
        startup_timeout: Duration::from_secs(30),
        tool_timeout: Duration::from_secs(60),
        patience: Patience::default(),
        tasks: false,
        shared: true,
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
    let run = move || {
        let now = Now { mono: Instant::now(), unix_ms: 0 };
        let core = Gateway::new(Arc::new(snapshot), Rng::new([0; 32]), now);
        Reactor::new(&Options::default(), listener, core, Nobody).unwrap().run().unwrap();
    };
    std::thread::Builder::new().name("gateway".into()).spawn(run).unwrap();
    address
}

/// A reactor that runs until the process ends.
fn start(through_child: bool) -> SocketAddr {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr();
    let run = move || {
        let mut outputs = VecDeque::new();
        if through_child {
            let command = Arc::new(command("cat", &[]));
            outputs.push_back(Output::Spawn { backend: BACKEND, command });
        }
        let core = Echo { outputs, waiting: VecDeque::new(), through_child };
        Reactor::new(&Options::default(), listener, core, Nobody).unwrap().run().unwrap();
    };
    std::thread::Builder::new().name("reactor".into()).spawn(run).unwrap();
    address
}

struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    answer_bytes: usize,
    answer: Vec<u8>,
}

impl Client {
    /// A client that sends `pipelined` requests at a time and knows how each answer ends.
    fn new(address: SocketAddr, pipelined: usize, end: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let length = BODY.len();
        let head = "POST /mcp/s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n\
                    Accept: application/json, text/event-stream\r\n\
                    Content-Type: application/json\r\n";
        let request = format!("{head}Content-Length: {length}\r\n\r\n{BODY}").into_bytes();
        // The first answer says how long all of them are.
        stream.write_all(&request).unwrap();
        let mut first = Vec::new();
        while !first.ends_with(end.as_bytes()) {
            let mut piece = [0; 4096];
            let n = stream.read(&mut piece).unwrap();
            first.extend_from_slice(&piece[..n]);
        }
        assert!(first.starts_with(b"HTTP/1.1 200"));
        let answer_bytes = first.len() * pipelined;
        let answer = vec![0; answer_bytes];
        Self { stream, request: request.repeat(pipelined), answer_bytes, answer }
    }

    fn send(&mut self) {
        self.stream.write_all(&self.request).unwrap();
    }

    fn receive(&mut self) {
        self.stream.read_exact(&mut self.answer[..self.answer_bytes]).unwrap();
        black_box(&self.answer);
    }
}

/// A name, how it is started, and how its answers end.
type Kind = (&'static str, fn() -> SocketAddr, &'static str);

fn rounds(c: &mut Criterion) {
    let answer = r#""isError":false}}"#;
    let kinds: [Kind; 3] = [
        ("core", || start(false), BODY),
        ("child", || start(true), BODY),
        ("gateway", start_gateway, answer),
    ];
    let mut group = c.benchmark_group("loopback");
    for (name, start, end) in kinds {
        for (connections, pipelined) in [(1, 1), (64, 1), (64, 16)] {
            let address = start();
            let mut clients: Vec<_> =
                (0..connections).map(|_| Client::new(address, pipelined, end)).collect();
            group.throughput(Throughput::Elements((connections * pipelined) as u64));
            group.bench_function(format!("{name}/{connections}x{pipelined}"), |b| {
                b.iter(|| {
                    clients.iter_mut().for_each(Client::send);
                    clients.iter_mut().for_each(Client::receive);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, rounds);
criterion_main!(benches);
