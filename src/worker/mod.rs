// SPDX-License-Identifier: MIT
//! Threads that may block or take long, so that the loop never does: one writes logs, a few ask for
//! addresses, a few do what guards want done.
//!
//! Values move in and results move out; nobody shares anything but a queue, and what is counted. A
//! thread that has nothing to do sleeps until it is woken: an idle gateway makes no wake-ups.
//! Nothing here knows sockets, sessions or policies.

pub mod counters;
pub mod files;
pub mod guards;
pub mod logs;
pub mod resolver;

pub use counters::{Counters, LoopCounters};
pub use guards::Guards;
pub use logs::{LogOptions, LogSender, Logs};
pub use resolver::Resolver;
