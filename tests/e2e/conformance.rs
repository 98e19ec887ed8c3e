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
/// and then they are not made.
const OPTIONAL: &[(&str, u32)] = &[("server-sse-multiple-streams", 1)];

/// Passed and failed checks of each scenario.
type Verdicts = BTreeMap<String, (u32, u32)>;

fn suite(url: &str, out: &str) -> Verdicts {
    let mut command = Command::new(node());
    command.arg(package("conformance")).args(["server", "--suite", "all", "--url", url, "-o", out]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
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
    assert!(verdicts.len() >= 30, "the suite made only {} scenarios: {text}", verdicts.len());
    verdicts
}

#[track_caller]
fn check(direct: &Verdicts, through: &Verdicts, out: &str) {
    let mut lost = Vec::new();
    for (name, (passed, failed)) in direct {
        let optional = OPTIONAL.iter().find(|(key, _)| key == name).map_or(0, |(_, n)| *n);
        let (passed_now, failed_now) = through.get(name).copied().unwrap_or((0, 1));
        if passed_now + optional < *passed || failed_now > *failed {
            let checks = format!("cat {out}/*{name}*/checks.json");
            let checks = run(Command::new("sh").args(["-c", &checks]));
            lost.push(format!(
                "{name}: directly {passed} passed and {failed} failed, through the gateway \
                 {passed_now} and {failed_now}\n{checks}"
            ));
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

/// The fixture over HTTP, on a port of its own.
fn fixture(scratch: &Scratch) -> (Process, String) {
    let port = free_port();
    let (out, err) = (scratch.file("server"), scratch.file("server.log"));
    let mut command = Command::new(node());
    command.arg(clients().join("conformance-server.mjs")).arg(port.to_string());
    let process = Process::start(&mut command, Path::new(&out), Path::new(&err));
    let addr = format!("127.0.0.1:{port}");
    eventually("the fixture listens", Duration::from_secs(20), || http::get(&addr, "/mcp").ok());
    (process, format!("http://{addr}/mcp"))
}

#[test]
#[ignore = "needs node; scripts/test.sh runs it"]
fn nothing_is_lost_in_front_of_an_http_server() {
    let scratch = Scratch::new("conformance-http");
    let (_server, url) = fixture(&scratch);
    let direct = suite(&url, &scratch.file("direct"));
    let config = format!("[servers.it]\ntype = \"http\"\nurl = {url:?}\n");
    let gateway = Gateway::toml("conformance-http-gateway", &config);
    let through = suite(&gateway.url("it"), &scratch.file("through"));
    check(&direct, &through, &scratch.file("through"));
}

#[test]
#[ignore = "needs node; scripts/test.sh runs it"]
fn nothing_is_lost_in_front_of_a_stdio_server() {
    let scratch = Scratch::new("conformance-stdio");
    let (_server, url) = fixture(&scratch);
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
