// SPDX-License-Identifier: MIT
//! The byte order mark that some programs write in front of UTF-8 text.
//!
//! Spec: The Unicode Standard §23.8; WHATWG HTML §9.2.5 allows one before an event stream.

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Drops one byte order mark at the start of a stream, wherever the stream is cut.
#[derive(Default)]
pub struct Bom {
    /// How many of its bytes have been seen; all of them also means that there was none.
    seen: usize,
}

impl Bom {
    /// The text of `input`, in two parts: bytes of an earlier input which turned out to be no mark,
    /// and what remains of this one.
    pub fn skip<'a>(&mut self, mut input: &'a [u8]) -> (&'static [u8], &'a [u8]) {
        while self.seen < BOM.len() {
            let Some((&first, rest)) = input.split_first() else {
                return (&[], input);
            };
            if first != BOM[self.seen] {
                let held = &BOM[..self.seen];
                self.seen = BOM.len();
                return (held, input);
            }
            self.seen += 1;
            input = rest;
        }
        (&[], input)
    }

    /// The bytes that were held back when the stream ended: no mark, but its beginning.
    pub fn finish(&mut self) -> &'static [u8] {
        let held = if self.seen < BOM.len() { &BOM[..self.seen] } else { &[] };
        self.seen = BOM.len();
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &[u8], want: &[u8]) {
        for cut in 0..=input.len() {
            let mut bom = Bom::default();
            let mut got = Vec::new();
            for part in [&input[..cut], &input[cut..]] {
                let (held, rest) = bom.skip(part);
                got.extend_from_slice(held);
                got.extend_from_slice(rest);
            }
            got.extend_from_slice(bom.finish());
            assert_eq!(got, want, "cut at {cut}");
        }
    }

    #[test]
    fn one_mark_at_the_start_is_dropped() {
        check(b"\xef\xbb\xbf{}", b"{}");
        check(b"\xef\xbb\xbf\xef\xbb\xbf{}", b"\xef\xbb\xbf{}");
        check(b"{}\xef\xbb\xbf", b"{}\xef\xbb\xbf");
        check(b"", b"");
    }

    #[test]
    fn half_a_mark_is_text() {
        check(b"\xef\xbb", b"\xef\xbb");
        check(b"\xef\xbbx", b"\xef\xbbx");
        check(b"\xef\xef\xbb\xbf", b"\xef\xef\xbb\xbf");
    }
}
