// SPDX-License-Identifier: MIT
//! Batches: an array of messages in one body, for the revisions that have them.
//!
//! Spec: JSON-RPC 2.0 §6; MCP 2025-03-26, basic/transports, "Sending Messages to the Server".

use super::Admitted;
use super::open::{Incoming, incoming};
use crate::base::{Key, Message, Span};
use crate::gateway::Gateway;
use crate::gateway::fault::{ClientFault, Fault};
use crate::gateway::session::Session;
use crate::mcp::method::Method;
use crate::mcp::revision;
use crate::wire::jsonrpc::{self, Kind, Parsed, RpcError};

/// The members of a batch, read.
struct Members {
    /// What goes to the backend.
    good: Vec<Incoming>,
    /// The errors of the others.
    answers: Vec<Message>,
    /// Why the first member that is no message is none.
    broken: Option<RpcError>,
}

impl Gateway {
    /// A batch. Members that are no messages get errors of their own, unless all are: then there is
    /// nothing to answer but the body.
    pub(super) fn route_batch(
        &mut self,
        admitted: &Admitted,
        body: &Message,
        spans: &[Span],
    ) -> Result<(), Fault> {
        self.refuse_if_draining()?;
        let session = self.attach(admitted, Kind::Request)?;
        self.route_batch_of(admitted, session, body, spans)
    }

    /// The same for a session that is known.
    pub(in crate::gateway) fn route_batch_of(
        &mut self,
        admitted: &Admitted,
        session: Key<Session>,
        body: &Message,
        spans: &[Span],
    ) -> Result<(), Fault> {
        let revision = self.sessions.get(session).map_or(revision::newest(), |s| s.revision);
        if !revision.batching {
            return Err(ClientFault::Batch(revision.date).into());
        }
        let members = self.read_members(admitted, body, spans);
        if members.good.iter().any(|one| one.method == Method::Initialize) {
            return Err(ClientFault::MisplacedInitialize.into());
        }
        if let Some(error) = members.broken
            && members.good.is_empty()
        {
            return Err(ClientFault::Message(error).into());
        }
        let answers = self.said_if_attached(session, members.answers);
        self.begin(admitted, session, &members.good, Some(answers))
    }

    fn read_members(&self, admitted: &Admitted, body: &Message, spans: &[Span]) -> Members {
        let good = Vec::with_capacity(spans.len());
        let mut members = Members { good, answers: Vec::new(), broken: None };
        for span in spans {
            let message = body.slice(*span);
            let error = match jsonrpc::parse(&message, self.limits()) {
                Ok(Parsed::Single(envelope)) => {
                    let one = incoming(message, envelope);
                    let own = self.under_own_name(admitted.server, admitted.principal, &one);
                    let one = own.unwrap_or(one);
                    match self.check_tool(admitted.server, &one) {
                        Ok(()) => members.good.push(one),
                        Err(fault) => members.answers.extend(answer_to(&one, &fault)),
                    }
                    continue;
                }
                Ok(Parsed::Batch(_)) => {
                    RpcError::NotRpc { reason: "a batch within a batch", id: None }
                }
                Err(error) => error,
            };
            let id = match error {
                RpcError::NotRpc { id: Some(span), .. } => Some(message.slice(span)),
                _ => None,
            };
            members.answers.push(Fault::from(ClientFault::Message(error)).message(id.as_deref()));
            members.broken.get_or_insert(error);
        }
        members
    }
}

/// The error for a request; nobody waits for more than silence after a notification.
fn answer_to(one: &Incoming, fault: &Fault) -> Option<Message> {
    one.id().map(|id| fault.message(Some(id)))
}
