// SPDX-License-Identifier: MIT
//! What is read, row by row.

use super::super::Care;
use super::Row;

/// What everybody may see: the forge's own words about itself.
pub(super) fn is_open(segments: &[String], care: Care) -> bool {
    let strict = care == Care::Strict;
    match segments {
        [] => strict,
        [one] => {
            matches!(one.as_str(), "meta" | "rate_limit" | "octocat" | "zen" | "versions")
                || strict && matches!(one.as_str(), "emojis" | "licenses" | "codes_of_conduct")
        }
        [one, ..] => strict && matches!(one.as_str(), "gitignore" | "licenses"),
    }
}

const fn both(pattern: &'static str, tool: &'static str) -> Row {
    Row::of("GET", pattern, tool)
}

const fn strict(pattern: &'static str, tool: &'static str) -> Row {
    both(pattern, tool).only(Care::Strict)
}

const fn compat(pattern: &'static str, tool: &'static str) -> Row {
    both(pattern, tool).only(Care::Compat)
}

/// The rows of the reference, and those that close its gaps.
///
/// What anybody can have written below a repository is judged like comments (`issue_read` with a
/// method and without a number: the repository's secrecy, nobody's integrity); what only its
/// keepers see, like the list of its collaborators.
#[rustfmt::skip] // It is a table.
pub(super) const ROWS: &[Row] = &[
    both("R/issues/{issue_number#}/comments", "issue_read").with(&[("method", "get_comments")]),
    both("R/issues/{issue_number#}/labels", "issue_read").with(&[("method", "get_labels")]),
    both("R/issues/{issue_number#}", "issue_read"),
    both("R/issues", "list_issues"),
    both("R/pulls/{pullNumber#}/files", "pull_request_read").with(&[("method", "get_files")]),
    both("R/pulls/{pullNumber#}/reviews", "pull_request_read").with(&[("method", "get_reviews")]),
    both("R/pulls/{pullNumber#}/comments",
        "pull_request_read").with(&[("method", "get_review_comments")]),
    both("R/pulls/{pullNumber#}/commits", "pull_request_read").with(&[("method", "get_commits")]),
    both("R/pulls/{pullNumber#}", "pull_request_read").with(&[("method", "get")]),
    both("R/pulls", "list_pull_requests"),
    both("R/commits/{sha}/check-runs", "pull_request_read").with(&[("method", "get_check_runs")]),
    both("R/commits/{sha}/check-suites", "pull_request_read").with(&[("method", "get_check_runs")]),
    both("R/commits/{sha}", "get_commit"),
    both("R/commits", "list_commits"),
    strict("R/commits/{sha}/status", "pull_request_read").with(&[("method", "get_check_runs")]),
    strict("R/compare/{sha+}", "get_commit"),
    strict("R/git/commits/{sha}", "get_commit"),
    both("R/branches", "list_branches"),
    strict("R/branches/{_+}", "list_branches"),
    both("R/tags", "list_tags"),
    both("R/git/ref/tags/{tag+}", "get_tag"),
    both("R/releases/latest", "get_latest_release"),
    both("R/releases/tags/{tag+}", "get_release_by_tag"),
    both("R/releases", "list_releases"),
    strict("R/contents", "get_file_contents").with(&[("path", "")]),
    both("R/contents/{path+}", "get_file_contents"),
    strict("R/readme", "get_file_contents").with(&[("path", "README.md")]),
    // The name of a tree is a commit, a branch or a tag as well as a tree.
    strict("R/git/trees/{ref+}", "get_file_contents"),
    strict("R/git/blobs/{ref}", "get_file_contents"),
    strict("R/tarball/{ref+}", "get_file_contents"),
    strict("R/zipball/{ref+}", "get_file_contents"),
    compat("R/git/trees/{path+}", "get_file_contents"),
    both("R/labels/{name+}", "get_label"),
    // The guard's tool has no such name with an `s`: what it does not know it takes for public.
    strict("R/labels", "list_label"),
    compat("R/labels", "list_labels"),
    both("R/actions/workflows", "actions_list").with(&[("method", "list_workflows")]),
    both("R/actions/workflows/{resource_id}/runs",
        "actions_list").with(&[("method", "list_workflow_runs")]),
    both("R/actions/workflows/{resource_id}", "actions_get").with(&[("method", "get_workflow")]),
    both("R/actions/runs/{resource_id#}/attempts/{_#}/jobs",
        "actions_list").with(&[("method", "list_workflow_jobs")]),
    strict("R/actions/runs/{resource_id#}/jobs",
        "actions_list").with(&[("method", "list_workflow_jobs")]),
    both("R/actions/runs/{run_id#}/attempts/{_#}/logs", "get_job_logs"),
    both("R/actions/runs/{run_id#}/logs", "get_job_logs"),
    strict("R/actions/jobs/{job_id#}/logs", "get_job_logs"),
    both("R/actions/runs/{resource_id#}/artifacts",
        "actions_list").with(&[("method", "list_workflow_run_artifacts")]),
    both("R/actions/runs/{resource_id#}", "actions_get").with(&[("method", "get_workflow_run")]),
    both("R/actions/runs", "actions_list").with(&[("method", "list_workflow_runs")]),
    both("R/actions/jobs/{resource_id#}", "actions_get").with(&[("method", "get_workflow_job")]),
    both("R/actions/artifacts", "actions_list").with(&[("method", "list_workflow_run_artifacts")]),
    both("R/actions/artifacts/{resource_id#}/zip",
        "actions_get").with(&[("method", "download_workflow_run_artifact")]),
    both("R/actions/caches", "actions_list").with(&[("method", "list_caches")]),
    both("R/actions/secrets", "actions_list").with(&[("method", "list_secrets")]),
    both("R/actions/secrets/{_}", "actions_list").with(&[("method", "list_secrets")]),
    both("R/actions/variables", "actions_list").with(&[("method", "list_variables")]),
    both("R/actions/variables/{_}", "actions_list").with(&[("method", "list_variables")]),
    both("R/environments/{_}/secrets",
        "actions_list").with(&[("method", "list_environment_config")]),
    both("R/environments/{_}/variables",
        "actions_list").with(&[("method", "list_environment_config")]),
    both("R/discussions/{discussion_number#}/comments", "get_discussion_comments"),
    both("R/discussions/{discussion_number#}", "list_discussions"),
    both("R/discussions", "list_discussions"),
    strict("R/secret-scanning/alerts/{_+}", "get_secret_scanning_alert"),
    strict("R/secret-scanning/alerts", "list_secret_scanning_alerts"),
    strict("R/code-scanning/alerts/{_+}", "get_code_scanning_alert"),
    strict("R/code-scanning/alerts", "list_code_scanning_alerts"),
    strict("R/dependabot/alerts/{_+}", "get_dependabot_alert"),
    strict("R/dependabot/alerts", "list_dependabot_alerts"),
    strict("R/dependabot/{_+}", "list_repository_collaborators"),
    strict("R/security-advisories", "list_repository_security_advisories"),
    strict("R/security-advisories/{_+}", "list_repository_security_advisories"),
    strict("R/collaborators", "list_repository_collaborators"),
    strict("R/collaborators/{_+}", "list_repository_collaborators"),
    strict("R/invitations", "list_repository_collaborators"),
    strict("R/hooks", "list_repository_collaborators"),
    strict("R/hooks/{_+}", "list_repository_collaborators"),
    strict("R/keys", "list_repository_collaborators"),
    strict("R/keys/{_}", "list_repository_collaborators"),
    strict("R/traffic/{_+}", "list_repository_collaborators"),
    strict("R/notifications", "list_notifications"),
    both("R", "get_file_contents"),
    strict("R/languages", "get_file_contents"),
    strict("R/topics", "get_file_contents"),
    strict("R/license", "get_file_contents"),
    strict("R/{_+}", "issue_read").with(&[("method", "get_comments")]),
    compat("R/{_+}", "get_file_contents"),
    both("notifications", "list_notifications"),
    strict("notifications/{_+}", "get_notification_details"),
    both("user", "get_me"),
    both("user/keys", "get_me"),
    both("user/ssh_signing_keys", "get_me"),
    both("user/gpg_keys", "get_me"),
    strict("user/teams", "get_teams"),
    strict("user/starred", "list_starred_repositories"),
    strict("user/issues", "search_issues"),
    strict("user/{_+}", "get_me"),
    strict("issues", "search_issues"),
    both("orgs/{owner}/actions/secrets", "actions_list").with(&[("method", "list_org_config")]),
    both("orgs/{owner}/actions/secrets/{_}", "actions_list").with(&[("method", "list_org_config")]),
    both("orgs/{owner}/actions/variables", "actions_list").with(&[("method", "list_org_config")]),
    both("orgs/{owner}/actions/variables/{_}",
        "actions_list").with(&[("method", "list_org_config")]),
    strict("orgs/{org}", "search_orgs"),
    strict("orgs/{org}/issues", "search_issues"),
    // Its repositories, members and teams: what only its members see may be among them.
    strict("orgs/{org}/{_+}", "get_teams"),
    strict("teams/{_+}", "get_teams"),
    strict("users/{username}", "search_users"),
    strict("users/{username}/gists", "list_gists"),
    strict("users/{username}/{_+}", "get_me"),
    strict("gists", "list_gists"),
    strict("gists/public", "list_gists"),
    strict("gists/starred", "list_gists"),
    strict("gists/{gist_id}", "get_gist"),
    strict("gists/{gist_id}/{_+}", "get_gist"),
    strict("advisories", "list_global_security_advisories"),
    strict("advisories/{ghsaId}", "get_global_security_advisory"),
    both("search/code", "search_code"),
    both("search/issues", "search_issues"),
    both("search/repositories", "search_repositories"),
    strict("search/commits", "search_commits"),
    strict("search/users", "search_users"),
];
