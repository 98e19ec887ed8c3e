// SPDX-License-Identifier: MIT
//! Lines: any cut gives the same ones, none longer than allowed.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::ndjson::fuzz(input));
