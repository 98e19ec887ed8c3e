// SPDX-License-Identifier: MIT
//! Penstock, an MCP gateway: agents speak MCP over HTTP to one address, and behind it stand MCP
//! servers as child processes, containers or HTTP services.
//!
//! ```text
//!             bytes              messages            decisions
//!  client ══> reactor ══> link ────────> gateway ────────> mcp · policy
//!  backend <══ reactor <══ link <─────── Output
//!               │                          └── Event ──> observe ──> worker ──> logs
//!               └── worker: addresses of names
//! ```
//!
//! In reading order: [`base`] and [`wire`] are the vocabulary, [`link`] is one connection, [`mcp`]
//! and [`policy`] are what messages mean and whether they may pass, [`gateway`] is the core, and
//! [`observe`] turns events into text. All of these are functions of their inputs. [`reactor`] and
//! [`worker`] touch the world, [`config`] and [`cli`] say what is wanted, [`run`] wires it
//! together, and [`sandbox`] gives up what is not needed then. [`github_proxy`] is a sibling of
//! [`mcp`] for the interfaces of GitHub. [`keeper`] is a process of its own; [`calculator`] and
//! [`serve`] are an MCP server to try it with.
//!
//! ARCHITECTURE.md tells the rest.

pub mod base;
pub mod calculator;
pub mod cli;
pub mod config;
pub mod docker;
pub mod gateway;
#[cfg(feature = "proxy")]
pub mod github_proxy;
pub mod keeper;
pub mod link;
pub mod mcp;
pub mod observe;
pub mod policy;
pub mod reactor;
pub mod run;
pub mod sandbox;
pub mod serve;
pub mod wire;
pub mod worker;
