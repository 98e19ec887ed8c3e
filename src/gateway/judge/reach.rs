// SPDX-License-Identifier: MIT
//! Which tools of its server a guard may call: it judges others, so what it does itself changes
//! nothing.
//!
//! ```text
//!  named in its configuration ─────────────────────────────────────────────> it may
//!  the built-in guard knows that it reads ─────────────────────────────────> it may
//!  one that clients may call ──┬─ its server says that it only reads ───────> it may
//!                              └─ nobody has listed the tools yet ──> list ─> one of the others
//!  anything else ──────────────────────────────────────────────────────────> a failed call
//! ```

use super::Judging;
use super::listed::Listed;
use super::needs::{Asked, Words};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::call::CallFor;
use crate::gateway::io::Level;
use crate::gateway::snapshot::{ServerId, WatchKind};
use crate::mcp::only_reads::OnlyReads;
use crate::mcp::tools;
use crate::policy::guard::{Need, github};
use crate::wire::json::scan;
use crate::wire::jsonrpc::Envelope;

/// As much of a tool's name is told of a call that was not made. Guards take names from anywhere.
const NAME_TOLD_CHARS_MAX: usize = 128;

/// Whether a guard may call a tool.
enum Reach {
    Inside,
    Outside(&'static str),
    /// Its server has not been asked for its tools.
    Unlisted,
}

/// A list of tools that is asked for because a guard wants to call one.
#[derive(Debug)]
pub struct Listing {
    need: Need,
    known: OnlyReads,
    n_pages: usize,
    /// How often the tools had become others when the first page was asked for.
    changes: u64,
}

impl Gateway {
    fn reach(&self, server: ServerId, tool: &str) -> Reach {
        let Some(watch) = self.watch_of(server) else { return Reach::Outside("nothing watches") };
        if self.snapshot.guards.compat || watch.may_call.iter().any(|name| **name == *tool) {
            return Reach::Inside;
        }
        // What clients may call says nothing about what judging them needs.
        let is_built_in = matches!(watch.kind, WatchKind::GitHub);
        if is_built_in && github::only_reads(tool) {
            return Reach::Inside;
        }
        let allowed = self.server(server).tools.as_deref();
        if allowed.is_some_and(|allowed| !tools::is_allowed(allowed, tool)) {
            return Reach::Outside("it is not among the tools of its server that may be called");
        }
        let listed = self.guards.listed(server).and_then(|listed| listed.get(self.now.mono));
        match (&watch.kind, listed) {
            (WatchKind::Wasm { .. }, None) => Reach::Unlisted,
            (WatchKind::Wasm { .. }, Some(known)) if known.has(tool) => Reach::Inside,
            _ => Reach::Outside("nobody says that it only reads"),
        }
    }

    /// Calls a tool of the guarded server for its guard, if that may call it.
    pub(super) fn ask_within_reach(&mut self, key: Key<Judging>, server: ServerId, need: &Need) {
        match self.reach(server, &need.tool) {
            Reach::Inside => self.ask_backend(key, need),
            Reach::Outside(why) => self.is_out_of_reach(key, need, why),
            Reach::Unlisted => {
                let (need, known) = (need.clone(), OnlyReads::default());
                let changes = self.changes_of_tools(server);
                self.ask_for_page(key, Listing { need, known, n_pages: 0, changes }, None);
            }
        }
    }

    fn ask_for_page(&mut self, key: Key<Judging>, listing: Listing, cursor: Option<&[u8]>) {
        let Some(judging) = self.judgings.get_mut(key) else { return };
        let session = judging.session;
        judging.needs.listing = Some(Box::new(listing));
        let one = self
            .judgings
            .get(key)
            .and_then(|judging| self.request_for_guard(judging, &Words::List { cursor }));
        match one.and_then(|one| self.send_for(CallFor::Guard(key), session, &one)) {
            Some(call) => self.guard_waits_for(key, Asked::Server(call)),
            None => self.is_unlisted(key),
        }
    }

    /// A page of the tools is there, or an error.
    pub(super) fn page_for_guard(
        &mut self,
        key: Key<Judging>,
        message: &Message,
        envelope: &Envelope,
    ) {
        let Some(judging) = self.judgings.get_mut(key) else { return };
        let server = judging.server;
        let member = |name| envelope.result.and_then(|span| scan::member(message, span, name));
        let Some(tools) = member("tools") else { return self.is_unlisted(key) };
        let Some(mut listing) = judging.needs.listing.take() else { return };
        listing.known.learn(message, tools);
        listing.n_pages += 1;
        let has_room = listing.n_pages < self.limits().list_pages_max;
        let changes = self.changes_of_tools(server);
        // Pages from before and from after a change do not make one list.
        if listing.changes != changes && has_room {
            let Listing { need, n_pages, .. } = *listing;
            let anew = Listing { need, known: OnlyReads::default(), n_pages, changes };
            return self.ask_for_page(key, anew, None);
        }
        let cursor = member("nextCursor").map(|span| span.of(message));
        match cursor.filter(|cursor| cursor.starts_with(b"\"")) {
            Some(cursor) if has_room => self.ask_for_page(key, *listing, Some(cursor)),
            _ => {
                let Listing { need, known, changes, .. } = *listing;
                if let Some(listed) = self.guards.listed_mut(server) {
                    listed.learn(known, changes, self.now.mono);
                }
                match self.reach(server, &need.tool) {
                    Reach::Inside => self.ask_backend(key, &need),
                    Reach::Outside(why) => self.is_out_of_reach(key, &need, why),
                    Reach::Unlisted => self.is_out_of_reach(key, &need, UNLISTED),
                }
            }
        }
    }

    fn changes_of_tools(&self, server: ServerId) -> u64 {
        self.guards.listed(server).map_or(0, Listed::changes)
    }

    /// The list that a guard waits for will never be there.
    pub(super) fn is_unlisted(&mut self, key: Key<Judging>) {
        let Some(judging) = self.judgings.get_mut(key) else { return };
        let Some(listing) = judging.needs.listing.take() else { return };
        self.is_out_of_reach(key, &listing.need, UNLISTED);
    }

    fn is_out_of_reach(&mut self, key: Key<Judging>, need: &Need, why: &str) {
        self.note_not_called(key, &need.tool, why);
        self.guard_is_answered(key, None);
    }

    /// Writes down which tool a guard has wanted to call in vain. Of the built-in guard that is
    /// told once: it wants the same three again and again.
    pub(super) fn note_not_called(&mut self, key: Key<Judging>, tool: &str, why: &str) {
        let Some(judging) = self.judgings.get_mut(key) else { return };
        let server = judging.server;
        let name: String = tool.escape_debug().take(NAME_TOLD_CHARS_MAX).collect();
        let text = format!("its guard may not call {name}: {why}");
        let told = judging.needs.refused.replace(name.into());
        let is_told = told == judging.needs.refused;
        if !self.guards.is_module(server) {
            self.warn_once(server, text);
        } else if !is_told {
            self.note(Level::Warn, "guard", Some(server), text);
        }
    }

    /// The gateway itself begins to list the tools of a server.
    pub(crate) fn begins_to_list(&mut self, server: ServerId) {
        if let Some(listed) = self.guards.listed_mut(server) {
            listed.begin();
        }
    }

    /// All tools of a server are listed: its guard need not ask which of them only read.
    pub(crate) fn guard_learns_tools(&mut self, server: ServerId, pages: &[Message]) {
        let Some(listed) = self.guards.listed_mut(server) else { return };
        let mut known = OnlyReads::default();
        for page in pages {
            known.learn(page, crate::wire::json::edit::whole(page));
        }
        listed.learn_own(known, self.now.mono);
    }
}

/// Why a tool is not called that might only read.
const UNLISTED: &str = "its server does not list its tools";
