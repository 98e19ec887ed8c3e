// SPDX-License-Identifier: MIT
//! What fields have to say, and what becomes of those that say another thing.

use super::params::{ParamRule, RuleError};
use super::*;

fn mirror(fields: &[(&str, &str)]) -> Mirror {
    let mut mirror = Mirror::default();
    for (name, value) in fields {
        let value = Message::from(*value);
        match name.strip_prefix(PARAM) {
            Some(name) => mirror.params.push((name.into(), value)),
            None if *name == VERSION => mirror.version = Some(value),
            None if *name == METHOD => mirror.method = Some(value),
            None => mirror.name = Some(value),
        }
    }
    mirror
}

#[track_caller]
fn check_text(result: Result<(), MirrorError>, want: &str) {
    let error = result.expect_err("the fields do not agree with the body").to_string();
    assert_eq!(error, want);
}

// Checklist 69.
#[test]
fn the_version_is_there_and_that_of_the_body() {
    let right = mirror(&[(VERSION, "2026-07-28")]);
    assert_eq!(right.check_version("2026-07-28"), Ok(()));
    check_text(right.check_version("2025-11-25"), {
        "MCP-Protocol-Version header value '2026-07-28' does not match body value '2025-11-25'"
    });
    check_text(Mirror::default().check_version("2026-07-28"), {
        "MCP-Protocol-Version header is missing; the body says '2026-07-28'"
    });
}

// Checklist 71.
#[test]
fn the_method_is_compared_with_case() {
    assert_eq!(mirror(&[(METHOD, "tools/call")]).check_method("tools/call"), Ok(()));
    for wrong in ["Tools/Call", "tools/list", "", "=?base64?dG9vbHMvY2FsbA==?="] {
        let error = mirror(&[(METHOD, wrong)]).check_method("tools/call").unwrap_err();
        assert!(matches!(error, MirrorError::Differs { .. }), "{wrong}: {error}");
    }
    check_text(Mirror::default().check_method("tools/call"), {
        "Mcp-Method header is missing; the body says 'tools/call'"
    });
}

// Checklist 72.
#[test]
fn the_name_is_needed_where_a_method_has_one() {
    let methods = [
        ("tools/call", "name"),
        ("prompts/get", "name"),
        ("resources/read", "uri"),
        ("tasks/get", "taskId"),
        ("tasks/update", "taskId"),
        ("tasks/cancel", "taskId"),
    ];
    for (method, member) in methods {
        let text = format!(r#"{{"{member}":"x\u0079","arguments":{{"{member}":"no"}}}}"#);
        let whole = Span::new(0, text.len());
        let name = name_of(text.as_bytes(), method, Some(whole));
        assert_eq!(name.as_deref(), Some("xy"), "{method}");
        let check = |fields: &[(&str, &str)]| mirror(fields).check_name(method, name.as_deref());
        assert_eq!(check(&[(NAME, "xy")]), Ok(()));
        check_text(check(&[]), "Mcp-Name header is missing; the body says 'xy'");
        check_text(check(&[(NAME, "XY")]), {
            "Mcp-Name header value 'XY' does not match body value 'xy'"
        });
        let no_name = mirror(&[(NAME, "xy")]).check_name(method, None);
        check_text(no_name, "Mcp-Name header value 'xy' has no counterpart in the body");
        assert_eq!(Mirror::default().check_name(method, None), Ok(()));
    }
    assert_eq!(mirror(&[(NAME, "x")]).check_name("tools/list", None), Ok(()));
}

// Checklist 73.
#[test]
fn names_in_base64_are_decoded() {
    let check =
        |value: &str, body: &str| mirror(&[(NAME, value)]).check_name("tools/call", Some(body));
    assert_eq!(check("=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, 世界"), Ok(()));
    assert_eq!(check("=?base64??=", ""), Ok(()));
    assert_eq!(check("=?base64?eHk=?=", "xy"), Ok(()), "what needs no base64 may have it");
    assert_eq!(check("=?BASE64?eHk=?=", "=?BASE64?eHk=?="), Ok(()), "another marker is none");
    assert_eq!(check("=?base64?=", "=?base64?="), Ok(()), "nor is half of one");
    for bad in ["=?base64?eHk?=", "=?base64?eH-_?=", "=?base64?eH k=?=", "=?base64?/w==?=", "é"] {
        let error = check(bad, bad).unwrap_err();
        assert!(matches!(error, MirrorError::Malformed { .. }), "{bad}: {error}");
    }
    check_text(check("=?base64?eHk?=", "xy"), {
        "Mcp-Name header value '=?base64?eHk?=' is malformed"
    });
}

// Checklist 74.
#[test]
fn blanks_around_a_value_are_no_part_of_it() {
    let fields = [(VERSION, " 2026-07-28\t"), (METHOD, "\t tools/call "), (NAME, "  get x  ")];
    let mirror = mirror(&fields);
    assert_eq!(mirror.check_version("2026-07-28"), Ok(()));
    assert_eq!(mirror.check_method("tools/call"), Ok(()));
    assert_eq!(mirror.check_name("tools/call", Some("get x")), Ok(()));
    assert!(mirror.check_name("tools/call", Some(" get x")).is_err());
}

#[test]
fn a_long_value_is_shown_by_its_beginning() {
    let long = "x".repeat(500);
    let text = mirror(&[(METHOD, &long)]).check_method("a\nb").unwrap_err().to_string();
    assert!(text.contains("x…'") && text.contains("'a\\nb'") && text.len() < 200, "{text}");
}

// Checklist 100.
#[test]
fn values_are_written_as_the_specification_shows() {
    let table = [
        ("us-west1", "us-west1"),
        ("", ""),
        ("a b\tc", "a b\tc"),
        ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", "=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
    ];
    for (value, written) in table {
        assert_eq!(encode(value), written);
        assert_eq!(decode(written.as_bytes()).as_deref(), Some(value));
        fuzz(value.as_bytes());
        fuzz(written.as_bytes());
    }
}

// Checklist 100.
#[test]
fn a_request_of_ours_has_the_fields_of_its_body() {
    let text = r#"{"name":"größe","arguments":{"region":"eu","n":7}}"#.as_bytes();
    let rules = [rule("Region", &["region"]), rule("N", &["n"]), rule("Other", &["other"])];
    let whole = Span::new(0, text.len());
    let fields = fields_for(text, "tools/call", Some(whole), &rules);
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let want = [
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "=?base64?Z3LDtsOfZQ==?="),
        ("Mcp-Param-Region", "eu"),
        ("Mcp-Param-N", "7"),
    ];
    assert_eq!(fields, want);
    let fields = fields_for(b"", "server/discover", None, &[]);
    assert_eq!(fields, [("Mcp-Method".into(), "server/discover".into())]);
}

fn rule(header: &str, path: &[&str]) -> ParamRule {
    ParamRule { header: header.into(), path: path.iter().map(|&name| name.into()).collect() }
}

fn rules(schema: &str) -> Result<Vec<ParamRule>, RuleError> {
    fuzz(schema.as_bytes());
    params::rules(schema.as_bytes(), Span::new(0, schema.len()))
}

// Checklist 75, 100.
#[test]
fn rules_stand_at_properties_of_properties() {
    let schema = r#"{"type":"object","properties":{
        "region":{"type":"string","x-mcp-header":"Region"},
        "plain":{"type":"string","default":{"x-mcp-header":"no schema"}},
        "deep":{"type":"object","properties":{
            "n":{"type":"integer","x-mcp-\u0068eader":"N"},
            "properties":{"type":"boolean","x-mcp-header":"P"}}}}}"#;
    let want = [
        rule("Region", &["region"]),
        rule("N", &["deep", "n"]),
        rule("P", &["deep", "properties"]),
    ];
    assert_eq!(rules(schema), Ok(want.to_vec()));
    assert_eq!(rules(r#"{"type":"object","properties":{"a":{"type":"number"}}}"#), Ok(vec![]));
}

// Checklist 100.
#[test]
fn a_tool_whose_fields_nobody_can_send_is_found() {
    #[track_caller]
    fn check(property: &str, want: RuleError) {
        let schema = format!(r#"{{"type":"object","properties":{{"a":{property}}}}}"#);
        assert_eq!(rules(&schema), Err(want), "{property}");
    }
    let named = |name: &str| format!(r#"{{"type":"string","x-mcp-header":{name}}}"#);
    for bad in ["", "My Region", "Region:Primary", "Région", "Region\\t1"] {
        let shown = bad.replace('é', "\\xc3\\xa9").into();
        check(&named(&format!("\"{bad}\"")), RuleError::Name(shown));
    }
    check(&named("7"), RuleError::Name("".into()));
    for kind in ["\"object\"", "\"array\"", "\"null\"", "\"number\"", "[\"string\",\"null\"]"] {
        let property = format!(r#"{{"type":{kind},"x-mcp-header":"A"}}"#);
        check(&property, RuleError::Type("A".into()));
    }
    check(r#"{"x-mcp-header":"A"}"#, RuleError::Type("A".into()));
    let inner = named("\"A\"");
    for keyword in ["items", "additionalProperties", "not", "if", "then", "else"] {
        check(&format!(r#"{{"{keyword}":{inner}}}"#), RuleError::Unreachable);
    }
    for keyword in ["oneOf", "anyOf", "allOf", "prefixItems"] {
        check(&format!(r#"{{"{keyword}":[{inner}]}}"#), RuleError::Unreachable);
    }
    for keyword in ["$defs", "patternProperties", "dependentSchemas"] {
        check(&format!(r#"{{"{keyword}":{{"b":{inner}}}}}"#), RuleError::Unreachable);
    }
    assert_eq!(rules(&inner), Err(RuleError::Unreachable), "the arguments themselves");
    let two = format!(r#"{inner},"b":{}"#, named("\"a\""));
    check(&two, RuleError::Repeated("a".into()));
}

#[track_caller]
fn call(rules: &[ParamRule], fields: &[(&str, &str)], arguments: &str) -> Result<(), MirrorError> {
    let place = Span::new(0, arguments.len());
    params::check(rules, &mirror(fields), arguments.as_bytes(), Some(place))
}

// Checklist 75.
#[test]
fn arguments_are_what_their_fields_say() {
    let rules = [rule("Region", &["where", "region"])];
    let good = [
        (Some("eu"), r#"{"where":{"region":"eu"}}"#),
        (Some("=?base64?w7w=?="), r#"{"where":{"region":"\u00fc"}}"#),
        (Some(" true "), r#"{"where":{"region":true}}"#),
        (Some("42"), r#"{"where":{"region":42}}"#),
        (Some("42.0"), r#"{"where":{"region":42}}"#),
        (Some("-420e-1"), r#"{"where":{"region":-42.00}}"#),
        (Some("0"), r#"{"where":{"region":-0.0}}"#),
        (Some("9007199254740993"), r#"{"where":{"region":9007199254740993}}"#),
        (None, r#"{"where":{"region":9007199254740993}}"#),
        (None, r#"{"where":{"region":null}}"#),
        (None, r#"{"where":{"region":["eu"]}}"#),
        (None, r#"{"where":"eu"}"#),
        (None, "{}"),
    ];
    for (value, arguments) in good {
        let fields: Vec<_> = value.iter().map(|value| ("Mcp-Param-REGION", *value)).collect();
        assert_eq!(call(&rules, &fields, arguments), Ok(()), "{value:?} {arguments}");
    }
    let bad = [
        (None, r#"{"where":{"region":"eu"}}"#, "header is missing; the body says 'eu'"),
        (None, r#"{"where":{"region":false}}"#, "header is missing; the body says 'false'"),
        (None, r#"{"where":{"region":4.20e1}}"#, "header is missing; the body says '42'"),
        (Some("us"), r#"{"where":{"region":"eu"}}"#, "header value 'us' does not match"),
        (Some("43"), r#"{"where":{"region":42}}"#, "header value '43' does not match"),
        (Some("042"), r#"{"where":{"region":42}}"#, "header value '042' does not match"),
        (Some("42"), r#"{"where":{"region":"42.0"}}"#, "header value '42' does not match"),
        (Some("9007199254740992"), r#"{"where":{"region":9007199254740993}}"#, "does not match"),
        (Some("eu"), r#"{"where":{"region":null}}"#, "has no counterpart in the body"),
        (Some("eu"), "{}", "has no counterpart in the body"),
        (Some("=?base64?w7w?="), r#"{"where":{"region":"ü"}}"#, "is malformed"),
        (Some("=?base64?NDI?="), r#"{"where":{"region":42}}"#, "is malformed"),
        (Some("\u{fc}"), r#"{"where":{"region":"ü"}}"#, "is malformed"),
    ];
    for (value, arguments, want) in bad {
        let fields: Vec<_> = value.iter().map(|value| ("Mcp-Param-Region", *value)).collect();
        let text = call(&rules, &fields, arguments).unwrap_err().to_string();
        assert!(text.contains("Mcp-Param-Region") && text.contains(want), "{text}");
    }
}

// Checklist 75.
#[test]
fn fields_that_no_rule_knows_mean_nothing_and_are_passed_on() {
    let fields = [("Mcp-Param-A", "1"), ("Mcp-Param-b", "=?base64?!?=")];
    assert_eq!(call(&[], &fields, "{}"), Ok(()));
    let passed = mirror(&fields).param_fields();
    let passed: Vec<_> = passed.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(passed, fields);
}

// Checklist 100.
#[test]
fn numbers_are_mirrored_in_digits() {
    #[track_caller]
    fn check(spelled: &str, want: Option<&str>) {
        let text = format!(r#"{{"n":{spelled}}}"#);
        let place = Some(Span::new(0, text.len()));
        let fields = params::build(&[rule("N", &["n"])], text.as_bytes(), place);
        assert_eq!(fields.first().map(|(_, value)| &**value), want, "{spelled}");
        let schema = r#"{"properties":{"n":{"type":"integer","x-mcp-header":"N"}}}"#;
        fuzz(format!("{schema}\n{text}").as_bytes());
    }
    check("42", Some("42"));
    check("-7", Some("-7"));
    check("-0", Some("0"));
    check("42.0", Some("42"));
    check("1e3", Some("1000"));
    check("0.5", Some("0.5"));
    check("9007199254740991", Some("9007199254740991"));
    check("-9007199254740991", Some("-9007199254740991"));
    check("9007199254740992", None);
    check("1e400", None);
    check("1e99999999999999999999", None);
    check("null", None);
    check("{}", None);
    check("true", Some("true"));
    check("\" x\"", Some("=?base64?IHg=?="));
}
