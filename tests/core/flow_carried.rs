// SPDX-License-Identifier: MIT
//! What an agent carries, as far as it can be known from outside.

/// What an agent carries for certain, and what it may carry: guards give their labels when a call
/// is judged, which nobody sees. What they give and what reading takes away is held apart, since
/// the order of the two must not count.
#[derive(Clone, Copy)]
pub struct Carried {
    pub secrecy: u8,
    pub secrecy_max: u8,
    /// The integrity that was given for certain, and that may have been.
    pub given: u8,
    pub given_max: u8,
    /// What all that it has read has, and all that it may have read.
    pub read: u8,
    pub read_min: u8,
    /// Whether it has called anything.
    pub calls: bool,
    /// The secrecy of what it has seen, by guarded servers.
    pub seen_at: [u8; 2],
}

impl Carried {
    pub const NOTHING: Self = Self {
        secrecy: 0,
        secrecy_max: 0,
        given: 0,
        given_max: 0,
        read: u8::MAX,
        read_min: u8::MAX,
        calls: false,
        seen_at: [0; 2],
    };

    pub const fn integrity(&self) -> u8 {
        self.given & self.read_min
    }

    pub const fn integrity_max(&self) -> u8 {
        self.given_max & self.read
    }
}
