// SPDX-License-Identifier: MIT
//! A fetch as an HTTP request: which fields are sent.

use crate::gateway::io::{FetchMethod, FetchRequest};
use crate::link::http_client::{ClientRequest, HttpClient};

/// Fields that belong to the connection; whoever sets them breaks the framing.
const FRAMING: [&str; 3] = ["content-length", "transfer-encoding", "connection"];

/// Gives `request` to a link that is idle. Fields of the target replace ours of the same name.
pub(super) fn send(
    http: &mut HttpClient,
    request: &FetchRequest,
    authority: &str,
    user_agent: &str,
) {
    let target = &request.target;
    let mut fields = fields(request, user_agent);
    let mut host = authority;
    for (name, value) in &target.headers {
        if name.eq_ignore_ascii_case("host") {
            host = std::str::from_utf8(value.expose()).unwrap_or(authority);
        } else if !FRAMING.iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
            fields.push((name, value.expose()));
        }
    }
    http.send(&ClientRequest {
        method: match request.method {
            FetchMethod::Get => "GET",
            FetchMethod::Post => "POST",
            FetchMethod::Delete => "DELETE",
        },
        target: request.path.as_deref().unwrap_or(&target.path),
        host,
        fields: &fields,
        body: request.body.as_ref(),
    });
}

/// Our own fields, without those that the target or the request replaces.
fn fields<'a>(request: &'a FetchRequest, user_agent: &'a str) -> Vec<(&'a str, &'a [u8])> {
    let replaced = |name: &str| {
        let of_target = request.target.headers.iter().map(|(other, _)| other);
        let of_request = request.fields.iter().map(|(other, _)| other);
        of_target.chain(of_request).any(|other| other.eq_ignore_ascii_case(name))
    };
    let accept = match request.method {
        FetchMethod::Post => Some("application/json, text/event-stream"),
        FetchMethod::Get => Some("text/event-stream"),
        FetchMethod::Delete => None,
    };
    let content_type = request.body.as_ref().map(|_| "application/json");
    let ours = [
        ("Accept", accept),
        ("Content-Type", content_type),
        ("Mcp-Session-Id", request.session_id.as_deref()),
        ("MCP-Protocol-Version", request.revision.as_deref()),
        ("Last-Event-ID", request.last_event_id.as_deref()),
        ("User-Agent", Some(user_agent)),
    ];
    let mut fields =
        Vec::with_capacity(ours.len() + request.fields.len() + request.target.headers.len());
    for (name, value) in ours {
        if let Some(value) = value.filter(|_| !replaced(name)) {
            fields.push((name, value.as_bytes()));
        }
    }
    fields.extend(request.fields.iter().map(|(name, value)| (&**name, value.as_bytes())));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Limits, Message, Secret};
    use crate::gateway::snapshot::HttpTarget;
    use std::sync::Arc;
    use std::time::Duration;

    #[track_caller]
    fn check(method: FetchMethod, headers: &[(&str, &str)], want: &[&str], not: &[&str]) {
        check_with(method, headers, ("Mcp-Name", "get x"), want, not);
    }

    /// The same with a field of the request.
    #[track_caller]
    fn check_with(
        method: FetchMethod,
        headers: &[(&str, &str)],
        (name, value): (&str, &str),
        want: &[&str],
        not: &[&str],
    ) {
        let headers = headers
            .iter()
            .map(|(name, value)| (Box::from(*name), Secret::new(value.as_bytes())))
            .collect();
        let target = HttpTarget {
            server: "s".into(),
            tls: false,
            host: "h".into(),
            port: 80,
            path: "/mcp".into(),
            headers,
            connect_timeout: Duration::from_secs(1),
        };
        let request = FetchRequest {
            target: Arc::new(target),
            path: None,
            method,
            session_id: Some("s1".into()),
            revision: Some("2025-06-18".into()),
            fields: vec![(name.into(), value.into())],
            last_event_id: None,
            body: (method == FetchMethod::Post).then(|| Message::from("{}").into()),
            repeatable: false,
            head_after_max: None,
        };
        let mut http = HttpClient::new(Arc::new(Limits::DEFAULT));
        send(&mut http, &request, "h:1", "penstock/1");
        let text = String::from_utf8(http.outbox().to_vec()).unwrap();
        let text = text.to_ascii_lowercase();
        want.iter().for_each(|part| assert!(text.contains(part), "{part} in {text}"));
        not.iter().for_each(|part| assert!(!text.contains(part), "{part} in {text}"));
    }

    #[test]
    fn a_post_says_what_it_carries_and_accepts() {
        let want = [
            "post /mcp http/1.1\r\n",
            "accept: application/json, text/event-stream\r\n",
            "content-type: application/json\r\n",
            "mcp-session-id: s1\r\n",
            "mcp-protocol-version: 2025-06-18\r\n",
            "mcp-name: get x\r\n",
            "user-agent: penstock/1\r\n",
            "host: h:1\r\n",
            "\r\n\r\n{}",
        ];
        check(FetchMethod::Post, &[], &want, &["last-event-id"]);
        check(FetchMethod::Get, &[], &["accept: text/event-stream\r\n"], &["content-type"]);
        check(FetchMethod::Delete, &[], &["delete /mcp"], &["accept:"]);
    }

    #[test]
    fn a_field_of_the_request_replaces_ours() {
        let field = ("accept", "application/vnd.github+json");
        let want = ["accept: application/vnd.github+json\r\n", "user-agent: penstock/1\r\n"];
        check_with(FetchMethod::Get, &[], field, &want, &["text/event-stream"]);
    }

    #[test]
    fn fields_of_the_target_replace_ours_and_never_the_framing() {
        let headers = [("user-agent", "x"), ("Authorization", "Bearer t"), ("Content-Length", "9")];
        let want = ["user-agent: x\r\n", "authorization: bearer t\r\n", "content-length: 2\r\n"];
        check(FetchMethod::Post, &headers, &want, &["penstock/1", "content-length: 9"]);
        check(FetchMethod::Post, &[("Host", "other")], &["host: other\r\n"], &["host: h:1"]);
    }
}
