// SPDX-License-Identifier: MIT
//! A GraphQL document as a tree: only what can be executed, no schemas.

/// All that one request brings along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document<'s> {
    /// What can be asked for; one of them is.
    pub operations: Vec<Operation<'s>>,
    /// Selections with a name, by their names.
    pub fragments: Vec<Fragment<'s>>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// It looks.
    Query,
    /// It changes something, and looks at what came of it.
    Mutation,
    /// It goes on.
    Subscription,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation<'s> {
    /// What it does.
    pub kind: OperationKind,
    /// Its name, if it has one.
    pub name: Option<&'s str>,
    /// Variables and their defaults.
    pub variables: Vec<(&'s str, Option<Value<'s>>)>,
    /// What it asks for.
    pub set: SelectionSet<'s>,
}

/// A selection with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment<'s> {
    /// Its name.
    pub name: &'s str,
    /// The type that it is for.
    pub on: &'s str,
    /// What it asks for.
    pub set: SelectionSet<'s>,
}

/// What stands in braces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectionSet<'s> {
    /// The byte behind its opening brace.
    pub start: usize,
    /// Its fields and fragments, in their order.
    pub selections: Vec<Selection<'s>>,
}

/// One thing that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection<'s> {
    /// A field.
    Field(Field<'s>),
    /// What a fragment asks for.
    Spread(&'s str),
    /// What is asked for of one type, or of whatever it is.
    Inline(Inline<'s>),
}

/// A fragment without a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inline<'s> {
    /// The type that it is for; `None`: any.
    pub on: Option<&'s str>,
    /// Whether it may be left out of the answer, by a directive.
    pub is_conditional: bool,
    /// What it asks for.
    pub set: SelectionSet<'s>,
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'s> {
    /// Under which name the answer holds it.
    pub key: &'s str,
    /// Its name.
    pub name: &'s str,
    /// Its arguments.
    pub arguments: Vec<(&'s str, Value<'s>)>,
    /// Whether it may be left out of the answer, by a directive.
    pub is_conditional: bool,
    /// What is asked for of its value; `None`: it is a scalar.
    pub set: Option<SelectionSet<'s>>,
}

/// A value as it stands in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'s> {
    /// The value of a variable.
    Variable(&'s str),
    /// A number without a fraction, as it is spelled.
    Int(&'s str),
    /// A string.
    Text(String),
    /// `true`, `false`, `null`, or a value of an enumeration.
    Word(&'s str),
    /// Something that nobody here looks into.
    Other,
}

impl<'s> Document<'s> {
    /// The fragment called `name`.
    #[must_use]
    pub fn fragment(&self, name: &str) -> Option<&Fragment<'s>> {
        let at = self.fragments.binary_search_by(|fragment| fragment.name.cmp(name));
        self.fragments.get(at.ok()?)
    }
}

impl<'s> Field<'s> {
    /// The argument called `name`.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&Value<'s>> {
        self.arguments.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}
