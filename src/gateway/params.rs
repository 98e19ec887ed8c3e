// SPDX-License-Identifier: MIT
//! Arguments that tools want mirrored in header fields: remembered from the lists that pass,
//! compared where the gateway executes, written where it is the client.
//!
//! | client \ server | child | HTTP |
//! |---|---|---|
//! | modern | compared here | passed on; its server compares |
//! | legacy | – | written here; if they are refused, after a new list once more |
//!
//! Fields are between a client and the one that executes: a legacy server never sees them, so for
//! its modern clients they are compared here as well.
//!
//! Spec: MCP 2026-07-28, basic/transports/streamable-http, "Custom Headers from Tool Parameters".

use std::collections::BTreeMap;

use super::Gateway;
use super::backend::{Backend, Carrier, Link};
use super::call::{Call, CallFor};
use super::era::Door;
use super::exchange::cell::mirror_fields;
use super::exchange::open::Incoming;
use super::exchange::{Admitted, Exchange};
use super::fault::Fault;
use super::fault::modern::ModernFault;
use super::snapshot::ServerId;
use crate::base::{Key, Message, Span};
use crate::mcp::method::Method;
use crate::mcp::mirror::params::{self, ParamRule};
use crate::mcp::mirror::{Fields, Mirror};
use crate::mcp::{Code, Era, error};
use crate::policy::auth::Principal;
use crate::wire::json::scan;
use crate::wire::jsonrpc::Envelope;

/// Tools of one server whose mirrored arguments are remembered; of others nothing is known, and
/// their fields are neither compared nor written.
const TOOLS_MAX: usize = 1024;

/// What is known of the mirrored arguments of one server's tools.
#[derive(Debug, Default)]
pub struct KnownParams {
    /// By the tool's own name; tools without any are not here.
    rules: BTreeMap<Box<str>, Vec<ParamRule>>,
    /// Calls whose fields were refused, with the refusal: they wait for a new list.
    refused: Vec<(Key<Call>, Message)>,
}

impl KnownParams {
    /// Learns from the tools in an array what their schemas say now. Tools that are not in it stay
    /// as they were: it may be one page of many.
    fn learn(&mut self, text: &[u8], tools: Span) {
        for tool in scan::elements(text, tools) {
            let member = |name| scan::member(text, tool, name);
            let Some(name) = member("name").and_then(|span| scan::string(text, span)) else {
                continue;
            };
            let rules = member("inputSchema").map(|schema| params::rules(text, schema));
            match rules.and_then(Result::ok).filter(|rules| !rules.is_empty()) {
                Some(rules) if self.rules.len() < TOOLS_MAX || self.rules.contains_key(&*name) => {
                    self.rules.insert(name.into(), rules);
                }
                _ => {
                    self.rules.remove(&*name);
                }
            }
        }
    }
}

impl Gateway {
    /// Remembers what a list of tools says of mirrored arguments.
    pub(crate) fn note_params(&mut self, call: &Call, message: &Message, envelope: &Envelope) {
        let (Method::ToolsList, Some(result)) = (call.method, envelope.result) else { return };
        let Some(server) = self.backends.get(call.backend).map(|backend| backend.server) else {
            return;
        };
        let known = &mut self.servers[usize::from(server.0)].params;
        if known.rules.is_empty() && !params::are_mentioned(result.of(message)) {
            return;
        }
        if let Some(tools) = scan::member(message, result, "tools") {
            known.learn(message, tools);
        }
    }

    /// The rules of the tool that `one` calls, under the name that its server knows.
    fn rules_of(&self, server: ServerId, one: &Incoming) -> &[ParamRule] {
        let known = &self.servers[usize::from(server.0)].params;
        if known.rules.is_empty() || one.method != Method::ToolsCall {
            return &[];
        }
        let name = one.envelope.name.and_then(|span| scan::string(&one.message, span));
        name.and_then(|name| known.rules.get(&*name)).map_or(&[], Vec::as_slice)
    }

    /// Whether the fields of a modern client say what its arguments say, if they end here.
    pub(crate) fn check_params(
        &self,
        admitted: &Admitted,
        door: Door,
        one: &Incoming,
    ) -> Result<(), Fault> {
        let ends_here = match door {
            Door::Legacy => true,
            Door::Modern(backend) => !self.compares_itself(backend),
            Door::Wait => false,
        };
        if !ends_here || !self.can_mirror(admitted.server, admitted.principal) {
            return Ok(());
        }
        self.compare(admitted.server, admitted.mirror(), one)
    }

    fn compare(&self, server: ServerId, mirror: &Mirror, one: &Incoming) -> Result<(), Fault> {
        let rules = self.rules_of(server, one);
        let checked = params::check(rules, mirror, &one.message, arguments(one));
        checked.map_err(|error| ModernFault::Mirror(error).into())
    }

    /// Whether the server behind a modern backend reads header fields.
    pub(crate) fn compares_itself(&self, key: Key<Backend>) -> bool {
        let is = |one: &Backend| one.era == Era::Modern && matches!(one.link, Link::Http(_));
        self.backends.get(key).is_some_and(is)
    }

    /// Whether this caller has seen which arguments are to be mirrored: its schemas may lack that.
    fn can_mirror(&self, server: ServerId, principal: Principal) -> bool {
        self.care(server, principal).keeps(params::ANNOTATION)
    }

    /// The `Mcp-Param-*` fields of a request to a modern HTTP server: the client's own, or ours.
    pub(crate) fn params_below(
        &self,
        server: ServerId,
        exchange: Key<Exchange>,
        one: &Incoming,
    ) -> Fields {
        if let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(exchange)
            && let Some(facts) = &sent.modern
            && let Some(session) = self.sessions.get(sent.session)
            && self.can_mirror(server, session.principal)
        {
            return facts.params.clone();
        }
        params::build(self.rules_of(server, one), &one.message, arguments(one))
    }

    /// A server refuses fields that were written here: its schemas have changed, so they are
    /// listed, and the call is sent once more. `false`: the answer is for the client.
    pub(crate) fn lists_again(
        &mut self,
        key: Key<Call>,
        message: &Message,
        envelope: &Envelope,
    ) -> bool {
        if !self.may_list_again(key, message, envelope) {
            return false;
        }
        let Some(call) = self.calls.get_mut(key) else { return false };
        call.resent = true;
        call.http_status = None;
        let (backend, fetch) = (call.backend, call.fetch.take());
        if let Some(fetch) = fetch {
            self.ends_soon(fetch);
        }
        let Some(server) = self.backends.get(backend).map(|backend| backend.server) else {
            return false;
        };
        let refused = &mut self.servers[usize::from(server.0)].params.refused;
        refused.retain(|(key, _)| self.calls.contains(*key));
        let is_asked = refused
            .iter()
            .any(|(key, _)| self.calls.get(*key).is_some_and(|other| other.backend == backend));
        refused.push((key, message.clone()));
        if !is_asked {
            self.list_tools(backend, Vec::new(), None);
        }
        true
    }

    fn may_list_again(&self, key: Key<Call>, message: &[u8], envelope: &Envelope) -> bool {
        let code = envelope.error.and_then(|error| error::code_of(message, error));
        if code != Some(Code::HEADER_MISMATCH.0.into()) {
            return false;
        }
        let Some(call) = self.calls.get(key) else { return false };
        let CallFor::Exchange(exchange) = call.whom else { return false };
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(exchange) else {
            return false;
        };
        let Some(session) = self.sessions.get(sent.session) else { return false };
        let is_ours = !sent.is_modern() || !self.can_mirror(session.server, session.principal);
        let is_new = !call.resent && !call.cancelled && !call.request.is_empty();
        is_ours && is_new && call.method == Method::ToolsCall && self.compares_itself(call.backend)
    }

    /// The tools of `backend` are listed: what was refused is sent once more.
    pub(crate) fn params_are_listed(&mut self, backend: Key<Backend>) {
        for (key, _) in self.take_refused(backend) {
            let Some(call) = self.calls.get(key).filter(|call| !call.cancelled) else { continue };
            let request = call.request.clone();
            if let Some(one) = self.read_again(request.to_message())
                && let Some(server) = self.backends.get(backend).map(|backend| backend.server)
            {
                let mut fields = mirror_fields(&one);
                let rules = self.rules_of(server, &one);
                fields.extend(params::build(rules, &one.message, arguments(&one)));
                if let Some(call) = self.calls.get_mut(key) {
                    call.fields = fields.into();
                }
            }
            self.transmit(backend, request, Carrier::Call(key));
        }
    }

    /// They could not be listed: the refusals are the answers.
    pub(crate) fn params_are_unknown(&mut self, backend: Key<Backend>) {
        for (key, refusal) in self.take_refused(backend) {
            if self.calls.get(key).is_some_and(|call| !call.cancelled) {
                self.receive(backend, refusal, Some(key));
            }
        }
    }

    fn take_refused(&mut self, backend: Key<Backend>) -> Vec<(Key<Call>, Message)> {
        let Some(server) = self.backends.get(backend).map(|backend| backend.server) else {
            return Vec::new();
        };
        let (servers, calls) = (&mut self.servers, &self.calls);
        let refused = &mut servers[usize::from(server.0)].params.refused;
        let is_its = |key: Key<Call>| calls.get(key).is_some_and(|call| call.backend == backend);
        refused.extract_if(.., |(key, _)| is_its(*key)).collect()
    }
}

fn arguments(one: &Incoming) -> Option<Span> {
    scan::member(&one.message, one.envelope.params?, "arguments")
}
