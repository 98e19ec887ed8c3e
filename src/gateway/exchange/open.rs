// SPDX-License-Identifier: MIT
//! From a body to messages at the backend: decode, attach to a session, route.

use super::hello::{client_facts, with_known_version};
use super::modern::is_modern;
use super::{Admitted, Exchange, Sent, Version};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::backend::Backend;
use crate::gateway::fault::modern::ModernFault;
use crate::gateway::fault::{BackendFaultKind, ClientFault, Fault, GatewayFault, backend};
use crate::gateway::io::Peer;
use crate::gateway::judge::Judging;
use crate::gateway::session::{NewSession, Session, SessionKind};
use crate::gateway::snapshot::{ResponseMode, ServerId};
use crate::mcp::legacy::{self, Hello};
use crate::mcp::method::Method;
use crate::mcp::revision;
use crate::policy::auth::Principal;
use crate::wire::Splice;
use crate::wire::jsonrpc::{self, Envelope, Kind, Parsed, RpcError};

/// A longer `initialize` is not kept; if its backend loses the session, the gateway opens another
/// one in its own name.
pub(crate) const HELLO_BYTES_MAX: usize = 16 * 1024;

/// One message of a client, read.
pub(crate) struct Incoming {
    pub message: Message,
    pub envelope: Envelope,
    pub method: Method,
    /// The judgement that let it pass.
    pub watched: Option<Key<Judging>>,
}

impl Incoming {
    pub fn id(&self) -> Option<&[u8]> {
        self.envelope.id.map(|span| span.of(&self.message))
    }
}

impl Gateway {
    /// A body has arrived.
    pub(crate) fn open(&mut self, peer: Key<Peer>, body: Message) {
        let Some(key) = self.peers.clear(peer) else { return };
        let admitted = match self.exchanges.remove(key) {
            Some(Exchange::AwaitBody(admitted)) => admitted,
            Some(Exchange::AwaitPosted(posted)) => return self.take_posted(&posted, body),
            _ => return,
        };
        self.open_admitted(&admitted, body);
    }

    /// Routes a body whose head was let in, or refuses it.
    pub(crate) fn open_admitted(&mut self, admitted: &Admitted, body: Message) {
        let mut id = None;
        if let Err(fault) = self.route(admitted, body, &mut id) {
            self.refuse(admitted.peer, admitted.origin.as_ref(), id.as_deref(), &fault);
        }
    }

    fn route(
        &mut self,
        admitted: &Admitted,
        body: Message,
        id: &mut Option<Message>,
    ) -> Result<(), Fault> {
        if body.is_empty() {
            return Err(ClientFault::EmptyBody.into());
        }
        let parsed = jsonrpc::parse(&body, self.limits()).map_err(|error| {
            if let RpcError::NotRpc { id: Some(span), .. } = &error {
                *id = Some(body.slice(*span));
            }
            ClientFault::Message(error)
        })?;
        match parsed {
            Parsed::Single(envelope) => {
                *id = envelope.id.map(|span| body.slice(span));
                let incoming = incoming(body, envelope);
                self.route_one(admitted, incoming)
            }
            Parsed::Batch(_) if admitted.version == Version::Modern => {
                Err(ModernFault::Batch.into())
            }
            Parsed::Batch(spans) => {
                check_version(admitted)?;
                self.route_batch(admitted, &body, &spans)
            }
        }
    }

    fn route_one(&mut self, admitted: &Admitted, incoming: Incoming) -> Result<(), Fault> {
        if is_modern(admitted, &incoming) {
            return self.route_modern(admitted, incoming);
        }
        check_version(admitted)?;
        let is_answer = incoming.envelope.kind == Kind::Response;
        // While we drain, clients may still answer what running calls have asked.
        if !is_answer && incoming.method != Method::Cancelled {
            self.refuse_if_draining()?;
        }
        if incoming.method == Method::Initialize && incoming.envelope.kind == Kind::Request {
            return self.open_session(admitted, incoming);
        }
        if admitted.session_id.is_none() && self.is_era_in_doubt(admitted.server) {
            self.wait_for_era(admitted, incoming);
            return Ok(());
        }
        if self.shard.has_others() && self.is_moved_by_body(admitted, &incoming, None) {
            return Ok(());
        }
        let session = self.attach(admitted, incoming.envelope.kind)?;
        self.begin_when_known(admitted, session, incoming)
    }

    /// Sends one message within a session that is open.
    pub(in crate::gateway) fn begin_one(
        &mut self,
        admitted: &Admitted,
        session: Key<Session>,
        incoming: Incoming,
    ) -> Result<(), Fault> {
        let own = self.under_own_name(admitted.server, admitted.principal, &incoming);
        let one = own.unwrap_or(incoming);
        self.check_tool(admitted.server, &one)?;
        self.begin(admitted, session, std::slice::from_ref(&one), None)
    }

    /// The session that a message belongs to.
    pub(super) fn attach(
        &mut self,
        admitted: &Admitted,
        kind: Kind,
    ) -> Result<Key<Session>, Fault> {
        match &admitted.session_id {
            Some(id) => {
                if !admitted.accepts_events {
                    return Err(ClientFault::Accept(super::admit::ACCEPT_BOTH).into());
                }
                self.find_session(id, admitted.server, admitted.principal)
            }
            None if kind == Kind::Request => {
                self.one_shot_session_of(admitted.server, admitted.principal)
            }
            None => {
                Err(ClientFault::NoSession("Bad Request: Mcp-Session-Id header is required").into())
            }
        }
    }

    /// The session that serves calls without a handshake: one per identity and server.
    pub(crate) fn one_shot_session_of(
        &mut self,
        server: ServerId,
        principal: Principal,
    ) -> Result<Key<Session>, Fault> {
        if let Some(key) = self.sessions.one_shot(server, principal) {
            if let Some(session) = self.sessions.get_mut(key) {
                session.used_at = self.now.mono;
            }
            return Ok(key);
        }
        self.make_room_for_session()?;
        if self.snapshot.view(server).is_some() {
            let kind = SessionKind::OneShot;
            return Ok(self.new_unified(server, principal, revision::newest(), kind, None));
        }
        let backend = match self.claimable(server) {
            _ if self.is_modern_only(server) => self.modern_backend(server)?,
            Some(key) => key,
            None => self.start_backend_ourselves(server)?,
        };
        Ok(self.new_session(NewSession {
            server,
            principal,
            revision: revision::newest(),
            backend,
            kind: SessionKind::OneShot,
            client: None,
            opened_by_gateway: true,
            hello: None,
            unified: None,
        }))
    }

    /// `initialize`: a new session with a backend of its own, or the one that is there for it.
    pub(in crate::gateway) fn open_session(
        &mut self,
        admitted: &Admitted,
        incoming: Incoming,
    ) -> Result<(), Fault> {
        // A client that begins anew may still carry the id of a session that is gone.
        if let Some(id) = &admitted.session_id
            && self.find_session(id, admitted.server, admitted.principal).is_ok()
        {
            return Err(ClientFault::MisplacedInitialize.into());
        }
        if !(admitted.accepts_events && admitted.is_json) {
            return Err(if admitted.is_json {
                ClientFault::Accept(super::admit::ACCEPT_BOTH).into()
            } else {
                ClientFault::ContentType.into()
            });
        }
        let server = admitted.server;
        if self.snapshot.view(server).is_some() {
            self.make_room_for_session()?;
            self.open_unified(admitted, &incoming);
            return Ok(());
        }
        if self.is_era_in_doubt(server) {
            self.wait_for_era(admitted, incoming);
            return Ok(());
        }
        self.make_room_for_session()?;
        let hello = legacy::hello(&incoming.message, incoming.envelope.params);
        let is_modern = self.is_modern_only(server);
        let ready = match is_modern {
            true => Some(self.modern_backend(server)?),
            // Who carries secrets does not say who it is.
            false if !self.may_speak_to(server, admitted.principal) => {
                Some(match self.claimable(server) {
                    Some(backend) => backend,
                    None => self.start_backend_ourselves(server)?,
                })
            }
            false => self.ready_backend(server, &hello),
        };
        let opened_by_gateway = ready.is_some();
        let backend = match ready {
            Some(key) => key,
            None => self.start_backend(server)?,
        };
        let request = with_known_version(&incoming, &hello);
        let session = self.new_session(NewSession {
            server,
            principal: admitted.principal,
            revision: hello.revision,
            backend,
            kind: SessionKind::Handshake,
            client: is_modern.then(|| Box::new(client_facts(&incoming))),
            opened_by_gateway,
            hello: Some(request.clone())
                .filter(|hello| hello.len() <= HELLO_BYTES_MAX)
                .filter(|_| self.may_speak_to(server, admitted.principal)),
            unified: None,
        });
        self.note_new_session(admitted, session);
        if opened_by_gateway {
            self.greet(admitted, session, incoming);
            return Ok(());
        }
        self.begin_handshake(admitted, session, incoming, request);
        Ok(())
    }

    /// Answers `initialize` from what the backend has already said, now or when it has.
    fn greet(&mut self, admitted: &Admitted, session: Key<Session>, incoming: Incoming) {
        let exchange = self.await_response(admitted, session, 1, None, true);
        self.call_for_greeting(exchange, session, &incoming);
    }

    /// Sends messages to the session's backend, and begins to wait for their answers. `answers` are
    /// those that a batch has already; `None` for a single message.
    pub(super) fn begin(
        &mut self,
        admitted: &Admitted,
        session: Key<Session>,
        all: &[Incoming],
        answers: Option<Vec<Message>>,
    ) -> Result<(), Fault> {
        let n_requests = all.iter().filter(|one| one.envelope.kind == Kind::Request).count();
        self.check_room(session, n_requests)?;
        let is_answered = answers.as_ref().is_some_and(|answers| !answers.is_empty());
        let key = self.await_response(admitted, session, n_requests, answers, false);
        let mut waits_below = false;
        for one in all {
            match one.envelope.kind {
                Kind::Request => self.send_request(key, session, one),
                Kind::Notification => waits_below |= self.send_notification(key, session, one),
                Kind::Response => waits_below |= self.send_answer(key, session, one),
            }
        }
        if n_requests == 0 && is_answered {
            self.finish_batch(key);
        } else if n_requests == 0 && !waits_below {
            self.accept_notice(key);
        }
        Ok(())
    }

    pub(super) fn check_room(&self, session: Key<Session>, n_requests: usize) -> Result<(), Fault> {
        let Some(session) = self.sessions.get(session) else {
            return Err(ClientFault::UnknownSession.into());
        };
        if n_requests > 0 && session.n_exchanges >= self.limits().exchanges_per_session_max {
            return Err(ClientFault::Busy.into());
        }
        if self.exchanges.len() >= self.limits().exchanges_max {
            return Err(GatewayFault::Full("requests").into());
        }
        if session.unified.is_some() {
            return Ok(());
        }
        let Some(at) = self.backends.get(session.backend) else {
            return Err(ClientFault::UnknownSession.into());
        };
        if at.full {
            let detail = "more waits for it than is kept";
            return Err(backend(&self.snapshot, at.server, BackendFaultKind::Full, detail));
        }
        Ok(())
    }

    pub(crate) fn await_response(
        &mut self,
        admitted: &Admitted,
        session: Key<Session>,
        waiting: usize,
        batch: Option<Vec<Message>>,
        opens_session: bool,
    ) -> Key<Exchange> {
        let one_shot = self.sessions.get(session).is_some_and(|s| s.kind == SessionKind::OneShot);
        let events = if one_shot { admitted.names_events } else { admitted.accepts_events };
        let mode = self.mode(admitted.server, admitted.principal);
        let stream = self.stream_of_attached(admitted.peer, session);
        let sent = Sent {
            peer: Some(admitted.peer).filter(|_| stream.is_none()),
            session,
            from: admitted.from,
            origin: admitted.origin.clone(),
            waiting,
            is_notice: waiting == 0 && batch.as_ref().is_none_or(Vec::is_empty),
            batch,
            stream,
            may_stream: events && mode != ResponseMode::Json,
            opens_session,
            part_of: None,
            modern: None,
            status: super::finish::OK,
            started_at: self.now.mono,
        };
        let key = self.exchanges.insert(Exchange::AwaitResponse(Box::new(sent)));
        if stream.is_none() {
            self.peers.set(admitted.peer, key);
        }
        if let Some(session) = self.sessions.get_mut(session) {
            session.n_exchanges += 1;
        }
        if events {
            let at = self.now.mono + self.limits().comment_after;
            self.alarms.set(Alarm::Comments, at);
        }
        key
    }

    /// Forwards the client's own `initialize` to a backend that nobody has opened yet.
    fn begin_handshake(
        &mut self,
        admitted: &Admitted,
        session: Key<Session>,
        incoming: Incoming,
        request: Splice,
    ) {
        let key = self.await_response(admitted, session, 1, None, true);
        self.send_handshake(key, session, &incoming, request);
    }

    /// The backend that the gateway has opened itself and that this client may have: the shared
    /// one, or the first one, if the gateway has asked it what this client asks.
    pub(crate) fn ready_backend(
        &mut self,
        server: ServerId,
        hello: &Hello,
    ) -> Option<Key<Backend>> {
        let same_question =
            hello.known && hello.revision == revision::newest() && !hello.has_capabilities;
        let key = self.claimable(server)?;
        (same_question || self.server(server).shared).then_some(key)
    }
}

/// A version that nobody knows is refused once the body has not claimed a modern one.
fn check_version(admitted: &Admitted) -> Result<(), Fault> {
    match admitted.version {
        Version::Legacy => Ok(()),
        Version::Modern | Version::Unknown => Err(ClientFault::Revision.into()),
    }
}

pub(crate) fn incoming(message: Message, envelope: Envelope) -> Incoming {
    let method = envelope.method.map_or(Method::Other, |span| Method::spelled(&message, span));
    Incoming { message, envelope, method, watched: None }
}
