// SPDX-License-Identifier: MIT
//! A message with places replaced leaves as a copy by hand would.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::splice::fuzz(input));
