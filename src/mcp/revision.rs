// SPDX-License-Identifier: MIT
//! One row of features per protocol revision.

/// What a revision has. Nothing outside this file compares revisions.
#[derive(Debug, PartialEq, Eq)]
pub struct Revision {
    /// The value of `protocolVersion`.
    pub date: &'static str,
    /// Whether a client may send an array of messages.
    pub batching: bool,
    /// Whether events carry ids and a stream can be resumed with `Last-Event-ID`.
    pub resumption: bool,
    /// Whether a stream begins with an empty event that carries an id.
    pub priming: bool,
    /// Whether `MCP-Protocol-Version` accompanies requests after the handshake.
    pub version_header: bool,
}

impl Revision {
    /// What two sides agree on, of which one wants `self` and the other one `other`.
    #[must_use]
    pub fn older_of(&'static self, other: &'static Self) -> &'static Self {
        if self.date < other.date { self } else { other }
    }
}

/// The revisions of the legacy era, oldest first.
pub static LEGACY: [Revision; 4] = [
    Revision {
        date: "2024-11-05",
        batching: true,
        resumption: false,
        priming: false,
        version_header: false,
    },
    Revision {
        date: "2025-03-26",
        batching: true,
        resumption: true,
        priming: false,
        version_header: false,
    },
    Revision {
        date: "2025-06-18",
        batching: false,
        resumption: true,
        priming: false,
        version_header: true,
    },
    Revision {
        date: "2025-11-25",
        batching: false,
        resumption: true,
        priming: true,
        version_header: true,
    },
];

/// The newest revision with a handshake: what we ask for, and answer to unknown dates.
#[must_use]
pub fn newest() -> &'static Revision {
    &LEGACY[LEGACY.len() - 1]
}

/// The revision of this date.
#[must_use]
pub fn find(date: &[u8]) -> Option<&'static Revision> {
    LEGACY.iter().find(|revision| revision.date.as_bytes() == date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_legacy_date_is_known_and_no_other() {
        for date in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            assert_eq!(find(date.as_bytes()).map(|r| r.date), Some(date));
        }
        assert_eq!(find(b"1999-01-01"), None);
        assert_eq!(find(b"2026-07-28"), None);
        assert_eq!(newest().date, "2025-11-25");
    }
}
