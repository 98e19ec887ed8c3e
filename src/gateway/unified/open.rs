// SPDX-License-Identifier: MIT
//! Opening a unified session, and what its client is told of all servers in one greeting.

use super::member::IN_DOUBT;
use super::{Changed, Greeting, Member, MemberState, Unified, uris::Uris};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::backend::Backend;
use crate::gateway::exchange::Admitted;
use crate::gateway::exchange::hello::{client_facts, with_known_version};
use crate::gateway::exchange::open::{HELLO_BYTES_MAX, Incoming};
use crate::gateway::io::Level;
use crate::gateway::session::{NewSession, Session, SessionKind};
use crate::gateway::snapshot::ServerId;
use crate::mcp::{Revision, catalogue, legacy};
use crate::policy::auth::Principal;
use crate::wire::Splice;
use crate::wire::json::{scan, write};
use crate::wire::jsonrpc::Envelope;

/// Stands where a backend would: it is in no table.
const NO_BACKEND: Key<Backend> = Key::from_parts(u32::MAX, u32::MAX);

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
        if let Some(session) = self.sessions.get_mut(key) {
            session.client = Some(Box::new(client_facts(one)));
        }
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
