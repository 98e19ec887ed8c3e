// SPDX-License-Identifier: MIT
//! Byte scripts against links: no sockets, no clocks.

#[path = "link/deadlines.rs"]
mod deadlines;
#[path = "link/exchanges.rs"]
mod exchanges;
#[path = "link/hostile.rs"]
mod hostile;
#[path = "link/script.rs"]
mod script;
#[path = "link/streams.rs"]
mod streams;
#[path = "link/websocket.rs"]
mod websocket;
