// SPDX-License-Identifier: MIT
//! Real servers of the handshake era, used by a client of the modern era through the gateway.
//!
//! The same calls are made directly in the handshake era, and what both eras have in common of the
//! results is compared (`tests/clients/steps.mjs`, `tests/clients/compare.mjs`).

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::child::Process;
use crate::clients::{Server, everything_over_http, prepare};
use crate::gateway::Gateway;
use crate::place::{Scratch, clients, node};

/// A scenario may take so long.
const RUN_S: u64 = 120;

#[track_caller]
fn steps(scenario: &str, mode: &str, dir: &Path, out: &str, way: &str) {
    let job = format!(
        "{{\"scenario\":{scenario:?},\"mode\":{mode:?},\"dir\":{dir:?},\"out\":{out:?},{way}}}"
    );
    let log = format!("{out}.log");
    let mut command = Command::new(node());
    command.arg(clients().join("steps.mjs")).arg(job);
    let mut process = Process::start(&mut command, Path::new(&log), Path::new(&format!("{log}2")));
    let status = process.wait(Duration::from_secs(RUN_S));
    let log = fs::read_to_string(format!("{log}2")).unwrap();
    assert!(status.success(), "{scenario}, {mode}: {status}\n{log}");
}

#[track_caller]
fn check(scenario: &str) {
    let scratch = Scratch::new(&format!("eras-{scenario}"));
    let dirs = ["a", "b"].map(|name| scratch.path().join(name));
    for dir in &dirs {
        fs::create_dir_all(dir).unwrap();
        prepare(scenario, dir);
    }
    let server = Server::new(scenario, &dirs[0]);
    let way = format!("\"stdio\":{}", server.json());
    steps(scenario, "legacy", &dirs[0], &scratch.file("direct"), &way);

    let server = Server::new(scenario, &dirs[1]);
    let gateway = Gateway::toml(&format!("eras-{scenario}-gateway"), &server.toml());
    let way = format!("\"http\":{{\"url\":{:?}}}", gateway.url("it"));
    steps(scenario, "modern", &dirs[1], &scratch.file("gateway"), &way);

    compare(&scratch, [&dirs[0], &dirs[1]]);
}

/// The same with server-everything over HTTP.
#[track_caller]
fn check_http(scenario: &str) {
    let scratch = Scratch::new(&format!("eras-{scenario}-http"));
    let (_server, url) = everything_over_http(&scratch);
    let dir = scratch.path().join("dir");
    fs::create_dir_all(&dir).unwrap();
    let way = format!("\"http\":{{\"url\":{url:?}}}");
    steps(scenario, "legacy", &dir, &scratch.file("direct"), &way);

    let config = format!("[servers.it]\ntype = \"http\"\nurl = {url:?}\n");
    let gateway = Gateway::toml(&format!("eras-{scenario}-http-gateway"), &config);
    let way = format!("\"http\":{{\"url\":{:?}}}", gateway.url("it"));
    steps(scenario, "modern", &dir, &scratch.file("gateway"), &way);
    compare(&scratch, [&dir, &dir]);
}

#[track_caller]
fn compare(scratch: &Scratch, dirs: [&Path; 2]) {
    let [first, second] = dirs;
    let options =
        format!("{{\"masks\":{{{first:?}:\"<dir>\",{second:?}:\"<dir>\"}},\"unordered\":true}}");
    let output = Command::new(node())
        .arg(clients().join("compare.mjs"))
        .args([scratch.file("direct"), scratch.file("gateway"), options])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "the eras see different results:\n{text}");
}

// Checklist 91.
#[test]
#[ignore = "needs node; scripts/test.sh runs it"]
fn everything_for_a_modern_client() {
    check("everything");
}

// Checklist 60.
#[test]
#[ignore = "needs node; scripts/test.sh runs it"]
fn eight_modern_clients_at_once() {
    check("crowd");
}

// Checklist 91.
#[test]
#[ignore = "needs node; scripts/test.sh runs it"]
fn everything_over_http_for_a_modern_client() {
    check_http("everything");
}

// Checklist 60.
#[test]
#[ignore = "needs node; scripts/test.sh runs it"]
fn eight_modern_clients_at_once_over_http() {
    check_http("crowd");
}

// Checklist 115.
#[test]
#[ignore = "needs node; scripts/test.sh runs it"]
fn filesystem_for_a_modern_client() {
    check("filesystem");
}

// Checklist 115.
#[test]
#[ignore = "needs node; scripts/test.sh runs it"]
fn memory_for_a_modern_client() {
    check("memory");
}

// Checklist 115.
#[test]
#[ignore = "needs node; scripts/test.sh runs it"]
fn sequential_thinking_for_a_modern_client() {
    check("sequential-thinking");
}

// Checklist 115.
#[test]
#[ignore = "needs node and python; scripts/test.sh runs it"]
fn fetch_for_a_modern_client() {
    check("fetch");
}

// Checklist 115.
#[test]
#[ignore = "needs node and python; scripts/test.sh runs it"]
fn time_for_a_modern_client() {
    check("time");
}

// Checklist 115.
#[test]
#[ignore = "needs node and python; scripts/test.sh runs it"]
fn git_for_a_modern_client() {
    check("git");
}
