// SPDX-License-Identifier: MIT
//! One thing of an answer: an issue, a pull request, a commit, a file, a release, a gist.

use super::author::{Bench, Place};
use super::call::Call;
use super::facts::Known;
use super::kinds::Shape;
use super::level::{Integrity, Standing};
use super::scope::Repo;
use super::{item, resource};
use crate::policy::guard::{Label, Labels, Object};
use crate::wire::json::Node;

/// Where a GraphQL answer has its one issue or pull request.
const ISSUE_PLACE: &[&str] = &["data", "repository", "issue"];
const PULL_PLACE: &[&str] = &["data", "repository", "pullRequest"];

/// The one thing in this answer, if that is what it holds: its place and its labels.
pub(super) fn label(
    bench: Bench<'_>,
    call: &Call,
    answer: &Node,
) -> Known<Option<(&'static str, Object)>> {
    // What came without its envelope has `content` only if that is no list.
    let is_list = answer.get("content").is_some_and(|content| content.as_array().is_some());
    if answer.as_object().is_none() || is_list {
        return Ok(None);
    }
    let (place, thing) = match call.kind.shape {
        Shape::Issue => inner(answer, ISSUE_PLACE, "/data/repository/issue"),
        Shape::Pull => inner(answer, PULL_PLACE, "/data/repository/pullRequest"),
        _ => ("", answer),
    };
    let object = match call.kind.shape {
        Shape::Issue | Shape::Pull => {
            let repo = call.repo();
            let secrecy = secrecy(bench, call, thing)?;
            let is_private = bench.place(repo.or_else(|| item::repo(thing)))?.is_private;
            let place = Place { repo: item::repo(thing).or(repo), is_private };
            issue_or_pull(bench, call, thing, place, secrecy)?
        }
        Shape::Commit => commit(bench, call, thing, is_as_default(call))?,
        Shape::Files => file(bench, call)?,
        Shape::Release => release(bench, call, thing)?,
        Shape::Gist => gist(bench, thing),
        _ => return Ok(None),
    };
    Ok(Some((place, object)))
}

/// What a commit is besides that is asked for by its hash. As in the reference it counts as one of
/// the default branch, but a hash may be that of anybody's fork: so it has to pass by its author.
pub(super) fn besides(bench: Bench<'_>, call: &Call, answer: &Node) -> Known<Option<Object>> {
    let is_by_hash = call.kind.shape == Shape::Commit && is_as_default(call);
    match is_by_hash && !resource::is_default(call) {
        true => commit(bench, call, answer, false).map(Some),
        false => Ok(None),
    }
}

/// Whether the reference takes what is asked for as a part of the default branch.
fn is_as_default(call: &Call) -> bool {
    resource::is_default(call) || call.is_by_hash()
}

fn inner<'n>(answer: &'n Node, path: &[&str], place: &'static str) -> (&'static str, &'n Node) {
    let found = path.iter().try_fold(answer, |node, key| node.get(key));
    found.filter(|found| found.as_object().is_some()).map_or(("", answer), |found| (place, found))
}

/// Whether a tool gives pull requests; if not, it gives issues.
fn gives_pulls(call: &Call) -> bool {
    matches!(call.kind.shape, Shape::Pulls | Shape::Pull | Shape::FoundPulls)
}

/// An issue or a pull request that lies in `place`.
pub(super) fn issue_or_pull(
    bench: Bench<'_>,
    call: &Call,
    thing: &Node,
    place: Place<'_>,
    secrecy: Label,
) -> Known<Object> {
    let (word, level) = match gives_pulls(call) {
        true => ("pr", bench.pull(thing, place)?),
        false => ("issue", bench.issue(thing, place)?),
    };
    let repo = name(place.repo);
    let number = item::number(thing).unwrap_or("unknown");
    Ok(object(bench, format!("{word}:{repo}#{number}"), secrecy, Some(level), &repo))
}

/// Who may know a thing: one that lies elsewhere than the call says is as secret as there, too.
pub(super) fn secrecy(bench: Bench<'_>, call: &Call, thing: &Node) -> Known<Label> {
    let moved = |own: &Repo<'_>| call.repo().is_none_or(|repo| !repo.is_same(*own));
    let moved = item::repo(thing).filter(|own| !bench.is_compat() && moved(own));
    match (call.repo(), moved) {
        (None, Some(moved)) => bench.secrecy(Some(moved)),
        (repo, None) => bench.secrecy(repo),
        (repo, moved) => Ok(bench.secrecy(repo)?.union(&bench.secrecy(moved)?)),
    }
}

/// What somebody said about a thing in `place`.
pub(super) fn comment(
    bench: Bench<'_>,
    thing: &Node,
    place: Place<'_>,
    secrecy: Label,
) -> Known<Object> {
    let repo = name(place.repo);
    let level = bench.said(thing, place)?;
    Ok(object(bench, format!("comment:{repo}#{}", item::id(thing)), secrecy, Some(level), &repo))
}

/// A commit of the repository of the call; `is_default`: of its default branch.
pub(super) fn commit(
    bench: Bench<'_>,
    call: &Call,
    thing: &Node,
    is_default: bool,
) -> Known<Object> {
    let repo = call.repo();
    let secrecy = secrecy(bench, call, thing)?;
    let place = Place { repo, is_private: bench.is_closed(repo)? };
    let level = bench.commit(thing, place, is_default)?;
    let repo = name(repo);
    let sha = item::text(thing, &["sha"]).map_or("unknown", resource::short);
    Ok(object(bench, format!("commit:{repo}@{sha}"), secrecy, Some(level), &repo))
}

/// A file, or an entry of a directory.
pub(super) fn file(bench: Bench<'_>, call: &Call) -> Known<Object> {
    let repo = name(call.repo());
    let secrecy = file_secrecy(bench, call)?;
    let level = resource::file(bench, call)?;
    Ok(object(bench, format!("file:{repo}"), secrecy, Some(level), &repo))
}

/// Who may know a file: for the reference its path says nothing any more once it has been read.
pub(super) fn file_secrecy(bench: Bench<'_>, call: &Call) -> Known<Label> {
    match bench.is_compat() || call.repo().is_none() {
        true => bench.secrecy(call.repo()),
        false => resource::secrecy(bench, call),
    }
}

/// A release.
pub(super) fn release(bench: Bench<'_>, call: &Call, thing: &Node) -> Known<Object> {
    let secrecy = secrecy(bench, call, thing)?;
    let repo = name(call.repo());
    let tag = item::text(thing, &["tag_name"]).unwrap_or("unknown");
    Ok(object(bench, format!("release:{repo}@{tag}"), secrecy, Some(Standing::MERGED), &repo))
}

/// A gist. One that does not say whether it is secret is not.
pub(super) fn gist(bench: Bench<'_>, thing: &Node) -> Object {
    let is_secret = thing.get("public").and_then(item::flag) == Some(false);
    let secrecy = if is_secret { resource::user() } else { Label::EMPTY };
    let description = format!("gist:{}", item::id(thing));
    object(bench, description, secrecy, Some(Standing::UNAPPROVED), "user")
}

fn name(repo: Option<Repo<'_>>) -> String {
    repo.map_or_else(String::new, |repo| repo.to_string())
}

/// An object with this level in the scope called `name`.
pub(super) fn object(
    bench: Bench<'_>,
    description: String,
    secrecy: Label,
    level: Option<Standing>,
    name: &str,
) -> Object {
    let integrity = Integrity { level, scope: bench.policy.scope(name) };
    let integrity = bench.policy.integrity(&integrity);
    Object { description: description.into(), labels: Labels { secrecy, integrity } }
}
