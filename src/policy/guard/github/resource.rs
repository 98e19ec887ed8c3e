// SPDX-License-Identifier: MIT
//! What a call is about, before it is made.
//!
//! ```text
//!  rule of the tool ──> level in its scope ──> the same in the scope of the call, or none at all
//! ```

use super::author::Bench;
use super::call::Call;
use super::facts::Known;
use super::git_ref::GitRef;
use super::kinds::{Naming, Secrecy, Trust};
use super::level::{Integrity, Standing};
use super::scope::Repo;
use crate::policy::guard::{Label, Labelled, Labels, Object, Operation};

/// Names that end like one of these, or have a folder that begins so, are secrets.
const SECRET_MARKS: &[&str] =
    &[".env", ".key", ".pem", ".p12", ".pfx", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];

/// File names with one of these in them are secrets.
const SECRET_WORDS: &[&str] = &["secret", "credential", "password", "token"];

/// Where workflows lie, which name secrets.
const WORKFLOWS: &str = ".github/workflows/";

/// Where what cannot be done anywhere is blocked.
const EVERYWHERE: &str = "global";

/// Labels a call.
pub(super) fn label(bench: Bench<'_>, call: &Call) -> Known<Labelled> {
    if let Some(repo) = call.repo() {
        bench.facts.is_private(repo)?;
    }
    let labels = Labels { secrecy: secrecy(bench, call)?, integrity: integrity(bench, call)? };
    let object = Object { description: description(call), labels };
    Ok(Labelled { object, operation: call.operation })
}

/// The labels of a call that may change something, for all that is known.
pub(super) fn as_write(bench: Bench<'_>, call: &Call) -> Known<Labels> {
    let level = call.repo().and_then(|_| by_operation(&call.tool, Operation::Write));
    let scope = bench.policy.scope(&call.home());
    let integrity = Integrity { level: level.max(Some(Standing::NONE)), scope };
    let integrity = bench.policy.integrity(&integrity);
    Ok(Labels { secrecy: secrecy(bench, call)?, integrity })
}

/// Who may know what the call is about.
pub(super) fn secrecy(bench: Bench<'_>, call: &Call) -> Known<Label> {
    let of = |repo: Option<Repo<'_>>| match repo {
        Some(repo) => bench.secrecy(Some(repo)),
        None => Ok(Label::EMPTY),
    };
    let private = || bench.policy.private(call.repo());
    Ok(match call.kind.secrecy {
        Secrecy::Public => Label::EMPTY,
        Secrecy::Repo => of(call.repo())?,
        Secrecy::Searched if bench.is_compat() => of(call.searched())?,
        // One label says one repository, so several are as secret as an unknown one.
        Secrecy::Searched if call.searches_widely() => bench.policy.anywhere(),
        Secrecy::Searched => of(call.surely_searched().or_else(|| call.searched()))?,
        Secrecy::File if is_sensitive(call.path()) => private(),
        Secrecy::File => of(call.repo())?,
        Secrecy::Private => private(),
        Secrecy::User => user(),
        Secrecy::Vault { is_secret } => match (call.repo(), call.organisation()) {
            (Some(repo), _) => bench.secrecy(Some(repo))?,
            (None, "") if is_secret => user(),
            (None, "") => Label::EMPTY,
            (None, organisation) => Label::new([format!("private:{organisation}")]),
        },
        Secrecy::Form => match call.text("method") {
            "labels" | "milestones" | "branches" => of(call.repo())?,
            "assignees" | "reviewers" => private(),
            _ => Label::EMPTY,
        },
    })
}

/// What is the user's own.
pub(super) fn user() -> Label {
    Label::new(["private:user"])
}

fn integrity(bench: Bench<'_>, call: &Call) -> Known<Label> {
    let policy = bench.policy;
    if call.kind.trust == Trust::Banned {
        let name = call.repo().map_or(EVERYWHERE.into(), |repo| repo.to_string());
        let scope = policy.scope(&name);
        return Ok(policy.integrity(&Integrity { level: Some(Standing::Blocked), scope }));
    }
    let (level, name) = trust(bench, call)?;
    let scope = policy.scope(&call.home());
    let blocked = level.filter(|level| *level == Standing::Blocked);
    // What is vouched for elsewhere is vouched for by nobody here.
    let level = level.filter(|_| policy.scope(&name) == scope).max(Some(Standing::NONE));
    Ok(policy.integrity(&Integrity { level: blocked.or(level), scope }))
}

/// A level, and the name of the scope in which it holds.
fn trust(bench: Bench<'_>, call: &Call) -> Known<(Option<Standing>, String)> {
    let name = |repo: Option<Repo<'_>>| repo.map_or_else(String::new, |repo| repo.to_string());
    let place = || bench.place(call.repo());
    let found = || match bench.is_compat() {
        true => bench.place(call.searched()),
        false => bench.place(call.surely_searched()),
    };
    let closed = |is_private: bool| is_private.then_some(Standing::APPROVED);
    let in_repo = |level: Option<Standing>| (level, name(call.repo()));
    Ok(match call.kind.trust {
        Trust::None | Trust::Banned => in_repo(None),
        Trust::ByOperation => {
            in_repo(call.repo().and_then(|_| by_operation(&call.tool, call.operation)))
        }
        Trust::InRepo(level) => in_repo(Some(level.into())),
        Trust::InGithub(level) => (Some(level.into()), "github".into()),
        Trust::OfUser(level) => (Some(level.into()), "user".into()),
        Trust::Found => (closed(found()?.is_private), name(call.searched())),
        Trust::FoundCode => (Some(Standing::APPROVED), name(call.searched())),
        Trust::Listed => in_repo(closed(place()?.is_private)),
        Trust::Issue => in_repo(issue(bench, call)?),
        Trust::Pull => in_repo(pull(bench, call)?),
        Trust::Commit if is_default(call) => in_repo(Some(Standing::MERGED)),
        Trust::Commit => in_repo(closed(bench.is_closed(call.repo())?)),
        Trust::File => in_repo(Some(file(bench, call)?)),
        Trust::Tree => in_repo(Some(at(bench, call, call.tree(), Standing::APPROVED)?)),
        Trust::Project => {
            let owner = call.owner();
            ((!owner.is_empty()).then_some(Standing::APPROVED), owner.into())
        }
        Trust::Vault { is_secret } => {
            let home = call.home();
            ((is_secret || !home.is_empty()).then_some(Standing::APPROVED), home)
        }
        Trust::Form => match call.text("method") {
            "labels" | "milestones" | "branches" => in_repo(Some(Standing::APPROVED)),
            "assignees" | "reviewers" => in_repo(Some(Standing::UNAPPROVED)),
            "issue_types" | "issue_fields" => (Some(Standing::APPROVED), "github".into()),
            _ => in_repo(None),
        },
    })
}

/// What a change needs of which no more is known.
fn by_operation(tool: &str, operation: Operation) -> Option<Standing> {
    let is_grave = tool.starts_with("merge_") || tool.starts_with("delete_");
    match operation {
        Operation::Read => None,
        Operation::Write if !is_grave => Some(Standing::UNAPPROVED),
        Operation::Write | Operation::ReadWrite => Some(Standing::APPROVED),
    }
}

fn issue(bench: Bench<'_>, call: &Call) -> Known<Option<Standing>> {
    let place = bench.place(call.repo())?;
    let closed = place.is_private.then_some(Standing::APPROVED);
    let number = call.number(&["issue_number"]).filter(|_| is_by_author(bench, call));
    let Some((repo, number)) = call.repo().zip(number) else { return Ok(closed) };
    match bench.facts.issue(repo, number)? {
        Some(written) => raised(bench.written(written, place)?, closed),
        None => Ok(closed),
    }
}

fn pull(bench: Bench<'_>, call: &Call) -> Known<Option<Standing>> {
    let place = bench.place(call.repo())?;
    let closed = place.is_private.then_some(Standing::APPROVED);
    let number = call.number(&["pull_number", "pullNumber"]);
    let number = number.filter(|_| is_by_author(bench, call));
    let Some((repo, number)) = call.repo().zip(number) else { return Ok(closed) };
    match bench.facts.pull(repo, number)? {
        Some(written) => raised(bench.written_pull(written, place)?, closed),
        None => Ok(closed),
    }
}

/// Whether the author of the thing vouches for what is read of it.
fn is_by_author(bench: Bench<'_>, call: &Call) -> bool {
    bench.is_compat() || !call.is_talk()
}

/// Nothing raises what is blocked.
fn raised(level: Option<Standing>, closed: Option<Standing>) -> Known<Option<Standing>> {
    Ok(if level == Some(Standing::Blocked) { level } else { level.max(closed) })
}

/// The level of files at the ref of the call.
pub(super) fn file(bench: Bench<'_>, call: &Call) -> Known<Standing> {
    at(bench, call, call.git_ref(), Standing::MERGED)
}

/// The level of what lies at a ref; `default`: of the default branch.
fn at(bench: Bench<'_>, call: &Call, git_ref: GitRef, default: Standing) -> Known<Standing> {
    Ok(match git_ref {
        GitRef::Default => default,
        GitRef::Kept => Standing::APPROVED,
        GitRef::Loose if bench.place(call.repo())?.is_private => Standing::APPROVED,
        GitRef::Loose => Standing::NONE,
    })
}

/// Whether the commits of the call are those of the default branch.
pub(super) fn is_default(call: &Call) -> bool {
    call.commits() == GitRef::Default
}

fn is_sensitive(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let file = path.rsplit('/').next().unwrap_or_default();
    SECRET_MARKS.iter().any(|mark| path.ends_with(mark) || path.contains(&format!("/{mark}")))
        || SECRET_MARKS.iter().any(|mark| path.starts_with(mark))
        || SECRET_WORDS.iter().any(|word| file.contains(word))
        || path.starts_with(WORKFLOWS)
}

fn description(call: &Call) -> Box<str> {
    let tool = &call.tool;
    let number = |keys: &[&str]| call.repo().zip(call.number(keys));
    let named = match call.kind.naming {
        Naming::Tool => None,
        Naming::Issue => number(&["issue_number"]).map(|(repo, n)| format!("issue:{repo}#{n}")),
        Naming::Pull => {
            number(&["pull_number", "pullNumber"]).map(|(repo, n)| format!("pr:{repo}#{n}"))
        }
        Naming::Commit => {
            let sha = call.text("sha");
            let repo = call.repo().filter(|_| !sha.is_empty());
            repo.map(|repo| format!("commit:{repo}@{}", short(sha)))
        }
        Naming::Search => call.searched().map(|repo| format!("{tool}:{repo}")),
    };
    named.unwrap_or_else(|| format!("resource:{tool}")).into()
}

/// The first seven letters of a hash.
pub(super) fn short(sha: &str) -> &str {
    sha.char_indices().nth(7).map_or(sha, |(end, _)| &sha[..end])
}
