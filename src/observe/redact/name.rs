// SPDX-License-Identifier: MIT
//! Values that are secret because of the name before them: `token=…`, `Authorization: …`,
//! `"password":"…"`, and the same in JSON that stands in a string of JSON.

use memchr::memchr2_iter;

use super::word::{blanks, credential};
use super::{Edit, Form};

/// Members of objects whose strings are secret.
const MEMBERS: [&[u8]; 25] = [
    b"token",
    b"password",
    b"passwd",
    b"pwd",
    b"apikey",
    b"api_key",
    b"api-key",
    b"x-api-key",
    b"secret",
    b"secret_key",
    b"secret_access_key",
    b"client_secret",
    b"api_secret",
    b"authorization",
    b"auth",
    b"key",
    b"private_key",
    b"public_key",
    b"credentials",
    b"credential",
    b"access_token",
    b"refresh_token",
    b"bearer_token",
    b"id_token",
    b"access_key",
];

/// What is before `=` or `:` without quotes if what comes after it is secret.
const NAMES: [&[u8]; 6] = [b"token", b"key", b"secret", b"password", b"auth", b"client_id"];

/// The longest of [`MEMBERS`].
const MEMBER_BYTES_MAX: usize = 17;

/// Values with fewer characters than this, after `=` or `:` without quotes, are not secret.
const VALUE_CHARS_MIN: usize = 8;

/// Looks at every `:` and `=` of `text`, and at what stands before it.
pub(super) fn find(text: &[u8], form: Form, edits: &mut Vec<Edit>) {
    let mut names = Names { text, form, value_end: 0, edits };
    for at in memchr2_iter(b':', b'=', text) {
        names.look(at);
    }
}

/// Looks at what stands before a separator.
struct Names<'t> {
    text: &'t [u8],
    form: Form,
    /// Where the value ends that was found last.
    value_end: usize,
    edits: &'t mut Vec<Edit>,
}

impl Names<'_> {
    /// `at` is the separator; they come in their order.
    #[inline(always)]
    fn look(&mut self, at: usize) {
        let Some(&last) = self.text[..at].last() else { return };
        // Most members have other names.
        let tells = match self.text[..at] {
            [.., letter, b'"'] => TAILS[usize::from(letter)],
            _ => ENDS[usize::from(last)],
        };
        if tells {
            self.look_closer(at, last);
        }
    }

    fn look_closer(&mut self, at: usize, last: u8) {
        let edit = match last {
            b'"' | b' ' | b'\t' | b'\n' | b'\r' if self.text[at] == b':' => member(self.text, at),
            b'"' | b' ' | b'\t' | b'\n' | b'\r' => None,
            // A value inside a value ends with it: `key=key=key=…` is not walked through each time.
            _ if at < self.value_end => None,
            _ => {
                let edit = assignment(self.text, at, self.form);
                self.value_end = edit.map_or(self.value_end, |edit| edit.end);
                edit
            }
        };
        self.edits.extend(edit);
    }
}

/// What stands before a separator if a name that tells does: its last letter, the quote behind it,
/// or a blank behind that.
static ENDS: [bool; 256] = table(b"\" \t\n\rnNyYtTdDhH");

/// What stands before the quote behind one of [`MEMBERS`]: its last letter, or what escapes the
/// quote.
static TAILS: [bool; 256] = table(b"\\nNyYtTdDhHsSlL");

const fn table(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
}

/// `token=value`, `password: value`: the separator at `at` and the value.
fn assignment(text: &[u8], at: usize, form: Form) -> Option<Edit> {
    let before = &text[..at];
    if ends_with(before, b"authorization") {
        return authorization(text, at, form);
    }
    if !NAMES.iter().any(|name| ends_with(before, name)) {
        return None;
    }
    let start = opening(text, blanks(text, at + 1, form), form);
    let mut end = start;
    let mut chars = 0;
    while let Some(width) = value_char(&text[end..], form) {
        end += width;
        chars += 1;
    }
    (chars >= VALUE_CHARS_MIN).then(|| Edit::equals_mark(at, end))
}

/// `Authorization: scheme credential`, or a credential alone.
fn authorization(text: &[u8], at: usize, form: Form) -> Option<Edit> {
    let start = opening(text, blanks(text, at + 1, form), form);
    let mut end = credential(text, start, form)?;
    if text[start..end].iter().all(u8::is_ascii_alphabetic) {
        let second = blanks(text, end, form);
        end = credential(text, second, form).filter(|_| second > end).unwrap_or(end);
    }
    Some(Edit::equals_mark(at, end))
}

fn ends_with(text: &[u8], name: &[u8]) -> bool {
    text.len().checked_sub(name.len()).is_some_and(|at| text[at..].eq_ignore_ascii_case(name))
}

/// After an opening quote at `at`, if there is one. In JSON a bare `"` is the end of the string; in
/// other text the quote is a part of the value.
fn opening(text: &[u8], at: usize, form: Form) -> usize {
    let slashes = text[at..].iter().take_while(|&&byte| byte == b'\\').count();
    match text.get(at + slashes) {
        _ if form == Form::Text => at,
        Some(b'\'') if slashes == 0 => at + 1,
        Some(b'"') if slashes % 2 == 1 => at + slashes + 1,
        _ => at,
    }
}

/// How many bytes the next character of a value takes; `None` at its end.
fn value_char(rest: &[u8], form: Form) -> Option<usize> {
    let first = *rest.first()?;
    if first.is_ascii_whitespace() {
        return None;
    }
    match (form, first) {
        (Form::Json, b'"') => None,
        (Form::Json, b'\\') => match rest.get(1)? {
            b'\\' | b'/' => Some(2),
            b'u' => (rest.len() >= 6).then_some(6),
            _ => None,
        },
        _ => Some(1),
    }
}

/// `"token" : "value"`, where `at` is the colon; also `\"token\":\"value\"` in a string.
fn member(text: &[u8], at: usize) -> Option<Edit> {
    let name = text[..at].trim_ascii_end().strip_suffix(b"\"")?;
    let depth = slashes_before(name);
    let name = &name[..name.len() - depth];
    let &[.., a, b] = name else { return None };
    // Two letters tell most names from these.
    if !matches!(
        [a | 0x20, b | 0x20],
        [b'e', b'n' | b't' | b'y'] | [b'r' | b'w', b'd'] | [b't', b'h'] | [b'o', b'n']
    ) && !matches!([a | 0x20, b | 0x20], [b'l', b's'] | [b'a', b'l'])
    {
        return None;
    }
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let len = name.iter().rev().take(MEMBER_BYTES_MAX + 1).take_while(is_name).count();
    let (before, name) = name.split_at(name.len() - len);
    if !before.ends_with(b"\"") || !MEMBERS.iter().any(|member| member.eq_ignore_ascii_case(name)) {
        return None;
    }
    string(text, at + 1, depth)
}

/// The string value that begins at `at`, after blanks; its quotes have `depth` backslashes. It ends
/// with the text if it was cut off.
fn string(text: &[u8], at: usize, depth: usize) -> Option<Edit> {
    let at = at + text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let opening = text.get(at..at + depth + 1)?;
    if opening[depth] != b'"' || opening[..depth].iter().any(|&byte| byte != b'\\') {
        return None;
    }
    let start = at + depth + 1;
    let mut quote = start;
    loop {
        let Some(next) = memchr::memchr(b'"', &text[quote..]) else {
            return (text.len() > start).then(|| Edit::mark(start, text.len()));
        };
        quote += next;
        let slashes = slashes_before(&text[start..quote]);
        // Each level doubles the backslashes of the one below and adds one for the quote. What is
        // left is `depth` for the quote that ends the value, `2 * depth + 1` for one inside it,
        // and less if a level below ends first.
        let left = slashes % (2 * (depth + 1));
        if left != 2 * depth + 1 {
            let end = quote - if left == depth { depth } else { slashes };
            return (end > start).then(|| Edit::mark(start, end));
        }
        quote += 1;
    }
}

fn slashes_before(text: &[u8]) -> usize {
    text.iter().rev().take_while(|&&byte| byte == b'\\').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_know_the_last_letter_of_each_name() {
        for name in MEMBERS {
            let last = name[name.len() - 1];
            assert!(TAILS[usize::from(last)] && TAILS[usize::from(last.to_ascii_uppercase())]);
        }
        for name in NAMES.iter().chain([&&b"authorization"[..]]) {
            let last = name[name.len() - 1];
            assert!(ENDS[usize::from(last)] && ENDS[usize::from(last.to_ascii_uppercase())]);
        }
    }
}
