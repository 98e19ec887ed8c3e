// SPDX-License-Identifier: MIT
//! Members taken out and put in leave the text that a copy by hand would.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::json::edit::fuzz(input));
