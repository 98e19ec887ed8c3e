// SPDX-License-Identifier: MIT
//! Who starts containers: the engine, asked over its socket, or the command line of the runtime.
//!
//! The engine is asked if it can be told all that the command line would be told. Whether it
//! answers is seen when the gateway runs; until then the command line stands ready.

use std::sync::Arc;
use std::time::Duration;

use super::gateway::Overall;
use crate::config::diagnostics::{Problem, Report};
use crate::config::env::Environment;
use crate::config::fields::Fields;
use crate::config::{ContainerEngine, ContainerRuntime, Sources};
use crate::docker::{Plan, run_args};

/// Where the engine listens if nothing is said.
const SOCKET: &str = "/var/run/docker.sock";

/// What is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The engine if it can, and the command line if not.
    #[default]
    Auto,
    /// The engine and nobody else.
    Api,
    /// The command line.
    Command,
}

/// What is wanted, and where the engine is or why it cannot be asked.
#[derive(Clone, Debug)]
pub struct Launcher {
    wanted: Wanted,
    socket: Result<Box<str>, String>,
    platform: Option<Box<str>>,
}

impl Launcher {
    /// From the key, its variable, and what the command line of docker would look at.
    pub fn new(f: Option<&Fields<'_>>, runtime: &ContainerRuntime, sources: &Sources) -> Self {
        let environment = &sources.environment;
        let key = f.and_then(|fields| fields.text("container_launcher"));
        let variable = environment.get("MCP_GATEWAY_CONTAINER_LAUNCHER").map(|v| v.trim());
        let said = variable.filter(|v| !v.is_empty()).or(key.as_ref().map(|key| key.value));
        let wanted = match said {
            Some("api") => Wanted::Api,
            Some("command") => Wanted::Command,
            _ => Wanted::Auto,
        };
        let platform = set(environment, "DOCKER_DEFAULT_PLATFORM").map(Box::from);
        Self { wanted, socket: socket(runtime, environment), platform }
    }

    /// The engine, if it can be asked and somebody will.
    pub fn engine(&self, is_used: bool, sources: &Sources) -> Option<ContainerEngine> {
        let socket = self.socket.as_deref().ok().filter(|_| is_used)?;
        Some(ContainerEngine { socket: socket.into(), instance: sources.instance.clone() })
    }

    /// How the engine would run what these words say behind `docker run`.
    ///
    /// Errors: why it cannot, if nobody else may.
    pub fn plan(&self, words: &[&str], start_after_max: Duration) -> Result<Option<Plan>, String> {
        let is_required = self.wanted == Wanted::Api;
        let planned = match (&self.socket, self.wanted) {
            (_, Wanted::Command) => return Ok(None),
            (Err(why), _) => Err(why.clone()),
            (Ok(_), _) => run_args::parse(words).map_err(|why| why.to_string()),
        };
        match planned {
            Ok(mut run) => {
                run.platform = run.platform.or_else(|| self.platform.clone());
                Ok(Some(Plan { run, is_required, start_after_max }))
            }
            Err(why) if is_required => Err(why),
            Err(_) => Ok(None),
        }
    }
}

/// The plan for a server with an image; a problem of it is reported.
pub fn plan(
    words: &[Box<str>],
    fields: &Fields<'_>,
    overall: &Overall,
    report: &mut Report,
) -> Option<Arc<Plan>> {
    let words: Vec<&str> = words.iter().map(|word| &**word).collect();
    let timeout = fields.duration("startup_timeout").unwrap_or(overall.startup_timeout);
    let planned = overall.launcher.plan(&words, timeout).unwrap_or_else(|why| {
        let message = format!("container_launcher is \"api\", but this is {why}");
        report.add(
            Problem::value(&fields.path, Some(fields.span), message)
                .suggest("Remove it, or say container_launcher = \"auto\""),
        );
        None
    });
    planned.map(Arc::new)
}

fn set<'e>(environment: &'e Environment, name: &str) -> Option<&'e str> {
    environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}

fn socket(runtime: &ContainerRuntime, environment: &Environment) -> Result<Box<str>, String> {
    let not = |what: String| Err(format!("not expressible: {what}"));
    if runtime.program != "docker" {
        return not(format!("the runtime {}", runtime.program));
    }
    if let Some(arg) = runtime.args.first() {
        return not(format!("container_runtime_args with {arg}"));
    }
    if set(environment, "DOCKER_CONTENT_TRUST").is_some_and(|said| said != "0") {
        return not("DOCKER_CONTENT_TRUST".to_owned());
    }
    match (&runtime.docker_host, set(environment, "DOCKER_CONTEXT")) {
        (Some(host), _) => match host.strip_prefix("unix://") {
            Some(path) if path.starts_with('/') => Ok(path.into()),
            _ => not("a DOCKER_HOST that is no unix:///path".to_owned()),
        },
        (None, Some(context)) if context != "default" => not("DOCKER_CONTEXT".to_owned()),
        (None, _) => Ok(SOCKET.into()),
    }
}
