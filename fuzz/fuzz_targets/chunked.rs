// SPDX-License-Identifier: MIT
//! Chunked bodies: any cut gives the same body, and what we encode is read back.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::http1::chunked::fuzz(input));
