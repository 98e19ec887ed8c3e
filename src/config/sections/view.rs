// SPDX-License-Identifier: MIT
//! `views.<name>`: parts of several servers behind one address.

use crate::config::diagnostics::{Problem, Report};
use crate::config::fields::{Fields, wrong_type};
use crate::config::keys::{Place, Section};
use crate::config::raw::{Format, Item, Sourced, join};
use crate::gateway::snapshot::{Server, ServerId, View, ViewPart};

/// More views are a mistake in whatever wrote the configuration.
const VIEWS_MAX: usize = 1000;

/// The longest name of a view.
const NAME_BYTES_MAX: usize = 64;

/// A server of this name would have the address of the views.
const PATH_SEGMENT: &str = "view";

/// All views, beginning with the one of everything.
pub fn resolve_all(
    table: Option<&Sourced<&Item>>,
    servers: &[Server],
    format: Format,
    report: &mut Report,
) -> Vec<View> {
    let ids = || (0..u16::try_from(servers.len()).unwrap_or(u16::MAX)).map(ServerId);
    let mut views = vec![View::of_all(ids())];
    let Some(table) = table else { return views };
    let members = table.value.as_table().unwrap_or_default();
    if members.len() > VIEWS_MAX {
        let message = format!("more than {VIEWS_MAX} views");
        report.add(Problem::value(&table.path, Some(table.span), message));
        return views;
    }
    if !members.is_empty() && servers.iter().any(|server| &*server.name == PATH_SEGMENT) {
        let message = "there cannot be views beside a server named 'view'";
        report.add(
            Problem::value(&table.path, Some(table.span), message)
                .suggest("Give the server another name: /mcp/view/… is the address of views"),
        );
    }
    for member in members {
        let path = join(&table.path, &member.name);
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_named = (1..=NAME_BYTES_MAX).contains(&member.name.len())
            && member.name.bytes().all(is_allowed);
        if !is_named {
            let message =
                format!("the name of a view is 1 to {NAME_BYTES_MAX} of A-Z a-z 0-9 . _ -");
            report.add(Problem::value(&path, Some(member.item.span), message));
        }
        if member.item.as_table().is_none() {
            report.add(wrong_type(&path, &member.item, "object"));
            continue;
        }
        let place = Place { section: Section::View, path: &path, format };
        let fields = Fields::read(&member.item, place, report);
        let parts = parts(&fields, servers, (&path, &member.item), report);
        views.push(View { name: member.name.as_str().into(), parts });
    }
    views
}

fn parts(
    fields: &Fields<'_>,
    servers: &[Server],
    (path, item): (&str, &Item),
    report: &mut Report,
) -> Vec<ViewPart> {
    let patterns = fields.texts("tools");
    if patterns.is_empty() && fields.item("tools").is_none() {
        report.add(
            Problem::shape(path, Some(item.span), "'tools' is required for views")
                .suggest("Add tools = [\"server.tool\", \"server.*\"]"),
        );
    }
    let mut found: Vec<Vec<Box<str>>> = servers.iter().map(|_| Vec::new()).collect();
    for pattern in &patterns {
        let mut is_meant = false;
        for (server, tool) in meant(pattern.value, servers) {
            found[server].push(tool.into());
            is_meant = true;
        }
        if !is_meant {
            let message = format!("'{}' begins with the name of no server", pattern.value);
            report.add(
                Problem::value(&pattern.path, Some(pattern.span), message)
                    .suggest("Write server.tool, with * for any characters"),
            );
        }
    }
    let (prompts, resources) =
        (fields.flag("prompts").unwrap_or(true), fields.flag("resources").unwrap_or(true));
    let part = |(server, tools): (u16, Vec<Box<str>>)| {
        let is_all = tools.iter().any(|tool| &**tool == "*");
        let tools = (!is_all).then(|| tools.into_boxed_slice());
        ViewPart { server: ServerId(server), tools, prompts, resources }
    };
    (0..).zip(found).filter(|(_, tools)| !tools.is_empty()).map(part).collect()
}

/// The servers that a pattern means, and the pattern of their tools. Names of servers may hold
/// dots: the longest one that fits is meant.
pub fn meant<'p>(pattern: &'p str, servers: &[Server]) -> Vec<(usize, &'p str)> {
    if let Some(tool) = pattern.strip_prefix("*.") {
        return (0..servers.len()).map(|server| (server, tool)).collect();
    }
    let tool_of = |server: &Server| pattern.strip_prefix(&*server.name)?.strip_prefix('.');
    let found = servers
        .iter()
        .enumerate()
        .filter_map(|(index, server)| Some((index, tool_of(server)?)))
        .min_by_key(|(_, tool)| tool.len());
    found.into_iter().collect()
}
