// SPDX-License-Identifier: MIT
//! The retry of a modern client: it brings what a legacy server has asked for, and its exchange
//! takes over the call that waits for it.
//!
//! Spec: MCP 2026-07-28, basic/patterns/mrtr: the state comes back through the client, so it is
//! believed only if we have sealed it, for this principal and this request, and not too long ago.

use std::time::Duration;

use super::modern::ModernFacts;
use super::open::Incoming;
use super::park::{Park, Phase};
use super::visit::NOT_PARKED;
use super::{Admitted, Exchange};
use crate::base::{Key, Message, Span};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::backend::Backend;
use crate::gateway::call::{Call, CallFor, id_of};
use crate::gateway::fault::Fault;
use crate::gateway::fault::modern::ModernFault;
use crate::gateway::judge::speech::SILENCED;
use crate::mcp::input_request::as_response;
use crate::mcp::input_round::{self, Retry};
use crate::mcp::park_state::{self, ParkState, call_digest};
use crate::wire::json::scan;
use crate::wire::jsonrpc::{self, Parsed};
use crate::wire::{Patch, Splice};

/// What clients do about a state that is no good.
const BEGIN_ANEW: &str = "send the request again without requestState and inputResponses";

/// How a request goes on that its client has brought.
pub(crate) enum Way {
    /// As any request.
    On,
    /// It is dealt with.
    Done,
}

impl Gateway {
    /// What tells a request to a legacy server from another one, if its client can be asked.
    pub(crate) fn note_digest(&self, admitted: &Admitted, one: &Incoming, facts: &mut ModernFacts) {
        if facts.can.any_input() && one.method.may_ask_for_input() {
            facts.digest = Some(self.digest_of(admitted, one));
        }
    }

    fn digest_of(&self, admitted: &Admitted, one: &Incoming) -> [u8; 32] {
        let name = one.envelope.method.map_or(&b""[..], |span| span.of(&one.message));
        let scope = format!("{} {}", name.escape_ascii(), self.snapshot.title(admitted.server));
        call_digest(&scope, &one.message, one.envelope.params)
    }

    /// Goes on with the call that a request is the retry of, if it is one.
    pub(crate) fn resume_call(
        &mut self,
        admitted: &Admitted,
        one: &Incoming,
        facts: &ModernFacts,
    ) -> Result<Way, Fault> {
        let retry = input_round::retry_of(&one.message, one.envelope.params);
        let retry = retry.map_err(|error| refused(format!("Invalid params: {error}")))?;
        let Some(retry) = retry else { return Ok(Way::On) };
        let state = self.opened_state(admitted, one, &retry)?;
        if state.park == NOT_PARKED {
            return Ok(self.resume_visit(admitted, one, &retry));
        }
        let key = Key::from_parts(state.park as u32, (state.park >> 32) as u32);
        let lost = || refused(format!("the call is not there any more; {BEGIN_ANEW}"));
        let is_here = state.shard == self.shard.index();
        let park = self.parks.get(key).filter(|_| is_here);
        let park = park.filter(|park| park.principal == admitted.principal);
        let park = park.ok_or_else(lost)?;
        if park.round != state.round || !matches!(park.phase, Phase::Asked(_)) {
            return Err(refused(format!("this requestState was used before; {BEGIN_ANEW}")));
        }
        let session = park.session;
        if self.sessions.get(session).is_none() {
            return Err(lost());
        }
        self.check_room(session, 1)?;
        self.want_log_level(session, facts.log_level);
        let exchange = self.await_modern(admitted, session, facts.clone());
        if let Some(session) = self.sessions.get_mut(session) {
            session.n_parked = session.n_parked.saturating_sub(1);
        }
        self.take_over(key, exchange, one, &retry);
        Ok(Way::Done)
    }

    fn opened_state(
        &self,
        admitted: &Admitted,
        one: &Incoming,
        retry: &Retry,
    ) -> Result<ParkState, Fault> {
        let foreign = || refused(format!("this requestState is none of ours; {BEGIN_ANEW}"));
        let text = retry.state.and_then(|span| scan::string(&one.message, span));
        let text = text.ok_or_else(|| {
            refused(format!("inputResponses came without the requestState; {BEGIN_ANEW}"))
        })?;
        let plain = self.seal.open(park_state::PURPOSE, &text).ok_or_else(foreign)?;
        let state = ParkState::decode(&plain).ok_or_else(foreign)?;
        // Another principal learns nothing, not even that there is such a call.
        if state.principal != admitted.principal.0 {
            return Err(foreign());
        }
        if state.call != self.digest_of(admitted, one) {
            let text = "this requestState was given for another request; the retry has to have \
                        the same parameters";
            return Err(refused(text.to_owned()));
        }
        if state.expires_ms <= self.age_ms(Duration::ZERO) {
            return Err(refused(format!("this requestState has expired; {BEGIN_ANEW}")));
        }
        Ok(state)
    }

    /// The exchange of a retry takes a parked call over.
    fn take_over(
        &mut self,
        key: Key<Park>,
        exchange: Key<Exchange>,
        one: &Incoming,
        retry: &Retry,
    ) {
        let Some(park) = self.parks.get_mut(key) else { return };
        if let Some(answered) = park.answer.take() {
            self.parks.remove(key);
            let (call, message) = *answered;
            return self.answer_late(call, exchange, one, &message);
        }
        let (at, session) = (park.call, park.session);
        let (kept, mut answers) = (std::mem::take(&mut park.kept), Vec::new());
        park.open.retain(|question| {
            let found = retry.responses.iter().find(|(key, _)| *key == question.request.key);
            answers.extend(found.map(|(_, at)| (question.id.clone(), at.of(&one.message))));
            found.is_none()
        });
        let is_done = park.open.is_empty();
        // What is missing is asked for once more, with what comes meanwhile.
        park.phase = Phase::Gathering(self.now.mono);
        let away = self.now.mono.saturating_duration_since(park.away_since);
        self.adopt(at, exchange, one, away);
        if is_done {
            self.unpark(key);
        } else {
            self.alarms.set(Alarm::Rounds, self.now.mono);
        }
        let Some(backend) = self.calls.get(at).map(|call| call.backend) else { return };
        let may_speak = self.may_speak(session);
        for (id, answer) in answers {
            match may_speak {
                true => self.answer_below(backend, as_response(&id, answer)),
                false => self.refuse_asked(backend, &id, SILENCED),
            }
        }
        for message in kept {
            self.say_again(backend, at, message);
        }
    }

    /// Gives a call another exchange, and a deadline that is as far away as at its beginning; what
    /// bounds it as a whole moves by the time that its client was `away`.
    fn adopt(&mut self, at: Key<Call>, exchange: Key<Exchange>, one: &Incoming, away: Duration) {
        let now = self.now.mono;
        let Some(call) = self.calls.get_mut(at) else { return };
        adopt(call, exchange, one);
        if let Some(extension) = &mut call.extension {
            extension.until += away;
            call.deadline = (now + extension.by).min(extension.until);
        }
        self.alarms.set(Alarm::Calls, call.deadline);
    }

    /// What a backend said while its call was parked: to the client as if it were said now.
    fn say_again(&mut self, backend: Key<Backend>, call: Key<Call>, message: Message) {
        if let Ok(Parsed::Single(envelope)) = jsonrpc::parse(&message, self.limits()) {
            self.notification(backend, message, &envelope, Some(call));
        }
    }

    /// The answer came before the retry did.
    fn answer_late(
        &mut self,
        mut call: Call,
        exchange: Key<Exchange>,
        one: &Incoming,
        message: &Message,
    ) {
        adopt(&mut call, exchange, one);
        let backend = call.backend;
        let key = self.calls.insert(call);
        let Ok(Parsed::Single(envelope)) = jsonrpc::parse(message, self.limits()) else { return };
        // An error without an id is known by the call on whose answer it came.
        let answer = envelope.id.map_or_else(
            || message.clone(),
            |span| {
                let number = Patch::Number(id_of(key));
                Splice::whole(message.clone()).with(span, number).to_message()
            },
        );
        self.receive(backend, answer, Some(key));
    }
}

fn adopt(call: &mut Call, exchange: Key<Exchange>, one: &Incoming) {
    let part = |span: Span| one.message.slice(span);
    call.whom = CallFor::Exchange(exchange);
    call.id = one.envelope.id.map(part).unwrap_or_default();
    // The backend goes on to report under the token of the first request, which is our id.
    call.token = one.envelope.meta_progress_token.map(part);
}

fn refused(text: String) -> Fault {
    ModernFault::Params(text).into()
}
