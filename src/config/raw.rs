// SPDX-License-Identifier: MIT
//! What was said: a configuration text as a tree in which each value knows its place.
//!
//! TOML and JSON meet here; from now on nobody asks which of the two it was, except for the
//! spelling of keys. Nothing here knows what a key means.

use crate::base::Span;

/// In which language a configuration is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A file, given with `--config`.
    Toml,
    /// A document on stdin, given with `--config-stdin`.
    Json,
}

/// A value and where it lies in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its bytes in the text.
    pub span: Span,
    /// What it is.
    pub value: Value,
    /// Whether a `${NAME}` in it was replaced.
    pub expanded: bool,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// JSON's `null`.
    Null,
    /// A truth value.
    Flag(bool),
    /// A whole number that fits.
    Whole(i64),
    /// Any other number or a date, as it is spelled.
    Other(String),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Item>),
    /// A table or object, in the order in which it is written.
    Table(Vec<Member>),
}

/// One entry of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The key, unquoted.
    pub name: String,
    /// Where the key lies.
    pub name_span: Span,
    /// The value.
    pub item: Item,
}

/// A value together with where it was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it lies in the text.
    pub span: Span,
    /// Its path, such as `mcpServers.github.mounts[0]`.
    pub path: String,
}

impl<T> Sourced<T> {
    /// Another value from the same place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Sourced<U> {
        Sourced { value: change(self.value), span: self.span, path: self.path }
    }
}

impl Item {
    /// A value as it stands in the text.
    #[must_use]
    pub const fn new(span: Span, value: Value) -> Self {
        Self { span, value, expanded: false }
    }

    /// The entries, if this is a table.
    #[must_use]
    pub fn as_table(&self) -> Option<&[Member]> {
        if let Value::Table(members) = &self.value { Some(members) } else { None }
    }

    /// The text, if this is a string.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The first entry called `name`, if this is a table that has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_table()?.iter().find(|member| member.name == name).map(|member| &member.item)
    }

    /// What kind of value this is, in the words of JSON Schema.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Flag(_) => "boolean",
            Value::Whole(_) => "integer",
            Value::Other(_) => "number",
            Value::Text(_) => "string",
            Value::List(_) => "array",
            Value::Table(_) => "object",
        }
    }

    /// Whether it says nothing: `null`, `false`, an empty string, list or table.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.value {
            Value::Null | Value::Flag(false) => true,
            Value::Text(text) => text.is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Table(members) => members.is_empty(),
            Value::Flag(true) | Value::Whole(_) | Value::Other(_) => false,
        }
    }

    /// Calls `visit` with every string value below and including this one, and its path.
    pub fn visit_texts(&mut self, path: &str, visit: &mut dyn FnMut(&mut Self, &str)) {
        if matches!(self.value, Value::Text(_)) {
            return visit(self, path);
        }
        match &mut self.value {
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    item.visit_texts(&format!("{path}[{index}]"), visit);
                }
            }
            Value::Table(members) => {
                for member in members {
                    let path = join(path, &member.name);
                    member.item.visit_texts(&path, visit);
                }
            }
            _ => {}
        }
    }
}

/// The path of the member `name` of what lies at `path`.
#[must_use]
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
