// SPDX-License-Identifier: MIT
//! Bytes are a state or none.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::mcp::park_state::fuzz(input));
