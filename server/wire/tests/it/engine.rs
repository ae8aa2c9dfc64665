//! Engine.IO packets, payloads and the handshake.

use std::borrow::Cow;

use chat_wire::engine::{BadPacket, Handshake, Packet, payload};
use insta::assert_snapshot;

fn text(encode: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    encode(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn packets_in_text() {
    assert_eq!(Packet::decode_text("0{}"), Ok(Packet::Open("{}")));
    assert_eq!(Packet::decode_text("1"), Ok(Packet::Close));
    assert_eq!(Packet::decode_text("2probe"), Ok(Packet::Ping("probe")));
    assert_eq!(Packet::decode_text("3"), Ok(Packet::Pong("")));
    assert_eq!(Packet::decode_text("4héllo"), Ok(Packet::Message("héllo")));
    assert_eq!(Packet::decode_text("5"), Ok(Packet::Upgrade));
    assert_eq!(Packet::decode_text("6"), Ok(Packet::Noop));
    assert_eq!(Packet::decode_text("bAQIDBA=="), Ok(Packet::Binary(Cow::Borrowed(&[1, 2, 3, 4]))));
    assert_eq!(Packet::decode_text("bAQIDBA"), Ok(Packet::Binary(Cow::Borrowed(&[1, 2, 3, 4]))), "without padding");
}

#[test]
fn packets_that_are_none() {
    for (input, expected) in [
        ("", BadPacket::Empty),
        ("7", BadPacket::Type),
        ("abc", BadPacket::Type),
        ("ü", BadPacket::Type),
        ("1x", BadPacket::Data),
        ("5probe", BadPacket::Data),
        ("6 ", BadPacket::Data),
        ("b*", BadPacket::Base64),
        ("bA", BadPacket::Base64),
    ] {
        assert_eq!(Packet::decode_text(input), Err(expected), "{input:?}");
    }
}

#[test]
fn a_payload_ends_at_its_first_bad_packet() {
    let read: Vec<_> = payload::split("4a\u{1e}x\u{1e}4b", 9).collect();
    assert_eq!(read, [Ok(Packet::Message("a")), Err(BadPacket::Type)]);
    for body in ["", "\u{1e}", "4a\u{1e}", "\u{1e}4a", "4a\u{1e}\u{1e}4b"] {
        assert_eq!(payload::split(body, 9).last(), Some(Err(BadPacket::Empty)), "{body:?}");
    }
}

#[test]
fn a_payload_has_a_bounded_number_of_packets() {
    assert_eq!(payload::split("6\u{1e}6\u{1e}6", 3).count(), 3);
    let read: Vec<_> = payload::split("6\u{1e}6\u{1e}6", 2).collect();
    assert_eq!(read, [Ok(Packet::Noop), Ok(Packet::Noop), Err(BadPacket::TooManyPackets)]);
}

#[test]
fn payloads_as_they_stand_on_the_wire() {
    let body = text(|out| {
        payload::push(&Packet::Message("hello"), out);
        payload::push(&Packet::Ping(""), out);
        payload::push_binary(&[1, 2, 3, 4], out);
        payload::push_text(br#"42["x"]"#, out);
    });
    assert_eq!(body, "4hello\u{1e}2\u{1e}bAQIDBA==\u{1e}42[\"x\"]");
}

#[test]
fn the_open_packet_escapes_whatever_the_sid_is() {
    let handshake = Handshake { sid: "a\"b", upgrades: false, ping_interval_ms: 1, ping_timeout_ms: 2, max_payload: 3 };
    assert_snapshot!(
        text(|out| handshake.encode(out)),
        @r#"0{"sid":"a\"b","upgrades":[],"pingInterval":1,"pingTimeout":2,"maxPayload":3}"#
    );
}
