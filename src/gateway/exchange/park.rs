// SPDX-License-Identifier: MIT
//! Calls of modern clients that wait for their client's input: a legacy server asks with a request,
//! a modern client is asked with a result and comes back.
//!
//! ```text
//!  backend ── request ──> Gathering ── a moment later ──> Asked ── retry ──> the call goes on
//!                             ^        input_required        │  (resume.rs)
//!                             └── answers are missing ───────┘
//!                                                            └── nobody comes ──> cancelled below
//! ```
//!
//! The call stays what it is for its backend. Only its exchange ends, and the next one takes over.
//!
//! Spec: MCP 2026-07-28, basic/patterns/mrtr; MCP 2025-11-25, client features.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Exchange;
use super::modern::ModernFacts;
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::backend::Backend;
use crate::gateway::call::{Call, CallFor, Needs};
use crate::gateway::session::Session;
use crate::gateway::waiting;
use crate::mcp::input_request::{self, InputRequest, Kind};
use crate::mcp::meta::ClientCapabilities;
use crate::mcp::park_state::{self, ParkState};
use crate::policy::auth::Principal;
use crate::wire::jsonrpc::Envelope;

/// Requests that come within so long after the first one are asked together.
const GATHER_FOR: Duration = Duration::from_millis(5);

/// A call that waits for its client's input, and what for.
#[derive(Debug)]
pub struct Park {
    /// The call; stale once it is answered.
    pub call: Key<Call>,
    /// The session that it runs in.
    pub session: Key<Session>,
    /// Whose call it is.
    pub principal: Principal,
    /// What tells it from other calls.
    pub digest: [u8; 32],
    /// What its client can be asked for.
    pub can: ClientCapabilities,
    /// What the backend has asked and nobody has answered.
    pub open: Vec<Question>,
    /// How many questions there were.
    pub n_asked: u32,
    /// Which round it is, from 1.
    pub round: u32,
    /// What is waited for.
    pub phase: Phase,
    /// Since when its client is away: that time is not the tool's.
    pub away_since: Instant,
    /// What the backend said meanwhile that its client will want to hear.
    pub kept: VecDeque<Message>,
    /// The answer that the backend gave without waiting any longer, and its call.
    pub answer: Option<Box<(Call, Message)>>,
}

/// One request of a backend.
#[derive(Debug)]
pub struct Question {
    /// Its id, as the backend spells it.
    pub id: Message,
    /// What it asks for.
    pub request: InputRequest,
}

/// What a parked call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// More questions, until then; its client still waits for an answer.
    Gathering(Instant),
    /// Its client, which was asked, until then.
    Asked(Instant),
}

impl Phase {
    pub(super) const fn until(self) -> Instant {
        match self {
            Self::Gathering(until) | Self::Asked(until) => until,
        }
    }
}

impl Gateway {
    /// A legacy backend behind a modern client's session asks for something.
    pub(super) fn asked_of_modern(
        &mut self,
        backend: Key<Backend>,
        session: Key<Session>,
        id: &Message,
        (message, envelope): (&Message, &Envelope),
        via: Option<Key<Call>>,
    ) {
        if let Err(why) = self.keep_question(backend, session, id, (message, envelope), via) {
            self.refuse_asked(backend, id, why);
        }
    }

    fn keep_question(
        &mut self,
        backend: Key<Backend>,
        session: Key<Session>,
        id: &Message,
        (message, envelope): (&Message, &Envelope),
        via: Option<Key<Call>>,
    ) -> Result<(), &'static str> {
        let call = via.filter(|key| self.calls.get(*key).is_some_and(may_ask));
        let call = call.or_else(|| self.only_asker_of(backend));
        let call = call.ok_or("it belongs to no call whose client could be asked")?;
        let (n_max, bytes_max) =
            (self.limits().input_requests_per_session_max, self.limits().message_bytes_max);
        if message.len() > bytes_max {
            return Err("it is too long");
        }
        let request = InputRequest::from_legacy(message, envelope, "".into())
            .ok_or("clients of this call do not know that method")?;
        let park = match self.calls.get(call).and_then(|call| call.needs) {
            Some(Needs::Park(park)) => park,
            _ => self.begin_park(call, session, request.kind)?,
        };
        let Some(park) = self.parks.get_mut(park) else { return Err("its call is over") };
        if !request.kind.is_offered(&park.can) {
            return Err("its client has not declared that capability");
        }
        let bytes: usize = park.open.iter().map(Question::len).sum();
        if park.open.len() >= n_max || bytes + message.len() > bytes_max {
            return Err("too many requests wait for this client");
        }
        park.n_asked += 1;
        let key = format!("{}-{}", request.kind.name(), park.n_asked).into();
        park.open.push(Question { id: id.clone(), request: InputRequest { key, ..request } });
        Ok(())
    }

    /// The only call at a backend that may ask for input, if there is one alone.
    fn only_asker_of(&self, backend: Key<Backend>) -> Option<Key<Call>> {
        // Also what was given up may go on, and ask.
        if self.may_ask_for_another(backend) {
            return None;
        }
        let mut askers = self.calls.of(backend).filter(|(_, call)| may_ask(call));
        let (only, _) = askers.next()?;
        askers.next().is_none().then_some(only)
    }

    fn begin_park(
        &mut self,
        call: Key<Call>,
        session: Key<Session>,
        kind: Kind,
    ) -> Result<Key<Park>, &'static str> {
        let Some(CallFor::Exchange(exchange)) = self.calls.get(call).map(|call| &call.whom) else {
            return Err("its call is over");
        };
        let facts = self.facts_of(*exchange).ok_or("its call is over")?;
        let principal = self.sessions.get(session).map(|session| session.principal);
        let principal = principal.ok_or("its session is over")?;
        let (Some(digest), true) = (facts.digest, kind.is_offered(&facts.can)) else {
            return Err("its client has not declared that capability");
        };
        let can = facts.can;
        let n_own = self.parks.iter().filter(|(_, park)| park.principal == principal).count();
        if self.parks.len() >= self.limits().parked_calls_max
            || n_own >= self.limits().parked_calls_per_principal_max
        {
            return Err("too many calls wait for their clients");
        }
        let until = self.now.mono + GATHER_FOR;
        self.alarms.set(Alarm::Rounds, until);
        let park = self.parks.insert(Park {
            call,
            session,
            principal,
            digest,
            can,
            open: Vec::new(),
            n_asked: 0,
            round: 0,
            phase: Phase::Gathering(until),
            away_since: self.now.mono,
            kept: VecDeque::new(),
            answer: None,
        });
        if let Some(call) = self.calls.get_mut(call) {
            call.needs = Some(Needs::Park(park));
        }
        Ok(park)
    }

    /// Answers the exchange of a parked call with everything that its backend wants to know.
    fn ask_client(&mut self, key: Key<Park>) {
        let until = self.now.mono + self.limits().input_after_max;
        let Some(park) = self.parks.get_mut(key) else { return };
        park.round += 1;
        park.phase = Phase::Asked(until);
        park.away_since = self.now.mono;
        let asked: Vec<_> = park.open.iter().map(|question| question.request.clone()).collect();
        let (session, round, at) = (park.session, park.round, park.call);
        let (principal, digest) = (park.principal, park.digest);
        let state = self.seal_state(key.to_bits(), round, principal, digest);
        let Some(call) = self.calls.get_mut(at) else { return };
        let CallFor::Exchange(exchange) = call.whom else { return };
        // Whoever waits for its client is not late.
        call.whom = CallFor::Parked;
        call.deadline = until + self.snapshot.limits.input_after_max;
        let (id, backend) = (call.id.clone(), call.backend);
        let info = self.server_info(backend);
        let message = input_request::input_required(&id, &asked, &state, info.as_deref());
        if let Some(session) = self.sessions.get_mut(session) {
            session.n_parked += 1;
        }
        self.alarms.set(Alarm::Rounds, until);
        self.deliver(exchange, message.into());
    }

    /// What a modern client said of itself, if `key` is an exchange of one.
    pub(crate) fn facts_of(&self, key: Key<Exchange>) -> Option<&ModernFacts> {
        match self.exchanges.get(key)? {
            Exchange::AwaitResponse(sent) => sent.modern.as_deref(),
            _ => None,
        }
    }

    /// What a client carries to find its call again.
    pub(super) fn seal_state(
        &mut self,
        park: u64,
        round: u32,
        principal: Principal,
        call: [u8; 32],
    ) -> String {
        let expires_ms = self.age_ms(self.limits().input_after_max);
        let (shard, principal) = (self.shard.index(), principal.0);
        let state = ParkState { park, shard, round, principal, call, expires_ms };
        self.seal.seal(park_state::PURPOSE, &state.encode(), self.rng.bytes())
    }

    /// How old the gateway will be `after` this, in milliseconds.
    pub(super) fn age_ms(&self, after: Duration) -> u64 {
        let age = self.now.mono.saturating_duration_since(self.began_at) + after;
        u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
    }

    /// Keeps what a backend says of a parked call, for its client's next exchange.
    pub(crate) fn keep_for_retry(&mut self, call: Key<Call>, message: &Message) {
        let limits = self.snapshot.limits;
        let Some(Needs::Park(key)) = self.calls.get(call).and_then(|call| call.needs) else {
            return;
        };
        let Some(park) = self.parks.get_mut(key) else { return };
        waiting::keep(&mut park.kept, message.clone(), &limits, |one| one.len());
    }

    /// A backend has answered without waiting for its client: the answer waits in its place.
    pub(crate) fn answered_while_parked(&mut self, mut call: Call, message: &Message) {
        let Some(Needs::Park(key)) = call.needs.take() else { return };
        let Some(park) = self.parks.get_mut(key) else { return };
        park.open.clear();
        call.fetch = None;
        park.answer = Some(Box::new((call, message.clone())));
    }

    /// The backend takes a question back.
    pub(super) fn forget_question(&mut self, session: Key<Session>, id: &[u8]) {
        let asks = |park: &Park| {
            park.session == session && park.open.iter().any(|question| &*question.id == id)
        };
        let Some(key) = self.parks.iter().find(|(_, park)| asks(park)).map(|(key, _)| key) else {
            return;
        };
        let Some(park) = self.parks.get_mut(key) else { return };
        park.open.retain(|question| &*question.id != id);
        if park.open.is_empty() && matches!(park.phase, Phase::Gathering(_)) {
            self.unpark(key);
        }
    }

    /// Lets a call go on that waits for nothing any more.
    pub(super) fn unpark(&mut self, key: Key<Park>) {
        let Some(park) = self.parks.remove(key) else { return };
        if let Some(call) = self.calls.get_mut(park.call) {
            call.needs = None;
        }
    }

    /// Forgets what calls waited for that are over.
    pub(crate) fn end_needless(&mut self) {
        while self.calls.has_needless() {
            for needs in self.calls.take_needless() {
                match needs {
                    Needs::Park(park) if self.is_answered(park) => {}
                    Needs::Park(park) => self.end_park(park),
                    Needs::Round(round) => self.end_round(round),
                }
            }
        }
    }

    fn is_answered(&self, key: Key<Park>) -> bool {
        self.parks.get(key).is_some_and(|park| park.answer.is_some())
    }

    /// Nobody can come for the answers that wait in a session which is over.
    pub(crate) fn forget_parks_of(&mut self, session: Key<Session>) {
        for key in self.parks.keys() {
            let is_its = self.parks.get(key).is_some_and(|park| park.session == session);
            if is_its && self.is_answered(key) {
                self.parks.remove(key);
            }
        }
    }

    /// The call of a park is over: what its backend asked will not be answered.
    pub(super) fn end_park(&mut self, key: Key<Park>) {
        let Some(park) = self.parks.remove(key) else { return };
        if matches!(park.phase, Phase::Asked(_))
            && let Some(session) = self.sessions.get_mut(park.session)
        {
            session.n_parked = session.n_parked.saturating_sub(1);
        }
        let Some((backend, _)) = self.backend_of(park.session) else { return };
        for question in park.open {
            self.refuse_asked(backend, &question.id, "its client did not answer");
        }
    }

    /// Asks the clients whose time has come, and gives up those that did not come back.
    pub(crate) fn expire_parks(&mut self) {
        let now = self.now.mono;
        let due = self.parks.iter().filter(|(_, park)| park.phase.until() <= now);
        let due: Vec<_> = due.map(|(key, park)| (key, park.phase, park.call)).collect();
        for (key, phase, call) in due {
            match phase {
                Phase::Gathering(_) => self.ask_client(key),
                Phase::Asked(_) => {
                    self.cancel_call(call, "its client did not bring what was asked for in time");
                    self.end_park(key);
                }
            }
        }
        if let Some(at) = self.parks.iter().map(|(_, park)| park.phase.until()).min() {
            self.alarms.set(Alarm::Rounds, at);
        }
    }
}

impl Question {
    fn len(&self) -> usize {
        self.request.params.as_ref().map_or(0, |params| params.len())
    }
}

/// Whether a backend may go on to ask for the sake of a call that was given up.
pub(crate) fn may_ask_in_vain(call: &Call) -> bool {
    call.cancelled && !call.is_never_sent && call.method.may_ask_for_input()
}

/// Whether what a backend asks may be asked for the sake of this call.
fn may_ask(call: &Call) -> bool {
    !call.cancelled
        && !call.is_never_sent
        && call.method.may_ask_for_input()
        && matches!(call.whom, CallFor::Exchange(_) | CallFor::Parked)
}

impl Gateway {
    /// What has to hold of calls that wait for input.
    pub(crate) fn check_needs(&self) {
        for (key, park) in self.parks.iter() {
            let call = self.calls.get(park.call);
            let waits = call.is_some_and(|call| call.needs == Some(Needs::Park(key)));
            assert!(waits || park.answer.is_some(), "a park without its call");
            let is_parked = call.is_some_and(|call| call.whom == CallFor::Parked);
            assert!(!waits || is_parked == matches!(park.phase, Phase::Asked(_)));
        }
        for (key, round) in self.rounds.iter() {
            let call = self.calls.get(round.call);
            assert!(call.is_some_and(|call| call.needs == Some(Needs::Round(key))), "{round:?}");
        }
        for (_, call) in self.calls.iter() {
            match call.needs {
                Some(Needs::Park(park)) => assert!(call.cancelled || self.parks.contains(park)),
                Some(Needs::Round(round)) => assert!(self.rounds.contains(round)),
                None => assert!(call.whom != CallFor::Parked, "parked for nothing"),
            }
        }
    }
}
