// SPDX-License-Identifier: MIT
//! Reading the arguments of a tool: what is wrong is collected with its place, not thrown.
//!
//! Knows numbers, units and precision; which tool wants which of them is `request`'s business.

use super::decimal::{Decimal, NumberError};
use super::unit::Unit;
use crate::wire::json::tree::{Node, Value};
use crate::wire::json::write::ArrayWriter;

/// Digits of one number.
pub const NUMBER_DIGITS_MAX: usize = 200;
/// Elements of one list.
pub const LIST_ITEMS_MAX: usize = 1000;
/// Significant digits that can be asked for.
pub const PRECISION_MAX: u32 = 100;
/// Problems that are reported; the others are not collected.
pub const PROBLEMS_MAX: usize = 5;

/// One step on the way to a value in the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into a member of an object.
    Member(String),
    /// Into an element of an array.
    Element(usize),
}

/// What is wrong with one value of the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where the value stands, or should stand.
    pub place: Vec<Step>,
    /// What is wrong, for humans.
    pub text: &'static str,
    /// What is wrong, for programs.
    pub kind: &'static str,
}

impl Problem {
    /// Appends it as `{loc, msg, type}`.
    pub fn write_to(&self, out: &mut ArrayWriter<'_>) {
        out.object(|problem| {
            problem.array("loc", |loc| {
                for step in &self.place {
                    match step {
                        Step::Member(name) => loc.str(name),
                        Step::Element(at) => loc.u64(*at as u64),
                    };
                }
            });
            problem.str("msg", self.text).str("type", self.kind);
        });
    }
}

/// The members of an object of which all names are known.
pub type Fields<'n> = &'n Node;

/// Reads values and remembers what was wrong with them.
#[derive(Debug, Default)]
pub struct Reader {
    place: Vec<Step>,
    problems: Vec<Problem>,
}

impl Reader {
    /// Nothing read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `value`, if it is there and nothing was wrong on the way to it.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        value.filter(|_| self.problems.is_empty()).ok_or(self.problems)
    }

    /// Remembers that the value at hand is wrong; is `None`, for `return`.
    pub fn wrong<T>(&mut self, text: &'static str, kind: &'static str) -> Option<T> {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { place: self.place.clone(), text, kind });
        }
        None
    }

    /// Like [`Reader::wrong`], for the member `name` of the object at hand.
    pub fn wrong_member<T>(
        &mut self,
        name: &str,
        text: &'static str,
        kind: &'static str,
    ) -> Option<T> {
        self.at(Step::Member(name.to_owned()), |reader| reader.wrong(text, kind))
    }

    fn at<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        self.place.push(step);
        let value = read(self);
        self.place.pop();
        value
    }

    /// An object whose members all have one of the names `known`, each at most once.
    pub fn object<'n>(&mut self, node: &'n Node, known: &[&str]) -> Option<Fields<'n>> {
        let Some(members) = node.as_object() else {
            return self.wrong("expected an object", "dict_type");
        };
        for (at, (name, _)) in members.iter().enumerate() {
            if !known.contains(&name.text.as_str()) {
                self.wrong_member::<()>(&name.text, "unknown field", "extra_forbidden");
            } else if members[..at].iter().any(|(earlier, _)| earlier.text == name.text) {
                self.wrong_member::<()>(&name.text, "field stands twice", "duplicate");
            }
        }
        Some(node)
    }

    /// The member `name`, as `read` reads it; that it is missing is wrong.
    pub fn member<'n, T>(
        &mut self,
        fields: Fields<'n>,
        name: &str,
        read: impl FnOnce(&mut Self, &'n Node) -> Option<T>,
    ) -> Option<T> {
        match present(fields, name) {
            Some(node) => self.at(Step::Member(name.to_owned()), |reader| read(reader, node)),
            None => self.wrong_member(name, "field required", "missing"),
        }
    }

    /// The member `name`, as `read` reads it; nothing if it is missing or `null`.
    pub fn member_if_present<'n, T>(
        &mut self,
        fields: Fields<'n>,
        name: &str,
        read: impl FnOnce(&mut Self, &'n Node) -> Option<T>,
    ) -> Option<T> {
        present(fields, name)?;
        self.member(fields, name, read)
    }

    /// All elements of a list of 1 to [`LIST_ITEMS_MAX`], as `read` reads them.
    pub fn list<'n, T>(
        &mut self,
        node: &'n Node,
        too_many: &'static str,
        mut read: impl FnMut(&mut Self, &'n Node) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(elements) = node.as_array() else {
            return self.wrong("expected a list", "list_type");
        };
        if elements.is_empty() {
            return self.wrong("expected at least 1 item", "too_short");
        }
        if elements.len() > LIST_ITEMS_MAX {
            return self.wrong(too_many, "too_long");
        }
        let mut values = Vec::with_capacity(elements.len());
        for (at, element) in elements.iter().enumerate() {
            values.extend(self.at(Step::Element(at), |reader| read(reader, element)));
        }
        (values.len() == elements.len()).then_some(values)
    }

    /// A number: a decimal string, or a JSON number, whose spelling counts.
    pub fn number(&mut self, node: &Node) -> Option<Decimal> {
        let (Value::String(_) | Value::Number(_)) = node.value else {
            return self.wrong("numbers must be strings", "string_type");
        };
        let spelled = node.as_str().or(node.as_number()).unwrap_or_default();
        match Decimal::parse(spelled, NUMBER_DIGITS_MAX) {
            Ok(number) => Some(number),
            Err(NumberError::Format) => self.wrong("invalid decimal format", "value_error"),
            Err(NumberError::TooLong) => self.wrong("number exceeds max digits", "value_error"),
        }
    }

    /// The symbol of a unit that we know.
    pub fn unit(&mut self, node: &Node, unknown: &'static str) -> Option<&'static Unit> {
        match node.as_str().map(Unit::parse) {
            Some(Some(unit)) => Some(unit),
            Some(None) => self.wrong(unknown, "value_error"),
            None => self.wrong("expected a string", "string_type"),
        }
    }

    /// `true` or `false`.
    pub fn truth(&mut self, node: &Node) -> Option<bool> {
        node.as_bool().or_else(|| self.wrong("expected true or false", "bool_type"))
    }

    /// One of some words, that `parse` knows.
    pub fn word<T>(
        &mut self,
        node: &Node,
        unknown: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        match node.as_str() {
            Some(text) => parse(text).or_else(|| self.wrong(unknown, "literal_error")),
            None => self.wrong("expected a string", "string_type"),
        }
    }

    /// The member `precision`, if it is there: 1 to [`PRECISION_MAX`].
    pub fn precision(&mut self, fields: Fields<'_>) -> Option<u32> {
        self.member_if_present(fields, "precision", |reader, node| match node.as_i64() {
            None => reader.wrong("precision must be an integer", "int_type"),
            Some(precision) => u32::try_from(precision)
                .ok()
                .filter(|precision| (1..=PRECISION_MAX).contains(precision))
                .or_else(|| reader.wrong("precision out of range", "value_error")),
        })
    }
}

/// The member `name`; one that is `null` is not there.
#[must_use]
pub fn present<'n>(fields: Fields<'n>, name: &str) -> Option<&'n Node> {
    fields.get(name).filter(|node| !node.is_null())
}
