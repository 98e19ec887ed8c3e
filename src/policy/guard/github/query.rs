// SPDX-License-Identifier: MIT
//! Where a search looks, as far as its query says so without doubt.

use super::plain::is_name;

/// Words of a query that name places.
const PLACES: [&str; 3] = ["repo:", "org:", "user:"];

/// The owner and the repository that `query` is confined to, if it names one place and nothing that
/// widens or turns it around.
#[must_use]
pub fn place(query: &str) -> Option<(&str, &str)> {
    let lower = query.to_ascii_lowercase();
    let n_places: usize = PLACES.iter().map(|word| lower.matches(word).count()).sum();
    if n_places != 1 || widens(query) {
        return None;
    }
    let words = query.split_whitespace();
    let mut named = words.filter(|word| word.to_ascii_lowercase().starts_with("repo:"));
    let (owner, repo) = named.next()?.get("repo:".len()..)?.split_once('/')?;
    (is_name(owner) && is_name(repo)).then_some((owner, repo))
}

/// Whether `query` leaves it to others where it looks: it names no place at all, and nothing that
/// would widen one.
pub(super) fn is_placeless(query: &str) -> bool {
    let lower = query.to_ascii_lowercase();
    !widens(query) && !PLACES.iter().any(|word| lower.contains(word))
}

fn widens(query: &str) -> bool {
    query.split_whitespace().any(|word| matches!(word, "OR" | "NOT" | "AND"))
        || query.contains(['(', ')', '"'])
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
            "repo:acme/web Repo:acme/secret",
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

    #[test]
    fn a_query_without_a_place_leaves_it_to_others() {
        assert!(is_placeless("") && is_placeless("fn is:open"));
        assert!(!is_placeless("User:acme") && !is_placeless("a OR b") && !is_placeless("\"a\""));
    }
}
