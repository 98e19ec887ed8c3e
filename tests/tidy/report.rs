// SPDX-License-Identifier: MIT
//! What the rules find, all of it at once.

use crate::source::Source;

/// Violations, as `path:line: what`.
#[derive(Default)]
pub struct Report(Vec<(String, String)>);

impl Report {
    /// Asks `rule` about each source and fails if it has found anything.
    #[track_caller]
    pub fn of(sources: Vec<&Source>, rule: impl Fn(&Source, &mut Self)) {
        assert!(!sources.is_empty(), "there is nothing to check");
        let mut report = Self::default();
        for source in sources {
            rule(source, &mut report);
        }
        report.finish();
    }

    /// Adds one violation.
    pub fn add(&mut self, path: &str, line: usize, what: impl Into<String>) {
        self.0.push((format!("{path}:{line}"), what.into()));
    }

    /// Fails if there is any.
    #[track_caller]
    pub fn finish(self) {
        let lines: Vec<_> = self.0.iter().map(|(place, what)| format!("{place}: {what}")).collect();
        assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
    }

    /// What was found, without the places.
    pub fn whats(&self) -> Vec<&str> {
        self.0.iter().map(|(_, what)| what.as_str()).collect()
    }

    /// The lines where something was found.
    pub fn lines(&self) -> Vec<usize> {
        let number = |place: &str| place.rsplit(':').next().and_then(|line| line.parse().ok());
        self.0.iter().filter_map(|(place, _)| number(place)).collect()
    }
}
