//! What a conforming server shows: one test a line of the behaviour list of Socket.IO v4, as far as the wire decides
//! it. What needs a clock or an application (heartbeats, the connect timeout, which namespaces there are) is tested one
//! crate up.

use chat_wire::engine::transport::{Cause, Get, Post, Probe, Transport, Upgrade};
use chat_wire::engine::{self, BadPacket, Handshake, Packet as Engine, Query, Refusal, payload};
use chat_wire::socket::{self, Attachments, BadPacket as BadSocket, Collected, Event, Kind, Packet};
use insta::assert_snapshot;

fn text(encode: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    encode(&mut out);
    String::from_utf8(out).unwrap()
}

fn open(upgrades: bool) -> String {
    let handshake =
        Handshake { sid: "abc", upgrades, ping_interval_ms: 25_000, ping_timeout_ms: 20_000, max_payload: 1_000_000 };
    text(|out| handshake.encode(out))
}

/// What a server does with an Engine.IO text that should hold a Socket.IO packet.
fn receive(text: &str) -> Result<(Kind, String, Option<u64>, String), BadSocket> {
    let Ok(Engine::Message(text)) = Engine::decode_text(text) else { panic!("{text} is no message") };
    let Packet { kind, namespace, id, attachments: _, data } = Packet::decode(text)?;
    if kind == Kind::Event {
        Event::parse(data)?;
    }
    Ok((kind, namespace.to_owned(), id, data.to_owned()))
}

#[test]
fn open_packet_has_exactly_the_five_fields() {
    let json: serde_json::Value = serde_json::from_str(&open(true)[1..]).unwrap();
    let mut keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"]);
}

#[test]
fn upgrades_is_websocket_on_polling_and_empty_on_websocket() {
    assert_snapshot!(open(true), @r#"0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#);
    assert_snapshot!(open(false), @r#"0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#);
}

#[test]
fn bad_or_missing_eio_transport_or_method_is_400() {
    for (raw, refusal) in [
        ("transport=polling", Refusal::UnsupportedVersion),
        ("EIO=abc&transport=polling", Refusal::UnsupportedVersion),
        ("EIO=3&transport=polling", Refusal::UnsupportedVersion),
        ("EIO=4", Refusal::UnknownTransport),
        ("EIO=4&transport=abc", Refusal::UnknownTransport),
        ("", Refusal::UnknownTransport),
    ] {
        assert_eq!(Query::parse(raw), Err(refusal), "{raw}");
        assert_eq!(refusal.status(), 400);
    }
    assert_eq!((Refusal::BadMethod.status(), Refusal::BadMethod.code()), (400, 2));
}

#[test]
fn a_post_is_answered_by_ok() {
    let mut transport = Transport::polling();
    assert_eq!(transport.post(None), Post::Take);
    assert!(transport.posted());
    assert_eq!(engine::OK, "ok");
}

#[test]
fn polling_payloads_are_joined_by_1e() {
    let read: Vec<_> = payload::split("4hello\u{1e}4world", 10).collect();
    assert_eq!(read, [Ok(Engine::Message("hello")), Ok(Engine::Message("world"))]);
    let body = text(|out| {
        payload::push(&Engine::Message("hello"), out);
        payload::push(&Engine::Message("world"), out);
    });
    assert_eq!(body, "4hello\u{1e}4world");
}

#[test]
fn binary_in_a_payload_is_b_and_base64() {
    assert_eq!(text(|out| payload::push_binary(&[1, 2, 3, 4], out)), "bAQIDBA==");
    assert_eq!(Engine::decode_text("bAQIDBA=="), Ok(Engine::Binary(vec![1, 2, 3, 4].into())));
}

#[test]
fn an_invalid_packet_closes_the_session_so_that_a_later_get_is_400() {
    let mut transport = Transport::polling();
    assert_eq!(transport.post(None), Post::Take);
    assert!(transport.posted());
    assert_eq!(payload::split("abc", 10).next(), Some(Err(BadPacket::Type)));
    assert_eq!(transport.end(Cause::Server), None);
    assert_eq!(transport.get(None), Get::Refuse);
}

#[test]
fn of_a_duplicate_get_the_first_gets_1_and_the_second_400() {
    let mut transport = Transport::polling();
    assert_eq!(transport.get(None), Get::Hold);
    assert_eq!(transport.get(None), Get::Conflict);
    assert_eq!(engine::CLOSE, "1");
    assert_eq!(transport.get(None), Get::Refuse);
}

#[test]
fn a_cancelled_get_closes_the_session() {
    let mut transport = Transport::polling();
    assert_eq!(transport.get(None), Get::Hold);
    assert!(transport.get_cancelled());
    assert_eq!(transport.get(None), Get::Refuse);
}

#[test]
fn after_a_posted_1_the_pending_get_gets_6_and_then_400() {
    let mut transport = Transport::polling();
    assert_eq!(transport.get(None), Get::Hold);
    assert_eq!(transport.post(None), Post::Take);
    assert!(transport.posted());
    assert_eq!(payload::split("1", 10).next(), Some(Ok(Engine::Close)));
    assert_eq!(transport.end(Cause::Client), Some("6"));
    assert_eq!(transport.get(None), Get::Refuse);
}

#[test]
fn after_a_ping_timeout_a_get_is_400() {
    let mut transport = Transport::polling();
    assert_eq!(transport.end(Cause::Server), None);
    assert_eq!(transport.get(None), Get::Refuse);
}

#[test]
fn an_upgrade_answers_the_probe_ends_the_pending_get_and_takes_5() {
    let mut transport = Transport::polling();
    assert_eq!(transport.get(None), Get::Hold);
    assert_eq!(Engine::decode_text(engine::PROBE), Ok(Engine::Ping("probe")));
    assert_eq!(transport.probe(), Probe::Answer { held: Some("6") });
    assert_eq!(Engine::decode_text(engine::PROBE_ANSWER), Ok(Engine::Pong("probe")));
    transport.answered();
    assert_eq!(Engine::decode_text("5"), Ok(Engine::Upgrade));
    assert_eq!(transport.upgrade(), Upgrade::Done { held: None });
    assert!(transport.is_websocket());
}

#[test]
fn after_an_upgrade_a_get_is_400_and_a_second_websocket_is_closed_while_the_first_goes_on() {
    let mut transport = Transport::polling();
    assert_eq!(transport.probe(), Probe::Answer { held: None });
    assert_eq!(transport.upgrade(), Upgrade::Done { held: None });
    assert_eq!(transport.get(None), Get::Refuse);
    assert_eq!(transport.probe(), Probe::Refuse);
    assert_eq!(transport.upgrade(), Upgrade::Refuse);
    assert!(transport.is_websocket());
}

#[test]
fn connect_with_and_without_a_trailing_comma() {
    for packet in ["40/custom", "40/custom,"] {
        assert_eq!(receive(packet), Ok((Kind::Connect, "/custom".to_owned(), None, String::new())));
    }
    assert_eq!(receive(r#"40/custom,{"token":"123"}"#).unwrap().3, r#"{"token":"123"}"#);
}

#[test]
fn an_unknown_namespace_is_answered_by_44() {
    let (kind, namespace, ..) = receive("40/random").unwrap();
    assert_eq!(kind, Kind::Connect);
    assert_snapshot!(
        text(|out| socket::connect_error(&namespace, "Invalid namespace", None, out)),
        @r#"44/random,{"message":"Invalid namespace"}"#
    );
}

#[test]
fn disconnect_names_the_namespace_that_it_ends() {
    assert_eq!(receive("41"), Ok((Kind::Disconnect, "/".to_owned(), None, String::new())));
    for packet in ["41/custom", "41/custom,"] {
        assert_eq!(receive(packet), Ok((Kind::Disconnect, "/custom".to_owned(), None, String::new())));
    }
}

#[test]
fn close_on_4abc_and_42_object_and_42abc_array() {
    assert_eq!(receive("4abc"), Err(BadSocket::Kind));
    assert_eq!(receive("42{}"), Err(BadSocket::Data));
    assert_eq!(receive(r#"42abc["message-with-ack",1]"#), Err(BadSocket::Data));
}

#[test]
fn event_and_ack() {
    let (kind, _, id, data) = receive(r#"42456["message-with-ack",1,"2",{"3":[false]}]"#).unwrap();
    assert_eq!((kind, id), (Kind::Event, Some(456)));
    let event = Event::parse(&data).unwrap();
    assert_snapshot!(
        text(|out| socket::ack("/", 456, event.args.iter().map(|arg| arg.get()), out)),
        @r#"43456[1,"2",{"3":[false]}]"#
    );
    assert_snapshot!(
        text(|out| socket::event("/", None, "message-back", event.args.iter().map(|arg| arg.get()), out)),
        @r#"42["message-back",1,"2",{"3":[false]}]"#
    );
}

#[test]
fn binary_event_and_binary_ack() {
    let received = r#"2-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let received = format!("5{received}");
    let mut attachments = Attachments::begin(&Packet::decode(&received).unwrap(), 1_000).unwrap();
    assert_eq!(attachments.push(vec![1, 2, 3]), Ok(Collected::More));
    assert_eq!(attachments.push(vec![4, 5, 6]), Ok(Collected::All));
    let packet = attachments.packet();
    let event = Event::parse(packet.data).unwrap();
    let args = || event.args.iter().map(|arg| arg.get());
    assert_snapshot!(
        text(|out| socket::binary_event("/", None, "message-back", args(), packet.attachments, out)),
        @r#"452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#
    );
    assert_snapshot!(
        text(|out| socket::binary_ack("/", 789, args(), packet.attachments, out)),
        @r#"462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#
    );
}

#[test]
fn the_connect_reply_has_a_pid_only_with_recovery_on() {
    assert_snapshot!(text(|out| socket::connect_reply("/", "s1", None, out)), @r#"40{"sid":"s1"}"#);
    assert_snapshot!(text(|out| socket::connect_reply("/", "s1", Some("p1"), out)), @r#"40{"sid":"s1","pid":"p1"}"#);
}

#[test]
fn the_offset_is_the_last_element_of_an_event() {
    assert_snapshot!(
        text(|out| socket::event("/", None, "message", [r#"{"n":1}"#, r#""r:a:1-1""#], out)),
        @r#"42["message",{"n":1},"r:a:1-1"]"#
    );
}

#[test]
fn a_reconnect_brings_pid_and_offset_with_its_auth() {
    let (kind, _, _, data) = receive(r#"40{"pid":"p1","offset":"r:a:1-1","token":"x"}"#).unwrap();
    assert_eq!(kind, Kind::Connect);
    assert_eq!(data, r#"{"pid":"p1","offset":"r:a:1-1","token":"x"}"#);
}
