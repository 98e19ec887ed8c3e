// SPDX-License-Identifier: MIT
//! What a readiness event is about, as the one number that the poll carries.

use mio::Token;

use super::child::Child;
use super::connect::Connection;
use super::container::Remover;
use super::engine::{Contained, Removal};
use super::peer::PeerConnection;
use crate::base::Key;

/// A thing that becomes ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Listener,
    Completions,
    Signals,
    Peer(Key<PeerConnection>),
    ChildStdin(Key<Child>),
    ChildStdout(Key<Child>),
    ChildStderr(Key<Child>),
    ChildExit(Key<Child>),
    Remover(Key<Remover>),
    Connection(Key<Connection>),
    /// The question to the engine who it is.
    Engine,
    /// The request under way for a container.
    EngineStep(Key<Contained>),
    EngineStream(Key<Contained>),
    EngineWait(Key<Contained>),
    Removal(Key<Removal>),
}

/// A thing that has something to do in this turn or the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Peer(Key<PeerConnection>),
    Child(Key<Child>),
    Connection(Key<Connection>),
    Contained(Key<Contained>),
    Engine,
    Removal(Key<Removal>),
}

// The generation fills the upper half, so the kind takes the upper bits of the index: no table has
// 2^28 slots, but a busy slot may see 2^28 occupants.
const _: () = assert!(usize::BITS == 64, "a token holds a whole key");
const KIND_SHIFT: u32 = 28;
const INDEX_MASK: u64 = (1 << KIND_SHIFT) - 1;

impl From<Source> for Token {
    fn from(source: Source) -> Self {
        let (kind, bits) = match source {
            Source::Listener => (0, 0),
            Source::Completions => (1, 0),
            Source::Signals => (2, 0),
            Source::Peer(key) => (3, key.to_bits()),
            Source::ChildStdin(key) => (4, key.to_bits()),
            Source::ChildStdout(key) => (5, key.to_bits()),
            Source::ChildStderr(key) => (6, key.to_bits()),
            Source::ChildExit(key) => (7, key.to_bits()),
            Source::Remover(key) => (8, key.to_bits()),
            Source::Connection(key) => (9, key.to_bits()),
            Source::Engine => (10, 0),
            Source::EngineStep(key) => (11, key.to_bits()),
            Source::EngineStream(key) => (12, key.to_bits()),
            Source::EngineWait(key) => (13, key.to_bits()),
            Source::Removal(key) => (14, key.to_bits()),
        };
        debug_assert!(bits & u64::from(u32::MAX) <= INDEX_MASK, "a table has grown out of bounds");
        Self((bits | kind << KIND_SHIFT) as usize)
    }
}

impl Source {
    /// What `token` was made from; `None` if none of ours is.
    pub(super) fn from_token(token: Token) -> Option<Self> {
        let bits = token.0 as u64;
        Some(match bits >> KIND_SHIFT & 15 {
            0 => Self::Listener,
            1 => Self::Completions,
            2 => Self::Signals,
            3 => Self::Peer(key(bits)),
            4 => Self::ChildStdin(key(bits)),
            5 => Self::ChildStdout(key(bits)),
            6 => Self::ChildStderr(key(bits)),
            7 => Self::ChildExit(key(bits)),
            8 => Self::Remover(key(bits)),
            9 => Self::Connection(key(bits)),
            10 => Self::Engine,
            11 => Self::EngineStep(key(bits)),
            12 => Self::EngineStream(key(bits)),
            13 => Self::EngineWait(key(bits)),
            14 => Self::Removal(key(bits)),
            _ => return None,
        })
    }
}

fn key<T>(bits: u64) -> Key<T> {
    Key::from_parts((bits & INDEX_MASK) as u32, (bits >> 32) as u32)
}

/// The same slot and generation under another marker: the gateway names a peer without knowing
/// what we keep for it.
pub(super) fn renamed<A, B>(key: Key<A>) -> Key<B> {
    Key::from_parts(key.index() as u32, key.generation())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_as_what_it_was_made_from() {
        let all = [
            Source::Listener,
            Source::Completions,
            Source::Signals,
            Source::Peer(Key::from_parts(0, 0)),
            Source::ChildStdin(Key::from_parts(1, u32::MAX)),
            Source::ChildStdout(Key::from_parts(8191, 7)),
            Source::ChildStderr(Key::from_parts(INDEX_MASK as u32, 1)),
            Source::ChildExit(Key::from_parts(3, 3)),
            Source::Remover(Key::from_parts(4, 4)),
            Source::Connection(Key::from_parts(5, 5)),
            Source::Engine,
            Source::EngineStep(Key::from_parts(6, 6)),
            Source::EngineStream(Key::from_parts(7, 7)),
            Source::EngineWait(Key::from_parts(8, 8)),
            Source::Removal(Key::from_parts(9, 9)),
        ];
        for source in all {
            assert_eq!(Source::from_token(Token::from(source)), Some(source));
        }
    }
}
