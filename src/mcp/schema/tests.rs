// SPDX-License-Identifier: MIT
//! One case per repair; whole tools stand in `tests/data/schemas`.

use super::*;

#[track_caller]
fn check(care: Care, schema: &str, want: &str) {
    let place = Span::new(0, schema.len());
    let got = input(schema.as_bytes(), Some(place), care).unwrap();
    let got = got.map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(got.as_deref().unwrap_or(schema), want, "{schema}");
    fuzz(schema.as_bytes());
}

#[track_caller]
fn check_flaw(care: Care, schema: &str, want: Flaw) {
    let place = Span::new(0, schema.len());
    assert_eq!(input(schema.as_bytes(), Some(place), care), Err(want), "{schema}");
}

fn object(properties: &str) -> String {
    format!(r#"{{"type":"object","properties":{{{properties}}}}}"#)
}

#[track_caller]
fn check_property(care: Care, property: &str, want: &str) {
    check(care, &object(&format!("\"a\":{property}")), &object(&format!("\"a\":{want}")));
}

#[test]
fn a_schema_that_needs_nothing_leaves_byte_for_byte() {
    let schema = r#"{"type":"object","properties":{"n":{"type":"number","minimum":1.0,"default":1e400}},"required":["n"]}"#;
    for care in [Care::Reference, Care::Verbatim, Care::Copilot, Care::Claude] {
        check(care, schema, schema);
    }
    let spaced = schema.replace(',', " , ");
    check(Care::Reference, &spaced, &spaced);
    check(Care::Verbatim, r#"{"type":"string"}"#, r#"{"type":"string"}"#);
}

#[test]
fn references_are_written_out() {
    for care in [Care::Copilot, Care::Claude] {
        check(
            care,
            r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"type":"string"}}}"##,
            r#"{"type":"object","properties":{"a":{"type":"string"}}}"#,
        );
        // Comments beside a reference win; demands beside it count as well.
        check(
            care,
            r##"{"properties":{"a":{"description":"x","$ref":"#/$defs/a"},"b":{"minLength":1,"$ref":"#/$defs/a"}},"$defs":{"a":{"type":"string","description":"y"}},"type":"object"}"##,
            r#"{"properties":{"a":{"description":"x","type":"string"},"b":{"minLength":1,"allOf":[{"type":"string","description":"y"}]}},"type":"object"}"#,
        );
        // A property may be called like a keyword, and data are data.
        let schema = r##"{"type":"object","properties":{"items":{"enum":[{"$ref":"#/x"}]}}}"##;
        check(care, schema, schema);
        check(
            care,
            r##"{"$ref":"#/definitions/a","definitions":{"a":{"type":"object","properties":{}}},"$schema":"http://json-schema.org/draft-07/schema#"}"##,
            r#"{"type":"object","properties":{}}"#,
        );
    }
}

#[test]
fn what_refers_to_itself_is_cut_to_its_type() {
    check(
        Care::Copilot,
        r##"{"type":"object","properties":{"t":{"$ref":"#/$defs/t"},"self":{"$ref":"#"}},"$defs":{"t":{"type":"object","properties":{"l":{"$ref":"#/$defs/t"}}},"u":{"$ref":"#/$defs/u"}}}"##,
        r#"{"type":"object","properties":{"t":{"type":"object","properties":{"l":{"type":"object"}}},"self":{"type":"object"}}}"#,
    );
    check(
        Care::Claude,
        r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##,
        r#"{"type":"object","properties":{"a":{}}}"#,
    );
}

// Checklist 130.
#[test]
fn references_that_lead_nowhere_or_elsewhere_are_flaws() {
    let with = |to: &str| object(&format!(r#""a":{{"$ref":"{to}"}}"#));
    for care in [Care::Copilot, Care::Claude, Care::Strict] {
        check_flaw(care, &with("#/$defs/a"), Flaw::Dangling("#/$defs/a".into()));
        let url = "https://evil.example/s.json";
        check_flaw(care, &with(url), Flaw::Remote(url.into()));
    }
    check(Care::Reference, &with("#/$defs/a"), &with("#/$defs/a"));
}

#[test]
fn copies_without_end_are_a_flaw() {
    let mut defs = r#""d0":{"type":"string","description":"ha"}"#.to_owned();
    for n in 1..30 {
        let below = n - 1;
        defs += &format!(
            r##","d{n}":{{"anyOf":[{{"$ref":"#/$defs/d{below}"}},{{"$ref":"#/$defs/d{below}"}}]}}"##
        );
    }
    let schema =
        format!(r##"{{"properties":{{"a":{{"$ref":"#/$defs/d29"}}}},"$defs":{{{defs}}}}}"##);
    check_flaw(Care::Copilot, &schema, Flaw::TooLarge);
    let deep = format!("{}{}", r#"{"not":"#.repeat(80), "{}".to_owned() + &"}".repeat(80));
    check_flaw(Care::Claude, &deep, Flaw::TooDeep);
    let long = object(&format!(r#""a":{{"description":"{}"}}"#, "x".repeat(300_000)));
    check_flaw(Care::Claude, &long, Flaw::TooLarge);
}

#[test]
fn older_drafts_are_said_in_the_words_of_today() {
    let care = Care::Claude;
    check_property(care, r#"{"minimum":3,"exclusiveMinimum":true}"#, r#"{"exclusiveMinimum":3}"#);
    check_property(care, r#"{"maximum":3,"exclusiveMaximum":false}"#, r#"{"maximum":3}"#);
    check_property(care, r#"{"type":"string","required":true}"#, r#"{"type":"string"}"#);
    check_property(care, r#"{"type":"STRING"}"#, r#"{"type":"string"}"#);
    check_property(care, r#"{"type":"any"}"#, "{}");
    check_property(care, r#"{"type":["string","any","null"]}"#, r#"{"type":["string","null"]}"#);
    check_property(care, r#"{"minLength":"3","description":null,"x":1}"#, r#"{"x":1}"#);
    check_property(
        care,
        r#"{"type":"array","items":[{"type":"number"},{}],"additionalItems":false}"#,
        r#"{"type":"array","prefixItems":[{"type":"number"},{}],"items":false}"#,
    );
    check_property(care, r#"{"required":["a","a",7]}"#, r#"{"required":["a"]}"#);
    check_property(care, r#"{"anyOf":[],"enum":7,"dependencies":{}}"#, "{}");
}

#[test]
fn who_knows_no_tuples_gets_a_choice() {
    check_property(
        Care::Copilot,
        r#"{"type":"array","items":[{"type":"number"},{"type":"string"}],"additionalItems":false}"#,
        r#"{"type":"array","maxItems":2,"items":{"anyOf":[{"type":"number"},{"type":"string"}]}}"#,
    );
    check_property(
        Care::Copilot,
        r#"{"type":"array","prefixItems":[{"type":"number"}],"items":{"type":"number"}}"#,
        r#"{"type":"array","items":{"type":"number"}}"#,
    );
    check_property(Care::Copilot, r#"{"type":"array"}"#, r#"{"type":"array","items":{}}"#);
}

#[test]
fn the_top_has_no_choices() {
    check(
        Care::Claude,
        r#"{"type":"object","oneOf":[{"properties":{"a":{"type":"string"},"k":{"const":1}},"required":["a","k"]},{"properties":{"b":{"type":"string"},"k":{"const":2}},"required":["k","b"]}]}"#,
        r#"{"type":"object","properties":{"a":{"type":"string"},"k":{"anyOf":[{"const":1},{"const":2}]},"b":{"type":"string"}},"required":["k"]}"#,
    );
    check(
        Care::Copilot,
        r#"{"allOf":[{"type":"object","properties":{"a":{}},"required":["a"]},{"properties":{"b":{}},"additionalProperties":false}],"not":{}}"#,
        r#"{"properties":{"a":{},"b":{}},"required":["a"],"type":"object"}"#,
    );
    check(
        Care::Copilot,
        r#"{"type":"object","properties":{"a":{}},"if":{},"then":{"properties":{"b":{}},"required":["b"]}}"#,
        r#"{"type":"object","properties":{"a":{},"b":{}}}"#,
    );
}

#[test]
fn strict_clients_get_closed_objects_of_few_words() {
    check(
        Care::Strict,
        r#"{"properties":{"u":{"type":"string","format":"uri","minLength":1},"o":{"type":"object","additionalProperties":{"type":"string"}},"x":{"oneOf":[{"type":"string"},{"type":"null"}],"default":null}},"required":["u","gone"]}"#,
        r#"{"type":"object","properties":{"u":{"type":"string"},"o":{"type":"object","additionalProperties":false,"properties":{}},"x":{"anyOf":[{"type":"string"},{"type":"null"}]}},"required":["u"],"additionalProperties":false}"#,
    );
    check(
        Care::Strict,
        r#"{"type":"object","properties":{"a":{"allOf":[{"type":"object","properties":{"b":{}},"required":["b"]},{"properties":{"c":{"type":"array"}}}]}}}"#,
        r#"{"type":"object","properties":{"a":{"properties":{"b":{},"c":{"type":"array","items":{}}},"required":["b"],"type":"object","additionalProperties":false}},"additionalProperties":false}"#,
    );
}

#[test]
fn a_name_that_the_client_refuses_is_a_flaw() {
    let schema = object(r#""a b":{}"#);
    check_flaw(Care::Claude, &schema, Flaw::Property("a b".into()));
    check(Care::Copilot, &schema, &schema);
}

#[test]
fn schemas_of_results_may_be_anything_where_the_revision_allows_it() {
    let check = |schema: &str, care, as_object, want: Result<Option<&str>, Flaw>| {
        let got = output(schema.as_bytes(), Span::new(0, schema.len()), care, as_object);
        let want = want.map(|want| want.map(|text| text.as_bytes().to_vec()));
        assert_eq!(got, want, "{schema}");
    };
    let array = r#"{"type":"array","items":{"type":"string"}}"#;
    check(array, Care::Reference, false, Ok(None));
    check(array, Care::Reference, true, Err(Flaw::Type("\"array\"".into())));
    check("true", Care::Copilot, false, Ok(None));
    check("7", Care::Reference, false, Err(Flaw::NotAnObject));
    check("7", Care::Verbatim, true, Ok(None));
    let dangling = r##"{"type":"object","properties":{"a":{"$ref":"#/x"}}}"##;
    check(dangling, Care::Reference, true, Ok(None));
    check(dangling, Care::Claude, true, Err(Flaw::Dangling("#/x".into())));
    let choice = r#"{"type":"object","anyOf":[{}]}"#;
    check(choice, Care::Strict, true, Ok(None));
}

#[test]
fn a_schema_of_many_names_is_mended_at_once() {
    let anchors: Vec<String> =
        (0..900).map(|n| format!(r#""d{n}":{{"$anchor":"a{n}","type":"string"}}"#)).collect();
    let properties: Vec<String> = (0..900)
        .map(|n| match n % 2 {
            0 => format!(r##""p{n}":{{"$ref":"#a{n}"}}"##),
            _ => format!(r##""p{n}":{{"$ref":"#/$defs/d{n}"}}"##),
        })
        .collect();
    let mut inner = format!(r#"{{"type":"string","x":"{}"}}"#, "y".repeat(100_000));
    for _ in 0..40 {
        inner = format!(r#"{{"not":{inner}}}"#);
    }
    let schema = format!(
        r#"{{"type":"object","properties":{{{}}},"$defs":{{"deep":{inner},{}}}}}"#,
        properties.join(","),
        anchors.join(",")
    );
    let start = std::time::Instant::now();
    let place = Span::new(0, schema.len());
    let mended = input(schema.as_bytes(), Some(place), Care::Copilot).unwrap().unwrap();
    assert_eq!(String::from_utf8(mended).unwrap().matches(r#"{"type":"string"}"#).count(), 900);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn many_parts_and_choices_about_one_property_are_joined_at_once() {
    for word in ["allOf", "anyOf"] {
        let parts: Vec<String> =
            (0..6000).map(|n| format!(r#"{{"properties":{{"a":{{"minimum":{n}}}}}}}"#)).collect();
        let schema = format!(r#"{{"type":"object","{word}":[{}]}}"#, parts.join(","));
        for (_, care) in Care::WORDS {
            let start = std::time::Instant::now();
            let place = Span::new(0, schema.len());
            input(schema.as_bytes(), Some(place), care).unwrap();
            assert!(start.elapsed().as_secs() < 10, "{care:?} {word}: {:?}", start.elapsed());
        }
    }
}
