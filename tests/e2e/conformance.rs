// SPDX-License-Identifier: MIT
//! The published conformance suite loses nothing on its way through the gateway.
//!
//! The suite is run against `tests/fixtures/conformance-server.mjs` three times: directly, through
//! the gateway with that server behind HTTP, and with it behind stdio.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::child::{Process, eventually, run};
use crate::gateway::Gateway;
use crate::http;
use crate::place::{Scratch, clients, free_port, node, package};

/// Checks that the suite itself calls optional: a server may answer with JSON instead of a stream,
/// and then they are not made. The gateway answers with JSON when the answer is one message.
const OPTIONAL: &[(&str, u32)] = &[("server-sse-multiple-streams", 1), ("server-sse-polling", 3)];

/// Prints the checks of a scenario that say something is wrong, and all others by their names.
const WHAT_FAILED: &str = r"
const { globSync, readFileSync } = require('fs');
for (const file of globSync(process.argv[1])) {
  for (const { id, status, errorMessage, details } of JSON.parse(readFileSync(file))) {
    const why = ['FAILURE', 'WARNING'].includes(status) ? [errorMessage, JSON.stringify(details)] : [];
    console.log('   ', status, id, ...why);
  }
}";

/// Passed and failed checks of each scenario.
pub type Verdicts = BTreeMap<String, (u32, u32)>;

fn suite(url: &str, out: &str) -> Verdicts {
    let mut command = Command::new(node());
    command.arg(package("conformance")).args(["server", "--suite", "all", "--url", url, "-o", out]);
    let output = command.output().unwrap();
    let verdicts = verdicts(&String::from_utf8_lossy(&output.stdout));
    assert!(verdicts.len() >= 30, "the suite made only {} scenarios", verdicts.len());
    verdicts
}

/// What the summary says that the suite prints at its end.
#[track_caller]
pub fn verdicts(text: &str) -> Verdicts {
    let (_, summary) = text.split_once("=== SUMMARY ===").unwrap_or_else(|| panic!("{text}"));
    let mut verdicts = Verdicts::new();
    // For example: `✓ tools-list: 1 passed, 0 failed`.
    for line in summary.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if let [_, name, passed, "passed,", failed, "failed"] = words[..] {
            let name = name.trim_end_matches(':').to_owned();
            verdicts.insert(name, (passed.parse().unwrap(), failed.parse().unwrap()));
        }
    }
    verdicts
}

/// Panics with the checks of every scenario that does worse through the gateway.
#[track_caller]
pub fn check(direct: &Verdicts, through: &Verdicts, out: &str) {
    let mut lost = Vec::new();
    for (name, (passed, failed)) in direct {
        let optional = OPTIONAL.iter().find(|(key, _)| key == name).map_or(0, |(_, n)| *n);
        let (passed_now, failed_now) = through.get(name).copied().unwrap_or((0, 1));
        if passed_now + optional < *passed || failed_now > *failed {
            let checks = format!("{out}/*-{name}-2*/checks.json");
            let checks = run(Command::new(node()).args(["-e", WHAT_FAILED, &checks]));
            lost.push(format!(
                "{name}: directly {passed} passed and {failed} failed, through the gateway \
                 {passed_now} and {failed_now}\n{checks}"
            ));
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

/// A fixture over HTTP, on a port of its own.
pub fn fixture(scratch: &Scratch, file: &str, mode: &str) -> (Process, String) {
    let port = free_port();
    let (out, err) = (scratch.file("server"), scratch.file("server.log"));
    let mut command = Command::new(node());
    command.arg(clients().join(file)).args([&port.to_string(), mode]);
    let process = Process::start(&mut command, Path::new(&out), Path::new(&err));
    let addr = format!("127.0.0.1:{port}");
    eventually("the fixture listens", Duration::from_secs(20), || http::get(&addr, "/mcp").ok());
    (process, format!("http://{addr}/mcp"))
}

// Checklist 49, 133.
#[test]
#[ignore = "needs node; scripts/test.sh runs it"]
fn nothing_is_lost_in_front_of_an_http_server() {
    let scratch = Scratch::new("conformance-http");
    let (_server, url) = fixture(&scratch, "conformance-server.mjs", "");
    let direct = suite(&url, &scratch.file("direct"));
    let config = format!("[servers.it]\ntype = \"http\"\nurl = {url:?}\n");
    let gateway = Gateway::toml("conformance-http-gateway", &config);
    let through = suite(&gateway.url("it"), &scratch.file("through"));
    check(&direct, &through, &scratch.file("through"));
}

// Checklist 49, 133.
#[test]
#[ignore = "needs node; scripts/test.sh runs it"]
fn nothing_is_lost_in_front_of_a_stdio_server() {
    let scratch = Scratch::new("conformance-stdio");
    let (_server, url) = fixture(&scratch, "conformance-server.mjs", "");
    let direct = suite(&url, &scratch.file("direct"));
    let config = format!(
        "[servers.it]\ncommand = {:?}\nargs = [{:?}]\n",
        node(),
        clients().join("conformance-server.mjs")
    );
    let gateway = Gateway::toml("conformance-stdio-gateway", &config);
    let through = suite(&gateway.url("it"), &scratch.file("through"));
    check(&direct, &through, &scratch.file("through"));
}
