// SPDX-License-Identifier: MIT
//! What a guard is told in `label_agent`, and the strict form that it must have.

use super::allow_only::FIELDS;
use super::{AllowOnly, DEPTH_MAX, Repos, scope, value, write};
use crate::wire::json::{self, Node, Value};

const TRANSPORT: &str = "invalid guard policy transport shape";

/// The policy for a guard: what it has to know, in the spelling that every guard understands.
///
/// Budgets are not for guards: the gateway keeps them.
#[must_use]
pub fn label_agent_payload(rule: &AllowOnly, trusted_bots: &[Box<str>]) -> Vec<u8> {
    let mut out = Vec::new();
    json::write::object(&mut out, |object| {
        object.object("allow-only", |object| write::allow_only(object, rule, false));
        if !trusted_bots.is_empty() {
            object.array("trusted-bots", |array| write::strings(array, trusted_bots));
        }
    });
    out
}

/// Whether `text` has the form in which guards take policies.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_payload(text: &[u8]) -> Result<(), String> {
    if text.trim_ascii().is_empty() {
        return Err("policy string is empty".to_owned());
    }
    let node = json::tree::parse(text, DEPTH_MAX)
        .map_err(|error| format!("policy string is not valid JSON object: {error}"))?;
    let members = match &node.value {
        Value::Null => return Err("policy is required".to_owned()),
        Value::Object(members) => members,
        _ => return Err("policy JSON must decode to an object".to_owned()),
    };
    if node.get("policy").is_some() {
        return Err(
            "gateway policy adapter is outdated: remove legacy envelope key policy before \
                    calling label_agent"
                .to_owned(),
        );
    }
    let Some(rule) = node.get("allow-only").or_else(|| node.get("allowonly")) else {
        return Err("label_agent policy must use top-level allow-only object (received \
                    policy.allow-only)"
            .to_owned());
    };
    for (name, _) in members {
        if !["allow-only", "allowonly", "trusted-bots"].contains(&name.text.as_str()) {
            return Err(format!("{TRANSPORT}: unexpected key \"{}\"", name.text));
        }
    }
    check_rule(rule)?;
    node.get("trusted-bots").map_or(Ok(()), check_bots)
}

fn check_bots(node: &Node) -> Result<(), String> {
    match node.as_array() {
        None => Err("invalid trusted-bots value: expected non-empty array of strings".to_owned()),
        Some([]) => {
            Err("invalid trusted-bots value: must be a non-empty array when present".into())
        }
        Some(bots) => check_entries("trusted-bots", bots),
    }
}

fn check_rule(rule: &Node) -> Result<(), String> {
    let Some(fields) = rule.as_object() else {
        let form = r#"{"allow-only":{"repos":...,"min-integrity":...}}"#;
        return Err(format!("{TRANSPORT}: expected {form}"));
    };
    let integrity = rule.get("min-integrity").or_else(|| rule.get("integrity"));
    let (Some(repos), Some(_)) = (rule.get("repos"), integrity) else {
        return Err(format!(
            "{TRANSPORT}: missing required fields repos and/or min-integrity in allow-only object"
        ));
    };
    for (name, _) in fields {
        if !FIELDS.contains(&name.text.as_str()) {
            return Err(format!("{TRANSPORT}: unexpected allow-only key \"{}\"", name.text));
        }
    }
    if !is_repos(repos) {
        return Err("invalid repos value: expected all, public, or non-empty array of scoped \
                    strings"
            .to_owned());
    }
    fields.iter().try_for_each(|(name, node)| check_list(&name.text, node))
}

fn is_repos(node: &Node) -> bool {
    match &node.value {
        Value::String(word) => Repos::of(word).is_some(),
        Value::Array(entries) => {
            let is_scope =
                |entry: &Node| entry.as_str().is_some_and(|entry| scope::is_scope(entry.trim()));
            !entries.is_empty() && entries.iter().all(is_scope)
        }
        _ => false,
    }
}

fn check_list(field: &str, node: &Node) -> Result<(), String> {
    let is_list = ["-users", "-labels", "-reactions"].iter().any(|end| field.ends_with(end));
    match &node.value {
        _ if !is_list => Ok(()),
        Value::Array(entries) => check_entries(field, entries),
        Value::String(words) if value::split(words).next().is_some() => Ok(()),
        _ => Err(format!("invalid {field} value: expected array of strings")),
    }
}

fn check_entries(field: &str, entries: &[Node]) -> Result<(), String> {
    for entry in entries {
        match entry.as_str() {
            None => return Err(format!("invalid {field} value: expected array of strings")),
            Some(entry) if entry.trim().is_empty() => {
                let why = "each entry must be a non-empty string";
                return Err(format!("invalid {field} value: {why}"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
