// SPDX-License-Identifier: MIT
//! What we give out to get back unread and unchanged: a value in an envelope that others carry.
//!
//! A sealed text says nothing to whoever holds it, opens only for the purpose that it was sealed
//! for, and only in the process that sealed it, for the key is made at start and never written.
//!
//! Spec: RFC 8439 §2.8 (ChaCha20-Poly1305), RFC 4648 §5 (base64url, here without padding).

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{Context, SHA256};

use super::base64;

/// Closes texts and opens them again.
pub struct Seal(Option<LessSafeKey>);

impl Seal {
    /// From 32 bytes that nobody else knows.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        // The length is the only thing that can be wrong with a key, and it is the type's.
        Self(UnboundKey::new(&CHACHA20_POLY1305, &key).ok().map(LessSafeKey::new))
    }

    /// `plain` for the road, in visible ASCII that needs no escapes in JSON, URLs and fields.
    ///
    /// A `nonce` that was used before with this key would give both texts away: it comes from a
    /// generator, and 2^32 texts are sealed with one key at most.
    #[must_use]
    pub fn seal(&self, purpose: &str, plain: &[u8], nonce: [u8; NONCE_LEN]) -> String {
        let mut sealed = plain.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        let Some(key) = &self.0 else { return String::new() };
        // It fails only beyond 256 GiB. An empty text opens for nobody.
        if key.seal_in_place_append_tag(unique, Aad::from(purpose), &mut sealed).is_err() {
            return String::new();
        }
        to_base64url(&[&nonce, sealed.as_slice()].concat())
    }

    /// What was sealed; `None` for whatever this process has not sealed for this purpose.
    #[must_use]
    pub fn open(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        let bytes = from_base64url(text)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.0.as_ref()?.open_in_place(nonce, Aad::from(purpose), &mut sealed).ok()?;
        Some(plain.to_vec())
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
    }
}

/// What stands for `parts`, each of them counted, so that no bytes can move from one to the next.
///
/// Spec: FIPS 180-4, SHA-256.
#[must_use]
pub fn digest<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    context.finish().as_ref().try_into().unwrap_or_default()
}

fn to_base64url(bytes: &[u8]) -> String {
    base64::encode(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

/// `None` unless it is what [`to_base64url`] writes: one text per value.
fn from_base64url(text: &str) -> Option<Vec<u8>> {
    if text.contains(['+', '/', '=']) {
        return None;
    }
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    let text = text.replace('-', "+").replace('_', "/") + &padding;
    base64::decode(text.as_bytes())
}

/// What is sealed opens; what somebody else wrote, or changed in one place, does not.
pub fn fuzz(input: &[u8]) {
    let seal = Seal::new([7; 32]);
    if let Ok(text) = str::from_utf8(input) {
        assert_eq!(seal.open("fuzz", text), None);
        if let Some(bytes) = from_base64url(text) {
            assert_eq!(to_base64url(&bytes), text);
        }
    }
    let sealed = seal.seal("fuzz", input, [3; NONCE_LEN]);
    assert_eq!(seal.open("fuzz", &sealed).as_deref(), Some(input));
    assert_eq!(seal.open("other", &sealed), None);
    let at = input.first().map_or(0, |&byte| usize::from(byte)) % sealed.len();
    let mut changed = sealed.into_bytes();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap_or_default();
    assert_eq!(seal.open("fuzz", &changed), None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_for_its_purpose_and_in_its_process_alone() {
        let seal = Seal::new([1; 32]);
        let text = seal.seal("state", b"park 7", [2; 12]);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(seal.open("state", &text).as_deref(), Some(&b"park 7"[..]));
        assert_eq!(seal.open("cursor", &text), None);
        assert_eq!(Seal::new([2; 32]).open("state", &text), None);
    }

    #[test]
    fn a_text_that_was_cut_or_changed_does_not_open() {
        let seal = Seal::new([1; 32]);
        let text = seal.seal("state", b"park 7", [2; 12]);
        for end in 0..text.len() {
            assert_eq!(seal.open("state", &text[..end]), None, "{end}");
        }
        for at in 0..text.len() {
            let other = if &text[at..=at] == "x" { "y" } else { "x" };
            let changed = [&text[..at], other, &text[at + 1..]].concat();
            assert_eq!(seal.open("state", &changed), None, "{at}");
        }
        assert_eq!(seal.open("state", &format!("{text}=")), None);
    }

    #[test]
    fn the_algorithm_is_the_published_one() {
        // RFC 8439 §2.8.2, with its associated data as the purpose.
        let mut key = [0; 32];
        key.iter_mut().zip(0x80..).for_each(|(byte, value)| *byte = value);
        let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one \
                      tip for the future, sunscreen would be it.";
        let text = Seal::new(key).seal("PQRS", plain, nonce);
        let bytes = from_base64url(&text).unwrap();
        assert_eq!(bytes[..12], nonce);
        assert_eq!(bytes[12..20], [0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb]);
        assert_eq!(bytes.len(), 12 + 114 + 16);
    }

    #[test]
    fn base64url_is_the_published_one() {
        // RFC 4648 §10, without padding, and the two letters that differ.
        for (plain, text) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(to_base64url(plain.as_bytes()), text);
            assert_eq!(from_base64url(text).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(to_base64url(&[0xfb, 0xff]), "-_8");
        for bad in ["Z", "Zg==", "Zh", "Zm9", "+/8", "Zm9vZ", "Zm 9v"] {
            assert_eq!(from_base64url(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_digest_knows_where_a_part_ends() {
        let of = |parts: &[&'static [u8]]| digest(parts.iter().copied());
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"ab"]), of(&[b"ab", b""]));
        assert_eq!(of(&[b"ab"]), of(&[b"ab"]));
    }
}
