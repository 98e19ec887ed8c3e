// SPDX-License-Identifier: MIT
//! Tasks for servers that have none: a call that asks for one becomes a job, and its client asks
//! for the result whenever it likes.
//!
//! ```text
//! tools/call with task ──> Job ── without it ──> Call ──> backend
//!        <── created              tasks/get, list, cancel are answered here
//! tasks/result ──> waits, as a call that is never sent, until the job is over
//! ```
//!
//! Spec: MCP 2025-11-25, basic/utilities/tasks.

use std::time::Duration;

use super::Exchange;
use super::open::{Incoming, incoming};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::backend::Backend;
use crate::gateway::call::{Call, CallFor};
use crate::gateway::fault::{BackendFaultKind, ClientFault, Fault, GatewayFault, backend};
use crate::gateway::jobs::{Job, NewJob, Outcome, Room};
use crate::gateway::session::Session;
use crate::gateway::snapshot::ServerId;
use crate::mcp::Era;
use crate::mcp::method::Method;
use crate::mcp::task::{self, Status};
use crate::wire::Splice;
use crate::wire::json::edit::Edits;
use crate::wire::json::scan;
use crate::wire::jsonrpc::{self, Envelope, Parsed};

/// Less is no use: a task must live at least until its client has asked once.
const TTL_MIN: Duration = Duration::from_secs(60);

impl Gateway {
    /// Whether the gateway has tasks for this server, because the configuration says so and the
    /// server has none. A session with several servers has none of its own, and where a guard
    /// judges answers, it does so for whoever waits.
    pub(crate) fn offers_tasks(&self, server: ServerId) -> bool {
        let at = usize::from(server.0);
        let is_wanted = self.snapshot.servers.get(at).is_some_and(|server| server.tasks);
        // What a task comes to is told later, and to whoever asks; no guard judges that.
        is_wanted && !self.servers[at].has_tasks && !self.is_looked_into(server)
    }

    /// A server has said what it can do.
    pub(crate) fn note_tasks(&mut self, server: ServerId, message: &Message, envelope: &Envelope) {
        let has_tasks = envelope.result.is_some_and(|result| task::has_tasks(message, result));
        self.servers[usize::from(server.0)].has_tasks |= has_tasks;
    }

    /// What a client is told about a server and its tools, with the tasks that we have for it.
    pub(crate) fn with_tasks(
        &self,
        call: &Call,
        exchange: Key<Exchange>,
        answer: Splice,
    ) -> Splice {
        let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get(exchange) else {
            return answer;
        };
        let era = sent.era();
        let is_told = match era {
            Era::Legacy => matches!(call.method, Method::Initialize | Method::ToolsList),
            Era::Modern => call.method == Method::Discover,
        };
        let offers = |at: &Backend| {
            (era == Era::Modern || at.era == Era::Legacy) && self.offers_tasks(at.server)
        };
        if !is_told || !self.backends.get(call.backend).is_some_and(offers) {
            return answer;
        }
        let text = answer.to_message();
        let Ok(Parsed::Single(Envelope { result: Some(result), .. })) =
            jsonrpc::parse(&text, self.limits())
        else {
            return answer;
        };
        let mut edits = Edits::of(&text);
        match call.method {
            Method::Initialize => task::offer(&mut edits, result),
            Method::Discover => task::offer_extension(&mut edits, result),
            _ => task::offer_for_tools(&mut edits, result),
        }
        if edits.is_empty() {
            return answer;
        }
        Message::new(edits.apply()).into()
    }

    /// Whether a request is about tasks of ours, and is answered here.
    pub(super) fn is_settled_as_task(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> bool {
        let Some((_, server)) = self.backend_of(session) else { return false };
        let is_legacy = |session: &Session| session.era() == Era::Legacy;
        if !self.offers_tasks(server) || !self.sessions.get(session).is_some_and(is_legacy) {
            return false;
        }
        match one.method {
            Method::ToolsCall => match task::wanted(&one.message, one.envelope.params) {
                Some(ttl) => self.start_job(exchange, session, one, ttl),
                None => return false,
            },
            Method::TasksList => self.list_jobs(exchange, session, one),
            Method::TasksGet | Method::TasksResult | Method::TasksCancel => {
                self.ask_job(exchange, session, one);
            }
            _ => return false,
        }
        true
    }

    fn start_job(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
        ttl: Option<Duration>,
    ) {
        let id = one.id().unwrap_or(b"null");
        let bare = task::without_task(&one.message, &one.envelope);
        let bare = match jsonrpc::parse(&bare, self.limits()) {
            Ok(Parsed::Single(envelope)) => incoming(bare, envelope),
            _ => return,
        };
        let Some(job) = self.new_job(session, ttl) else {
            let fault = Fault::from(GatewayFault::Full("tasks"));
            return self.deliver(exchange, fault.message(Some(id)).into());
        };
        if let Some(job) = self.jobs.get(job) {
            let created = job.task().created(id);
            self.deliver(exchange, created.into());
        }
        self.send_for(CallFor::Job(job), session, &bare);
    }

    pub(super) fn new_job(&mut self, key: Key<Session>, ttl: Option<Duration>) -> Option<Key<Job>> {
        let limits = self.limits();
        let ttl_max = limits.job_ttl_max.max(TTL_MIN);
        let ttl = ttl.unwrap_or(limits.job_ttl).clamp(TTL_MIN, ttl_max);
        let room = self.job_room();
        let session = self.sessions.get_mut(key)?;
        let id = self.rng.hex(32);
        let (server, principal) = (session.server, session.principal);
        let new = NewJob { id: &id, server, principal, session: key, ttl };
        let job = self.jobs.start(new, (self.now.mono, self.now.unix_ms), room)?;
        // A session with a job is not idle.
        session.n_exchanges += 1;
        self.alarms.set(Alarm::Jobs, self.now.mono + ttl);
        Some(job)
    }

    fn job_room(&self) -> Room {
        let limits = self.limits();
        Room { jobs: limits.jobs_max, bytes: limits.job_bytes_max }
    }

    /// The call of a job is on its way: until it is answered, the job is at work.
    pub(super) fn note_job_call(&mut self, key: Key<Job>, call: Key<Call>) {
        let Some(job) = self.jobs.get_mut(key) else { return };
        job.call = Some(call);
        // Nobody waits at its door: no silence ends it, only the bound on all calls does.
        if let Some(call) = self.calls.get_mut(call)
            && let Some(extension) = call.extension
        {
            call.deadline = extension.until;
        }
    }

    fn list_jobs(&mut self, exchange: Key<Exchange>, session: Key<Session>, one: &Incoming) {
        let id = one.id().unwrap_or(b"null");
        let params = one.envelope.params;
        let cursor = params.and_then(|params| scan::member(&one.message, params, "cursor"));
        if cursor.is_some() {
            return self.refuse_task(exchange, id, "there is no such page");
        }
        let Some(session) = self.sessions.get(session) else { return };
        let jobs = self.jobs.of(session.server, session.principal);
        let answer = task::list(id, jobs.map(Job::task));
        self.deliver(exchange, answer.into());
    }

    /// `tasks/get`, `tasks/result` and `tasks/cancel`.
    fn ask_job(&mut self, exchange: Key<Exchange>, session: Key<Session>, one: &Incoming) {
        let id = one.id().unwrap_or(b"null");
        let Some(of) = self.sessions.get(session) else { return };
        let name = task::id_of(&one.message, one.envelope.params);
        let found = name.and_then(|name| self.jobs.find(of.server, of.principal, &name));
        let Some(key) = found else {
            return self.refuse_task(exchange, id, "there is no such task");
        };
        let is_final = self.jobs.get(key).is_some_and(|job| job.status.is_final());
        match one.method {
            Method::TasksCancel if is_final => {
                return self.refuse_task(exchange, id, "the task is over already");
            }
            Method::TasksCancel => self.cancel_job(key),
            Method::TasksResult if is_final => return self.deliver_result(key, exchange, id),
            Method::TasksResult => return self.wait_for_job(key, exchange, session, one),
            _ => {}
        }
        let Some(job) = self.jobs.get(key) else { return };
        let state = job.task().state(id);
        self.deliver(exchange, state.into());
    }

    fn refuse_task(&mut self, exchange: Key<Exchange>, id: &[u8], why: &'static str) {
        let fault = Fault::from(ClientFault::Task(why));
        self.deliver(exchange, fault.message(Some(id)).into());
    }

    fn deliver_result(&mut self, key: Key<Job>, exchange: Key<Exchange>, id: &[u8]) {
        let Some(job) = self.jobs.get(key) else { return };
        let answer = match &job.outcome {
            Some(Outcome::Result(result)) => task::payload(id, result, &job.id),
            Some(Outcome::Error(error)) => error_answer(id, error),
            None => return,
        };
        self.deliver(exchange, answer.into());
    }

    /// The backend has answered the call of a job.
    pub(super) fn job_answered(
        &mut self,
        key: Key<Job>,
        call: &Call,
        message: &Message,
        envelope: &Envelope,
    ) {
        let Some(job) = self.jobs.get(key) else { return };
        let (server, is_modern) = (job.server, job.is_modern);
        let read = match is_modern {
            true => self.modern_outcome(call, message, envelope),
            false => Ok(None),
        };
        let ended = read.and_then(|own| match own {
            Some(own) => self.outcome(&own.message, &own.envelope, is_modern),
            None => self.outcome(message, envelope, is_modern),
        });
        match ended {
            Ok(ended) => self.end_job(key, ended, None),
            Err(detail) => {
                let kind = BackendFaultKind::Misbehaved;
                let fault = backend(&self.snapshot, server, kind, detail);
                self.job_failed(key, &fault);
            }
        }
    }

    fn outcome(
        &self,
        message: &Message,
        envelope: &Envelope,
        is_modern: bool,
    ) -> Result<(Status, Outcome), &'static str> {
        match (envelope.result, envelope.error) {
            (Some(result), _) if result.len() > self.limits().job_bytes_max => {
                Err("its answer is longer than what is kept of a task")
            }
            (Some(result), _) => {
                // In the modern protocol a tool that has failed has done so with a result.
                let failed = !is_modern && task::is_failure(message, result);
                let status = if failed { Status::Failed } else { Status::Completed };
                Ok((status, Outcome::Result(message.slice(result))))
            }
            (None, Some(error)) => Ok((Status::Failed, Outcome::Error(message.slice(error)))),
            (None, None) => Err("its answer is none"),
        }
    }

    /// The call of a job has failed.
    pub(crate) fn job_failed(&mut self, key: Key<Job>, fault: &Fault) {
        let error = error_of(fault);
        self.end_job(key, (Status::Failed, Outcome::Error(error)), Some(&fault.text()));
    }

    pub(super) fn cancel_job(&mut self, key: Key<Job>) {
        let call = self.jobs.get_mut(key).and_then(|job| job.call.take());
        let error = error_of(&ClientFault::Task("the task was cancelled").into());
        self.end_job(key, (Status::Cancelled, Outcome::Error(error)), None);
        if let Some(call) = call {
            self.give_up_job_call(call);
        }
    }

    /// Nobody wants the answer to the call of a job any more.
    fn give_up_job_call(&mut self, key: Key<Call>) {
        self.tell_cancelled(key, "the task was given up");
        self.calls.cancel(key);
        self.wait_for_late_answer(key);
    }

    fn end_job(&mut self, key: Key<Job>, ended: (Status, Outcome), why: Option<&str>) {
        let room = self.job_room();
        let waiters = self.jobs.finish(key, ended, why, self.now.unix_ms, room);
        for waiter in waiters {
            let Some(call) = self.calls.remove(waiter).filter(|call| !call.cancelled) else {
                continue;
            };
            if let CallFor::Exchange(exchange) = call.whom {
                self.deliver_result(key, exchange, &call.id);
            }
        }
        let Some(job) = self.jobs.get(key) else { return };
        let (session, told) = (job.session, job.task().notification());
        self.leave_session(session);
        // Whoever does not listen will ask.
        if self.sessions.get(session).and_then(Session::listener).is_some() {
            self.relay(session, None, told.into(), None);
        }
    }

    fn leave_session(&mut self, key: Key<Session>) {
        let now = self.now.mono;
        if let Some(session) = self.sessions.get_mut(key) {
            session.n_exchanges = session.n_exchanges.saturating_sub(1);
            session.used_at = now;
        }
    }

    /// The session whose client hears of the progress of a job.
    pub(super) fn session_of_job(&self, key: Key<Job>) -> Option<Key<Session>> {
        let session = self.jobs.get(key)?.session;
        // Behind a session of a pool there are many clients.
        self.sessions.get(session).filter(|of| !of.is_pooled()).map(|_| session)
    }

    /// Forgets the jobs whose time is over.
    pub(crate) fn expire_jobs(&mut self) {
        for job in self.jobs.expire(self.now.mono) {
            if !job.status.is_final() {
                self.leave_session(job.session);
            }
            if let Some(call) = job.call {
                self.give_up_job_call(call);
            }
            for waiter in job.waiters {
                self.fail_call(waiter, &ClientFault::Task("the time of the task is over").into());
            }
        }
        if let Some(at) = self.jobs.next_end() {
            self.alarms.set(Alarm::Jobs, at);
        }
    }

    /// What has to hold between any two inputs, for jobs.
    pub(crate) fn check_jobs(&self) {
        for (key, job) in self.jobs.iter() {
            let call = job.call.and_then(|call| self.calls.get(call));
            let is_asked = call.is_some_and(|call| call.whom == CallFor::Job(key));
            assert_eq!(is_asked, !job.status.is_final(), "a job at work has a call, and no other");
        }
    }
}

/// The JSON-RPC error of a fault, without the message around it.
fn error_of(fault: &Fault) -> Message {
    let message = fault.message(None);
    let whole = crate::base::Span::new(0, message.len());
    scan::member(&message, whole, "error").map_or(Message::default(), |span| message.slice(span))
}

fn error_answer(id: &[u8], error: &[u8]) -> Message {
    Message::new([b"{\"jsonrpc\":\"2.0\",\"id\":", id, b",\"error\":", error, b"}"].concat())
}
