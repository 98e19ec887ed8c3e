// SPDX-License-Identifier: MIT
//! Sizes of files, functions and lines; how files begin; where `unsafe` may stand.

use crate::report::Report;
use crate::source::{Source, sources_in};

const LINES_SOFT_MAX: usize = 400;
const LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;
/// A line with a string of so many columns may be longer.
const TEXT_COLUMNS_MIN: usize = 50;

/// Files beyond the soft cap, and why they are one idea all the same.
const LONG_FILES: &[(&str, &str)] = &[
    ("src/config/keys.rs", "every key of the configuration, in one table"),
    ("src/config/keys.rs", "every key, and its sentence: a table, and the documentation"),
    ("src/gateway/io.rs", "the whole language on one page; half of it are sentences"),
    ("src/wire/json/scan.rs", "one pass with its table, its accessors and its fuzz body"),
    ("src/reactor/fetch.rs", "one exchange with a backend, from the name to the last byte"),
    ("src/gateway/fuzz/world.rs", "one judge: what outputs may be, and what is left in the end"),
];

/// Tests that are one long table of cases.
const TABLES: &[&str] =
    &["what_is_not_json_is_refused_at_its_place", "what_is_no_message_is_refused_and_its_id_kept"];

/// The files that may say `unsafe`: what the system offers beyond std, and vector instructions.
const UNSAFE_FILES: [&str; 4] = [
    "src/reactor/sys.rs",
    "src/reactor/sys/landlock.rs",
    "src/reactor/sys/memory.rs",
    "src/base/lanes.rs",
];

/// How far above `unsafe` its argument may begin, in lines of code.
const ARGUMENT_REACH: usize = 3;

const EVERYWHERE: &[&str] = &["src", "tests", "benches", "fuzz/fuzz_targets", "examples"];

#[test]
fn files_are_short() {
    Report::of(sources_in(EVERYWHERE), check_length);
}

#[test]
fn every_exception_for_length_is_needed() {
    for (path, _) in LONG_FILES {
        let source = sources_in(&["src"]).into_iter().find(|source| source.path == *path);
        let lines = source.map_or(0, |source| source.shipped().count());
        assert!(lines > LINES_SOFT_MAX, "{path} has {lines} lines and needs no exception");
    }
}

#[test]
fn functions_are_short() {
    Report::of(sources_in(EVERYWHERE), check_functions);
}

#[test]
fn lines_are_short() {
    Report::of(sources_in(EVERYWHERE), |source, report| {
        for (number, line) in source.numbered() {
            let columns = line.text.chars().count();
            // A message as it travels is not cut where a column ends.
            let is_text = line.code.contains(&" ".repeat(TEXT_COLUMNS_MIN));
            if columns > COLUMNS_MAX && !(is_text && line.comment.is_empty()) {
                report.add(&source.path, number, format!("{columns} columns"));
            }
        }
    });
}

#[test]
fn files_say_their_licence_and_what_they_are_for() {
    Report::of(sources_in(EVERYWHERE), check_beginning);
}

#[test]
fn unsafe_stands_in_few_files_and_argues_its_case() {
    Report::of(sources_in(EVERYWHERE), check_unsafe);
}

fn check_length(source: &Source, report: &mut Report) {
    let is_src = source.path.starts_with("src/");
    let lines = if is_src { source.shipped().count() } else { source.lines.len() };
    let is_known = LONG_FILES.iter().any(|(path, _)| *path == source.path);
    if lines > LINES_MAX {
        report.add(&source.path, 1, format!("{lines} lines are more than {LINES_MAX}"));
    } else if is_src && lines > LINES_SOFT_MAX && !is_known {
        let what = format!("{lines} lines without a reason in LONG_FILES");
        report.add(&source.path, 1, what);
    }
}

fn check_functions(source: &Source, report: &mut Report) {
    for (start, line) in source.numbered() {
        let Some(name) = function_in(&line.code) else { continue };
        let length = item_length(source, start);
        if length > FUNCTION_LINES_MAX && !TABLES.contains(&name) {
            report.add(&source.path, start, format!("`{name}` has {length} lines"));
        }
    }
}

/// The name of the function whose head begins in this line.
fn function_in(code: &str) -> Option<&str> {
    let (before, behind) = code.split_once("fn ")?;
    let is_head = before.split_whitespace().all(|word| {
        let word = word.split('(').next().unwrap_or_default();
        matches!(word, "pub" | "const" | "unsafe" | "extern" | "\"" | "super)" | "crate)" | "async")
    });
    let end = behind.find(|char: char| !(char.is_alphanumeric() || char == '_'))?;
    (is_head && end > 0).then(|| &behind[..end])
}

/// How many lines the item has that begins in line `start`.
fn item_length(source: &Source, start: usize) -> usize {
    let mut depth = 0_i32;
    for (number, line) in source.numbered().skip(start - 1) {
        for char in line.code.chars() {
            match char {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth -= 1,
                _ => {}
            }
            if depth == 0 && matches!(char, '}' | ';') {
                return number - start + 1;
            }
        }
    }
    source.lines.len() - start + 1
}

fn check_beginning(source: &Source, report: &mut Report) {
    let line = |at: usize| source.lines.get(at).map_or("", |line| line.text.as_str());
    if line(0) != "// SPDX-License-Identifier: MIT" {
        report.add(&source.path, 1, "the first line does not name the licence");
    }
    if !line(1).starts_with("//! ") {
        report.add(&source.path, 2, "the second line does not say what the file is for");
    }
}

fn check_unsafe(source: &Source, report: &mut Report) {
    for (number, line) in source.numbered() {
        let mut words = line.code.split(|char: char| !(char.is_alphanumeric() || char == '_'));
        if !words.any(|word| word == "unsafe") {
            continue;
        }
        if !UNSAFE_FILES.contains(&&*source.path) {
            let allowed = UNSAFE_FILES.join(" and ");
            report.add(&source.path, number, format!("`unsafe` outside of {allowed}"));
            continue;
        }
        let argument = comment_above(source, number);
        for wanted in ["SAFETY:", "WHY UNSAFE:"] {
            if !argument.contains(wanted) {
                report.add(&source.path, number, format!("`unsafe` without `{wanted}`"));
            }
        }
    }
}

/// The nearest comment above a line, unless too much code stands between.
fn comment_above(source: &Source, number: usize) -> String {
    let above = source.lines[..number - 1].iter().rev();
    let mut reach = ARGUMENT_REACH;
    let mut found = Vec::new();
    for line in above {
        match line.comment.as_str() {
            "" if found.is_empty() && reach > 0 => reach -= 1,
            "" => break,
            comment => found.push(comment),
        }
    }
    found.join(" ")
}

#[test]
fn the_rules_of_size_fire() {
    let long = format!("fn a() {{\n{}}}\nfn b() {{}}\n", "    c();\n".repeat(70));
    let mut report = Report::default();
    check_functions(&Source::new("src/a.rs", &long), &mut report);
    assert_eq!(report.whats(), ["`a` has 72 lines"]);
    let trait_item = "trait A {\n    fn a(\n        b: [u8; 2],\n    );\n}\n";
    assert_eq!(item_length(&Source::new("src/a.rs", trait_item), 2), 3);
    for (lines, want) in [(400, 0), (401, 1), (601, 1)] {
        let mut report = Report::default();
        check_length(&Source::new("src/a.rs", &"a\n".repeat(lines)), &mut report);
        assert_eq!(report.whats().len(), want, "{lines}");
    }
}

#[test]
fn the_rule_of_beginnings_fires() {
    let mut report = Report::default();
    check_beginning(&Source::new("src/a.rs", "//! Hello.\nfn a() {}\n"), &mut report);
    assert_eq!(report.lines(), [1, 2]);
}

#[test]
fn the_rule_of_unsafe_fires() {
    #[track_caller]
    fn check(path: &str, text: &str, want: &[usize]) {
        let mut report = Report::default();
        check_unsafe(&Source::new(path, text), &mut report);
        assert_eq!(report.lines(), want, "{text}");
    }
    check("src/a.rs", "// WHY UNSAFE: a.\n// SAFETY: b.\nunsafe { a() }", &[3]);
    check(UNSAFE_FILES[0], "// WHY UNSAFE: a.\n// SAFETY: b.\nlet a =\n    unsafe { a() };", &[]);
    check(UNSAFE_FILES[0], "// SAFETY: b.\nunsafe { a() }", &[2]);
    check(UNSAFE_FILES[0], "#![allow(unsafe_code)] // unsafe", &[]);
}
