// SPDX-License-Identifier: MIT
//! Response heads, in: the status, the few fields we need, and which body follows.
//!
//! Nothing here knows connections; what a session id is for is somebody else's business.
//!
//! Spec: RFC 9112 §4 (status line), §6.3 (length of a body), §9.3 (persistence); RFC 9110 §8.3.

use std::mem::MaybeUninit;

use crate::base::bytes::{parse_u64, trim_ows};

/// What a body is, as `Content-Type` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// `application/json` or `application/…+json`.
    Json,
    /// `text/event-stream`.
    Events,
    /// Anything else, or nothing said.
    Other,
}

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// After so many bytes, at least one.
    Length(u64),
    /// With its last chunk.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// A response head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedHead {
    /// The status; 100 to 199 are interim, another head follows.
    pub status: u16,
    /// What the body is.
    pub kind: BodyKind,
    /// Where it ends.
    pub framing: Framing,
    /// Whether the connection may be used again when the body is complete.
    pub keep_alive: bool,
    /// `Mcp-Session-Id`, if it is UTF-8.
    pub session_id: Option<Box<str>>,
    /// `Location`, if it is UTF-8.
    pub location: Option<Box<str>>,
}

/// Why a head is refused, for people. Final: nobody knows where the next one would begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseError(pub &'static str);

/// Longer heads are refused, in bytes.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
const FIELDS_MAX: usize = 128;

/// Collects the bytes of one head.
#[derive(Debug, Default)]
pub struct HeadBytes {
    bytes: Vec<u8>,
}

impl HeadBytes {
    /// Takes what belongs to the head. Gives the number of bytes taken and whether it is complete.
    ///
    /// Errors: when the head is longer than [`HEAD_BYTES_MAX`].
    pub fn feed(&mut self, input: &[u8]) -> Result<(usize, bool), ResponseError> {
        let mut taken = 0;
        for end in memchr::memchr_iter(b'\n', input).map(|at| at + 1) {
            self.push(&input[taken..end])?;
            taken = end;
            if ends_head(&self.bytes) {
                return Ok((taken, true));
            }
        }
        self.push(&input[taken..])?;
        Ok((input.len(), false))
    }

    fn push(&mut self, line: &[u8]) -> Result<(), ResponseError> {
        if line.len() > HEAD_BYTES_MAX - self.bytes.len() {
            return Err(ResponseError("the response head is too long"));
        }
        self.bytes.extend_from_slice(line);
        Ok(())
    }

    /// The length of the head that `input` begins with, if it is complete and not too long: then it
    /// need not be collected.
    #[must_use]
    pub fn whole(input: &[u8]) -> Option<usize> {
        let window = &input[..input.len().min(HEAD_BYTES_MAX)];
        let mut ends = memchr::memchr_iter(b'\n', window).map(|at| at + 1);
        ends.find(|&end| ends_head(&window[..end]))
    }

    /// Whether no byte has come.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What was collected.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Whether the last line of `bytes`, which is complete, is empty.
fn ends_head(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n\r\n") || bytes.ends_with(b"\n\n")
}

/// Parses a complete head; `head_only` says that it answers a HEAD.
pub fn parse(bytes: &[u8], head_only: bool) -> Result<ReceivedHead, ResponseError> {
    let mut slots = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    match config.parse_response_with_uninit_headers(&mut response, bytes, &mut slots) {
        Ok(httparse::Status::Complete(len)) if len == bytes.len() => {}
        Ok(_) => return Err(ResponseError("not an HTTP response")),
        Err(error) => return Err(ResponseError(text_of(error))),
    }
    let status = response.code.unwrap_or_default();
    if status < 100 {
        return Err(ResponseError("the status is not a status"));
    }
    let known = Known::collect(response.headers)?;
    let is_http_1_1 = response.version == Some(1);
    if known.is_chunked && !is_http_1_1 {
        // RFC 9112 §6.1: with HTTP/1.0, its framing is faulty and the connection ends.
        return Err(ResponseError("a transfer coding with HTTP/1.0"));
    }
    let framing = match (known.is_chunked, known.length) {
        // Somebody between the server and us may have believed the other one; what we took for
        // the next answer could be part of this one. RFC 9112 §6.3 calls it smuggling.
        (true, Some(_)) => return Err(ResponseError("two lengths: chunked and Content-Length")),
        _ if head_only || status < 200 || matches!(status, 204 | 304) => Framing::None,
        (true, None) => Framing::Chunked,
        (false, Some(0)) => Framing::None,
        (false, Some(length)) => Framing::Length(length),
        (false, None) => Framing::UntilClose,
    };
    if known.is_encoded && framing != Framing::None {
        return Err(ResponseError("a content coding that nobody has asked for"));
    }
    Ok(ReceivedHead {
        status,
        kind: known.kind.unwrap_or(BodyKind::Other),
        framing,
        keep_alive: !known.close && (is_http_1_1 || known.keep_alive),
        session_id: known.session_id,
        location: known.location,
    })
}

/// The fields we understand.
#[derive(Default)]
struct Known {
    length: Option<u64>,
    is_chunked: bool,
    is_encoded: bool,
    close: bool,
    keep_alive: bool,
    kind: Option<BodyKind>,
    session_id: Option<Box<str>>,
    location: Option<Box<str>>,
}

impl Known {
    fn collect(fields: &[httparse::Header<'_>]) -> Result<Self, ResponseError> {
        let mut known = Self::default();
        for field in fields {
            known.take(field.name, trim_ows(field.value))?;
        }
        Ok(known)
    }

    fn take(&mut self, name: &str, value: &[u8]) -> Result<(), ResponseError> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("Content-Length") {
            let length = parse_u64(value).ok_or(ResponseError("Content-Length is no number"))?;
            // Two equal ones could be forgiven (RFC 9112 §6.3), but no honest server sends them.
            if self.length.replace(length).is_some() {
                return Err(ResponseError("two Content-Length fields"));
            }
        } else if is("Transfer-Encoding") {
            if self.is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(ResponseError("an unknown transfer coding"));
            }
            self.is_chunked = true;
        } else if is("Connection") {
            for option in value.split(|&byte| byte == b',').map(trim_ows) {
                self.close |= option.eq_ignore_ascii_case(b"close");
                self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if is("Content-Type") {
            self.kind = self.kind.or(Some(kind_of(value)));
        } else if is("Content-Encoding") {
            self.is_encoded |= !value.is_empty() && !value.eq_ignore_ascii_case(b"identity");
        } else if is("Mcp-Session-Id") {
            self.session_id = self.session_id.take().or(text(value));
        } else if is("Location") {
            self.location = self.location.take().or(text(value));
        }
        Ok(())
    }
}

fn text(value: &[u8]) -> Option<Box<str>> {
    std::str::from_utf8(value).ok().filter(|text| !text.is_empty()).map(Box::from)
}

/// Parameters such as `charset` are of no interest: JSON and event streams are UTF-8.
fn kind_of(content_type: &[u8]) -> BodyKind {
    // What nearly every server sends.
    if content_type == b"application/json" {
        return BodyKind::Json;
    }
    let media_type = content_type.split(|&byte| byte == b';').next().unwrap_or_default();
    let media_type = trim_ows(media_type).to_ascii_lowercase();
    match media_type.as_slice() {
        b"application/json" => BodyKind::Json,
        b"text/event-stream" => BodyKind::Events,
        other if other.starts_with(b"application/") && other.ends_with(b"+json") => BodyKind::Json,
        _ => BodyKind::Other,
    }
}

fn text_of(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::TooManyHeaders => "the response has too many fields",
        httparse::Error::Version => "not an HTTP/1 response",
        httparse::Error::Status => "the status is not a status",
        _ => "not an HTTP response",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parsed(lines: &str) -> Result<ReceivedHead, ResponseError> {
        parse(format!("{lines}\r\n\r\n").replace('|', "\r\n").as_bytes(), false)
    }

    #[track_caller]
    fn check(fields: &str, kind: BodyKind, framing: Framing, keep_alive: bool) {
        let head = parsed(&format!("HTTP/1.1 200 OK|{fields}")).expect("a head");
        assert_eq!((head.kind, head.framing, head.keep_alive), (kind, framing, keep_alive));
    }

    #[track_caller]
    fn check_refused(lines: &str, why: &str) {
        assert_eq!(parsed(lines).map_err(|error| error.0), Err(why), "{lines}");
    }

    #[test]
    fn lengths_frame_bodies() {
        check("Content-Length: 12", BodyKind::Other, Framing::Length(12), true);
        check("content-length:0", BodyKind::Other, Framing::None, true);
        check("Transfer-Encoding: Chunked", BodyKind::Other, Framing::Chunked, true);
        check("X: y", BodyKind::Other, Framing::UntilClose, true);
    }

    #[test]
    fn some_answers_have_no_body_whatever_they_say() {
        for status in [103, 204, 304] {
            let head = parsed(&format!("HTTP/1.1 {status} X|Content-Length: 7")).expect("a head");
            assert_eq!(head.framing, Framing::None);
        }
        let head = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", true).expect("a head");
        assert_eq!(head.framing, Framing::None);
    }

    #[test]
    fn doubtful_lengths_are_refused() {
        for bad in ["", "-1", "+1", "1, 1", "0x1", "1 1", "18446744073709551616"] {
            let lines = format!("HTTP/1.1 200 OK|Content-Length: {bad}");
            check_refused(&lines, "Content-Length is no number");
        }
        let twice = "HTTP/1.1 200 OK|Content-Length: 1|Content-Length: 1";
        check_refused(twice, "two Content-Length fields");
        check_refused(
            "HTTP/1.1 200 OK|Content-Length: 1|Transfer-Encoding: chunked",
            "two lengths: chunked and Content-Length",
        );
        for bad in [
            "gzip",
            "gzip, chunked",
            "chunked, chunked",
            "identity",
            "chunked|Transfer-Encoding: chunked",
        ] {
            let lines = format!("HTTP/1.1 200 OK|Transfer-Encoding: {bad}");
            check_refused(&lines, "an unknown transfer coding");
        }
        check_refused("HTTP/1.0 200 OK|Transfer-Encoding: chunked", {
            "a transfer coding with HTTP/1.0"
        });
    }

    #[test]
    fn types_are_compared_without_case_and_parameters() {
        let length = Framing::Length(1);
        for (value, kind) in [
            ("application/json", BodyKind::Json),
            ("Application/JSON; charset=utf-8", BodyKind::Json),
            ("application/problem+json", BodyKind::Json),
            ("application/jsonx", BodyKind::Other),
            ("text/event-stream;charset=utf-8", BodyKind::Events),
            ("text/html", BodyKind::Other),
        ] {
            check(&format!("Content-Type: {value}|Content-Length: 1"), kind, length, true);
        }
    }

    #[test]
    fn connections_are_kept_as_both_sides_say() {
        check("Connection: close|Content-Length: 0", BodyKind::Other, Framing::None, false);
        check("Connection: x, Close|Content-Length: 0", BodyKind::Other, Framing::None, false);
        let head = parsed("HTTP/1.0 200 OK|Content-Length: 0").expect("a head");
        assert!(!head.keep_alive);
        let head = parsed("HTTP/1.0 200 OK|Connection: keep-alive").expect("a head");
        assert!(head.keep_alive);
    }

    #[test]
    fn session_and_location_are_told() {
        let head = parsed("HTTP/1.1 307 X|Mcp-Session-Id: a-1 |location: /x|Content-Length: 0");
        let head = head.expect("a head");
        assert_eq!(head.session_id.as_deref(), Some("a-1"));
        assert_eq!(head.location.as_deref(), Some("/x"));
    }

    #[test]
    fn bodies_we_cannot_read_are_refused() {
        check_refused(
            "HTTP/1.1 200 OK|Content-Encoding: gzip|Content-Length: 1",
            "a content coding that nobody has asked for",
        );
    }

    #[test]
    fn what_is_not_http_is_refused() {
        check_refused("SSH-2.0-x", "not an HTTP/1 response");
        check_refused("HTTP/2 200 OK", "not an HTTP/1 response");
        check_refused("HTTP/1.1 2x0 OK", "the status is not a status");
        check_refused("HTTP/1.1 099 OK", "the status is not a status");
        check_refused("HTTP/1.1 200 OK|a b: c", "not an HTTP response");
        check_refused(&format!("HTTP/1.1 200 OK{}", "|a: b".repeat(129)), {
            "the response has too many fields"
        });
    }

    #[test]
    fn a_head_is_collected_up_to_its_empty_line() {
        let text = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody\r\n\r\n";
        for cut in 0..25 {
            let mut head = HeadBytes::default();
            assert_eq!(head.feed(&text[..cut]), Ok((cut, false)));
            assert_eq!(head.feed(&text[cut..]), Ok((25 - cut, true)));
            assert_eq!(head.as_bytes(), &text[..25]);
        }
        let mut head = HeadBytes::default();
        assert_eq!(head.feed(b"HTTP/1.1 200 OK\nA: b\n\nbody"), Ok((22, true)));
    }

    #[test]
    fn a_head_has_an_end() {
        let mut head = HeadBytes::default();
        assert!(head.feed(&vec![b'x'; HEAD_BYTES_MAX]).is_ok());
        assert_eq!(head.feed(b"x"), Err(ResponseError("the response head is too long")));
    }
}
