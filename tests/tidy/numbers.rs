// SPDX-License-Identifier: MIT
//! Numbers out of place: HTTP statuses, JSON-RPC codes and bounds each have their home.

use crate::report::Report;
use crate::source::{Source, sources_in};

/// Numbers that are statuses wherever they stand; round ones that are also lengths are among them.
const STATUSES: &[&str] = &[
    "100", "101", "200", "201", "202", "204", "206", "301", "302", "303", "304", "307", "308",
    "400", "401", "402", "403", "404", "405", "406", "408", "409", "410", "411", "413", "414",
    "415", "416", "417", "421", "422", "426", "428", "429", "431", "500", "501", "502", "503",
    "504", "505",
];

/// Where statuses may stand: a file, or a folder with `/` behind it, and why.
const STATUS_HOMES: &[(&str, &str)] = &[
    ("src/gateway/fault.rs", "whose doing becomes which status: the table"),
    ("src/gateway/fault/modern.rs", "the same table for the era in which statuses mean something"),
    ("src/gateway/exchange/finish.rs", "success"),
    ("src/gateway/health.rs", "its own answers"),
    ("src/github_proxy/answer.rs", "the proxy's own answers, and what it reads of the forge's"),
    ("src/gateway/drain.rs", "the answer to /close"),
    ("src/gateway/backend/http.rs", "the statuses that backends answer, read"),
    ("src/gateway/backend/reopen.rs", "the statuses that say that a session is lost"),
    ("src/gateway/fuzz/", "what a made-up server answers"),
    ("src/link/http_server/", "refusals of what is no HTTP, before the gateway hears of it"),
    ("src/link/http_client.rs", "interim answers"),
    ("src/wire/http1/", "their grammar: reasons, and which have no body"),
    ("src/docker/", "what the container engine answers, read"),
    ("src/serve/", "the example server answers for itself"),
    ("src/calculator/server.rs", "the example server answers for itself"),
    ("src/run/explain/rehearsal.rs", "what a made-up forge answers"),
    ("src/run/lookup.rs", "the status with which the forge tells of a repository"),
    ("src/run/fetch.rs", "what it reads of the forge's"),
    ("src/run/health.rs", "the status that `penstock health` hopes for"),
];

/// Numbers of three digits that are none, by file.
const NO_STATUSES: &[(&str, &[&str], &str)] = &[
    ("src/base/limits.rs", &["100"], "counts, with their units beside them"),
    ("src/base/stamp.rs", &["100", "400"], "the Gregorian calendar repeats after 400 years"),
    ("src/policy/guard/rule/scope.rs", &["100"], "the longest name of a repository"),
    ("src/observe/log/text.rs", &["100"], "digits of a fraction"),
    ("src/observe/debug.rs", &["100"], "tenths of a second"),
    ("src/observe/metrics/reading.rs", &["100", "500"], "microseconds"),
    ("src/calculator/arguments.rs", &["100", "200"], "digits; the constants say so"),
];

/// Where JSON-RPC codes may stand, and why.
const CODE_HOMES: &[(&str, &str)] = &[
    ("src/mcp/error.rs", "the codes by name"),
    ("src/gateway/fault.rs", "whose doing becomes which code"),
    ("src/gateway/fuzz/", "what a made-up server answers"),
    ("src/calculator/", "the example server answers for itself"),
    ("src/serve/", "the example server answers for itself"),
    ("src/serve.rs", "the example server answers for itself"),
];

/// Bounds of more bytes than this belong to `Limits`, or say why not.
const HIDDEN_BOUND: u64 = 1024;

#[test]
fn statuses_have_their_home() {
    Report::of(sources_in(&["src"]), check_statuses);
}

#[test]
fn codes_have_their_home() {
    Report::of(sources_in(&["src"]), check_codes);
}

#[test]
fn bounds_stand_in_limits_or_say_why_not() {
    Report::of(sources_in(&["src"]), check_bounds);
}

fn lives_in(path: &str, homes: &[(&str, &str)]) -> bool {
    homes.iter().any(|(home, _)| path == *home || home.ends_with('/') && path.starts_with(home))
}

fn check_statuses(source: &Source, report: &mut Report) {
    if lives_in(&source.path, STATUS_HOMES) {
        return;
    }
    let known = NO_STATUSES.iter().find(|(path, ..)| *path == source.path);
    let known = known.map_or(&[][..], |(_, numbers, _)| numbers);
    for (number, line) in source.shipped() {
        // Durations carry their unit, and are no statuses.
        if line.code.contains("Duration::from_") {
            continue;
        }
        for literal in integers_in(&line.code) {
            if STATUSES.contains(&literal) && !known.contains(&literal) {
                let what = format!("{literal} is a status, or deserves a name");
                report.add(&source.path, number, what);
            }
        }
    }
}

/// The decimal integers in a line of code, without suffix.
fn integers_in(code: &str) -> Vec<&str> {
    let words = code.split(|char: char| !(char.is_alphanumeric() || char == '_' || char == '.'));
    let is_integer = |word: &&str| !word.is_empty() && word.bytes().all(|it| it.is_ascii_digit());
    let plain = words.flat_map(|word| word.split(".."));
    let plain =
        plain.map(|word| word.split('_').next().filter(|_| is_suffixed(word)).unwrap_or(word));
    plain.filter(is_integer).collect()
}

fn is_suffixed(word: &str) -> bool {
    word.split_once('_').is_some_and(|(_, suffix)| suffix.starts_with(['u', 'i']))
}

fn check_codes(source: &Source, report: &mut Report) {
    if lives_in(&source.path, CODE_HOMES) {
        return;
    }
    for (number, line) in source.shipped() {
        // Also in strings: that is where such a code hides.
        let text = line.text.replace(line.comment.as_str(), "");
        for (at, _) in text.match_indices("-32") {
            let digits = text[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
            if digits == 5 {
                let what = format!("{} is a code of JSON-RPC", &text[at..at + 6]);
                report.add(&source.path, number, what);
            }
        }
    }
}

fn check_bounds(source: &Source, report: &mut Report) {
    if source.path == "src/base/limits.rs" {
        return;
    }
    for (number, line) in source.shipped() {
        let Some((_, constant)) = line.code.split_once("const ") else { continue };
        let Some((name, rest)) = constant.split_once(':') else { continue };
        let Some((_, value)) = rest.split_once('=') else { continue };
        let is_bound = name.contains("BYTES") && name.contains("MAX");
        let above = number.checked_sub(2).map_or("", |above| &source.lines[above].comment);
        if is_bound && product(value) > HIDDEN_BOUND && above.is_empty() {
            let what = format!("`{name}` is a large bound: into Limits, or say why here");
            report.add(&source.path, number, what);
        }
    }
}

/// The value of a product of integers, `KIB` and `MIB`; 0 if it is something else.
fn product(text: &str) -> u64 {
    let factors = text.trim().trim_end_matches(';').split('*').map(str::trim);
    let value = |factor: &str| match factor.replace('_', "").as_str() {
        "KIB" => 1 << 10,
        "MIB" => 1 << 20,
        digits => digits.parse().unwrap_or(0),
    };
    factors.map(value).product()
}

#[test]
fn the_rules_of_numbers_fire() {
    #[track_caller]
    fn check(rule: fn(&Source, &mut Report), path: &str, text: &str, want: usize) {
        let mut report = Report::default();
        rule(&Source::new(path, text), &mut report);
        assert_eq!(report.whats().len(), want, "{text}: {:?}", report.whats());
    }
    let (somewhere, home) = ("src/gateway/session.rs", "src/gateway/fault.rs");
    check(check_statuses, somewhere, "respond(404, a[200..300])", 2);
    check(check_statuses, somewhere, "respond(503_u16)", 1);
    check(check_statuses, somewhere, "let a = \"404\"; // 404", 0);
    check(check_statuses, somewhere, "Duration::from_millis(100); 4040; 0.404; a404; 0x404", 0);
    check(check_statuses, home, "404", 0);
    check(check_statuses, "src/link/http_server/violation.rs", "404", 0);
    check(check_codes, somewhere, "b\"{\\\"code\\\":-32603}\"", 1);
    check(check_codes, somewhere, "// -32603", 0);
    check(check_codes, home, "-32603", 0);
    check(check_bounds, somewhere, "const LINE_BYTES_MAX: usize = 64 * 1024;", 1);
    check(check_bounds, somewhere, "/// Why.\nconst LINE_BYTES_MAX: usize = 64 * KIB;", 0);
    check(check_bounds, somewhere, "const LINE_BYTES_MAX: usize = 1024;", 0);
}
