// SPDX-License-Identifier: MIT
//! The flags of the gateway as a table, and the help that comes from it.

use crate::config::env;

/// What follows a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing; `--flag=false` is possible.
    Nothing,
    /// Any text.
    Text,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// A duration such as `5s`.
    Duration,
}

/// Why a flag exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// It does what it says.
    Used,
    /// Accepted, without effect in this version.
    Ignored,
    /// Refused when it is set: it protects something that this version cannot protect.
    Refused,
}

/// One flag.
#[derive(Debug)]
pub struct Flag {
    /// After two dashes.
    pub long: &'static str,
    /// After one dash.
    pub short: Option<char>,
    /// What follows.
    pub takes: Takes,
    /// The variable that stands in for it.
    pub variable: &'static str,
    /// Why it exists.
    pub group: Group,
    /// What it means.
    pub sentence: &'static str,
}

const fn flag(
    long: &'static str,
    short: Option<char>,
    takes: Takes,
    variable: &'static str,
    group: Group,
    sentence: &'static str,
) -> Flag {
    Flag { long, short, takes, variable, group, sentence }
}

use Group::{Ignored, Refused, Used};
use Takes::{Duration, Nothing, Number, Text, Whole};

/// All flags beside `--help`, `--version` and `-v`, in the order of the help.
#[rustfmt::skip]
pub const FLAGS: &[Flag] = &[
    flag("config", Some('c'), Text, "", Used, "Path to a TOML config file"),
    flag("config-stdin", None, Nothing, "", Used,
        "Read the configuration from stdin (JSON); overrides --config"),
    flag("listen", Some('l'), Text, "", Used,
        "HTTP server listen address (default \"127.0.0.1:3000\")"),
    flag("threads", None, Whole, "PENSTOCK_THREADS", Used,
        "How many threads serve clients, 0: one for each processor (default 1)"),
    flag("routed", None, Nothing, "", Used, "Each server at /mcp/<server> (the default)"),
    flag("unified", None, Nothing, "", Used, "Tell clients of /mcp, all servers at one address; both are always served"),
    flag("env", None, Text, "", Used, "Path to a .env file to load variables from"),
    flag("validate-env", None, Nothing, "", Used,
        "Check the container runtime and variables before starting"),
    flag("guards-mode", None, Text, "MCP_GATEWAY_GUARDS_MODE", Used,
        "What happens where labels do not fit: strict, filter or propagate"),
    flag("guards-sink-server-ids", None, Text, "MCP_GATEWAY_GUARDS_SINK_SERVER_IDS", Used,
        "Servers whose log records carry labels"),
    flag("guard-policy-json", None, Text, "MCP_GATEWAY_GUARD_POLICY_JSON", Used,
        "A guard policy for all servers"),
    flag("allowonly-scope-public", None, Nothing, "MCP_GATEWAY_ALLOWONLY_SCOPE_PUBLIC", Used,
        "Guard policy for all servers: public repositories only"),
    flag("allowonly-scope-owner", None, Text, "MCP_GATEWAY_ALLOWONLY_SCOPE_OWNER", Used,
        "Guard policy for all servers: repositories of this owner only"),
    flag("allowonly-scope-repo", None, Text, "MCP_GATEWAY_ALLOWONLY_SCOPE_REPO", Used,
        "Guard policy for all servers: this repository of the owner only"),
    flag("allowonly-min-integrity", None, Text, "MCP_GATEWAY_ALLOWONLY_MIN_INTEGRITY", Used,
        "Guard policy for all servers: none, unapproved, approved or merged"),
    flag("sequential-launch", None, Nothing, "", Ignored, "Start servers one after the other"),
    flag("log-dir", None, Text, "MCP_GATEWAY_LOG_DIR", Used,
        "Directory for log files (default \"/tmp/gh-aw/mcp-logs\")"),
    flag("payload-dir", None, Text, "MCP_GATEWAY_PAYLOAD_DIR", Ignored,
        "Directory for large results"),
    flag("wasm-cache-dir", None, Text, "MCP_GATEWAY_WASM_CACHE_DIR", Ignored,
        "Directory for compiled guards"),
    flag("payload-path-prefix", None, Text, "MCP_GATEWAY_PAYLOAD_PATH_PREFIX", Ignored,
        "What clients see instead of --payload-dir"),
    flag("payload-size-threshold", None, Whole, "MCP_GATEWAY_PAYLOAD_SIZE_THRESHOLD", Ignored,
        "From how many bytes on a result is large"),
    flag("url-domain-audit", None, Nothing, "MCP_GATEWAY_URL_DOMAIN_AUDIT", Ignored,
        "Record the domains of URLs in arguments"),
    flag("shutdown-timeout", None, Duration, "MCP_GATEWAY_SHUTDOWN_TIMEOUT", Used,
        "How long running requests get at the end (default 5s)"),
    flag("tls-cert", None, Text, "MCP_GATEWAY_TLS_CERT", Refused,
        "TLS certificate of the listener"),
    flag("tls-key", None, Text, "MCP_GATEWAY_TLS_KEY", Refused, "TLS key of the listener"),
    flag("tls-ca", None, Text, "MCP_GATEWAY_CA_CERT", Refused, "CA of client certificates"),
    flag("hmac-secret", None, Text, "MCP_GATEWAY_HMAC_SECRET", Refused,
        "Secret for signed requests"),
    flag("otlp-endpoint", None, Text, "OTEL_EXPORTER_OTLP_ENDPOINT", Ignored,
        "Where traces would go"),
    flag("otlp-service-name", None, Text, "OTEL_SERVICE_NAME", Ignored,
        "The name of this service in traces"),
    flag("otlp-sample-rate", None, Number, "", Ignored, "Which part of the requests is traced"),
];

/// Whether `value` fits `flag`.
pub fn check(flag: &Flag, value: &str) -> Result<(), String> {
    let why = match flag.takes {
        Nothing if env::parse_flag(value).is_none() => "neither true nor false",
        Whole if value.parse::<i64>().is_err() => "not a whole number",
        Number if value.parse::<f64>().is_err() => "not a number",
        Duration if env::parse_duration(value).is_none() => "not a duration such as 5s or 1m30s",
        _ => return Ok(()),
    };
    Err(format!("invalid argument \"{value}\" for \"--{}\" flag: {why}", flag.long))
}

/// The help of a command; empty: of the program.
#[must_use]
pub fn help(command: &str) -> String {
    match command {
        "check" => CHECK.to_owned() + &flag_lines(),
        "explain" => EXPLAIN.to_owned() + &flag_lines(),
        "serve" => SERVE.to_owned(),
        "health" => HEALTH.to_owned(),
        "completion" => COMPLETION.to_owned(),
        _ => PROGRAM.to_owned() + &flag_lines() + LAST_FLAGS,
    }
}

fn flag_lines() -> String {
    let mut text = String::from("Flags:\n");
    for flag in FLAGS {
        let short = flag.short.map_or("    ".to_owned(), |letter| format!("-{letter}, "));
        let takes = match flag.takes {
            Nothing => "",
            Text => " string",
            Whole => " int",
            Number => " float",
            Duration => " duration",
        };
        let left = format!("{short}--{}{takes}", flag.long);
        let mut right = flag.sentence.to_owned();
        if !flag.variable.is_empty() {
            right.push_str(&format!(" [{}]", flag.variable));
        }
        match flag.group {
            Used => {}
            Ignored => right.push_str(" (no effect in this version)"),
            Refused => right.push_str(" (not supported by this version)"),
        }
        text.push_str(&format!("  {left:<38} {right}\n"));
    }
    text
}

const PROGRAM: &str = "\
Penstock is an MCP gateway: agents speak MCP over HTTP to one address,
and behind it stand MCP servers as child processes, containers or HTTP services.

Usage:
  penstock [flags]
  penstock [command]

Examples:
  penstock --config config.toml
  penstock --config config.toml --listen 127.0.0.1:8000
  penstock --config-stdin --listen 0.0.0.0:8080 < config.json

Operation Modes:
  check       Check a configuration and start nothing
  explain     Say what would become of a call, step by step
  serve       Be an example MCP server: serve calculator [--http ADDRESS]

Utilities:
  completion  Print a completion script: bash, zsh, fish or powershell
  health      Ask a running gateway whether it is well
  help        Help about any command

";

const LAST_FLAGS: &str = "  -h, --help                             \
Help for penstock
  -v, --verbose count                    More to read on stderr: -vv debug, -vvv everything
      --version                          The version

Use \"penstock [command] --help\" for more information about a command.
";

const CHECK: &str = "\
Check a configuration: report every problem with its place, start nothing.

Usage:
  penstock check --config FILE
  penstock check --config-stdin < config.json

";

const EXPLAIN: &str = "\
Say what would become of a call: who asks, under which policy, what the guard and the
monitor say, what is left of the answer. Nothing is called and nothing is started.

Usage:
  penstock explain CALL --config FILE [--json]
  penstock explain - --config FILE < call.json

CALL is a file with an object: server, tool, arguments; perhaps agent (the place of its key,
such as 1), result (what the tool answers), labels (secrecy and integrity that the agent
carries already) and backend (what tools answer when the guard asks them, by name).

";

const SERVE: &str = "\
Be an example MCP server, on stdin and stdout or over HTTP.

Usage:
  penstock serve calculator [--http ADDRESS]
";

const HEALTH: &str = "\
Ask a running gateway for its health; the exit status is 0 if it is well.

Usage:
  penstock health [URL]
";

const COMPLETION: &str = "\
Print a completion script on stdout.

Usage:
  penstock completion bash|zsh|fish|powershell
";
