// SPDX-License-Identifier: MIT
//! What stands behind each keyword of a schema: only there do `$ref` and its like mean anything.
//!
//! Spec: JSON Schema 2020-12, core §10; validation §6; draft-07 for the older spellings.

/// What the value of a keyword is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Anything that is no schema.
    Data,
    /// A schema.
    One,
    /// An array of schemas.
    Many,
    /// A schema, or in older drafts an array of them.
    OneOrMany,
    /// An object of schemas by name.
    Named,
}

#[rustfmt::skip] // It is a table.
const KEYWORDS: &[(&str, Holds)] = &[
    ("additionalItems",       Holds::One),
    ("additionalProperties",  Holds::One),
    ("allOf",                 Holds::Many),
    ("anyOf",                 Holds::Many),
    ("contains",              Holds::One),
    ("contentSchema",         Holds::One),
    ("dependentSchemas",      Holds::Named),
    ("else",                  Holds::One),
    ("if",                    Holds::One),
    ("items",                 Holds::OneOrMany),
    ("not",                   Holds::One),
    ("oneOf",                 Holds::Many),
    ("patternProperties",     Holds::Named),
    ("prefixItems",           Holds::Many),
    ("properties",            Holds::Named),
    ("propertyNames",         Holds::One),
    ("then",                  Holds::One),
    ("unevaluatedItems",      Holds::One),
    ("unevaluatedProperties", Holds::One),
];

/// What stands behind `name`.
pub(super) fn holds(name: &str) -> Holds {
    let found = KEYWORDS.binary_search_by(|(own, _)| (*own).cmp(name));
    found.map_or(Holds::Data, |at| KEYWORDS[at].1)
}

/// What the value of a keyword has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Truth,
    List,
    Table,
    Number,
    /// A number above zero.
    Positive,
    /// A whole number, zero or more.
    Count,
}

#[rustfmt::skip] // It is a table.
const KINDS: &[(&str, Kind)] = &[
    ("contentEncoding",   Kind::Text),
    ("contentMediaType",  Kind::Text),
    ("dependentRequired", Kind::Table),
    ("deprecated",        Kind::Truth),
    ("description",       Kind::Text),
    ("enum",              Kind::List),
    ("examples",          Kind::List),
    ("exclusiveMaximum",  Kind::Number),
    ("exclusiveMinimum",  Kind::Number),
    ("format",            Kind::Text),
    ("maxContains",       Kind::Count),
    ("maxItems",          Kind::Count),
    ("maxLength",         Kind::Count),
    ("maxProperties",     Kind::Count),
    ("maximum",           Kind::Number),
    ("minContains",       Kind::Count),
    ("minItems",          Kind::Count),
    ("minLength",         Kind::Count),
    ("minProperties",     Kind::Count),
    ("minimum",           Kind::Number),
    ("multipleOf",        Kind::Positive),
    ("pattern",           Kind::Text),
    ("readOnly",          Kind::Truth),
    ("required",          Kind::List),
    ("title",             Kind::Text),
    ("uniqueItems",       Kind::Truth),
    ("writeOnly",         Kind::Truth),
];

/// Whether `json` may stand behind the keyword `name`.
pub(super) fn may_be(name: &str, json: &[u8]) -> bool {
    let Ok(at) = KINDS.binary_search_by(|(own, _)| (*own).cmp(name)) else { return true };
    let number = || str::from_utf8(json).ok().and_then(|text| text.parse::<f64>().ok());
    let first = json.first().copied().unwrap_or_default();
    let is_number = first == b'-' || first.is_ascii_digit();
    match KINDS[at].1 {
        Kind::Text => first == b'"',
        Kind::Truth => matches!(json, b"true" | b"false"),
        Kind::List => first == b'[',
        Kind::Table => first == b'{',
        Kind::Number => is_number,
        Kind::Positive => is_number && number().is_some_and(|value| value > 0.0),
        Kind::Count => {
            is_number && number().is_some_and(|value| value >= 0.0 && value.fract() == 0.0)
        }
    }
}

/// The ways to refer to another schema.
pub(super) const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// What has no use once references are written out; `dependencies` has had none since 2019.
const BOOKKEEPING: &[&str] = &[
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
    "$ref",
    "$schema",
    "$vocabulary",
    "definitions",
    "dependencies",
];

/// Whether `name` has no use once references are written out.
pub(super) fn is_bookkeeping(name: &str) -> bool {
    BOOKKEEPING.contains(&name)
}

/// Whether `name` says something to readers and refuses no value.
pub(super) fn is_annotation(name: &str) -> bool {
    const ANNOTATIONS: &[&str] =
        &["default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"];
    ANNOTATIONS.contains(&name)
}

/// The values of `type`.
pub(super) const TYPES: [&str; 7] =
    ["array", "boolean", "integer", "null", "number", "object", "string"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(KEYWORDS.is_sorted_by_key(|(name, _)| *name));
        assert!(KINDS.is_sorted_by_key(|(name, _)| *name));
        assert_eq!(holds("properties"), Holds::Named);
        assert_eq!(holds("enum"), Holds::Data);
        assert_eq!(holds("$ref"), Holds::Data);
    }

    #[test]
    fn values_of_the_wrong_kind_are_seen() {
        for (name, json, want) in [
            ("minLength", "3", true),
            ("minLength", "3.0", true),
            ("minLength", "-1", false),
            ("minLength", "\"3\"", false),
            ("minimum", "-1.5e400", true),
            ("multipleOf", "0", false),
            ("description", "null", false),
            ("uniqueItems", "1", false),
            ("default", "null", true),
        ] {
            assert_eq!(may_be(name, json.as_bytes()), want, "{name}: {json}");
        }
    }
}
