// SPDX-License-Identifier: MIT
//! Any text is a number or is refused; what is a number reads back, and the operations agree.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (left, right) = input.split_once(' ').unwrap_or((input, "1"));
    penstock::calculator::decimal::fuzz(left, right);
});
