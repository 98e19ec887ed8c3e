// SPDX-License-Identifier: MIT
//! Modern clients of several servers: there is no session to open, so each request finds its way
//! anew, and waits until it is known which protocol the servers speak that it is for.
//!
//! Spec: MCP 2026-07-28, basic/versioning, server/discover.

use super::fan::{Outcome, What};
use super::open::{NAME, write_failures};
use super::{Fan, PartOf};
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
        let (mut is_legacy, mut waits_for) = (false, None);
        for &server in &concerned {
            // Whoever cannot be asked is named in the answer, and nobody waits for it.
            if self.refuse_if_lost(server).is_err() {
                continue;
            }
            match self.door(server) {
                Ok(Door::Wait) => waits_for = waits_for.or(Some(server)),
                Ok(Door::Legacy) => is_legacy = true,
                _ => {}
            }
        }
        // All of them are being asked now, so that it takes as long as the slowest of them.
        if let Some(server) = waits_for {
            self.wait_for_era_of(server, admitted, one);
            return Ok(());
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

    /// Sets the HTTP status of the answer to a modern client.
    pub(crate) fn set_modern_status(&mut self, key: Key<Exchange>, status: u16) {
        if let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get_mut(key)
            && sent.is_modern()
        {
            sent.status = status;
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
                Outcome::Unknown | Outcome::Awaited | Outcome::Listening => {}
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
            out.raw("capabilities", &catalogue::joined_capabilities(&all));
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

    /// `subscriptions/listen`: at all servers, under the client's own id.
    pub(super) fn listen_to_all(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) {
        let servers = self.whom_it_concerns(session, one);
        let again = |server| Some((server, self.read_again(one.message.clone())?));
        let asked = servers.into_iter().filter_map(again).collect();
        let id = one.envelope.id.map(|span| one.message.slice(span)).unwrap_or_default();
        let what = What::Listen { honoured: Filter::default(), acknowledged: false };
        self.start_fan((exchange, session), id, what, asked);
    }

    pub(super) fn is_listening(&self, key: Key<Fan>) -> bool {
        self.fans.get(key).is_some_and(|fan| matches!(fan.what, What::Listen { .. }))
    }

    /// A server has said what it honours of a subscription. `false`: it is nobody's part.
    pub(crate) fn part_acknowledged(&mut self, exchange: Key<Exchange>, own: &Filter) -> bool {
        let Some((key, index)) = self.part_in_fan(exchange) else { return false };
        let Some(fan) = self.fans.get_mut(key) else { return true };
        if let Some(part) = fan.parts.get_mut(index) {
            part.outcome = Outcome::Listening;
        }
        if let What::Listen { honoured, .. } = &mut fan.what {
            honoured.tools |= own.tools;
            honoured.prompts |= own.prompts;
            honoured.resources |= own.resources;
            for uri in &own.uris {
                if !honoured.uris.contains(uri) {
                    honoured.uris.push(uri.clone());
                }
            }
        }
        self.acknowledge_if_all(key);
        true
    }

    /// Whether a message of this exchange would come before its client knows that it is heard.
    pub(crate) fn is_unacknowledged(&self, exchange: Key<Exchange>) -> bool {
        let fan = self.part_in_fan(exchange).and_then(|(key, _)| self.fans.get(key));
        fan.is_some_and(|fan| matches!(fan.what, What::Listen { acknowledged: false, .. }))
    }

    /// Whether an exchange asks for one server's part of a list.
    pub(crate) fn is_part_of_list(&self, exchange: Key<Exchange>) -> bool {
        let fan = self.part_in_fan(exchange).and_then(|(key, _)| self.fans.get(key));
        fan.is_some_and(|fan| matches!(fan.what, What::List(_)))
    }

    fn part_in_fan(&self, exchange: Key<Exchange>) -> Option<(Key<Fan>, usize)> {
        match self.exchanges.get(exchange)? {
            Exchange::AwaitResponse(sent) => match sent.part_of? {
                PartOf::Fan(fan, index) => Some((fan, index)),
                PartOf::Opening => None,
            },
            _ => None,
        }
    }

    /// The session and stream on which an exchange, or the one that it is a part of, is answered.
    pub(crate) fn stream_above(&self, exchange: Key<Exchange>) -> Option<(Key<Session>, u32)> {
        let fan = self.part_in_fan(exchange).and_then(|(key, _)| self.fans.get(key));
        match self.exchanges.get(fan.map_or(exchange, |fan| fan.exchange))? {
            Exchange::AwaitResponse(sent) => Some((sent.session, sent.stream?)),
            _ => None,
        }
    }

    pub(super) fn acknowledge_if_all(&mut self, key: Key<Fan>) {
        let Some(fan) = self.fans.get(key) else { return };
        if !fan.parts.iter().any(|part| matches!(part.outcome, Outcome::Awaited)) {
            self.acknowledge(key);
        }
    }

    /// Tells the client what is honoured by those that have said so.
    pub(super) fn acknowledge(&mut self, key: Key<Fan>) {
        let Some(fan) = self.fans.get_mut(key) else { return };
        fan.until = None;
        let What::Listen { honoured, acknowledged } = &mut fan.what else { return };
        if std::mem::replace(acknowledged, true) {
            return;
        }
        let message = honoured.acknowledgement(&fan.id);
        let (exchange, session) = (fan.exchange, fan.session);
        if let Some(number) = self.stream_of_exchange(exchange) {
            self.send_on_stream(session, number, message.into());
        }
    }

    /// Ends a subscription in good order. `false`: it is not one at several servers.
    pub(crate) fn finish_listening_fan(&mut self, exchange: Key<Exchange>) -> bool {
        let found = self.fans.iter().find(|(_, fan)| fan.exchange == exchange);
        let Some(key) = found.map(|(key, _)| key).filter(|key| self.is_listening(*key)) else {
            return false;
        };
        self.finish_fan(key);
        true
    }
}
