// SPDX-License-Identifier: MIT
//! Any bytes as a guard policy: refused, or written again so that it says the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::policy::guard::rule::fuzz(input));
