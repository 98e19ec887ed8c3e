// SPDX-License-Identifier: MIT
//! Owners of containers come back as they were written.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::docker::owner::fuzz(input));
