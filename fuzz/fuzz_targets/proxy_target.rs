// SPDX-License-Identifier: MIT
//! No target has a segment that could be resolved away.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::github_proxy::target::fuzz(input));
