// SPDX-License-Identifier: MIT
//! Request heads, out: what may not stand in one cannot get into one.
//!
//! Spec: RFC 9112 §3 (request line), §5 (fields); RFC 9110 §5.5.

use crate::base::Outbox;
use crate::base::bytes::push_u64;
use crate::wire::Splice;
use crate::wire::http1::chunked::{is_text, is_token};

/// One request. Everything is borrowed; a long body is lent and not copied.
#[derive(Clone, Copy, Debug)]
pub struct ClientRequest<'a> {
    /// The method, a token.
    pub method: &'a str,
    /// The request target in origin form; bytes that may not stand there are percent-encoded.
    pub target: &'a str,
    /// The value of `Host`, unless `fields` has one.
    pub host: &'a str,
    /// Fields, in order. Of several with the same name the last one counts, so that defaults can
    /// stand before what was configured. Those that frame the body are the link's business and
    /// left out, as are names and values that are no field (RFC 9110 §5.1, §5.5).
    pub fields: &'a [(&'a str, &'a [u8])],
    /// The body; its length is declared. Without one, a POST declares zero.
    pub body: Option<&'a Splice>,
}

/// Owes `request` to `out`.
pub(super) fn encode(request: &ClientRequest<'_>, out: &mut Outbox) {
    let host = [("Host", request.host.as_bytes())];
    let has_host = request.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("Host"));
    let host = if has_host { &host[..0] } else { &host[..] };
    out.write_with(|out| {
        debug_assert!(is_name(request.method), "a method that is no token");
        out.extend_from_slice(request.method.as_bytes());
        out.push(b' ');
        push_target(out, request.target);
        out.extend_from_slice(b" HTTP/1.1\r\n");
        for &(name, value) in host {
            push_field(out, name, value);
        }
        for (index, &(name, value)) in request.fields.iter().enumerate() {
            let later = &request.fields[index + 1..];
            let is_replaced = later.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
            if !is_replaced && !is_framing(name) {
                push_field(out, name, value);
            }
        }
        let length = match request.body {
            Some(body) => Some(body.len()),
            None => (request.method == "POST").then_some(0),
        };
        if let Some(length) = length {
            out.extend_from_slice(b"Content-Length: ");
            push_u64(out, length as u64);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
    });
    if let Some(body) = request.body {
        body.write_to(out);
    }
}

fn is_framing(name: &str) -> bool {
    ["Content-Length", "Transfer-Encoding"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().fold(true, |good, byte| good & is_token(byte))
}

fn push_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    // A line break in a value would begin a field, or a request, of somebody else's choice. Some
    // values are a backend's: its session, its revision, the id of its last event.
    if is_name(name) && value.iter().fold(true, |good, &byte| good & is_text(byte)) {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
}

/// A target may come from a backend (the endpoint of the HTTP+SSE transport), so it is not ours to
/// trust: blanks and control bytes would end it, or the line.
fn push_target(out: &mut Vec<u8>, target: &str) {
    if target.is_empty() {
        out.push(b'/');
    }
    for byte in target.bytes() {
        if byte.is_ascii_graphic() {
            out.push(byte);
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            let digit = |value: u8| DIGITS[usize::from(value & 0xf)];
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(request: ClientRequest<'_>, want: &str) {
        let mut outbox = Outbox::new();
        encode(&request, &mut outbox);
        let got = String::from_utf8_lossy(&outbox.to_vec()).replace("\r\n", "|");
        assert_eq!(got, want);
    }

    const GET: ClientRequest<'_> =
        ClientRequest { method: "GET", target: "/mcp?a=b", host: "h:80", fields: &[], body: None };

    #[test]
    fn a_request_without_a_body_declares_a_length_only_if_it_posts() {
        check(GET, "GET /mcp?a=b HTTP/1.1|Host: h:80||");
        check(ClientRequest { method: "POST", ..GET }, {
            "POST /mcp?a=b HTTP/1.1|Host: h:80|Content-Length: 0||"
        });
    }

    #[test]
    fn the_body_follows_its_length() {
        let body = Splice::whole("{}".into());
        let fields: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];
        check(ClientRequest { method: "POST", fields, body: Some(&body), ..GET }, {
            "POST /mcp?a=b HTTP/1.1|Host: h:80|Content-Type: application/json|Content-Length: 2||{}"
        });
    }

    #[test]
    fn of_fields_with_one_name_the_last_one_counts() {
        let fields: &[(&str, &[u8])] = &[("User-Agent", b"us"), ("user-agent", b"them")];
        check(ClientRequest { fields, ..GET }, {
            "GET /mcp?a=b HTTP/1.1|Host: h:80|user-agent: them||"
        });
        check(ClientRequest { fields: &[("host", b"other")], ..GET }, {
            "GET /mcp?a=b HTTP/1.1|host: other||"
        });
    }

    #[test]
    fn framing_is_the_links_business() {
        let fields: &[(&str, &[u8])] = &[("content-length", b"9"), ("Transfer-Encoding", b"x")];
        check(ClientRequest { fields, ..GET }, "GET /mcp?a=b HTTP/1.1|Host: h:80||");
    }

    #[test]
    fn a_target_cannot_end_its_line() {
        check(ClientRequest { target: "/a b\r\nX: y/é", ..GET }, {
            "GET /a%20b%0D%0AX:%20y/%C3%A9 HTTP/1.1|Host: h:80||"
        });
        check(ClientRequest { target: "", ..GET }, "GET / HTTP/1.1|Host: h:80||");
    }

    #[test]
    fn a_value_cannot_end_its_line() {
        let fields: &[(&str, &[u8])] = &[("A", b"b\r\nC: d")];
        check(ClientRequest { fields, ..GET }, "GET /mcp?a=b HTTP/1.1|Host: h:80||");
    }
}
