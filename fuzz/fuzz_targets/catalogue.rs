// SPDX-License-Identifier: MIT
//! Places in lists, templates of resources and capabilities of several servers, from any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::mcp::catalogue::fuzz(input));
