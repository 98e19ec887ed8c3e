// SPDX-License-Identifier: MIT
//! The calculator over Streamable HTTP: a thread per connection around the gateway's own link.
//!
//! Answers are JSON, never streams: the calculator has nothing to say between question and answer.
//!
//! Spec: MCP 2025-11-25, transports, Streamable HTTP.

use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::base::{Limits, Message, Now, Rng};
use crate::calculator::Server;
use crate::calculator::server::CALL_BYTES_MAX;
use crate::link::http_server::{HttpServer, ServerEvent, Status};
use crate::wire::Splice;
use crate::wire::http1::{Content, Field, Method, RequestHead, ResponseHead};
use crate::wire::jsonrpc::{self, Parsed};

/// Connections served at a time; beyond: accepted and closed at once.
const CONNECTIONS_MAX: usize = 64;
/// Sessions remembered; beyond: the oldest is forgotten.
const SESSIONS_MAX: usize = 1024;
/// Characters of a session id: 130 bits.
const SESSION_ID_CHARS: usize = 26;

/// Serves the calculator to everyone who connects, until the process ends.
///
/// Errors: a sentence, if there is no randomness for session ids.
pub fn over_http(listener: &TcpListener) -> Result<(), String> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| format!("no random numbers: {error}"))?;
    let site = Arc::new(Site {
        limits: Arc::new(Limits::DEFAULT),
        sessions: Mutex::new(Sessions::new(Rng::new(seed))),
        n_connections: AtomicUsize::new(0),
    });
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // No more files, most likely: wait until others have closed theirs.
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        let seat = Seat::take(&site);
        if let Some(seat) = seat {
            // A thread that cannot be had costs this client its connection and nobody else's.
            let _ = std::thread::Builder::new().spawn(move || serve(&stream, &seat.0));
        }
    }
    Ok(())
}

/// What all connections share.
struct Site {
    limits: Arc<Limits>,
    sessions: Mutex<Sessions>,
    n_connections: AtomicUsize,
}

/// The right to be one of [`CONNECTIONS_MAX`], given back when it is dropped.
struct Seat(Arc<Site>);

impl Seat {
    fn take(site: &Arc<Site>) -> Option<Self> {
        let seat = Self(Arc::clone(site));
        // Counted first and judged then: dropping the seat gives it back either way.
        let before = site.n_connections.fetch_add(1, Ordering::Relaxed);
        (before < CONNECTIONS_MAX).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.n_connections.fetch_sub(1, Ordering::Relaxed);
    }
}

fn read_clock() -> Now {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Now { mono: Instant::now(), unix_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) }
}

/// One connection until its end; that it broke is of no interest to anyone.
fn serve(stream: &TcpStream, site: &Site) {
    let _ = Connection::new(stream, site).and_then(Connection::run);
}

struct Connection<'s> {
    stream: &'s TcpStream,
    site: &'s Site,
    link: HttpServer,
    /// The head whose body has not come yet.
    head: Option<Arc<RequestHead>>,
    ended: bool,
}

impl<'s> Connection<'s> {
    fn new(stream: &'s TcpStream, site: &'s Site) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(site.limits.write_stall_max))?;
        let link = HttpServer::new(Arc::clone(&site.limits), read_clock());
        Ok(Self { stream, site, link, head: None, ended: false })
    }

    fn run(mut self) -> io::Result<()> {
        let mut input = vec![0; CALL_BYTES_MAX];
        let mut half_closed = false;
        loop {
            self.take_events();
            self.flush()?;
            match self.link.status() {
                Status::Closed => return Ok(()),
                Status::ShutdownWrite if !half_closed => {
                    half_closed = true;
                    self.stream.shutdown(Shutdown::Write)?;
                }
                Status::ShutdownWrite | Status::Open => (),
            }
            self.wait(&mut input)?;
        }
    }

    /// Waits for input, or for the deadline of the link.
    fn wait(&mut self, input: &mut [u8]) -> io::Result<()> {
        let now = read_clock();
        let left = self.link.deadline().map(|at| at.saturating_duration_since(now.mono));
        // Everything is answered at once, so a link that wants no input and has no deadline would
        // wait for ever.
        if self.ended && left.is_none() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        // A timeout of zero would mean none at all.
        let left = left.map(|left| left.max(Duration::from_millis(1)));
        if self.ended {
            std::thread::sleep(left.unwrap_or_default());
            self.link.handle_timeout(read_clock());
            return Ok(());
        }
        self.stream.set_read_timeout(left)?;
        match self.stream.read(input) {
            Ok(0) => {
                self.ended = true;
                self.link.end_of_input(read_clock());
            }
            Ok(n) => self.link.feed(&input[..n], read_clock()),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                    self.link.handle_timeout(read_clock());
                }
                ErrorKind::Interrupted => (),
                _ => return Err(error),
            },
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.link.outbox().is_empty() {
            let mut slices = [IoSlice::new(&[]); 8];
            let used = self.link.outbox().lend(&mut slices);
            match self.stream.write_vectored(&slices[..used]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => self.link.wrote(n, read_clock()),
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn take_events(&mut self) {
        while let Some(event) = self.link.poll_event() {
            match event {
                ServerEvent::Head(head) => match early_answer(&head, self.site) {
                    Some(answer) => self.respond(answer),
                    None => {
                        self.head = Some(head);
                        self.link.receive(CALL_BYTES_MAX, read_clock());
                    }
                },
                ServerEvent::Body(body) => {
                    if let Some(head) = self.head.take() {
                        let answer = self.site.answer(&head, &body);
                        self.respond(answer);
                    }
                }
                // The link has answered already; nothing here is ever upgraded.
                ServerEvent::Violation(_) | ServerEvent::Frame(_) | ServerEvent::Left => {
                    self.head = None;
                }
            }
        }
    }

    fn respond(&mut self, answer: Answer) {
        let body = Splice::whole(Message::new(answer.body));
        self.link.respond(&answer.head, &body, false, read_clock());
    }
}

struct Answer {
    head: ResponseHead,
    body: Vec<u8>,
}

impl Answer {
    fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { head: ResponseHead::new(status, Content::Json), body: body.into() }
    }

    const fn empty(status: u16) -> Self {
        Self { head: ResponseHead::new(status, Content::None), body: Vec::new() }
    }

    fn error(status: u16, code: &str, text: &str) -> Self {
        Self::json(status, format!(r#"{{"error":"{code}","message":"{text}"}}"#))
    }
}

/// The answer to a request that needs no body to be answered. Nothing for a POST of a message.
fn early_answer(head: &RequestHead, site: &Site) -> Option<Answer> {
    let session = head.field(Field::McpSessionId);
    Some(match (head.path(), head.method) {
        (b"/health", Method::Get | Method::Head) => Answer::json(200, r#"{"status":"ok"}"#),
        (b"/mcp", _) if !head.field(Field::Origin).is_none_or(is_local) => {
            Answer::error(403, "forbidden", "this origin is not allowed")
        }
        (b"/mcp", Method::Post) => {
            let revision = head.field(Field::McpProtocolVersion);
            if revision.is_some_and(|revision| Server::at_revision(revision).is_none()) {
                return Some(Answer::error(400, "bad_request", "unsupported MCP-Protocol-Version"));
            }
            return None;
        }
        (b"/mcp", Method::Delete) => match session.map(|id| site.sessions().end(id)) {
            Some(false) => Answer::error(404, "not_found", "no such session"),
            Some(true) | None => Answer::empty(204),
        },
        (b"/mcp", _) => not_allowed("POST, DELETE"),
        (b"/health", _) => not_allowed("GET, HEAD"),
        _ => Answer::error(404, "not_found", "not found"),
    })
}

fn not_allowed(allow: &'static str) -> Answer {
    let mut answer = Answer::error(405, "method_not_allowed", "method not allowed");
    answer.head = answer.head.with("Allow", allow);
    answer
}

/// Whether a page of this machine asks. A page of any other that reaches us has lied to the
/// browser about its address (MCP 2025-11-25, transports, security warning: DNS rebinding).
fn is_local(origin: &[u8]) -> bool {
    let Ok(origin) = str::from_utf8(origin) else { return false };
    let Some((_, authority)) = origin.split_once("://") else { return false };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

impl Site {
    fn sessions(&self) -> std::sync::MutexGuard<'_, Sessions> {
        // A thread that panicked left the table between two messages, so it is whole.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, head: &RequestHead, body: &[u8]) -> Answer {
        let parsed = jsonrpc::parse(body, &self.limits);
        let status = if parsed.is_ok() { 200 } else { 400 };
        let begins = matches!(&parsed, Ok(Parsed::Single(envelope))
            if envelope.method.is_some_and(|method| method.of(body) == br#""initialize""#));
        let (answer, begun) = match head.field(Field::McpSessionId) {
            Some(id) if !begins => match self.sessions().get(id) {
                Some(mut server) => (server.handle(body), None),
                None => return Answer::error(404, "not_found", "no such session"),
            },
            _ => {
                let revision = head.field(Field::McpProtocolVersion);
                let mut server = revision.and_then(Server::at_revision).unwrap_or_default();
                let answer = server.handle(body);
                let begun = (begins && answer.is_some()).then(|| self.sessions().begin(server));
                (answer, begun)
            }
        };
        let mut answer = match answer {
            Some(body) => Answer::json(status, body),
            None => Answer::empty(202),
        };
        if let Some(id) = begun {
            answer.head = answer.head.with("Mcp-Session-Id", id);
        }
        answer
    }
}

/// The conversations that have begun with `initialize`.
struct Sessions {
    rng: Rng,
    by_id: HashMap<Vec<u8>, Server>,
    /// All ids, the oldest first; some may have ended already.
    ids: VecDeque<Vec<u8>>,
}

impl Sessions {
    fn new(rng: Rng) -> Self {
        Self { rng, by_id: HashMap::new(), ids: VecDeque::new() }
    }

    fn begin(&mut self, server: Server) -> String {
        if self.ids.len() >= SESSIONS_MAX
            && let Some(oldest) = self.ids.pop_front()
        {
            self.by_id.remove(&oldest);
        }
        let id = self.rng.base32(SESSION_ID_CHARS);
        self.by_id.insert(id.clone().into_bytes(), server);
        self.ids.push_back(id.clone().into_bytes());
        id
    }

    /// A copy: nothing but `initialize` changes a server, and that begins another session.
    fn get(&self, id: &[u8]) -> Option<Server> {
        self.by_id.get(id).cloned()
    }

    fn end(&mut self, id: &[u8]) -> bool {
        self.by_id.remove(id).is_some()
    }
}
