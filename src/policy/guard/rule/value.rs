// SPDX-License-Identifier: MIT
//! The values that policies are made of, and how one says what is wrong with them.

use std::fmt;

use super::Level;
use crate::wire::json::{Node, Value};

/// Why a policy cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    is_shape: bool,
    text: String,
}

impl Wrong {
    /// It does not have the form of a policy.
    pub(super) fn shape(text: impl Into<String>) -> Self {
        Self { is_shape: true, text: text.into() }
    }

    /// A value in it means nothing.
    pub(super) fn value(text: impl Into<String>) -> Self {
        Self { is_shape: false, text: text.into() }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_shape { "invalid guard policy JSON: " } else { "" })?;
        f.write_str(&self.text)
    }
}

/// The members of an object; none, if it is `null`.
pub(super) fn members(node: &Node) -> Result<Vec<(&str, &Node)>, Wrong> {
    match &node.value {
        Value::Null => Ok(Vec::new()),
        Value::Object(members) => {
            Ok(members.iter().map(|(name, node)| (name.text.as_str(), node)).collect())
        }
        _ => Err(Wrong::shape(unfit(node, "map[string]json.RawMessage"))),
    }
}

/// That a value is not what it should be, in the words that scripts look for.
pub(super) fn unfit(node: &Node, want: &str) -> String {
    let got = match &node.value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(spelled) if want == "int" => {
            return format!("json: cannot unmarshal number {spelled} into Go value of type int");
        }
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("json: cannot unmarshal {got} into Go value of type {want}")
}

/// A string; `null` is an empty one.
pub(super) fn text(node: &Node) -> Result<String, String> {
    match &node.value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        _ => Err(unfit(node, "string")),
    }
}

/// A whole number; `null` is zero.
pub(super) fn whole(node: &Node) -> Result<i64, String> {
    match &node.value {
        Value::Null => Ok(0),
        Value::Number(_) => node.as_i64().ok_or_else(|| unfit(node, "int")),
        _ => Err(unfit(node, "int")),
    }
}

/// A list of strings, or one string with commas or newlines between.
pub(super) fn list(node: &Node) -> Result<Vec<String>, String> {
    match &node.value {
        Value::Null => Ok(Vec::new()),
        Value::Array(entries) => entries.iter().map(text).collect(),
        Value::String(words) => {
            let words: Vec<String> = split(words).map(str::to_owned).collect();
            if words.is_empty() {
                return Err("must include at least one label".to_owned());
            }
            Ok(words)
        }
        _ => Err("expected array of strings or comma/newline-delimited expression".to_owned()),
    }
}

/// The words between commas and newlines, without blanks around them.
pub fn split(words: &str) -> impl Iterator<Item = &str> {
    words.split([',', '\n', '\r']).map(str::trim).filter(|word| !word.is_empty())
}

/// That something has to be said.
pub(super) fn required(field: &str, suggestion: &str) -> String {
    format!(
        "Configuration error at allow-only.{field}: {field} is required\nSuggestion: {suggestion}"
    )
}

/// What the entries of a list are.
#[derive(Clone, Copy, Debug)]
pub enum List {
    /// Names, kept as they are first spelled.
    Names,
    /// Words that are kept in upper case.
    Upper,
}

impl List {
    /// The entries without blanks around them, each once in whatever case.
    pub(super) fn of(self, field: &str, said: Vec<String>) -> Result<Vec<Box<str>>, Wrong> {
        let mut entries: Vec<Box<str>> = Vec::new();
        for entry in &said {
            let entry = entry.trim();
            if entry.is_empty() {
                let suggestion = format!("Provide a non-empty value for {field}");
                return Err(Wrong::value(required(field, &suggestion)));
            }
            add(&mut entries, entry, self);
        }
        Ok(entries)
    }
}

/// Adds `entry`, unless it is there in whatever case.
pub fn add(entries: &mut Vec<Box<str>>, entry: &str, list: List) {
    let fold = |text: &str| text.to_lowercase();
    if !entries.iter().any(|other| fold(other) == fold(entry)) {
        entries.push(match list {
            List::Names => entry.into(),
            List::Upper => entry.to_uppercase().into(),
        });
    }
}

/// A level that need not be said; `None`: it is none of the four.
pub(super) fn optional_level(said: &str) -> Option<Option<Level>> {
    if said.trim().is_empty() { Some(None) } else { Level::of(said).map(Some) }
}

/// A label that need not be said.
pub(super) fn label(said: &str) -> Option<Box<str>> {
    let said = said.trim();
    (!said.is_empty()).then(|| said.into())
}
