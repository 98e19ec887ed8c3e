// SPDX-License-Identifier: MIT
//! Request targets, and the authorities in them and in `Host`.
//!
//! It does not know which paths exist or which hosts are ours.
//!
//! Spec: RFC 9112 §3.2 (request target), RFC 9110 §4.2 (http URIs), §7.2 (Host).

use std::net::Ipv6Addr;
use std::ops::Range;

use super::Method;
use crate::base::bytes::parse_u64;

/// A request target, told apart; ranges lie in its own bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `/path?query`
    Origin,
    /// `*`
    Asterisk,
    /// `http://authority/path?query`
    Absolute {
        /// `host:port`
        authority: Range<usize>,
        /// `/path?query`, or what there is of it: `?query`, or nothing.
        rest: Range<usize>,
    },
}

/// How a host is named in `Host`: with the port unless it is the one of the scheme, IPv6 in
/// brackets (RFC 9110 §7.2).
#[must_use]
pub fn authority(tls: bool, host: &str, port: u16) -> String {
    let default = if tls { 443 } else { 80 };
    let host = match host.parse::<Ipv6Addr>() {
        Ok(_) => format!("[{host}]"),
        Err(_) => host.to_owned(),
    };
    if port == default { host } else { format!("{host}:{port}") }
}

/// Tells the form of `target`; `None` if it has none that we serve.
#[must_use]
pub fn parse(target: &[u8], method: Method) -> Option<Target> {
    // RFC 9112 §3.2: no blanks and no control bytes. Those who resolve a fragment, or decode bytes
    // above ASCII, would not agree with us on the path.
    if !target.iter().all(|&byte| byte.is_ascii_graphic() && byte != b'#') {
        return None;
    }
    match target {
        [b'/', ..] => Some(Target::Origin),
        // RFC 9112 §3.2.4: the asterisk is for OPTIONS alone.
        b"*" => (method == Method::Options).then_some(Target::Asterisk),
        // What is left is the absolute form. The authority form is for CONNECT (RFC 9112 §3.2.3):
        // who serves it is an open proxy.
        _ => absolute(target),
    }
}

fn absolute(target: &[u8]) -> Option<Target> {
    let start = ["http://", "https://"].iter().find_map(|scheme| {
        let spelled = target.get(..scheme.len())?;
        spelled.eq_ignore_ascii_case(scheme.as_bytes()).then_some(scheme.len())
    })?;
    let len = target[start..].iter().position(|&byte| byte == b'/' || byte == b'?');
    let end = len.map_or(target.len(), |len| start + len);
    let authority = start..end;
    is_authority(&target[authority.clone()])
        .then_some(Target::Absolute { authority, rest: end..target.len() })
}

/// Whether `text` could be `host` or `host:port`: a name, an IPv4 address, or an IPv6 address in
/// brackets; no user, no list, no empty host or port.
///
/// Narrower than the grammar of RFC 3986 §3.2: what no name in use needs is refused, since it is
/// compared with names later, against DNS rebinding.
#[must_use]
pub fn is_authority(text: &[u8]) -> bool {
    let (host, port) = match text {
        [b'[', ..] => match text.iter().position(|&byte| byte == b']') {
            Some(end) => (&text[..=end], &text[end + 1..]),
            None => return false,
        },
        _ => text.split_at(text.iter().position(|&byte| byte == b':').unwrap_or(text.len())),
    };
    is_host(host) && is_port(port)
}

fn is_host(host: &[u8]) -> bool {
    match host {
        [b'[', address @ .., b']'] => {
            let fits = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
            address.contains(&b':') && address.iter().all(fits)
        }
        _ => {
            let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
            !host.is_empty() && host.iter().all(fits)
        }
    }
}

fn is_port(port: &[u8]) -> bool {
    match port {
        [] => true,
        [b':', digits @ ..] => parse_u64(digits).is_some_and(|port| port <= u16::MAX.into()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for good in ["a", "localhost:8080", "a-b_c.example.", "127.0.0.1", "[::1]", "[::1]:80"] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "", ":80", "a:", "a:b", "a:65536", "a:+1", "u@a", "a,b", "a b", "a/b", "[::1", "[]",
            "[a]", "::1", "[::1]80", "a\"", "a%41", "a\\b", "a?b", "ä", "a:80:80",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn targets_have_three_forms() {
        #[track_caller]
        fn check(target: &str, want: Option<Target>) {
            assert_eq!(parse(target.as_bytes(), Method::Get), want, "{target}");
        }
        check("/", Some(Target::Origin));
        check("/mcp/x?y=/z", Some(Target::Origin));
        check("//double", Some(Target::Origin));
        let absolute = |authority, rest| Some(Target::Absolute { authority, rest });
        check("http://a/b", absolute(7..8, 8..10));
        check("HTTPS://a:1", absolute(8..11, 11..11));
        check("http://a?b", absolute(7..8, 8..10));
        for bad in ["*", "a", "a:80", "ftp://a/", "http:/a", "http://", "http://u@a/", "/a#b"] {
            check(bad, None);
        }
        assert_eq!(parse(b"*", Method::Options), Some(Target::Asterisk));
    }
}
