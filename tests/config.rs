// SPDX-License-Identifier: MIT
//! Configurations as people write them: the good ones mean what they say, the bad ones are refused
//! with a place, a reason and a way out.

// Helpers of tests may unwrap as tests do; clippy only knows the functions marked as tests.
#![allow(clippy::unwrap_used)]

#[path = "config/bad.rs"]
mod bad;
#[path = "config/budgets.rs"]
mod budgets;
#[path = "config/cfg.rs"]
mod cfg;
#[path = "config/containers.rs"]
mod containers;
#[path = "config/examples.rs"]
mod examples;
#[path = "config/flags.rs"]
mod flags;
#[path = "config/guards.rs"]
mod guards;
#[path = "config/views.rs"]
mod views;

use std::path::Path;

use penstock::cli::Flags;
use penstock::config::{Diagnostics, Format, Loaded, Sources, load};
use penstock::gateway::snapshot::{ChildCommand, HttpTarget, Transport};

/// The instance, the random key and the program of every test.
const FRESH_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Sources with an environment like that of a runner.
fn sources(format: Format, text: &str, variables: &[(&str, &str)]) -> Sources {
    let base = [("PATH", "/usr/bin"), ("HOME", "/home/me"), ("SECRET_OF_OURS", "never-to-be-seen")];
    let all = base.iter().chain(variables);
    Sources {
        discovered: Box::new(|_| Ok(None)),
        workflow: None,
        name: if format == Format::Json { "stdin" } else { "config.toml" }.to_owned(),
        format,
        text: text.to_owned(),
        environment: all.map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        flags: Flags::default(),
        program: "/opt/penstock".to_owned(),
        instance: "test".to_owned(),
        fresh_key: FRESH_KEY.to_owned(),
        canonicalize: Box::new(|path| {
            let known = ["/", "/ws", "/tmp", "/home"].map(Path::new);
            known.contains(&path).then(|| path.to_path_buf())
        }),
    }
}

#[track_caller]
fn json(text: &str, variables: &[(&str, &str)]) -> Loaded {
    load(&sources(Format::Json, text, variables)).unwrap()
}

#[track_caller]
fn toml(text: &str, variables: &[(&str, &str)]) -> Loaded {
    load(&sources(Format::Toml, text, variables)).unwrap()
}

/// One server in an otherwise good JSON document.
fn json_server(server: &str) -> String {
    format!(
        r#"{{"mcpServers":{{"s":{server}}},
            "gateway":{{"port":8080,"domain":"localhost","agentId":"key-of-agent"}}}}"#
    )
}

/// A good server and this in the gateway object beside port, domain and key.
fn json_gateway(more: &str) -> String {
    format!(
        r#"{{"mcpServers":{{"s":{{"container":"img"}}}},
            "gateway":{{"port":8080,"domain":"localhost","agentId":"key-of-agent"{more}}}}}"#
    )
}

#[track_caller]
fn refused(format: Format, text: &str) -> Diagnostics {
    match load(&sources(format, text, &[])) {
        Ok(_) => panic!("accepted: {text}"),
        Err(diagnostics) => diagnostics,
    }
}

/// The text is refused, and each of `wanted` is said.
#[track_caller]
fn check_refused(format: Format, text: &str, wanted: &[&str]) {
    let shown = refused(format, text).to_string();
    for want in wanted {
        assert!(shown.contains(want), "{want:?} is not in:\n{shown}");
    }
}

#[track_caller]
fn child(loaded: &Loaded, index: usize) -> &ChildCommand {
    match &loaded.snapshot.servers[index].transport {
        Transport::Stdio(command) => command,
        Transport::Http(target) => panic!("{target:?}"),
    }
}

#[track_caller]
fn target(loaded: &Loaded, index: usize) -> &HttpTarget {
    match &loaded.snapshot.servers[index].transport {
        Transport::Http(target) => target,
        Transport::Stdio(command) => panic!("{command:?}"),
    }
}

/// The value of a variable in a child's environment.
fn variable<'c>(command: &'c ChildCommand, name: &str) -> Option<&'c str> {
    let (_, value) = command.env.iter().find(|(other, _)| &**other == name)?;
    std::str::from_utf8(value.expose()).ok()
}

/// The arguments in one line.
fn line(command: &ChildCommand) -> String {
    command.args.join(" ")
}

/// Whether a value is among those that are kept out of logs.
fn is_secret(loaded: &Loaded, value: &str) -> bool {
    loaded.secrets.iter().any(|secret| secret.expose() == value.as_bytes())
}
