// SPDX-License-Identifier: MIT
//! Whatever an item is that was not shown: its record is one line of JSON within bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::policy::guard::records::fuzz(input));
