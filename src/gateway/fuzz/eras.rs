// SPDX-License-Identifier: MIT
//! What only happens in stories of both eras: clients of 2026-07-28, servers that speak it, and
//! calls that need input on either side.

use std::time::Duration;

use super::phrases;
use super::script::Script;
use super::steps::PATHS;
use super::world::{PeerState, To, World};
use crate::base::Message;
use crate::gateway::io::{FetchContent, FetchEvent, FetchHead, Input};
use crate::wire::http1::{Field, Method};

/// What modern clients ask: the method, and more members of `params`; `$` is the place of a state.
const ASKED: &[(&str, &str)] = &[
    ("tools/call", r#","name":"now""#),
    ("tools/call", r#","name":"now","inputResponses":{"sampling-1":{}},"requestState":"$""#),
    ("tools/call", r#","name":"now","inputResponses":{"roots-1":{}},"requestState":"$""#),
    ("tools/call", r#","name":"now","inputResponses":{},"requestState":"$""#),
    (
        "tools/call",
        r#","name":"now","inputResponses":{"url-1":{"action":"accept"}},"requestState":"$""#,
    ),
    ("prompts/get", r#","name":"now","inputResponses":{"roots-1":{}},"requestState":"$""#),
    ("tools/list", ""),
    ("server/discover", ""),
    ("subscriptions/listen", r#","notifications":{"toolsListChanged":true}"#),
    ("tools/list", ""),
    ("tasks/get", r#","taskId":"now""#),
    ("tasks/cancel", r#","taskId":"now""#),
];

/// What they can do.
const ABLE: &[&str] = &[
    r#"{"sampling":{},"roots":{}}"#,
    "{}",
    r#"{"elicitation":{"url":{}}}"#,
    r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#,
];

/// What servers say while a call runs, with a place for its id (`#`).
const NEEDS: &[&str] = &[
    r##"{"jsonrpc":"2.0","id":#,"result":{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"}},"requestState":"s"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"resultType":"input_required","inputRequests":{"a":{"method":"sampling/createMessage","params":{}},"b":{"method":"roots/list"}}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"resultType":"input_required","requestState":"t"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"resultType":"input_required"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"error":{"code":-32042,"message":"m","data":{"elicitations":[{"url":"u:"}]}}}"##,
    r##"{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{}}"##,
    r##"{"jsonrpc":"2.0","id":"r","method":"roots/list"}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"r"}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":#,"progress":1}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"resultType":"complete","tools":[],"ttlMs":60000,"cacheScope":"public"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"resultType":"complete","tools":[],"ttlMs":900,"cacheScope":"private"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"resultType":"task","taskId":"now","status":"working"}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"##,
];

/// A call of a legacy client, and what opens its session.
const CALL: &str = r#"{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"now"}}"#;
const HELLO: &str = r#"{"jsonrpc":"2.0","id":"h","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{},"sampling":{}}}}"#;

/// What a client says to what it was asked.
const SAID: &[&str] =
    &[r#""result":{}"#, r#""result":{"roots":[]}"#, r#""error":{"code":1}"#, r#""result":7"#];

/// How long nothing happens.
const MOMENTS_MS: &[u64] = &[5, 5, 5, 250, 1000, 20_000];

/// How a server answers what opens it.
const DISCOVERED: &str = r##"{"jsonrpc":"2.0","id":#,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}},"ttlMs":0,"cacheScope":"public"}}"##;
const TOO_OLD: &str = r##"{"jsonrpc":"2.0","id":#,"error":{"code":-32022,"message":"no"}}"##;

impl World {
    /// Does what the script says next, if that is only done in stories of both eras.
    pub fn step_of_eras(&mut self, script: &mut Script<'_>) -> bool {
        match script.byte() % 16 {
            0..=2 => self.ask(script),
            3..=5 => self.need(script),
            6..=8 => self.open_well(script),
            9 | 10 => {
                let after = script.one_of(MOMENTS_MS).copied().unwrap_or_default();
                self.pass(Duration::from_millis(after));
            }
            11 => self.call(script, CALL),
            12 => self.answer_asked(script),
            _ => return false,
        }
        true
    }

    /// A modern client asks for something, or comes back.
    fn ask(&mut self, script: &mut Script<'_>) {
        let Some(at) = self.peer_in(script, &[PeerState::Idle]) else { return };
        let path = script.one_of(PATHS).copied().unwrap_or_default();
        let (method, extra) = script.one_of(ASKED).copied().unwrap_or_default();
        let able = script.one_of(ABLE).copied().unwrap_or_default();
        let state = script.one_of(&self.states).cloned().unwrap_or_default();
        let id = script.byte() % 4;
        let token = if id == 3 { r#","progressToken":"p""# } else { "" };
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{able}{token}}}{}}}}}"#,
            extra.replace('$', &state)
        );
        let fields = [
            (Field::Accept, "application/json, text/event-stream"),
            (Field::ContentType, "application/json"),
            (Field::McpProtocolVersion, "2026-07-28"),
            (Field::McpMethod, method),
            (Field::McpName, "now"),
        ];
        self.head(at, Method::Post, path, &fields);
        if self.peers[at].state == PeerState::Receiving {
            self.send_body(at, Message::new(body.into_bytes()));
        }
    }

    /// A legacy client says something in a session of its own.
    fn call(&mut self, script: &mut Script<'_>, body: &str) {
        let Some(at) = self.peer_in(script, &[PeerState::Idle]) else { return };
        let path = script.one_of(PATHS).copied().unwrap_or_default();
        let session = self.session_ids.last().cloned().unwrap_or_default();
        let fields = [
            (Field::Accept, "application/json, text/event-stream"),
            (Field::ContentType, "application/json"),
            (Field::McpSessionId, session.as_str()),
        ];
        let opens = session.is_empty() || script.byte() % 4 == 3;
        let n_fields = fields.len() - usize::from(opens);
        self.head(at, Method::Post, path, &fields[..n_fields]);
        if self.peers[at].state == PeerState::Receiving {
            self.send_body(at, Message::from(if opens { HELLO } else { body }));
        }
    }

    /// A legacy client answers what it was asked, or something like it.
    fn answer_asked(&mut self, script: &mut Script<'_>) {
        let id = script.one_of(&self.asked).cloned().unwrap_or_default();
        let said = script.one_of(SAID).copied().unwrap_or_default();
        self.call(script, &format!(r#"{{"jsonrpc":"2.0","id":{id},{said}}}"#));
    }

    /// A server that was asked something needs something itself, or answers in the other words.
    fn need(&mut self, script: &mut Script<'_>) {
        if self.open.is_empty() {
            return;
        }
        let at = script.below(self.open.len());
        let phrase = script.one_of(NEEDS).copied().unwrap_or_default();
        let message = phrase.replace('#', &self.open[at].id);
        if message.contains("\"result\"") || message.contains("\"error\"") {
            let open = self.open.remove(at);
            self.say(open.to, message, true);
        } else {
            self.say(self.open[at].to, message, false);
        }
    }

    /// A server says which era it speaks.
    fn open_well(&mut self, script: &mut Script<'_>) {
        let opens = |method: &str| method == "initialize" || method == "server/discover";
        let Some(at) = self.open.iter().position(|open| opens(&open.method)) else { return };
        let open = self.open.remove(at);
        let message = match (open.method.as_str(), script.byte() % 4) {
            ("server/discover", 0) | ("initialize", 0) => TOO_OLD.replace('#', &open.id),
            ("server/discover", _) => DISCOVERED.replace('#', &open.id),
            (method, _) => return self.say_well(open.to, method, &open.id),
        };
        self.say(open.to, message, true);
    }

    fn say_well(&mut self, to: To, method: &str, id: &str) {
        let message = phrases::good_answer(method, id);
        self.say(to, String::from_utf8_lossy(&message).into_owned(), true);
    }

    /// A server says one message, and perhaps nothing more on that answer.
    fn say(&mut self, to: To, message: String, ends: bool) {
        let message = Message::new(message.into_bytes());
        let fetch = match to {
            To::Child(backend) => return self.input(Input::Line { backend, line: message }),
            To::Fetch(fetch) => fetch,
        };
        let Some(view) = self.fetches.iter_mut().find(|view| view.key == fetch) else { return };
        if !std::mem::replace(&mut view.headed, true) {
            let content = FetchContent::Events;
            let head = FetchHead { status: 200, content, session_id: None, location: None };
            self.input(Input::FetchHead { fetch, head });
        }
        self.input(Input::FetchMessage { fetch, message, event: FetchEvent::default() });
        if ends && self.forget_fetch(fetch) {
            self.input(Input::FetchDone { fetch, end: Ok(()) });
        }
    }

    /// What a client will bring back.
    pub fn note_state(&mut self, message: &Message) {
        let text = String::from_utf8_lossy(message);
        if let Some((_, rest)) = text.split_once(r#""id":"#)
            && rest.contains("\"method\"")
        {
            let id = rest.split(',').next().unwrap_or_default();
            super::world::remember(&mut self.asked, id);
        }
        let Some((_, rest)) = text.split_once(r#""requestState":""#) else { return };
        let Some((state, _)) = rest.split_once('"') else { return };
        super::world::remember(&mut self.states, state);
    }
}
