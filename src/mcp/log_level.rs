// SPDX-License-Identifier: MIT
//! How severe a log message is.
//!
//! Spec: MCP 2025-11-25, server/utilities/logging, "Log Levels" (RFC 5424 §6.2.1).

/// A level of `logging/setLevel` and `notifications/message`, the least severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogLevel(u8);

const NAMES: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

impl LogLevel {
    /// From its name; `None` if there is no such level.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        NAMES.iter().zip(0..).find(|(own, _)| **own == name).map(|(_, level)| Self(level))
    }

    /// As messages spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_by_severity() {
        assert!(LogLevel::of("debug") < LogLevel::of("emergency"));
        assert_eq!(LogLevel::of("warning").map(LogLevel::name), Some("warning"));
        assert_eq!(LogLevel::of("Warning"), None);
    }
}
