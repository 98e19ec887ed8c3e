// SPDX-License-Identifier: MIT
//! An event id that is understood is written as it was read, but for leading zeros.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::gateway::stream::fuzz(input));
