// SPDX-License-Identifier: MIT
//! Links: one connection each as a state machine, bytes in and messages out.
//!
//! ```text
//!              feed(bytes, now)                 poll_event() -> what it means
//!   socket ───────────────────────>  link  ─────────────────────────────────>  gateway
//!          <───────────────────────        <─────────────────────────────────
//!            outbox(), wrote(n)                 respond, send_event, …
//!
//!                        deadline() ──> handle_timeout(now)
//! ```
//!
//! A link is a value without an owner's name: it does not know which socket or pipe it stands for,
//! it never reads a clock and never calls its caller. Whoever drives it does four things, in any
//! order, as often as they like:
//!
//! * gives it what has arrived, in pieces of any size: cutting the input elsewhere changes nothing;
//! * asks for events until there are none: after each `feed`, and after each answer, since the next
//!   request may already lie in the link;
//! * writes what the outbox lends, and says how much has left;
//! * wakes it at its one deadline, or later.
//!
//! Three things a link never does. It never knows what a message is for: MCP, sessions and servers
//! are the gateway's. It never allocates for a peer that has not paid with bytes: an idle link
//! holds no buffers, and no declared length is believed. And it never trusts a peer after an error:
//! the refusal is queued, whole, and the connection ends.

pub mod http_client;
pub mod http_server;
pub mod stdio;
pub mod tls;
