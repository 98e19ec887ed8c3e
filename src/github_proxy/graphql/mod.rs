// SPDX-License-Identifier: MIT
//! Queries in GraphQL: what a query asks for, as calls of tools, each with its place in the answer.
//!
//! ```text
//!  body ──> Body ──> parser ──> Document ──> the operation ──> walk by schema ──> Plan
//!                                              every field that leads somewhere     │ parts
//!  what is forwarded <── rewrite: what guards want to know of items <───────────────┘
//! ```
//!
//! From any object of the forge a query can go on to almost any other one. So a query passes only
//! if each of its steps is in the table of [`steps`]: a step that stays with the object around it,
//! or one that leads to an object with a [`Part`] of its own. Anything else is refused.

mod ask;
mod body;
pub mod document;
mod inputs;
pub mod lexer;
mod mutations;
pub mod parser;
mod place;
mod rewrite;
mod schema;
mod steps;
mod walk;

#[cfg(test)]
mod tests;

use std::fmt;

use self::body::Body;
use self::document::{Document, Operation, OperationKind};
use super::Call;

/// Tokens of a document; beyond: refused.
pub const TOKENS_MAX: usize = 50_000;
/// How deep selections, and values, may nest; beyond: refused. It also bounds the stack.
pub const NESTING_MAX: usize = 64;
/// Selections that are visited, fragments as often as they are used; beyond: refused.
pub const VISITS_MAX: usize = 20_000;
/// Parts of one query; beyond: refused. Each of them is asked of a guard.
pub const PARTS_MAX: usize = 64;

/// What is to be done with a request to the GraphQL interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It asks only for the schema, or for nothing that anybody has written: it passes.
    Open,
    /// It is judged, and what is forwarded is the body of the plan.
    Guarded(Plan),
}

/// What a query asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whether it changes something; then each part is judged before anything happens.
    pub is_write: bool,
    /// What it asks for; never empty.
    pub parts: Vec<Part>,
    /// The request to forward: the one that came, with selections for guards put in.
    pub body: Vec<u8>,
}

/// One thing that a query asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What a guard labels.
    pub call: Call,
    /// Names that lead to it in the answer, from the outermost object on; lists on the way are
    /// gone through, so that it may be there many times.
    pub at: Vec<String>,
    /// What a guard is shown of it.
    pub form: Form,
}

/// What a guard is shown of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The value at that place, which stays or goes as a whole.
    Whole,
    /// The items of a connection, as an array; each of them stays or goes.
    Items,
}

/// Why a query is not understood. It is for the log: whoever asks is told always the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryError {
    /// The body is no JSON object with a `query`, or one of its members has two readings.
    Body,
    /// The document is wrong at this byte.
    Syntax(usize),
    /// A name that has to be unique is not.
    Twice,
    /// It is longer, deeper or wider than anybody needs.
    TooLarge,
    /// No operation is named, or none can be executed here.
    Operation,
    /// A fragment is not there, or leads to itself.
    Fragment,
    /// An argument that decides is not there, or is no plain value.
    Argument(&'static str),
    /// A field goes under the name of another one that guards look at.
    Alias(String),
    /// A field of which nobody knows where it leads.
    Field(String),
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("the body is no GraphQL request"),
            Self::Syntax(at) => write!(f, "syntax error at byte {at}"),
            Self::Twice => f.write_str("a name is given twice"),
            Self::TooLarge => f.write_str("the query is too large"),
            Self::Operation => f.write_str("there is no one operation to execute"),
            Self::Fragment => f.write_str("a fragment is missing, or contains itself"),
            Self::Argument(name) => write!(f, "argument {name} is missing or no plain value"),
            Self::Alias(name) => write!(f, "alias {name} hides another field"),
            Self::Field(name) => write!(f, "field {name} is not known here"),
        }
    }
}

/// What the request with this `body` asks for.
///
/// # Errors
///
/// Why it is not understood. Such a request is refused.
pub fn judge(body: &[u8]) -> Result<Judgement, QueryError> {
    let body = Body::parse(body)?;
    let document = parser::parse(&body.query)?;
    let operation = operation_of(&document, body.operation_name.as_deref())?;
    let inputs = inputs::Inputs::of(operation, &body)?;
    let walked = match operation.kind {
        OperationKind::Query => walk::query(&document, operation, &inputs)?,
        OperationKind::Mutation => walk::mutation(&document, operation, &inputs)?,
        OperationKind::Subscription => return Err(QueryError::Operation),
    };
    if walked.parts.is_empty() {
        // One question about the schema among others excuses nothing: the others have parts.
        return Ok(Judgement::Open);
    }
    Ok(Judgement::Guarded(Plan {
        is_write: operation.kind == OperationKind::Mutation,
        parts: walked.parts,
        body: rewrite::with_insertions(&body, &walked.insertions),
    }))
}

/// The operation that is executed. Spec: §6.1, `GetOperation`.
fn operation_of<'d, 's>(
    document: &'d Document<'s>,
    name: Option<&str>,
) -> Result<&'d Operation<'s>, QueryError> {
    let found = match (name, &document.operations[..]) {
        (None | Some(""), [only]) => Some(only),
        (None | Some(""), _) => None,
        (Some(name), all) => all.iter().find(|operation| operation.name == Some(name)),
    };
    found.ok_or(QueryError::Operation)
}

/// Fuzz body: no query panics; what is forwarded differs from what came only by what is put in, and
/// asks for the same.
pub fn fuzz(input: &[u8]) {
    let mut wrapped = Vec::new();
    let body = match input.first() {
        Some(b'{') => input,
        _ => {
            let Ok(text) = str::from_utf8(input) else { return };
            crate::wire::json::write::object(&mut wrapped, |object| {
                object.str("query", text).str("operationName", "");
            });
            &wrapped
        }
    };
    let Ok(Judgement::Guarded(plan)) = judge(body) else { return };
    assert!(is_within(body, &plan.body));
    let again = judge(&plan.body).expect("what we forward is understood");
    let Judgement::Guarded(again) = again else { unreachable!("a plan stays one") };
    assert_eq!(again.parts, plan.parts);
    assert_eq!(again.body, plan.body, "there is nothing left to put in");
}

/// Whether `text` is what is left of `longer` after bytes are taken out.
fn is_within(text: &[u8], longer: &[u8]) -> bool {
    let mut rest = longer.iter();
    text.iter().all(|byte| rest.any(|other| other == byte))
}
