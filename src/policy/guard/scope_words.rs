// SPDX-License-Identifier: MIT
//! The short way to say a policy: an owner, perhaps a repository, and a level.

use super::rule::{AllowOnly, Level, Policy, Repos, scope};

/// What the four flags or variables say; empty: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeWords<'w> {
    /// Public repositories only.
    pub is_public: bool,
    /// Those of this owner.
    pub owner: &'w str,
    /// This one of the owner.
    pub repo: &'w str,
    /// Below this, nothing is shown.
    pub min_integrity: &'w str,
}

impl ScopeWords<'_> {
    /// The policy that they mean; `None`: they say nothing.
    ///
    /// # Errors
    ///
    /// Why they mean none.
    pub fn policy(self) -> Result<Option<Policy>, String> {
        let (owner, repo) = (self.owner.trim(), self.repo.trim());
        let level = self.min_integrity.trim().to_ascii_lowercase().replace('-', "");
        if !self.is_public && owner.is_empty() && repo.is_empty() && level.is_empty() {
            return Ok(None);
        }
        if owner.is_empty() && !repo.is_empty() {
            return Err("allow-only scope repo requires allow-only scope owner".to_owned());
        }
        if self.is_public != owner.is_empty() {
            return Err("exactly one AllowOnly scope variant must be set (public or owner[/repo])"
                .to_owned());
        }
        let level = Level::of(&level).ok_or_else(|| {
            "min-integrity must be one of: none, unapproved, approved, merged".to_owned()
        })?;
        let repos = if self.is_public { Repos::Public } else { one(owner, repo)? };
        Ok(Some(Policy::AllowOnly(AllowOnly::new(repos, level))))
    }
}

fn one(owner: &str, repo: &str) -> Result<Repos, String> {
    let scope = format!("{owner}/{}", if repo.is_empty() { "*" } else { repo });
    if !scope::is_scope(&scope) {
        let forms = scope::FORMS;
        return Err(format!("allow-only.repos scope \"{scope}\" is invalid; expected {forms}"));
    }
    Ok(Repos::Scopes(vec![scope.into()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<'w>(is_public: bool, owner: &'w str, repo: &'w str, level: &'w str) -> ScopeWords<'w> {
        ScopeWords { is_public, owner, repo, min_integrity: level }
    }

    #[track_caller]
    fn check(words: ScopeWords<'_>, want: &str) {
        let policy = words.policy().unwrap().unwrap();
        assert_eq!(String::from_utf8(policy.to_json()).unwrap(), want);
    }

    #[test]
    fn words_are_a_policy_in_short() {
        check(
            words(true, " ", "", " None "),
            r#"{"allow-only":{"repos":"public","min-integrity":"none"}}"#,
        );
        check(
            words(false, " acme ", "", "UN-approved"),
            r#"{"allow-only":{"repos":["acme/*"],"min-integrity":"unapproved"}}"#,
        );
        check(
            words(false, "acme", "web", "merged"),
            r#"{"allow-only":{"repos":["acme/web"],"min-integrity":"merged"}}"#,
        );
        assert_eq!(words(false, " ", "", "").policy(), Ok(None));
    }

    #[test]
    fn words_that_mean_no_policy_are_refused() {
        let check = |words: ScopeWords<'_>, want: &str| {
            assert_eq!(words.policy().unwrap_err(), want, "{words:?}");
        };
        let variants = "exactly one AllowOnly scope variant must be set (public or owner[/repo])";
        check(words(true, "acme", "", "none"), variants);
        check(words(false, "", "", "none"), variants);
        check(
            words(false, "", "web", "none"),
            "allow-only scope repo requires allow-only scope owner",
        );
        check(
            words(true, "", "", ""),
            "min-integrity must be one of: none, unapproved, approved, merged",
        );
        check(
            words(false, "a b", "", "none"),
            "allow-only.repos scope \"a b/*\" is invalid; expected owner/*, owner/repo, or \
             owner/re*",
        );
    }
}
