// SPDX-License-Identifier: MIT
//! Clients: what they know, and what they check in everything that they are told.

use std::collections::BTreeMap;

use penstock::base::Key;
use penstock::gateway::io::Peer;
use penstock::wire::json::tree::{self, Node};

use crate::brain::{What, text_of};
use crate::dice::Dice;
use crate::modern_client::Modern;
use crate::reader::Seen;
use crate::socket::{Expect, Kind, Socket};
use crate::world::{KEYS, World};

/// One client with one session at a time, or without any.
pub struct Client {
    pub index: usize,
    pub server: usize,
    pub one_shot: bool,
    /// It speaks 2026-07-28, and knows of no session.
    pub is_modern: bool,
    pub modern: Modern,
    pub key: &'static str,
    pub revision: &'static str,
    /// Whom the messages of its present session name.
    pub who: String,
    pub session: Option<String>,
    pub opening: bool,
    pub n_sessions: u32,
    /// Requests of the server that wait for an answer, as their ids are spelled.
    pub asked: Vec<String>,
    /// Every event with an id, by session and id.
    pub events: BTreeMap<(String, String), String>,
    /// The last event of streams that were cut.
    pub cut: Vec<String>,
}

impl Client {
    pub fn new(index: usize, n_servers: usize, dice: &mut Dice) -> Self {
        let is_modern = dice.one_in(2);
        let one_shot = !is_modern && dice.one_in(3);
        let can = dice.pick(&crate::acts::CAPABILITIES).to_owned();
        let kind = if is_modern { "m" } else { "o" };
        let has_session = !is_modern && !one_shot;
        Self {
            index,
            server: dice.below(n_servers),
            one_shot,
            is_modern,
            modern: Modern { can, ..Modern::default() },
            key: dice.pick(&KEYS),
            revision: dice.pick(&REVISIONS),
            who: if has_session { format!("c{index}.0") } else { format!("{kind}{index}") },
            session: None,
            opening: false,
            n_sessions: 0,
            asked: Vec::new(),
            events: BTreeMap::new(),
            cut: Vec::new(),
        }
    }

    /// Forgets the session and is somebody else from now on.
    pub fn begin_again(&mut self) {
        self.n_sessions += 1;
        self.who = format!("c{}.{}", self.index, self.n_sessions);
        self.session = None;
        self.opening = false;
        self.asked.clear();
        self.cut.clear();
    }
}

const REVISIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// What a client is refused with.
const REFUSALS: [u16; 11] = [400, 404, 406, 408, 410, 413, 415, 429, 502, 503, 504];

impl World {
    /// A client sees a part of an answer.
    pub fn saw(&mut self, key: Key<Peer>, seen: Seen) {
        self.say(|| format!("    {key:?} sees {seen:?}"));
        let Some(socket) = self.sockets.open.get_mut(&key) else { return };
        let client = socket.client;
        match seen {
            Seen::Head { status, session, streams } => {
                let Some(expect) = socket.expects.front_mut() else {
                    assert!(status >= 400, "{status} for nothing");
                    return;
                };
                (expect.status, expect.streams) = (status, streams);
                let expect = expect.clone();
                self.saw_head(client, &expect, session);
            }
            Seen::Event { id, text } => {
                let expect = socket.expects.front().expect("an event of a stream").clone();
                self.saw_event(client, &expect, id, &text);
            }
            Seen::Body(text) => {
                let Some(expect) = socket.expects.front().cloned() else { return };
                self.saw_body(client, &expect, &text);
            }
            Seen::End => {
                if let Some(expect) = socket.expects.pop_front() {
                    self.saw_end(&expect);
                }
            }
        }
    }

    fn saw_head(&mut self, client: usize, expect: &Expect, session: Option<String>) {
        let calm = self.weather.calm;
        let client = &mut self.clients[client];
        let status = expect.status;
        let wanted = match expect.kind {
            Kind::Open | Kind::Calls(_) | Kind::Listen { .. } => status == 200,
            Kind::Modern(_) | Kind::Subscription(_) => status == 200,
            Kind::Slip { status: wanted, .. } => status == wanted,
            Kind::Notice => status == 202,
            Kind::Delete => status == 204,
            Kind::Other => true,
        };
        // A call that was cancelled ends like a notification.
        let wanted = wanted || matches!(expect.kind, Kind::Calls(_)) && status == 202;
        assert!(expect.who != "thief" || status >= 400, "a session is no secret: {status}");
        assert!(wanted || REFUSALS.contains(&status), "{status} for {expect:?}");
        assert!(
            !calm || wanted || expect.who == "thief",
            "{status} for {expect:?} in calm weather"
        );
        assert!(!expect.streams || status == 200);
        let is_present = expect.who == client.who;
        if expect.kind == Kind::Open && is_present {
            match session {
                Some(id) if status == 200 => client.session = Some(id),
                _ => client.begin_again(),
            }
        } else {
            assert!(session.is_none(), "a session's id without initialize");
        }
        if is_present && status == 404 && client.session.is_some() {
            client.begin_again();
        }
    }

    fn saw_event(&mut self, client: usize, expect: &Expect, id: Option<String>, text: &str) {
        let state = &mut self.clients[client];
        if let Some(id) = id {
            assert!(expect.who.starts_with('c'), "an id on a stream that nobody can resume");
            let id = (expect.who.clone(), id);
            if let Some(before) = state.events.get(&id) {
                assert_eq!(before, text, "the event {id:?} has changed");
                return;
            }
            state.events.insert(id, text.to_owned());
        }
        if !text.is_empty() {
            self.check_message(client, expect, text);
        }
    }

    fn saw_body(&mut self, client: usize, expect: &Expect, text: &str) {
        match (&expect.kind, expect.status) {
            (Kind::Modern(_) | Kind::Subscription(_) | Kind::Slip { .. }, _) => {
                self.saw_modern_body(client, expect, text);
            }
            (Kind::Calls(_) | Kind::Open, 200) => match text.starts_with('[') {
                true => {
                    let node = tree::parse(text.as_bytes(), 600).expect("JSON");
                    for one in node.as_array().unwrap() {
                        self.check_message(client, expect, text_of(text, one));
                    }
                }
                false => self.check_message(client, expect, text),
            },
            (Kind::Calls(tags), 400..) => {
                let is_servers = text.contains(r#""data":{"tag""#);
                assert!(!is_servers, "an error of a server as one of HTTP: {text}");
                for tag in tags {
                    self.ledger.calls[*tag].answered += 1;
                }
            }
            (Kind::Notice | Kind::Calls(_), 202) => assert_eq!(text, ""),
            _ => {}
        }
    }

    fn saw_end(&mut self, expect: &Expect) {
        for tag in expect.kind.tags() {
            let call = &self.ledger.calls[*tag];
            let ended = call.answered == 1 || call.cancelled && call.answered == 0;
            assert!(ended, "the answer is over, and call {tag} is not answered: {call:?}");
        }
    }

    /// A client is told one message.
    fn check_message(&mut self, client: usize, expect: &Expect, text: &str) {
        if self.clients[client].is_modern {
            return self.check_modern(client, expect, text);
        }
        let strange = ["io.modelcontextprotocol/", "\"resultType\"", "\"cacheScope\"", "\"ttlMs\""];
        assert!(!strange.iter().any(|key| text.contains(key)), "of the other era: {text}");
        let node = tree::parse(text.as_bytes(), 600).expect("clients get JSON");
        let id = node.get("id").map(|id| text_of(text, id).to_owned());
        let method = node.get("method").and_then(Node::as_str);
        let params = node.get("params");
        let who = params.and_then(|params| params.get("who")).and_then(Node::as_str);
        match (method, id) {
            (Some("notifications/progress"), None) => self.check_progress(client, expect, text),
            (Some(_), Some(id)) => {
                assert_eq!(who, Some(&*expect.who), "somebody else was asked");
                assert!(!expect.who.starts_with('o'), "nobody answers for one call");
                if self.clients[client].who == expect.who {
                    self.clients[client].asked.push(id);
                }
            }
            (Some(_), None) => assert!(who.is_none_or(|who| who == expect.who), "{text}"),
            (None, Some(id)) => self.check_answer(client, expect, text, &node, &id),
            (None, None) => panic!("no message: {text}"),
        }
    }

    fn check_progress(&mut self, client: usize, expect: &Expect, text: &str) {
        let node = tree::parse(text.as_bytes(), 600).unwrap();
        let params = node.get("params").unwrap();
        let Some(tag) = params.get("tag").and_then(Node::as_u64) else { return };
        let call = &self.ledger.calls[tag as usize];
        let token = params.get("progressToken").map(|token| text_of(text, token).to_owned());
        assert_eq!(call.client, client, "somebody else's progress");
        assert_eq!(call.token, token, "progress under another token");
        assert_eq!(call.who, expect.who);
        if let Kind::Calls(tags) = &expect.kind
            && expect.who.starts_with('o')
        {
            assert!(tags.contains(&(tag as usize)), "progress of another call");
        }
    }

    fn check_answer(&mut self, client: usize, expect: &Expect, text: &str, node: &Node, id: &str) {
        let is_error = node.get("error").is_some();
        assert!(!(is_error && self.weather.calm), "{text} in calm weather");
        let tag = match &expect.kind {
            Kind::Open => {
                assert_eq!(id, "\"hello\"");
                return self.note_revision(client, expect, node);
            }
            Kind::Calls(tags) => {
                let named = |tag: &&usize| self.ledger.calls[**tag].id == id;
                *tags.iter().find(named).unwrap_or_else(|| panic!("an unknown id: {text}"))
            }
            // The connection broke before the session was known to be open.
            Kind::Listen { resumed: true } if id == "\"hello\"" => {
                return self.note_revision(client, expect, node);
            }
            Kind::Listen { resumed: true } => {
                let mine = |call: &crate::brain::Asked| call.who == expect.who && call.id == id;
                self.ledger.calls.iter().position(mine).expect("an answer to nothing")
            }
            kind => panic!("an answer on {kind:?}: {text}"),
        };
        let what = self.ledger.calls[tag].what;
        let result = node.get("result").filter(|_| what == What::Call);
        let failed = result.and_then(|result| result.get("isError"));
        assert!(!(failed.is_some() && self.weather.calm), "{text} in calm weather");
        if let Some(result) = result.filter(|_| failed.is_none()) {
            let told = result.get("tag").and_then(Node::as_u64);
            assert_eq!(told, Some(tag as u64), "somebody else's answer: {text}");
        }
        let call = &mut self.ledger.calls[tag];
        call.answered += 1;
        self.ledger.n_answered += 1;
        assert_eq!(call.answered, 1, "call {tag} is answered twice");
        self.ledger.count("answers to old clients");
    }

    fn note_revision(&mut self, client: usize, expect: &Expect, node: &Node) {
        if self.clients[client].who != expect.who {
            return;
        }
        self.clients[client].opening = false;
        let version = node.get("result").and_then(|result| result.get("protocolVersion"));
        let version = version.and_then(Node::as_str).unwrap_or_default();
        if let Some(known) = REVISIONS.iter().find(|date| **date == version) {
            self.clients[client].revision = known;
        }
    }

    /// A connection is gone: what was expected on it will not come, or can be fetched.
    pub fn lost(&mut self, socket: Socket) {
        // A half answer to what its client has given up is cut off, with all that waits behind it.
        let is_given_up = |expect: &Expect| {
            let tags = expect.kind.tags();
            let all = tags.iter().all(|tag| self.ledger.calls[*tag].cancelled);
            expect.status != 0 && all && !tags.is_empty()
        };
        let is_cut_off = socket.expects.front().is_some_and(is_given_up);
        let calm = self.weather.calm && !self.exited && !is_cut_off;
        let client = &mut self.clients[socket.client];
        for expect in socket.expects {
            assert!(!calm || expect.kind.is_endless(), "lost: {expect:?}");
            if client.is_modern {
                // Nobody can come back for it.
                for tag in expect.kind.tags() {
                    self.ledger.calls[*tag].cancelled = true;
                }
                continue;
            }
            if expect.who != client.who {
                continue;
            }
            if expect.kind == Kind::Open && client.session.is_none() {
                client.begin_again();
            } else if expect.streams
                && let Some((_, last)) = client.events.keys().rfind(|(who, _)| *who == expect.who)
            {
                client.cut.push(last.clone());
            }
        }
    }
}
