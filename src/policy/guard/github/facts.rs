// SPDX-License-Identifier: MIT
//! What only the forge can say: whether a repository is private, who wrote something, and what
//! somebody may do.
//!
//! Whoever needs a fact that is not there gets the question instead, and hands it on with `?` until
//! it has become a [`Need`]. Nothing is asked twice in one judgement.

use super::answer::Answer;
use super::item;
use super::level::Standing;
use super::scope::Repo;
use crate::policy::guard::{Met, NEEDS_MAX, Need, PERMISSION_TOOL};
use crate::wire::json::{Node, write};

/// What is known, or the question whose answer is missing.
pub(super) type Known<T> = Result<T, Question>;

/// Something to ask the forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Is this repository private?
    Visibility { owner: Box<str>, repo: Box<str> },
    /// Who wrote this issue?
    Issue { owner: Box<str>, repo: Box<str>, number: Box<str> },
    /// Who wrote this pull request, and where does it come from?
    Pull { owner: Box<str>, repo: Box<str>, number: Box<str> },
    /// What may this user do here? Without case.
    Permission { owner: Box<str>, repo: Box<str>, user: Box<str> },
}

/// What the forge says of something that somebody wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// What its author's association is worth.
    pub floor: Option<Standing>,
    /// Its author.
    pub login: Option<Box<str>>,
    /// Whether it comes from another repository.
    pub is_fork: Option<bool>,
    /// Whether it has been merged.
    pub is_merged: bool,
}

#[derive(Clone, Debug)]
enum Fact {
    Visibility(Option<bool>),
    Written(Option<Box<Written>>),
    Permission(Option<Standing>),
    /// It has not been asked, and will not be.
    Unknown,
}

/// What has been asked in one judgement, and what came of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    known: Vec<(Question, Fact)>,
    /// Whether nothing more is asked.
    pub are_all: bool,
}

impl Facts {
    /// The same facts for those who may not ask for more: nobody knows what is not among them.
    pub fn all(&self) -> Self {
        Self { are_all: true, ..self.clone() }
    }

    /// Whether `repo` is private; inside `None`: nobody can say.
    pub fn is_private(&self, repo: Repo<'_>) -> Known<Option<bool>> {
        let (owner, repo) = (repo.owner.into(), repo.name.into());
        match self.get(Question::Visibility { owner, repo })? {
            Fact::Visibility(is_private) => Ok(*is_private),
            _ => Ok(None),
        }
    }

    /// What is known of an issue.
    pub fn issue(&self, repo: Repo<'_>, number: &str) -> Known<Option<&Written>> {
        let (owner, name) = (repo.owner.into(), repo.name.into());
        self.written(Question::Issue { owner, repo: name, number: number.into() })
    }

    /// What is known of a pull request.
    pub fn pull(&self, repo: Repo<'_>, number: &str) -> Known<Option<&Written>> {
        let (owner, name) = (repo.owner.into(), repo.name.into());
        self.written(Question::Pull { owner, repo: name, number: number.into() })
    }

    /// What `user` may do in `repo` is worth this level.
    pub fn permission(&self, repo: Repo<'_>, user: &str) -> Known<Option<Standing>> {
        let (owner, name) = (repo.owner.into(), repo.name.into());
        match self.get(Question::Permission { owner, repo: name, user: user.into() })? {
            Fact::Permission(level) => Ok(*level),
            _ => Ok(None),
        }
    }

    /// Whether one more question may be asked; if not, its answer is that nobody knows.
    pub fn may_ask(&mut self, question: &Question) -> bool {
        let may_ask = self.known.len() < NEEDS_MAX as usize;
        if !may_ask {
            self.learn(question.clone(), None);
        }
        may_ask
    }

    /// Takes what came of a question.
    pub fn learn(&mut self, question: Question, met: Met) {
        let answer = met.and_then(|result| Answer::read(&result).ok());
        let object = answer.as_ref().filter(|answer| !answer.is_error).map(Answer::value);
        let fact = match &question {
            Question::Visibility { owner, repo } => {
                Fact::Visibility(object.and_then(|object| visibility(object, owner, repo)))
            }
            Question::Issue { .. } | Question::Pull { .. } => {
                let object = object.filter(|object| object.as_object().is_some());
                Fact::Written(object.map(|object| Box::new(written(object))))
            }
            Question::Permission { .. } => Fact::Permission(object.and_then(permission)),
        };
        self.known.push((question, fact));
    }

    fn written(&self, question: Question) -> Known<Option<&Written>> {
        match self.get(question)? {
            Fact::Written(written) => Ok(written.as_deref()),
            _ => Ok(None),
        }
    }

    fn get(&self, question: Question) -> Known<&Fact> {
        let known = self.known.iter().find(|(asked, _)| asked.is_same(&question));
        let unknown = self.are_all.then_some(&Fact::Unknown);
        known.map(|(_, fact)| fact).or(unknown).ok_or(question)
    }
}

impl Question {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Permission { owner, repo, user },
                Self::Permission { owner: owner2, repo: repo2, user: user2 },
            ) => {
                owner.eq_ignore_ascii_case(owner2)
                    && repo.eq_ignore_ascii_case(repo2)
                    && user.eq_ignore_ascii_case(user2)
            }
            _ => self == other,
        }
    }

    /// The call that answers it; members sorted by name.
    pub fn need(&self) -> Need {
        let mut args = Vec::new();
        write::object(&mut args, |object| match self {
            Self::Visibility { owner, repo } => {
                object.u64("perPage", 10).str("query", &format!("repo:{owner}/{repo}"));
            }
            Self::Issue { owner, repo, number } => {
                object.str("issue_number", number).str("method", "get");
                object.str("owner", owner).str("repo", repo);
            }
            Self::Pull { owner, repo, number } => {
                object.str("method", "get").str("owner", owner);
                object.str("pullNumber", number).str("repo", repo);
            }
            Self::Permission { owner, repo, user } => {
                object.str("owner", owner).str("repo", repo).str("username", user);
            }
        });
        let tool = match self {
            Self::Visibility { .. } => "search_repositories",
            Self::Issue { .. } => "issue_read",
            Self::Pull { .. } => "pull_request_read",
            Self::Permission { .. } => PERMISSION_TOOL,
        };
        Need { tool: tool.into(), args: args.into() }
    }
}

/// Whether the repository is private, if one of those found is the one that was asked for.
fn visibility(found: &Node, owner: &str, repo: &str) -> Option<bool> {
    let one = std::slice::from_ref(found);
    let list = found.get("items").and_then(Node::as_array).or_else(|| found.as_array());
    let asked = format!("{owner}/{repo}");
    let mut all = list.unwrap_or(one).iter();
    let hit =
        all.find(|entry| name_of(entry).is_some_and(|name| name.eq_ignore_ascii_case(&asked)))?;
    item::visibility(hit)
}

fn name_of(entry: &Node) -> Option<String> {
    let full = entry.get("full_name").or_else(|| entry.get("fullName"));
    if let Some(full) = full.and_then(Node::as_str) {
        return Some(full.into());
    }
    let owner = entry.get("owner")?;
    let owner = owner.get("login").unwrap_or(owner).as_str()?;
    Some(format!("{owner}/{}", entry.get("name")?.as_str()?))
}

fn written(object: &Node) -> Written {
    Written {
        floor: item::association(object).and_then(item::floor),
        login: item::login(object).map(Into::into),
        is_fork: item::is_fork(object),
        is_merged: item::is_merged(object),
    }
}

fn permission(object: &Node) -> Option<Standing> {
    match object.get("permission")?.as_str()?.trim().to_ascii_lowercase().as_str() {
        "admin" | "maintain" | "write" => Some(Standing::APPROVED),
        "triage" | "read" => Some(Standing::UNAPPROVED),
        _ => None,
    }
}
