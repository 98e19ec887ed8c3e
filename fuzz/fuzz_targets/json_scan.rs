// SPDX-License-Identifier: MIT
//! The scanner and the tree agree on what is JSON, on places and on texts.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::json::scan::fuzz(input));
