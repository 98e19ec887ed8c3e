// SPDX-License-Identifier: MIT
//! `gateway`: what holds for all servers, and what the process is told.

use std::path::PathBuf;
use std::time::Duration;

use super::launcher::Launcher;
use super::sandbox;
use crate::base::Limits;
use crate::config::diagnostics::{Problem, Report, nearest};
use crate::config::fields::Fields;
use crate::config::keys::{Place, Section};
use crate::config::raw::{Format, Sourced};
use crate::config::{ContainerRuntime, LogChoices, LogDetail, Sources, env};
use crate::gateway::shards::SHARDS_MAX;
use crate::gateway::snapshot::{Rule, Tolerance};
use crate::sandbox::Options;

/// How long `/close` waits for running exchanges.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

const LISTEN: &str = "127.0.0.1:3000";
const LOG_DIR: &str = "/tmp/gh-aw/mcp-logs";
const SESSION_TIMEOUT: Duration = Duration::from_secs(6 * 3600);
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
const STARTUP_TIMEOUT: Duration = Duration::from_secs(30);
const TOOL_TIMEOUT: Duration = Duration::from_secs(60);
const TOOL_TIMEOUT_MIN_S: u64 = 10;

/// What holds for all servers.
#[derive(Clone, Debug)]
pub struct Overall {
    /// Where to listen: `host:port`.
    pub listen: String,
    /// How many threads serve clients; 0: one for each processor.
    pub threads: u16,
    /// From starting a server to the end of its handshake.
    pub startup_timeout: Duration,
    /// From a request to its answer.
    pub tool_timeout: Duration,
    /// The bound on calls with progress, if one is said.
    pub tool_timeout_max: Option<Duration>,
    /// How long a session may be idle.
    pub session_timeout: Duration,
    /// Whether `/ws/{server}` is served.
    pub websocket: bool,
    /// Whether `/metrics` is served.
    pub metrics: bool,
    /// The slips of clients that are let pass.
    pub tolerance: Tolerance,
    /// The bounds.
    pub limits: Limits,
    /// What runs containers.
    pub runtime: ContainerRuntime,
    /// Who starts containers.
    pub launcher: Launcher,
    /// Whether plain commands are refused.
    pub require_containers: bool,
    /// The log driver of containers.
    pub log_driver: String,
    /// What log files hold, and who waits for them.
    pub logs: LogChoices,
    /// What is given up.
    pub sandbox: Options,
}

/// Reads the section; without it, everything has its default.
pub fn resolve(fields: Option<&Fields<'_>>, sources: &Sources, report: &mut Report) -> Overall {
    let text = |name| fields.and_then(|fields| fields.text(name));
    let duration = |name| fields.and_then(|fields| fields.duration(name));
    if let Some(fields) = fields {
        check(fields, sources, report);
    } else {
        report.notice("there is no gateway section: all its settings have their defaults");
    }
    let confined = fields.and_then(|fields| fields.item("sandbox"));
    let mut limits = Limits::DEFAULT;
    if let Some(bytes) = fields.and_then(|fields| fields.whole("max_message_bytes")) {
        limits.message_bytes_max = usize::try_from(bytes.value).unwrap_or(limits.message_bytes_max);
    }
    let runtime = runtime(fields, sources, report);
    Overall {
        listen: listen(text("listen"), sources, report),
        threads: threads(fields.and_then(|fields| fields.whole("threads")), sources, report),
        startup_timeout: duration("startup_timeout").unwrap_or(STARTUP_TIMEOUT),
        tool_timeout: duration("tool_timeout").unwrap_or_else(|| tool_timeout(sources)),
        tool_timeout_max: duration("tool_timeout_max"),
        session_timeout: duration("session_timeout").unwrap_or_else(|| session_timeout(sources)),
        websocket: fields.and_then(|f| f.flag("websocket")).unwrap_or(false),
        metrics: fields.and_then(|f| f.flag("metrics")).unwrap_or(true),
        tolerance: fields.map_or_else(Tolerance::default, |fields| tolerance(fields, report)),
        limits,
        launcher: Launcher::new(fields, &runtime, sources),
        runtime,
        require_containers: fields.and_then(|f| f.flag("require_containers")).unwrap_or(false),
        log_driver: text("log_driver").map_or("none", |driver| driver.value).to_owned(),
        logs: log_choices(fields),
        sandbox: sandbox::resolve(confined.as_ref(), sources.format, report),
    }
}

/// The rules that the key table cannot say.
fn check(fields: &Fields<'_>, sources: &Sources, report: &mut Report) {
    if sources.format == Format::Json {
        for name in ["port", "domain"] {
            if fields.item(name).is_none() {
                let path = &fields.path;
                report.notice(format!("{path}.{name} is missing; the gateway runs without it"));
            }
        }
        if let Some(domain) = fields.text("domain").filter(|domain| !is_label(domain.value)) {
            let message = format!(
                "domain '{}' must be 'localhost', 'host.docker.internal', an RFC-1123 hostname \
                 label (e.g. 'awmg-mcpg'), or a variable expression",
                domain.value
            );
            report.add(Problem::value(domain.path, Some(domain.span), message));
        }
    }
    if let Some(dir) = fields.text("payload_dir").filter(|dir| !is_absolute(dir.value)) {
        let message = format!("payloadDir must be an absolute path, got '{}'", dir.value);
        report.add(
            Problem::value(dir.path, Some(dir.span), message)
                .suggest("Use an absolute path such as /tmp/jq-payloads"),
        );
    }
    if let Some(item) = fields.item("opentelemetry") {
        telemetry(&item, sources.format, report);
    }
}

/// All rules, unless they are listed.
fn tolerance(fields: &Fields<'_>, report: &mut Report) -> Tolerance {
    if fields.item("tolerate").is_none() {
        return Tolerance::default();
    }
    let mut tolerance = Tolerance::NONE;
    for name in fields.texts("tolerate") {
        if let Some(rule) = Rule::find(name.value) {
            tolerance.add(rule);
            continue;
        }
        let known = Rule::ALL.map(Rule::name);
        let message = format!("'{}' is no slip that we know", name.value);
        let problem = Problem::value(name.path, Some(name.span), message);
        report.add(match nearest(name.value, known.into_iter()) {
            Some(near) => problem.suggest(format!("Did you mean '{near}'?")),
            None => problem.suggest(format!("Choose from '{}'", known.join("', '"))),
        });
    }
    tolerance
}

fn is_absolute(path: &str) -> bool {
    let bytes = path.as_bytes();
    let has_drive = bytes.first().is_some_and(u8::is_ascii_alphabetic);
    path.starts_with('/') || (has_drive && bytes.get(1..3) == Some(b":\\"))
}

fn is_label(domain: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    domain == "host.docker.internal"
        || (!domain.is_empty()
            && domain.bytes().all(is_inner)
            && !domain.starts_with('-')
            && !domain.ends_with('-'))
}

/// Nothing is sent anywhere yet, but a wrong section is still wrong.
fn telemetry(item: &Sourced<&crate::config::raw::Item>, format: Format, report: &mut Report) {
    let place = Place { section: Section::Telemetry, path: &item.path, format };
    let fields = Fields::read(item.value, place, report);
    match fields.text("endpoint") {
        None => report.add(
            Problem::value(
                format!("{}.endpoint", item.path),
                Some(item.span),
                "'endpoint' is required for opentelemetry servers",
            )
            .suggest("Add an http or https URL"),
        ),
        Some(endpoint) if !is_http(endpoint.value) => {
            let message = format!(
                "opentelemetry endpoint must use HTTP or HTTPS, got '{}'",
                endpoint.value.split(['?', '@']).next().unwrap_or_default()
            );
            report.add(Problem::value(endpoint.path, Some(endpoint.span), message));
        }
        Some(_) => {}
    }
    for (name, said, digits) in [("trace_id", "traceId", 32), ("span_id", "spanId", 16)] {
        let Some(id) = fields.text(name) else { continue };
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let message = if id.value.len() != digits || !id.value.bytes().all(is_hex) {
            format!(
                "{said} must be a {digits}-character lowercase hexadecimal string, got '{}'",
                id.value
            )
        } else if id.value.bytes().all(|byte| byte == b'0') {
            format!("{said} must not be all zeros (W3C Trace Context forbids it)")
        } else {
            continue;
        };
        report.add(Problem::value(id.path, Some(id.span), message));
    }
}

fn is_http(url: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme))
}

/// `--listen`, then the key, then the default; `:8080` means every address.
fn listen(key: Option<Sourced<&str>>, sources: &Sources, report: &mut Report) -> String {
    let key = key.unwrap_or(Sourced {
        value: LISTEN,
        span: crate::base::Span::default(),
        path: String::new(),
    });
    let (said, path, span) = match sources.flags.get("listen") {
        Some(flag) => (flag, "--listen".to_owned(), None),
        None => (key.value, key.path, Some(key.span)),
    };
    let split = said.rsplit_once(':').and_then(|(host, port)| {
        let is_whole = !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
        let is_clean = !host.contains(|letter: char| letter.is_whitespace() || letter == '/');
        let is_named = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        (is_whole && is_clean && is_named).then_some((host, port.parse::<u16>().ok()?))
    });
    let Some((host, port)) = split else {
        let message = format!("listen address '{said}' is not of the form host:port");
        report.add(Problem::value(path, span, message).suggest("Write it as in 127.0.0.1:3000"));
        return LISTEN.to_owned();
    };
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    format!("{host}:{port}")
}

/// `--threads`, then the variable, then the key.
fn threads(key: Option<Sourced<i64>>, sources: &Sources, report: &mut Report) -> u16 {
    const VARIABLE: &str = "PENSTOCK_THREADS";
    let variable = sources.environment.get(VARIABLE).filter(|said| !said.trim().is_empty());
    let (said, name) = match (sources.flags.get("threads"), variable) {
        (Some(flag), _) => (flag.to_owned(), "--threads"),
        (None, Some(variable)) => (variable.trim().to_owned(), VARIABLE),
        // The table of keys has checked it.
        (None, None) => return key.and_then(|key| u16::try_from(key.value).ok()).unwrap_or(1),
    };
    said.parse().ok().filter(|threads| *threads <= SHARDS_MAX).unwrap_or_else(|| {
        let message = format!("'{said}' is no number of threads");
        let problem = Problem::value(name, None, message);
        report.add(problem.suggest(format!("Choose from 0 to {SHARDS_MAX}")));
        1
    })
}

fn tool_timeout(sources: &Sources) -> Duration {
    let variable = sources.environment.get("MCP_GATEWAY_TOOL_TIMEOUT");
    let seconds = variable.and_then(|value| value.trim().parse::<u64>().ok());
    match seconds.filter(|seconds| (TOOL_TIMEOUT_MIN_S..=31_536_000).contains(seconds)) {
        Some(seconds) if sources.format == Format::Json => Duration::from_secs(seconds),
        _ => TOOL_TIMEOUT,
    }
}

fn session_timeout(sources: &Sources) -> Duration {
    variable_duration(sources, "MCP_GATEWAY_SESSION_TIMEOUT").unwrap_or(SESSION_TIMEOUT)
}

fn variable_duration(sources: &Sources, name: &str) -> Option<Duration> {
    let duration = env::parse_duration(sources.environment.get(name)?)?;
    (!duration.is_zero()).then_some(duration)
}

/// How long running exchanges get after a signal.
#[must_use]
pub fn shutdown_timeout(sources: &Sources) -> Duration {
    let flag = sources.flags.get("shutdown-timeout").and_then(env::parse_duration);
    flag.or_else(|| variable_duration(sources, "MCP_GATEWAY_SHUTDOWN_TIMEOUT"))
        .unwrap_or(SHUTDOWN_TIMEOUT)
}

fn log_choices(f: Option<&Fields<'_>>) -> LogChoices {
    let choice = |name| f.and_then(|fields| fields.text(name)).map(|text| text.value);
    let detail = match choice("logs") {
        Some("shapes") => LogDetail::Shapes,
        Some("none") => LogDetail::Nothing,
        _ => LogDetail::Payloads,
    };
    LogChoices { detail, waits: choice("logs_when_full") == Some("wait") }
}

/// Where log files go.
#[must_use]
pub fn log_dir(sources: &Sources) -> PathBuf {
    let variable = sources.environment.get("MCP_GATEWAY_LOG_DIR").filter(|dir| !dir.is_empty());
    let flag = sources.flags.get("log-dir").filter(|dir| !dir.is_empty());
    PathBuf::from(flag.or(variable.map(String::as_str)).unwrap_or(LOG_DIR))
}

/// `SSL_CERT_FILE`, unless it is empty.
#[must_use]
pub fn ca_file(sources: &Sources) -> Option<PathBuf> {
    let variable = sources.environment.get("SSL_CERT_FILE").filter(|file| !file.is_empty());
    variable.map(PathBuf::from)
}

/// The patterns of `DEBUG`: the variable wins over `-v`.
pub fn debug(sources: &Sources, report: &mut Report) -> String {
    let variable = sources.environment.get("DEBUG").filter(|patterns| !patterns.is_empty());
    if let Some(patterns) = variable {
        report.notice(format!("Logging level: DEBUG={patterns} (from environment)"));
        return patterns.clone();
    }
    let (patterns, line) = match sources.flags.verbosity {
        0 | 1 => return String::new(),
        2 => ("cmd:*,server:*,launcher:*", "debug (-vv), DEBUG=cmd:*,server:*,launcher:*"),
        _ => ("*", "trace (-vvv), DEBUG=*"),
    };
    report.notice(format!("Logging level: {line}"));
    // The names that the reference prints, and ours for the same things.
    if patterns == "*" { patterns.to_owned() } else { format!("{patterns},gateway:*,backend:*") }
}

/// What `--validate-env` asks for and is not there.
#[must_use]
pub fn missing_variables(sources: &Sources) -> Vec<&'static str> {
    let is_set = |name: &str| sources.environment.get(name).is_some_and(|v| !v.is_empty());
    let mut missing = Vec::new();
    for name in ["MCP_GATEWAY_PORT", "MCP_GATEWAY_DOMAIN", "MCP_GATEWAY_AGENT_ID"] {
        let is_renamed = name == "MCP_GATEWAY_AGENT_ID" && is_set("MCP_GATEWAY_API_KEY");
        if !is_set(name) && !is_renamed {
            missing.push(name);
        }
    }
    missing
}

/// What runs containers: `dockerless` means podman; else the variable, the name, docker; a command
/// of its own replaces the program.
fn runtime(f: Option<&Fields<'_>>, sources: &Sources, report: &mut Report) -> ContainerRuntime {
    let name = f.and_then(|fields| fields.text("container_runtime"));
    let command = f.and_then(|fields| fields.text("container_runtime_command"));
    let variable = sources.environment.get("MCP_GATEWAY_CONTAINER_RUNTIME").map(|v| v.trim());
    let variable = variable.filter(|name| ["docker", "podman"].contains(name));
    let is_dockerless = f.and_then(|fields| fields.flag("dockerless")).unwrap_or(false);
    let program = if is_dockerless {
        let must = "must be \"podman\" when gateway.dockerless is enabled";
        if let Some(name) = name.filter(|name| name.value != "podman") {
            let message = format!("gateway.containerRuntime {must}");
            report.add(Problem::value(name.path, Some(name.span), message));
        }
        if let Some(command) = command.as_ref().filter(|c| program_name(c.value) != "podman") {
            let message = "gateway.containerRuntimeCommand must resolve to \"podman\" when \
                           gateway.dockerless is enabled";
            report.add(Problem::value(&command.path, Some(command.span), message));
        }
        "podman"
    } else {
        variable.or(name.map(|name| name.value)).unwrap_or("docker")
    };
    let args = f.map(|fields| fields.texts("container_runtime_args")).unwrap_or_default();
    ContainerRuntime {
        program: command.map_or(program, |command| command.value).to_owned(),
        args: args.into_iter().map(|arg| arg.value.to_owned()).collect(),
        docker_host: sources.environment.get("DOCKER_HOST").filter(|h| !h.is_empty()).cloned(),
    }
}

/// The last part of a program's path.
#[must_use]
pub fn program_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}
