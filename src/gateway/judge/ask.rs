// SPDX-License-Identifier: MIT
//! From a request to its labels, and from there to its backend or to a refusal.

use std::sync::Arc;

use super::deny::Denial;
use super::guards::Begun;
use super::needs::Needs;
use super::piece::{Asking, Piece};
use super::{Judging, Standing, standing};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::alarm::Alarm;
use crate::gateway::call::{Call, CallFor};
use crate::gateway::exchange::Exchange;
use crate::gateway::exchange::open::Incoming;
use crate::gateway::io::{Level, Output};
use crate::gateway::session::Session;
use crate::gateway::snapshot::{ServerId, Watch, WatchKind};
use crate::mcp::method::Method;
use crate::policy::guard::monitor::{self, Decision};
use crate::policy::guard::{Labelled, denial, write_sink};
use crate::wire::json::{fold, scan};

/// What a call without arguments is judged by.
const NO_ARGUMENTS: &[u8] = b"null";

impl Gateway {
    /// Whether a request is judged before anything else becomes of it, or refused at once.
    pub(crate) fn is_judged_first(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> bool {
        // Where nothing watches over anything or counts it, nothing is looked up for it.
        let is_looked_into = self.snapshot.guards.is_enabled || !self.budgets.is_idle();
        is_looked_into && self.is_watched_first(exchange, session, one)
    }

    fn is_watched_first(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> bool {
        let Some(server) = self.sessions.get(session).map(|session| session.server) else {
            return false;
        };
        let watch = self.watch_of(server);
        if watch.is_none() && self.budgets.is_idle() {
            return false;
        }
        match standing(one.method) {
            Standing::Free => match self.in_plain_words(exchange, session, one) {
                Err(denial) => self.deny_unsent(exchange, server, one, denial),
                Ok(Some(plain)) => {
                    self.send_call(exchange, session, &plain);
                }
                Ok(None) => return false,
            },
            Standing::Refused if watch.is_none() => return false,
            Standing::Refused if self.is_guarded(server) => {
                let reason = "No guard can judge this method, so it is not passed on.";
                let denial = Denial::new("guard.method", reason, "tools, prompts and resources");
                self.deny_unsent(exchange, server, one, denial);
            }
            // What needs no guard judges every method alike.
            Standing::Judged | Standing::Refused => {
                self.judge((exchange, session), server, watch.as_ref(), one);
            }
        }
        true
    }

    fn judge(
        &mut self,
        (exchange, session): (Key<Exchange>, Key<Session>),
        server: ServerId,
        watch: Option<&Arc<Watch>>,
        one: &Incoming,
    ) {
        if is_misspelt(one, watch.is_some()) {
            let reason =
                "A parameter is spelled so that a guard and a server could differ about it.";
            let allowed = "requests whose parameters are spelled as the protocol has them";
            let denial = Denial::new("guard.arguments", reason, allowed);
            return self.deny_unsent(exchange, server, one, denial);
        }
        let Some(judging) = self.new_judging(exchange, session, server, one) else {
            return;
        };
        if let Err(denial) = self.may_be_judged(judging, watch) {
            self.drop_holder(judging);
            return self.deny_unsent(exchange, server, one, denial);
        }
        match watch {
            Some(watch) => self.label_call(judging, watch),
            None => self.send_judged(judging),
        }
    }

    /// The judgement of a request, held by a call that is never sent.
    fn new_judging(
        &mut self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        server: ServerId,
        one: &Incoming,
    ) -> Option<Key<Judging>> {
        let who = self.sessions.get(session)?.principal;
        if self.judgings.len() >= self.limits().guard_jobs_max {
            let reason = "Too many calls are being judged; try again later.";
            let denial = Denial::new("guard.busy", reason, "the same call, later");
            self.deny_unsent(exchange, server, one, denial);
            return None;
        }
        let holder = self.call_never_sent(exchange, session, one)?;
        let deadline = self.now.mono + self.server(server).tool_timeout;
        let key = self.judgings.insert(Judging {
            holder,
            exchange,
            session,
            server,
            who,
            request: one.message.clone(),
            tool: tool_of(one),
            args: args_of(one),
            labelled: None,
            held: None,
            asking: None,
            piece: None,
            ticket: None,
            needs: Needs::default(),
            deadline,
            until: None,
        });
        if let Some(call) = self.calls.get_mut(holder) {
            call.watched = Some(key);
            call.deadline = deadline;
        }
        self.alarms.set(Alarm::Calls, deadline);
        Some(key)
    }

    /// Ends the call that stands for a judgement, without a word to anybody.
    pub(super) fn drop_holder(&mut self, key: Key<Judging>) -> Option<Call> {
        let holder = self.judgings.get(key)?.holder;
        self.calls.remove(holder)
    }

    /// What can be said without labels: whether there is time and room left for the call.
    fn may_be_judged(
        &mut self,
        key: Key<Judging>,
        watch: Option<&Arc<Watch>>,
    ) -> Result<(), Denial> {
        let Some(judging) = self.judgings.get(key) else { return Ok(()) };
        let (server, who) = (judging.server, judging.who);
        let (tool, args) = (judging.tool.clone(), judging.args.clone());
        if watch.is_some() {
            self.introduce(who, None)?;
        }
        if let Some(denial) = self.denied_before(who, server, &tool, &args) {
            return Err(denial);
        }
        if let Some(watch) = watch {
            self.count_call(who, server, &tool, watch)?;
        }
        self.take_budget(key)
    }

    /// Labels the call at once, or has a guard do it.
    fn label_call(&mut self, key: Key<Judging>, watch: &Arc<Watch>) {
        let Some(judging) = self.judgings.get(key) else { return };
        let tool = judging.tool.clone();
        let labelled = match &watch.kind {
            WatchKind::Noop => write_sink::noop(),
            WatchKind::WriteSink(sink) => write_sink::label(&tool, sink),
            WatchKind::GitHub | WatchKind::Wasm { .. } => {
                let request = judging.request.clone();
                return self.ask_guard(key, Asking::Call(Some(request)));
            }
        };
        self.call_labelled(key, labelled);
    }

    /// Gives a guard its question.
    pub(super) fn ask_guard(&mut self, key: Key<Judging>, asking: Asking) {
        let Some(judging) = self.judgings.get(key) else { return };
        let server = judging.server;
        let (tool, args) = (judging.tool.clone(), judging.args.clone());
        match self.guards.begin(server, (&tool, &args), asking, self.now) {
            Begun::Piece(piece) => self.work_on(key, piece),
            Begun::Waits(asking) => self.wait_for_guard(key, server, asking),
            Begun::Broken(why) => self.guard_failed(key, &why),
        }
    }

    fn wait_for_guard(&mut self, key: Key<Judging>, server: ServerId, asking: Asking) {
        if let Some(judging) = self.judgings.get_mut(key) {
            judging.asking = Some(asking);
        }
        let judgings = &self.judgings;
        self.guards.wait(server, key, |waiting| judgings.contains(waiting));
    }

    pub(super) fn work_on(&mut self, key: Key<Judging>, piece: Piece) {
        self.push(Output::Work { judging: key, task: Box::new(piece) });
    }

    /// The labels of a call are there: the monitor decides.
    pub(super) fn call_labelled(&mut self, key: Key<Judging>, labelled: Labelled) {
        let Some(judging) = self.judgings.get_mut(key) else { return };
        judging.labelled = Some(labelled);
        if let Err(denial) = self.may_be_made(key).and_then(|()| self.take_flow(key)) {
            return self.refuse_judged(key, denial);
        }
        self.send_judged(key);
    }

    /// A judged call has waited for its turn: its agent may carry more than it did.
    pub(crate) fn turn_has_come(&mut self, key: Key<Judging>) {
        match self.may_be_made(key) {
            Ok(()) => self.send_judged(key),
            Err(denial) => self.refuse_judged(key, denial),
        }
    }

    /// Whether a call that is labelled may be made with the labels that its agent carries now.
    fn may_be_made(&mut self, key: Key<Judging>) -> Result<(), Denial> {
        let Some(judging) = self.judgings.get(key) else { return Ok(()) };
        let (server, who) = (judging.server, judging.who);
        let Some(Labelled { object, operation }) = judging.labelled.clone() else { return Ok(()) };
        let Some(watch) = self.watch_of(server) else { return Ok(()) };
        let mode = self.guard_mode(server, &watch);
        let agent = self.labels_of(who);
        let decision = monitor::decide(&agent, &object.labels, operation, mode);
        let denied = match &decision {
            Decision::Deny(violation) if !monitor::goes_on_although_denied(operation) => {
                let text = denial::violation_text(&object, &agent, violation);
                let (reason, allowed) =
                    (denial::reason(&object, violation), denial::allowed(violation));
                let denied = Denial::new(violation.kind.rule(), &reason, &allowed);
                Some((reason, denied.with_text(text)))
            }
            _ => {
                let denied = self.read_tells_too_much(server, who, &Labelled { object, operation });
                denied.map(|denied| (denied.text.to_string(), denied))
            }
        };
        match denied {
            Some((reason, denied)) if watch.shadow => {
                self.note_shadow(key, &denied.rule, &reason);
                Ok(())
            }
            Some((_, denied)) => Err(denied),
            None => Ok(()),
        }
    }

    /// Answers a judged request with a denial, and remembers it.
    pub(super) fn refuse_judged(&mut self, key: Key<Judging>, denial: Denial) {
        let Some(call) = self.drop_holder(key) else { return };
        let Some(judging) = self.take_judging(key) else { return };
        self.note_denial(&judging, &denial);
        self.count_denial(judging.server, call.tool.is_some() && judging.held.is_none());
        self.answer_denied(call, denial);
    }

    /// Tells whoever waits for a call that it is denied.
    pub(super) fn answer_denied(&mut self, call: Call, denial: Denial) {
        match call.whom {
            _ if call.cancelled => {}
            // Its client may have come back for the answer with another exchange.
            CallFor::Exchange(exchange) => self.deny(exchange, &call.id, denial),
            CallFor::Parked => {
                let message = self.refusal(&call.id, denial);
                self.answered_while_parked(call, &message);
            }
            _ => {}
        }
    }

    /// Lets a judged request go to its backend.
    pub(super) fn send_judged(&mut self, key: Key<Judging>) {
        let Some(call) = self.drop_holder(key).filter(|call| !call.cancelled) else {
            return;
        };
        let Some(judging) = self.judgings.get(key) else { return };
        let (exchange, session) = (judging.exchange, judging.session);
        let Some(mut one) = self.read_again(judging.request.clone()) else { return };
        one.watched = Some(key);
        // Whoever sends it holds the judgement; what is known already may be judged by now.
        let sent = self.send_call(exchange, session, &one);
        let until = self.judgings.get(key).and_then(|judging| judging.until);
        if let Some(sent) = sent.and_then(|sent| self.calls.get_mut(sent)) {
            sent.n_rounds = call.n_rounds;
            if let Some(until) = until {
                sent.deadline = sent.deadline.min(until);
                sent.extension = None;
                self.alarms.set(Alarm::Calls, sent.deadline);
            }
        }
    }

    /// Writes down what would have been denied.
    pub(super) fn note_shadow(&mut self, key: Key<Judging>, rule: &str, reason: &str) {
        let Some(judging) = self.judgings.get(key) else { return };
        let text = format!("would deny {} by {rule}: {reason}", judging.tool);
        let server = Some(judging.server);
        self.note(Level::Warn, "guard", server, text);
    }
}

/// Whether a parameter by which a request is judged is missing, or has a name that only some
/// readers take for it. Budgets go by the name of the tool alone.
fn is_misspelt(one: &Incoming, is_watched: bool) -> bool {
    const JUDGED_BY: [&str; 5] = ["name", "arguments", "uri", "ref", "cursor"];
    let is_tool = one.method == Method::ToolsCall;
    let known: &[&str] = match is_watched {
        true => &JUDGED_BY,
        false if is_tool => &JUDGED_BY[..1],
        false => &[],
    };
    let is_nameless = is_watched && is_tool && one.envelope.name.is_none();
    let is_other_case =
        |name: &str| known.iter().any(|known| fold::is_same(name, known) && name != *known);
    let Some(params) = one.envelope.params else { return is_nameless };
    let names = scan::members(&one.message, params).map(|(name, _)| name);
    let mut names = names.map(|name| scan::string(&one.message, name));
    let is_odd = names.any(|name| name.map_or(is_watched, |name| is_other_case(&name)));
    is_nameless || is_odd
}

/// The tool that a request calls; for other methods their name, which no tool has.
fn tool_of(one: &Incoming) -> Arc<str> {
    let span = match one.method {
        Method::ToolsCall => one.envelope.name,
        _ => one.envelope.method,
    };
    let name = span.and_then(|span| scan::string(&one.message, span));
    name.unwrap_or_default().into()
}

/// What a call is judged by: the arguments of a tool, all parameters of other methods.
fn args_of(one: &Incoming) -> Message {
    let params = one.envelope.params;
    let span = match one.method {
        Method::ToolsCall => params.and_then(|span| scan::member(&one.message, span, "arguments")),
        _ => params,
    };
    span.map_or(Message::fixed(NO_ARGUMENTS), |span| one.message.slice(span))
}
