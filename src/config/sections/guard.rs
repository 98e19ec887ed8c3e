// SPDX-License-Identifier: MIT
//! `guards.<name>`: a guard that servers may name, and the policy that it brings along.

use super::policy;
use crate::config::Sources;
use crate::config::diagnostics::{Problem, Report};
use crate::config::fields::{Fields, wrong_type};
use crate::config::keys::{Place, Section};
use crate::config::raw::{Item, Sourced, Value, join};
use crate::policy::guard::rule::Policy;

/// More guards are a mistake in whatever wrote the configuration.
const GUARDS_MAX: usize = 1000;

/// One guard.
#[derive(Clone, Debug)]
pub struct Guard {
    /// What servers call it.
    pub name: Box<str>,
    /// What it is, or why it cannot be used.
    pub kind: Result<GuardKind, String>,
    /// Tools that it may call, whatever they do.
    pub may_call: Vec<Box<str>>,
    /// The policy of the servers that name it.
    pub policy: Option<Policy>,
}

/// What a guard is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardKind {
    /// Nothing.
    Noop,
    /// The built-in one for GitHub's own server.
    GitHub,
    /// A module.
    Wasm {
        /// The file.
        path: Box<str>,
        /// What its bytes must hash to.
        sha256: Option<[u8; 32]>,
    },
}

/// The table `guards`: the switch in it, and the guards.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// `guards.compat`.
    pub compat: Option<bool>,
    /// In the order of the configuration.
    pub guards: Vec<Guard>,
}

/// Reads the table of guards. `compat`: what is wrong with a guard only keeps it from being used.
pub fn resolve_all(
    table: Option<&Sourced<&Item>>,
    is_compat: Option<bool>,
    sources: &Sources,
    report: &mut Report,
) -> Table {
    let Some(table) = table.filter(|table| !table.value.is_empty()) else {
        return Table::default();
    };
    let Some(members) = table.value.as_table() else {
        report.add(wrong_type(&table.path, table.value, "object"));
        return Table::default();
    };
    if members.len() > GUARDS_MAX {
        let message = format!("more than {GUARDS_MAX} guards");
        report.add(Problem::value(&table.path, Some(table.span), message));
        return Table::default();
    }
    let switch = |name: &str, item: &Item| match item.value {
        Value::Flag(flag) if name == "compat" => Some(flag),
        _ => None,
    };
    let compat = members.iter().find_map(|member| switch(&member.name, &member.item));
    let is_compat = is_compat.or(compat).unwrap_or(false);
    let mut guards = Vec::new();
    for member in members.iter().filter(|one| switch(&one.name, &one.item).is_none()) {
        let path = join(&table.path, &member.name);
        if member.item.as_table().is_none() {
            report.add(wrong_type(&path, &member.item, "object"));
            continue;
        }
        let place = Place { section: Section::Guard, path: &path, format: sources.format };
        let fields = Fields::read(&member.item, place, report);
        let kind = kind(&member.name, &fields);
        if let (Err(why), false) = (&kind, is_compat) {
            report.add(
                Problem::value(&path, Some(member.name_span), why)
                    .suggest("Use type 'wasm' with a path, 'github' or 'noop'"),
            );
        }
        let may_call = may_call(&fields, report);
        let policy = policy_of(&member.name, &fields, report);
        guards.push(Guard { name: member.name.as_str().into(), kind, may_call, policy });
    }
    Table { compat, guards }
}

fn kind(name: &str, fields: &Fields<'_>) -> Result<GuardKind, String> {
    match fields.text("type").map_or("", |kind| kind.value) {
        "" | "noop" => Ok(GuardKind::Noop),
        "github" => Ok(GuardKind::GitHub),
        "wasm" => {
            let Some(path) = fields.text("path") else {
                return Err(format!("wasm guard '{name}' requires a 'path' field"));
            };
            let sha256 = match fields.text("sha256") {
                None => None,
                Some(digits) => Some(digest(digits.value).ok_or_else(|| {
                    format!("sha256 of guard '{name}' must be 64 hexadecimal digits")
                })?),
            };
            Ok(GuardKind::Wasm { path: path.value.into(), sha256 })
        }
        other => Err(format!("unknown guard type: {other}")),
    }
}

/// Thirty-two bytes in hexadecimal digits.
fn digest(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.trim();
    let digits = digits.strip_prefix("sha256:").unwrap_or(digits).as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit =
            |at: usize| char::from(pair[at]).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(bytes)
}

/// Names and no patterns: whoever lets a guard do more than read says what.
fn may_call(fields: &Fields<'_>, report: &mut Report) -> Vec<Box<str>> {
    let names = fields.texts("may_call");
    for name in names.iter().filter(|name| name.value.contains('*')) {
        let message = format!("'{}' is no name of a tool", name.value);
        report.add(
            Problem::value(name.path.clone(), Some(name.span), message)
                .suggest("Name the tools one by one"),
        );
    }
    names.iter().map(|name| name.value.into()).collect()
}

fn policy_of(name: &str, fields: &Fields<'_>, report: &mut Report) -> Option<Policy> {
    let item = fields.item("policy").filter(|item| !item.value.is_empty())?;
    let parsed = policy::node(item.value).map(|node| Policy::of(&node))?;
    match parsed {
        Ok(policy) => Some(policy),
        Err(why) => {
            let message = format!("invalid policy for guard '{name}': {why}");
            policy::refuse(&message, &item.path, item.value, report);
            None
        }
    }
}
