// SPDX-License-Identifier: MIT
//! Opening a unified session and its members: in parallel, and later those that were late or away.

use super::{Changed, Greeting, Member, MemberState, PartOf, Unified, uris::Uris};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::backend::{Backend, Carrier};
use crate::gateway::era::{Door, Modern};
use crate::gateway::exchange::hello::{client_facts, with_known_version};
use crate::gateway::exchange::modern::ModernFacts;
use crate::gateway::exchange::open::{HELLO_BYTES_MAX, Incoming};
use crate::gateway::exchange::{Admitted, Exchange, Sent};
use crate::gateway::fault::{BackendFaultKind, Fault, GatewayFault, backend};
use crate::gateway::io::{Level, PeerAddress};
use crate::gateway::session::{NewSession, Session, SessionKind};
use crate::gateway::snapshot::ServerId;
use crate::mcp::{Revision, catalogue, legacy};
use crate::policy::auth::Principal;
use crate::wire::Splice;
use crate::wire::json::{scan, write};
use crate::wire::jsonrpc::Envelope;

/// Stands where a backend would: it is in no table.
const NO_BACKEND: Key<Backend> = Key::from_parts(u32::MAX, u32::MAX);

/// Why a server cannot be asked yet.
const IN_DOUBT: &str = "it is not known yet which protocol it speaks";

/// What we are called where we answer for several servers.
pub(super) const NAME: &str = "penstock-unified";

impl Gateway {
    /// `initialize` for several servers: their sessions are opened in parallel.
    pub(crate) fn open_unified(&mut self, admitted: &Admitted, one: &Incoming) {
        let hello = legacy::hello(&one.message, one.envelope.params);
        let request = with_known_version(one, &hello);
        let kept = Some(request).filter(|hello| hello.len() <= HELLO_BYTES_MAX);
        let (view, principal) = (admitted.server, admitted.principal);
        let kind = SessionKind::Handshake;
        let key = self.new_unified(view, principal, hello.revision, kind, kept);
        self.note_new_session(admitted, key);
        let exchange = self.await_response(admitted, key, 1, None, true);
        let Some(unified) = self.unified_mut(key) else { return };
        let servers: Vec<_> = unified.members.iter().map(|member| member.server).collect();
        for server in servers {
            self.open_member(key, server);
        }
        let until = self.now.mono + self.limits().unified_open_after_max;
        self.alarms.set(Alarm::Unified, until);
        let id = one.envelope.id.map(|span| one.message.slice(span)).unwrap_or_default();
        if let Some(unified) = self.unified_mut(key) {
            // Only now: a server that has answered at once is not the last one.
            unified.greeting = Some(Greeting { exchange, id, until });
        }
        self.greet_if_complete(key);
    }

    pub(crate) fn new_unified(
        &mut self,
        view: ServerId,
        principal: Principal,
        revision: &'static Revision,
        kind: SessionKind,
        hello: Option<Splice>,
    ) -> Key<Session> {
        let parts = self.snapshot.view(view).map(|view| view.parts.as_slice()).unwrap_or_default();
        let member = |part: &crate::gateway::snapshot::ViewPart| Member {
            server: part.server,
            state: MemberState::Away("it was not opened".into()),
        };
        let unified = Unified {
            members: parts.iter().map(member).collect(),
            greeting: None,
            greeted: false,
            initialized: false,
            uris: Uris::default(),
            changed: Changed::default(),
            tell_at: None,
        };
        self.new_session(NewSession {
            server: view,
            principal,
            revision,
            backend: NO_BACKEND,
            kind,
            client: None,
            opened_by_gateway: false,
            hello,
            unified: Some(Box::new(unified)),
        })
    }

    pub(super) fn unified_mut(&mut self, key: Key<Session>) -> Option<&mut Unified> {
        self.sessions.get_mut(key)?.unified.as_deref_mut()
    }

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
    fn open_member(&mut self, key: Key<Session>, server: ServerId) {
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
        let (principal, hello) = (session.principal, session.hello.clone());
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
            let why = error_text(message, envelope);
            self.member_away(key, server, &why);
            self.end_session(member, "its backend did not open");
            if self.is_era_in_doubt(server) || self.is_modern_only(server) {
                // It refused because it speaks the other protocol, perhaps.
                self.open_member(key, server);
            }
            return;
        };
        let Some(unified) = self.unified_mut(key) else { return };
        let greeted = unified.greeted;
        let Some(entry) = unified.member_mut(server) else { return };
        entry.state = MemberState::Open(member, Box::new(handshake));
        if greeted {
            self.listen_below(member);
            self.lists_changed(key, Changed::all());
        }
        self.greet_if_complete(key);
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
            self.member_away(of, session.server, why);
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

    /// Answers `initialize` if all members have, one way or the other.
    pub(super) fn greet_if_complete(&mut self, key: Key<Session>) {
        let Some(unified) = self.unified_mut(key) else { return };
        let is_opening = |member: &Member| {
            matches!(member.state, MemberState::Opening(_) | MemberState::Doubtful)
        };
        if unified.greeting.is_some() && !unified.members.iter().any(is_opening) {
            self.greet_unified(key);
        }
    }

    /// Answers `initialize` with what the members have said so far.
    pub(super) fn greet_unified(&mut self, key: Key<Session>) {
        let Some(unified) = self.unified_mut(key) else { return };
        let Some(greeting) = unified.greeting.take() else { return };
        unified.greeted = true;
        let failures = self.failures_of(key);
        for (server, why) in &failures {
            let text = format!("left out of a unified session: {why}");
            let server = self.snapshot.find(server.as_bytes());
            self.note(Level::Warn, "backend", server, text);
        }
        let result = self.unified_result(key, &failures);
        let answer = legacy::response(&greeting.id, &result);
        self.deliver(greeting.exchange, answer.into());
    }

    /// The members that are missing, by name, and why.
    fn failures_of(&self, key: Key<Session>) -> Vec<(String, String)> {
        let Some(unified) = self.sessions.get(key).and_then(|s| s.unified.as_ref()) else {
            return Vec::new();
        };
        let failure = |member: &Member| {
            let why = match &member.state {
                MemberState::Away(why) => why.to_string(),
                MemberState::Doubtful => IN_DOUBT.to_owned(),
                MemberState::Opening(_) => "it has not answered initialize yet".to_owned(),
                MemberState::Open(..) => return None,
            };
            Some((self.server(member.server).name.to_string(), why))
        };
        unified.members.iter().filter_map(failure).collect()
    }

    fn unified_result(&self, key: Key<Session>, failures: &[(String, String)]) -> Vec<u8> {
        let session = self.sessions.get(key);
        let date = session.map(|session| session.revision.date).unwrap_or_default();
        let members = session.and_then(|session| session.unified.as_ref());
        let open: Vec<_> = members
            .iter()
            .flat_map(|unified| &unified.members)
            .filter_map(|member| match &member.state {
                MemberState::Open(_, handshake) => Some((member.server, &handshake.result)),
                _ => None,
            })
            .collect();
        let part = |text: &Message, name| {
            let whole = crate::base::Span::new(0, text.len());
            Some(text.slice(scan::member(text, whole, name)?))
        };
        let capabilities: Vec<Message> =
            open.iter().filter_map(|(_, text)| part(text, "capabilities")).collect();
        let mut all: Vec<&[u8]> = capabilities.iter().map(|text| &**text).collect();
        // What comes later could not be announced any more.
        all.push(if failures.is_empty() { JOINING } else { MISSING });
        let instructions = open.iter().filter_map(|(server, text)| {
            let text = part(text, "instructions")?;
            let whole = crate::base::Span::new(0, text.len());
            Some((&*self.server(*server).name, scan::string(&text, whole)?.into_owned()))
        });
        let instructions = catalogue::joined_instructions(instructions);
        let mut out = Vec::new();
        write::object(&mut out, |result| {
            result.str("protocolVersion", date);
            result.raw("capabilities", &catalogue::joined_capabilities(&all));
            result.object("serverInfo", |info| {
                info.str("name", NAME).str("version", &self.snapshot.version);
            });
            if !instructions.is_empty() {
                result.str("instructions", &instructions);
            }
            write_failures(result, failures, None);
        });
        out
    }
}

/// What an aggregate always has: its tools can change because servers come and go.
const JOINING: &[u8] = br#"{"tools":{"listChanged":true}}"#;
/// What servers that are missing may bring.
const MISSING: &[u8] = br#"{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true}}"#;

/// The member of `_meta` that names the servers that are missing.
const FAILURES: &str = "penstock/failures";

/// Names in `_meta` who is missing, if anybody is, and what else has to stand there.
pub(super) fn write_failures(
    result: &mut write::ObjectWriter<'_>,
    failures: &[(String, String)],
    more: Option<(&str, &[u8])>,
) {
    if failures.is_empty() && more.is_none() {
        return;
    }
    result.object("_meta", |meta| {
        if let Some((name, json)) = more {
            meta.raw(name, json);
        }
        if failures.is_empty() {
            return;
        }
        meta.object(FAILURES, |all| {
            for (server, why) in failures {
                all.str(server, why);
            }
        });
    });
}

/// What an error says, for people.
pub(super) fn error_text(message: &Message, envelope: &Envelope) -> String {
    let text = envelope
        .error
        .and_then(|error| scan::member(message, error, "message"))
        .and_then(|span| scan::string(message, span));
    text.map_or_else(|| "its answer is no answer".to_owned(), |text| text.into_owned())
}
