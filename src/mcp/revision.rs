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
    /// Whether a connection begins with `initialize`: the legacy era.
    pub handshake: bool,
    /// Whether results of tools have `structuredContent`, and tools an `outputSchema`.
    pub structured_content: bool,
    /// Whether `structuredContent` may be any value, and not only an object.
    pub structured_values: bool,
    /// Whether clients can be asked with a form.
    pub elicitation: bool,
    /// Whether clients can be asked to open an address.
    pub elicitation_url: bool,
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
        handshake: true,
        structured_content: false,
        structured_values: false,
        elicitation: false,
        elicitation_url: false,
    },
    Revision {
        date: "2025-03-26",
        batching: true,
        resumption: true,
        priming: false,
        version_header: false,
        handshake: true,
        structured_content: false,
        structured_values: false,
        elicitation: false,
        elicitation_url: false,
    },
    Revision {
        date: "2025-06-18",
        batching: false,
        resumption: true,
        priming: false,
        version_header: true,
        handshake: true,
        structured_content: true,
        structured_values: false,
        elicitation: true,
        elicitation_url: false,
    },
    Revision {
        date: "2025-11-25",
        batching: false,
        resumption: true,
        priming: true,
        version_header: true,
        handshake: true,
        structured_content: true,
        structured_values: false,
        elicitation: true,
        elicitation_url: true,
    },
];

/// The revision without a handshake.
pub static MODERN: Revision = Revision {
    date: "2026-07-28",
    batching: false,
    resumption: false,
    priming: false,
    version_header: true,
    handshake: false,
    structured_content: true,
    structured_values: true,
    elicitation: true,
    elicitation_url: true,
};

/// The newest revision with a handshake: what we ask for, and answer to unknown dates.
#[must_use]
pub fn newest() -> &'static Revision {
    &LEGACY[LEGACY.len() - 1]
}

/// The revision without a handshake.
#[must_use]
pub const fn modern() -> &'static Revision {
    &MODERN
}

/// The revision of the legacy era with this date.
#[must_use]
pub fn find(date: &[u8]) -> Option<&'static Revision> {
    // The newest one comes most.
    LEGACY.iter().rev().find(|revision| revision.date.as_bytes() == date)
}

/// The revision of this date, of either era.
#[must_use]
pub fn find_any(date: &[u8]) -> Option<&'static Revision> {
    if is_modern(date) { Some(modern()) } else { find(date) }
}

/// Whether this is the date of a revision without a handshake.
#[must_use]
pub fn is_modern(date: &[u8]) -> bool {
    MODERN.date.as_bytes() == date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eras_have_their_revisions_and_share_none() {
        assert_eq!(find_any(b"2026-07-28"), Some(modern()));
        assert_eq!(find_any(b"2025-11-25"), Some(newest()));
        assert_eq!(find_any(b"2026-07-29"), None);
        assert!(is_modern(b"2026-07-28") && !is_modern(b"2025-11-25"));
        assert!(LEGACY.iter().all(|revision| revision.handshake) && !modern().handshake);
    }

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
