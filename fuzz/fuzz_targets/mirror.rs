// SPDX-License-Identifier: MIT
//! Header fields that were made for a call agree with it, and hostile ones harm nobody.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::mcp::mirror::fuzz(input));
