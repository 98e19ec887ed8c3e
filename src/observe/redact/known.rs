// SPDX-License-Identifier: MIT
//! Secrets that we were told, found in every spelling in which they travel.
//!
//! All spellings of all secrets are looked for at once. A text is probed at every n-th place only:
//! n is so small that each occurrence of the shortest spelling contains a whole probe. Most probes
//! end at one bit of a table.
//!
//! ```text
//!   text      . . . . . . . . . . . . . . . . . .
//!   probes    [4 bytes]   [4 bytes]   [4 bytes]
//!   spelling        [ - - - - - - - - - ]          at least stride + 3 bytes
//! ```

use super::{Edit, Form};
use crate::base::Secret;
use crate::wire::json::write;

/// A spelling shorter than this is not looked for: it would be found everywhere.
pub const NEEDLE_BYTES_MIN: usize = 6;

/// The longest distance between probes; each step costs an entry for every spelling.
const STRIDE_MAX: usize = 32;

/// The table has so many bits for each entry, so that few probes go beyond it.
const FILTER_BITS_PER_GRAM: usize = 64;

/// But not more: 16 KiB stay in the nearest cache.
const FILTER_BITS_MAX: usize = 1 << 17;

/// Bytes of a probe.
const GRAM: usize = 4;

/// Finds known secrets.
#[derive(Default)]
pub(super) struct Known {
    needles: Vec<Needle>,
    /// What lies at each place of a needle that a probe can hit, sorted by `gram`.
    grams: Vec<Gram>,
    filter: Filter,
    stride: usize,
}

/// A table of bits, 2^n of them: those of what was put into it are set.
#[derive(Default)]
struct Filter {
    words: Vec<u64>,
    /// What is left of 32 bits after this shift is the number of a bit.
    shift: u32,
}

impl Filter {
    fn new(n_grams: usize) -> Self {
        let bits = (n_grams * FILTER_BITS_PER_GRAM).next_power_of_two().min(FILTER_BITS_MAX);
        Self { words: vec![0; bits.div_ceil(64)], shift: 32 - bits.ilog2() }
    }

    fn insert(&mut self, gram: u32) {
        let bit = self.bit(gram);
        self.words[bit >> 6] |= 1 << (bit & 63);
    }

    fn may_contain(&self, gram: u32) -> bool {
        let bit = self.bit(gram);
        self.words[bit >> 6] & (1 << (bit & 63)) != 0
    }

    fn bit(&self, gram: u32) -> usize {
        (gram.wrapping_mul(0x9E37_79B1) >> self.shift) as usize
    }
}

/// One spelling of one secret.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Needle {
    bytes: Box<[u8]>,
    /// Whether it can stand inside a string of a JSON text.
    in_json: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Gram {
    gram: u32,
    needle: u32,
    /// Where in the needle the probe lies.
    offset: u32,
}

impl Known {
    pub(super) fn new(secrets: &[Secret]) -> Self {
        let mut needles = Vec::new();
        for secret in secrets {
            for part in parts(secret.expose()) {
                push_spellings(part, &mut needles);
            }
        }
        needles.retain(|needle: &Needle| needle.bytes.len() >= NEEDLE_BYTES_MIN);
        needles.sort_unstable();
        needles.dedup_by(|a, b| a.bytes == b.bytes);
        let Some(shortest) = needles.iter().map(|needle| needle.bytes.len()).min() else {
            return Self::default();
        };
        let mut known = Self { stride: (shortest - GRAM + 1).min(STRIDE_MAX), ..Self::default() };
        known.needles = needles;
        known.index();
        known
    }

    fn index(&mut self) {
        self.filter = Filter::new(self.needles.len() * self.stride);
        for (index, needle) in self.needles.iter().enumerate() {
            for (offset, bytes) in needle.bytes.windows(GRAM).take(self.stride).enumerate() {
                let gram = gram_of(bytes);
                self.filter.insert(gram);
                self.grams.push(Gram { gram, needle: index as u32, offset: offset as u32 });
            }
        }
        self.grams.sort_unstable();
    }

    /// Appends an edit for each occurrence in `text`.
    pub(super) fn find(&self, text: &[u8], form: Form, edits: &mut Vec<Edit>) {
        if self.needles.is_empty() || text.len() < NEEDLE_BYTES_MIN {
            return;
        }
        let mut at = 0;
        while let Some(probe) = text.get(at..).and_then(<[u8]>::first_chunk::<GRAM>) {
            let gram = gram_of(probe);
            if self.filter.may_contain(gram) {
                self.check(text, at, gram, form, edits);
            }
            at += self.stride;
        }
    }

    #[cold]
    fn check(&self, text: &[u8], at: usize, gram: u32, form: Form, edits: &mut Vec<Edit>) {
        let first = self.grams.partition_point(|entry| entry.gram < gram);
        for entry in self.grams[first..].iter().take_while(|entry| entry.gram == gram) {
            let needle = &self.needles[entry.needle as usize];
            let Some(start) = at.checked_sub(entry.offset as usize) else { continue };
            let fits = text[start..].starts_with(&needle.bytes);
            if fits && (needle.in_json || form == Form::Text) {
                let has_escapes = needle.bytes.contains(&b'\\');
                let end = start + needle.bytes.len();
                edits.push(Edit { has_escapes, ..Edit::mark(start, end) });
            }
        }
    }

    /// Appends an edit for the end of `text` if it is the beginning of a secret that was cut off.
    pub(super) fn find_cut(&self, text: &[u8], edits: &mut Vec<Edit>) {
        let longest = self.needles.iter().map(|needle| needle.bytes.len()).max().unwrap_or(0);
        let last = text.len().saturating_sub(NEEDLE_BYTES_MIN);
        for start in text.len().saturating_sub(longest)..last + 1 {
            let rest = &text[start..];
            if rest.len() >= NEEDLE_BYTES_MIN && self.begins_with(rest) {
                edits.push(Edit::mark(start, text.len()));
                return;
            }
        }
    }

    /// Whether a spelling begins with `rest`, which is at least as long as a probe.
    fn begins_with(&self, rest: &[u8]) -> bool {
        let gram = gram_of(&rest[..GRAM]);
        if self.needles.is_empty() || !self.filter.may_contain(gram) {
            return false;
        }
        let first = self.grams.partition_point(|entry| entry.gram < gram);
        let mut entries = self.grams[first..].iter().take_while(|entry| entry.gram == gram);
        entries.any(|entry| {
            entry.offset == 0 && self.needles[entry.needle as usize].bytes.starts_with(rest)
        })
    }
}

fn gram_of(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// The secret itself, the credential behind its scheme (`Bearer …`), and the lines of a key file.
fn parts(secret: &[u8]) -> Vec<&[u8]> {
    const LINE_BYTES_MIN: usize = 16;
    let mut parts = vec![secret];
    let space = secret.iter().position(|&byte| byte == b' ');
    if let Some(space) = space.filter(|&at| secret[..at].iter().all(u8::is_ascii_alphabetic)) {
        parts.push(&secret[space + 1..]);
    }
    let lines = secret.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    parts.extend(lines.filter(|line| line.len() >= LINE_BYTES_MIN && line.len() < secret.len()));
    parts
}

fn push_spellings(secret: &[u8], needles: &mut Vec<Needle>) {
    let text = std::str::from_utf8(secret).ok();
    let plain = |&byte: &u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    let in_json = text.is_some() && secret.iter().all(plain);
    needles.push(Needle { bytes: secret.into(), in_json });
    let mut push = |bytes: Vec<u8>| needles.push(Needle { bytes: bytes.into(), in_json: true });
    if let Some(text) = text {
        for escaped in [json_body(text), json_slashes(text), json_html(text), json_ascii(text)] {
            // Once more, for JSON in a string of JSON; it differs if there is a backslash.
            let again =
                String::from_utf8_lossy(&escaped).replace('\\', "\\\\").replace('"', "\\\"");
            push(again.into_bytes());
            push(escaped);
        }
    }
    for lead in 0..3 {
        push(base64_core(secret, lead, b"+/"));
        push(base64_core(secret, lead, b"-_"));
    }
    push(percent(secret, b"0123456789ABCDEF", b"%20"));
    push(percent(secret, b"0123456789abcdef", b"%20"));
    push(percent(secret, b"0123456789ABCDEF", b"+"));
}

/// As most writers of JSON spell it.
fn json_body(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::push_str(&mut out, text);
    out[1..out.len() - 1].to_vec()
}

/// As PHP does.
fn json_slashes(text: &str) -> Vec<u8> {
    String::from_utf8_lossy(&json_body(text)).replace('/', "\\/").into_bytes()
}

/// As Go does.
fn json_html(text: &str) -> Vec<u8> {
    let body = String::from_utf8_lossy(&json_body(text)).into_owned();
    body.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").into_bytes()
}

/// As Python does.
fn json_ascii(text: &str) -> Vec<u8> {
    let body = String::from_utf8_lossy(&json_body(text)).into_owned();
    let mut out = String::new();
    for char in body.chars() {
        if char.is_ascii() {
            out.push(char);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out.into_bytes()
}

/// The base64 characters (RFC 4648 §4; §5 with `last` = `-_`) that depend on `secret` alone if
/// `lead` bytes precede it in its group of three.
fn base64_core(secret: &[u8], lead: usize, last: &[u8; 2]) -> Vec<u8> {
    let bit = |at: usize| {
        let byte = at.checked_sub(8 * lead).map_or(0, |at| secret[at / 8] << (at % 8));
        usize::from(byte >> 7)
    };
    let first = (8 * lead).div_ceil(6);
    let end = 8 * (lead + secret.len()) / 6;
    let sextet = |at: usize| (6 * at..6 * at + 6).fold(0, |value, at| value << 1 | bit(at));
    (first..end).map(|at| base64_char(sextet(at) as u8, last)).collect()
}

fn base64_char(sextet: u8, last: &[u8; 2]) -> u8 {
    match sextet {
        0..26 => b'A' + sextet,
        26..52 => b'a' + sextet - 26,
        52..62 => b'0' + sextet - 52,
        62 => last[0],
        _ => last[1],
    }
}

/// Everything but unreserved characters (RFC 3986 §2.3) as `%xx`.
fn percent(secret: &[u8], digits: &[u8; 16], space: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in secret {
        match byte {
            b' ' => out.extend_from_slice(space),
            b'-' | b'.' | b'_' | b'~' => out.push(byte),
            _ if byte.is_ascii_alphanumeric() => out.push(byte),
            _ => {
                let (high, low) = (digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'%', high, low]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_cores_are_what_alignment_cannot_change() {
        // "secret" alone, and after one and two bytes: c2VjcmV0, eHNlY3JldA, eHhzZWNyZXQ.
        assert_eq!(base64_core(b"secret", 0, b"+/"), b"c2VjcmV0");
        assert_eq!(base64_core(b"secret", 1, b"+/"), b"NlY3Jld");
        assert_eq!(base64_core(b"secret", 2, b"+/"), b"zZWNyZX");
        assert_eq!(base64_core(&[0xfb, 0xff], 0, b"-_"), b"-_");
    }

    #[test]
    fn a_secret_is_found_wherever_it_begins() {
        let known = Known::new(&[Secret::new(b"Zsecret+value/42")]);
        for before in 0..40 {
            let text = [&vec![b'x'; before][..], b"Zsecret+value/42", b"!"].concat();
            let mut edits = Vec::new();
            known.find(&text, Form::Json, &mut edits);
            let edit = edits.first().expect("it is there");
            assert_eq!((edit.start, edit.end), (before, before + 16));
        }
    }

    #[test]
    fn short_secrets_are_not_looked_for() {
        let known = Known::new(&[Secret::new(b"true"), Secret::new(b"")]);
        assert!(known.needles.is_empty());
    }

    #[test]
    fn the_credential_and_the_lines_of_a_secret_are_secrets() {
        assert_eq!(parts(b"Bearer abc"), [&b"Bearer abc"[..], b"abc"]);
        let key = b"-----BEGIN KEY-----\nMIIEvgIBADANBgkqhkiG\nshort\n";
        let want = [&key[..], b"KEY-----\nMIIEvgIBADANBgkqhkiG\nshort\n"];
        assert_eq!(parts(key)[0], want[0]);
        assert!(parts(key).contains(&&b"MIIEvgIBADANBgkqhkiG"[..]));
    }
}
