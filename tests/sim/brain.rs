// SPDX-License-Identifier: MIT
//! What an MCP server thinks, whatever carries its messages: it echoes, reports progress, asks its
//! client back, and may do all of it badly.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use penstock::wire::json::tree::{self, Node};

use crate::dice::Dice;
use crate::temper::{Era, Temper, era_of};

/// How often a server does what: once in so many times, 0 for never.
#[derive(Clone, Copy, Default, Debug)]
pub struct Manner {
    // What is allowed.
    pub progress: u32,
    pub ask: u32,
    pub notify: u32,
    pub linger: u32,
    pub log: u32,
    /// Answers that are long.
    pub long: u32,
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
            ask: dice.pick(&[0, 2, 3, 9]),
            notify: dice.pick(&[0, 9]),
            linger: dice.pick(&[0, 3]),
            log: dice.pick(&[0, 4]),
            long: 0,
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
            log: often(),
            long: 0,
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

/// How long a server works on a call at most, so that what it says arrives while the gateway still
/// remembers a call that was given up, although nobody may read for 70 seconds.
const GOES_ON_FOR: Duration = Duration::from_secs(9);

/// One call that a server works on.
#[derive(Clone, Debug)]
pub struct Task {
    pub id: String,
    pub method: String,
    pub era: Era,
    pub tag: usize,
    pub who: String,
    pub token: Option<String>,
    /// What its client can be asked for, if it says so with each request.
    pub can: String,
    /// Whether its client wants log messages.
    pub logs: bool,
    pub n_said: u32,
    pub n_asked: u32,
    /// The request of its own that it waits for.
    pub waits_for: Option<String>,
    pub mute: bool,
    /// Until when a server works on it that does not listen: longer nobody goes on for nobody.
    pub until: Instant,
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
    /// Its own request with this id is answered.
    Reply(String),
    /// A subscription: its id, and the object of what it is for.
    Subscribed(String, String),
    /// The process ends.
    Exit,
}

/// What all servers have in common: the truth about what was asked and executed.
#[derive(Default)]
pub struct Ledger {
    /// Every call of every client; its tag is its place.
    pub calls: Vec<Asked>,
    /// Requests of servers: by their id, to whom.
    pub asked: BTreeMap<String, String>,
    /// The latest question of a modern server, by the call.
    pub rounds: BTreeMap<usize, Round>,
    pub n_rounds: usize,
    pub n_answered: u64,
    /// The same by what was seen, so that a world which shows nothing is noticed.
    pub seen: BTreeMap<&'static str, u64>,
}

impl Ledger {
    pub fn count(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }
}

/// What a modern server wants to know before it answers a call.
#[derive(Clone, Debug)]
pub struct Round {
    pub keys: Vec<String>,
    pub state: Option<String>,
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Something with a mark of its own: the answer bears its tag.
    Call,
    /// Something that is the same for everybody.
    Plain,
    /// A list, or what a server is.
    List,
    /// To be told of changes.
    Listen,
}

/// One call of a client.
#[derive(Debug)]
pub struct Asked {
    pub client: usize,
    pub who: String,
    pub what: What,
    pub id: String,
    pub token: Option<String>,
    /// The first attempt at the same call; it alone is executed and counted.
    pub root: usize,
    /// What the client sent, so that it can send it once more.
    pub request: Option<crate::modern_client::Request>,
    /// When it was sent.
    pub at: Instant,
    /// What a subscription was acknowledged for.
    pub honoured: Option<String>,
    pub answered: u32,
    pub cancelled: bool,
    pub executed: u32,
    /// How often it may be executed.
    pub allowed: u32,
}

/// One server instance, as far as it can tell.
pub struct Brain {
    /// Whom it serves, if it serves one session alone and has noticed whom: `m` and `o` stand for
    /// all clients without a session.
    pub who: Option<String>,
    pub is_shared: bool,
    pub temper: Temper,
    /// Whether its first message decides which era it speaks.
    binds: bool,
    pub bound: Option<Era>,
    ids: Vec<String>,
}

pub fn text_of<'a>(text: &'a str, node: &Node) -> &'a str {
    std::str::from_utf8(node.span.of(text.as_bytes())).unwrap()
}

impl Brain {
    pub fn new(is_shared: bool, temper: Temper) -> Self {
        Self { who: None, is_shared, temper, binds: false, bound: None, ids: Vec::new() }
    }

    /// A process.
    pub fn bound(is_shared: bool, temper: Temper) -> Self {
        Self { binds: true, ..Self::new(is_shared, temper) }
    }

    /// Takes one message in.
    pub fn hear(&mut self, text: &str, ledger: &mut Ledger, dice: &mut Dice, m: &Manner) -> Heard {
        let node = tree::parse(text.as_bytes(), 600).expect("servers get JSON");
        let id = node.get("id").map(|id| text_of(text, id).to_owned());
        let Some(method) = node.get("method").and_then(Node::as_str) else {
            // A process that asks all the same is told that nobody will answer.
            let is_told = node.get("error").is_some();
            let is_modern = self.bound == Some(Era::Modern);
            assert!(!is_modern || is_told, "a modern server is answered: {text}");
            return check_answer(&node, id.as_deref(), ledger);
        };
        let params = node.get("params");
        let Some(id) = id else { return self.hear_notice(text, method, params) };
        assert!(!self.ids.contains(&id), "the id {id} was used before");
        self.ids.push(id.clone());
        let era = era_of(&node);
        self.bind(era, method, text);
        if era == Era::Modern && self.temper.is_modern() {
            return self.hear_modern(text, &node, id, ledger, dice, m);
        }
        if method == "server/discover" {
            return self.hear_probe(&id, dice);
        }
        assert!(!text.contains("io.modelcontextprotocol/"), "for the other era: {text}");
        assert!(!text.contains("inputResponses"), "a retry for an old server: {text}");
        if self.temper == Temper::Modern {
            assert_eq!(method, "initialize", "the wrong era for a modern server: {text}");
            return Heard::Answer(refusal(&id, -32022, r#"{"supported":["2026-07-28"]}"#));
        }
        self.hear_legacy(text, &node, id, ledger, dice, m)
    }

    /// A process is bound to one era by its first request.
    fn bind(&mut self, era: Era, method: &str, text: &str) {
        if self.binds {
            let known = *self.bound.get_or_insert(era);
            assert_eq!(known, era, "a process hears both eras: {text}");
            if self.temper == Temper::Modern && era == Era::Legacy {
                assert_eq!(method, "initialize", "an old request for a modern server: {text}");
            }
        }
    }

    fn hear_notice(&self, text: &str, method: &str, params: Option<&Node>) -> Heard {
        let given_up = params.and_then(|params| params.get("requestId"));
        if self.bound == Some(Era::Modern) {
            assert_eq!(method, "notifications/cancelled", "said to a modern server: {text}");
        }
        match (method, given_up) {
            ("notifications/cancelled", Some(id)) => Heard::Cancelled(text_of(text, id).to_owned()),
            _ => Heard::Nothing,
        }
    }

    fn hear_legacy(
        &mut self,
        text: &str,
        node: &Node,
        id: String,
        ledger: &mut Ledger,
        dice: &mut Dice,
        m: &Manner,
    ) -> Heard {
        let answer = |result: &str| {
            Heard::Answer(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
        };
        let method = node.get("method").and_then(Node::as_str).unwrap_or_default();
        match method {
            "initialize" if dice.one_in(m.fail) => Heard::Answer(format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-1,"message":"no"}}}}"#
            )),
            "initialize" => {
                let params = node.get("params");
                let version = params.and_then(|p| p.get("protocolVersion")).unwrap();
                let version = text_of(text, version);
                answer(&format!(r#"{{"protocolVersion":{version},"capabilities":{OFFERS}}}"#))
            }
            "tools/call" | "prompts/get" | "resources/read" | "completion/complete" => {
                let mute = dice.one_in(m.mute);
                Heard::Task(self.task(text, node, id, ledger, mute))
            }
            _ if method.ends_with("/list") => answer(&format!("{{{}}}", list(method))),
            _ => answer("{}"),
        }
    }

    pub fn task(
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
        let meta = params.get("_meta");
        let token = meta.and_then(|meta| meta.get("progressToken"));
        let token = token.map(|token| text_of(text, token).to_owned());
        let of_meta = |name: &str| meta.and_then(|meta| meta.get(name));
        let can = of_meta("io.modelcontextprotocol/clientCapabilities");
        let asked = &mut ledger.calls[tag];
        assert_eq!(asked.who, who);
        asked.executed += 1;
        assert!(asked.executed <= asked.allowed, "call {tag} was executed too often");
        let asked = &ledger.calls[tag];
        let era = era_of(node);
        if !self.is_shared && era == Era::Legacy {
            let whom = if who.starts_with('c') { &*who } else { &who[..1] };
            let known = self.who.get_or_insert_with(|| whom.to_owned());
            assert_eq!(*known, whom, "a server sees two sessions");
        }
        Task {
            id,
            method: node.get("method").and_then(Node::as_str).unwrap_or_default().to_owned(),
            era,
            tag,
            who,
            token,
            can: can.map(|can| text_of(text, can).to_owned()).unwrap_or_default(),
            logs: era == Era::Legacy || of_meta("io.modelcontextprotocol/logLevel").is_some(),
            n_said: 0,
            n_asked: 0,
            waits_for: None,
            mute,
            until: asked.at + GOES_ON_FOR,
        }
    }

    /// Something without a call.
    pub fn remark(&self, dice: &mut Dice) -> Option<String> {
        if self.bound == Some(Era::Modern) || self.ids.is_empty() {
            return None;
        }
        let who = self.who.as_ref().filter(|who| who.starts_with('c') && !dice.one_in(3));
        let Some(who) = who else { return Some(change(dice, "")) };
        Some(format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{"who":"{who}"}}}}"#
        ))
    }
}

/// What clients can be asked for: the capability, and the method.
pub const KINDS: [(&str, &str); 3] = [
    ("sampling", "sampling/createMessage"),
    ("elicitation", "elicitation/create"),
    ("roots", "roots/list"),
];

/// What all servers offer.
pub const OFFERS: &str = r#"{"tools":{"listChanged":true},"prompts":{},"resources":{"subscribe":true,"listChanged":true},"completions":{},"logging":{}}"#;

/// What can be subscribed to.
pub const URIS: [&str; 3] = ["mem://a", "mem://b", "mem://c"];

/// The members of a list.
pub fn list(method: &str) -> &'static str {
    match method {
        "tools/list" => {
            r#""tools":[{"name":"echo","inputSchema":{"type":"object","properties":{"who":{"type":"string"}}}}]"#
        }
        "prompts/list" => r#""prompts":[{"name":"echo"}]"#,
        "resources/list" => r#""resources":[]"#,
        _ => r#""resourceTemplates":[]"#,
    }
}

/// A notification that concerns everybody; `meta` is a member of its `params`, or empty.
pub fn change(dice: &mut Dice, meta: &str) -> String {
    let (kind, own) = match dice.below(5) {
        0 => ("tools/list_changed", String::new()),
        1 => ("resources/list_changed", String::new()),
        2 => ("prompts/list_changed", String::new()),
        _ => ("resources/updated", format!(r#""uri":"{}""#, dice.pick(&URIS))),
    };
    let comma = if own.is_empty() || meta.is_empty() { "" } else { "," };
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/{kind}","params":{{{own}{comma}{meta}}}}}"#
    )
}

pub fn refusal(id: &str, code: i32, data: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"no","data":{data}}}}}"#
    )
}

/// An answer to a request of a server comes from whom was asked, or from the gateway as an error.
fn check_answer(node: &Node, id: Option<&str>, ledger: &mut Ledger) -> Heard {
    let id = id.expect("an answer has an id");
    if let Some(result) = node.get("result") {
        let who = ledger.asked.remove(id).expect("nobody was asked, or twice");
        assert_eq!(result.get("who").and_then(Node::as_str), Some(&*who), "the wrong one answered");
        ledger.count("answers to old servers");
    }
    Heard::Reply(id.to_owned())
}

impl Task {
    /// The next thing to say.
    pub fn speak(&mut self, ledger: &mut Ledger, dice: &mut Dice, m: &Manner) -> Said {
        if self.mute || self.waits_for.is_some() {
            return Said::Never;
        }
        self.n_said += 1;
        let (id, tag, who) = (self.id.clone(), self.tag, self.who.clone());
        if self.n_said < 9 {
            if let Some(token) = &self.token
                && dice.one_in(m.progress)
            {
                let n = self.n_said;
                return Said::Before(format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{n},"tag":{tag}}}}}"#
                ));
            }
            if self.logs && dice.one_in(m.log) {
                return Said::Before(format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"error","data":"x","who":"{who}","tag":{tag}}}}}"#
                ));
            }
            if self.era == Era::Modern {
                if let Some(said) = self.speak_modern(ledger, dice, m) {
                    return said;
                }
            } else if self.n_asked < 2
                // Nothing may be asked for the sake of a completion.
                && self.method != "completion/complete"
                && dice.one_in(m.ask)
            {
                return Said::Before(self.ask(ledger, dice));
            }
            if dice.one_in(m.lie) {
                return Said::Before(self.lie(dice));
            }
        }
        if dice.one_in(m.fail) {
            return Said::Answer(self.failure(ledger, dice));
        }
        let spaced = dice.one_in(3);
        let padding =
            if dice.one_in(m.long) { "x".repeat(dice.below(3000)) } else { String::new() };
        let kind = self.kind(dice, m);
        Said::Answer(match spaced {
            true => format!(
                r#"{{ "result" : {{"tag": {tag}, "pad":"{padding}"{kind}}} , "id": {id}, "jsonrpc":"2.0" }}"#
            ),
            false => format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tag":{tag}{kind},"pad":"{padding}"}}}}"#
            ),
        })
    }

    fn failure(&self, ledger: &mut Ledger, dice: &mut Dice) -> String {
        let (tag, who) = (self.tag, &self.who);
        if self.era == Era::Legacy && self.method == "tools/call" && dice.one_in(4) {
            // Who does what it asks for may come once more.
            ledger.calls[tag].allowed += 1;
            let data = format!(
                r#"{{"tag":{tag},"elicitations":[{{"mode":"url","elicitationId":"e{tag}","url":"https://example.com/","message":"go","who":"{who}","tag":{tag}}}]}}"#
            );
            return refusal(&self.id, -32042, &data);
        }
        let code = dice.pick(&[-5, -32602, -32002, -32603, -32021]);
        refusal(&self.id, code, &format!(r#"{{"tag":{tag}}}"#))
    }

    /// A request of an old server to its client.
    fn ask(&mut self, ledger: &mut Ledger, dice: &mut Dice) -> String {
        let (tag, who) = (self.tag, &self.who);
        let ask_id = 1_000_000 + 4 * tag + self.n_asked as usize;
        self.n_asked += 1;
        if dice.one_in(2) {
            self.waits_for = Some(ask_id.to_string());
        }
        ledger.asked.insert(ask_id.to_string(), who.clone());
        let method = dice.pick(&KINDS).1;
        format!(
            r#"{{"jsonrpc":"2.0","id":{ask_id},"method":"{method}","params":{{"who":"{who}","tag":{tag}}}}}"#
        )
    }

    /// Its client has answered a request.
    pub fn replied(&mut self, id: &str) {
        self.waits_for.take_if(|own| own == id);
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
