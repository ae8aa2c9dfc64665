//! Replays `tests/corpus`: bad input, a file a layer, a case a line, with what becomes of it.
//!
//! A line is the outcome (the name of the error, or `ok`), a tab, and the input: hex bytes of a client's stream for
//! `websocket.tsv`, a JSON string for the others. Lines with `#` say why. The same lines can be sent to a live server.

use std::collections::BTreeSet;

use chat_wire::engine::{Packet as Engine, Query, payload};
use chat_wire::limits::PAYLOAD_PACKETS_MAX;
use chat_wire::socket::{Attachments, BadPacket, Event, Kind, Packet};

use crate::frames::violation;

/// The maximum that the cases are made for.
const MESSAGE_MAX: usize = 1_000_000;

fn replay(file: &str, outcome: impl Fn(&str) -> &'static str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for (number, line) in file.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let (expected, input) = line.split_once('\t').expect("an outcome, a tab, the input");
        assert_eq!(outcome(input), expected, "line {}: {input}", number + 1);
        seen.insert(expected.to_owned());
    }
    seen
}

fn text(input: &str) -> String {
    serde_json::from_str(input).expect("a JSON string")
}

fn assert_covers(seen: &BTreeSet<String>, names: &[&str]) {
    let missing: Vec<_> = names.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn websocket_streams() {
    let seen = replay(include_str!("../corpus/websocket.tsv"), |input| {
        let bytes: Vec<u8> =
            input.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("a hex byte")).collect();
        violation(&bytes, MESSAGE_MAX).map_or("ok", |violation| violation.name())
    });
    // Too many fragments are thousands of frames; they have a test of their own.
    assert_covers(
        &seen,
        &[
            "reserved_bits",
            "reserved_opcode",
            "masking",
            "fragmented_control",
            "long_control",
            "length",
            "unexpected_continuation",
            "interrupted_message",
            "too_large",
            "utf8",
            "close_code",
            "close_payload",
        ],
    );
}

#[test]
fn engine_payloads() {
    let seen = replay(include_str!("../corpus/payload.tsv"), |input| {
        match payload::split(&text(input), PAYLOAD_PACKETS_MAX).find_map(Result::err) {
            Some(error) => error.name(),
            None => "ok",
        }
    });
    assert_covers(&seen, &["engine_empty", "engine_type", "engine_data", "engine_base64"]);
}

#[test]
fn queries() {
    let seen = replay(include_str!("../corpus/query.tsv"), |input| match Query::parse(&text(input)) {
        Ok(_) => "ok",
        Err(refusal) => refusal.name(),
    });
    assert_covers(&seen, &["unknown_transport", "unsupported_version", "bad_request"]);
}

#[test]
fn socket_packets() {
    fn check(text: &str) -> Result<(), BadPacket> {
        let packet = Packet::decode(text)?;
        match packet.kind {
            Kind::Event => Event::parse(packet.data).map(drop),
            Kind::Ack => Event::parse_ack(packet.data).map(drop),
            Kind::BinaryEvent => {
                Attachments::begin(&packet, MESSAGE_MAX)?;
                Event::parse(packet.data).map(drop)
            }
            Kind::BinaryAck => {
                Attachments::begin(&packet, MESSAGE_MAX)?;
                Event::parse_ack(packet.data).map(drop)
            }
            Kind::Connect | Kind::Disconnect | Kind::ConnectError => Ok(()),
        }
    }
    let seen = replay(include_str!("../corpus/socket.tsv"), |input| {
        let text = text(input);
        let Ok(Engine::Message(text)) = Engine::decode_text(&text) else { panic!("{text} is no message") };
        check(text).map_or_else(BadPacket::name, |()| "ok")
    });
    // Sizes and the order of text and bytes are more than one packet; they have tests of their own.
    assert_covers(
        &seen,
        &[
            "socket_kind",
            "socket_attachments",
            "socket_namespace",
            "socket_id",
            "socket_data",
            "socket_json",
            "socket_event_name",
            "socket_too_many_args",
            "socket_placeholder",
        ],
    );
}
