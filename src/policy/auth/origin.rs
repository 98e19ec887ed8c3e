// SPDX-License-Identifier: MIT
//! `Origin` and `Host` against DNS rebinding: a page of a stranger, in a browser on this machine,
//! must not reach us by pointing its own name at our address.
//!
//! Spec: MCP 2025-11-25, basic/transports, "Security Warning"; RFC 9110 §7.2 (Host); RFC 6454.

use super::Options;

/// Why a request may not come from where it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// The `Origin` is neither loopback nor allowed.
    Origin,
    /// The `Host` is not one of our names, although the request arrived on a loopback address.
    Host,
}

/// Whether a request with these fields may be looked at.
///
/// `arrived_on_loopback` says which address of ours was reached. A request without `Origin` does
/// not come from a page; one without `Host` (HTTP/1.0) comes from no browser.
///
/// Errors: the field to blame.
pub fn allow(
    options: &Options,
    origin: Option<&[u8]>,
    host: Option<&[u8]>,
    arrived_on_loopback: bool,
) -> Result<(), Foreign> {
    if origin.is_some_and(|origin| !origin_is_ours(options, origin)) {
        return Err(Foreign::Origin);
    }
    let checked = arrived_on_loopback || options.loopback_bind;
    if checked && host.is_some_and(|host| !host_is_ours(options, host)) {
        return Err(Foreign::Host);
    }
    Ok(())
}

fn origin_is_ours(options: &Options, origin: &[u8]) -> bool {
    if options.origins.iter().any(|allowed| allowed.as_bytes().eq_ignore_ascii_case(origin)) {
        return true;
    }
    let authority = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
    authority.is_some_and(|authority| host_is_ours(options, authority))
}

fn host_is_ours(options: &Options, authority: &[u8]) -> bool {
    let Some(name) = name_of(authority) else {
        return false;
    };
    is_loopback(name) || options.hosts.iter().any(|host| host.as_bytes().eq_ignore_ascii_case(name))
}

/// `name` of `name:port`, brackets of IPv6 kept; `None` if the port is no number.
fn name_of(authority: &[u8]) -> Option<&[u8]> {
    let name_len = match authority.first()? {
        b'[' => authority.iter().position(|&byte| byte == b']')? + 1,
        _ => authority.iter().position(|&byte| byte == b':').unwrap_or(authority.len()),
    };
    let (name, port) = authority.split_at(name_len);
    let port_is_fine = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    (port_is_fine && !name.is_empty()).then_some(name)
}

fn is_loopback(name: &[u8]) -> bool {
    if name == b"127.0.0.1" || name == b"[::1]" || name.eq_ignore_ascii_case(b"localhost") {
        return true;
    }
    let text = std::str::from_utf8(name).unwrap_or_default();
    text.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(origin: Option<&str>, host: &str, loopback: bool, want: Result<(), Foreign>) {
        let options = Options {
            hosts: vec!["awmg-mcpg".into()],
            origins: vec!["https://app.example".into()],
            ..Options::default()
        };
        let got = allow(&options, origin.map(str::as_bytes), Some(host.as_bytes()), loopback);
        assert_eq!(got, want, "{origin:?} {host:?}");
    }

    // Checklist 2.
    #[test]
    fn our_own_names_pass() {
        for host in ["localhost", "LOCALHOST:3000", "127.0.0.1:80", "[::1]:8080", "awmg-mcpg:8080"]
        {
            check(None, host, true, Ok(()));
            check(Some(&format!("http://{host}")), host, true, Ok(()));
        }
        check(Some("https://app.example"), "localhost", true, Ok(()));
    }

    // Checklist 1.
    #[test]
    fn a_foreign_page_is_refused_wherever_it_arrives() {
        for origin in ["http://evil.example", "null", "", "https://app.example.evil.example"] {
            check(Some(origin), "localhost", true, Err(Foreign::Origin));
            check(Some(origin), "localhost", false, Err(Foreign::Origin));
        }
    }

    // Checklist 2.
    #[test]
    fn a_foreign_host_is_refused_on_loopback_alone() {
        for host in ["evil.example", "evil.example:3000", "localhost.evil", "127.0.0.1.evil", ""] {
            check(None, host, true, Err(Foreign::Host));
            check(None, host, false, Ok(()));
        }
        check(None, "localhost:80x", true, Err(Foreign::Host));
        check(None, "[::1]x", true, Err(Foreign::Host));
    }
}
