// SPDX-License-Identifier: MIT
//! Words that say nothing, macros that say "later", and silence without a reason.

use crate::report::Report;
use crate::source::{Source, sources_in};

/// Never part of a name: each stands for a thing that has a better one.
const NEVER: &[&str] = &[
    "upstream",
    "downstream",
    "frontend",
    "handler",
    "manager",
    "helper",
    "util",
    "common",
    "misc",
    "packet",
];

/// Names that others have given.
const FOREIGN_NAMES: &[(&str, &str)] =
    &[("process_new_packets", "of rustls"), ("CommonName", "of X.509")];

/// What may be left in nobody's code.
const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "dbg!"];

const EVERYWHERE: &[&str] = &["src", "tests", "benches", "fuzz/fuzz_targets", "examples"];

#[test]
fn names_say_what_a_thing_is() {
    Report::of(sources_in(EVERYWHERE), check_names);
}

#[test]
fn nothing_is_left_unfinished() {
    Report::of(sources_in(EVERYWHERE), check_unfinished);
}

#[test]
fn silence_has_a_reason() {
    Report::of(sources_in(EVERYWHERE), check_silence);
}

fn check_names(source: &Source, report: &mut Report) {
    for word in never_in(&source.path.replace(['/', '.', '-'], "_")) {
        report.add(&source.path, 1, format!("`{word}` in the name of a file"));
    }
    for (number, line) in source.numbered() {
        let names = line.code.split(|char: char| !(char.is_alphanumeric() || char == '_'));
        for name in names.filter(|name| !FOREIGN_NAMES.iter().any(|(foreign, _)| foreign == name)) {
            for word in never_in(name) {
                report.add(&source.path, number, format!("`{word}` in the name `{name}`"));
            }
        }
    }
}

/// The forbidden words in a name, as parts of `snake_case` or `CamelCase`.
fn never_in(name: &str) -> Vec<&'static str> {
    let mut parts = String::new();
    let mut before = '_';
    for char in name.chars() {
        if char.is_uppercase() && before.is_lowercase() {
            parts.push('_');
        }
        parts.extend(char.to_lowercase());
        before = char;
    }
    let is_in = |word: &&&str| {
        parts.split('_').any(|part| part == **word || part.strip_suffix('s') == Some(**word))
    };
    NEVER.iter().filter(is_in).copied().collect()
}

fn check_unfinished(source: &Source, report: &mut Report) {
    for (number, line) in source.numbered() {
        for word in UNFINISHED.iter().filter(|word| line.code.contains(**word)) {
            report.add(&source.path, number, format!("`{word}`"));
        }
        // Spelled in two parts, so that this file does not find itself.
        for word in [concat!("FIX", "ME"), concat!("XX", "X"), concat!("TO", "DO")] {
            let mut words = line.comment.split(|char: char| !char.is_alphanumeric());
            if words.any(|found| found == word) {
                report.add(&source.path, number, format!("`{word}` in a comment"));
            }
        }
    }
}

fn check_silence(source: &Source, report: &mut Report) {
    for (number, line) in source.numbered() {
        let code = line.code.trim_start();
        if ["#[allow(", "#![allow(", "#[expect(", "#![expect("]
            .iter()
            .any(|it| code.starts_with(it))
        {
            let attribute = source.lines[number - 1..].iter().take(6);
            let mut has_reason = false;
            for part in attribute {
                has_reason |= part.code.contains("reason =");
                if part.code.contains(")]") {
                    break;
                }
            }
            let above = number.checked_sub(2).map_or("", |above| &source.lines[above].comment);
            if !has_reason && !above.starts_with("// ") {
                report.add(&source.path, number, "a lint is silenced without a reason");
            }
        }
        if code.contains("#[ignore]") {
            report.add(&source.path, number, "a test is ignored without a reason");
        }
    }
}

#[test]
fn the_rules_of_words_fire() {
    #[track_caller]
    fn check(rule: fn(&Source, &mut Report), text: &str, want: usize) {
        let mut report = Report::default();
        rule(&Source::new("src/a.rs", text), &mut report);
        assert_eq!(report.whats().len(), want, "{text}: {:?}", report.whats());
    }
    check(check_names, "struct SessionManager;", 1);
    check(check_names, "let string_utils = helper();", 2);
    check(check_names, "let utility = \"util\"; // a helper", 0);
    check(check_names, "tls.process_new_packets();", 0);
    check(check_unfinished, "todo!(\"later\")", 1);
    check(check_unfinished, concat!("// TO", "DO: later"), 1);
    check(check_unfinished, "let a = \"todo!\";", 0);
    check(check_silence, "#[allow(dead_code)]", 1);
    check(check_silence, "// It is called by the fuzzer.\n#[allow(dead_code)]", 0);
    check(check_silence, "#[allow(\n    dead_code,\n    reason = \"x\"\n)]", 0);
    check(check_silence, "#[ignore]\nfn a() {}", 1);
    check(check_silence, "#[ignore = \"needs node\"]\nfn a() {}", 0);
    let mut report = Report::default();
    check_names(&Source::new("src/base/utils.rs", ""), &mut report);
    assert_eq!(report.whats(), ["`util` in the name of a file"]);
}
