// SPDX-License-Identifier: MIT
//! What the envelope says is what a reader finds that keeps everything.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::jsonrpc::fuzz(input));
