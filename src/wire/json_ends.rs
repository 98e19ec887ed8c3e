// SPDX-License-Identifier: MIT
//! Where one JSON text ends and the next begins, in a stream of them separated by newlines.
//!
//! It follows strings and nesting and nothing else: whether a text is JSON is somebody else's
//! question. A pretty-printed value is one text, since its newlines stand inside brackets.

/// Follows one stream, cut anywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonEnds {
    depth: u32,
    place: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before the first byte of a value, blanks aside.
    #[default]
    Before,
    /// In or after a value, outside of strings.
    Plain,
    String,
    Escape,
}

impl JsonEnds {
    /// The number of bytes of `input` up to and with the newline that ends the current text, or
    /// nothing if it goes on; then all of `input` has been followed.
    ///
    /// Blank lines end no text. What comes after the newline has to be given again.
    pub fn find(&mut self, input: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            match self.place {
                Place::String => match memchr::memchr2(b'"', b'\\', &input[at..]) {
                    Some(skipped) => {
                        at += skipped;
                        let quote = input[at] == b'"';
                        self.place = if quote { Place::Plain } else { Place::Escape };
                    }
                    None => return None,
                },
                Place::Escape => self.place = Place::String,
                Place::Plain if byte == b'\n' && self.depth == 0 => {
                    *self = Self::default();
                    return Some(at + 1);
                }
                Place::Before if byte.is_ascii_whitespace() => {}
                Place::Before | Place::Plain => self.step(byte),
            }
            at += 1;
        }
        None
    }

    fn step(&mut self, byte: u8) {
        self.place = if byte == b'"' { Place::String } else { Place::Plain };
        match byte {
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a stream; the last one may lack its newline.
    #[track_caller]
    fn check(input: &str, want: &[&str]) {
        for cut in 0..=input.len() {
            let (mut ends, mut text, mut got) = (JsonEnds::default(), Vec::new(), Vec::new());
            let (start, end) = input.as_bytes().split_at(cut);
            for mut piece in [start, end] {
                while let Some(n) = ends.find(piece) {
                    text.extend_from_slice(&piece[..n]);
                    got.push(std::mem::take(&mut text));
                    piece = &piece[n..];
                }
                text.extend_from_slice(piece);
            }
            got.extend((!text.is_empty()).then_some(text));
            let got: Vec<_> = got.iter().map(|text| String::from_utf8_lossy(text)).collect();
            assert_eq!(got, want, "cut at {cut}");
        }
    }

    #[test]
    fn a_newline_after_a_value_ends_it() {
        check("{\"a\":1}\n[2]\r\n3\n", &["{\"a\":1}\n", "[2]\r\n", "3\n"]);
        check("{}\n{}", &["{}\n", "{}"]);
    }

    #[test]
    fn a_newline_inside_a_value_ends_nothing() {
        check("{\n  \"a\": [\n    1\n  ]\n}\n{}\n", &["{\n  \"a\": [\n    1\n  ]\n}\n", "{}\n"]);
    }

    #[test]
    fn brackets_in_strings_are_text() {
        check(
            "{\"}\\\"}\":\"]\\\\\"}\n{\"[{\":1}\n",
            &["{\"}\\\"}\":\"]\\\\\"}\n", "{\"[{\":1}\n"],
        );
    }

    #[test]
    fn blank_lines_end_nothing() {
        check("\n\r\n{}\n\n\n", &["\n\r\n{}\n", "\n\n"]);
    }

    #[test]
    fn values_without_a_newline_between_are_one_text() {
        check("{}{}\n", &["{}{}\n"]);
        check("}}\n{}\n", &["}}\n", "{}\n"]);
    }
}
