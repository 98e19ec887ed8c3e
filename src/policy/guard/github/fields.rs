// SPDX-License-Identifier: MIT
//! What a call leaves out of its answer although the policy judges by it.
//!
//! ```text
//!  fields: ["number","title"] + a policy that blocks users ──> leaves out "user": refused
//! ```

use super::call::Call;
use super::kinds::Shape;
use super::policy::Policy;
use crate::policy::guard::GuardError;
use crate::wire::json::Node;

/// The argument that names what an answer holds of each element.
const FIELDS: &str = "fields";

/// Whether the answer will hold what `policy` needs to see of its elements.
pub(super) fn check(policy: &Policy, call: &Call) -> Result<(), GuardError> {
    let Some(fields) = call.arg(FIELDS).filter(|fields| !fields.is_null()) else { return Ok(()) };
    let list = fields.as_array();
    if list.is_some_and(<[Node]>::is_empty) {
        return Ok(());
    }
    let has = |name: &str| {
        list.unwrap_or_default().iter().any(|field| field.as_str().is_some_and(|it| it == name))
    };
    let mut missing = needed(policy, call.kind.shape);
    if has("reactions") && !policy.endorsements.is_empty() {
        // A reaction counts for the text that it was made for.
        missing.push("updated_at");
    }
    missing.retain(|name| !has(name));
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(GuardError::new(format!("the policy judges by what {FIELDS:?} leaves out: {missing}")))
}

fn needed(policy: &Policy, shape: Shape) -> Vec<&'static str> {
    let is_blocking = !policy.blocked_users.is_empty();
    let is_lowering = !policy.refusal_labels.is_empty() || !policy.demotion_label.is_empty();
    let is_found = matches!(shape, Shape::FoundIssues | Shape::FoundPulls);
    let is_written = matches!(shape, Shape::Issues | Shape::Issue | Shape::Pulls | Shape::Pull);
    let mut needed = Vec::new();
    if is_blocking && (is_found || is_written) {
        needed.push("user");
    }
    if is_blocking && matches!(shape, Shape::Commits | Shape::Commit) {
        needed.push("author");
    }
    if is_lowering && (is_found || is_written) {
        needed.push("labels");
    }
    // Only searches tell of reactions.
    if !policy.disapprovals.is_empty() && is_found {
        needed.push("reactions");
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(policy: &str, tool: &str, fields: &str) -> String {
        let json = format!(r#"{{"allow-only":{{"repos":"all","min-integrity":"none"{policy}}}}}"#);
        let policy = Policy::parse(json.as_bytes()).unwrap();
        let args = format!(r#"{{"fields":{fields}}}"#);
        let call = Call::new(tool.into(), &args.as_str().into(), false).unwrap();
        let text = check(&policy, &call).err().map(|error| error.text.into_string());
        text.unwrap_or_default().rsplit(": ").next().unwrap().to_owned()
    }

    #[test]
    fn fields_have_to_hold_what_the_policy_judges_by() {
        let blocked = r#","blocked-users":["mallory"]"#;
        let refusal = r#","refusal-labels":["spam"]"#;
        let demotion = r#","demotion-label":"spam","blocked-users":["mallory"]"#;
        let disapproval = r#","disapproval-reactions":["CONFUSED"]"#;
        let endorsement = r#","endorsement-reactions":["HEART"]"#;
        let title = r#"["number","title"]"#;
        for (policy, tool, fields, want) in [
            ("", "list_issues", title, ""),
            (blocked, "list_issues", title, "user"),
            (blocked, "list_issues", r#"["user"]"#, ""),
            (blocked, "list_issues", "[]", ""),
            (blocked, "list_issues", "null", ""),
            (blocked, "list_issues", r#""user""#, "user"),
            (blocked, "list_commits", r#"["sha"]"#, "author"),
            (blocked, "list_releases", r#"["body"]"#, ""),
            (refusal, "search_pull_requests", title, "labels"),
            (refusal, "list_commits", title, ""),
            (demotion, "list_pull_requests_ff_fields_param", title, "user, labels"),
            (disapproval, "search_issues", title, "reactions"),
            (disapproval, "list_issues", title, ""),
            (endorsement, "search_issues", r#"["reactions"]"#, "updated_at"),
            (endorsement, "search_issues", title, ""),
        ] {
            assert_eq!(said(policy, tool, fields), want, "{policy} {tool} {fields}");
        }
    }
}
