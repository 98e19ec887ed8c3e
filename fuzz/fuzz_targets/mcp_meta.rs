// SPDX-License-Identifier: MIT
//! A request made modern and legacy again says of its client what was put in, and then nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::mcp::meta::fuzz(input));
