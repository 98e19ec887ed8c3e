// SPDX-License-Identifier: MIT
//! Random numbers from a seed: a ChaCha20 key stream, so that session ids cannot be guessed.

/// The letters that stand for five bits each.
///
/// Spec: RFC 4648 §6.
pub const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A cryptographic generator: the same seed gives the same numbers.
///
/// Spec: RFC 8439 §2.3 (the block function), with a 64-bit block counter.
pub struct Rng {
    key: [u32; 8],
    block: [u32; 16],
    counter: u64,
    used: usize,
}

impl Rng {
    /// From 32 bytes that nobody else knows.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        let mut key = [0; 8];
        for (word, bytes) in key.iter_mut().zip(seed.chunks_exact(4)) {
            *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        Self { key, block: [0; 16], counter: 0, used: 16 }
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 16 {
            self.refill();
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
    }

    /// As many random bytes as wanted, for keys and nonces.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(4) {
            let word = self.next_u32().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        bytes
    }

    /// `n` characters of the alphabet of RFC 4648 base32: 5 bits each, visible ASCII.
    pub fn base32(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from(BASE32[(self.next_u32() & 31) as usize])).collect()
    }

    /// `n` lower-case hexadecimal digits.
    pub fn hex(&mut self, n: usize) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        (0..n).map(|_| char::from(DIGITS[(self.next_u32() & 15) as usize])).collect()
    }

    fn refill(&mut self) {
        const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
        let mut start = [0; 16];
        start[..4].copy_from_slice(&CONSTANTS);
        start[4..12].copy_from_slice(&self.key);
        start[12] = self.counter as u32;
        start[13] = (self.counter >> 32) as u32;
        let mut state = start;
        for _ in 0..10 {
            for [a, b, c, d] in [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]] {
                quarter(&mut state, a, b, c, d);
            }
            for [a, b, c, d] in [[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]] {
                quarter(&mut state, a, b, c, d);
            }
        }
        for (word, first) in state.iter_mut().zip(start) {
            *word = word.wrapping_add(first);
        }
        self.block = state;
        self.counter += 1;
        self.used = 0;
    }
}

fn quarter(state: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    state[a] = state[a].wrapping_add(state[b]);
    state[d] = (state[d] ^ state[a]).rotate_left(16);
    state[c] = state[c].wrapping_add(state[d]);
    state[b] = (state[b] ^ state[c]).rotate_left(12);
    state[a] = state[a].wrapping_add(state[b]);
    state[d] = (state[d] ^ state[a]).rotate_left(8);
    state[c] = state[c].wrapping_add(state[d]);
    state[b] = (state[b] ^ state[c]).rotate_left(7);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_block_of_the_zero_key_is_the_published_one() {
        // RFC 8439 appendix A.1, test vector 1.
        let mut rng = Rng::new([0; 32]);
        assert_eq!(rng.next_u32(), u32::from_le_bytes([0x76, 0xb8, 0xe0, 0xad]));
        assert_eq!(rng.next_u32(), u32::from_le_bytes([0xa0, 0xf1, 0x3d, 0x90]));
    }

    #[test]
    fn bytes_are_the_key_stream() {
        // RFC 8439 appendix A.1, test vector 1.
        assert_eq!(Rng::new([0; 32]).bytes(), [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d]);
    }

    // Checklist 27.
    #[test]
    fn ids_are_visible_ascii_and_differ() {
        let mut rng = Rng::new([7; 32]);
        let (first, second) = (rng.base32(26), rng.base32(26));
        assert_ne!(first, second);
        assert!(first.bytes().all(|b| b.is_ascii_graphic()));
        assert_eq!(rng.hex(64).len(), 64);
    }
}
