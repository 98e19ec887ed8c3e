// SPDX-License-Identifier: MIT
//! Schemas: any JSON is one, and what is published is the same when done twice.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::mcp::schema::fuzz(input));
