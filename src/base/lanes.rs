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
    pub(super) use super::plain::{Lanes, load, special_in_json};
}

/// The same in words that every processor understands.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod plain {
    use super::{Mask, WIDTH};

    pub(super) type Lanes = [u8; WIDTH];

    pub(super) fn load(block: &[u8; WIDTH]) -> Lanes {
        *block
    }

    pub(super) fn special_in_json(lanes: Lanes) -> Mask {
        let is_special = |lane: u8| lane < 0x20 || lane == b'"' || lane == b'\\';
        lanes.iter().rev().fold(0, |mask, &lane| mask << 1 | Mask::from(is_special(lane)))
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
                assert_eq!(fast.special_in_json(), plain::special_in_json(twin));
            }
        }
    }

    #[test]
    fn the_first_byte_is_the_lowest_bit() {
        assert_eq!(Lanes::load(b"\"..............\\").special_in_json(), 0x8001);
    }
}
