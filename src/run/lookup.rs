// SPDX-License-Identifier: MIT
//! Who can read the repository that we run for: one question to the forge before anything is
//! served, by plain blocking calls on a thread of its own.
//!
//! Whoever asks waits for a bounded time, whatever the name server, the network or the forge do;
//! the thread may be left behind.

use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use crate::base::{Limits, Message, Secret};
use crate::config::{Environment, forge};
use crate::gateway::snapshot::HttpTarget;
use crate::policy::guard::forced::{self, Workflow};
use crate::reactor::{self, Roots};
use crate::run::fetch::{Failed, Forge, Question};

/// How long the forge may take; beyond: it has not told.
const LOOKUP_AFTER_MAX: Duration = Duration::from_secs(10);

/// The repository that a workflow runs for with what the forge tells of it, and a line if it does
/// not tell; `None`: there is no workflow, or no token to ask with.
pub fn workflow(
    environment: &Environment,
    ca_file: Option<PathBuf>,
) -> Option<(Workflow, Option<String>)> {
    let repo = forge::repository(environment)?;
    forge::token(environment)?;
    let answer = request(environment, repo).and_then(|target| ask(target, ca_file));
    let visibility = answer.and_then(|answer| {
        forced::parse_visibility(&answer).ok_or_else(|| "its answer does not say".to_owned())
    });
    let repo = repo.into();
    match visibility {
        Ok(visibility) => Some((Workflow { repo, visibility: Some(visibility) }, None)),
        Err(why) => {
            let line = format!(
                "cannot tell whether workflow repo {repo} is public, so nothing is narrowed for \
                 its sake: {why}"
            );
            Some((Workflow { repo, visibility: None }, Some(line)))
        }
    }
}

/// Where to ask about `repo`.
fn request(environment: &Environment, repo: &str) -> Result<HttpTarget, String> {
    let api = forge::target(environment)?.ok_or("there is no token")?;
    let path = forge::path_of(repo, &api)?;
    Ok(HttpTarget { path, ..api })
}

/// Asks, and waits for as long as that is worth.
fn ask(target: HttpTarget, ca_file: Option<PathBuf>) -> Result<Message, String> {
    let (done, answer) = channel();
    let until = Instant::now() + LOOKUP_AFTER_MAX;
    let work = move || {
        // If it is left behind, signals must still reach the loop.
        let answer = reactor::block_signals().map_err(|error| error.to_string());
        let answer = answer.and_then(|()| self::answer(target, ca_file, until));
        // Nobody waits any more if it has taken too long.
        let _ = done.send(answer);
    };
    thread::Builder::new().name("lookup".into()).spawn(work).map_err(|error| error.to_string())?;
    let late = |_| Err(format!("no answer within {} s", LOOKUP_AFTER_MAX.as_secs()));
    answer.recv_timeout(LOOKUP_AFTER_MAX).unwrap_or_else(late)
}

/// The body of the answer. A redirect is not followed: the token is for one host.
fn answer(target: HttpTarget, ca_file: Option<PathBuf>, until: Instant) -> Result<Message, String> {
    let config = Roots::new(ca_file).config()?;
    let mut fields = vec![("Accept", Secret::new(b"application/vnd.github+json"))];
    fields.extend(target.headers.iter().map(|(name, value)| (&**name, value.clone())));
    let forge = Forge { api: (target.tls, target.host, target.port, "/".into()), config };
    let answered = forge.ask(&Question {
        method: "GET",
        target: &target.path,
        fields: &fields,
        body: None,
        until,
        bytes_max: Limits::DEFAULT.forge_answer_bytes_max,
    });
    match answered {
        Ok(answered) if answered.status == 200 => Ok(Message::new(answered.body)),
        Ok(answered) => Err(format!("status {}", answered.status)),
        Err(Failed::Unreachable(why) | Failed::BrokenOff(why)) => Err(why),
    }
}
