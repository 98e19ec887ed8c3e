// SPDX-License-Identifier: MIT
//! Guards that somebody else has written, in WebAssembly, run by an interpreter in small slices.
//!
//! ```text
//!  Module ──> Instance ──┐                        ┌── Done(outcome), and the instance back
//!             Question ──┴──> Run ── step ────────┼── Needs: the tool call that it wants answered
//!                              ^                  └── Yields: its slice of work is used up
//!                              └── step(the answer, or nothing) ──┘
//! ```
//!
//! A module is checked and compiled once; an instance is its memory and belongs to whoever runs
//! it. A [`Run`] is one call as a coroutine: it never waits, and whoever has a deadline drops it.
//!
//! *Invariant: nothing that a guard does costs more than its own call and its own instance.* It
//! sees no file, no socket, no clock but the one it is given, and no other guard.

pub mod abi;
mod attempt;
mod call;
mod host;
mod instance;
mod log;
mod module;
mod run;
mod wasi;
mod wasi_poll;

pub use instance::Instance;
pub use module::{Module, sha256};
pub use run::Run;

use super::{Findings, Labelled, Labels, Mode};
use crate::base::Message;

/// What is asked of a guard. Parts of messages are JSON texts, passed on as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which labels an agent under this policy has.
    Agent {
        /// The policy: a JSON object.
        policy: Message,
    },
    /// What a call is about.
    Resource {
        /// The tool as its server calls it.
        tool: Box<str>,
        /// The arguments; empty: none.
        args: Message,
    },
    /// What an answer holds.
    Response {
        /// The tool as its server calls it.
        tool: Box<str>,
        /// The arguments; empty: none.
        args: Message,
        /// The result of the call, whole.
        result: Message,
    },
}

/// What a guard has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Of an agent.
    Agent(AgentLabels),
    /// Of a call.
    Labelled(Labelled),
    /// Of an answer.
    Findings(Findings),
}

/// What an agent carries under a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentLabels {
    /// Its labels.
    pub labels: Labels,
    /// What happens where labels do not fit.
    pub mode: Mode,
    /// The policy as the guard understands it: a JSON object, its `scope_kind` in lower case.
    pub normalized_policy: Option<Message>,
}
