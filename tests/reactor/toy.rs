// SPDX-License-Identifier: MIT
//! A core that does what a closure says, and a world that runs it.

use std::collections::VecDeque;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use penstock::base::{Key, Message, Now, Secret};
use penstock::gateway::io::{Backend, Event, Fetch, Input, Output, Peer};
use penstock::gateway::shards::Moved;
use penstock::gateway::snapshot::ChildCommand;
use penstock::reactor::{Core, Listener, Observer, Options, Reactor, Seat};
use penstock::wire::Splice;
use penstock::wire::http1::{Content, ResponseHead};

/// How long a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The one backend of a test.
pub const BACKEND: Key<Backend> = Key::from_parts(0, 0);

/// The `n`th fetch of a test.
pub fn fetch_key(n: u32) -> Key<Fetch> {
    Key::from_parts(n, 0)
}

type React = Box<dyn FnMut(&Input, &mut VecDeque<Output>) + Send>;

struct Toy {
    outputs: VecDeque<Output>,
    react: React,
    facts: Sender<Input>,
}

impl Core for Toy {
    fn handle_input(&mut self, input: Input, _: Now) {
        self.serve(&input);
        (self.react)(&input, &mut self.outputs);
        // The test may have seen enough.
        let _ = self.facts.send(input);
    }
    fn handle_timeout(&mut self, _: Now) {}
    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

impl Toy {
    /// `/exit` ends the loop, `/hang` never answers, `/watch` neither, but wants to know when its
    /// client is gone, `/stream` begins a stream, `/big/N` answers N bytes, `/move/N` moves to loop
    /// N, everything else echoes the body. Who has come from another loop is echoed to as well.
    fn serve(&mut self, input: &Input) {
        match input {
            Input::Head { peer, head, .. } => match head.path() {
                b"/exit" => {
                    self.respond(*peer, b"bye");
                    self.outputs.push_back(Output::Exit);
                }
                b"/hang" => {}
                b"/watch" => self.outputs.push_back(Output::Watch { peer: *peer }),
                b"/stream" => {
                    let head = ResponseHead::new(200, Content::Events);
                    self.outputs.push_back(Output::Stream { peer: *peer, head });
                }
                path if path.starts_with(b"/move/") => {
                    let (peer, shard) = (*peer, u16::from(path[6] - b'0'));
                    let what = Box::new(Moved::Head((**head).clone()));
                    self.outputs.push_back(Output::Move { peer, shard, what });
                }
                path => match path.strip_prefix(b"/big/") {
                    Some(n) => {
                        let n = String::from_utf8_lossy(n).parse().unwrap();
                        self.respond(*peer, &vec![b'x'; n]);
                    }
                    None => {
                        let peer = *peer;
                        self.outputs.push_back(Output::Receive { peer, bytes_max: 1 << 20 });
                    }
                },
            },
            Input::Body { peer, body } => self.respond(*peer, body),
            Input::Moved { peer, .. } => {
                let peer = *peer;
                self.outputs.push_back(Output::Receive { peer, bytes_max: 1 << 20 });
            }
            Input::NotMoved { peer, .. } => self.respond(*peer, b"no room"),
            Input::Drain { .. } => self.outputs.push_back(Output::Exit),
            _ => {}
        }
    }

    fn respond(&mut self, peer: Key<Peer>, body: &[u8]) {
        self.outputs.push_back(Output::Respond {
            peer,
            head: ResponseHead::new(200, Content::Text),
            body: Splice::whole(Message::copy_of(body)),
            close: false,
        });
    }
}

struct Counter(Arc<AtomicUsize>);

impl Observer for Counter {
    fn push(&mut self, _: Event) {}
    fn end_of_turn(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A reactor that runs in a thread of its own.
pub struct World {
    pub address: SocketAddr,
    pub facts: Receiver<Input>,
    turns: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl World {
    /// Only what the toy core does by itself.
    pub fn new(options: Options) -> Self {
        Self::with(options, Vec::new(), |_, _| {})
    }

    /// Begins with `first` and does what `react` adds.
    pub fn with(
        options: Options,
        first: Vec<Output>,
        react: impl FnMut(&Input, &mut VecDeque<Output>) + Send + 'static,
    ) -> Self {
        Self::at(Listener::bind("127.0.0.1:0").unwrap(), None, options, first, react)
    }

    /// Several loops, each behind an address of its own.
    pub fn several(options: &Options, n: usize) -> Vec<Self> {
        let world = |seat| {
            let listener = Listener::bind("127.0.0.1:0").unwrap();
            Self::at(listener, Some(seat), options.clone(), Vec::new(), |_, _| {})
        };
        Seat::all(n).into_iter().map(world).collect()
    }

    fn at(
        listener: Listener,
        seat: Option<Seat>,
        options: Options,
        first: Vec<Output>,
        react: impl FnMut(&Input, &mut VecDeque<Output>) + Send + 'static,
    ) -> Self {
        let address = listener.local_addr();
        let (facts_in, facts) = channel();
        let turns = Arc::new(AtomicUsize::new(0));
        let counter = Counter(turns.clone());
        let thread = std::thread::spawn(move || {
            let core = Toy { outputs: first.into(), react: Box::new(react), facts: facts_in };
            let mut reactor = Reactor::new(&options, listener, core, counter).unwrap();
            if let Some(seat) = seat {
                reactor.join(seat).unwrap();
            }
            reactor.run().unwrap();
        });
        Self { address, facts, turns, thread: Some(thread) }
    }

    /// How many turns the loop has made.
    pub fn turns(&self) -> usize {
        self.turns.load(Ordering::Relaxed)
    }

    /// A client that gives up after a while.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Waits for the first fact that `pick` wants.
    #[track_caller]
    pub fn wait<T>(&self, mut pick: impl FnMut(Input) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let fact = self.facts.recv_timeout(left).expect("the fact never came");
            if let Some(found) = pick(fact) {
                return found;
            }
        }
    }

    /// Ends the loop and waits for it.
    pub fn end(mut self) {
        self.exit();
    }

    fn exit(&mut self) {
        if let Some(thread) = self.thread.take() {
            // It may have ended by itself.
            if let Ok(mut stream) = TcpStream::connect(self.address) {
                let _ = stream.write_all(b"GET /exit HTTP/1.1\r\nHost: x\r\n\r\n");
                let _ = stream.read(&mut [0; 64]);
            }
            thread.join().unwrap();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.exit();
        }
    }
}

/// A shell that runs `script` with the PATH of this process.
pub fn shell(script: &str) -> ChildCommand {
    let path = std::env::var("PATH").unwrap();
    ChildCommand {
        server: "test".into(),
        program: "sh".into(),
        args: vec!["-c".into(), script.into()],
        env: vec![("PATH".into(), Secret::new(path.as_bytes()))],
        cwd: None,
        container: None,
        leave_after_max: Duration::from_secs(10),
        term_after_max: Duration::from_secs(10),
    }
}

/// Starts `command` as the one backend.
pub fn spawn(command: ChildCommand) -> Output {
    Output::Spawn { backend: BACKEND, command: Arc::new(command) }
}

/// One line for the one backend.
pub fn send(text: &str) -> Output {
    Output::Send { backend: BACKEND, message: Splice::whole(Message::from(text)) }
}

/// Writes a request and reads one answer; returns its body.
#[track_caller]
pub fn ask(stream: &mut TcpStream, path: &str, body: &str) -> String {
    let length = body.len();
    let request =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    // One answer is all that can come, so nothing is lost with the buffer.
    read_answer(&mut BufReader::new(stream))
}

/// Reads one answer with a length; returns its body.
#[track_caller]
pub fn read_answer(stream: &mut impl Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "ended after {}", head.escape_ascii());
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let length = head.split("content-length: ").nth(1).unwrap();
    let length = length.split("\r\n").next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

/// Waits until `done` is true.
#[track_caller]
pub fn eventually(mut done: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < until, "it never happened");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether there is a process with this number that is not a zombie.
pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}
