// SPDX-License-Identifier: MIT
//! The guard from outside: policies, calls and answers in, labels out.

mod closed;

use super::*;
use crate::policy::guard::{Data, Item, Labels, NEEDS_MAX, Need, Object, Operation, redact};
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
        let [Item { data: Data::Whole, object: Some(object), .. }] = &items[..] else {
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
    assert_eq!(paths.labelled.len(), 100);
    let besides = paths.besides.unwrap();
    assert_eq!((&*besides[0].0, &*besides[899].0, besides.len()), ("/100", "/999", 900));
}

/// A forge where those whose names begin with `m` may write, and that knows who wrote what.
fn talkative(need: &Need) -> Met {
    let args = String::from_utf8(need.args.to_vec()).unwrap();
    match &*need.tool {
        "search_repositories" => forge(need),
        "get_collaborator_permission" => {
            let may_write = args.contains(r#""username":"m"#);
            Some(
                format!(r#"{{"permission":"{}"}}"#, if may_write { "write" } else { "none" })
                    .as_str()
                    .into(),
            )
        }
        _ => Some(r#"{"user":{"login":"mallory"},"author_association":"OWNER"}"#.into()),
    }
}

/// Which elements an agent may see, as the gateway decides it.
fn seen_of(policy: &Arc<Policy>, tool: &str, args: &str, elements: &[String]) -> Vec<bool> {
    let answer = result(&format!("[{}]", elements.join(",")));
    let run = Run::response(policy.clone(), tool, args.into(), answer.clone());
    let Outcome::Findings(findings) = finish(run, talkative).0.unwrap() else { panic!() };
    let agent = policy.agent().labels;
    let mut seen = Vec::new();
    let mut judge = |object: &Object| {
        let labels = &object.labels;
        let passes = agent.integrity.flows_into(&labels.integrity)
            && labels.secrecy.flows_into(&agent.secrecy);
        if passes { Ok(()) } else { Err(()) }
    };
    let options = redact::Options { removed_max: elements.len(), compat: false };
    let call = Object::default();
    let left = redact::redact(&answer, &findings, &call, &mut judge, &options).unwrap();
    assert_eq!(left.n_items, elements.len());
    seen.resize(elements.len(), true);
    left.removed.iter().for_each(|one| seen[one.index] = false);
    seen
}

const FAR_TOOLS: [&str; 9] = [
    "list_issues",
    "list_pull_requests",
    "search_issues",
    "list_commits",
    "list_gists",
    "list_releases",
    "list_notifications",
    "list_project_items",
    "get_file_contents",
];
const FAR_AUTHORS: [&str; 4] = [
    "",
    r#""user":{"login":"mallory"},"#,
    r#""user":{"login":"max"},"#,
    r#""user":{"login":"ann"},"#,
];
const FAR_ASSOCIATIONS: [&str; 3] =
    ["", r#""author_association":"OWNER","#, r#""author_association":"NONE","#];
const FAR_PLACES: [&str; 3] = [
    "",
    r#""repository_url":"https://api.github.com/repos/acme/private","#,
    r#""full_name":"acme/other","#,
];
const FAR_MORE: [&str; 6] = [
    "",
    r#""labels":["spam"],"#,
    r#""labels":["lgtm"],"#,
    r#""reactions":{"nodes":[{"content":"HEART","user":{"login":"max"}}]},"#,
    r#""reactions":{"nodes":[{"content":"CONFUSED","user":{"login":"max"}}]},"#,
    r#""public":false,"#,
];

/// A policy that listens to everything that is said about an item.
fn listening(repos: &str, min: &str) -> Arc<Policy> {
    policy(&format!(
        r#"{{"allow-only":{{"repos":{repos},"min-integrity":"{min}","blocked-users":["mallory"],
            "refusal-labels":["spam"],"approval-labels":["lgtm"],
            "endorsement-reactions":["HEART"],"disapproval-reactions":["CONFUSED"]}}}}"#
    ))
}

/// A hundred issues of which everybody may see something, and then one more.
fn far_behind(element: &str) -> Vec<String> {
    let plain = r#"{"number":1,"user":{"login":"ann"},"author_association":"OWNER"}"#;
    let mut elements = vec![plain.to_owned(); 100];
    elements.push(element.to_owned());
    elements
}

proptest::proptest! {
    #[test]
    fn nothing_is_seen_only_because_it_stands_far_behind(
        tool in proptest::sample::select(&FAR_TOOLS[..]),
        repos in proptest::sample::select(vec![r#""all""#, r#""public""#, r#"["acme/*"]"#]),
        min in proptest::sample::select(vec!["none", "unapproved", "approved", "merged"]),
        repo in proptest::sample::select(vec!["web", "private"]),
        author in proptest::sample::select(&FAR_AUTHORS[..]),
        association in proptest::sample::select(&FAR_ASSOCIATIONS[..]),
        place in proptest::sample::select(&FAR_PLACES[..]),
        more in proptest::sample::select(&FAR_MORE[..]),
    ) {
        let policy = listening(repos, min);
        let element = format!(r#"{{{author}{association}{place}{more}"type":"ISSUE","number":7}}"#);
        let args = format!(r#"{{"owner":"acme","repo":"{repo}","query":"x"}}"#);
        let near = seen_of(&policy, tool, &args, std::slice::from_ref(&element))[0];
        let far = seen_of(&policy, tool, &args, &far_behind(&element))[100];
        proptest::prop_assert!(near || !far, "{} {} {}", tool, args, element);
    }
}

#[test]
fn whatever_could_speak_against_what_stands_far_behind_does() {
    let seen = |tool: &str, repo: &str, min: &str, element: &str| {
        let args = format!(r#"{{"owner":"acme","repo":"{repo}"}}"#);
        seen_of(&listening("\"all\"", min), tool, &args, &far_behind(element))[100]
    };
    let pull = |author: &str| format!(r#"{{{author}"number":7}}"#);
    assert!(seen("list_pull_requests", "web", "none", &pull(r#""user":{"login":"ann"},"#)));
    assert!(!seen("list_pull_requests", "web", "none", &pull("")), "who may have written it?");
    let issue = |sign: &str| {
        let reaction = format!(r#"{{"content":"{sign}","user":{{"login":"max"}}}}"#);
        format!(r#"{{"number":7,"reactions":{{"nodes":[{reaction}]}}}}"#)
    };
    assert!(seen("list_issues", "private", "approved", &issue("EYES")));
    assert!(!seen("list_issues", "private", "approved", &issue("CONFUSED")), "may they say so?");
}

#[test]
fn what_stands_behind_the_hundredth_is_seen_if_it_passes_by_the_list_and_by_itself() {
    let of = |author: &str, n: usize| {
        let author = format!(r#""user":{{"login":"{author}"}},"author_association":"MEMBER""#);
        vec![format!(r#"{{"number":1,{author}}}"#); n]
    };
    let seen = |min: &str, author: &str| {
        let elements = [of("ann", 100), of(author, 901)].concat();
        let seen = seen_of(&rules(min), "list_issues", WEB, &elements);
        seen.iter().filter(|is_seen| **is_seen).count()
    };
    assert_eq!(seen("none", "ann"), 1000, "nobody has looked at the last");
    assert_eq!(seen("none", "mallory"), 100, "who is blocked is so everywhere");
    assert_eq!(seen("approved", "ann"), 100, "the list of a public repository is not approved");
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
    let all = paths.labelled.iter().chain(paths.besides.iter().flatten());
    let levels: Vec<usize> = all.map(|(_, object)| object.labels.integrity.len()).collect();
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
