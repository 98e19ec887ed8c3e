// SPDX-License-Identifier: MIT
//! How far something on the forge is vouched for, and by whom.
//!
//! Labels are cumulative: what is approved is unapproved and none as well, so a reader who asks for
//! less is content. `blocked` stands alone, and nobody asks for it.

use std::fmt;
use std::sync::Arc;

use super::super::{Label, Tag};

/// A level of integrity, the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Its author is banned: nobody may see it.
    Blocked,
    /// Nobody has vouched for it.
    None,
    /// Somebody known to the repository wrote it.
    Unapproved,
    /// Somebody who may write to the repository stands behind it.
    Approved,
    /// It is part of the default branch.
    Merged,
}

impl Level {
    const ALL: [Self; 5] =
        [Self::Blocked, Self::None, Self::Unapproved, Self::Approved, Self::Merged];

    /// As it is spelled in tags and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::None => "none",
            Self::Unapproved => "unapproved",
            Self::Approved => "approved",
            Self::Merged => "merged",
        }
    }

    /// The level that a policy may name; `blocked` is none of them.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::ALL[1..].iter().copied().find(|level| text.eq_ignore_ascii_case(level.as_str()))
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

/// A level within a scope; no level at all is the empty label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integrity {
    /// The level.
    pub level: Option<Level>,
    /// Where it holds.
    pub scope: Scope,
}

/// The tags of one scope, one for each level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags([Tag; 5]);

impl Tags {
    /// `approved:acme` and so on; `approved` alone without a name.
    #[must_use]
    pub fn of(scope: &str) -> Self {
        match scope {
            "" => Self::spelled(|level| level.as_str().into()),
            _ => Self::spelled(|level| format!("{}:{scope}", level.as_str()).into()),
        }
    }

    /// Those of a policy with several scopes: `integrity=approved;scopes=acme,beta/web`.
    #[must_use]
    pub fn of_all(scopes: &[impl fmt::Display]) -> Self {
        let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        let scopes = scopes.join(",");
        Self::spelled(|level| format!("integrity={};scopes={scopes}", level.as_str()).into())
    }

    fn spelled(spell: impl Fn(Level) -> Arc<str>) -> Self {
        Self(Level::ALL.map(spell))
    }

    /// The cumulative label.
    #[must_use]
    pub fn label(&self, level: Option<Level>) -> Label {
        match level {
            None => Label::EMPTY,
            Some(Level::Blocked) => Label::new([Tag::clone(&self.0[0])]),
            Some(level) => Label::new(self.0[1..=level as usize].iter().cloned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_cumulative_and_blocked_stands_alone() {
        let tags = Tags::of("acme");
        let approved = tags.label(Some(Level::Approved));
        assert_eq!(approved, Label::new(["none:acme", "unapproved:acme", "approved:acme"]));
        assert_eq!(tags.label(Some(Level::Blocked)), Label::new(["blocked:acme"]));
        assert_eq!(tags.label(None), Label::EMPTY);
        assert_eq!(Tags::of("").label(Some(Level::Unapproved)), Label::new(["none", "unapproved"]));
    }

    #[test]
    fn several_scopes_share_one_tag_in_the_order_of_the_policy() {
        let label = Tags::of_all(&["b/*", "a/x", "b/*"]).label(Some(Level::None));
        assert_eq!(label, Label::new(["integrity=none;scopes=b/*,a/x,b/*"]));
    }

    #[test]
    fn a_policy_may_name_every_level_but_blocked() {
        assert_eq!(Level::of(" Merged\n"), Some(Level::Merged));
        assert_eq!((Level::of("blocked"), Level::of("")), (None, None));
        assert!(Level::Blocked < Level::None && Level::Approved < Level::Merged);
    }
}
