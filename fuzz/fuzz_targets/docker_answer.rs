// SPDX-License-Identifier: MIT
//! Answers of the container engine: any cut gives the same, and nothing is held beyond its bound.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::docker::answer::fuzz(input));
