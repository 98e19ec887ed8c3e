// SPDX-License-Identifier: MIT
//! From an answer to what its client may see of it.

use super::deny::Denial;
use super::piece::{AnswerCase, Asking, Verdict};
use super::verdict::denial_of_one;
use super::{Held, Judging};
use crate::base::{Key, Message, Span};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::call::{Call, CallFor};
use crate::gateway::snapshot::Watch;
use crate::policy::guard::monitor::{self, Decision};
use crate::policy::guard::{Labelled, Mode, Operation, denial};
use crate::wire::jsonrpc::{self, Envelope, Parsed};
use crate::wire::{Patch, Splice};

/// What a client is told whose write was done, and who may not read what it was answered.
const UNREADABLE: &[u8] = br#"{"content":[{"type":"text","text":"[Filtered] The call was made. Its answer is not shown: it may not be read with the labels of this agent."}]}"#;

impl Gateway {
    /// An answer of a watched server is there: it is kept until it has been judged.
    pub(crate) fn judge_answer(&mut self, call: Call, message: Message, envelope: Envelope) {
        let key = call.watched;
        let Some((key, judging)) = key.and_then(|key| Some((key, self.judgings.get_mut(key)?)))
        else {
            // It cannot happen; if it does, nobody sees what nobody has judged.
            debug_assert!(false, "an answer without its judgement");
            if let CallFor::Exchange(exchange) = call.whom {
                let reason = "The judgement of this call is lost.";
                self.deny(exchange, &call.id, Denial::new("guard.failed", reason, "another try"));
            }
            return;
        };
        judging.held = Some(Held { message, envelope });
        // Progress may have given the call more time than its judgement had at first.
        let deadline = judging.deadline.max(call.deadline);
        let holder = self.calls.insert(Call {
            is_never_sent: true,
            fetch: None,
            extension: None,
            question: None,
            deadline,
            ..call
        });
        self.alarms.set(Alarm::Calls, deadline);
        if let Some(judging) = self.judgings.get_mut(key) {
            judging.holder = holder;
        }
        match self.settle_budget(key) {
            Ok(()) => self.label_answer(key),
            Err(denial) => self.refuse_judged(key, denial),
        }
    }

    /// Decides what needs no guard, and asks the guard about the rest.
    fn label_answer(&mut self, key: Key<Judging>) {
        let Some(judging) = self.judgings.get(key) else { return };
        let (server, who) = (judging.server, judging.who);
        let Some(held) = &judging.held else { return };
        let (Some(labelled), Some(watch)) = (judging.labelled.clone(), self.watch_of(server))
        else {
            // Nothing watches over the server; it is budgets that wanted to know.
            return self.show(key, None);
        };
        if self.is_guarded(server) && !held.is_final() {
            let reason = "The server asks for input, which no guard judges.";
            let denial = Denial::new("guard.input", reason, "calls that need no input");
            return self.refuse_judged(key, denial);
        }
        let result = held.envelope.result.map(|span| held.message.slice(span));
        let mode = self.guard_mode(server, &watch);
        let compat = self.snapshot.guards.compat;
        // A call that also reads shows what it has read, in every mode.
        let is_labelled = labelled.operation == Operation::ReadWrite && !compat
            || monitor::labels_response(labelled.operation, mode);
        let asks = self.is_guarded(server) && is_labelled;
        match result {
            Some(result) if asks => {
                let case = AnswerCase {
                    result,
                    labelled,
                    agent: self.labels_of(who),
                    agent_name: self.agent_name(who).into(),
                    mode,
                    compat,
                    shadow: watch.shadow,
                    tool: judging.tool.clone(),
                };
                self.ask_guard(key, Asking::Answer(Box::new(case)));
            }
            _ => self.answer_by_call(key, &watch, &labelled),
        }
    }

    /// The labels of the call are all that is known of its answer.
    fn answer_by_call(&mut self, key: Key<Judging>, watch: &Watch, labelled: &Labelled) {
        let Some(judging) = self.judgings.get(key) else { return };
        let (server, who) = (judging.server, judging.who);
        let mode = self.guard_mode(server, watch);
        let agent = self.labels_of(who);
        let is_write = labelled.operation == Operation::Write;
        // What a sink or an unwatched server says of a write is its own; guarded ones may quote.
        let is_own = is_write && (!self.is_guarded(server) || self.snapshot.guards.compat);
        let decision = monitor::decide(&agent, &labelled.object.labels, Operation::Read, mode);
        match decision {
            Decision::Deny(violation) if !is_own => {
                let reason = denial::reason(&labelled.object, &violation);
                if watch.shadow {
                    self.note_shadow(key, violation.kind.rule(), &reason);
                    return self.show(key, None);
                }
                if is_write && self.is_result(key) {
                    return self.show(key, Some(UNREADABLE.to_vec()));
                }
                self.refuse_judged(key, denial_of_one(&labelled.object, &violation));
            }
            // Also what takes nothing away now bounds what a guard may give later.
            Decision::Allow | Decision::AllowWithPropagation(_)
                if !is_own && mode == Mode::Propagate =>
            {
                let read = std::slice::from_ref(&labelled.object.labels);
                self.note_flow(who, server, read);
                match self.agent_reads(who, read) {
                    Err(denial) => self.refuse_judged(key, denial),
                    Ok(()) => self.show(key, None),
                }
            }
            _ => {
                let read = std::slice::from_ref(&labelled.object.labels);
                self.note_flow(who, server, read);
                if !is_own {
                    self.note_read(who, read);
                }
                self.show(key, None);
            }
        }
    }

    fn is_result(&self, key: Key<Judging>) -> bool {
        let held = self.judgings.get(key).and_then(|judging| judging.held.as_ref());
        held.is_some_and(|held| held.envelope.result.is_some())
    }

    /// A guard has labelled the answer, and what may be seen of it is there.
    pub(super) fn answer_judged(&mut self, key: Key<Judging>, verdict: Verdict) {
        let Some(judging) = self.judgings.get(key) else { return };
        let (server, who) = (judging.server, judging.who);
        // It carries other labels by now, and those decide.
        if verdict.agent != self.labels_of(who) {
            return self.label_answer(key);
        }
        self.note_filtered(key, &verdict);
        let denied = match verdict.denial {
            Some(denial) => Err(denial),
            None => {
                self.note_flow(who, server, &verdict.kept);
                self.note_read(who, &verdict.kept);
                let read = if verdict.accumulates { &verdict.kept[..] } else { &[] };
                self.agent_reads(who, read)
            }
        };
        match denied {
            Err(denial) => self.refuse_judged(key, denial),
            Ok(()) => self.show(key, verdict.result),
        }
    }

    /// Gives the client its answer, with another result if there is one.
    pub(super) fn show(&mut self, key: Key<Judging>, result: Option<Vec<u8>>) {
        let Some(call) = self.drop_holder(key) else { return };
        let Some(Judging { held: Some(held), server, .. }) = self.take_judging(key) else {
            return;
        };
        if call.cancelled {
            return;
        }
        let call = Call { watched: None, ..call };
        let Held { message, envelope } = held;
        let (Some(result), Some(place)) = (result, envelope.result) else {
            return self.hand_on(call, &message, &envelope);
        };
        let patch = Patch::Bytes(Message::new(result));
        let message = Splice::whole(message).with(place, patch).to_message();
        match jsonrpc::parse(&message, self.limits()) {
            Ok(Parsed::Single(envelope)) => self.hand_on(call, &message, &envelope),
            // A guard has made it so; nothing of it is shown, but somebody waits.
            _ => {
                let reason = "What its guard has left of the answer is no answer.";
                let denial = Denial::new("guard.failed", reason, "calls that the guard can label");
                self.count_denial(server, false);
                self.answer_denied(call, denial);
            }
        }
    }
}

impl Held {
    /// Whether it is all that will be answered.
    fn is_final(&self) -> bool {
        let complete = |span: Span| span.of(&self.message) == b"\"complete\"";
        self.envelope.result_type.is_none_or(complete)
    }
}
