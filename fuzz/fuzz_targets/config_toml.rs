// SPDX-License-Identifier: MIT
//! Any bytes as a TOML configuration: loaded, or refused with a place for every problem.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::config::toml::fuzz(input));
