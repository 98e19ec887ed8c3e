// SPDX-License-Identifier: MIT
//! Backends: a server is configured, a backend is alive. A child process, a session with an HTTP
//! server, or the older pair of an event stream and an endpoint to post to.
//!
//! ```text
//!  start ─> Opening ── handshake ──> Ready ── session ends ──> Stopping ── gone ──> removed
//!              └── timeout, exit, refusal: failed ──────────────┘
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::call::Call;
use super::exchange::Exchange;
use super::fault::{BackendFaultKind, Fault};
use super::io::{ChildEnd, EventKind, Fetch, Level, Output};
use super::pause::Source;
use super::session::Session;
use super::snapshot::ServerId;
use super::{Gateway, note};
use crate::base::{Key, Message};
use crate::mcp::Era;
use crate::mcp::legacy::Handshake;
use crate::mcp::method::Method;
use crate::mcp::modern::Discovery;
use crate::wire::Splice;

pub mod events;
pub mod greet;
pub mod http;
pub mod open;
pub mod reopen;
pub mod streams;

/// One backend.
#[derive(Debug)]
pub struct Backend {
    /// The server that it is an instance of.
    pub server: ServerId,
    /// Which protocol it is spoken to in.
    pub era: Era,
    /// How messages reach it.
    pub link: Link,
    /// Whom it serves.
    pub owner: Owner,
    /// Whether it takes messages.
    pub state: State,
    /// What it said to the gateway's own `initialize`.
    pub handshake: Option<Handshake>,
    /// What it said to `server/discover`, if it is modern.
    pub discovery: Option<Discovery>,
    /// Whether the client's `initialize` opens it, and not ours.
    pub opened_by_client: bool,
    /// Messages that wait until it is open.
    pub held: VecDeque<(Splice, Carrier)>,
    /// Calls of clients that are answered from the handshake.
    pub greetings: Vec<Key<Call>>,
    /// Notifications that came while it served nobody; its first session gets them.
    pub early: VecDeque<Message>,
    /// The last lines of its stderr.
    pub said: VecDeque<Message>,
    /// Lines of stdout that were no messages.
    pub n_noise: u64,
    /// Whether more waits for it than is kept.
    pub full: bool,
    /// When it was started.
    pub started_at: Instant,
    /// Until when it may be working for somebody who waits no more and is not remembered.
    pub doubted_until: Option<Instant>,
    /// The same for whoever wanted it to log.
    pub logs_doubted_until: Option<Instant>,
}

/// How messages reach a backend.
#[derive(Debug)]
pub enum Link {
    /// Lines to a child.
    Child,
    /// Streamable HTTP.
    Http(HttpSession),
    /// HTTP+SSE of 2024-11-05.
    Events(EventsSession),
}

/// Our session with a Streamable HTTP server.
#[derive(Debug, Default)]
pub struct HttpSession {
    /// What the server called it; servers without sessions do not.
    pub id: Option<Arc<str>>,
    /// What is sent as `MCP-Protocol-Version`.
    pub revision: Option<Arc<str>>,
    /// The GET that listens for messages without a call.
    pub listening: Option<Key<Fetch>>,
    /// When to listen again after the server has ended that GET.
    pub listen_at: Option<Instant>,
    /// How often the server was not there for it.
    pub n_deaf: u32,
}

/// Our connection with an HTTP+SSE server.
#[derive(Debug)]
pub struct EventsSession {
    /// The GET that carries everything it says.
    pub stream: Key<Fetch>,
    /// Where to post, once it has said so.
    pub endpoint: Option<Box<str>>,
}

/// Whom a backend serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody yet: it was started to see whether the server works, and waits for its session.
    Nobody,
    /// One session.
    Session(Key<Session>),
    /// All sessions of its server.
    Shared,
}

/// Whether a backend takes messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// `initialize` is not answered yet.
    Opening,
    /// It takes messages.
    Ready,
    /// It was told to leave.
    Stopping,
}

/// What goes with a message to a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// It is a request.
    Call(Key<Call>),
    /// It is a notification or a response; the exchange that waits until it is taken.
    Notice(Option<Key<Exchange>>),
}

/// How many messages may wait for a backend to open.
const HELD_MAX: usize = 1024;

impl Backend {
    /// Whether one more message may wait until it is open.
    fn may_hold(&self, message: &Splice, bytes_max: usize) -> bool {
        let bytes: usize = self.held.iter().map(|(held, _)| held.len()).sum();
        self.held.len() < HELD_MAX && bytes + message.len() <= bytes_max
    }

    /// The last lines of stderr in one.
    #[must_use]
    pub fn last_words(&self) -> String {
        let lines: Vec<_> = self.said.iter().map(|line| String::from_utf8_lossy(line)).collect();
        lines.join(" | ")
    }
}

impl Call {
    /// Whether it opens its backend.
    #[must_use]
    pub fn is_handshake(&self) -> bool {
        self.method == Method::Initialize
    }
}

impl Gateway {
    /// Sends a message, or holds it until the backend is open. `true`: the exchange of a notice
    /// will be accepted when the backend has taken it.
    pub(crate) fn send_below(
        &mut self,
        key: Key<Backend>,
        message: Splice,
        carrier: Carrier,
    ) -> bool {
        let bytes_max = self.limits().backend_outbox_bytes_max;
        let Some(backend) = self.backends.get_mut(key) else { return false };
        match backend.state {
            State::Ready => self.transmit(key, message, carrier),
            State::Opening => {
                if backend.may_hold(&message, bytes_max) {
                    let exchange_goes_on = match carrier {
                        Carrier::Notice(_) => Carrier::Notice(None),
                        Carrier::Call(_) => carrier,
                    };
                    backend.held.push_back((message, exchange_goes_on));
                } else if let Carrier::Call(call) = carrier {
                    let detail = "too many requests wait for it to start";
                    let fault = self.backend_fault(key, BackendFaultKind::Full, detail);
                    self.fail_call(call, &fault);
                }
                false
            }
            State::Stopping => {
                if let Carrier::Call(call) = carrier {
                    let fault = self.backend_fault(key, BackendFaultKind::Down, "it was stopped");
                    self.fail_call(call, &fault);
                }
                false
            }
        }
    }

    /// Lets a message go, whatever the state.
    pub(crate) fn transmit(
        &mut self,
        key: Key<Backend>,
        message: Splice,
        carrier: Carrier,
    ) -> bool {
        let Some(backend) = self.backends.get(key) else { return false };
        match backend.link {
            Link::Child => {
                self.push(Output::Send { backend: key, message });
                false
            }
            Link::Http(_) | Link::Events(_) => self.post(key, message, carrier),
        }
    }

    pub(crate) fn backend_of(&self, session: Key<Session>) -> Option<(Key<Backend>, ServerId)> {
        let session = self.sessions.get(session)?;
        Some((session.backend, session.server))
    }

    pub(crate) fn line(&mut self, key: Key<Backend>, line: Message) {
        self.receive(key, line, None);
    }

    pub(crate) fn noise(&mut self, key: Key<Backend>, line: &Message) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        backend.n_noise += 1;
        let (server, n) = (backend.server, backend.n_noise);
        // Every line of a flood would fill the log; powers of two tell as much.
        if n.is_power_of_two() {
            let text = format!(
                "stdout carried a line that is no message ({n} so far): {}",
                note::excerpt(line)
            );
            self.note(Level::Warn, "backend", Some(server), text);
        }
    }

    /// A message was longer than allowed and is lost: whoever may have waited for it is told.
    pub(crate) fn line_too_long(&mut self, key: Key<Backend>, start: &Message) {
        let max = self.limits().backend_message_bytes_max;
        let Some(server) = self.backends.get(key).map(|backend| backend.server) else { return };
        let text = format!(
            "dropped a message of more than {max} bytes that begins with: {}",
            note::excerpt(start)
        );
        self.note(Level::Error, "backend", Some(server), text);
        if let Some(call) = self.only_call_of(key) {
            let detail = format!("its answer is longer than {max} bytes");
            let fault = self.backend_fault(key, BackendFaultKind::Misbehaved, &detail);
            self.fail_call(call, &fault);
        }
    }

    pub(crate) fn stderr(&mut self, key: Key<Backend>, line: Message) {
        let kept = self.limits().stderr_lines_kept;
        let Some(backend) = self.backends.get_mut(key) else { return };
        backend.said.push_back(line.clone());
        while backend.said.len() > kept {
            backend.said.pop_front();
        }
        let server = backend.server;
        self.emit(Some(server), EventKind::Stderr { line });
    }

    pub(crate) fn set_full(&mut self, key: Key<Backend>, full: bool) {
        if let Some(backend) = self.backends.get_mut(key) {
            backend.full = full;
        }
    }

    /// The child is gone.
    pub(crate) fn child_closed(&mut self, key: Key<Backend>, why: &ChildEnd) {
        let Some(backend) = self.backends.get(key) else { return };
        let expected = backend.state == State::Stopping;
        let detail = match why {
            ChildEnd::NotStarted(text) => format!("it could not be started: {text}"),
            ChildEnd::Exited(code) => format!("its process exited with status {code}"),
            ChildEnd::Killed(signal) => format!("its process was ended by signal {signal}"),
            ChildEnd::Mute => "its process closed its stdout".to_owned(),
            ChildEnd::Lost(text) => format!("its container was lost: {text}"),
        };
        let fault = self.backend_fault(key, BackendFaultKind::Down, &detail);
        if !expected {
            self.give_up(key, &fault);
        }
        self.remove_backend(key, &fault);
    }

    /// A backend has failed: its calls get the error, the sessions that it served are over.
    pub(crate) fn backend_failed(&mut self, key: Key<Backend>, fault: &Fault) {
        if self.backends.get(key).is_some_and(|backend| backend.state != State::Stopping) {
            self.give_up(key, fault);
            self.stop_link(key, false);
        }
    }

    /// Ends everything that a failed backend was needed for.
    fn give_up(&mut self, key: Key<Backend>, fault: &Fault) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        let (server, owner, was_opening) =
            (backend.server, backend.owner, backend.state == State::Opening);
        let era = backend.era;
        backend.state = State::Stopping;
        if era == Era::Modern {
            self.modern_backend_lost(key, server, fault);
        } else {
            self.note(Level::Error, "backend", Some(server), fault.text());
            // A session's child that crashes says nothing about the server; one that cannot start
            // does.
            if was_opening || !matches!(owner, Owner::Session(_)) {
                self.server_failed(server, &fault.text());
            }
        }
        self.fail_calls_of(key, fault);
        let over: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.backend == key)
            .map(|(session, _)| session)
            .collect();
        for session in over {
            self.end_session(session, "its backend has failed");
        }
        if era == Era::Legacy {
            self.first_is_settled(server);
        }
    }

    pub(crate) fn fail_calls_of(&mut self, key: Key<Backend>, fault: &Fault) {
        let calls: Vec<_> = self.calls.of(key).map(|(call, _)| call).collect();
        for call in calls {
            self.fail_call(call, fault);
        }
    }

    fn remove_backend(&mut self, key: Key<Backend>, fault: &Fault) {
        self.fail_calls_of(key, fault);
        self.passages.source_ended(Source::Child(key));
        if let Some(backend) = self.backends.remove(key) {
            let state = &mut self.servers[usize::from(backend.server.0)];
            state.first.take_if(|first| *first == key);
            if backend.era == Era::Modern {
                self.forget_answers(backend.server);
            }
        }
    }

    /// Lets a backend leave that is not needed any more.
    pub(crate) fn stop_backend(&mut self, key: Key<Backend>) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        if backend.state == State::Stopping {
            return;
        }
        backend.state = State::Stopping;
        let fault = self.backend_fault(key, BackendFaultKind::Down, "it was stopped");
        self.fail_calls_of(key, &fault);
        self.stop_link(key, false);
    }

    /// Tells the world to let go of a backend; a child reports when it is gone.
    pub(crate) fn stop_link(&mut self, key: Key<Backend>, now: bool) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        backend.held.clear();
        match &backend.link {
            Link::Child => self.push(Output::Stop { backend: key, now }),
            Link::Http(_) | Link::Events(_) => {
                self.leave_http(key);
                let gone = self.backend_fault(key, BackendFaultKind::Down, "it was stopped");
                self.remove_backend(key, &gone);
            }
        }
    }
}
