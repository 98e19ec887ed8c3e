// SPDX-License-Identifier: MIT
//! The examples: configurations pass `penstock check`, commands are spelled as the program knows
//! them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use penstock::cli::FLAGS;

use crate::markdown::{Block, blocks, read};

const PENSTOCK: &str = env!("CARGO_BIN_EXE_penstock");
const DOCUMENTS: &[&str] = &["README.md", "docs/configuration.md", "docs/guards.md"];

#[test]
fn every_configuration_passes_the_check() {
    let mut n = 0;
    for document in DOCUMENTS {
        for block in blocks(&read(document)) {
            if block.tag == "toml" || block.tag == "json" {
                check(document, &block);
                n += 1;
            }
        }
    }
    assert!(n >= 5, "only {n} examples were found");
}

#[track_caller]
fn check(document: &str, block: &Block) {
    let path = std::env::temp_dir().join(format!(
        "penstock-docs-{}-{}.{}",
        std::process::id(),
        block.line,
        block.tag
    ));
    std::fs::write(&path, &block.text).expect("the temporary directory can be written to");
    let mut command = Command::new(PENSTOCK);
    command.env_clear().envs(variables(&block.text)).arg("check");
    let done = if block.tag == "json" {
        let text = std::fs::File::open(&path).expect("the file was just written");
        command.arg("--config-stdin").stdin(text).output()
    } else {
        command.arg("--config").arg(&path).output()
    };
    let _ = std::fs::remove_file(&path);
    let done = done.expect("the program starts");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{document}, line {}:\n{said}", block.line);
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        !said.contains("without effect"),
        "{document}, line {}, has idle settings:\n{said}",
        block.line
    );
}

/// A value for every `${NAME}` and every variable that is passed on.
fn variables(text: &str) -> Vec<(String, String)> {
    let names = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
    let mut all: Vec<_> = names.map(|(name, _)| name.to_owned()).collect();
    all.push("GITHUB_PERSONAL_ACCESS_TOKEN".to_owned());
    all.into_iter().map(|name| (name.clone(), format!("value-of-{name}"))).collect()
}

fn scripts() -> Vec<Block> {
    let all = DOCUMENTS.iter().flat_map(|document| blocks(&read(document)));
    all.filter(|block| block.tag == "sh").collect()
}

#[test]
fn every_script_is_a_script() {
    for block in scripts() {
        let mut shell = Command::new("sh");
        shell.arg("-n").stdin(Stdio::piped());
        let mut running = shell.spawn().expect("there is a shell");
        let mut stdin = running.stdin.take().expect("it was asked for");
        stdin.write_all(block.text.as_bytes()).expect("the shell reads");
        drop(stdin);
        assert!(running.wait().expect("the shell ends").success(), "line {}", block.line);
    }
}

/// Flags that stand after the program's name, or after its image.
#[test]
fn every_flag_exists() {
    let mut n = 0;
    for block in scripts() {
        let text = block.text.replace("\\\n", " ");
        for line in text.lines() {
            let ours = ["penstock ", "penstock:cli ", "cargo run --release -- "];
            let Some((_, arguments)) = ours.iter().find_map(|name| line.split_once(name)) else {
                continue;
            };
            for word in arguments.split_whitespace() {
                if let Some(flag) = word.strip_prefix("--") {
                    let known = FLAGS.iter().any(|one| one.long == flag);
                    assert!(known, "line {}: --{flag}", block.line);
                    n += 1;
                }
            }
        }
    }
    assert!(n >= 8, "only {n} flags were found");
}
