// SPDX-License-Identifier: MIT
//! How far something on the forge is vouched for, and by whom.
//!
//! Labels are cumulative: what is approved is unapproved and none as well, so a reader who asks for
//! less is content. `blocked` stands alone, and nobody asks for it.

use std::fmt;

use super::super::rule::Level;
use super::super::{Label, Tag};

/// How far something is vouched for, the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Its author is banned: nobody may see it, and no policy can ask for it.
    Blocked,
    /// As far as one of the levels that policies name.
    Of(Level),
}

impl Standing {
    /// Nobody has vouched for it.
    pub const NONE: Self = Self::Of(Level::None);
    /// Somebody known to the repository wrote it.
    pub const UNAPPROVED: Self = Self::Of(Level::Unapproved);
    /// Somebody who may write to the repository stands behind it.
    pub const APPROVED: Self = Self::Of(Level::Approved);
    /// It is part of the default branch.
    pub const MERGED: Self = Self::Of(Level::Merged);
}

impl From<Level> for Standing {
    fn from(level: Level) -> Self {
        Self::Of(level)
    }
}

/// Within what a level holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything that the policy speaks of.
    Policy,
    /// Something of which it does not speak, by its name; empty: nothing in particular.
    Other(Box<str>),
}

/// A standing within a scope; none at all is the empty label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integrity {
    /// The standing.
    pub level: Option<Standing>,
    /// Where it holds.
    pub scope: Scope,
}

/// The tags of one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags {
    blocked: Tag,
    /// One for each level.
    levels: [Tag; Level::ALL.len()],
}

impl Tags {
    /// `approved:acme` and so on; `approved` alone without a name.
    #[must_use]
    pub fn of(scope: &str) -> Self {
        match scope {
            "" => Self::spelled(|word| word.into()),
            _ => Self::spelled(|word| format!("{word}:{scope}").into()),
        }
    }

    /// Those of a policy with several scopes: `integrity=approved;scopes=acme,beta/web`.
    #[must_use]
    pub fn of_all(scopes: &[impl fmt::Display]) -> Self {
        let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        let scopes = scopes.join(",");
        Self::spelled(|word| format!("integrity={word};scopes={scopes}").into())
    }

    fn spelled(spell: impl Fn(&str) -> Tag) -> Self {
        Self { blocked: spell("blocked"), levels: Level::ALL.map(|level| spell(level.as_str())) }
    }

    /// The cumulative label.
    #[must_use]
    pub fn label(&self, standing: Option<Standing>) -> Label {
        match standing {
            None => Label::EMPTY,
            Some(Standing::Blocked) => Label::new([self.blocked.clone()]),
            Some(Standing::Of(level)) => Label::new(self.levels[..=level as usize].iter().cloned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_cumulative_and_blocked_stands_alone() {
        let tags = Tags::of("acme");
        let approved = tags.label(Some(Standing::APPROVED));
        assert_eq!(approved, Label::new(["none:acme", "unapproved:acme", "approved:acme"]));
        assert_eq!(tags.label(Some(Standing::Blocked)), Label::new(["blocked:acme"]));
        assert_eq!(tags.label(None), Label::EMPTY);
        assert_eq!(
            Tags::of("").label(Some(Standing::UNAPPROVED)),
            Label::new(["none", "unapproved"])
        );
    }

    #[test]
    fn several_scopes_share_one_tag_in_the_order_of_the_policy() {
        let label = Tags::of_all(&["b/*", "a/x", "b/*"]).label(Some(Standing::NONE));
        assert_eq!(label, Label::new(["integrity=none;scopes=b/*,a/x,b/*"]));
    }

    #[test]
    fn what_is_blocked_is_below_every_level() {
        let levels = Level::ALL.map(Standing::from);
        assert!(levels.is_sorted() && levels.iter().all(|level| Standing::Blocked < *level));
    }
}
