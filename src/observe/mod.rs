// SPDX-License-Identifier: MIT
//! Events to text: what happened, in the words of each file that somebody reads.
//!
//! One event goes in, every sink's bytes come out. Nothing here opens a file, reads a clock or
//! decides anything about traffic; that a secret does not come out is decided here and nowhere
//! else ([`redact`]).

pub mod block;
pub mod debug;
pub mod log;
pub mod redact;

pub use block::{Block, Entry};
pub use log::{Batch, Log};
pub use redact::Redactor;
