// SPDX-License-Identifier: MIT
//! What a denial says, to the agent and to the machine that reads for it.
//!
//! The sentences are an interface: agents' instructions quote them, so they stay as they are. They
//! name the object by its description and by tags, and never quote what is in it.

use super::monitor::{Check, Violation};
use super::{Label, Labels, Object};
use crate::wire::json::write;

/// How many items a [`notice`] names; of more it gives the number alone.
const NAMED_ITEMS_MAX: usize = 5;

/// Why something may not pass, in two sentences.
#[must_use]
pub fn reason(object: &Object, violation: &Violation) -> String {
    let what = &object.description;
    match violation.kind {
        Check::ReadIntegrity => {
            let level = level(&violation.integrity_to_drop);
            format!(
                "Resource '{what}' has lower integrity than agent requires. \
                 The agent cannot read data with integrity below {level}."
            )
        }
        Check::ReadSecrecy => {
            let scope = scope(&violation.secrecy_to_add);
            format!(
                "Resource '{what}' has secrecy requirements that agent doesn't meet. \
                 The agent is not authorized to access {scope}-scoped data."
            )
        }
        Check::WriteIntegrity => {
            let level = level(&violation.integrity_to_drop);
            format!(
                "Agent lacks required integrity to write to '{what}'. \
                 The agent's integrity level is insufficient; it needs {level} integrity."
            )
        }
        Check::WriteSecrecy => {
            let scope = scope(&violation.secrecy_to_add);
            format!(
                "Agent carries {scope}-scoped data that cannot be written to '{what}' \
                 due to secrecy constraints. \
                 The target resource is not authorized to receive this sensitive data."
            )
        }
        Check::Unlabelled => {
            "The guard has not labelled this item, so nobody may see it.".to_owned()
        }
    }
}

/// Why a read is allowed although labels do not fit, and what its reader carries from now on.
#[must_use]
pub fn propagation_text(violation: &Violation) -> String {
    let mut halves = Vec::new();
    if !violation.secrecy_to_add.is_empty() {
        halves.push(format!("adding secrecy tags {}", violation.secrecy_to_add));
    }
    if !violation.integrity_to_drop.is_empty() {
        halves.push(format!("dropping integrity tags {}", violation.integrity_to_drop));
    }
    format!("Read allowed with label propagation: {}", halves.join(" and "))
}

/// The whole text of a call that is denied: the reason, what would help and what that costs, and
/// the labels of both sides. It ends with a line end.
#[must_use]
pub fn violation_text(object: &Object, agent: &Labels, violation: &Violation) -> String {
    let mut text = format!("DIFC Violation: {}\n\n", reason(object, violation));
    let tags = &violation.secrecy_to_add;
    if !tags.is_empty() {
        text += &format!(
            "Required Action: Add secrecy tags {tags}\n\
             \n\
             Implications of adding secrecy tags:\n\
             \x20 - Agent will be restricted from writing to resources that lack these tags\n\
             \x20 - This includes public resources (e.g., public repositories, public internet)\n\
             \x20 - Agent will be marked as handling sensitive information\n\
             \x20 - Future writes must target resources with tags: {tags}\n"
        );
    }
    let tags = &violation.integrity_to_drop;
    if !tags.is_empty() {
        text += &format!(
            "\n\
             Required Action: Drop integrity tags {tags}\n\
             \n\
             Implications of dropping integrity tags:\n\
             \x20 - Agent will no longer be able to write to high-integrity resources\n\
             \x20 - Specifically, agent cannot write to resources requiring tags: {tags}\n\
             \x20 - This action acknowledges that agent has been influenced by lower-integrity data\n\
             \x20 - Agent's outputs will be considered less trustworthy\n"
        );
    }
    text += &standing("Current Agent Labels", agent);
    text += &standing("Resource Requirements", &object.labels);
    text
}

fn standing(title: &str, labels: &Labels) -> String {
    let Labels { secrecy, integrity } = labels;
    format!("\n{title}:\n  Secrecy: {secrecy}\n  Integrity: {integrity}\n")
}

/// The text of a call whose one item may not be seen.
#[must_use]
pub fn filtered_single(object: &Object, violation: &Violation) -> String {
    let what = if object.description.is_empty() { "resource" } else { &object.description };
    let policy = policy([violation]);
    let why = reason(object, violation);
    format!("[Filtered] {what} exists but is not accessible — filtered by {policy} ({why})")
}

/// The text of an answer that is withheld because `filtered` of its `count` items may not be seen.
#[must_use]
pub fn strict_text(filtered: usize, count: usize, agent_id: &str) -> String {
    format!(
        "DIFC policy violation: {filtered} of {count} items in response \
         are not accessible to agent {agent_id}"
    )
}

/// What is said behind an answer from which `count` items were removed; these may be named.
///
/// A few are named with their reasons, of more it is the number.
#[must_use]
pub fn notice(items: &[(&Object, &Violation)], count: usize) -> String {
    let policy = policy(items.iter().map(|(_, violation)| *violation));
    let head = format!(
        "[Filtered] {count} item(s) in this response were removed by {policy} and are not shown"
    );
    if items.is_empty() || count > NAMED_ITEMS_MAX {
        return head + ".";
    }
    let named = items.iter().map(|(object, violation)| {
        let why = reason(object, violation);
        match &*object.description {
            "" => why,
            what => format!("{what} ({why})"),
        }
    });
    format!("{head}: {}.", named.collect::<Vec<_>>().join("; "))
}

/// What has removed items, as a word for all of them.
fn policy<'a>(violations: impl IntoIterator<Item = &'a Violation>) -> &'static str {
    let (mut has_secrecy, mut has_integrity, mut has_other) = (false, false, false);
    for violation in violations {
        match violation.kind {
            Check::ReadSecrecy | Check::WriteSecrecy => has_secrecy = true,
            Check::ReadIntegrity | Check::WriteIntegrity => has_integrity = true,
            Check::Unlabelled => has_other = true,
        }
    }
    match (has_secrecy, has_integrity, has_other) {
        (true, false, false) => "secrecy policy",
        (false, true, false) => "integrity policy",
        _ => "access policy",
    }
}

/// What would be allowed where this was not. It names tags and no object.
#[must_use]
pub fn allowed(violation: &Violation) -> String {
    let Violation { kind, secrecy_to_add: secrecy, integrity_to_drop: integrity } = violation;
    match kind {
        Check::ReadIntegrity => format!("reading resources that have integrity {integrity}"),
        Check::ReadSecrecy => format!("reading resources without secrecy {secrecy}"),
        Check::WriteIntegrity => {
            format!("writing to resources that do not require integrity {integrity}")
        }
        Check::WriteSecrecy => format!("writing to resources that accept secrecy {secrecy}"),
        Check::Unlabelled => "reading items that the guard has labelled".to_owned(),
    }
}

/// The member `data` of the error: what a program needs to know before it tries something else.
///
/// Trying the same again never helps, and it says so.
#[must_use]
pub fn data_json(rule: &str, reason: &str, allowed: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::object(&mut out, |data| {
        data.str("rule", rule).str("reason", reason);
        data.bool("retryable", false).str("allowed", allowed);
    });
    out
}

/// Integrity as a level, if the tags are spelled as levels: the highest of them.
fn level(tags: &Label) -> String {
    if tags.is_empty() {
        return "none".to_owned();
    }
    let bases: Vec<&str> = tags.iter().map(|tag| split(tag).0).collect();
    let known = ["merged", "approved", "unapproved"].into_iter().find(|it| bases.contains(it));
    known.map_or_else(|| tags.to_string(), |level| format!("\"{level}\""))
}

/// Secrecy as a scope, if it is private: the narrowest one.
fn scope(tags: &Label) -> String {
    if tags.is_empty() {
        return "public".to_owned();
    }
    let mut narrowest = None;
    for tag in tags.iter() {
        let ("private", scope) = split(tag) else { continue };
        let is_narrower = narrowest.is_none_or(|known: Option<&str>| {
            scope.map_or(0, str::len) > known.map_or(0, str::len)
        });
        // `private:` says that there is a scope, and not which.
        if scope != Some("") && is_narrower {
            narrowest = Some(scope);
        }
    }
    match narrowest {
        Some(Some(scope)) => format!("private ({scope})"),
        Some(None) => "private".to_owned(),
        None => tags.to_string(),
    }
}

/// A tag before and behind its first colon; a colon at its beginning is part of the word.
fn split(tag: &str) -> (&str, Option<&str>) {
    match tag.split_once(':') {
        Some((base, scope)) if !base.is_empty() => (base, Some(scope)),
        _ => (tag, None),
    }
}

#[cfg(test)]
mod tests;
