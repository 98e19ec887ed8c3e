// SPDX-License-Identifier: MIT
//! How far an issue, a pull request or a commit is vouched for: by its author first, and then by
//! what was said about it.

use super::facts::{Facts, Known, Written};
use super::item;
use super::level::Standing;
use super::policy::{Policy, Words};
use super::scope::Repo;
use crate::policy::guard::Label;
use crate::wire::json::Node;

/// How many reactions to one item are looked at.
const REACTIONS_MAX: usize = 20;

/// A policy and the facts, for one judgement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bench<'a> {
    pub policy: &'a Policy,
    pub facts: &'a Facts,
}

/// Where an item lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Its repository, if it is known.
    pub repo: Option<Repo<'a>>,
    /// Whether that one is known to be private.
    pub is_private: bool,
}

impl<'a> Bench<'a> {
    /// Whether the policy is judged as the reference would.
    pub fn is_compat(&self) -> bool {
        self.policy.options.compat
    }

    /// Whether the forge would have to be asked for what is not known, and is not: then whatever
    /// could speak against an item does.
    fn is_unsure(&self) -> bool {
        self.facts.are_all
    }

    /// Who may know what is in `repo`: those who may see it.
    pub fn secrecy(&self, repo: Option<Repo<'_>>) -> Known<Label> {
        let Some(repo) = repo else { return Ok(self.policy.private(None)) };
        let is_private = self.facts.is_private(repo)?;
        let is_public = match is_private {
            Some(is_private) => !is_private,
            None => self.is_compat() && self.policy.speaks_of_public(),
        };
        Ok(if is_public { Label::EMPTY } else { self.policy.private(Some(repo)) })
    }

    /// Where what is in `repo` lies. An unknown repository vouches for nobody.
    pub fn place<'r>(&self, repo: Option<Repo<'r>>) -> Known<Place<'r>> {
        let is_private = match repo {
            Some(repo) => self.facts.is_private(repo)? == Some(true),
            None => false,
        };
        Ok(Place { repo, is_private })
    }

    /// Whether everything in `repo` counts as approved, for commits: private repositories, and for
    /// the reference also those of which nobody can say.
    pub fn is_closed(&self, repo: Option<Repo<'_>>) -> Known<bool> {
        let is_private = repo.map_or(Ok(None), |repo| self.facts.is_private(repo))?;
        Ok(is_private.unwrap_or(self.is_compat()))
    }

    /// An issue.
    pub fn issue(&self, item: &Node, place: Place<'_>) -> Known<Standing> {
        let login = item::login(item);
        if self.is_blocked(login) {
            return Ok(Standing::Blocked);
        }
        let mut level = self.floor(item, login);
        if let Some((repo, number)) = self.unsaid(item, level, place) {
            level = self.facts.issue(repo, number)?.and_then(|written| written.floor);
        }
        level = self.permitted(level, login, place)?;
        self.adjusted(item, self.settled(level, place), place)
    }

    /// A pull request.
    pub fn pull(&self, item: &Node, place: Place<'_>) -> Known<Standing> {
        let mut login = item::login(item);
        if self.is_blocked(login) {
            return Ok(Standing::Blocked);
        }
        let mut level = self.floor(item, login);
        let (mut is_fork, mut is_merged) = (item::is_fork(item), item::is_merged(item));
        if let Some((repo, number)) = self.unsaid(item, level, place) {
            let written = self.facts.pull(repo, number)?;
            login = login.or(written.and_then(|written| written.login.as_deref()));
            let is_hidden = login.is_none() && self.is_unsure();
            if self.is_blocked(login) || is_hidden && !self.policy.blocked_users.is_empty() {
                return Ok(Standing::Blocked);
            }
            if let Some(written) = written {
                level = self.trusted(written.floor, login);
                is_fork = is_fork.or(written.is_fork);
                is_merged |= written.is_merged;
            }
        }
        level = self.permitted(level, login, place)?;
        let level = self.settled(lineage(level, is_fork, is_merged), place);
        self.adjusted(item, level, place)
    }

    /// A commit; `is_default`: it was read from the default branch.
    pub fn commit(&self, item: &Node, place: Place<'_>, is_default: bool) -> Known<Standing> {
        let login = item::login(item);
        if self.is_blocked(login) {
            return Ok(Standing::Blocked);
        }
        let mut level = self.floor(item, login);
        let owner = place.repo.map(|repo| repo.owner).unwrap_or_default();
        if !place.is_private && login.is_some_and(|login| login.eq_ignore_ascii_case(owner)) {
            level = level.max(Some(Standing::APPROVED));
        }
        level = self.permitted(level, login, place)?;
        let level = self.settled(level, place);
        Ok(if is_default { Standing::MERGED } else { level })
    }

    /// What somebody said about something.
    pub fn said(&self, item: &Node, place: Place<'_>) -> Known<Standing> {
        let login = item::login(item);
        if self.is_blocked(login) {
            return Ok(Standing::Blocked);
        }
        let level = self.permitted(self.floor(item, login), login, place)?;
        Ok(self.settled(level, place))
    }

    /// What is read of an issue beside its text, by what the forge says of it.
    pub fn written(&self, written: &Written, place: Place<'_>) -> Known<Option<Standing>> {
        let login = written.login.as_deref();
        if !self.is_compat() && self.is_blocked(login) {
            return Ok(Some(Standing::Blocked));
        }
        self.permitted(self.trusted(written.floor, login), login, place)
    }

    /// What is read of a pull request beside its text: [`Self::written`], and its lineage.
    pub fn written_pull(&self, written: &Written, place: Place<'_>) -> Known<Option<Standing>> {
        let level = self.written(written, place)?;
        if level == Some(Standing::Blocked) {
            return Ok(level);
        }
        let is_fork = written.is_fork.filter(|_| !place.is_private);
        let closed = if place.is_private { Some(Standing::APPROVED) } else { None };
        Ok(lineage(level.max(closed), is_fork, written.is_merged))
    }

    fn is_blocked(&self, login: Option<&str>) -> bool {
        login.is_some_and(|login| self.policy.blocked_users.contains(login))
    }

    fn floor(&self, item: &Node, login: Option<&str>) -> Option<Standing> {
        self.trusted(item::association(item).and_then(item::floor), login)
    }

    fn trusted(&self, level: Option<Standing>, login: Option<&str>) -> Option<Standing> {
        let is_trusted = login.is_some_and(|login| self.policy.trusts(login));
        if is_trusted { level.max(Some(Standing::APPROVED)) } else { level }
    }

    /// Repository and number of an item that says nothing of its author's association, where it
    /// matters.
    fn unsaid<'i>(
        &self,
        item: &'i Node,
        level: Option<Standing>,
        place: Place<'i>,
    ) -> Option<(Repo<'i>, &'i str)> {
        let is_unsaid = !place.is_private && level.is_none() && item::association(item).is_none();
        place.repo.zip(item::number(item)).filter(|_| is_unsaid)
    }

    /// At least what the author may do there, where anybody may write.
    fn permitted(
        &self,
        level: Option<Standing>,
        login: Option<&str>,
        place: Place<'_>,
    ) -> Known<Option<Standing>> {
        let is_enough = place.is_private || level >= Some(Standing::APPROVED);
        match (place.repo, login) {
            (Some(repo), Some(login)) if !is_enough => {
                Ok(level.max(self.facts.permission(repo, login)?))
            }
            _ => Ok(level),
        }
    }

    /// At least none, and in private repositories at least approved.
    fn settled(&self, level: Option<Standing>, place: Place<'_>) -> Standing {
        let least = if place.is_private { Standing::APPROVED } else { Standing::NONE };
        level.unwrap_or(least).max(least)
    }

    /// What labels and reactions make of it: first what raises it, then what lowers it.
    fn adjusted(&self, item: &Node, mut level: Standing, place: Place<'_>) -> Known<Standing> {
        let policy = self.policy;
        let is_labelled = |words: &Words| item::labels(item).any(|label| words.contains(label));
        if is_labelled(&policy.approval_labels)
            || is_labelled(&policy.promotion_label)
            || self.is_reacted(item, &policy.endorsements, place, policy.endorser_min)?
        {
            level = level.max(Standing::APPROVED);
        }
        if is_labelled(&policy.refusal_labels) || is_labelled(&policy.demotion_label) {
            level = level.min(Standing::NONE);
        }
        let least = if self.is_unsure() { Standing::NONE } else { policy.endorser_min };
        if self.is_reacted(item, &policy.disapprovals, place, least)? {
            level = level.min(policy.disapproval_level);
        }
        Ok(level)
    }

    /// Whether somebody has reacted so who may do at least as much as `least`.
    fn is_reacted(
        &self,
        item: &Node,
        signs: &Words,
        place: Place<'_>,
        least: Standing,
    ) -> Known<bool> {
        let Some(repo) = place.repo.filter(|_| !signs.is_empty()) else { return Ok(false) };
        for reaction in item::reactions(item, REACTIONS_MAX) {
            if !signs.contains(reaction.content) {
                continue;
            }
            let level = self.facts.permission(repo, reaction.login)?;
            if level.unwrap_or(Standing::NONE) >= least {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// At least what is due to where a pull request comes from and where it has gone.
fn lineage(level: Option<Standing>, is_fork: Option<bool>, is_merged: bool) -> Option<Standing> {
    let origin =
        is_fork.map(|is_fork| if is_fork { Standing::UNAPPROVED } else { Standing::APPROVED });
    let end = is_merged.then_some(Standing::MERGED);
    level.max(origin).max(end)
}
