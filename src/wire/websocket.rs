// SPDX-License-Identifier: MIT
//! WebSocket frames, the server's side: masked frames in, bare frames out.
//!
//! ```text
//!  input ─> Decoder ─> Text, a whole message    (fragments are joined)
//!                  ├─> Ping, Pong, Close        (also between fragments)
//!                  └─> FrameError               (its code is for our Close)
//! ```
//!
//! It knows no connection and no message: who answers a ping is for the link.
//!
//! Spec: RFC 6455 §5 (frames), §4.2.2 (the accept key), §7.4 (codes), §8.1 (UTF-8).

use std::fmt;

use crate::base::{Message, base64};

/// What a client has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole text message; it is UTF-8.
    Text(Message),
    /// It wants its bytes back; at most [`CONTROL_BYTES_MAX`].
    Ping(Vec<u8>),
    /// It has answered a ping, or says that it is there.
    Pong,
    /// It is done; nothing that follows is looked at. The code that it gives, if it gives one.
    Close(Option<u16>),
}

/// How a client breaks the protocol. Every error is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// Against the rules of framing: which one.
    Protocol(&'static str),
    /// A binary message.
    Binary,
    /// A text that is not UTF-8.
    NotUtf8,
    /// A message that is longer than allowed.
    TooLong,
}

/// Why a connection is closed, as a number.
///
/// Spec: RFC 6455 §7.4.1.
pub mod code {
    /// Going away: the server ends what the connection was for.
    pub const GOING_AWAY: u16 = 1001;
    /// The rules of framing were broken.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// A kind of data that is not taken.
    pub const UNSUPPORTED: u16 = 1003;
    /// A text that is not UTF-8.
    pub const INVALID_DATA: u16 = 1007;
    /// A message that is too long.
    pub const TOO_BIG: u16 = 1009;
}

impl FrameError {
    /// What our Close says.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Protocol(_) => code::PROTOCOL_ERROR,
            Self::Binary => code::UNSUPPORTED,
            Self::NotUtf8 => code::INVALID_DATA,
            Self::TooLong => code::TOO_BIG,
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(rule) => f.write_str(rule),
            Self::Binary => f.write_str("a binary message"),
            Self::NotUtf8 => f.write_str("a text that is not UTF-8"),
            Self::TooLong => f.write_str("a message that is too long"),
        }
    }
}

/// The longest payload of a control frame.
pub const CONTROL_BYTES_MAX: usize = 125;
/// The longest head of a frame: two bytes, a long length, a mask.
const HEAD_BYTES_MAX: usize = 14;
/// Memory that a declared length is given before its bytes have come.
const BELIEVED_BYTES: usize = 16 * 1024;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// One frame of which the payload is still to come.
struct Current {
    opcode: u8,
    is_final: bool,
    mask: [u8; 4],
    /// Bytes that have come; they say which byte of the mask is next.
    taken: usize,
    left: usize,
}

/// Reads the frames of one client, however they are cut.
///
/// Invariant: holds no memory between messages.
pub struct Decoder {
    bytes_max: usize,
    head: [u8; HEAD_BYTES_MAX],
    n_head: usize,
    current: Option<Current>,
    /// The text so far; `None` between messages.
    text: Option<Vec<u8>>,
    control: Vec<u8>,
    is_over: bool,
}

impl Decoder {
    /// Takes messages of up to `bytes_max` bytes.
    #[must_use]
    pub const fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            head: [0; HEAD_BYTES_MAX],
            n_head: 0,
            current: None,
            text: None,
            control: Vec::new(),
            is_over: false,
        }
    }

    /// Takes all of `input`, and emits what it completes.
    ///
    /// After an error, and after [`Frame::Close`], nothing is looked at any more.
    pub fn feed(
        &mut self,
        mut input: &[u8],
        emit: &mut dyn FnMut(Frame),
    ) -> Result<(), FrameError> {
        while !self.is_over {
            let used = match self.current {
                None if input.is_empty() => break,
                None => self.take_head(input),
                Some(Current { left, .. }) if left > 0 && input.is_empty() => break,
                Some(_) => self.take_payload(input, emit),
            };
            let used = used.inspect_err(|_| self.end())?;
            input = &input[used..];
        }
        Ok(())
    }

    fn end(&mut self) {
        *self = Self { is_over: true, ..Self::new(self.bytes_max) };
    }

    /// Takes what belongs to the head of a frame; it is judged as soon as can be.
    fn take_head(&mut self, input: &[u8]) -> Result<usize, FrameError> {
        let mut used = 0;
        loop {
            let wanted = wanted_of(&self.head[..self.n_head]);
            let take = (wanted - self.n_head).min(input.len() - used);
            self.head[self.n_head..self.n_head + take].copy_from_slice(&input[used..used + take]);
            self.n_head += take;
            used += take;
            if self.n_head < wanted {
                return Ok(used);
            }
            let head = &self.head[..self.n_head];
            if self.n_head == 2 {
                check_start(head[0], head[1], self.text.is_some())?;
            }
            if wanted_of(head) > self.n_head {
                continue;
            }
            let left = self.length()?;
            let mut mask = [0; 4];
            mask.copy_from_slice(&head[self.n_head - 4..]);
            let (opcode, is_final) = (head[0] & 15, head[0] & FINAL != 0);
            self.current = Some(Current { opcode, is_final, mask, taken: 0, left });
            self.n_head = 0;
            return Ok(used);
        }
    }

    /// The length that a complete head declares.
    fn length(&self) -> Result<usize, FrameError> {
        let long = |from: usize, to: usize| {
            self.head[from..to].iter().fold(0, |sum: u64, &byte| sum << 8 | u64::from(byte))
        };
        let length = match self.head[1] & !MASKED {
            126 => (long(2, 4), 126),
            127 => (long(2, 10), 1 << 16),
            short => (u64::from(short), 0),
        };
        let (length, least) = length;
        // Two spellings of one length are two readings of where the next frame begins.
        if length < least || length > u64::MAX >> 1 {
            return Err(FrameError::Protocol("a length that is not spelled in the shortest way"));
        }
        let held = self.text.as_ref().map_or(0, Vec::len);
        match usize::try_from(length) {
            Ok(length) if length <= self.bytes_max.saturating_sub(held) => Ok(length),
            // A control frame between the fragments of a message adds nothing to it.
            Ok(length) if self.head[0] & 8 != 0 => Ok(length),
            _ => Err(FrameError::TooLong),
        }
    }

    fn take_payload(
        &mut self,
        input: &[u8],
        emit: &mut dyn FnMut(Frame),
    ) -> Result<usize, FrameError> {
        let Some(current) = &mut self.current else { return Ok(0) };
        let take = input.len().min(current.left);
        let is_control = current.opcode & 8 != 0;
        let bytes = if is_control { &mut self.control } else { self.text.get_or_insert_default() };
        current.left -= take;
        reserve(bytes, take, current.left);
        let start = bytes.len();
        bytes.extend_from_slice(&input[..take]);
        for (byte, at) in bytes[start..].iter_mut().zip(current.taken..) {
            *byte ^= current.mask[at & 3];
        }
        current.taken += take;
        if current.left == 0 {
            let (opcode, is_final) = (current.opcode, current.is_final);
            self.current = None;
            if is_control || is_final {
                emit(self.complete(opcode)?);
            }
        }
        Ok(take)
    }

    fn complete(&mut self, opcode: u8) -> Result<Frame, FrameError> {
        match opcode {
            PING => Ok(Frame::Ping(std::mem::take(&mut self.control))),
            PONG => {
                self.control = Vec::new();
                Ok(Frame::Pong)
            }
            CLOSE => {
                let code = close_code(&self.control)?;
                self.end();
                Ok(Frame::Close(code))
            }
            _ => {
                let text = self.text.take().unwrap_or_default();
                if std::str::from_utf8(&text).is_err() {
                    return Err(FrameError::NotUtf8);
                }
                Ok(Frame::Text(Message::new(text)))
            }
        }
    }
}

/// How many bytes a head has that begins like this, as far as one can tell.
fn wanted_of(head: &[u8]) -> usize {
    match head.get(1).map(|second| second & !MASKED) {
        None => 2,
        Some(126) => 8,
        Some(127) => HEAD_BYTES_MAX,
        Some(_) => 6,
    }
}

/// Judges the first two bytes of a frame.
fn check_start(first: u8, second: u8, within_message: bool) -> Result<(), FrameError> {
    let broken = |rule| Err(FrameError::Protocol(rule));
    if first & 0x70 != 0 {
        return broken("a reserved bit is set, but no extension was agreed on");
    }
    // RFC 6455 §5.1: what a page's script sends must not look like HTTP to a cache on the way.
    if second & MASKED == 0 {
        return broken("a frame without a mask");
    }
    let is_control = first & 8 != 0;
    if is_control && (first & FINAL == 0 || usize::from(second & !MASKED) > CONTROL_BYTES_MAX) {
        return broken("a control frame that is long or fragmented");
    }
    match first & 15 {
        CONTINUATION if !within_message => broken("a continuation of nothing"),
        TEXT | BINARY if within_message => broken("a message within a message"),
        BINARY => Err(FrameError::Binary),
        CONTINUATION | TEXT | CLOSE | PING | PONG => Ok(()),
        _ => broken("an unknown kind of frame"),
    }
}

/// What a Close says.
///
/// Spec: RFC 6455 §5.5.1, §7.4.
fn close_code(payload: &[u8]) -> Result<Option<u16>, FrameError> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        [_] => return Err(FrameError::Protocol("half a code")),
    };
    // 1004 to 1006 and 1015 are never sent; what lies between 1016 and 2999 is not given out.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(FrameError::Protocol("a code that cannot be sent"));
    }
    if std::str::from_utf8(reason).is_err() {
        return Err(FrameError::NotUtf8);
    }
    Ok(Some(code))
}

/// Makes room for `take` bytes of which `left` more are declared: a length is only a promise.
fn reserve(bytes: &mut Vec<u8>, take: usize, left: usize) {
    if bytes.capacity() - bytes.len() < take {
        let believed = (3 * (bytes.len() + take)).max(BELIEVED_BYTES);
        bytes.reserve_exact(take + left.min(believed));
    }
}

/// Appends the head of a text message of `len` bytes, which follow as they are.
pub fn push_text_head(out: &mut Vec<u8>, len: usize) {
    push_head(out, TEXT, len);
}

/// Appends a ping without payload.
pub fn push_ping(out: &mut Vec<u8>) {
    push_head(out, PING, 0);
}

/// Appends the answer to a ping, which had this payload.
pub fn push_pong(out: &mut Vec<u8>, payload: &[u8]) {
    push_head(out, PONG, payload.len());
    out.extend_from_slice(payload);
}

/// Appends a Close with this code, or without any.
pub fn push_close(out: &mut Vec<u8>, code: Option<u16>) {
    let payload = code.map(u16::to_be_bytes);
    push_head(out, CLOSE, payload.map_or(0, |payload| payload.len()));
    out.extend(payload.into_iter().flatten());
}

/// One whole frame; a server's has no mask (RFC 6455 §5.1).
fn push_head(out: &mut Vec<u8>, opcode: u8, len: usize) {
    out.push(FINAL | opcode);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short), _) if usize::from(short) <= CONTROL_BYTES_MAX => out.push(short),
        (_, Ok(middle)) => {
            out.push(126);
            out.extend_from_slice(&middle.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

/// What `Sec-WebSocket-Accept` says to a client that has sent `key`; `None` if that is no key.
///
/// It proves nothing but that the server knows what a WebSocket is.
///
/// Spec: RFC 6455 §4.2.1 (the key), §4.2.2 (the answer).
#[must_use]
pub fn accept_key(key: &[u8]) -> Option<String> {
    const KEY_BYTES: usize = 16;
    const SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    base64::decode(key).filter(|bytes| bytes.len() == KEY_BYTES)?;
    let mut context = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(key);
    context.update(SUFFIX);
    Some(base64::encode(context.finish().as_ref()))
}

mod twin;

pub use twin::fuzz;

#[cfg(test)]
mod tests;
