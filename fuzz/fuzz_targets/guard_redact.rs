// SPDX-License-Identifier: MIT
//! Whatever guards say of whatever answer: what is refused is gone, and what is left is JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::policy::guard::redact::fuzz(input));
