// SPDX-License-Identifier: MIT
//! JSON (RFC 8259): places in a message, a value tree for what we read ourselves, and a writer for
//! what we say ourselves.
//!
//! Messages on their way are only ever scanned ([`scan`]): they leave as they came, or with a few
//! members in or out ([`edit`]); two are held against each other as they are ([`same`]). The tree
//! ([`tree`]) is for the control plane: configuration, small results. Nothing here knows JSON-RPC.

pub mod edit;
pub mod flow;
pub mod fold;
pub mod repeated;
pub mod same;
pub mod scan;
mod text;
pub mod tree;
pub mod write;

pub use repeated::repeated;
pub use tree::{JsonError, JsonReason, Name, Node, Value};
