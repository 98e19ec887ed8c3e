// SPDX-License-Identifier: MIT
//! Sixteen bytes compared at once: what turns walking through a text into looking at it.
//!
//! ```text
//!   bytes   { " i d " : 1 , " n a m e " : "      special_in_json
//!   mask    0 1 0 0 1 0 0 0 1 0 0 0 0 1 0 1      bit n is lane n
//! ```
//!
//! On x86-64 these are instructions of SSE2, which every such processor has; elsewhere they are
//! loops.

// Reason: the intrinsics are marked unsafe for processors without them; x86-64 has them all.
#![allow(unsafe_code)]

/// How many bytes are looked at at once.
pub const WIDTH: usize = 16;

/// The lanes for which something holds: one bit each, the lowest for the first byte.
pub type Mask = u32;

/// Whether `a` or `b` is among the bytes of four blocks.
#[inline(always)]
#[must_use]
pub fn has_either(blocks: &[u8; 4 * WIDTH], a: u8, b: u8) -> bool {
    let (blocks, _) = blocks.as_chunks();
    imp::any_either(blocks.iter().map(imp::load), a, b)
}

/// Sixteen bytes.
#[derive(Clone, Copy, Debug)]
pub struct Lanes(imp::Lanes);

impl Lanes {
    /// The bytes of `block`.
    #[inline(always)]
    #[must_use]
    pub fn load(block: &[u8; WIDTH]) -> Self {
        Self(imp::load(block))
    }

    /// Where a byte is `a` or `b`.
    #[inline(always)]
    #[must_use]
    pub fn either(self, a: u8, b: u8) -> Mask {
        imp::either(self.0, a, b)
    }

    /// Where a byte cannot stand in a string of JSON as it is: `"`, `\` and what is below a space.
    #[inline(always)]
    #[must_use]
    pub fn special_in_json(self) -> Mask {
        imp::special_in_json(self.0)
    }
}

#[cfg(target_arch = "x86_64")]
mod imp {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };

    use super::{Mask, WIDTH};

    pub(super) type Lanes = __m128i;

    #[inline(always)]
    pub(super) fn load(block: &[u8; WIDTH]) -> Lanes {
        // WHY UNSAFE: std loads vectors by pointers alone.
        // SAFETY: the pointer is that of sixteen readable bytes, and `loadu` asks for no alignment.
        unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
    }

    #[inline(always)]
    pub(super) fn either(lanes: Lanes, a: u8, b: u8) -> Mask {
        // WHY UNSAFE: the intrinsics want SSE2.
        // SAFETY: SSE2 is a part of x86-64, and these read and write no memory.
        unsafe {
            let a = _mm_cmpeq_epi8(lanes, _mm_set1_epi8(a.cast_signed()));
            let b = _mm_cmpeq_epi8(lanes, _mm_set1_epi8(b.cast_signed()));
            mask(_mm_or_si128(a, b))
        }
    }

    #[inline(always)]
    pub(super) fn any_either(blocks: impl Iterator<Item = Lanes>, a: u8, b: u8) -> bool {
        // WHY UNSAFE: the intrinsics want SSE2.
        // SAFETY: SSE2 is a part of x86-64, and these read and write no memory.
        unsafe {
            let (a, b) = (_mm_set1_epi8(a.cast_signed()), _mm_set1_epi8(b.cast_signed()));
            let found = blocks.fold(_mm_set1_epi8(0), |found, lanes| {
                let here = _mm_or_si128(_mm_cmpeq_epi8(lanes, a), _mm_cmpeq_epi8(lanes, b));
                _mm_or_si128(found, here)
            });
            mask(found) != 0
        }
    }

    #[inline(always)]
    pub(super) fn special_in_json(lanes: Lanes) -> Mask {
        // WHY UNSAFE: the intrinsics want SSE2.
        // SAFETY: SSE2 is a part of x86-64, and these read and write no memory.
        unsafe {
            let quote = _mm_cmpeq_epi8(lanes, _mm_set1_epi8(b'"'.cast_signed()));
            let backslash = _mm_cmpeq_epi8(lanes, _mm_set1_epi8(b'\\'.cast_signed()));
            // There is no comparison of unsigned bytes; what the minimum leaves alone is not more.
            let control = _mm_cmpeq_epi8(_mm_min_epu8(lanes, _mm_set1_epi8(0x1f)), lanes);
            mask(_mm_or_si128(_mm_or_si128(quote, backslash), control))
        }
    }

    #[inline(always)]
    fn mask(lanes: Lanes) -> Mask {
        // WHY UNSAFE: the intrinsic wants SSE2.
        // SAFETY: SSE2 is a part of x86-64, and this reads and writes no memory.
        unsafe { _mm_movemask_epi8(lanes) }.cast_unsigned()
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod imp {
    pub(super) use super::plain::{Lanes, any_either, either, load, special_in_json};
}

/// The same in words that every processor understands.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod plain {
    use super::{Mask, WIDTH};

    pub(super) type Lanes = [u8; WIDTH];

    pub(super) fn load(block: &[u8; WIDTH]) -> Lanes {
        *block
    }

    pub(super) fn either(lanes: Lanes, a: u8, b: u8) -> Mask {
        mask(lanes, |lane| lane == a || lane == b)
    }

    pub(super) fn any_either(mut blocks: impl Iterator<Item = Lanes>, a: u8, b: u8) -> bool {
        blocks.any(|lanes| either(lanes, a, b) != 0)
    }

    pub(super) fn special_in_json(lanes: Lanes) -> Mask {
        mask(lanes, |lane| lane < 0x20 || lane == b'"' || lane == b'\\')
    }

    fn mask(lanes: Lanes, holds: impl Fn(u8) -> bool) -> Mask {
        lanes.iter().rev().fold(0, |mask, &lane| mask << 1 | Mask::from(holds(lane)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_seen_as_by_the_plain_twin() {
        for byte in 0..=255 {
            for at in 0..WIDTH {
                let mut block = *b"plain text, 16 B";
                block[at] = byte;
                let (fast, twin) = (Lanes::load(&block), plain::load(&block));
                assert_eq!(fast.either(byte, b'x'), plain::either(twin, byte, b'x'));
                assert_eq!(fast.special_in_json(), plain::special_in_json(twin));
            }
        }
    }

    #[test]
    fn one_byte_among_four_blocks_is_found() {
        for at in 0..4 * WIDTH {
            let mut blocks = [b'x'; 4 * WIDTH];
            assert!(!has_either(&blocks, b':', b'='));
            blocks[at] = if at % 2 == 0 { b':' } else { b'=' };
            assert!(has_either(&blocks, b':', b'='));
        }
    }

    #[test]
    fn the_first_byte_is_the_lowest_bit() {
        assert_eq!(Lanes::load(b"a..............b").either(b'a', b'b'), 0x8001);
    }
}
