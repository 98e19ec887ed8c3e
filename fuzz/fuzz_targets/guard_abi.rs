// SPDX-License-Identifier: MIT
//! What guards write: any bytes are read or refused, and what is found lies in them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::policy::guard::wasm::abi::fuzz(input));
