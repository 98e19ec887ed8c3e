// SPDX-License-Identifier: MIT
//! Who may know whom. The table is the drawing of ARCHITECTURE.md; it is read by nobody else.

use crate::report::Report;
use crate::source::{Source, read, sources_in};

/// A module, the modules it may import, and the outside crates it may name.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Any module of ours.
const ALL: &[&str] = &["*"];

/// What the loop drives, and the keeper whose command line it writes.
const BELOW_REACTOR: &[&str] =
    &["base", "wire", "link", "docker", "policy", "gateway", "observe", "worker", "keeper"];
/// What a configuration is resolved to: containers also in the words of their engine.
const BELOW_CONFIG: &[&str] = &["base", "wire", "docker", "gateway", "policy", "cli", "sandbox"];
const SYSTEM: &[&str] = &["getrandom", "libc", "mio", "rustls"];
/// Ciphers are arithmetic, and what is sealed is bytes: `ring` is the one that TLS brings along.
const SEALED: &[&str] = &["memchr", "ring"];
const SECURED: &[&str] = &["getrandom", "rcgen", "rustls", "rustls_pki_types"];
/// Lists of calls and places are numbers of the system; whoever enters asks the kernel.
const CONFINED: &[&str] = &["libc", "seccompiler"];
const TLS: &[&str] = &["rustls", "rustls_pki_types", "webpki_roots"];

#[rustfmt::skip] // It is a table.
const LAYERS: &[Row] = &[
    ("base",       &[],                                           SEALED),
    ("wire",       &["base"],                                     &["httparse", "memchr", "ring"]),
    ("link",       &["base", "wire"],                             TLS),
    ("docker",     &["base", "wire"],                             &[]),
    ("mcp",        &["base", "wire"],                             &[]),
    ("policy",     &["base", "wire", "mcp"],                      &["ring", "wasmi"]),
    ("gateway",    &["base", "wire", "docker", "mcp", "policy"],  &["memchr"]),
    ("observe",    &["base", "wire", "gateway", "policy"],        &["aho_corasick", "memchr"]),
    ("github_proxy", &["base", "wire", "policy"],                 &[]),
    ("calculator", &["base", "wire"],                             &["num_bigint"]),
    // --- the purity line: above it no I/O, no clock, no thread, no environment
    ("worker",     &["base", "gateway", "observe"],               &[]),
    ("reactor",    BELOW_REACTOR,                                 SYSTEM),
    ("sandbox",    &["reactor"],                                  CONFINED),
    ("keeper",     &["base", "docker", "reactor"],                &[]),
    ("serve",      &["base", "wire", "link", "calculator"],       &["getrandom", "memchr"]),
    ("config",     BELOW_CONFIG,                                  &["getrandom", "toml"]),
    ("cli",        ALL,                                           &["lexopt"]),
    ("run",        ALL,                                           SECURED),
    ("main",       ALL,                                           &[]),
];

/// Who may import `config`: everybody else gets options in its own words.
const KNOW_CONFIG: &[&str] = &["run", "cli", "main"];

/// Above this line nothing touches the world.
pub const PURE: &[&str] = &[
    "base",
    "wire",
    "link",
    "docker",
    "mcp",
    "policy",
    "gateway",
    "observe",
    "github_proxy",
    "calculator",
];

/// What only touches the world. `std::net` also has addresses, which are values.
const WORLD: &[&str] = &[
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "UnixListener",
    "ToSocketAddrs",
    "std::fs",
    "std::thread",
    "std::process",
    "std::env",
    "std::os",
    "Instant::now",
    "SystemTime",
    "mio::",
];

/// Shared or hidden state, which a machine with one owner has no use for.
const SHARED: &[&str] = &[
    "Mutex",
    "RwLock",
    "RefCell",
    "OnceCell",
    "OnceLock",
    "LazyLock",
    "LazyCell",
    "Atomic",
    "thread_local!",
    "static mut",
];

/// Exceptions to [`SHARED`]: the file and the reason.
const SHARED_EXCEPTIONS: &[(&str, &str)] = &[];

#[test]
fn modules_import_only_what_their_row_allows() {
    let outside = outside_crates(&read("Cargo.toml"));
    Report::of(sources_in(&["src"]), |source, report| check_layers(source, &outside, report));
}

#[test]
fn every_module_has_a_row() {
    let mut report = Report::default();
    for source in sources_in(&["src"]) {
        let module = source.module().unwrap_or("main");
        if !LAYERS.iter().any(|(name, ..)| *name == module) {
            report.add(&source.path, 1, format!("the module `{module}` has no row in LAYERS"));
        }
    }
    report.finish();
}

#[test]
fn pure_modules_do_not_touch_the_world() {
    Report::of(sources_in(&["src"]), check_purity);
}

/// The names of the dependencies, as they are spelled in code.
fn outside_crates(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_inside = line.contains("dependencies");
        } else if let Some((name, _)) = line.split_once('=').filter(|_| is_inside) {
            names.push(name.trim().replace('-', "_"));
        }
    }
    names
}

fn check_layers(source: &Source, outside: &[String], report: &mut Report) {
    let Some(module) = source.module() else { return };
    let Some((_, may_import, may_name)) = LAYERS.iter().find(|(name, ..)| *name == module) else {
        return;
    };
    for (number, line) in source.shipped() {
        for other in ours_named_in(&line.code, source.depth()) {
            let knows_config = other != "config" || KNOW_CONFIG.contains(&module);
            let allowed = *may_import == ALL || may_import.contains(&other) && knows_config;
            if other != module && !(allowed && knows_config) {
                report.add(&source.path, number, format!("`{module}` may not import `{other}`"));
            }
        }
        for name in outside {
            if names_crate(&line.code, name) && !may_name.contains(&name.as_str()) {
                let what = format!("`{module}` may not name the crate `{name}`");
                report.add(&source.path, number, what);
            }
        }
    }
}

/// The modules under the root that a line names: behind `crate::`, or behind enough `super::`.
fn ours_named_in(code: &str, depth: usize) -> Vec<&str> {
    let from_root = format!("{}::", vec!["super"; depth].join("::"));
    let mut named = Vec::new();
    for root in ["crate::", from_root.as_str(), "penstock::"] {
        for (at, _) in code.match_indices(root) {
            let starts_path = !code[..at].ends_with(|char: char| is_word(char) || char == ':');
            let behind = &code[at + root.len()..];
            if !starts_path {
                continue;
            }
            match behind.strip_prefix('{') {
                Some(list) => {
                    let list = list.split('}').next().unwrap_or_default();
                    named.extend(list.split(',').map(|item| first_word(item.trim())));
                }
                None => named.push(first_word(behind)),
            }
        }
    }
    named.retain(|name| !name.is_empty() && name.starts_with(|char: char| char.is_lowercase()));
    named
}

fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = &code[..at];
        let behind = &code[at + name.len()..];
        let is_use = before.trim_end().ends_with("use") && behind.starts_with([';', ' ']);
        let starts = !before.ends_with(|char: char| is_word(char) || char == ':' || char == '.');
        // A module may have the name of a crate: `mod toml;`, `super::toml::…`.
        starts && (behind.starts_with("::") || is_use) && !before.ends_with("mod ")
    })
}

fn check_purity(source: &Source, report: &mut Report) {
    let Some(module) = source.module().filter(|module| PURE.contains(module)) else { return };
    let may_share = SHARED_EXCEPTIONS.iter().any(|(path, _)| source.path == *path);
    for (number, line) in source.shipped() {
        for word in WORLD.iter().filter(|word| line.code.contains(**word)) {
            report.add(&source.path, number, format!("`{word}` in the pure module `{module}`"));
        }
        for word in SHARED.iter().filter(|word| line.code.contains(**word) && !may_share) {
            report.add(&source.path, number, format!("`{word}`: nothing is shared in `{module}`"));
        }
    }
}

fn first_word(text: &str) -> &str {
    let end = text.find(|char: char| !is_word(char)).unwrap_or(text.len());
    &text[..end]
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

#[test]
fn the_layer_rule_fires() {
    #[track_caller]
    fn check(path: &str, text: &str, want: &[&str]) {
        let outside = outside_crates("[dependencies]\nmio = 1\nnum-bigint = 2\n[x]\ny = 1\n");
        assert_eq!(outside, ["mio", "num_bigint"]);
        let mut report = Report::default();
        check_layers(&Source::new(path, text), &outside, &mut report);
        assert_eq!(report.whats(), want, "{text}");
    }
    check("src/link/tls.rs", "use crate::wire::sse;", &[]);
    check("src/link/tls.rs", "use crate::mcp::x;", &["`link` may not import `mcp`"]);
    check("src/link/mod.rs", "use super::{mcp, wire};", &["`link` may not import `mcp`"]);
    check("src/gateway/io.rs", "a(super::super::link::B);", &["`gateway` may not import `link`"]);
    check("src/gateway/io.rs", "use super::link::B; // crate::link", &[]);
    check("src/gateway/io.rs", "#[cfg(test)]\nuse crate::link::B;", &[]);
    check("src/reactor/io.rs", "use crate::config::B;", &["`reactor` may not import `config`"]);
    check("src/run.rs", "use crate::config::B;", &[]);
    check("src/wire/a.rs", "mio::x(); a::mio::b()", &["`wire` may not name the crate `mio`"]);
    check("src/wire/a.rs", "use num_bigint;", &["`wire` may not name the crate `num_bigint`"]);
    check("src/wire/a.rs", "let a = \"mio::x\"; let mio = 1;", &[]);
}

#[test]
fn the_purity_rule_fires() {
    #[track_caller]
    fn check(path: &str, text: &str, want: usize) {
        let mut report = Report::default();
        check_purity(&Source::new(path, text), &mut report);
        assert_eq!(report.whats().len(), want, "{text}");
    }
    check("src/wire/a.rs", "use std::net::IpAddr;", 0);
    check("src/wire/a.rs", "use std::net::TcpStream;", 1);
    check("src/gateway/a.rs", "let now = Instant::now(); // std::fs", 1);
    check("src/gateway/a.rs", "#[cfg(test)]\nmod tests { fn a() { Instant::now(); } }", 0);
    check("src/gateway/a.rs", "let a = RefCell::new(1);", 1);
    check("src/reactor/a.rs", "let now = Instant::now(); Mutex::new(2);", 0);
}
