// SPDX-License-Identifier: MIT
//! What a policy speaks of: all repositories, the public ones, those of an owner, one, or some that
//! begin alike.
//!
//! ```text
//!  "all"   "public"   "acme/*" = acme   "acme/web" = acme/web   "acme/we*" = acme/we*
//! ```

use std::fmt;

/// One repository, as somebody has spelled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repo<'t> {
    /// Whose it is.
    pub owner: &'t str,
    /// What it is called.
    pub name: &'t str,
}

impl<'t> Repo<'t> {
    /// From `owner/name`: exactly one slash, with something on either side.
    #[must_use]
    pub fn of(text: &'t str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        let is_good = !owner.is_empty() && !name.is_empty() && !name.contains('/');
        is_good.then_some(Self { owner, name })
    }

    /// Whether the forge takes both for the same one.
    #[must_use]
    pub fn is_same(self, other: Repo<'_>) -> bool {
        self.owner.eq_ignore_ascii_case(other.owner) && self.name.eq_ignore_ascii_case(other.name)
    }
}

impl fmt::Display for Repo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// One entry of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Every repository, private ones too.
    All,
    /// Every public repository.
    Public,
    /// The repositories of one owner.
    Owner(Box<str>),
    /// One repository.
    Repo(Box<str>, Box<str>),
    /// The repositories of one owner whose names begin so.
    Prefix(Box<str>, Box<str>),
}

impl Entry {
    /// One member of the list of a policy; `None` if it is none.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let Repo { owner, name } = Repo::of(text.trim())?;
        let (start, stars) = name.split_at(name.find('*').unwrap_or(name.len()));
        match (start, stars) {
            (_, "") => Some(Self::Repo(owner.into(), name.into())),
            ("", "*") => Some(Self::Owner(owner.into())),
            (start, "*") => Some(Self::Prefix(owner.into(), start.into())),
            _ => None,
        }
    }

    /// Whether the entry speaks of this repository.
    #[must_use]
    pub fn matches(&self, repo: Repo<'_>) -> bool {
        let is_owner = |owner: &str| owner.eq_ignore_ascii_case(repo.owner);
        match self {
            Self::All | Self::Public => true,
            Self::Owner(owner) => is_owner(owner),
            Self::Repo(owner, name) => is_owner(owner) && name.eq_ignore_ascii_case(repo.name),
            Self::Prefix(owner, start) => is_owner(owner) && repo.name.starts_with(&**start),
        }
    }

    /// What a policy of this entry alone is called.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Public => "Public",
            Self::Owner(_) => "Owner",
            Self::Repo(..) => "Repo",
            Self::Prefix(..) => "RepoPrefix",
        }
    }
}

/// As in tags.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Public => f.write_str("public"),
            Self::Owner(owner) => f.write_str(owner),
            Self::Repo(owner, name) => write!(f, "{owner}/{name}"),
            Self::Prefix(owner, start) => write!(f, "{owner}/{start}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(entry: &str, repo: &str) -> bool {
        Entry::of(entry).unwrap().matches(Repo::of(repo).unwrap())
    }

    #[test]
    fn entries_are_read_and_labelled() {
        let label = |text: &str| Entry::of(text).map(|entry| (entry.kind(), entry.to_string()));
        assert_eq!(label(" acme/* "), Some(("Owner", "acme".into())));
        assert_eq!(label("acme/web"), Some(("Repo", "acme/web".into())));
        assert_eq!(label("acme/we*"), Some(("RepoPrefix", "acme/we*".into())));
        for bad in ["", "acme", "/web", "acme/", "a/b/c", "acme/*b", "acme/b**", "a/*/b"] {
            assert_eq!(label(bad), None, "{bad}");
        }
    }

    #[test]
    fn case_matters_for_the_start_of_a_name_alone() {
        assert!(matches("Acme/*", "aCME/anything") && !matches("acme/*", "acme2/x"));
        assert!(matches("acme/Web", "ACME/wEB") && !matches("acme/web", "acme/web2"));
        assert!(matches("ACME/we*", "acme/web") && matches("acme/we*", "acme/we"));
        assert!(!matches("acme/we*", "acme/Web"));
    }

    /// The same question, asked of spelled entries.
    fn matches_naively(entry: &str, repo: &str) -> bool {
        let ((owner, pattern), (whose, name)) =
            (entry.split_once('/').unwrap(), repo.split_once('/').unwrap());
        let fits = match pattern.strip_suffix('*') {
            Some(start) => name.as_bytes().starts_with(start.as_bytes()),
            None => name.to_lowercase() == pattern.to_lowercase(),
        };
        owner.to_lowercase() == whose.to_lowercase() && fits
    }

    proptest! {
        #[test]
        fn an_entry_matches_what_its_spelling_says(
            entry in "[abA]{1,2}/([abAB]{1,3}\\*?|\\*)",
            repo in "[abA]{1,2}/[abAB]{1,3}",
        ) {
            prop_assert_eq!(matches(&entry, &repo), matches_naively(&entry, &repo));
            prop_assert_eq!(Entry::of(&entry).unwrap().to_string(), entry.trim_end_matches("/*"));
        }
    }
}
