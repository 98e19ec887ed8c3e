// SPDX-License-Identifier: MIT
//! The REST interface as a table: method and path become the call of a tool.
//!
//! ```text
//!  GET /repos/acme/web/issues/7?…  ──  R/issues/{issue_number#}  ──>  issue_read {owner, repo, …}
//! ```
//!
//! The first row that matches counts. In a pattern `R` stands for `repos/{owner}/{repo}`,
//! `{name}` for one segment that becomes an argument, `{name#}` for digits, `{name+}` for all that
//! is left, and `{_}` for a segment that becomes nothing.

mod reads;
mod search;
mod writes;

#[cfg(test)]
mod tests;

pub use search::place;

use super::target::Target;
use super::{Call, Care, is_name};

/// What is to be done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is judged as this call.
    Routed(Routed),
    /// It passes as it is: everybody may see what it asks for.
    Open,
    /// Nobody knows what it asks for: refused by those who care, passed by those who do not.
    Unmatched,
}

/// A request that is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// What the guard labels.
    pub call: Call,
    /// Whether it changes something. The answer to a write is judged only if the guard says so.
    pub is_write: bool,
    /// Whether the answer is an archive, which passes unread, with its redirects, if the call may
    /// pass at all.
    pub is_archive: bool,
}

/// Arguments that every match of a row has.
type Extra = &'static [(&'static str, &'static str)];

/// One row: a method, a pattern, and the tool.
struct Row {
    method: &'static str,
    pattern: &'static str,
    tool: &'static str,
    extra: Extra,
    /// Whose row it is; `None`: of both.
    only: Option<Care>,
}

impl Row {
    const fn of(method: &'static str, pattern: &'static str, tool: &'static str) -> Self {
        Self { method, pattern, tool, extra: &[], only: None }
    }

    const fn with(self, extra: Extra) -> Self {
        Self { extra, ..self }
    }

    const fn only(self, care: Care) -> Self {
        Self { only: Some(care), ..self }
    }
}

/// Names and values that a pattern has taken from a path.
type Captures = Vec<(&'static str, String)>;

/// What `method` and `target` ask for. `target` has no prefix any more and may have a query; `body`
/// is asked where a path alone does not say what a write does.
#[must_use]
pub fn route(method: &str, target: &str, body: &[u8], care: Care) -> Verdict {
    let is_read = matches!(method, "GET" | "HEAD");
    let strict = care == Care::Strict;
    if !(strict || method == "GET") {
        return Verdict::Open;
    }
    let Ok(target) = Target::parse(target) else { return Verdict::Unmatched };
    if is_read {
        return read(&target, care).unwrap_or(Verdict::Unmatched);
    }
    write(method, &target, body).unwrap_or(Verdict::Unmatched)
}

fn read(target: &Target, care: Care) -> Option<Verdict> {
    if reads::is_open(&target.segments, care) {
        return Some(Verdict::Open);
    }
    let (row, captures) = find(reads::ROWS, "GET", target, care)?;
    let mut call = call_of(row, captures);
    if let Some(query) = target.param("q").ok()? {
        call = call.with("query", query);
    }
    if care == Care::Strict {
        // What is judged is what is read: a branch is not the default one.
        for name in ["ref", "sha"] {
            if let Some(value) = target.param(name).ok()? {
                call = call.with(name, value);
            }
        }
        if !search::is_one_place(&call) {
            return None;
        }
    }
    let is_archive = call.arg("method") == Some("download_workflow_run_artifact");
    Some(Verdict::Routed(Routed { call, is_write: false, is_archive }))
}

fn write(method: &str, target: &Target, body: &[u8]) -> Option<Verdict> {
    let (row, captures) = find(writes::ROWS, method, target, Care::Strict)?;
    let mut call = call_of(row, captures);
    if call.tool == "edit_repository" {
        call.tool = writes::edit_of(body);
    }
    Some(Verdict::Routed(Routed { call, is_write: true, is_archive: false }))
}

fn find<'r>(
    rows: &'r [Row],
    method: &str,
    target: &Target,
    care: Care,
) -> Option<(&'r Row, Captures)> {
    rows.iter()
        .filter(|row| row.method == method && row.only.is_none_or(|only| only == care))
        .find_map(|row| Some((row, matched(row.pattern, &target.segments)?)))
}

fn call_of(row: &Row, captures: Captures) -> Call {
    let extra = row.extra.iter().map(|(name, value)| (*name, (*value).to_owned()));
    Call { tool: row.tool, args: captures.into_iter().chain(extra).collect() }
}

/// What `pattern` takes from `segments`, if it matches them.
fn matched(pattern: &'static str, segments: &[String]) -> Option<Captures> {
    let mut captures = Vec::new();
    let mut rest = segments;
    let mut parts = pattern;
    if let Some(behind) = pattern.strip_prefix('R') {
        let [repos, owner, repo, behind_repo @ ..] = segments else { return None };
        if repos != "repos" || !is_name(owner) || !is_name(repo) {
            return None;
        }
        captures.push(("owner", owner.clone()));
        captures.push(("repo", repo.clone()));
        (rest, parts) = (behind_repo, behind.strip_prefix('/').unwrap_or(behind));
    }
    for part in parts.split('/').filter(|part| !part.is_empty()) {
        let (first, others) = rest.split_first()?;
        rest = others;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None if part == first => (),
            None => return None,
            Some(name) => {
                let name = match (name.strip_suffix('#'), name.strip_suffix('+')) {
                    (Some(_), _) if !first.bytes().all(|byte| byte.is_ascii_digit()) => {
                        return None;
                    }
                    (Some(name), _) => name,
                    (None, Some(name)) => {
                        let all = std::iter::once(first).chain(rest).cloned().collect::<Vec<_>>();
                        captures.push((name, all.join("/")));
                        return Some(without_blanks(captures));
                    }
                    (None, None) => name,
                };
                if matches!(name, "owner" | "repo" | "org" | "username") && !is_name(first) {
                    return None;
                }
                captures.push((name, first.clone()));
            }
        }
    }
    rest.is_empty().then(|| without_blanks(captures))
}

fn without_blanks(mut captures: Captures) -> Captures {
    captures.retain(|(name, _)| *name != "_");
    captures
}
