// SPDX-License-Identifier: MIT
//! Attached streams of the container engine: any cut gives what a naive reading gives.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::docker::frames::fuzz(input));
