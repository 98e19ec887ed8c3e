// SPDX-License-Identifier: MIT
//! Any sequence of inputs keeps the invariants of the gateway, and drains to nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::gateway::fuzz::fuzz(std::time::Instant::now(), input));
