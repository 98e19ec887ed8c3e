// SPDX-License-Identifier: MIT
//! What a guard asks while it judges: calls of its own server, under the session of the call that
//! is judged, and facts of the forge that no server tells.
//!
//! Such calls are not judged themselves, and nobody but the guard sees their answers.

use super::Judging;
use super::piece::Piece;
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::call::{Call, CallFor};
use crate::gateway::exchange::open::Incoming;
use crate::mcp::Era;
use crate::policy::guard::{Met, NEEDS_MAX, Need, PERMISSION_TOOL};
use crate::wire::json::{edit, write};
use crate::wire::jsonrpc::Envelope;

impl Gateway {
    /// A guard needs something before it can go on.
    pub(super) fn guard_needs(&mut self, key: Key<Judging>, piece: Piece, need: &Need) {
        let Some(judging) = self.judgings.get_mut(key) else { return };
        let (server, who) = (judging.server, judging.who);
        judging.piece = Some(Box::new(piece));
        judging.n_needs += 1;
        if judging.n_needs > NEEDS_MAX {
            return self.guard_is_answered(key, None);
        }
        if let Some(known) = self.guards.fact(server, who, need, self.now.mono) {
            return self.guard_is_answered(key, Some(known));
        }
        let asked = match &*need.tool {
            PERMISSION_TOOL => self.ask_forge(key, need),
            _ => self.ask_backend(key, need),
        };
        if !asked {
            self.guard_is_answered(key, None);
        }
    }

    /// Calls a tool of the guarded server; `false`: it cannot be called.
    fn ask_backend(&mut self, key: Key<Judging>, need: &Need) -> bool {
        let Some(judging) = self.judgings.get(key) else { return false };
        let session = judging.session;
        let Some(one) = self.request_for_guard(judging, need) else { return false };
        let Some(call) = self.send_for(CallFor::Guard(key), session, &one) else { return false };
        if let Some(call) = self.calls.get_mut(call) {
            call.tool = Some(Message::copy_of(need.tool.as_bytes()));
            call.asked_by_guard = Some(Box::new(need.clone()));
        }
        true
    }

    /// The request in the words of the judged call's client.
    fn request_for_guard(&self, judging: &Judging, need: &Need) -> Option<Incoming> {
        let meta = match self.sessions.get(judging.session)?.era() {
            Era::Legacy => None,
            Era::Modern => {
                let own = self.read_again(judging.request.clone())?;
                let meta = own.envelope.meta.map(|span| own.message.slice(span));
                // Progress is for the client's call alone.
                meta.map(|meta| edit::without_member(&meta, edit::whole(&meta), "progressToken"))
            }
        };
        let mut out = Vec::new();
        write::object(&mut out, |out| {
            out.str("jsonrpc", "2.0").u64("id", 0).str("method", "tools/call");
            out.object("params", |out| {
                out.str("name", &need.tool);
                if *need.args != *b"null" {
                    out.raw("arguments", &need.args);
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
        let result = envelope.result.map(|span| message.slice(span));
        let of = self.judgings.get(key).map(|judging| (judging.server, judging.who));
        if let (Some(result), Some((server, who)), Some(need)) =
            (&result, of, call.asked_by_guard.as_deref())
        {
            self.guards.learn((server, who), need, result, self.now.mono);
        }
        self.guard_is_answered(key, result);
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
    pub(crate) fn guard_is_answered(&mut self, key: Key<Judging>, met: Met) {
        let Some(judging) = self.judgings.get_mut(key) else { return };
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
