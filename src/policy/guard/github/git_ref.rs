// SPDX-License-Identifier: MIT
//! Who has put something where a git ref leads: whoever may write to the repository, or anybody.
//!
//! ```text
//!  main, HEAD, none at all ──> the default branch
//!  dev, refs/tags/v1 ────────> a branch or a tag, which only those can make who may write there
//!  0123abc, pull/7/head ─────> any commit, also one of a fork: anybody's
//! ```

/// Where a ref leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GitRef {
    /// To the default branch.
    Default,
    /// To a branch or a tag.
    Kept,
    /// To what anybody can have put there.
    Loose,
}

/// How short a hash may be that git takes for one.
const HASH_MIN: usize = 4;
/// How long a hash is, with SHA-256.
const HASH_MAX: usize = 64;

impl GitRef {
    /// Where `name` leads; for the reference none is loose.
    pub fn of(name: &str, is_compat: bool) -> Self {
        // The real default branch is not asked for: these are its usual names.
        let usual = ["", "main", "master", "HEAD"];
        if usual.iter().any(|usual| usual.eq_ignore_ascii_case(name)) {
            Self::Default
        } else if is_compat || is_kept(name) {
            Self::Kept
        } else {
            Self::Loose
        }
    }
}

fn is_kept(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let (is_full, rest) = match lower.strip_prefix("refs/") {
        Some(rest) => (true, rest),
        None => (false, &*lower),
    };
    let kind = rest.split('/').next().unwrap_or_default();
    let is_expression = name.contains(['^', '~', ':', '@', '{', ' ']);
    let is_hash = (HASH_MIN..=HASH_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    match kind {
        _ if is_expression || is_hash => false,
        "heads" | "tags" => true,
        // `sha/…` is how addresses of resources say a hash.
        "pull" | "sha" | "refs" => false,
        _ => !is_full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_or_a_pull_request_may_be_anybodys() {
        for (name, want) in [
            ("", GitRef::Default),
            ("Master", GitRef::Default),
            ("dev", GitRef::Kept),
            ("feature/pull/7", GitRef::Kept),
            ("refs/heads/deadbeef", GitRef::Kept),
            ("refs/tags/v1", GitRef::Kept),
            ("tags/v1", GitRef::Kept),
            ("deadbeef", GitRef::Loose),
            ("DEAD", GitRef::Loose),
            ("refs/pull/7/head", GitRef::Loose),
            ("pull/7/merge", GitRef::Loose),
            ("refs/notes/x", GitRef::Loose),
            ("refs/refs/pull/7/head", GitRef::Loose),
            ("sha/deadbeef", GitRef::Loose),
            ("main^2", GitRef::Loose),
        ] {
            assert_eq!(GitRef::of(name, false), want, "{name}");
            assert_ne!(GitRef::of(name, true), GitRef::Loose, "{name}");
        }
    }
}
