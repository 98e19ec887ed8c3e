// SPDX-License-Identifier: MIT
//! Why a call would be let through or not, step by step, for people.
//!
//! ```text
//!  call.json ──> Call ──> guard and monitor, as for a real call ──> Explanation ──> text, JSON
//! ```
//!
//! Nothing here judges: an explanation tells what was judged elsewhere.

mod call;

pub use call::{Call, fuzz};

use crate::wire::json::write;

/// What happened to a call, in order, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// What was found out, in order.
    pub steps: Vec<Explained>,
    /// How it ended.
    pub verdict: Verdict,
}

/// One thing that was found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What it is about, in a word or two.
    pub title: Box<str>,
    /// What was found out; it may have several lines.
    pub text: String,
}

/// How a call ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing stands in its way.
    #[default]
    Allowed,
    /// It is let through, and some items of its answer are removed.
    Filtered {
        /// How many.
        removed: usize,
        /// Of how many.
        of: usize,
    },
    /// It is denied, or its answer is withheld.
    Denied(Denied),
    /// It would be denied, and is let through because its policy is in shadow mode.
    Shadowed(Denied),
}

/// Why a call is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The rule, as in `error.data`.
    pub rule: Box<str>,
    /// The reason.
    pub reason: String,
    /// What would be allowed; empty: nothing that we know.
    pub allowed: String,
}

impl Verdict {
    /// One word for scripts.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Allowed => "allow",
            Self::Filtered { .. } => "filter",
            Self::Denied(_) => "deny",
            Self::Shadowed(_) => "shadow",
        }
    }

    /// Why it is denied, or would be.
    #[must_use]
    pub const fn denied(&self) -> Option<&Denied> {
        match self {
            Self::Denied(denied) | Self::Shadowed(denied) => Some(denied),
            Self::Allowed | Self::Filtered { .. } => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Allowed => "allowed".to_owned(),
            Self::Filtered { removed, of } => {
                format!("allowed, without {removed} of {of} items of the answer")
            }
            Self::Denied(denied) => format!("denied by {}", denied.rule),
            Self::Shadowed(denied) => {
                format!("allowed, since the policy only watches; else denied by {}", denied.rule)
            }
        }
    }
}

impl Explanation {
    /// Adds a step.
    pub fn step(&mut self, title: impl Into<Box<str>>, text: impl Into<String>) {
        self.steps.push(Explained { title: title.into(), text: text.into() });
    }

    /// For a terminal: titles in a column, texts beside them.
    #[must_use]
    pub fn text(&self) -> String {
        let mut rows: Vec<(&str, String)> =
            self.steps.iter().map(|step| (&*step.title, step.text.clone())).collect();
        rows.push(("decision", self.verdict.text()));
        if let Some(denied) = self.verdict.denied() {
            rows.push(("reason", denied.reason.clone()));
            if !denied.allowed.is_empty() {
                rows.push(("would pass", denied.allowed.clone()));
            }
        }
        let width = rows.iter().map(|(title, _)| title.chars().count()).max().unwrap_or(0);
        let mut out = String::new();
        for (title, text) in &rows {
            let mut title = *title;
            for line in text.trim_end().split('\n') {
                out.push_str(format!("{title:width$}  {}", printable(line)).trim_end());
                out.push('\n');
                title = "";
            }
        }
        out
    }

    /// For scripts: one object.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write::object(&mut out, |object| {
            object.str("decision", self.verdict.as_str());
            if let Some(denied) = self.verdict.denied() {
                object.str("rule", &denied.rule).str("reason", &denied.reason);
                object.str("allowed", &denied.allowed);
            }
            if let Verdict::Filtered { removed, of } = self.verdict {
                object.u64("removed", removed as u64).u64("items", of as u64);
            }
            object.array("steps", |steps| {
                for step in &self.steps {
                    steps.object(|object| {
                        object.str("title", &step.title).str("text", &step.text);
                    });
                }
            });
        });
        out.push(b'\n');
        out
    }
}

/// What came from a file must not steer the terminal.
fn printable(line: &str) -> String {
    line.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> Denied {
        Denied {
            rule: "difc.write.secrecy".into(),
            reason: "Agent carries private data.".to_owned(),
            allowed: "a write to acme/plans".to_owned(),
        }
    }

    fn explanation(verdict: Verdict) -> Explanation {
        let mut explanation = Explanation { verdict, ..Explanation::default() };
        explanation.step("call", "create_issue of github");
        explanation.step("agent labels", "secrecy [private:acme]\nintegrity []\u{1b}[2J");
        explanation
    }

    #[test]
    fn a_text_has_titles_beside_what_was_found() {
        let want = "call          create_issue of github\n\
                    agent labels  secrecy [private:acme]\n              \
                    integrity []\u{fffd}[2J\n\
                    decision      denied by difc.write.secrecy\n\
                    reason        Agent carries private data.\n\
                    would pass    a write to acme/plans\n";
        assert_eq!(explanation(Verdict::Denied(denied())).text(), want);
        let filtered = explanation(Verdict::Filtered { removed: 1, of: 3 }).text();
        assert!(filtered.ends_with("decision      allowed, without 1 of 3 items of the answer\n"));
    }

    #[test]
    fn json_says_the_same() {
        let json = String::from_utf8(explanation(Verdict::Shadowed(denied())).json()).unwrap();
        let want = concat!(
            r#"{"decision":"shadow","rule":"difc.write.secrecy","#,
            r#""reason":"Agent carries private data.","allowed":"a write to acme/plans","#,
            r#""steps":[{"title":"call","text":"create_issue of github"},{"#
        );
        assert!(json.starts_with(want) && json.ends_with("]}\n"), "{json}");
        let json = explanation(Verdict::Filtered { removed: 1, of: 3 }).json();
        assert!(json.starts_with(br#"{"decision":"filter","removed":1,"items":3,"steps":[{"#));
    }
}
