// SPDX-License-Identifier: MIT
//! Request bodies: one that is wanted, and the rest of one that is not.

use super::violation::Violation;
use crate::base::Message;
use crate::wire::http1::chunked::Chunked;

/// Memory that a declared length is given before its bytes have come.
const BELIEVED_BYTES: usize = 16 * 1024;

/// A body on its way to its message.
pub(super) enum Incoming {
    /// So many bytes are still to come.
    Length { bytes: Vec<u8>, left: usize },
    /// Until the last chunk.
    Chunked { bytes: Vec<u8>, decoder: Box<Chunked>, bytes_max: usize },
}

impl Incoming {
    /// Takes what belongs to the body from `input`; returns how much that is, and the body if it is
    /// complete.
    pub(super) fn feed(&mut self, input: &[u8]) -> Result<(usize, Option<Message>), Violation> {
        match self {
            Self::Length { bytes, left } => {
                let take = input.len().min(*left);
                if bytes.is_empty() && take == *left {
                    return Ok((take, Some(Message::copy_of(&input[..take]))));
                }
                *left -= take;
                reserve(bytes, take, *left);
                bytes.extend_from_slice(&input[..take]);
                Ok((take, (*left == 0).then(|| Message::new(std::mem::take(bytes)))))
            }
            Self::Chunked { bytes, decoder, bytes_max } => {
                let room = *bytes_max - bytes.len();
                let (used, done) = decoder.feed(input, bytes, room).map_err(Violation::Chunk)?;
                // The declared size counts, not what has come of it: nobody reads 16 MiB first.
                if decoder.chunk_left() > (*bytes_max - bytes.len()) as u64 {
                    return Err(Violation::BodyTooLong { bytes_max: *bytes_max });
                }
                Ok((used, done.then(|| Message::new(std::mem::take(bytes)))))
            }
        }
    }

    /// What is still to come, if it is not wanted any more.
    pub(super) fn into_rest(self) -> Rest {
        match self {
            Self::Length { left, .. } => Rest::Length(left as u64),
            Self::Chunked { decoder, .. } => Rest::Chunked(decoder),
        }
    }
}

/// Makes room for `take` bytes of a body of which `left` more are declared.
///
/// A length is only a promise. Memory beyond a little is given as bytes come: at most four times
/// of what has come, so that it grows in few steps and ends with the exact size.
fn reserve(bytes: &mut Vec<u8>, take: usize, left: usize) {
    if bytes.capacity() - bytes.len() < take {
        let paid = bytes.len() + take;
        let believed = (3 * paid).max(BELIEVED_BYTES);
        bytes.reserve_exact(take + left.min(believed));
    }
}

/// The rest of a body that nobody wants.
pub(super) enum Rest {
    /// There is none.
    Nothing,
    /// So many bytes.
    Length(u64),
    /// Up to the last chunk.
    Chunked(Box<Chunked>),
}

impl Rest {
    /// Whether it can be dropped by reading at most `room` bytes, as far as one can tell.
    pub(super) fn fits(&self, room: usize) -> bool {
        match self {
            Self::Nothing | Self::Chunked(_) => true,
            Self::Length(left) => *left <= room as u64,
        }
    }

    /// Drops what belongs to the body from `input`, at most `room` bytes of a chunked one; returns
    /// how much was used, and whether the body is complete; `None` if its end will not be found.
    pub(super) fn feed(&mut self, input: &[u8], room: &mut usize) -> Option<(usize, bool)> {
        match self {
            Self::Nothing => Some((0, true)),
            Self::Length(left) => {
                let take = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= take as u64;
                Some((take, *left == 0))
            }
            Self::Chunked(decoder) => {
                let mut dropped = Vec::new();
                let (used, done) = decoder.feed(input, &mut dropped, *room).ok()?;
                *room -= dropped.len();
                (decoder.chunk_left() <= *room as u64).then_some((used, done))
            }
        }
    }
}
