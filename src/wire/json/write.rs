// SPDX-License-Identifier: MIT
//! The only serializer for messages that we originate.
//!
//! It writes straight into a vector, without blanks or line ends, so what it writes fits on one
//! line of stdio. Brackets close themselves: an object is open as long as its closure runs. Names
//! are written as they are given; that none is given twice is the caller's care.

use crate::base::bytes;

/// Appends one object, whose members `fill` writes.
///
/// ```
/// # use penstock::wire::json::write;
/// let mut out = Vec::new();
/// write::object(&mut out, |object| {
///     object.str("name", "echo").array("sizes", |sizes| {
///         sizes.u64(1).u64(2);
///     });
/// });
/// assert_eq!(out, br#"{"name":"echo","sizes":[1,2]}"#);
/// ```
pub fn object(out: &mut Vec<u8>, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
    out.push(b'{');
    fill(&mut ObjectWriter { out, is_empty: true });
    out.push(b'}');
}

/// Appends one array, whose elements `fill` writes.
pub fn array(out: &mut Vec<u8>, fill: impl FnOnce(&mut ArrayWriter<'_>)) {
    out.push(b'[');
    fill(&mut ArrayWriter { out, is_empty: true });
    out.push(b']');
}

/// Appends `text` as a JSON string: in quotes, with the escapes that RFC 8259 §7 demands and no
/// others.
pub fn push_str(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut run = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[run..at]);
        run = at + 1;
        push_escaped(out, byte);
    }
    out.extend_from_slice(&bytes[run..]);
    out.push(b'"');
}

fn push_escaped(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
        }
    }
}

fn push_i64(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    bytes::push_u64(out, value.unsigned_abs());
}

fn push_bool(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Writes the members of one object.
pub struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl ObjectWriter<'_> {
    /// A member that is a string.
    pub fn str(&mut self, name: &str, text: &str) -> &mut Self {
        self.member(name, |out| push_str(out, text))
    }

    /// A member that is a string, or no member at all.
    pub fn opt_str(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.str(name, text),
            None => self,
        }
    }

    /// A member that is a number.
    pub fn u64(&mut self, name: &str, value: u64) -> &mut Self {
        self.member(name, |out| bytes::push_u64(out, value))
    }

    /// A member that is a number.
    pub fn i64(&mut self, name: &str, value: i64) -> &mut Self {
        self.member(name, |out| push_i64(out, value))
    }

    /// A member that is `true` or `false`.
    pub fn bool(&mut self, name: &str, value: bool) -> &mut Self {
        self.member(name, |out| push_bool(out, value))
    }

    /// A member that is `null`.
    pub fn null(&mut self, name: &str) -> &mut Self {
        self.raw(name, b"null")
    }

    /// A member whose value is already JSON: a part of a message that was validated.
    pub fn raw(&mut self, name: &str, json: &[u8]) -> &mut Self {
        self.member(name, |out| out.extend_from_slice(json))
    }

    /// A member of another object, name and value as they are spelled there.
    pub fn copied(&mut self, name: &[u8], json: &[u8]) -> &mut Self {
        self.begin_member();
        self.out.extend_from_slice(name);
        self.out.push(b':');
        self.out.extend_from_slice(json);
        self
    }

    /// A member that is an object, whose members `fill` writes.
    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut ObjectWriter<'_>)) -> &mut Self {
        self.member(name, |out| object(out, fill))
    }

    /// A member that is an array, whose elements `fill` writes.
    pub fn array(&mut self, name: &str, fill: impl FnOnce(&mut ArrayWriter<'_>)) -> &mut Self {
        self.member(name, |out| array(out, fill))
    }

    fn member(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.begin_member();
        push_str(self.out, name);
        self.out.push(b':');
        write(self.out);
        self
    }

    fn begin_member(&mut self) {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
    }
}

/// Writes the elements of one array.
pub struct ArrayWriter<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl ArrayWriter<'_> {
    /// An element that is a string.
    pub fn str(&mut self, text: &str) -> &mut Self {
        self.element(|out| push_str(out, text))
    }

    /// An element that is a number.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.element(|out| bytes::push_u64(out, value))
    }

    /// An element that is a number.
    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.element(|out| push_i64(out, value))
    }

    /// An element that is `true` or `false`.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.element(|out| push_bool(out, value))
    }

    /// An element that is `null`.
    pub fn null(&mut self) -> &mut Self {
        self.raw(b"null")
    }

    /// An element that is already JSON: a part of a message that was validated.
    pub fn raw(&mut self, json: &[u8]) -> &mut Self {
        self.element(|out| out.extend_from_slice(json))
    }

    /// An element that is an object, whose members `fill` writes.
    pub fn object(&mut self, fill: impl FnOnce(&mut ObjectWriter<'_>)) -> &mut Self {
        self.element(|out| object(out, fill))
    }

    /// An element that is an array, whose elements `fill` writes.
    pub fn array(&mut self, fill: impl FnOnce(&mut ArrayWriter<'_>)) -> &mut Self {
        self.element(|out| array(out, fill))
    }

    fn element(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
        write(self.out);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::tree;

    #[track_caller]
    fn check(text: &str, want: &str) {
        let mut out = Vec::new();
        push_str(&mut out, text);
        assert_eq!(str::from_utf8(&out).unwrap(), want);
        assert_eq!(tree::parse(&out, 1).unwrap().as_str(), Some(text));
    }

    #[test]
    fn strings_are_escaped_where_json_demands_it_and_nowhere_else() {
        check("", r#""""#);
        check("plain é 😀 / '", "\"plain é 😀 / '\"");
        check("\"\\", r#""\"\\""#);
        check("a\nb\rc\td", r#""a\nb\rc\td""#);
        check("\0\u{1f}\u{8}\u{c}", r#""\u0000\u001f\u0008\u000c""#);
        check("\u{7f}\u{2028}\u{2029}", "\"\u{7f}\u{2028}\u{2029}\"");
    }

    #[test]
    fn every_letter_comes_back() {
        let text: String = ('\0'..='\u{ff}').chain(['\u{ffff}', '\u{10ffff}']).collect();
        let mut out = Vec::new();
        push_str(&mut out, &text);
        assert_eq!(tree::parse(&out, 1).unwrap().as_str(), Some(&*text));
        assert!(!out.contains(&b'\n') && !out.contains(&b'\r'));
    }

    #[test]
    fn objects_and_arrays_close_themselves() {
        let mut out = b"data: ".to_vec();
        object(&mut out, |object| {
            object.str("s", "x").u64("u", u64::MAX).i64("i", i64::MIN).bool("b", true).null("n");
            object.raw("id", b"\"\\u0061\"").opt_str("none", None).opt_str("some", Some("y"));
            object.object("o", |_| ()).array("l", |list| {
                list.str("x").u64(0).i64(-1).bool(false).null().raw(b"1e3");
                list.object(|object| _ = object.u64("k", 1)).array(|_| ());
            });
        });
        let want = concat!(
            r#"data: {"s":"x","u":18446744073709551615,"i":-9223372036854775808,"b":true,"#,
            r#""n":null,"id":"\u0061","some":"y","o":{},"#,
            r#""l":["x",0,-1,false,null,1e3,{"k":1},[]]}"#
        );
        assert_eq!(str::from_utf8(&out).unwrap(), want);
        assert!(tree::parse(&out[6..], 3).is_ok());
    }
}
