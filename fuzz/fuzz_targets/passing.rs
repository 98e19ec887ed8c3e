// SPDX-License-Identifier: MIT
//! A result in blocks leaves as the whole would, parsed and with its id replaced.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::passing::fuzz(input));
