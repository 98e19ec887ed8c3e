// SPDX-License-Identifier: MIT
//! Answers of HTTP backends: any cut gives the same events.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::link::http_client::fuzz(input));
