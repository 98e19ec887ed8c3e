// SPDX-License-Identifier: MIT
//! Budgets: whose they are, and how much they are.

use std::time::Duration;

use penstock::policy::auth::Principal;
use penstock::policy::guard::budget::{Budget, FlowBudget, Limits, ToolBudget};

use super::*;

const SERVERS: &str = "[servers.a]\ncommand = \"x\"\n[servers.\"a.b\"]\ncommand = \"x\"\n\
                       [clients.ci]\nagent_id = \"key-of-ci\"\n";

fn budgets(text: &str) -> Limits {
    (*toml(&format!("gateway.agent_id = \"first-key\"\n{SERVERS}{text}"), &[]).snapshot.budgets)
        .clone()
}

#[track_caller]
fn check_bad(text: &str, wanted: &[&str]) {
    check_refused(Format::Toml, &format!("{SERVERS}{text}"), wanted);
}

const fn calls(n: u64) -> Budget {
    Budget { calls: Some(n), bytes: None, time: None, concurrent: None }
}

#[test]
fn without_budgets_nothing_is_bounded() {
    assert!(budgets("").is_empty());
    assert!(budgets("[budgets.run]\n[budgets.flow]\n").is_empty());
}

#[test]
fn every_scope_has_a_table() {
    let limits = budgets(
        "[budgets.run]\ncalls = 100\nbytes = \"10MB\"\ntime = \"1h\"\nconcurrent = 8\n\
         [budgets.servers.\"a.b\"]\nbytes = 2048\n\
         [budgets.tools.\"a.b.get_*\"]\ncalls = 1\n\
         [budgets.tools.\"*.delete_*\"]\ncalls = 0\n\
         [budgets.flow]\nafter_private = { calls = 1, bytes = \"2KiB\" }\n",
    );
    let run = Budget {
        calls: Some(100),
        bytes: Some(10_000_000),
        time: Some(Duration::from_secs(3600)),
        concurrent: Some(8),
    };
    assert_eq!(limits.run, run);
    let bytes = Budget { bytes: Some(2048), ..Budget::default() };
    assert_eq!(limits.servers, [("a.b".into(), bytes)]);
    let row = |server: Option<&str>, pattern: &str, n| ToolBudget {
        server: server.map(Into::into),
        pattern: pattern.into(),
        budget: calls(n),
    };
    assert_eq!(limits.tools, [row(Some("a.b"), "get_*", 1), row(None, "delete_*", 0)]);
    assert_eq!(limits.flow, FlowBudget { calls: Some(1), bytes: Some(2048) });
}

#[test]
fn an_agent_is_named_by_its_client_its_place_or_its_key() {
    for (name, who) in
        [("ci", 1), ("2", 1), ("agent-2", 1), ("key-of-ci", 1), ("1", 0), ("first-key", 0)]
    {
        let limits = budgets(&format!("[budgets.agents.{name}]\ncalls = 3\n"));
        assert_eq!(limits.agents, [(Principal(who), calls(3))], "{name}");
    }
    let limits = budgets("[budgets.agents.\"*\"]\ncalls = 3\n");
    assert_eq!((limits.agents.len(), limits.each_agent), (0, calls(3)));
}

#[test]
fn json_knows_budgets_too() {
    let text = r#"{"mcpServers":{"s":{"container":"img"}},
        "gateway":{"port":8080,"domain":"localhost","agentId":"key-of-agent"},
        "budgets":{"run":{"calls":5,"time":"90s"},"flow":{"afterPrivate":{"calls":0}}}}"#;
    let limits = &json(text, &[]).snapshot.budgets;
    assert_eq!(limits.run, Budget { time: Some(Duration::from_secs(90)), ..calls(5) });
    assert_eq!(limits.flow, FlowBudget { calls: Some(0), bytes: None });
}

#[test]
fn a_budget_of_nobody_or_nothing_is_refused() {
    check_bad("[budgets.servers.c]\ncalls = 1", &["budgets.servers.c", "the name of no server"]);
    check_bad("[budgets.tools.x]\ncalls = 1", &["budgets.tools.x", "\"server.tool\""]);
    check_bad("[budgets.agents.ci]\ncalls = 1\n[budgets.agents.1]\n", &["has two budgets"]);
    check_bad("[budgets.run]\ncals = 1", &["did you mean 'calls'?"]);
    check_bad("[budgets]\nrun = 7", &["budgets.run", "expected object, got integer"]);
    check_bad("[budgets.servers]\na = 7", &["budgets.servers.a", "expected object"]);
    check_bad("[budgets.run]\ncalls = -1", &["calls must be at least 0, got -1"]);
    check_bad("[budgets.run]\nbytes = \"10 M\"", &["bytes '10 M' is not a number of bytes"]);
    check_bad("[budgets.run]\nbytes = -1", &["bytes '-1' is not a number of bytes", "\"10MB\""]);
    check_bad("[budgets.run]\nbytes = []", &["expected integer or string, got array"]);
    check_bad("[budgets.run]\ntime = \"0s\"", &["time '0s' is not a duration above zero"]);
    check_bad("[budgets.run]\nconcurrent = 0", &["concurrent must be a positive integer"]);
    check_bad("[budgets.flow.after_private]\ntime = \"1s\"", &["Unknown configuration key"]);
}

#[test]
fn a_key_in_the_place_of_a_name_is_not_shown() {
    let text = format!("{SERVERS}[budgets.agents.my-own-kay]\ncalls = 1\n");
    let shown = refused(Format::Toml, &text).to_string();
    assert!(shown.contains("the name, the place or the key of no client"), "{shown}");
    assert!(!shown.contains("my-own-kay"), "{shown}");
    let text = format!("{SERVERS}[budgets.agents.key-of-ci]\ncals = 1\n");
    let shown = refused(Format::Toml, &text).to_string();
    assert!(shown.contains("budgets.agents.1.cals"), "{shown}");
    assert!(!shown.contains("key-of-ci"), "{shown}");
}
