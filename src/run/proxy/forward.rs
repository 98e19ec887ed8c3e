// SPDX-License-Identifier: MIT
//! From a request to the forge's answer: with which credential, and where redirects lead.

use std::time::{Duration, Instant};

use super::serve::{Proxy, REDIRECTS_MAX, Request};
use crate::base::{Limits, Message, Secret};
use crate::config::forge::address;
use crate::gateway::io::Level;
use crate::github_proxy::answer::{self, Refusal};
use crate::github_proxy::request;
use crate::run::fetch::{Answered, Failed, Question};

/// How long the forge may take for one answer.
const ANSWERED_AFTER_MAX: Duration = Duration::from_secs(60);

/// The type of what is sent to the GraphQL interface.
const JSON: &[u8] = b"application/json";

impl Proxy {
    /// Asks a query, whatever the target of the request was.
    pub(super) fn ask_query(
        &self,
        request: &Request<'_>,
        body: &Message,
    ) -> Result<Answered, Refusal> {
        let target = request::graphql_url(&self.forge.api.3);
        let request = Request { method: "POST", content_type: Some(JSON), body, ..*request };
        self.forward(&request, &target)
    }

    /// Asks the forge what a client has asked.
    pub(super) fn forward(&self, request: &Request<'_>, target: &str) -> Result<Answered, Refusal> {
        // Nobody has judged what a request for something that is only looked at may hold.
        let is_read = matches!(request.method, "GET" | "HEAD");
        let has_body = !is_read && !request.body.is_empty();
        let content_type = request.content_type.filter(|_| has_body);
        let authorization = request.authorization.or(self.token.as_ref().map(Secret::expose));
        let fields = answer::request_fields(authorization, None, content_type);
        let question = Question {
            method: request.method,
            target,
            fields: &fields,
            body: has_body.then_some(request.body),
            until: Instant::now() + ANSWERED_AFTER_MAX,
            bytes_max: Limits::DEFAULT.backend_message_bytes_max,
        };
        self.forge.ask(&question).map_err(|failed| self.failed(failed))
    }

    fn failed(&self, failed: Failed) -> Refusal {
        let (why, refusal) = match failed {
            Failed::Unreachable(why) => (why, Refusal::Unreachable),
            Failed::BrokenOff(why) => (why, Refusal::BrokenOff),
        };
        self.log.note(Level::Error, "proxy", format!("the forge does not answer: {why}"));
        refusal
    }

    /// The target below the base of the interface, if `location` is there.
    pub(super) fn target_of(&self, location: &str) -> Option<String> {
        if location.starts_with('/') && !location.starts_with("//") {
            return self.below(location);
        }
        let (tls, host, port, path) = address(location).ok()?;
        let own = &self.forge.api;
        let is_own = tls == own.0 && host.eq_ignore_ascii_case(&own.1) && port == own.2;
        if is_own { self.below(&path) } else { None }
    }

    fn below(&self, path: &str) -> Option<String> {
        let base = self.forge.api.3.trim_end_matches('/');
        path.strip_prefix(base).filter(|path| path.starts_with('/')).map(str::to_owned)
    }

    /// Fetches what lies elsewhere, without any credential.
    pub(super) fn follow(
        &self,
        first: Answered,
        request: &Request<'_>,
    ) -> Result<Answered, Refusal> {
        let mut answered = first;
        for _ in 0..REDIRECTS_MAX {
            let Some(location) = answered.redirect() else { return Ok(answered) };
            let elsewhere = address(location).map_err(|_| Refusal::Unreachable)?;
            // What was fetched in secrecy stays so.
            if self.forge.api.0 && !elsewhere.0 {
                return Err(Refusal::Unreachable);
            }
            let fields = answer::request_fields(None, None, None);
            let question = Question {
                method: request.method,
                target: &elsewhere.3.clone(),
                fields: &fields,
                body: None,
                until: Instant::now() + ANSWERED_AFTER_MAX,
                bytes_max: Limits::DEFAULT.backend_message_bytes_max,
            };
            let next = self.forge.ask_at(&elsewhere, &question);
            answered = next.map_err(|failed| self.failed(failed))?;
        }
        Err(Refusal::Unreachable)
    }
}
