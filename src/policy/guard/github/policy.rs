// SPDX-License-Identifier: MIT
//! What a policy tells the guard: of which repositories it speaks, whom it trusts, and what raises
//! or lowers an item.

use super::super::{GuardError, Label, Labels, Mode};
use super::level::{Integrity, Level, Scope, Tags};
use super::scope::{Entry, Repo};
use crate::wire::json::{Node, tree};

/// How deep the JSON of a policy may be nested.
const DEPTH_MAX: usize = 16;

/// Logins of machines that are trusted wherever the forge shows them.
const TRUSTED_BOTS: &[&str] = &[
    "dependabot[bot]",
    "github-actions[bot]",
    "github-actions",
    "app/github-actions",
    "github-merge-queue[bot]",
    "copilot",
    "copilot-swe-agent[bot]",
    "copilot-swe-agent",
    "app/copilot-swe-agent",
];

/// How the guard judges where the reference lets too much pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Judge exactly as the reference does.
    pub compat: bool,
}

/// What the guard says of the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentLabels {
    /// What the agent carries.
    pub labels: Labels,
    /// What happens where labels do not fit.
    pub mode: Mode,
    /// What was understood.
    pub normalized: Normalized,
}

/// A policy in two words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalized {
    /// `All`, `Public`, `Owner`, `Repo`, `RepoPrefix` or `Composite`.
    pub scope_kind: &'static str,
    /// The lowest level that the agent may see.
    pub min_integrity: Level,
}

/// Words that are compared without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words(Vec<Box<str>>);

impl Words {
    pub fn contains(&self, word: &str) -> bool {
        self.0.iter().any(|own| own.eq_ignore_ascii_case(word))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What the guard knows of a policy: built once, then shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub(super) options: Options,
    entries: Vec<Entry>,
    tags: Tags,
    min_integrity: Level,
    trusted_bots: Words,
    trusted_users: Words,
    pub(super) blocked_users: Words,
    pub(super) approval_labels: Words,
    pub(super) refusal_labels: Words,
    pub(super) promotion_label: Words,
    pub(super) demotion_label: Words,
    pub(super) endorsements: Words,
    pub(super) disapprovals: Words,
    pub(super) disapproval_level: Level,
    pub(super) endorser_min: Level,
}

impl Policy {
    /// Reads `{"allow-only":{…},"trusted-bots":[…]}`; members that it does not know are ignored.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(json: &[u8]) -> Result<Self, GuardError> {
        let root = tree::parse(json, DEPTH_MAX).map_err(|error| refused(&error.to_string()))?;
        let rule = root.get("allow-only").filter(|rule| rule.as_object().is_some());
        let rule = rule.ok_or_else(|| refused("there is no allow-only object"))?;
        let entries = entries(rule.get("repos"))?;
        let tags = match &entries[..] {
            [only] => Tags::of(&only.to_string()),
            several => Tags::of_all(several),
        };
        let words = |key| words(rule, key);
        Ok(Self {
            options: Options::default(),
            entries,
            tags,
            min_integrity: level(rule, "min-integrity")?
                .ok_or_else(|| refused("allow-only has no min-integrity"))?,
            trusted_bots: self::words(&root, "trusted-bots")?,
            trusted_users: words("trusted-users")?,
            blocked_users: words("blocked-users")?,
            approval_labels: words("approval-labels")?,
            refusal_labels: words("refusal-labels")?,
            promotion_label: word(rule, "promotion-label")?,
            demotion_label: word(rule, "demotion-label")?,
            endorsements: words("endorsement-reactions")?,
            disapprovals: words("disapproval-reactions")?,
            disapproval_level: level(rule, "disapproval-integrity")?.unwrap_or(Level::None),
            endorser_min: level(rule, "endorser-min-integrity")?.unwrap_or(Level::Approved),
        })
    }

    /// The same policy, judged with these options.
    #[must_use]
    pub fn with_options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// What an agent under this policy carries.
    #[must_use]
    pub fn agent(&self) -> AgentLabels {
        let is_named = |entry: &&Entry| !matches!(entry, Entry::All | Entry::Public);
        let named = self.entries.iter().filter(is_named);
        let secrecy = Label::new(named.map(|entry| format!("private:{entry}")));
        let integrity = self.tags.label(Some(self.min_integrity));
        let scope_kind = match &self.entries[..] {
            [only] => only.kind(),
            _ => "Composite",
        };
        AgentLabels {
            labels: Labels { secrecy, integrity },
            mode: Mode::Filter,
            normalized: Normalized { scope_kind, min_integrity: self.min_integrity },
        }
    }

    /// The scope called `name`: the policy's own if it speaks of it.
    pub(super) fn scope(&self, name: &str) -> Scope {
        let is_ours = self.speaks_of_all()
            || Repo::of(name)
                .is_some_and(|repo| self.entries.iter().any(|entry| entry.matches(repo)))
            || matches!(&self.entries[..], [only] if only.to_string() == name);
        if is_ours { Scope::Policy } else { Scope::Other(name.into()) }
    }

    fn speaks_of_all(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, Entry::All | Entry::Public))
    }

    /// Whether it speaks of public repositories in general.
    pub(super) fn speaks_of_public(&self) -> bool {
        self.entries.contains(&Entry::Public)
    }

    /// The integrity label that these words mean.
    pub(super) fn integrity(&self, integrity: &Integrity) -> Label {
        match &integrity.scope {
            Scope::Policy => self.tags.label(integrity.level),
            Scope::Other(name) => Tags::of(name).label(integrity.level),
        }
    }

    /// The secrecy of what is private in `repo`.
    pub(super) fn private(&self, repo: Option<Repo<'_>>) -> Label {
        let Some(repo) = repo else { return Label::new(["private"]) };
        match self.entries.iter().find(|entry| entry.matches(repo)) {
            Some(Entry::All) => Label::EMPTY,
            Some(Entry::Public) => Label::new(["private"]),
            Some(entry) => Label::new([format!("private:{entry}")]),
            None => Label::new([format!("private:{repo}")]),
        }
    }

    /// Whether what `login` writes is approved whoever reads it.
    pub(super) fn trusts(&self, login: &str) -> bool {
        TRUSTED_BOTS.iter().any(|bot| bot.eq_ignore_ascii_case(login))
            || self.trusted_bots.contains(login)
            || self.trusted_users.contains(login)
    }
}

fn refused(why: &str) -> GuardError {
    GuardError::new(format!("the policy of the GitHub guard is not valid: {why}"))
}

fn entries(repos: Option<&Node>) -> Result<Vec<Entry>, GuardError> {
    let repos = repos.ok_or_else(|| refused("allow-only has no repos"))?;
    match (repos.as_str(), repos.as_array()) {
        (Some("all"), _) => Ok(vec![Entry::All]),
        (Some("public"), _) => Ok(vec![Entry::Public]),
        (_, Some(list)) if !list.is_empty() => list.iter().map(entry).collect(),
        _ => Err(refused("repos is neither \"all\" nor \"public\" nor a list of scopes")),
    }
}

fn entry(node: &Node) -> Result<Entry, GuardError> {
    let entry = node.as_str().and_then(Entry::of);
    entry.ok_or_else(|| refused("a scope is none of owner/*, owner/repo and owner/start*"))
}

/// A list, or one string with commas or line ends in it.
fn words(object: &Node, key: &str) -> Result<Words, GuardError> {
    let bad = || refused(&format!("{key} is no list of words"));
    let Some(node) = object.get(key).filter(|node| !node.is_null()) else {
        return Ok(Words::default());
    };
    let words: Vec<&str> = match (node.as_str(), node.as_array()) {
        (Some(text), _) => text.split([',', '\n']).collect(),
        (_, Some(list)) => {
            list.iter().map(|word| word.as_str().ok_or_else(bad)).collect::<Result<_, _>>()?
        }
        _ => return Err(bad()),
    };
    let words = words.into_iter().map(str::trim).filter(|word| !word.is_empty());
    Ok(Words(words.map(Into::into).collect()))
}

/// One word; commas are part of it.
fn word(object: &Node, key: &str) -> Result<Words, GuardError> {
    let Some(node) = object.get(key).filter(|node| !node.is_null()) else {
        return Ok(Words::default());
    };
    let word = node.as_str().ok_or_else(|| refused(&format!("{key} is no string")))?.trim();
    Ok(Words((!word.is_empty()).then(|| word.into()).into_iter().collect()))
}

fn level(object: &Node, key: &str) -> Result<Option<Level>, GuardError> {
    let Some(node) = object.get(key).filter(|node| !node.is_null()) else { return Ok(None) };
    let text = node.as_str().unwrap_or("?");
    if text.trim().is_empty() {
        return Ok(None);
    }
    let what = || format!("{key} is none of none, unapproved, approved, merged");
    Level::of(text).map(Some).ok_or_else(|| refused(&what()))
}
