// SPDX-License-Identifier: MIT
//! Two texts say the same if their trees do.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::json::same::fuzz(input));
