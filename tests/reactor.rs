// SPDX-License-Identifier: MIT
//! The reactor with a toy core, over real sockets, pipes and processes on this machine.

#[path = "reactor/child.rs"]
mod child;
#[path = "reactor/fetch.rs"]
mod fetch;
#[path = "reactor/keeper.rs"]
mod keeper;
#[path = "reactor/peer.rs"]
mod peer;
#[path = "reactor/toy.rs"]
mod toy;
