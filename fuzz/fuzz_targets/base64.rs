// SPDX-License-Identifier: MIT
//! Base64: what is written is read back, and every byte string has one spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::base::base64::fuzz(input));
