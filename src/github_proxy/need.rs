// SPDX-License-Identifier: MIT
//! What a guard needs to know while it labels, as a target below the base of the interface.

use super::is_name;
use crate::policy::guard::{Need, PERMISSION_TOOL};
use crate::wire::json::tree::{self, Node};
use crate::wire::json::write;

/// Nesting of arguments; theirs are flat.
const DEPTH_MAX: usize = 8;
/// How many repositories are asked for if a guard does not say.
const PER_PAGE: u64 = 10;

/// What has to be fetched to meet `need`.
///
/// # Errors
///
/// A sentence: the tool has no such target, or its arguments are none.
pub fn target(need: &Need) -> Result<String, String> {
    let wrong = |name: &str| format!("invalid argument {name} for {}", need.tool);
    let args = tree::parse(&need.args, DEPTH_MAX).map_err(|error| error.to_string())?;
    let name = |key: &str| {
        let text = args.get(key).and_then(Node::as_str).filter(|text| is_name(text));
        text.ok_or_else(|| wrong(key))
    };
    let number = |key: &str| args.get(key).and_then(digits).ok_or_else(|| wrong(key));
    let repository = || Ok::<_, String>(format!("/repos/{}/{}", name("owner")?, name("repo")?));
    match &*need.tool {
        "pull_request_read" => Ok(format!("{}/pulls/{}", repository()?, number("pullNumber")?)),
        "issue_read" => Ok(format!("{}/issues/{}", repository()?, number("issue_number")?)),
        "search_repositories" => {
            let query = args.get("query").and_then(Node::as_str).ok_or_else(|| wrong("query"))?;
            let n = args.get("perPage").and_then(Node::as_u64).unwrap_or(PER_PAGE);
            Ok(format!("/search/repositories?q={}&per_page={n}", encoded(query)))
        }
        // A bot is called `name[bot]`, which is no name of an owner.
        PERMISSION_TOOL => {
            let user = args.get("username").and_then(Node::as_str).filter(|user| !user.is_empty());
            let user = encoded(user.ok_or_else(|| wrong("username"))?);
            if matches!(&*user, "." | "..") {
                return Err(wrong("username"));
            }
            Ok(format!("{}/collaborators/{user}/permission", repository()?))
        }
        tool => Err(format!("unsupported tool: {tool}")),
    }
}

/// A number, or a string that spells one.
fn digits(node: &Node) -> Option<String> {
    match node.as_str() {
        Some(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(text.to_owned())
        }
        _ => node.as_u64().map(|number| number.to_string()),
    }
}

/// Everything but RFC 3986 §2.3 (unreserved) in percents.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The answer to a [`Need`] from the `body` that was fetched: as a tool would give it.
#[must_use]
pub fn met(body: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::object(&mut out, |object| {
        object.array("content", |content| {
            content.object(|item| _ = item.str("type", "text").str("text", body));
        });
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tool: &str, args: &str, want: Result<&str, &str>) {
        let got = target(&Need { tool: tool.into(), args: args.as_bytes().into() });
        assert_eq!(got.as_deref().map_err(String::as_str), want);
    }

    #[test]
    fn what_a_guard_needs_has_a_target() {
        let repo = r#""owner":"acme","repo":"web""#;
        let with = |more: &str| format!("{{{repo},{more}}}");
        check("pull_request_read", &with(r#""pullNumber":"5""#), Ok("/repos/acme/web/pulls/5"));
        check("issue_read", &with(r#""issue_number":7"#), Ok("/repos/acme/web/issues/7"));
        check(
            "search_repositories",
            r#"{"perPage":10,"query":"repo:acme/web"}"#,
            Ok("/search/repositories?q=repo%3Aacme%2Fweb&per_page=10"),
        );
        check(
            PERMISSION_TOOL,
            &with(r#""username":"dependabot[bot]""#),
            Ok("/repos/acme/web/collaborators/dependabot%5Bbot%5D/permission"),
        );
    }

    #[test]
    fn what_is_no_argument_leads_nowhere() {
        check("get_me", "{}", Err("unsupported tool: get_me"));
        let bad = r#"{"owner":"acme","repo":"../x","issue_number":1}"#;
        check("issue_read", bad, Err("invalid argument repo for issue_read"));
        for number in ["-1", "1.5", "\"1/../2\"", "\"\"", "null"] {
            let args = format!(r#"{{"owner":"a","repo":"b","issue_number":{number}}}"#);
            check("issue_read", &args, Err("invalid argument issue_number for issue_read"));
        }
        check(
            PERMISSION_TOOL,
            r#"{"owner":"a","repo":"b","username":".."}"#,
            Err("invalid argument username for get_collaborator_permission"),
        );
    }

    #[test]
    fn an_answer_looks_like_that_of_a_tool() {
        assert_eq!(met("{\"a\":1}"), br#"{"content":[{"type":"text","text":"{\"a\":1}"}]}"#);
    }
}
