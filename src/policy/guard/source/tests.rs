// SPDX-License-Identifier: MIT
//! Which policy counts where.

use super::super::rule::{Level, Repos};
use super::*;
use crate::wire::json::tree;

type Said = &'static [(&'static str, &'static str)];

fn of(said: Said) -> impl Fn(&str) -> Option<&'static str> {
    move |name| said.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn global_of(flags: Said, variables: Said) -> Result<Option<Given>, String> {
    global(&of(flags), &of(variables))
}

#[track_caller]
fn check_global(flags: Said, variables: Said, want: Option<(Source, &str)>) {
    let given = global_of(flags, variables).unwrap();
    let got = given.map(|given| (given.source, String::from_utf8(given.policy.to_json()).unwrap()));
    assert_eq!(got, want.map(|(source, text)| (source, text.to_owned())));
}

fn sink() -> Policy {
    Policy::parse(br#"{"write-sink":{"accept":["*"]}}"#).unwrap()
}

fn all() -> Policy {
    Policy::AllowOnly(AllowOnly::new(Repos::All, Level::None))
}

fn server(text: &str) -> Result<Option<Policy>, String> {
    of_server(&tree::parse(text.as_bytes(), 16).unwrap(), "github")
}

const PUBLIC: &str = r#"{"allow-only":{"repos":"public","min-integrity":"none"}}"#;
const SINK: &str = r#"{"write-sink":{"accept":["*"]}}"#;

#[test]
fn a_flag_wins_over_variables_and_they_are_its_defaults() {
    check_global(&[], &[], None);
    check_global(&[("guard-policy-json", PUBLIC)], &[], Some((Source::Cli, PUBLIC)));
    check_global(&[], &[("MCP_GATEWAY_GUARD_POLICY_JSON", SINK)], Some((Source::Env, SINK)));
    check_global(
        &[("allowonly-scope-public", "true")],
        &[("MCP_GATEWAY_ALLOWONLY_MIN_INTEGRITY", "none")],
        Some((Source::Cli, PUBLIC)),
    );
    check_global(
        &[],
        &[
            ("MCP_GATEWAY_GUARD_POLICY_JSON", " "),
            ("MCP_GATEWAY_ALLOWONLY_SCOPE_PUBLIC", "Yes"),
            ("MCP_GATEWAY_ALLOWONLY_MIN_INTEGRITY", "None"),
        ],
        Some((Source::Env, PUBLIC)),
    );
    check_global(&[], &[("MCP_GATEWAY_ALLOWONLY_SCOPE_OWNER", "")], None);
}

#[test]
fn a_policy_for_all_that_is_none_stops_the_start() {
    assert_eq!(
        global_of(&[("allowonly-scope-repo", "r")], &[]).unwrap_err(),
        "invalid guard policy configuration: allow-only scope repo requires allow-only scope owner"
    );
    assert_eq!(
        global_of(&[], &[("MCP_GATEWAY_GUARD_POLICY_JSON", "{}")]).unwrap_err(),
        "invalid guard policy configuration: invalid guard policy JSON: policy must include \
         allow-only or write-sink"
    );
}

#[test]
fn a_server_says_its_policy_in_one_of_four_forms() {
    let flat = r#"{"repos":"public","integrity":"none"}"#;
    for text in [
        PUBLIC.to_owned(),
        flat.to_owned(),
        format!(r#"{{"github":{PUBLIC},"other":{{}}}}"#),
        format!(r#"{{"github":{flat},"other":7}}"#),
        format!(r#"{{"anything":{PUBLIC}}}"#),
        format!(r#"{{"anything":{flat}}}"#),
    ] {
        let policy = server(&text).unwrap().unwrap();
        assert_eq!(String::from_utf8(policy.to_json()).unwrap(), PUBLIC, "{text}");
    }
    for text in ["{}", r#"{"a":{},"b":{}}"#, r#"{"a":7}"#, r#"{"a":{"b":{}}}"#] {
        assert_eq!(server(text), Ok(None), "{text}");
    }
}

#[test]
fn what_is_wrong_with_a_policy_of_a_server_is_said() {
    for (text, want) in [
        (
            r#"{"repos":"all"}"#,
            "invalid server guard policy: repos specified without min-integrity",
        ),
        (r#"{"github":7}"#, "invalid guard policy for server 'github': expected object"),
        (
            r#"{"allow-only":{"repos":"some","min-integrity":"none"}}"#,
            "invalid server guard policy: allow-only.repos string must be 'all' or 'public'",
        ),
        (
            r#"{"repos":"all","min-integrity":"none","x":1}"#,
            "invalid server guard policy: invalid guard policy JSON: allow-only contains \
             unsupported field \"x\"",
        ),
    ] {
        assert_eq!(server(text).unwrap_err(), want, "{text}");
    }
}

fn source(
    global: Option<&Given>,
    server: Option<Policy>,
    named: Option<&Policy>,
    compat: bool,
) -> Option<Source> {
    resolve(global, server, named, compat).map(|given| given.source)
}

#[test]
fn the_policy_for_all_counts_first_and_takes_no_sinks_policy_away() {
    let given = Given { policy: all(), source: Source::Cli };
    let (all, sink) = (all(), sink());
    assert_eq!(source(None, None, None, false), None);
    assert_eq!(source(None, None, Some(&all), false), Some(Source::Config));
    assert_eq!(source(None, Some(all.clone()), Some(&sink), false), Some(Source::Server));
    assert_eq!(source(Some(&given), Some(all), None, false), Some(Source::Cli));
    assert_eq!(source(Some(&given), Some(sink.clone()), None, false), Some(Source::Server));
    assert_eq!(source(Some(&given), None, Some(&sink), false), Some(Source::Config));
    assert_eq!(source(Some(&given), Some(sink), None, true), Some(Source::Cli));
    assert!(Source::Env.is_global() && Source::Env.as_str() == "env");
}

#[test]
fn variables_lengthen_lists_and_name_nobody_twice() {
    let mut rule = AllowOnly::new(Repos::All, Level::None);
    rule.blocked_users = vec!["Mona".into()];
    unite(
        &mut rule,
        &of(&[
            ("GH_AW_GITHUB_BLOCKED_USERS", "mona, eve\n bob"),
            ("GH_AW_GITHUB_TRUSTED_USERS", "t"),
            ("GH_AW_GITHUB_APPROVAL_LABELS", " ,"),
            ("GH_AW_GITHUB_REFUSAL_LABELS", "bad, worse"),
        ]),
    );
    assert_eq!(rule.blocked_users, ["Mona".into(), "eve".into(), "bob".into()]);
    assert_eq!(rule.trusted_users, ["t".into()]);
    assert!(rule.approval_labels.is_empty());
    assert_eq!(rule.refusal_labels, ["bad".into(), "worse".into()]);
}
