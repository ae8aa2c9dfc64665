//! What is encoded is decoded to the same, on all three layers.

use std::borrow::Cow;

use chat_wire::engine::{self, payload};
use chat_wire::limits::{ACK_ID_MAX, ATTACHMENTS_MAX};
use chat_wire::socket::{self, Event, Kind};
use chat_wire::websocket::{Opcode, Reader, encode, encode_close};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::frames::{Connection, Seen, frame};

/// Any text that can stand in a polling payload.
const TEXT: &str = "[^\u{1e}]{0,40}";

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "\\PC{0,12}".prop_map(Into::into),
    ];
    let tree = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(serde_json::Value::Array),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    tree.prop_map(|value| value.to_string())
}

fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just("/".to_owned()), "/[a-zé?=&\"]{1,20}"]
}

fn engine_packet() -> impl Strategy<Value = engine::Packet<'static>> {
    // Leaked, because a packet borrows; a few bytes a case.
    let text = || TEXT.prop_map(|text| -> &'static str { text.leak() });
    prop_oneof![
        text().prop_map(engine::Packet::Open),
        Just(engine::Packet::Close),
        text().prop_map(engine::Packet::Ping),
        text().prop_map(engine::Packet::Pong),
        text().prop_map(engine::Packet::Message),
        vec(any::<u8>(), 0..40).prop_map(|bytes| engine::Packet::Binary(Cow::Owned(bytes))),
        Just(engine::Packet::Upgrade),
        Just(engine::Packet::Noop),
    ]
}

/// The Socket.IO text inside an Engine.IO message.
fn message(out: &[u8]) -> &str {
    match engine::Packet::decode_text(str::from_utf8(out).unwrap()) {
        Ok(engine::Packet::Message(text)) => text,
        other => panic!("not a message: {other:?}"),
    }
}

proptest! {
    #[test]
    fn websocket_messages(payload in vec(any::<u8>(), 0..200), big in 65_530_usize..65_540, text in "\\PC{0,60}") {
        let big = vec![0x5a; big];
        let mut server = Connection::new(100_000);
        let mut client = Connection::with(Reader::of_server(), 100_000);
        let mut expected = Vec::new();
        for (opcode, bytes, seen) in [
            (Opcode::Text, text.as_bytes(), Seen::Text(text.clone())),
            (Opcode::Binary, &payload, Seen::Binary(payload.clone())),
            (Opcode::Binary, &big, Seen::Binary(big.clone())),
            (Opcode::Ping, &payload[..payload.len().min(125)], Seen::Ping(payload[..payload.len().min(125)].to_vec())),
        ] {
            server.feed(&frame(true, opcode, bytes));
            let mut out = Vec::new();
            encode(opcode, bytes, &mut out);
            client.feed(&out);
            expected.push(seen);
        }
        prop_assert_eq!(&server.seen, &expected);
        prop_assert_eq!(&client.seen, &expected);
    }

    #[test]
    fn close_frames(code in prop_oneof![1000_u16..=1003, 1007_u16..=1014, 3000_u16..=4999], reason in "\\PC{0,30}") {
        let mut out = Vec::new();
        encode_close(code, &reason, &mut out);
        let mut client = Connection::with(Reader::of_server(), 0);
        client.feed(&out);
        prop_assert_eq!(client.seen, [Seen::Close(Some((code, reason)))]);
    }

    #[test]
    fn engine_packets(packet in engine_packet()) {
        let mut out = Vec::new();
        packet.encode(&mut out);
        prop_assert_eq!(engine::Packet::decode_text(str::from_utf8(&out).unwrap()), Ok(packet));
    }

    #[test]
    fn engine_payloads(packets in vec(engine_packet(), 1..8)) {
        let (mut out, mut as_text) = (Vec::new(), Vec::new());
        for packet in &packets {
            payload::push(packet, &mut out);
            let mut text = Vec::new();
            packet.encode(&mut text);
            payload::push_text(&text, &mut as_text);
        }
        prop_assert_eq!(&out, &as_text);
        let read: Result<Vec<_>, _> = payload::split(str::from_utf8(&out).unwrap(), 8).collect();
        prop_assert_eq!(read, Ok(packets));
    }

    #[test]
    fn socket_packets(
        kind in prop::sample::select(vec![Kind::Connect, Kind::Disconnect, Kind::Event, Kind::Ack, Kind::ConnectError, Kind::BinaryEvent, Kind::BinaryAck]),
        namespace in namespace(),
        id in 0..=ACK_ID_MAX,
        with_id: bool,
        count in 0..=ATTACHMENTS_MAX,
        value in json(),
    ) {
        let (id, data) = match kind {
            Kind::Connect => (None, if with_id { String::new() } else { format!(r#"{{"a":{value}}}"#) }),
            Kind::Disconnect => (None, String::new()),
            Kind::ConnectError => (None, format!(r#"{{"message":{value}}}"#)),
            Kind::Event | Kind::BinaryEvent => (with_id.then_some(id), format!(r#"["e",{value}]"#)),
            Kind::Ack | Kind::BinaryAck => (Some(id), format!("[{value}]")),
        };
        let attachments = if kind.is_binary() { count } else { 0 };
        let packet = socket::Packet { kind, namespace: &namespace, id, attachments, data: &data };
        let mut out = Vec::new();
        packet.encode(&mut out);
        prop_assert_eq!(socket::Packet::decode(message(&out)), Ok(packet));
    }

    #[test]
    fn events_and_answers(name in "\\PC{1,20}", args in vec(json(), 0..8), namespace in namespace(), id in 0..=ACK_ID_MAX) {
        prop_assume!(!socket::RESERVED_NAMES.contains(&name.as_str()));
        let mut out = Vec::new();
        socket::event(&namespace, Some(id), &name, args.iter().map(String::as_str), &mut out);
        let packet = socket::Packet::decode(message(&out)).unwrap();
        prop_assert_eq!((packet.kind, packet.namespace, packet.id), (Kind::Event, namespace.as_str(), Some(id)));
        let event = Event::parse(packet.data).unwrap();
        prop_assert_eq!(event.name.as_ref(), name);
        prop_assert_eq!(event.args.iter().map(|arg| arg.get()).collect::<Vec<_>>(), args.clone());

        let mut out = Vec::new();
        socket::ack(&namespace, id, args.iter().map(String::as_str), &mut out);
        let packet = socket::Packet::decode(message(&out)).unwrap();
        prop_assert_eq!((packet.kind, packet.namespace, packet.id), (Kind::Ack, namespace.as_str(), Some(id)));
        let read = Event::parse_ack(packet.data).unwrap();
        prop_assert_eq!(read.iter().map(|arg| arg.get()).collect::<Vec<_>>(), args);
    }
}
