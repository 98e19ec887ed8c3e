// SPDX-License-Identifier: MIT
//! Request heads: any cut gives the same verdict, and spans stay inside.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::http1::head::fuzz(input));
