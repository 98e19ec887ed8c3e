// SPDX-License-Identifier: MIT
//! One answer of the engine, as its bytes come: the head, then the body, however it is framed.
//!
//! A stream that the engine agrees to is not a body: it begins where the head ends, and is given
//! back as it came.
//!
//! Spec: Docker Engine API; RFC 9112 §6, §7.1.

use std::fmt;

use super::version::Version;
use crate::base::bytes::trim_ows;
use crate::wire::http1::chunked::{ChunkError, Chunked};
use crate::wire::http1::response::{self, Framing, HeadBytes, ResponseError};

/// Why an answer cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// Its head is none.
    Head(ResponseError),
    /// Its body is framed wrongly.
    Chunk(ChunkError),
    /// Its body is longer than allowed.
    TooLong,
    /// The connection ended before it did.
    Cut,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(error) => f.write_str(error.0),
            Self::Chunk(error) => error.fmt(f),
            Self::TooLong => f.write_str("the answer is too long"),
            Self::Cut => f.write_str("the engine has hung up"),
        }
    }
}

impl std::error::Error for AnswerError {}

/// Switching protocols: what follows is the stream that was asked for.
const SWITCHED: u16 = 101;

/// What is running was to be started, or what is not was to be stopped.
const UNCHANGED: u16 = 304;

/// A chunk size and what may stand behind it, in bytes.
const CHUNK_LINE_BYTES_MAX: usize = 1024;

#[derive(Clone, Debug)]
enum State {
    Head,
    Length(u64),
    Chunked(Box<Chunked>),
    UntilClose,
    Done,
}

/// Reads one answer, in pieces of any size.
#[derive(Debug)]
pub struct Answer {
    state: State,
    head: HeadBytes,
    status: u16,
    version: Option<Version>,
    body: Vec<u8>,
    room: usize,
    /// The request was for a stream.
    wants_stream: bool,
}

impl Answer {
    /// An answer of which nothing has come, with at most `body_bytes_max` of body held.
    #[must_use]
    pub fn new(body_bytes_max: usize) -> Self {
        Self {
            state: State::Head,
            head: HeadBytes::default(),
            status: 0,
            version: None,
            body: Vec::new(),
            room: body_bytes_max,
            wants_stream: false,
        }
    }

    /// The answer to a request for a stream: [`Answer::feed`] stops behind its head if the engine
    /// agrees.
    #[must_use]
    pub fn of_stream(body_bytes_max: usize) -> Self {
        Self { wants_stream: true, ..Self::new(body_bytes_max) }
    }

    /// Takes what belongs to the answer, and returns how many bytes that were.
    ///
    /// Errors: final.
    pub fn feed(&mut self, input: &[u8]) -> Result<usize, AnswerError> {
        let mut used = 0;
        while used < input.len() && !self.is_done() {
            used += self.step(&input[used..])?;
        }
        Ok(used)
    }

    /// The connection has ended.
    ///
    /// Errors: the answer had not.
    pub fn finish(&mut self) -> Result<(), AnswerError> {
        match self.state {
            State::Done => Ok(()),
            State::UntilClose => {
                self.state = State::Done;
                Ok(())
            }
            _ => Err(AnswerError::Cut),
        }
    }

    fn step(&mut self, input: &[u8]) -> Result<usize, AnswerError> {
        let room = self.room - self.body.len();
        let (used, is_over) = match &mut self.state {
            State::Head => return self.feed_head(input),
            State::Length(left) => {
                let n = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                take(&mut self.body, &input[..n], room)?;
                *left -= n as u64;
                (n, *left == 0)
            }
            State::UntilClose => {
                take(&mut self.body, input, room)?;
                (input.len(), false)
            }
            State::Chunked(chunked) => {
                let fed = chunked.feed(input, &mut self.body, room);
                let (used, is_over) = fed.map_err(AnswerError::Chunk)?;
                if used < input.len() && !is_over {
                    return Err(AnswerError::TooLong);
                }
                (used, is_over)
            }
            State::Done => (0, true),
        };
        if is_over {
            self.state = State::Done;
        }
        Ok(used)
    }

    fn feed_head(&mut self, input: &[u8]) -> Result<usize, AnswerError> {
        let (used, is_whole) = self.head.feed(input).map_err(AnswerError::Head)?;
        if is_whole {
            let head = std::mem::take(&mut self.head);
            self.open(head.as_bytes())?;
        }
        Ok(used)
    }

    fn open(&mut self, head: &[u8]) -> Result<(), AnswerError> {
        let parsed = response::parse(head, false).map_err(AnswerError::Head)?;
        self.status = parsed.status;
        self.version = field(head, b"Api-Version").and_then(Version::parse);
        let is_interim = parsed.status < 200 && parsed.status != SWITCHED;
        let is_stream = self.wants_stream && [SWITCHED, 200].contains(&parsed.status);
        self.state = match parsed.framing {
            _ if is_interim => State::Head,
            _ if is_stream => State::Done,
            Framing::None => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(Box::new(Chunked::new(CHUNK_LINE_BYTES_MAX))),
            Framing::UntilClose => State::UntilClose,
        };
        Ok(())
    }

    /// The status, as soon as the head has come.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        if matches!(self.state, State::Head) { None } else { Some(self.status) }
    }

    /// Whether the engine does what it was asked, or has nothing left to do; false before the head.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self.status(), Some(SWITCHED | 200..300 | UNCHANGED))
    }

    /// Whether what was asked about is not there.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self.status(), Some(404))
    }

    /// `Api-Version`, if the head has it.
    #[must_use]
    pub const fn version(&self) -> Option<Version> {
        self.version
    }

    /// Whether all of it has come.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// What has come of the body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Gives away what has come of the body, for a body that has no end worth waiting for.
    pub fn take_body(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.body)
    }
}

fn take(body: &mut Vec<u8>, bytes: &[u8], room: usize) -> Result<(), AnswerError> {
    if bytes.len() > room {
        return Err(AnswerError::TooLong);
    }
    body.extend_from_slice(bytes);
    Ok(())
}

/// The value of the first field called `name`.
fn field<'h>(head: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    head.split(|&byte| byte == b'\n').find_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let is_it = line[..colon].eq_ignore_ascii_case(name);
        is_it.then(|| trim_ows(line[colon + 1..].strip_suffix(b"\r").unwrap_or(&line[colon + 1..])))
    })
}

/// Any bytes, cut anywhere, give the same answer, the same error and leave the same bytes behind.
pub fn fuzz(input: &[u8]) {
    const ROOM: usize = 200;
    let read = |parts: &[&[u8]], wants_stream| {
        let answer = if wants_stream { Answer::of_stream(ROOM) } else { Answer::new(ROOM) };
        let (mut answer, mut used, mut error) = (answer, 0, None);
        for part in parts {
            match answer.feed(part) {
                Ok(n) if n == part.len() => used += n,
                Ok(n) => {
                    used += n;
                    break;
                }
                Err(wrong) => {
                    error = Some(wrong);
                    break;
                }
            }
        }
        let error = error.or_else(|| answer.finish().err());
        assert!(answer.body.len() <= ROOM);
        let is_sound = error.is_none();
        (is_sound.then_some((used, answer.status, answer.body)), error)
    };
    for wants_stream in [false, true] {
        let whole = read(&[input], wants_stream);
        for cut in 0..input.len().min(96) {
            let (start, rest) = input.split_at(cut);
            assert_eq!(read(&[start, rest], wants_stream), whole, "cut at byte {cut}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, wants_stream: bool, want: Result<(u16, &str, &str), AnswerError>) {
        let input = input.replace('|', "\r\n");
        for cut in 0..=input.len() {
            let mut answer = if wants_stream { Answer::of_stream(99) } else { Answer::new(99) };
            let mut behind = String::new();
            let mut result = Ok(());
            for part in [&input[..cut], &input[cut..]] {
                result = result.and_then(|()| answer.feed(part.as_bytes())).map(|used| {
                    behind.push_str(&part[used..]);
                });
            }
            let result = result.and_then(|()| answer.finish());
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            let got = result.map(|()| (answer.status, body.as_str(), behind.as_str()));
            assert_eq!(got, want, "cut at {cut}");
        }
        fuzz(input.as_bytes());
    }

    #[test]
    fn bodies_end_as_their_heads_say() {
        check("HTTP/1.1 204 No Content||", false, Ok((204, "", "")));
        check("HTTP/1.1 200 OK|Content-Length: 2||OK", false, Ok((200, "OK", "")));
        check("HTTP/1.1 404 X||no such", false, Ok((404, "no such", "")));
        check(
            "HTTP/1.1 200 OK|Transfer-Encoding: chunked||3|{\"a|3|\":1|1|}|0||",
            false,
            Ok((200, "{\"a\":1}", "")),
        );
    }

    #[test]
    fn a_stream_begins_where_the_head_ends() {
        let upgraded = "HTTP/1.1 101 UPGRADED|Connection: Upgrade|Upgrade: tcp||";
        check(&format!("{upgraded}bytes"), true, Ok((101, "", "bytes")));
        check("HTTP/1.1 200 OK|Content-Type: application/x||bytes", true, Ok((200, "", "bytes")));
        check("HTTP/1.1 404 X|Content-Length: 2||no", true, Ok((404, "no", "")));
        check("HTTP/1.1 100 Continue||HTTP/1.1 204 X||", true, Ok((204, "", "")));
    }

    #[test]
    fn what_is_cut_or_too_long_is_no_answer() {
        check("HTTP/1.1 200 OK|Content-Le", false, Err(AnswerError::Cut));
        check("HTTP/1.1 200 OK|Content-Length: 3||OK", false, Err(AnswerError::Cut));
        check("HTTP/1.1 200 OK|Transfer-Encoding: chunked||3|ab", false, Err(AnswerError::Cut));
        let long = "x".repeat(100);
        for head in ["HTTP/1.1 200 OK||", "HTTP/1.1 200 OK|Content-Length: 100||"] {
            check(&format!("{head}{long}"), false, Err(AnswerError::TooLong));
        }
        let chunked = format!("HTTP/1.1 200 OK|Transfer-Encoding: chunked||64|{long}|0||");
        check(&chunked, false, Err(AnswerError::TooLong));
    }

    #[test]
    fn a_status_is_good_or_not() {
        for (status, is_good) in [(101, true), (201, true), (304, true), (404, false), (500, false)]
        {
            let mut answer = Answer::new(9);
            assert!(!answer.is_good());
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
            assert!(answer.feed(head.as_bytes()).is_ok());
            assert_eq!((answer.is_good(), answer.is_missing()), (is_good, status == 404));
        }
    }

    #[test]
    fn the_version_stands_in_the_head() {
        let mut answer = Answer::new(9);
        let head = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK";
        assert_eq!(answer.feed(head), Ok(head.len()));
        assert_eq!(answer.version(), Version::parse(b"1.41"));
    }

    #[test]
    fn the_head_of_a_long_answer_is_known_before_its_end() {
        let mut answer = Answer::new(9);
        let fed = answer.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert!(fed.is_ok());
        assert_eq!((answer.status(), answer.is_done()), (Some(200), false));
        assert!(answer.feed(b"2\r\nab\r\n").is_ok());
        assert_eq!(answer.take_body(), b"ab");
    }
}
