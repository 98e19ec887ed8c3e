// SPDX-License-Identifier: MIT
//! `budgets`: how much may be done while the gateway runs.

use super::auth::Auth;
use super::client::Client;
use super::view;
use crate::config::diagnostics::{Problem, Report};
use crate::config::fields::{Fields, wrong_type};
use crate::config::keys::{Place, Section};
use crate::config::raw::{Format, Item, Member, Sourced, join};
use crate::gateway::snapshot::Server;
use crate::policy::auth::Principal;
use crate::policy::guard::budget::{Budget, FlowBudget, Limits, ToolBudget};

/// More rows are a mistake in whatever wrote the configuration.
const ROWS_MAX: usize = 1000;

/// Stands for every server, or each agent.
const ANY: &str = "*";

/// The name of agents in logs, before their place.
const AGENT: &str = "agent-";

/// Who can have a budget.
#[derive(Debug)]
pub struct Named<'c> {
    /// The servers, in order.
    pub servers: &'c [Server],
    /// The clients that have names.
    pub clients: &'c [Client],
    /// The keys.
    pub auth: &'c Auth,
}

/// Reads all budgets.
pub fn resolve(
    table: Option<&Sourced<&Item>>,
    named: &Named<'_>,
    format: Format,
    report: &mut Report,
) -> Limits {
    let mut limits = Limits::default();
    let Some(table) = table else { return limits };
    let place = Place { section: Section::Budgets, path: &table.path, format };
    let fields = Fields::read(table.value, place, report);
    if let Some(run) = fields.item("run") {
        limits.run = budget(run.value, &run.path, format, report);
    }
    for (row, path) in rows(&fields, "servers", report) {
        if !named.servers.iter().any(|server| *server.name == row.name) {
            report.add(unknown(row, &path, "is the name of no server"));
        }
        let budget = budget(&row.item, &path, format, report);
        limits.servers.push((row.name.as_str().into(), budget));
    }
    for (row, path) in rows(&fields, "tools", report) {
        let budget = budget(&row.item, &path, format, report);
        match tools(&row.name, named.servers) {
            Some((server, pattern)) => limits.tools.push(ToolBudget { server, pattern, budget }),
            None => report.add(
                unknown(row, &path, "begins with the name of no server")
                    .suggest("Write \"server.tool\", with * for any characters"),
            ),
        }
    }
    agents(&fields, named, &mut limits, format, report);
    if let Some(item) = fields.item("flow") {
        limits.flow = flow(&item, format, report);
    }
    limits
}

/// The rows of one table, with their paths.
fn rows<'i>(fields: &Fields<'i>, name: &str, report: &mut Report) -> Vec<(&'i Member, String)> {
    let Some(item) = fields.item(name) else { return Vec::new() };
    let members = item.value.as_table().unwrap_or_default();
    if members.len() > ROWS_MAX {
        let message = format!("more than {ROWS_MAX} budgets");
        report.add(Problem::value(&item.path, Some(item.span), message));
        return Vec::new();
    }
    members.iter().map(|member| (member, join(&item.path, &member.name))).collect()
}

fn agents(
    fields: &Fields<'_>,
    named: &Named<'_>,
    limits: &mut Limits,
    format: Format,
    report: &mut Report,
) {
    for (row, path) in rows(fields, "agents", report) {
        if row.name == ANY {
            limits.each_agent = budget(&row.item, &path, format, report);
            continue;
        }
        let table = path.strip_suffix(&row.name).unwrap_or_default().trim_end_matches('.');
        let Some(who) = agent(&row.name, named) else {
            // It may be a key with a slip in it.
            report.masked.push(row.name_span);
            let message = "this is the name, the place or the key of no client";
            report.add(
                Problem::value(table, Some(row.name_span), message)
                    .suggest("Write the name of a client, or 1 for the first key, or \"*\""),
            );
            continue;
        };
        let is_key = named.auth.options.agents.iter().any(|key| key.matches(row.name.as_bytes()));
        if is_key {
            report.masked.push(row.name_span);
        }
        let path = join(table, &(who.0 + 1).to_string());
        if limits.agents.iter().any(|(other, _)| *other == who) {
            let message = "this agent has two budgets";
            report.add(Problem::value(&path, Some(row.name_span), message));
        }
        limits.agents.push((who, budget(&row.item, &path, format, report)));
    }
}

/// Whom a row means: a client by its name, a key, or the place of one.
fn agent(name: &str, named: &Named<'_>) -> Option<Principal> {
    let keys = &named.auth.options.agents;
    let place_of = |key: &str| keys.iter().position(|own| own.matches(key.as_bytes()));
    let client = named.clients.iter().find(|client| client.name == name);
    let place = client.and_then(|client| place_of(&client.agent)).or_else(|| place_of(name));
    let number = name.strip_prefix(AGENT).unwrap_or(name);
    let numbered = || number.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at < keys.len());
    u16::try_from(place.or_else(numbered)?).ok().map(Principal)
}

/// The server and the tools that a row means.
fn tools(row: &str, servers: &[Server]) -> Option<(Option<Box<str>>, Box<str>)> {
    if let Some(tool) = row.strip_prefix(ANY).and_then(|rest| rest.strip_prefix('.')) {
        return Some((None, tool.into()));
    }
    let (server, tool) = view::meant(row, servers).into_iter().next()?;
    Some((Some((*servers[server].name).into()), tool.into()))
}

fn budget(item: &Item, path: &str, format: Format, report: &mut Report) -> Budget {
    if item.as_table().is_none() {
        report.add(wrong_type(path, item, "object"));
        return Budget::default();
    }
    let fields = Fields::read(item, Place { section: Section::Budget, path, format }, report);
    let concurrent = fields.whole("concurrent").and_then(|n| u32::try_from(n.value).ok());
    Budget {
        calls: calls(&fields),
        bytes: fields.size("bytes"),
        time: fields.duration("time"),
        concurrent,
    }
}

fn flow(item: &Sourced<&Item>, format: Format, report: &mut Report) -> FlowBudget {
    let place = Place { section: Section::Flow, path: &item.path, format };
    let fields = Fields::read(item.value, place, report);
    let Some(after) = fields.item("after_private") else { return FlowBudget::default() };
    let place = Place { section: Section::FlowBudget, path: &after.path, format };
    let fields = Fields::read(after.value, place, report);
    FlowBudget { calls: calls(&fields), bytes: fields.size("bytes") }
}

fn calls(fields: &Fields<'_>) -> Option<u64> {
    u64::try_from(fields.whole("calls")?.value).ok()
}

fn unknown(row: &Member, path: &str, what: &str) -> Problem {
    Problem::value(path, Some(row.name_span), format!("'{}' {what}", row.name))
}
