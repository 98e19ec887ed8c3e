// SPDX-License-Identifier: MIT
//! WebSocket frames: any cut gives the same ones, and those of a plain reading.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| penstock::wire::websocket::fuzz(input));
