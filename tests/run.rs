// SPDX-License-Identifier: MIT
//! The binary: its flags, its start, what its children see, its end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![allow(clippy::print_stdout, reason = "measurements are for people")]

#[path = "run/binary.rs"]
mod binary;
#[path = "run/busy_guards.rs"]
mod busy_guards;
#[path = "run/children.rs"]
mod children;
#[path = "run/end.rs"]
mod end;
#[path = "support/exposition.rs"]
mod exposition;
#[path = "run/flags.rs"]
mod flags;
#[path = "run/guards.rs"]
mod guards;
#[path = "run/large.rs"]
mod large;
#[path = "run/metrics.rs"]
mod metrics;
#[path = "run/sandbox.rs"]
mod sandbox;
#[path = "run/shards.rs"]
mod shards;
#[path = "run/start.rs"]
mod start;
