// SPDX-License-Identifier: MIT
//! Whatever is put into a query, it asks for the same, and nothing else changes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::github_proxy::graphql::fuzz(input));
