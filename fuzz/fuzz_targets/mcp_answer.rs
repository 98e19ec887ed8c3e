// SPDX-License-Identifier: MIT
//! An answer that crosses between the eras stays an answer to its request.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::mcp::answer::fuzz(input));
