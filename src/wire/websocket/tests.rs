// SPDX-License-Identifier: MIT
//! Frames by example, most of them from the specification.

use super::*;

/// A frame of a client, with a mask.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    push_text_head(&mut out, payload.len());
    out[0] = first;
    out[1] |= MASKED;
    out.extend_from_slice(&[1, 2, 3, 4]);
    out.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

#[track_caller]
fn check(input: &[u8], frames: &[Frame], error: Option<FrameError>) {
    fuzz(input);
    let mut got = Vec::new();
    let mut decoder = Decoder::new(70_000);
    let result = decoder.feed(input, &mut |frame| got.push(frame));
    assert_eq!((got.as_slice(), result.err()), (frames, error), "{}", input.escape_ascii());
}

fn text(text: &str) -> Frame {
    Frame::Text(Message::from(text))
}

#[test]
fn the_examples_of_the_specification_are_read() {
    // RFC 6455 §5.7.
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    check(&hello, &[text("Hello")], None);
    let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    check(&pong, &[Frame::Pong], None);
    let mut out = Vec::new();
    push_text_head(&mut out, 5);
    out.extend_from_slice(b"Hello");
    assert_eq!(out, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
}

#[test]
fn the_accept_key_is_that_of_the_specification() {
    // RFC 6455 §1.3.
    let accept = accept_key(b"dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(accept.as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    for other in ["", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZQ==", "dGhlIHNhbXBsZSBub25jZSEh"] {
        assert_eq!(accept_key(other.as_bytes()), None, "{other}");
    }
}

#[test]
fn fragments_are_joined_and_control_frames_go_between_them() {
    let input = [
        frame(0x01, b"{\"a\":"),
        frame(0x89, b"p"),
        frame(0x00, b""),
        frame(0x80, "\"ü\"}".as_bytes()),
        frame(0x81, b""),
    ];
    check(&input.concat(), &[Frame::Ping(b"p".to_vec()), text("{\"a\":\"ü\"}"), text("")], None);
}

#[test]
fn a_character_may_be_cut_between_fragments() {
    let umlaut = "ü".as_bytes();
    let input = [frame(0x01, &umlaut[..1]), frame(0x80, &umlaut[1..])];
    check(&input.concat(), &[text("ü")], None);
    check(&frame(0x81, &umlaut[..1]), &[], Some(FrameError::NotUtf8));
}

#[test]
fn lengths_of_all_sizes_are_written_and_read() {
    for len in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
        let long = "x".repeat(len);
        check(&frame(0x81, long.as_bytes()), &[text(&long)], None);
    }
}

#[test]
fn what_is_too_long_is_refused_before_it_comes() {
    let mut head = frame(0x81, &[b'x'; 70_000]);
    head.truncate(10);
    head[8] += 1;
    check(&[&head[..], &[0; 4]].concat(), &[], Some(FrameError::TooLong));
    let input = [frame(0x01, &[b'x'; 40_000]), frame(0x80, &[b'x'; 40_000])].concat();
    check(&input, &[], Some(FrameError::TooLong));
    let full = [frame(0x01, &[b'x'; 70_000]), frame(0x89, b"?"), frame(0x80, b"")].concat();
    check(&full, &[Frame::Ping(b"?".to_vec()), text(&"x".repeat(70_000))], None);
}

#[track_caller]
fn check_broken(input: &[u8]) {
    let mut decoder = Decoder::new(70_000);
    let error = decoder.feed(input, &mut |frame| panic!("{frame:?}")).unwrap_err();
    assert_eq!(error.code(), code::PROTOCOL_ERROR, "{error}");
    assert_eq!(decoder.feed(&frame(0x81, b"x"), &mut |frame| panic!("{frame:?}")), Ok(()));
    fuzz(input);
}

#[test]
fn whoever_breaks_the_rules_is_told_so() {
    check_broken(&[0x81, 0x00]);
    check_broken(&frame(0xC1, b"compressed"));
    check_broken(&frame(0x83, b""));
    check_broken(&frame(0x8B, b""));
    check_broken(&frame(0x80, b"continues nothing"));
    check_broken(&frame(0x09, b"fragmented"));
    check_broken(&frame(0x89, &[0; 126]));
    check_broken(&[frame(0x01, b"a"), frame(0x81, b"b")].concat());
    // Lengths with more bytes than they need, and one beyond all.
    check_broken(&[0x81, 0xFE, 0, 125, 0, 0, 0, 0]);
    check_broken(&[0x81, 0xFF, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0]);
    check_broken(&[0x81, 0xFF, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn binary_messages_are_not_taken() {
    check(&frame(0x82, b"{}"), &[], Some(FrameError::Binary));
    check(&[frame(0x81, b"1"), frame(0x02, b"")].concat(), &[text("1")], Some(FrameError::Binary));
}

#[test]
fn a_close_is_the_last_frame() {
    let with = |code: u16, reason: &[u8]| frame(0x88, &[&code.to_be_bytes(), reason].concat());
    let input = [with(1000, b"bye"), frame(0x81, b"more")].concat();
    check(&input, &[Frame::Close(Some(1000))], None);
    check(&frame(0x88, b""), &[Frame::Close(None)], None);
    check(&with(4999, b""), &[Frame::Close(Some(4999))], None);
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        check_broken(&with(code, b""));
    }
    check_broken(&frame(0x88, b"x"));
    check(&with(1000, b"\xFF"), &[], Some(FrameError::NotUtf8));
}

#[test]
fn what_we_send_is_short_and_bare() {
    let mut out = Vec::new();
    push_ping(&mut out);
    push_pong(&mut out, b"p");
    push_close(&mut out, Some(1001));
    push_close(&mut out, None);
    assert_eq!(out, [0x89, 0, 0x8A, 1, b'p', 0x88, 2, 3, 0xE9, 0x88, 0]);
}

#[test]
fn the_samples_are_read_alike_in_any_pieces() {
    for sample in SAMPLES {
        fuzz(sample);
    }
}

const SAMPLES: &[&[u8]] = &[
    include_bytes!("../../../tests/data/websocket/a_close_with_a_reason.bin"),
    include_bytes!("../../../tests/data/websocket/a_middle_length.bin"),
    include_bytes!("../../../tests/data/websocket/binary.bin"),
    include_bytes!("../../../tests/data/websocket/fragments_with_a_ping_between.bin"),
    include_bytes!("../../../tests/data/websocket/not_utf8.bin"),
    include_bytes!("../../../tests/data/websocket/one_message.bin"),
    include_bytes!("../../../tests/data/websocket/too_long.bin"),
    include_bytes!("../../../tests/data/websocket/without_a_mask.bin"),
];
