// SPDX-License-Identifier: MIT
//! What queries ask for, and which are refused.

use proptest::prelude::*;

use super::*;
use crate::wire::json::{tree, write};

fn body(query: &str, variables: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::object(&mut out, |object| {
        object.str("query", query).raw("variables", variables.as_bytes());
    });
    out
}

/// The parts of a plan, one line each: the tool, its arguments, `@` and the place, `*` for items.
fn lines(plan: &Plan) -> Vec<String> {
    let line = |part: &Part| {
        let args = part.call.args.iter().map(|(name, value)| format!(" {name}={value}"));
        let star = if part.form == Form::Items { "*" } else { "" };
        let args = args.collect::<String>();
        format!("{}{args} @{}{star}", part.call.tool, part.at[1..].join("."))
    };
    plan.parts.iter().map(line).collect()
}

fn plan_of(query: &str, variables: &str) -> Plan {
    match judge(&body(query, variables)) {
        Ok(Judgement::Guarded(plan)) => plan,
        other => panic!("{query}: {other:?}"),
    }
}

#[track_caller]
fn check(query: &str, want: &[&str]) {
    let variables = r#"{"owner":"acme","name":"web","n":7,"q":"is:open"}"#;
    assert_eq!(lines(&plan_of(query, variables)), want, "{query}");
}

#[track_caller]
fn refused(query: &str) -> QueryError {
    match judge(&body(query, r#"{"owner":"acme","name":"web","n":7,"id":"I_1"}"#)) {
        Err(error) => error,
        other => panic!("{query}: {other:?}"),
    }
}

const R: &str = "repository(owner: $owner, name: $name)";

/// A query below one repository.
fn below(selection: &str) -> String {
    format!("query($owner: String!, $name: String!, $n: Int) {{ {R} {{ {selection} }} }}")
}

#[test]
fn every_pattern_of_the_reference_has_its_tool() {
    for (selection, want) in [
        ("issue(number: $n) { title }", "issue_read R issue_number=7 @repository.issue"),
        ("issues(first: 9) { nodes { title } }", "list_issues R @repository.issues*"),
        (
            "pullRequest(number: 5) { title }",
            "pull_request_read R pullNumber=5 method=get @repository.pullRequest",
        ),
        ("pullRequests { nodes { title } }", "list_pull_requests R @repository.pullRequests*"),
        (
            "discussion(number: 3) { body }",
            "list_discussions R discussion_number=3 @repository.discussion",
        ),
        ("discussions { nodes { body } }", "list_discussions R @repository.discussions"),
        (
            "discussionCategories { nodes { name } }",
            "list_discussion_categories R @repository.discussionCategories",
        ),
        ("description", "get_file_contents R @repository"),
        ("id", "get_file_contents R @repository"),
        ("projectsV2 { nodes { title } }", "list_projects R @repository.projectsV2"),
        ("labels { nodes { name } }", "list_label R @repository.labels"),
        ("releases { nodes { tagName } }", "list_releases R @repository.releases*"),
    ] {
        check(&below(selection), &[&want.replace(" R ", " owner=acme repo=web ")]);
    }
    check("{ viewer { login bio } }", &["get_me @viewer"]);
    check("{ organization(login: \"acme\") { name } }", &["search_orgs login=acme @organization"]);
    check(
        "query($q: String!) { search(query: $q, type: ISSUE) { nodes { ... on Issue { title } } } }",
        &["search_issues query=is:open @search*"],
    );
}

#[test]
fn history_is_that_of_its_branch() {
    let history = "... on Commit { history { nodes { message } } }";
    for (way, git_ref, sha) in [
        ("defaultBranchRef { target { H } }", "", ""),
        ("ref(qualifiedName: \"refs/heads/dev\") { target { H } }", " ref=dev", " sha=dev"),
        ("object(expression: \"dev\") { H }", " ref=dev", " sha=dev"),
    ] {
        let way = way.replace('H', history);
        let plan = plan_of(&below(&way), r#"{"owner":"acme","name":"web"}"#);
        let got = lines(&plan);
        assert!(got[0].starts_with(&format!("list_commits owner=acme repo=web{sha} @")), "{got:?}");
        assert!(
            got[1].starts_with(&format!("get_file_contents owner=acme repo=web{git_ref} @")),
            "{got:?}"
        );
        let text = String::from_utf8(plan.body).unwrap();
        assert!(text.contains("nodes {author{user{login}}  message"), "{text}");
    }
}

#[test]
fn files_are_those_of_their_branch_and_path() {
    check(
        &below("object(expression: \"dev:a/b.rs\") { ... on Blob { text } }"),
        &["get_file_contents owner=acme repo=web ref=dev path=a/b.rs @repository.object"],
    );
    assert_eq!(
        refused(&below("object(expression: \":x\") { id }")),
        QueryError::Argument("expression")
    );
}

#[test]
fn every_connection_is_a_part_of_its_own() {
    check(
        &below(
            "hasIssuesEnabled a: issues(states: OPEN) { nodes { title } }
             b: issues { edges { node { title comments { nodes { body } } } } } issue(number: 1) { id }",
        ),
        &[
            "list_issues owner=acme repo=web @repository.a*",
            "list_issues owner=acme repo=web @repository.b.edges.node.comments*",
            "list_issues owner=acme repo=web @repository.b*",
            "issue_read owner=acme repo=web issue_number=1 @repository.issue",
            "get_file_contents owner=acme repo=web @repository",
        ],
    );
}

#[test]
fn what_follows_a_nested_block_is_seen() {
    check(
        &below("owner { login } defaultBranchRef { name } issues { nodes { title } }"),
        &[
            "get_file_contents owner=acme repo=web @repository.defaultBranchRef",
            "list_issues owner=acme repo=web @repository.issues*",
            "get_file_contents owner=acme repo=web @repository",
        ],
    );
}

#[test]
fn fragments_and_aliases_are_followed() {
    check(
        "query { x: repository(owner: \"acme\", name: \"web\") { ...F } }
         fragment F on Repository { ... { ... on Repository { y: issues { ...G } } } }
         fragment G on IssueConnection { nodes { title } }",
        &["list_issues owner=acme repo=web @x.y*"],
    );
}

#[test]
fn the_operation_that_is_named_is_the_one_that_is_judged() {
    let text = r#"{"query":"query A { viewer { login } } mutation B { deleteIssue(input: {}) { clientMutationId } }","operationName":"NAME"}"#;
    let named = |name: &str| judge(text.replace("NAME", name).as_bytes());
    let Ok(Judgement::Guarded(a)) = named("A") else { panic!() };
    assert_eq!((a.is_write, lines(&a)), (false, vec!["get_me @viewer".to_owned()]));
    let Ok(Judgement::Guarded(b)) = named("B") else { panic!() };
    assert_eq!((b.is_write, lines(&b)), (true, vec!["delete_issue @deleteIssue".to_owned()]));
    assert_eq!(named("C"), Err(QueryError::Operation));
    assert_eq!(named(""), Err(QueryError::Operation));
}

#[test]
fn questions_about_the_schema_alone_are_open() {
    for query in [
        "{ __schema { types { name } } }",
        "{ __type(name: \"X\") { name } __typename }",
        "query I { ...F } fragment F on Query { __schema { queryType { name } } }",
        "{ rateLimit { remaining } }",
    ] {
        assert_eq!(judge(&body(query, "{}")), Ok(Judgement::Open), "{query}");
    }
}

#[test]
fn a_question_about_the_schema_excuses_no_other() {
    for schema in ["__type(name: \"X\") { name }", "__schema { types { name } }", "__typename"] {
        check(
            &format!(
                "{{ {schema} repository(owner: \"acme\", name: \"secret\") {{ description }} }}"
            ),
            &["get_file_contents owner=acme repo=secret @repository"],
        );
    }
}

#[test]
fn a_schema_word_in_a_string_or_comment_excuses_nothing() {
    check(
        "{ # __schema\n repository(owner: \"acme\", name: \"web\") { issues(labels: [\"__type(\"]) { nodes { id } } } }",
        &["list_issues owner=acme repo=web @repository.issues*"],
    );
}

#[test]
fn mutations_are_writes_whatever_they_contain() {
    check(
        "mutation { createIssue(input: {title: \"viewer {\"}) { issue { id url } } }",
        &["create_issue @createIssue"],
    );
    check(
        "mutation { a: addComment(input: {}) { commentEdge { node { url } } }
                    b: mergePullRequest(input: {}) { clientMutationId } }",
        &["add_issue_comment @a", "merge_pull_request @b"],
    );
    for query in [
        "mutation { inventSomething(input: {}) { viewer { login } } }",
        "mutation { viewer { login } }",
        "mutation { addStar(input: {}) { starrable { ... on Repository { issues { nodes { body } } } } } }",
        "mutation { createIssue(input: {}) { issue { body } } }",
        "mutation { ...F } fragment F on Mutation { createIssue(input: {}) { clientMutationId } }",
        "subscription { viewer { login } }",
    ] {
        refused(query);
    }
}

#[test]
fn mutations_with_other_names_and_other_audiences_are_what_guards_block() {
    check(
        "mutation { updateRepository(input: {}) { repository { id } } }",
        &["rename_repository @updateRepository"],
    );
    check(
        "mutation { transferIssue(input: {}) { issue { id } } }",
        &["transfer_issue @transferIssue"],
    );
}

#[test]
fn ways_out_of_an_object_are_refused() {
    for selection in [
        "owner { repositories { nodes { description } } }",
        "owner { ... on User { issues { nodes { body } } } }",
        "issues { nodes { repository { issues { nodes { body } } } } }",
        "issues { nodes { author { ... on User { pullRequests { nodes { body } } } } } }",
        "issues { nodes { timelineItems { nodes { ... on CrossReferencedEvent { source { ... on Issue { body } } } } } } }",
        "parent { object(expression: \"HEAD:x\") { ... on Blob { text } } }",
        "parent { description }",
        "forks { nodes { description } }",
        "pullRequests { nodes { headRepository { description } } }",
        "pullRequests { nodes { headRef { repository { description } } } }",
    ] {
        assert!(matches!(refused(&below(selection)), QueryError::Field(_)), "{selection}");
    }
    refused("{ enterprise(slug: \"x\") { name } }");
    refused("{ viewer { repositories { nodes { name } } } }");
    refused("{ resource(url: \"x\") { url } }");
}

#[test]
fn an_object_known_by_its_id_alone_says_where_it_is_from() {
    let query = "query($id: ID!) { node(id: $id) { ... on PullRequest { title comments { nodes { body } } } } }";
    let plan = plan_of(query, r#"{"id":"PR_1"}"#);
    assert_eq!(lines(&plan), ["search_issues @node.comments*", "search_issues @node"]);
    for bad in [
        "{ node(id: \"x\") { ... on Blob { text } } }",
        "{ node(id: \"x\") { ... on Repository { description } } }",
        "{ node(id: \"x\") { ...F } } fragment F on Gist { description }",
        "{ nodes(ids: [\"x\"]) { url } }",
    ] {
        refused(bad);
    }
}

#[test]
fn searches_find_what_can_be_judged() {
    check(
        "{ search(query: \"x is:public\", type: REPOSITORY) { repositoryCount nodes { ... on Repository { nameWithOwner } } } }",
        &["search_repositories query=x is:public @search"],
    );
    check(
        "{ search(query: \"repo:acme/web x\", type: DISCUSSION) { nodes { ... on Discussion { title } } } }",
        &["list_discussions owner=acme repo=web @search"],
    );
    for (query, kind) in [
        ("x", "REPOSITORY"),
        ("is:public OR is:private", "REPOSITORY"),
        ("x", "DISCUSSION"),
        ("x", "MARKETPLACE"),
    ] {
        let text = format!("{{ search(query: \"{query}\", type: {kind}) {{ nodes {{ id }} }} }}");
        assert!(matches!(refused(&text), QueryError::Argument(_)), "{text}");
    }
}

#[test]
fn no_field_stands_under_the_name_of_what_guards_look_at() {
    for selection in [
        "issues { nodes { author: editor { login } } }",
        "issues { nodes { authorAssociation: title } }",
        "issues { nodes { url: title } }",
        "issues { hidden: nodes { title } }",
        "issues { nodes: edges { node { title } } }",
        "issues { totalCount: nodes { title } }",
        "pullRequests { nodes { merged: isDraft } }",
        "content: description",
    ] {
        assert!(matches!(refused(&below(selection)), QueryError::Alias(_)), "{selection}");
    }
}

#[test]
fn names_that_are_no_names_are_refused() {
    for (owner, name) in [("acme", "web/../secret"), ("", "web"), ("acme", ".."), ("a b", "web")] {
        let text = format!("{{ repository(owner: \"{owner}\", name: \"{name}\") {{ id }} }}");
        assert!(matches!(refused(&text), QueryError::Argument(_)), "{text}");
    }
    refused("query($o: String) { repository(owner: $o, name: \"web\") { id } }");
    refused("{ repository(name: \"web\") { id } }");
    check(
        "query($o: String = \"acme\") { repository(owner: $o, name: \"\"\"web\"\"\") { id } }",
        &["get_file_contents owner=acme repo=web @repository"],
    );
}

#[test]
fn a_body_with_two_readings_is_none() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"query":7}"#,
        r#"[{"query":"{viewer{login}}"}]"#,
        r#"{"query":"{viewer{login}}","query":"{__typename}"}"#,
        r#"{"query":"{viewer{login}}","\u0071uery":"{__typename}"}"#,
        r#"{"query":"{viewer{login}}","operationName":1}"#,
        r#"{"query":"{viewer{login}}","variables":"{}"}"#,
        r#"{"query":"{viewer{login}}","variables":{"a":1,"a":2}}"#,
    ] {
        assert_eq!(judge(text.as_bytes()), Err(QueryError::Body), "{text}");
    }
    assert!(judge(br#"{"query":"{viewer{login}}","variables":null,"operationName":null}"#).is_ok());
}

#[test]
fn fragments_that_lead_to_themselves_or_multiply_are_refused() {
    assert_eq!(refused("{ ...F } fragment F on Query { ...F }"), QueryError::Fragment);
    assert_eq!(refused("{ ...F }"), QueryError::Fragment);
    let mut text = "{ ...f0 }".to_owned();
    for at in 0..30 {
        let next = at + 1;
        text += &format!(" fragment f{at} on Query {{ ...f{next} ...f{next} }}");
    }
    text += " fragment f30 on Query { __typename }";
    assert_eq!(refused(&text), QueryError::TooLarge);
    let mut long = "{ ...f0 }".to_owned();
    for at in 0..5000 {
        long += &format!(" fragment f{at} on Query {{ ...f{} }}", at + 1);
    }
    assert_eq!(refused(&(long + " fragment f5000 on Query { id }")), QueryError::TooLarge);
}

#[track_caller]
fn check_rewrite(text: &str, want: &str) {
    let Ok(Judgement::Guarded(plan)) = judge(text.as_bytes()) else { panic!("{text}") };
    assert_eq!(String::from_utf8(plan.body).unwrap(), want);
}

#[test]
fn what_guards_want_to_know_is_put_in_and_all_else_stays() {
    check_rewrite(
        r#"{ "operationName" : "Q","query":"query Q{repository(owner:\"a\",name:\"b\"){\n issues{nodes{title}}}}\u0020", "x":1.0 }"#,
        r#"{ "operationName" : "Q","query":"query Q{repository(owner:\"a\",name:\"b\"){\n issues{nodes{authorAssociation author{login} url title}}}}\u0020", "x":1.0 }"#,
    );
    // Escapes of all lengths stand before the place.
    check_rewrite(
        r##"{"query":"#\u00e9\u20ac\ud83d\ude00\ud83dé😀\\\n{repository(owner:\"a\",name:\"b\"){issue(number:1){url author{name login} title}}}"}"##,
        r##"{"query":"#\u00e9\u20ac\ud83d\ude00\ud83dé😀\\\n{repository(owner:\"a\",name:\"b\"){issue(number:1){authorAssociation url author{name login} title}}}"}"##,
    );
}

#[test]
fn what_is_there_already_is_not_put_in_again() {
    let text = r#"{"query":"{repository(owner:\"a\",name:\"b\"){pullRequests{nodes{url authorAssociation author{login}}}}}"}"#;
    check_rewrite(text, text);
    check_rewrite(
        &text.replace("author{login}", "author @skip(if:true){login}"),
        &text
            .replace("author{login}", "author @skip(if:true){login}")
            .replace("nodes{", "nodes{author{login} "),
    );
}

#[test]
fn queries_that_people_use_are_understood() {
    let list = "fragment issue on Issue { number title state updatedAt
          labels(first: 100) { nodes { id name description color } totalCount }
          author { login ... on User { id name } }
          comments(last: 1) { totalCount nodes { author { login } body reactionGroups { content users { totalCount } } } }
          projectItems(first: 100) { nodes { id project { id title } status: fieldValueByName(name: \"Status\") { ... on ProjectV2ItemFieldSingleSelectValue { optionId name } } } totalCount } }
        query IssueList($owner: String!, $name: String!, $n: Int) { repository(owner: $owner, name: $name) {
          hasIssuesEnabled issues(first: $n) { totalCount nodes { ...issue } pageInfo { hasNextPage endCursor } } } }";
    check(
        list,
        &[
            "list_issues owner=acme repo=web @repository.issues.nodes.comments*",
            "list_projects owner=acme repo=web @repository.issues.nodes.projectItems",
            "list_issues owner=acme repo=web @repository.issues*",
            "get_file_contents owner=acme repo=web @repository",
        ],
    );
    let view = "query($owner: String!, $name: String!, $n: Int!) { repository(owner: $owner, name: $name) {
          pullRequest(number: $n) { id url isCrossRepository headRepository { id name } headRepositoryOwner { id login ... on User { name } }
          autoMergeRequest { mergeMethod enabledBy { login } } mergeCommit { oid }
          reviews(first: 100) { nodes { author { login } state body commit { oid } } pageInfo { endCursor } totalCount }
          reviewRequests(first: 100) { nodes { requestedReviewer { __typename ... on User { login } ... on Team { organization { login } name slug } } } }
          statusCheckRollup: commits(last: 1) { nodes { commit { statusCheckRollup { contexts(first: 100) { nodes { __typename
            ... on StatusContext { context state } ... on CheckRun { name checkSuite { workflowRun { event workflow { name } } } } } pageInfo { endCursor } } } } } }
          closingIssuesReferences(first: 100) { nodes { id number url repository { id name owner { id login } } } } } } }";
    check(
        view,
        &[
            "list_issues owner=acme repo=web @repository.pullRequest.reviews*",
            "search_issues @repository.pullRequest.closingIssuesReferences*",
            "pull_request_read owner=acme repo=web pullNumber=7 method=get @repository.pullRequest",
        ],
    );
}

/// Selections of a small grammar, in and beside what is known.
fn selections() -> impl Strategy<Value = String> {
    let leaf =
        prop::sample::select(vec!["title", "id", "a: url", "__typename", "url @skip(if: true)"]);
    leaf.prop_map(str::to_owned).prop_recursive(5, 40, 4, |inner| {
        let names = prop::sample::select(vec![
            "issues",
            "nodes",
            "edges",
            "node",
            "comments",
            "author",
            "issue(number: 1)",
            "x: issues",
            "... on Issue",
            "...",
            "repository(owner: \"a\", name: \"b\")",
            "pullRequests",
            "history",
            "defaultBranchRef",
            "target",
            "search(query: \"\\u00e9\", type: ISSUE)",
        ]);
        (names, prop::collection::vec(inner, 1..4))
            .prop_map(|(name, inner)| format!("{name} {{{}}}", inner.join(" ")))
    })
}

proptest! {
    #[test]
    fn rewriting_adds_and_changes_nothing(inner in selections(), owner in "[a-z]{1,3}") {
        let query = format!("{{repository(owner: \"{owner}\", name: \"r\") {{{inner}}} }}");
        fuzz(query.as_bytes());
        fuzz(&body(&query, "{}"));
        fuzz(format!("{{{inner}}}").as_bytes());
    }

    #[test]
    fn nothing_panics(text in "[{}():$@!\\[\\]a-c\"\\\\.#\\n 0-9-]{0,60}") {
        fuzz(text.as_bytes());
        let _ = parser::parse(&text);
    }
}

#[test]
fn what_is_forwarded_is_json() {
    let plan = plan_of(&below("issues { nodes { title } }"), r#"{"owner":"acme","name":"web"}"#);
    let node = tree::parse(&plan.body, 8).unwrap();
    assert!(
        node.get("query")
            .unwrap()
            .as_str()
            .unwrap()
            .contains("nodes {authorAssociation author{login} url  title")
    );
}

#[test]
fn the_samples_of_the_fuzzer_pass() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/graphql");
    for entry in std::fs::read_dir(folder).unwrap() {
        fuzz(&std::fs::read(entry.unwrap().path()).unwrap());
    }
}
