// SPDX-License-Identifier: MIT
//! Work that takes too long for the loop: the core gives it away and gets it back, a piece further.
//!
//! ```text
//!           Output::Work { judging, task }
//!  Gateway ────────────────────────────────> worker: task.step(), once
//!          <────────────────────────────────
//!           Input::Worked { judging, task }
//! ```
//!
//! A task moves: while a worker has it, nobody else does, and the core knows it by its key alone.
//! Whether it is done, wants something or has more to do is written in the task itself.

use std::any::Any;
use std::fmt;

pub use super::judge::Judging;

/// A task that is done in pieces, each of which is short next to a second and long next to a turn.
pub trait Work: Send + fmt::Debug {
    /// Does one piece; the task then comes back to the core.
    fn step(&mut self);

    /// The task as what it was before it was boxed, for the core that knows the type.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}
