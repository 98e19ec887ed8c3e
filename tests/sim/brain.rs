// SPDX-License-Identifier: MIT
//! What an MCP server thinks, whatever carries its messages: it echoes, reports progress, asks its
//! client back, and may do all of it badly.

use std::collections::BTreeMap;

use penstock::wire::json::tree::{self, Node};

use crate::dice::Dice;

/// How often a server does what: once in so many times, 0 for never.
#[derive(Clone, Copy, Default, Debug)]
pub struct Manner {
    // What is allowed.
    pub progress: u32,
    pub ask: u32,
    pub notify: u32,
    pub linger: u32,
    // What is not.
    pub lie: u32,
    pub twice: u32,
    pub noise: u32,
    pub crash: u32,
    pub mute: u32,
    pub half: u32,
    pub fail: u32,
    pub lose: u32,
    pub refuse: u32,
}

impl Manner {
    pub fn good(dice: &mut Dice) -> Self {
        Self {
            progress: dice.pick(&[0, 2, 5]),
            ask: dice.pick(&[0, 3, 9]),
            notify: dice.pick(&[0, 9]),
            linger: dice.pick(&[0, 3]),
            ..Self::default()
        }
    }

    pub fn bad(dice: &mut Dice) -> Self {
        let mut often = || dice.pick(&[0, 0, 4, 12, 40]);
        Self {
            progress: often(),
            ask: often(),
            notify: often(),
            linger: often(),
            lie: often(),
            twice: often(),
            noise: often(),
            crash: often(),
            mute: often(),
            half: often(),
            fail: often(),
            lose: often(),
            refuse: often(),
        }
    }
}

/// One `tools/call` that a server works on.
#[derive(Clone, Debug)]
pub struct Task {
    pub id: String,
    pub tag: usize,
    pub who: String,
    pub token: Option<String>,
    pub n_said: u32,
    pub has_asked: bool,
    pub mute: bool,
}

/// What a server says about a task.
pub enum Said {
    /// A message before the answer, or a wrong one.
    Before(String),
    /// The answer; the task is done.
    Answer(String),
    /// Nothing any more.
    Never,
}

/// What a server makes of a message.
pub enum Heard {
    /// It answers at once.
    Answer(String),
    /// It has something to work on.
    Task(Task),
    /// It answers nothing.
    Nothing,
    /// One of its tasks was given up: this was its id.
    Cancelled(String),
}

/// What all servers have in common: the truth about what was asked and executed.
#[derive(Default)]
pub struct Ledger {
    /// Every call of every client; its tag is its place.
    pub calls: Vec<Asked>,
    /// Requests of servers: by their id, to whom.
    pub asked: BTreeMap<String, String>,
    pub n_answered: u64,
}

/// One call of a client.
#[derive(Debug)]
pub struct Asked {
    pub client: usize,
    pub who: String,
    pub id: String,
    pub token: Option<String>,
    pub answered: u32,
    pub cancelled: bool,
    pub executed: u32,
}

/// One server instance, as far as it can tell.
pub struct Brain {
    /// Whom it serves, if it serves one session alone and has noticed whom.
    pub who: Option<String>,
    pub is_shared: bool,
    ids: Vec<String>,
}

pub fn text_of<'a>(text: &'a str, node: &Node) -> &'a str {
    std::str::from_utf8(node.span.of(text.as_bytes())).unwrap()
}

impl Brain {
    pub fn new(is_shared: bool) -> Self {
        Self { who: None, is_shared, ids: Vec::new() }
    }

    /// Takes one message in.
    pub fn hear(&mut self, text: &str, ledger: &mut Ledger, dice: &mut Dice, m: &Manner) -> Heard {
        let node = tree::parse(text.as_bytes(), 600).expect("servers get JSON");
        let id = node.get("id").map(|id| text_of(text, id).to_owned());
        let Some(method) = node.get("method").and_then(Node::as_str) else {
            check_answer(&node, id.as_deref(), ledger);
            return Heard::Nothing;
        };
        let params = node.get("params");
        let Some(id) = id else {
            let given_up = params.and_then(|params| params.get("requestId"));
            return match (method, given_up) {
                ("notifications/cancelled", Some(id)) => {
                    Heard::Cancelled(text_of(text, id).to_owned())
                }
                _ => Heard::Nothing,
            };
        };
        assert!(!self.ids.contains(&id), "the id {id} was used before");
        self.ids.push(id.clone());
        let answer = |result: &str| {
            Heard::Answer(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
        };
        match method {
            "initialize" if dice.one_in(m.fail) => Heard::Answer(format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-1,"message":"no"}}}}"#
            )),
            "initialize" => {
                let version = params.and_then(|p| p.get("protocolVersion")).unwrap();
                let version = text_of(text, version);
                answer(&format!(
                    r#"{{"protocolVersion":{version},"capabilities":{{"tools":{{}}}}}}"#
                ))
            }
            "tools/call" => Heard::Task(self.task(text, &node, id, ledger, dice.one_in(m.mute))),
            "tools/list" => answer(r#"{"tools":[]}"#),
            _ => answer("{}"),
        }
    }

    fn task(
        &mut self,
        text: &str,
        node: &Node,
        id: String,
        ledger: &mut Ledger,
        mute: bool,
    ) -> Task {
        let params = node.get("params").unwrap();
        let arguments = params.get("arguments").unwrap();
        let tag = arguments.get("tag").and_then(Node::as_u64).unwrap() as usize;
        let who = arguments.get("who").and_then(Node::as_str).unwrap().to_owned();
        let token = params.get("_meta").and_then(|meta| meta.get("progressToken"));
        let token = token.map(|token| text_of(text, token).to_owned());
        let asked = &mut ledger.calls[tag];
        assert_eq!(asked.who, who);
        asked.executed += 1;
        assert_eq!(asked.executed, 1, "call {tag} was executed twice");
        if !self.is_shared && !who.starts_with('o') {
            let known = self.who.get_or_insert_with(|| who.clone());
            assert_eq!(*known, who, "a server sees two sessions");
        }
        Task { id, tag, who, token, n_said: 0, has_asked: false, mute }
    }

    /// Something without a call.
    pub fn remark(&self) -> Option<String> {
        let who = self.who.as_ref()?;
        Some(format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{"who":"{who}"}}}}"#
        ))
    }
}

/// An answer to a request of a server comes from whom was asked, or from the gateway as an error.
fn check_answer(node: &Node, id: Option<&str>, ledger: &mut Ledger) {
    let id = id.expect("an answer has an id");
    if let Some(result) = node.get("result") {
        let who = ledger.asked.remove(id).expect("nobody was asked, or twice");
        assert_eq!(result.get("who").and_then(Node::as_str), Some(&*who), "the wrong one answered");
    }
}

impl Task {
    /// The next thing to say.
    pub fn speak(&mut self, ledger: &mut Ledger, dice: &mut Dice, m: &Manner) -> Said {
        if self.mute {
            return Said::Never;
        }
        self.n_said += 1;
        let (id, tag, who) = (&self.id, self.tag, &self.who);
        if self.n_said < 9 {
            if let Some(token) = &self.token
                && dice.one_in(m.progress)
            {
                let n = self.n_said;
                return Said::Before(format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{n},"tag":{tag}}}}}"#
                ));
            }
            if !self.has_asked && dice.one_in(m.ask) {
                self.has_asked = true;
                let ask_id = 1_000_000 + tag;
                ledger.asked.insert(ask_id.to_string(), who.clone());
                return Said::Before(format!(
                    r#"{{"jsonrpc":"2.0","id":{ask_id},"method":"sampling/createMessage","params":{{"who":"{who}","tag":{tag}}}}}"#
                ));
            }
            if dice.one_in(m.lie) {
                return Said::Before(self.lie(dice));
            }
        }
        if dice.one_in(m.fail) {
            return Said::Answer(format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-5,"message":"no","data":{{"tag":{tag}}}}}}}"#
            ));
        }
        let spaced = dice.one_in(3);
        let padding = if dice.one_in(20) { "x".repeat(dice.below(3000)) } else { String::new() };
        Said::Answer(match spaced {
            true => format!(
                r#"{{ "result" : {{"tag": {tag}, "pad":"{padding}"}} , "id": {id}, "jsonrpc":"2.0" }}"#
            ),
            false => format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tag":{tag},"pad":"{padding}"}}}}"#
            ),
        })
    }

    /// An answer under an id that nobody has.
    fn lie(&self, dice: &mut Dice) -> String {
        // The lowest bit of the upper half is always set in an id of ours.
        let foreign = self.id.parse::<u64>().map_or(0, |id| id ^ (1 << 32)).to_string();
        let quoted = format!("\"{}\"", self.id);
        let id =
            dice.pick(&[&*foreign, &*quoted, "null", "-1", "0", "1e3", "99999999999999999999"]);
        match dice.below(4) {
            0 => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tag":"lie"}}}}"#),
            1 => r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"lie","progress":1,"tag":"lie"}}"#.into(),
            2 => r#"{"jsonrpc":"2.0"}"#.into(),
            _ => format!(r#"[{{"jsonrpc":"2.0","id":{foreign},"result":{{"tag":"lie"}}}}]"#),
        }
    }
}
