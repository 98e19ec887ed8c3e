// SPDX-License-Identifier: MIT
//! `rpc-messages.jsonl`: one JSON object per line for each message to or from a backend.
//!
//! Payloads are written as they came; only the redactor edits them. Names and their order are what
//! scripts of users rely on.

use std::borrow::Cow;

use crate::base::bytes;
use crate::observe::log::text::{self, Answer};
use crate::observe::redact::{Form, Redactor};
use crate::policy::guard::{Label, Labels};
use crate::wire::json::{scan, tree, write};

/// A longer payload is replaced by its length.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// What is kept of a payload that is no JSON.
const RAW_BYTES_MAX: usize = 4096;

/// Deeper JSON is not accepted from anybody.
const DEPTH_MAX: usize = 512;

/// What a record says of its message.
pub enum Payload<'p> {
    /// Valid JSON without secrets.
    Json(Cow<'p, [u8]>),
    /// Text that is not valid JSON, without secrets; empty if there was no message.
    Raw(Cow<'p, [u8]>),
    /// More than [`PAYLOAD_BYTES_MAX`], or never gathered: its length.
    TooLong(usize),
    /// Not wanted: its length.
    Left(usize),
}

impl<'p> Payload<'p> {
    /// Takes the secrets out of `payload`, which is `len` bytes long or left out. Messages that
    /// were routed are known to be JSON; the others are `doubtful`.
    #[must_use]
    pub fn new(payload: &'p [u8], len: usize, doubtful: bool, redactor: &Redactor) -> Self {
        if len > PAYLOAD_BYTES_MAX || len > payload.len() {
            return Self::TooLong(len);
        }
        let has_brackets = matches!(payload.trim_ascii(), [b'{', .., b'}'] | [b'[', .., b']']);
        if !has_brackets || doubtful && scan::validate(payload, DEPTH_MAX).is_err() {
            return Self::Raw(redactor.redact_cut(payload));
        }
        Self::Json(redactor.redact(payload, Form::Json))
    }

    fn push(&self, out: &mut Vec<u8>) {
        match self {
            Self::Json(json) => push_on_one_line(out, json),
            Self::Raw(raw) => {
                let raw = String::from_utf8_lossy(text::cut(raw, RAW_BYTES_MAX));
                write::object(out, |object| {
                    object.str("_error", "invalid JSON").str("_raw", &raw);
                });
            }
            Self::TooLong(len) => push_length(out, br#"{"_truncated":true,"_bytes":"#, *len),
            Self::Left(len) => push_length(out, br#"{"_bytes":"#, *len),
        }
    }
}

fn push_length(out: &mut Vec<u8>, before: &[u8], len: usize) {
    out.extend_from_slice(before);
    bytes::push_u64(out, len as u64);
    out.push(b'}');
}

/// What every record begins with.
pub struct Record<'r> {
    /// When.
    pub stamp: &'r [u8; 24],
    /// The name of the server.
    pub server: &'r str,
    /// The method as it is spelled in JSON, without quotes; empty if there is none.
    pub method: &'r [u8],
    /// What the agent carries, for sinks.
    pub labels: Option<&'r Labels>,
}

impl Record<'_> {
    /// A message to a backend.
    pub fn push_request(&self, out: &mut Vec<u8>, payload: &Payload<'_>) {
        let is_response = self.method.is_empty();
        self.push_head(out, if is_response { "rpc_response" } else { "rpc_request" }, "OUT");
        self.push_tail(out, payload);
    }

    /// The answer of a backend.
    pub fn push_answer(&self, out: &mut Vec<u8>, answer: &Answer<'_>, payload: &Payload<'_>) {
        self.push_head(out, "rpc_response", "IN");
        if let Some(tool) = answer.tool {
            out.extend_from_slice(br#","tool":"#);
            push_string(out, tool);
        }
        out.extend_from_slice(br#","duration":"#);
        text::push_ms(out, answer.duration);
        if let Some(error) = answer.error {
            out.extend_from_slice(br#","error":"#);
            write::push_str(out, &String::from_utf8_lossy(error));
        }
        self.push_tail(out, payload);
    }

    fn push_tail(&self, out: &mut Vec<u8>, payload: &Payload<'_>) {
        if let Some(labels) = self.labels {
            push_label(out, "agent_secrecy", &labels.secrecy);
            push_label(out, "agent_integrity", &labels.integrity);
        }
        out.extend_from_slice(br#","payload":"#);
        payload.push(out);
        out.extend_from_slice(b"}\n");
    }

    fn push_head(&self, out: &mut Vec<u8>, event: &str, direction: &str) {
        out.extend_from_slice(br#"{"timestamp":""#);
        out.extend_from_slice(self.stamp);
        out.extend_from_slice(br#"","event":""#);
        out.extend_from_slice(event.as_bytes());
        out.extend_from_slice(br#"","_schema":"rpc-message/v2","direction":""#);
        out.extend_from_slice(direction.as_bytes());
        out.extend_from_slice(br#"","server_id":"#);
        push_string(out, self.server.as_bytes());
        if !self.method.is_empty() {
            out.extend_from_slice(br#","method":"#);
            push_string(out, self.method);
        }
    }
}

/// One more member, which lists the tags of a label.
fn push_label(out: &mut Vec<u8>, name: &str, label: &Label) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    write::array(out, |tags| {
        for tag in label.iter() {
            tags.str(tag);
        }
    });
}

/// `body` in quotes if it is the body of a JSON string, which it nearly always is; else escaped.
fn push_string(out: &mut Vec<u8>, body: &[u8]) {
    let is_plain = |&byte: &u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    let quoted = |out: &mut Vec<u8>| {
        out.push(b'"');
        out.extend_from_slice(body);
        out.push(b'"');
    };
    if body.iter().all(is_plain) {
        return quoted(out);
    }
    let start = out.len();
    quoted(out);
    let is_string = tree::parse(&out[start..], 1).is_ok_and(|node| node.as_str().is_some());
    if !is_string {
        out.truncate(start);
        write::push_str(out, &String::from_utf8_lossy(body));
    }
}

/// Raw line ends stand only between the tokens of JSON, where a blank says the same.
fn push_on_one_line(out: &mut Vec<u8>, mut json: &[u8]) {
    while let Some(at) = memchr::memchr2(b'\n', b'\r', json) {
        out.extend_from_slice(&json[..at]);
        out.push(b' ');
        json = &json[at + 1..];
    }
    out.extend_from_slice(json);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &[u8], doubtful: bool, want: &str) {
        let redactor = Redactor::default();
        let mut out = Vec::new();
        Payload::new(payload, payload.len(), doubtful, &redactor).push(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), want);
        assert!(tree::parse(&out, 9).is_ok());
    }

    #[test]
    fn payloads_are_written_as_they_came_or_not_at_all() {
        check(br#"{"a": 1.0e3 }"#, true, r#"{"a": 1.0e3 }"#);
        check(b"{\r\n\"a\":1\n}", false, r#"{  "a":1 }"#);
        check(b"", false, r#"{"_error":"invalid JSON","_raw":""}"#);
        check(
            b"<h1>\xff</h1>",
            true,
            "{\"_error\":\"invalid JSON\",\"_raw\":\"<h1>\u{fffd}</h1>\"}",
        );
        check(b"{no}", true, r#"{"_error":"invalid JSON","_raw":"{no}"}"#);
        let long = vec![b' '; PAYLOAD_BYTES_MAX + 1];
        check(&long, false, r#"{"_truncated":true,"_bytes":65537}"#);
    }

    #[test]
    fn names_are_spelled_as_they_came_if_that_is_json() {
        for (name, want) in [
            (&b"tools/call"[..], "\"tools/call\""),
            (br"a\u00e9\n", r#""a\u00e9\n""#),
            (br#"a"b"#, r#""a\"b""#),
            (br"a\", r#""a\\""#),
            (b"a\xff", "\"a\u{fffd}\""),
        ] {
            let mut out = Vec::new();
            push_string(&mut out, name);
            assert_eq!(String::from_utf8_lossy(&out), want);
        }
    }
}
