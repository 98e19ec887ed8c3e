// SPDX-License-Identifier: MIT
//! The guard from outside: policies, calls and answers in, labels out.

use super::*;
use crate::policy::guard::{Data, Item, Labels, NEEDS_MAX, Need, Object, Operation};
use crate::wire::json::write;

const RULES: &str = r#"{"allow-only":{"repos":["acme/*"],"min-integrity":"MIN",
    "blocked-users":["Mallory"],"trusted-users":["trusty"],
    "approval-labels":["LGTM","ok to read"],"refusal-labels":"spam,\n off topic"}}"#;

fn policy(json: &str) -> Arc<Policy> {
    Arc::new(Policy::parse(json.as_bytes()).unwrap())
}

fn rules(min: &str) -> Arc<Policy> {
    policy(&RULES.replace("MIN", min))
}

fn named(repos: &str) -> Arc<Policy> {
    policy(&format!(r#"{{"allow-only":{{"repos":{repos},"min-integrity":"none"}}}}"#))
}

/// A forge where repositories called `private` are so, and where nobody may do anything.
fn forge(need: &Need) -> Met {
    let args = String::from_utf8(need.args.to_vec()).unwrap();
    let name = args.split("repo:").nth(1).filter(|_| &*need.tool == "search_repositories")?;
    let name = name.trim_end_matches("\"}");
    let is_private = name.contains("private");
    Some(Message::new(
        format!(r#"{{"items":[{{"full_name":"{name}","private":{is_private}}}]}}"#).into(),
    ))
}

/// Runs to the end; also says what was asked.
fn finish(mut run: Run, forge: impl Fn(&Need) -> Met) -> (Result<Outcome, GuardError>, Vec<Need>) {
    let (mut met, mut needs) = (None, Vec::new());
    loop {
        match run.step(met.take()) {
            Step::Done(outcome) => return (outcome, needs),
            Step::Needs(need) => {
                met = Some(forge(&need));
                needs.push(need);
                assert!(needs.len() <= NEEDS_MAX as usize);
            }
            Step::Yields => {}
        }
    }
}

fn result(text: &str) -> Message {
    let mut out = Vec::new();
    write::object(&mut out, |object| {
        object.array("content", |content| {
            content.object(|item| _ = item.str("type", "text").str("text", text));
        });
    });
    Message::new(out)
}

fn findings(policy: &Arc<Policy>, tool: &str, args: &str, answer: &str) -> Findings {
    let run = Run::response(policy.clone(), tool, args.into(), result(answer));
    match finish(run, forge).0.unwrap() {
        Outcome::Findings(findings) => findings,
        other => panic!("{other:?}"),
    }
}

fn labelled(policy: &Arc<Policy>, tool: &str, args: &str) -> Labelled {
    let run = Run::resource(policy.clone(), tool, args.into());
    match finish(run, forge).0.unwrap() {
        Outcome::Labelled(labelled) => labelled,
        other => panic!("{other:?}"),
    }
}

const WEB: &str = r#"{"owner":"acme","repo":"web"}"#;

/// The labels of one issue in a list of `acme/web`.
fn issue(policy: &Arc<Policy>, members: &str) -> Labels {
    let answer = format!(r#"[{{"number":1,{members}}}]"#);
    match findings(policy, "list_issues", WEB, &answer) {
        Findings::Paths(mut paths) => paths.labelled.remove(0).1.labels,
        other => panic!("{other:?}"),
    }
}

/// Whether an agent under this policy may see such an issue.
fn is_seen(policy: &Arc<Policy>, members: &str) -> bool {
    let (agent, issue) = (policy.agent().labels, issue(policy, members));
    agent.integrity.flows_into(&issue.integrity) && issue.secrecy.flows_into(&agent.secrecy)
}

#[test]
fn t_gp_001_what_a_blocked_user_wrote_is_never_seen() {
    let owner = r#""user":{"login":"mallory"},"author_association":"OWNER""#;
    assert!(!is_seen(&rules("none"), owner));
    assert_eq!(issue(&rules("none"), owner).integrity.to_string(), "[blocked:acme]");
}

#[test]
fn t_gp_002_what_a_trusted_user_wrote_is_approved() {
    assert!(is_seen(
        &rules("approved"),
        r#""user":{"login":"Trusty"},"author_association":"NONE""#
    ));
    assert!(!is_seen(&rules("approved"), r#""user":{"login":"bob"},"author_association":"NONE""#));
    assert!(is_seen(&rules("approved"), r#""user":{"login":"dependabot[bot]"}"#));
}

#[test]
fn t_gp_003_an_approval_label_approves() {
    let labelled =
        r#""user":{"login":"bob"},"author_association":"NONE","labels":[{"name":"lgtm"}]"#;
    assert!(is_seen(&rules("approved"), labelled));
    assert!(!is_seen(&rules("merged"), labelled));
}

#[test]
fn t_gp_004_a_refusal_label_caps_at_none() {
    let refused = r#""user":{"login":"bob"},"author_association":"OWNER","labels":["Spam"]"#;
    assert!(!is_seen(&rules("unapproved"), refused));
}

#[test]
fn t_gp_005_refusal_is_stronger_than_approval() {
    let both = r#""user":{"login":"bob"},"author_association":"NONE","labels":["lgtm","spam"]"#;
    assert!(!is_seen(&rules("unapproved"), both));
}

#[test]
fn t_gp_006_refusal_is_stronger_than_trust() {
    let both = r#""user":{"login":"trusty"},"author_association":"NONE","labels":["spam"]"#;
    assert!(!is_seen(&rules("unapproved"), both));
}

#[test]
fn t_gp_007_a_block_is_stronger_than_refusal_and_approval() {
    let both = r#""user":{"login":"Mallory"},"labels":["lgtm","spam"]"#;
    assert!(!is_seen(&rules("none"), both));
}

#[test]
fn t_gp_008_empty_lists_change_nothing() {
    let lists = ["blocked-users", "trusted-users", "approval-labels", "refusal-labels"];
    let lists = lists.map(|list| format!(r#""{list}":[]"#)).join(",");
    let json = format!(r#"{{"allow-only":{{"repos":["acme/*"],"min-integrity":"none",{lists}}}}}"#);
    for item in
        [r#""author_association":"NONE","labels":["spam"]"#, r#""user":{"login":"mallory"}"#]
    {
        assert_eq!(issue(&policy(&json), item), issue(&named(r#"["acme/*"]"#), item));
    }
}

#[test]
fn t_gp_009_a_list_may_be_one_string() {
    let refused = r#""author_association":"OWNER","labels":["Off Topic"]"#;
    assert!(!is_seen(&rules("unapproved"), refused));
    let spelled = r#"{"allow-only":{"repos":["acme/*"],"min-integrity":"approved",
        "trusted-users":" ann ,\nbob,"},"trusted-bots":"robo"}"#;
    for login in ["ann", "BOB", "robo"] {
        let item = format!(r#""user":{{"login":"{login}"}},"author_association":"NONE""#);
        assert!(is_seen(&policy(spelled), &item), "{login}");
    }
}

#[test]
fn t_gp_010_an_agent_that_asks_for_nothing_sees_refused_items() {
    assert!(is_seen(&rules("none"), r#""author_association":"OWNER","labels":["spam"]"#));
}

#[test]
fn a_policy_that_is_not_understood_is_refused() {
    for json in [
        "",
        "[]",
        "{}",
        r#"{"allow-only":[]}"#,
        r#"{"allow-only":{"min-integrity":"none"}}"#,
        r#"{"allow-only":{"repos":"all"}}"#,
        r#"{"allow-only":{"repos":"All","min-integrity":"none"}}"#,
        r#"{"allow-only":{"repos":[],"min-integrity":"none"}}"#,
        r#"{"allow-only":{"repos":["acme"],"min-integrity":"none"}}"#,
        r#"{"allow-only":{"repos":[7],"min-integrity":"none"}}"#,
        r#"{"allow-only":{"repos":"all","min-integrity":"blocked"}}"#,
        r#"{"allow-only":{"repos":"all","min-integrity":"none","blocked-users":[1]}}"#,
        r#"{"allow-only":{"repos":"all","min-integrity":"none","disapproval-integrity":"x"}}"#,
    ] {
        assert!(Policy::parse(json.as_bytes()).is_err(), "{json}");
    }
}

#[test]
fn an_agent_carries_the_scopes_and_the_level_of_its_policy() {
    let agent = |repos: &str, min: &str| {
        let json = format!(r#"{{"allow-only":{{"repos":{repos},"min-integrity":"{min}"}}}}"#);
        let AgentLabels { labels, normalized, .. } = policy(&json).agent();
        format!("{} {} {}", normalized.scope_kind, labels.secrecy, labels.integrity)
    };
    let want = "Owner [private:acme] [approved:acme none:acme unapproved:acme]";
    assert_eq!(agent(r#"["acme/*"]"#, "approved"), want);
    assert_eq!(agent("\"all\"", "none"), "All [] [none:all]");
    assert_eq!(agent("\"public\"", "none"), "Public [] [none:public]");
    let want = "Composite [private:acme/web* private:beta/tools] \
                [integrity=none;scopes=acme/web*,beta/tools]";
    assert_eq!(agent(r#"["acme/web*"," beta/tools "]"#, "none"), want);
}

#[test]
fn repositories_in_scope_share_the_scope_and_others_keep_their_own() {
    let policy = named(r#"["acme/web*","beta/tools"]"#);
    let integrity = |args: &str| {
        let Labelled { object, .. } = labelled(&policy, "list_issues", args);
        object.labels.integrity.to_string()
    };
    let ours = "[integrity=none;scopes=acme/web*,beta/tools]";
    assert_eq!(integrity(r#"{"owner":"ACME","repo":"web2"}"#), ours);
    assert_eq!(integrity(r#"{"owner":"beta","repo":"TOOLS"}"#), ours);
    assert_eq!(integrity(r#"{"owner":"acme","repo":"Web"}"#), "[none:acme/Web]");
    assert_eq!(integrity("{}"), "[none]");
}

#[test]
fn a_repository_of_which_nobody_can_say_is_private_and_vouches_for_nobody() {
    let policy = named("\"public\"");
    let run = Run::resource(policy, "list_commits", r#"{"owner":"a","repo":"b","sha":"x"}"#.into());
    let (outcome, needs) = finish(run, |_| None);
    assert_eq!(needs.len(), 1);
    let Outcome::Labelled(Labelled { object, .. }) = outcome.unwrap() else { panic!() };
    assert_eq!(object.labels.secrecy.to_string(), "[private]");
    assert_eq!(object.labels.integrity.to_string(), "[none:public]");
}

#[test]
fn plain_text_and_lists_without_a_rule_are_what_the_call_is() {
    let policy = named("\"public\"");
    let args = r#"{"owner":"acme","repo":"private"}"#;
    for (tool, answer) in [("get_job_logs", "a log"), ("list_branches", r#"[{"name":"x"}]"#)] {
        let Findings::Items(items) = findings(&policy, tool, args, answer) else {
            panic!("{tool}")
        };
        let [Item { data: Data::Whole, object: Some(object) }] = &items[..] else {
            panic!("{tool}")
        };
        assert_eq!(object.labels, labelled(&policy, tool, args).object.labels);
        assert_eq!(object.labels.secrecy.to_string(), "[private]");
    }
}

#[test]
fn an_answer_that_says_nothing_was_found_is_looked_at() {
    let policy = named("\"public\"");
    let description = |answer: &str| match findings(&policy, "list_discussions", "{}", answer) {
        Findings::Items(mut items) => items.remove(0).object.unwrap().description,
        other => panic!("{other:?}"),
    };
    let empty = r#"{"totalCount":0,"discussions":[],"pageInfo":{"endCursor":"x"}}"#;
    assert_eq!(&*description(empty), "metadata:list_discussions");
    let lie = r#"{"totalCount":0,"discussions":[1]}"#;
    assert_eq!(&*description(lie), "resource:list_discussions");
}

#[test]
fn a_second_part_of_an_answer_makes_it_one_item() {
    let policy = rules("none");
    let text =
        r#"{"content":[{"type":"text","text":"[{\"number\":1}]"},{"type":"text","text":"x"}]}"#;
    let run = Run::response(policy, "list_issues", WEB.into(), text.into());
    let Outcome::Findings(Findings::Items(items)) = finish(run, forge).0.unwrap() else { panic!() };
    assert_eq!(items[0].data, Data::Whole);
}

#[test]
fn a_file_read_by_its_address_is_a_file_of_its_repository() {
    let policy = named(r#"["acme/*"]"#);
    let args = r#"{"uri":"repo://acme/private/contents/src/main.rs"}"#;
    let Labelled { object: Object { labels, .. }, operation } =
        labelled(&policy, "resources/read", args);
    assert_eq!(operation, Operation::Read);
    assert_eq!(labels.secrecy.to_string(), "[private:acme]");
    assert_eq!(labels.integrity.len(), 4);
    let hidden = labelled(&policy, "resources/read", r#"{"uri":"repo://acme%2Fx/y"}"#).object;
    assert_eq!(hidden.labels.secrecy.to_string(), "[private]");
}

#[test]
fn what_looks_like_a_secret_is_private_before_and_after_it_was_read() {
    let policy = named("\"public\"");
    let args = r#"{"owner":"acme","repo":"web","path":"deploy/.env.prod"}"#;
    let before = labelled(&policy, "get_file_contents", args).object.labels;
    assert_eq!(before.secrecy.to_string(), "[private]");
    let Findings::Items(items) = findings(&policy, "get_file_contents", args, r#"{"sha":"1"}"#)
    else {
        panic!();
    };
    assert_eq!(items[0].object.as_ref().unwrap().labels.secrecy.to_string(), "[private]");
}

#[test]
fn elements_that_nobody_has_looked_at_are_seen_by_nobody() {
    let policy = named("\"public\"");
    let answer = format!("[{}{{}}]", r#"{"public":true},"#.repeat(1000));
    let Findings::Paths(paths) = findings(&policy, "list_gists", "{}", &answer) else { panic!() };
    assert_eq!((paths.labelled.len(), paths.default), (1000, None));
}

#[test]
fn a_judgement_asks_fifty_times_at_most_and_nothing_twice() {
    let items: Vec<String> = (0..60)
        .map(|n| {
            format!(r#"{{"number":{n},"user":{{"login":"U{n}"}},"author_association":"NONE"}}"#)
        })
        .collect();
    let again = items.join(",").to_lowercase();
    let answer = format!("[{},{again}]", items.join(","));
    let run = Run::response(rules("none"), "list_issues", WEB.into(), result(&answer));
    let (outcome, needs) = finish(run, |need| match &*need.tool {
        "search_repositories" => forge(need),
        _ => Some(r#"{"permission":"write"}"#.into()),
    });
    assert_eq!(needs.len(), NEEDS_MAX as usize);
    assert!(needs.iter().enumerate().all(|(at, need)| !needs[..at].contains(need)));
    let Outcome::Findings(Findings::Paths(paths)) = outcome.unwrap() else { panic!() };
    let levels: Vec<usize> =
        paths.labelled.iter().map(|(_, object)| object.labels.integrity.len()).collect();
    let want: Vec<usize> = (0..120).map(|n| if n % 60 < 49 { 3 } else { 2 }).collect();
    assert_eq!(levels, want, "who could be asked about is approved");
}

#[test]
fn a_comment_is_vouched_for_by_whoever_wrote_it() {
    let policy = rules("approved");
    let args = r#"{"owner":"acme","repo":"web","issue_number":7,"method":"get_comments"}"#;
    let answer = r#"[{"id":1,"user":{"login":"trusty"}},{"id":2,"user":{"login":"mallory"}},
        {"id":3,"url":"x/comments/9","user":{"login":"bob"}}]"#;
    let Findings::Paths(paths) = findings(&policy, "issue_read", args, answer) else { panic!() };
    let levels: Vec<String> =
        paths.labelled.iter().map(|(_, object)| object.labels.integrity.to_string()).collect();
    let approved = "[approved:acme none:acme unapproved:acme]";
    assert_eq!(levels, [approved, "[blocked:acme]", "[none:acme]"]);
    let Findings::Items(items) = findings(&policy, "issue_read", args, r#"{"threads":[]}"#) else {
        panic!();
    };
    let object = items[0].object.as_ref().unwrap();
    assert_eq!(object.labels.integrity.to_string(), "[none:acme]");
}

#[test]
fn an_issue_that_has_moved_is_as_secret_as_where_it_lies_now() {
    let policy = named("\"public\"");
    let answer = r#"{"number":1,"repository_url":"https://api.github.com/repos/acme/private"}"#;
    let Findings::Items(items) = findings(&policy, "issue_read", WEB, answer) else { panic!() };
    assert_eq!(items[0].object.as_ref().unwrap().labels.secrecy.to_string(), "[private]");
}

#[test]
fn code_that_was_found_elsewhere_is_as_secret_as_there() {
    let policy = named("\"public\"");
    let secrecy = |query: &str, answer: &str| {
        let args = format!(r#"{{"query":"{query}"}}"#);
        match findings(&policy, "search_code", &args, answer) {
            Findings::Paths(paths) => {
                let labels = paths.labelled.iter().map(|(_, object)| &object.labels.secrecy);
                labels.map(ToString::to_string).collect::<Vec<_>>().join(" ")
            }
            Findings::Items(_) => "one".into(),
            Findings::Nothing => "none".into(),
        }
    };
    let answer = r#"{"items":[{"repository":{"full_name":"acme/web"}},
        {"repository":{"full_name":"acme/x","private":true}},
        {"repository":{"full_name":"acme/private"}},{"path":"a"}]}"#;
    assert_eq!(secrecy("x", answer), "[] [private] [private] [private]");
    let answer = r#"{"items":[{"repository":{"full_name":"acme/web"}}]}"#;
    assert_eq!(secrecy("x repo:ACME/web", answer), "one");
    assert_eq!(secrecy("repo:acme/web repo:acme/b", answer), "[]");
}

#[test]
fn one_judgement_may_move_to_another_thread() {
    fn check<T: Send>() {}
    check::<Run>();
}
