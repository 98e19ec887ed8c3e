// SPDX-License-Identifier: MIT
//! The steps of a story: what clients, servers, time and the operator may do next. Whoever cannot
//! do it at the moment lets it be.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::phrases;
use super::script::Script;
use super::world::{PeerState, To, World};
use crate::base::{Key, Message, Span};
use crate::gateway::io::{
    ChildEnd, FetchContent, FetchError, FetchErrorKind, FetchEvent, FetchHead, Input, PeerAddress,
};
use crate::wire::http1::{Field, Method, RequestHead};

pub const PATHS: &[&str] = &["/mcp/child", "/mcp/http", "/mcp/shared", "/mcp/nobody", "/mcp"];
const EVENT_PATHS: &[&str] = &["/sse/child", "/sse/http", "/sse/shared", "/sse/nobody"];
const SOCKET_PATHS: &[&str] = &["/ws/child", "/ws/http", "/ws/shared"];
const DOORS: &[&str] = &["/health", "/ready", "/", "/close", "/health", "/ready", "/mcp/child"];
const ACCEPTS: &[&str] =
    &["application/json, text/event-stream", "application/json", "text/event-stream", "*/*", "x"];
const TYPES: &[&str] = &["application/json", "text/plain"];
const REVISIONS: &[&str] = &["2025-11-25", "2025-03-26", "2024-11-05", "soon"];
const STATUSES: &[u16] = &[200, 202, 404, 400, 405, 500, 307, 204];
const ERRORS: &[FetchErrorKind] = &[
    FetchErrorKind::Closed,
    FetchErrorKind::Connect,
    FetchErrorKind::TimedOut,
    FetchErrorKind::TooLong,
    FetchErrorKind::Protocol,
];
const MOMENTS_MS: &[u64] = &[0, 1, 1000, 2000, 30_000, 60_000, 600_000];

impl World {
    /// Does what the script says next.
    pub fn step(&mut self, script: &mut Script<'_>) {
        if self.has_both_eras && self.step_of_eras(script) {
            return;
        }
        match script.byte() % 32 {
            0..=6 => self.post(script),
            7 | 8 => self.get(script),
            9 => self.delete(script),
            10 => self.knock(script),
            11 | 12 => self.leave(script),
            13 => self.hold_up(script),
            14..=18 => self.answer_well(script),
            19..=21 => self.line(script),
            22 => self.mutter(script),
            23 => self.lose_child(script),
            24 => self.fill_child(script),
            25 => self.fetch_head(script),
            26 | 27 => self.fetch_message(script),
            28 => self.fetch_done(script),
            29 | 30 => {
                let after = script.one_of(MOMENTS_MS).copied().unwrap_or_default();
                self.pass(Duration::from_millis(after));
            }
            _ => self.command(script),
        }
    }

    /// The place of a client that is in one of `states`.
    pub fn peer_in(&self, script: &mut Script<'_>, states: &[PeerState]) -> Option<usize> {
        let fits = |at: &usize| states.contains(&self.peers[*at].state);
        let fitting: Vec<usize> = (0..self.peers.len()).filter(fits).collect();
        script.one_of(&fitting).copied()
    }

    pub fn head(&mut self, at: usize, method: Method, path: &str, fields: &[(Field, &str)]) {
        self.head_with(at, method, path, fields, "");
    }

    /// The same with lines of fields that have no place of their own.
    fn head_with(
        &mut self,
        at: usize,
        method: Method,
        path: &str,
        fields: &[(Field, &str)],
        lines: &str,
    ) {
        let from = PeerAddress { ip: Ipv4Addr::LOCALHOST.into(), port: 9, local_is_loopback: true };
        let peer = self.peers[at].key;
        self.peers[at].state = PeerState::Headed;
        self.peers[at].asked = None;
        let mut head = head(method, path, fields);
        head.bytes = Message::new([&head.bytes[..], lines.as_bytes()].concat());
        self.input(Input::Head { peer, from, head: head.into() });
    }

    /// Sends a head, or the body that a head has promised.
    fn post(&mut self, script: &mut Script<'_>) {
        let states = [PeerState::Idle, PeerState::Receiving];
        let Some(at) = self.peer_in(script, &states) else { return };
        if self.peers[at].state == PeerState::Idle {
            let path = script.one_of(PATHS).copied().unwrap_or_default();
            let odd = script.byte();
            let mut fields = vec![
                (Field::Accept, ACCEPTS[usize::from(odd >> 5) % ACCEPTS.len()]),
                (Field::ContentType, TYPES[usize::from(odd % 16 == 15)]),
            ];
            if odd & 0x10 != 0 {
                fields.push((Field::Origin, "http://localhost:1"));
            }
            let session = self.session_id(script);
            if let Some(session) = &session {
                fields.push((Field::McpSessionId, session));
            }
            self.head(at, Method::Post, path, &fields);
        }
        // Most bodies come at once, some much later.
        let body = phrases::client(script);
        if self.peers[at].state == PeerState::Receiving && script.byte() % 8 != 7 {
            self.send_body(at, body);
        }
    }

    /// Mostly one that was given out, perhaps over by now.
    fn session_id(&self, script: &mut Script<'_>) -> Option<String> {
        match script.below(8) {
            0 | 1 => None,
            2 => Some("unknown".to_owned()),
            _ => script.one_of(&self.session_ids).cloned(),
        }
    }

    fn get(&mut self, script: &mut Script<'_>) {
        let Some(at) = self.peer_in(script, &[PeerState::Idle]) else { return };
        let path = script.one_of(PATHS).copied().unwrap_or_default();
        let session = self.session_id(script);
        let last =
            script.one_of(&self.event_ids).cloned().filter(|_| script.byte().is_multiple_of(2));
        let mut fields = vec![(Field::Accept, "text/event-stream")];
        if let Some(session) = &session {
            fields.push((Field::McpSessionId, session));
        }
        if let Some(last) = &last {
            fields.push((Field::LastEventId, last));
        }
        if script.byte() % 8 == 7 {
            fields.push((Field::McpProtocolVersion, script.one_of(REVISIONS).unwrap_or(&"")));
        }
        self.head(at, Method::Get, path, &fields);
    }

    fn delete(&mut self, script: &mut Script<'_>) {
        let Some(at) = self.peer_in(script, &[PeerState::Idle]) else { return };
        let path = script.one_of(PATHS).copied().unwrap_or_default();
        let session = self.session_id(script).unwrap_or_default();
        self.head(at, Method::Delete, path, &[(Field::McpSessionId, &session)]);
    }

    /// Tries the other doors.
    fn knock(&mut self, script: &mut Script<'_>) {
        let Some(at) = self.peer_in(script, &[PeerState::Idle]) else { return };
        let path = script.one_of(DOORS).copied().unwrap_or_default();
        let methods = [Method::Get, Method::Options, Method::Head, Method::Other, Method::Post];
        let method = script.one_of(&methods).copied().unwrap_or(Method::Get);
        self.head(at, method, path, &[(Field::Origin, "http://localhost:1")]);
    }

    /// A connection ends; another one takes its place.
    fn leave(&mut self, script: &mut Script<'_>) {
        let at = script.below(self.peers.len());
        let (peer, was) = (self.peers[at].key, self.peers[at].state);
        self.peers[at].full = false;
        self.peers[at].state = PeerState::Gone;
        if was != PeerState::Gone {
            self.input(Input::PeerClosed { peer });
        }
        self.peers[at].key = Key::from_parts(at as u32, peer.generation() + 1);
        self.peers[at].state = PeerState::Idle;
    }

    /// A client stops reading, or begins again.
    fn hold_up(&mut self, script: &mut Script<'_>) {
        let at = script.below(self.peers.len());
        let peer = self.peers[at].key;
        if self.peers[at].state == PeerState::Gone {
            return;
        }
        self.peers[at].full = !self.peers[at].full;
        let full = self.peers[at].full;
        self.input(if full { Input::PeerFull { peer } } else { Input::PeerDrained { peer } });
    }

    /// A server answers one of the requests that it was sent, as it should.
    fn answer_well(&mut self, script: &mut Script<'_>) {
        if self.ends_a_half() || self.open.is_empty() {
            return;
        }
        let at = script.below(self.open.len());
        let open = self.open.remove(at);
        let message = phrases::good_answer(&open.method, &open.id);
        match open.to {
            To::Child(_) if self.begins(open.to, &message) => {}
            To::Child(backend) => self.input(Input::Line { backend, line: message }),
            To::Fetch(fetch) => {
                let Some(view) = self.fetches.iter_mut().find(|view| view.key == fetch) else {
                    return;
                };
                if !std::mem::replace(&mut view.headed, true) {
                    let session_id = (open.method == "initialize").then(|| "below".into());
                    let content = FetchContent::Json;
                    let head = FetchHead { status: 200, content, session_id, location: None };
                    self.input(Input::FetchHead { fetch, head });
                }
                if self.begins(open.to, &message) {
                    return;
                }
                self.input(Input::FetchMessage { fetch, message, event: FetchEvent::default() });
                if self.forget_fetch(fetch) {
                    self.input(Input::FetchDone { fetch, end: Ok(()) });
                }
            }
        }
    }

    /// A child says anything.
    fn line(&mut self, script: &mut Script<'_>) {
        let Some(backend) = script.one_of(&self.children).map(|child| child.key) else { return };
        let line = phrases::server(script, &self.ids);
        if line.first().is_some_and(|&byte| byte == b'{' || byte == b'[') && !line.contains(&b'\n')
        {
            self.input(Input::Line { backend, line });
        }
    }

    /// A child says what is no message.
    fn mutter(&mut self, script: &mut Script<'_>) {
        let Some(backend) = script.one_of(&self.children).map(|child| child.key) else { return };
        let line = Message::from("what");
        self.input(match script.below(3) {
            0 => Input::Noise { backend, line },
            1 => Input::Stderr { backend, line },
            _ => Input::LineTooLong { backend, start: line },
        });
    }

    fn lose_child(&mut self, script: &mut Script<'_>) {
        let Some(backend) = script.one_of(&self.children).map(|child| child.key) else { return };
        let why = match script.below(3) {
            0 => ChildEnd::Exited(1),
            1 => ChildEnd::Killed(9),
            _ => ChildEnd::NotStarted("no".to_owned()),
        };
        self.child_gone(backend, why);
    }

    fn fill_child(&mut self, script: &mut Script<'_>) {
        let Some(backend) = script.one_of(&self.children).map(|child| child.key) else { return };
        let full = script.byte().is_multiple_of(2);
        self.input(if full {
            Input::BackendFull { backend }
        } else {
            Input::BackendDrained { backend }
        });
    }

    fn fetch_head(&mut self, script: &mut Script<'_>) {
        let fits: Vec<usize> =
            (0..self.fetches.len()).filter(|at| !self.fetches[*at].headed).collect();
        let Some(&at) = script.one_of(&fits) else { return };
        let choice = script.byte();
        self.fetches[at].headed = true;
        let head = FetchHead {
            status: script.one_of(STATUSES).copied().unwrap_or_default(),
            content: match choice % 4 {
                0 => FetchContent::Json,
                1 | 2 => FetchContent::Events,
                _ => FetchContent::Other,
            },
            session_id: (choice & 4 != 0).then(|| format!("below-{}", choice >> 6).into()),
            location: (choice & 8 != 0).then(|| "http://elsewhere.example/".into()),
        };
        self.input(Input::FetchHead { fetch: self.fetches[at].key, head });
    }

    fn fetch_message(&mut self, script: &mut Script<'_>) {
        let fits: Vec<usize> =
            (0..self.fetches.len()).filter(|at| self.fetches[*at].headed).collect();
        let Some(&at) = script.one_of(&fits) else { return };
        let choice = script.byte();
        let event = FetchEvent {
            name: (choice & 1 != 0).then(|| "endpoint".into()),
            id: (choice & 2 != 0).then(|| format!("e{}", choice >> 5).into()),
            retry_ms: (choice & 4 != 0).then_some(u32::from(choice >> 3) * 100),
        };
        let empty = choice & 24 == 24;
        let message = if empty { Message::default() } else { phrases::server(script, &self.ids) };
        self.input(Input::FetchMessage { fetch: self.fetches[at].key, message, event });
    }

    fn fetch_done(&mut self, script: &mut Script<'_>) {
        let Some(fetch) = script.one_of(&self.fetches).map(|fetch| fetch.key) else { return };
        let choice = script.byte();
        let end = if choice.is_multiple_of(2) {
            Ok(())
        } else {
            let kind = ERRORS[usize::from(choice >> 2) % ERRORS.len()];
            Err(FetchError { kind, sent: choice & 2 != 0, text: "as told".to_owned() })
        };
        self.forget_fetch(fetch);
        self.input(Input::FetchDone { fetch, end });
    }

    /// A client opens a stream for a session that it is to be.
    fn attach(&mut self, script: &mut Script<'_>) {
        let Some(at) = self.peer_in(script, &[PeerState::Idle]) else { return };
        let path = script.one_of(EVENT_PATHS).copied().unwrap_or_default();
        self.head(at, Method::Get, path, &[(Field::Accept, "text/event-stream")]);
    }

    /// The same with a WebSocket.
    fn upgrade(&mut self, script: &mut Script<'_>) {
        let Some(at) = self.peer_in(script, &[PeerState::Idle]) else { return };
        let path = script.one_of(SOCKET_PATHS).copied().unwrap_or_default();
        let version = if script.byte() % 8 == 7 { "8" } else { "13" };
        let lines = format!(
            "\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: {version}\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.head_with(at, Method::Get, path, &[], &lines);
    }

    fn frame(&mut self, script: &mut Script<'_>) {
        let Some(at) = self.peer_in(script, &[PeerState::Upgraded]) else { return };
        let (peer, message) = (self.peers[at].key, phrases::client(script));
        self.input(Input::Frame { peer, message });
    }

    /// Somebody posts for such a session, perhaps one that is over.
    fn post_attached(&mut self, script: &mut Script<'_>) {
        let Some(at) = self.peer_in(script, &[PeerState::Idle]) else { return };
        let Some(path) = script.one_of(&self.endpoints).cloned() else { return };
        self.head(at, Method::Post, &path, &[(Field::ContentType, "application/json")]);
        let body = phrases::client(script);
        if self.peers[at].state == PeerState::Receiving && script.byte() % 8 != 7 {
            self.send_body(at, body);
        }
    }

    /// The operator speaks, now and then; else somebody comes to the other door.
    fn command(&mut self, script: &mut Script<'_>) {
        match script.byte() {
            0..=49 => self.attach(script),
            50..=179 => self.post_attached(script),
            180..=199 => self.upgrade(script),
            200..=249 => self.frame(script),
            250..=252 => {
                let deadline = self.now.mono + Duration::from_secs(3);
                self.input(Input::Drain { deadline, why: "told to" });
            }
            253 => self.input(Input::Halt),
            _ => {}
        }
    }
}

/// A head without a parser.
fn head(method: Method, path: &str, fields: &[(Field, &str)]) -> RequestHead {
    let mut bytes = path.as_bytes().to_vec();
    let target = Span::new(0, bytes.len());
    let mut known = [None; Field::COUNT];
    for (field, value) in fields {
        let start = bytes.len();
        bytes.extend_from_slice(value.as_bytes());
        known[*field as usize] = Some(Span::new(start, bytes.len()));
    }
    RequestHead { bytes: Message::new(bytes), method, target, known, params: Vec::new() }
}
