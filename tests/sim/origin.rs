// SPDX-License-Identifier: MIT
//! HTTP backends: the real link on our side, and a server of Streamable HTTP or HTTP+SSE behind it.

use std::collections::VecDeque;
use std::time::Instant;

use penstock::base::Key;
use penstock::gateway::io::{
    Fetch, FetchContent, FetchError, FetchErrorKind, FetchEvent, FetchHead, FetchMethod,
    FetchRequest, Input,
};
use penstock::link::http_client::{BodyKind, ClientError, ClientEvent, ClientRequest, HttpClient};

use crate::brain::{Brain, Heard, Manner, Said, Task};
use crate::dice::Dice;
use crate::modern_brain::Subscription;
use crate::socket::{front_of, take};
use crate::temper::{Era, Temper};
use crate::world::{ServerSide, World};

/// One configured server behind HTTP.
pub struct Origin {
    pub manner: Manner,
    pub shared: bool,
    pub temper: Temper,
    /// It speaks HTTP+SSE.
    pub legacy: bool,
    pub streams: bool,
    resumable: bool,
    listens: bool,
    has_sessions: bool,
    sessions: Vec<(Brain, bool)>,
    /// What serves whoever needs no session.
    pub modern: Brain,
    /// Tasks whose stream was ended early, by the id of their last event.
    parked: Vec<(String, Task)>,
}

/// What a server does on a connection.
pub enum Doing {
    Nothing,
    Task {
        task: Task,
        begun: bool,
    },
    /// An open stream without a call.
    Listening {
        session: usize,
    },
    /// The stream of HTTP+SSE.
    Events {
        brain: Brain,
        tasks: Vec<Task>,
    },
    /// A subscription.
    Subscribed(Subscription),
    /// The answer was given, the stream is not ended.
    Lingering,
}

/// One connection to a server.
pub struct Wire {
    pub number: u64,
    pub link: HttpClient,
    pub fetch: Option<Key<Fetch>>,
    pub server: usize,
    request: Vec<u8>,
    to_gateway: VecDeque<u8>,
    pub ends: bool,
    pub doing: Doing,
    pub paused: bool,
    pub head_by: Option<Instant>,
}

/// A request as a server reads it.
pub struct Request {
    method: String,
    path: String,
    session: Option<usize>,
    last_event: Option<String>,
    pub head: String,
    pub body: String,
}

impl Origin {
    pub fn new(side: &ServerSide, dice: &mut Dice) -> Self {
        Self {
            manner: side.manner,
            shared: side.shared,
            temper: side.temper,
            legacy: dice.one_in(5) && !side.temper.is_modern(),
            streams: dice.one_in(2),
            resumable: dice.one_in(2),
            listens: dice.one_in(2),
            has_sessions: !dice.one_in(4),
            sessions: Vec::new(),
            modern: Brain::new(true, side.temper),
            parked: Vec::new(),
        }
    }
}

impl World {
    pub fn start_fetch(&mut self, fetch: Key<Fetch>, request: FetchRequest) {
        let server = usize::from(request.target.port);
        if self.dice.one_in(self.servers[server].manner.refuse) {
            return self.fetch_failed(fetch, FetchErrorKind::Connect, false);
        }
        let idle = |wire: &&mut Wire| {
            wire.server == server && wire.fetch.is_none() && wire.link.is_idle() && !wire.ends
        };
        let number = match self.wires.iter_mut().find(idle) {
            Some(wire) => wire.number,
            None => self.new_wire(server),
        };
        let now = self.now.mono;
        let Some(wire) = self.wire_mut(number) else { return };
        wire.fetch = Some(fetch);
        wire.paused = false;
        wire.head_by = request.head_after_max.map(|after| now + after);
        let session = request.session_id.as_deref();
        let fields: Vec<_> = [
            ("Mcp-Session-Id", session),
            ("MCP-Protocol-Version", request.revision.as_deref()),
            ("Last-Event-ID", request.last_event_id.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.as_bytes())))
        .chain(request.fields.iter().map(|(name, value)| (&**name, value.as_bytes())))
        .collect();
        wire.link.send(&ClientRequest {
            method: match request.method {
                FetchMethod::Get => "GET",
                FetchMethod::Post => "POST",
                FetchMethod::Delete => "DELETE",
            },
            target: request.path.as_deref().unwrap_or(&request.target.path),
            host: "backend.example",
            fields: &fields,
            body: request.body.as_ref(),
        });
    }

    fn new_wire(&mut self, server: usize) -> u64 {
        self.n_wires += 1;
        self.wires.push(Wire {
            number: self.n_wires,
            link: HttpClient::new(self.limits.clone()),
            fetch: None,
            server,
            request: Vec::new(),
            to_gateway: VecDeque::new(),
            ends: false,
            doing: Doing::Nothing,
            paused: false,
            head_by: None,
        });
        self.n_wires
    }

    fn wire_mut(&mut self, number: u64) -> Option<&mut Wire> {
        self.wires.iter_mut().find(|wire| wire.number == number)
    }

    fn fetch_failed(&mut self, fetch: Key<Fetch>, kind: FetchErrorKind, sent: bool) {
        let end = Err(FetchError { kind, sent, text: "as the dice want".into() });
        self.inbox.push_back(Input::FetchDone { fetch, end });
    }

    pub fn cancel_fetch(&mut self, fetch: Key<Fetch>) {
        self.wires.retain(|wire| wire.fetch != Some(fetch));
    }

    pub fn expire_wires(&mut self) {
        let now = self.now.mono;
        for at in (0..self.wires.len()).rev() {
            if self.wires[at].head_by.is_some_and(|by| by <= now) {
                let wire = self.wires.remove(at);
                if let Some(fetch) = wire.fetch {
                    self.fetch_failed(fetch, FetchErrorKind::TimedOut, true);
                }
            }
        }
    }

    /// Some of a request arrives at the server.
    pub fn pump_request(&mut self, number: u64, n: usize) -> bool {
        let Some(wire) = self.wire_mut(number) else { return false };
        if wire.link.outbox().is_empty() {
            return false;
        }
        let bytes = front_of(wire.link.outbox(), n);
        wire.link.wrote(bytes.len());
        wire.request.extend(bytes);
        if let Some(request) = parse_request(&mut wire.request) {
            self.serve(number, request);
        }
        true
    }

    /// Some of an answer arrives at the gateway.
    pub fn pump_answer(&mut self, number: u64, n: usize) -> bool {
        let n = n.min(self.piece_max);
        let Some(wire) = self.wire_mut(number) else { return false };
        if wire.paused || wire.to_gateway.is_empty() && !wire.ends || !wire.link.wants_input() {
            return false;
        }
        let bytes = take(&mut wire.to_gateway, n);
        wire.link.feed(&bytes);
        let ended = wire.ends && wire.to_gateway.is_empty() && wire.link.wants_input();
        if ended {
            wire.link.end_of_input();
        }
        let keep = self.take_answer(number) && !ended;
        if !keep {
            self.wires.retain(|wire| wire.number != number);
        }
        true
    }

    /// What the link makes of it. `false`: the connection is of no more use.
    fn take_answer(&mut self, number: u64) -> bool {
        let mut inbox = Vec::new();
        let mut failed = None;
        let Some(wire) = self.wire_mut(number) else { return false };
        while let Some(event) = wire.link.poll_event() {
            let Some(fetch) = wire.fetch else { return false };
            match event {
                ClientEvent::Head { status, kind, session_id, location } => {
                    wire.head_by = None;
                    let content = match kind {
                        BodyKind::Json => FetchContent::Json,
                        BodyKind::Events => FetchContent::Events,
                        BodyKind::Other => FetchContent::Other,
                    };
                    let head = FetchHead { status, content, session_id, location };
                    inbox.push(Input::FetchHead { fetch, head });
                }
                ClientEvent::Message { message, name, id, retry_ms } => {
                    let event = FetchEvent { name, id, retry_ms };
                    inbox.push(Input::FetchMessage { fetch, message, event });
                }
                ClientEvent::Begins(start) => inbox.push(Input::FetchBegins { fetch, start }),
                ClientEvent::Part(block) => inbox.push(Input::FetchPart { fetch, block }),
                ClientEvent::End => inbox.push(Input::FetchEnd { fetch }),
                ClientEvent::Done { .. } => {
                    inbox.push(Input::FetchDone { fetch, end: Ok(()) });
                    wire.fetch = None;
                    wire.doing = Doing::Nothing;
                }
                ClientEvent::Failed(error) => {
                    wire.fetch = None;
                    failed = Some((fetch, error));
                }
            }
        }
        let idle = wire.link.is_idle() || wire.fetch.is_some();
        self.inbox.extend(inbox);
        if let Some((fetch, error)) = failed {
            let kind = match error {
                ClientError::Closed => FetchErrorKind::Closed,
                ClientError::Protocol(_) => FetchErrorKind::Protocol,
                ClientError::TooLong => FetchErrorKind::TooLong,
            };
            self.fetch_failed(fetch, kind, true);
        }
        idle
    }

    /// A server answers a request, at once or later.
    fn serve(&mut self, number: u64, request: Request) {
        self.say(|| format!("    server gets {} {}", request.method, request.body));
        let Some(at) = self.wires.iter().position(|wire| wire.number == number) else { return };
        let server = self.wires[at].server;
        let m = self.servers[server].manner;
        if self.dice.one_in(m.refuse) {
            return self.wires[at].reply(500, "text/plain", "", "broken");
        }
        match &*request.method {
            "DELETE" if self.dice.one_in(m.mute) => {}
            "DELETE" => self.wires[at].reply(200, "text/plain", "", ""),
            "GET" => self.serve_get(at, &request),
            _ if self.origins[server].legacy => self.serve_delivery(at, &request),
            _ if self.is_for_modern(server, &request) => self.serve_modern(at, &request),
            _ => self.serve_post(at, &request),
        }
    }

    fn serve_get(&mut self, at: usize, request: &Request) {
        let wire = &mut self.wires[at];
        let origin = &mut self.origins[wire.server];
        if let Some(last) = &request.last_event {
            let Some(found) = origin.parked.iter().position(|(id, _)| id == last) else {
                return wire.reply(404, "text/plain", "", "gone");
            };
            let (_, task) = origin.parked.swap_remove(found);
            wire.doing = Doing::Task { task, begun: false };
            return;
        }
        if origin.legacy {
            wire.begin_stream("");
            let n = wire.number;
            wire.chunk(&format!("event: endpoint\ndata: /post?n={n}\n\n"));
            let brain = Brain::new(origin.shared, origin.temper);
            wire.doing = Doing::Events { brain, tasks: Vec::new() };
            return;
        }
        match request.session.filter(|_| origin.listens) {
            Some(session) => {
                wire.begin_stream("");
                wire.doing = Doing::Listening { session };
            }
            None => wire.reply(405, "text/plain", "", ""),
        }
    }

    /// A message of HTTP+SSE: the answer goes on the stream.
    fn serve_delivery(&mut self, at: usize, request: &Request) {
        let target = request.path.strip_prefix("/post?n=").and_then(|n| n.parse::<u64>().ok());
        let Some(target) = target else { return self.wires[at].reply(405, "text/plain", "", "") };
        let m = self.servers[self.wires[at].server].manner;
        let Some(stream) = self.wires.iter_mut().find(|wire| wire.number == target) else {
            return self.wires[at].reply(404, "text/plain", "", "no such stream");
        };
        if let Doing::Events { brain, tasks } = &mut stream.doing {
            match brain.hear(&request.body, &mut self.ledger, &mut self.dice, &m) {
                Heard::Answer(answer) => stream.event(&answer),
                Heard::Task(task) => tasks.push(task),
                Heard::Cancelled(id) => tasks.retain(|task| task.id != id),
                Heard::Reply(id) => tasks.iter_mut().for_each(|task| task.replied(&id)),
                Heard::Exit => stream.ends = true,
                Heard::Nothing | Heard::Subscribed(..) => {}
            }
        }
        self.wires[at].reply(202, "text/plain", "", "Accepted");
    }

    fn serve_post(&mut self, at: usize, request: &Request) {
        let wire = &mut self.wires[at];
        let origin = &mut self.origins[wire.server];
        let m = origin.manner;
        let opens = request.body.contains("\"method\":\"initialize\"");
        let mut field = String::new();
        if opens {
            let brain = Brain::new(origin.shared, origin.temper);
            origin.sessions.push((brain, true));
            field = format!("Mcp-Session-Id: S{}\r\n", origin.sessions.len() - 1);
        }
        let mut anonymous = Brain::new(true, origin.temper);
        let brain = match (origin.has_sessions, request.session) {
            (false, _) => {
                field.clear();
                &mut anonymous
            }
            (true, Some(at)) if origin.sessions[at].1 && !self.dice.one_in(m.lose) => {
                &mut origin.sessions[at].0
            }
            (true, None) if opens => &mut origin.sessions.last_mut().unwrap().0,
            (true, lost) => {
                if let Some(at) = lost {
                    origin.sessions[at].1 = false;
                }
                return wire.reply(404, "text/plain", "", "session not found");
            }
        };
        match brain.hear(&request.body, &mut self.ledger, &mut self.dice, &m) {
            Heard::Answer(answer) if origin.streams => {
                wire.begin_stream(&field);
                wire.event(&answer);
                wire.end_stream();
            }
            Heard::Answer(answer) => wire.reply(200, "application/json", &field, &answer),
            Heard::Task(task) => wire.doing = Doing::Task { task, begun: false },
            Heard::Exit => wire.reply(500, "text/plain", "", "broken"),
            // A request that is never answered, unless nobody waits for an answer.
            Heard::Nothing if request.body.contains("server/discover") => {}
            Heard::Reply(id) => {
                wire.reply(202, "text/plain", "", "");
                self.replied(&id);
            }
            Heard::Nothing | Heard::Cancelled(_) if self.dice.one_in(m.mute) => {}
            _ => wire.reply(202, "text/plain", "", ""),
        }
    }

    /// A request of a server is answered: whatever waits for that goes on.
    fn replied(&mut self, id: &str) {
        let parked = self.origins.iter_mut().flat_map(|origin| &mut origin.parked);
        parked.for_each(|(_, task)| task.replied(id));
        for wire in &mut self.wires {
            if let Doing::Task { task, .. } = &mut wire.doing {
                task.replied(id);
            }
        }
    }

    /// A server does something on a connection, if there is something to do.
    pub fn wire_acts(&mut self, number: u64) -> bool {
        let (now, calm) = (self.now.mono, self.weather.calm);
        let Some(wire) = self.wires.iter_mut().find(|wire| wire.number == number) else {
            return false;
        };
        let (origin, dice) = (&mut self.origins[wire.server], &mut self.dice);
        let m = origin.manner;
        if wire.ends {
            return false;
        }
        if !matches!(wire.doing, Doing::Nothing) && dice.one_in(m.crash * 3) {
            wire.ends = true;
            return true;
        }
        match &mut wire.doing {
            Doing::Nothing => false,
            Doing::Subscribed(_) => self.wire_tells(number),
            Doing::Lingering => {
                if m.linger == 0 || dice.one_in(m.linger * 9) {
                    wire.doing = Doing::Nothing;
                    wire.end_stream();
                }
                false
            }
            Doing::Listening { session } => {
                let brain = origin.sessions.get(*session).map(|(brain, _)| brain);
                if dice.one_in(m.notify)
                    && let Some(remark) = brain.and_then(|brain| brain.remark(dice))
                {
                    wire.event(&remark);
                } else if dice.one_in(m.linger * 9) {
                    wire.doing = Doing::Nothing;
                    wire.end_stream();
                }
                false
            }
            Doing::Events { tasks, .. } => {
                tasks.retain(|task| calm || now < task.until);
                if tasks.is_empty() {
                    return false;
                }
                let at = dice.below(tasks.len());
                let (text, done) = match tasks[at].speak(&mut self.ledger, dice, &m) {
                    Said::Before(text) => (text, false),
                    Said::Answer(text) => (text, true),
                    Said::Never => return false,
                };
                if done {
                    tasks.swap_remove(at);
                }
                wire.event(&text);
                if done && dice.one_in(m.twice) {
                    wire.event(&text);
                }
                true
            }
            Doing::Task { .. } => self.wire_works(number),
        }
    }

    fn wire_works(&mut self, number: u64) -> bool {
        let Some(wire) = self.wires.iter_mut().find(|wire| wire.number == number) else {
            return false;
        };
        let (origin, dice) = (&mut self.origins[wire.server], &mut self.dice);
        let m = origin.manner;
        let Doing::Task { mut task, mut begun } =
            std::mem::replace(&mut wire.doing, Doing::Nothing)
        else {
            return false;
        };
        let streams = origin.streams || begun;
        let resumable = origin.streams && origin.resumable && task.era == Era::Legacy;
        if resumable && task.n_said < 3 && dice.one_in(4) {
            wire.begin_unless(begun);
            let id = wire.end_early(&task, dice.pick(&[0, 50, 700]));
            task.n_said += 1;
            origin.parked.push((id, task));
            return true;
        }
        match task.speak(&mut self.ledger, dice, &m) {
            Said::Before(text) => {
                if streams {
                    wire.begin_unless(begun);
                    begun = true;
                    wire.event(&text);
                } else {
                    // Who cannot ask waits for nothing.
                    task.waits_for = None;
                }
                wire.doing = Doing::Task { task, begun };
            }
            Said::Answer(text) if streams => {
                wire.begin_unless(begun);
                if dice.one_in(m.half) {
                    wire.chunk(&format!("data: {}", &text[..text.len() / 2]));
                    wire.ends = true;
                    return true;
                }
                wire.event(&text);
                if dice.one_in(m.twice) {
                    wire.event(&text);
                }
                if dice.one_in(m.linger) {
                    wire.doing = Doing::Lingering;
                } else {
                    wire.end_stream();
                }
            }
            Said::Answer(text) => {
                let is_refusal = task.era == Era::Modern && text.contains("\"error\"");
                let status = if is_refusal { dice.pick(&[200, 400, 404]) } else { 200 };
                wire.reply(status, "application/json", "", &text);
                if dice.one_in(m.half) {
                    let n = wire.to_gateway.len() / 2;
                    wire.to_gateway.truncate(n);
                    wire.ends = true;
                }
            }
            Said::Never => {
                wire.doing = Doing::Task { task, begun };
                return false;
            }
        }
        true
    }
}

impl Wire {
    pub fn reply(&mut self, status: u16, kind: &str, fields: &str, body: &str) {
        self.to_gateway.extend(
            format!(
                "HTTP/1.1 {status} Reason\r\nContent-Type: {kind}\r\n{fields}Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .bytes(),
        );
    }

    fn begin_unless(&mut self, begun: bool) {
        if !begun {
            self.begin_stream("");
        }
    }

    pub fn begin_stream(&mut self, fields: &str) {
        self.to_gateway.extend(
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{fields}Transfer-Encoding: chunked\r\n\r\n"
            )
            .bytes(),
        );
    }

    fn chunk(&mut self, text: &str) {
        self.to_gateway.extend(format!("{:x}\r\n{text}\r\n", text.len()).bytes());
    }

    pub fn event(&mut self, text: &str) {
        self.chunk(&format!("event: message\ndata: {text}\n\n"));
    }

    /// Ends a stream before its answer; whoever comes back with the id is told the rest.
    fn end_early(&mut self, task: &Task, retry_ms: u32) -> String {
        let id = format!("e{}-{}", task.tag, task.n_said);
        self.chunk(&format!("id: {id}\nretry: {retry_ms}\ndata:\n\n"));
        self.end_stream();
        id
    }

    pub fn end_stream(&mut self) {
        self.to_gateway.extend(b"0\r\n\r\n");
    }
}

fn parse_request(bytes: &mut Vec<u8>) -> Option<Request> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let field = |name: &str| {
        head.lines().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let length = field("content-length").map_or(0, |length| length.parse().unwrap());
    if bytes.len() < end + length {
        return None;
    }
    let body = String::from_utf8(bytes[end..end + length].to_vec()).unwrap();
    bytes.drain(..end + length);
    let mut words = head.split(' ').map(str::to_owned);
    Some(Request {
        method: words.next().unwrap(),
        path: words.next().unwrap(),
        session: field("mcp-session-id").map(|id| id[1..].parse().unwrap()),
        last_event: field("last-event-id"),
        head,
        body,
    })
}
