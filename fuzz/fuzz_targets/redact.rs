// SPDX-License-Identifier: MIT
//! Whatever comes in: known secrets do not come out, and JSON comes out as JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::observe::redact::fuzz(input));
