// SPDX-License-Identifier: MIT
//! The table: what each tool of the forge does, and of which kind it is.
//!
//! Nothing else in this guard knows the tools by name, except for those that no table lists.

use super::kinds::*;
use crate::policy::guard::Operation;

/// What the name of a tool begins with that only looks, whoever made the tool.
const READING_STARTS: &[&str] = &[
    "check_",
    "compare_",
    "count_",
    "describe_",
    "find_",
    "get_",
    "list_",
    "read_",
    "search_",
    "show_",
    "view_",
];

/// The tool under which files are read by their address.
pub(super) const READ_RESOURCE: &str = "resources/read";
/// The tool under which prompts are made.
pub(super) const GET_PROMPT: &str = "prompts/get";
/// The tool under which arguments are completed.
pub(super) const COMPLETE: &str = "completion/complete";

/// How older clients call `list_label`.
const OTHER_NAME: &str = "list_labels";

/// Methods that are judged like tools. None of them changes anything at the forge.
const METHODS: &[&str] = &[
    COMPLETE,
    GET_PROMPT,
    "resources/list",
    READ_RESOURCE,
    "resources/subscribe",
    "resources/unsubscribe",
];

/// A tool and its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub name: &'static str,
    pub operation: Operation,
    pub kind: Kind,
}

impl Row {
    /// The row of `tool`; `compat`: with the gaps of the reference.
    pub fn of(tool: &str, compat: bool) -> Self {
        let listed = match tool {
            READ_RESOURCE => return Self { name: READ_RESOURCE, ..reads("", FILE_RESOURCE) },
            OTHER_NAME if !compat => "list_label",
            listed => listed,
        };
        let row = TOOLS.binary_search_by(|row| row.name.cmp(listed)).map(|at| TOOLS[at]);
        match row {
            Ok(row) if !compat && row.operation == Operation::Read && writes_by_name(tool) => {
                Self { operation: Operation::Write, ..row }
            }
            Ok(row) => row,
            Err(_) => {
                let kind = if compat { UNKNOWN } else { UNLISTED };
                let is_lock = tool.starts_with("lock_") || tool.starts_with("unlock_");
                if is_lock { writes("", kind) } else { reads("", kind) }
            }
        }
    }
}

/// Whether nobody knows that `tool` only looks: it is in no table, and its name does not say so.
pub(super) fn may_write(tool: &str) -> bool {
    let is_listed = TOOLS.binary_search_by(|row| row.name.cmp(tool)).is_ok();
    let reads = READING_STARTS.iter().any(|start| tool.starts_with(start));
    !is_listed && !METHODS.contains(&tool) && (!reads || writes_by_name(tool))
}

/// Whether `tool` is known here, and known to change nothing.
pub(super) fn only_reads(tool: &str) -> bool {
    let known = TOOLS.binary_search_by(|row| row.name.cmp(tool));
    known.is_ok_and(|at| TOOLS[at].operation == Operation::Read) && !writes_by_name(tool)
}

fn writes_by_name(tool: &str) -> bool {
    tool.split('_').any(|word| word == "write")
}

const fn reads(name: &'static str, kind: Kind) -> Row {
    Row { name, operation: Operation::Read, kind }
}

const fn writes(name: &'static str, kind: Kind) -> Row {
    Row { name, operation: Operation::Write, kind }
}

const fn both(name: &'static str, kind: Kind) -> Row {
    Row { name, operation: Operation::ReadWrite, kind }
}

/// All tools, sorted by name.
#[rustfmt::skip] // It is a table.
const TOOLS: &[Row] = &[
    reads("actions_get", REPO),
    reads("actions_list", REPO),
    writes("actions_run_trigger", REPO),
    writes("add_comment_to_pending_review", REPO),
    writes("add_deploy_key", ALERT),
    writes("add_gpg_key", KEY),
    writes("add_issue_comment", REPO),
    writes("add_issue_comment_reaction", REPO),
    writes("add_issue_reaction", REPO),
    writes("add_project_item", PROJECT),
    both("add_pull_request_review_comment", REPO),
    writes("add_pull_request_review_comment_reaction", REPO),
    writes("add_reply_to_pull_request_comment", REPO),
    writes("add_ssh_key", KEY),
    both("add_sub_issue", REPO),
    writes("archive_project_item", PROJECT),
    writes("archive_repository", BANNED),
    writes("assign_copilot_to_issue", REPO),
    writes("assign_copilot_to_issue_with_intent", REPO),
    writes("cancel_workflow_run", REPO),
    writes("close_issue", REPO),
    writes("close_pull_request", REPO),
    writes("copy_project", PROJECT),
    both("create_agent_task", BANNED),
    writes("create_branch", REPO),
    writes("create_codespace", SPACE),
    writes("create_discussion", REPO),
    writes("create_gist", GIST_WHOLE),
    writes("create_issue", REPO),
    writes("create_linked_branch", REPO),
    writes("create_or_update_file", REPO),
    writes("create_project", PROJECT),
    writes("create_project_draft_item", PROJECT),
    writes("create_project_field", PROJECT),
    writes("create_pull_request", REPO),
    both("create_pull_request_review", REPO),
    writes("create_pull_request_with_copilot", REPO),
    writes("create_release", REPO),
    writes("create_repository", AT_GITHUB),
    writes("create_repository_autolink", REPO),
    writes("delete_actions_cache", UNKNOWN),
    writes("delete_codespace", SPACE),
    writes("delete_deploy_key", ALERT),
    writes("delete_file", REPO),
    writes("delete_gist", KEY),
    writes("delete_gpg_key", KEY),
    writes("delete_issue", REPO),
    writes("delete_issue_comment", REPO),
    both("delete_pending_pull_request_review", REPO),
    writes("delete_project", PROJECT),
    writes("delete_project_field", PROJECT),
    writes("delete_project_item", PROJECT),
    writes("delete_release", REPO),
    writes("delete_release_asset", REPO),
    writes("delete_repository", REPO),
    writes("delete_repository_autolink", REPO),
    writes("delete_secret", SECRET),
    writes("delete_ssh_key", KEY),
    writes("delete_variable", VARIABLE),
    writes("delete_workflow_run", REPO),
    writes("delete_workflow_run_logs", REPO),
    writes("disable_workflow", REPO),
    writes("discussion_comment_write", REPO),
    writes("dismiss_notification", AT_GITHUB),
    writes("edit_discussion", REPO),
    writes("edit_release", REPO),
    writes("edit_repository", REPO),
    writes("enable_toolset", GITHUB),
    writes("enable_workflow", REPO),
    writes("force_cancel_workflow_run", REPO),
    writes("fork_repository", AT_GITHUB),
    reads("get_code_quality_finding", REPO),
    reads("get_code_scanning_alert", ALERT),
    reads("get_commit", COMMIT),
    reads("get_copilot_space", MINE),
    reads("get_dependabot_alert", ALERT),
    reads("get_discussion", REPO),
    reads("get_discussion_comments", REPO),
    reads("get_file_blame", FILE_WHOLE),
    reads("get_file_contents", FILE),
    reads("get_file_contents_ff_fields_param", FILE),
    reads("get_gist", GIST),
    reads("get_global_security_advisory", GITHUB),
    reads("get_issue", ISSUE),
    reads("get_job_logs", REPO),
    reads("get_label", REPO),
    reads("get_latest_release", RELEASE),
    reads("get_me", MINE),
    reads("get_notification_details", NOTICE),
    reads("get_project", PROJECT),
    reads("get_pull_request", PULL),
    reads("get_release_by_tag", RELEASE),
    reads("get_repository", REPO),
    reads("get_repository_tree", TREE),
    reads("get_secret_scanning_alert", ALERT),
    reads("get_tag", REPO),
    reads("get_team_members", MINE),
    reads("get_teams", MINE),
    reads("github_support_docs_search", GITHUB),
    reads("issue_dependency_read", ISSUES_WHOLE),
    reads("issue_dependency_read_ff_issue_dependencies", ISSUES_WHOLE),
    both("issue_dependency_write", OF_ISSUE),
    reads("issue_dependency_write_ff_issue_dependencies", OF_ISSUE),
    reads("issue_read", ISSUE),
    both("issue_write", REPO),
    both("issue_write_ff_remote_mcp_issue_fields", REPO),
    writes("label_write", REPO),
    writes("link_project", PROJECT),
    reads("list_branches", REPO),
    reads("list_code_scanning_alerts", ALERT),
    reads("list_commits", COMMITS),
    reads("list_commits_ff_fields_param", COMMITS),
    reads("list_copilot_spaces", MINE),
    reads("list_dependabot_alerts", ALERT),
    reads("list_discussion_categories", REPO),
    reads("list_discussions", REPO),
    reads("list_gists", GISTS),
    reads("list_global_security_advisories", GITHUB),
    reads("list_issue_fields", GITHUB),
    reads("list_issue_types", GITHUB),
    reads("list_issues", ISSUES),
    reads("list_issues_ff_fields_param", ISSUES),
    reads("list_issues_ff_remote_mcp_issue_fields", ISSUES_WHOLE),
    reads("list_label", REPO),
    reads("list_notifications", NOTICES),
    reads("list_org_repository_security_advisories", ALERT),
    reads("list_project_fields", PROJECT),
    reads("list_project_items", BOARD),
    reads("list_projects", PROJECT),
    reads("list_pull_requests", PULLS),
    reads("list_pull_requests_ff_fields_param", PULLS),
    reads("list_releases", RELEASES),
    reads("list_releases_ff_fields_param", RELEASES),
    reads("list_repository_collaborators", PEOPLE),
    reads("list_repository_security_advisories", ALERT),
    reads("list_secret_scanning_alerts", ALERT),
    reads("list_starred_repositories", MINE),
    reads("list_tags", REPO),
    writes("lock_issue", REPO),
    writes("lock_pull_request", REPO),
    writes("manage_notification_subscription", AT_GITHUB),
    writes("manage_repository_notification_subscription", AT_GITHUB),
    writes("mark_all_notifications_read", AT_GITHUB),
    writes("mark_project_template", PROJECT),
    writes("mark_pull_request_as_draft", REPO),
    writes("mark_pull_request_as_ready_for_review", REPO),
    both("merge_pull_request", REPO),
    writes("pin_issue", OF_ISSUE),
    reads("projects_get", PROJECT),
    reads("projects_list", BOARD),
    writes("projects_write", PROJECT),
    reads("pull_request_read", PULL),
    both("pull_request_review_write", REPO),
    writes("push_files", REPO),
    writes("rebuild_codespace", KEY),
    both("remove_sub_issue", REPO),
    writes("rename_repository", BANNED),
    writes("reopen_issue", REPO),
    writes("reopen_pull_request", REPO),
    both("reprioritize_sub_issue", REPO),
    writes("request_copilot_review", REPO),
    both("request_pull_request_reviewers", REPO),
    writes("rerun_failed_jobs", REPO),
    writes("rerun_workflow_job", REPO),
    writes("rerun_workflow_run", REPO),
    both("resolve_review_thread", REPO),
    writes("revert_pull_request", REPO),
    writes("run_workflow", REPO),
    reads("search_code", FOUND_CODE),
    reads("search_code_ff_fields_param", FOUND_CODE),
    reads("search_commits", FOUND_CODE),
    reads("search_issues", FOUND_ISSUES),
    reads("search_issues_ff_fields_param", FOUND_ISSUES),
    reads("search_orgs", FOUND_GITHUB),
    reads("search_pull_requests", FOUND_PULLS),
    reads("search_pull_requests_ff_fields_param", FOUND_PULLS),
    reads("search_repositories", FOUND_REPOS),
    reads("search_users", FOUND_GITHUB),
    both("set_issue_fields", REPO),
    writes("set_secret", SECRET),
    writes("set_variable", VARIABLE),
    writes("star_repository", GITHUB),
    writes("stop_codespace", SPACE),
    both("sub_issue_write", REPO),
    both("submit_pending_pull_request_review", REPO),
    writes("sync_fork", REPO),
    writes("transfer_issue", OF_ISSUE),
    writes("transfer_repository", BANNED),
    reads("ui_get", FORM),
    writes("unarchive_project_item", PROJECT),
    writes("unarchive_repository", BANNED),
    writes("unlink_project", PROJECT),
    writes("unlock_issue", REPO),
    writes("unlock_pull_request", REPO),
    writes("unmark_project_template", PROJECT),
    writes("unpin_issue", OF_ISSUE),
    both("unresolve_review_thread", REPO),
    writes("unstar_repository", GITHUB),
    writes("update_codespace", SPACE),
    writes("update_codespace_port_visibility", KEY),
    both("update_gist", GIST_WHOLE),
    both("update_issue_assignees", REPO),
    both("update_issue_body", REPO),
    writes("update_issue_comment", REPO),
    both("update_issue_labels", REPO),
    both("update_issue_milestone", REPO),
    both("update_issue_state", REPO),
    both("update_issue_title", REPO),
    both("update_issue_type", REPO),
    writes("update_project", PROJECT),
    both("update_project_draft_issue", PROJECT),
    both("update_project_item", PROJECT),
    both("update_pull_request", REPO),
    both("update_pull_request_body", REPO),
    both("update_pull_request_branch", REPO),
    both("update_pull_request_draft_state", REPO),
    both("update_pull_request_state", REPO),
    both("update_pull_request_title", REPO),
    writes("upload_release_asset", REPO),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_each_tool_once() {
        assert!(TOOLS.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn a_read_that_is_named_a_write_is_one() {
        let operation = |tool, compat| Row::of(tool, compat).operation;
        let tool = "issue_dependency_write_ff_issue_dependencies";
        assert_eq!(operation(tool, false), Operation::Write);
        assert_eq!(operation(tool, true), Operation::Read);
        assert_eq!(operation("issue_write", false), Operation::ReadWrite);
        assert!(!only_reads(tool) && only_reads("get_me") && !only_reads("get_anything"));
    }

    #[test]
    fn a_tool_that_nobody_knows_may_write_unless_its_name_says_that_it_looks() {
        for verb in [
            "ban",
            "block",
            "comment",
            "create",
            "deploy",
            "duplicate",
            "follow",
            "install",
            "label",
            "lock",
            "notify",
            "react",
            "register",
            "rotate",
            "subscribe",
            "tag",
            "unsubscribe",
            "upsert",
            "getaway",
        ] {
            assert!(may_write(&format!("{verb}_anything")), "{verb}");
        }
        for tool in ["", "get", "thing_write", "get_and_write", "tools/call", "Get_it"] {
            assert!(may_write(tool), "{tool}");
        }
        for tool in ["get_anything", "list_written", "find_duplicate", "issue_read"] {
            assert!(!may_write(tool), "{tool}");
        }
        for tool in METHODS {
            assert!(!may_write(tool), "{tool}");
        }
    }
}
