// SPDX-License-Identifier: MIT
//! `write-sink`: whose secrets may flow into a server, and who can read them there.

use super::scope::{is_owner, is_scope};
use super::unsupported;
use super::value::{Wrong, members, text, unfit};
use crate::wire::json::{Node, Value};

/// What a server that is only written to takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteSink {
    /// The secrets that may flow into it; a lone `*`: all. Never empty.
    pub accept: Vec<Box<str>>,
    /// Who can read what is written; `None`: nobody has said.
    pub visibility: Option<Visibility>,
}

/// Who can read something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Everybody in the enterprise.
    Internal,
    /// Those who were let in.
    Private,
}

impl Visibility {
    /// As it is spelled.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Private => "private",
        }
    }

    /// What `text` says, in any case, with blanks around it.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "public" => Some(Self::Public),
            "internal" => Some(Self::Internal),
            "private" => Some(Self::Private),
            _ => None,
        }
    }
}

impl WriteSink {
    /// Reads what stands behind `write-sink`.
    pub(super) fn read(node: &Node) -> Result<Self, Wrong> {
        let (mut accept, mut visibility) = (None, None);
        for (name, node) in members(node)? {
            let in_field = |why| Wrong::shape(format!("invalid write-sink.{name}: {why}"));
            let is_second = match name.to_ascii_lowercase().as_str() {
                "accept" => accept.replace(entries(node).map_err(in_field)?).is_some(),
                "sink-visibility" => visibility.replace(text(node).map_err(in_field)?).is_some(),
                _ => return Err(Wrong::shape(unsupported("write-sink", name))),
            };
            if is_second {
                return Err(Wrong::shape(format!("write-sink contains field \"{name}\" twice")));
            }
        }
        let accept = checked(accept.unwrap_or_default()).map_err(Wrong::value)?;
        let visibility = match visibility.unwrap_or_default() {
            said if said.trim().is_empty() => None,
            said => Some(Visibility::of(&said).ok_or_else(|| {
                let got = said.trim().to_ascii_lowercase();
                let words = "must be one of: public, private, internal";
                Wrong::value(format!("write-sink.sink-visibility {words}; got \"{got}\""))
            })?),
        };
        Ok(Self { accept, visibility })
    }
}

fn entries(node: &Node) -> Result<Vec<String>, String> {
    match &node.value {
        Value::Null => Ok(Vec::new()),
        Value::Array(entries) => entries.iter().map(text).collect(),
        _ => Err(unfit(node, "[]string")),
    }
}

fn checked(said: Vec<String>) -> Result<Vec<Box<str>>, String> {
    let mut entries: Vec<Box<str>> = Vec::new();
    if said.is_empty() {
        return Err("write-sink.accept must contain at least one entry".to_owned());
    }
    for entry in &said {
        let entry = entry.trim();
        if entry == "*" && said.len() > 1 {
            return Err("write-sink.accept wildcard \"*\" must be the only entry".to_owned());
        }
        if entry != "*" {
            check(entry)?;
        }
        if entries.iter().any(|other| **other == *entry) {
            return Err("write-sink.accept must not contain duplicates".to_owned());
        }
        entries.push(entry.into());
    }
    Ok(entries)
}

fn check(entry: &str) -> Result<(), String> {
    if entry.is_empty() {
        return Err("Configuration error at write-sink.accept: accept is required\n\
                    Suggestion: Provide a non-empty value for accept"
            .to_owned());
    }
    let scope = match entry.split_once(':') {
        Some((word, scope)) if ["private", "public", "internal"].contains(&word) => scope,
        Some((word, _)) => {
            return Err(format!(
                "write-sink.accept entry \"{entry}\" is invalid: visibility prefix must be \
                 private, public, or internal; got \"{word}\""
            ));
        }
        None => entry,
    };
    if is_owner(scope) || is_scope(scope) {
        return Ok(());
    }
    Err(format!(
        "write-sink.accept entry \"{entry}\" scope \"{scope}\" is invalid; expected owner, \
         owner/*, owner/repo, or owner/re*"
    ))
}
