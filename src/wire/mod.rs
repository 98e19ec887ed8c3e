// SPDX-License-Identifier: MIT
//! Grammars: bytes to values and back.
//!
//! Nothing here remembers a connection or knows what a message is for. Push parsers take bytes that
//! are cut anywhere; the others take a whole text and give places in it, so that what is forwarded
//! leaves as it came.
//!
//! ```text
//!  http1   heads, fields, framing, chunked bodies        RFC 9110, RFC 9112
//!  sse     event streams                                 WHATWG HTML §9.2
//!  ndjson  one message per line                          MCP transports, stdio
//!  json    scan (places), tree (values), write           RFC 8259
//!  jsonrpc which message it is, and what routes it       JSON-RPC 2.0
//!  splice  a message with one or two places replaced
//!  passing a result on its way, in blocks
//!  websocket frames                                      RFC 6455
//! ```
//!
//! Invariant: what two readers could read in two ways is refused.

pub mod bom;
pub mod http1;
pub mod json;
pub mod json_ends;
pub mod jsonrpc;
pub mod ndjson;
pub mod passing;
pub mod splice;
pub mod sse;
pub mod websocket;

pub use splice::{Patch, Splice};
