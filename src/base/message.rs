// SPDX-License-Identifier: MIT
//! One framed message: bytes that many may hold and nobody changes.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Where something lies in a message: `start..end`, in bytes.
///
/// Invariant: `start <= end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl Span {
    /// From offsets. A message never reaches 4 GiB, so larger offsets are our own mistake.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && u32::try_from(end).is_ok());
        Self { start: start as u32, end: end as u32 }
    }

    /// How many bytes it covers.
    #[must_use]
    pub const fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether it covers nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The bytes of `of` that it covers; empty if `of` is shorter than it was.
    #[must_use]
    pub fn of(self, of: &[u8]) -> &[u8] {
        of.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The same place, seen from a text in which this one starts `by` bytes later.
    #[must_use]
    pub fn shifted(self, by: usize) -> Self {
        Self::new(self.start as usize + by, self.end as usize + by)
    }
}

/// Immutable bytes with shared ownership; a clone or a slice costs a reference count.
#[derive(Clone)]
pub struct Message {
    bytes: Bytes,
    span: Span,
}

#[derive(Clone)]
enum Bytes {
    /// Known when the program was built.
    Fixed(&'static [u8]),
    /// Copied from somewhere in one go: one allocation, with the count in it.
    Exact(Arc<[u8]>),
    /// Grown piece by piece, and taken over as it is.
    Grown(Arc<Vec<u8>>),
}

impl Message {
    /// Takes `bytes` over without copying them.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        let span = Span::new(0, bytes.len());
        Self { bytes: Bytes::Grown(Arc::new(bytes)), span }
    }

    /// A message of its own with a copy of `bytes`; cheaper than growing one.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        let span = Span::new(0, bytes.len());
        Self { bytes: Bytes::Exact(bytes.into()), span }
    }

    /// Bytes that were known when the program was built; nothing is allocated.
    #[must_use]
    pub const fn fixed(bytes: &'static [u8]) -> Self {
        let span = Span { start: 0, end: bytes.len() as u32 };
        Self { bytes: Bytes::Fixed(bytes), span }
    }

    /// The part `span`, relative to this message, sharing the same bytes.
    #[must_use]
    pub fn slice(&self, span: Span) -> Self {
        let start = self.span.start.saturating_add(span.start).min(self.span.end);
        let end = self.span.start.saturating_add(span.end).clamp(start, self.span.end);
        Self { bytes: self.bytes.clone(), span: Span { start, end } }
    }

    /// The bytes as a vector: the one that they were grown in if nobody else has it, else a copy.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        let span = self.span;
        let bytes = match self.bytes {
            Bytes::Grown(bytes) if span.len() == bytes.len() => bytes,
            Bytes::Grown(bytes) => return span.of(&bytes).to_vec(),
            Bytes::Fixed(bytes) => return span.of(bytes).to_vec(),
            Bytes::Exact(bytes) => return span.of(&bytes).to_vec(),
        };
        Arc::try_unwrap(bytes).unwrap_or_else(|shared| shared.to_vec())
    }

    /// The bytes, borrowed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let all = match &self.bytes {
            Bytes::Fixed(bytes) => bytes,
            Bytes::Exact(bytes) => &bytes[..],
            Bytes::Grown(bytes) => &bytes[..],
        };
        self.span.of(all)
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::fixed(b"")
    }
}

impl Deref for Message {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::copy_of(text.as_bytes())
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}
impl Eq for Message {}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_comes_back_as_it_was_given() {
        let grown = Vec::from(*b"0123456789");
        let place = grown.as_ptr();
        let message = Message::new(grown);
        assert_eq!(message.slice(Span::new(2, 4)).into_vec(), b"23");
        assert_eq!(Message::fixed(b"abc").slice(Span::new(1, 3)).into_vec(), b"bc");
        assert_eq!(Message::copy_of(b"abc").into_vec(), b"abc");
        let back = message.into_vec();
        assert_eq!((back.as_ptr(), &back[..]), (place, &b"0123456789"[..]));
    }

    #[test]
    fn a_slice_of_a_slice_stays_inside() {
        let whole = Message::from("0123456789");
        let part = whole.slice(Span::new(2, 8));
        assert_eq!(part.as_bytes(), b"234567");
        assert_eq!(part.slice(Span::new(1, 3)).as_bytes(), b"34");
        assert_eq!(part.slice(Span::new(4, 99)).as_bytes(), b"67");
        assert_eq!(part.slice(Span::new(50, 99)).as_bytes(), b"");
    }
}
