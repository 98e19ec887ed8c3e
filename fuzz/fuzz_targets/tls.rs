// SPDX-License-Identifier: MIT
//! Junk in a handshake fails alike however it is cut, and gives no plaintext.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::link::tls::fuzz(input));
