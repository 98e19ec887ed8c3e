// SPDX-License-Identifier: MIT
//! What a guard is told in `label_agent`, and how one reads it.

use super::value::{self, List, Wrong};
use super::{AllowOnly, DEPTH_MAX, unsupported, write};
use crate::wire::json;

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

/// The rule and the trusted bots that a guard is told.
///
/// # Errors
///
/// What is wrong with them.
pub fn parse_payload(text: &[u8]) -> Result<(AllowOnly, Vec<Box<str>>), String> {
    read(text).map_err(|wrong| wrong.to_string())
}

fn read(text: &[u8]) -> Result<(AllowOnly, Vec<Box<str>>), Wrong> {
    let root =
        json::tree::parse(text, DEPTH_MAX).map_err(|error| Wrong::shape(error.to_string()))?;
    let (mut rule, mut bots) = (None, None);
    for (name, node) in value::members(&root)? {
        let is_second = match name {
            "allow-only" => rule.replace(AllowOnly::read(node)?).is_some(),
            "trusted-bots" => {
                let in_field = |why| Wrong::shape(format!("invalid {name}: {why}"));
                bots.replace(logins(&value::list(node).map_err(in_field)?)).is_some()
            }
            _ => return Err(Wrong::shape(unsupported("policy", name))),
        };
        if is_second {
            return Err(Wrong::shape(format!("policy contains field \"{name}\" twice")));
        }
    }
    let rule = rule.ok_or_else(|| Wrong::shape("policy must include allow-only"))?;
    Ok((rule, bots.unwrap_or_default()))
}

fn logins(said: &[String]) -> Vec<Box<str>> {
    let mut logins = Vec::new();
    for login in said.iter().map(|login| login.trim()).filter(|login| !login.is_empty()) {
        value::add(&mut logins, login, List::Names);
    }
    logins
}
