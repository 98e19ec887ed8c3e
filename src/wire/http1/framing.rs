// SPDX-License-Identifier: MIT
//! Which body follows a request: every smuggling decision, in one place.
//!
//! It does not know heads or connections: it is shown the values of two fields and decides.
//!
//! Request smuggling needs two readers who see the end of a body in different places. So whatever
//! has two readings is refused, also where the specification would let us choose one.
//!
//! Spec: RFC 9112 §6 (message body), §11.2 (request smuggling).

use super::chunked::is_token;
use super::fields::members;
use super::head::Version;
use crate::base::bytes::{parse_u64, trim_ows};

/// How the body of a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// After so many bytes; never zero.
    Length(u64),
    /// With the last chunk.
    Chunked,
}

/// Why nobody can say where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FramingError {
    /// `Content-Length` and `Transfer-Encoding` together.
    LengthAndCoding,
    /// More than one `Content-Length`.
    LengthRepeated,
    /// A `Content-Length` that is not digits alone, or beyond 64 bits.
    LengthNotDecimal,
    /// More than one `Transfer-Encoding`.
    CodingRepeated,
    /// A `Transfer-Encoding` in HTTP/1.0.
    CodingInOldVersion,
    /// A `Transfer-Encoding` that is no list of codings, or does not end in one `chunked`.
    CodingMalformed,
    /// A coding that we do not have.
    CodingUnknown,
}

#[derive(Clone, Copy, Debug, Default)]
enum Seen<'a> {
    #[default]
    Never,
    Once(&'a [u8]),
    Often,
}

impl<'a> Seen<'a> {
    fn note(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Never => Self::Once(value),
            Self::Once(_) | Self::Often => Self::Often,
        };
    }
}

/// The fields of one head that speak about its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct FramingFields<'a> {
    length: Seen<'a>,
    coding: Seen<'a>,
}

impl<'a> FramingFields<'a> {
    /// Takes the value of a `Content-Length` in.
    pub fn note_length(&mut self, value: &'a [u8]) {
        self.length.note(value);
    }

    /// Takes the value of a `Transfer-Encoding` in.
    pub fn note_coding(&mut self, value: &'a [u8]) {
        self.coding.note(value);
    }

    /// How the body ends. Every error is final: what follows the head cannot be told apart.
    ///
    /// Spec: RFC 9112 §6.3.
    pub fn decide(&self, version: Version) -> Result<Framing, FramingError> {
        match (self.length, self.coding) {
            (Seen::Never, Seen::Never) => Ok(Framing::None),
            // Both: whoever forwarded this may have believed the other one. RFC 9112 §6.1 lets a
            // server refuse; we do, since choosing either is request smuggling (CL.TE, TE.CL).
            (Seen::Once(_) | Seen::Often, Seen::Once(_) | Seen::Often) => {
                Err(FramingError::LengthAndCoding)
            }
            // RFC 9112 §6.3 lets equal lengths pass as one. But who has sent two was either
            // attacked or is attacking, and one of two readers may take the last (CL.CL).
            (Seen::Often, Seen::Never) => Err(FramingError::LengthRepeated),
            (Seen::Once(value), Seen::Never) => match parse_u64(value) {
                Some(0) => Ok(Framing::None),
                Some(length) => Ok(Framing::Length(length)),
                // `+5`, `0x5`, `5, 5`, `5 5`, 2^64+5: each of them is a number for somebody.
                None => Err(FramingError::LengthNotDecimal),
            },
            // A reader that looks at one line only sees another coding than we do (TE.TE).
            (Seen::Never, Seen::Often) => Err(FramingError::CodingRepeated),
            // RFC 9112 §6.1: "MUST treat the message as if the framing is faulty". An old proxy on
            // the way has not understood the coding, and has seen no body at all.
            (Seen::Never, Seen::Once(_)) if version == Version::Http10 => {
                Err(FramingError::CodingInOldVersion)
            }
            (Seen::Never, Seen::Once(value)) => coding(value),
        }
    }
}

fn coding(value: &[u8]) -> Result<Framing, FramingError> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(Framing::Chunked);
    }
    // RFC 9112 §6.1: "A server that receives a request message with a transfer coding it does not
    // understand SHOULD respond with 501". What is not even a list of codings, such as a `chunked`
    // with an odd byte beside it, is an attack on the reader who does not look so closely.
    let Some((last, before)) = split_last_member(value) else {
        return Err(FramingError::CodingMalformed);
    };
    let chunked = |name: &[u8]| name.eq_ignore_ascii_case(b"chunked");
    let mut names = members(before).map(coding_name);
    if !names.all(|name| name.is_some_and(|name| !chunked(name))) {
        return Err(FramingError::CodingMalformed);
    }
    match coding_name(last) {
        // `chunked;q=1` and `, chunked`: a coding that we have, in a spelling that nobody needs.
        Some(name) if chunked(name) && members(before).next().is_none() => {
            Err(FramingError::CodingMalformed)
        }
        Some(_) => Err(FramingError::CodingUnknown),
        None => Err(FramingError::CodingMalformed),
    }
}

fn split_last_member(list: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = list.iter().rposition(|&byte| byte == b',');
    let (before, last) = at.map_or((&list[..0], list), |at| (&list[..at], &list[at + 1..]));
    let last = trim_ows(last);
    (!last.is_empty()).then_some((last, before))
}

/// The name of one coding without its parameters; `None` if it is no token.
fn coding_name(member: &[u8]) -> Option<&[u8]> {
    let name = member.split(|&byte| byte == b';').next().map(trim_ows)?;
    (!name.is_empty() && name.iter().all(|&byte| is_token(byte))).then_some(name)
}

/// Any lines, as the values of the two fields, have at most one reading: the obvious one.
///
/// A line that begins with `L` is a `Content-Length`, any other a `Transfer-Encoding`.
pub fn fuzz(input: &[u8]) {
    let mut fields = FramingFields::default();
    let lines = input.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    for line in lines.clone() {
        match line {
            [b'L', value @ ..] => fields.note_length(trim_ows(value)),
            line => fields.note_coding(trim_ows(line)),
        }
    }
    for version in [Version::Http10, Version::Http11] {
        let only = lines.clone().next().unwrap_or_default();
        match fields.decide(version) {
            Ok(Framing::None) => assert!(
                lines.clone().count() == 0 || trim_ows(&only[1..]).iter().all(|&byte| byte == b'0')
            ),
            Ok(Framing::Length(length)) => {
                assert!(only[0] == b'L' && lines.clone().count() == 1);
                let digits = trim_ows(&only[1..]);
                let spelled = length.to_string().into_bytes();
                assert!(digits.ends_with(&spelled));
                assert!(digits[..digits.len() - spelled.len()].iter().all(|&byte| byte == b'0'));
            }
            Ok(Framing::Chunked) => {
                assert!(version == Version::Http11 && lines.clone().count() == 1);
                assert!(trim_ows(only).eq_ignore_ascii_case(b"chunked"));
            }
            Err(_) => assert!(lines.clone().count() > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lengths: &[&str], codings: &[&str], want: Result<Framing, FramingError>) {
        let mut fields = FramingFields::default();
        lengths.iter().for_each(|value| fields.note_length(value.as_bytes()));
        codings.iter().for_each(|value| fields.note_coding(value.as_bytes()));
        assert_eq!(fields.decide(Version::Http11), want, "{lengths:?} {codings:?}");
        let lines = lengths.iter().map(|line| format!("L{line}"));
        let lines: Vec<_> = lines.chain(codings.iter().map(|line| (*line).to_owned())).collect();
        fuzz(lines.join("\n").as_bytes());
    }

    #[test]
    fn one_plain_length_or_one_chunked_is_understood() {
        check(&[], &[], Ok(Framing::None));
        check(&["0"], &[], Ok(Framing::None));
        check(&["000"], &[], Ok(Framing::None));
        check(&["42"], &[], Ok(Framing::Length(42)));
        check(&["0042"], &[], Ok(Framing::Length(42)));
        check(&["18446744073709551615"], &[], Ok(Framing::Length(u64::MAX)));
        check(&[], &["chunked"], Ok(Framing::Chunked));
        check(&[], &["Chunked"], Ok(Framing::Chunked));
    }

    #[test]
    fn length_and_chunked_is_refused() {
        check(&["5"], &["chunked"], Err(FramingError::LengthAndCoding));
        check(&["0"], &["identity"], Err(FramingError::LengthAndCoding));
        check(&["5", "5"], &["chunked"], Err(FramingError::LengthAndCoding));
    }

    #[test]
    fn several_lengths_are_refused_even_if_equal() {
        check(&["5", "5"], &[], Err(FramingError::LengthRepeated));
        check(&["5", "6"], &[], Err(FramingError::LengthRepeated));
        check(&["5,5"], &[], Err(FramingError::LengthNotDecimal));
        check(&["5, 5"], &[], Err(FramingError::LengthNotDecimal));
    }

    #[test]
    fn a_length_is_digits_alone() {
        for bad in ["", "+5", "-5", "-0", "0x5", "5 5", "5.0", "5e1", "\u{660}", "5;"] {
            check(&[bad], &[], Err(FramingError::LengthNotDecimal));
        }
        check(&["18446744073709551616"], &[], Err(FramingError::LengthNotDecimal));
        check(&["000000000000000000005"], &[], Err(FramingError::LengthNotDecimal));
    }

    #[test]
    fn codings_other_than_chunked_are_refused() {
        for unknown in ["gzip", "gzip, chunked", "identity", "xchunked", "chunked1", "a;b=c"] {
            check(&[], &[unknown], Err(FramingError::CodingUnknown));
        }
        for bad in [
            "",
            ",",
            ",chunked",
            "chunked,",
            "chunked, chunked",
            "chunked, gzip",
            "chunked;q=1",
            "chunked chunked",
            "\"chunked\"",
            "chunked\u{b}",
            "\u{b}chunked",
            "gzip, chunked, chunked",
        ] {
            check(&[], &[bad], Err(FramingError::CodingMalformed));
        }
        check(&[], &["chunked", "chunked"], Err(FramingError::CodingRepeated));
        check(&[], &["chunked", "identity"], Err(FramingError::CodingRepeated));
    }

    #[test]
    fn the_old_version_has_no_codings() {
        let mut fields = FramingFields::default();
        fields.note_coding(b"chunked");
        assert_eq!(fields.decide(Version::Http10), Err(FramingError::CodingInOldVersion));
    }
}
