// SPDX-License-Identifier: MIT
//! The members of a unified session: opened in parallel, and later those that were late or away.

use super::open::error_text;
use super::{Changed, Member, MemberState, PartOf};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::backend::Carrier;
use crate::gateway::call::CallFor;
use crate::gateway::era::{Door, Modern};
use crate::gateway::exchange::hello::client_facts;
use crate::gateway::exchange::modern::ModernFacts;
use crate::gateway::exchange::open::Incoming;
use crate::gateway::exchange::{Exchange, Sent};
use crate::gateway::fault::{BackendFaultKind, Fault, GatewayFault, backend};
use crate::gateway::io::PeerAddress;
use crate::gateway::session::{NewSession, Session, SessionKind};
use crate::gateway::snapshot::ServerId;
use crate::mcp::{Era, legacy};
use crate::wire::jsonrpc::Envelope;

/// Why a server cannot be asked yet.
pub(super) const IN_DOUBT: &str = "it is not known yet which protocol it speaks";

impl Gateway {
    /// The session that speaks with `server` for `key`, opened if it is away and the server is not
    /// known to be down.
    pub(crate) fn member_for(
        &mut self,
        (exchange, key): (Key<Exchange>, Key<Session>),
        server: ServerId,
        one: &Incoming,
    ) -> Result<Key<Session>, Fault> {
        if self.is_stopping() {
            return Err(GatewayFault::Draining.into());
        }
        if let Some(facts) = self.facts_of(exchange).cloned() {
            return self.modern_member(key, server, one, &facts);
        }
        let session = self.sessions.get(key).ok_or(GatewayFault::Full("sessions"))?;
        let principal = session.principal;
        let own = session.unified.as_ref().and_then(|unified| {
            unified.members.iter().find(|member| member.server == server)?.session()
        });
        if session.kind == SessionKind::OneShot {
            if self.sessions.one_shot(server, principal).is_none() {
                self.refuse_if_down(server)?;
            }
            return self.one_shot_session_of(server, principal);
        }
        if let Some(own) = own {
            return Ok(own);
        }
        self.refuse_if_down(server)?;
        self.open_member(key, server);
        let unified = self.sessions.get(key).and_then(|session| session.unified.as_ref());
        let member = unified
            .and_then(|unified| unified.members.iter().find(|member| member.server == server));
        match member.map(|member| (member.session(), &member.state)) {
            Some((Some(session), _)) => Ok(session),
            Some((None, MemberState::Away(why))) => {
                Err(backend(&self.snapshot, server, BackendFaultKind::Down, why))
            }
            _ => Err(backend(&self.snapshot, server, BackendFaultKind::Down, IN_DOUBT)),
        }
    }

    /// The session that leads to `server` for a modern client.
    fn modern_member(
        &mut self,
        key: Key<Session>,
        server: ServerId,
        one: &Incoming,
        facts: &ModernFacts,
    ) -> Result<Key<Session>, Fault> {
        let session = self.sessions.get(key).ok_or(GatewayFault::Full("sessions"))?;
        let whose = (server, session.principal);
        self.refuse_if_lost(server)?;
        match self.door(server)? {
            Door::Wait => Err(backend(&self.snapshot, server, BackendFaultKind::Down, IN_DOUBT)),
            Door::Modern(backend) => self.lane(whose, backend),
            Door::Legacy => {
                let member = self.pooled_session(whose, one, facts)?;
                self.want_log_level(member, facts.log_level);
                Ok(member)
            }
        }
    }

    /// The same as [`Self::refuse_if_down`], unless the server speaks the modern protocol, of which
    /// its legacy side says nothing.
    pub(super) fn refuse_if_lost(&self, server: ServerId) -> Result<(), Fault> {
        match self.servers[usize::from(server.0)].era.modern {
            Modern::Yes => Ok(()),
            _ => self.refuse_if_down(server),
        }
    }

    /// A server that is known to be down is not waited for; it is being started again anyway.
    fn refuse_if_down(&self, server: ServerId) -> Result<(), Fault> {
        match &self.servers[usize::from(server.0)].trouble {
            Some(why) => Err(backend(&self.snapshot, server, BackendFaultKind::Down, why)),
            None => Ok(()),
        }
    }

    /// Opens the member for `server`, with the client's own `initialize` if that was kept.
    pub(super) fn open_member(&mut self, key: Key<Session>, server: ServerId) {
        if self.is_stopping() {
            return;
        }
        if self.is_era_in_doubt(server) {
            let unified = self.unified_mut(key);
            if let Some(entry) = unified.and_then(|unified| unified.member_mut(server)) {
                entry.state = MemberState::Doubtful;
            }
            return;
        }
        let Some(session) = self.sessions.get(key) else { return };
        let principal = session.principal;
        let hello = session.hello.clone().filter(|_| self.may_speak_to(server, principal));
        let is_modern = self.is_modern_only(server);
        let one = hello.as_ref().and_then(|hello| self.read_again(hello.to_message()));
        let asked = one.as_ref().map(|one| legacy::hello(&one.message, one.envelope.params));
        let ready = match &asked {
            _ if is_modern => None,
            Some(asked) => self.ready_backend(server, asked),
            None => self.claimable(server),
        };
        let down = if ready.is_none() { self.refuse_if_down(server) } else { Ok(()) };
        let started = down.and_then(|()| match ready {
            _ if is_modern => self.modern_backend(server),
            Some(ready) => Ok(ready),
            None if one.is_some() => self.start_backend(server),
            None => self.start_backend_ourselves(server),
        });
        let backend = match started {
            Ok(backend) => backend,
            Err(fault) => return self.member_away(key, server, &fault.text()),
        };
        let revision = self.sessions.get(key).map(|session| session.revision);
        let by_client = ready.is_none() && one.is_some() && !is_modern;
        let client = one.as_ref().filter(|_| is_modern).map(|one| Box::new(client_facts(one)));
        let member = self.new_session(NewSession {
            server,
            principal,
            revision: revision.unwrap_or_else(crate::mcp::revision::newest),
            backend,
            kind: SessionKind::Member(key),
            client,
            opened_by_gateway: !by_client,
            hello: hello.clone(),
            unified: None,
        });
        let unified = self.unified_mut(key);
        if let Some(entry) = unified.and_then(|unified| unified.member_mut(server)) {
            entry.state = MemberState::Opening(member);
        }
        let exchange = self.part_exchange(member, PartOf::Opening, None);
        match (one, hello) {
            (Some(one), Some(request)) if by_client => {
                self.send_handshake(exchange, member, &one, request);
                // The client has said so before; here it waits, as the first, for the answer.
                if self.unified_mut(key).is_some_and(|unified| unified.initialized) {
                    let notice = legacy::initialized_notification().into();
                    self.send_below(backend, notice, Carrier::Notice(None));
                }
            }
            (one, _) => {
                let one = one.or_else(|| self.read_again(legacy::initialize_request(1, "")));
                if let Some(one) = one {
                    self.call_for_greeting(exchange, member, &one);
                }
            }
        }
    }

    /// An exchange of a member session, of which no client knows.
    pub(super) fn part_exchange(
        &mut self,
        member: Key<Session>,
        part_of: PartOf,
        modern: Option<Box<ModernFacts>>,
    ) -> Key<Exchange> {
        if let Some(session) = self.sessions.get_mut(member) {
            session.n_exchanges += 1;
        }
        let sent = Sent {
            peer: None,
            session: member,
            from: PeerAddress {
                ip: std::net::Ipv4Addr::UNSPECIFIED.into(),
                port: 0,
                local_is_loopback: false,
            },
            origin: None,
            waiting: 1,
            batch: None,
            stream: None,
            may_stream: false,
            opens_session: false,
            is_notice: false,
            part_of: Some(part_of),
            modern,
            status: crate::gateway::exchange::finish::OK,
            started_at: self.now.mono,
        };
        self.exchanges.insert(Exchange::AwaitResponse(Box::new(sent)))
    }

    /// A member's `initialize` is answered.
    pub(super) fn member_answered(
        &mut self,
        member: Key<Session>,
        message: &Message,
        envelope: &Envelope,
    ) {
        let Some(session) = self.sessions.get(member) else { return };
        let SessionKind::Member(key) = session.kind else { return };
        let server = session.server;
        let handshake = envelope.result.and_then(|result| legacy::handshake(message, result));
        let Some(handshake) = handshake else {
            return self.member_refused(key, member, server, &error_text(message, envelope));
        };
        let Some(unified) = self.unified_mut(key) else { return };
        let greeted = unified.greeted;
        let Some(entry) = unified.member_mut(server) else { return };
        entry.state = MemberState::Open(member, Box::new(handshake));
        self.set_level_of_late(key, member);
        if greeted {
            self.listen_below(member);
            self.lists_changed(key, Changed::all());
        }
        self.greet_if_complete(key);
    }

    /// A member's `initialize` is refused, perhaps because its server speaks the other protocol:
    /// then its client waits until that is known, and for the member.
    fn member_refused(
        &mut self,
        key: Key<Session>,
        member: Key<Session>,
        server: ServerId,
        why: &str,
    ) {
        let begins_again = self.is_era_in_doubt(server) || self.is_modern_only(server);
        if !begins_again {
            self.member_away(key, server, why);
        } else if let Some(unified) = self.unified_mut(key)
            && let Some(entry) = unified.member_mut(server)
        {
            entry.state = MemberState::Doubtful;
        }
        self.end_session(member, "its backend did not open");
        if begins_again {
            self.open_member(key, server);
        }
    }

    /// A member has come after its client has said what it wants to be logged.
    fn set_level_of_late(&mut self, key: Key<Session>, member: Key<Session>) {
        let Some(level) = self.sessions.get(key).and_then(|session| session.log_level) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(member) else { return };
        session.log_level = Some(level);
        let (backend, server) = (session.backend, session.server);
        let logs = self.who_may_offer(key, "logging").contains(&server);
        if !logs || self.era_of(backend) == Era::Modern {
            return;
        }
        if let Some(one) = self.read_again(legacy::set_level_request(1, level.name())) {
            self.send_for(CallFor::Nobody, member, &one);
        }
    }

    /// It is known which protocol `server` speaks: opens the members that waited for that.
    pub(crate) fn open_doubtful_members(&mut self, server: ServerId) {
        let waits = |session: &Session| {
            let members = session.unified.as_ref().map(|unified| unified.members.as_slice());
            members.unwrap_or_default().iter().any(|member| {
                member.server == server && matches!(member.state, MemberState::Doubtful)
            })
        };
        let waiting = self.sessions.iter().filter(|(_, session)| waits(session));
        for key in waiting.map(|(key, _)| key).collect::<Vec<_>>() {
            self.open_member(key, server);
        }
    }

    /// A member is not there, or not any more.
    pub(super) fn member_away(&mut self, key: Key<Session>, server: ServerId, why: &str) {
        let is_known = self.servers[usize::from(server.0)].trouble.is_some();
        let Some(unified) = self.unified_mut(key) else { return };
        let greeted = unified.greeted;
        let Some(entry) = unified.member_mut(server) else { return };
        let was_open = matches!(entry.state, MemberState::Open(..));
        entry.state = MemberState::Away(why.into());
        // Otherwise it is opened again by whoever asks, and nothing has changed until then; a
        // server that dies of being listed would be listed for ever.
        if greeted && was_open && is_known {
            self.lists_changed(key, Changed::all());
        }
        self.greet_if_complete(key);
    }

    /// A session has been removed: its members end with it, or its unified session learns of it.
    pub(crate) fn end_members(&mut self, key: Key<Session>, session: &Session, why: &str) {
        if let SessionKind::Member(of) = session.kind {
            if let Some(unified) = self.sessions.get_mut(of) {
                unified.asked.retain(|asked| asked.behind.as_ref().is_none_or(|b| b.0 != key));
            }
            let is_awaited = self.unified_mut(of).is_some_and(|unified| {
                unified.members.iter().any(|member| member.session() == Some(key))
            });
            if is_awaited {
                self.member_away(of, session.server, why);
            }
        }
        let members = session.unified.iter().flat_map(|unified| &unified.members);
        for member in members.filter_map(Member::session).collect::<Vec<_>>() {
            self.end_session(member, why);
        }
    }

    /// A server that was down is up: sessions that miss it are told, and open it when they ask.
    pub(crate) fn server_came_back(&mut self, server: ServerId) {
        let misses = |session: &Session| {
            let members = session.unified.as_ref().map(|unified| unified.members.as_slice());
            session.kind == SessionKind::Handshake
                && members.unwrap_or_default().iter().any(|member| {
                    member.server == server && matches!(member.state, MemberState::Away(_))
                })
        };
        let missing = self.sessions.iter().filter(|(_, session)| misses(session));
        for key in missing.map(|(key, _)| key).collect::<Vec<_>>() {
            self.lists_changed(key, Changed::all());
        }
    }
}
