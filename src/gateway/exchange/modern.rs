// SPDX-License-Identifier: MIT
//! Requests of the modern era: checked by what they say about themselves, then sent to a modern
//! backend as they are, or to a legacy one in its own words.
//!
//! The order of the checks is that of MCP 2026-07-28, basic/transports and basic/versioning: what
//! the body says decides, and the fields have to agree with it.

use super::open::Incoming;
use super::resume::Way;
use super::{Admitted, Exchange, Sent, Version};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::backend::{Backend, Carrier, Link};
use crate::gateway::call::{Call, CallFor, id_of};
use crate::gateway::era::Door;
use crate::gateway::fault::modern::ModernFault;
use crate::gateway::fault::{ClientFault, Fault};
use crate::gateway::io::{Level, Output};
use crate::gateway::listen::Listener;
use crate::gateway::session::Session;
use crate::mcp::meta::{self, ClientCapabilities, RequestMeta};
use crate::mcp::method::Method;
use crate::mcp::mirror::MirrorError;
use crate::mcp::{Era, LogLevel, legacy, mirror, revision};
use crate::wire::json::scan;
use crate::wire::jsonrpc::Kind;

/// What a modern request says about itself.
#[derive(Clone, Debug)]
pub struct ModernFacts {
    /// The least severe log messages that it wants; `None`: it wants none.
    pub log_level: Option<LogLevel>,
    /// The capabilities of its client: a JSON object.
    pub capabilities: Message,
    /// What its client can be asked for.
    pub can: ClientCapabilities,
    /// What tells it from other requests, if a legacy server may ask something for its sake.
    pub digest: Option<[u8; 32]>,
    /// `clientInfo`: a JSON object.
    pub client_info: Option<Message>,
    /// Whether it is `subscriptions/listen`, which is never answered until it ends.
    pub listens: bool,
    /// What it is told of, if it listens to a legacy backend.
    pub listener: Option<Listener>,
    /// `Mcp-Param-*`, for a server that can check them.
    pub params: mirror::Fields,
}

impl Gateway {
    /// A message of a modern client.
    pub(super) fn route_modern(
        &mut self,
        admitted: &Admitted,
        incoming: Incoming,
    ) -> Result<(), Fault> {
        match incoming.envelope.kind {
            Kind::Request => {
                let facts = self.check_modern(admitted, &incoming)?;
                if self.shard.has_others()
                    && self.is_moved_by_body(admitted, &incoming, Some(&facts))
                {
                    return Ok(());
                }
                self.refuse_if_draining()?;
                self.dispatch_modern(admitted, incoming, facts)
            }
            // There are none in this era; whoever sends one all the same does no harm.
            Kind::Notification => {
                self.answer_accepted(admitted.peer, admitted.origin.as_ref());
                Ok(())
            }
            Kind::Response => Err(ModernFault::Answer.into()),
        }
    }

    fn check_modern(&mut self, admitted: &Admitted, one: &Incoming) -> Result<ModernFacts, Fault> {
        let claimed = claimed_version(one);
        let mirror = admitted.mirror();
        if let Some(claimed) = &claimed
            && mirror.has_version()
        {
            self.tolerate(one, mirror.check_version(claimed))?;
        }
        if let Some(claimed) = &claimed
            && !revision::is_modern(claimed.as_bytes())
        {
            return Err(ModernFault::Version(claimed.as_str().into()).into());
        }
        let read = meta::read(&one.message, one.envelope.meta).map_err(ModernFault::Meta)?;
        let version = claimed.as_deref().unwrap_or_default();
        self.tolerate(one, mirror.check_version(version))?;
        self.check_mirror(admitted, one)?;
        if one.method.is_legacy_only() {
            return Err(ModernFault::NoSuchMethod(method_name(one)).into());
        }
        let facts = facts(admitted, one, &read);
        Self::check_tasks(one, &facts)?;
        Ok(facts)
    }

    /// The fields that repeat what the body says.
    fn check_mirror(&mut self, admitted: &Admitted, one: &Incoming) -> Result<(), Fault> {
        let mirror = admitted.mirror();
        let method = method_name(one);
        let named = mirror::name_of(&one.message, &method, one.envelope.params);
        self.tolerate(one, mirror.check_method(&method))?;
        self.tolerate(one, mirror.check_name(&method, named.as_deref()))
    }

    /// Lets a known slip of a real client pass, unless the configuration forbids it; each kind is
    /// told once.
    fn tolerate(&mut self, one: &Incoming, check: Result<(), MirrorError>) -> Result<(), Fault> {
        let Err(error) = check else { return Ok(()) };
        let rule = error.rule(&method_name(one));
        let Some(rule) = rule.filter(|rule| self.snapshot.tolerance.allows(*rule)) else {
            return Err(ModernFault::Mirror(error).into());
        };
        if self.slips.add(rule) {
            let text = format!("let a known slip of a client pass ({}): {error}", rule.name());
            self.note(Level::Warn, "client", None, text);
        }
        Ok(())
    }

    fn dispatch_modern(
        &mut self,
        admitted: &Admitted,
        incoming: Incoming,
        mut facts: ModernFacts,
    ) -> Result<(), Fault> {
        if self.snapshot.view(admitted.server).is_some() {
            return self.dispatch_unified(admitted, incoming, facts);
        }
        let own = self.under_own_name(admitted.server, admitted.principal, &incoming);
        self.check_tool(admitted.server, own.as_ref().unwrap_or(&incoming))?;
        if facts.listens && !admitted.accepts_events {
            return Err(ClientFault::Accept(super::admit::ACCEPT_BOTH).into());
        }
        let door = self.door(admitted.server)?;
        self.check_params(admitted, door, own.as_ref().unwrap_or(&incoming))?;
        let session = match door {
            Door::Wait => {
                self.wait_for_era(admitted, incoming);
                return Ok(());
            }
            Door::Modern(backend) => self.lane((admitted.server, admitted.principal), backend)?,
            Door::Legacy => {
                self.note_digest(admitted, &incoming, &mut facts);
                if let Way::Done = self.resume_call(admitted, &incoming, &facts)? {
                    return Ok(());
                }
                self.pooled_session((admitted.server, admitted.principal), &incoming, &facts)?
            }
        };
        self.begin_modern(admitted, session, own.as_ref().unwrap_or(&incoming), facts)
    }

    pub(crate) fn begin_modern(
        &mut self,
        admitted: &Admitted,
        session: Key<Session>,
        one: &Incoming,
        facts: ModernFacts,
    ) -> Result<(), Fault> {
        self.check_room(session, 1)?;
        let is_legacy = self.backend_of(session).map(|(key, _)| self.era_of(key));
        if is_legacy == Some(Era::Legacy) {
            self.want_log_level(session, facts.log_level);
        }
        let key = self.await_modern(admitted, session, facts);
        if self.is_about_own_task(key, session, one) || self.is_answered_here(key, session, one) {
            return Ok(());
        }
        self.send_request(key, session, one);
        Ok(())
    }

    /// The exchange of a modern client, which waits for one answer.
    pub(super) fn await_modern(
        &mut self,
        admitted: &Admitted,
        session: Key<Session>,
        facts: ModernFacts,
    ) -> Key<Exchange> {
        let key = self.await_response(admitted, session, 1, None, false);
        // Whoever leaves cancels, so leaving has to be noticed.
        self.push(Output::Watch { peer: admitted.peer });
        if let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get_mut(key) {
            // A subscription is a stream by nature.
            sent.may_stream |= facts.listens;
            sent.modern = Some(Box::new(facts));
        }
        key
    }

    /// What a legacy server cannot be asked is answered from what it said in its handshake.
    pub(crate) fn is_answered_here(
        &mut self,
        key: Key<Exchange>,
        at: Key<Session>,
        one: &Incoming,
    ) -> bool {
        let Some((backend, _)) = self.backend_of(at) else { return false };
        if self.backends.get(backend).is_none_or(|backend| backend.era == Era::Modern) {
            return false;
        }
        match one.method {
            Method::Discover | Method::Listen => {
                self.call_for_greeting(key, at, one);
                true
            }
            // What a legacy server calls a task is none of the extension.
            Method::TasksGet | Method::TasksUpdate | Method::TasksCancel => {
                let fault = ModernFault::NoSuchMethod(method_name(one)).into();
                self.deliver_fault(key, one.id().unwrap_or(b"null"), &fault);
                true
            }
            _ => false,
        }
    }

    /// The client of a modern exchange has left: that is how it cancels.
    ///
    /// Spec: MCP 2026-07-28, basic/transports, "Cancellation".
    pub(super) fn cancel_exchange(&mut self, key: Key<Exchange>) {
        self.forget_listener(key);
        self.drop_fans_of(key);
        for call in self.calls.keys_of(|call| call.is_waited_for_by(key)) {
            self.cancel_call(call, "its client has left");
        }
        // A call that nobody waits for any more ends its exchange.
        if matches!(self.exchanges.get(key), Some(Exchange::AwaitResponse(_))) {
            self.end_exchange(key);
        }
    }

    /// Nobody waits for this call any more, and its backend is told so.
    pub(crate) fn cancel_call(&mut self, key: Key<Call>, why: &str) {
        let Some(call) = self.calls.get(key) else { return };
        let (at, fetch) = (call.backend, call.fetch);
        let listens = call.method == Method::Listen;
        let closes = call.is_never_sent || self.is_modern_http(at);
        self.tell_cancelled(key, why);
        if closes {
            self.count_given_up(key);
        }
        if let Some(fetch) = fetch.filter(|_| closes) {
            self.cancel_fetch(fetch);
        }
        self.abandon(key);
        // Nothing more can come on a stream that is closed, and a subscription has no answer to
        // wait for.
        if closes || listens {
            self.calls.remove(key);
        }
    }

    /// Tells a backend that nobody waits for the answer to a call; where closing the stream says
    /// so, that is for the caller to do.
    pub(crate) fn tell_cancelled(&mut self, key: Key<Call>, why: &str) {
        let Some(call) = self.calls.get(key) else { return };
        let at = call.backend;
        if !call.is_never_sent && !self.is_modern_http(at) {
            let notice = legacy::cancelled_notification(id_of(key), why);
            self.send_below(at, notice.into(), Carrier::Notice(None));
        }
    }

    /// Whether a call is cancelled there by closing its stream.
    fn is_modern_http(&self, key: Key<Backend>) -> bool {
        let is = |one: &Backend| one.era == Era::Modern && matches!(one.link, Link::Http(_));
        self.backends.get(key).is_some_and(is)
    }

    /// The call that an exchange of a modern client waits for.
    pub(crate) fn call_of(&self, exchange: Key<Exchange>) -> Option<Key<Call>> {
        let is_its = |call: &Call| call.whom == CallFor::Exchange(exchange) && !call.cancelled;
        self.calls.iter().find(|(_, call)| is_its(call)).map(|(key, _)| key)
    }
}

impl Sent {
    /// Whether its client speaks the modern protocol.
    #[must_use]
    pub const fn is_modern(&self) -> bool {
        self.modern.is_some()
    }
}

/// Whether a message is of the modern era: its body decides. Without a claim in the body a modern
/// field makes it a modern message that is malformed, unless it is the handshake of the other era.
pub(super) fn is_modern(admitted: &Admitted, incoming: &Incoming) -> bool {
    let claims = incoming.envelope.meta_version.is_some();
    claims || admitted.version == Version::Modern && incoming.method != Method::Initialize
}

/// The version that the body claims; also one that is no string, as it is spelled.
fn claimed_version(one: &Incoming) -> Option<String> {
    let span = one.envelope.meta_version?;
    let text = scan::string(&one.message, span).map(|text| text.into_owned());
    text.or_else(|| Some(String::from_utf8_lossy(span.of(&one.message)).into_owned()))
}

fn method_name(one: &Incoming) -> String {
    let name = one.envelope.method.and_then(|span| scan::string(&one.message, span));
    name.map(|name| name.into_owned()).unwrap_or_default()
}

fn facts(admitted: &Admitted, one: &Incoming, read: &RequestMeta) -> ModernFacts {
    // Copies, since slices would keep all of the request until it is answered.
    let copy = |span: crate::base::Span| Message::copy_of(span.of(&one.message));
    ModernFacts {
        log_level: read.log_level,
        capabilities: copy(read.capabilities),
        can: ClientCapabilities::of(&one.message, read.capabilities),
        digest: None,
        client_info: read.client_info.map(copy),
        listens: one.method == Method::Listen,
        listener: None,
        params: admitted.mirror().param_fields(),
    }
}
