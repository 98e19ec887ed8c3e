// SPDX-License-Identifier: MIT
//! Lists of tools: what is published is JSON and shows nothing that is not allowed.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::mcp::tools::fuzz(input));
