// SPDX-License-Identifier: MIT
//! Local links lead somewhere.

use crate::markdown::{anchors, links, path, read};

const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/configuration.md",
    "docs/eras.md",
    "docs/errors.md",
    "docs/guards.md",
    "docs/metrics.md",
    "docs/sandbox.md",
    "docs/tools.md",
    "docs/writing-guards.md",
];

#[test]
fn every_local_link_leads_somewhere() {
    for document in DOCUMENTS {
        for link in links(&read(document)) {
            if !link.contains("://") {
                check(document, &link);
            }
        }
    }
}

#[track_caller]
fn check(document: &str, link: &str) {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = path(document).parent().map(std::path::Path::to_path_buf).unwrap_or_default();
    let target = if file.is_empty() { path(document) } else { folder.join(file) };
    assert!(target.exists(), "{document} links to {link}, which does not exist");
    if !anchor.is_empty() {
        let text = std::fs::read_to_string(&target).unwrap_or_default();
        assert!(anchors(&text).iter().any(|one| one == anchor), "{document}: no heading {link}");
    }
}

/// A name in `code` that looks like a file must be one.
#[test]
fn every_file_that_is_named_exists() {
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = read(document);
        for name in text.split('`').skip(1).step_by(2) {
            let is_ours = ["src/", "tests/", "docs/", "examples/", "scripts/", "docker/"]
                .iter()
                .any(|folder| name.starts_with(folder) && !name.contains([' ', '*', '<']));
            assert!(!is_ours || path(name).exists(), "{document} names {name}");
        }
    }
}

/// The code map has a heading for every module, and none for what is not there.
#[test]
fn the_code_map_is_complete() {
    let text = read("ARCHITECTURE.md");
    let (_, map) = text.split_once("\n## Code map\n").expect("there is a code map");
    let map = map.split("\n## ").next().unwrap_or_default();
    let headings = map.lines().filter(|line| line.starts_with("### "));
    let mut mapped: Vec<&str> =
        headings.flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    let library = read("src/lib.rs");
    let modules = library.lines().filter_map(|line| line.strip_prefix("pub mod "));
    let mut modules: Vec<&str> = modules.map(|name| name.trim_end_matches(';')).collect();
    modules.push("main");
    mapped.sort_unstable();
    modules.sort_unstable();
    assert_eq!(mapped, modules);
}
