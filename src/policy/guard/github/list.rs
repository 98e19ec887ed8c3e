// SPDX-License-Identifier: MIT
//! Answers that are lists: labels for each element, and for those that nobody has looked at.

use super::author::{Bench, Place};
use super::call::Call;
use super::facts::Known;
use super::kinds::Shape;
use super::level::{Integrity, Standing};
use super::scope::Repo;
use super::{item, one, resource};
use crate::policy::guard::{Label, Labels, Object, Paths};
use crate::wire::json::Node;

/// How many elements are looked at; nobody may see those behind them.
const ITEMS_MAX: usize = 1000;

/// How many elements have labels of their own, as in the reference: a hundred.
const LABELLED_MAX: usize = ITEMS_MAX / 10;

/// Where lists lie in answers; empty: the answer is one.
const PLACES: &[&str] = &[
    "",
    "/items",
    "/issues",
    "/pull_requests",
    "/data/repository/issues/nodes",
    "/data/repository/pullRequests/nodes",
    "/data/repository/discussions/nodes",
    "/data/repository/discussionCategories/nodes",
    "/data/search/nodes",
];
const REPO_PLACES: &[&str] = &["/items", "/repositories"];
const CODE_PLACES: &[&str] = &["/items"];
const ROOT: &[&str] = &[""];

/// A list that is judged, and how far that has come.
#[derive(Debug)]
pub(super) struct List {
    place: &'static str,
    length: usize,
    /// The repository of the call, and for searches that of the first element.
    repo: Option<(Box<str>, Box<str>)>,
    secrecy: Label,
    default: Object,
    labelled: Vec<(Box<str>, Object)>,
    /// What those are by themselves that have only the labels of the list.
    besides: Option<Vec<(Box<str>, Object)>>,
}

impl List {
    /// The list in this answer, if it has one with something in it.
    pub fn begin(bench: Bench<'_>, call: &Call, answer: &Node) -> Known<Option<Self>> {
        let places = match call.kind.shape {
            Shape::Whole | Shape::Commit | Shape::Release | Shape::Gist => return Ok(None),
            Shape::Repos => REPO_PLACES,
            Shape::FoundCode if bench.is_compat() => return Ok(None),
            Shape::FoundCode => CODE_PLACES,
            Shape::Commits
            | Shape::Files
            | Shape::Releases
            | Shape::Notifications
            | Shape::Gists => ROOT,
            _ => PLACES,
        };
        let found = places.iter().find_map(|place| Some((*place, list_at(answer, place)?)));
        if call.kind.shape == Shape::FoundCode
            && found.is_none_or(|(_, elements)| are_all_in(call.surely_searched(), elements))
        {
            return Ok(None);
        }
        let first = found.and_then(|(_, elements)| elements.first());
        let repo = repo_of(call, first);
        let (secrecy, default) = default(bench, call, repo)?;
        let Some((place, elements)) = found.filter(|(_, elements)| !elements.is_empty()) else {
            return Ok(None);
        };
        let (length, repo) = (elements.len(), repo.map(owned));
        let (labelled, besides) = (Vec::new(), None);
        Ok(Some(Self { place, length, repo, secrecy, default, labelled, besides }))
    }

    /// Judges what has not been judged yet.
    ///
    /// As in the reference the elements behind the hundredth have the labels of the list, and
    /// nothing is asked for their sake. These labels may be milder than their own: whoever is
    /// blocked, moved or refused is not in them. So an element has to pass by both.
    pub fn judge(&mut self, bench: Bench<'_>, call: &Call, answer: &Node) -> Known<()> {
        let elements = list_at(answer, self.place).unwrap_or_default();
        let path = |at: usize| format!("{}/{at}", self.place).into();
        let mut elements = elements.iter().enumerate();
        for (at, element) in elements.by_ref().take(LABELLED_MAX).skip(self.labelled.len()) {
            let object = self.object(bench, call, element)?;
            self.labelled.push((path(at), object));
        }
        debug_assert!(self.labelled.len() == self.length.min(LABELLED_MAX));
        if self.length > LABELLED_MAX && !bench.is_compat() {
            let facts = bench.facts.all();
            let bench = Bench { facts: &facts, ..bench };
            let others = elements.take(ITEMS_MAX - LABELLED_MAX);
            let besides = others
                .map(|(at, element)| Ok((path(at), self.object(bench, call, element)?)))
                .collect::<Known<Vec<_>>>()?;
            self.besides = Some(besides);
        }
        Ok(())
    }

    /// What was found; nothing is left here.
    pub fn paths(&mut self) -> Paths {
        let (labelled, besides) = (std::mem::take(&mut self.labelled), self.besides.take());
        let default = Some(self.default.clone());
        Paths { items_path: self.place.into(), labelled, default, besides }
    }

    fn object(&self, bench: Bench<'_>, call: &Call, element: &Node) -> Known<Object> {
        let own = self.repo.as_ref().map(|(owner, name)| Repo { owner, name });
        let repo = item::repo(element).or(own);
        match call.kind.shape {
            Shape::FoundIssues | Shape::FoundPulls => {
                let fallback = if bench.is_compat() { own } else { call.surely_searched() };
                let repo = item::repo(element).or(fallback);
                let secrecy = bench.secrecy(repo)?;
                one::issue_or_pull(bench, call, element, bench.place(repo)?, secrecy)
            }
            Shape::Issues | Shape::Issue | Shape::Pulls | Shape::Pull => {
                let is_private = bench.place(call.repo().or(repo))?.is_private;
                let place = Place { repo, is_private };
                if call.is_talk() {
                    let place = Place { repo: own, is_private };
                    return one::comment(bench, element, place, self.secrecy.clone());
                }
                let secrecy = one::secrecy(bench, call, element)?;
                one::issue_or_pull(bench, call, element, place, secrecy)
            }
            Shape::FoundCode => found_code(bench, call, element),
            Shape::Repos => found_repo(bench, element),
            Shape::Commits => one::commit(bench, call, element, resource::is_default(call)),
            Shape::Files => one::file(bench, call),
            Shape::Releases => one::release(bench, call, element),
            Shape::Gists => Ok(one::gist(bench, element)),
            Shape::Notifications => Ok(notification(element)),
            Shape::ProjectItems => project_item(bench, call, element),
            Shape::Whole | Shape::Commit | Shape::Release | Shape::Gist => Ok(Object::default()),
        }
    }
}

fn list_at<'n>(answer: &'n Node, place: &str) -> Option<&'n [Node]> {
    place.split('/').skip(1).try_fold(answer, |node, key| node.get(key))?.as_array()
}

fn owned(repo: Repo<'_>) -> (Box<str>, Box<str>) {
    (repo.owner.into(), repo.name.into())
}

/// The repository that the call is about; for searches perhaps that of the first element.
fn repo_of<'a>(call: &'a Call, first: Option<&'a Node>) -> Option<Repo<'a>> {
    match call.kind.shape {
        Shape::FoundIssues | Shape::FoundPulls => {
            call.repo().or_else(|| call.searched()).or_else(|| item::repo(first?))
        }
        _ => call.repo(),
    }
}

/// Whether all that was found lies in the repository that was searched.
fn are_all_in(searched: Option<Repo<'_>>, elements: &[Node]) -> bool {
    let is_there = |repo: Repo<'_>| searched.is_some_and(|searched| searched.is_same(repo));
    elements.iter().all(|element| item::repo(element).is_some_and(is_there))
}

/// The secrecy of a list, and what its elements are of which nothing else is said.
fn default(bench: Bench<'_>, call: &Call, repo: Option<Repo<'_>>) -> Known<(Label, Object)> {
    let name = repo.map_or_else(String::new, |repo| repo.to_string());
    let closed =
        |is_private: bool| Some(if is_private { Standing::APPROVED } else { Standing::NONE });
    let is_search = matches!(&*call.tool, "search_issues" | "search_pull_requests");
    let (word, secrecy, level, name) = match call.kind.shape {
        Shape::FoundIssues | Shape::Issues | Shape::Issue => {
            let level = closed(bench.place(repo)?.is_private);
            let secrecy = if is_search { Label::EMPTY } else { bench.secrecy(repo)? };
            ("issue", secrecy, level, name)
        }
        Shape::FoundPulls | Shape::Pulls | Shape::Pull => {
            let level = closed(bench.place(repo)?.is_private);
            let secrecy = if is_search { Label::EMPTY } else { bench.secrecy(repo)? };
            ("pull_request", secrecy, level, name)
        }
        Shape::Commits => {
            let secrecy = bench.secrecy(repo)?;
            let is_closed = bench.is_closed(repo)?;
            let level = is_closed.then_some(Standing::APPROVED);
            let level = if resource::is_default(call) { Some(Standing::MERGED) } else { level };
            ("commit", secrecy, level, name)
        }
        Shape::Files => {
            let level = Some(resource::file(bench, call)?);
            ("file_contents", one::file_secrecy(bench, call)?, level, name)
        }
        Shape::Releases => ("release", bench.secrecy(repo)?, Some(Standing::MERGED), name),
        Shape::Notifications => ("notification", resource::user(), None, name),
        Shape::Gists => ("gist", Label::EMPTY, Some(Standing::UNAPPROVED), "user".into()),
        Shape::ProjectItems => {
            ("project-item", Label::EMPTY, Some(Standing::APPROVED), call.owner().into())
        }
        Shape::FoundCode => ("code", Label::EMPTY, None, name),
        _ => ("repository", Label::EMPTY, Some(Standing::NONE), String::new()),
    };
    let object = one::object(bench, word.into(), secrecy.clone(), level, &name);
    Ok((secrecy, object))
}

fn found_repo(bench: Bench<'_>, element: &Node) -> Known<Object> {
    let name = item::text(element, &["full_name"]).unwrap_or_default();
    let is_private = match item::visibility(element) {
        Some(is_private) => is_private,
        None => !bench.is_compat(),
    };
    let private = || bench.policy.private(Repo::of(name));
    let secrecy = if is_private { private() } else { Label::EMPTY };
    let shown = if name.is_empty() { "unknown" } else { name };
    let description = format!("repo:{shown}");
    Ok(one::object(bench, description, secrecy, Some(Standing::APPROVED), name))
}

fn found_code(bench: Bench<'_>, call: &Call, element: &Node) -> Known<Object> {
    let repo = item::repo(element);
    let secrecy = match element.get("repository").and_then(item::visibility) {
        Some(false) => Label::EMPTY,
        Some(true) => bench.policy.private(repo),
        None => bench.secrecy(repo)?,
    };
    let name = repo.map_or_else(String::new, |repo| repo.to_string());
    let description = format!("{}:{}", call.tool, if name.is_empty() { "unknown" } else { &name });
    Ok(one::object(bench, description, secrecy, Some(Standing::APPROVED), &name))
}

fn notification(element: &Node) -> Object {
    let description = format!("notification:{}", item::id(element)).into();
    let labels = Labels { secrecy: resource::user(), integrity: Label::EMPTY };
    Object { description, labels }
}

fn project_item(bench: Bench<'_>, call: &Call, element: &Node) -> Known<Object> {
    let kind = item::text(element, &["type"]).unwrap_or("unknown");
    let description = format!("project-item:{}", kind.to_ascii_lowercase());
    if !matches!(kind, "ISSUE" | "PULL_REQUEST") {
        let approved = Some(Standing::APPROVED);
        return Ok(one::object(bench, description, Label::EMPTY, approved, call.owner()));
    }
    let content = element.get("content").unwrap_or(element);
    let repo = item::repo(content);
    let secrecy = bench.secrecy(repo)?;
    let level = item::association(content).and_then(item::floor);
    let name = repo.map_or_else(String::new, |repo| repo.to_string());
    let integrity = Integrity { level, scope: bench.policy.scope(&name) };
    let integrity = bench.policy.integrity(&integrity);
    Ok(Object { description: description.into(), labels: Labels { secrecy, integrity } })
}
