// SPDX-License-Identifier: MIT
//! Information-flow control: guards label, the monitor decides, and nothing passes without a label.
//!
//! *Invariant: a guard cannot allow anything.* It says what an object is; who may read or write it
//! is decided in one place, from labels alone.
//!
//! ```text
//!  tools/call ──> guard: label the object ──> monitor ──> backend
//!                 guard: label the result ──> monitor, per item ──> what is left of it ──> agent
//! ```
//!
//! A guard may ask its backend while it labels. It never waits: a [`Step`] says what it needs, and
//! it goes on when the answer is there.

mod content;
mod cut;
mod envelope;
mod items;
mod pointer;

pub mod agents;
pub mod budget;
pub mod denial;
pub mod explain;
pub mod forced;
pub mod github;
pub mod label;
pub mod memory;
pub mod monitor;
pub mod records;
pub mod redact;
pub mod reflect;
pub mod rule;
pub mod scope_words;
pub mod source;
pub mod wasm;
pub mod write_sink;

pub use label::{Label, Labels, Tag, WILDCARD};

/// What a call does to the object that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It only looks.
    Read,
    /// It changes the object and tells nothing of it.
    Write,
    /// Both.
    ReadWrite,
}

impl Operation {
    /// As guards spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadWrite => "read-write",
        }
    }

    /// What a guard said; anything unknown is a write, which is what is denied first.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text {
            "read" => Self::Read,
            "read-write" => Self::ReadWrite,
            _ => Self::Write,
        }
    }
}

/// What happens where labels do not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// One item that may not be seen withholds the whole answer.
    #[default]
    Strict,
    /// Items that may not be seen are removed.
    Filter,
    /// Everything may be read, and the reader carries the labels of what it has read.
    Propagate,
}

impl Mode {
    /// As it is spelled in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Filter => "filter",
            Self::Propagate => "propagate",
        }
    }

    /// The mode called `text`, in any case; empty is strict.
    ///
    /// # Errors
    ///
    /// The sentence that names the valid modes.
    pub fn of(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "" | "strict" => Ok(Self::Strict),
            "filter" => Ok(Self::Filter),
            "propagate" => Ok(Self::Propagate),
            _ => Err(format!(
                "unknown enforcement mode: {text} (valid modes: strict, filter, propagate)"
            )),
        }
    }
}

/// What labels are about: the resource of a call, or an item of its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// For people: `issue:acme/web#7`. It may be shown to the agent, so it quotes no content.
    pub description: Box<str>,
    /// Its labels.
    pub labels: Labels,
}

/// What a guard says of a call before it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// What the call is about.
    pub object: Object,
    /// What it does to it.
    pub operation: Operation,
}

/// What a guard says of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Findings {
    /// Nothing: the labels of the call hold for the answer.
    Nothing,
    /// Labels for places in a list.
    Paths(Paths),
    /// Labels for copies of what the answer holds.
    Items(Vec<Item>),
}

/// Labels for the elements of one array of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// The array, as a JSON pointer into the content; empty: the content itself.
    pub items_path: Box<str>,
    /// Elements, as JSON pointers that begin with `items_path`, and what they are.
    pub labelled: Vec<(Box<str>, Object)>,
    /// What all other elements are; `None`: nothing is known of them.
    pub default: Option<Object>,
    /// What those other elements are besides, named like the labelled ones; whoever may see one
    /// may see both, and of one that is not named nothing is known. `None`: nothing besides.
    pub besides: Option<Vec<(Box<str>, Object)>>,
}

/// One item of an answer, by its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which part of the answer it is.
    pub data: Data,
    /// What it is; `None`: the guard has not said, and nobody may see it.
    pub object: Option<Object>,
    /// What it is besides; whoever may see it may see both.
    pub besides: Option<Object>,
}

impl Item {
    /// All that it is; nothing if the guard has not said.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        let besides = self.besides.iter().filter(|_| self.object.is_some());
        // The more telling description first.
        besides.chain(&self.object)
    }
}

/// Which part of an answer an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// The whole result of the call.
    Whole,
    /// The value at this JSON pointer in the content; empty: the content itself.
    Content(Box<str>),
    /// This JSON text, which the guard has made.
    Own(Box<[u8]>),
}

/// A call that a guard needs answered before it can go on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Need {
    /// The tool of the guarded server, or [`PERMISSION_TOOL`].
    pub tool: Box<str>,
    /// Its arguments as JSON; `null`: none.
    pub args: Box<[u8]>,
}

/// The tool that no server has: what a user may do in a repository, asked of the forge itself.
pub const PERMISSION_TOOL: &str = "get_collaborator_permission";

/// How often one judgement may ask the backend.
pub const NEEDS_MAX: u32 = 50;

/// The answer to a [`Need`]: the `result` of `tools/call` as JSON text, or nothing if the call
/// failed. A result that says `isError` is one.
pub type Met = Option<crate::base::Message>;

/// How far a judgement has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// It is over. An error lets nothing pass.
    Done(Result<T, GuardError>),
    /// It goes on when this has been answered.
    Needs(Need),
    /// It has used its share of time, and goes on when it is its turn again.
    Yields,
}

/// Why there is no label. The text is for the operator and the agent; it quotes no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardError {
    /// What went wrong, such as `WASM function returned error code: -1`.
    pub text: Box<str>,
    /// Whether the guard cannot be used again: it trapped.
    pub is_fatal: bool,
}

impl GuardError {
    /// An error after which the guard can be used again.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self { text: text.into(), is_fatal: false }
    }
}
