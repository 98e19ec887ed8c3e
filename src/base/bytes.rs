// SPDX-License-Identifier: MIT
//! Small questions about bytes.

/// `text` without the spaces and tabs around it (RFC 9110 §5.6.3, OWS).
#[must_use]
pub fn trim_ows(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Whether all of `text` is ASCII, for texts that nearly always are: no branch, so the compiler
/// takes many bytes at once.
#[must_use]
pub fn is_ascii(text: &[u8]) -> bool {
    text.iter().fold(0, |bits, byte| bits | byte) < 0x80
}

/// Whether `part` stands anywhere in `text`.
#[must_use]
pub fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// The number that `digits` spell in decimal: digits alone, at least one, no sign.
#[must_use]
pub fn parse_u64(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    // Only the last of twenty digits can go beyond 64 bits.
    let (first, last) = digits.split_at(digits.len().min(19));
    let value = first.iter().try_fold(0u64, |value, &byte| Some(value * 10 + digit(byte)?))?;
    last.iter().try_fold(value, |value, &byte| value.checked_mul(10)?.checked_add(digit(byte)?))
}

fn digit(byte: u8) -> Option<u64> {
    byte.is_ascii_digit().then(|| u64::from(byte - b'0'))
}

/// Appends `value` in decimal.
pub fn push_u64(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0; 20];
    out.extend_from_slice(format_u64(value, &mut digits));
}

/// As many numbers have two digits or fewer.
const TWO_DIGITS: u64 = 10 * 10;

/// Writes `value` in decimal to the end of `digits` and returns the part used.
pub fn format_u64(mut value: u64, digits: &mut [u8; 20]) -> &[u8] {
    let digit = |value: u64| b'0' + (value % 10) as u8;
    let mut at = digits.len();
    // Two at a time: a division is what costs.
    while value >= TWO_DIGITS {
        let two = value % TWO_DIGITS;
        value /= TWO_DIGITS;
        at -= 2;
        (digits[at], digits[at + 1]) = (digit(two / 10), digit(two));
    }
    if value >= 10 {
        at -= 1;
        digits[at] = digit(value);
        value /= 10;
    }
    at -= 1;
    digits[at] = digit(value);
    &digits[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_alone() {
        assert_eq!(parse_u64(b"0"), Some(0));
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "+1", "-1", " 1", "1 ", "0x1", "18446744073709551616"] {
            assert_eq!(parse_u64(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for value in [0, 9, 10, 4096, u64::MAX] {
            let mut out = Vec::new();
            push_u64(&mut out, value);
            assert_eq!(parse_u64(&out), Some(value));
        }
    }

    #[test]
    fn blanks_around_are_no_part_of_a_value() {
        assert_eq!(trim_ows(b" \t a b\t "), b"a b");
        assert_eq!(trim_ows(b" \t"), b"");
    }
}
