// SPDX-License-Identifier: MIT
//! Events to text: what happened, in the words of each file that somebody reads. Counts to text.
//!
//! One event goes in, every sink's bytes come out. What was counted ([`metrics`]) comes out when
//! somebody asks for it. Nothing here opens a file, reads a clock or
//! decides anything about traffic; that a secret does not come out is decided here and nowhere
//! else ([`redact`]).

pub mod block;
pub mod debug;
pub mod log;
pub mod metrics;
pub mod prometheus;
pub mod redact;

pub use block::{Block, Entry};
pub use log::{Batch, Log};
pub use metrics::Reading;
pub use redact::Redactor;
