// SPDX-License-Identifier: MIT
//! Names that stand twice: the walk and the tree agree on whether there are any.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::json::repeated::fuzz(input));
