// SPDX-License-Identifier: MIT
//! Policies as types: what an agent may see, and what may flow into a sink.
//!
//! ```text
//!  {"allow-only": {"repos": …, "min-integrity": …}}   ──> AllowOnly ──> label_agent of a guard
//!  {"write-sink": {"accept": […]}}                    ──> WriteSink ──> the labels of the sink
//! ```
//!
//! What is parsed here is checked here: a value of these types is a policy that can be followed.

/// What an agent may do, or what a sink takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The agent sees only this.
    AllowOnly(AllowOnly),
    /// The server takes what agents write, and nobody reads from it.
    WriteSink(WriteSink),
}

/// What an agent sees of a forge, and whom it believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowOnly {
    /// Where it may look.
    pub repos: Repos,
    /// Below this, nothing is shown.
    pub min_integrity: Level,
    /// How often a session may call a tool, by its name, sorted; zero: as often as it likes.
    pub tool_call_limits: Vec<(Box<str>, u64)>,
    /// Nothing of these authors is ever shown.
    pub blocked_users: Vec<Box<str>>,
    /// An item with one of these labels is worth nothing.
    pub refusal_labels: Vec<Box<str>>,
    /// An item with one of these labels is approved.
    pub approval_labels: Vec<Box<str>>,
    /// Items of these authors are approved.
    pub trusted_users: Vec<Box<str>>,
    /// Reactions of maintainers that approve an item, in upper case.
    pub endorsement_reactions: Vec<Box<str>>,
    /// Reactions of maintainers that lower an item, in upper case.
    pub disapproval_reactions: Vec<Box<str>>,
    /// To what a disapproved item is lowered; `None`: as the guard likes.
    pub disapproval_integrity: Option<Level>,
    /// What a reaction's author must be; `None`: as the guard likes.
    pub endorser_min_integrity: Option<Level>,
    /// One more label that approves.
    pub promotion_label: Option<Box<str>>,
    /// One more label that takes all worth away.
    pub demotion_label: Option<Box<str>>,
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

/// What a server that is only written to takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteSink {
    /// The secrets that may flow into it; a lone `*`: all. Never empty.
    pub accept: Vec<Box<str>>,
    /// Who can read what is written; `None`: nobody has said.
    pub visibility: Option<Visibility>,
}

/// Who can read something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Everybody in the enterprise.
    Internal,
    /// Those who were let in.
    Private,
}
