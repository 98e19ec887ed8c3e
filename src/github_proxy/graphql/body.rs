// SPDX-License-Identifier: MIT
//! The body of a GraphQL request: a JSON object with a query, variables and the name of an
//! operation.

use super::QueryError;
use crate::base::Span;
use crate::wire::json::tree::{self, Node};

/// Nesting of the JSON around a query, variables above all.
const DEPTH_MAX: usize = 64;

/// A request, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Body<'t> {
    /// The body as it came.
    pub text: &'t [u8],
    /// Where the query stands in it, quotes included.
    pub place: Span,
    /// The query, decoded.
    pub query: String,
    /// Which operation is executed.
    pub operation_name: Option<String>,
    /// The values of variables.
    pub variables: Vec<(String, Node)>,
}

impl<'t> Body<'t> {
    /// Takes `text` apart. A list of requests is none.
    pub fn parse(text: &'t [u8]) -> Result<Self, QueryError> {
        let node = tree::parse(text, DEPTH_MAX).map_err(|_| QueryError::Body)?;
        let query = member(&node, "query")?.ok_or(QueryError::Body)?;
        let name = member(&node, "operationName")?.filter(|node| !node.is_null());
        let operation_name = match name {
            Some(name) => Some(name.as_str().ok_or(QueryError::Body)?.to_owned()),
            None => None,
        };
        let variables = match member(&node, "variables")?.filter(|node| !node.is_null()) {
            None => Vec::new(),
            Some(variables) => {
                let members = variables.as_object().ok_or(QueryError::Body)?;
                members.iter().map(|(name, value)| (name.text.clone(), value.clone())).collect()
            }
        };
        Ok(Self {
            text,
            place: query.span,
            query: query.as_str().ok_or(QueryError::Body)?.to_owned(),
            operation_name,
            variables,
        })
    }
}

/// The member `name` of `object`; there may be only one, for readers differ in which one counts.
fn member<'n>(object: &'n Node, name: &str) -> Result<Option<&'n Node>, QueryError> {
    let members = object.as_object().ok_or(QueryError::Body)?;
    let mut found = members.iter().filter(|(known, _)| known.text == name).map(|(_, node)| node);
    let first = found.next();
    if found.next().is_some() { Err(QueryError::Body) } else { Ok(first) }
}
