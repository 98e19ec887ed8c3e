// SPDX-License-Identifier: MIT
//! Which body follows a head: at most one reading, the obvious one.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::http1::framing::fuzz(input));
