// SPDX-License-Identifier: MIT
//! Secrets have a type that cannot speak.

use std::fmt;

/// An API key, token or password. Cannot be printed and compares in constant time.
#[derive(Clone, Default)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes a copy of `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Takes the same time wherever the first difference lies; the length is not hidden.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        let differing = self.0.iter().zip(candidate).fold(0, |acc, (a, b)| acc | (a ^ b));
        self.0.len() == candidate.len() && std::hint::black_box(differing) == 0
    }

    /// The secret itself, for the one place that must send it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_matches_itself_alone_and_does_not_speak() {
        let secret = Secret::new(b"k-123");
        assert!(secret.matches(b"k-123"));
        for other in ["", "k-12", "k-1234", "K-123"] {
            assert!(!secret.matches(other.as_bytes()), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }
}
