// SPDX-License-Identifier: MIT
//! What the standard library would have if it knew our trade: time as an argument, keys that go
//! stale, bytes that are shared, queues that know their size.
//!
//! Nothing here knows HTTP, JSON or MCP, and nothing here touches the world.

pub mod base64;
pub mod bytes;
pub mod deadlines;
pub mod lanes;
pub mod limits;
pub mod message;
pub mod now;
pub mod outbox;
pub mod rng;
pub mod seal;
pub mod secret;
pub mod slab;
pub mod stamp;

pub use deadlines::Deadlines;
pub use lanes::Lanes;
pub use limits::{GuardLimits, Limits};
pub use message::{Message, Span};
pub use now::Now;
pub use outbox::Outbox;
pub use rng::Rng;
pub use seal::Seal;
pub use secret::Secret;
pub use slab::{Key, Slab};
