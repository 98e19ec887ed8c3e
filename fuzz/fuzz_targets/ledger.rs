// SPDX-License-Identifier: MIT
//! The keeper's ledger is the same wherever its bytes are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| penstock::reactor::ledger::fuzz(input.0, input.1));
