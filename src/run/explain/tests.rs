// SPDX-License-Identifier: MIT
//! Explanations of calls under the configurations that people write.

use std::path::Path;

use super::*;
use crate::config::{Format, Sources};

const SERVERS: &str = r#"
    [gateway]
    agent_id = "key-of-agent"
    [servers.outputs]
    command = "outputs"
    tools = ["write_*"]
    [servers.time]
    command = "time"
"#;

const SINK: &str = "
    [servers.outputs.guard_policies.write-sink]
    accept = [\"private:acme\"]
    sink-visibility = \"private\"
";

fn loaded(text: &str) -> Result<(Snapshot, Modules), String> {
    let sources = Sources {
        name: "config.toml".to_owned(),
        format: Format::Toml,
        text: text.to_owned(),
        environment: [("PATH".to_owned(), "/usr/bin".to_owned())].into_iter().collect(),
        flags: Flags::default(),
        program: "/opt/penstock".to_owned(),
        instance: "test".to_owned(),
        fresh_key: "0".repeat(64),
        canonicalize: Box::new(|_| None),
        discovered: Box::new(|_| Ok(None)),
        workflow: None,
    };
    let mut loaded = config::load(&sources).map_err(|problems| problems.to_string())?;
    let mut modules = Modules::default();
    modules.read(&mut loaded)?;
    Ok((loaded.snapshot, modules))
}

#[track_caller]
fn explain(config: &str, call: &str) -> Explanation {
    let call = Call::parse(call.as_bytes()).unwrap();
    let (snapshot, modules) = loaded(&format!("{SERVERS}{config}")).unwrap();
    explained(&snapshot, &modules, call).unwrap()
}

#[track_caller]
fn check(explanation: &Explanation, decision: &str, lines: &[&str]) {
    let text = explanation.text();
    assert_eq!(explanation.verdict.as_str(), decision, "{text}");
    for line in lines {
        assert!(text.contains(line), "{line:?} is not in:\n{text}");
    }
}

const CARRIES: &str = r#""labels":{"secrecy":["private:acme"],"integrity":[]}"#;

#[test]
fn without_guards_nothing_is_looked_into() {
    let explanation = explain("", r#"{"server":"time","tool":"now"}"#);
    check(&explanation, "allow", &["now of server \"time\" with {}", "none: no call", "empty one"]);
}

#[test]
fn what_the_gateway_refuses_by_itself_is_no_denial_of_a_guard() {
    let explanation = explain("", r#"{"server":"outputs","tool":"read_all"}"#);
    check(&explanation, "deny", &["not by a guard", "read_all"]);
}

#[test]
fn a_sink_takes_what_it_accepts() {
    let call = format!(r#"{{"server":"outputs","tool":"write_x","result":{{}},{CARRIES}}}"#);
    let lines = [
        "(source: server)",
        "the built-in one for sinks",
        "agent-1: secrecy [private:acme], integrity []",
        "operation  write",
        "they fit",
    ];
    check(&explain(SINK, &call), "allow", &lines);
    let call = call.replace("private:acme", "private:zed");
    let explanation = explain(SINK, &call);
    check(&explanation, "deny", &["difc.write.secrecy: Agent carries private (zed)-scoped data"]);
    let denied = explanation.verdict.denied().unwrap();
    assert_eq!(&*denied.rule, "difc.write.secrecy");
    assert!(denied.allowed.contains("[private:zed]"), "{}", denied.allowed);
}

#[test]
fn a_server_beside_guarded_ones_takes_no_secrets() {
    let call = format!(r#"{{"server":"time","tool":"now","agent":"1",{CARRIES}}}"#);
    check(&explain(SINK, &call), "deny", &["nobody vouches for it", "difc.write.secrecy"]);
    let call = r#"{"server":"time","tool":"now","agent":"key-of-agent"}"#;
    check(&explain(SINK, call), "allow", &["noop resource"]);
}

#[test]
fn shadow_mode_says_what_it_would_deny() {
    let servers = SERVERS.replace("tools =", "guard_enforcement = \"shadow\"\ntools =");
    let call = format!(r#"{{"server":"outputs","tool":"write_x",{CARRIES}}}"#);
    let call = Call::parse(call.replace("private:acme", "private:zed").as_bytes()).unwrap();
    let (snapshot, modules) = loaded(&format!("{servers}{SINK}")).unwrap();
    let explanation = explained(&snapshot, &modules, call).unwrap();
    check(&explanation, "shadow", &["only written down", "else denied by difc.write.secrecy"]);
}

#[test]
fn a_call_for_nobody_or_from_nobody_is_an_error() {
    let (snapshot, modules) = loaded(SERVERS).unwrap();
    let error = |call: &str| explained(&snapshot, &modules, Call::parse(call.as_bytes()).unwrap());
    let no_server = error(r#"{"server":"tome","tool":"now"}"#).unwrap_err();
    assert_eq!(no_server, "there is no server \"tome\", only: outputs, time");
    for agent in ["2", "0", "agent-2", "key-of-nobody"] {
        let call = format!(r#"{{"server":"time","tool":"now","agent":"{agent}"}}"#);
        assert!(error(&call).unwrap_err().contains("none of the 1 keys"), "{agent}");
    }
    for agent in ["1", "agent-1", "key-of-agent", ""] {
        let call = format!(r#"{{"server":"time","tool":"now","agent":"{agent}"}}"#);
        assert!(error(&call).is_ok(), "{agent}");
    }
}

/// A guard that asks its backend and then says the same of everything.
const GUARD: &str = r#"(module
    (import "env" "call_backend"
        (func $ask (param i32 i32 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 400)
    (global $free (mut i32) (i32.const 65536))
    (func (export "alloc") (param $n i32) (result i32)
        (global.get $free)
        (global.set $free (i32.add (global.get $free) (local.get $n))))
    (func (export "dealloc") (param i32 i32))
    (data (i32.const 1024) "AGENT")
    (data (i32.const 2048) "RESOURCE")
    (data (i32.const 3072) "RESPONSE")
    (data (i32.const 4096) "search{}")
    (func (export "label_agent") (param i32 i32 i32 i32) (result i32)
        (memory.copy (local.get 2) (i32.const 1024) (i32.const N_AGENT))
        (i32.const N_AGENT))
    (func (export "label_resource") (param i32 i32 i32 i32) (result i32)
        (drop (call $ask (i32.const 4096) (i32.const 6) (i32.const 4102) (i32.const 2)
            (i32.const 8192) (i32.const 1024)))
        (memory.copy (local.get 2) (i32.const 2048) (i32.const N_RESOURCE))
        (i32.const N_RESOURCE))
    (func (export "label_response") (param i32 i32 i32 i32) (result i32)
        (memory.copy (local.get 2) (i32.const 3072) (i32.const N_RESPONSE))
        (i32.const N_RESPONSE)))"#;

const AGENT: &str =
    r#"{"agent":{"secrecy":[],"integrity":["approved:acme"]},"difc_mode":"filter"}"#;
const RESOURCE: &str = r#"{"resource":{"description":"issues of acme/web","secrecy":[],"integrity":[]},"operation":"read"}"#;
const RESPONSE: &str = r#"{"labeled_paths":[{"path":"/0","labels":{"description":"issue #1","secrecy":[],"integrity":["approved:acme"]}},{"path":"/1","labels":{"description":"issue #2","secrecy":[],"integrity":[]}}]}"#;

/// The guard as a file that goes when the test is over.
struct File(std::path::PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let mut wat = GUARD.to_owned();
        for (word, json) in [("AGENT", AGENT), ("RESOURCE", RESOURCE), ("RESPONSE", RESPONSE)] {
            wat = wat.replace(&format!("N_{word}"), &json.len().to_string());
            wat =
                wat.replace(&format!("\"{word}\""), &format!("\"{}\"", json.replace('"', "\\22")));
        }
        let name = format!("penstock-explain-{name}-{}.wasm", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, wat::parse_str(&wat).unwrap()).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn guarded(path: &Path) -> String {
    format!(
        "[guards.mine]\ntype = \"wasm\"\npath = \"{}\"\n\
         [servers.issues]\ncommand = \"issues\"\nguard = \"mine\"\n\
         [servers.issues.guard_policies.allow-only]\n\
         repos = [\"acme/*\"]\nmin-integrity = \"approved\"\n",
        path.display()
    )
}

const LIST: &str = r#"{"server":"issues","tool":"list_issues","arguments":{"repo":"web"},
    "result":{"content":[{"type":"text","text":"[{\"n\":1},{\"n\":2}]"}]},
    "backend":{"search":{"content":[]}}}"#;

#[test]
fn a_module_is_seen_at_work() {
    let file = File::new("list");
    let explanation = explain(&guarded(&file.0), LIST);
    let lines = [
        "the module \"mine\"",
        "guard asks  search with {}",
        "mode        filter",
        "agent-1: secrecy [], integrity [approved:acme]",
        "object      issues of acme/web: secrecy [], integrity []",
        "It only reads: the labels of the answer decide.",
        "2 items, of which 1 may be read",
        "not shown   issue #2: secrecy [], integrity []",
        "decision    allowed, without 1 of 2 items of the answer",
    ];
    check(&explanation, "filter", &lines);
    let json = String::from_utf8(explanation.json()).unwrap();
    assert!(json.starts_with(r#"{"decision":"filter","removed":1,"items":2,"steps":["#), "{json}");
}

#[test]
fn budgets_need_no_guards() {
    let budgets = "[budgets.tools.\"time.n*\"]\ncalls = 0\n";
    let explanation = explain(budgets, r#"{"server":"time","tool":"now"}"#);
    check(&explanation, "deny", &["budget.tool.calls", "tool call limit reached for \"now\""]);
    check(&explain(budgets, r#"{"server":"time","tool":"then"}"#), "allow", &["none: no call"]);
}

#[test]
fn a_budget_is_one_more_reason() {
    let file = File::new("budget");
    let budgets = format!("{}[budgets.run]\ncalls = 0\n", guarded(&file.0));
    let explanation = explain(&budgets, LIST);
    check(&explanation, "deny", &["budget.run.calls", "nothing more in this run"]);
}
