// SPDX-License-Identifier: MIT
//! Bytes as text in 64 letters, in the one spelling that each text of bytes has.
//!
//! Spec: RFC 4648 §4 (alphabet), §3.2 (padding), §3.5 (canonical encoding).

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `bytes` in base64, padded.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// The bytes that `text` spells; `None` if it is not what [`encode`] makes of any bytes: another
/// alphabet, blanks, no padding, or bits that belong to no byte.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut groups = text.chunks(4).peekable();
    while let Some(group) = groups.next() {
        let padding = match group {
            [_, _, b'=', b'='] if groups.peek().is_none() => 2,
            [_, _, _, b'='] if groups.peek().is_none() => 1,
            [_, _, _, _] => 0,
            _ => return None,
        };
        let letters = &group[..4 - padding];
        let bits = letters.iter().try_fold(0, |bits, &letter| Some(bits << 6 | sextet(letter)?))?;
        let bits: u32 = bits << (6 * padding);
        let [_, bytes @ ..] = bits.to_be_bytes();
        let (kept, unused) = bytes.split_at(3 - padding);
        if unused.iter().any(|&byte| byte != 0) {
            return None;
        }
        out.extend_from_slice(kept);
    }
    Some(out)
}

fn sextet(letter: u8) -> Option<u32> {
    let value = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

/// Fuzz body: what is written is read back, and what can be read has no other spelling.
pub fn fuzz(input: &[u8]) {
    assert_eq!(decode(encode(input).as_bytes()).as_deref(), Some(input));
    if let Some(bytes) = decode(input) {
        assert_eq!(encode(&bytes).as_bytes(), input);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_are_spelled_as_we_spell() {
        fuzz(include_bytes!("../../tests/data/base64/a_key.txt"));
        fuzz(include_bytes!("../../tests/data/base64/one_byte.txt"));
    }

    #[test]
    fn bytes_have_the_spelling_of_the_specification() {
        let vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (len, text) in vectors.into_iter().enumerate() {
            let bytes = &b"foobar"[..len];
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes), "{text}");
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(encode(&all).as_bytes()), Some(all));
    }

    #[test]
    fn what_has_another_spelling_is_refused() {
        let bad = [
            "Z", "Zg", "Zg=", "Zg===", "=", "====", "Zh==", "Zm9=", "Zm-_", "Zm 9", "Zg==Zg==",
            "Z===", "Zm9v\n", "Zm=v",
        ];
        for text in bad {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}
