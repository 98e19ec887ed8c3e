// SPDX-License-Identifier: MIT
//! Requests to several servers: one exchange for each, one answer made from theirs.

use std::time::Instant;

use super::PartOf;
use super::open::error_text;
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::exchange::Exchange;
use crate::gateway::exchange::finish::ACCEPTED;
use crate::gateway::exchange::open::Incoming;
use crate::gateway::fault::{BackendFaultKind, Fault, GatewayFault, backend};
use crate::gateway::session::Session;
use crate::gateway::snapshot::ServerId;
use crate::mcp::catalogue::List;
use crate::mcp::subscription::{Filter, listen_result};
use crate::mcp::{Code, legacy};
use crate::wire::Splice;
use crate::wire::http1::Content;
use crate::wire::json::scan;
use crate::wire::jsonrpc::{self, Envelope, Parsed};

/// A request to several servers.
#[derive(Debug)]
pub struct Fan {
    /// The exchange that waits for the one answer.
    pub exchange: Key<Exchange>,
    /// The unified session.
    pub session: Key<Session>,
    /// The client's id, as it is spelled.
    pub id: Message,
    /// What is made from the answers.
    pub what: What,
    /// The servers, in the order of the configuration.
    pub parts: Vec<Part>,
    /// When it is answered without those that are missing; `None`: each server has its own limit.
    pub until: Option<Instant>,
}

/// What is made from the answers.
#[derive(Debug)]
pub enum What {
    /// A list.
    List(List),
    /// Nothing: it is enough that they were asked.
    Done,
    /// What all can do together.
    Discovery,
    /// What all say unasked, for as long as the client wants and all of them serve it.
    Listen {
        /// What those honour that have said so.
        honoured: Filter,
        /// Whether the client knows that.
        acknowledged: bool,
    },
    /// The first answer that is none but an error; they are asked one after the other.
    First {
        /// What each is asked.
        message: Message,
        /// The resource that it is about.
        uri: Box<str>,
    },
}

/// One server's part.
#[derive(Debug)]
pub struct Part {
    /// The server.
    pub server: ServerId,
    /// The exchange that asks it.
    pub exchange: Option<Key<Exchange>>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of asking one server.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing yet.
    Awaited,
    /// It tells of its changes.
    Listening,
    /// A result.
    Answer(Message, Box<Envelope>),
    /// It does not know the method.
    Unknown,
    /// Its error, or ours.
    Failed(String),
}

impl Gateway {
    /// Asks several servers at once.
    pub(super) fn start_fan(
        &mut self,
        (exchange, session): (Key<Exchange>, Key<Session>),
        id: Message,
        what: What,
        asked: Vec<(ServerId, Incoming)>,
    ) {
        let until = self.now.mono + self.limits().unified_list_after_max;
        self.alarms.set(Alarm::Unified, until);
        let part = |server| Part { server, exchange: None, outcome: Outcome::Awaited };
        let parts = asked.iter().map(|(server, _)| part(*server)).collect();
        let until = Some(until);
        let fan = self.fans.insert(Fan { exchange, session, id, what, parts, until });
        if asked.is_empty() {
            return self.finish_fan(fan);
        }
        for (index, (server, one)) in asked.into_iter().enumerate() {
            self.ask_part(fan, index, server, &one);
        }
    }

    /// Asks servers one after the other, until one has an answer.
    pub(super) fn start_search(
        &mut self,
        (exchange, session): (Key<Exchange>, Key<Session>),
        one: &Incoming,
        uri: &str,
        servers: &[ServerId],
    ) {
        let part =
            |server: &ServerId| Part { server: *server, exchange: None, outcome: Outcome::Awaited };
        let id = one.envelope.id.map(|span| one.message.slice(span)).unwrap_or_default();
        let fan = self.fans.insert(Fan {
            exchange,
            session,
            id,
            what: What::First { message: one.message.clone(), uri: uri.into() },
            parts: servers.iter().map(part).collect(),
            until: None,
        });
        self.search_on(fan, 0);
    }

    /// Asks the next one, if there is one.
    fn search_on(&mut self, fan: Key<Fan>, index: usize) {
        let Some(found) = self.fans.get(fan) else { return };
        let What::First { message, .. } = &found.what else { return };
        let next = found.parts.get(index).map(|part| part.server);
        match (next, self.read_again(message.clone())) {
            (Some(server), Some(one)) => self.ask_part(fan, index, server, &one),
            _ => self.finish_fan(fan),
        }
    }

    fn ask_part(&mut self, fan: Key<Fan>, index: usize, server: ServerId, one: &Incoming) {
        let Some(found) = self.fans.get(fan) else { return };
        let whose = (found.exchange, found.session);
        let has_room = self.exchanges.len() < self.limits().exchanges_max;
        let member = if has_room {
            self.member_for(whose, server, one)
        } else {
            Err(GatewayFault::Full("requests").into())
        };
        match member {
            Ok(member) => {
                let facts = self.facts_of(whose.0).cloned().map(Box::new);
                let exchange = self.part_exchange(member, PartOf::Fan(fan, index), facts);
                if let Some(fan) = self.fans.get_mut(fan) {
                    fan.parts[index].exchange = Some(exchange);
                }
                if !self.is_answered_here(exchange, member, one) {
                    self.send_request(exchange, member, one);
                }
            }
            Err(fault) => self.settle_part(fan, index, Outcome::Failed(fault.text())),
        }
    }

    /// An exchange without a client is answered.
    pub(crate) fn part_answered(&mut self, key: Key<Exchange>, part_of: PartOf, message: Splice) {
        let Some(sent) = self.take_sent(key) else { return };
        let message = message.to_message();
        let Ok(Parsed::Single(envelope)) = jsonrpc::parse(&message, self.limits()) else {
            return;
        };
        match part_of {
            PartOf::Opening => self.member_answered(sent.session, &message, &envelope),
            PartOf::Fan(fan, index) => {
                let outcome = match envelope.result {
                    Some(_) => Outcome::Answer(message, Box::new(envelope)),
                    None if is_unknown_method(&message, &envelope) => Outcome::Unknown,
                    None => Outcome::Failed(error_text(&message, &envelope)),
                };
                self.settle_part(fan, index, outcome);
            }
        }
    }

    pub(super) fn settle_part(&mut self, key: Key<Fan>, index: usize, outcome: Outcome) {
        let Some(fan) = self.fans.get_mut(key) else { return };
        let Some(part) = fan.parts.get_mut(index) else { return };
        let has_answer = matches!(outcome, Outcome::Answer(..));
        part.outcome = outcome;
        part.exchange = None;
        if let What::Listen { acknowledged, .. } = fan.what {
            // Its client subscribes again, and hears of what this server has become.
            return if acknowledged { self.finish_fan(key) } else { self.acknowledge_if_all(key) };
        }
        if matches!(fan.what, What::First { .. }) {
            if has_answer {
                self.finish_fan(key);
            } else {
                self.search_on(key, index + 1);
            }
        } else if !fan.parts.iter().any(Part::is_awaited) {
            self.finish_fan(key);
        }
    }

    /// All that will come has come.
    pub(super) fn finish_fan(&mut self, key: Key<Fan>) {
        let Some(fan) = self.fans.remove(key) else { return };
        let exchange = fan.exchange;
        let answer = match &fan.what {
            What::List(list) => self.list_answer(&fan, *list),
            What::Done => legacy::empty_response(&fan.id),
            What::Discovery => self.discovery_answer(&fan),
            What::Listen { .. } => {
                for part in &fan.parts {
                    self.give_up_part(part.exchange);
                }
                listen_result(&fan.id)
            }
            What::First { uri, .. } => self.found_answer(&fan, uri),
        };
        self.deliver(exchange, answer.into());
    }

    /// Answers what has waited for long enough without those that are missing.
    pub(super) fn expire_fans(&mut self) -> Option<Instant> {
        let now = self.now.mono;
        let is_due = |fan: &Fan| fan.until.is_some_and(|until| until <= now);
        let due = self.fans.iter().filter(|(_, fan)| is_due(fan)).map(|(key, _)| key);
        let seconds = self.limits().unified_list_after_max.as_secs();
        for key in due.collect::<Vec<_>>() {
            if self.is_listening(key) {
                self.acknowledge(key);
                continue;
            }
            for index in 0..self.fans.get(key).map_or(0, |fan| fan.parts.len()) {
                let part = self.fans.get(key).and_then(|fan| fan.parts.get(index));
                let Some(part) = part.filter(|part| part.is_awaited()) else { continue };
                let (server, exchange) = (part.server, part.exchange);
                let detail = format!("no answer within {seconds}s");
                let fault = backend(&self.snapshot, server, BackendFaultKind::TimedOut, &detail);
                self.give_up_part(exchange);
                self.settle_part(key, index, Outcome::Failed(fault.text()));
            }
        }
        self.fans.iter().filter_map(|(_, fan)| fan.until).min()
    }

    /// Lets go of what a part waits for; its server is told.
    fn give_up_part(&mut self, exchange: Option<Key<Exchange>>) {
        let Some(exchange) = exchange else { return };
        self.forget_listener(exchange);
        for key in self.calls.keys_of(|call| call.is_waited_for_by(exchange)) {
            self.tell_cancelled(key, "nobody waits any more");
            self.doubt_after(key);
            let Some(call) = self.calls.remove(key) else { continue };
            if let Some(fetch) = call.fetch {
                self.cancel_fetch(fetch);
            }
        }
        self.take_sent(exchange);
    }

    /// Lets go of all that `exchange` waits for at several servers.
    pub(crate) fn drop_fans_of(&mut self, exchange: Key<Exchange>) {
        let own = self.fans.iter().filter(|(_, fan)| fan.exchange == exchange);
        for key in own.map(|(key, _)| key).collect::<Vec<_>>() {
            let Some(fan) = self.fans.remove(key) else { continue };
            for part in &fan.parts {
                self.give_up_part(part.exchange);
            }
        }
    }

    /// Takes the fan apart that answers the request `id` of `session`, if there is one.
    pub(super) fn cancel_fan(&mut self, session: Key<Session>, id: &[u8]) -> bool {
        let is_meant = |fan: &Fan| fan.session == session && *fan.id == *id;
        let found = self.fans.iter().find(|(_, fan)| is_meant(fan)).map(|(key, _)| key);
        let Some(fan) = found.and_then(|key| self.fans.remove(key)) else { return false };
        for part in &fan.parts {
            self.give_up_part(part.exchange);
        }
        self.waits_for_less(fan.exchange);
        true
    }

    /// An exchange waits for one answer less, which nobody wants any more.
    pub(crate) fn waits_for_less(&mut self, exchange: Key<Exchange>) {
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get_mut(exchange) else { return };
        sent.waiting = sent.waiting.saturating_sub(1);
        if sent.waiting > 0 {
            return;
        }
        if sent.stream.is_some() {
            self.end_exchange(exchange);
        } else if sent.batch.as_ref().is_some_and(|answers| !answers.is_empty()) {
            self.finish_batch(exchange);
        } else {
            self.respond(exchange, ACCEPTED, Content::None, Message::default().into());
        }
    }

    /// Ends the fans that `exchange` waits for; `false`: there is none.
    pub(crate) fn fail_fans_of(&mut self, exchange: Key<Exchange>, fault: &Fault) -> bool {
        let own = self.fans.iter().filter(|(_, fan)| fan.exchange == exchange);
        let own: Vec<_> = own.map(|(key, _)| key).collect();
        let mut any = !own.is_empty();
        for key in own {
            let Some(fan) = self.fans.remove(key) else { continue };
            for part in &fan.parts {
                self.give_up_part(part.exchange);
            }
            self.fail_for_client(exchange, &fan.id, fault);
        }
        let session = self.session_of(exchange);
        let unified = session.and_then(|session| self.unified_mut(session));
        let greeting = unified
            .and_then(|unified| unified.greeting.take_if(|greeting| greeting.exchange == exchange));
        if let Some(greeting) = greeting {
            any = true;
            self.fail_for_client(exchange, &greeting.id, fault);
        }
        any
    }
}

impl Part {
    const fn is_awaited(&self) -> bool {
        matches!(self.outcome, Outcome::Awaited)
    }
}

fn is_unknown_method(message: &Message, envelope: &Envelope) -> bool {
    let code = envelope.error.and_then(|error| scan::member(message, error, "code"));
    let unknown = Code::METHOD_NOT_FOUND.0.to_string();
    code.is_some_and(|span| span.of(message) == unknown.as_bytes())
}
