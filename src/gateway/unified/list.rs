// SPDX-License-Identifier: MIT
//! Lists of several servers: one page of each per answer, and one cursor for all.
//!
//! Order: the configuration's, then the server's own, so that every answer looks alike.

use std::borrow::Cow;

use super::Fan;
use super::fan::{Outcome, Part, What};
use super::open::write_failures;
use crate::base::{Key, Message, Span};
use crate::gateway::Gateway;
use crate::gateway::exchange::Exchange;
use crate::gateway::exchange::open::Incoming;
use crate::gateway::fault::{ClientFault, Fault};
use crate::gateway::io::Level;
use crate::gateway::session::{Session, SessionKind};
use crate::gateway::snapshot::{ServerId, ViewPart};
use crate::mcp::catalogue::{List, Place, push_edited, push_renamed};
use crate::mcp::{Era, legacy, modern, pattern, task_id, tool_name, tools};
use crate::policy::auth::Principal;
use crate::wire::json::{scan, write};
use crate::wire::{Patch, Splice};

/// What cursors are sealed for.
const PURPOSE: &str = "list cursor";

impl Gateway {
    /// Asks all servers that have more of a list.
    pub(super) fn list(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        list: List,
        one: &Incoming,
    ) -> Result<(), Fault> {
        let cursor =
            one.envelope.params.and_then(|params| scan::member(&one.message, params, "cursor"));
        let asked = match cursor {
            None => self.first_pages(session, list, one),
            Some(span) => {
                let place = self.open_cursor(session, list, &one.message, span);
                self.next_pages(session, one, span, &place.ok_or(ClientFault::UnknownCursor)?)
            }
        };
        if let (None, Some(unified)) = (cursor, self.unified_mut(session)) {
            match list {
                List::Resources => unified.uris.forget_resources(),
                List::Templates => unified.uris.forget_templates(),
                List::Tools | List::Prompts | List::Tasks => {}
            }
        }
        let id = one.envelope.id.map(|span| one.message.slice(span)).unwrap_or_default();
        self.start_fan((exchange, session), id, What::List(list), asked);
        Ok(())
    }

    fn first_pages(
        &self,
        session: Key<Session>,
        list: List,
        one: &Incoming,
    ) -> Vec<(ServerId, Incoming)> {
        let servers = self.who_may_offer(session, list.capability());
        let shows = |part: &ViewPart| match list {
            List::Resources | List::Templates => part.resources,
            List::Prompts => part.prompts,
            List::Tools | List::Tasks => true,
        };
        let view = self.sessions.get(session).and_then(|one| self.snapshot.view(one.server));
        let is_shown =
            |server: &ServerId| view.and_then(|view| view.part(*server)).is_some_and(shows);
        let again = |server| match self.may_hear(session, server) {
            true => Some((server, self.read_again(one.message.clone())?)),
            false => Some((server, self.plain_request(self.era_of_session(session), one, None)?)),
        };
        servers.into_iter().filter(is_shown).filter_map(again).collect()
    }

    fn next_pages(
        &self,
        session: Key<Session>,
        one: &Incoming,
        span: Span,
        place: &Place,
    ) -> Vec<(ServerId, Incoming)> {
        let page = |(server, cursor): &(u16, Box<[u8]>)| {
            let server = ServerId(*server);
            if !self.may_hear(session, server) {
                let era = self.era_of_session(session);
                return Some((server, self.plain_request(era, one, Some(cursor))?));
            }
            let cursor = Patch::Bytes(Message::copy_of(cursor));
            let request = Splice::whole(one.message.clone()).with(span, cursor);
            Some((server, self.read_again(request.to_message())?))
        };
        place.at.iter().filter_map(page).collect()
    }

    /// Whether what a client says beside the list that it wants may go to this server.
    fn may_hear(&self, session: Key<Session>, server: ServerId) -> bool {
        let who = self.sessions.get(session).map(|session| session.principal);
        who.is_none_or(|who| self.may_ask_in_words(server, who))
    }

    fn era_of_session(&self, session: Key<Session>) -> Era {
        self.sessions.get(session).map_or(Era::Legacy, Session::era)
    }

    /// The servers of a session's view that have a capability, as far as is known.
    pub(super) fn who_may_offer(&self, key: Key<Session>, capability: &str) -> Vec<ServerId> {
        let Some(session) = self.sessions.get(key) else { return Vec::new() };
        let Some(unified) = &session.unified else { return Vec::new() };
        let has = |text: &Message| {
            let whole = Span::new(0, text.len());
            scan::member(text, whole, "capabilities")
                .is_some_and(|all| scan::member(text, all, capability).is_some())
        };
        let may_offer = |member: &&super::Member| match &member.state {
            super::MemberState::Open(_, handshake) => has(&handshake.result),
            _ if session.kind == SessionKind::OneShot => self
                .sessions
                .one_shot(member.server, session.principal)
                .and_then(|own| self.backends.get(self.sessions.get(own)?.backend))
                .and_then(|backend| backend.handshake.as_ref())
                .is_none_or(|handshake| has(&handshake.result)),
            _ => true,
        };
        unified.members.iter().filter(may_offer).map(|member| member.server).collect()
    }

    /// The one answer to a list.
    pub(super) fn list_answer(&mut self, fan: &Fan, list: List) -> Message {
        let mut items = b"[".to_vec();
        let mut failures = Vec::new();
        let mut at = Vec::new();
        for part in &fan.parts {
            match &part.outcome {
                Outcome::Answer(message, envelope) => {
                    let Some(result) = envelope.result else { continue };
                    self.push_items(&mut items, fan, part, list, (message, result));
                    let next = scan::member(message, result, "nextCursor");
                    let next = next.map(|span| span.of(message)).filter(|c| c.starts_with(b"\""));
                    at.extend(next.map(|cursor| (part.server.0, Box::from(cursor))));
                }
                Outcome::Failed(why) => {
                    let name = self.server(part.server).name.to_string();
                    let text = format!("left out of {}: {why}", list.method());
                    self.note(Level::Warn, "backend", Some(part.server), text);
                    failures.push((name, why.clone()));
                }
                Outcome::Unknown | Outcome::Awaited | Outcome::Listening => {}
            }
        }
        items.push(b']');
        let cursor = if at.is_empty() { None } else { self.seal_cursor(fan.session, list, at) };
        let mut result = Vec::new();
        let is_modern = self.era_above(fan.exchange) == Era::Modern;
        let withheld = self.withheld_of(fan);
        write::object(&mut result, |out| {
            if is_modern {
                write_freshness(out, fan, failures.is_empty());
            }
            out.raw(list.member(), &items);
            out.opt_str("nextCursor", cursor.as_deref());
            let withheld = withheld.as_deref().map(|all| (tools::WITHHELD, all));
            write_failures(out, &failures, withheld);
        });
        legacy::response(&fan.id, &result)
    }

    fn push_items(
        &mut self,
        out: &mut Vec<u8>,
        fan: &Fan,
        part: &Part,
        list: List,
        (text, result): (&Message, Span),
    ) {
        let Some(items) = scan::member(text, result, list.member()) else { return };
        let view = self.sessions.get(fan.session).map(|session| session.server);
        let view = view.and_then(|view| self.snapshot.view(view));
        let Some(shown) = view.and_then(|view| view.part(part.server)).cloned() else { return };
        let principal = self.sessions.get(fan.session).map(|session| session.principal);
        let whose = (part.server, principal);
        for item in scan::elements(text, items) {
            let start = out.len();
            if start > 1 {
                out.push(b',');
            }
            let before = out.len();
            match list {
                List::Tools => {
                    self.push_named(out, whose, shown.tools.as_deref(), true, (text, item));
                }
                List::Prompts => self.push_named(out, whose, None, false, (text, item)),
                List::Resources | List::Templates => {
                    self.push_resource(out, fan.session, part.server, list, (text, item));
                }
                List::Tasks => self.push_task(out, part.server, (text, item)),
            }
            if out.len() == before {
                out.truncate(start);
            }
        }
    }

    /// What the servers' lists say of tools that cannot be shown, under their unified names.
    fn withheld_of(&self, fan: &Fan) -> Option<Vec<u8>> {
        let mut all = b"[".to_vec();
        for part in &fan.parts {
            let Outcome::Answer(text, envelope) = &part.outcome else { continue };
            let Some(report) = envelope
                .result
                .and_then(|result| scan::member(text, result, "_meta"))
                .and_then(|meta| scan::member(text, meta, tools::WITHHELD))
            else {
                continue;
            };
            let title = &*self.server(part.server).name;
            for one in scan::elements(text, report) {
                let span = scan::member(text, one, "tool");
                let name = span.zip(span.and_then(|span| scan::string(text, span)));
                let edits = name.map(|(span, name)| {
                    let mut quoted = Vec::new();
                    write::push_str(&mut quoted, &tool_name::join(title, &name));
                    (span, quoted)
                });
                if all.len() > 1 {
                    all.push(b',');
                }
                push_edited(&mut all, text, one, edits.into_iter().collect());
            }
        }
        all.push(b']');
        (all.len() > 2).then_some(all)
    }

    /// A tool or prompt under its unified name, if it is shown.
    fn push_named(
        &mut self,
        out: &mut Vec<u8>,
        (server, principal): (ServerId, Option<Principal>),
        shown: Option<&[Box<str>]>,
        is_tool: bool,
        (text, item): (&Message, Span),
    ) {
        let title = self.server(server).name.clone();
        let name = scan::member(text, item, "name").and_then(|span| scan::string(text, span));
        let Some(name) = name.filter(|name| is_shown(shown, name)) else { return };
        let joined = tool_name::join(&title, &name);
        let has_little_room = principal
            .is_some_and(|principal| is_tool && self.care(server, principal).names().is_some());
        let name = match has_little_room {
            true => self.unified_names.publish(&joined),
            false => Cow::Borrowed(joined.as_str()),
        };
        push_renamed(out, text, item, &name, is_tool.then_some(&*title));
    }

    /// A resource or template as it is; its server is remembered.
    fn push_resource(
        &mut self,
        out: &mut Vec<u8>,
        session: Key<Session>,
        server: ServerId,
        list: List,
        (text, item): (&Message, Span),
    ) {
        let bytes_max = self.limits().unified_uris_bytes_max;
        let is_template = list == List::Templates;
        let member = if is_template { "uriTemplate" } else { "uri" };
        let kind = if is_template { "resource template" } else { "resource" };
        let uri = scan::member(text, item, member).and_then(|span| scan::string(text, span));
        let uri = uri.unwrap_or(Cow::Borrowed(""));
        let Some(unified) = self.unified_mut(session) else { return };
        let owner = match is_template {
            true => unified.uris.note_template(&uri, server, bytes_max),
            false => unified.uris.note(&uri, server, bytes_max),
        };
        if let Some(other) = owner {
            let other = self.server(other).name.clone();
            let text = format!("left out the {kind} {uri}, which {other} has as well");
            return self.note(Level::Warn, "backend", Some(server), text);
        }
        out.extend_from_slice(item.of(text));
    }

    fn push_task(&self, out: &mut Vec<u8>, server: ServerId, (text, item): (&Message, Span)) {
        let span = scan::member(text, item, "taskId");
        let id = span.zip(span.and_then(|span| scan::string(text, span)));
        let edits = id.map(|(span, id)| {
            let mut quoted = Vec::new();
            write::push_str(&mut quoted, &task_id::join(&self.server(server).name, &id));
            (span, quoted)
        });
        push_edited(out, text, item, edits.into_iter().collect());
    }

    fn seal_cursor(
        &mut self,
        key: Key<Session>,
        list: List,
        at: Vec<(u16, Box<[u8]>)>,
    ) -> Option<String> {
        let session = self.sessions.get(key)?;
        let place = Place { view: session.server.0, list, at };
        let purpose = purpose_for(session);
        let mut nonce = [0; 12];
        for piece in nonce.chunks_exact_mut(4) {
            piece.copy_from_slice(&self.rng.next_u32().to_le_bytes());
        }
        Some(self.seal.seal(&purpose, &place.encode(), nonce))
    }

    fn open_cursor(
        &self,
        key: Key<Session>,
        list: List,
        text: &Message,
        span: Span,
    ) -> Option<Place> {
        let session = self.sessions.get(key)?;
        let sealed = scan::string(text, span)?;
        let place = Place::decode(&self.seal.open(&purpose_for(session), &sealed)?)?;
        (place.view == session.server.0 && place.list == list).then_some(place)
    }
}

/// What the modern era wants of lists: as fresh as the oldest part, and as private as any.
fn write_freshness(out: &mut write::ObjectWriter<'_>, fan: &Fan, is_whole: bool) {
    let answers = fan.parts.iter().filter_map(|part| match &part.outcome {
        Outcome::Answer(message, envelope) => Some((message, envelope.result?)),
        _ => None,
    });
    let (mut ttl_ms, mut is_public, mut any) = (u64::MAX, true, false);
    for (message, result) in answers {
        ttl_ms = ttl_ms.min(modern::ttl_ms(message, result));
        is_public &= modern::is_public(message, result);
        any = true;
    }
    // What is missing may be back at any time.
    let ttl_ms = if any && is_whole { ttl_ms } else { 0 };
    out.str("resultType", "complete").u64("ttlMs", ttl_ms);
    out.str("cacheScope", if any && is_public { "public" } else { "private" });
}

/// A cursor is for whom it was given to: it may hold what a server said of this principal.
fn purpose_for(session: &Session) -> String {
    format!("{PURPOSE} {}", session.principal.0)
}

/// Whether a view shows this name.
pub(super) fn is_shown(patterns: Option<&[Box<str>]>, name: &str) -> bool {
    patterns.is_none_or(|all| all.iter().any(|own| pattern::fits(own, name)))
}
