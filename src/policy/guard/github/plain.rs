// SPDX-License-Identifier: MIT
//! Arguments that could lead elsewhere than the guard thinks.
//!
//! Servers put arguments into addresses, some of them as they are. `../../secret/commits/main` as
//! a commit of `acme/web` is then one of `acme/secret`.

use super::tools::{GET_PROMPT, READ_RESOURCE};
use crate::policy::guard::GuardError;
use crate::wire::json::{Node, Value};

/// Arguments that are words for people, for searches or for the page of a list. They are in bodies
/// and queries, never in paths.
const FREE: &[&str] = &[
    "after",
    "before",
    "body",
    "color",
    "comment",
    "commit_message",
    "commit_title",
    "content",
    "custom_instructions",
    "description",
    "field_name",
    "filter",
    "message",
    "new_name",
    "problem_statement",
    "prompt",
    "query",
    "rationale",
    "text",
    "title",
    "value",
];

/// Tools whose `name` is such a word, too.
const NAMING: &[&str] = &["get_label", "label_write", "projects_write"];

/// Arguments that are one name, and nothing else.
const NAMES: &[&str] = &["owner", "repo"];

/// What begins something else in an address.
const ENDS: [char; 4] = ['\\', '?', '#', '%'];

/// Whether `text` can be the name of an owner or of a repository. What cannot has two readings at
/// best: a slash in it would name another repository to whoever decodes once more.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text != "." && text != ".." && text.bytes().all(is_letter)
}

/// Whether `text` stays in a path where it was put.
pub(super) fn stays(text: &str) -> bool {
    !text.contains(ENDS) && !text.split('/').any(|part| matches!(part, "." | ".."))
}

/// Whether a call of `tool` with these arguments can be about nothing but what they name.
pub(super) fn check(tool: &str, args: &Node) -> Result<(), GuardError> {
    // A prompt is made of words, and a resource has an address that is read by itself.
    let is_text = matches!(tool, GET_PROMPT | READ_RESOURCE);
    let members = args.as_object().unwrap_or_default();
    for (key, node) in members {
        let (key, Value::String(text)) = (&*key.text, &node.value) else { continue };
        let is_free = is_text || FREE.contains(&key) || key == "name" && NAMING.contains(&tool);
        let is_plain = match NAMES.contains(&key) {
            true => text.is_empty() || is_name(text),
            false => is_free || stays(text),
        };
        if !is_plain {
            let why = format!("the argument {key:?} could lead elsewhere than to what it names");
            return Err(GuardError::new(why));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::tree;

    fn is_plain(tool: &str, key: &str, text: &str) -> bool {
        let args = format!("{{\"{key}\":{text:?}}}");
        check(tool, &tree::parse(args.as_bytes(), 4).unwrap()).is_ok()
    }

    #[test]
    fn an_argument_that_leaves_its_place_is_refused() {
        for (key, text) in [
            ("sha", "../../secret/commits/main"),
            ("path", "../../../../evil/public/contents/x"),
            ("path", "a/./b"),
            ("tag", ".."),
            ("resource_id", "1?x=y"),
            ("tree_sha", "a#b"),
            ("gist_id", "a\\b"),
            ("ref", "%2e%2e/x"),
            ("name", "../x"),
            ("owner", "acme/web"),
            ("repo", "web x"),
            ("repo", ".."),
        ] {
            assert!(!is_plain("get_anything", key, text), "{key} {text}");
        }
    }

    #[test]
    fn words_for_people_and_plain_paths_are_left_alone() {
        for (key, text) in [
            ("body", "100 % of ../x? #7"),
            ("query", "C# \\n"),
            ("path", "a/..b/.env/c d..."),
            ("sha", "main...acme:dev"),
            ("since", "2026-01-01T00:00:00+02:00"),
            ("owner", ""),
            ("repo", ".github"),
        ] {
            assert!(is_plain("get_anything", key, text), "{key} {text}");
        }
        assert!(is_plain("get_label", "name", "C#?"));
    }
}
