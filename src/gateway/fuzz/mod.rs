// SPDX-License-Identifier: MIT
//! Fuzzing the gateway: bytes become a story of clients, children, HTTP servers and time, and
//! whatever the story, the promises of [`crate::gateway::io`] hold.
//!
//! ```text
//! bytes ─ script ─> one of the steps ─> World ─> Input ─> Gateway ─> Output ─> World (judges)
//! ```
//!
//! It knows nothing of what should be answered; only that answers are well formed, come once, to
//! those who wait, and that nothing is left in the end.

use std::time::Instant;

mod eras;
mod halves;
mod phrases;
mod script;
mod steps;
mod work;
pub(super) mod world;

use script::Script;
use world::World;

/// The longest story, in steps: longer ones only cost time.
const STEPS_MAX: usize = 400;

/// Lives any story, and drains: the invariants hold after each step, every client gets one answer,
/// and nothing is left.
///
/// `start` is any time: nothing here looks at a clock.
pub fn fuzz(start: Instant, input: &[u8]) {
    let mut script = Script::new(input);
    let mut world = World::new(start, script.byte());
    for _ in 0..STEPS_MAX {
        if script.is_over() {
            break;
        }
        world.step(&mut script);
    }
    world.end();
}
