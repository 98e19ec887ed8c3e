// SPDX-License-Identifier: MIT
//! Grammars: bytes to values and back. Nothing here remembers a connection or knows what a message
//! is for.

pub mod bom;
pub mod http1;
pub mod json;
pub mod json_ends;
pub mod jsonrpc;
pub mod ndjson;
pub mod splice;
pub mod sse;

pub use splice::{Patch, Splice};
