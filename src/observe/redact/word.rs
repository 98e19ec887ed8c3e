// SPDX-License-Identifier: MIT
//! Credentials that are known by their looks: `Bearer …`, GitHub tokens, AWS keys, `sk-…`, JSON
//! Web Tokens, long hexadecimal numbers.

use memchr::{memchr_iter, memchr2_iter};

use super::{Edit, Form};

/// Every shape below but `Bearer` begins with or is a run of so many letters, digits, `_` and `-`.
const WORD_BYTES_MIN: usize = 20;

/// The fewest hexadecimal digits that are secret.
const HEX_BYTES_MIN: usize = 32;

/// Looks at every `b` of `text` for `bearer`, blanks and a credential.
pub(super) fn find_bearers(text: &[u8], form: Form, edits: &mut Vec<Edit>) {
    for at in memchr2_iter(b'b', b'B', text) {
        let Some(word) = text.get(at..at + 6) else { return };
        if word[1] | 0x20 != b'e' || !word.eq_ignore_ascii_case(b"bearer") {
            continue;
        }
        let start = blanks(text, at + 6, form);
        if start > at + 6 {
            edits.extend(credential(text, start, form).map(|end| Edit::mark(at, end)));
        }
    }
}

/// Where the blanks that begin at `at` end. In JSON they may be escaped.
pub(super) fn blanks(text: &[u8], mut at: usize, form: Form) -> usize {
    loop {
        match text.get(at..) {
            Some([byte, ..]) if byte.is_ascii_whitespace() => at += 1,
            Some([b'\\', b'n' | b'r' | b't' | b'f', ..]) if form == Form::Json => at += 2,
            _ => return at,
        }
    }
}

/// Where the credential (RFC 6750 §2.1, b64token) that begins at `at` ends, if there is one.
pub(super) fn credential(text: &[u8], at: usize, form: Form) -> Option<usize> {
    let mut end = at;
    loop {
        end += match text.get(end..).unwrap_or_default() {
            [b'-' | b'.' | b'_' | b'~' | b'+' | b'/', ..] => 1,
            [byte, ..] if byte.is_ascii_alphanumeric() => 1,
            [b'\\', b'/', ..] if form == Form::Json => 2,
            [b'=', ..] if end > at => 1,
            _ => break,
        };
    }
    (end > at).then_some(end)
}

/// Looks at every twentieth byte of `text`, and around it where it may be in a long word.
pub(super) fn find_words(text: &[u8], edits: &mut Vec<Edit>) {
    let mut start = 0; // No word that is long enough begins before.
    while let Some(window) = text.get(start..start + WORD_BYTES_MIN) {
        if let Some(at) = window.iter().rposition(|&byte| !is_word(byte)) {
            start += at + 1;
            continue;
        }
        let mut end = start + WORD_BYTES_MIN;
        end += text[end..].iter().take_while(|&&byte| is_word(byte)).count();
        start = find_in_word(text, start, end, edits);
    }
}

/// Looks into the word `text[start..end]` and returns where to go on.
#[cold]
fn find_in_word(text: &[u8], start: usize, end: usize, edits: &mut Vec<Edit>) -> usize {
    if let Some(end) = web_token(text, end) {
        edits.push(Edit::mark(start, end));
        return end;
    }
    let word = &text[start..end];
    let mut push = |at: usize, len: usize| edits.push(Edit::mark(start + at, start + at + len));
    find_hex(word, &mut push);
    for at in memchr_iter(b'_', word) {
        if let Some((at, len)) = github_token(word, at) {
            push(at, len);
        }
    }
    for at in memchr_iter(b'-', word) {
        let before = text[..start + at].strip_suffix(b"sk").and_then(<[u8]>::last);
        let begins = word[..at].ends_with(b"sk") && !before.is_some_and(u8::is_ascii_alphanumeric);
        if begins && word.len() - at > WORD_BYTES_MIN {
            push(at - 2, word.len() - at + 2);
        }
    }
    for at in memchr_iter(b'A', word) {
        let is_key = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let id = word.get(at..at + 20).filter(|id| id.iter().all(is_key));
        if id.is_some_and(|id| id.starts_with(b"AKIA") || id.starts_with(b"ASIA")) {
            push(at, 20);
        }
    }
    end
}

/// Where the JSON Web Token ends (RFC 7519) whose first part ends at `at`.
fn web_token(text: &[u8], at: usize) -> Option<usize> {
    let part = |at: usize| text[at..].iter().take_while(|&&byte| is_word(byte)).count();
    let payload = text[at..].strip_prefix(b".eyJ").map(|_| at + 4)?;
    let dot = payload + part(payload);
    let signature = (dot > payload && text.get(dot) == Some(&b'.')).then_some(dot + 1)?;
    let end = signature + part(signature);
    (end > signature).then_some(end)
}

/// Start and length of the token of GitHub whose first underscore is at `at`.
fn github_token(word: &[u8], at: usize) -> Option<(usize, usize)> {
    const FINE_BYTES: usize = 22 + 1 + 59;
    let after = &word[at + 1..];
    let alphanumeric = after.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    match word[..at] {
        [.., b'g', b'h', b'p' | b'o' | b's' | b'u' | b'r'] if alphanumeric >= 36 => {
            Some((at - 3, 4 + alphanumeric))
        }
        [.., b'g', b'i', b't', b'h', b'u', b'b'] if after.starts_with(b"pat_") => {
            (after.len() >= 4 + FINE_BYTES).then_some((at - 6, 7 + after.len()))
        }
        _ => None,
    }
}

/// Looks at every thirty-second byte for a long run of hexadecimal digits.
fn find_hex(word: &[u8], push: &mut impl FnMut(usize, usize)) {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let mut start = 0;
    while let Some(window) = word.get(start..start + HEX_BYTES_MIN) {
        if let Some(at) = window.iter().rposition(|&byte| !is_hex(byte)) {
            start += at + 1;
            continue;
        }
        let more = word[start + HEX_BYTES_MIN..].iter().take_while(|&&byte| is_hex(byte)).count();
        push(start, HEX_BYTES_MIN + more);
        start += HEX_BYTES_MIN + more;
    }
}

const fn is_word(byte: u8) -> bool {
    WORD[byte as usize]
}

/// Letters, digits, `_` and `-`.
static WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let char = byte as u8;
        table[byte] = char.is_ascii_alphanumeric() || char == b'_' || char == b'-';
        byte += 1;
    }
    table
};
