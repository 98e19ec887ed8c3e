// SPDX-License-Identifier: MIT
//! One JSON string: from its escapes to the text that it means (RFC 8259 §7).
//!
//! Knows nothing of what stands around the string.

use std::borrow::Cow;

use super::{JsonError, JsonReason};

/// Reads the string whose opening quote is at `quote`; also gives the place after its closing
/// quote.
///
/// Without escapes the text is borrowed. A surrogate without its other half becomes U+FFFD, for
/// Rust has no string that could hold it.
pub(super) fn read(text: &str, quote: usize) -> Result<(Cow<'_, str>, usize), JsonError> {
    let bytes = text.as_bytes();
    let start = quote + 1;
    let mut decoded = Cow::Borrowed("");
    let mut run = start;
    let mut at = start;
    loop {
        match bytes.get(at) {
            None => return Err(JsonReason::UnexpectedEnd.at(bytes.len())),
            Some(b'"') if run == start => return Ok((Cow::Borrowed(&text[start..at]), at + 1)),
            Some(b'"') => {
                decoded.to_mut().push_str(&text[run..at]);
                return Ok((decoded, at + 1));
            }
            Some(b'\\') => {
                let (letter, after) = escape(bytes, at)?;
                let decoded = decoded.to_mut();
                decoded.push_str(&text[run..at]);
                decoded.push(letter);
                (run, at) = (after, after);
            }
            Some(0..0x20) => return Err(JsonReason::ControlInString.at(at)),
            Some(_) => at += 1,
        }
    }
}

/// The letter that the escape at `at` (its backslash) stands for, and the place after it.
fn escape(bytes: &[u8], at: usize) -> Result<(char, usize), JsonError> {
    let letter = match bytes.get(at + 1) {
        None => return Err(JsonReason::UnexpectedEnd.at(bytes.len())),
        Some(b'u') => return unicode_escape(bytes, at),
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(&same @ (b'"' | b'\\' | b'/')) => char::from(same),
        Some(_) => return Err(JsonReason::BadEscape.at(at)),
    };
    Ok((letter, at + 2))
}

/// The same for `\uXXXX`, and for two of them that make one letter beyond the first 65,536.
fn unicode_escape(bytes: &[u8], at: usize) -> Result<(char, usize), JsonError> {
    let first = four_digits(bytes, at)?;
    if let Some(letter) = char::from_u32(first) {
        return Ok((letter, at + 6));
    }
    let is_high = first < 0xDC00;
    if is_high && bytes.get(at + 6..at + 8) == Some(b"\\u") {
        let second = four_digits(bytes, at + 6)?;
        if (0xDC00..0xE000).contains(&second) {
            let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            return Ok((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), at + 12));
        }
    }
    Ok((char::REPLACEMENT_CHARACTER, at + 6))
}

fn four_digits(bytes: &[u8], at: usize) -> Result<u32, JsonError> {
    let mut value = 0;
    for place in at + 2..at + 6 {
        let digit = match bytes.get(place) {
            None => return Err(JsonReason::UnexpectedEnd.at(bytes.len())),
            Some(&byte) => char::from(byte).to_digit(16).ok_or(JsonReason::BadEscape.at(at))?,
        };
        value = value << 4 | digit;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<&str, (usize, JsonReason)>) {
        let got = read(text, 0);
        match want {
            Ok(want) => assert_eq!(got, Ok((Cow::from(want), text.len()))),
            Err((at, reason)) => assert_eq!(got, Err(reason.at(at))),
        }
    }

    #[test]
    fn escapes_become_what_they_mean() {
        check(r#""""#, Ok(""));
        check(r#""plain é""#, Ok("plain é"));
        check(r#""\"\\\/\b\f\n\r\t""#, Ok("\"\\/\u{8}\u{c}\n\r\t"));
        check(r#""a\u0000b""#, Ok("a\0b"));
        check(r#""\u2028\u00e9\u00E9""#, Ok("\u{2028}éé"));
        check("\"\u{2028}\u{7f}\"", Ok("\u{2028}\u{7f}"));
    }

    #[test]
    fn surrogates_make_one_letter_and_alone_they_are_replaced() {
        check(r#""\ud83d\ude00!""#, Ok("😀!"));
        check(r#""\ud83d""#, Ok("\u{fffd}"));
        check(r#""\ude00\ud83d""#, Ok("\u{fffd}\u{fffd}"));
        check(r#""\ud83d\u0041""#, Ok("\u{fffd}A"));
        check(r#""\ud83d\ud83d\ude00""#, Ok("\u{fffd}😀"));
        check(r#""\ud83d\n""#, Ok("\u{fffd}\n"));
    }

    #[test]
    fn what_is_no_string_is_refused_at_its_place() {
        check(r#""abc"#, Err((4, JsonReason::UnexpectedEnd)));
        check(r#""a\"#, Err((3, JsonReason::UnexpectedEnd)));
        check(r#""a\u12"#, Err((6, JsonReason::UnexpectedEnd)));
        check(r#""a\x41""#, Err((2, JsonReason::BadEscape)));
        check(r#""a\u12g4""#, Err((2, JsonReason::BadEscape)));
        check(r#""a\u+123""#, Err((2, JsonReason::BadEscape)));
        check("\"a\nb\"", Err((2, JsonReason::ControlInString)));
        check("\"a\0b\"", Err((2, JsonReason::ControlInString)));
    }
}
