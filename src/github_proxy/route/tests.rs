// SPDX-License-Identifier: MIT
//! What paths ask for.

use super::*;

#[track_caller]
fn call(method: &str, target: &str, care: Care) -> Option<Routed> {
    match route(method, target, b"", care) {
        Verdict::Routed(routed) => Some(routed),
        _ => None,
    }
}

/// A call as one line: the tool, then names and values.
fn line(call: &Call) -> String {
    let args = call.args.iter().map(|(name, value)| format!(" {name}={value}"));
    call.tool.to_owned() + &args.collect::<String>()
}

#[track_caller]
fn check(target: &str, strict: &str, compat: &str) {
    for (care, want) in [(Care::Strict, strict), (Care::Compat, compat)] {
        let got = match route("GET", target, b"", care) {
            Verdict::Routed(routed) => {
                assert!(!routed.is_write);
                line(&routed.call)
            }
            other => format!("{other:?}"),
        };
        assert_eq!(got, want, "{target} {care:?}");
    }
}

#[track_caller]
fn same(target: &str, want: &str) {
    check(target, want, want);
}

const R: &str = "owner=acme repo=web";

#[test]
fn issues_and_pull_requests_are_read_by_their_tools() {
    same(
        "/repos/acme/web/issues/7/comments",
        &format!("issue_read {R} issue_number=7 method=get_comments"),
    );
    same(
        "/repos/acme/web/issues/7/labels",
        &format!("issue_read {R} issue_number=7 method=get_labels"),
    );
    same("/repos/acme/web/issues/7", &format!("issue_read {R} issue_number=7"));
    same("/repos/acme/web/issues?state=open", &format!("list_issues {R}"));
    for (path, method) in [
        ("/files", "get_files"),
        ("/reviews", "get_reviews"),
        ("/comments", "get_review_comments"),
        ("/commits", "get_commits"),
        ("", "get"),
    ] {
        let want = format!("pull_request_read {R} pullNumber=5 method={method}");
        same(&format!("/repos/acme/web/pulls/5{path}"), &want);
    }
    same("/repos/acme/web/pulls/", &format!("list_pull_requests {R}"));
}

#[test]
fn commits_and_files_are_read_by_their_tools() {
    same("/repos/acme/web/commits/abc", &format!("get_commit {R} sha=abc"));
    same("/repos/acme/web/commits", &format!("list_commits {R}"));
    for last in ["check-runs", "check-suites"] {
        let want = format!("pull_request_read {R} sha=abc method=get_check_runs");
        same(&format!("/repos/acme/web/commits/abc/{last}"), &want);
    }
    same("/repos/acme/web/branches", &format!("list_branches {R}"));
    same("/repos/acme/web/tags", &format!("list_tags {R}"));
    same("/repos/acme/web/git/ref/tags/v1", &format!("get_tag {R} tag=v1"));
    same("/repos/acme/web/releases/latest", &format!("get_latest_release {R}"));
    same("/repos/acme/web/releases/tags/v1", &format!("get_release_by_tag {R} tag=v1"));
    same("/repos/acme/web/releases", &format!("list_releases {R}"));
    same("/repos/acme/web/contents/a/b.rs", &format!("get_file_contents {R} path=a/b.rs"));
    same("/repos/acme/web/contents/a%2Fb.rs", &format!("get_file_contents {R} path=a/b.rs"));
    same("/repos/acme/web", &format!("get_file_contents {R}"));
    check(
        "/repos/acme/web/git/trees/dev",
        &format!("get_file_contents {R} ref=dev"),
        &format!("get_file_contents {R} path=dev"),
    );
    same("/repos/acme/web/labels/bug", &format!("get_label {R} name=bug"));
}

#[test]
fn actions_are_read_by_their_tools() {
    for (path, want) in [
        ("workflows", "actions_list R method=list_workflows"),
        ("workflows/ci.yml/runs", "actions_list R resource_id=ci.yml method=list_workflow_runs"),
        ("workflows/ci.yml", "actions_get R resource_id=ci.yml method=get_workflow"),
        ("runs/9/attempts/2/jobs", "actions_list R resource_id=9 method=list_workflow_jobs"),
        ("runs/9/attempts/2/logs", "get_job_logs R run_id=9"),
        ("runs/9/logs", "get_job_logs R run_id=9"),
        ("runs/9/artifacts", "actions_list R resource_id=9 method=list_workflow_run_artifacts"),
        ("runs/9", "actions_get R resource_id=9 method=get_workflow_run"),
        ("runs", "actions_list R method=list_workflow_runs"),
        ("jobs/9", "actions_get R resource_id=9 method=get_workflow_job"),
        ("artifacts", "actions_list R method=list_workflow_run_artifacts"),
        ("artifacts/3/zip", "actions_get R resource_id=3 method=download_workflow_run_artifact"),
        ("caches", "actions_list R method=list_caches"),
        ("secrets", "actions_list R method=list_secrets"),
        ("variables/X", "actions_list R method=list_variables"),
    ] {
        same(&format!("/repos/acme/web/actions/{path}"), &want.replace('R', R));
    }
    let want = format!("actions_list {R} method=list_environment_config");
    same("/repos/acme/web/environments/prod/secrets", &want);
    same("/orgs/acme/actions/secrets/X", "actions_list owner=acme method=list_org_config");
    let zip = call("GET", "/repos/acme/web/actions/artifacts/3/zip", Care::Strict).unwrap();
    assert!(zip.is_archive);
}

#[test]
fn what_belongs_to_people_is_read_by_its_tools() {
    same("/notifications", "list_notifications");
    for path in ["/user", "/user/keys", "/user/gpg_keys", "/user/ssh_signing_keys"] {
        same(path, "get_me");
    }
    same("/repos/acme/web/discussions/4", &format!("list_discussions {R} discussion_number=4"));
    let want = format!("get_discussion_comments {R} discussion_number=4");
    same("/repos/acme/web/discussions/4/comments", &want);
    same("/search/issues?q=is:open+bug", "search_issues query=is:open bug");
    same("/search/repositories?q=x", "search_repositories query=x");
    same("/search/code?q=x+repo:acme/web", "search_code query=x repo:acme/web");
}

#[test]
fn branches_and_commits_named_in_the_query_are_judged() {
    check(
        "/repos/acme/web/commits?sha=dev",
        &format!("list_commits {R} sha=dev"),
        &format!("list_commits {R}"),
    );
    check(
        "/repos/acme/web/contents/x?ref=dev",
        &format!("get_file_contents {R} path=x ref=dev"),
        &format!("get_file_contents {R} path=x"),
    );
    let twice = "/repos/acme/web/contents/x?ref=main&ref=dev";
    assert_eq!(route("GET", twice, b"", Care::Strict), Verdict::Unmatched);
}

#[test]
fn labels_are_listed_by_the_tool_that_exists() {
    let path = "/repos/acme/web/labels";
    check(path, &format!("list_label {R}"), &format!("list_labels {R}"));
}

#[test]
fn routes_that_the_reference_lacks_are_judged() {
    for (target, want) in [
        ("/users/jo", "search_users username=jo"),
        ("/users/jo/repos", "get_me username=jo"),
        ("/orgs/acme", "search_orgs org=acme"),
        ("/orgs/acme/repos", "get_teams org=acme"),
        ("/gists/1a", "get_gist gist_id=1a"),
        ("/gists", "list_gists"),
        ("/user/repos", "get_me"),
        ("/search/users?q=jo", "search_users query=jo"),
        ("/search/commits?q=fix+repo:acme/web", "search_commits query=fix repo:acme/web"),
        ("/repositories/42/issues", "Unmatched"),
        ("/search/commits?q=fix", "Unmatched"),
        ("/search/labels?repository_id=1&q=x", "Unmatched"),
        ("/events", "Unmatched"),
    ] {
        check(target, want, "Unmatched");
    }
    assert_eq!(route("GET", "/search/code?q=x", b"", Care::Strict), Verdict::Unmatched);
}

#[test]
fn what_stands_unknown_below_a_repository_is_trusted_by_nobody() {
    let (low, high) =
        (format!("issue_read {R} method=get_comments"), format!("get_file_contents {R}"));
    for path in ["issues/comments", "comments", "issues/abc", "unheard/of"] {
        check(&format!("/repos/acme/web/{path}"), &low, &high);
    }
    check(
        "/repos/acme/web/secret-scanning/alerts",
        &format!("list_secret_scanning_alerts {R}"),
        &high,
    );
    check("/repos/acme/web/hooks", &format!("list_repository_collaborators {R}"), &high);
}

#[test]
fn the_words_of_the_forge_itself_are_open() {
    for path in ["/meta", "/rate_limit", "/octocat", "/zen", "/versions"] {
        same(path, "Open");
    }
    check("/", "Open", "Unmatched");
    check("/gitignore/templates/Rust", "Open", "Unmatched");
}

#[test]
fn paths_with_two_readings_are_unmatched() {
    for path in [
        "/repos/acme/web/../secret/issues",
        "/repos/acme/web/%2e%2e/secret",
        "/repos//acme/web",
        "/repos/acme/web%2Fissues/1",
        "/repos/acme%2Fweb/issues",
        "/repos/acme/web/issues;x=1?a;b",
    ] {
        assert_eq!(route("GET", path, b"", Care::Strict), Verdict::Unmatched, "{path}");
    }
}

#[test]
fn writes_are_judged_as_writes_or_pass_as_they_always_did() {
    for (method, path, tool) in [
        ("POST", "/repos/acme/web/issues", "create_issue"),
        ("POST", "/repos/acme/web/issues/7/comments", "add_issue_comment"),
        ("PUT", "/repos/acme/web/pulls/5/merge", "merge_pull_request"),
        ("PUT", "/repos/acme/web/contents/a/b", "create_or_update_file"),
        ("POST", "/repos/acme/web/git/refs", "create_branch"),
        ("POST", "/repos/acme/web/actions/workflows/ci.yml/dispatches", "actions_run_trigger"),
        ("POST", "/gists", "create_gist"),
        ("DELETE", "/repos/acme/web", "delete_repository"),
    ] {
        let routed = call(method, path, Care::Strict).expect(path);
        assert_eq!((routed.call.tool, routed.is_write), (tool, true));
        assert_eq!(route(method, path, b"", Care::Compat), Verdict::Open);
    }
    for (method, path) in [
        ("POST", "/repos/acme/web/hooks"),
        ("PUT", "/repos/acme/web/collaborators/jo"),
        ("POST", "/markdown"),
        ("OPTIONS", "/repos/acme/web/issues"),
        ("GET\0", "/repos/acme/web/issues"),
    ] {
        assert_eq!(route(method, path, b"", Care::Strict), Verdict::Unmatched, "{path}");
        assert_eq!(route(method, path, b"", Care::Compat), Verdict::Open);
    }
}

#[test]
fn the_body_says_what_a_change_of_a_repository_is() {
    for (body, want) in [
        (r#"{"description":"x"}"#, "edit_repository"),
        (r#"{"name":"y"}"#, "rename_repository"),
        (r#"{"archived":true}"#, "archive_repository"),
        (r#"{"private":false}"#, "transfer_repository"),
        (r#"{"visibility":"public"}"#, "transfer_repository"),
        ("name=y", "rename_repository"),
        ("[]", "rename_repository"),
    ] {
        let got = route("PATCH", "/repos/acme/web", body.as_bytes(), Care::Strict);
        let Verdict::Routed(routed) = got else { panic!("{body}") };
        assert_eq!(routed.call.tool, want, "{body}");
    }
}

#[test]
fn a_look_at_the_head_alone_is_a_read() {
    let head = call("HEAD", "/repos/acme/web/contents/x", Care::Strict).unwrap();
    assert_eq!((head.call.tool, head.is_write), ("get_file_contents", false));
}

#[test]
fn arguments_are_texts_in_json() {
    let call = call("GET", "/repos/acme/web/contents/a%22b", Care::Strict).unwrap().call;
    let want = r#"{"owner":"acme","repo":"web","path":"a\"b"}"#;
    assert_eq!(String::from_utf8(call.args_json()).unwrap(), want);
}
