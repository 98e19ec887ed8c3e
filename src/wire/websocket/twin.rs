// SPDX-License-Identifier: MIT
//! The body of the fuzz target: a decoder that sees all of its input at once, to hold the other one
//! against.

use super::{Decoder, Frame, FrameError, push_text_head};
use crate::base::Message;

const BYTES_MAX: usize = 300;

/// Frames, and the error that ended them.
type Read = (Vec<Frame>, Option<FrameError>);

/// Any bytes, cut anywhere, give the same frames, which are those of a plain reading of the
/// specification; and a text is read back from the frames that carry it.
pub fn fuzz(input: &[u8]) {
    let whole = decode([input]);
    assert_eq!(decode(input.chunks(1)), whole);
    let (first, second) = input.split_at(input.len() / 2);
    assert_eq!(decode([first, second]), whole);
    let (frames, error) = plain(input);
    assert_eq!(frames, whole.0);
    assert_eq!(error, whole.1.map(FrameError::code));
    carry(input);
}

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let mut decoder = Decoder::new(BYTES_MAX);
    let mut frames = Vec::new();
    for piece in pieces {
        if let Err(error) = decoder.feed(piece, &mut |frame| frames.push(frame)) {
            return (frames, Some(error));
        }
    }
    let held = decoder.text.as_ref().map_or(0, Vec::len);
    assert!(held <= BYTES_MAX, "more is held than may be");
    (frames, None)
}

/// Sends `input` as a client would, in two fragments with a ping between them.
fn carry(input: &[u8]) {
    let (first, second) = input.split_at(input.len().min(BYTES_MAX) / 3);
    let second = &second[..second.len().min(BYTES_MAX - first.len())];
    let mut bytes = Vec::new();
    push_masked(&mut bytes, 0x01, first);
    push_masked(&mut bytes, 0x89, b"?");
    push_masked(&mut bytes, 0x80, second);
    let text = [first, second].concat();
    let is_text = std::str::from_utf8(&text).is_ok();
    let mut want = vec![Frame::Ping(b"?".to_vec())];
    want.extend(is_text.then(|| Frame::Text(Message::new(text))));
    let error = (!is_text).then_some(FrameError::NotUtf8);
    assert_eq!(decode([&bytes[..]]), (want, error));
}

/// A frame as a client sends it.
fn push_masked(out: &mut Vec<u8>, first: u8, payload: &[u8]) {
    const MASK: [u8; 4] = [0x5A, 0, 0xFF, 0x21];
    let start = out.len();
    push_text_head(out, payload.len());
    out[start] = first;
    out[start + 1] |= 0x80;
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// Reads frame by frame, as far as they are there, in the words of RFC 6455 §5.2; for an error the
/// code alone.
fn plain(input: &[u8]) -> (Vec<Frame>, Option<u16>) {
    let mut frames = Vec::new();
    let mut text: Option<Vec<u8>> = None;
    let mut rest = input;
    loop {
        let [first, second, behind @ ..] = rest else { return (frames, None) };
        let (is_final, opcode, short) = (first >> 7 == 1, first & 15, second & 127);
        let is_control = opcode >= 8;
        let is_known = matches!(opcode, 0 | 1 | 2 | 8 | 9 | 10);
        let in_turn = is_control || (opcode == 0) == text.is_some();
        let fits = !is_control || is_final && short < 126;
        if first >> 4 & 7 != 0 || second >> 7 == 0 || !is_known || !fits || !in_turn {
            return (frames, Some(1002));
        }
        if opcode == 2 {
            return (frames, Some(1003));
        }
        let n_length = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if behind.len() < n_length + 4 {
            return (frames, None);
        }
        let mut length = u64::from(short);
        if n_length > 0 {
            length = behind[..n_length].iter().fold(0, |sum, &b| sum * 256 + u64::from(b));
            let least = if n_length == 2 { 126 } else { 65536 };
            if length < least || length >= 1 << 63 {
                return (frames, Some(1002));
            }
        }
        let held = text.as_ref().map_or(0, Vec::len) as u64;
        if !is_control && held + length > BYTES_MAX as u64 {
            return (frames, Some(1009));
        }
        let (mask, masked) = behind[n_length..].split_at(4);
        let length = length as usize;
        // A length of zero is complete with its head.
        if masked.len() < length {
            return (frames, None);
        }
        let payload: Vec<u8> =
            masked[..length].iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m).collect();
        rest = &masked[length..];
        match opcode {
            8 => {
                let close = plain_close(&payload);
                return match close {
                    Ok(code) => {
                        frames.push(Frame::Close(code));
                        (frames, None)
                    }
                    Err(code) => (frames, Some(code)),
                };
            }
            9 => frames.push(Frame::Ping(payload)),
            10 => frames.push(Frame::Pong),
            _ => text.get_or_insert_default().extend(payload),
        }
        if !is_control && is_final {
            match String::from_utf8(text.take().unwrap_or_default()) {
                Ok(text) => frames.push(Frame::Text(Message::new(text.into_bytes()))),
                Err(_) => return (frames, Some(1007)),
            }
        }
    }
}

fn plain_close(payload: &[u8]) -> Result<Option<u16>, u16> {
    if payload.is_empty() {
        return Ok(None);
    }
    let Some((code, reason)) = payload.split_at_checked(2) else { return Err(1002) };
    let code = u16::from(code[0]) * 256 + u16::from(code[1]);
    let never = !(1000..=4999).contains(&code) || [1004, 1005, 1006].contains(&code);
    if never || (1015..3000).contains(&code) {
        return Err(1002);
    }
    if String::from_utf8(reason.to_vec()).is_err() { Err(1007) } else { Ok(Some(code)) }
}
