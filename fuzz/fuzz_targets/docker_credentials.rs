// SPDX-License-Identifier: MIT
//! Credentials of registries, out of any file, fit into a field.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::docker::credentials::fuzz(input));
