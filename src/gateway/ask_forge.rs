// SPDX-License-Identifier: MIT
//! What guards ask the forge itself: a plain GET with the operator's token, at no backend.
//!
//! ```text
//!  guard: Need ──> ask_forge ─────> Output::Fetch: GET {api}/repos/…/collaborators/…/permission
//!         Met  <── forge_answered <── one JSON body, or nothing
//! ```
//!
//! Whatever goes wrong is no answer, and a guard then knows less: it must not think better of
//! anybody for that. A redirect is not followed, since the token is for one host.
//!
//! Spec: guards, 2.5.

use std::sync::Arc;

use super::Gateway;
use super::alarm::Alarm;
use super::backend::http::is_success;
use super::fetch::{Fetch, FetchFor};
use super::io::{FetchContent, FetchHead, FetchMethod, FetchRequest, Output};
use super::work::Judging;
use crate::base::{Key, Message};
use crate::policy::guard::{Need, PERMISSION_TOOL};
use crate::wire::json::tree;

/// The media type that the forge speaks.
const ACCEPT: &str = "application/vnd.github+json";
/// The longest name of an owner, a repository or a user, in bytes; the forge has no longer ones.
const NAME_BYTES_MAX: usize = 255;
/// The arguments are names.
const ARGS_DEPTH_MAX: usize = 8;

/// What a guard has asked the forge.
#[derive(Debug)]
pub struct Question {
    /// Who waits for the answer.
    pub judging: Key<Judging>,
    /// What was asked.
    pub need: Need,
    /// What was answered, as far as it has come.
    body: Option<Message>,
}

impl Gateway {
    /// Asks the forge. `None`: there is none, there is no token for it, or this is nothing that it
    /// is asked; nothing follows then. Otherwise `forge_answered` is called, unless
    /// [`Gateway::forget_question_at`] comes first.
    pub fn ask_forge(&mut self, judging: Key<Judging>, need: &Need) -> Option<Key<Fetch>> {
        let target = self.snapshot.guards.forge.clone()?;
        let path = path_of(&target.path, need)?;
        let until = self.now.mono + self.limits().forge_after_max;
        let question = Question { judging, need: need.clone(), body: None };
        let whom = FetchFor::Guard(Box::new(question));
        let fetch = self.fetches.insert(Fetch::new(whom, None, Some(until)));
        self.alarms.set(Alarm::Resumes, until);
        let request = FetchRequest {
            target: Arc::clone(&target),
            path: Some(path),
            method: FetchMethod::Get,
            session_id: None,
            revision: None,
            fields: vec![("Accept".into(), ACCEPT.into())],
            last_event_id: None,
            body: None,
            repeatable: true,
            head_after_max: None,
        };
        self.push(Output::Fetch { fetch, request: Box::new(request) });
        Some(fetch)
    }

    /// Nobody waits any more for what was asked here: forgets the request.
    pub fn forget_question_at(&mut self, fetch: Key<Fetch>) {
        let is_question = |fetch: &Fetch| matches!(fetch.whom, FetchFor::Guard(_));
        if self.fetches.get(fetch).is_some_and(is_question) {
            self.cancel_fetch(fetch);
        }
    }

    /// Forgets the requests that `is_meant` picks. Nothing follows for them.
    pub(super) fn forget_questions(&mut self, is_meant: impl Fn(&Question) -> bool) {
        let is_one = |fetch: &Fetch| match &fetch.whom {
            FetchFor::Guard(question) => is_meant(question),
            FetchFor::Backend(..) => false,
        };
        let meant = self.fetches.iter().filter(|(_, fetch)| is_one(fetch));
        for key in meant.map(|(key, _)| key).collect::<Vec<_>>() {
            self.cancel_fetch(key);
        }
    }

    /// The forge says something: it is all that it may say.
    pub(super) fn forge_said(&mut self, key: Key<Fetch>, message: Message) {
        let bytes_max = self.limits().forge_answer_bytes_max;
        let Some(Fetch { whom: FetchFor::Guard(question), .. }) = self.fetches.get_mut(key) else {
            return;
        };
        if message.len() > bytes_max || question.body.is_some() {
            return self.give_up_question(key);
        }
        question.body = Some(message);
    }

    /// The answer of the forge is complete, or will never be.
    pub(super) fn forge_done(&mut self, key: Key<Fetch>, is_complete: bool) {
        let Some((question, body)) = self.close_question(key, is_complete) else { return };
        self.forge_answered(question.judging, &question.need, body.as_ref());
    }

    /// Ends the request and says what has come of it.
    fn close_question(
        &mut self,
        key: Key<Fetch>,
        is_complete: bool,
    ) -> Option<(Question, Option<Message>)> {
        let fetch = self.fetches.remove(key)?;
        let FetchFor::Guard(mut question) = fetch.whom else { return None };
        let is_good =
            |head: FetchHead| is_success(head.status) && head.content == FetchContent::Json;
        let is_answer = is_complete && fetch.head.is_some_and(is_good);
        let body = question.body.take().filter(|_| is_answer);
        Some((*question, body))
    }

    /// The forge takes too long, or says too much.
    pub(super) fn give_up_question(&mut self, key: Key<Fetch>) {
        self.push(Output::Cancel { fetch: key });
        self.forge_done(key, false);
    }
}

/// Where `need` is answered, below the path of the API; `None`: nowhere.
fn path_of(api: &str, need: &Need) -> Option<Box<str>> {
    if *need.tool != *PERMISSION_TOOL {
        return None;
    }
    let args = tree::parse(&need.args, ARGS_DEPTH_MAX).ok()?;
    let part = |name| segment(args.get(name)?.as_str()?);
    let (owner, repo, user) = (part("owner")?, part("repo")?, part("username")?);
    let api = api.trim_end_matches('/');
    Some(format!("{api}/repos/{owner}/{repo}/collaborators/{user}/permission").into())
}

/// `name` as one segment of a path and nothing else: what a guard has read somewhere must not lead
/// the operator's token to another place of the API. RFC 3986 §2.3, §3.3.
fn segment(name: &str) -> Option<String> {
    if matches!(name, "" | "." | "..") || name.len() > NAME_BYTES_MAX {
        return None;
    }
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests;
