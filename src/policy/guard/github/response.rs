// SPDX-License-Identifier: MIT
//! What an answer holds: the elements of a list, one thing, or something that is judged as a whole.
//!
//! ```text
//!  list ──> labels for each element ──┐
//!  one thing ──> its labels ──────────┼──> Findings
//!  all else ──> the labels of the call┘
//! ```

use super::answer::Answer;
use super::author::Bench;
use super::call::Call;
use super::facts::Known;
use super::kinds::{Secrecy, Shape};
use super::level::{Integrity, Standing};
use super::list::List;
use super::{one, resource};
use crate::policy::guard::{Data, Findings, Item, Label, Labels, Object};
use crate::wire::json::Node;

/// An answer that is judged, and how far that has come.
#[derive(Debug)]
pub(super) struct Response {
    answer: Answer,
    list: Option<List>,
    is_looked_through: bool,
}

impl Response {
    /// Before anything has been judged.
    pub fn new(answer: Answer) -> Self {
        Self { answer, list: None, is_looked_through: false }
    }

    /// Goes on until it is over or a fact is missing; elements that have been judged stay so.
    pub fn judge(&mut self, bench: Bench<'_>, call: &Call) -> Known<Findings> {
        if !self.is_looked_through {
            let is_talk = !bench.is_compat() && call.is_talk();
            if self.is_readable(bench) && (is_talk || is_thing(call)) {
                self.list = List::begin(bench, call, self.answer.value())?;
            }
            self.is_looked_through = true;
        }
        if let Some(list) = &mut self.list {
            list.judge(bench, call, self.answer.value())?;
            return Ok(Findings::Paths(list.paths()));
        }
        if self.is_readable(bench)
            && is_thing(call)
            && let Some((pointer, object)) = one::label(bench, call, self.answer.value())?
        {
            let besides = one::besides(bench, call, self.answer.value())?;
            let data = Data::Content(pointer.into());
            return Ok(Findings::Items(vec![Item { data, object: Some(object), besides }]));
        }
        self.whole(bench, call)
    }

    /// Whether the answer is no error, and has been read as a whole.
    fn is_readable(&self, bench: Bench<'_>) -> bool {
        // Other parts of the answer are seen by the agent as well.
        let is_all = bench.is_compat() || !self.answer.has_more();
        !self.answer.is_error && is_all
    }

    /// Whether it says that nothing was found, and nothing else.
    fn is_empty_search(&self, is_compat: bool) -> bool {
        let is_empty = |value: &Node| is_empty_search(value, is_compat);
        let is_all =
            is_compat || !self.answer.has_more() && self.answer.structured().is_none_or(is_empty);
        is_all && is_empty(self.answer.value())
    }

    /// One item that is the whole answer.
    fn whole(&self, bench: Bench<'_>, call: &Call) -> Known<Findings> {
        let value = self.answer.value();
        let is_compat = bench.is_compat();
        let is_text = self.answer.is_plain_text();
        if is_text && is_compat || self.is_empty_search(is_compat) {
            return Ok(item(Data::Whole, metadata(bench, call)));
        }
        if is_compat && value.as_array().is_some() {
            return Ok(Findings::Nothing);
        }
        let mut object = resource::label(bench, call)?.object;
        if !is_compat && is_from_anywhere(call) && !is_nothing(value) {
            object.labels.secrecy = object.labels.secrecy.union(&bench.policy.anywhere());
        }
        if is_text {
            object.description = format!("metadata:{}", call.tool).into();
        }
        Ok(item(Data::Whole, object))
    }
}

/// Whether what cannot be told apart in an answer may come from any repository.
fn is_from_anywhere(call: &Call) -> bool {
    match call.kind.secrecy {
        Secrecy::Repo | Secrecy::File => call.repo().is_none(),
        Secrecy::Searched => call.surely_searched().is_none(),
        Secrecy::Public => matches!(call.kind.shape, Shape::Repos | Shape::ProjectItems),
        Secrecy::Form | Secrecy::Private | Secrecy::User | Secrecy::Vault { .. } => false,
    }
}

/// Whether the answer holds what the tool is named for, and no other view of it.
fn is_thing(call: &Call) -> bool {
    !matches!(call.kind.shape, Shape::Issue | Shape::Pull) || call.is_plain_get()
}

fn item(data: Data, object: Object) -> Findings {
    Findings::Items(vec![Item { data, object: Some(object), besides: None }])
}

/// What the server says of itself.
fn metadata(bench: Bench<'_>, call: &Call) -> Object {
    let mut home = call.home();
    if home.is_empty() {
        home = "github".into();
    }
    let integrity = Integrity { level: Some(Standing::APPROVED), scope: bench.policy.scope(&home) };
    let integrity = bench.policy.integrity(&integrity);
    let description = format!("metadata:{}", call.tool).into();
    Object { description, labels: Labels { secrecy: Label::EMPTY, integrity } }
}

/// Whether it holds lists, and nothing in them.
fn is_nothing(value: &Node) -> bool {
    let is_empty = |node: &Node| node.as_array().is_some_and(<[Node]>::is_empty);
    let members = value.as_object().unwrap_or_default();
    !members.is_empty() && members.iter().all(|(_, node)| is_empty(node))
}

/// Whether it says that nothing was found; the reference does not look whether that is so.
fn is_empty_search(value: &Node, is_compat: bool) -> bool {
    let count = value.get("total_count").or_else(|| value.get("totalCount"));
    let is_zero = count.is_some_and(|count| count.as_u64() == Some(0));
    let is_something = |node: &Node| {
        node.as_array().is_some_and(|list| !list.is_empty())
            || node.as_object().is_some_and(|members| !members.is_empty())
            || node.as_str().is_some_and(|text| !text.is_empty())
    };
    let members = value.as_object().unwrap_or_default();
    let mut members = members.iter().filter(|(name, _)| name.text != "pageInfo");
    is_zero && (is_compat || !members.any(|(_, node)| is_something(node)))
}
