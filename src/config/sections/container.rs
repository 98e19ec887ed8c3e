// SPDX-License-Identifier: MIT
//! Servers that run as children: the command line of a container runtime, or a plain command, and
//! what they see of the environment.

use std::sync::Arc;
use std::time::Duration;

use super::gateway::{Overall, program_name};
use super::image::is_image;
use super::launcher;
use super::mount::Policy;
use super::options;
use crate::base::Secret;
use crate::config::Sources;
use crate::config::diagnostics::{Problem, Report};
use crate::config::env::{self, Environment};
use crate::config::fields::Fields;
use crate::config::raw::{Format, Sourced};
use crate::gateway::snapshot::{ChildCommand, ContainerCare};

/// From closing a child's stdin to SIGTERM.
const LEAVE_AFTER_MAX: Duration = Duration::from_secs(2);

/// From SIGTERM to SIGKILL. Together with the above it fits into the ten seconds that
/// `docker stop` gives the gateway: what is left after them is an orphan.
const TERM_AFTER_MAX: Duration = Duration::from_secs(4);

/// Set in every container: servers write for a pipe, not for a terminal.
const PIPE_VARIABLES: [&str; 3] = ["NO_COLOR=1", "TERM=dumb", "PYTHONUNBUFFERED=1"];

/// What a server that runs as a child is made from.
pub struct Cx<'a> {
    /// What was said about it.
    pub fields: &'a Fields<'a>,
    /// Its name.
    pub server: Arc<str>,
    /// What holds for all.
    pub overall: &'a Overall,
    /// The world around it.
    pub sources: &'a Sources,
    /// What containers may mount.
    pub policy: &'a Policy<'a>,
}

/// A child, and why it must not be started, if it must not.
pub struct Child {
    /// How to start it.
    pub command: ChildCommand,
    /// Why not.
    pub broken: Option<String>,
}

/// Reads a server that is a container or a command.
pub fn resolve(cx: &Cx<'_>, report: &mut Report) -> Option<Child> {
    let image = cx.fields.text("container");
    let command = cx.fields.text("command");
    match (image, command) {
        (Some(image), None) => container(cx, &image, report),
        (None, Some(command)) => plain(cx, &command, report),
        (Some(_), Some(command)) => {
            let message = "a server has either 'container' or 'command', not both";
            report.add(Problem::shape(command.path, Some(command.span), message));
            None
        }
        (None, None) => {
            missing(cx, report);
            None
        }
    }
}

fn missing(cx: &Cx<'_>, report: &mut Report) {
    let Fields { path, span, .. } = cx.fields;
    if report.is_misspelled(path, &["container", "command", "url"]) {
        return;
    }
    let (name, suggestion) = match cx.sources.format {
        Format::Json => ("container", "Add \"container\" with the image of the server"),
        Format::Toml => ("command", "Add a command, a container or, for an HTTP server, a url"),
    };
    report.add(
        Problem::value(path, Some(*span), format!("'{name}' is required for stdio servers"))
            .detail(format!("Missing required field(s): {name}"))
            .suggest(suggestion),
    );
}

/// Builds the command line of the runtime for an image.
fn container(cx: &Cx<'_>, image: &Sourced<&str>, report: &mut Report) -> Option<Child> {
    let fields = cx.fields;
    if !is_image(image.value) {
        let message = format!("container '{}' does not match required pattern", image.value);
        report.add(
            Problem::value(&image.path, Some(image.span), message)
                .suggest("Write it as in ghcr.io/owner/image:tag or image@sha256:<64 digits>"),
        );
        return None;
    }
    let extra: Vec<&str> = fields.texts("args").into_iter().map(|arg| arg.value).collect();
    let given = options::parse_all(&extra);
    let mut line = Line { args: vec!["run".into()], env: inherited(cx, true) };
    line.push("--rm -i");
    if !options::has(&given, "--log-driver") {
        line.push(&format!("--log-driver {}", cx.overall.log_driver));
    }
    line.push(&format!("--label penstock.server={}", cx.server));
    line.push(&format!("--label penstock.instance={}", cx.sources.instance));
    for variable in PIPE_VARIABLES {
        line.push(&format!("-e {variable}"));
    }
    if let Some(entrypoint) = fields.text("entrypoint") {
        if entrypoint.value.trim().is_empty() {
            let message = "entrypoint cannot be empty or whitespace only";
            report.add(Problem::value(&entrypoint.path, Some(entrypoint.span), message));
        }
        line.args.extend(["--entrypoint".into(), entrypoint.value.into()]);
    }
    let mounts = fields.texts("mounts");
    for mount in &mounts {
        if let Err(why) = check_mount(mount) {
            report.add(why);
        }
        line.args.extend(["-v".into(), mount.value.into()]);
    }
    container_env(cx, &mut line, report);
    pass_by_name(cx, &given, &mut line.env, report);
    line.args.extend(extra.iter().map(|&arg| arg.into()));
    line.args.push(image.value.into());
    line.args.extend(fields.texts("entrypoint_args").iter().map(|arg| arg.value.into()));

    let volumes: Vec<&str> = mounts.iter().flat_map(|mount| ["-v", mount.value]).collect();
    let refused = cx.policy.check(&options::parse(&volumes).0);
    let broken = refused.and_then(|()| cx.policy.check(&given)).err();
    notices(cx, &given, !mounts.is_empty(), report);

    let runtime = &cx.overall.runtime;
    let runtime_args: Vec<Box<str>> = runtime.args.iter().map(|arg| arg.as_str().into()).collect();
    let run_at = runtime_args.len();
    let has_cidfile = options::has(&given, "--cidfile");
    let plan = launcher::plan(&line.args[1..], fields, cx.overall, report);
    let care = (!has_cidfile).then(|| ContainerCare {
        runtime: runtime.program.as_str().into(),
        runtime_args: runtime_args.clone(),
        cidfile_at: run_at + 1,
        plan,
    });
    keep_secret_args(&line.args, report);
    let args = runtime_args.into_iter().chain(line.args).collect();
    Some(Child { command: child(cx, &runtime.program, args, line.env, care), broken })
}

/// The `env` of a container: values go into the environment of the runtime's command line and only
/// names into its arguments, where everybody on the machine can read them.
fn container_env(cx: &Cx<'_>, line: &mut Line, report: &mut Report) {
    for name in cx.fields.texts("env_passthrough") {
        line.args.extend(["-e".into(), name.value.into()]);
        pass(cx, name.value, &mut line.env, report);
    }
    for (name, value, is_expanded) in cx.fields.text_map("env") {
        check_name(name, &value, report);
        if value.value.is_empty() && !is_expanded && cx.sources.format == Format::Json {
            line.args.extend(["-e".into(), name.into()]);
            pass(cx, name, &mut line.env, report);
            continue;
        }
        keep_secret(name, value.value, is_expanded, report);
        if env::steers_runtime(name) {
            line.args.extend(["-e".into(), format!("{name}={}", value.value).into()]);
        } else {
            line.args.extend(["-e".into(), name.into()]);
            line.env.insert(name.to_owned(), value.value.to_owned());
        }
    }
}

/// A command as it is written; `docker run …` is recognised.
fn plain(cx: &Cx<'_>, command: &Sourced<&str>, report: &mut Report) -> Option<Child> {
    let fields = cx.fields;
    for name in ["entrypoint", "entrypoint_args", "mounts"] {
        if let Some(item) = fields.item(name) {
            let message = format!("'{name}' needs a 'container'");
            report.add(Problem::shape(item.path, Some(item.span), message));
        }
    }
    let mut args: Vec<Box<str>> = fields.texts("args").iter().map(|arg| arg.value.into()).collect();
    let is_runtime = ["docker", "podman", "nerdctl"].contains(&program_name(command.value))
        || command.value == cx.overall.runtime.program;
    let run_at = if is_runtime { run_at(&args) } else { None };
    if cx.overall.require_containers && run_at.is_none() {
        let message = format!(
            "server '{}': stdio servers must use containerized execution (command must be '{}', \
             got '{}'). This is required by MCP Gateway Specification Section 3.2.1 \
             (Containerization Requirement)",
            cx.server, cx.overall.runtime.program, command.value
        );
        report.add(
            Problem::value(&command.path, Some(command.span), message)
                .suggest("Use a container, or remove gateway.require_containers"),
        );
    }
    let mut environment = inherited(cx, is_runtime);
    for name in fields.texts("env_passthrough") {
        pass(cx, name.value, &mut environment, report);
    }
    let (mut care, mut broken) = (None, None);
    if let Some(at) = run_at {
        let words: Vec<String> = args[at + 1..].iter().map(ToString::to_string).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (given, _) = options::parse(&words);
        pass_by_name(cx, &given, &mut environment, report);
        broken = cx.policy.check(&given).err();
        notices(cx, &given, false, report);
        care = (!options::has(&given, "--cidfile")).then(|| ContainerCare {
            runtime: command.value.into(),
            runtime_args: args[..at].to_vec(),
            cidfile_at: at + 1,
            plan: None,
        });
        let knows_none = ["docker", "podman"].contains(&program_name(command.value));
        if knows_none && !options::has(&given, "--log-driver") {
            let driver = [Box::from("--log-driver"), cx.overall.log_driver.as_str().into()];
            args.splice(at + 1..at + 1, driver);
        }
    }
    for (name, value, is_expanded) in fields.text_map("env") {
        check_name(name, &value, report);
        keep_secret(name, value.value, is_expanded, report);
        environment.insert(name.to_owned(), value.value.to_owned());
    }
    keep_secret_args(&args, report);
    let program = if command.value == "self" { &cx.sources.program } else { command.value };
    Some(Child { command: child(cx, program, args, environment, care), broken })
}

/// Where `run` stands: the first word of a runtime's command line that is no option.
fn run_at(args: &[Box<str>]) -> Option<usize> {
    let at = args.iter().position(|arg| &**arg == "run")?;
    let is_option_or_value = |index: usize| {
        args[index].starts_with('-')
            || &*args[index] == "container"
            || index.checked_sub(1).is_some_and(|before| args[before].starts_with('-'))
    };
    (0..at).all(is_option_or_value).then_some(at)
}

struct Line {
    args: Vec<Box<str>>,
    env: Environment,
}

impl Line {
    /// Adds words that are separated by blanks and hold none themselves.
    fn push(&mut self, words: &str) {
        self.args.extend(words.split(' ').map(Box::from));
    }
}

fn child(
    cx: &Cx<'_>,
    program: &str,
    args: Vec<Box<str>>,
    environment: Environment,
    container: Option<ContainerCare>,
) -> ChildCommand {
    ChildCommand {
        server: Arc::clone(&cx.server),
        program: program.into(),
        args,
        env: environment
            .into_iter()
            .map(|(name, value)| (name.into(), Secret::new(value.as_bytes())))
            .collect(),
        cwd: cx.fields.text("working_directory").map(|dir| dir.value.into()),
        container,
        leave_after_max: LEAVE_AFTER_MAX,
        term_after_max: TERM_AFTER_MAX,
    }
}

fn inherited(cx: &Cx<'_>, for_runtime: bool) -> Environment {
    env::inherited(&cx.sources.environment, for_runtime)
}

/// Passes our variable `name` on; its value is a secret as far as we can know.
fn pass(cx: &Cx<'_>, name: &str, environment: &mut Environment, report: &mut Report) {
    match cx.sources.environment.get(name) {
        Some(value) => {
            keep_secret(name, value, true, report);
            environment.insert(name.to_owned(), value.clone());
        }
        None => report.notice(format!(
            "server {}: Env passthrough for {name} requested but NOT FOUND in the environment",
            cx.server
        )),
    }
}

fn pass_by_name(
    cx: &Cx<'_>,
    given: &[options::Given<'_>],
    environment: &mut Environment,
    report: &mut Report,
) {
    let configured = cx.fields.text_map("env");
    for name in options::passed_by_name(given) {
        if !configured.iter().any(|(other, ..)| *other == name) {
            pass(cx, name, environment, report);
        }
    }
}

/// A path or a truth value is no secret just because it came from a variable; masking it would make
/// logs unreadable.
fn keep_secret(name: &str, value: &str, is_expanded: bool, report: &mut Report) {
    let is_plain = value.starts_with('/')
        || ["true", "false", "localhost"].contains(&value)
        || env::BASE.contains(&name);
    if env::looks_secret(name) || (is_expanded && !is_plain) {
        report.keep_secret(value);
    }
}

/// `NAME=value`, `--token=value` and `--token value`.
fn keep_secret_args(args: &[Box<str>], report: &mut Report) {
    let mut before: &str = "";
    for arg in args {
        let assigned = arg.strip_prefix("--env=").unwrap_or(arg);
        match assigned.split_once('=') {
            Some((name, value)) => keep_secret(name, value, false, report),
            None if before.starts_with('-') && !arg.starts_with(['-', '/']) => {
                keep_secret(before, arg, false, report);
            }
            None => {}
        }
        before = arg;
    }
}

fn check_name(name: &str, value: &Sourced<&str>, report: &mut Report) {
    if name.is_empty() || name.contains(['=', '\0']) || value.value.contains('\0') {
        let message = format!("'{}' cannot be a variable", name.escape_debug());
        report.add(Problem::value(&value.path, Some(value.span), message));
    }
}

fn check_mount(mount: &Sourced<&str>) -> Result<(), Problem> {
    super::mount::check_syntax(mount.value).map_err(|why| {
        Problem::value(&mount.path, Some(mount.span), why)
            .suggest("Use the format 'source:dest:mode' with absolute paths and mode 'ro' or 'rw'")
    })
}

fn notices(cx: &Cx<'_>, given: &[options::Given<'_>], has_mounts: bool, report: &mut Report) {
    let is_volume = |name: &str| name == "-v" || name == "--volume";
    let has_mounts = has_mounts || given.iter().any(|option| is_volume(&option.name));
    if has_mounts && !cx.policy.is_enforced() {
        report.notice(
            "mounts are not restricted: set MCP_GATEWAY_ALLOWED_MOUNT_ROOTS to the directories \
             that containers may mount",
        );
    }
    let is_network = |name: &str| name == "--network" || name == "--net";
    if given.iter().any(|option| is_network(&option.name) && option.value == Some("host")) {
        report.notice(format!("server {}: runs in the network of the host", cx.server));
    }
}
