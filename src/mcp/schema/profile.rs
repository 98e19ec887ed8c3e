// SPDX-License-Identifier: MIT
//! What each kind of client understands, as a table.

use crate::mcp::tool_name::Rule;

/// What a client understands in a schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profile {
    /// The keywords that stay; `None`: all that mean something.
    pub keywords: Option<&'static [&'static str]>,
    /// The values of `format` that stay; `None`: all.
    pub formats: Option<&'static [&'static str]>,
    /// Whether the top must be an object without choices.
    pub flat: bool,
    /// Whether `prefixItems` is understood.
    pub tuples: bool,
    /// Whether every array must say what its items are.
    pub items: bool,
    /// Whether `allOf` is understood.
    pub all_of: bool,
    /// Whether objects may have no members but those that are described.
    pub closed: bool,
    /// What the names of arguments must look like; `None`: anything.
    pub arguments: Option<Rule>,
}

impl Profile {
    /// The same for schemas of results, which no model has to follow.
    pub const fn for_results(&self) -> Self {
        Self { flat: false, closed: false, arguments: None, ..*self }
    }
}

/// References are not resolved, and arrays without `items` are refused with the whole request.
pub(super) const COPILOT: Profile = Profile {
    keywords: None,
    formats: None,
    flat: true,
    tuples: false,
    items: true,
    all_of: true,
    closed: false,
    arguments: None,
};

/// The schema has to be one of 2020-12, without choices at the top, and names of arguments are
/// restricted.
pub(super) const CLAUDE: Profile = Profile {
    keywords: None,
    formats: None,
    flat: true,
    tuples: true,
    items: false,
    all_of: true,
    closed: false,
    arguments: Some(Rule { length_max: 64, signs: b"_-." }),
};

/// What strict tool calls know. That every property is required there is left to the client: only
/// it can take the nulls of those that are not out of a call again.
pub(super) const STRICT: Profile = Profile {
    keywords: Some(&[
        "additionalProperties",
        "anyOf",
        "const",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maximum",
        "minItems",
        "minimum",
        "multipleOf",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
    ]),
    formats: Some(&[
        "date",
        "date-time",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "time",
        "uuid",
    ]),
    flat: true,
    tuples: false,
    items: true,
    all_of: false,
    closed: true,
    arguments: None,
};
