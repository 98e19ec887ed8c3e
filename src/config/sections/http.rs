// SPDX-License-Identifier: MIT
//! An HTTP server: its URL and the fields that go with every request.

use std::sync::Arc;
use std::time::Duration;

use crate::base::Secret;
use crate::config::diagnostics::{Problem, Report};
use crate::config::env;
use crate::config::fields::Fields;
use crate::gateway::snapshot::HttpTarget;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Fields that belong to the connection or frame the body: a configured one could only break it.
const OURS: &[&str] = &[
    "connection",
    "content-length",
    "content-type",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields whose values are no secrets, and would make logs unreadable if they were masked there.
const HARMLESS: &[&str] = &["accept", "accept-language", "origin", "referer", "user-agent"];

/// Reads an HTTP server.
pub fn resolve(fields: &Fields<'_>, server: &Arc<str>, report: &mut Report) -> Option<HttpTarget> {
    let headers = headers(fields, report);
    let Some(url) = fields.text("url") else {
        if fields.item("url").is_none() && !report.is_misspelled(&fields.path, &["url"]) {
            let message = "'url' is required for HTTP servers";
            report.add(
                Problem::value(&fields.path, Some(fields.span), message)
                    .detail("Missing required field(s): url")
                    .suggest("Add \"url\" with the address of the server"),
            );
        }
        return None;
    };
    match parse_url(url.value) {
        Ok((tls, host, port, path)) => Some(HttpTarget {
            server: Arc::clone(server),
            tls,
            host,
            port,
            path,
            headers,
            connect_timeout: fields.duration("connect_timeout").unwrap_or(CONNECT_TIMEOUT),
        }),
        Err(why) => {
            let shown = url.value.split(['?', '#']).next().unwrap_or_default();
            let shown = if shown.contains('@') { "…" } else { shown };
            report.add(
                Problem::value(
                    url.path,
                    Some(url.span),
                    format!("url '{shown}' does not match required pattern: {why}"),
                )
                .suggest("Write it as in https://mcp.example.com/mcp"),
            );
            None
        }
    }
}

fn headers(fields: &Fields<'_>, report: &mut Report) -> Vec<(Box<str>, Secret)> {
    let mut headers = Vec::new();
    for (name, value, _) in fields.text_map("headers") {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let text = value.value.trim();
        let mut wrong = |message: String| {
            report.add(Problem::value(&value.path, Some(value.span), message));
        };
        if name.is_empty() || !name.bytes().all(is_token) {
            wrong(format!("'{}' is not the name of a field", name.escape_debug()));
        } else if OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            wrong(format!("'{name}' is set by the gateway and cannot be configured"));
        } else if text.bytes().any(|byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f) {
            wrong(format!("the value of '{name}' contains control characters"));
        } else {
            if HARMLESS.iter().any(|harmless| name.eq_ignore_ascii_case(harmless)) {
                headers.push((name.into(), Secret::new(text.as_bytes())));
                continue;
            }
            report.keep_secret(text);
            if let Some((_, credential)) = text.split_once(' ') {
                report.keep_secret(credential.trim());
            }
            headers.push((name.into(), Secret::new(text.as_bytes())));
        }
    }
    if let Some(url) = fields.text("url") {
        keep_url_secrets(url.value, report);
    }
    headers
}

/// Query parameters that look like credentials.
fn keep_url_secrets(url: &str, report: &mut Report) {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    for parameter in query.split('&') {
        if let Some((name, value)) = parameter.split_once('=')
            && env::looks_secret(name)
        {
            report.keep_secret(value);
        }
    }
}

/// Whether TLS is spoken, host, port, path and query.
type Url = (bool, Box<str>, u16, Box<str>);

/// Takes an `http` or `https` URL apart; a fragment is dropped.
///
/// Spec: RFC 3986 §3, RFC 9110 §4.2.
pub fn parse_url(url: &str) -> Result<Url, &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or("it must begin with http:// or https://")?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err("it must begin with http:// or https://"),
    };
    if rest.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err("it contains a blank or another character that must be percent-encoded");
    }
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("credentials belong into headers, not into the URL");
    }
    let is_bracketed = authority.starts_with('[');
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !is_bracketed || host.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port = match port {
        None | Some("") => {
            if tls {
                443
            } else {
                80
            }
        }
        Some(port) => match port.parse() {
            Ok(port) if port > 0u16 => port,
            _ => return Err("its port is not a number from 1 to 65535"),
        },
    };
    let host = if is_bracketed {
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_address = |host: &&str| host.parse::<std::net::Ipv6Addr>().is_ok();
        inner.filter(is_address).ok_or("its IPv6 address is malformed")?
    } else {
        host
    };
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if host.is_empty() || !(is_bracketed || host.bytes().all(is_part)) {
        return Err("it has no valid host");
    }
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok((tls, host.into(), port, path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, want: (bool, &str, u16, &str)) {
        let (tls, host, port, path) = parse_url(url).unwrap();
        assert_eq!((tls, &*host, port, &*path), want);
    }

    #[test]
    fn urls_are_taken_apart() {
        check("http://a", (false, "a", 80, "/"));
        check("HTTPS://a.b-c:8443/x/y?z=1#f", (true, "a.b-c", 8443, "/x/y?z=1"));
        check("http://localhost:8100/mcp", (false, "localhost", 8100, "/mcp"));
        check("https://[::1]/m", (true, "::1", 443, "/m"));
        check("https://[::1]:9?q", (true, "::1", 9, "/?q"));
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for url in [
            "",
            "a",
            "ftp://a",
            "http://",
            "http:///x",
            "http://u:p@h/",
            "http://a:0",
            "http://a b",
            "http://a:70000",
            "http://[::1",
            "http://[x]/",
            "http://a:b:1/",
            "http://é/",
        ] {
            assert!(parse_url(url).is_err(), "{url}");
        }
    }
}
