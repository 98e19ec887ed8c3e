// SPDX-License-Identifier: MIT
//! One request, from its head to its answer.
//!
//! ```text
//!  request ──> label the call ──> monitor ─┬─> refusal
//!                                          └─> forge ──> label the answer ──> what is left of it
//! ```

use std::sync::{Mutex, PoisonError};

use super::facts::Facts;
use super::graphql;
use super::judge::{Asked, Guard};
use super::log::Log;
use super::remains::{Judged, Left, Reader, pointers};
use super::reply::{self, Reply};
use crate::base::{Message, Secret};
use crate::gateway::io::Level;
use crate::github_proxy::answer::{self, Answer, Refusal, is_judged, passes_unlabelled};
use crate::github_proxy::graphql::{Judgement, Part, Plan};
use crate::github_proxy::request::{self, Kind};
use crate::github_proxy::route::{self, Routed, Verdict};
use crate::github_proxy::{Call, Care, shape};
use crate::policy::auth::{self, origin};
use crate::policy::guard::agents::Agents;
use crate::policy::guard::monitor;
use crate::policy::guard::{Labelled, Labels, Mode, Operation, WILDCARD, denial, reflect};
use crate::run::fetch::Forge;
use crate::run::read_clock;
use crate::wire::http1::{Field, RequestHead};
use crate::wire::json::scan;
use crate::wire::json::tree::TREE_DEPTH_MAX;

/// What everybody who asks here is called.
pub const AGENT: &str = "proxy";

/// Redirects that are followed in a row.
pub const REDIRECTS_MAX: u32 = 5;

/// All that answers share.
pub struct Proxy {
    /// Where the forge is.
    pub forge: Forge,
    /// The credential for clients that bring none, as a value of `Authorization`.
    pub token: Option<Secret>,
    /// Who labels; `None`: there is no policy.
    pub guard: Option<Guard>,
    /// What happens where labels do not fit.
    pub mode: Mode,
    /// What happens to what nobody understands.
    pub care: Care,
    /// Who may ask.
    pub origins: auth::Options,
    /// What the agent carries.
    pub agents: Mutex<Agents>,
    /// What guards have learned.
    pub facts: Facts,
    /// Where things are written down.
    pub log: Log,
}

/// A request that is being answered.
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The target; of a request that was sorted, what stands below the base of the interface.
    pub target: &'a str,
    /// The client's own credential.
    pub authorization: Option<&'a [u8]>,
    /// What the body is.
    pub content_type: Option<&'a [u8]>,
    /// The body, empty if there is none.
    pub body: &'a Message,
}

/// A call, and what the guard has said of it.
struct Judging<'a> {
    guard: &'a Guard,
    call: &'a Call,
    args: Message,
    labelled: Labelled,
}

impl Proxy {
    /// Answers one request.
    pub fn answer(&self, head: &RequestHead, body: &Message) -> Reply {
        let method = head.bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
        let target = head.target.of(&head.bytes);
        let (Ok(method), Ok(target)) = (str::from_utf8(method), str::from_utf8(target)) else {
            return Reply::refused(&Refusal::UnknownEndpoint);
        };
        let host = head.field(Field::Host);
        let is_ours = origin::allow(&self.origins, head.field(Field::Origin), host, false);
        if is_ours.is_err() && self.care == Care::Strict {
            return Reply::refused(&Refusal::UnknownEndpoint);
        }
        let request = Request {
            method,
            target,
            authorization: head.field(Field::Authorization),
            content_type: head.field(Field::ContentType),
            body,
        };
        let answered = match request::kind(method, target) {
            Kind::Health => Ok(Reply::own(answer::health())),
            Kind::Reflect => Ok(self.reflection()),
            Kind::GraphQl => self.query(&request),
            Kind::Rest(target) => self.rest(&Request { target, ..request }),
        };
        answered.unwrap_or_else(|refusal| self.refuse(&request, &refusal))
    }

    fn refuse(&self, request: &Request<'_>, refusal: &Refusal) -> Reply {
        let path = request.target.split('?').next().unwrap_or_default();
        let text = format!("refused {} {path}: {refusal:?}", request.method);
        self.log.note(Level::Warn, "proxy", text);
        Reply::refused(refusal)
    }

    fn reflection(&self) -> Reply {
        let agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        let body = reflect::reflect(&agents, self.mode, read_clock().unix_ms);
        Reply::own(Answer { body, ..answer::health() })
    }

    fn reader(&self) -> Reader {
        let agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        let compat = self.care == Care::Compat;
        Reader { labels: agents.get(AGENT), mode: self.mode, compat }
    }

    fn rest(&self, request: &Request<'_>) -> Result<Reply, Refusal> {
        let mut target = request.target.to_owned();
        for _ in 0..=REDIRECTS_MAX {
            let next = Request { target: &target, ..*request };
            match route::route(next.method, &target, next.body, self.care) {
                Verdict::Open => return self.open(&next),
                Verdict::Unmatched if self.care == Care::Strict => {
                    return Err(match self.guard {
                        Some(_) => Refusal::UnknownEndpoint,
                        None => Refusal::NoPolicy,
                    });
                }
                Verdict::Unmatched => {
                    let path = target.split('?').next().unwrap_or_default();
                    let text = format!("unrecognized_endpoint_passthrough {} {path}", next.method);
                    self.log.note(Level::Warn, "proxy", text);
                    return self.open(&next);
                }
                Verdict::Routed(routed) => match self.routed(&next, &routed)? {
                    Ok(reply) => return Ok(reply),
                    Err(elsewhere) => target = elsewhere,
                },
            }
        }
        Err(Refusal::Unreachable)
    }

    /// Hands on what everybody may see.
    fn open(&self, request: &Request<'_>) -> Result<Reply, Refusal> {
        let answered = self.forward(request, &self.forge.target(request.target))?;
        Ok(Reply::forges(answered, None, read_clock().unix_ms))
    }

    /// What a judged request is answered; inside `Err`: it is to be asked at this target.
    fn routed(
        &self,
        request: &Request<'_>,
        routed: &Routed,
    ) -> Result<Result<Reply, String>, Refusal> {
        let guard = self.guard.as_ref().ok_or(Refusal::NoPolicy)?;
        let reader = self.reader();
        let judging = self.label(request, guard, &routed.call, routed.is_write, &reader)?;
        let by_call = reader.by_call(&judging.labelled);
        let may_read_call = by_call.left == Left::All;
        let is_unread = routed.is_archive || request.method == "HEAD";
        if is_unread && !may_read_call {
            return Err(self.denied(&reader, &judging.labelled));
        }
        let mut answered = self.forward(request, &self.forge.target(request.target))?;
        let is_read = request.method == "GET" && !routed.is_archive;
        if is_read && let Some(location) = answered.redirect() {
            match self.target_of(location) {
                Some(target) => return Ok(Err(target)),
                None if !may_read_call => return Err(self.denied(&reader, &judging.labelled)),
                None => answered = self.follow(answered, request)?,
            }
        }
        let reply = |answered, body| Ok(Ok(Reply::forges(answered, body, read_clock().unix_ms)));
        if !is_judged(answered.status) {
            return reply(answered, None);
        }
        if is_unread {
            self.read(&by_call.kept)?;
            return reply(answered, None);
        }
        let is_json = scan::validate(&answered.body, TREE_DEPTH_MAX).is_ok();
        if routed.is_write && judging.labelled.operation == Operation::Write {
            let hides = !may_read_call && self.care == Care::Strict && !answered.body.is_empty();
            self.read(&by_call.kept)?;
            let body = hides.then(|| self.echo(&reader, &judging.labelled, &answered.body));
            return reply(answered, body);
        }
        if !is_json {
            if !passes_unlabelled(may_read_call, false, self.care) {
                return Err(self.denied(&reader, &judging.labelled));
            }
            self.read(&by_call.kept)?;
            return reply(answered, None);
        }
        let body = self.judged(request, &judging, &reader, &answered.body)?;
        reply(answered, body)
    }

    /// What is left of an answer; `None`: all of it.
    fn judged(
        &self,
        request: &Request<'_>,
        judging: &Judging<'_>,
        reader: &Reader,
        text: &[u8],
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let guard = |result| self.findings(request, judging, result);
        let mut judged =
            reader.judge(text, &judging.labelled, guard).map_err(|why| self.unlabelled(&why))?;
        self.minutes(request, judging.call.tool, &mut judged)?;
        self.read(&judged.kept)?;
        let gone = |pointers: Vec<String>| {
            let rest = shape::remove(text, pointers.iter().map(String::as_str));
            rest.unwrap_or_else(|| shape::empty(text).to_vec())
        };
        Ok(match judged.left {
            Left::All => None,
            Left::Nothing => Some(gone(vec![String::new()])),
            Left::NothingByCall => Some(shape::empty(text).to_vec()),
            Left::Without(places) => match pointers(text, &places) {
                Some(pointers) => Some(gone(pointers)),
                None => Some(shape::empty(text).to_vec()),
            },
            Left::Instead(text) => Some(text),
        })
    }

    fn query(&self, request: &Request<'_>) -> Result<Reply, Refusal> {
        let judgement = crate::github_proxy::graphql::judge(request.body);
        match judgement {
            Err(why) => {
                let text = format!("a query is not understood: {why}");
                self.log.note(Level::Warn, "proxy", text);
                Err(Refusal::UnknownQuery)
            }
            Ok(Judgement::Open) => {
                let answered = self.ask_query(request, request.body)?;
                Ok(Reply::forges(answered, None, read_clock().unix_ms))
            }
            Ok(Judgement::Guarded(plan)) => self.planned(request, plan),
        }
    }

    fn planned(&self, request: &Request<'_>, plan: Plan) -> Result<Reply, Refusal> {
        let guard = self.guard.as_ref().ok_or(Refusal::NoPolicy)?;
        let reader = self.reader();
        let mut labelled = Vec::new();
        for part in &plan.parts {
            let judging = self.label(request, guard, &part.call, plan.is_write, &reader)?;
            labelled.push(graphql::Labelling { part, labelled: judging.labelled });
        }
        let answered = self.ask_query(request, &Message::new(plan.body))?;
        if !is_judged(answered.status) {
            return Ok(Reply::forges(answered, None, read_clock().unix_ms));
        }
        if scan::validate(&answered.body, TREE_DEPTH_MAX).is_err() {
            return Err(Refusal::BrokenOff);
        }
        let mut answer = graphql::Answer::new(&answered.body, &reader);
        let label = |part: &Part, result: Message| {
            let args = Message::new(part.call.args_json());
            let asked = Asked { tool: part.call.tool, args: &args };
            guard.findings(asked, result, &|need| self.meet(request, need))
        };
        for one in &labelled {
            if plan.is_write {
                answer.judge_by_call(one);
            } else {
                answer.judge(one, &label).map_err(|why| self.unlabelled(&why))?;
            }
        }
        let rest = answer.rest();
        let mut judged = answer.judged;
        let tool = plan.parts.first().map_or("", |part| part.call.tool);
        self.minutes(request, tool, &mut judged)?;
        self.read(&judged.kept)?;
        Ok(Reply::forges(answered, rest, read_clock().unix_ms))
    }

    /// Labels a call, and decides whether it may be made.
    fn label<'a>(
        &self,
        request: &Request<'_>,
        guard: &'a Guard,
        call: &'a Call,
        is_write: bool,
        reader: &Reader,
    ) -> Result<Judging<'a>, Refusal> {
        let args = Message::new(call.args_json());
        let asked = Asked { tool: call.tool, args: &args };
        let labelled = guard.label(asked, &|need| self.meet(request, need));
        let mut labelled = labelled.map_err(|error| self.unlabelled(&error.text))?;
        if is_write && labelled.operation == Operation::Read {
            labelled.operation = Operation::Write;
        }
        let Labelled { object, operation } = &labelled;
        let decision = monitor::decide(&reader.labels, &object.labels, *operation, self.mode);
        if let Some(violation) = decision.denied()
            && !monitor::goes_on_although_denied(*operation)
        {
            return Err(Refusal::Denied(denial::reason(object, violation)));
        }
        Ok(Judging { guard, call, args, labelled })
    }

    fn findings(
        &self,
        request: &Request<'_>,
        judging: &Judging<'_>,
        result: Message,
    ) -> Result<crate::policy::guard::Findings, crate::policy::guard::GuardError> {
        let asked = Asked { tool: judging.call.tool, args: &judging.args };
        judging.guard.findings(asked, result, &|need| self.meet(request, need))
    }

    fn meet(
        &self,
        request: &Request<'_>,
        need: &crate::policy::guard::Need,
    ) -> crate::policy::guard::Met {
        let own = request.authorization.map(Secret::new);
        self.facts.meet(&self.forge, need, self.token.as_ref().or(own.as_ref()))
    }

    /// Why what was asked for may not be read.
    fn denied(&self, reader: &Reader, labelled: &Labelled) -> Refusal {
        match reader.refuses(&labelled.object.labels) {
            Some(violation) => Refusal::Denied(denial::reason(&labelled.object, &violation)),
            None => Refusal::Unlabelled,
        }
    }

    fn unlabelled(&self, why: &str) -> Refusal {
        self.log.note(Level::Error, "guard", format!("labeling failed: {why}"));
        Refusal::Unlabelled
    }

    /// What is shown of the answer to a change.
    fn echo(&self, reader: &Reader, labelled: &Labelled, text: &[u8]) -> Vec<u8> {
        let is_secret = !labelled.object.labels.secrecy.flows_into(&reader.labels.secrecy);
        let is_json = scan::validate(text, TREE_DEPTH_MAX).is_ok();
        if is_secret || !is_json { b"{}".to_vec() } else { reply::echo(text) }
    }

    /// Writes down what goes. In strict mode one item withholds all.
    fn minutes(
        &self,
        request: &Request<'_>,
        tool: &str,
        judged: &mut Judged,
    ) -> Result<(), Refusal> {
        self.log.filtered(tool, std::mem::take(&mut judged.records));
        let (n_removed, n_items) = (judged.n_removed, judged.n_items);
        if n_removed > 0 {
            let path = request.target.split('?').next().unwrap_or_default();
            let method = request.method;
            let text = format!(
                "DIFC filtered {n_removed}/{n_items} items for {method} {path} (tool={tool})"
            );
            self.log.note(Level::Info, "proxy", text);
        }
        if monitor::withholds_all(self.mode, n_removed) {
            return Err(Refusal::Withheld { n_removed, n_items });
        }
        Ok(())
    }

    /// The agent is about to read this, and carries it from now on if that is how it goes.
    fn read(&self, kept: &[Labels]) -> Result<(), Refusal> {
        if self.mode != Mode::Propagate || kept.is_empty() {
            return Ok(());
        }
        let denied = |why: &str| Err(Refusal::Denied(why.to_owned()));
        // On the side of the reader it would stand for every secret there is.
        if kept.iter().any(|labels| labels.secrecy.contains(WILDCARD)) {
            return denied("The answer has a secrecy that nobody can carry.");
        }
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        let mut labels = agents.get(AGENT);
        monitor::accumulate(&mut labels, kept);
        agents.set(AGENT, labels).or_else(|full| denied(&full.to_string()))
    }
}
