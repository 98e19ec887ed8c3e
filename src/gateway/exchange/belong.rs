// SPDX-License-Identifier: MIT
//! Tasks of servers that several clients share: each is its own client's, whichever protocol names
//! it, and only for clients that know what a task is.
//!
//! Spec: MCP 2025-11-25, basic/utilities/tasks; the extension `io.modelcontextprotocol/tasks`.

use super::Exchange;
use super::modern::ModernFacts;
use super::open::Incoming;
use crate::base::{Key, Message, Span};
use crate::gateway::Gateway;
use crate::gateway::backend::Backend;
use crate::gateway::call::{Call, CallFor, id_of};
use crate::gateway::fault::modern::ModernFault;
use crate::gateway::fault::{BackendFaultKind, ClientFault, Fault, backend};
use crate::gateway::owners::Owned;
use crate::gateway::session::Session;
use crate::gateway::snapshot::ServerId;
use crate::mcp::answer::{self, ResultKind};
use crate::mcp::method::Method;
use crate::mcp::task;
use crate::policy::auth::Principal;
use crate::wire::json::edit::Edits;
use crate::wire::json::scan;
use crate::wire::jsonrpc::{self, Envelope, Parsed};
use crate::wire::{Patch, Splice};

/// What a client has to declare that wants to hear of tasks.
const TASKS: &str = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;

/// What says that a task was created is short; longer results are not looked into.
pub(super) const CREATED_BYTES_MAX: usize = 8 * 1024;

impl Gateway {
    /// A modern client that asks for tasks has to know them.
    pub(super) fn check_tasks(one: &Incoming, facts: &ModernFacts) -> Result<(), Fault> {
        let asks = match one.method {
            Method::TasksGet | Method::TasksUpdate | Method::TasksCancel => true,
            Method::Listen => wanted_ids(one).is_some(),
            _ => false,
        };
        if asks && !facts.can.tasks {
            return Err(ModernFault::Capability(TASKS).into());
        }
        Ok(())
    }

    /// Refuses what is about somebody else's task.
    pub(super) fn is_about_foreign_task(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> bool {
        let is_about_tasks = matches!(
            one.method,
            Method::TasksGet
                | Method::TasksResult
                | Method::TasksUpdate
                | Method::TasksCancel
                | Method::Listen
        );
        if !is_about_tasks || self.owners.is_empty() {
            return false;
        }
        let Some(session) = self.sessions.get(session) else { return false };
        let (server, who) = (session.server, session.principal);
        let is_foreign = |id: &str| self.is_foreign(server, who, id);
        let named = task::id_of(&one.message, one.envelope.params);
        let ids = wanted_ids(one).into_iter().flat_map(|all| scan::elements(&one.message, all));
        let mut ids = ids.filter_map(|id| scan::string(&one.message, id));
        if !named.is_some_and(|id| is_foreign(&id)) && !ids.any(|id| is_foreign(&id)) {
            return false;
        }
        let fault = Fault::from(ClientFault::Task("there is no such task"));
        self.deliver_fault(exchange, one.id().unwrap_or(b"null"), &fault);
        true
    }

    fn is_foreign(&self, server: ServerId, who: Principal, id: &str) -> bool {
        self.owners.of(server, id).is_some_and(|owned| owned.who != who)
    }

    /// A call at a shared backend is answered: if it has become a task, it is its client's.
    pub(super) fn note_owner(
        &mut self,
        key: Key<Call>,
        call: &Call,
        message: &Message,
        envelope: &Envelope,
    ) {
        let CallFor::Exchange(exchange) = call.whom else { return };
        // A server that knows of no tasks makes none, and its answers are not looked through.
        let makes_tasks = self.has_tasks(call.backend) || envelope.result_type.is_some();
        if call.method != Method::ToolsCall || !makes_tasks || !self.is_shared(call.backend) {
            return;
        }
        let Some(result) = envelope.result.filter(|result| result.len() <= CREATED_BYTES_MAX)
        else {
            return;
        };
        let Some(id) = created(message, result) else { return };
        let Some(session) = self.session_of(exchange) else { return };
        let Some(of) = self.sessions.get(session) else { return };
        let (server, who) = (of.server, of.principal);
        let token = call.token.clone().filter(|_| call.token_is_ours);
        let token = token.map(|token| (id_of(key), Message::copy_of(&token)));
        let max = self.limits().tasks_max;
        self.owners.claim(server, &id, Owned { who, session, token }, max);
    }

    /// Whether a session is told of a notification about a task, if it is about one.
    pub(crate) fn may_hear_of_task(
        &self,
        session: &Session,
        message: &Message,
        envelope: &Envelope,
    ) -> bool {
        let is_status = envelope
            .method
            .is_some_and(|name| name.of(message) == br#""notifications/tasks/status""#);
        let id = task::id_of(message, envelope.params).filter(|_| is_status);
        id.is_none_or(|id| !self.is_foreign(session.server, session.principal, &id))
    }

    /// A shared backend has said how a task is.
    pub(crate) fn note_status_of_task(
        &mut self,
        at: Key<Backend>,
        message: &Message,
        envelope: &Envelope,
    ) {
        let Some(server) = self.backends.get(at).map(|backend| backend.server) else { return };
        let status = envelope.params.and_then(|params| scan::member(message, params, "status"));
        let status = status.and_then(|status| scan::string(message, status));
        let is_over = matches!(status.as_deref(), Some("completed" | "failed" | "cancelled"));
        if let Some(id) = task::id_of(message, envelope.params).filter(|_| is_over) {
            self.owners.settle(server, &id);
        }
    }

    /// Progress at a shared backend under the token of a call that has become a task.
    pub(super) fn task_progress(&mut self, at: Key<Backend>, message: &Message, token: Span) {
        let Some(server) = self.backends.get(at).map(|backend| backend.server) else { return };
        let Some(ours) = crate::base::bytes::parse_u64(token.of(message)) else { return };
        let Some(owned) = self.owners.by_token(server, ours) else { return };
        let (session, spelled) = (owned.session, owned.token.clone());
        if let Some((_, spelled)) = spelled.filter(|_| self.sessions.get(session).is_some()) {
            let out = Splice::whole(message.clone()).with(token, Patch::Bytes(spelled));
            self.relay(session, None, out, None);
        }
    }

    /// A list of tasks of a shared backend without those that are not its client's.
    pub(super) fn without_foreign_tasks(
        &self,
        call: &Call,
        exchange: Key<Exchange>,
        answer: Splice,
    ) -> Splice {
        if call.method != Method::TasksList || !self.is_shared(call.backend) {
            return answer;
        }
        let session = self.session_of(exchange).and_then(|session| self.sessions.get(session));
        let Some(session) = session else { return answer };
        let (server, who) = (session.server, session.principal);
        let text = answer.to_message();
        let Ok(Parsed::Single(Envelope { result: Some(result), .. })) =
            jsonrpc::parse(&text, self.limits())
        else {
            return answer;
        };
        let Some(tasks) = scan::member(&text, result, "tasks") else { return answer };
        let mut edits = Edits::of(&text);
        edits.array(tasks, |one| {
            let id = scan::member(&text, one, "taskId").and_then(|id| scan::string(&text, id));
            let owned = id.and_then(|id| self.owners.of(server, &id));
            owned.is_some_and(|owned| owned.who == who)
        });
        Message::new(edits.apply()).into()
    }

    /// The answer to a modern client that does not know tasks, from a server that has made one of
    /// its call.
    pub(super) fn refused_task(
        &self,
        call: &Call,
        message: &Message,
        envelope: &Envelope,
    ) -> Option<Message> {
        let CallFor::Exchange(exchange) = call.whom else { return None };
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(exchange) else { return None };
        let knows = sent.modern.as_ref().is_some_and(|facts| facts.can.tasks);
        if knows || answer::result_kind(message, envelope) != ResultKind::Task {
            return None;
        }
        let server = self.backends.get(call.backend)?.server;
        let detail = "it answers with a task, which its client has not declared to know";
        let fault = backend(&self.snapshot, server, BackendFaultKind::Misbehaved, detail);
        Some(fault.message(envelope.id.map(|id| id.of(message))))
    }
}

/// The tasks that a subscription names: an array.
fn wanted_ids(one: &Incoming) -> Option<Span> {
    let wanted = scan::member(&one.message, one.envelope.params?, "notifications")?;
    scan::member(&one.message, wanted, "taskIds")
}

/// The id of the task that a result has created, in the spelling of either protocol.
fn created(message: &Message, result: Span) -> Option<String> {
    let at = match scan::member(message, result, "task") {
        Some(task) => task,
        None => {
            let kind = scan::member(message, result, "resultType")?;
            let is_task = scan::string(message, kind).as_deref() == Some("task");
            is_task.then_some(result)?
        }
    };
    let id = scan::member(message, at, "taskId")?;
    scan::string(message, id).map(|id| id.into_owned())
}
