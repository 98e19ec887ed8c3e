// SPDX-License-Identifier: MIT
//! What a container without a terminal writes: stdout and stderr, taken apart.
//!
//! ```text
//!   1 0 0 0  len (big-endian)  len bytes of stdout    2 0 0 0  len  len bytes of stderr  …
//! ```
//!
//! Frames are the engine's and know no lines: one may end within a character. No frame is kept: its
//! bytes are handed on as they come, so a long one costs no memory.
//!
//! Spec: Docker Engine API, ContainerAttach, "Stream format".

use std::fmt;

/// Which stream the bytes of a frame belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// What the container writes to stdout.
    Stdout,
    /// What it writes to stderr, and what the engine itself has to say about it.
    Stderr,
}

/// The bytes are no frames; nobody knows where the next one would begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFrame;

impl fmt::Display for NoFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the engine's stream has lost its frames")
    }
}

impl std::error::Error for NoFrame {}

/// Before each frame: the stream, three zeros, the length.
const HEAD_BYTES: usize = 8;

/// Takes one stream of frames apart, in pieces of any size.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    /// The beginning of a head whose end has not come.
    head: [u8; HEAD_BYTES],
    held: usize,
    /// The frame whose bytes come now, and how many of them are left. Never zero.
    open: Option<(Stream, usize)>,
}

impl Frames {
    /// Takes the next bytes and gives `take` what belongs to which stream, in order.
    ///
    /// Errors: final; what came before it has been given.
    pub fn feed(
        &mut self,
        mut input: &[u8],
        mut take: impl FnMut(Stream, &[u8]),
    ) -> Result<(), NoFrame> {
        while !input.is_empty() {
            if let Some((stream, left)) = self.open {
                let (bytes, rest) = input.split_at(left.min(input.len()));
                take(stream, bytes);
                let left = left - bytes.len();
                self.open = (left > 0).then_some((stream, left));
                input = rest;
                continue;
            }
            let (bytes, rest) = input.split_at((HEAD_BYTES - self.held).min(input.len()));
            self.head[self.held..self.held + bytes.len()].copy_from_slice(bytes);
            self.held += bytes.len();
            input = rest;
            if self.held == HEAD_BYTES {
                self.held = 0;
                self.open = open(self.head)?;
            }
        }
        Ok(())
    }
}

/// The frame that `head` opens; none if it is empty.
fn open(head: [u8; HEAD_BYTES]) -> Result<Option<(Stream, usize)>, NoFrame> {
    let [kind, zeros @ .., a, b, c, d] = head;
    let stream = match kind {
        // 0 would be stdin, which is written to stdout; 3 is an error of the engine.
        0 | 1 => Stream::Stdout,
        2 | 3 => Stream::Stderr,
        _ => return Err(NoFrame),
    };
    if zeros != [0; 3] {
        return Err(NoFrame);
    }
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    Ok((length > 0).then_some((stream, length)))
}

/// Any bytes, in one piece and in small ones, give the same streams and the same error as a reading
/// that has all of them at hand.
pub fn fuzz(input: &[u8]) {
    let naive = naive(input);
    let size = input.last().map_or(1, |&byte| usize::from(byte % 11) + 1);
    for size in [size, input.len().max(1)] {
        let (mut frames, mut streams) = (Frames::default(), [Vec::new(), Vec::new()]);
        let mut end = Ok(());
        for piece in input.chunks(size) {
            end = frames.feed(piece, |stream, bytes| {
                assert!(!bytes.is_empty());
                streams[stream as usize].extend_from_slice(bytes);
            });
            if end.is_err() {
                break;
            }
        }
        assert_eq!((streams, end), naive);
    }
}

fn naive(mut input: &[u8]) -> ([Vec<u8>; 2], Result<(), NoFrame>) {
    let mut streams = [Vec::new(), Vec::new()];
    while let Some((head, rest)) = input.split_at_checked(HEAD_BYTES) {
        if head[0] > 3 || head[1..4].iter().any(|&byte| byte != 0) {
            return (streams, Err(NoFrame));
        }
        let length = head[4..].iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
        let (bytes, behind) = rest.split_at(length.min(rest.len()));
        streams[usize::from(head[0] / 2)].extend_from_slice(bytes);
        input = behind;
    }
    (streams, Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![kind, 0, 0, 0];
        out.extend_from_slice(&u32::try_from(bytes.len()).expect("short").to_be_bytes());
        out.extend_from_slice(bytes);
        out
    }

    #[test]
    fn frames_are_sorted_by_stream_wherever_they_are_cut() {
        let input =
            [frame(1, b"{\"a\""), frame(2, b"oops\n"), frame(1, b""), frame(1, b":1}\n")].concat();
        for cut in 0..=input.len() {
            let (mut frames, mut out, mut err) = (Frames::default(), Vec::new(), Vec::new());
            for piece in [&input[..cut], &input[cut..]] {
                let fed = frames.feed(piece, |stream, bytes| match stream {
                    Stream::Stdout => out.extend_from_slice(bytes),
                    Stream::Stderr => err.extend_from_slice(bytes),
                });
                assert_eq!(fed, Ok(()));
            }
            assert_eq!((&*out, &*err), (&b"{\"a\":1}\n"[..], &b"oops\n"[..]), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for head in [[4, 0, 0, 0], [1, 1, 0, 0], [2, 0, 0, 9], *b"HTTP"] {
            let input = [&head[..], &[0, 0, 0, 1, b'x']].concat();
            assert_eq!(Frames::default().feed(&input, |_, _| panic!("a frame")), Err(NoFrame));
        }
    }

    #[test]
    fn a_long_frame_is_handed_on_at_once() {
        let (mut frames, mut taken) = (Frames::default(), 0);
        let mut feed = |bytes: &[u8]| frames.feed(bytes, |_, bytes| taken += bytes.len());
        assert_eq!(feed(&[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]), Ok(()));
        assert_eq!(feed(&[7; 1000]), Ok(()));
        assert_eq!(taken, 1000);
    }

    proptest! {
        #[test]
        fn any_cut_gives_what_the_naive_reading_gives(
            frames in prop::collection::vec(
                (0_u8..5, prop::collection::vec(any::<u8>(), 0..40)),
                0..8,
            ),
            tail in prop::collection::vec(any::<u8>(), 0..12),
        ) {
            let mut input: Vec<u8> =
                frames.iter().flat_map(|(kind, bytes)| frame(*kind, bytes)).collect();
            input.extend(tail);
            fuzz(&input);
        }
    }
}
