// SPDX-License-Identifier: MIT
//! From a unified session to the server that a message means: by name, by URI, by task.

use std::borrow::Cow;

use super::Fan;
use super::fan::{Outcome, What};
use super::list::is_shown;
use crate::base::{Key, Message, Span};
use crate::gateway::Gateway;
use crate::gateway::backend::Carrier;
use crate::gateway::exchange::Exchange;
use crate::gateway::exchange::cell::error_code;
use crate::gateway::exchange::open::Incoming;
use crate::gateway::fault::modern::status_of;
use crate::gateway::fault::{BackendFaultKind, ClientFault, Fault, backend};
use crate::gateway::session::Session;
use crate::gateway::shared::level_of;
use crate::gateway::snapshot::{ServerId, ViewPart};
use crate::mcp::catalogue::List;
use crate::mcp::method::Method;
use crate::mcp::{legacy, task_id, tool_name};
use crate::wire::json::{scan, write};
use crate::wire::{Patch, Splice};

impl Gateway {
    /// A request of the client of several servers.
    pub(crate) fn route_request(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) {
        if let Err(fault) = self.route_by_method(exchange, session, one) {
            let message = fault.message(one.id());
            if let Some(refusal) = self.read_again(message.clone())
                && let Some(code) = error_code(&refusal.message, &refusal.envelope)
            {
                self.set_modern_status(exchange, status_of(code, one.method == Method::ToolsCall));
            }
            self.deliver(exchange, message.into());
        }
    }

    fn route_by_method(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> Result<(), Fault> {
        let method = method_of(one);
        if let Some(list) = List::of(&method) {
            return self.list(exchange, session, list, one);
        }
        match &*method {
            "ping" => {
                let answer = legacy::empty_response(one.id().unwrap_or(b"null"));
                self.deliver(exchange, answer.into());
                Ok(())
            }
            "tools/call" | "prompts/get" => self.by_name(exchange, session, one),
            "completion/complete" => self.by_reference(exchange, session, one),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                self.by_uri(exchange, session, one)
            }
            "logging/setLevel" => self.set_level_of_all(exchange, session, one),
            "server/discover" => {
                self.discover_all(exchange, session, one);
                Ok(())
            }
            "subscriptions/listen" => {
                self.listen_to_all(exchange, session, one);
                Ok(())
            }
            "tasks/get" | "tasks/result" | "tasks/cancel" => self.by_task(exchange, session, one),
            other => Err(ClientFault::UnknownMethod(other.into()).into()),
        }
    }

    /// `tools/call` and `prompts/get`.
    fn by_name(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> Result<(), Fault> {
        let span = one.envelope.name.ok_or(ClientFault::MissingParameter("name"))?;
        let is_tool = one.method == Method::ToolsCall;
        let (server, own) = self.with_own_name(session, one, span, is_tool)?;
        if is_tool && self.check_tool(server, &own).is_err() {
            return Err(unknown_name(&one.message, span, is_tool));
        }
        self.forward(exchange, session, server, &own)
    }

    /// The server that the name at `span` means, and the message with that server's own name.
    pub(super) fn with_own_name(
        &self,
        session: Key<Session>,
        one: &Incoming,
        span: Span,
        is_tool: bool,
    ) -> Result<(ServerId, Incoming), Fault> {
        let unknown = || unknown_name(&one.message, span, is_tool);
        let name = scan::string(&one.message, span).ok_or_else(unknown)?;
        let long = self.unified_names.original(&name).filter(|_| is_tool);
        let name = long.map_or(name, |long| Cow::Owned(long.to_owned()));
        let is_server = |name: &str| self.part_called(session, name).is_some();
        let (server, own) = tool_name::split(&name, is_server).ok_or_else(unknown)?;
        let part = self.part_called(session, server).ok_or_else(unknown)?;
        let shown = if is_tool { is_shown(part.tools.as_deref(), own) } else { part.prompts };
        if !shown {
            return Err(unknown());
        }
        let principal = self.sessions.get(session).map(|session| session.principal);
        let one = self.with_text(one, span, own).ok_or_else(unknown)?;
        let short = principal.and_then(|who| self.under_own_name(part.server, who, &one));
        Ok((part.server, short.unwrap_or(one)))
    }

    fn part_called(&self, session: Key<Session>, server: &str) -> Option<&ViewPart> {
        let view = self.snapshot.view(self.sessions.get(session)?.server)?;
        view.part(self.snapshot.find(server.as_bytes())?)
    }

    /// `completion/complete`: by the name of a prompt or the URI of a template.
    fn by_reference(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> Result<(), Fault> {
        let member = |object: Option<Span>, name| scan::member(&one.message, object?, name);
        let reference = member(one.envelope.params, "ref");
        if let Some(span) = member(reference, "name") {
            let (server, one) = self.with_own_name(session, one, span, false)?;
            return self.forward(exchange, session, server, &one);
        }
        let span = member(reference, "uri").ok_or(ClientFault::MissingParameter("ref"))?;
        self.by_uri_at(exchange, session, one, span, "completions")
    }

    /// `resources/read`, `resources/subscribe`, `resources/unsubscribe`.
    fn by_uri(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> Result<(), Fault> {
        let span = one.envelope.uri.ok_or(ClientFault::MissingParameter("uri"))?;
        self.by_uri_at(exchange, session, one, span, "resources")
    }

    /// By who has listed the resource, then by who has a template for it, then whoever has it.
    fn by_uri_at(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
        span: Span,
        capability: &str,
    ) -> Result<(), Fault> {
        let uri = scan::string(&one.message, span).unwrap_or(Cow::Borrowed(""));
        let unified = self.sessions.get(session).and_then(|session| session.unified.as_ref());
        let owner = unified.and_then(|unified| unified.uris.owner(&uri));
        if let Some(server) = owner {
            return self.forward(exchange, session, server, one);
        }
        let mut servers = self.who_may_offer(session, capability);
        let view = self.sessions.get(session).and_then(|one| self.snapshot.view(one.server));
        let part = |server: &ServerId| view.and_then(|view| view.part(*server));
        servers.retain(|server| part(server).is_some_and(|part| part.resources));
        match servers.as_slice() {
            [] => Err(ClientFault::UnknownResource(uri.into(), self.era_above(exchange)).into()),
            [only] => self.forward(exchange, session, *only, one),
            all => {
                self.start_search((exchange, session), one, &uri, all);
                Ok(())
            }
        }
    }

    /// What a search has found.
    pub(super) fn found_answer(&mut self, fan: &Fan, uri: &str) -> Message {
        let bytes_max = self.limits().unified_uris_bytes_max;
        let found = fan.parts.iter().find_map(|part| match &part.outcome {
            Outcome::Answer(message, envelope) => Some((part.server, message, envelope.id?)),
            _ => None,
        });
        let Some((server, message, id)) = found else {
            let era = self.era_above(fan.exchange);
            return Fault::from(ClientFault::UnknownResource(uri.into(), era))
                .message(Some(&fan.id));
        };
        if let Some(unified) = self.unified_mut(fan.session) {
            unified.uris.note(uri, server, bytes_max);
        }
        Splice::whole(message.clone()).with(id, Patch::Bytes(fan.id.clone())).to_message()
    }

    /// `logging/setLevel`: for all that log.
    fn set_level_of_all(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> Result<(), Fault> {
        let servers = self.who_may_offer(session, "logging");
        if servers.is_empty() {
            return Err(ClientFault::UnknownMethod("logging/setLevel".into()).into());
        }
        // Of those who come later too; what a modern server logs is for calls of this session.
        if let (Some(level), Some(session)) = (level_of(one), self.sessions.get_mut(session)) {
            session.log_level = Some(level);
        }
        let again = |server| Some((server, self.read_again(one.message.clone())?));
        let asked = servers.into_iter().filter_map(again).collect();
        let id = one.envelope.id.map(|span| one.message.slice(span)).unwrap_or_default();
        self.start_fan((exchange, session), id, What::Done, asked);
        Ok(())
    }

    /// `tasks/get`, `tasks/result`, `tasks/cancel`.
    fn by_task(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> Result<(), Fault> {
        let params = one.envelope.params;
        let span = params.and_then(|params| scan::member(&one.message, params, "taskId"));
        let span = span.ok_or(ClientFault::MissingParameter("taskId"))?;
        let id = scan::string(&one.message, span).unwrap_or(Cow::Borrowed(""));
        let unknown = || Fault::from(ClientFault::UnknownTask(id.clone().into()));
        let (server, own) = task_id::split(&id).ok_or_else(unknown)?;
        let server = self.part_called(session, server).ok_or_else(unknown)?.server;
        let one = self.with_text(one, span, own).ok_or_else(unknown)?;
        self.forward(exchange, session, server, &one)
    }

    /// Sends a request to one server; its answer is the answer.
    fn forward(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        server: ServerId,
        one: &Incoming,
    ) -> Result<(), Fault> {
        let member = self.member_for((exchange, session), server, one)?;
        let at = self.backend_of(member).and_then(|(backend, _)| self.backends.get(backend));
        if at.is_none_or(|backend| backend.full) {
            let detail = "more waits for it than is kept";
            return Err(backend(&self.snapshot, server, BackendFaultKind::Full, detail));
        }
        self.send_request(exchange, member, one);
        Ok(())
    }

    /// A notification of the client; `true`: the exchange waits until a server has taken it.
    pub(crate) fn route_notification(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> bool {
        if one.method == Method::Cancelled {
            self.cancel_unified(session, one);
            return false;
        }
        if one.method == Method::Initialized
            && let Some(unified) = self.unified_mut(session)
        {
            unified.initialized = true;
        }
        let mut members = self.members_of(session);
        if one.method == Method::Progress {
            members = self.who_waits_for_client(session);
        }
        let mut waits_below = false;
        for member in members {
            waits_below |= self.send_notification(exchange, member, one);
        }
        waits_below
    }

    /// Whose requests the client is working on. Tokens of two servers may be alike, so that
    /// progress is sent on only if it is clear whose it is.
    fn who_waits_for_client(&self, session: Key<Session>) -> Vec<Key<Session>> {
        let asked = self.sessions.get(session).map(|s| s.asked.as_slice()).unwrap_or_default();
        let mut all: Vec<_> =
            asked.iter().filter_map(|asked| Some(asked.behind.as_ref()?.0)).collect();
        all.dedup();
        if all.len() == 1 { all } else { Vec::new() }
    }

    fn cancel_unified(&mut self, session: Key<Session>, one: &Incoming) {
        let Some(span) = one.envelope.request_id else { return };
        if self.cancel_fan(session, span.of(&one.message)) {
            return;
        }
        if let Some((backend, _)) = self.backend_of(session) {
            self.cancel(session, backend, one);
        }
    }

    /// The client answers what a member's backend has asked under the id `id`.
    pub(crate) fn answer_member(
        &mut self,
        exchange: Key<Exchange>,
        member: Key<Session>,
        id: &Message,
        one: &Incoming,
    ) -> bool {
        let Some((backend, server)) = self.backend_of(member) else { return false };
        let Some(span) = one.envelope.id else { return false };
        let message = Splice::whole(self.flattened(backend, one));
        let message = message.with(span, Patch::Bytes(id.clone())).to_message();
        let message = self.with_their_task_ids(message, server);
        self.send_below(backend, message.into(), Carrier::Notice(Some(exchange)))
    }

    /// The message with another text at `span`.
    fn with_text(&self, one: &Incoming, span: Span, text: &str) -> Option<Incoming> {
        let mut quoted = Vec::new();
        write::push_str(&mut quoted, text);
        let patch = Patch::Bytes(Message::new(quoted));
        self.read_again(Splice::whole(one.message.clone()).with(span, patch).to_message())
    }
}

fn method_of(one: &Incoming) -> Cow<'_, str> {
    let method = one.envelope.method.and_then(|span| scan::string(&one.message, span));
    method.unwrap_or(Cow::Borrowed(""))
}

fn unknown_name(text: &Message, span: Span, is_tool: bool) -> Fault {
    let name = scan::string(text, span).unwrap_or(Cow::Borrowed("")).into();
    if is_tool {
        ClientFault::UnknownTool(name).into()
    } else {
        ClientFault::UnknownPrompt(name).into()
    }
}
