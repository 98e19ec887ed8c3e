// SPDX-License-Identifier: MIT
//! Tasks for modern clients of servers that have none: a call that takes long becomes one. In this
//! era the server decides, so the gateway decides for it, as late as it can: what is answered at
//! once is answered at once.
//!
//! ```text
//! tools/call ── answered in time ──────────────────> its result
//!         └──── silent for `comment_after` ── Job ──> a task, which is polled with tasks/get
//! ```
//!
//! Spec: the extension `io.modelcontextprotocol/tasks` of 2026-07-28.

use super::Exchange;
use super::open::Incoming;
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::call::{Call, CallFor};
use crate::gateway::fault::{ClientFault, Fault};
use crate::gateway::jobs::{Job, Outcome};
use crate::gateway::session::Session;
use crate::mcp::Era;
use crate::mcp::answer::{self, Asked, ResultKind};
use crate::mcp::method::Method;
use crate::mcp::task::{self, Status, Task};
use crate::wire::jsonrpc::Envelope;

impl Gateway {
    /// Makes a task of a call that its client has waited for in silence, if both may know tasks.
    pub(crate) fn detach(&mut self, exchange: Key<Exchange>) -> bool {
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(exchange) else {
            return false;
        };
        let session = sent.session;
        if !sent.modern.as_deref().is_some_and(|facts| facts.can.tasks) {
            return false;
        }
        let Some((backend, server)) = self.backend_of(session) else { return false };
        if !self.offers_tasks(server) {
            return false;
        }
        let is_it = |call: &Call| {
            call.is_waited_for_by(exchange)
                && call.method == Method::ToolsCall
                && !call.is_never_sent
                && call.needs.is_none()
        };
        let call = self.calls.of(backend).find(|(_, call)| is_it(call)).map(|(key, _)| key);
        let Some(call) = call else { return false };
        let Some(job) = self.new_job(session, None) else { return false };
        self.hand_over(exchange, call, job);
        true
    }

    fn hand_over(&mut self, exchange: Key<Exchange>, call: Key<Call>, job: Key<Job>) {
        let Some(of) = self.calls.get_mut(call) else { return };
        of.whom = CallFor::Job(job);
        let id = of.id.clone();
        self.note_job_call(job, call);
        if let Some(job) = self.jobs.get_mut(job) {
            job.is_modern = true;
            let created = job.task().created_modern(&id);
            self.deliver(exchange, created.into());
        }
    }

    /// Whether a request of a modern client is about tasks of ours, and is answered here.
    pub(super) fn is_about_own_task(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> bool {
        let is_about_tasks =
            matches!(one.method, Method::TasksGet | Method::TasksUpdate | Method::TasksCancel);
        let Some(of) = self.sessions.get(session).filter(|_| is_about_tasks) else { return false };
        if !self.offers_tasks(of.server) {
            return false;
        }
        let id = one.id().unwrap_or(b"null");
        let name = task::id_of(&one.message, one.envelope.params);
        let found = name.and_then(|name| self.jobs.find(of.server, of.principal, &name));
        let Some(key) = found else {
            let fault = Fault::from(ClientFault::Task("there is no such task"));
            self.deliver_fault(exchange, id, &fault);
            return true;
        };
        let answer = match one.method {
            Method::TasksGet => self.jobs.get(key).map(|job| modern_state(job, id)),
            Method::TasksCancel => {
                if self.jobs.get(key).is_some_and(|job| !job.status.is_final()) {
                    self.cancel_job(key);
                }
                Some(task::taken(id))
            }
            // A task of ours never asks for anything; what it does not ask for is passed over.
            _ => Some(task::taken(id)),
        };
        if let Some(answer) = answer {
            self.deliver(exchange, answer.into());
        }
        true
    }

    /// The answer to the call of a job, as a modern client is to see it; `Err`: it is no answer
    /// that a task can have.
    pub(super) fn modern_outcome(
        &self,
        call: &Call,
        message: &Message,
        envelope: &Envelope,
    ) -> Result<Option<Incoming>, &'static str> {
        match self.era_of(call.backend) {
            Era::Modern => match answer::result_kind(message, envelope) {
                ResultKind::Complete | ResultKind::Absent => Ok(None),
                ResultKind::InputRequired => Err("it needs input, which this task cannot pass on"),
                _ => Err("it answers with something that is no result"),
            },
            Era::Legacy => {
                let info = self.server_info(call.backend);
                let asked = Asked { method: call.method, uri: None };
                let modern = answer::to_modern(asked, message, envelope, info.as_deref());
                Ok(self.read_again(modern))
            }
        }
    }
}

/// What `tasks/get` says of a job. A tool that has failed has a result all the same.
fn modern_state(job: &Job, id: &[u8]) -> Message {
    let task = job.task();
    match (&job.outcome, job.status) {
        (Some(Outcome::Result(result)), _) => {
            let task = Task { status: Status::Completed, ..task };
            task.state_modern(id, Some(("result", result)))
        }
        (Some(Outcome::Error(error)), Status::Failed) => {
            task.state_modern(id, Some(("error", error)))
        }
        _ => task.state_modern(id, None),
    }
}
