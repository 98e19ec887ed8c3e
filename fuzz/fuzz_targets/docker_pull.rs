// SPDX-License-Identifier: MIT
//! What the container engine tells while it fetches an image: any cut gives the same steps.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::docker::pull::fuzz(input));
