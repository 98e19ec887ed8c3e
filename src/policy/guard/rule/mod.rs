// SPDX-License-Identifier: MIT
//! Policies as types: what an agent may see, and what may flow into a sink.
//!
//! ```text
//!  {"allow-only": {"repos": …, "min-integrity": …}}   ──> AllowOnly ──> label_agent of a guard
//!  {"write-sink": {"accept": […]}}                    ──> WriteSink ──> the labels of the sink
//! ```
//!
//! What is parsed here is checked here: a value of these types is a policy that can be followed.

use crate::wire::json::Node;
use crate::wire::json::tree;

pub mod allow_only;
pub mod payload;
pub mod scope;
pub mod sink;
pub mod value;
pub mod write;

pub use allow_only::AllowOnly;
pub use payload::{label_agent_payload, parse_payload};
pub use sink::{Visibility, WriteSink};

use value::{Wrong, members};

/// Deeper texts are no policies; one needs four levels.
pub const DEPTH_MAX: usize = 16;

/// What an agent may do, or what a sink takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The agent sees only this.
    AllowOnly(AllowOnly),
    /// The server takes what agents write, and nobody reads from it.
    WriteSink(WriteSink),
}

/// Which repositories a policy is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repos {
    /// All, the private ones too.
    All,
    /// Those that everybody can see.
    Public,
    /// `owner/*`, `owner/repo`, `owner/prefix*`; in the order of the policy, never empty.
    Scopes(Vec<Box<str>>),
}

/// How much somebody has vouched for an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Not at all.
    None,
    /// Its author is known.
    Unapproved,
    /// Its author, or somebody else, may write.
    Approved,
    /// It is part of the code.
    Merged,
}

impl Policy {
    /// The policy that this JSON text says.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with the field in the text.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        match tree::parse(text, DEPTH_MAX) {
            Ok(node) => Self::of(&node),
            Err(error) => Err(Wrong::shape(error.to_string()).to_string()),
        }
    }

    /// The policy that a JSON value says.
    ///
    /// # Errors
    ///
    /// As for [`Self::parse`].
    pub fn of(node: &Node) -> Result<Self, String> {
        Self::read(node).map_err(|wrong| wrong.to_string())
    }

    /// The policy that the bare fields of `allow-only` say.
    ///
    /// # Errors
    ///
    /// As for [`Self::parse`].
    pub fn of_fields(node: &Node) -> Result<Self, String> {
        AllowOnly::read(node).map(Self::AllowOnly).map_err(|wrong| wrong.to_string())
    }

    fn read(node: &Node) -> Result<Self, Wrong> {
        let (mut allow_only, mut write_sink) = (None, None);
        for (name, node) in members(node)? {
            let place = match name.to_ascii_lowercase().as_str() {
                "allow-only" | "allowonly" => &mut allow_only,
                "write-sink" | "writesink" => &mut write_sink,
                _ => return Err(Wrong::shape(unsupported("policy", name))),
            };
            if place.replace(node).is_some() {
                return Err(Wrong::shape(format!("policy contains field \"{name}\" twice")));
            }
        }
        match (allow_only, write_sink) {
            (Some(node), None) => AllowOnly::read(node).map(Self::AllowOnly),
            (None, Some(node)) => WriteSink::read(node).map(Self::WriteSink),
            (None, None) => Err(Wrong::shape("policy must include allow-only or write-sink")),
            (Some(_), Some(_)) => {
                Err(Wrong::shape("policy must include either allow-only or write-sink, not both"))
            }
        }
    }

    /// The policy as JSON, in the one spelling that we use.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        write::policy(self)
    }
}

/// A field that nobody knows.
fn unsupported(whole: &str, field: &str) -> String {
    format!("{whole} contains unsupported field \"{field}\"")
}

impl Level {
    /// All, from the lowest.
    pub const ALL: [Self; 4] = [Self::None, Self::Unapproved, Self::Approved, Self::Merged];

    /// As policies spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unapproved => "unapproved",
            Self::Approved => "approved",
            Self::Merged => "merged",
        }
    }

    /// The level called `text`, in any case, with blanks around it.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// Any bytes as a policy: it is refused, or its own spelling says the same again.
pub fn fuzz(input: &[u8]) {
    let _told = parse_payload(input);
    let _visibility = super::forced::parse_visibility(input);
    if let Ok(node) = tree::parse(input, DEPTH_MAX) {
        let _policy = super::source::of_server(&node, "s");
    }
    let Ok(policy) = Policy::parse(input) else { return };
    let text = policy.to_json();
    assert_eq!(Policy::parse(&text).as_ref(), Ok(&policy), "{}", text.escape_ascii());
    if let Policy::AllowOnly(rule) = &policy {
        let bots: Vec<Box<str>> = vec!["bot".into()];
        let payload = label_agent_payload(rule, &bots);
        let told = AllowOnly { tool_call_limits: Vec::new(), ..rule.clone() };
        assert_eq!(parse_payload(&payload), Ok((told, bots)), "{}", payload.escape_ascii());
    }
}

#[cfg(test)]
mod tests;
