// SPDX-License-Identifier: MIT
//! What is written, row by row: only what a tool of the guard would do as well.

use super::Row;
use crate::wire::json::tree;

const fn row(method: &'static str, pattern: &'static str, tool: &'static str) -> Row {
    Row::of(method, pattern, tool)
}

/// What a change of a repository is. A new name, another audience and the archive are what guards
/// refuse to everybody; a body that is no JSON object may ask for any of them.
pub(super) fn edit_of(body: &[u8]) -> &'static str {
    const DEPTH_MAX: usize = 16;
    let Ok(node) = tree::parse(body, DEPTH_MAX) else { return "rename_repository" };
    let Some(members) = node.as_object() else { return "rename_repository" };
    let has = |name: &str| members.iter().any(|(member, _)| member.text == name);
    if has("archived") {
        "archive_repository"
    } else if has("visibility") || has("private") {
        "transfer_repository"
    } else if has("name") {
        "rename_repository"
    } else {
        "edit_repository"
    }
}

#[rustfmt::skip] // It is a table.
pub(super) const ROWS: &[Row] = &[
    // issues
    row("POST", "R/issues", "create_issue"),
    row("PATCH", "R/issues/{issue_number#}", "issue_write").with(&[("method", "update")]),
    row("POST", "R/issues/{issue_number#}/comments", "add_issue_comment"),
    row("PATCH", "R/issues/comments/{comment_id#}", "update_issue_comment"),
    row("DELETE", "R/issues/comments/{comment_id#}", "delete_issue_comment"),
    row("POST", "R/issues/{issue_number#}/labels", "update_issue_labels"),
    row("PUT", "R/issues/{issue_number#}/labels", "update_issue_labels"),
    row("DELETE", "R/issues/{issue_number#}/labels", "update_issue_labels"),
    row("DELETE", "R/issues/{issue_number#}/labels/{_+}", "update_issue_labels"),
    row("POST", "R/issues/{issue_number#}/assignees", "update_issue_assignees"),
    row("DELETE", "R/issues/{issue_number#}/assignees", "update_issue_assignees"),
    row("PUT", "R/issues/{issue_number#}/lock", "lock_issue"),
    row("DELETE", "R/issues/{issue_number#}/lock", "unlock_issue"),
    row("POST", "R/issues/{issue_number#}/reactions", "add_issue_reaction"),
    row("DELETE", "R/issues/{issue_number#}/reactions/{_#}", "add_issue_reaction"),
    row("POST", "R/issues/comments/{comment_id#}/reactions", "add_issue_comment_reaction"),
    row("DELETE", "R/issues/comments/{comment_id#}/reactions/{_#}", "add_issue_comment_reaction"),
    row("POST", "R/issues/{issue_number#}/sub_issues", "add_sub_issue"),
    row("DELETE", "R/issues/{issue_number#}/sub_issue", "remove_sub_issue"),
    row("PATCH", "R/issues/{issue_number#}/sub_issues/priority", "reprioritize_sub_issue"),
    row("POST", "R/issues/{issue_number#}/dependencies/blocked_by", "issue_dependency_write"),
    row("DELETE", "R/issues/{issue_number#}/dependencies/blocked_by/{_#}",
        "issue_dependency_write"),
    // labels
    row("POST", "R/labels", "label_write").with(&[("method", "create")]),
    row("PATCH", "R/labels/{name+}", "label_write").with(&[("method", "update")]),
    row("DELETE", "R/labels/{name+}", "label_write").with(&[("method", "delete")]),
    // pull requests
    row("POST", "R/pulls", "create_pull_request"),
    row("PATCH", "R/pulls/{pullNumber#}", "update_pull_request"),
    row("PUT", "R/pulls/{pullNumber#}/merge", "merge_pull_request"),
    row("PUT", "R/pulls/{pullNumber#}/update-branch", "update_pull_request_branch"),
    row("POST", "R/pulls/{pullNumber#}/requested_reviewers", "request_pull_request_reviewers"),
    row("DELETE", "R/pulls/{pullNumber#}/requested_reviewers", "request_pull_request_reviewers"),
    row("POST", "R/pulls/{pullNumber#}/reviews",
        "pull_request_review_write").with(&[("method", "create")]),
    row("PUT", "R/pulls/{pullNumber#}/reviews/{_#}",
        "pull_request_review_write").with(&[("method", "update")]),
    row("DELETE", "R/pulls/{pullNumber#}/reviews/{_#}", "delete_pending_pull_request_review"),
    row("POST", "R/pulls/{pullNumber#}/reviews/{_#}/events", "submit_pending_pull_request_review"),
    row("PUT", "R/pulls/{pullNumber#}/reviews/{_#}/dismissals",
        "pull_request_review_write").with(&[("method", "dismiss")]),
    row("POST", "R/pulls/{pullNumber#}/comments", "add_pull_request_review_comment"),
    row("POST", "R/pulls/{pullNumber#}/comments/{_#}/replies", "add_reply_to_pull_request_comment"),
    row("PATCH", "R/pulls/comments/{comment_id#}", "pull_request_review_write"),
    row("DELETE", "R/pulls/comments/{comment_id#}", "pull_request_review_write"),
    row("POST", "R/pulls/comments/{comment_id#}/reactions",
        "add_pull_request_review_comment_reaction"),
    // contents
    row("PUT", "R/contents/{path+}", "create_or_update_file"),
    row("DELETE", "R/contents/{path+}", "delete_file"),
    row("POST", "R/git/refs", "create_branch"),
    row("PATCH", "R/git/refs/{ref+}", "push_files"),
    row("DELETE", "R/git/refs/{ref+}", "push_files"),
    row("POST", "R/git/blobs", "push_files"),
    row("POST", "R/git/trees", "push_files"),
    row("POST", "R/git/commits", "push_files"),
    row("POST", "R/git/tags", "push_files"),
    row("POST", "R/merges", "push_files"),
    row("POST", "R/merge-upstream", "sync_fork"),
    row("POST", "R/branches/{_}/rename", "push_files"),
    // releases
    row("POST", "R/releases", "create_release"),
    row("PATCH", "R/releases/{release_id#}", "edit_release"),
    row("DELETE", "R/releases/{release_id#}", "delete_release"),
    row("PATCH", "R/releases/assets/{asset_id#}", "edit_release"),
    row("DELETE", "R/releases/assets/{asset_id#}", "delete_release_asset"),
    // actions
    row("POST", "R/actions/workflows/{workflow_id}/dispatches",
        "actions_run_trigger").with(&[("method", "run_workflow")]),
    row("POST", "R/dispatches", "actions_run_trigger"),
    row("PUT", "R/actions/workflows/{workflow_id}/enable", "enable_workflow"),
    row("PUT", "R/actions/workflows/{workflow_id}/disable", "disable_workflow"),
    row("POST", "R/actions/runs/{run_id#}/rerun", "rerun_workflow_run"),
    row("POST", "R/actions/runs/{run_id#}/rerun-failed-jobs", "rerun_failed_jobs"),
    row("POST", "R/actions/runs/{run_id#}/cancel", "cancel_workflow_run"),
    row("POST", "R/actions/runs/{run_id#}/force-cancel", "force_cancel_workflow_run"),
    row("DELETE", "R/actions/runs/{run_id#}", "delete_workflow_run"),
    row("DELETE", "R/actions/runs/{run_id#}/logs", "delete_workflow_run_logs"),
    row("POST", "R/actions/jobs/{job_id#}/rerun", "rerun_workflow_job"),
    row("DELETE", "R/actions/caches", "delete_actions_cache"),
    row("DELETE", "R/actions/caches/{_#}", "delete_actions_cache"),
    row("PUT", "R/actions/secrets/{name}", "set_secret"),
    row("DELETE", "R/actions/secrets/{name}", "delete_secret"),
    row("POST", "R/actions/variables", "set_variable"),
    row("PATCH", "R/actions/variables/{name}", "set_variable"),
    row("DELETE", "R/actions/variables/{name}", "delete_variable"),
    row("PUT", "R/environments/{_}/secrets/{name}", "set_secret"),
    row("DELETE", "R/environments/{_}/secrets/{name}", "delete_secret"),
    row("POST", "R/environments/{_}/variables", "set_variable"),
    row("PATCH", "R/environments/{_}/variables/{name}", "set_variable"),
    row("DELETE", "R/environments/{_}/variables/{name}", "delete_variable"),
    row("PUT", "orgs/{org}/actions/secrets/{name}", "set_secret"),
    row("DELETE", "orgs/{org}/actions/secrets/{name}", "delete_secret"),
    row("POST", "orgs/{org}/actions/variables", "set_variable"),
    row("PATCH", "orgs/{org}/actions/variables/{name}", "set_variable"),
    row("DELETE", "orgs/{org}/actions/variables/{name}", "delete_variable"),
    // the repository itself
    row("PATCH", "R", "edit_repository"),
    row("DELETE", "R", "delete_repository"),
    row("POST", "R/transfer", "transfer_repository"),
    row("POST", "R/forks", "fork_repository"),
    row("POST", "R/keys", "add_deploy_key"),
    row("DELETE", "R/keys/{_#}", "delete_deploy_key"),
    row("POST", "R/autolinks", "create_repository_autolink"),
    row("DELETE", "R/autolinks/{_#}", "delete_repository_autolink"),
    row("POST", "user/repos", "create_repository"),
    row("POST", "orgs/{owner}/repos", "create_repository"),
    row("PUT", "user/starred/{owner}/{repo}", "star_repository"),
    row("DELETE", "user/starred/{owner}/{repo}", "unstar_repository"),
    // one's own
    row("POST", "user/keys", "add_ssh_key"),
    row("DELETE", "user/keys/{_#}", "delete_ssh_key"),
    row("POST", "user/gpg_keys", "add_gpg_key"),
    row("DELETE", "user/gpg_keys/{_#}", "delete_gpg_key"),
    row("POST", "gists", "create_gist"),
    row("PATCH", "gists/{gist_id}", "update_gist"),
    row("DELETE", "gists/{gist_id}", "delete_gist"),
    row("PUT", "notifications", "mark_all_notifications_read"),
    row("PUT", "R/notifications", "mark_all_notifications_read"),
    row("PATCH", "notifications/threads/{threadID}", "dismiss_notification"),
    row("DELETE", "notifications/threads/{threadID}", "dismiss_notification"),
    row("PUT", "notifications/threads/{threadID}/subscription", "manage_notification_subscription"),
    row("DELETE", "notifications/threads/{threadID}/subscription",
        "manage_notification_subscription"),
    row("PUT", "R/subscription", "manage_repository_notification_subscription"),
    row("DELETE", "R/subscription", "manage_repository_notification_subscription"),
    row("POST", "R/codespaces", "create_codespace"),
    row("POST", "user/codespaces", "create_codespace"),
    row("PATCH", "user/codespaces/{name}", "update_codespace"),
    row("DELETE", "user/codespaces/{name}", "delete_codespace"),
    row("POST", "user/codespaces/{name}/stop", "stop_codespace"),
];
