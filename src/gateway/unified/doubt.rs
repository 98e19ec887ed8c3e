// SPDX-License-Identifier: MIT
//! Servers of which nobody knows yet which protocol they speak: legacy requests that need one of
//! them wait, as modern ones do, and as they would at that server's own address.

use super::MemberState;
use crate::base::{Key, Span};
use crate::gateway::Gateway;
use crate::gateway::exchange::Admitted;
use crate::gateway::exchange::open::Incoming;
use crate::gateway::fault::Fault;
use crate::gateway::session::{Session, SessionKind};
use crate::gateway::snapshot::ServerId;
use crate::mcp::method::Method;
use crate::mcp::task_id;
use crate::wire::json::scan;
use crate::wire::jsonrpc::Kind;

impl Gateway {
    /// Sends one message within a session that is open, once it is known how to speak with the
    /// servers that it needs.
    pub(crate) fn begin_when_known(
        &mut self,
        admitted: &Admitted,
        session: Key<Session>,
        one: Incoming,
    ) -> Result<(), Fault> {
        let is_request = one.envelope.kind == Kind::Request && self.is_unified(session);
        let needed = if is_request { self.whom_it_needs(session, &one) } else { Vec::new() };
        match needed.into_iter().find(|server| self.is_doubtful(session, *server)) {
            Some(server) => self.wait_for_era_of(server, admitted, one),
            None => self.begin_one(admitted, session, one)?,
        }
        Ok(())
    }

    /// Whether `server` has not said yet how to speak with it, and `session` has no way to it.
    fn is_doubtful(&self, session: Key<Session>, server: ServerId) -> bool {
        let Some(session) = self.sessions.get(session) else { return false };
        let members = session.unified.as_ref().map(|unified| unified.members.as_slice());
        let is_open = members
            .unwrap_or_default()
            .iter()
            .any(|member| member.server == server && matches!(member.state, MemberState::Open(..)));
        !is_open && (self.is_era_in_doubt(server) || self.is_unheard_of(server))
    }

    /// The servers without which a request has no good answer. A list does without those that are
    /// missing, and a client with a session of its own learns when they join.
    fn whom_it_needs(&self, session: Key<Session>, one: &Incoming) -> Vec<ServerId> {
        let Some(found) = self.sessions.get(session) else { return Vec::new() };
        let Some(unified) = &found.unified else { return Vec::new() };
        let all = || unified.members.iter().map(|member| member.server).collect();
        let named = |span: Option<Span>, is_tool| {
            let meant = span.and_then(|span| self.with_own_name(session, one, span, is_tool).ok());
            meant.map(|(server, _)| vec![server]).unwrap_or_default()
        };
        let at = |span: Option<Span>| {
            let uri = span.and_then(|span| scan::string(&one.message, span));
            match uri.and_then(|uri| unified.uris.owner(&uri)) {
                Some(owner) => vec![owner],
                None => all(),
            }
        };
        let member = |object: Option<Span>, name| scan::member(&one.message, object?, name);
        match one.method {
            Method::ToolsCall => named(one.envelope.name, true),
            Method::PromptsGet => named(one.envelope.name, false),
            Method::ResourcesRead | Method::Subscribe | Method::Unsubscribe => at(one.envelope.uri),
            Method::Complete => {
                let reference = member(one.envelope.params, "ref");
                match member(reference, "name") {
                    Some(span) => named(Some(span), false),
                    None => at(member(reference, "uri")),
                }
            }
            Method::TasksGet | Method::TasksResult | Method::TasksCancel => {
                let span = member(one.envelope.params, "taskId");
                let id = span.and_then(|span| scan::string(&one.message, span));
                let server = id.as_deref().and_then(task_id::split).map(|(server, _)| server);
                server.and_then(|name| self.snapshot.find(name.as_bytes())).into_iter().collect()
            }
            Method::ToolsList
            | Method::PromptsList
            | Method::ResourcesList
            | Method::TemplatesList
            | Method::SetLevel
                if found.kind == SessionKind::OneShot =>
            {
                all()
            }
            _ => Vec::new(),
        }
    }
}
