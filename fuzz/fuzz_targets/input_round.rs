// SPDX-License-Identifier: MIT
//! Results that ask and retries that answer, from anybody.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::mcp::input_round::fuzz(input));
