// SPDX-License-Identifier: MIT
//! Calls of legacy clients at modern servers that need input: the server asks with a result, the
//! client is asked with requests, and the gateway brings the answers back in a retry.
//!
//! ```text
//!  backend ── input_required ──> Round ── requests ──> client
//!     ^                            │ <── responses ──────┘
//!     └── the call, a new id, inputResponses, requestState
//! ```
//!
//! Spec: MCP 2026-07-28, basic/patterns/mrtr.

use std::time::{Duration, Instant};

use super::Exchange;
use super::open::Incoming;
use crate::base::bytes::parse_u64;
use crate::base::{Key, Message, Span};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::call::{Call, CallFor, Needs};
use crate::gateway::session::Session;
use crate::mcp::answer::{ResultKind, result_kind};
use crate::mcp::input_request::InputRequest;
use crate::mcp::input_round::{self, Round as Asked};
use crate::mcp::meta::ClientCapabilities;
use crate::mcp::method::Method;
use crate::mcp::{Era, legacy};
use crate::wire::jsonrpc::Envelope;

/// How long a server may think that asks for nothing but to be asked again.
const THINK_FOR: Duration = Duration::from_millis(250);

/// What one round of a call waits for.
#[derive(Debug)]
pub struct Round {
    /// The call; it is not at the backend meanwhile.
    pub call: Key<Call>,
    /// The session whose client is asked.
    pub session: Key<Session>,
    /// The state for the retry, as the server spells it.
    pub state: Option<Message>,
    /// What the client was asked.
    pub asked: Vec<Input>,
    /// When its time is over; for a round without questions, when it is tried again.
    pub until: Instant,
}

/// One request to a client.
#[derive(Debug)]
pub struct Input {
    /// Its id, as it is spelled.
    pub id: Message,
    /// What the server calls it.
    pub key: Box<str>,
    /// The result that the client gave.
    pub answer: Option<Message>,
}

impl Gateway {
    /// Begins a round if that is what the answer to `call` is. Gives back a call whose answer is
    /// for its client.
    pub(super) fn begin_round(
        &mut self,
        call: Call,
        message: &Message,
        envelope: &Envelope,
    ) -> Option<Call> {
        let CallFor::Exchange(exchange) = call.whom else { return Some(call) };
        let is_asked = envelope.result_type.is_some()
            && result_kind(message, envelope) == ResultKind::InputRequired;
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(exchange) else {
            return Some(call);
        };
        if !is_asked || sent.is_modern() || self.era_of(call.backend) != Era::Modern {
            return Some(call);
        }
        let result = envelope.result.unwrap_or_default();
        let session = self.client_of(sent.session);
        match self.checked_round(&call, session, message, result) {
            Ok(asked) => self.ask_session(call, session, asked),
            Err(why) => self.fail_input(&call, &why),
        }
        None
    }

    fn checked_round(
        &self,
        call: &Call,
        session: Key<Session>,
        message: &Message,
        result: Span,
    ) -> Result<Asked, String> {
        let asked = input_round::round(message, result).map_err(|error| {
            format!("the server asks for input in a way nobody can read: {error}")
        })?;
        let limits = self.limits();
        if call.n_rounds >= limits.input_rounds_max {
            let max = limits.input_rounds_max;
            return Err(format!("the server asked for input more than {max} times"));
        }
        if !call.method.may_ask_for_input() || call.request.is_empty() {
            return Err("the server asks for input where it may not".to_owned());
        }
        let Some(session) = self.sessions.get(session) else {
            return Err("its session is over".to_owned());
        };
        let can = session.client.as_ref().map(|client| {
            let whole = Span::new(0, client.capabilities.len());
            ClientCapabilities::of(&client.capabilities, whole)
        });
        let can = can.unwrap_or_default();
        if let Some(one) = asked.requests.iter().find(|one| !one.kind.is_offered(&can)) {
            return Err(format!(
                "the server needs {} from its client, which has not declared that it can",
                one.kind.method()
            ));
        }
        let max = limits.input_requests_per_session_max;
        if session.asked.len() + asked.requests.len() > max {
            return Err(format!("more than {max} requests wait for this client"));
        }
        Ok(asked)
    }

    fn ask_session(&mut self, mut call: Call, session: Key<Session>, asked: Asked) {
        let after = match asked.requests.is_empty() {
            true => THINK_FOR,
            false => self.limits().input_after_max,
        };
        let until = self.now.mono + after;
        (call.fetch, call.http_status, call.is_never_sent) = (None, None, true);
        // Whoever waits for its client is not late.
        call.deadline = until + self.limits().input_after_max;
        call.n_rounds += 1;
        let at = self.calls.insert(call);
        let round = Round { call: at, session, state: asked.state, asked: Vec::new(), until };
        let key = self.rounds.insert(round);
        if let Some(call) = self.calls.get_mut(at) {
            call.needs = Some(Needs::Round(key));
        }
        self.alarms.set(Alarm::Rounds, until);
        let ids: Vec<_> = asked.requests.iter().map(|_| self.next_input_id()).collect();
        // All of them are noted before the first one leaves: it may be answered, or given up, by
        // what it does to the queue.
        if let Some(round) = self.rounds.get_mut(key) {
            let note = |(id, one): (&u64, &InputRequest)| {
                let id = Message::new(id.to_string().into_bytes());
                Input { id, key: one.key.clone(), answer: None }
            };
            round.asked = ids.iter().zip(&asked.requests).map(note).collect();
        }
        for (id, one) in ids.iter().zip(&asked.requests) {
            let message = one.to_legacy(*id, &self.rng.hex(32));
            if !self.rounds.contains(key) {
                return;
            }
            let id = Message::new(id.to_string().into_bytes());
            self.ask_on_session(session, Some(at), message, &id, None);
        }
    }

    pub(crate) fn next_input_id(&mut self) -> u64 {
        self.n_inputs += 1;
        self.n_inputs
    }

    /// A client has answered a request of ours.
    pub(super) fn input_answered(&mut self, session: Key<Session>, one: &Incoming) {
        let Some(id) = one.id() else { return };
        let bytes_max = self.limits().message_bytes_max;
        let Some(key) = self.round_of(session, id) else { return };
        let Some(result) = one.envelope.result else {
            let said = one.envelope.error.map(|span| said_in(&one.message, span));
            let said = said.unwrap_or_default();
            return self.fail_round(key, &format!("the client could not answer: {said}"));
        };
        let Some(round) = self.rounds.get_mut(key) else { return };
        for input in round.asked.iter_mut().filter(|input| &*input.id == id) {
            input.answer = Some(Message::copy_of(result.of(&one.message)));
        }
        let answers = round.asked.iter().filter_map(|input| input.answer.as_ref());
        let bytes: usize = answers.map(|answer| answer.len()).sum();
        let is_whole = round.asked.iter().all(|input| input.answer.is_some());
        if !result.of(&one.message).starts_with(b"{") {
            self.fail_round(key, "the client's answer is not an object");
        } else if bytes > bytes_max {
            self.fail_round(key, "the client's answers are too long together");
        } else if is_whole {
            self.retry_round(key);
        }
    }

    fn round_of(&self, session: Key<Session>, id: &[u8]) -> Option<Key<Round>> {
        let asks = |round: &Round| {
            round.session == session && round.asked.iter().any(|input| &*input.id == id)
        };
        self.rounds.iter().find(|(_, round)| asks(round)).map(|(key, _)| key)
    }

    /// A request to a client cannot reach it any more.
    pub(crate) fn give_up_asked(&mut self, session: Key<Session>, id: &Message, why: &str) {
        let Some((backend, _)) = self.backend_of(session) else { return };
        if self.era_of(backend) != Era::Modern && !self.is_unified(session) {
            return self.refuse_asked(backend, id, why);
        }
        if let Some(key) = self.round_of(session, id) {
            self.fail_round(key, &format!("the client was not asked: {why}"));
        }
    }

    /// Sends a call once more, with the answers of its round.
    fn retry_round(&mut self, key: Key<Round>) {
        let Some((round, call)) = self.take_round(key) else { return };
        let CallFor::Exchange(exchange) = call.whom else { return };
        let answers: Vec<(&str, &[u8])> = round
            .asked
            .iter()
            .filter_map(|input| Some((&*input.key, input.answer.as_deref()?)))
            .collect();
        let again = self.as_its_client_sent_it(call.request.to_message(), &call).and_then(|one| {
            let state = round.state.as_deref();
            self.read_again(input_round::retry(&one.message, &one.envelope, &answers, state))
        });
        // Of several servers, the one that has asked.
        let session = self.member_at(round.session, call.backend);
        let is_there = !self.is_unified(session);
        let again = again.filter(|_| is_there);
        let judged = match &again {
            Some(one) if self.is_judged_first(exchange, session, one) => one.id(),
            _ => None,
        };
        if let Some(id) = judged {
            return self.is_asked_again(exchange, id, call.n_rounds);
        }
        let sent = again.and_then(|one| self.send_call(exchange, session, &one));
        match sent {
            Some(sent) => {
                if let Some(sent) = self.calls.get_mut(sent) {
                    sent.n_rounds = call.n_rounds;
                }
            }
            None => self.fail_input(&call, "the request could not be sent again"),
        }
    }

    /// A call that is judged once more before it is sent goes on to count its rounds.
    fn is_asked_again(&mut self, exchange: Key<Exchange>, id: &[u8], n_rounds: u32) {
        let is_its = |call: &Call| call.is_waited_for_by(exchange) && *call.id == *id;
        for key in self.calls.keys_of(is_its) {
            if let Some(call) = self.calls.get_mut(key) {
                call.n_rounds = n_rounds;
            }
        }
    }

    /// A call fails for lack of input.
    fn fail_round(&mut self, key: Key<Round>, why: &str) {
        let Some((round, call)) = self.take_round(key) else { return };
        self.take_questions_back(&round);
        self.fail_input(&call, why);
    }

    fn fail_input(&mut self, call: &Call, why: &str) {
        let CallFor::Exchange(exchange) = call.whom else { return };
        let is_tool = call.method == Method::ToolsCall;
        let answer = input_round::failed(is_tool, &call.id, why, false);
        self.deliver(exchange, answer.into());
    }

    fn take_round(&mut self, key: Key<Round>) -> Option<(Round, Call)> {
        let round = self.rounds.remove(key)?;
        let call = self.calls.get_mut(round.call)?;
        call.needs = None;
        let call = self.calls.remove(round.call)?;
        Some((round, call))
    }

    /// Nobody waits for the answer of a round's call any more.
    pub(super) fn end_round(&mut self, key: Key<Round>) {
        let Some(round) = self.rounds.get(key) else { return };
        let at = round.call;
        if let Some(call) = self.calls.get_mut(at) {
            call.needs = None;
            self.calls.remove(at);
        }
        let Some(round) = self.rounds.remove(key) else { return };
        self.take_questions_back(&round);
    }

    /// Tells a client what it need not answer any more.
    fn take_questions_back(&mut self, round: &Round) {
        for input in round.asked.iter().filter(|input| input.answer.is_none()) {
            let Some(session) = self.sessions.get_mut(round.session) else { return };
            let Some(at) = session.asked.iter().position(|asked| asked.id == input.id) else {
                continue;
            };
            let stream = session.asked.swap_remove(at).stream;
            session.forget_asked(&input.id);
            let Some(number) = stream else { continue };
            let is_open = session.stream_mut(number).is_some_and(|stream| !stream.complete);
            let id = parse_u64(&input.id).unwrap_or_default();
            let notice = legacy::cancelled_notification(id, "its call is over").into();
            if is_open {
                self.send_on_stream(round.session, number, notice);
            } else {
                self.relay(round.session, None, notice, None);
            }
        }
    }

    /// Tries rounds again that only waited, and gives up those whose clients did not answer.
    pub(crate) fn expire_rounds(&mut self) {
        let now = self.now.mono;
        let due = self.rounds.iter().filter(|(_, round)| round.until <= now);
        let due: Vec<_> = due.map(|(key, round)| (key, round.asked.is_empty())).collect();
        for (key, is_only_wait) in due {
            if is_only_wait {
                self.retry_round(key);
            } else {
                self.fail_round(key, "the client did not answer in time");
            }
        }
        if let Some(at) = self.rounds.iter().map(|(_, round)| round.until).min() {
            self.alarms.set(Alarm::Rounds, at);
        }
    }
}

/// `message` of an error, or all of it.
fn said_in(text: &[u8], error: Span) -> String {
    use crate::wire::json::scan;
    let said = scan::member(text, error, "message").and_then(|span| scan::string(text, span));
    match said {
        Some(said) => said.chars().take(300).collect(),
        None => String::from_utf8_lossy(error.of(text)).chars().take(300).collect(),
    }
}
