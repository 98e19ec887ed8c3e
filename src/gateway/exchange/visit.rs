// SPDX-License-Identifier: MIT
//! Addresses that a legacy server wants its client to visit before it serves a call.
//!
//! It says so with an error, and the call is over. A modern client is asked instead, and comes back
//! with the same call; nothing waits meanwhile, for all that matters is in the sealed state.
//!
//! Spec: MCP 2025-11-25, client/elicitation, "URL Elicitation Required Error".

use super::finish::OK;
use super::modern::ModernFacts;
use super::open::Incoming;
use super::resume::Way;
use super::{Admitted, with_cors};
use crate::base::{Message, Span};
use crate::gateway::Gateway;
use crate::gateway::call::{Call, CallFor};
use crate::gateway::fault::Fault;
use crate::gateway::fault::modern::ModernFault;
use crate::gateway::io::Output;
use crate::mcp::input_round::{self, Retry};
use crate::mcp::method::Method;
use crate::mcp::{Era, input_request};
use crate::wire::http1::{Content, ResponseHead};
use crate::wire::json::scan;
use crate::wire::jsonrpc::Envelope;

/// The park of a state whose call is not parked but will be made once more.
pub(super) const NOT_PARKED: u64 = u64::MAX;

impl Gateway {
    /// Whether a legacy server wants its client to visit an address first. Then the client is
    /// asked, and makes the same call once more.
    pub(super) fn is_sent_elsewhere(
        &mut self,
        call: &Call,
        message: &Message,
        envelope: &Envelope,
    ) -> bool {
        let (Some(error), CallFor::Exchange(exchange)) = (envelope.error, &call.whom) else {
            return false;
        };
        let exchange = *exchange;
        let Some(asked) = input_request::url_elicitations(message, error) else { return false };
        let Some(ModernFacts { can, digest, .. }) = self.facts_of(exchange) else { return false };
        let (can, digest) = (*can, *digest);
        if !call.method.may_ask_for_input() || self.era_of(call.backend) == Era::Modern {
            return false;
        }
        let principal = self.session_of(exchange).and_then(|key| self.sessions.get(key));
        let principal = principal.map(|session| session.principal);
        let (Some(digest), Some(principal), true) = (digest, principal, can.elicitation_url) else {
            let needs = Fault::from(ModernFault::Capability(r#"{"elicitation":{"url":{}}}"#));
            self.deliver_fault(exchange, &call.id, &needs);
            return true;
        };
        let state = self.seal_state(NOT_PARKED, 1, principal, digest);
        let info = self.server_info(call.backend);
        let message = input_request::input_required(&call.id, &asked, &state, info.as_deref());
        self.deliver(exchange, message.into());
        true
    }

    /// The client comes back from the addresses that it was to visit: the call is made once more.
    pub(super) fn resume_visit(
        &mut self,
        admitted: &Admitted,
        one: &Incoming,
        retry: &Retry,
    ) -> Way {
        let action = |at: Span| {
            let action = scan::member(&one.message, at, "action")?;
            scan::string(&one.message, action)
        };
        let agreed = |at: Span| action(at).is_some_and(|action| action == "accept");
        if retry.responses.iter().all(|(_, at)| agreed(*at)) {
            return Way::On;
        }
        let why = "the server wants an address to be visited first, and that was declined";
        let id = one.id().unwrap_or(b"null");
        let answer = input_round::failed(one.method == Method::ToolsCall, id, why, true);
        let head = with_cors(ResponseHead::new(OK, Content::Json), admitted.origin.as_ref());
        let (peer, body) = (admitted.peer, answer.into());
        self.push(Output::Respond { peer, head, body, close: false });
        Way::Done
    }
}
