// SPDX-License-Identifier: MIT
//! What is left of an answer is JSON, whatever is taken out of it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::github_proxy::shape::fuzz(input));
