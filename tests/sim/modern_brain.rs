// SPDX-License-Identifier: MIT
//! What a server of 2026-07-28 thinks: it remembers nobody, asks with results, and is as bad as
//! any other.

use penstock::wire::json::tree::Node;

use crate::brain::{Brain, Heard, KINDS, Ledger, Manner, OFFERS, Round, Said, Task};
use crate::brain::{change, list, refusal, text_of};
use crate::dice::Dice;

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

impl Brain {
    /// A request that says about itself what a server has to know.
    pub fn hear_modern(
        &mut self,
        text: &str,
        node: &Node,
        id: String,
        ledger: &mut Ledger,
        dice: &mut Dice,
        m: &Manner,
    ) -> Heard {
        let params = node.get("params").expect("a modern request has params");
        let meta = params.get("_meta").unwrap();
        assert_eq!(meta.get(VERSION).and_then(Node::as_str), Some("2026-07-28"), "{text}");
        let can = meta.get(CAPABILITIES).expect("a modern request says what its client can do");
        assert!(text_of(text, can).starts_with('{'), "{text}");
        let answer = |members: &str| {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{{members}}}}}"#);
            Heard::Answer(text)
        };
        let method = node.get("method").and_then(Node::as_str).unwrap_or_default();
        match method {
            "server/discover" if dice.one_in(m.fail) => Heard::Answer(refusal(&id, -32603, "1")),
            "server/discover" => answer(&discovery(dice)),
            "subscriptions/listen" => {
                let wanted = params.get("notifications").expect("a subscription is for something");
                Heard::Subscribed(id, text_of(text, wanted).to_owned())
            }
            "tools/call" | "prompts/get" | "resources/read" | "completion/complete" => {
                if let Some(wrong) = check_retry(text, params, ledger) {
                    return Heard::Answer(refusal(&id, -32602, wrong));
                }
                let mute = dice.one_in(m.mute);
                Heard::Task(self.task(text, node, id, ledger, mute))
            }
            _ if method.ends_with("/list") => {
                let key = meta.get("sim/key").map(|key| text_of(text, key));
                answer(&kept_list(method, key, dice))
            }
            _ => panic!("a modern server is asked for what is not there: {text}"),
        }
    }
}

fn discovery(dice: &mut Dice) -> String {
    let ttl = dice.pick(&[0, 50, 60_000]);
    format!(
        r#""resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{OFFERS},"ttlMs":{ttl},"cacheScope":"public","_meta":{{"io.modelcontextprotocol/serverInfo":{{"name":"sim","version":"1"}}}}"#
    )
}

/// A list that may be kept; one that is not for everybody says for whom it was made.
fn kept_list(method: &str, key: Option<&str>, dice: &mut Dice) -> String {
    let ttl = dice.pick(&[0, 50, 3_000, 60_000]);
    let members = list(method);
    match key.filter(|_| dice.one_in(2)) {
        Some(key) => format!(
            r#"{members},"key":{key},"resultType":"complete","ttlMs":{ttl},"cacheScope":"private""#
        ),
        None => {
            format!(r#"{members},"resultType":"complete","ttlMs":{ttl},"cacheScope":"public""#)
        }
    }
}

/// What a retry brings is what was asked for. `Some`: its client has forged something.
fn check_retry(text: &str, params: &Node, ledger: &mut Ledger) -> Option<&'static str> {
    let (state, responses) = (params.get("requestState"), params.get("inputResponses"));
    if state.is_none() && responses.is_none() {
        return None;
    }
    let arguments = params.get("arguments").unwrap();
    let tag = arguments.get("tag").and_then(Node::as_u64).unwrap() as usize;
    let who = arguments.get("who").and_then(Node::as_str).unwrap();
    let by_gateway = !who.starts_with('m');
    let round = ledger.rounds.get(&tag).cloned();
    let state = state.map(|state| text_of(text, state).to_owned());
    if round.as_ref().is_none_or(|round| round.state != state) {
        assert!(!by_gateway, "the gateway has forged a state: {text}");
        return Some("\"no such state\"");
    }
    let asked = round.map(|round| round.keys).unwrap_or_default();
    let mut brought = Vec::new();
    for key in &asked {
        let Some(response) = responses.and_then(|all| all.get(key)) else { continue };
        brought.push(key);
        let said = response.get("who").and_then(Node::as_str);
        assert_eq!(said, Some(who), "somebody else has answered: {text}");
    }
    if by_gateway {
        let n = responses.and_then(Node::as_object).map_or(0, |all| all.len());
        assert!(brought.len() == asked.len() && n == asked.len(), "other answers: {text}");
        ledger.count("rounds of old clients");
    } else {
        ledger.count("rounds of modern clients, as they are");
    }
    None
}

impl Task {
    /// What else a modern server says of a task.
    pub fn speak_modern(
        &mut self,
        ledger: &mut Ledger,
        dice: &mut Dice,
        m: &Manner,
    ) -> Option<Said> {
        if dice.one_in(m.lie) && dice.one_in(3) {
            // Nobody asks in this era, and nobody may see it.
            return Some(Said::Before(
                r#"{"jsonrpc":"2.0","id":77,"method":"sampling/createMessage","params":{"who":"lie"}}"#
                    .into(),
            ));
        }
        if dice.one_in(m.lie) && dice.one_in(3) {
            let foreign = self.id.parse::<u64>().map_or(0, |id| id ^ (1 << 32));
            let tag = format!(r#""_meta":{{"{SUBSCRIPTION}":{foreign}}}"#);
            return Some(Said::Before(change(dice, &tag)));
        }
        let may_ask = self.method != "completion/complete";
        let n_before = ledger.calls[self.tag].executed;
        if may_ask && n_before < 4 && dice.one_in(m.ask) {
            let lies = dice.one_in(m.lie);
            return self.ask_modern(ledger, dice, lies).map(Said::Answer);
        }
        None
    }

    /// A result that asks: for input, for the state to come back, or both.
    fn ask_modern(&self, ledger: &mut Ledger, dice: &mut Dice, lies: bool) -> Option<String> {
        let (id, tag, who) = (&self.id, self.tag, &self.who);
        let offered = |kind: &str| lies || self.can.contains(&format!("\"{kind}\""));
        let mut keys = Vec::new();
        let mut requests = Vec::new();
        for (at, (kind, method)) in KINDS.iter().enumerate() {
            if offered(kind) && dice.one_in(2) {
                let key = format!("k{at}");
                requests.push(format!(
                    r#""{key}":{{"method":"{method}","params":{{"who":"{who}","tag":{tag}}}}}"#
                ));
                keys.push(key);
            }
        }
        ledger.n_rounds += 1;
        let n = ledger.n_rounds;
        let state = (keys.is_empty() || dice.one_in(2)).then(|| format!("\"S{tag}.{n}\\u002f\""));
        let mut members = vec!["\"resultType\":\"input_required\"".to_owned()];
        if !keys.is_empty() {
            members.push(format!("\"inputRequests\":{{{}}}", requests.join(",")));
        }
        members.extend(state.iter().map(|state| format!("\"requestState\":{state}")));
        ledger.rounds.insert(tag, Round { keys, state });
        if !who.starts_with('m') {
            // The gateway comes back for its client, who knows nothing of it.
            ledger.calls[tag].allowed += 1;
        }
        Some(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{{}}}}}"#, members.join(",")))
    }

    /// The members of a result by which a modern server says what it is.
    pub fn kind(&self, dice: &mut Dice, m: &Manner) -> &'static str {
        if self.era == crate::temper::Era::Legacy {
            return "";
        }
        match dice.below(3) {
            // Real servers forget it.
            0 if dice.one_in(m.lie) => "",
            1 if dice.one_in(m.lie) => r#","resultType":"odd","odd":true"#,
            _ if self.method == "resources/read" => {
                r#","resultType":"complete","ttlMs":0,"cacheScope":"private""#
            }
            _ => r#","resultType":"complete""#,
        }
    }
}

/// One subscription at a server.
pub struct Subscription {
    pub id: String,
    filter: String,
    pub acknowledged: bool,
}

impl Subscription {
    pub fn new(id: String, filter: String) -> Self {
        Self { id, filter, acknowledged: false }
    }

    /// The next thing to say about it: the acknowledgement first.
    pub fn speak(&mut self, dice: &mut Dice, m: &Manner) -> Option<String> {
        let tag = format!(r#""_meta":{{"{SUBSCRIPTION}":{}}}"#, self.id);
        if !self.acknowledged {
            self.acknowledged = true;
            let filter = &self.filter;
            return Some(format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{{tag},"notifications":{filter}}}}}"#
            ));
        }
        if !dice.one_in(m.notify) {
            return None;
        }
        // An honest server speaks of what it was asked for alone.
        let said = change(dice, &tag);
        let is_wanted = wants(&self.filter, &said) || dice.one_in(m.lie);
        is_wanted.then_some(said)
    }

    /// The result with which it ends.
    pub fn end(&self) -> String {
        let id = &self.id;
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","_meta":{{"{SUBSCRIPTION}":{id}}}}}}}"#
        )
    }
}

/// Whether a filter, as its object is spelled, is for this notification.
pub fn wants(filter: &str, said: &str) -> bool {
    let on = |name: &str| filter.contains(&format!("\"{name}\":true"));
    match said {
        _ if said.contains("tools/list_changed") => on("toolsListChanged"),
        _ if said.contains("prompts/list_changed") => on("promptsListChanged"),
        _ if said.contains("resources/list_changed") => on("resourcesListChanged"),
        _ => crate::brain::URIS.iter().any(|uri| {
            let quoted = format!("\"{uri}\"");
            said.contains(&quoted) && filter.contains(&quoted)
        }),
    }
}
