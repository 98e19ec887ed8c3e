// SPDX-License-Identifier: MIT
//! Lines for people: `[2026-08-22T12:00:00.123Z] [INFO] [startup] text`.
//!
//! Knows layouts and shortens what is too long; what it is given has been redacted.

use std::time::Duration;

use crate::base::bytes;
use crate::gateway::io::Level;

/// A method or tool name in a text line is cut to this.
const NAME_BYTES_MAX: usize = 128;

/// What stands before the message of each line.
pub fn push_head(out: &mut Vec<u8>, stamp: &[u8; 24], level: Level, category: &str) {
    out.push(b'[');
    out.extend_from_slice(stamp);
    out.extend_from_slice(match level {
        Level::Debug => b"] [DEBUG] [",
        Level::Info => b"] [INFO] [",
        Level::Warn => b"] [WARN] [",
        Level::Error => b"] [ERROR] [",
    });
    out.extend_from_slice(category.as_bytes());
    out.extend_from_slice(b"] ");
}

/// The shape of a message to a backend: `github→tools/call 118b`. Responses have no method.
pub fn push_request(out: &mut Vec<u8>, server: &str, method: &[u8], len: usize) {
    out.extend_from_slice(server.as_bytes());
    out.extend_from_slice("→".as_bytes());
    if method.is_empty() {
        out.extend_from_slice(b"resp");
    } else {
        push_flat(out, cut(method, NAME_BYTES_MAX));
    }
    out.push(b' ');
    bytes::push_u64(out, len as u64);
    out.push(b'b');
}

/// The shape of an answer of a backend.
pub struct Answer<'a> {
    /// The name of the server.
    pub server: &'a str,
    /// The tool, if one was called.
    pub tool: Option<&'a [u8]>,
    /// The bytes of the payload.
    pub len: usize,
    /// From the request to the answer.
    pub duration: Duration,
    /// Why there is no good answer.
    pub error: Option<&'a [u8]>,
}

impl Answer<'_> {
    /// `github←resp 2041b 12ms`, with `err:…` if it failed; for tools after
    /// `MCP tool call response, tool=…, `.
    pub fn push(&self, out: &mut Vec<u8>) {
        if let Some(tool) = self.tool {
            out.extend_from_slice(match self.error {
                None => b"MCP tool call response, tool=",
                Some(_) => b"MCP tool call error, tool=",
            });
            push_flat(out, cut(tool, NAME_BYTES_MAX));
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(self.server.as_bytes());
        out.extend_from_slice("←resp ".as_bytes());
        bytes::push_u64(out, self.len as u64);
        out.extend_from_slice(b"b ");
        push_ms(out, self.duration);
        out.extend_from_slice(b"ms");
        if let Some(error) = self.error {
            out.extend_from_slice(b" err:");
            push_flat(out, error);
        }
    }
}

/// Milliseconds, to the microsecond, without zeros at the end: `12`, `0.25`.
pub fn push_ms(out: &mut Vec<u8>, duration: Duration) {
    bytes::push_u64(out, u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    let us = duration.subsec_micros() % 1000;
    if us > 0 {
        let digits = [us / 100, us / 10 % 10, us % 10].map(|digit| b'0' + digit as u8);
        let len = 3 - digits.iter().rev().take_while(|&&digit| digit == b'0').count();
        out.push(b'.');
        out.extend_from_slice(&digits[..len]);
    }
}

/// `text` without control characters: what a terminal obeys is no text. Line ends stay.
pub fn push_clean(out: &mut Vec<u8>, text: &[u8]) {
    push_mapped(out, text, |byte| if matches!(byte, b'\n' | b'\t') { byte } else { b'?' });
}

/// `text` on one line: a peer may not write a line of its own.
pub fn push_flat(out: &mut Vec<u8>, text: &[u8]) {
    push_mapped(out, text, |byte| if byte.is_ascii_whitespace() { b' ' } else { b'?' });
}

fn push_mapped(out: &mut Vec<u8>, text: &[u8], map: impl Fn(u8) -> u8) {
    let start = out.len();
    out.extend_from_slice(text);
    if text.iter().any(u8::is_ascii_control) {
        for byte in out[start..].iter_mut().filter(|byte| byte.is_ascii_control()) {
            *byte = map(*byte);
        }
    }
}

/// The beginning of `text`, at most `bytes_max` long, without half a character at its end.
#[must_use]
pub fn cut(text: &[u8], bytes_max: usize) -> &[u8] {
    if text.len() <= bytes_max {
        return text;
    }
    let is_start = |&at: &usize| text[at] & 0b1100_0000 != 0b1000_0000;
    let end = (bytes_max.saturating_sub(3)..=bytes_max).rev().find(is_start);
    &text[..end.unwrap_or(bytes_max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_have_no_needless_digits() {
        for (us, want) in [(0, "0"), (1, "0.001"), (250, "0.25"), (12_000, "12"), (12_340, "12.34")]
        {
            let mut out = Vec::new();
            push_ms(&mut out, Duration::from_micros(us));
            assert_eq!(out, want.as_bytes());
        }
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("häh".as_bytes(), 2), b"h");
        assert_eq!(cut("häh".as_bytes(), 3), "hä".as_bytes());
        assert_eq!(cut("häh".as_bytes(), 4), "häh".as_bytes());
        assert_eq!(cut("𝄞".as_bytes(), 3), b"");
        assert_eq!(cut(&[0x80; 9], 5), &[0x80; 5]);
    }

    #[test]
    fn peers_neither_break_lines_nor_command_terminals() {
        let mut out = Vec::new();
        push_flat(&mut out, b"a\r\nb\t\x1b[2Jc\x7f");
        assert_eq!(out, b"a  b ?[2Jc?");
        out.clear();
        push_clean(&mut out, b"a\n\tb\x1b\r");
        assert_eq!(out, b"a\n\tb??");
    }
}
