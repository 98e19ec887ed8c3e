// SPDX-License-Identifier: MIT
//! What modern clients check in everything that they are told.

use penstock::wire::json::tree::{self, Node};

use crate::brain::{What, text_of};
use crate::modern_brain::wants;
use crate::socket::{Expect, Kind};
use crate::world::World;

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

impl World {
    /// An answer that is no stream.
    pub fn saw_modern_body(&mut self, client: usize, expect: &Expect, text: &str) {
        if let Kind::Slip { status, code } = expect.kind {
            let wanted = format!("\"code\":{code}");
            assert!(expect.status != status || text.contains(&wanted), "{code} is due: {text}");
            return;
        }
        let is_rpc = tree::parse(text.as_bytes(), 600)
            .is_ok_and(|node| node.get("jsonrpc").is_some() && node.get("id").is_some());
        if expect.status == 200 || is_rpc {
            return self.check_modern(client, expect, text);
        }
        for tag in expect.kind.tags() {
            self.ledger.calls[*tag].answered += 1;
        }
    }

    /// A modern client is told one message.
    pub fn check_modern(&mut self, client: usize, expect: &Expect, text: &str) {
        let node = tree::parse(text.as_bytes(), 600).expect("clients get JSON");
        let tags = expect.kind.tags();
        let tag = *tags.first().unwrap_or_else(|| panic!("nothing was asked: {text}"));
        let method = node.get("method").and_then(Node::as_str);
        match (method, node.get("id")) {
            (Some(_), Some(_)) => panic!("a modern client is sent a request: {text}"),
            (Some(method), None) if expect.kind == Kind::Subscription(tag) => {
                self.check_change(client, tag, method, text, &node);
            }
            (Some(method), None) => self.check_notice(tag, method, text, &node),
            (None, Some(id)) => {
                let id = text_of(text, id).to_owned();
                self.check_modern_answer(client, expect, tag, (text, &node), &id);
            }
            (None, None) => panic!("no message: {text}"),
        }
    }

    /// A notification on the stream of a call: it belongs to that call.
    fn check_notice(&mut self, tag: usize, method: &str, text: &str, node: &Node) {
        let call = &self.ledger.calls[tag];
        let params = node.get("params").expect("params of a notification");
        assert_eq!(call.answered, 0, "after the answer: {text}");
        let of = params.get("tag").and_then(Node::as_u64);
        // Behind a guard, progress has no words.
        let is_bare = of.is_none() && self.servers[self.clients[call.client].server].guarded;
        assert!(is_bare || of == Some(call.root as u64), "of another call: {text}");
        assert!(!text.contains(SUBSCRIPTION), "of a subscription: {text}");
        match method {
            "notifications/progress" => {
                let token = params.get("progressToken").map(|token| text_of(text, token));
                assert_eq!(token, call.token.as_deref(), "progress under another token");
                self.ledger.count("progress for modern clients");
            }
            "notifications/message" => {
                let who = params.get("who").and_then(Node::as_str);
                assert_eq!(who, Some(&*call.who), "somebody else's log: {text}");
                self.ledger.count("log messages for modern clients");
            }
            _ => panic!("not on the stream of a call: {text}"),
        }
    }

    /// A notification on the stream of a subscription.
    fn check_change(&mut self, client: usize, tag: usize, method: &str, text: &str, node: &Node) {
        let side = &self.servers[self.clients[client].server];
        // Of what a modern server says there, the gateway knows no better.
        let strict = !side.temper.is_modern() || side.manner.lie == 0;
        let call = &mut self.ledger.calls[tag];
        let params = node.get("params").expect("params of a notification");
        let id = params.get("_meta").and_then(|meta| meta.get(SUBSCRIPTION));
        assert_eq!(id.map(|id| text_of(text, id)), Some(&*call.id), "another subscription: {text}");
        assert!(params.get("who").is_none(), "for one client alone: {text}");
        if method == "notifications/subscriptions/acknowledged" {
            let honoured = params.get("notifications").expect("what is honoured");
            assert!(call.honoured.is_none(), "acknowledged twice: {text}");
            call.honoured = Some(text_of(text, honoured).to_owned());
            return self.ledger.count("subscriptions");
        }
        let honoured = call.honoured.as_ref().expect("the acknowledgement comes first");
        assert!(!strict || wants(honoured, text), "not subscribed to: {text}, but {honoured}");
        let changes = ["list_changed", "resources/updated"];
        assert!(changes.iter().any(|end| method.ends_with(end)), "not on a subscription: {text}");
        self.ledger.count("changes for modern clients");
    }

    fn check_modern_answer(
        &mut self,
        client: usize,
        expect: &Expect,
        tag: usize,
        (text, node): (&str, &Node),
        id: &str,
    ) {
        let call = &mut self.ledger.calls[tag];
        let is_error = node.get("error").is_some();
        assert!(id == call.id || id == "null" && is_error, "an answer to {id}: {text}");
        call.answered += 1;
        assert_eq!(call.answered, 1, "call {tag} is answered twice");
        assert!(!(is_error && self.weather.calm), "{text} in calm weather: {expect:?}");
        let (what, root) = (call.what, call.root);
        let Some(result) = node.get("result") else {
            assert!(is_error, "neither result nor error: {text}");
            return self.ledger.count("errors for modern clients");
        };
        self.ledger.count("answers to modern clients");
        let kind = result.get("resultType").and_then(Node::as_str);
        let kind = kind.unwrap_or_else(|| panic!("a result without its type: {text}"));
        assert!(result.get("odd").is_none() || kind == "odd", "taken for complete: {text}");
        match what {
            What::Call if kind == "input_required" => {
                self.note_question(client, tag, text, result);
            }
            What::Call => {
                let failed = result.get("isError").is_some() && !self.weather.calm;
                let told = result.get("tag").and_then(Node::as_u64);
                assert!(failed || told == Some(root as u64), "somebody else's answer: {text}");
            }
            What::List | What::Plain => self.check_list(client, text, result),
            What::Listen => {
                let id = result.get("_meta").and_then(|meta| meta.get(SUBSCRIPTION));
                let id = id.map(|id| text_of(text, id));
                let own = Some(&*self.ledger.calls[tag].id);
                assert_eq!(id, own, "the end of another subscription: {text}");
            }
        }
    }

    fn check_list(&mut self, client: usize, text: &str, result: &Node) {
        let client = &self.clients[client];
        let key = result.get("key").and_then(Node::as_str);
        let is_own = key.is_none_or(|key| key == client.key) || !self.weather.auth;
        assert!(is_own, "made for somebody with another key: {text}");
        let ttl = result.get("ttlMs").and_then(Node::as_u64);
        let scope = result.get("cacheScope").and_then(Node::as_str);
        assert!(ttl.is_some() && matches!(scope, Some("public" | "private")), "{text}");
        let is_old = !self.servers[client.server].temper.is_modern();
        assert!(!is_old || (ttl, scope) == (Some(0), Some("private")), "{text}");
    }
}
