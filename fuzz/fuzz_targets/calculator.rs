// SPDX-License-Identifier: MIT
//! Any line has at most one answer, which is JSON on one line.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::calculator::server::fuzz(input));
