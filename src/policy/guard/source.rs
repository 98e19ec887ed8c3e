// SPDX-License-Identifier: MIT
//! Where a policy comes from, and which one counts.
//!
//! ```text
//!  flags ── else variables ──┐
//!  server: guard-policies ───┼──> the first that says something
//!  guards.<name>.policy ─────┘
//! ```

use super::rule::{AllowOnly, Policy, value};
use super::scope_words::ScopeWords;
use crate::wire::json::Node;

/// Who said a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag; it counts for all servers.
    Cli,
    /// A variable; it counts for all servers.
    Env,
    /// The server's own `guard-policies`.
    Server,
    /// The guard that the server names.
    Config,
}

impl Source {
    /// As it is called in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Env => "env",
            Self::Server => "server",
            Self::Config => "config",
        }
    }

    /// Whether it counts for all servers.
    #[must_use]
    pub const fn is_global(self) -> bool {
        matches!(self, Self::Cli | Self::Env)
    }
}

/// A policy and who said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The policy.
    pub policy: Policy,
    /// Who said it.
    pub source: Source,
}

/// The flags that say a policy for all servers, and the variables that stand in for them.
pub const OVERRIDES: [(&str, &str); 5] = [
    ("guard-policy-json", "MCP_GATEWAY_GUARD_POLICY_JSON"),
    ("allowonly-scope-public", "MCP_GATEWAY_ALLOWONLY_SCOPE_PUBLIC"),
    ("allowonly-scope-owner", "MCP_GATEWAY_ALLOWONLY_SCOPE_OWNER"),
    ("allowonly-scope-repo", "MCP_GATEWAY_ALLOWONLY_SCOPE_REPO"),
    ("allowonly-min-integrity", "MCP_GATEWAY_ALLOWONLY_MIN_INTEGRITY"),
];

/// The variables that lengthen the lists of every allow-only policy.
pub const LISTS: [&str; 4] = [
    "GH_AW_GITHUB_BLOCKED_USERS",
    "GH_AW_GITHUB_TRUSTED_USERS",
    "GH_AW_GITHUB_APPROVAL_LABELS",
    "GH_AW_GITHUB_REFUSAL_LABELS",
];

/// The policy for all servers, if one is said. A flag that was given makes all of them count, and
/// variables are then their defaults.
///
/// # Errors
///
/// What is wrong with it, in the words of the start.
pub fn global<'a>(
    flag: &dyn Fn(&str) -> Option<&'a str>,
    variable: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<Option<Given>, String> {
    let is_cli = OVERRIDES.iter().any(|(name, _)| flag(name).is_some());
    let source = if is_cli { Source::Cli } else { Source::Env };
    let said = OVERRIDES
        .map(|(name, stand_in)| flag(name).or_else(|| variable(stand_in)).unwrap_or_default());
    let [json, public, owner, repo, min_integrity] = said;
    let policy = if json.trim().is_empty() {
        ScopeWords { is_public: is_true(public), owner, repo, min_integrity }.policy()
    } else {
        Policy::parse(json.as_bytes()).map(Some)
    };
    match policy {
        Ok(policy) => Ok(policy.map(|policy| Given { policy, source })),
        Err(why) => Err(format!("invalid guard policy configuration: {why}")),
    }
}

fn is_true(text: &str) -> bool {
    ["1", "t", "true", "yes", "on"].contains(&text.trim().to_ascii_lowercase().as_str())
}

/// The policy in a server's `guard-policies`; `None`: it holds none.
///
/// It stands there as it is, as the bare fields of `allow-only`, or in either form below the name
/// of the server or below the only key.
///
/// # Errors
///
/// What is wrong with the policy.
pub fn of_server(map: &Node, server: &str) -> Result<Option<Policy>, String> {
    let prefixed = |why: String| format!("invalid server guard policy: {why}");
    if let Some(policy) = plain(map).map_err(prefixed)? {
        return Ok(Some(policy));
    }
    let members = map.as_object().unwrap_or_default();
    let nested = match (map.get(server), members) {
        (Some(nested), _) if nested.as_object().is_none() => {
            return Err(format!("invalid guard policy for server '{server}': expected object"));
        }
        (Some(nested), _) | (None, [(_, nested)]) => nested,
        _ => return Ok(None),
    };
    plain(nested).map_err(prefixed)
}

/// A policy that is not nested.
fn plain(node: &Node) -> Result<Option<Policy>, String> {
    let members = node.as_object().unwrap_or_default();
    let has = |names: &[&str]| {
        members.iter().any(|(name, _)| names.contains(&name.text.to_ascii_lowercase().as_str()))
    };
    if has(&["allow-only", "allowonly", "write-sink", "writesink"]) {
        return Policy::of(node).map(Some);
    }
    match (has(&["repos"]), has(&["min-integrity", "integrity"])) {
        (true, true) => Policy::of_fields(node).map(Some),
        (true, false) => Err("repos specified without min-integrity".to_owned()),
        (false, _) => Ok(None),
    }
}

/// The policy that counts for a server.
///
/// What is said for all servers counts first, except that it takes no sink's policy away: a server
/// that is only written to would lose the only policy that fits it. With `compat`, it does.
#[must_use]
pub fn resolve(
    global: Option<&Given>,
    server: Option<Policy>,
    named: Option<&Policy>,
    compat: bool,
) -> Option<Given> {
    let is_kept = |policy: &Policy| !compat && matches!(policy, Policy::WriteSink(_));
    let given = |policy, source| Given { policy, source };
    match (global, server, named) {
        (_, Some(policy), _) if is_kept(&policy) => Some(given(policy, Source::Server)),
        (_, None, Some(policy)) if is_kept(policy) => Some(given(policy.clone(), Source::Config)),
        (Some(global), ..) => Some(global.clone()),
        (None, Some(policy), _) => Some(given(policy, Source::Server)),
        (None, None, named) => named.map(|policy| given(policy.clone(), Source::Config)),
    }
}

/// Lengthens the lists of a policy by what the variables of [`LISTS`] say.
pub fn unite<'a>(rule: &mut AllowOnly, variable: &dyn Fn(&str) -> Option<&'a str>) {
    let [blocked, trusted, approval, refusal] = LISTS;
    for (name, entries) in [
        (blocked, &mut rule.blocked_users),
        (trusted, &mut rule.trusted_users),
        (approval, &mut rule.approval_labels),
        (refusal, &mut rule.refusal_labels),
    ] {
        value::split(variable(name).unwrap_or_default())
            .for_each(|entry| value::add(entries, entry, value::List::Names));
    }
}

#[cfg(test)]
mod tests;
