// SPDX-License-Identifier: MIT
//! What watches over a server: from its policy and its guard to `snapshot::Watch`.
//!
//! ```text
//!  policy ── a sink's ──> WriteSink
//!     │
//!     └─ allow-only ──> a module found for the server, the guard that it names,
//!                       the built-in one if it is GitHub's server; else nobody could enforce it
//! ```

use std::sync::Arc;

use super::guard::GuardKind;
use super::guards::Guards;
use super::policy;
use crate::base::Message;
use crate::config::Sources;
use crate::config::diagnostics::{Problem, Report};
use crate::config::fields::{Fields, wrong_type};
use crate::gateway::snapshot::{Server, Transport, Watch, WatchKind};
use crate::policy::guard::forced;
use crate::policy::guard::rule::{Policy, label_agent_payload};
use crate::policy::guard::source::{self, Given, Source};

/// The image of GitHub's server, without tag or digest.
const GITHUB_IMAGE: &str = "ghcr.io/github/github-mcp-server";

/// Where GitHub's server stands.
const GITHUB_HOST: &str = "api.githubcopilot.com";

/// What was found for one server.
#[derive(Debug)]
pub struct Found {
    /// What watches over it.
    pub watch: Watch,
    /// Whether somebody wanted it to be watched over.
    pub is_wanted: bool,
    /// Whether somebody there enforces the policy for all servers; `None`: it has another.
    pub global: Option<bool>,
    /// Whether it depends on who can read the repository that we run for.
    pub asks_workflow: bool,
}

/// What is known of a server when its guard is chosen.
pub struct Cx<'a, 'f> {
    /// Its name.
    pub server: &'a Arc<str>,
    /// How it is reached.
    pub transport: &'a Transport,
    /// What was said about it.
    pub fields: &'a Fields<'f>,
    /// What holds for all.
    pub guards: &'a Guards,
    /// The rest of the world.
    pub sources: &'a Sources,
}

/// Chooses what watches over a server.
pub fn resolve(cx: &Cx<'_, '_>, report: &mut Report) -> Found {
    let said = said(cx, report);
    let is_said = said.is_some();
    let given = given(cx, said, report);
    let kind = kind(cx, given.as_ref().map(|given| &given.policy), report);
    let is_global = given.as_ref().is_some_and(|given| given.source.is_global());
    let is_wanted = is_said || is_global || kind != WatchKind::Noop;
    let asks_workflow = match &kind {
        WatchKind::WriteSink(_) => true,
        _ => cx.guards.is_forced && may_be_forced(cx, given.is_some()),
    };
    let (kind, given) = fit(cx, kind, given, report);
    let global = is_global.then_some(kind != WatchKind::Noop);
    Found { watch: watch(cx, kind, given), is_wanted, global, asks_workflow }
}

/// Gives each server what watches over it, if anything watches over any; says whether.
pub fn settle(
    found: Vec<Found>,
    servers: &mut [Server],
    guards: &Guards,
    report: &mut Report,
) -> bool {
    let names: Vec<&str> = servers.iter().map(|server| &*server.name).collect();
    guards.exempt().unknown(&names).into_iter().for_each(|line| report.notice(line));
    let is_watched = found.iter().any(|found| found.is_wanted);
    let is_enforced = found.iter().any(|found| found.global == Some(true));
    let left_alone = names.iter().zip(&found).filter(|(_, found)| found.global == Some(false));
    for (name, _) in left_alone {
        let why = "has no guard that could enforce the policy for all servers";
        if is_enforced || guards.options.compat {
            report.notice(format!("server \"{name}\" {why}: it gives and takes no labels"));
            continue;
        }
        report.add(
            Problem::value(&guards.global_place, None, format!("server \"{name}\" {why}"))
                .detail("No other server has one either: nothing would be enforced")
                .suggest("Set guard = \"github\" for GitHub's server, or name a wasm guard"),
        );
    }
    for (server, found) in servers.iter_mut().zip(found) {
        server.watch = is_watched.then(|| Arc::new(found.watch));
    }
    is_watched
}

/// The server's own policy.
fn said(cx: &Cx<'_, '_>, report: &mut Report) -> Option<Policy> {
    let item = cx.fields.item("guard_policies").filter(|item| !item.value.is_empty())?;
    if item.value.as_table().is_none() {
        report.add(wrong_type(&item.path, item.value, "object"));
        return None;
    }
    match source::of_server(&policy::node(item.value)?, cx.server) {
        Ok(Some(policy)) => return Some(policy),
        Ok(None) if cx.guards.options.compat => {
            report.notice(format!("{}: no policy is in it", item.path));
        }
        Ok(None) => {
            let why = "invalid server guard policy: policy must include allow-only or write-sink";
            policy::refuse(why, &item.path, item.value, report);
        }
        Err(why) => policy::refuse(&why, &item.path, item.value, report),
    }
    None
}

/// The policy that counts, with what the environment adds to it.
fn given(cx: &Cx<'_, '_>, said: Option<Policy>, report: &mut Report) -> Option<Given> {
    let Cx { guards, sources, .. } = *cx;
    let named = cx.fields.text("guard").and_then(|name| guards.policy(name.value));
    let mut given = source::resolve(guards.global.as_ref(), said, named, guards.options.compat);
    if let Some(Given { policy: Policy::AllowOnly(rule), .. }) = &mut given {
        source::unite(rule, &|name| sources.environment.get(name).map(String::as_str));
    }
    if !guards.is_forced {
        return given;
    }
    let (policy, source) = given.map_or((None, Source::Server), |g| (Some(g.policy), g.source));
    if !may_be_forced(cx, policy.is_some()) {
        return None;
    }
    let workflow = sources.workflow.as_ref();
    let (policy, line) = forced::public_repos(policy, workflow, source.is_global());
    line.into_iter().for_each(|line| report.notice(line));
    policy.map(|policy| Given { policy, source })
}

/// Whether a public workflow can force a policy on a server: where nobody enforces it, it would be
/// dropped again, and nobody need read of it.
fn may_be_forced(cx: &Cx<'_, '_>, has_policy: bool) -> bool {
    has_policy || kind(cx, None, &mut Report::default()) != WatchKind::Noop || is_github(cx)
}

/// Who labels the server's calls under this policy.
fn kind(cx: &Cx<'_, '_>, policy: Option<&Policy>, report: &mut Report) -> WatchKind {
    if let Some(Policy::WriteSink(sink)) = policy {
        let exempt = cx.guards.exempt();
        let workflow = cx.sources.workflow.as_ref();
        let (visibility, lines) =
            forced::sink_visibility(cx.server, sink.visibility, exempt, workflow);
        for line in lines {
            report.notice(format!("server \"{}\": {line}", cx.server));
        }
        let mut sink = sink.clone();
        sink.visibility = visibility;
        return WatchKind::WriteSink(sink);
    }
    let discovered = (cx.sources.discovered)(cx.server).unwrap_or_else(|why| {
        report.notice(format!("server \"{}\": {why}", cx.server));
        None
    });
    if let Some(path) = discovered {
        let path = path.to_string_lossy().into();
        return WatchKind::Wasm { name: Arc::clone(cx.server), path, sha256: None };
    }
    if let Some(name) = cx.fields.text("guard").filter(|name| !name.value.is_empty()) {
        match cx.guards.kind(name.value) {
            Ok(GuardKind::Noop) => return WatchKind::Noop,
            Ok(GuardKind::GitHub) => return WatchKind::GitHub,
            Ok(GuardKind::Wasm { path, sha256 }) => {
                return WatchKind::Wasm { name: name.value.into(), path, sha256 };
            }
            Err(why) if cx.guards.options.compat => {
                report.notice(format!("server \"{}\": {why}; it has no guard", cx.server));
                return WatchKind::Noop;
            }
            Err(why) => report.add(
                Problem::value(name.path, Some(name.span), why)
                    .suggest("Name a guard of the table 'guards', 'github' or 'noop'"),
            ),
        }
    }
    if policy.is_some() && is_github(cx) { WatchKind::GitHub } else { WatchKind::Noop }
}

/// Whether this is GitHub's own server.
fn is_github(cx: &Cx<'_, '_>) -> bool {
    let is_image = |word: &str| {
        let name = word.split('@').next().unwrap_or_default();
        name == GITHUB_IMAGE || name.strip_prefix(GITHUB_IMAGE).is_some_and(|r| r.starts_with(':'))
    };
    &**cx.server == "github"
        || match cx.transport {
            Transport::Http(target) => target.host.eq_ignore_ascii_case(GITHUB_HOST),
            Transport::Stdio(command) => command.args.iter().any(|word| is_image(word)),
        }
}

/// A guard needs a policy, and a policy somebody who enforces it.
fn fit(
    cx: &Cx<'_, '_>,
    kind: WatchKind,
    given: Option<Given>,
    report: &mut Report,
) -> (WatchKind, Option<Given>) {
    let is_compat = cx.guards.options.compat;
    let server = cx.server;
    match (&kind, &given) {
        (WatchKind::GitHub | WatchKind::Wasm { .. }, None) => {
            let why = format!("server \"{server}\" has a guard and no policy");
            match cx.fields.text("guard").filter(|name| !name.value.is_empty() && !is_compat) {
                Some(name) => report.add(
                    Problem::value(name.path, Some(name.span), why)
                        .suggest("Add 'guard-policies' to the server or 'policy' to the guard"),
                ),
                None => report.notice(format!("{why}: nothing is enforced")),
            }
            (WatchKind::Noop, None)
        }
        (WatchKind::Noop, Some(Given { policy: Policy::AllowOnly(_), source }))
            if !source.is_global() =>
        {
            let why = format!(
                "server \"{server}\" has an allow-only policy and no guard that could enforce it"
            );
            if is_compat {
                report.notice(format!("{why}: nothing is enforced"));
            } else {
                let item = cx.fields.item("guard_policies").or_else(|| cx.fields.item("guard"));
                let (path, span) =
                    item.map_or((cx.fields.path.clone(), cx.fields.span), |i| (i.path, i.span));
                report.add(Problem::value(path, Some(span), why).suggest(
                    "Set guard = \"github\" if it is GitHub's server, name a wasm guard, or remove \
                     the policy",
                ));
            }
            (kind, given)
        }
        _ => (kind, given),
    }
}

fn watch(cx: &Cx<'_, '_>, kind: WatchKind, given: Option<Given>) -> Watch {
    let options = &cx.guards.options;
    let (mut payload, mut tool_limits) = (Vec::new(), Vec::new());
    if let Some(Given { policy: Policy::AllowOnly(rule), .. }) = &given {
        payload = label_agent_payload(rule, &options.trusted_bots);
        tool_limits = rule.limits().cloned().collect();
    }
    // With `compat` a guard's own mode wins, and the mode only counts where there is no policy.
    let is_asked = if options.compat { given.is_none() } else { options.mode_is_set };
    let may_call = may_call(cx, &kind);
    let enforcement = cx.fields.text("guard_enforcement");
    Watch {
        kind,
        source: given.as_ref().map(|given| given.source),
        policy: given.map(|given| given.policy),
        payload: Message::new(payload),
        tool_limits: tool_limits.into(),
        may_call: may_call.into(),
        mode: is_asked.then_some(options.mode),
        shadow: enforcement.is_some_and(|word| word.value == "shadow"),
    }
}

/// What was said of the guard that was chosen, and of no other one.
fn may_call<'a>(cx: &Cx<'a, '_>, kind: &WatchKind) -> &'a [Box<str>] {
    let named = cx.fields.text("guard").map_or("", |name| name.value);
    match kind {
        WatchKind::Noop | WatchKind::WriteSink(_) => &[],
        WatchKind::GitHub if named.is_empty() => cx.guards.may_call("github", &GuardKind::GitHub),
        WatchKind::GitHub => cx.guards.may_call(named, &GuardKind::GitHub),
        WatchKind::Wasm { name, path, sha256 } => {
            let kind = GuardKind::Wasm { path: path.clone(), sha256: *sha256 };
            cx.guards.may_call(name, &kind)
        }
    }
}
