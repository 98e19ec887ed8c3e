// SPDX-License-Identifier: MIT
//! Bytes as text of sixty-four letters, with padding.
//!
//! Spec: RFC 4648 §4.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends `bytes` as base64 with padding.
pub fn encode(out: &mut Vec<u8>, bytes: &[u8]) {
    for group in bytes.chunks(3) {
        let byte = |at: usize| group.get(at).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let letter = |shift: u32| ALPHABET[(bits >> shift & 63) as usize];
        out.extend_from_slice(&[letter(18), letter(12), letter(6), letter(0)]);
        let padded = out.len() - (3 - group.len());
        out[padded..].fill(b'=');
    }
}

/// What `text` stands for.
///
/// `None` if it is no base64 with all its padding, or if bits are set that stand for nothing: every
/// byte string has one spelling (RFC 4648 §3.5).
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (groups, rest) = text.as_chunks::<4>();
    let mut out = Vec::with_capacity(groups.len() * 3);
    for (group, at) in groups.iter().zip(1..) {
        let n_padding = match group {
            [_, _, b'=', b'='] => 2,
            [_, _, _, b'='] => 1,
            _ => 0,
        };
        let mut bits = 0;
        for letter in &group[..4 - n_padding] {
            bits = bits << 6 | value(*letter)?;
        }
        bits <<= 6 * n_padding;
        let bytes = bits.to_be_bytes();
        let (kept, dropped) = bytes[1..].split_at(3 - n_padding);
        if dropped.iter().any(|&byte| byte != 0) || (n_padding > 0 && at < groups.len()) {
            return None;
        }
        out.extend_from_slice(kept);
    }
    rest.is_empty().then_some(out)
}

fn value(letter: u8) -> Option<u32> {
    let (value, first) = match letter {
        b'A'..=b'Z' => (0, b'A'),
        b'a'..=b'z' => (26, b'a'),
        b'0'..=b'9' => (52, b'0'),
        b'+' => return Some(62),
        b'/' => return Some(63),
        _ => return None,
    };
    Some(value + u32::from(letter - first))
}

/// Any bytes are read back from their base64, and any text that is base64 is spelled as we spell.
pub fn fuzz(input: &[u8]) {
    let mut text = Vec::new();
    encode(&mut text, input);
    assert_eq!(decode(&text).as_deref(), Some(input));
    if let Some(bytes) = decode(input) {
        let mut again = Vec::new();
        encode(&mut again, &bytes);
        assert_eq!(again, input);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &str, text: &str) {
        let mut out = Vec::new();
        encode(&mut out, bytes.as_bytes());
        assert_eq!(std::str::from_utf8(&out), Ok(text));
        assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes.as_bytes()));
    }

    #[test]
    fn the_examples_of_the_specification_are_met() {
        check("", "");
        check("f", "Zg==");
        check("fo", "Zm8=");
        check("foo", "Zm9v");
        check("foob", "Zm9vYg==");
        check("fooba", "Zm9vYmE=");
        check("foobar", "Zm9vYmFy");
    }

    #[test]
    fn the_samples_are_spelled_as_we_spell() {
        fuzz(include_bytes!("../../tests/data/base64/a_key.txt"));
        fuzz(include_bytes!("../../tests/data/base64/one_byte.txt"));
    }

    #[test]
    fn what_is_spelled_otherwise_is_refused() {
        for text in ["Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zg==Zg==", "=g==", "Zm-_", "Zm9v "]
        {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}
