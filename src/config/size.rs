// SPDX-License-Identifier: MIT
//! Numbers of bytes as people write them: `2048`, `10MB`, `64KiB`.

/// What may stand behind the digits; `KB` is a thousand bytes, `KiB` 1024.
const UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

/// The bytes that `text` means: digits and a unit, in any case; `None` if it means none, or more
/// than fit.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit = unit.trim_start().to_ascii_lowercase();
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    i64::try_from(digits.parse::<u64>().ok()?.checked_mul(*factor)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_digits_and_perhaps_a_unit() {
        for (text, want) in [
            ("0", Some(0)),
            ("2048", Some(2048)),
            ("10MB", Some(10_000_000)),
            ("10 mb", Some(10_000_000)),
            ("64KiB", Some(65_536)),
            ("3GiB", Some(3 << 30)),
            ("7B", Some(7)),
            ("", None),
            ("MB", None),
            ("-1", None),
            ("1.5MB", None),
            ("10 M", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("18446744073709551615KB", None),
        ] {
            assert_eq!(parse(text), want, "{text}");
        }
    }
}
