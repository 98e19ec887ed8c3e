// SPDX-License-Identifier: MIT
//! The least that clients rely on: the arguments of a tool are an object, and its schema says so.
//!
//! Members are added at the front; all other bytes stay as they are.
//!
//! Spec: the written gateway specification, "Input schema normalisation", with its corrections.

use super::{Flaw, excerpt};
use crate::base::Span;
use crate::wire::json::scan;

/// The schema of a tool without arguments.
const EMPTY: &[u8] = br#"{"type":"object","properties":{}}"#;

/// What the top of a schema says.
#[derive(Default)]
struct Top {
    kind: Option<Span>,
    has_properties: bool,
    has_additional: bool,
    is_empty: bool,
}

/// The schema of arguments with what it lacks; `None`: it lacks nothing.
pub(super) fn arguments(text: &[u8], schema: Option<Span>) -> Result<Option<Vec<u8>>, Flaw> {
    let Some(schema) = schema.filter(|schema| schema.of(text) != b"null") else {
        return Ok(Some(EMPTY.to_vec()));
    };
    let top = read(text, schema)?;
    let missing: &[u8] = match (top.kind, top.has_properties) {
        (None, true) => br#""type":"object""#,
        (None, false) => br#""type":"object","properties":{}"#,
        (Some(_), false) if !top.has_additional => br#""properties":{}"#,
        (Some(_), _) => return Ok(None),
    };
    let rest = schema.of(text).get(1..).unwrap_or_default();
    let comma: &[u8] = if top.is_empty { b"" } else { b"," };
    Ok(Some([b"{", missing, comma, rest].concat()))
}

/// Whether a schema is one of an object, as older revisions demand of results too.
pub(super) fn results(text: &[u8], schema: Span) -> Result<(), Flaw> {
    match read(text, schema)?.kind {
        Some(_) => Ok(()),
        None => Err(Flaw::Type("missing".into())),
    }
}

fn read(text: &[u8], schema: Span) -> Result<Top, Flaw> {
    if !schema.of(text).starts_with(b"{") {
        return Err(Flaw::NotAnObject);
    }
    let mut top = Top { is_empty: true, ..Top::default() };
    for (name, value) in scan::members(text, schema) {
        top.is_empty = false;
        match scan::string(text, name).as_deref() {
            Some("type") => top.kind = Some(value),
            Some("properties") => top.has_properties = true,
            Some("additionalProperties") => top.has_additional = true,
            _ => {}
        }
    }
    match top.kind {
        Some(kind) if scan::string(text, kind).as_deref() != Some("object") => {
            Err(Flaw::Type(excerpt(&String::from_utf8_lossy(kind.of(text)))))
        }
        _ => Ok(top),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schema: &str, want: Result<Option<&str>, Flaw>) {
        let place = (!schema.is_empty()).then(|| Span::new(0, schema.len()));
        let got = arguments(schema.as_bytes(), place);
        let got = got.map(|bytes| bytes.map(|bytes| String::from_utf8(bytes).unwrap()));
        assert_eq!(got, want.map(|want| want.map(str::to_owned)), "{schema}");
    }

    #[test]
    fn every_row_of_the_table_is_kept() {
        let empty = r#"{"type":"object","properties":{}}"#;
        check("", Ok(Some(empty)));
        check("null", Ok(Some(empty)));
        check("{}", Ok(Some(empty)));
        check(
            r#"{ "properties":{"a":{}} }"#,
            Ok(Some(r#"{"type":"object", "properties":{"a":{}} }"#)),
        );
        check(
            r##"{"anyOf":[{"$ref":"#/$defs/a"}],"x":1.0}"##,
            Ok(Some(
                r##"{"type":"object","properties":{},"anyOf":[{"$ref":"#/$defs/a"}],"x":1.0}"##,
            )),
        );
        check(r#"{"type":"object"}"#, Ok(Some(r#"{"properties":{},"type":"object"}"#)));
        check(r#"{"type":"object","additionalProperties":{"type":"string"}}"#, Ok(None));
        check(r#"{"type":"object","properties":{},"$schema":"x"}"#, Ok(None));
        check(r#"{"t\u0079pe":"object","properties":{}}"#, Ok(None));
        check(r#"{"type":"string","type":"object","properties":{}}"#, Ok(None));
    }

    #[test]
    fn another_type_is_a_flaw() {
        let flaw = |found: &str| Err(Flaw::Type(found.into()));
        check(r#"{"type":"string"}"#, flaw("\"string\""));
        check(r#"{"type":["object","null"],"properties":{}}"#, flaw("[\"object\",\"null\"]"));
        check(r#"{"type":null}"#, flaw("null"));
        for schema in ["true", "[]", "7", "\"object\""] {
            check(schema, Err(Flaw::NotAnObject));
        }
    }

    #[test]
    fn results_need_a_type() {
        let read = |text: &str| results(text.as_bytes(), Span::new(0, text.len()));
        assert_eq!(read(r#"{"type":"object"}"#), Ok(()));
        assert_eq!(read("{}"), Err(Flaw::Type("missing".into())));
        assert_eq!(read(r#"{"type":"array"}"#), Err(Flaw::Type("\"array\"".into())));
        assert_eq!(read("true"), Err(Flaw::NotAnObject));
    }
}
