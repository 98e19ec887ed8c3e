// SPDX-License-Identifier: MIT
//! What the client of an attached session says: posted, or in a frame.

use super::Posted;
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::exchange::finish::ACCEPTED;
use crate::gateway::exchange::open::{Incoming, incoming};
use crate::gateway::exchange::{Exchange, with_cors};
use crate::gateway::fault::{ClientFault, Fault};
use crate::gateway::io::{Output, Peer};
use crate::mcp::legacy;
use crate::mcp::method::Method;
use crate::wire::http1::{Content, ResponseHead};
use crate::wire::jsonrpc::{self, Kind, Parsed, RpcError};

const FIRST: &str = "Bad Request: initialize must be the first message of a session";

impl Gateway {
    /// A message was posted.
    pub(in crate::gateway) fn take_posted(&mut self, posted: &Posted, body: Message) {
        if let Err((id, fault)) = self.accept_posted(posted, body) {
            self.refuse(posted.peer, posted.origin.as_ref(), id.as_deref(), &fault);
        }
    }

    /// What is a message is taken, whatever becomes of it: the answer leaves on the stream.
    fn accept_posted(
        &mut self,
        posted: &Posted,
        body: Message,
    ) -> Result<(), (Option<Message>, Fault)> {
        if !self.exchanges.contains(posted.attached) {
            return Err((None, ClientFault::UnknownSession.into()));
        }
        if body.is_empty() {
            return Err((None, ClientFault::EmptyBody.into()));
        }
        let parsed = jsonrpc::parse(&body, self.limits()).map_err(|error| {
            let id = match &error {
                RpcError::NotRpc { id: Some(span), .. } => Some(body.slice(*span)),
                _ => None,
            };
            (id, ClientFault::Message(error).into())
        })?;
        let head = ResponseHead::new(ACCEPTED, Content::None);
        let head = with_cors(head, posted.origin.as_ref());
        let (peer, body_out) = (posted.peer, Message::default().into());
        self.push(Output::Respond { peer, head, body: body_out, close: false });
        self.take_attached(posted.attached, body, parsed);
        Ok(())
    }

    /// A message has come in a frame. What is none is told so, and the connection goes on.
    pub(in crate::gateway) fn frame(&mut self, peer: Key<Peer>, message: Message) {
        let Some(key) = self.peers.get(peer) else { return };
        let (error, id) = match jsonrpc::parse(&message, self.limits()) {
            Ok(parsed @ Parsed::Single(_)) => return self.take_attached(key, message, parsed),
            Ok(Parsed::Batch(_)) => {
                (RpcError::NotRpc { reason: "a frame holds one message", id: None }, None)
            }
            Err(error) => {
                let id = match &error {
                    RpcError::NotRpc { id: Some(span), .. } => Some(message.slice(*span)),
                    _ => None,
                };
                (error, id)
            }
        };
        let fault = Fault::from(ClientFault::Message(error));
        self.say(key, fault.message(id.as_deref()).into());
    }

    /// A message of the client of an attached session.
    fn take_attached(&mut self, key: Key<Exchange>, body: Message, parsed: Parsed) {
        match parsed {
            Parsed::Single(envelope) => {
                let id = envelope.id.map(|span| body.slice(span));
                let is_asking = envelope.kind == Kind::Request;
                match self.route_attached(key, incoming(body, envelope)) {
                    Err(fault) if is_asking => self.say(key, fault.message(id.as_deref()).into()),
                    Err(fault) => self.debug("gateway:refuse", || fault.text()),
                    Ok(()) => {}
                }
            }
            Parsed::Batch(spans) => {
                if let Err(fault) = self.route_attached_batch(key, &body, &spans) {
                    self.say(key, fault.message(None).into());
                }
            }
        }
    }

    fn route_attached(&mut self, key: Key<Exchange>, one: Incoming) -> Result<(), Fault> {
        let (admitted, session) = self.admitted_of(key).ok_or(ClientFault::UnknownSession)?;
        // While we drain, clients may still answer what running calls have asked.
        if one.envelope.kind != Kind::Response && one.method != Method::Cancelled {
            self.refuse_if_draining()?;
        }
        let opens = one.method == Method::Initialize && one.envelope.kind == Kind::Request;
        match session {
            Some(_) if opens => Err(ClientFault::MisplacedInitialize.into()),
            Some(session) => {
                let method = one.method;
                self.begin_one(&admitted, session, one)?;
                if method == Method::Initialized {
                    self.is_initialized(session);
                }
                Ok(())
            }
            None if opens && self.waits_for_era(admitted.peer) => {
                Err(ClientFault::MisplacedInitialize.into())
            }
            None if opens => {
                self.check_room_to_attach()?;
                self.open_session(&admitted, one)
            }
            None if one.method == Method::Ping && one.envelope.kind == Kind::Request => {
                self.say(key, legacy::empty_response(one.id().unwrap_or(b"null")).into());
                Ok(())
            }
            None => Err(ClientFault::NoSession(FIRST).into()),
        }
    }

    fn route_attached_batch(
        &mut self,
        key: Key<Exchange>,
        body: &Message,
        spans: &[crate::base::Span],
    ) -> Result<(), Fault> {
        self.refuse_if_draining()?;
        let (admitted, session) = self.admitted_of(key).ok_or(ClientFault::UnknownSession)?;
        let session = session.ok_or(ClientFault::NoSession(FIRST))?;
        self.route_batch_of(&admitted, session, body, spans)
    }
}
