// SPDX-License-Identifier: MIT
//! Handshakes and discoveries, and each made of the other one.

use super::*;
use crate::base::Limits;
use crate::wire::jsonrpc::{self, Envelope, Parsed};

fn envelope(message: &Message) -> Envelope {
    match jsonrpc::parse(message, &Limits::DEFAULT) {
        Ok(Parsed::Single(envelope)) => envelope,
        other => panic!("{message:?}: {other:?}"),
    }
}

fn text(message: &Message) -> &str {
    str::from_utf8(message).unwrap()
}

fn found(result: &str) -> Option<Discovery> {
    let message = Message::new(format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#).into());
    discovery(&message, envelope(&message).result.unwrap())
}

const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25"],"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"extensions":{"io.modelcontextprotocol/tasks":{}}},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"S","version":"1.0.0"}},"instructions":"Say \u00e9.","ttlMs":3600000,"cacheScope":"public"}"#;

#[test]
fn we_discover_with_all_that_a_request_has_to_say() {
    let request = discover_request(7, "0.1");
    let envelope = envelope(&request);
    assert_eq!(
        envelope.method.map(|method| method.of(&request)),
        Some(&b"\"server/discover\""[..])
    );
    let meta = meta::read(&request, envelope.meta).unwrap();
    assert_eq!(meta.capabilities.of(&request), b"{}");
    assert_eq!(meta.version.of(&request), b"\"2026-07-28\"");
    assert!(meta.client_info.is_some());
}

#[test]
fn a_discovery_is_read_with_what_the_server_offers() {
    let discovery = found(DISCOVERED).unwrap();
    let text = discovery.result.as_bytes();
    assert_eq!(text, DISCOVERED.as_bytes());
    assert_eq!(*discovery.versions, ["2026-07-28".into(), "2025-11-25".into()]);
    assert_eq!((discovery.ttl_ms, discovery.is_public), (3_600_000, true));
    let server = discovery.server_info.unwrap();
    assert_eq!(server.of(text), br#"{"name":"S","version":"1.0.0"}"#);
    assert_eq!(discovery.instructions.unwrap().of(text), br#""Say \u00e9.""#);
    let want = Offers {
        tools: true,
        tools_changes: true,
        resources: true,
        resources_subscribe: true,
        tasks: true,
        ..Offers::default()
    };
    assert_eq!(discovery.offers, want);
}

#[test]
fn what_does_not_speak_the_modern_revision_is_no_discovery() {
    for result in [
        "{}",
        "null",
        "[]",
        r#"{"supportedVersions":[],"capabilities":{}}"#,
        r#"{"supportedVersions":["2025-11-25"],"capabilities":{}}"#,
        r#"{"supportedVersions":"2026-07-28","capabilities":{}}"#,
        r#"{"supportedVersions":["2026-07-28"],"capabilities":[]}"#,
        r#"{"supportedVersions":["2026-07-28"]}"#,
    ] {
        assert!(found(result).is_none(), "{result}");
    }
}

#[test]
fn a_time_that_is_none_is_no_time_and_only_public_is_public() {
    let base = r#""supportedVersions":["2026-07-28"],"capabilities":{}"#;
    for (ttl, scope) in [("-1", "\"private\""), ("1.5", "\"Public\""), ("\"9\"", "1")] {
        let result = format!(r#"{{{base},"ttlMs":{ttl},"cacheScope":{scope}}}"#);
        let discovery = found(&result).unwrap();
        assert_eq!((discovery.ttl_ms, discovery.is_public), (0, false), "{result}");
    }
    let discovery = found(&format!("{{{base}}}")).unwrap();
    assert_eq!((discovery.ttl_ms, discovery.is_public, discovery.server_info), (0, false, None));
}

// Checklist 65, 96.
#[test]
fn a_handshake_is_told_as_a_discovery() {
    let greeted = Message::from(
        r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"tasks":{"list":{}},"logging":{}},"serverInfo":{"name":"S","version":"1"},"instructions":"Do.","x":1.0}}"#,
    );
    let handshake = legacy::handshake(&greeted, envelope(&greeted).result.unwrap()).unwrap();
    let answer = discover_result(b"\"d\"", &handshake);
    assert_eq!(
        text(&answer),
        r#"{"jsonrpc":"2.0","id":"d","result":{"resultType":"complete","supportedVersions":["2026-07-28"],"ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"S","version":"1"}},"capabilities":{"tools":{"listChanged":true},"logging":{}},"instructions":"Do.","x":1.0}}"#
    );
    let read = discovery(&answer, envelope(&answer).result.unwrap()).unwrap();
    assert!(read.offers.tools && read.offers.logging && !read.is_public);
}

#[test]
fn a_handshake_without_capabilities_or_name_is_still_a_discovery() {
    let greeted = Message::from(
        r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2024-11-05","_meta":{"a":1}}}"#,
    );
    let handshake = legacy::handshake(&greeted, envelope(&greeted).result.unwrap()).unwrap();
    assert_eq!(server_info(&handshake), None);
    assert_eq!(
        text(&discover_result(b"1", &handshake)),
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{},"ttlMs":0,"cacheScope":"private","_meta":{"a":1}}}"#
    );
}

#[test]
fn a_discovery_is_told_as_a_greeting() {
    let discovery = found(DISCOVERED).unwrap();
    assert_eq!(
        text(&greeting(b"0", &discovery, revision::newest())),
        r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","serverInfo":{"name":"S","version":"1.0.0"},"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true}},"instructions":"Say \u00e9."}}"#
    );
    let nameless = found(r#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#).unwrap();
    assert_eq!(
        text(&greeting(b"0", &nameless, revision::newest())),
        r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","serverInfo":{"name":"unknown","version":"0"},"capabilities":{}}}"#
    );
}

// Checklist 55.
#[test]
fn a_modern_client_is_introduced_with_what_it_declared_and_no_more() {
    let capabilities =
        br#"{"sampling":{"tools":{}},"extensions":{"a/b":{}},"elicitation":{"url":{}}}"#;
    let client: &[u8] = br#"{"name":"c","version":"2"}"#;
    assert_eq!(
        text(&initialize_for(3, Some(client), capabilities, revision::newest())),
        r#"{"jsonrpc":"2.0","id":3,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"sampling":{"tools":{}},"elicitation":{"url":{}}},"clientInfo":{"name":"c","version":"2"}}}"#
    );
    assert_eq!(
        text(&initialize_for(3, None, b"{}", revision::newest())),
        r#"{"jsonrpc":"2.0","id":3,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"unknown","version":"0"}}}"#
    );
}

#[test]
fn only_codes_of_the_modern_era_tell_a_modern_server() {
    for code in [-32020, -32021, -32022] {
        assert!(probe_says_modern(code), "{code}");
    }
    for code in [-32601, -32602, -32600, -32000, -32019, -32023, 0] {
        assert!(!probe_says_modern(code), "{code}");
    }
}
