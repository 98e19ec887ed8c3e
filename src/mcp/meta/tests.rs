// SPDX-License-Identifier: MIT
//! What requests say of their clients, and what translation leaves of it.

use super::*;
use crate::base::Limits;
use crate::wire::jsonrpc::{self, Parsed};

fn envelope(text: &str) -> (Message, Envelope) {
    fuzz(text.as_bytes());
    match jsonrpc::parse(text.as_bytes(), &Limits::DEFAULT) {
        Ok(Parsed::Single(envelope)) => (Message::from(text), envelope),
        other => panic!("{text}: {other:?}"),
    }
}

fn text(message: &Message) -> &str {
    str::from_utf8(message).unwrap()
}

fn request(meta: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{meta}}}}}"#)
}

#[track_caller]
fn check_refused(meta: &str, want: &str) {
    let (message, envelope) = envelope(&request(meta));
    let error = read(&message, envelope.meta).expect_err(meta);
    assert_eq!(error.to_string(), want);
}

const VERSION: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#;
const CAPABILITIES: &str = r#""io.modelcontextprotocol/clientCapabilities":{}"#;

// Checklist 68.
#[test]
fn a_request_has_to_say_its_version_and_capabilities_and_nothing_more() {
    let (message, envelope) = envelope(&request(&format!("{{{VERSION},{CAPABILITIES}}}")));
    let meta = read(&message, envelope.meta).unwrap();
    assert_eq!(meta.version.of(&message), b"\"2026-07-28\"");
    assert_eq!(meta.capabilities.of(&message), b"{}");
    assert_eq!((meta.client_info, meta.log_level), (None, None));

    let lacks = |name| format!("params._meta has no \"io.modelcontextprotocol/{name}\"");
    check_refused("{}", &lacks("protocolVersion"));
    check_refused("null", &lacks("protocolVersion"));
    check_refused(&format!("{{{CAPABILITIES}}}"), &lacks("protocolVersion"));
    check_refused(&format!("{{{VERSION}}}"), &lacks("clientCapabilities"));
    let message = Message::from(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    assert_eq!(read(&message, None), Err(MetaError::Missing(PROTOCOL_VERSION)));
}

// Checklist 68, 80.
#[test]
fn what_a_request_says_has_to_have_its_type() {
    let is_not =
        |name, what| format!("params._meta: \"io.modelcontextprotocol/{name}\" is not {what}");
    check_refused(
        &format!(r#"{{"io.modelcontextprotocol/protocolVersion":1,{CAPABILITIES}}}"#),
        &is_not("protocolVersion", "a string"),
    );
    check_refused(
        &format!(r#"{{{VERSION},"io.modelcontextprotocol/clientCapabilities":[]}}"#),
        &is_not("clientCapabilities", "an object"),
    );
    for client in ["1", "{}", r#"{"name":1,"version":"1"}"#, r#"{"name":"n"}"#, "null"] {
        check_refused(
            &format!(
                r#"{{{VERSION},{CAPABILITIES},"io.modelcontextprotocol/clientInfo":{client}}}"#
            ),
            &is_not("clientInfo", "an object with a name and a version"),
        );
    }
    for level in ["\"loud\"", "\"Info\"", "1", "null"] {
        check_refused(
            &format!(r#"{{{VERSION},{CAPABILITIES},"io.modelcontextprotocol/logLevel":{level}}}"#),
            &is_not("logLevel", "one of the eight log levels"),
        );
    }
    check_refused(
        &format!(r#"{{{VERSION},{CAPABILITIES},{CAPABILITIES}}}"#),
        "params._meta has \"io.modelcontextprotocol/clientCapabilities\" twice",
    );
}

#[test]
fn a_complete_request_is_read_whole() {
    let (message, envelope) = envelope(&request(&format!(
        r#"{{"progressToken":1,{VERSION},"io.modelcontextprotocol/clientInfo":
        {{"version":"1","name":"n","title":"N"}},"io.modelcontextprotocol/logLevel":"error",
        "io.modelcontextprotocol\u002fclientCapabilities":{{"roots":{{}}}}}}"#
    )));
    let meta = read(&message, envelope.meta).unwrap();
    assert!(ClientCapabilities::of(&message, meta.capabilities).roots);
    assert_eq!(meta.log_level.map(LogLevel::name), Some("error"));
    assert!(meta.client_info.is_some());
}

#[test]
fn capabilities_are_what_is_declared_and_no_more() {
    let of = |text: &str| ClientCapabilities::of(text.as_bytes(), edit::whole(text.as_bytes()));
    let none = ClientCapabilities::default();
    assert_eq!(of("{}"), none);
    assert_eq!(of(r#"{"elicitation":true,"roots":null,"sampling":[],"extensions":{}}"#), none);
    assert!(!none.any_input());
    let form = ClientCapabilities { elicitation_form: true, ..none };
    let url = ClientCapabilities { elicitation_url: true, ..none };
    assert_eq!(of(r#"{"elicitation":{}}"#), form);
    assert_eq!(of(r#"{"elicitation":{"form":{}}}"#), form);
    assert_eq!(of(r#"{"elicitation":{"url":{}}}"#), url);
    let both = ClientCapabilities { elicitation_url: true, ..form };
    assert_eq!(of(r#"{"elicitation":{"url":{},"form":{}}}"#), both);
    assert!(form.any_input() && url.any_input());
    let sampling = of(r#"{"sampling":{"tools":{}}}"#);
    assert!(sampling.sampling && sampling.sampling_tools && sampling.any_input());
    let tasks = of(r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#);
    assert!(tasks.tasks && !tasks.any_input());
}

// Checklist 11, 88.
#[test]
fn a_modern_request_made_legacy_keeps_all_but_what_the_protocol_said() {
    let (message, envelope) = envelope(
        r#"{"jsonrpc":"2.0", "id":1,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":"p", "traceparent":"00-1","io.modelcontextprotocol/clientCapabilities":{},"com.example/x":1.0},"inputResponses":{"a":{}},"name":"n","arguments":{"inputResponses":1e400},"requestState":"s"}}"#,
    );
    assert_eq!(
        text(&without_ours(&message, &envelope)),
        r#"{"jsonrpc":"2.0", "id":1,"method":"tools/call","params":{"_meta":{"progressToken":"p", "traceparent":"00-1","com.example/x":1.0},"name":"n","arguments":{"inputResponses":1e400}}}"#
    );
}

#[test]
fn an_empty_meta_goes_and_what_has_nothing_of_ours_stays() {
    let (message, own) = envelope(&request(&format!("{{{VERSION},{CAPABILITIES}}}")));
    assert_eq!(
        text(&without_ours(&message, &own)),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#
    );
    for untouched in [
        r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":null}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"a":1}}}"#,
    ] {
        let (message, own) = envelope(untouched);
        assert_eq!(text(&without_ours(&message, &own)), untouched);
    }
}

#[test]
fn a_legacy_request_made_modern_says_who_its_client_is() {
    let client: &[u8] = br#"{"name":"c","version":"1"}"#;
    let identity = Identity {
        client_info: Some(client),
        capabilities: br#"{"roots":{}}"#,
        log_level: LogLevel::of("info"),
    };
    let ours = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}},"io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/logLevel":"info""#;
    let check = |from: &str, want: &str| {
        let (message, own) = envelope(from);
        assert_eq!(text(&with_ours(&message, &own, &identity)), want);
    };
    check(
        r#" {"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        &format!(
            r#" {{"params":{{"_meta":{{{ours}}}}},"jsonrpc":"2.0","id":1,"method":"tools/list"}}"#
        ),
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"name": "n"}}"#,
        &format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"_meta":{{{ours}}},"name": "n"}}}}"#
        ),
    );
    check(
        &request(r#"{"progressToken":7,"io.modelcontextprotocol/logLevel":"debug","a":1.0}"#),
        &request(&format!(r#"{{{ours},"progressToken":7,"a":1.0}}"#)),
    );
    check(&request("{}"), &request(&format!("{{{ours}}}")));
    check(&request("null"), &request(&format!("{{{ours}}}")));
    let positional = r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}"#;
    check(positional, positional);
}

#[test]
fn a_level_that_the_client_did_not_set_is_not_asked_for() {
    let identity = Identity { client_info: None, capabilities: b"{}", log_level: None };
    let (message, own) = envelope(&request(r#"{"io.modelcontextprotocol/logLevel":"debug"}"#));
    assert_eq!(
        text(&with_ours(&message, &own, &identity)),
        request(&format!("{{{VERSION},{CAPABILITIES}}}"))
    );
}

#[test]
fn capabilities_of_a_legacy_client_are_declared_without_what_the_new_era_lacks() {
    let check = |from: &str, want: &str| {
        assert_eq!(String::from_utf8(capabilities_for_modern(from.as_bytes())).unwrap(), want);
    };
    check(
        r#"{"roots":{"listChanged":true},"sampling":{"tools":{}},"tasks":{"list":{}},"x":1.0}"#,
        r#"{"roots":{},"sampling":{"tools":{}},"x":1.0}"#,
    );
    check(r#"{"elicitation":{}}"#, r#"{"elicitation":{}}"#);
    check(
        r#"{"extensions":{"io.modelcontextprotocol/tasks":{},"a/b":{"n":1.0}}}"#,
        r#"{"extensions":{"a/b":{"n":1.0}}}"#,
    );
    check("null", "{}");
    check("", "{}");
}
