// SPDX-License-Identifier: MIT
//! Which version of the API is spoken: the older of the engine's newest and ours.

use std::fmt;

/// A version of the API, such as 1.41.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u16,
    minor: u16,
}

/// The newest version that we have read the reference of. What we use of it is far older.
pub const OURS: Version = Version { major: 1, minor: 47 };

impl Version {
    /// Reads `major.minor`, as in the field `Api-Version`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (major, minor) = std::str::from_utf8(text).ok()?.split_once('.')?;
        let number = |digits: &str| {
            let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| is_plain)
        };
        Some(Self { major: number(major)?, minor: number(minor)? })
    }

    /// What to speak with an engine whose newest version is this one. An engine that has given up
    /// ours says so when it is asked for something.
    #[must_use]
    pub fn spoken(self) -> Self {
        self.min(OURS)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_version_is_spoken() {
        for (theirs, spoken) in [
            ("1.24", "1.24"),
            ("1.41", "1.41"),
            ("1.47", "1.47"),
            ("1.52", "1.47"),
            ("2.0", "1.47"),
        ] {
            let version = Version::parse(theirs.as_bytes()).expect("a version");
            assert_eq!(version.spoken().to_string(), spoken);
        }
    }

    #[test]
    fn a_version_is_two_numbers() {
        for text in ["", "1", "1.", ".1", "v1.41", "1.41.0", "1.+4", "1.99999"] {
            assert_eq!(Version::parse(text.as_bytes()), None, "{text}");
        }
    }
}
