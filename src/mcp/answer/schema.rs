// SPDX-License-Identifier: MIT
//! The schema of a value as the schema of an object that has this value for its `result`.
//!
//! Results of legacy tools are objects, so clients refuse tools whose schema says anything else.
//! The answer to a call does not know the schema of its tool: it wraps what is no object, and only
//! that. So a schema that fits objects as well as other values becomes one that fits an object as
//! it is, and others wrapped.

use crate::base::Span;
use crate::wire::json::edit::{self, Edits};
use crate::wire::json::scan;
use crate::wire::json::write::push_str;

/// `schema`, in JSON, for wrapped values; `None` if it is one for objects alone.
pub(super) fn wrapped(schema: &[u8]) -> Option<Vec<u8>> {
    let whole = edit::whole(schema);
    let fit = fit(schema, whole);
    let root = match fit {
        Fit::ObjectsOnly => return None,
        Fit::NoObjects => "#/properties/result",
        Fit::Both => "#/$defs/result",
    };
    let dialect = scan::member(schema, whole, "$schema").map(|dialect| dialect.of(schema));
    let inner = moved(schema, whole, root);
    let mut out = b"{\"type\":\"object\",".to_vec();
    if let Some(dialect) = dialect {
        out.extend_from_slice(&[b"\"$schema\":", dialect, b","].concat());
    }
    let parts: [&[u8]; 3] = match fit {
        Fit::Both => [
            b"\"$defs\":{\"result\":",
            &inner,
            b"},\"anyOf\":[{\"properties\":{\"result\":{\"$ref\":\"#/$defs/result\"}},\
              \"required\":[\"result\"]},{\"$ref\":\"#/$defs/result\"}]}",
        ],
        _ => [b"\"properties\":{\"result\":", &inner, b"},\"required\":[\"result\"]}"],
    };
    out.extend_from_slice(&parts.concat());
    Some(out)
}

/// Which values may fit a schema, as far as its `type` says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    ObjectsOnly,
    NoObjects,
    Both,
}

fn fit(schema: &[u8], whole: Span) -> Fit {
    let Some(kinds) = scan::member(schema, whole, "type") else { return Fit::Both };
    let is_object = |kind| scan::string(schema, kind).is_some_and(|kind| kind == "object");
    if is_object(kinds) {
        return Fit::ObjectsOnly;
    }
    match scan::elements(schema, kinds).any(is_object) {
        true => Fit::Both,
        false => Fit::NoObjects,
    }
}

/// `schema` as it has to be spelled where `root` leads to it: references from its root begin there.
/// If it has an `$id`, they begin at that, wherever it stands.
fn moved(schema: &[u8], whole: Span, root: &str) -> Vec<u8> {
    let mut edits = Edits::of(schema);
    edits.object(whole, |name, _| name != "$schema", &[]);
    if scan::member(schema, whole, "$id").is_none() {
        // Where a dialect should be, there may stand anything.
        let is_dialect = |name| scan::string(schema, name).is_some_and(|name| name == "$schema");
        let gone: Vec<Span> = scan::members(schema, whole)
            .filter_map(|(name, value)| is_dialect(name).then_some(value))
            .collect();
        let is_gone = |place: &Span| {
            gone.iter().any(|value| value.start <= place.start && place.end <= value.end)
        };
        for place in references(schema).into_iter().filter(|place| !is_gone(place)) {
            let target = scan::string(schema, place).unwrap_or_default();
            if let Some(path) = target.strip_prefix('#').filter(|path| is_path(path)) {
                let mut spelled = Vec::new();
                push_str(&mut spelled, &format!("{root}{path}"));
                edits.replace(place, spelled);
            }
        }
    }
    edits.apply()
}

/// Whether this is a way from the root, and not the name of an anchor.
fn is_path(fragment: &str) -> bool {
    fragment.is_empty() || fragment.starts_with('/')
}

/// The strings that are values of a member `$ref` or `$dynamicRef`, at any depth.
///
/// One pass from string to string, because deep schemas would be walked once per level: `text` is
/// JSON, so a string before a colon is a name.
fn references(text: &[u8]) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(name) = next_string(text, at) {
        at = name.end as usize;
        if !matches!(name.of(text), b"\"$ref\"" | b"\"$dynamicRef\"") {
            continue;
        }
        let Some(colon) = ink(text, at).filter(|&at| text[at] == b':') else { continue };
        let value = ink(text, colon + 1).filter(|&at| text[at] == b'"');
        found.extend(value.and_then(|at| next_string(text, at)));
    }
    found
}

/// The first string from `from` on, where no string has begun.
fn next_string(text: &[u8], from: usize) -> Option<Span> {
    let start = from + text.get(from..)?.iter().position(|&byte| byte == b'"')?;
    let mut at = start + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(Span::new(start, at + 1)),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The first place from `from` on that is not blank.
fn ink(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let is_ink = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    Some(from + rest.iter().position(is_ink)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schema: &str, want: Option<&str>) {
        let wrapped = wrapped(schema.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(wrapped.as_deref(), want);
    }

    #[test]
    fn what_stands_for_a_dialect_and_is_none_has_no_references_to_move() {
        check(
            r##"{"$schema":[{"$ref":"#"}],"type":"array","items":{"$ref":"#/a"}}"##,
            Some(concat!(
                r##"{"type":"object","$schema":[{"$ref":"#"}],"properties":{"result":{"##,
                r##""type":"array","items":{"$ref":"#/properties/result/a"}}},"required":["result"]}"##
            )),
        );
    }

    #[test]
    fn the_schema_of_an_object_stays() {
        check(r#"{"type":"object","properties":{"a":{"type":"array"}}}"#, None);
    }

    // Checklist 99.
    #[test]
    fn the_schema_of_no_object_is_that_of_a_member() {
        check(
            r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"array","items":{"type":"integer"}}"#,
            Some(
                r#"{"type":"object","$schema":"http://json-schema.org/draft-07/schema#","properties":{"result":{"type":"array","items":{"type":"integer"}}},"required":["result"]}"#,
            ),
        );
        check(
            r#"{"type":["string","null"]}"#,
            Some(
                r#"{"type":"object","properties":{"result":{"type":["string","null"]}},"required":["result"]}"#,
            ),
        );
    }

    #[test]
    fn a_schema_that_fits_objects_too_fits_them_as_they_are() {
        for schema in ["{}", "true", r#"{"type":["object","null"]}"#, r#"{"oneOf":[]}"#] {
            check(
                schema,
                Some(&format!(
                    r##"{{"type":"object","$defs":{{"result":{schema}}},"anyOf":[{{"properties":{{"result":{{"$ref":"#/$defs/result"}}}},"required":["result"]}},{{"$ref":"#/$defs/result"}}]}}"##
                )),
            );
        }
    }

    #[test]
    fn references_move_with_their_schema() {
        check(
            r##"{"type":"array","items":{"$ref" : "#/$defs/a\"b"},"x":"$ref","$defs":{"n":{"$ref":"#"},"o":{"$ref":"#anchor"},"p":{"$ref":"other.json#/a"},"$ref":{"type":"null"}}}"##,
            Some(
                r##"{"type":"object","properties":{"result":{"type":"array","items":{"$ref" : "#/properties/result/$defs/a\"b"},"x":"$ref","$defs":{"n":{"$ref":"#/properties/result"},"o":{"$ref":"#anchor"},"p":{"$ref":"other.json#/a"},"$ref":{"type":"null"}}}},"required":["result"]}"##,
            ),
        );
        check(
            r##"{"$id":"urn:a","type":"array","items":{"$ref":"#/$defs/a"}}"##,
            Some(
                r##"{"type":"object","properties":{"result":{"$id":"urn:a","type":"array","items":{"$ref":"#/$defs/a"}}},"required":["result"]}"##,
            ),
        );
    }
}
