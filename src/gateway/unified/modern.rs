// SPDX-License-Identifier: MIT
//! Modern clients of several servers: there is no session to open, so each request finds its way
//! anew, and waits until it is known which protocol the servers speak that it is for.
//!
//! Spec: MCP 2026-07-28, basic/versioning, server/discover.

use super::Fan;
use super::fan::{Outcome, What};
use super::open::{NAME, write_failures};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::era::Door;
use crate::gateway::exchange::modern::ModernFacts;
use crate::gateway::exchange::open::Incoming;
use crate::gateway::exchange::resume::Way;
use crate::gateway::exchange::{Admitted, Exchange};
use crate::gateway::fault::{ClientFault, Fault};
use crate::gateway::session::{Pool, Session, SessionKind};
use crate::gateway::snapshot::ServerId;
use crate::mcp::method::Method;
use crate::mcp::subscription::Filter;
use crate::mcp::{Era, catalogue, legacy, meta, park_state, revision};
use crate::wire::json::{scan, write};

impl Gateway {
    /// A request of a modern client to several servers.
    pub(crate) fn dispatch_unified(
        &mut self,
        admitted: &Admitted,
        one: Incoming,
        mut facts: ModernFacts,
    ) -> Result<(), Fault> {
        if facts.listens && !admitted.accepts_events {
            let both = crate::gateway::exchange::admit::ACCEPT_BOTH;
            return Err(ClientFault::Accept(both).into());
        }
        let session = self.unified_for(admitted)?;
        let concerned = self.whom_it_concerns(session, &one);
        let mut is_legacy = false;
        for &server in &concerned {
            // Whoever cannot be asked is named in the answer, and nobody waits for it.
            if self.refuse_if_lost(server).is_err() {
                continue;
            }
            match self.door(server) {
                Ok(Door::Wait) => {
                    self.wait_for_era_of(server, admitted, one);
                    return Ok(());
                }
                Ok(Door::Legacy) => is_legacy = true,
                _ => {}
            }
        }
        self.note_digest(admitted, &one, &mut facts);
        // What a modern server gave its client to bring back is not for us to read.
        let is_for_us = is_legacy && (concerned.len() == 1 || self.is_sealed_here(&one));
        if is_for_us && let Way::Done = self.resume_call(admitted, &one, &facts)? {
            return Ok(());
        }
        self.begin_modern(admitted, session, &one, facts)
    }

    /// Whether a request brings back what we gave its client.
    fn is_sealed_here(&self, one: &Incoming) -> bool {
        let state = one
            .envelope
            .params
            .and_then(|params| scan::member(&one.message, params, "requestState"));
        let state = state.and_then(|span| scan::string(&one.message, span));
        state.is_some_and(|text| self.seal.open(park_state::PURPOSE, &text).is_some())
    }

    /// The session that stands for a view and its modern clients of one identity.
    fn unified_for(&mut self, admitted: &Admitted) -> Result<Key<Session>, Fault> {
        let (server, principal) = (admitted.server, admitted.principal);
        let pool = Pool { server, principal, capabilities: None };
        let now = self.now.mono;
        if let Some(key) = self.sessions.pooled(&pool).first().copied() {
            if let Some(session) = self.sessions.get_mut(key) {
                session.used_at = now;
            }
            return Ok(key);
        }
        self.make_room_for_session()?;
        let kind = SessionKind::Pooled(pool);
        Ok(self.new_unified(server, principal, revision::modern(), kind, None))
    }

    /// The servers that a request may reach.
    fn whom_it_concerns(&self, session: Key<Session>, one: &Incoming) -> Vec<ServerId> {
        let is_named = matches!(one.method, Method::ToolsCall | Method::PromptsGet);
        if let Some(span) = one.envelope.name.filter(|_| is_named) {
            let is_tool = one.method == Method::ToolsCall;
            let named = self.with_own_name(session, one, span, is_tool);
            return named.map(|(server, _)| vec![server]).unwrap_or_default();
        }
        let unified = self.sessions.get(session).and_then(|session| session.unified.as_ref());
        let members = unified.map(|unified| unified.members.as_slice()).unwrap_or_default();
        members.iter().map(|member| member.server).collect()
    }

    /// Which protocol the client of an exchange speaks.
    pub(super) fn era_above(&self, exchange: Key<Exchange>) -> Era {
        match self.exchanges.get(exchange) {
            Some(Exchange::AwaitResponse(sent)) => sent.era(),
            _ => Era::Legacy,
        }
    }

    /// `server/discover`: all are asked.
    pub(super) fn discover_all(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) {
        let servers = self.whom_it_concerns(session, one);
        let again = |server| Some((server, self.read_again(one.message.clone())?));
        let asked = servers.into_iter().filter_map(again).collect();
        let id = one.envelope.id.map(|span| one.message.slice(span)).unwrap_or_default();
        self.start_fan((exchange, session), id, What::Discovery, asked);
    }

    /// What all servers can do and say together.
    pub(super) fn discovery_answer(&mut self, fan: &Fan) -> Message {
        let (mut capabilities, mut instructions) = (Vec::new(), Vec::new());
        let mut failures = Vec::new();
        for part in &fan.parts {
            let name = self.server(part.server).name.to_string();
            match &part.outcome {
                Outcome::Answer(message, envelope) => {
                    let Some(result) = envelope.result else { continue };
                    let member = |name| scan::member(message, result, name);
                    capabilities.extend(member("capabilities").map(|span| message.slice(span)));
                    let text = member("instructions").and_then(|span| scan::string(message, span));
                    instructions.extend(text.map(|text| (name, text.into_owned())));
                }
                Outcome::Failed(why) => failures.push((name, why.clone())),
                Outcome::Unknown | Outcome::Awaited => {}
            }
        }
        let mut all: Vec<&[u8]> = capabilities.iter().map(|text| &**text).collect();
        all.push(br#"{"tools":{}}"#);
        let parts = instructions.iter().map(|(name, text)| (name.as_str(), text.clone()));
        let instructions = catalogue::joined_instructions(parts);
        let mut result = Vec::new();
        write::object(&mut result, |out| {
            out.str("resultType", "complete");
            out.array("supportedVersions", |all| {
                all.str(revision::modern().date);
            });
            out.raw(
                "capabilities",
                &catalogue::without_changes(&catalogue::joined_capabilities(&all)),
            );
            if !instructions.is_empty() {
                out.str("instructions", &instructions);
            }
            out.u64("ttlMs", 0).str("cacheScope", "private");
            let mut info = Vec::new();
            write::object(&mut info, |info| {
                info.str("name", NAME).str("version", &self.snapshot.version);
            });
            write_failures(out, &failures, Some((meta::SERVER_INFO, &info)));
        });
        legacy::response(&fan.id, &result)
    }

    /// `subscriptions/listen`: what several servers say unasked is not told to modern clients, so
    /// that nothing is honoured. The stream is held for as long as the client wants.
    pub(super) fn listen_to_all(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) {
        let id = one.envelope.id.map(|span| one.message.slice(span)).unwrap_or_default();
        let Some(number) = self.stream_of_exchange(exchange) else { return };
        self.send_on_stream(session, number, Filter::default().acknowledgement(&id).into());
        let (what, parts) = (What::Listen, Vec::new());
        self.fans.insert(Fan { exchange, session, id, what, parts, until: None });
    }
}
