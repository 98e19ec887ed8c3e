// SPDX-License-Identifier: MIT
//! The reactor with a toy core, over real sockets, pipes and processes on this machine.

// Reason: in a test a panic is the report, also in what the tests share.
#![allow(clippy::unwrap_used)]

#[path = "reactor/child.rs"]
mod child;
#[path = "reactor/engine.rs"]
mod engine;
#[path = "reactor/fake_engine.rs"]
mod fake_engine;
#[path = "reactor/fetch.rs"]
mod fetch;
#[path = "reactor/keeper.rs"]
mod keeper;
#[path = "reactor/peer.rs"]
mod peer;
#[path = "reactor/shards.rs"]
mod shards;
#[path = "reactor/tls.rs"]
mod tls;
#[path = "reactor/toy.rs"]
mod toy;
#[path = "reactor/websocket.rs"]
mod websocket;
#[path = "reactor/work.rs"]
mod work;
