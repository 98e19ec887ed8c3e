// SPDX-License-Identifier: MIT
//! `allow-only`: what an agent sees of a forge, and whom it believes.
//!
//! ```text
//!  JSON ── decode ──> Raw: right types ── validate ──> AllowOnly: right values
//! ```
//!
//! The two steps differ in how their errors begin, and all of the first come before any of the
//! second.

use super::scope::{self, is_scope};
use super::value::{List, Wrong, label, list, members, optional_level, text, whole};
use super::{Level, Repos, unsupported};
use crate::wire::json::{Node, Value};

/// What an agent sees of a forge, and whom it believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowOnly {
    /// Where it may look.
    pub repos: Repos,
    /// Below this, nothing is shown.
    pub min_integrity: Level,
    /// How often a session may call a tool, by its name, sorted; zero: as often as it likes.
    pub tool_call_limits: Vec<(Box<str>, u64)>,
    /// Nothing of these authors is ever shown.
    pub blocked_users: Vec<Box<str>>,
    /// An item with one of these labels is worth nothing.
    pub refusal_labels: Vec<Box<str>>,
    /// An item with one of these labels is approved.
    pub approval_labels: Vec<Box<str>>,
    /// Items of these authors are approved.
    pub trusted_users: Vec<Box<str>>,
    /// Reactions of maintainers that approve an item, in upper case.
    pub endorsement_reactions: Vec<Box<str>>,
    /// Reactions of maintainers that lower an item, in upper case.
    pub disapproval_reactions: Vec<Box<str>>,
    /// To what a disapproved item is lowered; `None`: as the guard likes.
    pub disapproval_integrity: Option<Level>,
    /// What a reaction's author must be; `None`: as the guard likes.
    pub endorser_min_integrity: Option<Level>,
    /// One more label that approves.
    pub promotion_label: Option<Box<str>>,
    /// One more label that takes all worth away.
    pub demotion_label: Option<Box<str>>,
}

/// The right types, not yet the right values.
#[derive(Default)]
struct Raw<'n> {
    repos: Option<&'n Node>,
    min_integrity: Option<String>,
    tool_call_limits: Vec<(String, i64)>,
    blocked_users: Vec<String>,
    refusal_labels: Vec<String>,
    approval_labels: Vec<String>,
    trusted_users: Vec<String>,
    endorsement_reactions: Vec<String>,
    disapproval_reactions: Vec<String>,
    disapproval_integrity: String,
    endorser_min_integrity: String,
    promotion_label: String,
    demotion_label: String,
}

impl AllowOnly {
    /// Only this, and nothing else said.
    #[must_use]
    pub const fn new(repos: Repos, min_integrity: Level) -> Self {
        Self {
            repos,
            min_integrity,
            tool_call_limits: Vec::new(),
            blocked_users: Vec::new(),
            refusal_labels: Vec::new(),
            approval_labels: Vec::new(),
            trusted_users: Vec::new(),
            endorsement_reactions: Vec::new(),
            disapproval_reactions: Vec::new(),
            disapproval_integrity: None,
            endorser_min_integrity: None,
            promotion_label: None,
            demotion_label: None,
        }
    }

    /// Reads what stands behind `allow-only`.
    pub(super) fn read(node: &Node) -> Result<Self, Wrong> {
        decode(node)?.validate()
    }

    /// The budgets of tools that have one.
    pub fn limits(&self) -> impl Iterator<Item = &(Box<str>, u64)> {
        self.tool_call_limits.iter().filter(|(_, most)| *most > 0)
    }
}

fn decode(node: &Node) -> Result<Raw<'_>, Wrong> {
    let mut raw = Raw::default();
    let mut seen: Vec<&'static str> = Vec::new();
    for (name, node) in members(node)? {
        let field = take(&mut raw, name, node)?;
        if seen.contains(&field) {
            return Err(Wrong::shape(format!("allow-only contains field \"{field}\" twice")));
        }
        seen.push(field);
    }
    if raw.repos.is_none() {
        return Err(Wrong::shape("allow-only must include repos"));
    }
    if raw.min_integrity.is_none() {
        let levels = "Specify the minimum integrity level (one of: none, unapproved, approved, \
                      merged)";
        return Err(Wrong::shape(super::value::required("min-integrity", levels)));
    }
    Ok(raw)
}

/// Takes one member; gives its proper name.
fn take<'n>(raw: &mut Raw<'n>, name: &str, node: &'n Node) -> Result<&'static str, Wrong> {
    let lower = name.to_ascii_lowercase();
    let Some(field) = FIELDS.iter().copied().find(|field| *field == lower) else {
        return Err(Wrong::shape(unsupported("allow-only", name)));
    };
    let in_field = |why: String| Wrong::shape(format!("invalid allow-only.{field}: {why}"));
    match field {
        "repos" => raw.repos = Some(node),
        "min-integrity" | "integrity" => {
            raw.min_integrity = Some(text(node).map_err(in_field)?);
            return Ok("min-integrity");
        }
        "tool-call-limits" => raw.tool_call_limits = limits(node).map_err(in_field)?,
        "blocked-users" => raw.blocked_users = list(node).map_err(in_field)?,
        "refusal-labels" => raw.refusal_labels = list(node).map_err(in_field)?,
        "approval-labels" => raw.approval_labels = list(node).map_err(in_field)?,
        "trusted-users" => raw.trusted_users = list(node).map_err(in_field)?,
        "endorsement-reactions" => raw.endorsement_reactions = list(node).map_err(in_field)?,
        "disapproval-reactions" => raw.disapproval_reactions = list(node).map_err(in_field)?,
        "disapproval-integrity" => raw.disapproval_integrity = text(node).map_err(in_field)?,
        "endorser-min-integrity" => raw.endorser_min_integrity = text(node).map_err(in_field)?,
        "promotion-label" => raw.promotion_label = text(node).map_err(in_field)?,
        _ => raw.demotion_label = text(node).map_err(in_field)?,
    }
    Ok(field)
}

/// Every field, with the old name of one.
const FIELDS: [&str; 14] = [
    "repos",
    "min-integrity",
    "integrity",
    "tool-call-limits",
    "blocked-users",
    "refusal-labels",
    "approval-labels",
    "trusted-users",
    "endorsement-reactions",
    "disapproval-reactions",
    "disapproval-integrity",
    "endorser-min-integrity",
    "promotion-label",
    "demotion-label",
];

fn limits(node: &Node) -> Result<Vec<(String, i64)>, String> {
    match &node.value {
        Value::Null => Ok(Vec::new()),
        Value::Object(rows) => {
            rows.iter().map(|(name, node)| Ok((name.text.clone(), whole(node)?))).collect()
        }
        _ => Err(super::value::unfit(node, "map[string]int")),
    }
}

impl Raw<'_> {
    fn validate(self) -> Result<AllowOnly, Wrong> {
        let levels = |field: &str| {
            let levels = "must be one of: none, unapproved, approved, merged";
            Wrong::value(format!("allow-only.{field} {levels}"))
        };
        let repos = scopes(self.repos)?;
        let min_integrity = Level::of(&self.min_integrity.unwrap_or_default())
            .ok_or_else(|| levels("min-integrity"))?;
        let level = |field: &str, said: &str| optional_level(said).ok_or_else(|| levels(field));
        Ok(AllowOnly {
            repos,
            min_integrity,
            tool_call_limits: checked_limits(self.tool_call_limits)?,
            blocked_users: List::Names.of("blocked-users", self.blocked_users)?,
            refusal_labels: List::Names.of("refusal-labels", self.refusal_labels)?,
            approval_labels: List::Names.of("approval-labels", self.approval_labels)?,
            trusted_users: List::Names.of("trusted-users", self.trusted_users)?,
            endorsement_reactions: List::Upper
                .of("endorsement-reactions", self.endorsement_reactions)?,
            disapproval_reactions: List::Upper
                .of("disapproval-reactions", self.disapproval_reactions)?,
            disapproval_integrity: level("disapproval-integrity", &self.disapproval_integrity)?,
            endorser_min_integrity: level("endorser-min-integrity", &self.endorser_min_integrity)?,
            promotion_label: label(&self.promotion_label),
            demotion_label: label(&self.demotion_label),
        })
    }
}

fn scopes(node: Option<&Node>) -> Result<Repos, Wrong> {
    let wrong = |why: &str| Err(Wrong::value(format!("allow-only.repos {why}")));
    let entries = match node.map(|node| &node.value) {
        Some(Value::String(word)) => {
            return match Repos::of(word) {
                Some(repos) => Ok(repos),
                None => wrong("string must be 'all' or 'public'"),
            };
        }
        Some(Value::Array(entries)) => entries,
        _ => {
            return wrong("must be 'all', 'public', or a non-empty array of repo scope strings");
        }
    };
    if entries.is_empty() {
        return wrong("array must contain at least one scope");
    }
    let mut scopes: Vec<Box<str>> = Vec::new();
    for entry in entries {
        let Some(scope) = entry.as_str().map(str::trim) else {
            return wrong("array values must be strings");
        };
        if !is_scope(scope) {
            return wrong(&format!("scope \"{scope}\" is invalid; expected {}", scope::FORMS));
        }
        if scopes.iter().any(|other| **other == *scope) {
            return wrong("must not contain duplicates");
        }
        scopes.push(scope.into());
    }
    Ok(Repos::Scopes(scopes))
}

impl Repos {
    /// What one of the two words means, in any case, with blanks around it.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "all" => Some(Self::All),
            "public" => Some(Self::Public),
            _ => None,
        }
    }
}

fn checked_limits(rows: Vec<(String, i64)>) -> Result<Vec<(Box<str>, u64)>, Wrong> {
    let mut limits: Vec<(Box<str>, u64)> = Vec::new();
    for (name, most) in rows {
        let tool = name.trim();
        if tool.is_empty() {
            let hint = "Provide a non-empty value for tool-call-limits";
            return Err(Wrong::value(super::value::required("tool-call-limits", hint)));
        }
        let Ok(most) = u64::try_from(most) else {
            let why = format!("allow-only.tool-call-limits[\"{tool}\"] must be >= 0");
            return Err(Wrong::value(why));
        };
        limits.retain(|(other, _)| **other != *tool);
        limits.push((tool.into(), most));
    }
    limits.sort();
    Ok(limits)
}
