// SPDX-License-Identifier: MIT
//! Marks: where they are put, and how they are found however they are spelled.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use crate::flow::Shape;

/// A response of this shape without its id: `list` are the items, `mark` is all else that it says.
pub fn answered(shape: Shape, list: &str, mark: &str) -> String {
    let list = format!("[{list}]");
    let text = list.replace('\\', "\\\\").replace('"', "\\\"");
    let head = r#""resultType":"complete""#;
    let item = format!(r#"{{"type":"text","text":"{text}"}}"#);
    let told = format!(r#"{{"type":"text","text":"{mark}"}}"#);
    match shape {
        Shape::List => format!(r#""result":{{{head},"content":[{item}]}}"#),
        Shape::Twin => {
            format!(r#""result":{{{head},"content":[{item}],"structuredContent":{list}}}"#)
        }
        Shape::Other => {
            format!(
                r#""result":{{{head},"structuredContent":{{"y":"{mark}"}},"content":[{item}]}}"#
            )
        }
        Shape::Second => {
            let image = format!(r#"{{"type":"image","data":"{mark}","mimeType":"a/b"}}"#);
            format!(r#""result":{{{head},"content":[{item},{image}]}}"#)
        }
        Shape::Text => format!(r#""result":{{{head},"content":[{told}]}}"#),
        Shape::Failed => format!(r#""result":{{{head},"content":[{told}],"isError":true}}"#),
        Shape::Error => {
            format!(r#""error":{{"code":-5,"message":"{mark}","data":{{"why":"{mark}"}}}}"#)
        }
    }
}

/// The marks in a text: as they are, escaped as in JSON, and in Base64.
pub fn marks_in(text: &str) -> Vec<usize> {
    let mut found = plain(text.as_bytes());
    if text.contains("\\u00") {
        found.extend(plain(unescaped(text).as_bytes()));
    }
    for run in
        text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '-' | '_'))
    {
        for skipped in 0..4.min(run.len().saturating_sub(5)) {
            found.extend(plain(&from_base64(&run.as_bytes()[skipped..])));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn plain(text: &[u8]) -> Vec<usize> {
    let begins = text.windows(2).enumerate().filter(|(_, pair)| *pair == b"Mk");
    let read = |at: usize| {
        let rest = &text[at + 2..];
        let n = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        (rest[n] == b'Z').then(|| std::str::from_utf8(&rest[..n]).ok()?.parse().ok())?
    };
    begins.filter_map(|(at, _)| read(at)).collect()
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u00");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.extend(code.map(char::from));
        out += part.get(2..).unwrap_or_default();
    }
    out
}

fn from_base64(run: &[u8]) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    };
    let mut out = Vec::new();
    for four in run.chunks(4) {
        let bits = four.iter().fold(0_u32, |bits, byte| bits << 6 | u32::from(value(*byte)));
        let bits = bits << (6 * (4 - four.len()));
        out.extend(&bits.to_be_bytes()[1..four.len()]);
    }
    out
}

#[test]
fn a_mark_is_found_however_it_is_spelled() {
    assert_eq!(marks_in(r#"{"x":"Mk7Z and Mk12Z"}, Mk3, Mk 4Z"#), [7, 12]);
    assert_eq!(marks_in(r#"\u004dk\u0037Z"#), [7]);
    for encoded in ["TWs3Wg==", "YU1rN1o=", "YWFNazda", "xTWs3Wgx"] {
        assert_eq!(marks_in(&format!("{{\"x\":\"{encoded}\"}}")), [7], "{encoded}");
    }
    assert!(marks_in("aGVsbG8gd29ybGQ=").is_empty());
}
