// SPDX-License-Identifier: MIT
//! Texts: no place of one machine, nothing postponed, links that lead somewhere, and dependencies
//! that bring only what is asked for.

use std::path::Path;

use crate::report::Report;
use crate::source::{files_in, read, root};

/// What only exists on somebody's machine: where this repository lies, and somebody's home.
const MACHINE_PATHS: &[&str] = &[env!("CARGO_MANIFEST_DIR"), "/root/"];

/// Files that may name such places, and why.
const MAY_NAME_PATHS: &[(&str, &str)] = &[("tests/tidy/texts.rs", "the rule itself")];

const ENDINGS: &[&str] =
    &["rs", "md", "toml", "sh", "yml", "yaml", "json", "py", "js", "mjs", "ts", "txt", "cfg"];

/// Folders with texts of ours; files beside them are named one by one.
const FOLDERS: &[&str] =
    &["src", "tests", "benches", "fuzz", "docs", "scripts", "examples", "guards"];

/// Dependencies with their default features, and why.
const WITH_DEFAULTS: &[(&str, &str)] = &[
    ("getrandom", "has no default features"),
    ("gungraun", "its macros are there with its defaults only"),
    ("httparse", "its default finds out at run time what the processor can"),
    ("lexopt", "has no features"),
    ("libc", "its default is what std links anyway"),
    ("memchr", "its default finds out at run time what the processor can"),
    ("rustls-pki-types", "its default is what rustls wants of it"),
    ("webpki-roots", "has no default features"),
    ("penstock", "ourselves"),
];

#[test]
fn no_text_names_a_place_of_one_machine() {
    let mut report = Report::default();
    for path in texts() {
        if !MAY_NAME_PATHS.iter().any(|(known, _)| *known == path) {
            check_paths(&path, &read(&path), &mut report);
        }
    }
    report.finish();
}

#[test]
fn no_document_postpones_anything() {
    let mut report = Report::default();
    for path in texts().into_iter().filter(|path| path.ends_with(".md") || path.ends_with(".sh")) {
        for (number, line) in (1..).zip(read(&path).lines()) {
            let mut words = line.split(|char: char| !char.is_alphanumeric());
            if words.any(|word| matches!(word, "TODO" | "FIXME" | "XXX" | "TBD")) {
                report.add(&path, number, "something is postponed");
            }
        }
    }
    report.finish();
}

#[test]
fn links_lead_to_files() {
    let mut report = Report::default();
    for path in texts().into_iter().filter(|path| path.ends_with(".md")) {
        check_links(&path, &read(&path), &mut report);
    }
    report.finish();
}

#[test]
fn dependencies_bring_only_what_is_asked_for() {
    let mut report = Report::default();
    for path in ["Cargo.toml", "fuzz/Cargo.toml"] {
        check_manifest(path, &read(path), &mut report);
    }
    report.finish();
}

/// The texts of the repository.
fn texts() -> Vec<String> {
    let mut paths = files_in(FOLDERS, ENDINGS);
    for entry in std::fs::read_dir(root()).expect("the repository is there").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let ending = Path::new(&name).extension().and_then(|it| it.to_str()).unwrap_or_default();
        if entry.path().is_file() && (ENDINGS.contains(&ending) || name == "Dockerfile") {
            paths.push(name);
        }
    }
    paths
}

fn check_paths(path: &str, text: &str, report: &mut Report) {
    for (number, line) in (1..).zip(text.lines()) {
        // A path begins here; `/home/somebody/work/` is another one.
        let begins = |place: &&&str| {
            // A checkout in `/app` has a name that others have too.
            let mut places = line.match_indices(**place).filter(|_| place[1..].contains('/'));
            places.any(|(at, _)| !line[..at].ends_with(|char: char| char.is_alphanumeric()))
        };
        for place in MACHINE_PATHS.iter().filter(begins) {
            report.add(path, number, format!("`{place}` is a place of one machine"));
        }
    }
}

fn check_links(path: &str, text: &str, report: &mut Report) {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut is_code = false;
    for (number, line) in (1..).zip(text.lines()) {
        is_code ^= line.trim_start().starts_with("```");
        if is_code {
            continue;
        }
        for link in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split(['#', ' ']).next().unwrap_or_default();
            let is_local = !file.is_empty() && !file.contains(':');
            if is_local && !root().join(folder).join(file).exists() {
                report.add(path, number, format!("the link to `{file}` leads nowhere"));
            }
        }
    }
}

fn check_manifest(path: &str, text: &str, report: &mut Report) {
    let mut is_inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with('[') {
            is_inside = line.contains("dependencies");
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| is_inside) else { continue };
        let is_known = WITH_DEFAULTS.iter().any(|(known, _)| *known == name.trim());
        let is_bare = value.contains("default-features = false") || value.contains('#');
        if !is_bare && !is_known {
            let what = format!("`{}` comes with its default features", name.trim());
            report.add(path, number, what);
        }
    }
}

#[test]
fn the_rules_of_texts_fire() {
    let mut report = Report::default();
    check_paths("a.md", "see /root/shared\n/rooted /home/x/root/", &mut report);
    check_links("a.md", "[a](Cargo.toml#x) [b](https://x.example) [c](#d)", &mut report);
    check_links("docs/a.md", "[a](../Cargo.toml)\n[b](nowhere.md)\n```\n[c](x)\n```", &mut report);
    let manifest = "[dependencies]\na = \"1\"\nb = { default-features = false }\n[x]\nc = \"1\"";
    check_manifest("Cargo.toml", manifest, &mut report);
    assert_eq!(report.lines(), [1, 2, 2], "{:?}", report.whats());
}
