// SPDX-License-Identifier: MIT
//! Response heads out, and the date in them.
//!
//! It does not know connections: it is told how the body ends and what becomes of the connection.
//!
//! Spec: RFC 9112 §4 (status line), RFC 9110 §5.6.7 (dates), §8.6 (Content-Length).

use super::chunked::is_text;
use super::{Content, ResponseHead};
use crate::base::bytes::push_u64;

/// The interim answer to `Expect: 100-continue` (RFC 9110 §15.2.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How the body of our answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// There is none, and no length is told: 101, 204 and 304.
    Bodiless,
    /// After so many bytes.
    Length(usize),
    /// With the last chunk.
    Chunked,
    /// With the connection: for HTTP/1.0.
    Close,
}

/// What the answer says about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Nothing: it persists, as usual in HTTP/1.1.
    Persists,
    /// `keep-alive`: it persists, as asked for in HTTP/1.0.
    KeepAlive,
    /// `close`: this is the last answer.
    Close,
}

/// Appends `head` as it leaves: status line, fields, empty line.
pub fn encode_head(
    out: &mut Vec<u8>,
    head: &ResponseHead,
    ending: Ending,
    connection: Connection,
    date: &[u8; HttpDate::LEN],
) {
    out.extend_from_slice(b"HTTP/1.1 ");
    push_u64(out, head.status.into());
    out.push(b' ');
    out.extend_from_slice(reason(head.status).as_bytes());
    push_field(out, "Date", date);
    out.extend_from_slice(content_fields(head.content).as_bytes());
    match ending {
        Ending::Bodiless | Ending::Close => {}
        Ending::Chunked => push_field(out, "Transfer-Encoding", b"chunked"),
        Ending::Length(length) => {
            out.extend_from_slice(b"\r\nContent-Length: ");
            push_u64(out, length as u64);
        }
    }
    match connection {
        Connection::Persists => {}
        Connection::KeepAlive => push_field(out, "Connection", b"keep-alive"),
        Connection::Close => push_field(out, "Connection", b"close"),
    }
    for (name, value) in &head.fields {
        // A line end in a value would begin a field, or a body, of somebody else's making
        // (response splitting). Such a value is not sent at all.
        if value.bytes().all(is_text) {
            push_field(out, name, value.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n\r\n");
}

fn push_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
}

const fn content_fields(content: Content) -> &'static str {
    match content {
        Content::None => "",
        Content::Json => "\r\nContent-Type: application/json",
        Content::Text => "\r\nContent-Type: text/plain; charset=utf-8",
        Content::Metrics => "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8",
        // A proxy that gathers or compresses a stream delays its events.
        Content::Events => concat!(
            "\r\nContent-Type: text/event-stream",
            "\r\nCache-Control: no-cache, no-transform",
            "\r\nX-Accel-Buffering: no",
        ),
    }
}

/// The words for `status`; empty if we never send it (RFC 9110 §15).
#[must_use]
pub const fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

/// The value of `Date`, made anew when the second changes.
#[derive(Clone, Debug)]
pub struct HttpDate {
    unix_s: u64,
    text: [u8; Self::LEN],
}

impl HttpDate {
    /// The length of `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub const LEN: usize = 29;

    /// Knows no time yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { unix_s: u64::MAX, text: *b"Thu, 01 Jan 1970 00:00:00 GMT" }
    }

    /// The date at `unix_ms` milliseconds after the Unix epoch; the year 9999 is the last one.
    pub fn at(&mut self, unix_ms: u64) -> &[u8; Self::LEN] {
        let unix_s = unix_ms / 1000;
        if unix_s != self.unix_s {
            self.unix_s = unix_s;
            write_date(&mut self.text, unix_s.min(LAST_UNIX_S));
        }
        &self.text
    }
}

impl Default for HttpDate {
    fn default() -> Self {
        Self::new()
    }
}

/// The last second of the year 9999.
const LAST_UNIX_S: u64 = 253_402_300_799;

fn write_date(text: &mut [u8; HttpDate::LEN], unix_s: u64) {
    let (days, second) = (unix_s / 86_400, unix_s % 86_400);
    let (year, month, day) = civil(days);
    let name = |names: &'static [u8], index: u64| &names[index as usize * 3..][..3];
    text[..3].copy_from_slice(name(b"ThuFriSatSunMonTueWed", days % 7));
    write_digits(&mut text[5..7], day);
    text[8..11].copy_from_slice(name(b"JanFebMarAprMayJunJulAugSepOctNovDec", month - 1));
    write_digits(&mut text[12..16], year);
    write_digits(&mut text[17..19], second / 3600);
    write_digits(&mut text[20..22], second / 60 % 60);
    write_digits(&mut text[23..25], second % 60);
}

fn write_digits(place: &mut [u8], mut value: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month and day of the Gregorian calendar, `days` after 1970-01-01.
///
/// Counted from 1 March of year 0, so that the leap day is the last one of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_PER_ERA: u64 = 146_097; // 400 years
    const DAYS_TO_1970: u64 = 719_468;
    let days = days + DAYS_TO_1970;
    let (era, day) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year = (day - day / 1460 + day / 36_524 - day / (DAYS_PER_ERA - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Five months have 153 days, from March on, over and over.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, after_new_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + after_new_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        #[track_caller]
        fn check(unix_s: u64, want: &str) {
            let mut date = HttpDate::new();
            assert_eq!(std::str::from_utf8(date.at(unix_s * 1000 + 999)), Ok(want));
        }
        check(0, "Thu, 01 Jan 1970 00:00:00 GMT");
        check(784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT");
        check(951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT");
        check(951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT");
        check(1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT");
        check(4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT");
        check(LAST_UNIX_S, "Fri, 31 Dec 9999 23:59:59 GMT");
        check(u64::MAX / 1000 - 1, "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn every_day_has_its_date() {
        let leap = |year: u64| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        let mut expected = (1970, 1, 1);
        for days in 0..100_000 {
            assert_eq!(civil(days), expected);
            let (year, month, day) = expected;
            let len = match month {
                2 => 28 + u64::from(leap(year)),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (_, day) if day == len => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
    }

    #[track_caller]
    fn check(head: &ResponseHead, ending: Ending, connection: Connection, want: &str) {
        let mut out = Vec::new();
        encode_head(&mut out, head, ending, connection, HttpDate::new().at(0));
        let got = String::from_utf8(out).unwrap();
        let date = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
        assert_eq!(got.replacen(date, "", 1), want.replace('\n', "\r\n"));
    }

    #[test]
    fn heads_say_how_the_body_ends() {
        let json = ResponseHead::new(200, Content::Json).with("Mcp-Session-Id", "x");
        check(
            &json,
            Ending::Length(12),
            Connection::Persists,
            "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 12\n\
             Mcp-Session-Id: x\n\n",
        );
        let none = ResponseHead::new(204, Content::None);
        check(
            &none,
            Ending::Bodiless,
            Connection::Close,
            "HTTP/1.1 204 No Content\nConnection: close\n\n",
        );
        check(
            &ResponseHead::new(200, Content::Events),
            Ending::Chunked,
            Connection::KeepAlive,
            "HTTP/1.1 200 OK\nContent-Type: text/event-stream\n\
             Cache-Control: no-cache, no-transform\nX-Accel-Buffering: no\n\
             Transfer-Encoding: chunked\nConnection: keep-alive\n\n",
        );
    }

    // Checklist 23.
    #[test]
    fn nobody_on_the_way_may_keep_or_gather_a_stream() {
        let mut out = Vec::new();
        let head = ResponseHead::new(200, Content::Events);
        encode_head(&mut out, &head, Ending::Chunked, Connection::Persists, HttpDate::new().at(0));
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("\r\nX-Accel-Buffering: no\r\n"), "{text}");
        assert!(text.contains("\r\nCache-Control: no-cache"), "{text}");
    }

    #[test]
    fn a_value_cannot_split_the_answer() {
        let head = ResponseHead::new(200, Content::None).with("A", "b\r\nC: d").with("E", "f");
        check(&head, Ending::Close, Connection::Persists, "HTTP/1.1 200 OK\nE: f\n\n");
    }
}
