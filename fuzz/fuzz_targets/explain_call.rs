// SPDX-License-Identifier: MIT
//! A file with a call to explain is read or refused, and what was read is JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::policy::guard::explain::fuzz(input));
