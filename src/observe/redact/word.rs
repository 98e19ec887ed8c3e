// SPDX-License-Identifier: MIT
//! Credentials that are known by their looks: `Bearer …`, GitHub tokens, AWS keys, `sk-…`, JSON
//! Web Tokens, long hexadecimal numbers.
//!
//! A text is searched in two steps: for the beginnings of all shapes at once, with vector
//! instructions where there are some, and around what was found.

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::{Edit, Form};

/// A JSON Web Token and `sk-…` have a run of so many letters, digits, `_` and `-`.
const WORD_BYTES_MIN: usize = 20;

/// The fewest hexadecimal digits that are secret.
const HEX_BYTES_MIN: usize = 32;

/// So many digits are looked for first.
const PROBE: usize = 16;

/// The longest way between two looks of which one lies within any such number.
const STRIDE: usize = HEX_BYTES_MIN - PROBE + 1;

/// What shapes have that tells, in any case of letters that they allow.
const TELLING: [&str; 18] = [
    "bea", "beA", "bEa", "bEA", "Bea", "BeA", "BEa", "BEA", ".eyJ", "sk-", "ghp_", "gho_", "ghs_",
    "ghu_", "ghr_", "hub_pat_", "AKIA", "ASIA",
];

/// Knows where shapes may begin.
pub(super) struct Beginnings(Option<AhoCorasick>);

impl Default for Beginnings {
    fn default() -> Self {
        // It cannot fail: the patterns are few and short.
        Self(AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(TELLING).ok())
    }
}

impl Beginnings {
    /// Looks at all of `text` for everything but hexadecimal numbers.
    pub(super) fn find_shapes(&self, text: &[u8], form: Form, edits: &mut Vec<Edit>) {
        let mut shapes = Shapes { text, form, word_end: 0, edits };
        let Some(beginnings) = &self.0 else { return shapes.search(0, text.len()) };
        let mut start = 0;
        while let Some(found) = beginnings.find(Input::new(text).range(start..)) {
            shapes.search(found.start(), found.start() + 1);
            start = found.start() + 1;
        }
    }
}

/// [`Beginnings::find_shapes`] without the first step.
#[cfg(test)]
pub(super) fn search_all(text: &[u8], form: Form, edits: &mut Vec<Edit>) {
    Shapes { text, form, word_end: 0, edits }.search(0, text.len());
}

/// Looks for shapes byte by byte.
struct Shapes<'t> {
    text: &'t [u8],
    form: Form,
    /// Where the word ends that was looked at last, so that a long one is walked through once.
    word_end: usize,
    edits: &'t mut Vec<Edit>,
}

impl Shapes<'_> {
    fn search(&mut self, start: usize, end: usize) {
        for at in start..end {
            let edit = match self.text[at] {
                b'b' | b'B' => self.bearer(at),
                b'.' => self.web_token(at),
                b's' => self.key(at),
                b'g' => self.github_token(at),
                b'h' => self.github_fine_token(at),
                b'A' => self.aws_key(at),
                _ => None,
            };
            self.edits.extend(edit);
        }
    }

    /// `bearer`, blanks and a credential.
    fn bearer(&self, at: usize) -> Option<Edit> {
        let word = self.text.get(at..at + 6)?;
        let end_of_word = word.eq_ignore_ascii_case(b"bearer").then_some(at + 6)?;
        let start = blanks(self.text, end_of_word, self.form);
        let end = credential(self.text, start, self.form).filter(|_| start > end_of_word)?;
        Some(Edit::mark(at, end))
    }

    /// A JSON Web Token (RFC 7519) whose first part ends at `dot`.
    fn web_token(&self, dot: usize) -> Option<Edit> {
        let text = self.text;
        let part = |at: usize| text[at..].iter().take_while(|&&byte| is_word(byte)).count();
        let payload = text[dot..].strip_prefix(b".eyJ").map(|_| dot + 4)?;
        let before = text[..dot].iter().rev().take_while(|&&byte| is_word(byte)).count();
        let dot_2 = payload + part(payload);
        let is_dot = before >= WORD_BYTES_MIN && dot_2 > payload && text.get(dot_2) == Some(&b'.');
        let signature = is_dot.then_some(dot_2 + 1)?;
        let end = signature + part(signature);
        (end > signature).then_some(Edit::mark(dot - before, end))
    }

    /// `sk-…`, unless it is the end of a word such as `task`.
    fn key(&mut self, at: usize) -> Option<Edit> {
        let before = self.text[..at].last();
        let begins =
            self.text[at..].starts_with(b"sk-") && !before.is_some_and(u8::is_ascii_alphanumeric);
        let start = begins.then_some(at + 3)?;
        let end = self.end_of_word(start);
        (end - start >= WORD_BYTES_MIN).then_some(Edit::mark(at, end))
    }

    /// `ghp_…`.
    fn github_token(&self, at: usize) -> Option<Edit> {
        let kind = self.text[at..].first_chunk::<4>()?;
        let [b'g', b'h', b'p' | b'o' | b's' | b'u' | b'r', b'_'] = kind else { return None };
        let after = self.text[at + 4..].iter();
        let len = after.take_while(|byte| byte.is_ascii_alphanumeric()).count();
        (len >= 36).then_some(Edit::mark(at, at + 4 + len))
    }

    /// `github_pat_…`, whose second `h` is at `at`.
    fn github_fine_token(&mut self, at: usize) -> Option<Edit> {
        const FINE_BYTES: usize = 22 + 1 + 59;
        let is_name = self.text[at..].starts_with(b"hub_pat_") && self.text[..at].ends_with(b"git");
        let start = is_name.then_some(at + 8)?;
        let end = self.end_of_word(start);
        (end - start >= FINE_BYTES).then_some(Edit::mark(at - 3, end))
    }

    /// `AKIA…` and `ASIA…`.
    fn aws_key(&self, at: usize) -> Option<Edit> {
        let key = self.text.get(at..at + 20)?;
        let is_key = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let begins = key.starts_with(b"AKIA") || key.starts_with(b"ASIA");
        (begins && key.iter().all(is_key)).then_some(Edit::mark(at, at + 20))
    }

    /// Where the word ends that `at` is in or after.
    fn end_of_word(&mut self, at: usize) -> usize {
        if at > self.word_end {
            let rest = self.text[at..].iter().take_while(|&&byte| is_word(byte));
            self.word_end = at + rest.count();
        }
        self.word_end
    }
}

/// Looks for [`HEX_BYTES_MIN`] hexadecimal digits or more: [`PROBE`] in a row at every n-th byte,
/// and around them where there are.
pub(super) fn find_hex(text: &[u8], edits: &mut Vec<Edit>) {
    let is_hex = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let mut at = 0;
    while let Some(probe) = next_probe(&text[at..]) {
        at += probe;
        let start = at - text[..at].iter().rev().take_while(is_hex).count();
        let end = at + text[at..].iter().take_while(is_hex).count();
        if end - start >= HEX_BYTES_MIN {
            edits.push(Edit::mark(start, end));
        }
        // A long number is walked through once; the byte at its end is none of it.
        at = (end.max(at) + 1).min(text.len());
    }
}

/// The first place of those that are looked at in `text` where digits may stand. Nearly always
/// there is none, so this is a loop of few steps: no place but the last needs its bounds checked.
fn next_probe(text: &[u8]) -> Option<usize> {
    let (places, rest) = text.as_chunks::<STRIDE>();
    let found = places.iter().position(|place| place.first_chunk().is_some_and(may_be_hex));
    found
        .or_else(|| rest.first_chunk().is_some_and(may_be_hex).then_some(places.len()))
        .map(|nth| nth * STRIDE)
}

/// Whether each byte is a hexadecimal digit or one of `:;<=>?` or `` `ghijklmno``: bit 5 is set
/// and either bit 4 or bit 6.
fn may_be_hex(bytes: &[u8; PROBE]) -> bool {
    const BIT_6: u64 = u64::MAX / 255 * 0x40;
    let (words, _) = bytes.as_chunks();
    // Most texts fail with the first word.
    words.iter().all(|word| {
        let word = u64::from_ne_bytes(*word);
        (word ^ (word << 2)) & (word << 1) & BIT_6 == BIT_6
    })
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
