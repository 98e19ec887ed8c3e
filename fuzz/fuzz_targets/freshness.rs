// SPDX-License-Identifier: MIT
//! An answer that may be kept is complete, and the same when it is given again, but for its time.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::mcp::freshness::fuzz(input));
