// SPDX-License-Identifier: MIT
//! The GraphQL interface behind a policy.

use std::slice::from_ref;

use super::{APPROVED, PUBLIC, World};

const UNKNOWN: &str =
    r#"{"data":null,"errors":[{"message":"access denied: unrecognized GraphQL operation"}]}"#;

fn node(number: u32, association: &str) -> String {
    format!(
        r#"{{"authorAssociation":"{association}","author":{{"login":"u{number}"}},"url":"https://github.com/acme/web/issues/{number}","number":{number}}}"#
    )
}

#[track_caller]
fn ask(world: &World, query: &str, want: &str) {
    let body = format!(r#"{{"query":"{}"}}"#, query.replace('"', "\\\""));
    let response = world.ask("POST", "/graphql", &body);
    assert_eq!(response.body, want, "{query}: {response:?}");
}

#[test]
fn every_connection_loses_what_may_not_be_seen() {
    let world = World::with(APPROVED);
    let answer = |issues: &[String], pulls: &[String]| {
        let list = |nodes: &[String]| {
            format!(r#"{{"totalCount":{},"nodes":[{}]}}"#, nodes.len(), nodes.join(","))
        };
        let (issues, pulls) = (list(issues), list(pulls));
        format!(r#"{{"data":{{"repository":{{"issues":{issues},"pullRequests":{pulls}}}}}}}"#)
    };
    let (ours, theirs) = (node(1, "OWNER"), node(2, "NONE"));
    let both = [ours.clone(), theirs];
    world.forge.answers("POST /graphql", &answer(&both, &both));
    let query = r#"{ repository(owner: "acme", name: "web") {
        issues(first: 9) { totalCount nodes { number } }
        pullRequests(first: 9) { totalCount nodes { number } } } }"#
        .replace('\n', " ");
    ask(&world, &query, &answer(from_ref(&ours), from_ref(&ours)));
    let asked = &world.forge.asked()[0];
    assert!(asked.body.contains("authorAssociation"), "{}", asked.body);
}

#[test]
fn a_question_for_the_schema_excuses_nothing() {
    let world = World::with(PUBLIC);
    let schema = r#"{"data":{"__schema":{"queryType":{"name":"Query"}}}}"#;
    world.forge.answers("POST /graphql", schema);
    ask(&world, "{ __schema { queryType { name } } }", schema);
    let answer = r#"{"data":{"__type":{"name":"X"},"repository":{"issue":{"number":1,"title":"plan","authorAssociation":"OWNER","author":{"login":"u"},"url":"u"}}}}"#;
    world.forge.answers("POST /graphql", answer);
    let query = r#"{ __type(name: "X") { name } repository(owner: "acme", name: "secret") { issue(number: 1) { title } } }"#;
    let body = format!(r#"{{"query":"{}"}}"#, query.replace('"', "\\\""));
    let response = world.ask("POST", "/graphql", &body);
    assert!(!response.body.contains("plan"), "{response:?}");
}

#[test]
fn how_many_there_are_is_part_of_what_is_private() {
    let world = World::with(PUBLIC);
    world.forge.answers("POST /graphql", r#"{"data":{"search":{"issueCount":7}}}"#);
    let query = r#"{ search(query: "repo:acme/secret plan", type: ISSUE) { issueCount } }"#;
    ask(&world, query, r#"{"data":{"search":null}}"#);
}

#[test]
fn changes_are_changes_whatever_they_contain() {
    let world = World::with(APPROVED);
    for query in [
        "mutation { inventSomething(input: {}) { viewer { login } } }",
        "mutation { viewer { login } }",
        "{ viewer {",
        "",
    ] {
        ask(&world, query, UNKNOWN);
    }
    let refused = "mutation { updateRepository(input: {}) { repository { id } } }";
    let body = format!(r#"{{"query":"{refused}"}}"#);
    let response = world.ask("POST", "/graphql", &body);
    assert_eq!(response.status, 403, "{response:?}");
    assert_eq!(world.forge.lines(), [""; 0]);
    world.check("GET", "/graphql?query={viewer{login}}", 403, UNKNOWN);
}
