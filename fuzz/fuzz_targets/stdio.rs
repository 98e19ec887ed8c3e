// SPDX-License-Identifier: MIT
//! A child's pipes: any cut gives the same events, within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::link::stdio::fuzz(input));
