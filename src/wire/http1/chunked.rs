// SPDX-License-Identifier: MIT
//! The chunked transfer coding, in and out.
//!
//! It does not know what a body is for, nor how long one may be: its caller gives the room.
//!
//! ```text
//!   1a;name=value CRLF  26 bytes CRLF  …  0 CRLF  Trailer: value CRLF  CRLF
//!   size line           data              last    trailers, dropped    end
//! ```
//!
//! Spec: RFC 9112 §7.1 (chunked), §7.1.1 (extensions), §7.1.2 (trailers).

use std::fmt;

/// The end of a chunked body without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Hexadecimal digits of the largest size that is understood, leading zeros included.
const SIZE_DIGITS_MAX: u8 = 16;
/// Trailer fields of one body.
const TRAILERS_MAX: u8 = 32;
/// Bytes of framing that a body may have beyond what its data pays for.
const OVERHEAD_BYTES_MAX: u64 = 16 * 1024;
/// Framing that every chunk has for free, in bytes.
const OVERHEAD_FREE_BYTES: u64 = 16;

/// Why a chunked body cannot be read; what follows it on the connection cannot be found either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkError {
    /// A size is not one to sixteen hexadecimal digits.
    BadSize,
    /// A control byte in an extension.
    BadExtension,
    /// A line or a chunk does not end in CRLF.
    BadLineEnd,
    /// A trailer is not a field.
    BadTrailer,
    /// A size line or a trailer is longer than allowed.
    LineTooLong,
    /// More trailers than any honest peer sends.
    TooManyTrailers,
    /// Tiny chunks with long lines: framing without data.
    TooMuchOverhead,
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadSize => "a chunk size is not a hexadecimal number",
            Self::BadExtension => "a chunk extension holds a control byte",
            Self::BadLineEnd => "a chunk does not end in CRLF",
            Self::BadTrailer => "a trailer is not a field",
            Self::LineTooLong => "a chunk line is too long",
            Self::TooManyTrailers => "too many trailers",
            Self::TooMuchOverhead => "too much chunk framing for too little body",
        })
    }
}

impl std::error::Error for ChunkError {}

/// What the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Await {
    /// A digit of a size, or what ends it.
    Size { value: u64, digits: u8 },
    /// A byte of an extension.
    Extension { size: u64 },
    /// The LF of a size line.
    SizeLf { size: u64 },
    /// Data, of which so much is left. Invariant: never zero.
    Data { left: u64 },
    /// The CR after data.
    DataCr,
    /// The LF after data.
    DataLf,
    /// The first byte of a trailer, or the CR of the end.
    Trailer,
    /// A byte of a trailer's name.
    TrailerName,
    /// A byte of a trailer's value.
    TrailerValue,
    /// The LF of a trailer.
    TrailerLf,
    /// The LF of the end.
    EndLf,
    /// Nothing: the body is complete.
    Nothing,
}

/// Reads one chunked body, in pieces of any size.
#[derive(Clone, Debug)]
pub struct Chunked {
    awaiting: Await,
    line_bytes: usize,
    line_bytes_max: usize,
    trailers: u8,
    overhead: u64,
}

impl Chunked {
    /// Awaits the first size. No line may be longer than `line_bytes_max`, its CRLF included.
    #[must_use]
    pub const fn new(line_bytes_max: usize) -> Self {
        Self {
            awaiting: Await::Size { value: 0, digits: 0 },
            line_bytes: 0,
            line_bytes_max,
            trailers: 0,
            overhead: 0,
        }
    }

    /// Decodes from `input` into `out`, at most `room` more bytes; returns how many bytes of
    /// `input` it used and whether the body is complete, trailers included.
    ///
    /// `input` may be cut anywhere. Less than all of it is used if the body ends in it, or if the
    /// room is spent while more data is declared: see [`Chunked::chunk_left`].
    ///
    /// Errors: every error is final, the connection cannot be read any further.
    ///
    /// Spec: RFC 9112 §7.1.3.
    pub fn feed(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<(usize, bool), ChunkError> {
        let (mut at, mut room) = (0, room);
        while at < input.len() && self.awaiting != Await::Nothing {
            let Await::Data { left } = self.awaiting else {
                self.take_byte(input[at])?;
                at += 1;
                continue;
            };
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(input.len() - at).min(room);
            if take == 0 {
                break;
            }
            out.extend_from_slice(&input[at..at + take]);
            at += take;
            room -= take;
            self.awaiting = match left - take as u64 {
                0 => Await::DataCr,
                left => Await::Data { left },
            };
        }
        Ok((at, self.awaiting == Await::Nothing))
    }

    /// How many bytes of the chunk under way are declared and not read yet.
    #[must_use]
    pub const fn chunk_left(&self) -> u64 {
        match self.awaiting {
            Await::Data { left } => left,
            _ => 0,
        }
    }

    fn take_byte(&mut self, byte: u8) -> Result<(), ChunkError> {
        self.line_bytes += 1;
        if self.line_bytes > self.line_bytes_max {
            return Err(ChunkError::LineTooLong);
        }
        self.awaiting = match self.awaiting {
            Await::Size { value, digits } => size_byte(value, digits, byte)?,
            Await::Extension { size } => match byte {
                b'\r' => Await::SizeLf { size },
                // A bare LF would end the line for a lenient peer, and only for it: what follows
                // would be a chunk for one of us and an extension for the other.
                byte if is_text(byte) => Await::Extension { size },
                _ => return Err(ChunkError::BadExtension),
            },
            Await::SizeLf { size } => {
                expect_lf(byte)?;
                self.pay(size)?;
                self.line_bytes = 0;
                if size == 0 { Await::Trailer } else { Await::Data { left: size } }
            }
            Await::DataCr if byte == b'\r' => Await::DataLf,
            // Data beyond the declared size: whoever takes it for a size line reads another body.
            Await::DataCr => return Err(ChunkError::BadLineEnd),
            Await::DataLf => {
                expect_lf(byte)?;
                self.line_bytes = 0;
                Await::Size { value: 0, digits: 0 }
            }
            Await::Trailer if byte == b'\r' => Await::EndLf,
            Await::Trailer => self.begin_trailer(byte)?,
            Await::TrailerName => trailer_name_byte(byte)?,
            Await::TrailerValue => match byte {
                b'\r' => Await::TrailerLf,
                byte if is_text(byte) => Await::TrailerValue,
                _ => return Err(ChunkError::BadTrailer),
            },
            Await::TrailerLf => {
                expect_lf(byte)?;
                self.line_bytes = 0;
                Await::Trailer
            }
            Await::EndLf => {
                expect_lf(byte)?;
                Await::Nothing
            }
            Await::Data { .. } | Await::Nothing => self.awaiting,
        };
        Ok(())
    }

    fn begin_trailer(&mut self, byte: u8) -> Result<Await, ChunkError> {
        self.trailers += 1;
        if self.trailers > TRAILERS_MAX {
            return Err(ChunkError::TooManyTrailers);
        }
        // A blank here would be obsolete folding of the trailer before (RFC 9112 §5.2).
        if !is_token(byte) {
            return Err(ChunkError::BadTrailer);
        }
        Ok(Await::TrailerName)
    }

    /// One-byte chunks with long extensions make a small body cost gigabytes of reading, below any
    /// limit for bodies. So data has to pay for the lines around it.
    fn pay(&mut self, size: u64) -> Result<(), ChunkError> {
        let paid = size.saturating_mul(2).saturating_add(OVERHEAD_FREE_BYTES);
        self.overhead = (self.overhead + self.line_bytes as u64).saturating_sub(paid);
        if self.overhead > OVERHEAD_BYTES_MAX { Err(ChunkError::TooMuchOverhead) } else { Ok(()) }
    }
}

fn size_byte(value: u64, digits: u8, byte: u8) -> Result<Await, ChunkError> {
    if let Some(digit) = char::from(byte).to_digit(16) {
        // Sixteen digits cannot overflow. A size that overflows is small for one reader and huge
        // for another: RFC 9112 §7.1, "prevent parsing errors due to integer conversion overflows".
        if digits == SIZE_DIGITS_MAX {
            return Err(ChunkError::BadSize);
        }
        return Ok(Await::Size { value: value << 4 | u64::from(digit), digits: digits + 1 });
    }
    match byte {
        _ if digits == 0 => Err(ChunkError::BadSize),
        b'\r' => Ok(Await::SizeLf { size: value }),
        b';' => Ok(Await::Extension { size: value }),
        b'\n' => Err(ChunkError::BadLineEnd),
        // Signs, `0x`, blanks: each has been read as another number by somebody.
        _ => Err(ChunkError::BadSize),
    }
}

fn trailer_name_byte(byte: u8) -> Result<Await, ChunkError> {
    match byte {
        b':' => Ok(Await::TrailerValue),
        byte if is_token(byte) => Ok(Await::TrailerName),
        _ => Err(ChunkError::BadTrailer),
    }
}

fn expect_lf(byte: u8) -> Result<(), ChunkError> {
    if byte == b'\n' { Ok(()) } else { Err(ChunkError::BadLineEnd) }
}

/// Whether `byte` may stand in a token (RFC 9110 §5.6.2, `tchar`).
#[must_use]
pub(crate) const fn is_token(byte: u8) -> bool {
    TOKEN[byte as usize]
}

static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

/// Whether `byte` may stand in a field value (RFC 9110 §5.5): visible, blank, or not ASCII.
#[must_use]
pub(crate) const fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Appends the size line of a chunk of `len` bytes; zero would be the last chunk.
pub fn push_chunk_head(out: &mut Vec<u8>, len: usize) {
    debug_assert!(len > 0, "an empty chunk ends the body");
    let mut digits = [0; 2 * size_of::<usize>()];
    let (mut at, mut value) = (digits.len(), len);
    while at > 0 && (value != 0 || at == digits.len()) {
        at -= 1;
        digits[at] = b"0123456789abcdef"[value & 0xf];
        value >>= 4;
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

/// Any bytes, cut at any place, give the same body or the same error; and what we encode is read
/// back.
pub fn fuzz(input: &[u8]) {
    const ROOM: usize = 256;
    let read = |parts: [&[u8]; 2]| {
        let (mut chunked, mut body, mut used) = (Chunked::new(32), Vec::new(), 0);
        for part in parts {
            let room = ROOM - body.len();
            match chunked.feed(part, &mut body, room) {
                Ok((n, false)) if n == part.len() => used += n,
                Ok((n, done)) => return (body, Ok((used + n, done))),
                Err(error) => return (body, Err(error)),
            }
        }
        (body, Ok((used, false)))
    };
    let whole = read([input, b""]);
    assert!(whole.0.len() <= ROOM);
    for cut in 0..input.len().min(64) {
        let (start, rest) = input.split_at(cut);
        assert_eq!(whole, read([start, rest]), "cut at byte {cut}");
    }
    let mut encoded = Vec::new();
    for part in input.chunks(7) {
        push_chunk_head(&mut encoded, part.len());
        encoded.extend_from_slice(part);
        encoded.extend_from_slice(b"\r\n");
    }
    encoded.extend_from_slice(LAST_CHUNK);
    let mut body = Vec::new();
    let end = Chunked::new(32).feed(&encoded, &mut body, input.len());
    assert_eq!(end, Ok((encoded.len(), true)));
    assert_eq!(body, input);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `input` cut at every place; the result is the body, or the error.
    #[track_caller]
    fn check(input: &str, want: Result<&str, ChunkError>) {
        for cut in 0..=input.len() {
            let (start, rest) = input.as_bytes().split_at(cut);
            let (mut chunked, mut body) = (Chunked::new(32), Vec::new());
            let got = chunked.feed(start, &mut body, 100).and_then(|(_, done)| {
                let room = 100 - body.len();
                if done { Ok((0, done)) } else { chunked.feed(rest, &mut body, room) }
            });
            match want {
                Ok(text) => {
                    assert_eq!(got.map(|(_, done)| done), Ok(true), "cut at byte {cut}");
                    assert_eq!(body, text.as_bytes(), "cut at byte {cut}");
                }
                Err(error) => assert_eq!(got, Err(error), "cut at byte {cut}"),
            }
        }
        fuzz(input.as_bytes());
    }

    #[test]
    fn chunks_are_joined() {
        check("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", Ok("hello world"));
        check("0\r\n\r\n", Ok(""));
        check("00A\r\n0123456789\r\n000\r\n\r\n", Ok("0123456789"));
    }

    #[test]
    fn extensions_and_trailers_are_dropped() {
        check("2;a=b; c=\"d e\"\r\nok\r\n0;x\r\n\r\n", Ok("ok"));
        check("2\r\nok\r\n0\r\nA: b\r\nContent-Length: 7\r\n\r\n", Ok("ok"));
    }

    #[test]
    fn sizes_are_plain_digits() {
        for bad in ["+2", "-2", " 2", "2 ", "0x2", "", "g", "2 ;x", "\t2", "1_0", ";a"] {
            check(&format!("{bad}\r\nok\r\n0\r\n\r\n"), Err(ChunkError::BadSize));
        }
        check("10000000000000002\r\nok", Err(ChunkError::BadSize));
        check("00000000000000002\r\nok", Err(ChunkError::BadSize));
    }

    #[test]
    fn every_line_ends_in_crlf() {
        check("2\nok\r\n0\r\n\r\n", Err(ChunkError::BadLineEnd));
        check("2\rok\r\n0\r\n\r\n", Err(ChunkError::BadLineEnd));
        check("2;a\nok\r\n0\r\n\r\n", Err(ChunkError::BadExtension));
        check("2\r\nok\n0\r\n\r\n", Err(ChunkError::BadLineEnd));
        check("2\r\nokay\r\n0\r\n\r\n", Err(ChunkError::BadLineEnd));
        check("0\r\n\n", Err(ChunkError::BadTrailer));
        check("0\r\nA: b\n\r\n", Err(ChunkError::BadTrailer));
    }

    #[test]
    fn trailers_are_fields() {
        for bad in [": b", " folded", "A b: c", "A : b", "A: \0", "A"] {
            check(&format!("0\r\n{bad}\r\n\r\n"), Err(ChunkError::BadTrailer));
        }
    }

    #[test]
    fn no_line_is_endless() {
        check(&format!("2;{}", "x".repeat(40)), Err(ChunkError::LineTooLong));
        check(&format!("0\r\nA:{}", "x".repeat(40)), Err(ChunkError::LineTooLong));
        let trailers = "A: b\r\n".repeat(40);
        check(&format!("0\r\n{trailers}\r\n"), Err(ChunkError::TooManyTrailers));
    }

    // Checklist 131.
    #[test]
    fn framing_is_paid_for_with_data() {
        let chunk = format!("1;{}\r\nx\r\n", "e".repeat(900));
        let (mut chunked, mut body) = (Chunked::new(1024), Vec::new());
        let mut feed = || chunked.feed(chunk.as_bytes(), &mut body, 100);
        let error = (0..100).find_map(|_| feed().err());
        assert_eq!(error, Some(ChunkError::TooMuchOverhead));
        // One byte at a time is slow, but no attack.
        check(&format!("{}0\r\n\r\n", "1\r\nx\r\n".repeat(50)), Ok(&"x".repeat(50)));
    }

    #[test]
    fn what_follows_the_body_is_left() {
        let mut body = Vec::new();
        let end = Chunked::new(32).feed(b"1\r\nx\r\n0\r\n\r\nGET", &mut body, 9);
        assert_eq!(end, Ok((11, true)));
    }

    #[test]
    fn spent_room_stops_inside_a_chunk() {
        let (mut chunked, mut body) = (Chunked::new(32), Vec::new());
        assert_eq!(chunked.feed(b"5\r\nhello\r\n", &mut body, 3), Ok((6, false)));
        assert_eq!((body.as_slice(), chunked.chunk_left()), (b"hel".as_slice(), 2));
    }

    #[test]
    fn sizes_are_written_in_hexadecimal() {
        for (len, want) in [(1, "1\r\n"), (26, "1a\r\n"), (65_536, "10000\r\n")] {
            let mut out = Vec::new();
            push_chunk_head(&mut out, len);
            assert_eq!(out, want.as_bytes());
        }
    }
}
