// SPDX-License-Identifier: MIT
//! What a guard asks while it judges: calls of its own server, under the session of the call that
//! is judged, and facts of the forge that no server tells.
//!
//! Such calls are not judged themselves, and nobody but the guard sees their answers. They change
//! nothing, and count against the budgets of whoever's call is judged.

use super::Judging;
use super::piece::Piece;
use super::reach::Listing;
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::call::{Call, CallFor};
use crate::gateway::exchange::open::Incoming;
use crate::gateway::fetch::Fetch;
use crate::mcp::Era;
use crate::mcp::method::Method;
use crate::policy::guard::budget::Ticket;
use crate::policy::guard::{Met, NEEDS_MAX, Need, PERMISSION_TOOL};
use crate::wire::json::{edit, write};
use crate::wire::jsonrpc::Envelope;

/// What a judgement has asked.
#[derive(Debug, Default)]
pub struct Needs {
    /// How often the guard has asked.
    pub n: u32,
    /// What is under way for it.
    pub asked: Option<Asked>,
    /// What the call that is under way for it takes of budgets.
    pub ticket: Option<Ticket>,
    /// The list of tools that it waits for before that call.
    pub listing: Option<Box<Listing>>,
    /// The tool that was refused to it last.
    pub refused: Option<Box<str>>,
}

/// What a guard waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A call of its server.
    Server(Key<Call>),
    /// A fact of the forge.
    Forge(Key<Fetch>),
}

/// What is asked of a server for its guard.
pub(super) enum Words<'w> {
    /// What a tool answers.
    Call(&'w Need),
    /// A page of its tools.
    List { cursor: Option<&'w [u8]> },
}

impl Gateway {
    /// A guard needs something before it can go on.
    pub(super) fn guard_needs(&mut self, key: Key<Judging>, piece: Piece, need: &Need) {
        let Some(judging) = self.judgings.get_mut(key) else { return };
        let (server, who) = (judging.server, judging.who);
        judging.piece = Some(Box::new(piece));
        judging.needs.n += 1;
        let is_enough = judging.needs.n > NEEDS_MAX;
        // What it asks is made of the words of the call, which may not go there at all.
        let may_ask =
            self.judgings.get(key).is_some_and(|judging| self.may_be_asked_about(judging));
        if is_enough || !may_ask {
            return self.guard_is_answered(key, None);
        }
        if let Some(known) = self.guards.fact(server, who, need, self.now.mono) {
            return self.guard_is_answered(key, Some(known));
        }
        if *need.tool != *PERMISSION_TOOL {
            return self.ask_within_reach(key, server, need);
        }
        match self.ask_forge(key, need) {
            Some(fetch) => self.guard_waits_for(key, Asked::Forge(fetch)),
            None => self.guard_is_answered(key, None),
        }
    }

    /// Remembers what is under way for a guard: a judgement that ends ends that too, and looks for
    /// it nowhere else.
    pub(super) fn guard_waits_for(&mut self, key: Key<Judging>, asked: Asked) {
        let waits = |judging: &&mut Judging| judging.piece.is_some();
        if let Some(judging) = self.judgings.get_mut(key).filter(waits) {
            judging.needs.asked = Some(asked);
        }
    }

    /// A judgement is over, and so is what its guard waits for.
    pub(super) fn stop_asking(&mut self, key: Key<Judging>, asked: Asked) {
        match asked {
            Asked::Forge(fetch) => self.forget_question_at(fetch),
            Asked::Server(call) => {
                let asks = |call: &Call| call.whom == CallFor::Guard(key) && !call.cancelled;
                if self.calls.get(call).is_some_and(asks) {
                    self.cancel_call(call, "the judgement is over that it was for");
                }
            }
        }
    }

    /// Calls a tool of the guarded server, or tells the guard that it cannot be called.
    pub(super) fn ask_backend(&mut self, key: Key<Judging>, need: &Need) {
        if self.call_backend(key, need).is_none() {
            self.guard_is_answered(key, None);
        }
    }

    fn call_backend(&mut self, key: Key<Judging>, need: &Need) -> Option<()> {
        let judging = self.judgings.get(key)?;
        let session = judging.session;
        let one = self.request_for_guard(judging, &Words::Call(need))?;
        let until = self.take_budget_for_guard(key, need, one.message.len())?;
        let call = self.send_for(CallFor::Guard(key), session, &one)?;
        self.guard_waits_for(key, Asked::Server(call));
        if let Some(call) = self.calls.get_mut(call) {
            call.tool = Some(Message::copy_of(need.tool.as_bytes()));
            call.asked_by_guard = Some(Box::new(need.clone()));
            if let Some(until) = until {
                call.deadline = call.deadline.min(until);
                call.extension = None;
                self.alarms.set(Alarm::Calls, call.deadline);
            }
        }
        Some(())
    }

    /// The request in the words of the judged call's client.
    pub(super) fn request_for_guard(
        &self,
        judging: &Judging,
        words: &Words<'_>,
    ) -> Option<Incoming> {
        let meta = match self.sessions.get(judging.session)?.era() {
            Era::Legacy => None,
            Era::Modern => {
                let own = self.read_again(judging.request.clone())?;
                let meta = own.envelope.meta.map(|span| own.message.slice(span));
                // Progress is for the client's call alone.
                meta.map(|meta| edit::without_member(&meta, edit::whole(&meta), "progressToken"))
            }
        };
        let method = match words {
            Words::Call(_) => "tools/call",
            Words::List { .. } => "tools/list",
        };
        let mut out = Vec::new();
        write::object(&mut out, |out| {
            out.str("jsonrpc", "2.0").u64("id", 0).str("method", method);
            out.object("params", |out| {
                match words {
                    Words::Call(need) => {
                        out.str("name", &need.tool);
                        if *need.args != *b"null" {
                            out.raw("arguments", &need.args);
                        }
                    }
                    Words::List { cursor: Some(cursor) } => {
                        out.raw("cursor", cursor);
                    }
                    Words::List { cursor: None } => {}
                }
                if let Some(meta) = &meta {
                    out.raw("_meta", meta);
                }
            });
        });
        self.read_again(Message::new(out))
    }

    /// A call that a guard has made is answered.
    pub(crate) fn guard_call_answered(
        &mut self,
        key: Key<Judging>,
        call: &Call,
        message: &Message,
        envelope: &Envelope,
    ) {
        if call.method == Method::ToolsList {
            return self.page_for_guard(key, message, envelope);
        }
        let is_paid = self.settle_budget_for_guard(key, message.len());
        // What the server asks for before it answers, it asks of nobody: no guard can tell it.
        let is_complete =
            envelope.result_type.is_none_or(|span| span.of(message) == b"\"complete\"");
        let result = envelope.result.filter(|_| is_paid && is_complete);
        let result = result.map(|span| message.slice(span));
        let of = self.judgings.get(key).map(|judging| (judging.server, judging.who));
        if let (Some(result), Some((server, who)), Some(need)) =
            (&result, of, call.asked_by_guard.as_deref())
        {
            self.guards.learn((server, who), need, result, self.now.mono);
        }
        self.guard_is_answered(key, result);
    }

    /// A call that a guard has made will not be answered.
    pub(crate) fn guard_call_failed(&mut self, key: Key<Judging>) {
        let Some(judging) = self.judgings.get(key) else { return };
        match judging.needs.listing {
            Some(_) => self.is_unlisted(key),
            None => self.guard_is_answered(key, None),
        }
    }

    /// The forge has said what somebody may do, or not.
    pub(crate) fn forge_answered(
        &mut self,
        key: Key<Judging>,
        need: &Need,
        body: Option<&Message>,
    ) {
        let of = self.judgings.get(key).map(|judging| (judging.server, judging.who));
        let result = body.map(|body| as_result(body));
        if let (Some((server, who)), Some(result)) = (of, &result) {
            self.guards.learn((server, who), need, result, self.now.mono);
        }
        self.guard_is_answered(key, result);
    }

    /// What a guard waits for has come, or never will.
    pub(super) fn guard_is_answered(&mut self, key: Key<Judging>, met: Met) {
        self.settle_budget_for_guard(key, 0);
        let Some(judging) = self.judgings.get_mut(key) else { return };
        judging.needs.asked = None;
        let Some(mut piece) = judging.piece.take() else { return };
        piece.is_met(met);
        self.work_on(key, *piece);
    }
}

/// The body of an answer of the forge, as a tool would say it.
fn as_result(body: &[u8]) -> Message {
    let mut out = Vec::new();
    write::object(&mut out, |out| {
        out.array("content", |out| {
            out.object(|out| {
                out.str("type", "text").str("text", &String::from_utf8_lossy(body));
            });
        });
    });
    Message::new(out)
}
