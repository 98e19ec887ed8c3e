// SPDX-License-Identifier: MIT
//! A client's bytes: any cut brings the same events and answers, and the link closes in the end.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::link::http_server::fuzz(std::time::Instant::now(), input));
