// SPDX-License-Identifier: MIT
//! Answers that cross from one era to the other.

use super::*;
use crate::base::Limits;
use crate::mcp::revision;
use crate::wire::jsonrpc::{self, Parsed};

fn parsed(text: &str) -> (Message, Envelope) {
    fuzz(text.as_bytes());
    match jsonrpc::parse(text.as_bytes(), &Limits::DEFAULT) {
        Ok(Parsed::Single(envelope)) => (Message::from(text), envelope),
        other => panic!("{text}: {other:?}"),
    }
}

fn answer(result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#)
}

fn failure(error: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"error":{error}}}"#)
}

#[track_caller]
fn check_modern(method: Method, from: &str, want: &str) {
    let (message, envelope) = parsed(from);
    let got = to_modern(method, &message, &envelope, Some(br#"{"name":"S"}"#));
    assert_eq!(str::from_utf8(&got).unwrap(), want);
}

#[track_caller]
fn check_legacy(method: Method, from: &str, want: &str) {
    let (message, envelope) = parsed(from);
    let got = to_legacy(method, &message, &envelope, revision::newest());
    assert_eq!(str::from_utf8(&got).unwrap(), want);
}

const SERVER: &str = r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"S"}}"#;

// Checklist 85, 96.
#[test]
fn a_result_made_modern_says_that_it_is_complete_and_whose_it_is() {
    check_modern(
        Method::ToolsCall,
        &answer(r#"{"content":[ ],"x":1.0}"#),
        &answer(&format!(r#"{{"resultType":"complete",{SERVER},"content":[ ],"x":1.0}}"#)),
    );
    check_modern(
        Method::ToolsCall,
        &answer(r#"{"resultType":"complete","_meta":{"a":1,"b":2}}"#),
        &answer(
            r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"S"},"a":1,"b":2}}"#,
        ),
    );
    let (message, envelope) = parsed(&answer(r#"{"content":[]}"#));
    let got = to_modern(Method::ToolsCall, &message, &envelope, None);
    assert_eq!(&*got, answer(r#"{"resultType":"complete","content":[]}"#).as_bytes());
    check_modern(Method::ToolsCall, &answer("null"), &answer("null"));
}

// Checklist 96.
#[test]
fn what_a_legacy_server_lists_may_not_be_kept() {
    for method in [Method::ToolsList, Method::ResourcesRead, Method::TemplatesList] {
        check_modern(
            method,
            &answer(r#"{"ttlMs":9,"contents":[],"cacheScope":"public"}"#),
            &answer(&format!(
                r#"{{"resultType":"complete","ttlMs":0,"cacheScope":"private",{SERVER},"contents":[]}}"#
            )),
        );
    }
}

#[test]
fn tools_that_are_tasks_alone_are_hidden_and_others_say_nothing_of_tasks() {
    check_modern(
        Method::ToolsList,
        &answer(
            r#"{"tools":[{"name":"a","execution":{"taskSupport":"required"}},{"name":"b","execution":{"taskSupport":"optional"}},{"name":"c","execution":{"x":1,"taskSupport":"forbidden"}},{"name":"d"}]}"#,
        ),
        &answer(&format!(
            r#"{{"resultType":"complete","ttlMs":0,"cacheScope":"private",{SERVER},"tools":[{{"name":"b"}},{{"name":"c","execution":{{"x":1}}}},{{"name":"d"}}]}}"#
        )),
    );
}

// Checklist 97.
#[test]
fn a_resource_that_is_not_there_is_a_wrong_parameter_in_the_new_era() {
    let old = |data: &str| failure(&format!(r#"{{"code":-32002,"message":"m"{data}}}"#));
    let new = |data: &str| failure(&format!(r#"{{"code":-32602,"message":"m"{data}}}"#));
    let asked = Asked { method: Method::ResourcesRead, uri: Some(b"\"a:b\"") };
    let check = |from: &str, want: &str| {
        let (message, envelope) = parsed(from);
        let got = to_modern(asked, &message, &envelope, None);
        assert_eq!(str::from_utf8(&got).unwrap(), want);
    };
    check(&old(r#","data":{"uri":"x"}"#), &new(r#","data":{"uri":"x"}"#));
    check(&old(r#","data":{"y":1}"#), &new(r#","data":{"uri":"a:b","y":1}"#));
    check(&old(r#","data":"z""#), &new(r#","data":{"uri":"a:b","cause":"z"}"#));
    check(&old(""), &failure(r#"{"data":{"uri":"a:b"},"code":-32602,"message":"m"}"#));
    check_modern(Method::ResourcesRead, &old(""), &new(""));
    check_modern(Method::ToolsCall, &old(""), &old(""));

    check_legacy(
        Method::ResourcesRead,
        &new(r#","data":{"uri":"x"}"#),
        &old(r#","data":{"uri":"x"}"#),
    );
    check_legacy(Method::ResourcesRead, &new(""), &new(""));
    check_legacy(Method::ToolsCall, &new(r#","data":{"uri":"x"}"#), &new(r#","data":{"uri":"x"}"#));
}

#[test]
fn codes_of_the_new_era_are_not_for_legacy_servers() {
    for code in [-32042, -32020, -32021, -32099] {
        check_modern(
            Method::ToolsCall,
            &failure(&format!(r#"{{"code":{code},"message":"m","data":[1.0]}}"#)),
            &failure(r#"{"code":-32603,"message":"m","data":[1.0]}"#),
        );
    }
    for code in ["-32601", "-32019", "-32000", "7", "1.5", "\"x\""] {
        let same = failure(&format!(r#"{{"code":{code},"message":"m"}}"#));
        check_modern(Method::ToolsCall, &same, &same);
        check_legacy(Method::ToolsCall, &same, &same);
    }
}

#[test]
fn what_is_wrong_between_server_and_gateway_is_an_internal_error_for_legacy_clients() {
    for code in [-32020, -32022] {
        check_legacy(
            Method::PromptsGet,
            &failure(&format!(r#"{{"code":{code},"message":"m"}}"#)),
            &failure(r#"{"code":-32603,"message":"m"}"#),
        );
    }
    let missing = failure(
        r#"{"code":-32021,"message":"m","data":{"requiredCapabilities":{"elicitation":{}}}}"#,
    );
    check_legacy(
        Method::PromptsGet,
        &missing,
        &failure(
            r#"{"code":-32603,"message":"the server needs capabilities that this client does not have: {\"elicitation\":{}}"}"#,
        ),
    );
    check_legacy(
        Method::ToolsCall,
        &missing,
        &answer(
            r#"{"content":[{"type":"text","text":"the server needs capabilities that this client does not have: {\"elicitation\":{}}"}],"isError":true}"#,
        ),
    );
    check_legacy(
        Method::PromptsGet,
        &failure(r#"{"code":-32021,"message":"m"}"#),
        &failure(
            r#"{"code":-32603,"message":"the server needs capabilities that this client does not have: unknown ones"}"#,
        ),
    );
}

#[test]
fn a_result_made_legacy_loses_what_the_old_era_does_not_know() {
    check_legacy(
        Method::PromptsList,
        &answer(&format!(
            r#"{{"resultType":"complete","prompts":[],"ttlMs":5,"cacheScope":"public",{SERVER}}}"#
        )),
        &answer(r#"{"prompts":[]}"#),
    );
    check_legacy(
        Method::ToolsCall,
        &answer(r#"{"_meta":{"io.modelcontextprotocol/serverInfo":{},"a":1.0},"content":[ ]}"#),
        &answer(r#"{"_meta":{"a":1.0},"content":[ ]}"#),
    );
}

// Checklist 85.
#[test]
fn what_is_not_complete_is_not_passed_as_complete() {
    for (kind, reason) in [
        ("\"later\"", "the server answers with a result of an unknown type"),
        ("null", "the server answers with a result of an unknown type"),
        ("\"input_required\"", "the server asks for input that nobody has given"),
        ("\"task\"", "the server answers with a task, which nobody has asked for"),
    ] {
        check_legacy(
            Method::ToolsCall,
            &answer(&format!(r#"{{"content":[],"resultType":{kind}}}"#)),
            &failure(&format!(r#"{{"code":-32603,"message":"{reason}"}}"#)),
        );
    }
}

#[test]
fn a_result_says_what_it_is() {
    let kind = |result: &str| {
        let (message, envelope) = parsed(&answer(result));
        result_kind(&message, &envelope)
    };
    assert_eq!(kind("{}"), ResultKind::Absent);
    assert_eq!(kind(r#"{"resultType":"complete"}"#), ResultKind::Complete);
    assert_eq!(kind(r#"{"resultType":"input\u005frequired"}"#), ResultKind::InputRequired);
    assert_eq!(kind(r#"{"resultType":"task"}"#), ResultKind::Task);
    assert_eq!(kind(r#"{"resultType":"Complete"}"#), ResultKind::Unknown);
    assert_eq!(kind(r#"{"resultType":1}"#), ResultKind::Unknown);
}

// Checklist 99.
#[test]
fn a_value_that_is_no_object_is_wrapped_and_told_as_text() {
    for (value, text) in
        [("[1.0]", "[1.0]"), ("\"s\"", r#"\"s\""#), ("null", "null"), ("7e400", "7e400")]
    {
        let twin = format!(r#"{{"type":"text","text":"{text}"}}"#);
        check_legacy(
            Method::ToolsCall,
            &answer(&format!(r#"{{"resultType":"complete","structuredContent":{value}}}"#)),
            &answer(&format!(r#"{{"content":[{twin}],"structuredContent":{{"result":{value}}}}}"#)),
        );
        check_legacy(
            Method::ToolsCall,
            &answer(&format!(r#"{{"content":[],"structuredContent":{value}}}"#)),
            &answer(&format!(r#"{{"content":[{twin}],"structuredContent":{{"result":{value}}}}}"#)),
        );
        check_legacy(
            Method::ToolsCall,
            &answer(&format!(
                r#"{{"content":[{{"type":"text","text":"t"}}],"structuredContent":{value}}}"#
            )),
            &answer(&format!(
                r#"{{"content":[{{"type":"text","text":"t"}}],"structuredContent":{{"result":{value}}}}}"#
            )),
        );
    }
    let object = answer(r#"{"content":[],"structuredContent":{"result":[]}}"#);
    check_legacy(Method::ToolsCall, &object, &object);
}

#[test]
fn a_client_that_knows_no_structured_content_reads_it_as_text() {
    let (message, envelope) = parsed(&answer(r#"{"content":[],"structuredContent":{"a":1}}"#));
    let oldest = &revision::LEGACY[0];
    let got = to_legacy(Method::ToolsCall, &message, &envelope, oldest);
    assert_eq!(
        str::from_utf8(&got).unwrap(),
        answer(r#"{"content":[{"type":"text","text":"{\"a\":1}"}],"structuredContent":{"a":1}}"#)
    );
}

// Checklist 99.
#[test]
fn the_schema_of_a_tool_says_what_its_wrapped_results_are() {
    check_legacy(
        Method::ToolsList,
        &answer(
            r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"a","outputSchema":{"type":"array"}},{"name":"b","outputSchema":{"type":"object"}},{"name":"c"}]}"#,
        ),
        &answer(
            r#"{"tools":[{"name":"a","outputSchema":{"type":"object","properties":{"result":{"type":"array"}},"required":["result"]}},{"name":"b","outputSchema":{"type":"object"}},{"name":"c"}]}"#,
        ),
    );
}

// Checklist 83.
#[test]
fn a_notification_bears_the_id_of_its_subscription_with_its_type() {
    let check = |from: &str, id: &str, want: &str| {
        let (message, envelope) = parsed(from);
        let tagged = tag(&message, &envelope, id.as_bytes());
        assert_eq!(str::from_utf8(&tagged).unwrap(), want);
        assert_eq!(tagged, to_modern_notification(&message, &envelope, Some(id.as_bytes())));
    };
    let bare = r#"{"jsonrpc":"2.0","method":"n"}"#;
    check(
        bare,
        "7",
        r#"{"params":{"_meta":{"io.modelcontextprotocol/subscriptionId":7}},"jsonrpc":"2.0","method":"n"}"#,
    );
    let with = |meta: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"n","params":{{"_meta":{meta},"uri":"a"}}}}"#)
    };
    let tagged = with(r#"{"io.modelcontextprotocol/subscriptionId":"7"}"#);
    check(r#"{"jsonrpc":"2.0","method":"n","params":{"uri":"a"}}"#, "\"7\"", &tagged);
    check(&with(r#"{"io.modelcontextprotocol/subscriptionId":1}"#), "\"7\"", &tagged);
    check(
        &with(r#"{"a":1,"io.modelcontextprotocol/subscriptionId":1}"#),
        "0",
        &with(r#"{"io.modelcontextprotocol/subscriptionId":0,"a":1}"#),
    );
}

#[test]
fn a_notification_for_a_legacy_client_bears_no_subscription() {
    let check = |from: &str, want: &str| {
        let (message, envelope) = parsed(from);
        let bare = to_legacy_notification(&message, &envelope);
        assert_eq!(str::from_utf8(&bare).unwrap(), want);
        assert_eq!(bare, untag(&message, &envelope));
        assert_eq!(bare, to_modern_notification(&message, &envelope, None));
    };
    check(
        r#"{"jsonrpc":"2.0","method":"n","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":7},"uri":"a"}}"#,
        r#"{"jsonrpc":"2.0","method":"n","params":{"uri":"a"}}"#,
    );
    check(
        r#"{"jsonrpc":"2.0","method":"n","params":{"_meta":{"a":1,"io.modelcontextprotocol/subscriptionId":7}}}"#,
        r#"{"jsonrpc":"2.0","method":"n","params":{"_meta":{"a":1}}}"#,
    );
    for same in [
        r#"{"jsonrpc":"2.0","method":"n"}"#,
        r#"{"jsonrpc":"2.0","method":"n","params":[1]}"#,
        r#"{"jsonrpc":"2.0","method":"n","params":{"progress":1.0,"_meta":{"a":1}}}"#,
    ] {
        check(same, same);
    }
}
