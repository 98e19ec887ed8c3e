// SPDX-License-Identifier: MIT
//! Our scanner and simd-json, which share no line, say the same of what is JSON and of what stands
//! in it. The body stands here because the library does not know simd-json.
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock::base::Span;
use penstock::wire::json::scan;
use simd_json::prelude::*;

const DEPTH_MAX: usize = 64;

fuzz_target!(|input: &[u8]| {
    let mut copy = input.to_vec();
    match (scan::validate(input, DEPTH_MAX), simd_json::to_tape(&mut copy)) {
        (Ok(()), Ok(tape)) => check_members(input, tape.as_value()),
        (Ok(()), Err(error)) => assert!(is_beyond_simd_json(input), "only we accept: {error}"),
        // simd-json does not bound the depth.
        (Err(error), Ok(_)) => {
            assert!(scan::validate(input, input.len()).is_ok(), "only we refuse: {error}");
        }
        (Err(_), Err(_)) => {}
    }
});

fn check_members(text: &[u8], theirs: simd_json::tape::Value<'_, '_>) {
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let whole = Span::new(blanks, text.len());
    let Some(object) = theirs.as_object() else {
        return assert_eq!(scan::members(text, whole).count(), 0);
    };
    assert_eq!(scan::members(text, whole).count(), object.len());
    for ((name, value), (key, their_value)) in scan::members(text, whole).zip(object.iter()) {
        assert_eq!(scan::string(text, name).as_deref(), Some(key));
        assert_eq!(scan::string(text, value).as_deref(), their_value.as_str());
        let our_elements = scan::elements(text, value).count();
        assert_eq!(our_elements, their_value.as_array().map_or(0, |array| array.len()));
    }
}

/// Whether a long number, an exponent or half of a surrogate pair stands in `text`: simd-json has
/// no value for some of these.
fn is_beyond_simd_json(text: &[u8]) -> bool {
    let long = text.split(|byte| !byte.is_ascii_digit()).any(|digits| digits.len() > 15);
    let exponent =
        text.windows(2).any(|two| two[0].is_ascii_digit() && matches!(two[1], b'e' | b'E'));
    let surrogate = text.windows(4).any(|four| four.to_ascii_lowercase().starts_with(b"\\ud"));
    long || exponent || surrogate
}
