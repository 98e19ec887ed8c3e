// SPDX-License-Identifier: MIT
//! What an item of an answer says of itself: who wrote it, where, and what was said about it.

use super::level::Standing;
use super::scope::Repo;
use crate::wire::json::{Node, Value};

/// Where the forge says that something lies, the first that says it.
const REPO_NAMES: &[&[&str]] = &[
    &["full_name"],
    &["repository", "full_name"],
    &["base", "repo", "full_name"],
    &["head", "repo", "full_name"],
];
const REPO_URLS: &[&str] = &["repository_url", "html_url", "url"];
const URL_STARTS: &[&str] = &[
    "https://api.github.com/repos/",
    "http://api.github.com/repos/",
    "https://github.com/",
    "http://github.com/",
];

/// When something was changed last, the first that says it.
const EDITED: &[&str] =
    &["lastEditedAt", "editedAt", "last_edited_at", "edited_at", "updatedAt", "updated_at"];

/// The string at a path.
pub(super) fn text<'n>(item: &'n Node, path: &[&str]) -> Option<&'n str> {
    path.iter().try_fold(item, |node, key| node.get(key))?.as_str()
}

/// What a truth value says.
pub(super) fn flag(node: &Node) -> Option<bool> {
    if let Value::Bool(flag) = node.value { Some(flag) } else { None }
}

/// Its identifier, for people.
pub(super) fn id(item: &Node) -> &str {
    let id = item.get("id");
    id.and_then(|id| id.as_str().or_else(|| id.as_number())).unwrap_or("unknown")
}

/// Whether a repository says that it is private.
pub(super) fn visibility(repo: &Node) -> Option<bool> {
    let flags = ["private", "is_private", "isPrivate"];
    flags.iter().find_map(|key| flag(repo.get(key)?)).or_else(|| {
        match repo.get("visibility")?.as_str()?.to_ascii_lowercase().as_str() {
            "private" | "internal" => Some(true),
            "public" => Some(false),
            _ => None,
        }
    })
}

/// A number in digits, or a string of them.
pub(super) fn digits(node: &Node) -> Option<&str> {
    let text = node.as_number().or_else(|| node.as_str())?;
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// Who wrote it.
pub(super) fn login(item: &Node) -> Option<&str> {
    let login = text(item, &["user", "login"]).or_else(|| text(item, &["author", "login"]));
    login.filter(|login| !login.is_empty())
}

/// How its author belongs to the repository.
pub(super) fn association(item: &Node) -> Option<&str> {
    text(item, &["author_association"]).or_else(|| text(item, &["authorAssociation"]))
}

/// What an association is worth.
pub(super) fn floor(association: &str) -> Option<Standing> {
    match association.trim().to_ascii_uppercase().as_str() {
        "OWNER" | "MEMBER" | "COLLABORATOR" => Some(Standing::APPROVED),
        "CONTRIBUTOR" | "FIRST_TIME_CONTRIBUTOR" | "NONE" => Some(Standing::UNAPPROVED),
        _ => None,
    }
}

/// Its number, in digits.
pub(super) fn number(item: &Node) -> Option<&str> {
    let last_of = |url: &'_ str| -> Option<usize> {
        let last = url.rsplit('/').next()?;
        (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())).then_some(last.len())
    };
    item.get("number").and_then(digits).or_else(|| {
        let mut urls = ["html_url", "url"].into_iter().filter_map(|key| text(item, &[key]));
        urls.find_map(|url| Some(&url[url.len() - last_of(url)?..]))
    })
}

/// The repository to which it belongs.
pub(super) fn repo(item: &Node) -> Option<Repo<'_>> {
    let named = REPO_NAMES.iter().find_map(|path| Repo::of(text(item, path)?));
    named.or_else(|| REPO_URLS.iter().find_map(|key| repo_in(text(item, &[key])?)))
}

/// The repository whose page, or part of the API, is at this address.
fn repo_in(url: &str) -> Option<Repo<'_>> {
    let known = URL_STARTS.iter().find_map(|start| url.strip_prefix(start));
    let rest = known.or_else(|| url.split_once("/repos/").map(|(_, rest)| rest))?;
    let end = rest.match_indices('/').nth(1).map_or(rest.len(), |(at, _)| at);
    Repo::of(&rest[..end])
}

/// Whether it comes from another repository than it goes to.
pub(super) fn is_fork(item: &Node) -> Option<bool> {
    let repo_of = |side| text(item, &[side, "repo", "full_name"]);
    Some(!repo_of("base")?.eq_ignore_ascii_case(repo_of("head")?))
}

/// Whether it has been merged.
pub(super) fn is_merged(item: &Node) -> bool {
    item.get("merged_at").is_some_and(|at| !at.is_null())
        || item.get("merged").and_then(flag) == Some(true)
}

/// The names of its labels.
pub(super) fn labels(item: &Node) -> impl Iterator<Item = &str> {
    let labels = item.get("labels").and_then(Node::as_array).unwrap_or_default();
    labels.iter().filter_map(|label| label.as_str().or_else(|| text(label, &["name"])))
}

/// What somebody said about it with one sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reaction<'n> {
    /// Which sign, such as `THUMBS_UP`.
    pub content: &'n str,
    /// Who.
    pub login: &'n str,
    /// When.
    pub at: &'n str,
}

/// The reactions to it that say who and when, and were made after it was changed last.
pub(super) fn reactions(item: &Node, max: usize) -> impl Iterator<Item = Reaction<'_>> {
    let nodes = item.get("reactions").and_then(|reactions| reactions.get("nodes")?.as_array());
    let edited = EDITED.iter().find_map(|key| text(item, &[key]));
    let reactions = nodes.unwrap_or_default().iter().take(max).filter_map(|node| {
        let at = text(node, &["createdAt"]).or_else(|| text(node, &["created_at"]));
        Some(Reaction {
            content: text(node, &["content"])?,
            login: text(node, &["user", "login"])?,
            at: at.unwrap_or_default(),
        })
    });
    reactions.filter(move |reaction| edited.is_none_or(|edited| edited <= reaction.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::tree;

    fn item(json: &str) -> Node {
        tree::parse(json.as_bytes(), 16).unwrap()
    }

    #[test]
    fn a_repository_is_found_by_name_and_then_by_address() {
        for (json, want) in [
            (r#"{"full_name":"a/b","repository_url":"https://api.github.com/repos/c/d"}"#, "a/b"),
            (r#"{"repository":{"full_name":"a/b"}}"#, "a/b"),
            (r#"{"head":{"repo":{"full_name":"f/b"}},"base":{"repo":{"full_name":"a/b"}}}"#, "a/b"),
            (r#"{"repository_url":"https://ghe.example/api/v3/repos/a/b"}"#, "a/b"),
            (r#"{"html_url":"https://github.com/a/b/issues/7"}"#, "a/b"),
            (r#"{"url":"https://example.com/a/b"}"#, ""),
            (r#"{"full_name":"a","url":7}"#, ""),
        ] {
            let found = repo(&item(json)).map(|repo| repo.to_string()).unwrap_or_default();
            assert_eq!(found, want, "{json}");
        }
    }

    #[test]
    fn a_number_is_found_behind_an_address() {
        assert_eq!(number(&item(r#"{"number":7,"url":"x/8"}"#)), Some("7"));
        assert_eq!(number(&item(r#"{"html_url":"https://github.com/a/b/issues/12"}"#)), Some("12"));
        assert_eq!(number(&item(r#"{"html_url":"x/y","url":"x/9"}"#)), Some("9"));
        assert_eq!(number(&item(r#"{"number":-1,"url":"x/"}"#)), None);
    }

    #[test]
    fn reactions_to_an_earlier_text_do_not_count() {
        let at = |edited: &str| {
            let json = format!(
                r#"{{"updatedAt":"{edited}","reactions":{{"nodes":[
                    {{"content":"HEART","user":{{"login":"m"}},"createdAt":"2026-02-01"}},7]}}}}"#
            );
            reactions(&item(&json), 20).count()
        };
        assert_eq!((at("2026-01-31"), at("2026-02-01"), at("2026-02-02")), (1, 1, 0));
    }

    #[test]
    fn merged_and_forked_are_said_in_several_ways() {
        assert!(is_merged(&item(r#"{"merged_at":"2026"}"#)));
        assert!(is_merged(&item(r#"{"merged_at":null,"merged":true}"#)));
        assert!(!is_merged(&item(r#"{"merged_at":null,"merged":"yes"}"#)));
        let pull =
            item(r#"{"base":{"repo":{"full_name":"a/b"}},"head":{"repo":{"full_name":"A/B"}}}"#);
        assert_eq!(is_fork(&pull), Some(false));
        assert_eq!(is_fork(&item(r#"{"base":{"repo":{"full_name":"a/b"}}}"#)), None);
    }
}
