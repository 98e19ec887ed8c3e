// SPDX-License-Identifier: MIT
//! A calculator that does not round, as an MCP server: the example tools that come with Penstock.
//!
//! Decimal strings go in and exact decimal strings come out. Everything here is a function of one
//! message; reading lines and sockets is `serve`'s business.
//!
//! ```text
//!  line ──> server ──> tool ──> arguments ──> request ──> arithmetic · statistics ──> decimal
//!           JSON-RPC   by name  checked       typed       units               exact
//! ```

pub mod arguments;
pub mod arithmetic;
pub mod decimal;
pub mod request;
pub mod schema;
pub mod server;
pub mod statistics;
pub mod tool;
pub mod unit;

pub use server::Server;
