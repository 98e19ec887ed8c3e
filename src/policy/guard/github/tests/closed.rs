// SPDX-License-Identifier: MIT
//! Ways around a policy that the reference leaves open, and that are closed here.

use super::*;

#[test]
fn a_call_whose_arguments_leave_its_repository_is_not_labelled() {
    let failed = |options, tool: &str, args: &str| {
        let policy = Policy::parse(RULES.replace("MIN", "none").as_bytes()).unwrap();
        let policy = Arc::new(policy.with_options(options));
        let run = Run::resource(policy, tool, args.into());
        finish(run, forge).0.err().map(|error| error.text.into_string())
    };
    let sha = r#"{"owner":"acme","repo":"web","sha":"../../secret/commits/main"}"#;
    let why = "the argument \"sha\" could lead elsewhere than to what it names";
    assert_eq!(failed(Options::default(), "get_commit", sha).as_deref(), Some(why));
    assert_eq!(failed(Options { compat: true }, "get_commit", sha), None);
    let path = r#"{"owner":"acme","repo":"web","path":"../../../../evil/public/contents/x"}"#;
    assert!(failed(Options::default(), "create_or_update_file", path).is_some());
    let owner = r#"{"owner":"acme/secret/contents/x?","repo":"web"}"#;
    assert!(failed(Options::default(), "list_issues", owner).is_some());
}

#[test]
fn a_commit_or_release_that_lies_elsewhere_is_as_secret_as_there() {
    let policy = named("\"public\"");
    let html_url = r#"{"html_url":"https://github.com/acme/private/x/1"}"#;
    for tool in ["get_commit", "get_latest_release"] {
        let Findings::Items(items) = findings(&policy, tool, WEB, html_url) else { panic!() };
        assert_eq!(items[0].object.as_ref().unwrap().labels.secrecy.to_string(), "[private]");
    }
}

/// Whether an agent under `policy` may see an answer that is one thing.
fn sees(policy: &Arc<Policy>, tool: &str, args: &str, answer: &str) -> bool {
    let Findings::Items(items) = findings(policy, tool, args, answer) else { panic!("{tool}") };
    let agent = policy.agent().labels;
    items.iter().all(|item| {
        item.object.is_some()
            && item.objects().all(|Object { labels, .. }| {
                agent.integrity.flows_into(&labels.integrity)
                    && labels.secrecy.flows_into(&agent.secrecy)
            })
    })
}

#[test]
fn what_a_stranger_has_pushed_to_a_fork_is_neither_merged_nor_approved() {
    for (tool, key, git_ref, is_seen) in [
        ("get_file_contents", "ref", "dev", true),
        ("get_file_contents", "ref", "refs/pull/7/head", false),
        ("get_file_contents", "ref", "deadbeefcafe", false),
        ("get_file_contents", "sha", "deadbeefcafe", false),
        ("get_file_contents", "sha", "main", false),
        ("get_file_blame", "ref", "pull/7/head", false),
        ("get_repository_tree", "tree_sha", "dev", true),
        ("get_repository_tree", "tree_sha", "deadbeefcafe", false),
        ("get_commit", "sha", "main", true),
        ("get_commit", "sha", "deadbeefcafe", false),
        ("get_commit", "sha", "refs/pull/7/head", false),
    ] {
        let args =
            |repo: &str| format!(r#"{{"owner":"acme","repo":"{repo}","{key}":"{git_ref}"}}"#);
        let seen = |repo: &str| sees(&rules("approved"), tool, &args(repo), r#"{"sha":"dead"}"#);
        assert_eq!(seen("web"), is_seen, "{tool} {key} {git_ref}");
        assert!(seen("private"), "{tool} {key} {git_ref}");
    }
    let args = r#"{"owner":"acme","repo":"web","sha":"deadbeefcafe"}"#;
    let answer = r#"{"sha":"deadbeefcafe","author":{"login":"trusty"}}"#;
    assert!(sees(&rules("approved"), "get_commit", args, answer), "its author is trusted");
}

#[test]
fn what_was_found_without_its_place_is_public_only_if_the_search_was_confined() {
    let policy = named("\"public\"");
    let secrecy = |args: &str| {
        let answer = r#"{"total_count":1,"items":[{"number":1,"title":"t"}]}"#;
        match findings(&policy, "search_issues", args, answer) {
            Findings::Paths(paths) => paths.labelled[0].1.labels.secrecy.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(secrecy(r#"{"query":"repo:acme/web x"}"#), "[]");
    assert_eq!(secrecy(r#"{"query":"x","owner":"acme","repo":"web"}"#), "[]");
    for query in [
        "x",
        "repo:acme/web Repo:acme/private x",
        "repo:acme/web org:acme",
        "repo:acme/web OR user:acme",
        "x OR repo:acme/web",
    ] {
        assert_eq!(secrecy(&format!(r#"{{"query":"{query}"}}"#)), "[private]", "{query}");
    }
    let or = r#"{"query":"x OR y","owner":"acme","repo":"web"}"#;
    assert_eq!(secrecy(or), "[private]");
}

#[test]
fn a_search_whose_answer_is_not_understood_is_as_secret_as_any_repository() {
    let text = |text: &str| format!(r#"{{"type":"text","text":"{text}"}}"#);
    let found = text(r#"{\"items\":[{\"repository\":{\"full_name\":\"acme/private\"}}]}"#);
    let none = text(r#"{\"total_count\":0,\"items\":[]}"#);
    let answers = [
        format!(r#"{{"content":[{found},{}]}}"#, text("more")),
        format!(r#"{{"content":[{none},{}]}}"#, text("more")),
        format!(r#"{{"content":[{none}],"structuredContent":{{"items":[1]}}}}"#),
        format!(r#"{{"content":[{}]}}"#, text("plain")),
        format!(r#"{{"content":[{}],"isError":true}}"#, text("plain")),
    ];
    let secrecy = |policy: &Arc<Policy>, tool: &str, args: &str, answer: &str| {
        let run = Run::response(policy.clone(), tool, args.into(), answer.into());
        let Outcome::Findings(Findings::Items(items)) = finish(run, forge).0.unwrap() else {
            panic!("{tool} {answer}")
        };
        items[0].object.as_ref().unwrap().labels.secrecy.to_string()
    };
    let (public, all) = (named("\"public\""), named("\"all\""));
    for answer in &answers {
        for tool in ["search_code", "search_issues", "search_repositories", "list_project_items"] {
            assert_eq!(secrecy(&public, tool, r#"{"query":"x"}"#, answer), "[private]", "{tool}");
            assert_eq!(secrecy(&all, tool, r#"{"query":"x"}"#, answer), "[]", "{tool}");
        }
        let mixed = r#"{"query":"Repo:acme/web repo:acme/private"}"#;
        assert_eq!(secrecy(&public, "search_code", mixed, answer), "[private]");
        let beside = r#"{"query":"x","owner":"acme","repo":"web"}"#;
        assert_eq!(secrecy(&public, "search_code", beside, answer), "[private]");
        let sure = r#"{"query":"x Repo:acme/web"}"#;
        assert_eq!(secrecy(&public, "search_code", sure, answer), "[]");
    }
}

#[test]
fn prompts_and_completions_are_as_secret_as_the_repository_that_they_name() {
    let policy = named("\"public\"");
    let secrecy = |tool: &str, args: &str| {
        let answer = r#"{"completion":{"values":["a-secret"]}}"#;
        let run = Run::response(policy.clone(), tool, args.into(), answer.into());
        let Outcome::Findings(Findings::Items(items)) = finish(run, forge).0.unwrap() else {
            panic!("{tool}")
        };
        items[0].object.as_ref().unwrap().labels.secrecy.to_string()
    };
    let complete = |argument: &str, before: &str| {
        let args = format!(
            r#"{{"ref":{{"type":"ref/resource","uri":"repo://x"}},
            "argument":{{"name":"{argument}","value":"we"}},"context":{{"arguments":{before}}}}}"#
        );
        secrecy("completion/complete", &args)
    };
    assert_eq!(complete("branch", WEB), "[]");
    assert_eq!(complete("branch", r#"{"owner":"acme","repo":"private"}"#), "[private]");
    assert_eq!(complete("repo", r#"{"owner":"acme"}"#), "[private]");
    assert_eq!(complete("repo", WEB), "[private]", "it may be completed to another one");
    assert_eq!(complete("owner", "{}"), "[private]");
    let prompt = |args: &str| secrecy("prompts/get", args);
    assert_eq!(prompt(r#"{"name":"p","arguments":{"owner":"acme","repo":"web"}}"#), "[]");
    assert_eq!(prompt(r#"{"name":"p","owner":"acme","repo":"web"}"#), "[private]");
    assert_eq!(prompt(r#"{"name":"p"}"#), "[private]");
    assert_eq!(secrecy("some_future_tool", "{}"), "[private]");
    let run = Run::response(policy, "resources/list", "{}".into(), r#"{"resources":[]}"#.into());
    let Outcome::Findings(Findings::Items(items)) = finish(run, forge).0.unwrap() else { panic!() };
    assert!(items[0].object.as_ref().unwrap().labels.secrecy.is_empty(), "there is nothing in it");
}

#[test]
fn fields_without_what_the_policy_judges_by_are_refused_with_their_names() {
    let args = r#"{"owner":"acme","repo":"web","fields":["number","title","body"]}"#;
    let run = |policy| finish(Run::resource(policy, "list_issues", args.into()), forge).0;
    let why = "the policy judges by what \"fields\" leaves out: user, labels";
    assert_eq!(&*run(rules("none")).unwrap_err().text, why);
    assert!(run(named("\"all\"")).is_ok());
    let compat = Policy::parse(RULES.replace("MIN", "none").as_bytes()).unwrap();
    assert!(run(Arc::new(compat.with_options(Options { compat: true }))).is_ok());
}

#[test]
fn a_tool_that_nobody_knows_is_checked_as_a_write() {
    let meant = |tool: &str, options| {
        let policy = Policy::parse(RULES.replace("MIN", "none").as_bytes()).unwrap();
        let mut run = Run::resource(Arc::new(policy.with_options(options)), tool, WEB.into());
        let mut met = None;
        loop {
            match run.step(met.take()) {
                Step::Done(Ok(Outcome::Labelled(labelled))) => {
                    assert!(labelled.operation == Operation::Read || tool != "upsert_thing");
                    return run.meant(labelled);
                }
                Step::Needs(need) => met = Some(forge(&need)),
                other => panic!("{other:?}"),
            }
        }
    };
    let Labelled { object, operation } = meant("upsert_thing", Options::default());
    assert_eq!(operation, Operation::Write);
    assert_eq!(object.labels.integrity.to_string(), "[none:acme unapproved:acme]");
    let Labelled { object, operation } = meant("delete_thing", Options::default());
    assert_eq!((operation, object.labels.integrity.len()), (Operation::Write, 3));
    assert_eq!(meant("upsert_thing", Options { compat: true }).operation, Operation::Read);
    assert_eq!(meant("get_thing", Options::default()).operation, Operation::Read);
    assert_eq!(meant("list_issues", Options::default()).operation, Operation::Read);
}
