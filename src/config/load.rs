// SPDX-License-Identifier: MIT
//! The order in which a configuration is read, and what is decided from several sources at once.

use super::diagnostics::{Problem, Report};
use super::keys::{Place, Section};
use super::raw::{Format, Item, Value};
use super::sections::{auth, budgets, client, gateway, guards, refused, server, view};
use super::{
    ClientConfigFacts, ClientServer, Diagnostics, Loaded, RunOptions, Sources, env, fields::Fields,
};
use super::{json, toml};
use crate::base::{Secret, Span};
use crate::gateway::snapshot::{GuardOptions, Snapshot};

const UNDEFINED: &str = "undefined environment variable referenced";

/// Shorter values are not treated as secrets: replacing them would make logs unreadable.
const SECRET_BYTES_MIN: usize = 6;

/// Reads a configuration, with everything that flags and variables say about it.
///
/// Errors: all problems at once, unless the text cannot be parsed at all.
pub fn load(sources: &Sources) -> Result<Loaded, Diagnostics> {
    let mut report = Report::default();
    let loaded = match parse(sources) {
        Ok(root) => read(root, sources, &mut report),
        Err(problems) => {
            report.problems = problems;
            None
        }
    };
    match loaded {
        Some(loaded) if report.problems.is_empty() => Ok(finish(loaded, report, sources)),
        _ => {
            let Report { mut problems, masked, unexpanded, .. } = report;
            problems.retain(|problem| {
                let is_echo = problem.span.is_some_and(|span| unexpanded.contains(&span));
                !is_echo || problem.message.starts_with(UNDEFINED)
            });
            Err(Diagnostics::new(&sources.name, &sources.text, masked, problems))
        }
    }
}

fn parse(sources: &Sources) -> Result<Item, Vec<Problem>> {
    if sources.format == Format::Json && sources.text.trim().is_empty() {
        let message = "stdin was empty: add -i to docker run, or redirect a file into it";
        return Err(vec![
            Problem::shape("", None, message).suggest("docker run -i … < config.json"),
        ]);
    }
    match sources.format {
        Format::Toml => toml::parse(&sources.text),
        Format::Json => json::parse(&sources.text).map_err(|problem| vec![problem]),
    }
}

fn read(mut root: Item, sources: &Sources, report: &mut Report) -> Option<Loaded> {
    mask(&root, false, &sources.text, report);
    expand(&mut root, sources, report);
    let format = sources.format;
    let place = Place { section: Section::Top, path: "", format };
    let top = Fields::read(&root, place, report);
    refused::flags(sources, report);
    let section = top.item("gateway");
    let fields = section.as_ref().map(|item| {
        let place = Place { section: Section::Gateway, path: &item.path, format };
        Fields::read(item.value, place, report)
    });
    let overall = gateway::resolve(fields.as_ref(), sources, report);
    let clients = client::resolve_all(top.item("clients").as_ref(), format, report);
    let guards = guards::resolve(&top, fields.as_ref(), sources, report);
    let auth = auth::resolve(fields.as_ref(), &clients, &overall.listen, sources, report);
    let servers = match &top.item("servers") {
        Some(item) => server::resolve_all(item, &overall, &guards, sources, report),
        None => {
            missing_servers(root.span, format, report);
            server::Servers::default()
        }
    };
    let views = view::resolve_all(top.item("views").as_ref(), &servers.servers, format, report);
    let named = budgets::Named { servers: &servers.servers, clients: &clients, auth: &auth };
    let budgets = budgets::resolve(top.item("budgets").as_ref(), &named, format, report);
    if !report.problems.is_empty() {
        return None;
    }
    let forge = guards::forge(&servers.servers, sources, report);
    let run = RunOptions {
        listen: overall.listen.clone(),
        threads: overall.threads,
        log_dir: gateway::log_dir(sources),
        logs: overall.logs,
        shutdown_timeout: gateway::shutdown_timeout(sources),
        debug: gateway::debug(sources, report),
        has_generated_agent: auth.is_generated,
        client_config: client_facts(&auth, servers.client, sources),
        source: sources.name.clone(),
        validate_env: sources.flags.is_on("validate-env"),
        missing_variables: gateway::missing_variables(sources),
        runtime: overall.runtime.clone(),
        uses_containers: servers.uses_containers,
        engine: overall.launcher.engine(servers.has_plans, sources),
        ca_file: gateway::ca_file(sources),
        asks_workflow: servers.asks_workflow,
        sandbox: overall.sandbox,
    };
    let snapshot = Snapshot {
        views,
        servers: servers.servers,
        auth: auth.options,
        responses: auth.responses,
        schemas: auth.schemas,
        session_timeout: overall.session_timeout,
        close_timeout: gateway::CLOSE_TIMEOUT,
        websocket: overall.websocket,
        metrics: overall.metrics,
        tolerance: overall.tolerance,
        budgets: budgets.into(),
        guards: GuardOptions { is_enabled: servers.is_watched, forge, ..guards.options },
        limits: overall.limits,
        version: super::VERSION.into(),
    };
    Some(Loaded { snapshot, run, notices: vec![], secrets: vec![], broken: servers.broken })
}

fn client_facts(
    auth: &auth::Auth,
    servers: Vec<ClientServer>,
    sources: &Sources,
) -> ClientConfigFacts {
    let agent = auth.options.agents.first().cloned();
    ClientConfigFacts { agent, servers, unified: sources.flags.is_on("unified") }
}

/// What can only be said when everything else is known.
fn finish(mut loaded: Loaded, report: Report, sources: &Sources) -> Loaded {
    let Report { mut notices, ignored, mut secrets, .. } = report;
    if !ignored.is_empty() {
        notices.push(format!("accepted without effect in this version: {}", ignored.join(", ")));
    }
    secrets.extend(
        loaded
            .snapshot
            .auth
            .agents
            .iter()
            .filter_map(|agent| std::str::from_utf8(agent.expose()).ok().map(str::to_owned)),
    );
    secrets.retain(|secret| secret.len() >= SECRET_BYTES_MIN);
    // The longest first: one that contains another must be replaced before it.
    secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    secrets.dedup();
    loaded.secrets = secrets.iter().map(|secret| Secret::new(secret.as_bytes())).collect();
    loaded.notices = notices;
    debug_assert!(sources.name == loaded.run.source);
    loaded
}

fn missing_servers(span: Span, format: Format, report: &mut Report) {
    let start = Span::new(span.start as usize, span.start as usize);
    report.add(match format {
        Format::Json => Problem::shape("", Some(start), "'mcpServers' is missing")
            .detail("Missing required field(s): mcpServers")
            .suggest("Add the required field(s) to your configuration"),
        Format::Toml => Problem::shape("", Some(start), "no servers defined in configuration")
            .suggest("Add a table such as [servers.calculator] with a command, container or url"),
    });
}

/// Replaces `${NAME}` in every string value.
fn expand(root: &mut Item, sources: &Sources, report: &mut Report) {
    root.visit_texts("", &mut |item, path| {
        let Value::Text(text) = &item.value else { return };
        match env::expand(text, &sources.environment) {
            Ok(None) => {}
            Ok(Some(expanded)) => {
                keep_named_secrets(text, sources, report);
                item.value = Value::Text(expanded);
                item.expanded = true;
            }
            Err(missing) => {
                report.unexpanded.push(item.span);
                for name in missing {
                    report.add(undefined(&name, path, item.span));
                }
            }
        }
    });
}

/// What a variable holds that is named like a secret is one, wherever it is put.
fn keep_named_secrets(text: &str, sources: &Sources, report: &mut Report) {
    let mut rest = text;
    while let Some((start, length)) = env::find_variable(rest) {
        let name = &rest[start + 2..start + length - 1];
        if env::looks_secret(name)
            && let Some(value) = sources.environment.get(name)
        {
            report.keep_secret(value);
        }
        rest = &rest[start + length..];
    }
}

fn undefined(name: &str, path: &str, span: Span) -> Problem {
    Problem::value(path, Some(span), format!("{UNDEFINED}: {name}"))
        .detail(format!("Variable: {name}"))
        .detail("Reason: Environment variable is not defined")
        .suggest(format!("Set the environment variable {name} before starting the gateway"))
}

/// Remembers the places of values that diagnostics must not show.
fn mask(item: &Item, is_secret: bool, source: &str, report: &mut Report) {
    match &item.value {
        Value::Text(text) => {
            if is_secret || text.contains('@') || text.contains("key=") {
                mask_text(item.span, source, report);
            }
        }
        Value::List(items) => items.iter().for_each(|item| mask(item, is_secret, source, report)),
        Value::Table(members) => {
            for member in members {
                let name = member.name.to_ascii_lowercase().replace('_', "");
                let is_secret = is_secret
                    || matches!(name.as_str(), "env" | "headers" | "agentid" | "agentids")
                    || env::looks_secret(&member.name);
                mask(&member.item, is_secret, source, report);
            }
        }
        Value::Null | Value::Flag(_) | Value::Whole(_) | Value::Other(_) => {}
    }
}

/// Masks a value except for the names of variables in it: they are what one has to see.
fn mask_text(span: Span, source: &str, report: &mut Report) {
    let mut from = span.start as usize;
    let end = span.end as usize;
    while let Some(text) = source.get(from..end) {
        let Some((start, length)) = env::find_variable(text) else { break };
        report.masked.push(Span::new(from, from + start));
        from += start + length;
    }
    report.masked.push(Span::new(from, end));
}
