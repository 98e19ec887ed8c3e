// SPDX-License-Identifier: MIT
//! Searches whose findings carry one label, and the places that a query names.

use super::super::{Call, is_name};

/// Whether `call` searches where its label is true. Findings in code and commits are labelled as
/// one, by the one repository that the query names; without it they could be anybody's.
pub(super) fn is_one_place(call: &Call) -> bool {
    match call.tool {
        "search_code" | "search_commits" => place(call.arg("query").unwrap_or_default()).is_some(),
        _ => true,
    }
}

/// The owner and the repository that `query` is confined to, if it names one place and nothing that
/// widens or turns it around.
#[must_use]
pub fn place(query: &str) -> Option<(&str, &str)> {
    let lower = query.to_ascii_lowercase();
    let n_places: usize =
        ["repo:", "org:", "user:"].iter().map(|word| lower.matches(word).count()).sum();
    let widens = query.split_whitespace().any(|word| matches!(word, "OR" | "NOT" | "AND"));
    if n_places != 1 || widens || query.contains(['(', ')', '"']) {
        return None;
    }
    let words = query.split_whitespace();
    let mut named = words.filter(|word| word.to_ascii_lowercase().starts_with("repo:"));
    let (owner, repo) = named.next()?.get("repo:".len()..)?.split_once('/')?;
    (is_name(owner) && is_name(repo)).then_some((owner, repo))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_confined_by_one_repository() {
        assert_eq!(place("fn repo:acme/web language:rust"), Some(("acme", "web")));
        assert_eq!(place("Repo:acme/web"), Some(("acme", "web")));
        for query in [
            "",
            "fn",
            "repo:acme/web repo:acme/secret",
            "repo:acme/web org:acme",
            "-repo:acme/web x",
            "x NOT repo:acme/web",
            "repo:acme/web OR x",
            "(repo:acme/web)",
            "\"repo:acme/web\"",
            "repo:acme",
            "repo:acme/web/x",
            "user:acme",
        ] {
            assert_eq!(place(query), None, "{query}");
        }
    }
}
