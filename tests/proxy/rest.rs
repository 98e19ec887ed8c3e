// SPDX-License-Identifier: MIT
//! The REST interface behind a policy.

use super::child::eventually;
use super::{APPROVED, PATIENCE, PUBLIC, World, issue};

const FORBIDDEN: &str = "DIFC policy violation";
const UNRECOGNIZED: &str =
    r#"{"error":"difc_forbidden","message":"DIFC policy violation: unrecognized endpoint"}"#;

#[test]
fn items_that_nobody_vouches_for_leave_their_list() {
    let world = World::with(APPROVED);
    let (ours, theirs) = (issue(1, "OWNER"), issue(2, "NONE"));
    world.forge.answers("GET /repos/acme/web/issues", &format!("[{ours}, {theirs}]"));
    let want = format!("[{ours}]");
    world.check("GET", "/repos/acme/web/issues", 200, &want);
    world.check("GET", "/api/v3/repos/acme/web/issues", 200, &want);
    world.forge.answers("GET /repos/acme/web/issues?state=all", &format!("[{ours}]"));
    world.check("GET", "/repos/acme/web/issues?state=all", 200, &want);
    eventually("it is written down", PATIENCE, || {
        let line = "DIFC filtered 1/2 items for GET /repos/acme/web/issues (tool=list_issues)";
        let record = r#""event":"difc_filtered""#;
        (world.log().contains(line) && world.records().contains(record)).then_some(())
    });
}

#[test]
fn a_single_thing_that_may_not_be_seen_is_not_there() {
    let world = World::with(APPROVED);
    world.forge.answers("GET /repos/acme/web/issues/1", &issue(1, "MEMBER"));
    world.forge.answers("GET /repos/acme/web/issues/2", &issue(2, "NONE"));
    world.check("GET", "/repos/acme/web/issues/1", 200, &issue(1, "MEMBER"));
    world.check("GET", "/repos/acme/web/issues/2", 200, "[]");
}

#[test]
fn what_is_private_stays_so() {
    let world = World::with(PUBLIC);
    world.forge.answers("GET /repos/acme/secret/issues", &format!("[{}]", issue(1, "OWNER")));
    world.forge.answers("GET /repos/acme/secret/issues/1", &issue(1, "OWNER"));
    world.forge.answers("GET /repos/acme/secret/labels", r#"[{"name":"plan"}]"#);
    world.forge.answers("GET /repos/acme/secret/readme", r#"{"content":"cGxhbg=="}"#);
    for path in ["issues", "issues/1", "labels", "readme"] {
        let response = world.get(&format!("/repos/acme/secret/{path}"));
        assert!(!response.body.contains("plan") && !response.body.contains("t1"), "{response:?}");
        assert!(!response.body.contains("cGxh"), "{response:?}");
    }
}

#[test]
fn a_search_says_how_much_is_left_of_it() {
    let world = World::with(APPROVED);
    let (ours, theirs) = (issue(1, "OWNER"), issue(2, "NONE"));
    world.forge.answers(
        "GET /search/issues?q=repo:acme/web+x",
        &format!(r#"{{"total_count":2,"incomplete_results":true,"items":[{theirs},{ours}]}}"#),
    );
    let want = format!(r#"{{"total_count":1,"incomplete_results":false,"items":[{ours}]}}"#);
    world.check("GET", "/search/issues?q=repo:acme/web+x", 200, &want);
}

#[test]
fn what_is_not_known_is_refused() {
    let world = World::with(PUBLIC);
    for target in
        ["/enterprises/x", "/repositories/7/issues", "/search/commits?q=x", "/repos/acme//web"]
    {
        world.check("GET", target, 403, UNRECOGNIZED);
        world.check("DELETE", target, 403, UNRECOGNIZED);
    }
    assert_eq!(world.forge.lines(), [""; 0]);
    world.forge.answers("GET /meta", "{}");
    world.check("GET", "/meta", 200, "{}");
}

#[test]
fn compat_lets_pass_what_is_not_known() {
    let world = World::start(&["--policy", PUBLIC], &[("PENSTOCK_GUARDS_COMPAT", "1")]);
    world.forge.answers("GET /users/x/events", "[1]");
    world.check("GET", "/users/x/events", 200, "[1]");
    world.forge.answers("POST /repos/acme/web/forks", "{}");
    world.check("POST", "/repos/acme/web/forks", 200, "{}");
}

#[test]
fn a_branch_is_judged_as_one() {
    let policy = r#"{"allow-only":{"repos":"public","min-integrity":"merged"}}"#;
    let world = World::with(policy);
    let commits = r#"[{"sha":"a1","commit":{"message":"m"},"author":{"login":"u"}}]"#;
    for query in ["", "?sha=dev"] {
        world.forge.answers(&format!("GET /repos/acme/web/commits{query}"), commits);
    }
    world.check("GET", "/repos/acme/web/commits", 200, commits);
    world.check("GET", "/repos/acme/web/commits?sha=dev", 200, "[]");
    let file = r#"{"type":"file","name":"x","path":"x","content":"eA=="}"#;
    for query in ["", "?ref=dev"] {
        world.forge.answers(&format!("GET /repos/acme/web/contents/x{query}"), file);
    }
    world.check("GET", "/repos/acme/web/contents/x", 200, file);
    world.check("GET", "/repos/acme/web/contents/x?ref=dev", 200, "[]");
}

#[test]
fn changes_are_judged_before_they_are_made() {
    let world = World::with(APPROVED);
    let created = r#"{"id":9,"number":3,"title":"x","html_url":"u"}"#;
    world.forge.answers_with("POST /repos/acme/web/issues", 201, "", created);
    let response = world.ask("POST", "/repos/acme/web/issues", r#"{"title":"x"}"#);
    assert_eq!(response.status, 201, "{response:?}");
    assert!(response.body.contains(r#""number":3"#), "{response:?}");
    assert_eq!(world.forge.asked()[0].body, r#"{"title":"x"}"#);
    assert_eq!(world.forge.asked()[0].fields["content-type"], "application/json");
    let refused = world.ask("POST", "/repos/acme/web/transfer", r#"{"new_owner":"x"}"#);
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.body.contains(FORBIDDEN));
    assert_eq!(world.forge.lines(), ["POST /repos/acme/web/issues"]);
}

#[test]
fn what_is_no_json_passes_with_its_call() {
    let world = World::with(PUBLIC);
    for repo in ["web", "secret"] {
        let line = format!("GET /repos/acme/{repo}/contents/x");
        world.forge.answers_with(&line, 200, "Content-Type: text/plain\r\n", "plain words");
    }
    world.check("GET", "/repos/acme/web/contents/x", 200, "plain words");
    let refused = world.get("/repos/acme/secret/contents/x");
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains(FORBIDDEN), "{refused:?}");
}

#[test]
fn errors_pass_and_say_when_to_come_back() {
    let world = World::with(PUBLIC);
    let fields = "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1\r\nETag: x\r\nLink: <l>\r\n";
    world.forge.answers_with("GET /repos/acme/web/issues", 403, fields, "{}");
    let response = world.get("/repos/acme/web/issues");
    assert_eq!(response.status, 403);
    assert_eq!(response.field("Retry-After"), Some("60"));
    assert_eq!(response.field("X-RateLimit-Reset"), Some("1"));
    assert_eq!((response.field("Link"), response.field("ETag")), (Some("<l>"), None));
}

#[test]
fn a_redirect_within_the_forge_is_judged_again() {
    let world = World::with(PUBLIC);
    let elsewhere =
        |repo: &str| format!("Location: {}/repos/acme/{repo}/issues\r\n", world.forge.url());
    world.forge.answers_with("GET /repos/acme/old/issues", 301, &elsewhere("web"), "{}");
    world.forge.answers_with("GET /repos/acme/odd/issues", 301, &elsewhere("secret"), "{}");
    let list = format!("[{}]", issue(1, "OWNER"));
    world.forge.answers("GET /repos/acme/web/issues", &list);
    world.forge.answers("GET /repos/acme/secret/issues", &list);
    world.check("GET", "/repos/acme/old/issues", 200, &list);
    world.check("GET", "/repos/acme/odd/issues", 200, "[]");
    let by_id = format!("Location: {}/repositories/7/issues\r\n", world.forge.url());
    world.forge.answers_with("GET /repos/acme/gone/issues", 301, &by_id, "{}");
    assert_eq!(world.get("/repos/acme/gone/issues").status, 403);
}

#[test]
fn elsewhere_nobody_learns_the_credential() {
    let world = World::start(&["--policy", PUBLIC, "--github-token", "t0ken"], &[]);
    let store = super::Forge::start();
    store.answers_with("GET /blob?sig=1", 200, "Content-Type: text/plain\r\n", "log");
    let location = format!("Location: {}/blob?sig=1\r\n", store.url());
    world.forge.answers_with("GET /repos/acme/web/actions/jobs/7/logs", 302, &location, "");
    let response = world.get("/repos/acme/web/actions/jobs/7/logs");
    assert_eq!((response.status, response.body.as_str()), (200, "log"), "{response:?}");
    assert_eq!(world.forge.asked()[0].fields["authorization"], "token t0ken");
    assert!(!store.asked()[0].fields.contains_key("authorization"));
}

#[test]
fn a_client_asks_with_its_own_credential_first() {
    let world = World::start(&["--policy", PUBLIC], &[("GH_TOKEN", "t0ken")]);
    world.forge.answers("GET /repos/acme/web/issues", "[]");
    let mut client = world.connect();
    let own = [("Authorization", "Bearer own"), ("Accept", "text/html"), ("X-Other", "1")];
    for fields in [&own[..], &[]] {
        let response = client.exchange("GET", "/repos/acme/web/issues", fields, "").unwrap();
        assert_eq!(response.status, 200);
    }
    let asked = world.forge.asked();
    assert_eq!(asked[0].fields["authorization"], "Bearer own");
    assert_eq!(asked[0].fields["accept"], "application/vnd.github+json");
    assert_eq!(asked[0].fields["user-agent"], "awmg/1.0");
    assert!(!asked[0].fields.contains_key("x-other"));
    assert_eq!(asked[1].fields["authorization"], "token t0ken");
    assert!(!world.log().contains("t0ken"));
}
