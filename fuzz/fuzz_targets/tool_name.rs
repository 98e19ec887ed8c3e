// SPDX-License-Identifier: MIT
//! Names of tools: whatever they are, they are published legally and come back.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::mcp::tool_name::fuzz(input));
