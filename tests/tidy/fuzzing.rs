// SPDX-License-Identifier: MIT
//! Every grammar and every machine is fuzzed, and every sample is used.

use crate::report::Report;
use crate::source::{files_in, read, root, sources_in};

/// Files in `wire` and `link` without a fuzz body of their own, and who exercises them.
const FUZZED_ELSEWHERE: &[(&str, &str)] = &[
    ("src/wire/bom.rs", "sse, and http_client for JSON bodies"),
    ("src/wire/json_ends.rs", "http_client: bodies of newline-separated JSON"),
    ("src/wire/json/flow/nest.rs", "json_flow: it is a part of that reader"),
    ("src/wire/json/flow/number.rs", "json_flow: it is a part of that reader"),
    ("src/wire/json/flow/utf8.rs", "json_flow: it is a part of that reader"),
    ("src/wire/json/text.rs", "json_scan: strings, and config_json"),
    ("src/wire/json/tree.rs", "json_scan: the tree and the scanner are held against each other"),
    ("src/wire/json/write.rs", "calculator: what is written is read back"),
    ("src/wire/jsonrpc/names.rs", "jsonrpc: it is the table of that body"),
    ("src/wire/jsonrpc/twin.rs", "jsonrpc: it is the other half of that body"),
    ("src/wire/http1/encode.rs", "http_server: the answers are compared"),
    ("src/wire/http1/fields.rs", "http1_head and http_server"),
    ("src/wire/http1/response.rs", "http_client"),
    ("src/wire/http1/target.rs", "http1_head"),
    ("src/wire/json/fold.rs", "json_repeated"),
    ("src/wire/sse/decode.rs", "sse"),
    ("src/wire/websocket.rs", "websocket: its body stands beside the plain reading"),
];

/// Targets with a body of their own, and why.
const OWN_BODIES: &[(&str, &str)] =
    &[("json_agrees", "compares with simd-json, which the library does not know")];

/// Bodies that take more than bytes, and who calls them.
const CALLED_BY_OTHERS: &[(&str, &str)] = &[("src/config/mod.rs", "config_json and config_toml")];

#[test]
fn every_grammar_and_every_machine_has_a_fuzz_body() {
    let mut report = Report::default();
    for source in sources_in(&["src/wire", "src/link"]) {
        let (path, is_cover) = (&source.path, source.path.ends_with("/mod.rs"));
        let machine = machine_of(path);
        let is_child = machine.is_some_and(|machine| *path != machine);
        let has_body = source.shipped().any(|(_, line)| line.code.contains("pub fn fuzz("));
        let is_known = FUZZED_ELSEWHERE.iter().any(|(known, _)| known == path);
        let is_test = source.lines.first().is_some_and(|line| line.is_test);
        if has_body && is_known {
            report.add(path, 1, "has a fuzz body and needs no exception");
        }
        if !(has_body || is_known || is_cover || is_child || is_test) {
            report.add(path, 1, "has no `pub fn fuzz(`, and is not in FUZZED_ELSEWHERE");
        }
    }
    report.finish();
}

/// The file or folder that is the whole of a link's machine.
fn machine_of(path: &str) -> Option<String> {
    let name = path.strip_prefix("src/link/")?.split(['/', '.']).next()?;
    Some(format!("src/link/{name}.rs"))
}

#[test]
fn every_fuzz_body_has_a_target_and_every_target_a_body() {
    let targets: Vec<(String, String)> = files_in(&["fuzz/fuzz_targets"], &["rs"])
        .iter()
        .map(|path| (path.clone(), read(path)))
        .collect();
    let manifest = read("fuzz/Cargo.toml");
    let mut report = Report::default();
    for source in sources_in(&["src"]) {
        let body = source.shipped().find(|(_, line)| line.code.starts_with("pub fn fuzz("));
        let Some((number, _)) = body else { continue };
        let calls = calls_of(&source.path);
        let is_called =
            targets.iter().any(|(_, text)| calls.iter().any(|call| text.contains(call.as_str())));
        if !is_called && !CALLED_BY_OTHERS.iter().any(|(path, _)| *path == source.path) {
            report.add(&source.path, number, format!("no target calls `{}`", calls[0]));
        }
    }
    for (path, text) in &targets {
        let name = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        let has_own = OWN_BODIES.iter().any(|(own, _)| *own == name);
        if !text.contains("::fuzz(") && !has_own {
            report.add(path, 1, "calls no fuzz body");
        }
        if !manifest.contains(&format!("\nname = \"{name}\"\n")) {
            report.add("fuzz/Cargo.toml", 1, format!("has no target `{name}`"));
        }
        let lines = text.lines().count();
        if lines > 14 && !has_own {
            report.add(path, 1, format!("{lines} lines: the body belongs beside its code"));
        }
    }
    report.finish();
}

/// The ways to call the fuzz body in a file: by its own path, or as its parent offers it.
fn calls_of(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let module = path.replace('/', "::");
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    vec![format!("penstock::{module}::fuzz("), format!("penstock::{parent}::fuzz(")]
}

#[test]
fn every_folder_of_samples_is_used() {
    let texts: Vec<String> =
        files_in(&["tests", "src", "benches"], &["rs"]).iter().map(|path| read(path)).collect();
    let mut report = Report::default();
    for entry in std::fs::read_dir(root().join("tests/data")).expect("there are samples") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let ways = [format!("data/{name}"), format!("\"{name}\"")];
        if !texts.iter().any(|text| ways.iter().any(|way| text.contains(way.as_str()))) {
            report.add(&format!("tests/data/{name}"), 1, "no test names this folder");
        }
    }
    report.finish();
}

#[test]
fn a_fuzz_body_is_called_by_its_path() {
    assert_eq!(calls_of("src/wire/sse.rs")[0], "penstock::wire::sse::fuzz(");
    assert_eq!(calls_of("src/link/http_server/fuzz.rs")[1], "penstock::link::http_server::fuzz(");
    assert_eq!(calls_of("src/observe/redact/mod.rs")[0], "penstock::observe::redact::fuzz(");
    assert_eq!(machine_of("src/link/tls.rs").as_deref(), Some("src/link/tls.rs"));
}
