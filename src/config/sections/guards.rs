// SPDX-License-Identifier: MIT
//! What holds for all guards: the mode, the policy for all servers, what a public workflow forces.

use std::sync::Arc;

use super::guard::{self, Guard, GuardKind};
use crate::config::diagnostics::{Problem, Report};
use crate::config::fields::Fields;
use crate::config::{Sources, env, forge};
use crate::gateway::snapshot::{GuardOptions, HttpTarget, Server, WatchKind};
use crate::policy::guard::Mode;
use crate::policy::guard::forced::{self, Exempt};
use crate::policy::guard::rule::Policy;
use crate::policy::guard::source::{self, Given, OVERRIDES};

/// The variable that turns the forcing of public repositories off.
const FORCE: &str = "MCP_GATEWAY_FORCE_PUBLIC_REPOS";

/// Everything that servers need to know to choose what watches over them.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    /// For the snapshot.
    pub options: GuardOptions,
    /// The policy for all servers.
    pub global: Option<Given>,
    /// The flag or variable that says it.
    pub global_place: String,
    /// Whether a public workflow reads public repositories alone.
    pub is_forced: bool,
    force_public_repos: Option<bool>,
    exempt: Vec<Box<str>>,
    guards: Vec<Guard>,
}

impl Guards {
    /// The guard that servers call `name`, from the table or built in.
    ///
    /// # Errors
    ///
    /// Why it cannot be used.
    pub fn kind(&self, name: &str) -> Result<GuardKind, String> {
        match (self.find(name), name) {
            (Some(guard), _) => guard.kind.clone(),
            (None, "noop") => Ok(GuardKind::Noop),
            (None, "github") => Ok(GuardKind::GitHub),
            (None, _) => Err(format!("unknown guard type: {name}")),
        }
    }

    /// The policy that the guard `name` brings along.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&Policy> {
        self.find(name)?.policy.as_ref()
    }

    /// What the guard `name` may call beside what only reads, if it is of this kind.
    #[must_use]
    pub fn may_call(&self, name: &str, kind: &GuardKind) -> &[Box<str>] {
        let guard = self.find(name).filter(|guard| guard.kind.as_ref() == Ok(kind));
        guard.map_or(&[], |guard| &guard.may_call)
    }

    fn find(&self, name: &str) -> Option<&Guard> {
        self.guards.iter().find(|guard| *guard.name == *name)
    }

    /// The servers without the default visibility of sinks.
    #[must_use]
    pub fn exempt(&self) -> Exempt<'_> {
        Exempt { force_public_repos: self.force_public_repos, servers: &self.exempt }
    }
}

/// Reads the keys of the document and of the gateway, the flags and the variables.
pub fn resolve(
    top: &Fields<'_>,
    gateway: Option<&Fields<'_>>,
    sources: &Sources,
    report: &mut Report,
) -> Guards {
    let compat = top.flag("guards_compat");
    let table = guard::resolve_all(top.item("guards").as_ref(), compat, sources, report);
    let compat = compat.or(table.compat).unwrap_or(false);
    let mode = mode(top, sources, report);
    let force_public_repos = gateway.and_then(|fields| fields.flag("force_public_repos"));
    let variable = sources.environment.get(FORCE).and_then(|text| env::parse_flag(text));
    let boxes = |name| {
        let texts = gateway.map(|fields| fields.texts(name)).unwrap_or_default();
        texts.iter().map(|text| text.value.trim().into()).collect()
    };
    Guards {
        options: GuardOptions {
            mode: mode.unwrap_or_default(),
            mode_is_set: mode.is_some(),
            compat,
            sinks: sinks(sources, report),
            forge: None,
            is_enabled: false,
            trusted_bots: boxes("trusted_bots"),
        },
        global: global(sources, report),
        global_place: global_place(sources),
        is_forced: forced::is_forced(force_public_repos, variable, compat),
        force_public_repos,
        exempt: boxes("sink_visibility_exempt_servers"),
        guards: table.guards,
    }
}

/// The forge that guards may ask, if any would.
pub fn forge(
    servers: &[Server],
    sources: &Sources,
    report: &mut Report,
) -> Option<Arc<HttpTarget>> {
    let asks = |server: &Server| {
        let kind = server.watch.as_deref().map(|watch| &watch.kind);
        matches!(kind, Some(WatchKind::GitHub | WatchKind::Wasm { .. }))
    };
    let is_asked = servers.iter().any(asks);
    if (is_asked || sources.workflow.is_some())
        && let Some(token) = forge::token(&sources.environment)
    {
        report.keep_secret(token);
    }
    match forge::target(&sources.environment) {
        Ok(target) => target.filter(|_| is_asked).map(Arc::new),
        Err(why) => {
            if is_asked {
                report.notice(format!("{why}; guards do without the forge"));
            }
            None
        }
    }
}

/// The mode that was asked for: by the flag, else by the variable, else by the key.
fn mode(top: &Fields<'_>, sources: &Sources, report: &mut Report) -> Option<Mode> {
    const VARIABLE: &str = "MCP_GATEWAY_GUARDS_MODE";
    if let Some(said) = sources.flags.get("guards-mode") {
        return Mode::of(said.trim()).map(Some).unwrap_or_else(|why| {
            let message = format!("invalid --guards-mode flag: {why}");
            report.add(Problem::value("--guards-mode", None, message));
            None
        });
    }
    let variable = sources.environment.get(VARIABLE).filter(|said| !said.trim().is_empty());
    if let Some(said) = variable {
        // Images set it for everyone: the strictest mode is safe, and the notice says why.
        return Some(Mode::of(said.trim()).unwrap_or_else(|why| {
            report.notice(format!("{VARIABLE}: {why}; strict is used"));
            Mode::Strict
        }));
    }
    let key = top.text("guards_mode").filter(|key| !key.value.is_empty())?;
    match Mode::of(key.value.trim()) {
        Ok(mode) => Some(mode),
        Err(why) => {
            report.add(
                Problem::value(key.path, Some(key.span), why)
                    .suggest("Use 'strict', 'filter' or 'propagate'"),
            );
            None
        }
    }
}

/// The policy for all servers.
fn global(sources: &Sources, report: &mut Report) -> Option<Given> {
    let flag = |name: &str| sources.flags.get(name);
    let variable = |name: &str| sources.environment.get(name).map(String::as_str);
    match source::global(&flag, &variable) {
        Ok(given) => given,
        Err(why) => {
            let (first, rest) = why.split_once("\nSuggestion: ").unwrap_or((&why, ""));
            let problem = Problem::value(global_place(sources), None, first);
            report.add(if rest.is_empty() { problem } else { problem.suggest(rest) });
            None
        }
    }
}

/// Who says the policy for all servers: a flag, else a variable.
fn global_place(sources: &Sources) -> String {
    let flag = OVERRIDES.iter().find(|(name, _)| sources.flags.get(name).is_some());
    let is_set = |name: &str| sources.environment.get(name).is_some_and(|v| !v.trim().is_empty());
    match (flag, OVERRIDES.iter().find(|(_, variable)| is_set(variable))) {
        (Some((name, _)), _) => format!("--{name}"),
        (None, Some((_, variable))) => (*variable).to_owned(),
        (None, None) => OVERRIDES[0].1.to_owned(),
    }
}

/// The servers whose log records carry labels.
fn sinks(sources: &Sources, report: &mut Report) -> Vec<Box<str>> {
    let variable = sources.environment.get("MCP_GATEWAY_GUARDS_SINK_SERVER_IDS");
    let flag = sources.flags.get("guards-sink-server-ids");
    let said = flag.or(variable.map(String::as_str)).unwrap_or_default();
    let mut sinks: Vec<Box<str>> = Vec::new();
    for id in said.split(',').map(str::trim).filter(|id| !id.is_empty()) {
        if id.contains(char::is_whitespace) {
            let message = format!(
                "invalid --guards-sink-server-ids value: invalid guards sink server ID \"{id}\": \
                 whitespace is not allowed"
            );
            report.add(
                Problem::value("--guards-sink-server-ids", None, message)
                    .suggest("Write names of servers with commas between"),
            );
        } else if !sinks.iter().any(|other| **other == *id) {
            sinks.push(id.into());
        }
    }
    sinks
}
