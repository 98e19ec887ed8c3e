// SPDX-License-Identifier: MIT
//! Event streams: any cut gives the same events, and what we encode is read back.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::sse::fuzz(input));
