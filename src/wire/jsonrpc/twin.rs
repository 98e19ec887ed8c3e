// SPDX-License-Identifier: MIT
//! What an envelope has to say, by a reader that keeps everything: the other half of the fuzz body.

use super::{Envelope, Kind};
use crate::wire::json::Node;

/// Fails unless `envelope` is what the tree of the same message says.
pub(super) fn assert_same(envelope: &Envelope, node: &Node) {
    let span = |node: Option<&Node>| node.map(|node| node.span);
    let string = |node: Option<&Node>| node.filter(|node| node.as_str().is_some()).map(|n| n.span);
    let token =
        |node: Option<&Node>| string(node).or(span(node.filter(|n| n.as_number().is_some())));
    let params = node.get("params");
    let param = |name: &str| params.and_then(|params| params.get(name));
    let meta = |name: &str| param("_meta").and_then(|meta| meta.get(name));
    let own_meta = |name: &str| meta(&format!("io.modelcontextprotocol/{name}"));
    let result = node.get("result");
    assert_eq!(node.get("jsonrpc").and_then(Node::as_str), Some("2.0"));
    assert_eq!(envelope.id, span(node.get("id").filter(|id| !id.is_null())));
    assert_eq!(envelope.method, string(node.get("method")));
    assert_eq!(envelope.params, span(params));
    assert_eq!(envelope.name, string(param("name")));
    assert_eq!(envelope.uri, string(param("uri")));
    assert_eq!(envelope.progress_token, token(param("progressToken")));
    assert_eq!(envelope.request_id, token(param("requestId")));
    assert_eq!(envelope.meta_progress_token, token(meta("progressToken")));
    let is_object = |node: &&Node| node.as_object().is_some();
    assert_eq!(envelope.meta, span(param("_meta").filter(is_object)));
    assert_eq!(envelope.meta_version, span(own_meta("protocolVersion")));
    assert_eq!(envelope.subscription_id, token(own_meta("subscriptionId")));
    assert_eq!(envelope.result, span(result));
    assert_eq!(envelope.result_type, span(result.and_then(|result| result.get("resultType"))));
    assert_eq!(envelope.error, span(node.get("error")));
    let kind = match (envelope.method, envelope.id) {
        (Some(_), Some(_)) => Kind::Request,
        (Some(_), None) => Kind::Notification,
        (None, _) => Kind::Response,
    };
    assert_eq!(envelope.kind, kind);
}
