// SPDX-License-Identifier: MIT
//! A list of thirty issues, 95 kB of JSON as GitHub writes it, and the guard that judges it.

use std::sync::Arc;

use penstock::base::Message;
use penstock::policy::guard::github::{Outcome, Policy, Run};
use penstock::policy::guard::{Findings, Met, Step};
use penstock::wire::json::write;

const POLICY: &[u8] = br#"{"allow-only":{"repos":["acme/*"],"min-integrity":"approved",
    "blocked-users":["mallory"],"approval-labels":["lgtm"],"refusal-labels":["spam"]}}"#;
const ARGS: &[u8] = br#"{"owner":"acme","repo":"web"}"#;
const FOUND: &[u8] = br#"{"items":[{"full_name":"acme/web","private":false}]}"#;
/// How many issues the answer lists.
pub const ISSUES: usize = 30;
const ANSWER_BYTES: usize = 95_000;

/// Members of a user that are addresses, as GitHub gives them.
const USER_URLS: &[&str] = &[
    "avatar_url",
    "url",
    "html_url",
    "followers_url",
    "following_url",
    "gists_url",
    "starred_url",
    "subscriptions_url",
    "organizations_url",
    "repos_url",
    "events_url",
    "received_events_url",
];

fn issue(number: usize, body: &str) -> String {
    let mut out = Vec::new();
    let url = format!("https://api.github.com/repos/acme/web/issues/{number}");
    write::object(&mut out, |issue| {
        issue.str("url", &url).str("repository_url", "https://api.github.com/repos/acme/web");
        issue.str("html_url", &format!("https://github.com/acme/web/issues/{number}"));
        issue.u64("id", 1_000_000 + number as u64).u64("number", number as u64);
        issue.str("title", "It does not start on Tuesdays").str("state", "open");
        issue.object("user", |user| {
            user.str("login", "octocat").u64("id", 583_231);
            for member in USER_URLS {
                user.str(member, &format!("https://api.github.com/users/octocat/{member}"));
            }
        });
        issue.array("labels", |labels| {
            for name in ["bug", "help wanted"] {
                labels.object(|label| {
                    label.u64("id", 208_045_946).str("name", name).str("color", "f29513");
                    label.str("url", "https://api.github.com/repos/acme/web/labels/x");
                });
            }
        });
        issue.str("author_association", "CONTRIBUTOR").str("created_at", "2026-01-01T00:00:00Z");
        issue.str("body", body);
        issue.object("reactions", |reactions| {
            reactions.u64("total_count", 1).u64("+1", 1).u64("-1", 0).u64("heart", 0);
        });
    });
    String::from_utf8(out).unwrap_or_default()
}

/// The answer of `list_issues`.
pub fn answer() -> Message {
    let plain = issue(1, "").len();
    let sentence = "The log says:\n\t\"cannot bind\" \u{2014} see `C:\\temp`. ";
    let body = sentence.repeat((ANSWER_BYTES / ISSUES - plain) / sentence.len());
    let issues: Vec<String> = (0..ISSUES).map(|number| issue(number, &body)).collect();
    let text = format!("[{}]", issues.join(","));
    let mut result = Vec::new();
    write::object(&mut result, |object| {
        object.array("content", |content| {
            content.object(|item| _ = item.str("type", "text").str("text", &text));
        });
    });
    Message::new(result)
}

/// How many items the guard labels.
pub fn judge(policy: &Arc<Policy>, answer: &Message) -> usize {
    let args = Message::fixed(ARGS);
    let mut run = Run::response(policy.clone(), "list_issues", args, answer.clone());
    let mut met: Option<Met> = None;
    loop {
        match run.step(met.take()) {
            Step::Done(Ok(Outcome::Findings(Findings::Paths(paths)))) => {
                return paths.labelled.len();
            }
            Step::Done(_) => return 0,
            Step::Needs(need) if &*need.tool == "search_repositories" => {
                met = Some(Some(Message::fixed(FOUND)));
            }
            Step::Needs(_) => met = Some(None),
            Step::Yields => {}
        }
    }
}

/// The policy as the guard keeps it.
pub fn policy() -> Arc<Policy> {
    Arc::new(Policy::parse(POLICY).expect("the policy is valid"))
}
