// SPDX-License-Identifier: MIT
//! What guards need to know, asked of the forge: its answers as tools would give them.
//!
//! ```text
//!  Need {tool, arguments} ──> path ──> GET ──> {"content":[{"type":"text","text":"…"}]}
//! ```

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::{Limits, Message, Secret};
use crate::github_proxy::answer::{self, is_judged};
use crate::github_proxy::need;
use crate::policy::guard::wasm::sha256;
use crate::policy::guard::{Met, Need, PERMISSION_TOOL};
use crate::run::fetch::{Forge, Question};

/// How long a fact about a repository or a user is believed.
const FACT_AFTER_MAX: Duration = Duration::from_secs(5 * 60);
/// A longer answer is not kept.
const FACT_BYTES_MAX: usize = 16 * 1024;
/// The tool whose answers say whether a repository is private.
const VISIBILITY_TOOL: &str = "search_repositories";

/// With whose credential something was asked, as a digest, and what.
type Asked = ([u8; 32], Need);

/// What was learned, and when.
#[derive(Default)]
pub struct Facts {
    known: Mutex<HashMap<Asked, (Message, Instant)>>,
}

impl Facts {
    /// What comes of `need`, asked with this credential.
    pub fn meet(&self, forge: &Forge, need: &Need, authorization: Option<&Secret>) -> Met {
        let path = need::target(need).ok()?;
        let whose = sha256(authorization.map_or(b"", Secret::expose));
        let is_fact = matches!(&*need.tool, PERMISSION_TOOL | VISIBILITY_TOOL);
        let now = Instant::now();
        if is_fact && let Some(known) = self.recall(&(whose, need.clone()), now) {
            return Some(known);
        }
        let fact = wrapped(&ask(forge, &path, authorization)?);
        if is_fact && fact.len() <= FACT_BYTES_MAX {
            self.learn((whose, need.clone()), &fact, now);
        }
        Some(fact)
    }

    fn recall(&self, asked: &Asked, now: Instant) -> Option<Message> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (fact, at) = known.get(asked)?;
        (*at + FACT_AFTER_MAX > now).then(|| fact.clone())
    }

    fn learn(&self, asked: Asked, fact: &Message, now: Instant) {
        let max = Limits::DEFAULT.guard_facts_max;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= max {
            known.retain(|_, (_, at)| *at + FACT_AFTER_MAX > now);
        }
        if known.len() < max {
            known.insert(asked, (fact.clone(), now));
        }
    }
}

fn ask(forge: &Forge, path: &str, authorization: Option<&Secret>) -> Option<Vec<u8>> {
    let limits = Limits::DEFAULT;
    let fields = answer::request_fields(authorization.map(Secret::expose), None, None);
    let answer = forge.ask(&Question {
        method: "GET",
        target: &forge.target(path),
        fields: &fields,
        body: None,
        until: Instant::now() + limits.forge_after_max,
        bytes_max: limits.forge_answer_bytes_max,
    });
    answer.ok().filter(|answer| is_judged(answer.status)).map(|answer| answer.body)
}

/// A body as the result of a tool.
#[must_use]
pub fn wrapped(body: &[u8]) -> Message {
    Message::new(need::met(&String::from_utf8_lossy(body)))
}
