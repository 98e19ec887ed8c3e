// SPDX-License-Identifier: MIT
//! Any policy, any call to GitHub, any answer: there are labels, and questions come to an end.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::policy::guard::github::fuzz(input));
