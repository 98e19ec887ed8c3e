// SPDX-License-Identifier: MIT
//! What guards need to know, asked of the forge: its answers as tools would give them.
//!
//! ```text
//!  Need {tool, arguments} ──> path ──> GET ──> {"content":[{"type":"text","text":"…"}]}
//! ```

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::fetch::{Forge, Question};
use crate::base::{Limits, Message, Secret};
use crate::github_proxy::answer::{self, is_judged};
use crate::github_proxy::is_name;
use crate::policy::guard::wasm::sha256;
use crate::policy::guard::{Met, Need, PERMISSION_TOOL};
use crate::wire::json::{Node, tree, write};

/// How long a fact about a repository or a user is believed.
const FACT_AFTER_MAX: Duration = Duration::from_secs(5 * 60);
/// A longer answer is not kept.
const FACT_BYTES_MAX: usize = 16 * 1024;
/// The tool whose answers say whether a repository is private.
const VISIBILITY_TOOL: &str = "search_repositories";
/// How deep arguments may be nested.
const DEPTH_MAX: usize = 16;
/// Results on a page of a search, if nothing is said.
const PER_PAGE: &str = "10";

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
        let path = path(need)?;
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
    let mut out = Vec::with_capacity(body.len() + body.len() / 8);
    write::object(&mut out, |out| {
        out.array("content", |out| {
            out.object(|out| {
                out.str("type", "text").str("text", &String::from_utf8_lossy(body));
            });
        });
    });
    Message::new(out)
}

/// Where the forge tells what is needed; `None`: it does not.
fn path(need: &Need) -> Option<String> {
    let args = tree::parse(&need.args, DEPTH_MAX).ok()?;
    let name = |key| args.get(key).and_then(Node::as_str).filter(|text| is_name(text));
    let repo = || Some(format!("/repos/{}/{}", name("owner")?, name("repo")?));
    match &*need.tool {
        "pull_request_read" => Some(format!("{}/pulls/{}", repo()?, number(&args, "pullNumber")?)),
        "issue_read" => Some(format!("{}/issues/{}", repo()?, number(&args, "issue_number")?)),
        PERMISSION_TOOL => {
            let user = escaped(args.get("username")?.as_str().filter(|user| !user.is_empty())?);
            let is_dots = matches!(&*user, "." | "..");
            (!is_dots).then(|| Some(format!("{}/collaborators/{user}/permission", repo()?)))?
        }
        VISIBILITY_TOOL => {
            let per_page = number(&args, "perPage").unwrap_or_else(|| PER_PAGE.to_owned());
            let query = escaped(args.get("query")?.as_str()?);
            Some(format!("/search/repositories?q={query}&per_page={per_page}"))
        }
        _ => None,
    }
}

/// A whole number, as text or not.
fn number(args: &Node, key: &str) -> Option<String> {
    let node = args.get(key)?;
    let text = node.as_str().or_else(|| node.as_number())?;
    let digits = text.strip_suffix(".0").unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.to_owned())
}

/// A text with all but plain letters percent-encoded.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tool: &str, args: &str, want: Option<&str>) {
        let need = Need { tool: tool.into(), args: args.as_bytes().into() };
        assert_eq!(path(&need).as_deref(), want, "{tool} {args}");
    }

    #[test]
    fn guards_ask_for_what_the_forge_tells() {
        let issue = r#"{"owner":"a","repo":"b","issue_number":7,"method":"get"}"#;
        check("issue_read", issue, Some("/repos/a/b/issues/7"));
        let pull = r#"{"owner":"a","repo":"b","pullNumber":"8"}"#;
        check("pull_request_read", pull, Some("/repos/a/b/pulls/8"));
        let search = r#"{"query":"repo:a/b","perPage":1.0}"#;
        check(VISIBILITY_TOOL, search, Some("/search/repositories?q=repo%3Aa%2Fb&per_page=1"));
        let user = r#"{"owner":"a","repo":"b","username":"x[bot]"}"#;
        check(PERMISSION_TOOL, user, Some("/repos/a/b/collaborators/x%5Bbot%5D/permission"));
    }

    #[test]
    fn nothing_else_is_asked_for() {
        check("get_me", "{}", None);
        check("issue_read", r#"{"owner":"..","repo":"b","issue_number":7}"#, None);
        check("issue_read", r#"{"owner":"a","repo":"b/c","issue_number":7}"#, None);
        check("issue_read", r#"{"owner":"a","repo":"b","issue_number":"7/../8"}"#, None);
        check("issue_read", r#"{"owner":"a","repo":"b","issue_number":-7}"#, None);
        check(PERMISSION_TOOL, r#"{"owner":"a","repo":"b","username":".."}"#, None);
        check(PERMISSION_TOOL, "null", None);
    }
}
