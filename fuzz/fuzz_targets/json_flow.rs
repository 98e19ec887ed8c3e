// SPDX-License-Identifier: MIT
//! JSON in blocks gets the verdict of the whole.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::json::flow::fuzz(input));
