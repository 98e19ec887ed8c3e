// SPDX-License-Identifier: MIT
//! Input requests survive the way between the eras, on one line.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::mcp::input_request::fuzz(input));
