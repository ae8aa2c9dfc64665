//! RFC 6455, rule by rule.

use chat_wire::limits::{CLOSE_REASON_BYTES_MAX, FRAGMENTS_MAX};
use chat_wire::websocket::{
    Opcode, Reader, Violation, accept_key, code, encode, encode_close, encode_text, encode_with, header, mask,
};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::frames::{Connection, Seen, frame, read, violation};

const MAX: usize = 70_000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn accept_key_of_the_rfc() {
    assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn an_idle_reader_is_two_words() {
    assert!(size_of::<Reader>() <= 16);
}

#[test]
fn server_frames_carry_the_shortest_length() {
    let head = |len| {
        let (head, used) = header(len, Opcode::Text);
        hex(&head[..used])
    };
    assert_snapshot!(head(0), @"81 00");
    assert_snapshot!(head(125), @"81 7d");
    assert_snapshot!(head(126), @"81 7e 00 7e");
    assert_snapshot!(head(65_535), @"81 7e ff ff");
    assert_snapshot!(head(65_536), @"81 7f 00 00 00 00 00 01 00 00");
}

#[test]
fn frames_of_the_rfc() {
    // RFC 6455, 5.7.
    let mut out = Vec::new();
    encode_text(b"Hello", &mut out);
    assert_snapshot!(hex(&out), @"81 05 48 65 6c 6c 6f");
    assert_snapshot!(hex(&frame(true, Opcode::Text, b"Hello")), @"81 85 37 fa 21 3d 7f 9f 4d 51 58");
    out.clear();
    encode(Opcode::Pong, b"Hello", &mut out);
    assert_snapshot!(hex(&out), @"8a 05 48 65 6c 6c 6f");
}

#[test]
fn close_frames() {
    let mut out = Vec::new();
    encode_close(code::GOING_AWAY, "draining", &mut out);
    assert_snapshot!(hex(&out), @"88 0a 03 e9 64 72 61 69 6e 69 6e 67");
    out.clear();
    encode_close(code::NORMAL, &"é".repeat(100), &mut out);
    assert_eq!(out.len(), 2 + 2 + CLOSE_REASON_BYTES_MAX - 1, "cut before the character that does not fit");
    let mut client = Connection::with(Reader::of_server(), MAX);
    client.feed(&out);
    assert_eq!(client.seen, [Seen::Close(Some((1000, "é".repeat(61))))]);
}

#[test]
fn a_frame_of_unknown_length_is_the_same_frame() {
    for len in [0, 125, 126, 65_535, 65_536] {
        let payload = vec![b'x'; len];
        let (mut known, mut unknown) = (b"before".to_vec(), b"before".to_vec());
        encode_text(&payload, &mut known);
        encode_with(Opcode::Text, &mut unknown, |out| out.extend_from_slice(&payload));
        assert!(known == unknown, "at {len} bytes");
    }
}

#[test]
fn control_frames_pass_between_fragments() {
    let input = [
        frame(false, Opcode::Text, "gr\u{fc}".as_bytes()[..3].as_ref()),
        frame(true, Opcode::Ping, b"p"),
        frame(false, Opcode::Continuation, b""),
        frame(true, Opcode::Pong, b""),
        frame(true, Opcode::Continuation, &"\u{fc}n".as_bytes()[1..]),
        frame(true, Opcode::Binary, &[0xff]),
        frame(true, Opcode::Close, b""),
    ]
    .concat();
    let (seen, violation) = read(&input, &[], MAX);
    assert_eq!(violation, None);
    let expected = [
        Seen::Ping(b"p".to_vec()),
        Seen::Pong(vec![]),
        Seen::Text("grün".to_owned()),
        Seen::Binary(vec![0xff]),
        Seen::Close(None),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_close_frame_between_fragments_is_seen() {
    let input = [frame(false, Opcode::Text, b"a"), frame(true, Opcode::Close, b"\x03\xe8bye")].concat();
    assert_eq!(read(&input, &[], MAX), (vec![Seen::Close(Some((1000, "bye".to_owned())))], None));
}

#[test]
fn an_announced_length_above_the_maximum_is_refused_before_the_payload() {
    assert_eq!(violation(&[0x81, 0xfe, 0x01, 0x01], 256), Some(Violation::TooLarge));
    assert_eq!(violation(&[0x81, 0xfe, 0x01, 0x00], 256), None);
    let huge = [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(violation(&huge, usize::MAX), None, "only more bytes can tell");
    assert_eq!(violation(&huge, MAX), Some(Violation::TooLarge));
}

#[test]
fn the_maximum_holds_over_all_fragments_and_not_for_control_frames() {
    let start = frame(false, Opcode::Binary, &[7; 6]);
    let fits = [start.clone(), frame(true, Opcode::Continuation, &[7; 4])].concat();
    assert_eq!(read(&fits, &[], 10), (vec![Seen::Binary(vec![7; 10])], None));
    let over = [start.clone(), frame(true, Opcode::Continuation, &[7; 5])].concat();
    assert_eq!(violation(&over, 10), Some(Violation::TooLarge));
    let ping = [start, frame(true, Opcode::Ping, &[7; 125])].concat();
    assert_eq!(violation(&ping, 10), None);
}

#[test]
fn fragments_are_counted() {
    let start = frame(false, Opcode::Text, b"");
    let more = frame(false, Opcode::Continuation, b"");
    let last = frame(true, Opcode::Continuation, b"");
    let most = [start.clone(), more.repeat(FRAGMENTS_MAX as usize - 2), last.clone()].concat();
    assert_eq!(read(&most, &[], MAX), (vec![Seen::Text(String::new())], None));
    let too_many = [start, more.repeat(FRAGMENTS_MAX as usize - 1), last].concat();
    assert_eq!(read(&too_many, &[], MAX), (vec![], Some(Violation::TooManyFragments)));
}

#[test]
fn a_client_refuses_masked_frames() {
    let mut client = Connection::with(Reader::of_server(), MAX);
    client.feed(&frame(true, Opcode::Text, b"x"));
    assert_eq!(client.violation, Some(Violation::Masking));
}

#[test]
fn close_codes_that_may_be_sent() {
    for code in 0..=u16::MAX {
        let may = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let (seen, violation) = read(&frame(true, Opcode::Close, &code.to_be_bytes()), &[], MAX);
        assert_eq!(violation, (!may).then_some(Violation::CloseCode), "{code}");
        assert_eq!(seen.len(), usize::from(may));
    }
}

#[test]
fn violations_have_their_close_codes() {
    assert_eq!(Violation::Masking.close_code(), 1002);
    assert_eq!(Violation::Utf8.close_code(), 1007);
    assert_eq!(Violation::TooManyFragments.close_code(), 1008);
    assert_eq!(Violation::TooLarge.close_code(), 1009);
}

proptest! {
    #[test]
    fn masking_is_the_rfcs_rule_byte_by_byte(bytes: Vec<u8>, key: [u8; 4]) {
        let mut masked = bytes.clone();
        mask(key, &mut masked);
        let expected: Vec<u8> = bytes.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
        prop_assert_eq!(masked, expected);
    }

    #[test]
    fn an_incomplete_frame_is_left_as_it_was(payload in proptest::collection::vec(any::<u8>(), 0..300), missing in 1_usize..8) {
        let mut input = frame(true, Opcode::Binary, &payload);
        input.truncate(input.len().saturating_sub(missing));
        let before = input.clone();
        let mut reader = Reader::new();
        let _ = reader.next(&mut input, MAX);
        prop_assert_eq!(input, before);
    }
}
