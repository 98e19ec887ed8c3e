// SPDX-License-Identifier: MIT
//! What arguments come to: literals, variables and their defaults.

use std::collections::BTreeMap;

use super::QueryError;
use super::body::Body;
use super::document::{Field, Operation, Value};
use crate::wire::json::tree::{self, Node};

/// The values of the variables of one operation.
#[derive(Clone, Debug, Default)]
pub(super) struct Inputs<'b> {
    values: BTreeMap<&'b str, Option<String>>,
}

impl<'b> Inputs<'b> {
    /// The variables of `operation`: what the request gives, or else their defaults.
    pub fn of(operation: &'b Operation<'_>, body: &'b Body<'_>) -> Result<Self, QueryError> {
        let mut given = BTreeMap::new();
        for (name, node) in &body.variables {
            if given.insert(name.as_str(), node).is_some() {
                return Err(QueryError::Body);
            }
        }
        let value = |name, default: &Option<Value<'_>>| match given.get(name) {
            Some(node) => plain(node),
            None => literal(default.as_ref()?),
        };
        let variables = operation.variables.iter();
        let values = variables.map(|(name, default)| (*name, value(*name, default))).collect();
        Ok(Self { values })
    }

    /// The argument `name` of `field` as text: a string, digits, or a word of an enumeration.
    /// `None`: it is not there.
    ///
    /// # Errors
    ///
    /// It is there, and is something else or a variable without a value.
    pub fn argument(
        &self,
        field: &Field<'_>,
        name: &'static str,
    ) -> Result<Option<String>, QueryError> {
        let value = match field.argument(name) {
            None => return Ok(None),
            Some(Value::Variable(variable)) => self.values.get(variable).cloned().flatten(),
            Some(value) => literal(value),
        };
        value.ok_or(QueryError::Argument(name)).map(Some)
    }

    /// The same for an argument that has to be there.
    pub fn required(&self, field: &Field<'_>, name: &'static str) -> Result<String, QueryError> {
        self.argument(field, name)?.ok_or(QueryError::Argument(name))
    }
}

fn literal(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Int(spelled) => Some((*spelled).to_owned()),
        Value::Text(text) => Some(text.clone()),
        Value::Word("null") => None,
        Value::Word(word) => Some((*word).to_owned()),
        Value::Variable(_) | Value::Other => None,
    }
}

fn plain(node: &Node) -> Option<String> {
    match &node.value {
        tree::Value::String(text) => Some(text.clone()),
        tree::Value::Number(_) => node.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}
