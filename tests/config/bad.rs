// SPDX-License-Identifier: MIT
//! Bad configurations and what people read about them: `tests/data/config/*` against
//! `tests/data/golden/config-*.txt`. `UPDATE_GOLDEN=1` writes the latter anew.

use std::fs;
use std::path::Path;

use penstock::config::{Format, document, load};

use super::sources;

#[track_caller]
fn check_golden(path: &Path, got: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, got).unwrap();
    }
    let want = fs::read_to_string(path).unwrap_or_default();
    assert!(got == want, "{} differs; UPDATE_GOLDEN=1 rewrites it:\n{got}", path.display());
}

#[test]
fn every_bad_configuration_is_explained_as_before() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut count = 0;
    for entry in fs::read_dir(root.join("config")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let format = if name.ends_with(".json") { Format::Json } else { Format::Toml };
        let mut sources = sources(format, &fs::read_to_string(&path).unwrap(), &[]);
        sources.name = if format == Format::Json { "stdin".into() } else { name.clone() };
        let shown = match load(&sources) {
            Ok(loaded) => panic!("{name} was accepted: {loaded:?}"),
            Err(diagnostics) => diagnostics.to_string() + "\n",
        };
        assert!(!shown.contains("s3cret"), "{name} shows a secret:\n{shown}");
        check_golden(&root.join(format!("golden/config-{name}.txt")), &shown);
        count += 1;
    }
    assert!(count >= 12);
}

#[test]
fn the_documentation_is_the_key_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    check_golden(&path, &document::document());
}

#[test]
fn cutting_or_breaking_a_configuration_anywhere_does_no_harm() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in ["full.toml", "quickstart.toml", "ado-aw.json", "docker.json"] {
        let text = fs::read(root.join(name)).unwrap();
        let fuzz = if name.ends_with(".json") {
            penstock::config::json::fuzz
        } else {
            penstock::config::toml::fuzz
        };
        for at in 0..text.len() {
            fuzz(&text[..at]);
            if at % 7 == 0 {
                let mut broken = text.clone();
                broken[at] = b"\"{[=:,$\n0"[at % 9];
                fuzz(&broken);
            }
        }
    }
}
