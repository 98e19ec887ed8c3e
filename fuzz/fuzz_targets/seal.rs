// SPDX-License-Identifier: MIT
//! Nobody else can write a sealed text, and what we sealed opens.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::base::seal::fuzz(input));
