// SPDX-License-Identifier: MIT
//! Lists of tools: none only reads of which the list does not say so.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::mcp::only_reads::fuzz(input));
