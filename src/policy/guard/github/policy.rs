// SPDX-License-Identifier: MIT
//! What a policy tells the guard: of which repositories it speaks, whom it trusts, and what raises
//! or lowers an item.

use super::super::rule::{AllowOnly, Level, Repos, parse_payload};
use super::super::{GuardError, Label, Labels, Mode};
use super::level::{Integrity, Scope, Standing, Tags};
use super::scope::{Entry, Repo};

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
    pub(super) disapproval_level: Standing,
    pub(super) endorser_min: Standing,
}

impl Policy {
    /// What this rule means here; `trusted_bots` are trusted beside the built-in ones.
    #[must_use]
    pub fn new(rule: &AllowOnly, trusted_bots: &[Box<str>]) -> Self {
        let entries = match &rule.repos {
            Repos::All => vec![Entry::All],
            Repos::Public => vec![Entry::Public],
            Repos::Scopes(scopes) => scopes.iter().filter_map(|scope| Entry::of(scope)).collect(),
        };
        let tags = match &entries[..] {
            [only] => Tags::of(&only.to_string()),
            several => Tags::of_all(several),
        };
        let word = |word: &Option<Box<str>>| Words(word.iter().cloned().collect());
        Self {
            options: Options::default(),
            entries,
            tags,
            min_integrity: rule.min_integrity,
            trusted_bots: Words(trusted_bots.into()),
            trusted_users: Words(rule.trusted_users.clone()),
            blocked_users: Words(rule.blocked_users.clone()),
            approval_labels: Words(rule.approval_labels.clone()),
            refusal_labels: Words(rule.refusal_labels.clone()),
            promotion_label: word(&rule.promotion_label),
            demotion_label: word(&rule.demotion_label),
            endorsements: Words(rule.endorsement_reactions.clone()),
            disapprovals: Words(rule.disapproval_reactions.clone()),
            disapproval_level: rule.disapproval_integrity.unwrap_or(Level::None).into(),
            endorser_min: rule.endorser_min_integrity.unwrap_or(Level::Approved).into(),
        }
    }

    /// The policy that a guard is told, `{"allow-only":{…},"trusted-bots":[…]}`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(payload: &[u8]) -> Result<Self, GuardError> {
        let (rule, trusted_bots) = parse_payload(payload).map_err(|why| {
            GuardError::new(format!("the policy of the GitHub guard is not valid: {why}"))
        })?;
        Ok(Self::new(&rule, &trusted_bots))
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
        let integrity = self.tags.label(Some(self.min_integrity.into()));
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

    /// The secrecy of what may lie in any repository: in the most secret one.
    pub(super) fn anywhere(&self) -> Label {
        let is_all = self.entries.contains(&Entry::All);
        if is_all { Label::EMPTY } else { self.private(None) }
    }

    /// Whether what `login` writes is approved whoever reads it.
    pub(super) fn trusts(&self, login: &str) -> bool {
        TRUSTED_BOTS.iter().any(|bot| bot.eq_ignore_ascii_case(login))
            || self.trusted_bots.contains(login)
            || self.trusted_users.contains(login)
    }
}
